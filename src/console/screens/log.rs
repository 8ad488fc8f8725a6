//! The Log: everything that happened, as it happens. Follow or hold, filter, zoom in time, open a deed.
//!
//! Here are the state and what it does with messages; `acts` is what keys do, `asks` what is asked of the server, `window` is the stretch of deeds that is held, `row` draws one of them, `strip` is
//! the timeline, `detail` an opened deed, `view` puts them together. Which deeds a filter means is the domain's business.

mod acts;
mod asks;
mod detail;
mod filtering;
mod naming;
pub(in crate::console) mod row;
mod strip;
#[cfg(test)]
mod tests;
mod view;
mod window;

use std::cell::Cell;
use std::sync::Arc;

use crossterm::event::MouseEvent;
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};

use self::detail::Opened;
use self::filtering::{Filtering, Typing};
use self::strip::{BUCKETS, Strip};
use self::window::Window;
use super::{Areas, Screen, Want};
use crate::client::Direction;
use crate::console::action::Action;
use crate::console::ask::{Told, Trouble};
use crate::console::asking::{self, Asking};
use crate::console::keymap::Context;
use crate::console::place::{Spot, View};
use crate::console::under::Under;
use crate::console::widgets::Look;
use crate::console::widgets::list::ListState;
use crate::console::widgets::prompt::{Insert, Prompt};
use crate::console::widgets::reading::{Moused, Panes};
use crate::console::world::World;
use crate::domain::deed::Deed;
use crate::domain::filter::Vocabulary;
use crate::domain::ids::Seq;

/// What is being typed.
#[derive(Debug)]
enum Over {
    Filter(Typing),
    /// The file to export to.
    Export(Prompt),
    /// What the filter in force is called from now on.
    Name(Prompt),
}

/// The chain of one deed, in place of the list.
#[derive(Debug)]
struct Family {
    rows: Vec<(usize, Arc<Deed>)>,
    own: Seq,
    cut: bool,
    list: ListState,
}

/// What an answer from the server will be about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Sent {
    Page(Direction),
    Histogram,
    /// For an opened deed.
    Chain(Seq),
    /// For the list of a chain.
    Family(Seq),
    Words,
    Export,
}

#[derive(Debug, Default)]
pub struct Log {
    window: Window,
    filtering: Filtering,
    over: Option<Over>,
    opened: Option<Opened>,
    family: Option<Family>,
    strip: Strip,
    vocabulary: Vocabulary,
    /// How many deeds the filter means, and whether all were counted.
    count: Option<(u64, bool)>,
    asking: Asking<Sent>,
    /// The last deed of the past that is looked at; none in the present.
    until: Option<Seq>,
    /// The deed to go to once its page is here, and whether to open it.
    awaited: Option<(Seq, bool)>,
    /// The deed at which the reader last left, so that coming back does not open it.
    left_at: Cell<Option<Seq>>,
    /// Where the rows were drawn last, for the mouse.
    panes: Panes,
    /// Where the bars of the timeline were drawn last.
    strip_area: Cell<Rect>,
}

impl Screen for Log {
    fn view(&self) -> View {
        View::Log
    }

    fn context(&self) -> Context {
        if self.over.is_some() { Context::Prompt } else { Context::Log }
    }

    fn hints(&self, _world: &World) -> Vec<Action> {
        use Action as A;
        match (&self.over, self.strip.pick, &self.opened) {
            (Some(Over::Filter(typing)), ..) => {
                let before = typing.before().map(|_| A::PreviousSuggestion);
                let own = [A::Submit, A::Complete, A::NextSuggestion];
                own.into_iter().chain(before).chain([A::Close]).collect()
            }
            (Some(Over::Export(_) | Over::Name(_)), ..) => vec![A::Submit, A::Close],
            (None, Some(_), _) => vec![A::Left, A::Right, A::Up, A::Open, A::Close],
            (None, None, Some(_)) => {
                vec![A::Close, A::Raw, A::ScrollDown, A::Causes, A::HowItWas, A::Trace, A::Copy]
            }
            (None, None, None) => {
                let own =
                    [A::Filter, A::Open, A::Follow, A::Trace, A::Causes, A::Bookmark, A::Zoom, A::Export];
                let more = self.window.list.is_cut().then_some(A::Right);
                let named = (!self.filtering.text().is_empty()).then_some(A::SaveFilter);
                own.into_iter().chain(named).chain(more).collect()
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "what is not named here moves the list or is about a deed"
    )]
    fn act(&mut self, action: Action, world: &World) -> Vec<Want> {
        if self.over.is_some() {
            return self.act_on_prompt(action, world);
        }
        if let Some(wants) = self.act_on_strip(action, world) {
            return wants;
        }
        let wants = match action {
            Action::Filter => self.begin_filter(world),
            Action::Close => self.close(world),
            Action::Follow => self.follow(),
            Action::SaveFilter => self.begin_naming(world),
            Action::Zoom => self.zoom(world),
            Action::Export => {
                self.over = Some(Over::Export(Prompt::with_text(&format!("{}-log.jsonl", world.workspace))));
                Vec::new()
            }
            Action::NextMatch | Action::PreviousMatch => self.neighbour(action == Action::NextMatch, world),
            Action::ScrollDown | Action::ScrollUp => {
                self.panes.scroll.act(action);
                Vec::new()
            }
            other => match self.move_list(other) {
                Some(wants) => wants,
                None => self.act_on_deed(other, world),
            },
        };
        wants.into_iter().chain(self.fetch(world)).collect()
    }

    fn does(&self, action: Action, _world: &World) -> Option<String> {
        match (&self.over, action) {
            (Some(Over::Filter(typing)), Action::PreviousSuggestion) => typing.before(),
            _ => None,
        }
    }

    fn insert(&mut self, insert: Insert<'_>, _world: &World) -> Vec<Want> {
        match &mut self.over {
            Some(Over::Filter(typing)) => typing.insert(insert),
            Some(Over::Export(prompt) | Over::Name(prompt)) => _ = prompt.insert(insert),
            None => {}
        }
        Vec::new()
    }

    fn mouse(&mut self, event: MouseEvent, world: &World) -> Vec<Want> {
        if let Some(wants) = self.drag_on_strip(event, world) {
            return wants;
        }
        let list = self.family.as_mut().map_or(&mut self.window.list, |family| &mut family.list);
        if let Moused::Again(_) = self.panes.mouse(event, list) {
            return self.act(Action::Open, world);
        }
        let wants = self.follow_cursor();
        wants.into_iter().chain(self.fetch(world)).collect()
    }

    fn deed(&mut self, deed: &Arc<Deed>, _world: &World) {
        let meant = self.filtering.means(deed);
        self.window.live(deed, meant);
        if meant {
            if let Some((count, _)) = &mut self.count {
                *count += 1;
            }
            if !self.strip.count(deed) {
                self.strip.outgrown = true;
            }
        }
    }

    fn refresh(&mut self, world: &World) -> Vec<Want> {
        self.strip.roll_to(world.now);
        let mut wants = self.fetch(world);
        if self.window.list.follows() && self.family.is_none() {
            wants.extend(self.follow_cursor());
        }
        if self.strip.outgrown && !self.asking.any(|sent| *sent == Sent::Histogram) {
            self.strip.outgrown = false;
            wants.push(self.ask_histogram(world));
        }
        wants
    }

    fn reset(&mut self) {
        *self = Self { asking: self.asking.anew(), until: self.until, ..Self::default() };
    }

    fn moment(&mut self, world: &World) {
        let text = self.filtering.text().to_owned();
        self.reset();
        self.until = world.as_of().map(|then| then.seq);
        // It was a filter before, so it is one now.
        self.filtering.set(&text, world.now).unwrap_or_default();
        self.strip.fix(self.filtering.range(world.now));
    }

    fn is_open(&self) -> bool {
        self.strip.pick.is_some()
            || self.opened.is_some()
            || self.family.is_some()
            || !self.filtering.text().is_empty()
    }

    fn told(&mut self, tag: u64, result: Result<Told, Trouble>, world: &World) -> Vec<Want> {
        let Some(sent) = self.asking.answered(tag) else { return Vec::new() };
        let told = match result {
            Ok(told) => told,
            Err(trouble) => return Want::fail(trouble.to_string()),
        };
        match (sent, told) {
            (Sent::Page(from), Told::Page(page)) => {
                let stuck = from == Direction::After(page.head);
                let mut wants = self.take_page(from, page, world);
                // An index that has not got further yet is asked again when something happens, not in a circle.
                if !stuck {
                    wants.extend(self.fetch(world));
                }
                wants
            }
            (Sent::Histogram, Told::Histogram(histogram)) => {
                self.strip.take(histogram);
                Vec::new()
            }
            (Sent::Chain(seq), Told::Chain(mut chain)) => {
                self.cut_to_then(&mut chain);
                if let Some(opened) = self.opened.as_mut().filter(|opened| opened.deed.seq == seq) {
                    opened.chain = Some(chain);
                }
                Vec::new()
            }
            (Sent::Family(seq), Told::Chain(mut chain)) => {
                self.cut_to_then(&mut chain);
                self.show_family(seq, &chain);
                self.follow_cursor()
            }
            (Sent::Words, Told::Words(words)) => {
                self.vocabulary = Vocabulary {
                    actors: words.actors,
                    actions: words.actions,
                    entities: words.entities,
                    fields: words.fields,
                };
                Vec::new()
            }
            (Sent::Export, Told::Exported { file, deeds }) => {
                Want::done(format!("{deeds} deeds are in {}", file.display()))
            }
            (
                Sent::Page(_)
                | Sent::Histogram
                | Sent::Chain(_)
                | Sent::Family(_)
                | Sent::Words
                | Sent::Export,
                _,
            ) => Want::fail(asking::ANOTHER_ANSWER),
        }
    }

    fn enter(&mut self, spot: Option<&Spot>, world: &World) -> Vec<Want> {
        match spot {
            Some(Spot::Filter(text)) if text != self.filtering.text() => {
                self.set_filter(text, world).unwrap_or_else(Want::fail)
            }
            Some(Spot::Deed(seq)) => self.enter_deed(*seq, world),
            Some(Spot::Within(text, seq)) => self.enter_within(text, *seq, world),
            Some(Spot::Chain(seq)) => self.enter_chain(*seq, world),
            Some(Spot::Filter(_) | Spot::Item(_) | Spot::Alert(_) | Spot::Path(_) | Spot::Line(_)) | None => {
                self.fetch(world)
            }
        }
    }

    fn under(&self, world: &World) -> Under {
        let (Some(deed), Some(board)) = (self.current(), &world.board) else { return Under::default() };
        let alerts = deed.refs.alerts.iter().filter_map(|no| board.alerts.get(no));
        let under = alerts.fold(Under::deed(deed), |under, alert| under.actors(alert.who.iter().rev()));
        let under = deed.refs.lease.map_or(under.clone(), |fence| under.lease(board, fence));
        under.with_leases(board, world.now)
    }

    fn spot(&self) -> Option<Spot> {
        let (held, filter) = (!self.window.list.follows(), self.filtering.text());
        match self.window.selected().filter(|_| held) {
            Some(deed) if !filter.is_empty() => Some(Spot::Within(filter.to_owned(), deed.seq)),
            Some(deed) => {
                self.left_at.set(Some(deed.seq).filter(|_| self.opened.is_none()));
                Some(Spot::Deed(deed.seq))
            }
            None => Some(Spot::Filter(filter.to_owned())),
        }
    }

    fn draw(&self, buffer: &mut Buffer, areas: Areas, look: Look<'_>, world: &World) -> Option<Position> {
        self.draw_view(buffer, areas, look, world)
    }
}
