//! The map drawn: resources × agents, or as a tree with the owner beside each.

use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::rows::{About, Cell, MapRow, Section};
use super::{MapScreen, detail, named, short};
use crate::console::widgets::list::{self, GUTTER};
use crate::console::widgets::pane::{self, COMPACT_FROM};
use crate::console::widgets::{
    Look, cells, chrome, clip, cut_bottom, pad, put, put_lines, spoken, styled, width,
};
use crate::console::world::World;
use crate::console::{untrusted, words};
use crate::domain::map::Model;
use crate::domain::path::FieldPath;
use crate::domain::state::Board;

/// The rows' share of the width where the detail stands beside them.
const LEFT_PERCENT: u16 = 58;
/// Cells of an agent's column: at least, and at most.
const AGENT_WIDE: (usize, usize) = (6, 11);
/// Cells between two of them.
const GAP: usize = 2;
/// Where names have no room: cells of a short name, and between two of them.
const SHORT_WIDE: usize = 2;
const SHORT_GAP: usize = 1;
/// Cells of the resources' column: at least, and as a share of the room.
const RESOURCE_LEAST: usize = 18;
const RESOURCE_PERCENT: usize = 42;
/// Cells of the words for agents that are scrolled away.
const MORE_WIDE: usize = 13;
/// Cells in which most resources can be told apart: whole names of agents leave them that much.
const RESOURCE_ENOUGH: usize = 22;
/// The letters of the matrix.
pub(super) const LEGEND: [(&str, &str); 7] = [
    ("W", "writes"),
    ("w", "writes a part"),
    ("r", "reads"),
    ("T", "takes the event"),
    ("t", "comes after"),
    ("P", "publishes"),
    ("e", "escalates here"),
];
/// Cells of the owners' column of the tree.
const OWNER_PERCENT: usize = 34;

/// Columns laid out for a width: the resources', then as many agents as fit.
struct Layout {
    resource: usize,
    agent: usize,
    gap: usize,
    first: usize,
    shown: usize,
    /// Two letters for each agent, where their names have no room.
    short: Option<Vec<String>>,
}

impl Layout {
    fn new(model: &Model, room: usize, column: usize, longest: usize) -> Self {
        let count = model.agents.len();
        let (least, most) = AGENT_WIDE;
        let name = model.agents.iter().map(|agent| agent.id.as_str().chars().count()).max().unwrap_or(least);
        let half = (room * RESOURCE_PERCENT / 100).max(RESOURCE_LEAST);
        let fits = |cells: usize| count * cells + longest.min(RESOURCE_ENOUGH) <= room;
        // Every agent is seen before names are told whole.
        let whole = name.clamp(least, most);
        let is_short = !fits(whole + GAP);
        let (agent, gap) = if is_short { (SHORT_WIDE, SHORT_GAP) } else { (whole, GAP) };
        let short = is_short.then(|| short::short(model.agents.iter().map(|agent| agent.id.as_str())));
        let half = half.min(room.saturating_sub(count * (agent + gap))).max(RESOURCE_LEAST);
        // What the agents don't need, the resources have.
        let needed = count * (agent + gap);
        let resource = longest.min(room.saturating_sub(needed).max(half)).max(RESOURCE_LEAST).min(room);
        let free = room.saturating_sub(resource);
        // Where not all are shown, it is said how many are not.
        let free = if needed > free { free.saturating_sub(MORE_WIDE) } else { free };
        let shown = (free / (agent + gap)).clamp(usize::from(count > 0), count.max(1));
        let first = if column < shown { 0 } else { column + 1 - shown };
        Self { resource, agent, gap, first, shown: shown.min(count), short }
    }
}

impl MapScreen {
    /// Whether the matrix is drawn, in a body of this width.
    fn is_matrix(&self, body: Rect) -> bool {
        pane::is_full(body) != self.other_way
    }

    /// Whether the detail stands beside the rows.
    pub(super) fn is_split(&self, body: Rect) -> bool {
        pane::is_full(body) || (body.width >= COMPACT_FROM && !spoken::is_heard() && !self.is_matrix(body))
    }

    pub(super) fn draw_view(
        &self,
        buffer: &mut Buffer,
        body: Rect,
        look: Look<'_>,
        world: &World,
    ) -> Option<Position> {
        self.panes.begin(self.is_split(body));
        self.matrix.set(self.is_matrix(body));
        let board = self.shown(world)?;
        let body = self.draw_band(buffer, body, look, world);
        if let Some(prompt) = &self.prompt {
            return draw_question(buffer, body, look, board, prompt);
        }
        if board.map.model().agents.is_empty() {
            draw_unwritten(buffer, body, look, board);
            return None;
        }
        let share = self.panes.share(body, self.is_split(body).then_some(LEFT_PERCENT));
        pane::list_and_detail(
            buffer,
            body,
            look,
            (share, self.panes.opened),
            |buffer, area| {
                self.panes.rows_are_at(self.draw_rows(buffer, area, self.is_matrix(body), look, board));
                None
            },
            |buffer, area| self.draw_detail(buffer, area, look, world, board),
        )
    }

    /// What is to be said of an old version, above it; the rest of the area is the map's.
    fn draw_band(&self, buffer: &mut Buffer, body: Rect, look: Look<'_>, world: &World) -> Rect {
        let Some(walk) = &self.walk else { return body };
        let lines = walk.lines(look, usize::from(body.width), world);
        spoken::text(&lines);
        let high = cells(lines.len()).min(body.height / 2);
        put_lines(buffer, Rect { height: high, ..body }, lines.get(..usize::from(high)).unwrap_or(&lines));
        Rect { y: body.y + high, height: body.height - high, ..body }
    }

    fn draw_rows(
        &self,
        buffer: &mut Buffer,
        area: Rect,
        matrix: bool,
        look: Look<'_>,
        board: &Board,
    ) -> Rect {
        let room = usize::from(area.width.saturating_sub(GUTTER));
        let (shape, model, visible) = (self.shape(), board.map.model(), self.visible());
        let indent = |row: &MapRow| row.depth * 2 + 2 + row.label.chars().count() + 5;
        let longest = shape.rows.iter().map(indent).max().unwrap_or(0);
        let layout = Layout::new(model, room, self.column, longest);
        let owner = room * OWNER_PERCENT / 100;
        let heading = if matrix {
            self.heading(look, &layout, model)
        } else {
            styled(format!("{:<1$}OWNER", "RESOURCE", room - owner), look.theme.muted)
        };
        let foot = if matrix { self.foot(look, &layout, model, room) } else { Vec::new() };
        // The rows have most of the room, whatever there is to explain.
        let high = cells(foot.len()).min(area.height / 3);
        let (area, below) = cut_bottom(area, high);
        put_lines(buffer, below, foot.get(..usize::from(high)).unwrap_or_default());
        list::draw_headed(buffer, area, look, (&heading, ""), (&shape.list, true), |at, _| {
            let row = visible.get(at).and_then(|at| shape.rows.get(*at));
            let line = row.map(|row| {
                if matrix {
                    self.matrix_row(look, &layout, row)
                } else {
                    self.tree_row(look, (room - owner, owner), row, board)
                }
            });
            line.unwrap_or_default().into()
        })
    }

    /// The agents' names over their columns; the one that the cursor is on stands out.
    fn heading(&self, look: Look<'_>, layout: &Layout, model: &Model) -> Line<'static> {
        let theme = look.theme;
        let mut spans = pad(styled("RESOURCE", theme.muted), layout.resource, look.glyphs.cut).spans;
        let shown = model.agents.iter().enumerate().skip(layout.first).take(layout.shown);
        for (at, agent) in shown {
            let style = if at == self.column { theme.accent } else { theme.subtle };
            let name = layout.short.as_ref().and_then(|short| short.get(at)).map(String::as_str);
            let name = look.line(name.unwrap_or(agent.id.as_str()), layout.agent, style);
            spans.push(Span::raw(" ".repeat(layout.gap)));
            spans.extend(centred(name, layout.agent));
        }
        let (left, right) = (layout.first, model.agents.len().saturating_sub(layout.first + layout.shown));
        if left + right > 0
            && let Some(last) = spans.last_mut()
        {
            let before = if left > 0 { format!("{left} before ") } else { String::new() };
            let after = if right > 0 { format!("+{right}") } else { String::new() };
            let more = format!("{before}{after}");
            last.content = format!("{} {more}", last.content.trim_end()).into();
        }
        Line::from(spans)
    }

    /// What the signs mean, and whose the short names are: the agent that the cursor is on stands out.
    fn foot(&self, look: Look<'_>, layout: &Layout, model: &Model, room: usize) -> Vec<Line<'static>> {
        let theme = look.theme;
        let signs = LEGEND.iter().map(|(sign, words)| {
            vec![Span::styled(*sign, theme.accent), Span::styled(format!(" {words}"), theme.muted)]
        });
        let mut lines = flowed(signs, room);
        if let Some(short) = &layout.short {
            let names = short.iter().zip(&model.agents).enumerate().map(|(at, (short, agent))| {
                let style = if at == self.column { theme.accent } else { theme.subtle };
                let mut spans = vec![Span::styled(format!("{short} "), theme.accent)];
                spans.extend(look.spans(agent.id.as_str(), room.saturating_sub(SHORT_WIDE + 1), style));
                spans
            });
            let names = flowed(names, room);
            lines.splice(0..0, names);
        }
        lines
    }

    fn matrix_row(&self, look: Look<'_>, layout: &Layout, row: &MapRow) -> Line<'static> {
        let theme = look.theme;
        let mut spans = pad(self.label(look, row, layout.resource), layout.resource, look.glyphs.cut).spans;
        let open = row.opens && !self.closed.contains(&row.key);
        if matches!(row.about, About::Section(_) | About::Folder) {
            return self.label(look, row, usize::from(u16::MAX));
        }
        if open && row.fields_only {
            return Line::from(spans);
        }
        if row.is_unowned() {
            spans.push(Span::styled(format!(" {} no owner", look.glyphs.attention), theme.warning));
            return Line::from(spans);
        }
        if row.about == About::Tool(None) {
            spans.push(Span::styled(format!(" {} not in the map", look.glyphs.attention), theme.warning));
            return Line::from(spans);
        }
        let shown = row.cells.iter().enumerate().skip(layout.first).take(layout.shown);
        for (at, cell) in shown {
            let (sign, style) = sign(look, *cell, row);
            let here = at == self.column && row.key == self.focus;
            let style = if here { style.add_modifier(Modifier::UNDERLINED) } else { style };
            spans.push(Span::raw(" ".repeat(layout.gap)));
            spans.extend(centred(styled(sign, style), layout.agent));
        }
        Line::from(spans)
    }

    fn tree_row(
        &self,
        look: Look<'_>,
        (left, right): (usize, usize),
        row: &MapRow,
        board: &Board,
    ) -> Line<'static> {
        let theme = look.theme;
        if matches!(row.about, About::Section(_) | About::Folder) {
            return self.label(look, row, left + right);
        }
        let mut spans = pad(self.label(look, row, left), left, look.glyphs.cut).spans;
        let owner = match &row.about {
            About::Section(_) | About::Folder => Line::default(),
            About::Queue(name) => {
                let queue = board.map.queue(name);
                let words =
                    queue.map(|queue| format!("{}, {}", queue.owner, queue.sla.rough())).unwrap_or_default();
                styled(untrusted::fit(&words, right), theme.subtle)
            }
            About::Tool(at) => match at.and_then(|at| board.map.model().tools.get(at)) {
                Some(tool) => look.line(&named::tool_words(tool), right, theme.subtle),
                None => styled(format!("{} not in the map", look.glyphs.attention), theme.warning),
            },
            About::Entity(_) | About::Field(_) | About::Trigger(_) | About::Output(_) => {
                if row.is_unowned() {
                    styled(format!("{} no owner", look.glyphs.attention), theme.warning)
                } else {
                    let names: Vec<&str> =
                        row.owners.iter().map(crate::domain::ids::AgentId::as_str).collect();
                    let style = if row.contested { theme.danger } else { theme.accent };
                    look.line(&names.join(", "), right, style)
                }
            }
        };
        if spoken::is_heard() && width(&owner) > 0 {
            spans.push(Span::raw("  owner "));
        }
        spans.extend(clip(owner, right, look.glyphs.cut).spans);
        Line::from(spans)
    }

    /// Indent, the sign of an open or closed branch, the name, and what is wrong.
    fn label(&self, look: Look<'_>, row: &MapRow, room: usize) -> Line<'static> {
        let (theme, glyphs) = (look.theme, look.glyphs);
        let branch = match (row.opens, self.closed.contains(&row.key)) {
            (false, _) => "  ".to_owned(),
            (true, true) => format!("{} ", glyphs.closed),
            (true, false) => format!("{} ", glyphs.open),
        };
        let style = match &row.about {
            About::Section(_) => theme.title,
            About::Folder => theme.subtle,
            About::Entity(_)
            | About::Field(_)
            | About::Trigger(_)
            | About::Output(_)
            | About::Queue(_)
            | About::Tool(_) => {
                if row.contested {
                    theme.danger
                } else {
                    theme.base
                }
            }
        };
        let indent = "  ".repeat(row.depth);
        let mut spans = vec![Span::raw(indent), Span::styled(branch, theme.muted)];
        let trouble = match (row.contested, row.alerts) {
            (true, _) => format!(" {} contested", glyphs.attention),
            (false, 0) => String::new(),
            (false, alerts) if spoken::is_heard() => format!("  {alerts} open alerts"),
            (false, alerts) => format!(" {}{alerts}", glyphs.attention),
        };
        let used = width(&Line::from(spans.clone())) + trouble.chars().count();
        let left = room.saturating_sub(used + 1);
        let name = words::tail(&row.label, left, glyphs.cut);
        spans.extend(look.spans(&name, left, style));
        let trouble_style = if row.contested { theme.danger } else { theme.warning };
        spans.push(Span::styled(trouble, trouble_style));
        if let About::Section(section) = &row.about {
            let counts = |other: &&MapRow| match section {
                Section::Unowned => other.is_unowned(),
                Section::Resources
                | Section::Triggers
                | Section::Outputs
                | Section::Queues
                | Section::Tools => section_of(&other.about) == Some(*section),
            };
            let count = self.shape().rows.iter().filter(counts).count();
            spans.push(Span::styled(format!("  {count}"), theme.muted));
        }
        Line::from(spans)
    }

    fn draw_detail(&self, buffer: &mut Buffer, area: Rect, look: Look<'_>, world: &World, board: &Board) {
        let room = usize::from(area.width);
        let mut lines = Vec::new();
        if let Some(path) = &self.asked {
            lines.extend(detail::answer(look, room, board, path));
        }
        if let Some(row) = self.selected() {
            lines.extend(detail::lines(
                look,
                room,
                world,
                (board, self.column_agent(board)),
                row,
                &self.known,
            ));
        }
        self.panes.scroll.draw(buffer, area, look, &lines);
    }

    /// The agent that the cursor is on, where there are columns.
    fn column_agent<'a>(&self, board: &'a Board) -> Option<&'a crate::domain::map::Agent> {
        board.map.model().agents.get(self.column).filter(|_| self.matrix.get())
    }
}

/// The question being typed, answered while it is.
fn draw_question(
    buffer: &mut Buffer,
    body: Rect,
    look: Look<'_>,
    board: &Board,
    prompt: &crate::console::widgets::prompt::Prompt,
) -> Option<Position> {
    let theme = look.theme;
    let top = Rect { height: 1.min(body.height), ..body };
    let cursor = prompt.draw(buffer, top, look, " who owns ");
    let below = Rect {
        x: body.x + 2.min(body.width),
        y: body.y + 2.min(body.height),
        width: body.width.saturating_sub(4),
        height: body.height.saturating_sub(2),
    };
    let text = prompt.text().trim();
    if text.is_empty() {
        let example = "an entity and a field, such as crm/contact/acme#status; enter shows it in the map";
        put(buffer, below, 0, &styled(example, theme.muted));
        return cursor;
    }
    match text.parse::<FieldPath>() {
        Ok(path) => {
            put_lines(buffer, below, &detail::answer(look, usize::from(below.width), board, &path));
        }
        Err(error) => {
            let room = usize::from(below.width);
            put_lines(buffer, below, &look.wrap(&error.to_string(), room, 4, theme.warning));
        }
    }
    cursor
}

/// Small facts one after the other, over as many lines as they need.
fn flowed(facts: impl Iterator<Item = Vec<Span<'static>>>, room: usize) -> Vec<Line<'static>> {
    let mut lines: Vec<Line<'static>> = Vec::new();
    for fact in facts {
        let wide = width(&Line::from(fact.clone()));
        match lines.last_mut().filter(|line| width(line) + GAP + wide <= room + 1) {
            Some(line) => {
                line.push_span(Span::raw(" ".repeat(GAP)));
                line.spans.extend(fact);
            }
            None => lines.push(Line::from([vec![Span::raw(" ")], fact].concat())),
        }
    }
    lines
}

fn section_of(about: &About) -> Option<Section> {
    match about {
        About::Entity(_) | About::Field(_) => Some(Section::Resources),
        About::Trigger(_) => Some(Section::Triggers),
        About::Output(_) => Some(Section::Outputs),
        About::Queue(_) => Some(Section::Queues),
        About::Tool(_) => Some(Section::Tools),
        About::Section(_) | About::Folder => None,
    }
}

/// The letter of a cell: colour, sign and place say the same.
fn sign(look: Look<'_>, cell: Cell, row: &MapRow) -> (&'static str, Style) {
    let theme = look.theme;
    let strong = if row.contested { theme.danger } else { theme.accent };
    let strong = strong.add_modifier(Modifier::BOLD);
    match (cell, &row.about) {
        (Cell::Writes, _) => ("W", strong),
        (Cell::WritesPart, _) => ("w", strong),
        (Cell::Reads, _) => ("r", theme.subtle),
        (Cell::Follows, _) => ("t", theme.subtle),
        (Cell::Has, About::Output(_) | About::Tool(_)) => ("P", strong),
        (Cell::Has, About::Queue(_)) => ("e", theme.subtle),
        (
            Cell::Has,
            About::Trigger(_) | About::Section(_) | About::Folder | About::Entity(_) | About::Field(_),
        ) => ("T", strong),
        (Cell::Nothing, _) => (look.glyphs.none, theme.muted),
    }
}

fn centred(line: Line<'static>, cells: usize) -> Vec<Span<'static>> {
    let free = cells.saturating_sub(width(&line));
    let mut spans = vec![Span::raw(" ".repeat(free / 2))];
    spans.extend(line.spans);
    spans.push(Span::raw(" ".repeat(free - free / 2)));
    spans
}

/// Why there is nothing to own, and what next.
fn draw_unwritten(buffer: &mut Buffer, body: Rect, look: Look<'_>, board: &Board) {
    let queue = board.map.first_queue();
    let next = if board.enforces() {
        format!(
            "every write waits in queue {} until {} decides\n\
             answer one with expand, and its agent has the first line of the map\n\
             or write a map: E opens one in your editor, deeds map apply FILE takes one",
            queue.name, queue.owner
        )
    } else {
        "this workspace only observes: everything goes through, and is recorded\n\
         write a map: E opens one in your editor, deeds map apply FILE takes one"
            .to_owned()
    };
    chrome::draw_empty(buffer, body, look, "The map names no agent yet", &next);
}
