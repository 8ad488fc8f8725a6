//! The Work view as rows: whose queues, which tasks, fan-outs, leases and waiting acts. Which there are and in what order
//! is decided here; `line` draws one.

use std::collections::BTreeMap;

use crate::console::under::Under;
use crate::console::words;
use crate::domain::ids::{AgentId, FanOutNo, Fence, Seq, TaskId, WorkNo};
use crate::domain::path::EntityPath;
use crate::domain::state::Board;
use crate::domain::things::{
    Branch, FanOutState, Lease, LeaseTarget, Task, TaskStage, WaitingAct, Work, WorkKind,
};
use crate::domain::time::Time;

/// Rows at most; the filter finds what lies beyond.
const ROWS: usize = 5000;

/// One of the parts of the view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Queues,
    Tasks,
    FanOuts,
    Leases,
    Waiting,
}

impl Section {
    pub(super) fn heading(self) -> &'static str {
        match self {
            Self::Queues => "QUEUES",
            Self::Tasks => "HANDOFFS",
            Self::FanOuts => "FAN-OUTS",
            Self::Leases => "LEASES",
            Self::Waiting => "WAITING ACTS",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WorkRow {
    Section(Section, String),
    Agent(AgentId),
    Work(WorkNo),
    Task(TaskId),
    FanOut(FanOutNo),
    Branch(FanOutNo, usize),
    Lease(Fence),
    Waiting(Seq),
}

impl WorkRow {
    /// Its name, for the cursor and for `back`: rows come and go.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Section(section, _) => section.heading().to_owned(),
            Self::Agent(agent) => format!("agent {agent}"),
            Self::Work(no) => format!("work {no}"),
            Self::Task(task) => format!("task {task}"),
            Self::FanOut(no) => format!("fan-out {no}"),
            Self::Branch(no, at) => format!("branch {no} {at}"),
            Self::Lease(fence) => format!("lease {fence}"),
            Self::Waiting(deed) => format!("act {deed}"),
        }
    }

    pub(super) fn is_heading(&self) -> bool {
        matches!(self, Self::Section(..) | Self::Agent(_))
    }
}

/// What a row is about, as the board has it.
#[derive(Debug, Clone, Copy)]
pub(super) enum About<'a> {
    Section(Section, &'a str),
    Agent(&'a AgentId),
    Work(&'a Work),
    Task(&'a Task),
    FanOut(&'a FanOutState),
    /// Which of the branches, and the work item of one that has not ended.
    Branch(&'a FanOutState, usize, &'a Branch, Option<&'a Work>),
    Lease(&'a Lease),
    Waiting(Seq, &'a WaitingAct),
}

impl WorkRow {
    /// What it is about; none where that is not there any more.
    pub(super) fn about<'a>(&'a self, board: &'a Board) -> Option<About<'a>> {
        let work = |no: &WorkNo| board.works.get(no).map(AsRef::as_ref);
        Some(match self {
            Self::Section(section, counts) => About::Section(*section, counts),
            Self::Agent(agent) => About::Agent(agent),
            Self::Work(no) => About::Work(work(no)?),
            Self::Task(id) => {
                let ended = || board.ended_tasks.iter().rev().find(|task| task.id == *id);
                About::Task(board.tasks.get(id).or_else(ended)?)
            }
            Self::FanOut(no) => About::FanOut(fan_out(board, *no)?),
            Self::Branch(no, at) => {
                let fan_out = fan_out(board, *no)?;
                let branch = fan_out.branches.get(*at)?;
                About::Branch(fan_out, *at, branch, work(&branch.work))
            }
            Self::Lease(fence) => About::Lease(board.leases.get(fence)?),
            Self::Waiting(deed) => About::Waiting(*deed, board.waiting.get(deed)?),
        })
    }
}

/// A fan-out under way or joined.
fn fan_out(board: &Board, no: FanOutNo) -> Option<&FanOutState> {
    let ended = || board.ended_fan_outs.iter().rev().find(|fan_out| fan_out.no == no);
    board.fan_outs.get(&no).or_else(ended).map(AsRef::as_ref)
}

impl<'a> About<'a> {
    /// Until when it lasts, where it ends by itself.
    pub(super) fn ends(self) -> Option<Time> {
        match self {
            Self::Section(..) | Self::Agent(_) | Self::Task(_) => None,
            Self::Work(work) => work.taken_until,
            Self::FanOut(fan_out) => Some(fan_out.deadline).filter(|_| fan_out.joined.is_none()),
            Self::Branch(_, _, _, work) => work?.taken_until,
            Self::Lease(lease) => Some(lease.until),
            Self::Waiting(_, act) => act.until,
        }
    }

    /// The deed that it came with.
    pub(super) fn deed(self, board: &Board) -> Option<Seq> {
        match self {
            Self::Section(..) => None,
            Self::Agent(agent) => {
                board.agents.get(agent).map(|facts| facts.deed).filter(|deed| *deed != Seq(0))
            }
            Self::Work(work) => Some(work.deed),
            Self::Task(task) => Some(task.deed),
            Self::FanOut(fan_out) => Some(fan_out.deed),
            Self::Branch(fan_out, _, _, work) => Some(work.map_or(fan_out.deed, |work| work.deed)),
            Self::Lease(lease) => Some(lease.deed),
            Self::Waiting(deed, _) => Some(deed),
        }
    }

    /// The entity that it is about.
    pub(super) fn entity(self) -> Option<&'a EntityPath> {
        match self {
            Self::Section(..) | Self::Agent(_) => None,
            Self::Work(work) => work.subject.as_ref(),
            Self::Task(task) => task.subject.as_ref(),
            Self::FanOut(fan_out) => fan_out.subject.as_ref(),
            Self::Branch(_, _, _, work) => work?.subject.as_ref(),
            Self::Lease(lease) => match &lease.target {
                LeaseTarget::Path(path) => Some(&path.entity),
                LeaseTarget::Task(_) => None,
            },
            Self::Waiting(_, act) => Some(&act.act.subject),
        }
    }

    /// What lies under the cursor on it: entity, agents, lease.
    pub(super) fn under(self, board: &Board) -> Under {
        let under = Under::default();
        if let Self::Lease(lease) = self {
            return under.lease(board, lease.fence);
        }
        let agents: [Option<&AgentId>; 3] = match self {
            Self::Section(..) | Self::Lease(_) => [None; 3],
            Self::Agent(agent) => [Some(agent), None, None],
            Self::Work(work) => [Some(&work.agent), None, None],
            Self::Task(task) => [Some(&task.owner), Some(&task.order.to), Some(&task.order.from)],
            Self::FanOut(fan_out) => [Some(&fan_out.agent), None, None],
            Self::Branch(_, _, branch, _) => [Some(&branch.to), None, None],
            Self::Waiting(_, act) => [Some(&act.agent), None, None],
        };
        agents.into_iter().fold(under.entity(self.entity()), Under::agent)
    }
}

/// What is to be shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Lower-case words that must all be somewhere in a row.
    pub(super) words: &'a [String],
    /// What has ended, too.
    pub(super) ended: bool,
}

impl Wanted<'_> {
    fn takes(&self, text: impl FnOnce() -> String) -> bool {
        words::all_in(self.words, text)
    }
}

/// Whether there is anything to show, whatever is filtered.
pub(super) fn is_idle(board: &Board) -> bool {
    board.works.is_empty()
        && board.tasks.is_empty()
        && board.fan_outs.is_empty()
        && board.leases.is_empty()
        && board.waiting.is_empty()
}

/// All rows, part by part; parts without a row are left out.
pub(super) fn build(board: &Board, now: Time, wanted: Wanted<'_>) -> Vec<WorkRow> {
    let mut rows = Vec::new();
    for (section, (part, counts)) in [
        (Section::Queues, queues(board, now, wanted)),
        (Section::Tasks, tasks(board, wanted)),
        (Section::FanOuts, fan_outs(board, wanted)),
        (Section::Leases, leases(board, wanted)),
        (Section::Waiting, waiting(board, wanted)),
    ] {
        if !part.is_empty() {
            rows.push(WorkRow::Section(section, counts));
            rows.extend(part);
        }
    }
    rows.truncate(ROWS);
    rows
}

/// `3 waiting, 1 taken`, those that only tell apart.
pub(super) fn counts<'a>(works: impl Iterator<Item = &'a Work>, now: Time) -> String {
    let (mut waiting, mut taken, mut told) = (0_usize, 0_usize, 0_usize);
    for work in works {
        match (work.is_taken(now), work.kind.asks()) {
            (true, _) => taken += 1,
            (false, true) => waiting += 1,
            (false, false) => told += 1,
        }
    }
    let parts = [(waiting, "waiting"), (taken, "taken"), (told, "to read")];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    parts.map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
}

fn queues(board: &Board, now: Time, wanted: Wanted<'_>) -> (Vec<WorkRow>, String) {
    let mut by_agent: BTreeMap<&AgentId, Vec<&Work>> = BTreeMap::new();
    for work in board.works.values() {
        let subject = work.subject.as_ref().map(ToString::to_string).unwrap_or_default();
        let (kind, title) = (work.kind.word(), &work.title);
        if wanted.takes(|| format!("work #{} {} {kind} {title} {subject}", work.no, work.agent)) {
            by_agent.entry(&work.agent).or_default().push(work);
        }
    }
    let all = counts(by_agent.values().flatten().copied(), now);
    let mut rows = Vec::new();
    for (agent, mut works) in by_agent {
        // What asks comes before what only tells; the oldest first.
        works.sort_by_key(|work| (!work.kind.asks(), work.at, work.no));
        rows.push(WorkRow::Agent(agent.clone()));
        rows.extend(works.iter().map(|work| WorkRow::Work(work.no)));
    }
    (rows, all)
}

fn tasks(board: &Board, wanted: Wanted<'_>) -> (Vec<WorkRow>, String) {
    let ended = board.ended_tasks.iter().rev().filter(|_| wanted.ended);
    let shown = board.tasks.values().chain(ended).filter(|task| {
        let names = format!("{} {} {}", task.owner, task.order.from, task.order.to);
        let subject = task.subject.as_ref().map(ToString::to_string).unwrap_or_default();
        wanted.takes(|| format!("task {} {names} {} {subject}", task.id, task.stage.word()))
    });
    let mut shown: Vec<&Task> = shown.map(AsRef::as_ref).collect();
    shown.sort_by_key(|task| (is_over(task), task.at));
    let escalated = shown.iter().filter(|task| matches!(task.stage, TaskStage::Escalated { .. })).count();
    let open = shown.iter().filter(|task| !is_over(task)).count();
    let mut words = format!("{open} under way");
    if escalated > 0 {
        words = format!("{words}, {escalated} with a person");
    }
    (shown.into_iter().map(|task| WorkRow::Task(task.id.clone())).collect(), words)
}

/// Whether a task has ended.
pub(super) fn is_over(task: &Task) -> bool {
    matches!(task.stage, TaskStage::Done { .. } | TaskStage::Closed { .. } | TaskStage::Aborted)
}

fn fan_outs(board: &Board, wanted: Wanted<'_>) -> (Vec<WorkRow>, String) {
    let ended = board.ended_fan_outs.iter().rev().filter(|_| wanted.ended);
    let mut rows = Vec::new();
    let mut open = 0;
    for fan_out in board.fan_outs.values().chain(ended) {
        let to: Vec<&str> = fan_out.branches.iter().map(|branch| branch.to.as_str()).collect();
        let reason = fan_out.reason.as_deref().unwrap_or_default();
        if !wanted.takes(|| format!("fan-out #{} {} {reason} {}", fan_out.no, fan_out.agent, to.join(" "))) {
            continue;
        }
        open += usize::from(fan_out.joined.is_none());
        rows.push(WorkRow::FanOut(fan_out.no));
        rows.extend((0..fan_out.branches.len()).map(|at| WorkRow::Branch(fan_out.no, at)));
    }
    (rows, format!("{open} under way"))
}

fn leases(board: &Board, wanted: Wanted<'_>) -> (Vec<WorkRow>, String) {
    let takes =
        |lease: &&Lease| wanted.takes(|| format!("lease #{} {} {}", lease.fence, lease.holder, lease.target));
    let mut shown: Vec<&Lease> = board.leases.values().map(AsRef::as_ref).filter(takes).collect();
    shown.sort_by_key(|lease| (lease.until, lease.fence));
    let words = format!("{} held", shown.len());
    (shown.into_iter().map(|lease| WorkRow::Lease(lease.fence)).collect(), words)
}

fn waiting(board: &Board, wanted: Wanted<'_>) -> (Vec<WorkRow>, String) {
    let takes = |act: &WaitingAct| {
        wanted
            .takes(|| format!("act {} {} {} {}", act.agent, act.act.action, act.act.subject, act.act.target))
    };
    let shown = board.waiting.iter().filter(|(_, act)| takes(act));
    let rows: Vec<WorkRow> = shown.map(|(deed, _)| WorkRow::Waiting(*deed)).collect();
    let words = format!("{} deferred", rows.len());
    (rows, words)
}

/// What a work item of that kind is, for those who meet it for the first time.
pub(super) fn meaning(kind: &WorkKind) -> &'static str {
    match kind {
        WorkKind::Proposal { .. } => "a change that its author does not own: accept or decline it",
        WorkKind::Decision { .. } => "a person's answer to what this agent raised",
        WorkKind::Ruling { .. } => "a person's ruling on what agents differ in",
        WorkKind::Notice { .. } => "something that the agent should know",
        WorkKind::Dispatch { .. } => "an event that is this agent's to handle",
        WorkKind::Handoff { .. } => "a task handed to this agent: accept, complete or return it",
        WorkKind::Returned { .. } => "a task that came back to its giver, with feedback",
        WorkKind::Branch { .. } => "one of several independent pieces of work",
        WorkKind::Join { .. } => "what came of every branch of a fan-out",
        WorkKind::Changed { .. } => "another changed what this agent's open work depends on",
        WorkKind::Free { .. } => "an act that was deferred may be asked for again",
    }
}
