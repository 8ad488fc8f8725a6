//! The list of agents: the team first, then the agents of the map, then those that only act.

use std::collections::{BTreeMap, BTreeSet};

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::console::widgets::list::{GUTTER, ListState};
use crate::console::widgets::table::{self, Column, Layout, Shown};
use crate::console::widgets::{Look, bars, cells, clip, put_at, spoken, styled, thousands};
use crate::console::words;
use crate::console::world::World;
use crate::domain::ids::{Actor, AgentId};
use crate::domain::readiness::agents::{LIST_DAYS, Standing, standing};
use crate::domain::readiness::{AgentReadiness, GateKind, GateState, Team};
use crate::domain::state::{Board, History, Sums, day_of};
use crate::domain::things::AlertKind;
use crate::domain::time::{Span as TimeSpan, Time};

/// Somebody who acted within this time is at work.
const AT_WORK: TimeSpan = TimeSpan::from_mins(15);
/// Days of the strip in the list.
pub(super) const STRIP_DAYS: usize = 7;
/// Columns from which the gates have their letters apart.
const WIDE_FROM: usize = 56;

static COLUMNS: [Column; 6] = [
    Column::fill("AGENT", 10, 1),
    Column::exact("LAST SEEN", 9).stays(),
    Column::exact("GATES", 17),
    Column::exact("7 DAYS", 9).right().rank(1).stays(),
    Column::exact("", STRIP_DAYS).rank(2).stays(),
    Column::exact("OWNER", 8).rank(3),
];

static COLUMNS_NARROW: [Column; 3] =
    [Column::fill("AGENT", 8, 1), Column::exact("LAST SEEN", 9).stays(), Column::exact("GATES", 12)];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum AgentRow {
    /// All of them.
    Team,
    Agent(AgentId),
}

impl AgentRow {
    /// Its name, by which it is found again.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Team => "team".to_owned(),
            Self::Agent(agent) => key_of(agent),
        }
    }
}

/// The name of an agent's row.
pub(super) fn key_of(agent: &AgentId) -> String {
    format!("agent {agent}")
}

/// The rows for a board: of the agents those that have all words in their name, role or owner.
pub(super) fn build(board: &Board, words: &[String]) -> Vec<AgentRow> {
    let model = board.map.model();
    let mapped = model
        .agents
        .iter()
        .map(|agent| (agent.id.clone(), format!("{} {} {}", agent.id, agent.role, agent.owner)));
    let only_seen = board.agents.keys().filter(|agent| board.map.agent(agent).is_none());
    let only_seen = only_seen.map(|agent| (agent.clone(), format!("{agent} not in the map")));
    let meant = mapped.chain(only_seen).filter(|(_, text)| words::all_in(words, || text.clone()));
    let agents = meant.map(|(agent, _)| AgentRow::Agent(agent));
    let team = words.is_empty().then_some(AgentRow::Team);
    team.into_iter().chain(agents).collect()
}

/// Agents that an open alert calls silent.
pub(super) fn silent(board: &Board) -> BTreeSet<&AgentId> {
    let alerts = board.alerts.values().filter(|alert| alert.kind == AlertKind::SilentAgent);
    alerts.flat_map(|alert| alert.who.iter().filter_map(Actor::agent)).collect()
}

/// The sign of a gate's state.
pub(super) fn gate_sign(look: Look<'_>, state: GateState) -> (&'static str, Style) {
    let (glyphs, theme) = (look.glyphs, look.theme);
    match state {
        GateState::Holds => (glyphs.ok, theme.success),
        GateState::Fails => (glyphs.refused, theme.danger),
        GateState::TooLittle => (glyphs.unknown, theme.warning),
    }
}

/// The letter of a gate.
pub(super) fn letter(kind: GateKind) -> char {
    match kind {
        GateKind::Stable => 'S',
        GateKind::Trusted => 'T',
        GateKind::Consistent => 'C',
        GateKind::Documented => 'D',
        GateKind::Reviewed => 'R',
        GateKind::Quiet => 'Q',
    }
}

/// Sign, words and style of how alive an agent is.
pub(super) fn liveness(
    look: Look<'_>,
    board: &Board,
    agent: &AgentId,
    standing: &Standing,
    now: Time,
) -> (&'static str, String, Style) {
    let (glyphs, theme) = (look.glyphs, look.theme);
    let age = standing.last.map(|last| since(last, now));
    match age {
        _ if standing.paused => (glyphs.read_only, "paused".to_owned(), theme.warning),
        _ if silent(board).contains(agent) => (glyphs.attention, "silent".to_owned(), theme.danger),
        None => (glyphs.none, "never".to_owned(), theme.muted),
        Some(age) if standing.last.is_some_and(|last| now.since(last) < AT_WORK) => {
            (glyphs.live, age, theme.success)
        }
        Some(age) => (glyphs.reconnecting, age, theme.subtle),
    }
}

/// How long ago, by the minute: what is finer would be old before it is drawn anew.
fn since(last: Time, now: Time) -> String {
    let span = now.since(last);
    if span < TimeSpan::from_mins(1) { "<1m".to_owned() } else { words::age(span) }
}

/// The deeds of the last days as a strip, the worst of each day giving the colour.
pub(super) fn strip(look: Look<'_>, board: &Board, agent: &AgentId, now: Time, days: usize) -> Line<'static> {
    let first = day_of(now) + 1 - i64::try_from(days).unwrap_or(1);
    bars_of(look, board, agent, days, |history, nth| history.on_day(first + nth))
}

/// The same of the last seven days, a bar for so many hours each.
pub(super) fn week(look: Look<'_>, board: &Board, agent: &AgentId, now: Time, bars: usize) -> Line<'static> {
    let week = TimeSpan::from_days(LIST_DAYS).micros();
    let each = week / i64::try_from(bars.max(1)).unwrap_or(1);
    let begins = |nth: i64| now.minus(TimeSpan::from_micros(week - each * nth));
    bars_of(look, board, agent, bars, |history, nth| history.between(begins(nth), begins(nth + 1)))
}

fn bars_of(
    look: Look<'_>,
    board: &Board,
    agent: &AgentId,
    bars: usize,
    of: impl Fn(&History, i64) -> Sums,
) -> Line<'static> {
    let mut bins = vec![bars::Bin { count: 0, style: look.theme.success, selected: false }; bars];
    let Some(facts) = board.agents.get(agent) else { return bars::histogram(look, bars, &bins) };
    for (nth, bin) in (0..).zip(&mut bins) {
        let counts = of(&facts.history, nth);
        bin.count = u64::from(counts.deeds.n);
        let stopped = counts.refused.n.saturating_add(counts.failed.n);
        // A tenth or more of it stopped is bad.
        if stopped > 0 && stopped.saturating_mul(10) >= counts.deeds.n {
            bin.style = look.theme.danger;
        } else if stopped > 0 {
            bin.style = look.theme.warning;
        }
    }
    bars::histogram(look, bars, &bins)
}

/// What is drawn of.
pub(super) struct Drawn<'a> {
    pub(super) look: Look<'a>,
    pub(super) world: &'a World,
    pub(super) board: &'a Board,
    pub(super) team: &'a Team,
    pub(super) kept: &'a BTreeMap<AgentId, Standing>,
    pub(super) focused: bool,
}

impl Drawn<'_> {
    /// Draws headings and rows; the result is where the rows are.
    pub(super) fn draw(&self, buffer: &mut Buffer, area: Rect, list: &ListState, rows: &[AgentRow]) -> Rect {
        let room = usize::from(area.width.saturating_sub(GUTTER));
        let narrow = room < WIDE_FROM;
        let columns: &[Column] = if narrow { &COLUMNS_NARROW } else { &COLUMNS };
        let head = (columns, "no agent matches; esc clears the filter");
        let row = |at: usize, layout: &Layout| match rows.get(at) {
            Some(AgentRow::Team) => (Shown::Whole(self.team_row(room)), false),
            Some(AgentRow::Agent(agent)) => (Shown::Cells(self.agent_row(layout, narrow, agent)), false),
            None => Shown::nothing(),
        };
        let below = table::draw(buffer, area, self.look, head, (list, self.focused), row);
        self.draw_legend(buffer, below, rows.len());
        below
    }

    /// What the letters and signs of the gates mean, below the rows where there is room.
    fn draw_legend(&self, buffer: &mut Buffer, area: Rect, rows: usize) {
        let (look, theme) = (self.look, self.look.theme);
        let legend = GateKind::ALL.map(|kind| format!("{} {}", letter(kind), kind.as_str()));
        let mut lines = vec![String::new()];
        let room = usize::from(area.width.saturating_sub(GUTTER));
        for words in legend {
            let line = lines.last_mut();
            match line.filter(|line| line.chars().count() + words.len() + 2 <= room) {
                Some(line) => *line = format!("{line}{words}  "),
                None => lines.push(format!("{words}  ")),
            }
        }
        if rows + lines.len() + 2 > usize::from(area.height) {
            return;
        }
        let mut signs = Vec::new();
        for state in [GateState::Holds, GateState::Fails, GateState::TooLittle] {
            let (sign, style) = gate_sign(look, state);
            signs.push(Span::styled(sign, style));
            signs.push(Span::styled(format!(" {} ", state.as_str()), theme.muted));
        }
        let muted = lines.into_iter().map(|line| styled(line, theme.muted));
        let lines: Vec<Line<'_>> = muted.chain([Line::from(signs)]).collect();
        let top = area.height.saturating_sub(cells(lines.len()));
        for (at, line) in lines.iter().enumerate() {
            put_at(buffer, area, top + cells(at), GUTTER, line);
        }
    }

    /// `stage 4 operating · 6 agents · 9 missing for stage 5`.
    fn team_row(&self, room: usize) -> Line<'static> {
        let (theme, glyphs) = (self.look.theme, self.look.glyphs);
        let row = self.team.stage.row();
        let count = self.board.map.model().agents.len();
        let mut spans = vec![
            Span::styled("team", theme.title),
            Span::styled(format!("  stage {} {}", row.stage.number(), row.name), theme.accent),
        ];
        if room >= WIDE_FROM {
            let plural = if count == 1 { "" } else { "s" };
            spans.push(Span::styled(format!("  {count} agent{plural}"), theme.subtle));
        }
        let lacking = self.team.infrastructure.iter().filter(|need| need.state != GateState::Holds).count();
        let missing = lacking + self.team.next.len();
        if missing > 0 {
            spans.push(Span::styled(format!("  {} {missing} missing", glyphs.attention), theme.warning));
        } else {
            spans.push(Span::styled(format!("  {} nothing missing", glyphs.ok), theme.success));
        }
        clip(Line::from(spans), room, glyphs.cut)
    }

    fn agent_row(&self, layout: &Layout, narrow: bool, agent: &AgentId) -> Vec<Line<'static>> {
        let (look, theme) = (self.look, self.look.theme);
        let standing = standing(self.board, agent, self.world.now);
        let cell = |column, text: &str, style| layout.cell(look, column, text, style);
        let mapped = standing.owner.is_some();
        // Two who come under one name are told from each other by their tokens only.
        let several = self.kept.get(agent).is_some_and(|kept| kept.tokens > 1);
        let mark = if several { format!("{} ", look.glyphs.attention) } else { String::new() };
        let room = layout.cells(0).unwrap_or(0).saturating_sub(mark.chars().count());
        let name = format!("{mark}{}", words::tail(agent.as_str(), room, look.glyphs.cut));
        let style = if mapped { theme.base } else { theme.subtle };
        let name = cell(0, &name, if several { theme.warning } else { style });
        let (sign, words, style) = liveness(look, self.board, agent, &standing, self.world.now);
        let life = cell(1, &format!("{sign} {words}"), style);
        let readiness = self.team.agents.iter().find(|other| other.agent == *agent);
        let gates = match readiness.filter(|_| mapped) {
            Some(readiness) => gates(look, readiness, !narrow),
            None => cell(2, "not in map", theme.warning),
        };
        if narrow {
            return vec![name, life, gates];
        }
        let mut rate = vec![Span::styled(thousands(u64::from(standing.deeds)), theme.subtle)];
        if standing.stopped > 0 {
            let stopped = format!(" {}{}", look.glyphs.refused, thousands(u64::from(standing.stopped)));
            rate.push(Span::styled(stopped, theme.danger));
        }
        let owner = standing.owner.as_ref().map(ToString::to_string).unwrap_or_default();
        vec![
            name,
            life,
            gates,
            Line::from(rate),
            strip(look, self.board, agent, self.world.now, STRIP_DAYS),
            cell(5, &owner, theme.muted),
        ]
    }
}

/// Sign and letter of each gate.
fn gates(look: Look<'_>, readiness: &AgentReadiness, apart: bool) -> Line<'static> {
    if spoken::is_heard() {
        let words: Vec<_> = readiness
            .gates
            .iter()
            .map(|gate| format!("{} {}", gate.kind.as_str(), gate.state.as_str()))
            .collect();
        return Line::from(words.join(", "));
    }
    let mut spans = Vec::new();
    for gate in &readiness.gates {
        if apart && !spans.is_empty() {
            spans.push(Span::raw(" "));
        }
        let (sign, style) = gate_sign(look, gate.state);
        spans.push(Span::styled(sign, style));
        spans.push(Span::styled(letter(gate.kind).to_string(), look.theme.subtle));
    }
    Line::from(spans)
}
