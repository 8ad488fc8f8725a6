//! Weeks in seconds: the agents and the people of a map live in a workspace whose clock is simulated. The same seed
//! gives the same deeds, byte for byte, and the report says what became of the team.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;
use serde::Serialize;

use super::clock::{self, When};
use super::founding::{chain, founding};
use super::hands::Hands;
use super::life::Life;
use super::reader::state_word;
use super::world::World;
use crate::domain::deed::Body;
use crate::domain::ids::PersonId;
use crate::domain::map::Model;
use crate::domain::map::schedule::{Schedule, day_begins};
use crate::domain::readiness::{Gate, map_standing, readiness};
use crate::domain::time::{Span, Time};

/// How many turns an agent has in a day, in its working hours.
const TURNS: u32 = 8;
/// The working hours, after midnight.
const WORK: (Span, Span) = (Span::from_hours(8), Span::from_hours(18));
/// How often an agent looks into its stream.
const SWEEP: Span = Span::from_mins(10);
/// How often in a day a declared event comes from outside.
const EVENTS: u32 = 2;
/// How often in a thousand turns an agent meddles while the team is new, and afterwards.
pub(super) const TROUBLE: (u64, u64) = (15, 0);
/// How often in a thousand turns an agent asks a person, then and afterwards: what a team has settled it asks no more.
pub(super) const QUESTIONS: (u64, u64) = (30, 0);
/// For how long a team is new, in days.
pub(super) const NEW: u32 = 14;
/// So long after a review is due it is held.
const AFTER: Span = Span::from_mins(7);

/// What is rehearsed.
pub struct Rehearsal {
    /// The map, whose agents and people they are.
    pub model: Arc<Model>,
    /// From this instant on.
    pub begins: Time,
    /// For so many days.
    pub days: u32,
    /// What decides who does what.
    pub seed: u64,
}

/// What became of the team.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Rehearsed {
    /// The workspace of the map.
    pub workspace: String,
    /// The seed.
    pub seed: u64,
    /// When it began and ended, in the map's time.
    pub begins: String,
    /// The end.
    pub ends: String,
    /// How many deeds there are.
    pub deeds: usize,
    /// The hash of their chain: the same for the same map, seed, days and beginning.
    pub chain: String,
    /// By type, how many of each.
    pub types: BTreeMap<&'static str, u64>,
    /// Why not, and how often.
    pub codes: BTreeMap<&'static str, u64>,
    /// Events that came up, by name.
    pub events: BTreeMap<String, u64>,
    /// Alerts that opened, by kind.
    pub alerts: BTreeMap<&'static str, u64>,
    /// Scheduled reviews by queue: held and missed.
    pub reviews: BTreeMap<String, (u64, u64)>,
    /// Items that are open at the end.
    pub open: usize,
    /// How it stood at the end of each week.
    pub weeks: Vec<Week>,
}

/// The end of a week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Week {
    /// Which, from 1.
    pub week: u32,
    /// When it ends, in the map's time.
    pub ends: String,
    /// Deeds so far.
    pub deeds: usize,
    /// The stage of the team, 1 to 5.
    pub stage: u8,
    /// The gates of each agent, with how they stand.
    pub agents: BTreeMap<String, BTreeMap<&'static str, Stands>>,
}

/// How a gate stands, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stands {
    /// `holds`, `fails` or `too-little`.
    pub state: &'static str,
    /// In one line.
    pub words: String,
}

/// Something that is due on a day.
#[derive(Clone, Copy)]
pub(super) enum Due {
    Turn(usize),
    Sweep(usize),
    Event(usize),
    Review(usize),
    Care,
}

impl Rehearsal {
    /// From the usual Monday on, where nothing else is said.
    pub fn new(model: Arc<Model>, days: u32, seed: u64) -> Self {
        let begins = clock::usual(&model);
        Self { model, begins, days, seed }
    }

    /// The same from another time on, as test files write it. None where it is no time.
    pub fn beginning(self, text: &str) -> Option<Self> {
        let begins = When::read(text)?.instant(self.begins, &self.model)?;
        Some(Self { begins, ..self })
    }

    /// Lets the days pass; `each` is told of every week as it ends.
    pub fn play(self, mut each: impl FnMut(&Week)) -> Rehearsed {
        let deeds = founding(&self.model, self.begins);
        let Some(world) = World::of(deeds) else { return Rehearsed::default() };
        let mut life = Life::new(self, world);
        while let Some(step) = life.step() {
            if let Some(week) = step {
                each(&week);
            }
        }
        life.told()
    }

    pub(super) fn midnight(&self, date: Option<NaiveDate>) -> Option<Time> {
        day_begins(self.model.zone(), date?)
    }

    pub(super) fn happens(&self, hands: &mut Hands, due: Due) {
        let model = &self.model;
        match due {
            Due::Turn(no) => model.agents.get(no).into_iter().for_each(|agent| hands.turn(agent)),
            Due::Sweep(no) => model.agents.get(no).into_iter().for_each(|agent| hands.sweep(&agent.id)),
            Due::Event(no) => {
                if let (Some(event), Some(person)) = (model.events.get(no), self.person()) {
                    hands.raise(event, person);
                }
            }
            Due::Review(no) => {
                model.queues.get(no).into_iter().for_each(|queue| hands.review(&queue.name, &queue.owner));
            }
            Due::Care => {
                let soon = hands.world.now().plus(Span::from_days(1));
                let due = map_standing(&hands.world.state.board, hands.world.now()).due;
                if let (Some(_), Some(person)) = (due.filter(|due| *due <= soon), self.person()) {
                    hands.care(person);
                }
            }
        }
    }

    /// Whoever is accountable.
    pub(super) fn person(&self) -> Option<&PersonId> {
        self.model.governance_owner.as_ref().or_else(|| self.model.queues.first().map(|queue| &queue.owner))
    }

    /// What a day has in it, in the order of time.
    pub(super) fn agenda(&self, hands: &mut Hands, date: NaiveDate) -> Vec<(Time, Due)> {
        let (Some(begins), Some(ends)) = (self.midnight(Some(date)), self.midnight(date.succ_opt())) else {
            return Vec::new();
        };
        let mut agenda = Vec::new();
        let at = |hands: &mut Hands| {
            let (from, to) = (WORK.0.micros(), WORK.1.micros());
            begins.plus(Span::from_micros(hands.random.between(from, to)))
        };
        for no in 0..self.model.agents.len() {
            agenda.extend((0..TURNS).map(|_| (at(hands), Due::Turn(no))));
            let sweeps = (0..).map(|round| begins.plus(Span::from_micros(SWEEP.micros() * round)));
            agenda.extend(sweeps.take_while(|at| *at < ends).map(|at| (at, Due::Sweep(no))));
        }
        for (no, event) in self.model.events.iter().enumerate() {
            if event.schedule.is_none() && event.on.is_none() {
                agenda.extend((0..EVENTS).map(|_| (at(hands), Due::Event(no))));
            }
        }
        let before = begins.minus(Span::from_micros(1));
        let next = |schedule: Schedule| schedule.next(self.model.zone(), before).filter(|at| *at < ends);
        for (no, queue) in self.model.queues.iter().enumerate() {
            agenda.extend(queue.review.and_then(next).map(|at| (at.plus(AFTER), Due::Review(no))));
        }
        agenda.push((begins.plus(WORK.0), Due::Care));
        agenda.sort_by_key(|(at, _)| *at);
        agenda
    }

    pub(super) fn week(&self, world: &World, week: u32) -> Week {
        let team = readiness(&world.state.board, world.now());
        let agents = team.agents.iter().map(|agent| {
            let gate = |gate: &Gate| {
                let state = state_word(gate.state);
                (gate.kind.as_str(), Stands { state, words: gate.words.clone() })
            };
            (agent.agent.to_string(), agent.gates.iter().map(gate).collect())
        });
        let ends = clock::words(world.now(), &self.model);
        Week { week, ends, deeds: world.deeds.len(), stage: team.stage.into(), agents: agents.collect() }
    }

    pub(super) fn told(&self, world: &World, weeks: Vec<Week>) -> Rehearsed {
        let mut told = Rehearsed {
            workspace: self.model.workspace.to_string(),
            seed: self.seed,
            begins: clock::words(self.begins, &self.model),
            ends: clock::words(world.now(), &self.model),
            deeds: world.deeds.len(),
            chain: chain(&self.model, &world.deeds),
            types: BTreeMap::new(),
            codes: BTreeMap::new(),
            events: BTreeMap::new(),
            alerts: BTreeMap::new(),
            reviews: BTreeMap::new(),
            open: world.state.board.items.len(),
            weeks,
        };
        for deed in &world.deeds {
            *told.types.entry(deed.body.type_name()).or_default() += 1;
            if let Some(code) = deed.code {
                *told.codes.entry(code.as_str()).or_default() += 1;
            }
            if let Body::EventRaised(event) | Body::EventEscalated(event) = &deed.body {
                *told.events.entry(event.event.to_string()).or_default() += 1;
            }
            if let Body::AlertOpened(alert) = &deed.body {
                *told.alerts.entry(alert.kind.as_str()).or_default() += 1;
            }
        }
        for (queue, reviews) in &world.state.board.reviews {
            told.reviews.insert(queue.to_string(), (reviews.held, reviews.missed));
        }
        told
    }
}
