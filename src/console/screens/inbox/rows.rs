//! The list of cases, and what stands there when it is empty.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::console::untrusted;
use crate::console::widgets::bars;
use crate::console::widgets::list::{self, GUTTER, ListState, Row};
use crate::console::widgets::pane::{self, COMPACT_FROM};
use crate::console::widgets::table::{Column, Layout};
use crate::console::widgets::{Look, chrome, put_at};
use crate::console::words;
use crate::console::world::World;
use crate::domain::ids::ItemNo;
use crate::domain::state::{Board, Item};
use crate::domain::time::Time;

/// The list's share of the width.
pub(super) const LEFT_PERCENT: u16 = 50;

static COLUMNS: [Column; 5] = [
    Column::exact("DUE", 8).right(),
    Column::exact("FROM", 10).rank(1),
    Column::fill("CASE", 16, 1),
    Column::exact("", 5).right().rank(2),
    Column::exact("QUEUE", 6).rank(3),
];
/// The same where the map has one queue only, which then need not be named on every row.
static COLUMNS_OF_ONE_QUEUE: [Column; 4] = [COLUMNS[0], COLUMNS[1], COLUMNS[2], COLUMNS[3]];

/// What the list shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) order: &'a [ItemNo],
    pub(super) marks: &'a BTreeSet<ItemNo>,
    pub(super) list: &'a ListState,
    /// How many wait of each likeness.
    pub(super) alike: &'a BTreeMap<Arc<str>, usize>,
}

/// Whether a case has all words somewhere in what the list shows of it.
pub(super) fn matches(item: &Item, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let subject = item.subject.as_ref().map(ToString::to_string).unwrap_or_default();
    let text =
        format!("#{} {} {} {} {} {subject}", item.no, item.queue, item.raised_by, item.title, item.why);
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

/// The rows of the list, without the headings, as they are drawn in a body.
pub(super) fn list_area(body: Rect, filter_row: bool) -> Rect {
    let left = if body.width >= COMPACT_FROM { pane::split(body, LEFT_PERCENT).0 } else { body };
    let (rest, _) = with_filter_row(left, filter_row);
    below_header(rest)
}

/// Takes the last row for the filter, where there is one.
pub(super) fn with_filter_row(area: Rect, wanted: bool) -> (Rect, Rect) {
    let taken = u16::from(wanted).min(area.height);
    let rest = Rect { height: area.height - taken, ..area };
    (rest, Rect { y: area.y + rest.height, height: taken, ..area })
}

/// Draws headings and rows.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    look: Look<'_>,
    world: &World,
    board: &Board,
    shown: &Shown<'_>,
) {
    let several = board.map.model().queues.len() > 1;
    let columns: &'static [Column] = if several { &COLUMNS } else { &COLUMNS_OF_ONE_QUEUE };
    let layout = Layout::new(columns, usize::from(area.width.saturating_sub(GUTTER)));
    put_at(buffer, area, 0, GUTTER, &layout.header(look));
    let rows = below_header(area);
    if shown.order.is_empty() {
        let line = Line::from(Span::styled("no case matches; esc clears the filter", look.theme.muted));
        put_at(buffer, rows, 1, GUTTER, &line);
        return;
    }
    list::draw(buffer, rows, look, shown.list, true, |at, _| {
        let item = shown.order.get(at).and_then(|no| board.items.get(no));
        item.map(|item| Row {
            line: row(look, &layout, world, shown, item),
            marked: shown.marks.contains(&item.no),
        })
        .unwrap_or_default()
    });
}

fn below_header(area: Rect) -> Rect {
    let header = 1.min(area.height);
    Rect { y: area.y + header, height: area.height - header, ..area }
}

fn row(look: Look<'_>, layout: &Layout, world: &World, shown: &Shown<'_>, item: &Item) -> Line<'static> {
    let theme = look.theme;
    let text = |text: &str, column: usize, style| {
        let room = layout.cells(column).unwrap_or(0);
        Line::from(untrusted::fit_spans(text, room, style, theme.escaped))
    };
    // Who has taken it; where nobody has, how many are alike.
    let (last, style) = match &item.claimed_by {
        Some(by) if *by == world.me.person => ("you".to_owned(), theme.success),
        Some(by) => (by.to_string(), theme.info),
        None => match shown.alike.get(&item.alike) {
            Some(count) if *count > 1 => (format!("{}{count}", look.glyphs.times), theme.muted),
            Some(_) | None => (String::new(), theme.muted),
        },
    };
    layout.row(
        look,
        [
            due(look, item, world.now),
            text(item.raised_by.name(), 1, theme.subtle),
            text(&item.title, 2, theme.base),
            text(&last, 3, style),
            text(item.queue.as_str(), 4, theme.muted),
        ],
    )
}

/// The time left, in the colour of its urgency; past the deadline with a sign and a word.
fn due(look: Look<'_>, item: &Item, now: Time) -> Line<'static> {
    let words = words::left(item.due, now);
    let overdue = item.overdue || item.due <= now;
    let words = if overdue { format!("{}OVERDUE", look.glyphs.attention) } else { words };
    Line::from(Span::styled(words, urgency(look, item, now)))
}

/// The role of an item's deadline.
pub(super) fn urgency(look: Look<'_>, item: &Item, now: Time) -> ratatui::style::Style {
    let micros = |span: crate::domain::time::Span| u64::try_from(span.micros()).unwrap_or(0);
    let used = micros(now.since(item.opened));
    let whole = micros(item.due.since(item.opened));
    if used * 2 < whole && !item.overdue {
        return look.theme.subtle;
    }
    bars::deadline_style(look, used, whole)
}

/// Before the first answer of the server.
pub(super) fn draw_waiting(buffer: &mut Buffer, area: Rect, look: Look<'_>) {
    let next =
        [Line::from(Span::styled("the board comes from the server as soon as it answers", look.theme.muted))];
    chrome::draw_empty(buffer, area, look, "Connecting", &next);
}

/// Nothing waits: why, and what next.
pub(super) fn draw_clear(buffer: &mut Buffer, area: Rect, look: Look<'_>, world: &World, board: &Board) {
    let theme = look.theme;
    let line = |text: &str| {
        Line::from(untrusted::fit_spans(text, usize::from(area.width), theme.subtle, theme.escaped))
    };
    if board.agents.is_empty() && board.closed.is_empty() && !world.welcome.is_empty() {
        let lines: Vec<_> = world.welcome.iter().map(|text| line(text)).collect();
        chrome::draw_empty(buffer, area, look, "Nothing has happened here yet", &lines);
        return;
    }
    let mut lines = Vec::new();
    if let Some(closed) = board.closed.last() {
        let words = format!(
            "last answered: #{} {} by {}, {}",
            closed.item.no,
            closed.answer.word(),
            closed.by,
            world.ago(closed.at)
        );
        lines.push(line(&words));
    }
    lines.push(line("what agents can't decide will appear here, with a deadline"));
    chrome::draw_empty(buffer, area, look, "No decision waits", &lines);
}
