//! The Work view as rows: whose queues, which tasks, fan-outs, leases and waiting acts. Which there are and in what order
//! is decided here; `line` draws one.

use std::collections::BTreeMap;

use crate::console::under::Under;
use crate::domain::ids::{AgentId, FanOutNo, Fence, Seq, TaskId, WorkNo};
use crate::domain::state::Board;
use crate::domain::things::{FanOutState, Lease, Task, TaskStage, WaitingAct, Work, WorkKind};
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

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Row {
    Section(Section, String),
    Agent(AgentId),
    Work(WorkNo),
    Task(TaskId),
    FanOut(FanOutNo),
    Branch(FanOutNo, usize),
    Lease(Fence),
    Waiting(Seq),
}

impl Row {
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

/// What is to be shown.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted<'a> {
    /// Lower-case words that must all be somewhere in a row.
    pub(super) words: &'a [String],
    /// What has ended, too.
    pub(super) ended: bool,
}

impl Wanted<'_> {
    fn takes(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.words.iter().all(|word| text.contains(word.as_str()))
    }
}

/// A task under way or ended.
pub(super) fn task<'a>(board: &'a Board, id: &TaskId) -> Option<&'a Task> {
    let ended = || board.ended_tasks.iter().rev().find(|task| task.id == *id);
    board.tasks.get(id).or_else(ended).map(AsRef::as_ref)
}

/// A fan-out under way or joined.
pub(super) fn fan_out(board: &Board, no: FanOutNo) -> Option<&FanOutState> {
    let ended = || board.ended_fan_outs.iter().rev().find(|fan_out| fan_out.no == no);
    board.fan_outs.get(&no).or_else(ended).map(AsRef::as_ref)
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
pub(super) fn build(board: &Board, now: Time, wanted: Wanted<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for (section, (part, counts)) in [
        (Section::Queues, queues(board, now, wanted)),
        (Section::Tasks, tasks(board, wanted)),
        (Section::FanOuts, fan_outs(board, wanted)),
        (Section::Leases, leases(board, wanted)),
        (Section::Waiting, waiting(board, wanted)),
    ] {
        if !part.is_empty() {
            rows.push(Row::Section(section, counts));
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

fn queues(board: &Board, now: Time, wanted: Wanted<'_>) -> (Vec<Row>, String) {
    let mut by_agent: BTreeMap<&AgentId, Vec<&Work>> = BTreeMap::new();
    for work in board.works.values() {
        let subject = work.subject.as_ref().map(ToString::to_string).unwrap_or_default();
        let text = format!("work #{} {} {} {} {subject}", work.no, work.agent, work.kind.word(), work.title);
        if wanted.takes(&text) {
            by_agent.entry(&work.agent).or_default().push(work);
        }
    }
    let all = counts(by_agent.values().flatten().copied(), now);
    let mut rows = Vec::new();
    for (agent, mut works) in by_agent {
        // What asks comes before what only tells; the oldest first.
        works.sort_by_key(|work| (!work.kind.asks(), work.at, work.no));
        rows.push(Row::Agent(agent.clone()));
        rows.extend(works.iter().map(|work| Row::Work(work.no)));
    }
    (rows, all)
}

fn tasks(board: &Board, wanted: Wanted<'_>) -> (Vec<Row>, String) {
    let ended = board.ended_tasks.iter().rev().filter(|_| wanted.ended);
    let shown = board.tasks.values().chain(ended).filter(|task| {
        let names = format!("{} {} {}", task.owner, task.order.from, task.order.to);
        let subject = task.subject.as_ref().map(ToString::to_string).unwrap_or_default();
        wanted.takes(&format!("task {} {names} {} {subject}", task.id, task.stage.word()))
    });
    let mut shown: Vec<&Task> = shown.map(AsRef::as_ref).collect();
    shown.sort_by_key(|task| (is_over(task), task.at));
    let escalated = shown.iter().filter(|task| matches!(task.stage, TaskStage::Escalated { .. })).count();
    let open = shown.iter().filter(|task| !is_over(task)).count();
    let mut words = format!("{open} under way");
    if escalated > 0 {
        words = format!("{words}, {escalated} with a person");
    }
    (shown.into_iter().map(|task| Row::Task(task.id.clone())).collect(), words)
}

/// Whether a task has ended.
pub(super) fn is_over(task: &Task) -> bool {
    matches!(task.stage, TaskStage::Done { .. } | TaskStage::Closed { .. })
}

fn fan_outs(board: &Board, wanted: Wanted<'_>) -> (Vec<Row>, String) {
    let ended = board.ended_fan_outs.iter().rev().filter(|_| wanted.ended);
    let mut rows = Vec::new();
    let mut open = 0;
    for fan_out in board.fan_outs.values().chain(ended) {
        let to: Vec<&str> = fan_out.branches.iter().map(|branch| branch.to.as_str()).collect();
        let reason = fan_out.reason.as_deref().unwrap_or_default();
        if !wanted.takes(&format!("fan-out #{} {} {reason} {}", fan_out.no, fan_out.agent, to.join(" "))) {
            continue;
        }
        open += usize::from(fan_out.joined.is_none());
        rows.push(Row::FanOut(fan_out.no));
        rows.extend((0..fan_out.branches.len()).map(|at| Row::Branch(fan_out.no, at)));
    }
    (rows, format!("{open} under way"))
}

fn leases(board: &Board, wanted: Wanted<'_>) -> (Vec<Row>, String) {
    let takes =
        |lease: &&Lease| wanted.takes(&format!("lease #{} {} {}", lease.fence, lease.holder, lease.target));
    let mut shown: Vec<&Lease> = board.leases.values().map(AsRef::as_ref).filter(takes).collect();
    shown.sort_by_key(|lease| (lease.until, lease.fence));
    let words = format!("{} held", shown.len());
    (shown.into_iter().map(|lease| Row::Lease(lease.fence)).collect(), words)
}

fn waiting(board: &Board, wanted: Wanted<'_>) -> (Vec<Row>, String) {
    let takes = |act: &WaitingAct| {
        wanted.takes(&format!("act {} {} {} {}", act.agent, act.act.action, act.act.subject, act.act.target))
    };
    let shown = board.waiting.iter().filter(|(_, act)| takes(act));
    let rows: Vec<Row> = shown.map(|(deed, _)| Row::Waiting(*deed)).collect();
    let words = format!("{} deferred", rows.len());
    (rows, words)
}

/// Until when what the row is about lasts, where it ends by itself.
pub(super) fn ends(board: &Board, row: &Row) -> Option<Time> {
    match row {
        Row::Section(..) | Row::Agent(_) | Row::Task(_) => None,
        Row::Work(no) => board.works.get(no)?.taken_until,
        Row::FanOut(no) => board.fan_outs.get(no).map(|fan_out| fan_out.deadline),
        Row::Branch(no, at) => {
            let branch = board.fan_outs.get(no)?.branches.get(*at)?;
            board.works.get(&branch.work)?.taken_until
        }
        Row::Lease(fence) => board.leases.get(fence).map(|lease| lease.until),
        Row::Waiting(deed) => board.waiting.get(deed)?.until,
    }
}

/// The deed that a row is about.
pub(super) fn deed(board: &Board, row: &Row) -> Option<Seq> {
    match row {
        Row::Section(..) => None,
        Row::Agent(agent) => board.agents.get(agent).map(|facts| facts.deed).filter(|deed| *deed != Seq(0)),
        Row::Work(no) => board.works.get(no).map(|work| work.deed),
        Row::Task(id) => task(board, id).map(|task| task.deed),
        Row::FanOut(no) => fan_out(board, *no).map(|fan_out| fan_out.deed),
        Row::Branch(no, at) => {
            let fan_out = fan_out(board, *no)?;
            let work = fan_out.branches.get(*at).and_then(|branch| board.works.get(&branch.work));
            Some(work.map_or(fan_out.deed, |work| work.deed))
        }
        Row::Lease(fence) => board.leases.get(fence).map(|lease| lease.deed),
        Row::Waiting(deed) => Some(*deed),
    }
}

/// What a row is about: entities, agents, leases.
pub(super) fn under(board: &Board, row: &Row) -> Under {
    let none = Under::default();
    match row {
        Row::Section(..) => none,
        Row::Agent(agent) => none.agent(Some(agent)),
        Row::Work(_) => work(board, row)
            .map_or(none.clone(), |work| none.entity(work.subject.as_ref()).agent(Some(&work.agent))),
        Row::Task(id) => task(board, id).map_or(none.clone(), |task| {
            let under = none.entity(task.subject.as_ref()).agent(Some(&task.owner));
            under.agent(Some(&task.order.to)).agent(Some(&task.order.from))
        }),
        Row::FanOut(no) => fan_out(board, *no).map_or(none.clone(), |fan_out| {
            none.entity(fan_out.subject.as_ref()).agent(Some(&fan_out.agent))
        }),
        Row::Branch(no, at) => {
            let branch = fan_out(board, *no).and_then(|fan_out| fan_out.branches.get(*at));
            branch.map_or(none.clone(), |branch| none.agent(Some(&branch.to)))
        }
        Row::Lease(fence) => none.lease(board, *fence),
        Row::Waiting(deed) => board
            .waiting
            .get(deed)
            .map_or(none.clone(), |act| none.entity(Some(&act.act.subject)).agent(Some(&act.agent))),
    }
}

/// The work item of a row.
pub(super) fn work<'a>(board: &'a Board, row: &Row) -> Option<&'a Work> {
    match row {
        Row::Work(no) => board.works.get(no).map(AsRef::as_ref),
        Row::Branch(no, at) => {
            let branch = fan_out(board, *no)?.branches.get(*at)?;
            board.works.get(&branch.work).map(AsRef::as_ref)
        }
        Row::Section(..)
        | Row::Agent(_)
        | Row::Task(_)
        | Row::FanOut(_)
        | Row::Lease(_)
        | Row::Waiting(_) => None,
    }
}

/// What a work item of that kind is, for those who meet it for the first time.
pub(super) fn meaning(kind: &WorkKind) -> &'static str {
    match kind {
        WorkKind::Proposal { .. } => "a change that its author does not own: accept or decline it",
        WorkKind::Decision { .. } => "a person's answer to what this agent raised",
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
