//! One team on its stage: what happens when, in one order that the seed decides.
//!
//! Every step waits for its answer before the next one is taken, so that a seed gives the same sequence each time. How
//! fast that goes is the caller's business: the stage only says at which moment of the team's time something is due.

mod step;
mod stream;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use self::step::Place;
use super::Played;
use super::desk::{Desk, Fault};
use super::script::{Notes, Script, script};
use super::story::{Duty, Scene, Story, Vars, Verb};
use crate::domain::code::Code;
use crate::domain::command::{LONGEST_VISIBILITY, VISIBILITY};
use crate::domain::ids::{ActNo, AgentId, ItemNo, WorkNo};
use crate::domain::outcome::Outcome;
use crate::domain::path::EntityPath;
use crate::domain::reply::Reply;
use crate::domain::things::{Work, WorkKind};
use crate::domain::time::Span;
use crate::rehearse::Random;

/// A moment of the team's time, in microseconds from its start.
pub(super) type Moment = i64;

/// One second of it.
pub(super) const SECOND: Moment = 1_000_000;

/// The first recurring scene, once the opening is over.
const OPENING_ENDS: Moment = 62 * SECOND;
/// How often an agent looks at its work.
const WORK_EVERY: Moment = 7 * SECOND;
/// How long an agent keeps still that a person has paused.
const PAUSED: Moment = 30 * SECOND;
/// How long until something is tried again that nobody answered.
const LATER: Moment = 2 * SECOND;
/// The first number that stands for `{n}`.
const FIRST_NUMBER: u64 = 2041;
/// The first number of a scene that the server's clock began: it takes no number from the others.
const BY_CLOCK: u64 = 1 << 32;
/// Longer than an agent ever has a work item before it ends it, in seconds of the team's time.
const LONGEST_THOUGHT_SECONDS: f64 = 120.0;

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
    /// Scenes that the server's clock began.
    clocked: u64,
    /// Events that the map's schedules raise: when they come is the server's clock's business, not the seed's.
    scheduled: BTreeSet<String>,
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
        scheduled: BTreeSet<String>,
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
            clocked: 0,
            scheduled,
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
        self.desks.values_mut().for_each(|desk| desk.at(now));
        let played = match &cue {
            Cue::Step { scene, step } => self.step(now, Place { scene: *scene, step: *step, asks: 0 }).await,
            Cue::Again { scene, step, asks } => {
                self.step(now, Place { scene: *scene, step: *step, asks: *asks }).await
            }
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
        self.open(no, scene, vars, now);
    }

    /// Begins what an agent does with an event that came to it.
    fn begin_duty(&mut self, duty: &Duty, work: &Work, now: Moment) {
        let WorkKind::Dispatch { event, attributes, .. } = &work.kind else { return };
        let no = if self.scheduled.contains(&**event) {
            self.clocked += 1;
            BY_CLOCK + self.clocked
        } else {
            self.scenes += 1;
            self.scenes - 1
        };
        let mut vars = Vars::default();
        vars.set("n", (FIRST_NUMBER + no % BY_CLOCK).to_string());
        if let Some(subject) = &work.subject {
            vars.set("on", subject.to_string());
        }
        for (name, value) in attributes {
            vars.set(format!("event.{name}"), value.plain());
        }
        self.open(no, duty.scene(), vars, now);
    }

    fn open(&mut self, no: u64, scene: Scene, vars: Vars, now: Moment) {
        for (step, at) in scene.steps.iter().map(|step| step.at).enumerate() {
            self.cue(now + seconds(at), Cue::Step { scene: no, step });
        }
        let open = scene.steps.len();
        let running = Running { scene: Arc::new(scene), vars, notes: Notes::default(), last: None, open };
        self.running.insert(no, running);
    }

    /// Whether a scene that is under way says what becomes of the item.
    fn is_spoken_for(&self, agent: &AgentId, work: &Work) -> bool {
        self.running.values().any(|running| {
            let theirs = running.scene.steps.iter().filter(|step| step.by == *agent);
            theirs.filter(|step| matches!(step.verb, Verb::Work(..))).any(|step| {
                let script = script(step, &running.vars, self.speed);
                matches!(script, Ok(Script::Work(draft)) if draft.means(work))
            })
        })
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

    /// One cue of the scene is over; after the last one the scene is forgotten.
    fn close(&mut self, scene: u64) {
        let Some(running) = self.running.get_mut(&scene) else { return };
        running.open -= 1;
        if running.open == 0 {
            self.running.remove(&scene);
        }
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
            by_clock: false,
        }
    }

    /// Takes in what every answer may say: a case that waits for a person, a pause.
    fn heed(&mut self, now: Moment, agent: &AgentId, reply: &Reply) {
        if let Some(item) = reply.item {
            self.waiting.insert(item);
        }
        if reply.code == Some(Code::Paused) {
            self.still.insert(agent.clone(), now + PAUSED);
        }
    }
}

/// For how long taken work is the taker's: longer than anybody thinks about it, at whatever speed the team lives.
fn visibility(speed: f64) -> Span {
    let secs = LONGEST_THOUGHT_SECONDS / speed;
    #[expect(clippy::cast_possible_truncation, reason = "bounded by the longest visibility below")]
    let span = Span::from_secs(secs as i64);
    span.clamp(VISIBILITY, LONGEST_VISIBILITY)
}

/// Seconds as the story writes them.
#[expect(clippy::cast_possible_truncation, reason = "a story's seconds are far below the bound")]
fn seconds(seconds: f64) -> Moment {
    (seconds * 1_000_000.0) as Moment
}
