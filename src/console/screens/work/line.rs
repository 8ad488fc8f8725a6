//! One row of the Work view as a line: kind, what, where it is, how often it was tried, how old it is.

use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::rows::{self, About};
use crate::console::widgets::Look;
use crate::console::widgets::table::{Column, Layout, Shown};
use crate::console::words;
use crate::console::world::World;
use crate::domain::ids::AgentId;
use crate::domain::state::Board;
use crate::domain::things::{Branch, FanOutState, Lease, Task, TaskStage, WaitingAct, Work};
use crate::domain::time::Time;

/// Where there is room.
static COLUMNS: [Column; 5] = [
    Column::exact("KIND", 12).stays(),
    Column::fill("WHAT", 14, 1),
    Column::exact("STATE", 18),
    Column::exact("TRY", 4),
    Column::exact("AGE", 5).right().stays(),
];

/// Where there is little: kind and what in one; tries and age are for the detail to say.
static COLUMNS_NARROW: [Column; 2] = [Column::fill("WHAT", 12, 1), Column::exact("STATE", 14)];

/// Columns from which the list shows everything.
const WIDE_FROM: usize = 60;

/// What a row says, before it is laid out.
struct Told {
    kind: String,
    what: String,
    style: Style,
    state: (&'static str, String, Style),
    tries: String,
    age: Option<Time>,
}

/// The columns for so many cells.
pub(super) fn columns(room: usize) -> &'static [Column] {
    if room < WIDE_FROM { &COLUMNS_NARROW } else { &COLUMNS }
}

/// A row in these columns.
pub(super) fn shown(look: Look<'_>, world: &World, board: &Board, row: About<'_>, layout: &Layout) -> Shown {
    let (theme, now, clock) = (look.theme, world.now, board.agents_clock(world.now));
    let told = match row {
        About::Section(section, counts) => {
            return Shown::Whole(Line::from(vec![
                Span::styled(section.heading(), theme.title),
                Span::styled(format!("  {counts}"), theme.muted),
            ]));
        }
        About::Agent(agent) => return Shown::Whole(of_agent(look, clock, board, agent, layout.room())),
        About::Work(work) => of_work(look, clock, work),
        About::Task(task) => of_task(look, task),
        About::FanOut(fan_out) => of_fan_out(look, clock, fan_out),
        About::Branch(_, at, branch, work) => of_branch(look, clock, at, (branch, work)),
        About::Lease(lease) => of_lease(look, clock, lease),
        About::Waiting(_, act) => of_waiting(look, clock, act),
    };
    Shown::Cells(laid(look, now, told, layout))
}

fn of_agent(look: Look<'_>, now: Time, board: &Board, agent: &AgentId, room: usize) -> Line<'static> {
    let theme = look.theme;
    let counts = rows::counts(board.work_of(agent).map(AsRef::as_ref), now);
    let left = room.saturating_sub(counts.chars().count() + 12).max(8);
    let mut line = look.line(agent.as_str(), left, theme.accent);
    line.push_span(Span::styled(format!("  {counts}"), theme.muted));
    if board.stop_of(agent).is_some() {
        line.push_span(Span::styled(format!("  {} paused", look.glyphs.read_only), theme.warning));
    }
    line
}

fn laid(look: Look<'_>, now: Time, told: Told, layout: &Layout) -> Vec<Line<'static>> {
    let theme = look.theme;
    let cell = |column, text: &str, style| layout.cell(look, column, text, style);
    let (sign, word, style) = told.state;
    let state = |column| cell(column, &format!("{sign} {word}"), style);
    if layout.room() < WIDE_FROM {
        let what = if told.what.is_empty() { told.kind } else { format!("{} {}", told.kind, told.what) };
        return vec![cell(0, &what, told.style), state(1)];
    }
    let age = told.age.map(|at| words::age(now.since(at))).unwrap_or_default();
    vec![
        cell(0, &told.kind, theme.subtle),
        cell(1, &told.what, told.style),
        state(2),
        cell(3, &told.tries, theme.muted),
        cell(4, &age, theme.muted),
    ]
}

fn of_work(look: Look<'_>, now: Time, work: &Work) -> Told {
    Told {
        kind: format!("  {}", work.kind.word()),
        what: titled(work),
        style: if work.kind.asks() { look.theme.base } else { look.theme.subtle },
        state: work_state(look, work, now),
        tries: tries(work),
        age: Some(work.at),
    }
}

fn of_task(look: Look<'_>, task: &Task) -> Told {
    Told {
        kind: "  task".to_owned(),
        what: handed(look, task),
        style: if rows::is_over(task) { look.theme.muted } else { look.theme.base },
        state: task_state(look, task),
        tries: task.tries("/"),
        age: Some(task.at),
    }
}

fn of_fan_out(look: Look<'_>, now: Time, fan_out: &FanOutState) -> Told {
    let (theme, glyphs) = (look.theme, look.glyphs);
    let (ok, all) = (fan_out.succeeded(), fan_out.branches.len());
    let state = match fan_out.joined {
        None if fan_out.deadline <= now => (glyphs.attention, format!("{ok} of {all}, over"), theme.warning),
        None => {
            let left = words::countdown(fan_out.deadline, now);
            (glyphs.live, format!("{ok} of {all}, {left}"), theme.accent)
        }
        Some(_) if ok >= fan_out.needed => (glyphs.ok, format!("joined {ok} of {all}"), theme.success),
        Some(_) => (glyphs.refused, format!("joined {ok} of {all}"), theme.danger),
    };
    let reason = fan_out.reason.as_deref().unwrap_or("no reason given");
    Told {
        kind: format!("  #{}", fan_out.no),
        what: format!("{}: {reason}", fan_out.agent),
        style: if fan_out.joined.is_some() { theme.muted } else { theme.base },
        state,
        tries: String::new(),
        age: Some(fan_out.opened),
    }
}

fn of_branch(look: Look<'_>, now: Time, at: usize, (branch, work): (&Branch, Option<&Work>)) -> Told {
    let attempts = match (&branch.end, work) {
        (Some(end), _) => end.attempts.to_string(),
        (None, Some(work)) => tries(work),
        (None, None) => String::new(),
    };
    Told {
        kind: format!("    branch {}", at + 1),
        what: branch.to.to_string(),
        style: look.theme.subtle,
        state: branch_state(look, branch, work, now),
        tries: attempts,
        age: branch.end.as_ref().map(|end| end.at),
    }
}

fn of_lease(look: Look<'_>, now: Time, lease: &Lease) -> Told {
    let (theme, glyphs) = (look.theme, look.glyphs);
    let state = if lease.is_live(now) {
        (glyphs.live, format!("held {}", words::countdown(lease.until, now)), theme.accent)
    } else {
        (glyphs.attention, "lapsed".to_owned(), theme.warning)
    };
    Told {
        kind: format!("  token {}", lease.fence),
        what: format!("{}  {}", lease.holder, lease.target),
        style: theme.base,
        state,
        tries: String::new(),
        age: Some(lease.since),
    }
}

fn of_waiting(look: Look<'_>, now: Time, waiting: &WaitingAct) -> Told {
    let left = waiting.until.map(|until| words::countdown(until, now)).unwrap_or_default();
    let (act, arrow) = (&waiting.act, look.glyphs.arrow);
    Told {
        kind: "  act".to_owned(),
        what: format!("{}  {} {arrow} {}", waiting.agent, act.action, act.subject),
        style: look.theme.base,
        state: (look.glyphs.reconnecting, format!("waits {left}").trim_end().to_owned(), look.theme.warning),
        tries: String::new(),
        age: None,
    }
}

/// `draft-7  writer → reviewer` while it is on its way, else `draft-7  writer`, whose it is.
fn handed(look: Look<'_>, task: &Task) -> String {
    match &task.stage {
        TaskStage::Offered { to, .. } => {
            format!("{}  {} {} {to}", task.id, task.owner, look.glyphs.arrow)
        }
        TaskStage::Accepted { .. }
        | TaskStage::Returned { .. }
        | TaskStage::Escalated { .. }
        | TaskStage::Done { .. }
        | TaskStage::Closed { .. }
        | TaskStage::Aborted => format!("{}  {}", task.id, task.owner),
    }
}

/// The title, and what it is about where that is not in it.
fn titled(work: &Work) -> String {
    match work.subject.as_ref().filter(|subject| !work.title.contains(subject.as_str())) {
        Some(subject) => format!("{}  {subject}", work.title),
        None => work.title.to_string(),
    }
}

/// `1/3`; nothing where only something is told.
fn tries(work: &Work) -> String {
    if work.kind.asks() { format!("{}/{}", work.attempts, work.max_attempts) } else { String::new() }
}

/// Sign, words and style of where a work item is.
pub(super) fn work_state(look: Look<'_>, work: &Work, now: Time) -> (&'static str, String, Style) {
    let (theme, glyphs) = (look.theme, look.glyphs);
    match work.taken_until {
        Some(until) if now < until => {
            (glyphs.live, format!("taken {}", words::countdown(until, now)), theme.accent)
        }
        Some(_) => (glyphs.attention, "time is over".to_owned(), theme.warning),
        None if !work.kind.asks() => (glyphs.info, "to read".to_owned(), theme.muted),
        // Its alarm went off, and nobody has taken it since.
        None if work.alarm.is_none() => (glyphs.attention, "unheeded".to_owned(), theme.warning),
        None if work.attempts + 1 >= work.max_attempts && work.attempts > 0 => {
            (glyphs.attention, "waits, last try".to_owned(), theme.warning)
        }
        None => (glyphs.reconnecting, "waits".to_owned(), theme.base),
    }
}

/// The same of a task.
pub(super) fn task_state(look: Look<'_>, task: &Task) -> (&'static str, String, Style) {
    let (theme, glyphs) = (look.theme, look.glyphs);
    let (sign, style) = match &task.stage {
        TaskStage::Offered { .. } => (glyphs.reconnecting, theme.base),
        TaskStage::Accepted { .. } => (glyphs.live, theme.accent),
        TaskStage::Returned { .. } => (glyphs.attention, theme.warning),
        TaskStage::Escalated { .. } => (glyphs.passed_on, theme.danger),
        TaskStage::Done { .. } => (glyphs.ok, theme.success),
        TaskStage::Closed { .. } => (glyphs.ok, theme.muted),
        TaskStage::Aborted => (glyphs.attention, theme.danger),
    };
    (sign, task.stage.word().to_owned(), style)
}

/// The same of a branch.
pub(super) fn branch_state(
    look: Look<'_>,
    branch: &Branch,
    work: Option<&Work>,
    now: Time,
) -> (&'static str, String, Style) {
    let (theme, glyphs) = (look.theme, look.glyphs);
    match (&branch.end, work) {
        (Some(end), _) if end.ok => (glyphs.ok, "succeeded".to_owned(), theme.success),
        (Some(_), _) => (glyphs.refused, "failed".to_owned(), theme.danger),
        (None, Some(work)) => work_state(look, work, now),
        (None, None) => (glyphs.refused, "missed deadline".to_owned(), theme.danger),
    }
}
