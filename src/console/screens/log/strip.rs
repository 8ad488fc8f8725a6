//! The timeline: how many deeds happened when, coloured by how they came out, and a range of it being chosen.

use crate::api::Histogram;
use crate::console::tally::Tally;
use crate::console::widgets::Look;
use crate::console::widgets::bars::Bin;
use crate::console::words;
use crate::domain::deed::Deed;
use crate::domain::outcome::Outcome;
use crate::domain::time::{Span, Time, Zone};

/// Buckets of the strip.
pub(super) const BUCKETS: usize = 60;
/// How much time the strip covers, by choice.
const SCALES: [(i64, &str); 4] =
    [(60, "60 m"), (24 * 60, "24 h"), (7 * 24 * 60, "7 d"), (30 * 24 * 60, "30 d")];

/// A range being chosen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pick {
    at: usize,
    from: Option<usize>,
}

#[derive(Debug, Default)]
pub(super) struct Strip {
    buckets: Vec<Tally>,
    start: Time,
    width: Span,
    scale: usize,
    /// The range that a filter fixes; else the strip moves with the time.
    fixed: Option<(Time, Time)>,
    pub(super) pick: Option<Pick>,
    /// A deed happened beyond its end: it must be asked for anew.
    pub(super) outgrown: bool,
}

impl Strip {
    /// The range to ask for: what the filter fixes, else up to now, or up to the last deed where that is long ago.
    pub(super) fn range(&self, now: Time, last: Option<Time>) -> (Time, Time) {
        if let Some(fixed) = self.fixed {
            return fixed;
        }
        let span = Span::from_mins(SCALES.get(self.scale).map_or(60, |(minutes, _)| *minutes));
        let end = match last {
            Some(last) if now.since(last) >= span => last,
            Some(_) | None => now,
        };
        let minute = Span::from_mins(1).micros();
        let end = Time::from_micros((end.micros().div_euclid(minute) + 1) * minute);
        (end.minus(span), end)
    }

    /// What the strip covers, in words.
    pub(super) fn words(&self, zone: Zone, now: Time) -> String {
        if let Some((from, to)) = self.fixed {
            return format!("{} to {}", words::clock(zone, from, now), words::clock(zone, to, now));
        }
        let name = SCALES.get(self.scale).map_or("", |(_, name)| *name);
        let end = self.end();
        if now.since(end) > Span::from_mins(2) && !self.buckets.is_empty() {
            format!("{name} to {}", words::clock(zone, end, now))
        } else {
            format!("last {name}")
        }
    }

    fn end(&self) -> Time {
        let all = i64::try_from(self.buckets.len()).unwrap_or(0).saturating_mul(self.width.micros());
        self.start.plus(Span::from_micros(all))
    }

    /// The filter fixes a range, or none.
    pub(super) fn fix(&mut self, range: Option<(Time, Time)>) {
        self.fixed = range;
        self.buckets.clear();
    }

    /// Another scale; says whether there is one.
    pub(super) fn rescale(&mut self, wider: bool) -> bool {
        let next = if wider { self.scale + 1 } else { self.scale.saturating_sub(1) };
        if self.fixed.is_some() || next == self.scale || next >= SCALES.len() {
            return false;
        }
        self.scale = next;
        true
    }

    /// Takes what was asked for.
    pub(super) fn take(&mut self, histogram: Histogram) {
        self.start = histogram.buckets.first().map(|bucket| bucket.start).unwrap_or_default();
        self.width = histogram.width;
        self.buckets = histogram
            .buckets
            .into_iter()
            .map(|bucket| Tally { outcomes: bucket.outcomes, other: bucket.other })
            .collect();
        if let Some(pick) = &mut self.pick {
            pick.at = pick.at.min(self.buckets.len().saturating_sub(1));
            pick.from = None;
        }
    }

    /// Counts a deed that happened just now; says whether the strip reaches that far.
    pub(super) fn count(&mut self, deed: &Deed) -> bool {
        self.roll_to(deed.time);
        let reaches = deed.time < self.end() || self.fixed.is_some() || self.pick.is_some();
        if let Some(bucket) = self.bucket_of(deed.time).and_then(|at| self.buckets.get_mut(at)) {
            bucket.count(deed.outcome);
        }
        reaches
    }

    /// Moves on with the time, so that the last bucket is now's.
    pub(super) fn roll_to(&mut self, now: Time) {
        if self.fixed.is_some() || self.pick.is_some() || self.buckets.is_empty() || self.width.micros() == 0
        {
            return;
        }
        let ahead = now.micros().saturating_sub(self.end().micros());
        let steps = ahead.div_euclid(self.width.micros()) + 1;
        let Ok(steps @ 1..) = usize::try_from(steps) else { return };
        if steps >= self.buckets.len() {
            // A strip that ends long ago, at the last deed of an imported history, stays there until something happens.
            return;
        }
        self.buckets.drain(..steps);
        self.buckets.resize_with(self.buckets.len() + steps, Tally::default);
        let by = i64::try_from(steps).unwrap_or(0).saturating_mul(self.width.micros());
        self.start = self.start.plus(Span::from_micros(by));
    }

    fn bucket_of(&self, time: Time) -> Option<usize> {
        let after = time.micros().checked_sub(self.start.micros())?;
        usize::try_from(after.checked_div(self.width.micros())?).ok().filter(|_| after >= 0)
    }

    /// Begins to choose a range.
    pub(super) fn begin(&mut self) -> bool {
        let Some(at) = self.buckets.len().checked_sub(1) else { return false };
        self.pick = Some(Pick { at, from: None });
        true
    }

    /// Whether both ends are chosen.
    pub(super) fn is_range(&self) -> bool {
        self.pick.is_some_and(|pick| pick.from.is_some())
    }

    /// Moves the end that is being chosen.
    pub(super) fn move_pick(&mut self, by: isize) {
        let last = self.buckets.len().saturating_sub(1);
        if let Some(pick) = &mut self.pick {
            pick.at = pick.at.saturating_add_signed(by).min(last);
        }
    }

    /// Chooses the bar that so many of the last ones begin with, and so many further; anew, or up to there.
    pub(super) fn point(&mut self, shown: u16, at: u16, anew: bool) {
        let first = self.buckets.len().saturating_sub(usize::from(shown));
        let at = (first + usize::from(at)).min(self.buckets.len().saturating_sub(1));
        match &mut self.pick {
            Some(pick) if !anew => *pick = Pick { at, from: Some(pick.from.unwrap_or(pick.at)) },
            pick if anew => *pick = Some(Pick { at, from: None }),
            Some(_) | None => {}
        }
    }

    /// Sets the first end, then gives the range.
    pub(super) fn mark(&mut self) -> Option<(Time, Time)> {
        let pick = self.pick.as_mut()?;
        let Some(from) = pick.from else {
            pick.from = Some(pick.at);
            return None;
        };
        let (first, last) = (from.min(pick.at), from.max(pick.at));
        self.pick = None;
        // The end itself belongs to the next bucket.
        Some((self.start_of(first), self.start_of(last + 1).minus(Span::from_micros(1))))
    }

    fn start_of(&self, bucket: usize) -> Time {
        let after = i64::try_from(bucket).unwrap_or(0).saturating_mul(self.width.micros());
        self.start.plus(Span::from_micros(after))
    }

    /// What is chosen, in words.
    pub(super) fn pick_words(&self, zone: Zone, now: Time) -> Option<String> {
        let pick = self.pick?;
        let (first, last) =
            pick.from.map_or((pick.at, pick.at), |from| (from.min(pick.at), from.max(pick.at)));
        let deeds: u64 = self.buckets.get(first..=last).unwrap_or_default().iter().map(Tally::total).sum();
        let (from, to) =
            (words::clock(zone, self.start_of(first), now), words::clock(zone, self.start_of(last + 1), now));
        let next = if pick.from.is_some() { "enter zooms in" } else { "enter begins a range" };
        Some(format!("{from} to {to}, {deeds} deeds: {next}"))
    }

    /// The columns to draw.
    pub(super) fn bins(&self, look: Look<'_>) -> Vec<Bin> {
        let inside = |at: usize| match self.pick {
            Some(Pick { at: end, from: Some(from) }) => (from.min(end)..=from.max(end)).contains(&at),
            Some(Pick { at: only, from: None }) => at == only,
            None => false,
        };
        let bin = |(at, bucket): (usize, &Tally)| Bin {
            count: bucket.total(),
            style: words::outcome(look, bucket.worst().unwrap_or(Outcome::Recorded)).1,
            selected: inside(at),
        };
        self.buckets.iter().enumerate().map(bin).collect()
    }
}
