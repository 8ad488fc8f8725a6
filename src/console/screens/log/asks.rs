//! What the Log asks of the server, and what it does with the answers.

use super::detail::{self, Mode};
use super::strip::BUCKETS;
use super::window::{PAGE, Window};
use super::{Family, Log, Sent};
use crate::client::{Direction, LedgerQuery};
use crate::console::ask::{Chain, Page, What};
use crate::console::screens::Want;
use crate::console::widgets::list::ListState;
use crate::console::world::World;
use crate::domain::ids::Seq;

impl Log {
    /// Leaves of the family of a deed what was there then.
    pub(super) fn cut_to_then(&self, chain: &mut Chain) {
        if let Some(until) = self.until {
            chain.effects.retain(|(_, deed)| deed.seq <= until);
        }
    }

    pub(super) fn ask_page(&mut self, from: Direction, min_seq: Option<Seq>) -> Want {
        let filter = self.filtering.text().to_owned();
        let first = matches!(from, Direction::Newest | Direction::Oldest | Direction::Around(_));
        let count = first && !self.filtering.text().is_empty();
        let query = LedgerQuery { filter, direction: from, limit: PAGE, count, min_seq };
        self.asking.ask(Sent::Page(from), What::Page(query))
    }

    pub(super) fn jump(&mut self, from: Direction) -> Vec<Want> {
        self.asking.forget(|sent| matches!(sent, Sent::Page(_)));
        vec![self.ask_page(from, None)]
    }

    pub(super) fn ask_histogram(&mut self, world: &World) -> Want {
        self.asking.forget(|sent| *sent == Sent::Histogram);
        let last = self.window.rows().back().map(|deed| deed.time);
        let (from, to) = self.strip.range(world.now, last);
        let filter = self.filtering.text().to_owned();
        self.asking.ask(Sent::Histogram, What::Histogram { filter, from, to, buckets: BUCKETS })
    }

    pub(super) fn fetch(&mut self, world: &World) -> Vec<Want> {
        let Some(board) = &world.board else { return Vec::new() };
        if self.asking.any(|sent| matches!(sent, Sent::Page(_))) {
            return Vec::new();
        }
        if let Some(from) = self.window.wanted() {
            return vec![self.ask_page(from, None)];
        }
        // Deeds that came while a page was under way lie in the stream's memory; what is not there is asked for.
        while let Some(deed) = self.window.seen().and_then(|seen| world.recent_deed(seen.next())) {
            self.window.live(deed, self.filtering.means(deed));
        }
        match self.window.seen() {
            Some(seen) if seen < board.head => {
                vec![self.ask_page(Direction::After(seen), Some(board.head))]
            }
            Some(_) | None => Vec::new(),
        }
    }

    pub(super) fn set_filter(&mut self, text: &str, world: &World) -> Result<Vec<Want>, String> {
        self.filtering.set(text, world.now)?;
        self.strip.fix(self.filtering.range(world.now));
        self.window = Window::default();
        self.asking.forget(|sent| !matches!(sent, Sent::Chain(_) | Sent::Words | Sent::Export));
        (self.count, self.opened, self.family) = (None, None, None);
        let wants = self.jump(Direction::Newest);
        Ok(wants)
    }

    pub(super) fn enter_deed(&mut self, seq: Seq, world: &World) -> Vec<Want> {
        let opens = self.left_at.take() != Some(seq);
        let filtered = !self.filtering.text().is_empty();
        if let Some(row) = self.window.row_of(seq).filter(|_| !filtered) {
            self.family = None;
            self.window.list.select(row);
            return if opens { self.open(Mode::Facts) } else { Vec::new() };
        }
        let cleared = self.set_filter("", world);
        self.window.list.hold();
        self.awaited = Some((seq, opens));
        cleared.map_or_else(Want::fail, |_| self.jump(Direction::Around(seq)))
    }

    /// To a deed among those that a filter shows.
    pub(super) fn enter_within(&mut self, filter: &str, seq: Seq, world: &World) -> Vec<Want> {
        if let Some(row) = self.window.row_of(seq).filter(|_| filter == self.filtering.text()) {
            self.family = None;
            self.window.list.select(row);
            return Vec::new();
        }
        let set = self.set_filter(filter, world);
        self.window.list.hold();
        self.awaited = Some((seq, false));
        set.map_or_else(Want::fail, |_| self.jump(Direction::Around(seq)))
    }

    /// To a deed and its chain of causes and effects.
    pub(super) fn enter_chain(&mut self, seq: Seq, world: &World) -> Vec<Want> {
        // The chain is what is asked for, not the opened deed.
        self.left_at.set(Some(seq));
        self.opened = None;
        let mut wants = self.enter_deed(seq, world);
        wants.push(self.asking.ask(Sent::Family(seq), What::Chain(seq)));
        wants
    }

    pub(super) fn take_page(&mut self, from: Direction, page: Page, world: &World) -> Vec<Want> {
        let first = !self.window.is_loaded();
        self.count = page.count.or(self.count);
        self.window.take(from, page);
        let mut wants = if first { vec![self.ask_histogram(world)] } else { Vec::new() };
        if let Some((seq, opens)) = self.awaited.take() {
            match self.window.row_of(seq) {
                Some(row) => {
                    self.window.list.select(row);
                    wants.extend(if opens { self.open(Mode::Facts) } else { Vec::new() });
                }
                None => wants.extend(Want::warn(format!("deed #{seq} is not there"))),
            }
        }
        wants
    }

    pub(super) fn show_family(&mut self, seq: Seq, chain: &Chain) {
        let rows = detail::nodes(chain);
        let mut list = ListState::new();
        list.set_len(rows.len());
        list.select(rows.iter().position(|(_, deed)| deed.seq == seq).unwrap_or(0));
        self.family = Some(Family { rows, own: seq, cut: chain.cut, list });
    }
}
