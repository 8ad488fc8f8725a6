//! The stretch of deeds that is held for showing: a bounded window over the ledger that grows where the reader goes, and
//! at its end with what happens. Asking for pages is the screen's.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::client::Direction;
use crate::console::ask::Page;
use crate::console::widgets::list::ListState;
use crate::domain::deed::Deed;
use crate::domain::ids::Seq;

/// Deeds held at most.
pub(super) const ROWS: usize = 4096;
/// Deeds asked for at once.
pub(super) const PAGE: usize = 512;
/// So many rows before an end of the window, more are asked for.
const AHEAD: usize = 128;

/// A window over the deeds that a filter means.
#[derive(Debug)]
pub(super) struct Window {
    rows: VecDeque<Arc<Deed>>,
    /// Where the reader is.
    pub(super) list: ListState,
    /// There are older deeds than the first row.
    older: bool,
    /// There are newer deeds than the last row: the window is not at the end.
    newer: bool,
    /// At the end: every deed up to here was looked at.
    seen: Seq,
    /// The first page has come.
    loaded: bool,
    /// What came while the window was not at the end.
    missed: usize,
}

impl Default for Window {
    fn default() -> Self {
        Self {
            rows: VecDeque::new(),
            list: ListState::following_its_end(),
            older: false,
            newer: false,
            seen: Seq(0),
            loaded: false,
            missed: 0,
        }
    }
}

impl Window {
    pub(super) fn rows(&self) -> &VecDeque<Arc<Deed>> {
        &self.rows
    }

    /// Whether the first page has come.
    pub(super) fn is_loaded(&self) -> bool {
        self.loaded
    }

    /// The deed under the cursor.
    pub(super) fn selected(&self) -> Option<&Arc<Deed>> {
        self.rows.get(self.list.selected()?)
    }

    /// Deeds that came since the reader held still.
    pub(super) fn fresh(&self) -> usize {
        self.list.fresh() + self.missed
    }

    /// Whether the window ends where the ledger does.
    pub(super) fn is_at_end(&self) -> bool {
        self.loaded && !self.newer
    }

    /// Up to which deed the end was looked at, where the window is there.
    pub(super) fn seen(&self) -> Option<Seq> {
        self.is_at_end().then_some(self.seen)
    }

    /// Whether a deed is in the window, and at which row.
    pub(super) fn row_of(&self, seq: Seq) -> Option<usize> {
        self.rows.binary_search_by_key(&seq, |deed| deed.seq).ok()
    }

    /// The page that the reader will need next, if there is one.
    pub(super) fn wanted(&self) -> Option<Direction> {
        if !self.loaded {
            return Some(Direction::Newest);
        }
        let at = self.list.selected()?;
        if self.older && at < AHEAD {
            return self.rows.front().map(|first| Direction::Before(first.seq));
        }
        if self.newer && at + AHEAD > self.rows.len() {
            return self.rows.back().map(|last| Direction::After(last.seq));
        }
        None
    }

    /// Takes a page that was asked for.
    pub(super) fn take(&mut self, from: Direction, page: Page) {
        match from {
            Direction::Before(first) => self.take_older(first, page),
            Direction::After(last) => self.take_newer(last, page),
            Direction::Newest => {
                self.replace(page.deeds);
                (self.older, self.newer, self.seen, self.missed) = (page.more, false, page.head, 0);
                if !self.list.follows() {
                    self.list.select(self.rows.len().saturating_sub(1));
                }
            }
            Direction::Oldest => {
                self.replace(page.deeds);
                (self.older, self.newer, self.seen) = (false, page.more, page.head);
                self.list.select(0);
            }
            Direction::Around(seq) => {
                self.replace(page.deeds);
                // Which side has more was not said; the page after this one says it.
                (self.older, self.newer, self.seen) = (page.more, page.more, page.head);
                let at = self.rows.partition_point(|deed| deed.seq < seq);
                self.list.select(at);
            }
        }
    }

    fn replace(&mut self, deeds: Vec<Arc<Deed>>) {
        let follows = self.list.follows();
        self.rows = deeds.into();
        self.list = if follows { ListState::following_its_end() } else { ListState::new() };
        self.list.set_len(self.rows.len());
        self.loaded = true;
    }

    fn take_older(&mut self, first: Seq, page: Page) {
        if self.rows.front().is_none_or(|now| now.seq != first) {
            return;
        }
        self.older = page.more;
        let count = page.deeds.len();
        for deed in page.deeds.into_iter().rev() {
            self.rows.push_front(deed);
        }
        self.list.prepended(count);
        if self.rows.len() > ROWS {
            self.rows.truncate(ROWS);
            self.newer = true;
            self.list.set_len(ROWS);
        }
    }

    fn take_newer(&mut self, last: Seq, page: Page) {
        let here = if self.newer { self.rows.back().map(|now| now.seq) } else { Some(self.seen) };
        if here != Some(last) {
            return;
        }
        self.newer = page.more;
        self.seen = page.head.max(self.seen);
        let count = page.deeds.len();
        self.missed = if page.more { self.missed } else { 0 };
        self.append(page.deeds, count);
    }

    fn append(&mut self, deeds: impl IntoIterator<Item = Arc<Deed>>, count: usize) {
        self.rows.extend(deeds);
        self.list.appended(count);
        let over = self.rows.len().saturating_sub(ROWS);
        if over > 0 {
            self.rows.drain(..over);
            self.list.dropped_front(over);
            self.older = true;
        }
    }

    /// The next deed of the stream; the ones before it were taken already, or else it waits for a page.
    pub(super) fn live(&mut self, deed: &Arc<Deed>, meant: bool) {
        if !self.loaded {
            return;
        }
        if self.newer {
            self.missed += usize::from(meant);
        } else if deed.seq == self.seen.next() {
            self.seen = deed.seq;
            if meant {
                self.append([Arc::clone(deed)], 1);
            }
        }
    }

    /// Follows the end from now on; says whether the end must be fetched first.
    pub(super) fn follow(&mut self) -> bool {
        self.list.follow();
        self.missed = 0;
        self.newer
    }

    /// What was counted as new is seen.
    pub(super) fn forget_fresh(&mut self) {
        self.missed = 0;
    }

    /// Whether there are deeds before the first row.
    pub(super) fn has_older(&self) -> bool {
        self.older
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::screens::log::tests::plain_deed;

    fn page(seqs: std::ops::RangeInclusive<u64>, more: bool, head: u64) -> Page {
        Page { deeds: seqs.map(plain_deed).collect(), more, head: Seq(head), count: None }
    }

    fn ends(window: &Window) -> (u64, u64) {
        (
            window.rows().front().map_or(0, |deed| deed.seq.0),
            window.rows().back().map_or(0, |deed| deed.seq.0),
        )
    }

    #[test]
    fn the_window_stays_bounded_while_millions_go_by() {
        let mut window = Window::default();
        assert_eq!(window.wanted(), Some(Direction::Newest));
        window.take(Direction::Newest, page(999_489..=1_000_000, true, 1_000_000));
        window.list.move_by(-450);
        let mut first = 999_489;
        for _ in 0..20 {
            assert_eq!(window.wanted(), Some(Direction::Before(Seq(first))));
            window.take(Direction::Before(Seq(first)), page(first - 512..=first - 1, true, 1_000_000));
            first -= 512;
            window.list.move_by(-512);
        }
        assert_eq!(window.rows().len(), ROWS);
        assert_eq!(ends(&window).0, first);
        assert!(!window.is_at_end());
        let held = window.selected().unwrap().seq;
        window.live(&plain_deed(1_000_001), true);
        assert_eq!((window.fresh(), window.selected().unwrap().seq), (1, held));
    }

    #[test]
    fn a_gap_at_the_end_waits_for_its_page() {
        let mut window = Window::default();
        window.take(Direction::Newest, page(1..=3, false, 3));
        window.live(&plain_deed(6), true);
        assert_eq!((ends(&window), window.seen()), ((1, 3), Some(Seq(3))));
        window.take(Direction::After(Seq(3)), page(4..=6, false, 6));
        window.live(&plain_deed(7), false);
        window.live(&plain_deed(8), true);
        assert_eq!((ends(&window), window.rows().len()), ((1, 8), 7));
        assert_eq!(window.selected().unwrap().seq, Seq(8));
    }

    #[test]
    fn pages_for_an_end_that_moved_are_dropped() {
        let mut window = Window::default();
        window.take(Direction::Newest, page(11..=20, true, 20));
        window.take(Direction::Before(Seq(5)), page(1..=4, false, 20));
        window.take(Direction::After(Seq(5)), page(6..=9, false, 20));
        assert_eq!((ends(&window), window.rows().len()), ((11, 20), 10));
    }
}
