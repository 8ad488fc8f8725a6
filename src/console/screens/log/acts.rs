//! What keys do in the Log.

use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use super::detail::{Mode, Opened};
use super::filtering::{self, Typing};
use super::{Log, Over, Sent, row};
use crate::client::Direction;
use crate::console::action::Action;
use crate::console::ask::What;
use crate::console::kept::{BOOKMARKS, Change};
use crate::console::place::Spot;
use crate::console::screens::Want;
use crate::console::widgets::PLAIN;
use crate::console::widgets::chrome::Tone;
use crate::console::world::World;
use crate::domain::deed::Deed;
use crate::domain::filter::Vocabulary;

impl Log {
    pub(super) fn current(&self) -> Option<&Arc<Deed>> {
        match &self.family {
            Some(family) => family.rows.get(family.list.selected()?).map(|(_, deed)| deed),
            None => self.window.selected(),
        }
    }

    pub(super) fn open(&mut self, mode: Mode) -> Vec<Want> {
        let Some(deed) = self.current().cloned() else { return Vec::new() };
        let seq = deed.seq;
        self.opened = Some(Opened::new(deed, mode));
        self.asking.forget(|sent| matches!(sent, Sent::Chain(_)));
        self.panes.scroll.to_top();
        vec![self.asking.ask(Sent::Chain(seq), What::Chain(seq))]
    }

    pub(super) fn follow_cursor(&mut self) -> Vec<Want> {
        let Some(opened) = &self.opened else { return Vec::new() };
        let mode = opened.mode;
        if self.current().is_some_and(|deed| deed.seq != opened.deed.seq) {
            self.open(mode)
        } else {
            Vec::new()
        }
    }

    pub(super) fn close(&mut self, world: &World) -> Vec<Want> {
        if self.strip.pick.take().is_some() || self.opened.take().is_some() || self.family.take().is_some() {
            return Vec::new();
        }
        if !self.filtering.text().is_empty() {
            return self.set_filter("", world).unwrap_or_default();
        }
        Vec::new()
    }

    pub(super) fn follow(&mut self) -> Vec<Want> {
        if self.window.list.follows() {
            self.window.list.hold();
            return Vec::new();
        }
        self.family = None;
        if self.window.follow() { self.jump(Direction::Newest) } else { self.follow_cursor() }
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "every other action that moves is the list's")]
    pub(super) fn move_list(&mut self, action: Action) -> Option<Vec<Want>> {
        if let Some(family) = &mut self.family {
            return family.list.apply(action).then(|| self.follow_cursor());
        }
        match action {
            Action::First if self.window.has_older() => {
                self.window.list.hold();
                return Some(self.jump(Direction::Oldest));
            }
            Action::Last if !self.window.is_at_end() => return Some(self.jump(Direction::Newest)),
            Action::Last => self.window.forget_fresh(),
            Action::Left | Action::Right => {
                self.window.list.sideways(action == Action::Right);
                return Some(Vec::new());
            }
            _ => {}
        }
        self.window.list.apply(action).then(|| self.follow_cursor())
    }

    pub(super) fn neighbour(&mut self, forward: bool, world: &World) -> Vec<Want> {
        let rows = self.window.rows();
        let wanted = |row: usize| {
            let marked = |deed: &Deed| world.kept().bookmarks.contains(&deed.seq);
            rows.get(row).is_some_and(|deed| row::needs_attention(deed) || marked(deed))
        };
        let found = self.window.list.next_such(forward, wanted);
        match found {
            Some(row) => {
                self.window.list.select(row);
                self.follow_cursor()
            }
            None => Want::info("nothing more here that was refused, raised or bookmarked"),
        }
    }

    pub(super) fn zoom(&mut self, world: &World) -> Vec<Want> {
        if self.strip.pick.take().is_some() {
            return Vec::new();
        }
        if let Some(wider) = self.filtering.without_time() {
            return self.set_filter(&wider, world).unwrap_or_else(Want::fail);
        }
        if self.strip.begin() {
            return Vec::new();
        }
        Want::info("the timeline is not here yet")
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "every other action is the view's")]
    pub(super) fn act_on_strip(&mut self, action: Action, world: &World) -> Option<Vec<Want>> {
        self.strip.pick?;
        match action {
            Action::Left => self.strip.move_pick(-1),
            Action::Right => self.strip.move_pick(1),
            Action::PageUp | Action::HalfUp => self.strip.move_pick(-10),
            Action::PageDown | Action::HalfDown => self.strip.move_pick(10),
            Action::First => self.strip.move_pick(isize::MIN),
            Action::Last => self.strip.move_pick(isize::MAX),
            Action::Up | Action::Down => {
                if self.strip.rescale(action == Action::Up) {
                    return Some(vec![self.ask_histogram(world)]);
                }
            }
            Action::Open => {
                // The first press sets one end; the second one zooms.
                let Some((from, to)) = self.strip.mark() else { return Some(Vec::new()) };
                let text = self.filtering.with_time(from, to);
                return Some(self.set_filter(&text, world).unwrap_or_else(Want::fail));
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    /// A range of the timeline being dragged over; none where the mouse is elsewhere.
    #[expect(clippy::wildcard_enum_match_arm, reason = "crossterm's enum: nothing else is taken")]
    pub(super) fn drag_on_strip(&mut self, event: MouseEvent, world: &World) -> Option<Vec<Want>> {
        let area = self.strip_area.get();
        let inside = area.contains(Position { x: event.column, y: event.row });
        let at = event.column.clamp(area.x, area.right().saturating_sub(1).max(area.x)) - area.x;
        match event.kind {
            MouseEventKind::Down(MouseButton::Left) if inside => self.strip.point(area.width, at, true),
            MouseEventKind::Drag(MouseButton::Left) if self.strip.pick.is_some() => {
                self.strip.point(area.width, at, false);
            }
            MouseEventKind::Up(MouseButton::Left) if self.strip.is_range() => {
                return self.act_on_strip(Action::Open, world);
            }
            _ => return None,
        }
        Some(Vec::new())
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "called with the actions above only")]
    pub(super) fn act_on_deed(&mut self, action: Action, world: &World) -> Vec<Want> {
        let Some(deed) = self.current().cloned() else {
            return Want::info("no deed is selected");
        };
        match action {
            Action::Open => self.open(Mode::Facts),
            Action::Raw => match &mut self.opened {
                Some(opened) => {
                    opened.mode = opened.mode.next();
                    self.panes.scroll.to_top();
                    Vec::new()
                }
                None => self.open(Mode::Json),
            },
            Action::Trace => match &deed.subject {
                Some(subject) => Want::log(Spot::Filter(format!("entity:{subject}"))),
                None => Want::info(format!("#{} is about no entity", deed.seq)),
            },
            Action::HowItWas => vec![Want::Look(deed.seq)],
            Action::Causes => vec![self.asking.ask(Sent::Family(deed.seq), What::Chain(deed.seq))],
            Action::Bookmark => {
                let (marks, seq) = (&world.kept().bookmarks, deed.seq);
                let put = !marks.contains(&seq);
                let all = if put { marks.len() + 1 } else { marks.len() - 1 }.min(BOOKMARKS);
                let words = if put { "bookmarked" } else { "not bookmarked any more:" };
                let words = format!("{words} #{seq}, {all} in all");
                vec![Want::Keep(Change::Bookmark(seq, put)), Want::Say(Tone::Done, words)]
            }
            Action::Copy => self.copy(&deed),
            _ => Vec::new(),
        }
    }

    pub(super) fn copy(&self, deed: &Arc<Deed>) -> Vec<Want> {
        let raw = self.opened.as_ref().and_then(|opened| opened.chain.as_ref());
        let (text, what) = match raw.filter(|chain| chain.deed.seq == deed.seq) {
            Some(chain) => (chain.raw.to_string(), "as stored"),
            None => (row::plain(PLAIN, deed), "in one line"),
        };
        Want::copied(text, format!("#{} {what}", deed.seq))
    }

    pub(super) fn begin_filter(&mut self, world: &World) -> Vec<Want> {
        self.over = Some(Over::Filter(Typing::new(self.filtering.text(), &world.kept().recent)));
        if self.vocabulary == Vocabulary::default() {
            self.vocabulary = filtering::vocabulary_of(world);
        }
        if self.asking.any(|sent| *sent == Sent::Words) {
            Vec::new()
        } else {
            vec![self.asking.ask(Sent::Words, What::Words)]
        }
    }

    pub(super) fn submit(&mut self, world: &World) -> Vec<Want> {
        match self.over.take() {
            Some(Over::Filter(typing)) => {
                let text = typing.prompt.text().trim().to_owned();
                match self.set_filter(&text, world) {
                    Ok(mut wants) => {
                        wants.extend((!text.is_empty()).then_some(Want::Keep(Change::Recent(text))));
                        wants
                    }
                    Err(error) => {
                        self.over = Some(Over::Filter(typing));
                        Want::fail(error)
                    }
                }
            }
            Some(Over::Export(prompt)) => {
                let file = prompt.text().trim().to_owned();
                if file.is_empty() {
                    return Want::fail("nothing was exported: no file was named");
                }
                let filter = self.filtering.text().to_owned();
                let want = self.asking.ask(Sent::Export, What::Export { filter, file: PathBuf::from(&file) });
                vec![want, Want::Say(Tone::Info, format!("exporting to {file}"))]
            }
            Some(Over::Name(prompt)) => self.name(prompt, world),
            None => Vec::new(),
        }
    }

    pub(super) fn act_on_prompt(&mut self, action: Action, world: &World) -> Vec<Want> {
        match (action, &mut self.over) {
            (Action::Submit, _) => return self.submit(world),
            (Action::Close, _) => self.over = None,
            (Action::Complete, Some(Over::Filter(typing))) => typing.complete(&self.vocabulary),
            (Action::NextSuggestion, Some(Over::Filter(typing))) => typing.choose(true, &self.vocabulary),
            (Action::PreviousSuggestion, Some(Over::Filter(typing))) => {
                typing.choose(false, &self.vocabulary);
            }
            _ => {}
        }
        Vec::new()
    }
}
