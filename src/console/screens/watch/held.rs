//! The deeds that are held for showing, and what must be asked for: one stretch of time without gap, grown where the reader
//! goes and, at its end, by what happens. Where a window has too many deeds to hold, they are counted by lane and cell.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::lanes::Lane;
use super::window::Window;
use crate::api::{Histogram, PAGE_LIMIT};
use crate::client::{Direction, LedgerQuery};
use crate::console::ask::{Page, What};
use crate::console::tally::Tally;
use crate::console::world::World;
use crate::domain::deed::Deed;
use crate::domain::ids::Seq;
use crate::domain::time::{Span, Time};

/// Deeds of one window that are shown one by one; of more only counts are shown.
pub(super) const MARKS: usize = 4_000;
/// Deeds held at most.
const HELD: usize = 2 * MARKS + PAGE_LIMIT;
/// Lanes that are counted where there are too many deeds; each is a request.
const COUNTED: usize = 24;
const MICRO: Span = Span::from_micros(1);

/// A stretch of time that is being fetched.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fill {
    from: Time,
    /// Where it ends; none: with what the stream brings.
    to: Option<Time>,
    /// How far the first answer looked.
    head: Option<Seq>,
    /// What has come so far.
    got: Vec<Arc<Deed>>,
}

/// What an answer will be about.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sent {
    /// Deeds of a stretch.
    Fill(Fill),
    /// How many deeds of a lane there are in each cell.
    Count(Lane),
}

/// A request and what its answer will be about.
pub(super) type Asked = (Sent, What);

/// Counts by lane and cell, where there are too many deeds.
#[derive(Debug, Clone, PartialEq)]
struct Coarse {
    cell: Span,
    from: Time,
    to: Option<Time>,
    /// Deeds after this one are counted as they come.
    seen: Seq,
    lanes: BTreeMap<Lane, BTreeMap<i64, Tally>>,
    /// Answers that have not come.
    missing: usize,
}

/// What is held.
#[derive(Debug, Default)]
pub(super) struct Held {
    deeds: BTreeMap<(Time, Seq), Arc<Deed>>,
    /// The stretch of which everything is held; without an end where the stream continues it.
    whole: Option<(Time, Option<Time>)>,
    /// Up to which deed the stream was followed.
    seen: Seq,
    coarse: Option<Coarse>,
    /// A stretch is on its way.
    filling: bool,
}

impl Held {
    /// Whether everything in the window is here, one by one or counted.
    pub(super) fn covers(&self, window: &Window) -> bool {
        self.counts(window) || holds(self.whole, window)
    }

    /// Whether the window is told in counts.
    pub(super) fn counts(&self, window: &Window) -> bool {
        self.coarse.as_ref().is_some_and(|coarse| {
            coarse.cell == window.cell() && holds(Some((coarse.from, coarse.to)), window)
        })
    }

    /// The deeds of the window, oldest first.
    pub(super) fn within(&self, window: &Window) -> impl Iterator<Item = &Arc<Deed>> {
        self.deeds.range((window.from(), Seq(0))..(window.to(), Seq(0))).map(|(_, deed)| deed)
    }

    /// The lanes that have deeds in the window.
    pub(super) fn lanes(&self, window: &Window) -> BTreeSet<Lane> {
        match self.coarse.as_ref().filter(|_| self.counts(window)) {
            Some(coarse) => coarse.lanes.keys().cloned().collect(),
            None => self.within(window).map(|deed| Lane::of(&deed.actor)).collect(),
        }
    }

    /// The counts of a cell.
    pub(super) fn counted(&self, window: &Window, lane: &Lane, column: usize) -> Option<&Tally> {
        let coarse = self.coarse.as_ref()?;
        coarse.lanes.get(lane)?.get(&number(window.start_of(column), coarse.cell))
    }

    /// What must be asked for so that the window can be shown, if anything.
    pub(super) fn ask(&mut self, window: &Window, world: &World, lanes: &[Lane]) -> Vec<Asked> {
        let Some(board) = &world.board else { return Vec::new() };
        self.catch_up(world);
        if self.filling || self.covers(window) {
            return Vec::new();
        }
        let span = window.to().since(window.from());
        if self.coarse.as_ref().is_some_and(|coarse| coarse.cell == window.cell()) {
            return self.ask_counts(window, world, lanes);
        }
        self.coarse = None;
        let end = Some(window.to().plus(span)).filter(|end| *end < world.now);
        // Scrubbing goes on most often: a window more is fetched in the direction it went.
        let (from, to) = match self.whole {
            Some((from, to)) if window.from() < from && window.to() >= from && to != Some(from) => {
                (window.from().minus(span), Some(from))
            }
            Some((from, Some(to))) if window.from() >= from && window.from() <= to => (to, end),
            Some(_) => (window.from().minus(span), end),
            // The first window is asked for before the width is known: its cells may begin a little earlier.
            None => (window.from().minus(Span::from_micros(span.micros() / 8)), end),
        };
        self.filling = true;
        let fill = Fill { from, to, head: None, got: Vec::new() };
        vec![page(fill, Direction::Newest, Some(board.head), world)]
    }

    /// Deeds of the stream that came while a stretch was on its way; what was missed for good is fetched anew.
    fn catch_up(&mut self, world: &World) {
        while let Some(deed) = world.recent_deed(self.seen.next()) {
            let deed = Arc::clone(deed);
            self.live(&deed);
        }
        let missed = world.board.as_ref().is_some_and(|board| self.seen < board.head);
        if !missed || self.filling {
            return;
        }
        if matches!(self.whole, Some((_, None))) {
            (self.whole, self.deeds) = (None, BTreeMap::new());
        }
        if matches!(&self.coarse, Some(coarse) if coarse.to.is_none()) {
            self.coarse = None;
        }
    }

    /// The next deed of the stream; one that leaves a gap waits for what lies between.
    pub(super) fn live(&mut self, deed: &Arc<Deed>) {
        if deed.seq != self.seen.next() {
            return;
        }
        self.seen = deed.seq;
        if let Some(coarse) = self.coarse.as_mut().filter(|coarse| deed.seq > coarse.seen) {
            let cell = number(deed.time, coarse.cell);
            let lane = coarse.lanes.entry(Lane::of(&deed.actor)).or_default();
            lane.entry(cell).or_default().count(deed.outcome);
        }
        if let Some((from, None)) = self.whole
            && deed.time >= from
        {
            self.deeds.insert((deed.time, deed.seq), Arc::clone(deed));
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if self.deeds.len() <= HELD {
            return;
        }
        let Some(((time, _), _)) = self.deeds.iter().nth(PAGE_LIMIT) else { return };
        let from = time.plus(MICRO);
        self.deeds = self.deeds.split_off(&(from, Seq(0)));
        if let Some(whole) = &mut self.whole {
            whole.0 = from;
        }
    }

    /// Takes a page of a stretch; the result is what to ask next.
    pub(super) fn take_page(
        &mut self,
        mut fill: Fill,
        page_got: Page,
        (window, world, lanes): (&Window, &World, &[Lane]),
    ) -> Vec<Asked> {
        let all = page_got.count.map_or(0, |(count, _)| usize::try_from(count).unwrap_or(usize::MAX));
        let first = page_got.deeds.first().map(|deed| deed.seq);
        fill.head = fill.head.or(Some(page_got.head));
        fill.got.extend(page_got.deeds);
        if all > MARKS || fill.got.len() > MARKS {
            self.filling = false;
            // A longer stretch than the window was asked for; the window alone may have few enough.
            if fill.from < window.from() && fill.to.is_none_or(|to| to > window.from()) {
                let narrower = Fill { from: window.from(), to: fill.to, head: None, got: Vec::new() };
                self.filling = true;
                return vec![page(narrower, Direction::Newest, None, world)];
            }
            return self.ask_counts(window, world, lanes);
        }
        if let Some(first) = first.filter(|_| page_got.more) {
            return vec![page(fill, Direction::Before(first), None, world)];
        }
        self.finish(fill);
        self.catch_up(world);
        Vec::new()
    }

    /// Everything of a stretch has come.
    fn finish(&mut self, fill: Fill) {
        self.filling = false;
        self.whole = match self.whole {
            Some((from, to)) if fill.to == Some(from) => Some((fill.from, to)),
            Some((from, Some(to))) if fill.from == to => Some((from, fill.to)),
            Some(_) | None => {
                self.deeds.clear();
                Some((fill.from, fill.to))
            }
        };
        if fill.to.is_none() {
            self.seen = fill.head.unwrap_or_default();
        }
        self.deeds.extend(fill.got.into_iter().map(|deed| ((deed.time, deed.seq), deed)));
        self.forget_newest();
    }

    /// Growing into the past lets go of the other end.
    fn forget_newest(&mut self) {
        if self.deeds.len() <= HELD {
            return;
        }
        let Some(((time, _), _)) = self.deeds.iter().nth(HELD) else { return };
        let to = *time;
        _ = self.deeds.split_off(&(to, Seq(0)));
        if let Some(whole) = &mut self.whole {
            whole.1 = Some(to);
        }
    }

    /// Nothing came of what was asked.
    pub(super) fn failed(&mut self) {
        self.filling = false;
    }

    fn ask_counts(&mut self, window: &Window, world: &World, lanes: &[Lane]) -> Vec<Asked> {
        let Some(board) = &world.board else { return Vec::new() };
        let (cell, span) = (window.cell(), window.to().since(window.from()));
        let from = window.from().minus(span);
        let ahead = window.to().plus(span);
        let live = ahead >= world.now;
        let to = if live { window.to() } else { ahead };
        let buckets = usize::try_from(to.since(from).micros() / cell.micros().max(1)).unwrap_or(1);
        self.seen = self.seen.max(board.head);
        let counted: Vec<Lane> =
            lanes.iter().filter(|lane| lane.agent().is_some()).take(COUNTED).cloned().collect();
        let counted: Vec<Lane> = counted.into_iter().chain([Lane::People, Lane::Deeds]).collect();
        self.coarse = Some(Coarse {
            cell,
            from,
            to: (!live).then_some(to),
            seen: board.head,
            lanes: BTreeMap::new(),
            missing: counted.len(),
        });
        let asked = counted.into_iter().map(|lane| {
            let filter = format!("{} seq:..{}", lane.filter(), board.head);
            (Sent::Count(lane), What::Histogram { filter, from, to, buckets })
        });
        asked.collect()
    }

    /// Takes the counts of a lane.
    pub(super) fn take_counts(&mut self, lane: Lane, histogram: Histogram) {
        let Some(coarse) = &mut self.coarse else { return };
        coarse.missing = coarse.missing.saturating_sub(1);
        let cells = coarse.lanes.entry(lane).or_default();
        for bucket in histogram.buckets {
            let tally = Tally { outcomes: bucket.outcomes, other: bucket.other };
            if tally.total() > 0 {
                cells.entry(number(bucket.start, coarse.cell)).or_default().add(&tally);
            }
        }
    }
}

/// What keeps a filter to the deeds of the past that is looked at; empty in the present.
pub(super) fn bound(world: &World) -> String {
    world.as_of().map(|then| format!(" seq:..{}", then.seq)).unwrap_or_default()
}

fn page(fill: Fill, direction: Direction, min_seq: Option<Seq>, world: &World) -> Asked {
    let until = fill.to.map(|to| format!(" until:{}", to.minus(MICRO))).unwrap_or_default();
    let count = direction == Direction::Newest;
    let query = LedgerQuery {
        filter: format!("since:{}{until}{}", fill.from, bound(world)),
        direction,
        limit: PAGE_LIMIT,
        count,
        min_seq,
    };
    (Sent::Fill(fill), What::Page(query))
}

fn holds(whole: Option<(Time, Option<Time>)>, window: &Window) -> bool {
    whole.is_some_and(|(from, to)| from <= window.from() && to.is_none_or(|to| to >= window.to()))
}

fn number(at: Time, cell: Span) -> i64 {
    at.micros().div_euclid(cell.micros().max(1))
}
