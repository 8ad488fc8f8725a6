//! A workspace in memory: a state, its deeds, and a clock that the test moves.

use std::sync::Arc;

use super::foretold;
use deeds::domain::command::{ApplyMap, AskedKey, Command, Principal, Request};
use deeds::domain::decide::{Answer, decide_within, found};
use deeds::domain::deed::{Body, Deed, NewWorkspace, Origin, Refs};
use deeds::domain::ids::{Actor, AgentId, IdempotencyKey, MapVersion, PersonId, Seq};
use deeds::domain::map::{self, Model};
use deeds::domain::outcome::Outcome;
use deeds::domain::path::EntityPath;
use deeds::domain::readiness::readiness;
use deeds::domain::reply::Reply;
use deeds::domain::state::State;
use deeds::domain::things::{Limits, TokenClass};
use deeds::domain::time::{Span, Time};

/// The team that most cases are about.
pub(crate) const TEAM: &str = r#"
workspace = "acme"
governance_owner = "dana"

[[agent]]
id = "sales"
owner = "dana"
writes = ["crm/account/*", "crm/deal/*", "shared/log"]
except = ["crm/account/*#health", "crm/account/vip-*"]
hidden = ["hr/**", "crm/account/*#secret"]
outputs = ["mail/sales"]
escalates_when = ["the customer wants special terms"]

[[agent]]
id = "support"
owner = "dana"
writes = ["crm/account/*#health", "support/ticket/*", "shared/log", "files/draft"]
outputs = ["mail/support"]

[[agent]]
id = "product"
owner = "sam"
writes = ["requests/*", "releases/*", "files/draft"]
hidden = ["crm/deal/*#discount"]
escalates_to = "roadmap"

[[agent]]
id = "sourcing"
owner = "sam"
writes = ["crm/contact/*#status"]
escalates_to = "roadmap"

[[field]]
path = "crm/deal/*#stage"
kind = "progression"
order = ["trial", "proposal", "signed"]
[[field]]
path = "shared/log"
kind = "append"
[[field]]
path = "releases/*#tag"
kind = "constant"
[[field]]
path = "files/draft"
kind = "sequenced"
order = ["product", "support"]

[[queue]]
name = "ops"
owner = "dana"
deputies = ["sam"]
sla = "4h"
review = "daily 09:00"
priority = ["sales", "support"]
[[queue]]
name = "roadmap"
owner = "sam"
deputies = ["dana"]
sla = "1d"
review = "weekly mon 10:00"
priority = ["product", "sourcing"]

[[defer]]
agent = "sales"
to = "support"
actions = ["send_*"]
while = "support/ticket/{id}#status = 'open'"
[[defer]]
agent = "product"
to = "support"
actions = ["announce_*"]
within = "5m"

[[contradiction]]
name = "double truth"
all = ["crm/contact/{id}#status = 'sourced'", "crm/deal/{id}#stage = 'trial'"]
"#;

/// The same team, only watched.
pub(crate) fn watched() -> String {
    TEAM.replacen("governance_owner", "mode = \"observe\"\ngovernance_owner", 1)
}

/// A workspace in memory.
pub(crate) struct World {
    pub(crate) state: State,
    pub(crate) deeds: Vec<Deed>,
    pub(crate) now: Time,
    pub(crate) limits: Limits,
}

impl World {
    /// Born with a map.
    pub(crate) fn new(map_toml: &str) -> Self {
        let model = map::parse(map_toml).applicable().unwrap_or_else(|findings| panic!("{findings:#?}"));
        Self::of(model)
    }

    pub(crate) fn of(model: Model) -> Self {
        let now = Time::from_micros(1_790_000_000_000_000);
        Self::born(found(Arc::new(model), Actor::Deeds, now))
    }

    /// The same in a ledger of the first format.
    pub(crate) fn old(map_toml: &str) -> Self {
        let born = Self::new(map_toml).deeds.remove(0);
        let Body::WorkspaceFounded(new) = born.body else { panic!("born as {}", born.body.type_name()) };
        let body = Body::WorkspaceCreated(Box::new(NewWorkspace { format: 1, ..*new }));
        Self::born(deed(Seq(1), born.recorded, Actor::Deeds, body))
    }

    fn born(born: Deed) -> Self {
        let workspace = born.body.model().unwrap().workspace.clone();
        let mut state = State::new(workspace);
        state.fold(&born);
        Self { now: born.recorded, state, deeds: vec![born], limits: Limits::default() }
    }

    /// Asks as somebody, a second after the last request.
    pub(crate) fn ask(&mut self, who: &str, mut command: Command) -> Reply {
        self.pass(Span::from_secs(1));
        if let Command::RebaseClock(asked) = &mut command {
            let recorded =
                |seq: u64| self.deeds.iter().find(|deed| deed.seq.0 == seq).map(|deed| deed.recorded);
            asked.read = recorded(asked.from.0).map(|since| (recorded(asked.from.0 - 1), since));
        }
        match self.send(&request(who, command)) {
            Answer::Reply(reply) => *reply,
            Answer::Replay(seq) => panic!("{who} was answered from deed {seq} without a key"),
        }
    }

    /// Decides a request and folds what came of it.
    pub(crate) fn send(&mut self, request: &Request) -> Answer {
        let decided = || decide_within(&self.state, request, self.now, &self.limits);
        let decision = decided();
        assert_eq!(decided(), decision, "the same question, another answer");
        foretold::check(&self.state, request, &decision.answer, &decision.deeds, self.now);
        for deed in decision.deeds {
            assert_eq!(deed.seq, self.state.head().next(), "a gap");
            assert!(deed.cause.is_none_or(|cause| cause < deed.seq), "caused by what comes later: {deed:?}");
            self.state.fold(&deed);
            if let Body::ClockRebased(rebased) = &deed.body {
                self.now = rebased.now;
            }
            self.deeds.push(deed);
        }
        decision.answer
    }

    /// Puts a map in force.
    pub(crate) fn apply(&mut self, toml: &str) {
        let model =
            Arc::new(map::parse(toml).applicable().unwrap_or_else(|findings| panic!("{findings:#?}")));
        let if_version = self.state.board.map_version;
        let order = ApplyMap { model, if_version, reason: None, planned: false, take_back: false };
        let reply = self.ask("ada", Command::ApplyMap(order));
        assert_eq!(reply.outcome, Outcome::Recorded, "{reply:?}");
    }

    /// Moves the clock.
    pub(crate) fn pass(&mut self, span: Span) {
        self.now = self.now.plus(span);
    }

    /// What must be true of every history.
    pub(crate) fn verify(&self) {
        super::keep::keep(&self.state.board.workspace, &self.deeds);
        super::recount::recount(&self.state.board);
        let mut replayed = State::new(self.state.board.workspace.clone());
        let origin =
            Origin { source: Arc::from("urn:uuid:0"), workspace: self.state.board.workspace.clone() };
        for deed in &self.deeds {
            let bytes = deed.encode(&origin).unwrap();
            let decoded = Deed::decode(&bytes).unwrap_or_else(|error| panic!("{error}: {deed:?}"));
            assert_eq!(decoded, *deed);
            assert_eq!(decoded.encode(&origin).unwrap(), bytes);
            replayed.fold(&decoded);
        }
        let bytes = self.state.to_bytes().unwrap();
        assert_eq!(
            String::from_utf8_lossy(&bytes),
            String::from_utf8_lossy(&replayed.to_bytes().unwrap()),
            "replay differs"
        );
        let ready = |state: &State| readiness(&state.board, self.now);
        assert_eq!(ready(&replayed), ready(&self.state), "readiness of a replay differs");
        let stored = State::from_bytes(&bytes).unwrap();
        assert_eq!(stored, self.state, "a snapshot differs");
        assert_eq!(stored.to_bytes().unwrap(), bytes);
    }

    /// `acme#health` as text, with its version.
    pub(crate) fn field(&self, path: &str) -> Option<(String, u64)> {
        let path: deeds::domain::path::FieldPath = path.parse().unwrap();
        let field = self.state.entities.get(&path.entity)?.field(&path.field)?;
        Some((field.value.plain(), field.version.0))
    }

    pub(crate) fn entity_version(&self, entity: &str) -> u64 {
        let entity: EntityPath = entity.parse().unwrap();
        self.state.entities.get(&entity).map_or(0, |entity| entity.version.0)
    }
}

/// Who somebody is, by name: `ada` is an admin, and so is whoever has a `!`; `wanda` a watcher, the other people
/// reviewers, and the rest agents.
pub(crate) fn principal(who: &str) -> Principal {
    let (actor, class) = match who {
        "deeds" => (Actor::Deeds, TokenClass::Admin),
        "ada" | "dana!" | "sam!" | "eve!" => {
            (Actor::Person(PersonId::new(who.trim_end_matches('!')).unwrap()), TokenClass::Admin)
        }
        "gus" => (Actor::Person(PersonId::new(who).unwrap()), TokenClass::Guard),
        "wanda" => (Actor::Person(PersonId::new(who).unwrap()), TokenClass::Watcher),
        "dana" | "sam" | "eve" => (Actor::Person(PersonId::new(who).unwrap()), TokenClass::Reviewer),
        agent => (Actor::Agent(AgentId::new(agent).unwrap()), TokenClass::Agent),
    };
    Principal { actor, class, token: None }
}

pub(crate) fn request(who: &str, command: Command) -> Request {
    Request::new(principal(who), command)
}

/// The same request under an idempotency key; its digest stands for the body.
pub(crate) fn keyed(who: &str, command: Command, key: &str, digest: &str) -> Request {
    let key = Some(AskedKey::new(IdempotencyKey::new(key).unwrap(), Arc::from(digest)));
    Request { key, ..request(who, command) }
}

/// A deed with nothing in it but its body.
pub(crate) fn deed(seq: Seq, now: Time, actor: Actor, body: Body) -> Deed {
    Deed {
        seq,
        time: now,
        recorded: now,
        subject: None,
        correlation: seq,
        cause: None,
        traceparent: None,
        actor,
        token: None,
        action: "create workspace".into(),
        outcome: Outcome::Recorded,
        code: None,
        verdict: None,
        reason: None,
        map_version: MapVersion(0),
        fields: Vec::new(),
        refs: Refs::default(),
        decided: None,
        key: None,
        signed: None,
        body,
    }
}
