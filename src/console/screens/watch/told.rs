//! What is under the cursor in words: the deeds of the cell, why one came out as it did, what led to it and what it led to.

use std::fmt::Write as _;
use std::sync::Arc;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::lanes::{Grid, Lane};
use super::links::{Family, Kind};
use super::window::Window;
use crate::console::screens::log::row;
use crate::console::tally::Tally;
use crate::console::widgets::facts::Facts;
use crate::console::widgets::{Look, clip, styled, width};
use crate::console::world::World;
use crate::console::{untrusted, words};
use crate::domain::deed::Deed;
use crate::domain::ids::Seq;
use crate::domain::time::Time;

/// Cells of the labels.
const LABEL: usize = 10;
/// Deeds of a cell that are listed, around the one under the cursor.
const LISTED: usize = 4;
/// Effects that are named.
const EFFECTS: usize = 4;
/// Rows from which a cell's deeds are listed.
const LIST_FROM: usize = 6;

/// The cell under the cursor.
pub(super) struct Cell<'a> {
    pub(super) window: &'a Window,
    pub(super) column: usize,
    pub(super) lane: &'a Lane,
    pub(super) deeds: &'a [Arc<Deed>],
    /// Which of them is meant.
    pub(super) nth: usize,
    /// The counts, where deeds are not told apart.
    pub(super) counted: Option<&'a Tally>,
    /// Everything in the window is here.
    pub(super) fetched: bool,
    /// Whether a link was drawn, and how many had no way.
    pub(super) linked: (bool, usize),
}

/// The lines of it in so many columns and rows.
pub(super) fn lines(
    look: Look<'_>,
    (room, rows): (usize, usize),
    world: &World,
    cell: &Cell<'_>,
    grid: &Grid,
    family: &Family,
) -> Vec<Line<'static>> {
    let theme = look.theme;
    let mut lines = vec![heading(look, room, world.now, cell)];
    let Some(deed) = cell.deeds.get(cell.nth) else {
        let words = match cell.counted {
            Some(tally) => format!("{}; enter shows them in the log", tally.words()),
            None if cell.fetched => {
                "nothing here; tab goes to the next deed of the lane, n to the next that needs a look"
                    .to_owned()
            }
            None => "still being fetched".to_owned(),
        };
        lines.extend(look.wrap(&words, room, 2, theme.muted));
        return lines;
    };
    if cell.deeds.len() > 1 && rows >= LIST_FROM {
        lines.extend(listed(look, room, world.now, cell));
    } else {
        lines.push(row::line(look, room, deed, world.now));
    }
    let mut facts = Facts::new(look, room, LABEL);
    why(&mut facts, look, deed);
    relatives(&mut facts, look, world.now, deed, grid, family);
    drawn(&mut facts, look, family, cell.linked);
    lines.extend(facts.lines);
    lines
}

/// When, whose, how many: `09:04:15 to 09:04:30  follow-up  2 of 3`.
fn heading(look: Look<'_>, room: usize, now: Time, cell: &Cell<'_>) -> Line<'static> {
    let theme = look.theme;
    let (from, to) = (cell.window.start_of(cell.column), cell.window.start_of(cell.column + 1));
    let format = if cell.window.cell().micros() < 1_000_000 { "%H:%M:%S%.3f" } else { "%H:%M:%S" };
    let today = from.at(look.zone).date_naive() == now.at(look.zone).date_naive();
    let day = if today { String::new() } else { from.at(look.zone).format("%d %b ").to_string() };
    let times = format!("{day}{} to {}", from.at(look.zone).format(format), to.at(look.zone).format(format));
    let count = match (cell.deeds.len(), cell.counted) {
        (_, Some(tally)) => format!("{} deeds", tally.total()),
        (0, None) => String::new(),
        (1, None) => "1 deed".to_owned(),
        (all, None) => format!("{} of {all} deeds, J K", cell.nth + 1),
    };
    let rule = look.glyphs.rule;
    let mut spans = vec![Span::styled(format!("{} {times}  ", rule.repeat(2)), theme.border)];
    spans.extend(look.spans(&cell.lane.label(look), room / 3, theme.title));
    spans.push(Span::styled(format!("  {count} "), theme.muted));
    let left = room.saturating_sub(width(&Line::from(spans.clone())));
    spans.push(Span::styled(rule.repeat(left), theme.border));
    clip(Line::from(spans), room, look.glyphs.cut)
}

/// The deeds of the cell, the one that is meant pointed at.
fn listed(look: Look<'_>, room: usize, now: Time, cell: &Cell<'_>) -> Vec<Line<'static>> {
    let from = (cell.nth + 1).saturating_sub(LISTED).min(cell.deeds.len().saturating_sub(LISTED));
    let shown = cell.deeds.iter().enumerate().skip(from).take(LISTED);
    let line = |(at, deed): (usize, &Arc<Deed>)| {
        let sign = if at == cell.nth { look.glyphs.into } else { " " };
        let mut line = styled(format!("{sign} "), look.theme.accent);
        line.spans.extend(row::line(look, room.saturating_sub(2), deed, now).spans);
        line
    };
    shown.map(line).collect()
}

/// Why it came out as it did, and what was changed.
fn why(facts: &mut Facts<'_>, look: Look<'_>, deed: &Deed) {
    let theme = look.theme;
    let why = row::why(deed);
    let style = if deed.outcome.is_refusal() { theme.danger } else { theme.base };
    if !why.is_empty() {
        facts.long("why", &why, 2, style);
    }
    if let Some(change) =
        deed.fields.first().filter(|change| change.after.is_some() || change.before.is_some())
    {
        let room = facts.wide();
        facts.lined("field", vec![words::change(look, change, room)]);
    }
}

/// What led to it and what it led to, as far as that is in sight.
fn relatives(facts: &mut Facts<'_>, look: Look<'_>, now: Time, deed: &Deed, grid: &Grid, family: &Family) {
    let theme = look.theme;
    let find = |seq: Seq| grid.all().find(|(_, _, deed)| deed.seq == seq).map(|(_, _, deed)| deed);
    let outdated = family.links.iter().find(|link| link.kind == Kind::Outdated);
    if let Some(writer) = outdated.and_then(|link| find(link.from)) {
        fact(facts, look, now, "outdated", writer, theme.danger);
    }
    match (deed.cause, deed.cause.and_then(find)) {
        (Some(_), Some(cause)) => fact(facts, look, now, "caused by", cause, theme.muted),
        (Some(seq), None) => {
            facts.styled("caused by", &format!("#{seq}, before what is in sight"), theme.subtle);
        }
        (None, _) => {}
    }
    let effects: Vec<&Arc<Deed>> = family
        .links
        .iter()
        .filter(|link| link.from == deed.seq && link.kind == Kind::Led)
        .filter_map(|link| find(link.to))
        .collect();
    for (at, effect) in effects.iter().take(EFFECTS).enumerate() {
        fact(facts, look, now, if at == 0 { "led to" } else { "" }, effect, theme.muted);
    }
    let more = effects.len().saturating_sub(EFFECTS);
    if more > 0 || family.unseen > 0 {
        let words = match (more, family.unseen) {
            (0, _) => "more of its chain is out of sight; c shows all of it".to_owned(),
            (more, _) => format!("and {more} more; c shows the whole chain"),
        };
        facts.styled("", &words, theme.muted);
    }
}

/// What the lines between the lanes are.
fn drawn(facts: &mut Facts<'_>, look: Look<'_>, family: &Family, (any, lost): (bool, usize)) {
    if !any {
        return;
    }
    let outdated = family.links.iter().any(|link| link.kind == Kind::Outdated);
    let mut words = "what led to it and what it led to".to_owned();
    if outdated {
        words.push_str("; in red what it was outdated by");
    }
    if lost > 0 {
        _ = write!(words, "; {lost} more have no room");
    }
    facts.styled("lines", &words, look.theme.muted);
}

/// `led to    #1044 09:04:12 deeds  alert stale-read #88 ! opened`.
fn fact(facts: &mut Facts<'_>, look: Look<'_>, now: Time, label: &'static str, deed: &Deed, style: Style) {
    let room = facts.wide();
    let (sign, tint) = words::outcome(look, deed.outcome);
    let day = words::clock(look.zone, deed.time, now);
    let tail = format!(" {sign} {}", deed.outcome.as_str());
    let head = format!(
        "#{} {day} {} {} ",
        deed.seq,
        untrusted::fit(&look.who(&deed.actor), 18),
        untrusted::fit(row::action(deed), 14)
    );
    let left = room.saturating_sub(head.chars().count() + tail.chars().count());
    let mut spans = vec![Span::styled(head, style)];
    spans.extend(row::about(look, deed, left).spans);
    spans.push(Span::styled(tail, tint));
    facts.lined(label, vec![clip(Line::from(spans), room, look.glyphs.cut)]);
}
