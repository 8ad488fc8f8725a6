//! The small model that is kept beside the rules: what was granted, given, taken and answered, as far as the promises
//! of docs/GUARANTEES.md need it. It reads deeds and requests; how anything is decided it does not know.
//!
//! Here: who may speak, what a key was answered, and where each deed goes. `record` keeps versions, freezes and leases,
//! `stream` work, tasks and fan-outs, `desk` what people answer and what is published, `handing` whose a zone is that was
//! offered, `cases` which inputs are the same, `rounds` the scheduled reviews, `states` what an open contradiction stops,
//! `rights` what nobody gets by a way around, `care` when the map is gone through, `lives` and `verdicts` how ready each agent is, `joins` who may join.

mod calls;
mod care;
mod cases;
mod desk;
mod handing;
mod joins;
mod lives;
mod record;
mod rights;
mod rounds;
mod states;
mod stream;
mod verdicts;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::calls::Calls;
use self::care::Care;
use self::cases::Cases;
use self::desk::Desk;
use self::lives::Lives;
use self::record::Record;
use self::rounds::Rounds;
use self::states::States;
use self::stream::Streams;
use super::zones::Zones;
use deeds::domain::code::Code;
use deeds::domain::command::{AskedKey, Command, Request};
use deeds::domain::decide::Answer;
use deeds::domain::deed::{Body, Deed};
use deeds::domain::ids::{Actor, AgentId, ItemNo, MapVersion, Seq, TokenId};
use deeds::domain::map::{Mode, Model};
use deeds::domain::outcome::Outcome;
use deeds::domain::reply::Reply;
use deeds::domain::state::{KEY_LIFE, State};
use deeds::domain::things::Item;
use deeds::domain::time::Time;

/// What the model keeps.
pub(crate) struct Book {
    map_version: MapVersion,
    model: Arc<Model>,
    zones: Zones,
    tokens: BTreeMap<TokenId, bool>,
    paused: BTreeSet<AgentId>,
    /// Since when a person has stopped every agent.
    halted: Option<Time>,
    keys: BTreeMap<(String, String), (Arc<str>, Seq, Time)>,
    record: Record,
    calls: Calls,
    streams: Streams,
    desk: Desk,
    cases: Cases,
    rounds: Rounds,
    states: States,
    care: Care,
    lives: Lives,
}

/// What is looked at: one deed with what led to it.
pub(super) struct Look<'a> {
    /// The state before the request.
    pub(super) before: &'a State,
    /// The state before this deed.
    pub(super) state: &'a State,
    pub(super) request: &'a Request,
    pub(super) deed: &'a Deed,
    /// All deeds of the decision.
    pub(super) deeds: &'a [Deed],
    pub(super) now: Time,
    pub(super) seen: &'a BTreeMap<ItemNo, Arc<Item>>,
    pub(super) model: &'a Model,
    pub(super) zones: &'a Zones,
}

impl Look<'_> {
    pub(super) fn enforced(&self) -> bool {
        self.model.mode == Mode::Enforce
    }

    /// The agent that the deed is by.
    pub(super) fn agent(&self) -> Option<&AgentId> {
        self.deed.actor.agent()
    }

    /// Every command of the request, those of a `together` one by one.
    pub(super) fn commands(&self) -> Vec<&Command> {
        match &self.request.command {
            Command::Together(together) => together.commands.iter().collect(),
            command => vec![command],
        }
    }
}

impl Book {
    pub(crate) fn new(state: &State, born: &Deed) -> Self {
        let model = Arc::clone(state.board.map.model());
        Self {
            map_version: state.board.map_version,
            zones: Zones::of(&model),
            model,
            tokens: BTreeMap::new(),
            paused: BTreeSet::new(),
            halted: None,
            keys: BTreeMap::new(),
            record: Record::default(),
            calls: Calls::default(),
            streams: Streams::default(),
            desk: Desk::default(),
            cases: Cases::default(),
            rounds: Rounds::default(),
            states: States::default(),
            care: Care::new(state.board.recorded),
            lives: Lives::of(born),
        }
    }

    /// Looks at one request and what came of it.
    pub(crate) fn look(
        &mut self,
        before: &State,
        request: &Request,
        answer: &Answer,
        deeds: &[Deed],
        now: Time,
        seen: &BTreeMap<ItemNo, Arc<Item>>,
    ) {
        let closed = self.closed_door(request);
        if closed.is_none() && self.answered_before(request, answer, deeds, now) {
            return;
        }
        let Answer::Reply(reply) = answer else {
            panic!("answered from {answer:?} without need: {request:?}")
        };
        if let Some(code) = closed {
            assert_eq!(
                (reply.outcome, reply.code),
                (Outcome::Refused, Some(code)),
                "G6: {request:?}\n{deeds:?}"
            );
            assert_eq!(deeds.len(), 1, "G6: a closed door lets nothing through: {deeds:?}");
            assert!(deeds[0].key.is_none(), "a closed door answers no key: {deeds:?}");
        }
        check_refusal(reply, request, deeds);
        let mut state = before.clone();
        for deed in deeds {
            assert_eq!(
                deed.map_version, self.map_version,
                "G6: not decided under the map in force: {deed:?}"
            );
            let model = Arc::clone(&self.model);
            let zones = self.zones.clone();
            let look =
                Look { before, state: &state, request, deed, deeds, now, seen, model: &model, zones: &zones };
            self.check_speaker(&look);
            self.record.look(&look);
            self.calls.look(&look);
            self.streams.look(&look, &self.record);
            self.desk.look(&look);
            handing::look(&look);
            rights::look(&look);
            self.cases.look(&look);
            self.rounds.look(&look);
            self.states.look(&look);
            self.care.look(&look);
            self.lives.look(&look);
            state.fold(deed);
            self.take_in(&state, deed);
        }
        handing::went_over(&self.zones, deeds);
        self.rounds.after();
        self.care.after();
        self.remember_key(request, reply, deeds, now);
    }

    /// After the ticks nothing is left that should have ended by now.
    pub(crate) fn settled(&self, state: &State, now: Time) {
        self.record.settled(state, now);
        self.calls.settled(now);
        self.streams.settled(state, now);
        self.rounds.settled(now);
        self.care.settled(&self.model, now);
    }

    /// The program says how ready each agent is as the rules have it.
    pub(crate) fn readiness(&self, state: &State, now: Time) {
        self.lives.check(&state.board, now);
    }

    /// And as of each microsecond from now on from which something that happened counts no more.
    pub(crate) fn readiness_to_come(&self, state: &State, now: Time) {
        self.lives.check_edges(&state.board, now);
    }

    /// Long after the last step everything that has an end has ended.
    pub(crate) fn ended(&self, state: &State, now: Time) {
        self.streams.ended(state, now);
    }

    /// Why the caller may not speak, as far as tokens and pauses go.
    fn closed_door(&self, request: &Request) -> Option<Code> {
        if request.principal.token.as_ref().is_some_and(|token| self.tokens.get(token) != Some(&true)) {
            return Some(Code::TokenEnded);
        }
        let agent = request.principal.actor.agent()?;
        (self.halted.is_some() || self.paused.contains(agent)).then_some(Code::Paused)
    }

    /// G8: what this key was answered before is answered again, and nothing happens.
    fn answered_before(&self, request: &Request, answer: &Answer, deeds: &[Deed], now: Time) -> bool {
        let Some(AskedKey { key, digest, .. }) = &request.key else { return false };
        let key = (format!("{:?}", request.principal.actor), key.to_string());
        let Some((first, deed, at)) = self.keys.get(&key).filter(|(_, _, at)| now.since(*at) < KEY_LIFE)
        else {
            return false;
        };
        if !may_ask(request) {
            return false;
        }
        let _ = at;
        if first == digest {
            assert_eq!(*answer, Answer::Replay(*deed), "G8: another answer to the same key: {request:?}");
            assert!(deeds.is_empty(), "G8: done twice: {deeds:?}");
            return true;
        }
        let Answer::Reply(reply) = answer else {
            panic!("G8: the key of another body is answered: {request:?}")
        };
        assert_eq!(reply.code, Some(Code::KeyReused), "G8: another body under the same key: {request:?}");
        assert!(deeds.len() == 1 && deeds[0].key.is_none(), "G8: the refusal takes the key: {deeds:?}");
        false
    }

    fn remember_key(&mut self, request: &Request, reply: &Reply, deeds: &[Deed], now: Time) {
        let carriers: Vec<Seq> =
            deeds.iter().filter(|deed| deed.key.is_some()).map(|deed| deed.seq).collect();
        if carriers.is_empty() {
            return;
        }
        assert_eq!(carriers, [reply.deed], "G8: the key is on another deed than the answer: {deeds:?}");
        let Some(AskedKey { key, digest, .. }) = &request.key else {
            panic!("G8: a key that nobody sent: {deeds:?}")
        };
        let key = (format!("{:?}", request.principal.actor), key.to_string());
        self.keys.insert(key, (Arc::clone(digest), reply.deed, now));
    }

    /// An agent's deed is its own, an input of its own that a person decided again, or what waited for its turn; and not while
    /// it is stopped.
    fn check_speaker(&self, look: &Look<'_>) {
        let Some(agent) = look.agent() else { return };
        let caller = &look.request.principal.actor;
        if *caller == look.deed.actor {
            return;
        }
        let by_answer = matches!(look.request.command, Command::Item(_)) && caller.person().is_some();
        let deed = look.deed;
        // What waited for its turn goes out by whatever makes it that.
        // What has happened by a call is its owner's, who let it.
        if calls::has_happened(deed) && matches!(look.request.command, Command::Call(_)) {
            return;
        }
        let waited = deed.refs.first.and_then(|first| look.before.board.queued.get(&first));
        let by_turn = waited.is_some_and(|waiting| waiting.agent == *agent);
        assert!(by_answer || by_turn, "in {agent}'s name by {caller}: {deed:?}");
        let done = matches!(deed.outcome, Outcome::Committed | Outcome::Allowed);
        let stopped = self.halted.is_some() || self.paused.contains(agent);
        let done = done && !calls::has_happened(deed);
        assert!(!(done && stopped), "decided for a stopped agent: {deed:?}");
    }

    fn take_in(&mut self, state: &State, deed: &Deed) {
        match &deed.body {
            Body::TokenCreated(token) => {
                self.tokens.insert(token.id.clone(), true);
            }
            Body::TokenRevoked(token) => {
                self.tokens.insert(token.clone(), false);
            }
            Body::WorkspacePaused(_) => {
                assert!(self.halted.is_none() && deed.actor.person().is_some(), "{deed:?}");
                self.halted = Some(deed.recorded);
            }
            Body::WorkspaceResumed(()) => {
                let since = self.halted.take().unwrap();
                let stood = deed.recorded.since(since);
                self.record.stood(since, stood);
                self.streams.stood(since, stood);
            }
            Body::AgentPaused(agent) => {
                self.paused.insert(agent.clone());
            }
            Body::AgentResumed(agent) => {
                self.paused.remove(agent);
            }
            Body::MapApplied(_)
            | Body::ScopeExpanded(_)
            | Body::ScopeRevoked(_)
            | Body::ScopeTransferred(_) => {
                assert_eq!(
                    state.board.map_version,
                    self.map_version.next(),
                    "G6: map versions grow by one: {deed:?}"
                );
                self.map_version = state.board.map_version;
                self.model = Arc::clone(state.board.map.model());
                self.zones = Zones::of(&self.model);
            }
            _ => {}
        }
    }
}

/// Whether the caller's class may ask this at all (RULES §3.1).
fn may_ask(request: &Request) -> bool {
    use deeds::domain::things::TokenClass::{Admin, Agent, Guard, Reviewer, Watcher};
    let class = request.principal.class;
    match &request.command {
        Command::Raise(_) | Command::Conclude(_) => !matches!(class, Watcher | Guard),
        Command::Guard(_) => class == Guard,
        Command::Item(_)
        | Command::Alert(_)
        | Command::Override(_)
        | Command::Review(_)
        | Command::Away(_)
        | Command::MapReview(_)
        | Command::Key(_) => {
            matches!(class, Reviewer | Admin)
        }
        Command::ApplyMap(_)
        | Command::Token(_)
        | Command::Import(_)
        | Command::AcceptLoss(_)
        | Command::RebaseClock(_) => class == Admin,
        Command::Tick | Command::Clock(_) => request.principal.actor == Actor::Deeds,
        // All the others are what agents do.
        _ => class == Agent,
    }
}

/// Who may not ask is refused; what is refused leaves everything as it was, but for alerts and what they set off.
fn check_refusal(reply: &Reply, request: &Request, deeds: &[Deed]) {
    if !may_ask(request) {
        assert_eq!(reply.outcome, Outcome::Refused, "G12: {request:?}");
        assert_eq!(deeds.len(), 1, "G12: who may not ask does nothing: {deeds:?}");
    }
    if let (Command::Item(_), true) = (&request.command, request.principal.actor.agent().is_some()) {
        let codes =
            [Some(Code::AgentToken), Some(Code::Paused), Some(Code::TokenEnded), Some(Code::KeyReused)];
        assert!(codes.contains(&reply.code), "G12: an agent's token decides: {reply:?}");
    }
    if !matches!(reply.outcome, Outcome::Refused | Outcome::Stale) {
        return;
    }
    let is_call = matches!(request.command, Command::Call(_));
    for deed in deeds {
        // An approval that does not hold any more is over, which its agent is told.
        let over = is_call && matches!(deed.body, Body::ActFailed(()) | Body::WorkQueued(_));
        let harmless = matches!(deed.outcome, Outcome::Refused | Outcome::Stale)
            || over
            || matches!(
                deed.body,
                Body::AlertOpened(_)
                    | Body::AlertCounted(_)
                    | Body::ItemOpened(_)
                    | Body::ItemJoined(())
                    | Body::ItemRevised(_)
            );
        assert!(harmless, "refused, and yet done: {deed:?}\n{request:?}");
    }
}
