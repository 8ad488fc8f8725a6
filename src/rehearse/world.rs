//! A workspace in memory: a state, its deeds, and a clock that goes on when it is told to. What falls due meanwhile is
//! decided at its time, as the coordinator does it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::command::{Command, Principal, Request};
use crate::domain::decide::{Answer, decide, found, next_due};
use crate::domain::deed::{Body, Deed, Refs};
use crate::domain::ids::{Actor, Version};
use crate::domain::map::Model;
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::reply::Reply;
use crate::domain::state::State;
use crate::domain::things::{FieldChange, TokenClass};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// A workspace in memory.
pub struct World {
    /// Everything that the deeds so far leave behind.
    pub state: State,
    /// The deeds, from the first one on.
    pub deeds: Vec<Deed>,
    now: Time,
    /// What was asked since it was asked for last, and when; kept only where somebody wants it.
    journal: Option<Vec<(Time, Request)>>,
}

/// A workspace as it was at a moment.
pub struct Mark {
    state: State,
    deeds: usize,
}

impl World {
    /// Born at that time with that map.
    pub fn new(model: Arc<Model>, at: Time) -> Self {
        let mut state = State::new(model.workspace.clone());
        let born = found(model, Actor::Deeds, at);
        state.fold(&born);
        Self { state, deeds: vec![born], now: at, journal: None }
    }

    /// One that these deeds began. None where they do not.
    pub fn of(deeds: Vec<Deed>) -> Option<Self> {
        let model = deeds.first()?.body.model()?;
        let mut state = State::new(model.workspace.clone());
        for deed in &deeds {
            state.fold(deed);
        }
        let now = deeds.last()?.recorded;
        Some(Self { state, deeds, now, journal: None })
    }

    /// What is asked from now on is kept, for whoever plays it elsewhere, too.
    pub fn keep_a_journal(&mut self) {
        self.journal = Some(Vec::new());
    }

    /// What was asked since the last time, in order.
    pub fn take_journal(&mut self) -> Vec<(Time, Request)> {
        self.journal.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// As it is now, to come back to.
    pub fn mark(&self) -> Mark {
        Mark { state: self.state.clone(), deeds: self.deeds.len() }
    }

    /// Goes back to then, and takes these deeds for what happened since.
    pub fn instead(&mut self, mark: Mark, deeds: Vec<Deed>) {
        self.state = mark.state;
        self.deeds.truncate(mark.deeds);
        for deed in deeds.into_iter().filter(|deed| deed.seq > self.state.head()).collect::<Vec<_>>() {
            self.take(deed);
        }
    }

    /// What time it is.
    pub fn now(&self) -> Time {
        self.now
    }

    /// Lets the time pass until then. What falls due on the way is decided when it does.
    pub fn pass_to(&mut self, then: Time) {
        while let Some(due) = next_due(&self.state).filter(|due| *due <= then) {
            self.now = self.now.max(due);
            let before = self.state.head();
            self.send(&tick());
            // Whatever is due is settled or moved by a deed. Should one ever not be, time goes on all the same.
            if self.state.head() == before {
                break;
            }
        }
        self.now = self.now.max(then);
    }

    /// Decides a request at the present time and takes in what comes of it. None where nothing happened.
    pub fn send(&mut self, request: &Request) -> Option<Reply> {
        let decision = decide(&self.state, request, self.now);
        if let Some(journal) = &mut self.journal {
            journal.push((self.now, request.clone()));
        }
        for deed in decision.deeds {
            self.take(deed);
        }
        match decision.answer {
            Answer::Reply(reply) => Some(*reply),
            Answer::Replay(seq) => self.deeds.iter().find(|deed| deed.seq == seq).map(Reply::of),
        }
    }

    /// Values that are there before anybody does anything: no rule is asked, and nobody is the writer.
    pub fn give(&mut self, entity: &EntityPath, fields: &BTreeMap<FieldName, Value>) {
        let known = self.state.entities.get(entity);
        let change = |(name, value): (&FieldName, &Value)| FieldChange {
            entity: None,
            name: name.clone(),
            base: None,
            version: known.map_or(Version(0), |known| known.version_of(name)).next(),
            before: known.and_then(|known| known.field(name)).map(|field| field.value.clone()),
            after: Some(value.clone()),
            by: None,
            at: None,
            unseen: false,
        };
        let fields = fields.iter().map(change).collect();
        let seq = self.state.head().next();
        self.take(Deed {
            seq,
            time: self.now,
            recorded: self.now,
            subject: Some(entity.clone()),
            correlation: seq,
            cause: None,
            traceparent: None,
            actor: Actor::Deeds,
            token: None,
            door: None,
            action: "given".into(),
            outcome: Outcome::Committed,
            code: None,
            verdict: None,
            reason: None,
            map_version: self.state.board.map_version,
            fields,
            refs: Refs::default(),
            decided: None,
            key: None,
            signed: None,
            body: Body::WriteCommitted(()),
        });
    }

    fn take(&mut self, deed: Deed) {
        self.state.fold(&deed);
        self.deeds.push(deed);
    }
}

/// Time went by.
fn tick() -> Request {
    let principal = Principal { actor: Actor::Deeds, class: TokenClass::Admin, token: None };
    Request::new(principal, Command::Tick)
}
