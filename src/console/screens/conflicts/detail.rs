//! One conflict, whole: both sides next to each other, the timeline between them, where it began, what was done about it.

use std::sync::Arc;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::rows;
use crate::console::widgets::facts::Facts;
use crate::console::widgets::{Look, clip, ends, pad, styled, thousands, width};
use crate::console::world::World;
use crate::console::{untrusted, words};
use crate::domain::deed::Deed;
use crate::domain::ids::Seq;
use crate::domain::state::{Board, Stop};
use crate::domain::things::{Alert, AlertSide, AlertState};

/// Cells of the labels.
const LABEL: usize = 9;
/// Cells of the labels of the two sides.
const SIDE_LABEL: usize = 7;
/// Cells of the timeline beside its marks.
const TIMELINE_ROOM: usize = 10;
/// Lines of one value or reason.
const TEXT_LINES: usize = 4;

/// The lines of a conflict in so many columns.
pub(super) fn lines<'a>(
    look: Look<'_>,
    room: usize,
    world: &World,
    alert: &Alert,
    deed: &dyn Fn(Seq) -> Option<&'a Arc<Deed>>,
) -> Vec<Line<'static>> {
    let theme = look.theme;
    let mut lines = vec![head(look, room, alert)];
    lines.extend(look.wrap(&alert.title, room, 3, theme.base));
    lines.extend(untrusted::wrap(alert.kind.row().meaning, room, 2, theme.muted, theme.muted));
    lines.push(Line::default());
    lines.extend(sides(look, room, world, alert));
    lines.push(Line::default());
    lines.extend(timeline(look, room, alert));
    lines.push(Line::default());
    lines.extend(first_cause(look, room, world, alert, deed));
    lines.extend(standing(look, room, world, alert));
    lines
}

fn head(look: Look<'_>, room: usize, alert: &Alert) -> Line<'static> {
    let theme = look.theme;
    let (sign, style) = words::severity(look, alert.severity);
    let left = styled(format!("{} #{}", alert.kind.as_str(), alert.no), theme.title);
    let state = match alert.state {
        AlertState::Open => "open",
        AlertState::Acknowledged { .. } => "acknowledged",
        AlertState::Resolved { .. } => "resolved",
    };
    let right = Line::from(vec![
        Span::styled(format!("{sign} {}", alert.severity.as_str()), style),
        Span::styled(format!(" {} ", look.glyphs.dot), theme.muted),
        Span::styled(state, theme.subtle),
    ]);
    ends(left, right, room, look.glyphs.cut)
}

/// The two sides that are compared: the latest of each of the first two actors, or the last two where only one acted.
fn compared(alert: &Alert) -> Vec<&AlertSide> {
    let latest = |at: usize| {
        let actor = alert.who.get(at)?;
        alert.sides.iter().rev().find(|side| side.actor == *actor)
    };
    match (latest(0), latest(1)) {
        (Some(first), Some(second)) => vec![first, second],
        (Some(_) | None, _) => alert.sides.iter().skip(alert.sides.len().saturating_sub(2)).collect(),
    }
}

/// How a text of the comparison looks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tint {
    Plain,
    Dim,
    Value,
    Bad,
    Path,
}

/// One line of the comparison: its label, and a cell for each side, empty where there is nothing to say.
type Compare = (&'static str, fn(&World, &Alert, &AlertSide) -> Vec<(String, Tint)>);

const COMPARED: &[Compare] = &[
    ("on", |_, alert, side| {
        // Where all is about one field, the title says which.
        let differ = alert.sides.iter().any(|side| side.path.is_some() && side.path != alert.on);
        let path = side.path.as_ref().filter(|_| differ);
        path.map(|path| (path.to_string(), Tint::Path)).into_iter().collect()
    }),
    ("read", |_, _, side| side.read.map(|read| (format!("v{read}"), Tint::Plain)).into_iter().collect()),
    ("wrote", |_, _, side| {
        let Some(wrote) = side.wrote else { return Vec::new() };
        let mut parts = vec![(format!("v{wrote} "), Tint::Plain)];
        parts.extend(side.value.as_ref().map(|value| (value.plain(), Tint::Value)));
        parts
    }),
    ("wanted", |_, _, side| {
        let wanted = side.value.as_ref().filter(|_| side.wrote.is_none());
        wanted.map(|value| (value.plain(), Tint::Value)).into_iter().collect()
    }),
    ("when", |world, _, side| vec![(words::clock(world.zone, side.at, world.now), Tint::Dim)]),
    ("why", |_, alert, side| {
        // The entity stands above; its name would only fill the lines.
        let shorter = |why: &Arc<str>| match &alert.on {
            Some(on) => why.replace(&format!("{}#", on.entity), "#"),
            None => why.to_string(),
        };
        side.why.as_ref().map(|why| (shorter(why), Tint::Plain)).into_iter().collect()
    }),
    ("came", |_, _, side| {
        let bad = side.outcome.contains("stale") || side.outcome.contains("not the owner");
        vec![(side.outcome.to_string(), if bad { Tint::Bad } else { Tint::Dim })]
    }),
    ("deed", |_, _, side| side.deed.map(|deed| (format!("#{deed}"), Tint::Dim)).into_iter().collect()),
];

/// What each read, wrote or wanted, when and why, next to each other.
fn sides(look: Look<'_>, room: usize, world: &World, alert: &Alert) -> Vec<Line<'static>> {
    let theme = look.theme;
    let sides = compared(alert);
    let half = room.saturating_sub(SIDE_LABEL) / sides.len().max(1);
    let mut names = vec![Span::raw(" ".repeat(SIDE_LABEL))];
    for (at, side) in sides.iter().enumerate() {
        let sign = look.glyphs.sides.get(at).copied().unwrap_or_default();
        let mut name = vec![Span::styled(format!("{sign} "), side_style(look, at))];
        name.extend(look.spans(&look.who(&side.actor), half.saturating_sub(4), theme.title));
        names.extend(pad(Line::from(name), half, look.glyphs.cut).spans);
    }
    let mut lines = vec![Line::from(names)];
    for (label, cell) in COMPARED {
        let cells: Vec<Vec<Line<'static>>> = sides
            .iter()
            .map(|side| wrapped(look, half.saturating_sub(2), &cell(world, alert, side)))
            .collect();
        for row in 0..cells.iter().map(Vec::len).max().unwrap_or(0) {
            let label = if row == 0 { *label } else { "" };
            let mut line = vec![Span::styled(format!("{label:<SIDE_LABEL$}"), theme.muted)];
            for cell in &cells {
                let nothing = styled(if row == 0 { look.glyphs.none } else { "" }, theme.muted);
                let part = cell.get(row).cloned().unwrap_or(nothing);
                line.extend(pad(part, half, look.glyphs.cut).spans);
            }
            lines.push(Line::from(line));
        }
    }
    lines
}

fn side_style(look: Look<'_>, at: usize) -> Style {
    if at == 0 { look.theme.accent } else { look.theme.warning }
}

/// The first part, and the second wrapped behind it.
fn wrapped(look: Look<'_>, room: usize, parts: &[(String, Tint)]) -> Vec<Line<'static>> {
    let theme = look.theme;
    let style = |tint: Tint| match tint {
        Tint::Plain | Tint::Path => theme.base,
        Tint::Dim => theme.subtle,
        Tint::Value => theme.accent,
        Tint::Bad => theme.danger,
    };
    match parts {
        [] => Vec::new(),
        [(path, Tint::Path)] => {
            let path = words::tail(path, room, look.glyphs.cut);
            vec![look.line(&path, room, theme.base)]
        }
        [(text, tint)] => look.wrap(text, room, TEXT_LINES, style(*tint)),
        [(first, tint), (text, next), ..] => {
            let lead = first.chars().count();
            let mut lines = look.wrap(text, room.saturating_sub(lead), TEXT_LINES, style(*next));
            for (at, line) in lines.iter_mut().enumerate() {
                let before = if at == 0 { first.clone() } else { " ".repeat(lead) };
                line.spans.insert(0, Span::styled(before, style(*tint)));
            }
            lines
        }
    }
}

/// `├─●──○──●── now   56 in 9d`: the sides by time; what is not kept any more is a gap.
fn timeline(look: Look<'_>, room: usize, alert: &Alert) -> Vec<Line<'static>> {
    let theme = look.theme;
    let mut sides: Vec<&AlertSide> = alert.sides.iter().collect();
    sides.sort_by_key(|side| (side.at, side.deed));
    let compared = compared(alert);
    let first = compared.first().map(|side| &side.actor);
    let alone = compared.iter().all(|other| Some(&other.actor) == first);
    // The first two stand for how it began; of the others as many of the latest as there is room for.
    let fits = (room.saturating_sub(TIMELINE_ROOM) / 3).max(4);
    let gap = alert.count > sides.len() as u64 || sides.len() > fits;
    if sides.len() > fits {
        sides.drain(2..sides.len() + 2 - fits);
    }
    let mut spans = vec![Span::styled(look.glyphs.branches[0], theme.border)];
    for (at, side) in sides.iter().enumerate() {
        if at == 2 && gap {
            spans.push(Span::styled(format!(" {} ", look.glyphs.cut), theme.muted));
        }
        let second = if alone { at % 2 == 1 } else { Some(&side.actor) != first };
        let sign = look.glyphs.sides.get(usize::from(second)).copied().unwrap_or_default();
        spans.push(Span::styled(sign, side_style(look, usize::from(second))));
        spans.push(Span::styled(look.glyphs.rule.repeat(2), theme.border));
    }
    spans.push(Span::styled(" now", theme.muted));
    let mut line = Line::from(spans);
    let span = alert.last.since(alert.first);
    let times = match (alert.count, span.micros()) {
        (1, ..1_000_000) => "met once".to_owned(),
        (1, _) => format!("met once, {} apart", words::minutes(span)),
        (count, 0) => format!("met {} times at once", thousands(count)),
        (count, _) => format!("met {} times in {}", thousands(count), words::minutes(span)),
    };
    let times = Span::styled(format!("   {times}"), theme.title);
    if width(&line) + times.content.len() <= room {
        line.spans.push(times);
        return vec![line];
    }
    vec![clip(line, room, look.glyphs.cut), Line::from(times)]
}

/// Where it began.
fn first_cause<'a>(
    look: Look<'_>,
    room: usize,
    world: &World,
    alert: &Alert,
    deed: &dyn Fn(Seq) -> Option<&'a Arc<Deed>>,
) -> Vec<Line<'static>> {
    let theme = look.theme;
    let Some(seq) = alert.first_cause else { return Vec::new() };
    let head = Line::from(vec![
        Span::styled("FIRST CAUSE  ", theme.muted),
        Span::styled(format!("#{seq}"), theme.accent),
        Span::styled("  enter opens it in the log", theme.muted),
    ]);
    let told = match deed(seq) {
        Some(deed) => words::deed(look, deed, world.now, room.saturating_sub(2)),
        None => styled("being fetched", theme.muted),
    };
    let mut spans = vec![Span::raw("  ")];
    spans.extend(told.spans);
    vec![clip(head, room, look.glyphs.cut), clip(Line::from(spans), room, look.glyphs.cut)]
}

/// What people did about it.
fn standing(look: Look<'_>, room: usize, world: &World, alert: &Alert) -> Vec<Line<'static>> {
    let mut facts = Facts::new(look, room, LABEL);
    match &alert.state {
        AlertState::Open => {}
        AlertState::Acknowledged { by, at } => {
            facts.say("STATE", &format!("acknowledged by {}, {}", look.who(by), world.ago(*at)));
        }
        AlertState::Resolved { by, at } => {
            facts.say("STATE", &format!("resolved by {}, {}", look.who(by), world.ago(*at)));
        }
    }
    facts.maybe("NOTE", alert.note.as_deref());
    if let Some(board) = &world.board {
        if let Some(item) = alert.item {
            let open = if board.items.contains_key(&item) { "waits in the inbox" } else { "is answered" };
            facts.say("INBOX", &format!("#{item} {open}"));
        }
        for (what, stop) in stops(board, alert) {
            let words = format!("{what} by {}, {}: {}", look.who(&stop.by), world.ago(stop.at), stop.reason);
            facts.styled("STOPPED", &words, look.theme.warning);
        }
    }
    let gap = (!facts.lines.is_empty()).then(Line::default);
    gap.into_iter().chain(facts.lines).collect()
}

/// What people stopped that this conflict is about.
fn stops<'a>(board: &'a Board, alert: &'a Alert) -> Vec<(String, &'a Stop)> {
    let entity = alert.on.as_ref().map(|on| &on.entity);
    let frozen = entity.and_then(|entity| Some((format!("{entity} was frozen"), board.frozen.get(entity)?)));
    let paused = alert.who.iter().filter_map(|actor| {
        let agent = actor.agent()?;
        let stop = board.agents.get(agent)?.paused.as_ref()?;
        Some((format!("{agent} was paused"), stop))
    });
    frozen.into_iter().chain(paused).collect()
}

/// The conflict in plain text, for the clipboard.
pub(super) fn plain(look: Look<'_>, alert: &Alert) -> String {
    let (kind, severity, who) = (alert.kind.as_str(), alert.severity.as_str(), rows::who(look, alert));
    format!("{kind} #{} {severity} {who} x{}: {}", alert.no, alert.count, alert.title)
}
