//! Three sample teams at work: their maps, their stories, and the simulated agents that play them.
//!
//! Each agent is an ordinary client with its own token; nothing here has a way around the server. Starting a server,
//! making workspaces and tokens is the composition's business (`cli`); what the agents do is data in `assets/stories/`.

mod desk;
mod script;
mod stage;
mod story;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::Instant;

use self::desk::{Desk, Fault};
use self::stage::{Moment, Stage};
use self::story::Story;
use self::wire::Wire;
use crate::client::Client;
use crate::domain::code::Code;
use crate::domain::ids::AgentId;
use crate::domain::map::{self, Model, Schedule};
use crate::domain::outcome::Outcome;
use crate::domain::path::EntityPath;
use crate::domain::time::{Span, Time};

/// How long after the start a full minute may strike at the earliest: the map must be in force by then.
const NOT_BEFORE: Span = Span::from_secs(2);

/// A sample team.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Team {
    /// The workspace it lives in; the one that its map names.
    pub workspace: &'static str,
    /// The team in one line.
    pub title: &'static str,
    /// Its ownership map, as the file has it.
    pub map_toml: &'static str,
    /// The person who answers its queues; the demo signs in as this one.
    pub reviewer: &'static str,
    /// Its agents, each of which needs a token, in the order of the map.
    pub agents: Vec<AgentId>,
}

/// A team's texts, compiled in.
struct Source {
    workspace: &'static str,
    title: &'static str,
    reviewer: &'static str,
    map: &'static str,
    story: &'static str,
}

const SOURCES: [Source; 3] = [
    Source {
        workspace: "northwind",
        title: "a staffing agency: intake, follow-up, chat, billing, payments, reporting",
        reviewer: "dana",
        map: include_str!("../../assets/teams/northwind.toml"),
        story: include_str!("../../assets/stories/northwind.toml"),
    },
    Source {
        workspace: "tallyfern",
        title: "a software vendor: sales, support and product around the same customers",
        reviewer: "mira",
        map: include_str!("../../assets/teams/tallyfern.toml"),
        story: include_str!("../../assets/stories/tallyfern.toml"),
    },
    Source {
        workspace: "solo",
        title: "a founder and four agents over a folder of files",
        reviewer: "jo",
        map: include_str!("../../assets/teams/solo.toml"),
        story: include_str!("../../assets/stories/solo.toml"),
    },
];

/// The sample teams, in the order of the workspaces.
pub fn teams() -> Vec<Team> {
    SOURCES
        .iter()
        .map(|source| Team {
            workspace: source.workspace,
            title: source.title,
            map_toml: source.map,
            reviewer: source.reviewer,
            agents: agents_of(source),
        })
        .collect()
}

fn agents_of(source: &Source) -> Vec<AgentId> {
    let model = map::parse(source.map).model;
    model.into_iter().flat_map(|model| model.agents).map(|agent| agent.id).collect()
}

/// The events that the map's schedules raise.
fn scheduled(source: &Source) -> BTreeSet<String> {
    let events = map::parse(source.map).model.into_iter().flat_map(|model| model.events);
    events.filter(|event| event.schedule.is_some()).map(|event| event.name).collect()
}

impl Team {
    /// Its map for a team that begins to work at `start`. What the story says falls due soon does so at the first full
    /// minute after that, whatever hour it is.
    ///
    /// # Errors
    /// Where the map or the story is broken: a defect of the files.
    pub fn model(&self, start: Time) -> Result<Model, DemoError> {
        let broken = |reason| DemoError::Map { workspace: self.workspace, reason };
        let source = SOURCES.iter().find(|source| source.workspace == self.workspace);
        let soon = source.map(story).transpose()?.map(|story| story.soon).unwrap_or_default();
        let mut model = map::parse(self.map_toml).applicable().map_err(|findings| {
            let errors = findings.iter().filter(|finding| finding.is_error());
            let told = errors.map(|error| format!("line {}: {}", error.line, error.message));
            broken(told.collect::<Vec<_>>().join("; "))
        })?;
        let strikes = full_minute(start.plus(NOT_BEFORE));
        let daily = |at| Some(Schedule::daily_at(model.zone(), at));
        let (event_at, review_at) = (daily(strikes), daily(strikes));
        if let Some(name) = &soon.event {
            let event = model.events.iter_mut().find(|event| event.name == *name);
            event.ok_or_else(|| broken(format!("there is no event {name}")))?.schedule = event_at;
        }
        if let Some(name) = &soon.missed_review {
            let queue = model.queues.iter_mut().find(|queue| queue.name == *name);
            let queue = queue.ok_or_else(|| broken(format!("there is no queue {name}")))?;
            (queue.review, queue.grace) = (review_at, Some(Span::from_micros(0)));
        }
        Ok(model)
    }
}

/// The first full minute at or after `time`.
fn full_minute(time: Time) -> Time {
    let minute = Span::from_mins(1).micros();
    Time::from_micros(time.micros() + (-time.micros()).rem_euclid(minute))
}

/// How the teams are played.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// How much faster than real time; 1 is real time.
    pub speed: f64,
    /// Decides who does what next.
    pub seed: u64,
    /// When to end, in the teams' time; never where none.
    pub for_: Option<Duration>,
    /// How much of the teams' time is played at once, before it goes on at their speed.
    pub ahead: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { speed: 1.0, seed: 1, for_: None, ahead: Duration::ZERO }
    }
}

/// The slowest and the fastest that the teams are played.
pub const SPEEDS: (f64, f64) = (0.01, 100_000.0);

/// Something an agent did, and how it came out: the same for the same seed, as long as no person steps in and the
/// server's clock is not what led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    /// In which workspace.
    pub workspace: &'static str,
    /// When, in milliseconds of the team's time.
    pub at_ms: u64,
    /// Who.
    pub actor: AgentId,
    /// What, in the agent's word.
    pub action: String,
    /// About which record.
    pub entity: Option<EntityPath>,
    /// How it came out.
    pub outcome: Outcome,
    /// Why not, where it was not done.
    pub code: Option<Code>,
    /// Whether the server's clock led to it, not the seed: the notice of a lapse, a scheduled event.
    pub by_clock: bool,
}

/// Why the demo ended before its time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DemoError {
    /// A map can't be put in force: a defect of the file.
    #[error("the map of {workspace} is broken: {reason}; mend assets/teams/{workspace}.toml")]
    Map {
        /// Whose.
        workspace: &'static str,
        /// Why.
        reason: String,
    },
    /// A story can't be read or played: a defect of the file.
    #[error("the story of {workspace} is broken: {reason}; mend assets/stories/{workspace}.toml")]
    Story {
        /// Whose.
        workspace: &'static str,
        /// Why.
        reason: String,
    },
    /// Nobody answered for a long time.
    #[error("the server does not answer ({0}); see whether it runs, then start the demo again")]
    Away(String),
}

/// A team whose agents have their way in: a client for each, with a token of the team's workspace.
#[derive(Debug, Clone)]
pub struct Cast {
    /// Which team; the name of its workspace.
    pub workspace: &'static str,
    /// The clients. An agent without one takes no part.
    pub clients: BTreeMap<AgentId, Client>,
}

/// Plays the teams until their time is over, telling `watch` each thing that an agent did. Dropping it ends it at once.
///
/// # Errors
/// Where a story is broken, or the server has not answered for a long time.
pub async fn run(
    casts: Vec<Cast>,
    options: &Options,
    watch: impl FnMut(&Played) + Send,
) -> Result<(), DemoError> {
    let mut stages = Vec::with_capacity(casts.len());
    for source in &SOURCES {
        let Some(cast) = casts.iter().find(|cast| cast.workspace == source.workspace) else { continue };
        let desks = cast
            .clients
            .iter()
            .map(|(agent, client)| (agent.clone(), Wire::new(agent.clone(), client.clone())));
        stages.push(Stage::new(
            source.workspace,
            story(source)?,
            scheduled(source),
            desks.collect(),
            options.seed,
            options.speed,
        ));
    }
    direct(&mut stages, options, watch).await
}

/// How late a step may be before the teams' time is moved back: after a sleep nobody wants all of it at once.
const LATE: Duration = Duration::from_secs(2);
/// How often, and how far apart, the server is tried again when it does not answer.
const TRIES: u32 = 30;
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// Plays all stages in one global order, each step after the answer to the one before.
async fn direct<D: Desk>(
    stages: &mut [Stage<D>],
    options: &Options,
    mut watch: impl FnMut(&Played),
) -> Result<(), DemoError> {
    let moment = |span: Duration| Moment::try_from(span.as_micros()).unwrap_or(Moment::MAX);
    let (end, ahead) = (options.for_.map(moment), moment(options.ahead));
    let mut start = Instant::now();
    let mut tries = 0;
    loop {
        let next = stages.iter().enumerate().filter_map(|(at, stage)| Some((stage.next()?, at))).min();
        let Some((moment, at)) = next.filter(|(moment, _)| end.is_none_or(|end| *moment <= end)) else {
            return Ok(());
        };
        start = match moment.checked_sub(ahead) {
            Some(since @ 0..) => wait(start, since, options.speed).await,
            Some(_) | None => Instant::now(),
        };
        let Some(stage) = stages.get_mut(at) else { return Ok(()) };
        match stage.play().await {
            Ok(played) => {
                tries = 0;
                played.iter().for_each(&mut watch);
            }
            Err(Fault::Broken(reason)) => {
                return Err(DemoError::Story { workspace: stage.workspace(), reason });
            }
            Err(Fault::ShownOut(agent)) => stage.leave(&agent),
            Err(Fault::Away(why)) if tries >= TRIES => return Err(DemoError::Away(why)),
            Err(Fault::Away(_)) => {
                tries += 1;
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
        }
    }
}

/// Waits until the moment has come, counted from the start; the start of the teams' time, moved where one is late.
async fn wait(start: Instant, moment: Moment, speed: f64) -> Instant {
    let speed = speed.clamp(SPEEDS.0, SPEEDS.1);
    let micros = u64::try_from(moment).unwrap_or(0);
    let due = start + Duration::from_micros(micros).div_f64(speed);
    let late = Instant::now().saturating_duration_since(due);
    tokio::time::sleep_until(due).await;
    if late > LATE { start + late } else { start }
}

/// Reads the story of a workspace.
fn story(source: &Source) -> Result<Story, DemoError> {
    toml::from_str(source.story)
        .map_err(|error| DemoError::Story { workspace: source.workspace, reason: error.to_string() })
}
