//! The list of conflicts, the worst first.

use std::cmp::Reverse;
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;

use crate::console::widgets::list::ListState;
use crate::console::widgets::table::{self, Column, Layout, Shown};
use crate::console::widgets::{Look, styled};
use crate::console::words;
use crate::console::world::World;
use crate::domain::ids::{Actor, AlertNo};
use crate::domain::state::Board;
use crate::domain::things::{Alert, AlertState, Sides};

static COLUMNS: [Column; 7] = [
    Column::exact("SEV", 10),
    Column::exact("KIND", 17),
    Column::fill("ON", 18, 3),
    Column::fill("WHO", 12, 2).rank(2),
    Column::exact("MET", 4).right(),
    Column::exact("LAST", 6).right().rank(1).stays(),
    Column::exact("STATE", 5).rank(3),
];

/// Where there is little room: short words, and who and when are for the detail to say.
static COLUMNS_NARROW: [Column; 4] = [
    Column::exact("SEV", 6),
    Column::exact("KIND", 16),
    Column::fill("ON", 8, 1),
    Column::exact("MET", 3).right(),
];
/// Columns from which the list shows everything.
const WIDE_FROM: u16 = 66;

/// The alert of that number, open or resolved.
pub(in crate::console) fn alert(board: &Board, no: AlertNo) -> Option<&Arc<Alert>> {
    board.alerts.get(&no).or_else(|| board.resolved.iter().find(|alert| alert.no == no))
}

/// Which are shown, in which order: open ones before resolved ones, then by severity, count, and the latest first.
pub(super) fn order(board: &Board, resolved: bool, words: &[String]) -> Vec<AlertNo> {
    let over = board.resolved.iter().filter(|_| resolved);
    let mut shown: Vec<&Arc<Alert>> =
        board.alerts.values().chain(over).filter(|alert| matches(alert, words)).collect();
    shown.sort_by_key(|alert| {
        let is_over = matches!(alert.state, AlertState::Resolved { .. });
        (is_over, Reverse((alert.severity, alert.count, alert.last, alert.no)))
    });
    shown.into_iter().map(|alert| alert.no).collect()
}

fn matches(alert: &Alert, words: &[String]) -> bool {
    let on = alert.on.as_ref().map(ToString::to_string).unwrap_or_default();
    let who: Vec<&str> = alert.who.iter().map(Actor::name).collect();
    let (kind, severity) = (alert.kind.as_str(), alert.severity.as_str());
    words::all_in(words, || format!("#{} {kind} {severity} {on} {} {}", alert.no, who.join(" "), alert.title))
}

/// `mayor ⇄ dog` where they take turns, else `sales, support`; of long names the end.
pub(in crate::console::screens) fn who(look: Look<'_>, alert: &Alert) -> String {
    let between = match alert.kind.row().sides {
        Sides::InTurn => format!(" {} ", look.glyphs.swap),
        Sides::Beside => ", ".to_owned(),
    };
    let names: Vec<&str> = alert.who.iter().map(|actor| short(actor.name())).collect();
    names.join(&between)
}

/// The last part of a name such as `beads/crew/emma`: the parts before it are most often the same.
fn short(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// How far people have got with it, in one word.
fn state_word(alert: &Alert) -> &'static str {
    match (&alert.state, alert.item) {
        (AlertState::Resolved { .. }, _) => "done",
        (_, Some(_)) => "inbox",
        (AlertState::Acknowledged { .. }, None) => "seen",
        (AlertState::Open, None) => "open",
    }
}

/// Draws headings and rows; the result is where the rows are.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    look: Look<'_>,
    world: &World,
    (list, order): (&ListState, &[AlertNo]),
) -> Rect {
    let narrow = area.width < WIDE_FROM;
    let columns: &'static [Column] = if narrow { &COLUMNS_NARROW } else { &COLUMNS };
    let head = (columns, "no conflict matches; esc clears the filter");
    table::draw(buffer, area, look, head, (list, true), |at, layout| {
        let Some(alert) = order.get(at).and_then(|no| alert(world.board.as_ref()?, *no)) else {
            return Shown::nothing();
        };
        (Shown::Cells(cells(look, layout, narrow, world, alert)), false)
    })
}

fn cells(look: Look<'_>, layout: &Layout, narrow: bool, world: &World, alert: &Alert) -> Vec<Line<'static>> {
    let theme = look.theme;
    let (sign, style) = words::severity(look, alert.severity);
    let is_over = matches!(alert.state, AlertState::Resolved { .. });
    // What somebody has seen to already steps back.
    let (severity, text) = match alert.state {
        AlertState::Open => (style, theme.base),
        AlertState::Acknowledged { .. } => (style, theme.subtle),
        AlertState::Resolved { .. } => (theme.muted, theme.muted),
    };
    let cell = |column, text: &str, style| layout.cell(look, column, text, style);
    // What is about no entity says in its title what it is about: an event, a thread, a task.
    let on = match &alert.on {
        Some(on) => words::path(look, on, layout.cells(2).unwrap_or(0)),
        None => cell(2, &alert.title, text),
    };
    let word = match (is_over, narrow) {
        (true, true) => "done",
        (true, false) => "resolved",
        (false, true) => alert.severity.as_str().get(..4).unwrap_or_default(),
        (false, false) => alert.severity.as_str(),
    };
    let sign = if is_over { look.glyphs.ok } else { sign };
    let first = styled(format!("{sign} {word}"), severity);
    let kind = cell(1, alert.kind.as_str(), text);
    let times = if alert.count > 1 { theme.title } else { theme.muted };
    if narrow {
        return vec![first, kind, on, cell(3, &count(alert.count, 3), times)];
    }
    let last = words::age(world.now.since(alert.last));
    vec![
        first,
        kind,
        on,
        cell(3, &who(look, alert), theme.subtle),
        cell(4, &count(alert.count, 4), times),
        cell(5, &last, theme.muted),
        cell(6, state_word(alert), theme.muted),
    ]
}

/// A count in so many cells.
fn count(count: u64, cells: usize) -> String {
    let whole = count.to_string();
    if whole.len() <= cells { whole } else { format!("{}k", count / 1000) }
}
