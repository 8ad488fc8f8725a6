//! Looking at the past: the screens of the present are put aside as they are, and go on hearing of the present; others, on
//! a board of the past, take their place until the reader comes back.

#[cfg(test)]
mod tests;

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use super::over::{About, Over};
use super::{App, Effect};
use crate::api::AsOf;
use crate::client::LedgerQuery;
use crate::console::action::Action;
use crate::console::ask::{Ask, Told, Trouble, What};
use crate::console::place::Spot;
use crate::console::screens::{self, Screen, Want};
use crate::console::widgets::chrome::Tone;
use crate::console::widgets::modal::Frame;
use crate::console::widgets::prompt::Prompt;
use crate::console::widgets::{Look, put, put_lines, styled};
use crate::console::world::World;
use crate::domain::ids::Seq;
use crate::domain::state::Board;

/// Outer width of the box.
const WIDTH: u16 = 72;
/// Rows of the box.
const ROWS: u16 = 9;
/// What can be typed, and what it means.
const EXAMPLES: [(&str, &str); 4] = [
    ("-2h   -15m   -1d", "so long ago"),
    ("08:11   2026-02-14T08:11   2026-02-14", "a time, in UTC"),
    ("#4711", "after that deed"),
    ("nothing", "the present"),
];
/// Label of the line that is typed.
const LABEL: &str = "as of  ";
/// Bits of a tag that are the screen's own; those above say of which set of screens.
const TAG_BITS: u32 = 40;

/// A moment being named.
#[derive(Debug, Default)]
pub(in crate::console) struct Naming {
    pub(super) prompt: Prompt,
    /// Sent, and not answered yet.
    asked: bool,
    trouble: Option<String>,
}

/// The screens of the present, put aside.
pub(super) struct Aside {
    pub(super) screens: Vec<Box<dyn Screen>>,
    set: u64,
}

/// Which set of screens asks: answers to those that are gone are nobody's.
#[derive(Debug, Default)]
pub(super) struct Sets {
    now: u64,
    last: u64,
}

impl Naming {
    /// Draws it over the view.
    pub(in crate::console) fn draw(
        &self,
        buffer: &mut Buffer,
        screen: Rect,
        look: Look<'_>,
    ) -> Option<Position> {
        let theme = look.theme;
        let inner = Frame { title: "Look at how it was", width: WIDTH }.draw(buffer, screen, look, ROWS);
        let cursor = self.prompt.draw(buffer, inner, look, LABEL);
        let line = |text: String, style| styled(text, style);
        for (row, (example, meaning)) in (2..).zip(EXAMPLES) {
            put(buffer, inner, row, &line(format!("{example:<42}{meaning}"), theme.muted));
        }
        let below =
            Rect { y: inner.y + 7.min(inner.height), height: inner.height.saturating_sub(7), ..inner };
        match (&self.trouble, self.asked) {
            (Some(trouble), _) => {
                let room = usize::from(inner.width);
                put_lines(buffer, below, &look.wrap(trouble, room, 2, theme.danger));
            }
            (None, true) => put(buffer, below, 0, &line("looking ...".to_owned(), theme.info)),
            (None, false) => {}
        }
        cursor.filter(|_| !self.asked)
    }
}

impl App {
    /// Whether the past is looked at.
    pub fn looks_back(&self) -> bool {
        self.world.as_of().is_some()
    }

    /// Begins to name a moment.
    pub(super) fn begin_naming(&mut self) {
        self.over = Some(Over::Naming(Naming::default()));
    }

    /// Takes the moment that was typed.
    pub(super) fn name_moment(&mut self) -> Vec<Effect<Ask>> {
        let Some(Over::Naming(naming)) = &mut self.over else { return Vec::new() };
        let text = naming.prompt.text().trim().to_owned();
        if text.is_empty() {
            self.over = None;
            return self.come_back();
        }
        (naming.asked, naming.trouble) = (true, None);
        vec![self.ask_over(About::Moment { stay: true }, What::Then(text))]
    }

    /// Looks at how it was at that moment, in a person's own words, from where a reader begins.
    pub fn look_at(&mut self, at: &str) -> Vec<Effect<Ask>> {
        if self.world.board.is_none() {
            return Vec::new();
        }
        vec![self.ask_over(About::Moment { stay: false }, What::Then(at.to_owned()))]
    }

    /// Looks at how it was after a deed.
    pub(super) fn look_after(&mut self, seq: Seq) -> Vec<Effect<Ask>> {
        self.say(Tone::Info, format!("looking at how it was after deed {seq} ..."));
        vec![self.ask_over(About::Moment { stay: true }, What::Then(seq.to_string()))]
    }

    /// The past came, or it did not.
    pub(super) fn told_moment(&mut self, result: Result<Told, Trouble>, stay: bool) -> Vec<Effect<Ask>> {
        match result {
            Ok(Told::Then(board, as_of)) if board.workspace == self.world.workspace => {
                if matches!(self.over, Some(Over::Naming(_))) {
                    self.over = None;
                }
                self.said = None;
                self.look_back(board, as_of, stay)
            }
            Ok(_) => Vec::new(),
            Err(trouble) => {
                if let Some(Over::Naming(naming)) = &mut self.over {
                    (naming.asked, naming.trouble) = (false, Some(trouble.what));
                } else {
                    self.say(Tone::Failed, trouble.to_string());
                }
                Vec::new()
            }
        }
    }

    fn look_back(&mut self, board: Box<Board>, as_of: AsOf, stay: bool) -> Vec<Effect<Ask>> {
        let spot = self.screen().filter(|_| stay).and_then(Screen::spot);
        let spot = spot.filter(|spot| is_there(spot, &board, as_of.seq));
        self.world.look_back(board, as_of);
        if self.aside.is_none() {
            let present = std::mem::replace(&mut self.screens, screens::all());
            self.aside = Some(Aside { screens: present, set: self.sets.now });
            self.sets.last += 1;
            self.sets.now = self.sets.last;
        }
        for screen in &mut self.screens {
            screen.moment(&self.world);
        }
        self.stale = true;
        let mut effects = self.with_all(|screen, world| screen.refresh(world));
        effects.extend(self.with_screen(|screen, world| screen.enter(spot.as_ref(), world)));
        effects
    }

    /// Another set of screens is another thing to decide on.
    pub(super) fn epoch_of_the_set(&self) -> u64 {
        (self.sets.last << 1 | u64::from(self.aside.is_some())) << TAG_BITS
    }

    /// Back to the present, if this is not it.
    pub(super) fn leave_the_past(&mut self) -> Vec<Effect<Ask>> {
        if !self.looks_back() {
            self.say(Tone::Info, "this is the present".to_owned());
            return Vec::new();
        }
        self.say(Tone::Info, "back in the present".to_owned());
        self.come_back()
    }

    /// Back to the present, as if it had never been left.
    pub(super) fn come_back(&mut self) -> Vec<Effect<Ask>> {
        let Some(Aside { screens, set }) = self.aside.take() else { return Vec::new() };
        self.screens = screens;
        self.sets.now = set;
        self.world.come_back();
        self.stale = true;
        self.with_screen(|screen, world| screen.enter(None, world))
    }

    /// `close` where nothing is open leaves the past.
    pub(super) fn closes_the_past(&self, action: Action) -> bool {
        action == Action::Close && self.looks_back() && self.screen().is_some_and(|screen| !screen.is_open())
    }

    /// A screen's tag as it goes out.
    pub(super) fn tag_out(&self, tag: u64) -> u64 {
        tag | self.sets.now << TAG_BITS
    }

    /// An answer for a screen: of those that are shown, of those put aside, or of none that is left.
    pub(super) fn told_screen(
        &mut self,
        to: super::View,
        tag: u64,
        result: Result<Told, Trouble>,
    ) -> Vec<Effect<Ask>> {
        let (set, tag) = (tag >> TAG_BITS, tag & ((1 << TAG_BITS) - 1));
        if set == self.sets.now {
            return self.with_view(to, |screen, world| screen.told(tag, result, world));
        }
        let Some(aside) = self.aside.as_mut().filter(|aside| aside.set == set) else { return Vec::new() };
        let Some(screen) = aside.screens.iter_mut().find(|screen| screen.view() == to) else {
            return Vec::new();
        };
        let wants = self.world.in_the_present(|world| screen.told(tag, result, world));
        // Only what it asks for further counts: nobody looks at it now.
        let asks = wants.into_iter().filter_map(|want| match want {
            Want::Ask { tag, what: what @ (What::Page(_) | What::Histogram { .. } | What::Deeds(_)) } => {
                Some(Effect::Do(Ask { from: to, tag: tag | set << TAG_BITS, what }))
            }
            Want::Keep(change) => self.keep(change),
            Want::Ask { .. }
            | Want::Go(_)
            | Want::Say(..)
            | Want::Copy { .. }
            | Want::Edit(_)
            | Want::TakeOver(_)
            | Want::Look(_) => None,
        });
        asks.collect()
    }
}

/// What is asked while the past is looked at knows nothing of what came later.
#[expect(clippy::wildcard_enum_match_arm, reason = "only what has a filter can be bounded by one")]
pub(super) fn bounded(world: &World, what: What) -> What {
    let Some(AsOf { seq, .. }) = world.as_of() else { return what };
    let until = |filter: String| format!("{filter} seq:..{seq}").trim().to_owned();
    match what {
        What::Page(query) => What::Page(LedgerQuery { filter: until(query.filter), ..query }),
        What::Histogram { filter, from, to, buckets } => {
            What::Histogram { filter: until(filter), from, to, buckets }
        }
        What::Export { filter, file } => What::Export { filter: until(filter), file },
        other => other,
    }
}

/// Whether a place of the present is in the past too.
fn is_there(spot: &Spot, board: &Board, until: Seq) -> bool {
    match spot {
        Spot::Item(no) => board.items.contains_key(no) || board.closed_item(*no).is_some(),
        Spot::Alert(no) => board.alerts.contains_key(no),
        Spot::Deed(seq) | Spot::Chain(seq) | Spot::Within(_, seq) => *seq <= until,
        Spot::Filter(_) => true,
        Spot::Path(_) | Spot::Line(_) => false,
    }
}
