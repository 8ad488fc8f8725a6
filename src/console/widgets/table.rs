//! Columns with width rules: each gets what its content earns, as measured over the rows that are shown. A column that says
//! the same in every row steps back into the heading. Where room is short, the columns that matter least go first; rows that
//! still don't fit can be scrolled sideways, with the first column kept.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::list::{self, GUTTER, ListState, Row};
use super::{Look, clip, ends, pad, put_right, skip, spoken, styled, width};

/// Blanks between two columns.
const GAP: usize = 2;
/// Cells of a column while it is measured, or heard and not seen: no text in a list is told at greater length.
const LOOSE: usize = 400;

/// How wide a column is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// As wide as its content; at least so many cells, where the content takes them.
    Exact(usize),
    /// The same, and a share of what nobody needs by weight.
    Fill {
        /// Least cells.
        min: usize,
        /// Share of the rest.
        weight: usize,
    },
}

/// Which end a cell is aligned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// Text.
    #[default]
    Left,
    /// Numbers and times left.
    Right,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// The heading.
    pub title: &'static str,
    pub width: Width,
    /// Its alignment.
    pub align: Align,
    /// 0 stays always; of the others the highest goes first.
    pub rank: u8,
    /// It stays a column where all rows say the same.
    pub stays: bool,
}

impl Column {
    /// A column that is as wide as what is in it.
    pub const fn exact(title: &'static str, cells: usize) -> Self {
        Self { title, width: Width::Exact(cells), align: Align::Left, rank: 0, stays: false }
    }

    /// A column that takes a share of the room. It is what the rows are about, so it stays.
    pub const fn fill(title: &'static str, min: usize, weight: usize) -> Self {
        Self { title, width: Width::Fill { min, weight }, align: Align::Left, rank: 0, stays: true }
    }

    /// Aligned to the right.
    #[must_use]
    pub const fn right(self) -> Self {
        Self { align: Align::Right, ..self }
    }

    /// Gone when room is short, highest rank first.
    #[must_use]
    pub const fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }

    /// Never put into the heading: a time that passes, a sign that is looked for.
    #[must_use]
    pub const fn stays(self) -> Self {
        Self { stays: true, ..self }
    }

    fn least(&self) -> usize {
        match self.width {
            Width::Exact(cells) => cells,
            Width::Fill { min, .. } => min,
        }
    }
}

/// What the rows that were shown asked of one column.
#[derive(Debug, Clone, Default)]
struct Want {
    /// The most cells that one of them takes.
    cells: usize,
    rows: usize,
    /// What the first said, and whether another said something else.
    first: Line<'static>,
    varies: bool,
}

/// What columns have earned: it grows while rows are scrolled by, and begins anew when the list or the room is another, so
/// that columns stand still under a moving cursor.
#[derive(Debug, Clone, Default)]
pub struct Earned {
    room: usize,
    titles: Vec<&'static str>,
    wants: Vec<Want>,
}

impl Earned {
    /// Begins anew where it was about something else.
    fn about(&mut self, columns: &[Column], room: usize) {
        let titles = columns.iter().map(|column| column.title);
        if self.room != room || !self.titles.iter().copied().eq(titles.clone()) {
            *self = Self { room, titles: titles.collect(), wants: vec![Want::default(); columns.len()] };
        }
    }

    fn row(&mut self, cells: Vec<Line<'static>>) {
        for (want, cell) in self.wants.iter_mut().zip(cells) {
            want.cells = want.cells.max(width(&cell));
            want.rows += 1;
            if want.rows == 1 {
                want.first = cell;
            } else if !want.varies {
                want.varies = want.first.to_string() != cell.to_string();
            }
        }
    }
}

/// One column with what it needs, while a layout is made.
#[derive(Debug, Clone, Copy)]
struct Need {
    least: usize,
    /// What its content takes.
    whole: usize,
    shown: bool,
}

/// Columns laid out for a width.
#[derive(Debug, Clone)]
pub struct Layout {
    columns: Vec<Column>,
    /// Cells of each column; `None` where it has no room.
    cells: Vec<Option<usize>>,
    /// What stepped back into the heading.
    notes: Vec<(&'static str, Line<'static>)>,
    room: usize,
    /// How far the rows are scrolled to the left, and how far they can be.
    shift: (usize, usize),
}

impl Layout {
    /// Lays columns out for so many cells, whatever is in them.
    pub fn new(columns: &[Column], room: usize) -> Self {
        let need = |column: &Column| Need { least: column.least(), whole: column.least(), shown: true };
        Self::of(columns, room, columns.iter().map(need).collect())
    }

    /// Every column as wide as can be: for measuring.
    fn loose(columns: &[Column], room: usize) -> Self {
        let cells = vec![Some(LOOSE); columns.len()];
        Self { columns: columns.to_vec(), cells, notes: Vec::new(), room, shift: (0, 0) }
    }

    /// Lays columns out by what they have earned, scrolled to the left by so many cells.
    fn earned(columns: &[Column], room: usize, earned: &Earned, shift: usize) -> Self {
        if spoken::is_heard() {
            return Self::loose(columns, room);
        }
        let back = |column: &Column, want: &Want| {
            let empty = want.cells == 0;
            let titled = !column.title.is_empty() || empty;
            want.rows > 1 && !want.varies && !column.stays && titled
        };
        let mut back: Vec<bool> = columns.iter().zip(&earned.wants).map(|(c, want)| back(c, want)).collect();
        loop {
            let laid = Self::without(columns, room, earned, &back);
            let last = back.iter().rposition(|back| *back);
            match last.and_then(|last| back.get_mut(last)) {
                // What finds no place in the heading stays a column.
                Some(last) if !laid.notes_fit() => *last = false,
                Some(_) | None => return laid.scrolled(earned, &back, shift),
            }
        }
    }

    /// Lays out the columns that do not step back.
    fn without(columns: &[Column], room: usize, earned: &Earned, back: &[bool]) -> Self {
        let all = || columns.iter().zip(&earned.wants).zip(back);
        let needs = all().map(|((column, want), back)| {
            let whole = want.cells.max(width(&Line::from(column.title)));
            Need { least: column.least().min(whole), whole, shown: !back }
        });
        let mut layout = Self::of(columns, room, needs.collect());
        let notes = all().filter(|((_, want), back)| **back && want.cells > 0);
        layout.notes = notes.map(|((column, want), _)| (column.title, want.first.clone())).collect();
        layout
    }

    /// Where rows don't fit: by how much, and, once scrolled, every column as wide as its content.
    fn scrolled(mut self, earned: &Earned, back: &[bool], shift: usize) -> Self {
        let all = self.columns.iter().zip(&earned.wants).zip(back);
        let whole = all
            .map(|((column, want), back)| (!back).then(|| want.cells.max(width(&Line::from(column.title)))));
        let whole: Vec<Option<usize>> = whole.collect();
        let needed: usize = whole.iter().flatten().map(|cells| cells + GAP).sum();
        let beyond = needed.saturating_sub(GAP).saturating_sub(self.room);
        self.shift = (shift.min(beyond), beyond);
        if self.shift.0 > 0 {
            self.cells = whole;
        }
        self
    }

    fn of(columns: &[Column], room: usize, mut needs: Vec<Need>) -> Self {
        let needed = |needs: &[Need]| {
            let shown = needs.iter().filter(|need| need.shown);
            let (count, sum) = shown.fold((0, 0), |(count, sum), need| (count + 1, sum + need.least));
            sum + GAP * usize::saturating_sub(count, 1)
        };
        while needed(&needs) > room {
            let droppable =
                columns.iter().zip(&mut needs).filter(|(column, need)| column.rank > 0 && need.shown);
            let Some((_, worst)) = droppable.max_by_key(|(column, _)| column.rank) else { break };
            worst.shown = false;
        }
        let mut rest = room.saturating_sub(needed(&needs));
        let mut cells: Vec<Option<usize>> =
            needs.iter().map(|need| need.shown.then_some(need.least)).collect();
        share(&mut cells, &needs, &mut rest);
        let kept = || columns.iter().zip(&needs).filter(|(_, need)| need.shown);
        let mut weights: usize = kept().map(|(column, _)| weight(column)).sum();
        for (column, cells) in columns.iter().zip(&mut cells) {
            let Some(cells) = cells else { continue };
            let part = (rest * weight(column)).checked_div(weights).unwrap_or(0);
            rest -= part;
            weights -= weight(column);
            *cells += part;
        }
        Self { cells, columns: columns.to_vec(), notes: Vec::new(), room, shift: (0, 0) }
    }

    /// The cells of a column, `None` where it has no room.
    pub fn cells(&self, column: usize) -> Option<usize> {
        self.cells.get(column).copied().flatten()
    }

    /// The cells of a whole row.
    pub fn room(&self) -> usize {
        self.room
    }

    /// A text for a column, cut to its room.
    pub fn cell(&self, look: Look<'_>, column: usize, text: &str, style: Style) -> Line<'static> {
        look.line(text, self.cells(column).unwrap_or(0), style)
    }

    /// A line for a column that gives way, and one at the column's right end that does not.
    pub fn ends(
        &self,
        look: Look<'_>,
        column: usize,
        left: Line<'static>,
        right: Line<'static>,
    ) -> Line<'static> {
        let gap = if width(&right) > 0 { GAP } else { 0 };
        let whole = width(&left) + gap + width(&right);
        let room = self.cells(column).unwrap_or(0);
        // While it is measured it takes what it says, and no more.
        let room = if room == LOOSE { whole.min(LOOSE) } else { room };
        ends(left, right, room, look.glyphs.cut)
    }

    /// Where the notes stand: the heading of what the rows are about.
    fn widest(&self) -> Option<usize> {
        let filled = self.columns.iter().enumerate().filter(|(_, column)| weight(column) > 0);
        let seen = filled.filter_map(|(at, _)| Some((self.cells(at)?, at)));
        seen.max().map(|(_, at)| at)
    }

    /// What stepped back, for the heading.
    fn noted(&self, look: Look<'_>) -> Vec<Span<'static>> {
        let one = |(title, value): &(&'static str, Line<'static>)| {
            let said = [Span::raw("  "), Span::styled(format!("{title} "), look.theme.muted)];
            said.into_iter().chain(value.spans.clone()).collect::<Vec<_>>()
        };
        self.notes.iter().flat_map(one).collect()
    }

    fn notes_fit(&self) -> bool {
        let needed: usize =
            self.notes.iter().map(|(title, value)| width(&Line::from(*title)) + width(value) + 3).sum();
        let free = self.widest().and_then(|at| {
            Some(self.cells(at)?.saturating_sub(width(&Line::from(self.columns.get(at)?.title))))
        });
        needed <= free.unwrap_or(0)
    }

    /// The headings, with what is the same in every row.
    pub fn header(&self, look: Look<'_>) -> Line<'static> {
        let widest = self.widest().filter(|_| !self.notes.is_empty());
        let titles = self.columns.iter().enumerate().map(|(at, column)| {
            let mut title = styled(column.title, look.theme.muted);
            if Some(at) == widest {
                title.spans.extend(self.noted(look));
            }
            title
        });
        self.row(look, titles)
    }

    /// A row out of one line for each column; those without room are passed over.
    pub fn row(&self, look: Look<'_>, cells: impl IntoIterator<Item = Line<'static>>) -> Line<'static> {
        if spoken::is_heard() {
            return self.named(cells);
        }
        let mut spans: Vec<Span<'static>> = Vec::new();
        let mut first = 0;
        for ((cell, column), room) in cells.into_iter().zip(&self.columns).zip(&self.cells) {
            let Some(room) = room else { continue };
            if spans.is_empty() {
                first = room + GAP;
            } else {
                spans.push(Span::raw(" ".repeat(GAP)));
            }
            let before = room.saturating_sub(width(&cell));
            match column.align {
                Align::Left => spans.extend(pad(cell, *room, look.glyphs.cut).spans),
                Align::Right => {
                    spans.push(Span::raw(" ".repeat(before)));
                    spans.extend(pad(cell, room - before, look.glyphs.cut).spans);
                }
            }
        }
        let line = Line::from(spans);
        if self.shift.0 == 0 { line } else { self.scroll(look, line, first) }
    }

    /// A row as it is read out: each cell that has something by the name of its column.
    fn named(&self, cells: impl IntoIterator<Item = Line<'static>>) -> Line<'static> {
        let mut spans: Vec<Span<'static>> = Vec::new();
        for (cell, column) in cells.into_iter().zip(&self.columns) {
            let words = spoken::words(&cell);
            if !words.is_empty() {
                let title = column.title.to_lowercase();
                let title = if title == "×" { "times" } else { title.as_str() };
                // What says itself what it is, is not called so twice.
                let named = words.strip_prefix(title).is_some_and(|rest| rest.starts_with(' '));
                let words = if named { words } else { format!("{title} {words}") };
                spans.extend([Span::raw(words), Span::raw("  ")]);
            }
        }
        Line::from(spans)
    }

    /// The first column, a sign that more stands before what is seen, and what is seen, cut with a sign where more follows.
    fn scroll(&self, look: Look<'_>, line: Line<'static>, first: usize) -> Line<'static> {
        let mut kept = clip(line.clone(), first.saturating_sub(1).min(self.room), "");
        kept.spans.push(Span::styled(look.glyphs.cut, look.theme.muted));
        kept.spans.extend(skip(line, first + self.shift.0).spans);
        let end = Line::from(kept.to_string().trim_end().to_owned());
        if width(&end) > self.room { clip(kept, self.room, look.glyphs.cut) } else { kept }
    }
}

/// What is left goes to the columns that are cut, in equal parts, until none is: names that lack a little have it first.
fn share(cells: &mut [Option<usize>], needs: &[Need], rest: &mut usize) {
    loop {
        let lacking = cells.iter().zip(needs).filter(|(cells, need)| cells.is_some_and(|c| c < need.whole));
        let count = lacking.count();
        if count == 0 || *rest == 0 {
            return;
        }
        let part = (*rest / count).max(1);
        for (cells, need) in cells.iter_mut().zip(needs) {
            let Some(cells) = cells else { continue };
            let more = part.min(need.whole.saturating_sub(*cells)).min(*rest);
            *cells += more;
            *rest -= more;
        }
    }
}

fn weight(column: &Column) -> usize {
    match column.width {
        Width::Exact(_) => 0,
        Width::Fill { weight, .. } => weight,
    }
}

/// What a table shows in one row.
#[derive(Debug, Clone)]
pub enum Shown {
    /// A line for each column.
    Cells(Vec<Line<'static>>),
    /// One line over all columns: a heading of a part.
    Whole(Line<'static>),
}

impl Shown {
    /// For a row that is not there any more.
    pub fn nothing() -> (Self, bool) {
        (Self::Whole(Line::default()), false)
    }
}

/// Draws headings and rows, or why there are none. `row` is asked twice for each row in sight, with a layout that has room for
/// everything and with the one that is drawn, and says whether the row is marked. The result is where the rows are.
pub fn draw(
    buffer: &mut Buffer,
    area: Rect,
    look: Look<'_>,
    (columns, nothing): (&[Column], &str),
    (state, focused): (&ListState, bool),
    mut row: impl FnMut(usize, &Layout) -> (Shown, bool),
) -> Rect {
    let room = usize::from(area.width.saturating_sub(GUTTER));
    let layout = {
        let mut earned = state.earned.borrow_mut();
        earned.about(columns, room);
        let loose = Layout::loose(columns, room);
        for at in state.window(usize::from(area.height.saturating_sub(1))) {
            if let (Shown::Cells(cells), _) = row(at, &loose) {
                earned.row(cells);
            }
        }
        Layout::earned(columns, room, &earned, state.shift.get())
    };
    state.shift.set(layout.shift.0);
    state.beyond.set(layout.shift.1);
    let heading = layout.header(look);
    let rows = list::draw_headed(buffer, area, look, (&heading, nothing), (state, focused), |at, _| {
        let (shown, marked) = row(at, &layout);
        let line = match shown {
            Shown::Cells(cells) => layout.row(look, cells),
            Shown::Whole(line) => line,
        };
        Row { line, marked }
    });
    // More stands beyond the right edge; where a heading reaches it, the cut cells say so.
    let [.., right] = look.glyphs.heads;
    if layout.shift.0 < layout.shift.1 && heading.to_string().trim_end().chars().count() < room {
        put_right(buffer, area, 0, &styled(right, look.theme.muted));
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::widgets::tests::with_look;

    static COLUMNS: [Column; 4] = [
        Column::exact("DUE", 5).right(),
        Column::exact("Q", 4).rank(2),
        Column::exact("FROM", 6).rank(1),
        Column::fill("CASE", 8, 1),
    ];

    fn row(room: usize) -> String {
        with_look(|look| {
            let cells = ["2h10m", "ops", "follow-up", "reply outside templates"];
            Layout::new(&COLUMNS, room).row(look, cells.map(Line::from)).to_string()
        })
    }

    #[test]
    fn the_least_important_columns_go_first() {
        assert_eq!(row(40), "2h10m  ops   follo…  reply outside temp…");
        assert_eq!(row(24), "2h10m  follo…  reply ou…");
        assert_eq!(row(15), "2h10m  reply o…");
        assert_eq!(row(3).chars().count(), 15);
    }

    #[test]
    fn numbers_stand_right() {
        with_look(|look| {
            let layout = Layout::new(&COLUMNS, 40);
            assert_eq!(layout.header(look).to_string().trim_end(), "  DUE  Q     FROM    CASE");
            let line = layout.row(look, ["3h".into(), "".into(), "a".into(), "b".into()]);
            assert_eq!(line.to_string().trim_end(), "   3h        a       b");
        });
    }

    static TEAM: [Column; 4] = [
        Column::exact("DUE", 8).right().stays(),
        Column::exact("FROM", 6).rank(1),
        Column::fill("CASE", 8, 1),
        Column::exact("QUEUE", 12).rank(2),
    ];

    type Cells = [&'static str; 4];

    fn list(rows: usize) -> ListState {
        let mut state = ListState::new();
        state.set_len(rows);
        state
    }

    /// The table as text, its selected row without a sign.
    fn table(width: u16, height: u16, state: &ListState, rows: &[Cells]) -> String {
        crate::console::widgets::tests::drawn(width, height, |buffer, area, look| {
            draw(buffer, area, look, (&TEAM, "no rows"), (state, true), |at, layout| {
                let Some(cells) = rows.get(at) else { return Shown::nothing() };
                let cells = cells.iter().enumerate();
                let line = |(at, text): (usize, &&str)| layout.cell(look, at, text, look.theme.base);
                (Shown::Cells(cells.map(line).collect()), false)
            });
        })
        .replace('▌', " ")
    }

    #[test]
    fn what_one_column_does_not_need_goes_to_those_that_are_cut() {
        let rows = [["3h", "follow-up-north", "reply", "ops"], ["2h", "intake", "outside", "sales"]];
        let text = table(44, 3, &list(2), &rows);
        assert_eq!(
            text,
            "  DUE  FROM             CASE           QUEUE\n   3h  follow-up-north  reply          ops\n   2h  intake           outside        sales\n"
        );
        // Where not everything fits, who lacks least has it first, and the longest is cut.
        let rows =
            [["3h", "follow-up-n", "a reply outside of all templates", "ops"], ["2h", "a", "b", "sales"]];
        let text = table(44, 3, &list(2), &rows);
        assert!(text.contains("follow-up-n  a reply outside …  ops"), "{text}");
    }

    #[test]
    fn a_column_that_says_the_same_in_every_row_steps_back_into_the_heading() {
        let rows = [["3h", "intake", "a", "ops"], ["3h", "sales", "b", "ops"]];
        let text = table(40, 3, &list(2), &rows);
        assert_eq!(text, "  DUE  FROM    CASE  QUEUE ops\n   3h  intake  a\n   3h  sales   b\n");
        // Of one row everything would be the same.
        let text = table(40, 2, &list(1), &rows[..1]);
        assert!(text.contains("QUEUE\n") && text.contains("ops\n"), "{text}");
        // Where the heading has no room for it, it stays a column.
        let rows = [["3h", "", "a", "operations"], ["3h", "", "b", "operations"]];
        let text = table(26, 3, &list(2), &rows);
        assert!(text.lines().skip(1).all(|line| line.contains("operations")), "{text}");
    }

    #[test]
    fn columns_stand_still_under_the_cursor_and_while_rows_are_scrolled_by() {
        let mut rows = [["3h", "b", "case", "ops"]; 12];
        rows[0] = ["3h", "a-long-name", "case", "ops"];
        rows[11] = ["3h", "c", "case", "sales"];
        let mut state = list(12);
        let heading = |state: &ListState| table(50, 5, state, &rows).lines().next().map(str::to_owned);
        let first = heading(&state);
        assert!(first.as_deref().is_some_and(|line| line.contains("QUEUE ops")));
        for _ in 0..8 {
            state.move_by(1);
            assert_eq!(heading(&state), first, "the long name is out of sight, and its room is kept");
        }
        state.move_by(3);
        let last = heading(&state);
        assert!(last.as_deref().is_some_and(|line| !line.contains("QUEUE ops")), "{last:?}");
        state.select(0);
        assert_eq!(heading(&state), last, "what was a column once stays one");
        state.set_len(11);
        assert_eq!(heading(&state), first, "another list is measured anew");
    }

    #[test]
    fn rows_that_do_not_fit_are_scrolled_to_the_side_and_the_first_column_stays() {
        let rows = [
            ["3h", "intake", "a reply that is outside of every template", "ops"],
            ["2h", "sales", "short", "sales"],
        ];
        let mut state = list(2);
        let before = table(36, 3, &state, &rows);
        assert!(before.contains("3h  intake") && before.contains('…'), "{before}");
        assert!(state.sideways(true));
        let text = table(36, 3, &state, &rows);
        assert!(
            text.lines().nth(1).is_some_and(|line| line.starts_with("   3h …") && line.ends_with('…')),
            "{text}"
        );
        assert!(text.contains("outside of"), "{text}");
        while state.sideways(true) {
            table(36, 3, &state, &rows);
        }
        let end = table(36, 3, &state, &rows);
        assert!(end.contains("ry template  ops") && end.contains("QUEUE"), "{end}");
        while state.sideways(false) {}
        assert_eq!(table(36, 3, &state, &rows), before);
        // What fits is not scrolled.
        table(90, 3, &state, &rows);
        assert!(!state.sideways(true));
    }
}
