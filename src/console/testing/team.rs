//! A team at work without a server: the real rules on a state in memory, and the answers that a server would give. The
//! console under test can't tell the difference.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use super::{Runner, answers};
use crate::console::app::{App, Settings};
use crate::console::ask::{Ask, Heard, Told, Trouble, Waiting, What};
use crate::console::kept::Kept;
use crate::console::world::{Link, Me};
use crate::domain::command::{Command, Principal, Request};
use crate::domain::decide::{Answer, decide, found};
use crate::domain::deed::Deed;
use crate::domain::ids::{Actor, AgentId, PersonId, WorkspaceId};
use crate::domain::map;
use crate::domain::reply::Reply;
use crate::domain::state::State;
use crate::domain::things::TokenClass;
use crate::domain::time::{Span, Time};

/// A workspace in memory.
#[derive(Debug)]
pub struct Team {
    /// Its state.
    pub state: State,
    /// Everything that happened.
    pub deeds: Vec<Arc<Deed>>,
    /// The time; each command takes a second.
    pub now: Time,
    /// Deeds that the console has not heard of yet.
    unheard: Vec<Arc<Deed>>,
    /// What consoles asked to be kept, by ledger.
    pub kept: BTreeMap<String, Kept>,
}

/// Which ledger it is.
const LEDGER: &str = "urn:uuid:00000000-0000-4000-8000-000000000001";

impl Team {
    /// A workspace born with this map at this time.
    ///
    /// # Errors
    /// What is wrong with the map.
    pub fn new(map: &str, now: Time) -> Result<Self, String> {
        let parsed = map::parse(map);
        let model = parsed.model.ok_or_else(|| format!("{:?}", parsed.findings))?;
        let workspace = model.workspace.clone();
        let born = found(Arc::new(model), Actor::Deeds, now);
        let state = State::new(workspace);
        let mut team = Self { state, deeds: Vec::new(), now, unheard: Vec::new(), kept: BTreeMap::new() };
        team.take(born);
        Ok(team)
    }

    /// The workspace's name.
    pub fn workspace(&self) -> WorkspaceId {
        self.state.board.workspace.clone()
    }

    /// An agent asks; the command is written as the API takes it.
    ///
    /// # Errors
    /// When the command or the name is not one.
    pub fn agent(&mut self, name: &str, command: Json) -> Result<Reply, String> {
        let agent = AgentId::new(name).map_err(|error| error.to_string())?;
        let command = serde_json::from_value(command).map_err(|error| error.to_string())?;
        self.decide(Actor::Agent(agent), TokenClass::Agent, command)
    }

    /// A person asks.
    ///
    /// # Errors
    /// When the rules know the answer already, which nothing here leads to.
    pub fn person(
        &mut self,
        person: &PersonId,
        class: TokenClass,
        command: Command,
    ) -> Result<Reply, String> {
        self.decide(Actor::Person(person.clone()), class, command)
    }

    /// Time goes by, with what it brings.
    ///
    /// # Errors
    /// As [`Team::person`].
    pub fn pass(&mut self, span: Span) -> Result<(), String> {
        self.now = self.now.plus(span);
        self.decide(Actor::Deeds, TokenClass::Admin, Command::Tick).map(|_| ())
    }

    /// A console on this workspace, with its board, on a screen of this size.
    pub fn console(&mut self, me: Me, settings: Settings, width: u16, height: u16) -> Runner<App> {
        let app = App::new(self.workspace(), me.clone(), settings);
        let mut runner = Runner::new(app, width, height, self.now.micros());
        runner.server(self.board(me));
        runner.server(Heard::Link(Link::Live { latency_ms: Some(12) }));
        runner
    }

    /// The board as a server would send it.
    pub fn board(&mut self, me: Me) -> Heard {
        self.unheard.clear();
        let board = answers::sent(&self.state.board);
        let ledger = LEDGER.to_owned();
        Heard::Board {
            workspaces: vec![self.workspace()],
            me,
            board,
            ledger,
            trouble: None,
            unreplicated: false,
        }
    }

    /// Brings the console what happened, and nothing else.
    pub fn news(&mut self, runner: &mut Runner<App>) {
        for deed in std::mem::take(&mut self.unheard) {
            runner.server(Heard::Deed(deed));
        }
    }

    /// Brings the console what happened, and answers what it asks, until both are quiet.
    pub fn serve(&mut self, runner: &mut Runner<App>) {
        loop {
            self.news(runner);
            let asked = runner.take_done();
            if asked.is_empty() && self.unheard.is_empty() {
                break;
            }
            for ask in asked {
                if let What::Keep(note) = ask.what {
                    self.kept.entry(note.ledger).or_default().take(&note.change, self.now.micros());
                    continue;
                }
                let me = runner.program.me();
                let answer = self.answer(&me, ask);
                self.news(runner);
                runner.server(answer);
            }
        }
        runner.clock(self.now.micros());
    }

    /// What a server would answer.
    pub(in crate::console) fn answer(&mut self, me: &Me, ask: Ask) -> Heard {
        let result = match ask.what {
            What::Command(command) => self
                .person(&me.person, me.class, *command)
                .map(|reply| Told::Reply(Box::new(reply)))
                .map_err(|what| Trouble { what, next: "look again".to_owned() }),
            What::Deeds(seqs) => {
                let found = self.deeds.iter().filter(|deed| seqs.contains(&deed.seq)).cloned();
                Ok(Told::Deeds(found.collect()))
            }
            What::Page(query) => self.page(&query).map(Told::Page),
            What::Histogram { filter, from, to, buckets } => {
                self.histogram(&filter, from, to, buckets).map(Told::Histogram)
            }
            What::Chain(seq) => self.chain(seq).map(|chain| Told::Chain(Box::new(chain))),
            What::Activity(pattern) => Ok(Told::Activity(self.activity(&pattern))),
            What::Entity(entity, at) => self.entity(me, &entity, at),
            What::Words => Ok(Told::Words(self.words())),
            What::Then(at) => self.then(&at),
            What::Whole(thing, at) => self.whole(&thing, at),
            What::Agents(at) => self.agents(at),
            What::Preview(no, answer) => self.preview(me, no, &answer),
            What::Plan(toml) => self.plan(&toml),
            What::Export { filter, file } => self.meant(&filter).map(|deeds| {
                // Nothing is written here: whoever carries requests writes files.
                Told::Exported { file, deeds: deeds.len() as u64 }
            }),
            // Nor is this.
            What::Save { file, .. } => Ok(Told::Saved(file)),
            What::Waiting(_) => Ok(Told::Waiting(Waiting::of(&self.state.board, self.now))),
            What::Switch(_) | What::Move(_) | What::Keep(_) | What::Notify(_) => {
                return self.board(me.clone());
            }
        };
        Heard::Answer { to: ask.from, tag: ask.tag, result }
    }

    fn decide(&mut self, actor: Actor, class: TokenClass, command: Command) -> Result<Reply, String> {
        self.now = self.now.plus(Span::from_secs(1));
        let principal = Principal { actor, class, token: None };
        let request = Request::new(principal, command);
        let decision = decide(&self.state, &request, self.now);
        for deed in decision.deeds {
            self.take(deed);
        }
        match decision.answer {
            Answer::Reply(reply) => Ok(*reply),
            Answer::Replay(seq) => Err(format!("already answered by deed {seq}")),
        }
    }

    fn take(&mut self, deed: Deed) {
        self.state.fold(&deed);
        let deed = Arc::new(deed);
        self.deeds.push(Arc::clone(&deed));
        self.unheard.push(deed);
    }
}
