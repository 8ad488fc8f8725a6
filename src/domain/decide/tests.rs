//! A first look at the flows end to end; the data-driven tests of every rule are in `tests/domain`.

use std::sync::Arc;

use serde_json::json;

use super::{Answer, decide, found};
use crate::domain::command::{Command, ItemStep, ItemVerb, Principal, Request};
use crate::domain::deed::Deed;
use crate::domain::ids::{Actor, AgentId, PersonId, WorkspaceId};
use crate::domain::map;
use crate::domain::outcome::Outcome;
use crate::domain::reply::Reply;
use crate::domain::state::State;
use crate::domain::things::{AlertKind, TokenClass};
use crate::domain::time::{Span, Time};

const MAP: &str = r#"
workspace = "acme"
governance_owner = "dana"

[[agent]]
id = "sales"
role = "sells"
owner = "dana"
writes = ["crm/deal/**", "crm/contact/*#name"]
outputs = ["mail/outbox"]

[[agent]]
id = "support"
role = "helps"
owner = "dana"
writes = ["crm/contact/*#health"]

[[agent]]
id = "sourcing"
role = "finds"
owner = "dana"
writes = ["crm/contact/*#status"]

[[queue]]
name = "ops"
owner = "dana"
sla = "24h"
review = "daily 09:00"
priority = ["sales", "support", "sourcing"]

[[contradiction]]
name = "double truth"
all = ["crm/contact/{id}#status = 'sourced'", "crm/deal/{id}#stage = 'uncontacted'"]
"#;

struct World {
    state: State,
    deeds: Vec<Deed>,
    now: Time,
}

impl World {
    fn new() -> Self {
        let parsed = map::parse(MAP);
        let model = parsed.model.unwrap_or_else(|| panic!("{:?}", parsed.findings));
        let now = Time::from_micros(1_000_000_000);
        let mut state = State::new(model.workspace.clone());
        let born = found(Arc::new(model), Actor::Deeds, now);
        state.fold(&born);
        Self { state, deeds: vec![born], now }
    }

    fn request(actor: Actor, class: TokenClass, command: Command) -> Request {
        Request::new(Principal { actor, class, token: None }, command)
    }

    fn ask(&mut self, actor: Actor, class: TokenClass, command: serde_json::Value) -> Reply {
        let command: Command = serde_json::from_value(command).unwrap();
        self.now = self.now.plus(Span::from_secs(1));
        let decision = decide(&self.state, &Self::request(actor, class, command), self.now);
        for deed in decision.deeds {
            assert_eq!(deed.seq, self.state.head().next());
            self.state.fold(&deed);
            self.deeds.push(deed);
        }
        match decision.answer {
            Answer::Reply(reply) => *reply,
            Answer::Replay(seq) => panic!("replay of {seq}"),
        }
    }

    fn agent(&mut self, name: &str, command: serde_json::Value) -> Reply {
        self.ask(Actor::Agent(AgentId::new(name).unwrap()), TokenClass::Agent, command)
    }

    fn dana(&mut self, command: serde_json::Value) -> Reply {
        self.ask(Actor::Person(PersonId::new("dana").unwrap()), TokenClass::Admin, command)
    }
}

fn write(entity: &str, field: &str, value: &str, expected: u64) -> serde_json::Value {
    json!({"do": "write", "entity": entity, "changes": {field: value}, "expected": {field: expected}})
}

#[test]
fn the_four_second_upsell_is_stopped() {
    let mut world = World::new();
    assert_eq!(
        world.agent("support", write("crm/contact/acme", "health", "good", 0)).outcome,
        Outcome::Committed
    );
    assert_eq!(
        world.agent("support", write("crm/contact/acme", "health", "at risk", 1)).outcome,
        Outcome::Committed
    );
    let reply = world.agent(
        "sales",
        json!({"do": "act", "target": "mail/outbox", "subject": "crm/contact/acme", "action": "send_upsell",
               "depends_on": {"crm/contact/acme#health": 1}}),
    );
    assert_eq!(reply.outcome, Outcome::Stale, "{reply:?}");
    assert_eq!(reply.fields[0].version.0, 2);
    assert_eq!(reply.fields[0].by.as_ref().unwrap().name(), "support");
    assert_eq!(world.state.board.alerts.values().next().unwrap().kind, AlertKind::StaleRead);
}

#[test]
fn double_truth_opens_one_alert_and_one_item() {
    let mut world = World::new();
    world.agent("sales", write("crm/deal/7", "stage", "uncontacted", 0));
    let reply = world.agent("sourcing", write("crm/contact/7", "status", "sourced", 0));
    assert_eq!(reply.outcome, Outcome::Committed);
    assert_eq!(reply.alerts.len(), 1);
    assert_eq!(world.state.board.items.len(), 1);
}

#[test]
fn an_unowned_field_becomes_an_item_and_expanding_commits_it() {
    let mut world = World::new();
    let reply = world.agent("sales", write("crm/contact/acme", "score", "9", 0));
    assert_eq!(reply.outcome, Outcome::Escalated, "{reply:?}");
    let item = world.state.board.items.get(&reply.item.unwrap()).unwrap().clone();
    let suggestion = item.suggestion.clone().unwrap();
    assert_eq!(suggestion.grant.to_string(), "writes crm/contact/*#score");
    let answer = json!({"do": "item", "item": item.no, "step": "answer", "version": item.version,
        "digest": item.digest(), "answer": {"kind": "expand", "agent": "sales", "grant": suggestion.grant}});
    let refused = world.agent("sales", answer.clone());
    assert_eq!(refused.code.unwrap().as_str(), "agent-token");
    let reply = world.dana(answer);
    assert_eq!(reply.outcome, Outcome::Recorded, "{reply:?}");
    assert_eq!(world.state.board.map_version.0, 2);
    let entity = world.state.entities.get(&"crm/contact/acme".parse().unwrap()).unwrap();
    assert_eq!(entity.fields[0].1.value.plain(), "9");
    let undone = world
        .dana(serde_json::to_value(Command::Item(ItemStep { item: item.no, step: ItemVerb::Undo })).unwrap());
    assert_eq!(undone.outcome, Outcome::Recorded, "{undone:?}");
    assert!(world.state.board.items.contains_key(&item.no));
    assert!(
        world.state.entities.get(&"crm/contact/acme".parse().unwrap()).unwrap().fields[0].1.value.is_null()
    );
}

#[test]
fn anothers_field_becomes_a_proposal_that_the_owner_accepts() {
    let mut world = World::new();
    let reply = world.agent("sales", write("crm/contact/acme", "health", "good", 0));
    assert_eq!(reply.outcome, Outcome::Proposed);
    assert_eq!(reply.owners[0].as_str(), "support");
    let accepted = world.agent("support", json!({"do": "work", "work": reply.works[0], "step": "accept"}));
    assert_eq!(accepted.outcome, Outcome::Committed);
    assert_eq!(world.state.board.work_of(&AgentId::new("sales").unwrap()).count(), 1);
}

#[test]
fn replay_gives_the_same_bytes() {
    let mut world = World::new();
    world.agent("sales", write("crm/contact/acme", "score", "9", 0));
    world.agent("sales", write("crm/deal/7", "stage", "uncontacted", 0));
    world.agent("sourcing", write("crm/contact/7", "status", "sourced", 0));
    let origin = crate::domain::deed::Origin {
        source: Arc::from("urn:uuid:0"),
        workspace: WorkspaceId::new("acme").unwrap(),
    };
    let mut again = State::new(origin.workspace.clone());
    for deed in &world.deeds {
        let bytes = deed.encode(&origin).unwrap();
        let back = Deed::decode(&bytes).unwrap();
        assert_eq!(back, *deed);
        again.fold(&back);
    }
    assert_eq!(again.to_bytes().unwrap(), world.state.to_bytes().unwrap());
    assert_eq!(State::from_bytes(&again.to_bytes().unwrap()).unwrap(), world.state);
}
