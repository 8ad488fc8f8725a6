//! Watch as drawn: what is followed, the lanes with their marks and links, the axis, what is under the cursor, and beside
//! or below it what is open.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::aside::{self, BoardAt, When};
use super::lanes::{self, Grid, Lane};
use super::links::{self, Canvas, Family, Kind, Stroke};
use super::window::Window;
use super::{Watch, told};
use crate::console::tally::{self, Tally};
use crate::console::widgets::list::GUTTER;
use crate::console::widgets::pane::{self, COMPACT_FROM};
use crate::console::widgets::{
    Look, cells, chrome, cut_bottom, put, put_at, put_lines, spoken, styled, thousands,
};
use crate::console::words;
use crate::console::world::World;
use crate::domain::outcome::Outcome;
use crate::domain::state::Board;

/// Columns of what stands beside, where everything has room, and the share of a wider screen.
const ASIDE: u16 = 42;
const ASIDE_PERCENT: u16 = 30;
/// Least and most cells of a lane's name.
const NAME: (usize, usize) = (8, 20);
/// Cells of a lane's count.
const COUNT: usize = 5;
/// Cells between two labels of the axis.
const TICKS_APART: usize = 12;
/// Rows of what is under the cursor, at least: for a high screen, a low one, and the least.
const DETAIL: [(u16, u16); 3] = [(26, 9), (17, 6), (12, 4)];
/// Rows from which the deadlines and alerts have two lines below the lanes, where they don't stand beside.
const BELOW_FROM: u16 = 15;
/// Rows from which the marks are explained.
const LEGEND_FROM: u16 = 22;
/// Rows from one lane to the next where links have rows of their own.
const WIDE_STRIDE: usize = 2;

/// The sign and the role of one deed's mark.
pub(super) fn mark(look: Look<'_>, outcome: Outcome) -> (&'static str, Style) {
    let (sign, style) = words::outcome(look, outcome);
    let sign = match outcome {
        Outcome::Committed | Outcome::Allowed => look.glyphs.live,
        Outcome::Proposed
        | Outcome::Escalated
        | Outcome::Deferred
        | Outcome::Stale
        | Outcome::Refused
        | Outcome::Failed
        | Outcome::Opened
        | Outcome::Recorded => sign.get(..sign.chars().next().map_or(0, char::len_utf8)).unwrap_or(sign),
    };
    (sign, style)
}

/// The sign and role of a cell: of one deed its own; of several that went through their number; else of the gravest, bold.
fn cell_mark(look: Look<'_>, tally: &Tally) -> Option<(String, Style)> {
    let worst = tally.worst()?;
    let (sign, style) = mark(look, worst);
    let total = tally.total();
    if total == 1 {
        return Some((sign.to_owned(), style));
    }
    let bold = style.add_modifier(Modifier::BOLD);
    if !tally::is_calm(worst) {
        return Some((sign.to_owned(), bold));
    }
    Some((if total < 10 { total.to_string() } else { "+".to_owned() }, bold))
}

/// What is drawn, worked out once for a frame.
struct Scene<'a> {
    look: Look<'a>,
    world: &'a World,
    window: Window,
    grid: Grid,
    family: Family,
    column: usize,
    /// The most deeds of a cell, where cells are counted.
    highest: u64,
}

impl Watch {
    pub(super) fn draw_view(&self, buffer: &mut Buffer, body: Rect, look: Look<'_>, world: &World) {
        let Some(board) = &world.board else { return };
        if !pane::is_full(body) {
            let below = if body.width >= COMPACT_FROM && body.height >= BELOW_FROM { 2 } else { 0 };
            let (lanes, foot) = cut_bottom(body, below);
            self.draw_lanes(buffer, lanes, look, world);
            let brief = aside::brief(look, usize::from(foot.width), self.seen(world, board));
            spoken::text(&brief);
            put_lines(buffer, foot, &brief);
            return;
        }
        let aside = ASIDE.max(body.width / 100 * ASIDE_PERCENT);
        let left = Rect { width: body.width - aside - 3, ..body };
        let wall = Rect { x: left.right() + 1, width: 1, ..body };
        let right = Rect { x: wall.right() + 1, width: aside - 1, ..body };
        self.draw_lanes(buffer, left, look, world);
        pane::draw_wall(buffer, wall, look);
        let lines = aside::lines(
            look,
            (usize::from(right.width), usize::from(right.height)),
            self.seen(world, board),
        );
        put_lines(buffer, right, &lines);
    }

    fn draw_lanes(&self, buffer: &mut Buffer, area: Rect, look: Look<'_>, world: &World) {
        let (least, most) = NAME;
        let longest = self.order.iter().map(|lane| lane.label(look).chars().count()).max().unwrap_or(0);
        let most =
            if area.width < COMPACT_FROM - ASIDE { least } else { most.min(usize::from(area.width) / 5) };
        let name = longest.clamp(least, most.max(least));
        let label = usize::from(GUTTER) + name + COUNT + 2;
        let room = usize::from(area.width).saturating_sub(label + 1);
        self.room.set(room.max(1));
        let window = self.window(world);
        let grid = self.grid(&window);
        let column = self.column(&window, &grid);
        let own = grid.cell(&self.cursor.lane, column);
        let family = own.get(self.nth(own)).map(|deed| links::family(&grid, deed)).unwrap_or_default();
        let highest = self.highest(&window);
        let scene = Scene { look, world, window, grid, family, column, highest };
        put(buffer, area, 0, &Line::default());
        let header = Rect { height: 1.min(area.height), ..area };
        self.draw_header(buffer, header, &scene);
        let marks_at = cells(label + room.saturating_sub(window.columns));
        draw_axis(buffer, area, &scene, marks_at);
        let rows = self.draw_rows(buffer, area, &scene, (name, marks_at));
        let below = area.height.saturating_sub(2 + rows);
        let detail = Rect { y: area.y + 2 + rows, height: below, ..area };
        self.draw_told(buffer, detail, &scene);
    }

    /// What is open beside: at the moment under the cursor while time is held, else at the end of the lanes.
    fn seen<'a>(&'a self, world: &World, board: &'a Board) -> BoardAt<'a> {
        match self.then.board() {
            Some((board, as_of)) => BoardAt { board, now: as_of.time, of: When::Past(as_of.seq) },
            None if self.then.is_awaited() => BoardAt { board, now: world.now, of: When::Awaited },
            None if self.then.is_wanted() => BoardAt { board, now: world.now, of: When::Unknown },
            None => BoardAt { board, now: world.now, of: When::Shown },
        }
    }

    fn highest(&self, window: &Window) -> u64 {
        if !self.held.counts(window) {
            return 0;
        }
        let cells = self.order.iter().flat_map(|lane| {
            (0..window.columns).filter_map(move |column| self.held.counted(window, lane, column))
        });
        cells.map(Tally::total).max().unwrap_or(0)
    }

    /// Followed or held, how much time, and how many deeds.
    fn draw_header(&self, buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
        let (theme, glyphs) = (scene.look.theme, scene.look.glyphs);
        let world = scene.world;
        let mut left = vec![Span::raw(" ")];
        match self.still {
            None if world.as_of().is_some() => {
                left.push(Span::styled(format!("{} up to then", glyphs.then), theme.warning));
                left.push(Span::styled(format!("  {}", self.scale.name()), theme.base));
            }
            None => {
                left.push(Span::styled(format!("{} following", glyphs.live), theme.success));
                left.push(Span::styled(format!("  last {}", self.scale.name()), theme.base));
            }
            Some(at) => {
                let back = words::age(world.now.since(at));
                let words = match (self.ends.last(), back.as_str()) {
                    (Some(_), _) => format!("last activity {back} ago"),
                    (None, "now") => "held".to_owned(),
                    (None, _) => format!("held, {back} back"),
                };
                left.push(Span::styled(format!("{} {words}", glyphs.read_only), theme.warning));
                let (at, now) = (at.at(world.zone), world.now.at(world.zone));
                let same_day = at.date_naive() == now.date_naive();
                let to = at.format(if same_day { "%H:%M:%S" } else { "%d %b %H:%M:%S" });
                let late = self.held.within(&scene.window).any(|deed| words::was_taken_in(deed));
                let happened = if late { format!(", {}", words::AS_IT_HAPPENED) } else { String::new() };
                left.push(Span::styled(format!("  {} to {to}{happened}", self.scale.name()), theme.base));
                let new =
                    world.board.as_ref().map_or(0, |board| board.head.0.saturating_sub(self.still_from.0));
                if new > 0 {
                    left.push(Span::styled(format!("  {} new", thousands(new)), theme.accent));
                }
                if self.ends.begins_in(&scene.window) {
                    left.push(Span::styled("  the ledger begins here", theme.info));
                }
            }
        }
        let mut tally = Tally::default();
        for lane in &self.order {
            tally.add(&self.lane_tally(scene, lane));
        }
        let total = tally.total();
        let deeds = if total == 1 { "deed" } else { "deeds" };
        let mut right = vec![Span::styled(format!("{} {deeds}", thousands(total)), theme.subtle)];
        if tally.refused() > 0 {
            let refused = format!("  {} {} refused", glyphs.refused, thousands(tally.refused()));
            right.push(Span::styled(refused, theme.danger));
        }
        if !self.held.covers(&scene.window) {
            right = vec![Span::styled("fetching", theme.info)];
        }
        right.push(Span::raw(" "));
        chrome::two_ends(buffer, area, scene.look, Line::from(left), &[Line::from(right)]);
    }

    fn lane_tally(&self, scene: &Scene<'_>, lane: &Lane) -> Tally {
        if !self.held.counts(&scene.window) {
            return scene.grid.tally(lane);
        }
        let mut tally = Tally::default();
        for column in 0..scene.window.columns {
            if let Some(counted) = self.held.counted(&scene.window, lane, column) {
                tally.add(counted);
            }
        }
        tally
    }

    /// The lanes; the result is how many rows they took.
    fn draw_rows(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        scene: &Scene<'_>,
        (name, marks_at): (usize, u16),
    ) -> u16 {
        let detail = DETAIL.iter().find(|(from, _)| area.height >= *from).map_or(3, |(_, rows)| *rows);
        let most = usize::from(area.height.saturating_sub(2 + detail));
        let lanes = self.order.len();
        let stride = if lanes * WIDE_STRIDE <= most { WIDE_STRIDE } else { 1 };
        let fit = (most / stride).max(1).min(lanes);
        let row = self.row();
        let mut top = self.top.get().min(lanes.saturating_sub(fit));
        if row < top {
            top = row;
        } else if row >= top + fit {
            top = row + 1 - fit;
        }
        self.top.set(top);
        let shown = self.order.get(top..top + fit).unwrap_or_default();
        let rows = cells(fit * stride);
        let y = area.y + 2;
        let marks = Rect {
            x: area.x + marks_at,
            y,
            width: cells(scene.window.columns).min(area.width.saturating_sub(marks_at)),
            height: rows.min(area.height.saturating_sub(2)),
        };
        self.marks_area.set(marks);
        self.rows_a_lane.set(cells(stride));
        self.linked.set(draw_links(buffer, marks, scene, (shown, stride)));
        for (at, lane) in shown.iter().enumerate() {
            let line = Rect { y: y + cells(at * stride), height: 1, ..area };
            if line.y >= marks.bottom() {
                break;
            }
            self.draw_label(buffer, line, scene, lane, name);
            self.draw_marks(buffer, Rect { y: line.y, height: 1, ..marks }, scene, lane);
        }
        let hidden = lanes - fit;
        if hidden > 0 {
            let [above, below] = scene.look.glyphs.more;
            let words = format!("{} {hidden} more", if top < hidden { below } else { above });
            put_at(buffer, Rect { height: 2, ..area }, 1, GUTTER, &styled(words, scene.look.theme.accent));
        }
        rows
    }

    fn draw_label(&self, buffer: &mut Buffer, line: Rect, scene: &Scene<'_>, lane: &Lane, name: usize) {
        let (look, theme) = (scene.look, scene.look.theme);
        let tally = self.lane_tally(scene, lane);
        let paused =
            lane.agent().and_then(|agent| scene.world.board.as_ref()?.agents.get(agent)?.paused.as_ref());
        let style = match (lane, tally.total()) {
            (Lane::Agent(_), 1..) => theme.base,
            (Lane::Agent(_), 0) => theme.subtle,
            (Lane::People | Lane::Deeds, _) => theme.muted,
        };
        let short = words::tail(&lane.label(look), name, look.glyphs.cut);
        put_at(buffer, line, 0, GUTTER, &scene.look.line(&short, name, style));
        let (count, style) = match (paused, tally.refused()) {
            (Some(_), _) => (look.glyphs.read_only.to_owned() + " off", theme.warning),
            (None, 0) => (short_count(tally.total()), theme.muted),
            (None, _) => (short_count(tally.total()), theme.danger),
        };
        let at = cells(usize::from(GUTTER) + name + 1 + COUNT.saturating_sub(count.chars().count()));
        put_at(buffer, line, 0, at, &styled(count, style));
        if *lane == self.cursor.lane {
            let band = Rect { width: cells(usize::from(GUTTER) + name + 1 + COUNT).min(line.width), ..line };
            crate::console::widgets::select_row(buffer, band, 0, theme.selection);
            put(buffer, line, 0, &styled(look.glyphs.cursor, theme.accent));
        }
    }

    fn draw_marks(&self, buffer: &mut Buffer, area: Rect, scene: &Scene<'_>, lane: &Lane) {
        let (look, theme) = (scene.look, scene.look.theme);
        let members = scene.family.members();
        let counts = self.held.counts(&scene.window);
        for column in 0..scene.window.columns {
            let deeds = scene.grid.cell(lane, column);
            let drawn = if counts {
                self.held
                    .counted(&scene.window, lane, column)
                    .and_then(|tally| height(look, tally, scene.highest))
            } else {
                cell_mark(look, &lanes::tally_of(deeds))
            };
            let here = *lane == self.cursor.lane && column == scene.column;
            let (sign, mut style) = match drawn {
                Some(drawn) => drawn,
                None if here => (" ".to_owned(), Style::new()),
                None => continue,
            };
            if deeds.iter().any(|deed| members.contains(&deed.seq)) {
                style = style.add_modifier(Modifier::UNDERLINED);
            }
            if here {
                style = theme.active;
            }
            put_at(buffer, area, 0, cells(column), &styled(sign, style));
        }
    }

    fn draw_told(&self, buffer: &mut Buffer, area: Rect, scene: &Scene<'_>) {
        if area.height == 0 {
            return;
        }
        let legend = u16::from(area.bottom() - area.y > 6 && buffer.area.height >= LEGEND_FROM);
        let text = Rect { height: area.height - legend, ..area };
        let inner = Rect { x: text.x + 1, width: text.width.saturating_sub(2), ..text };
        let deeds = scene.grid.cell(&self.cursor.lane, scene.column);
        let counted = self.held.counted(&scene.window, &self.cursor.lane, scene.column);
        let cell = told::Cell {
            window: &scene.window,
            column: scene.column,
            lane: &self.cursor.lane,
            deeds,
            nth: self.nth(deeds),
            counted: counted.filter(|_| self.held.counts(&scene.window)),
            fetched: self.held.covers(&scene.window),
            linked: self.linked.get(),
        };
        let size = (usize::from(inner.width), usize::from(inner.height));
        let told = told::lines(scene.look, size, scene.world, &cell, &scene.grid, &scene.family);
        spoken::text(&told);
        put_lines(buffer, inner, &told);
        if legend > 0 {
            let foot = Rect { y: area.bottom() - 1, height: 1, ..inner };
            put(buffer, foot, 0, &explained(scene.look, self.held.counts(&scene.window)));
        }
    }
}

/// At most four cells of a count.
fn short_count(count: u64) -> String {
    match count {
        0 => String::new(),
        1..10_000 => count.to_string(),
        _ => format!("{}k", count / 1_000),
    }
}

/// A cell of which only counts are known: as high as its share of the fullest.
fn height(look: Look<'_>, tally: &Tally, highest: u64) -> Option<(String, Style)> {
    let (_, style) = mark(look, tally.worst()?);
    let steps = look.glyphs.heights.len() as u64;
    let step = (tally.total() * steps).div_ceil(highest.max(1)).clamp(1, steps) - 1;
    let sign = look.glyphs.heights.get(usize::try_from(step).unwrap_or(0))?;
    Some(((*sign).to_owned(), style))
}

/// Round times over the marks.
fn draw_axis(buffer: &mut Buffer, area: Rect, scene: &Scene<'_>, marks_at: u16) {
    let format = if scene.window.cell().micros() < 2_000_000 { "%H:%M:%S" } else { "%H:%M" };
    for (column, at) in scene.window.ticks(TICKS_APART) {
        let text = at.at(scene.look.zone).format(format).to_string();
        let words = format!("{}{text}", scene.look.glyphs.wall);
        if column + words.chars().count() > scene.window.columns {
            continue;
        }
        let line = styled(words, scene.look.theme.muted);
        put_at(buffer, area, 1, marks_at + cells(column), &line);
    }
}

/// The family of the deed under the cursor, between the lanes that are in sight. The result is whether any was
/// drawn, and how many have no way.
fn draw_links(
    buffer: &mut Buffer,
    area: Rect,
    scene: &Scene<'_>,
    (shown, stride): (&[Lane], usize),
) -> (bool, usize) {
    let theme = scene.look.theme;
    let marks = shown
        .iter()
        .enumerate()
        .flat_map(|(row, lane)| scene.grid.lane(lane).map(move |(column, _)| (row, column)));
    let rows = shown.len() * stride;
    let mut canvas = Canvas::new(stride, (rows, scene.window.columns), marks);
    for link in &scene.family.links {
        let spot = |seq| links::spot_of(&scene.grid, shown, seq);
        if let (Some(from), Some(to)) = (spot(link.from), spot(link.to)) {
            canvas.link(from, to, link.kind);
        }
    }
    for ((row, column), (stroke, kind)) in &canvas.strokes {
        let style = match kind {
            Kind::Led => theme.accent,
            Kind::Outdated => theme.danger,
        };
        let sign = match stroke {
            Stroke::Line(ends) => scene.look.glyphs.lines.get(usize::from(*ends)),
            Stroke::Head(head) => scene.look.glyphs.heads.get(*head),
        };
        if let Some(sign) = sign {
            put_at(buffer, area, cells(*row), cells(*column), &styled(*sign, style));
        }
    }
    (!canvas.strokes.is_empty(), canvas.lost)
}

/// What the marks mean.
fn explained(look: Look<'_>, counts: bool) -> Line<'static> {
    let theme = look.theme;
    if counts {
        let words = "too many deeds to tell apart: as high as there are many, coloured by the gravest; + shows less time";
        return styled(words, theme.muted);
    }
    let all = [
        (Outcome::Committed, "done"),
        (Outcome::Proposed, "passed"),
        (Outcome::Deferred, "deferred"),
        (Outcome::Refused, "not done"),
        (Outcome::Opened, "opened"),
        (Outcome::Recorded, "recorded"),
    ];
    let mut spans = Vec::new();
    for (outcome, word) in all {
        let (sign, style) = mark(look, outcome);
        spans.push(Span::styled(sign, style));
        spans.push(Span::styled(format!(" {word}  "), theme.muted));
    }
    spans.push(Span::styled("3", theme.success.add_modifier(Modifier::BOLD)));
    spans.push(Span::styled(" several", theme.muted));
    Line::from(spans)
}
