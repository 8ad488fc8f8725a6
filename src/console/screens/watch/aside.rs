//! What is open beside the lanes: the next deadlines and the alerts.

use std::cmp::Reverse;
use std::sync::Arc;

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::console::screens::conflicts::rows;
use crate::console::widgets::{Look, clip, ends, styled, width};
use crate::console::words;
use crate::domain::ids::Seq;
use crate::domain::state::Board;
use crate::domain::things::{Alert, Severity};
use crate::domain::time::{Span as TimeSpan, Time};

/// Deadlines within this time are counted as near.
const NEAR: TimeSpan = TimeSpan::from_hours(2);
/// Cells of the time that is left.
const LEFT: usize = 8;

/// Something that falls due.
struct Due {
    at: Time,
    what: String,
    /// Who has it; empty where nobody has.
    who: String,
}

/// Of which moment a board is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// The one that the lanes end with.
    Shown,
    /// That under the cursor, after this deed.
    Past(Seq),
    /// Of now, while the cursor is in the past: how it was then is being fetched.
    Awaited,
    /// Of now, while the cursor is in the past: nobody knows how it was then.
    Unknown,
}

/// A board to tell of.
#[derive(Debug, Clone, Copy)]
pub(super) struct BoardAt<'a> {
    pub(super) board: &'a Board,
    /// What time is left until, and ages are counted to.
    pub(super) now: Time,
    pub(super) of: When,
}

/// Of when what follows is, where that is not plain.
fn of_when(look: Look<'_>, room: usize, now: Time, of: When) -> Option<Line<'static>> {
    let theme = look.theme;
    let (words, style) = match of {
        When::Shown => return None,
        When::Past(seq) => {
            let text = format!(
                "{} as of {}, deed {seq}",
                look.glyphs.then,
                now.at(look.zone).format("%d %b %H:%M:%S")
            );
            (text, theme.warning)
        }
        When::Awaited => ("of now; how it was is being fetched".to_owned(), theme.info),
        When::Unknown => ("of now; how it was is not known".to_owned(), theme.muted),
    };
    Some(look.line(&words, room, style))
}

/// What falls due, the next first.
fn deadlines(board: &Board) -> Vec<Due> {
    let items = board.items.values().map(|item| Due {
        at: item.due,
        what: format!("#{} {}", item.no, item.title),
        who: item
            .assigned_to
            .as_ref()
            .or(item.claimed_by.as_ref())
            .map(ToString::to_string)
            .unwrap_or_default(),
    });
    let fan_outs = board.fan_outs.values().map(|fan_out| Due {
        at: fan_out.deadline,
        what: format!("fan-out {}: {} of {}", fan_out.no, fan_out.succeeded(), fan_out.branches.len()),
        who: fan_out.agent.to_string(),
    });
    let mut all: Vec<Due> = items.chain(fan_outs).collect();
    all.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.what.cmp(&b.what)));
    all
}

/// Open alerts, the worst first, then the latest.
fn alerts(board: &Board) -> Vec<&Arc<Alert>> {
    let mut all: Vec<_> = board.alerts.values().collect();
    all.sort_by_key(|alert| Reverse((alert.severity, alert.last, alert.no)));
    all
}

/// Both lists, in so many columns and rows.
pub(super) fn lines(look: Look<'_>, (room, rows): (usize, usize), seen: BoardAt<'_>) -> Vec<Line<'static>> {
    let BoardAt { board, now, of } = seen;
    let (due, alerts) = (deadlines(board), alerts(board));
    let mut lines: Vec<Line<'static>> = of_when(look, room, now, of).into_iter().collect();
    let rows = rows.saturating_sub(lines.len());
    // Each list may take what the other leaves.
    let half = rows / 2;
    let for_due = (due.len() + 2).min(rows.saturating_sub((alerts.len() + 1).min(half)));
    lines.push(due_heading(look, now, &due));
    lines.extend(due.iter().take(for_due.saturating_sub(2)).map(|due| due_line(look, room, now, due)));
    lines.push(Line::default());
    lines.push(alerts_heading(look, board));
    let left = rows.saturating_sub(lines.len());
    lines.extend(alerts.iter().take(left).map(|alert| alert_line(look, room, now, alert)));
    lines
}

/// The same in a line each.
pub(super) fn brief(look: Look<'_>, room: usize, seen: BoardAt<'_>) -> Vec<Line<'static>> {
    let BoardAt { board, now, of } = seen;
    let (due, alerts) = (deadlines(board), alerts(board));
    let joined = |mut head: Line<'static>, next: Option<Line<'static>>| {
        head.spans.insert(0, Span::raw(" "));
        if let Some(next) = next {
            head.spans.push(Span::raw("  "));
            head.spans.extend(next.spans);
        }
        clip(head, room, look.glyphs.cut)
    };
    let left = |head: &Line<'_>| room.saturating_sub(width(head) + 4);
    let mut first = due_heading(look, now, &due);
    let when = match of {
        When::Shown => None,
        When::Past(seq) => Some((format!("{} #{seq}  ", look.glyphs.then), look.theme.warning)),
        When::Awaited | When::Unknown => Some(("of now  ".to_owned(), look.theme.muted)),
    };
    if let Some((words, style)) = when {
        first.spans.insert(0, Span::styled(words, style));
    }
    let second = alerts_heading(look, board);
    let next_due = due.first().map(|due| due_line(look, left(&first), now, due));
    let next_alert = alerts.first().map(|alert| alert_line(look, left(&second), now, alert));
    vec![joined(first, next_due), joined(second, next_alert)]
}

/// `DUE  overdue 1 · within 2h 3`.
fn due_heading(look: Look<'_>, now: Time, due: &[Due]) -> Line<'static> {
    let theme = look.theme;
    let overdue = due.iter().filter(|due| due.at <= now).count();
    let near = due.iter().filter(|due| due.at > now && due.at.since(now) < NEAR).count();
    let mut spans = vec![Span::styled("DUE     ", theme.title)];
    if due.is_empty() {
        spans.push(Span::styled("nothing", theme.muted));
        return Line::from(spans);
    }
    if overdue > 0 {
        spans.push(Span::styled(format!("{} {overdue} overdue", look.glyphs.attention), theme.danger));
        spans.push(Span::styled(format!(" {} ", look.glyphs.dot), theme.muted));
    }
    let style = if near > 0 { theme.warning } else { theme.muted };
    spans.push(Span::styled(format!("{near} within {}", NEAR.rough()), style));
    spans.push(Span::styled(format!(" {} {} in all", look.glyphs.dot, due.len()), theme.muted));
    Line::from(spans)
}

fn due_line(look: Look<'_>, room: usize, now: Time, due: &Due) -> Line<'static> {
    let theme = look.theme;
    let style = if due.at <= now {
        theme.danger
    } else if due.at.since(now) < NEAR {
        theme.warning
    } else {
        theme.subtle
    };
    let sign = if due.at <= now { look.glyphs.attention } else { " " };
    let left = format!("{sign} {:>LEFT$}  ", words::left(due.at, now));
    both_ends(look, room, (left, style), &due.what, &due.who)
}

/// `ALERTS  2 critical · 4 warning`.
fn alerts_heading(look: Look<'_>, board: &Board) -> Line<'static> {
    let theme = look.theme;
    let mut spans = vec![Span::styled("ALERTS  ", theme.title)];
    let mut first = true;
    for severity in [Severity::Critical, Severity::Warning, Severity::Info] {
        let count = board.alerts.values().filter(|alert| alert.severity == severity).count();
        if count == 0 {
            continue;
        }
        if !first {
            spans.push(Span::styled(format!(" {} ", look.glyphs.dot), theme.muted));
        }
        first = false;
        spans.push(Span::styled(format!("{count} {}", severity.as_str()), words::severity(look, severity).1));
    }
    if first {
        spans.push(Span::styled("none open", theme.muted));
    }
    Line::from(spans)
}

fn alert_line(look: Look<'_>, room: usize, now: Time, alert: &Alert) -> Line<'static> {
    let (sign, style) = words::severity(look, alert.severity);
    let times =
        if alert.count > 1 { format!(" {}{}", look.glyphs.times, alert.count) } else { String::new() };
    let head = (format!("{sign} {} #{}  ", alert.kind.as_str(), alert.no), style);
    let when = words::age(now.since(alert.last));
    both_ends(look, room, head, &rows::who(look, alert), &format!("{times} {when}"))
}

/// A head in its style, a text that gives way, and words at the right end.
fn both_ends(look: Look<'_>, room: usize, head: (String, Style), text: &str, end: &str) -> Line<'static> {
    let mut left = styled(head.0, head.1);
    left.spans.extend(look.spans(text, room, look.theme.base));
    ends(left, look.line(end, room / 3, look.theme.muted), room, look.glyphs.cut)
}
