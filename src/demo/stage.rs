//! One team on its stage: what happens when, in one order that the seed decides.
//!
//! Every step waits for its answer before the next one is taken, so that a seed gives the same sequence each time. How
//! fast that goes is the caller's business: the stage only says at which moment of the team's time something is due.

mod stream;

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
    sync::Arc,
};

use crate::domain::{
    code::Code,
    command::{Act, ActEnd, Command},
    deed::Outcome,
    ids::{ActNo, AgentId, ItemNo, WorkNo},
    path::EntityPath,
    reply::Reply,
};

use super::{
    Played,
    desk::{Desk, Fault},
    random::Random,
    script::{Draft, Notes, Script, script},
    story::{Scene, Story, Vars},
};

/// A moment of the team's time, in microseconds from its start.
pub(super) type Moment = i64;

/// One second of it.
pub(super) const SECOND: Moment = 1_000_000;

/// The first recurring scene, once the opening is over.
const OPENING_ENDS: Moment = 62 * SECOND;
/// How often an agent looks at its work.
const WORK_EVERY: Moment = 7 * SECOND;
/// How often an agent asks again where another goes first, and how long it waits in between.
const ASKS: u32 = 3;
const ASK_AGAIN: Moment = 20 * SECOND;
/// How long an agent keeps still that a person has paused.
const PAUSED: Moment = 30 * SECOND;
/// How long until something is tried again that nobody answered.
const LATER: Moment = 2 * SECOND;
/// One in so many side effects fails.
const FAILS: u64 = 14;
/// The first number that stands for `{n}`.
const FIRST_NUMBER: u64 = 2041;

/// A team with its agents at their desks.
pub(super) struct Stage<D> {
    workspace: &'static str,
    story: Story,
    desks: BTreeMap<AgentId, D>,
    random: Random,
    due: BinaryHeap<Reverse<(Moment, u64, Cue)>>,
    cues: u64,
    running: BTreeMap<u64, Running>,
    scenes: u64,
    /// Cases that a person has not answered yet, as far as the agents know.
    waiting: BTreeSet<ItemNo>,
    /// Work that an agent has taken note of and will end later.
    pending: BTreeSet<WorkNo>,
    /// Until when an agent keeps still.
    still: BTreeMap<AgentId, Moment>,
    /// How much faster than real time the team lives.
    speed: f64,
}

/// What is due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cue {
    /// A step of a running scene.
    Step { scene: u64, step: usize },
    /// The same step again, because another went first.
    Again { scene: u64, step: usize, asks: u32 },
    /// A side effect has ended.
    EndAct { agent: AgentId, act: ActNo, subject: EntityPath },
    /// An agent looks at its work.
    Look(AgentId),
    /// An agent ends a work item.
    EndWork { agent: AgentId, work: WorkNo },
    /// The next recurring scene.
    Scene,
}

/// A scene that has begun.
struct Running {
    scene: Arc<Scene>,
    vars: Vars,
    notes: Notes,
    last: Option<Outcome>,
    /// How many of its cues are still to come.
    open: usize,
}

impl<D: Desk> Stage<D> {
    /// Sets everything up; nothing has happened yet.
    pub(super) fn new(
        workspace: &'static str,
        story: Story,
        desks: BTreeMap<AgentId, D>,
        seed: u64,
        speed: f64,
    ) -> Self {
        let mut stage = Self {
            workspace,
            desks,
            random: Random::new(seed, workspace),
            due: BinaryHeap::new(),
            cues: 0,
            running: BTreeMap::new(),
            scenes: 0,
            waiting: BTreeSet::new(),
            pending: BTreeSet::new(),
            still: BTreeMap::new(),
            speed,
            story,
        };
        for scene in stage.story.opening.clone() {
            let at = seconds(scene.at);
            stage.begin(scene, at);
        }
        stage.cue(OPENING_ENDS, Cue::Scene);
        let agents: Vec<AgentId> = stage.desks.keys().cloned().collect();
        for agent in agents {
            let at = stage.random.between(WORK_EVERY, 2 * WORK_EVERY);
            stage.cue(at, Cue::Look(agent));
        }
        stage
    }

    /// When the next thing is due.
    pub(super) fn next(&self) -> Option<Moment> {
        self.due.peek().map(|Reverse((at, _, _))| *at)
    }

    /// Does what is due next. Where nobody answers, it stays due.
    pub(super) async fn play(&mut self) -> Result<Vec<Played>, Fault> {
        let Some(Reverse((now, _, cue))) = self.due.pop() else { return Ok(Vec::new()) };
        let played = match &cue {
            Cue::Step { scene, step } => self.step(now, *scene, *step, 0).await,
            Cue::Again { scene, step, asks } => self.step(now, *scene, *step, *asks).await,
            Cue::EndAct { agent, act, subject } => self.end_act(now, agent, *act, subject).await,
            Cue::Look(agent) => self.look(now, agent).await,
            Cue::EndWork { agent, work } => self.end_work(now, agent, *work).await,
            Cue::Scene => {
                self.next_scene(now);
                Ok(Vec::new())
            }
        };
        match (&played, cue) {
            (Err(Fault::Away(_)), cue) => self.cue(now + LATER, cue),
            (_, Cue::Step { scene, .. } | Cue::Again { scene, .. }) => self.close(scene),
            (_, Cue::Look(agent)) => self.cue(now + WORK_EVERY, Cue::Look(agent)),
            (_, Cue::EndAct { .. } | Cue::EndWork { .. } | Cue::Scene) => {}
        }
        played
    }

    fn cue(&mut self, at: Moment, cue: Cue) {
        self.cues += 1;
        self.due.push(Reverse((at, self.cues, cue)));
    }

    /// Begins a scene: its variables are chosen now, its steps are due at their times.
    fn begin(&mut self, scene: Scene, now: Moment) {
        let no = self.scenes;
        self.scenes += 1;
        let mut vars = Vars::default();
        vars.set("n", (FIRST_NUMBER + no).to_string());
        for list in &scene.pick {
            let entry = self.story.lists.get(list).and_then(|entries| self.random.one_of(entries));
            for (key, text) in entry.into_iter().flatten() {
                vars.set(format!("{list}.{key}"), text);
            }
        }
        for (step, at) in scene.steps.iter().map(|step| step.at).enumerate() {
            self.cue(now + seconds(at), Cue::Step { scene: no, step });
        }
        let open = scene.steps.len();
        let running = Running { scene: Arc::new(scene), vars, notes: Notes::default(), last: None, open };
        self.running.insert(no, running);
    }

    /// Chooses the next recurring scene by weight. One that raises a case is left out while enough of them wait.
    fn next_scene(&mut self, now: Moment) {
        let pace = self.story.pace.micros();
        let gap = self.random.between(pace / 2, pace * 3 / 2);
        self.cue(now + gap.max(1), Cue::Scene);
        let full = self.waiting.len() >= self.story.waiting;
        let open: Vec<&Scene> = self.story.scenes.iter().filter(|scene| !(scene.raises && full)).collect();
        let mut ticket = self.random.below(open.iter().map(|scene| scene.weight).sum());
        let chosen = open.into_iter().find(|scene| {
            let hit = ticket < scene.weight;
            ticket = ticket.saturating_sub(scene.weight);
            hit
        });
        if let Some(scene) = chosen.cloned() {
            self.begin(scene, now);
        }
    }

    async fn step(&mut self, now: Moment, scene: u64, at: usize, asks: u32) -> Result<Vec<Played>, Fault> {
        let Some(running) = self.running.get(&scene) else { return Ok(Vec::new()) };
        let steps = Arc::clone(&running.scene);
        let Some(step) = steps.steps.get(at) else { return Ok(Vec::new()) };
        let skipped = asks == 0 && step.only_if.is_some() && step.only_if != running.last;
        if skipped || self.is_still(&step.by, now) {
            return Ok(Vec::new());
        }
        let found = script(step, &running.vars).map_err(|error| {
            Fault::Broken(format!("{}, scene {:?}, step {at}: {error}", self.workspace, steps.name))
        })?;
        let Some(desk) = self.desks.get_mut(&step.by) else { return Ok(Vec::new()) };
        let Some(running) = self.running.get_mut(&scene) else { return Ok(Vec::new()) };
        let draft = match found {
            Script::Read(entity) => {
                let view = desk.read(&entity).await?;
                running.notes.take_in(&step.by, &entity, view.as_ref());
                return Ok(Vec::new());
            }
            Script::Ask(draft) => draft,
        };
        for entity in draft.look(&step.by, &running.notes, asks > 0) {
            let view = desk.read(&entity).await?;
            running.notes.take_in(&step.by, &entity, view.as_ref());
        }
        let from = step.from.as_ref().unwrap_or(&step.by);
        let reply = desk.ask(&draft.command(&step.by, from, &running.notes)).await?;
        running.notes.did(&step.by, reply.deed);
        running.last = Some(reply.outcome);
        let (action, subject) = about(&draft);
        if let Some(entity) = subject.as_ref().filter(|_| reply.outcome == Outcome::Committed) {
            running.notes.forget(&step.by, entity);
        }
        let played = self.played(now, &step.by, &action, subject.as_ref(), &reply);
        if self.react(now, &step.by, &draft, &reply, asks) {
            self.cue(now + ASK_AGAIN, Cue::Again { scene, step: at, asks: asks + 1 });
            if let Some(running) = self.running.get_mut(&scene) {
                running.open += 1;
            }
        }
        Ok(vec![played])
    }

    /// One cue of the scene is over; after the last one the scene is forgotten.
    fn close(&mut self, scene: u64) {
        let Some(running) = self.running.get_mut(&scene) else { return };
        running.open -= 1;
        if running.open == 0 {
            self.running.remove(&scene);
        }
    }

    /// What a sensible agent does with an answer. True where it asks again later.
    fn react(&mut self, now: Moment, agent: &AgentId, draft: &Draft, reply: &Reply, asks: u32) -> bool {
        if let Some(item) = reply.item {
            self.waiting.insert(item);
        }
        if reply.code == Some(Code::Paused) {
            self.still.insert(agent.clone(), now + PAUSED);
        }
        let Draft::Act(act, _, takes) = draft else { return false };
        if let Some(no) = reply.act {
            self.start_act(now, agent, act, no, *takes);
        }
        // It reads again before it asks again: what it was based on may have changed meanwhile.
        reply.outcome == Outcome::Deferred && asks < ASKS
    }

    fn start_act(&mut self, now: Moment, agent: &AgentId, act: &Act, no: ActNo, takes: f64) {
        let cue = Cue::EndAct { agent: agent.clone(), act: no, subject: act.subject.clone() };
        self.cue(now + seconds(takes), cue);
    }

    async fn end_act(
        &mut self,
        now: Moment,
        agent: &AgentId,
        act: ActNo,
        subject: &EntityPath,
    ) -> Result<Vec<Played>, Fault> {
        let failure =
            if self.random.below(FAILS) == 0 { self.random.one_of(&self.story.failures) } else { None };
        let note = failure.map(|note| Arc::from(note.as_str()));
        let end = Command::ActEnd(ActEnd { act, done: note.is_none(), note });
        let Some(desk) = self.desks.get_mut(agent) else { return Ok(Vec::new()) };
        let reply = desk.ask(&end).await?;
        Ok(vec![self.played(now, agent, "act end", Some(subject), &reply)])
    }

    fn is_still(&self, agent: &AgentId, now: Moment) -> bool {
        self.still.get(agent).is_some_and(|until| now < *until)
    }

    /// An agent that the door does not open to any more takes no further part.
    pub(super) fn leave(&mut self, agent: &AgentId) {
        self.desks.remove(agent);
    }

    /// Whose stage it is.
    pub(super) fn workspace(&self) -> &'static str {
        self.workspace
    }

    fn played(
        &self,
        now: Moment,
        agent: &AgentId,
        action: &str,
        entity: Option<&EntityPath>,
        reply: &Reply,
    ) -> Played {
        Played {
            workspace: self.workspace,
            at_ms: u64::try_from(now / 1000).unwrap_or(0),
            actor: agent.clone(),
            action: action.to_owned(),
            entity: entity.cloned(),
            outcome: reply.outcome,
            code: reply.code,
        }
    }
}

/// The word and the record of a draft.
fn about(draft: &Draft) -> (String, Option<EntityPath>) {
    use crate::domain::command::WriteKind;
    match draft {
        Draft::Write(write, _, _) => {
            let word = match write.kind {
                WriteKind::Update => "write",
                WriteKind::Create => "create",
                WriteKind::Archive => "archive",
                WriteKind::Delete => "delete",
            };
            (word.to_owned(), Some(write.entity.clone()))
        }
        Draft::Act(act, _, _) => (act.action.to_string(), Some(act.subject.clone())),
        Draft::Escalate(escalate) => ("escalate".to_owned(), escalate.subject.clone()),
    }
}

/// Seconds as the story writes them.
#[expect(clippy::cast_possible_truncation, reason = "a story's seconds are far below the bound")]
fn seconds(seconds: f64) -> Moment {
    (seconds * 1_000_000.0) as Moment
}
