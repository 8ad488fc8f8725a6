//! The list of cases, and what stands there when it is empty.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::alike::{Groups, Stands};
use crate::console::widgets::list::{GUTTER, ListState};
use crate::console::widgets::pane::{self, FULL_FROM};
use crate::console::widgets::table::{self, Column, Layout, Shown as Cells};
use crate::console::widgets::{Look, bars, chrome, styled, width};
use crate::console::world::World;
use crate::console::{reviews, words};
use crate::domain::ids::ItemNo;
use crate::domain::rule::order::Urgency;
use crate::domain::state::Board;
use crate::domain::things::Item;
use crate::domain::time::Time;

/// The list's share of the width.
const LEFT_PERCENT: u16 = 50;
/// The same on a wide screen where a case would be cut.
const LEFT_PERCENT_WIDE: u16 = 55;
/// Cells of the time left.
const DUE: usize = 8;
/// Least cells of a case.
const CASE_LEAST: usize = 24;
/// Least cells of what a case is about.
const SUBJECT_LEAST: usize = 12;
/// Most cells of the names of agents, of queues, and of who has taken a case.
const NAME_MOST: usize = 12;
/// What the sign before a name takes.
const SIGN: usize = 2;

/// How many cells the texts of the list take, whatever of it is filtered or scrolled away, so that columns stand still.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Needs {
    from: usize,
    case: usize,
    /// None where the map has one queue only, which then need not be named on every row.
    queue: Option<usize>,
}

impl Needs {
    pub(super) fn of(board: &Board) -> Self {
        let queues = &board.map.model().queues;
        let mut needs =
            Self { from: 4, case: CASE_LEAST, queue: (queues.len() > 1).then_some("QUEUE".len()) };
        for item in board.items.values() {
            needs.from = needs.from.max(item.raised_by.name().chars().count() + SIGN).min(NAME_MOST + SIGN);
            needs.case = needs.case.max(item.title.chars().count());
            let queue = item.queue.as_str().chars().count();
            needs.queue = needs.queue.map(|most| most.max(queue).min(NAME_MOST));
        }
        needs
    }

    fn columns(self) -> Vec<Column> {
        let mut columns = vec![
            Column::exact("DUE", DUE).right().stays(),
            Column::exact("FROM", self.from).rank(1),
            Column::fill("CASE", CASE_LEAST, 1),
        ];
        columns.extend(self.queue.map(|most| Column::exact("QUEUE", most).rank(2)));
        columns
    }

    /// The list's share of the width, where the case stands beside it.
    pub(super) fn share(self, body: Rect) -> Option<u16> {
        let half = pane::share(body, [LEFT_PERCENT; 2])?;
        let list = pane::split(body, half).0;
        let layout = Layout::new(&self.columns(), usize::from(list.width.saturating_sub(GUTTER)));
        let cut = layout.cells(2).is_some_and(|room| room < self.case);
        Some(if cut && body.width >= FULL_FROM { LEFT_PERCENT_WIDE } else { half })
    }
}

/// What the list shows.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) order: &'a [ItemNo],
    pub(super) marks: &'a BTreeSet<ItemNo>,
    pub(super) list: &'a ListState,
    /// What is folded together.
    pub(super) alike: &'a Groups,
    pub(super) needs: Needs,
}

/// Whether a case has all words somewhere in what the list shows of it.
pub(super) fn matches(item: &Item, words: &[String]) -> bool {
    let subject = item.subject.as_ref().map(ToString::to_string).unwrap_or_default();
    let (no, queue, by) = (item.no, &item.queue, &item.raised_by);
    words::all_in(words, || format!("#{no} {queue} {by} {} {} {subject}", item.title, item.why))
}

/// Draws headings and rows; the result is where the rows are.
pub(super) fn draw(
    buffer: &mut Buffer,
    area: Rect,
    look: Look<'_>,
    world: &World,
    board: &Board,
    shown: &Shown<'_>,
) -> Rect {
    let columns = shown.needs.columns();
    let head = (columns.as_slice(), "no case matches; esc clears the filter");
    table::draw(buffer, area, look, head, (shown.list, true), |at, layout| {
        let Some(item) = shown.order.get(at).and_then(|no| board.items.get(no)) else {
            return Cells::nothing();
        };
        let stands = shown.alike.stands(item);
        let marked = shown.marks.contains(&item.no)
            || stands == Stands::Closed
                && shown.alike.members(item).iter().any(|no| shown.marks.contains(no));
        (Cells::Cells(row(look, layout, (world, board), (shown, stands), item)), marked)
    })
}

fn row(
    look: Look<'_>,
    layout: &Layout,
    (world, board): (&World, &Board),
    (shown, stands): (&Shown<'_>, Stands),
    item: &Item,
) -> Vec<Line<'static>> {
    let theme = look.theme;
    let text = |text: &str, column, style| layout.cell(look, column, text, style);
    let (by, style) = match &item.claimed_by {
        Some(by) if *by == world.me.person => ("you".to_owned(), theme.success),
        Some(by) => (by.to_string(), theme.info),
        None => (String::new(), theme.muted),
    };
    let mut last = look.line(&by, NAME_MOST, style);
    // What is overdue says so where its time stands.
    let urgency = Urgency::of(board, item, world.now);
    if let Some(word) = urgency.word().filter(|_| urgency != Urgency::Overdue) {
        let style = if urgency == Urgency::Critical { theme.danger } else { theme.warning };
        let gap = if by.is_empty() { "" } else { " " };
        last.push_span(Span::styled(format!("{gap}{word}"), style));
    }
    // Of those that are alike it is said once how many wait.
    let branch = match stands {
        Stands::Closed => look.glyphs.closed,
        Stands::Open => look.glyphs.open,
        Stands::Alone | Stands::Under => "",
    };
    let count = shown.alike.count(item);
    if count > 1 && stands != Stands::Under {
        let words = format!(" {branch} {}{count} alike", look.glyphs.times);
        last.push_span(Span::styled(
            if last.spans.iter().all(|span| span.content.is_empty()) {
                words.trim_start().to_owned()
            } else {
                words
            },
            theme.muted,
        ));
    }
    vec![
        due(look, item, world.now),
        text(&look.who(&item.raised_by), 1, theme.subtle),
        titled(look, layout, (item, stands), last),
        text(item.queue.as_str(), 3, theme.muted),
    ]
}

/// A case and what it is about, with what is said of it at its right end, which takes room only where something is.
fn titled(
    look: Look<'_>,
    layout: &Layout,
    (item, stands): (&Item, Stands),
    last: Line<'static>,
) -> Line<'static> {
    let room = layout.cells(2).unwrap_or(0);
    let mut line = look.line(&item.title, usize::from(u16::MAX), look.theme.base);
    if stands == Stands::Under {
        line.spans.insert(0, Span::raw("  "));
    }
    let left = room.saturating_sub(width(&line) + width(&last) + 4);
    let subject = item.subject.as_ref().filter(|subject| !item.title.contains(subject.as_str()));
    if let Some(subject) = subject.filter(|subject| left >= SUBJECT_LEAST.min(subject.as_str().len())) {
        line.push_span(Span::raw("  "));
        let subject = words::tail(subject.as_str(), left, look.glyphs.cut);
        line.spans.extend(look.spans(&subject, left, look.theme.muted));
    }
    layout.ends(look, 2, line, last)
}

/// The time left, in the colour of its urgency; past the deadline with a sign and a word.
fn due(look: Look<'_>, item: &Item, now: Time) -> Line<'static> {
    let words = words::left(item.due, now);
    let overdue = item.is_overdue(now);
    let words = if overdue { format!("{}OVERDUE", look.glyphs.attention) } else { words };
    styled(words, urgency(look, item, now))
}

/// The role of an item's deadline.
pub(super) fn urgency(look: Look<'_>, item: &Item, now: Time) -> Style {
    let micros = |span: crate::domain::time::Span| u64::try_from(span.micros()).unwrap_or(0);
    let used = micros(now.since(item.opened));
    let whole = micros(item.due.since(item.opened));
    if used * 2 < whole && !item.overdue {
        return look.theme.subtle;
    }
    bars::deadline_style(look, used, whole)
}

/// Nothing waits: why, and what next.
pub(super) fn draw_clear(buffer: &mut Buffer, area: Rect, look: Look<'_>, world: &World, board: &Board) {
    if world.is_new(board) && !world.welcome.is_empty() {
        let next = world.welcome.join("\n");
        chrome::draw_empty(buffer, area, look, "Nothing has happened here yet", &next);
        return;
    }
    let mut next = String::new();
    if let Some(closed) = board.closed.last() {
        let (no, word, ago) = (closed.item.no, closed.answer.word(), world.ago(closed.at));
        _ = writeln!(next, "last answered: #{no} {word} by {}, {ago}", look.who(&closed.by));
    }
    if let Some(owed) = reviews::owed(world) {
        _ = writeln!(next, "{}; nothing waits in it", owed.words);
    }
    next.push_str("what agents can't decide will appear here, with a deadline");
    chrome::draw_empty(buffer, area, look, "No decision waits", &next);
}
