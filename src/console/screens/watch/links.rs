//! Lines between marks: from a cause to what it led to. They run beside the lanes where there is room, and only through
//! empty cells; a line that has no way is not drawn and is counted, so that nobody takes its absence for an answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::lanes::Grid;
use crate::console::screens::watch::lanes::Lane;
use crate::domain::deed::Deed;
use crate::domain::ids::Seq;
use crate::domain::outcome::Outcome;

/// Links drawn at most: of one deed, more would be a tangle.
const LINKS: usize = 16;
/// Causes followed upwards at most.
const CAUSES: usize = 16;

const UP: u8 = 1;
const DOWN: u8 = 2;
const LEFT: u8 = 4;
const RIGHT: u8 = 8;

/// Why two deeds are linked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The first led to the second.
    Led,
    /// The first made the second stale: what it was based on was no longer so.
    Outdated,
}

/// One link, by deed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Link {
    pub(super) from: Seq,
    pub(super) to: Seq,
    pub(super) kind: Kind,
}

/// The family of one deed, as far as it is in sight.
#[derive(Debug, Default)]
pub(super) struct Family {
    /// The links, each once.
    pub(super) links: Vec<Link>,
    /// Deeds of the family that are not in sight, or beyond the bound.
    pub(super) unseen: usize,
}

impl Family {
    /// Everybody in it.
    pub(super) fn members(&self) -> BTreeSet<Seq> {
        self.links.iter().flat_map(|link| [link.from, link.to]).collect()
    }
}

/// What led to a deed, step by step, what it led to, and what made it stale.
pub(super) fn family(grid: &Grid, own: &Deed) -> Family {
    let seen: BTreeMap<Seq, &Arc<Deed>> = grid.all().map(|(_, _, deed)| (deed.seq, deed)).collect();
    let mut family = Family::default();
    let mut child = (own.seq, own.cause);
    for _ in 0..CAUSES {
        let (to, Some(from)) = child else { break };
        let Some(cause) = seen.get(&from) else {
            family.unseen += 1;
            break;
        };
        family.links.push(Link { from, to, kind: Kind::Led });
        child = (from, cause.cause);
    }
    family.links.extend(outdated_by(&seen, own).map(|from| Link { from, to: own.seq, kind: Kind::Outdated }));
    // Effects come after their causes, so that one pass in the order of the ledger finds them all.
    let mut led: BTreeSet<Seq> = [own.seq].into();
    for (seq, deed) in seen.range(own.seq..) {
        if let Some(from) = deed.cause.filter(|cause| led.contains(cause)) {
            led.insert(*seq);
            family.links.push(Link { from, to: *seq, kind: Kind::Led });
        }
    }
    family.unseen += family.links.len().saturating_sub(LINKS);
    family.links.truncate(LINKS);
    family
}

/// The deed that wrote what a stale one was not yet based on.
fn outdated_by(seen: &BTreeMap<Seq, &Arc<Deed>>, own: &Deed) -> Option<Seq> {
    if own.outcome != Outcome::Stale && own.verdict != Some(Outcome::Stale) {
        return None;
    }
    let field = own.fields.iter().find(|field| field.by.is_some() && field.at.is_some())?;
    let (by, entity) = (field.by.as_ref()?, field.entity.as_ref().or(own.subject.as_ref()));
    let writer = seen.values().rev().find(|deed| {
        let wrote = |change: &crate::domain::things::FieldChange| {
            change.name == field.name
                && change.version == field.version
                && change.entity.as_ref().or(deed.subject.as_ref()) == entity
        };
        deed.seq < own.seq
            && deed.actor == *by
            && deed.outcome == Outcome::Committed
            && deed.fields.iter().any(wrote)
    });
    writer.map(|deed| deed.seq)
}

/// What a line draws in one place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stroke {
    /// A line with these ends: an index into the table of lines.
    Line(u8),
    /// Its head: an index into the table of heads.
    Head(usize),
}

/// The place between and on lanes: rows from the top, columns from the left.
type Spot = (usize, usize);

/// Lines being laid.
#[derive(Debug)]
pub(super) struct Canvas {
    /// Rows from one lane to the next: 2 where lines have rows of their own.
    stride: usize,
    columns: usize,
    rows: usize,
    marks: BTreeSet<Spot>,
    /// What is drawn where.
    pub(super) strokes: BTreeMap<Spot, (Stroke, Kind)>,
    /// Links that found no way.
    pub(super) lost: usize,
}

impl Canvas {
    /// An empty one, with the marks that no line may cover. Marks are told by the row of their lane.
    pub(super) fn new(
        stride: usize,
        (rows, columns): (usize, usize),
        marks: impl Iterator<Item = Spot>,
    ) -> Self {
        let marks = marks.map(|(lane, column)| (lane * stride, column)).collect();
        Self { stride, columns, rows, marks, strokes: BTreeMap::new(), lost: 0 }
    }

    /// Draws a line from one mark to another, told by lane and column.
    pub(super) fn link(&mut self, from: Spot, to: Spot, kind: Kind) {
        if from == to {
            return;
        }
        let laid = if self.stride > 1 { self.beside(from, to) } else { self.through(from, to) };
        match laid {
            Some(strokes) => strokes.into_iter().for_each(|(spot, stroke)| self.put(spot, stroke, kind)),
            None => self.lost += 1,
        }
    }

    fn put(&mut self, spot: Spot, stroke: Stroke, kind: Kind) {
        if self.marks.contains(&spot) {
            return;
        }
        let joined = match (self.strokes.get(&spot), stroke) {
            (Some((Stroke::Head(head), _)), Stroke::Line(_)) => Stroke::Head(*head),
            (Some((Stroke::Line(there), _)), Stroke::Line(ends)) => Stroke::Line(there | ends),
            (_, stroke) => stroke,
        };
        self.strokes.insert(spot, (joined, kind));
    }

    /// Along the rows between the lanes: out of the first lane, sideways, then to the other.
    fn beside(&self, (lane_from, from): Spot, (lane_to, to): Spot) -> Option<Vec<(Spot, Stroke)>> {
        let (top, bottom) = (lane_from * self.stride, lane_to * self.stride);
        if lane_from == lane_to {
            let row = top + 1;
            if row >= self.rows {
                return None;
            }
            let mut strokes = sideways(row, from, to, UP);
            strokes.push(((row, to), Stroke::Head(0)));
            return Some(strokes);
        }
        let down = lane_to > lane_from;
        let (out, back, head) = if down { (UP, DOWN, 1) } else { (DOWN, UP, 0) };
        let row = if down { top + 1 } else { top.checked_sub(1)? };
        let last = if down { bottom.checked_sub(1)? } else { bottom + 1 };
        let mut strokes = sideways(row, from, to, out);
        if row == last {
            strokes.retain(|(spot, _)| *spot != (row, to));
        } else {
            strokes.push(((row, to), Stroke::Line(back | if from == to { out } else { 0 })));
            let between = if down { row + 1..last } else { last + 1..row };
            strokes.extend(between.map(|row| ((row, to), Stroke::Line(UP | DOWN))));
        }
        strokes.push(((last, to), Stroke::Head(head)));
        Some(strokes)
    }

    /// Where lanes lie close: through the empty cells of the lanes themselves, as far as there are any.
    fn through(&self, (lane_from, from): Spot, (lane_to, to): Spot) -> Option<Vec<(Spot, Stroke)>> {
        if lane_from == lane_to {
            return None;
        }
        let down = lane_to > lane_from;
        let (out, back) = if down { (DOWN, UP) } else { (UP, DOWN) };
        let between = lane_from.min(lane_to) + 1..lane_from.max(lane_to);
        // Before the effect where there is room for a turn and a head; else past both.
        let before = to >= from + 3;
        let turn = if before { to - 2 } else { from.max(to) + 1 };
        if turn >= self.columns {
            return None;
        }
        let mut strokes: Vec<_> =
            (from + 1..turn).map(|at| ((lane_from, at), Stroke::Line(LEFT | RIGHT))).collect();
        strokes.push(((lane_from, turn), Stroke::Line(LEFT | out)));
        strokes.extend(between.map(|row| ((row, turn), Stroke::Line(UP | DOWN))));
        if before {
            strokes.push(((lane_to, turn), Stroke::Line(back | RIGHT)));
            strokes.push(((lane_to, turn + 1), Stroke::Head(3)));
        } else if turn == to + 1 {
            strokes.push(((lane_to, turn), Stroke::Head(2)));
        } else {
            strokes.push(((lane_to, turn), Stroke::Line(back | LEFT)));
            strokes.extend((to + 2..turn).map(|at| ((lane_to, at), Stroke::Line(LEFT | RIGHT))));
            strokes.push(((lane_to, to + 1), Stroke::Head(2)));
        }
        // A line that would begin or end behind a mark tells nothing.
        let hidden = |spot: &Spot| self.marks.contains(spot);
        let shown = strokes.first().is_some_and(|(spot, _)| !hidden(spot))
            && strokes.last().is_some_and(|(spot, _)| !hidden(spot));
        shown.then_some(strokes)
    }
}

/// A line along one row from a column to another; the first end turns to `out`.
fn sideways(row: usize, from: usize, to: usize, out: u8) -> Vec<(Spot, Stroke)> {
    let (near, far) = if to >= from { (RIGHT, LEFT) } else { (LEFT, RIGHT) };
    if from == to {
        return vec![((row, from), Stroke::Line(out))];
    }
    let mut strokes = vec![((row, from), Stroke::Line(out | near))];
    strokes.extend((from.min(to) + 1..from.max(to)).map(|at| ((row, at), Stroke::Line(LEFT | RIGHT))));
    strokes.push(((row, to), Stroke::Line(far)));
    strokes
}

/// The row and column of a deed that has a lane in sight.
pub(super) fn spot_of(grid: &Grid, lanes: &[Lane], seq: Seq) -> Option<Spot> {
    let (lane, column, _) = grid.all().find(|(_, _, deed)| deed.seq == seq)?;
    Some((lanes.iter().position(|other| other == lane)?, column))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::glyphs::UNICODE;

    /// The canvas as text, marks as `o`.
    fn drawn(canvas: &Canvas) -> String {
        let mut out = String::new();
        for row in 0..canvas.rows {
            let mut line = String::new();
            for column in 0..canvas.columns {
                let glyph = match canvas.strokes.get(&(row, column)) {
                    Some((Stroke::Line(ends), _)) => UNICODE.lines[usize::from(*ends)],
                    Some((Stroke::Head(head), _)) => UNICODE.heads[*head],
                    None if canvas.marks.contains(&(row, column)) => "o",
                    None => " ",
                };
                line.push_str(glyph);
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    fn canvas(stride: usize, lanes: usize, marks: &[Spot], links: &[(Spot, Spot)]) -> Canvas {
        let rows = lanes * stride;
        let mut canvas = Canvas::new(stride, (rows, 12), marks.iter().copied());
        for (from, to) in links {
            canvas.link(*from, *to, Kind::Led);
        }
        canvas
    }

    #[test]
    fn lines_run_between_the_lanes_where_there_is_room() {
        let marks = [(0, 1), (1, 6), (2, 6), (2, 9), (0, 10)];
        let links = [((0, 1), (1, 6)), ((0, 1), (2, 9)), ((2, 6), (2, 9)), ((2, 9), (0, 10))];
        let drawn = drawn(&canvas(2, 3, &marks, &links));
        insta::assert_snapshot!("beside", drawn);
    }

    #[test]
    fn close_lanes_are_linked_as_far_as_there_are_empty_cells() {
        let far = canvas(1, 2, &[(0, 1), (1, 8)], &[((0, 1), (1, 8))]);
        assert_eq!(drawn(&far), " o────┐\n      └▸o\n");
        let above = canvas(1, 3, &[(0, 4), (2, 4)], &[((0, 4), (2, 4))]);
        assert_eq!(drawn(&above), "    o┐\n     │\n    o◂\n");
        let crowded = canvas(1, 2, &[(0, 4), (0, 5), (1, 4), (1, 5)], &[((0, 4), (1, 4))]);
        assert_eq!((drawn(&crowded).as_str(), crowded.lost), ("    oo\n    oo\n", 1));
    }
}
