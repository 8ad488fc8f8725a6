//! A story played again: by its own map nothing is different, by another one exactly what that map says otherwise.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use deeds::domain::command::{Principal, Request};
use deeds::domain::deed::Deed;
use deeds::domain::ids::Actor;
use deeds::domain::map::{Model, parse};
use deeds::domain::outcome::Outcome;
use deeds::domain::reply::Reply;
use deeds::domain::things::TokenClass;
use deeds::domain::time::{Span, Time};
use deeds::rehearse::{Replay, Retold, Story, Turned, World};

const MAP: &str = r#"
workspace = "north"
governance_owner = "dana"

[[agent]]
id = "intake"
owner = "dana"
writes = ["crm/contact/*"]
outputs = ["mail/news"]
triggers = ["form.sent"]
escalates_when = ["no pattern fits"]

[[agent]]
id = "growth"
owner = "dana"
writes = ["plan/**"]
outputs = ["mail/offers"]

[[output]]
name = "mail/offers"
needs_approval = true

[[queue]]
name = "desk"
owner = "dana"
sla = "4h"
review = "daily 09:00"
priority = ["intake", "growth"]
"#;

fn model(text: &str) -> Arc<Model> {
    let parsed = parse(text);
    assert!(!parsed.has_errors(), "{:#?}", parsed.findings);
    Arc::new(parsed.model.unwrap())
}

/// A history in the making.
struct History(World);

impl History {
    fn new(map: &str) -> Self {
        Self(World::new(model(map), "2026-03-02T08:00:00Z".parse().unwrap()))
    }

    fn ask(&mut self, actor: Actor, class: TokenClass, body: Json) -> Reply {
        let later = self.0.now().plus(Span::from_mins(10));
        self.0.pass_to(later);
        let principal = Principal { actor, class, token: None };
        let command = serde_json::from_value(body).unwrap();
        self.0.send(&Request::new(principal, command)).unwrap()
    }

    fn agent(&mut self, agent: &str, body: Json) -> Reply {
        self.ask(Actor::Agent(agent.parse().unwrap()), TokenClass::Agent, body)
    }

    fn person(&mut self, body: Json) -> Reply {
        self.ask(Actor::Person("dana".parse().unwrap()), TokenClass::Reviewer, body)
    }

    fn write(&mut self, agent: &str, entity: &str, field: &str, value: &str, version: u64) -> Reply {
        let (changes, expected) = (json!({field: value}), json!({field: version}));
        self.agent(agent, json!({"do": "write", "entity": entity, "changes": changes, "expected": expected}))
    }

    fn answer(&mut self, kind: &Json) -> Reply {
        let item = self.0.state.board.items.values().next_back().unwrap().clone();
        let (version, digest) = (item.version, item.digest());
        self.person(json!({"do": "item", "item": item.no, "step": "answer", "answer": kind, "version": version, "digest": digest}))
    }
}

/// A morning of a team: writes, a proposal and its acceptance, an item and its answer, work, a lease, an approval.
fn morning() -> Vec<Deed> {
    let mut history = History::new(MAP);
    assert_eq!(history.write("intake", "crm/contact/acme", "name", "Acme", 0).outcome, Outcome::Committed);
    assert_eq!(history.write("intake", "crm/contact/acme", "name", "ACME", 1).outcome, Outcome::Committed);
    assert_eq!(history.write("intake", "crm/contact/acme", "name", "acme", 1).outcome, Outcome::Stale);
    let proposed = history.write("growth", "crm/contact/acme", "tier", "gold", 0);
    assert_eq!(proposed.outcome, Outcome::Proposed);
    let accept = json!({"do": "work", "work": proposed.works[0], "step": "accept"});
    assert_eq!(history.agent("intake", accept).outcome, Outcome::Committed);
    let lease = json!({"do": "lease", "step": "acquire", "target": {"path": "plan/q2"}, "ttl": "30m"});
    assert_eq!(history.agent("growth", lease).outcome, Outcome::Allowed);
    let locked =
        json!({"do": "write", "entity": "plan/q2", "changes": {"": "go"}, "expected": {"": 0}, "lease": 1});
    assert_eq!(history.agent("growth", locked).outcome, Outcome::Committed);
    history.agent("intake", json!({"do": "escalate", "input": "a fax", "why": "no pattern fits"}));
    assert!(history.answer(&json!({"kind": "handle", "note": "typed it in"})).is_done());
    let held = json!({"do": "publish", "output": "mail/offers", "body": "20 % off", "thread": "acme"});
    assert_eq!(history.agent("growth", held).outcome, Outcome::Escalated);
    assert!(history.answer(&json!({"kind": "approve"})).is_done());
    history.person(json!({"do": "raise", "event": "form.sent"}));
    let mut works = history.0.state.board.works.values();
    let work = works.rfind(|work| work.agent.as_str() == "intake").unwrap().no;
    history.agent("intake", json!({"do": "take", "work": work, "visibility": "30m"}));
    history.agent("intake", json!({"do": "work", "work": work, "step": "complete", "attempt": 1}));
    assert_eq!(history.write("growth", "nowhere/x", "y", "z", 0).outcome, Outcome::Escalated);
    history.0.pass_to(history.0.now().plus(Span::from_days(2)));
    history.write("intake", "crm/contact/acme", "name", "Acme Ltd", 2);
    history.0.deeds
}

fn replay(deeds: Vec<Deed>, map: Option<&str>) -> Retold {
    Replay::new(Story::new(deeds).unwrap(), map.map(model)).play(None, |_, _| {})
}

#[test]
fn by_its_own_map_nothing_is_different() {
    let deeds = morning();
    let (count, last) = (deeds.len(), deeds.last().unwrap().recorded);
    let told = replay(deeds, None);
    assert_eq!((told.different, &*told.turns), (0, [].as_slice()), "{told:#?}");
    assert_eq!((&*told.moot, &*told.untold), ([].as_slice(), [].as_slice()));
    assert_eq!((told.asked, told.same, told.answers), (16, 16, 2), "{told:#?}");
    assert!(told.aftermath.is_empty() && told.deeds == count + 1, "{told:#?}");
    assert!(last > Time::default() && told.open == (1, 1));
}

/// The output needs nobody's approval, `tier` is growth's, and `plan` is nobody's any more.
#[test]
fn by_another_map_what_it_says_otherwise_is_told_with_its_reason() {
    let map = MAP
        .replace("needs_approval = true", "needs_approval = false")
        .replace("writes = [\"plan/**\"]", "writes = [\"crm/contact/*#tier\"]")
        .replace("writes = [\"crm/contact/*\"]", "writes = [\"crm/contact/*#name\"]");
    let told = replay(morning(), Some(&map));
    let row = |turned: Turned, asked: &str| {
        let row = told.turns.iter().find(|row| row.turned == turned && row.asked == asked);
        row.unwrap_or_else(|| panic!("{asked}: {:#?}", told.turns))
    };
    let tier = row(Turned::Freed, "write");
    assert_eq!((&*tier.who, &*tier.about, tier.count), ("growth", "crm/contact/*#tier", 1));
    assert_eq!((&*tier.then, &*tier.now), ("proposed not-owner to intake", "committed"));
    let lease = row(Turned::Stopped, "acquire lease");
    assert_eq!((&*lease.who, &*lease.now), ("growth", "refused not-owner"));
    let plan = row(Turned::Stopped, "write");
    assert_eq!((&*plan.about, &*plan.then, &*plan.now), ("plan/*", "committed", "escalated unowned"));
    assert!(plan.examples[0].now.why.as_deref().unwrap().contains("nobody owns plan/q2"), "{plan:#?}");
    let offer = row(Turned::Freed, "publish");
    assert_eq!((&*offer.then, &*offer.now), ("escalated needs-approval", "committed"));
    // The proposal is not made, so there is nothing to accept; what was published at once waits for no approval.
    let moot: Vec<&str> = told.moot.iter().map(|left| left.why).collect();
    assert_eq!(moot, ["a proposal that is not made here", "an item that does not wait here"]);
    assert_eq!((told.answers, told.answers_left_out), (1, 1));
    assert_eq!(told.different, 4, "{:#?}", told.turns);
}

/// Whoever had read the latest has read the latest here, too; whoever was behind there is behind here where the change that
/// it had missed is made here, too.
#[test]
fn versions_are_those_that_the_caller_would_have_read() {
    let mut history = History::new(MAP);
    history.write("intake", "crm/contact/acme", "name", "1", 0);
    history.write("intake", "crm/contact/acme", "name", "2", 1);
    history.write("intake", "crm/contact/acme", "name", "3", 1);
    history.write("intake", "crm/contact/acme", "name", "4", 2);
    let deeds = history.0.deeds;
    let mine = MAP.replace("writes = [\"crm/contact/*\"]", "writes = [\"crm/lead/*\"]");
    let told = replay(deeds.clone(), Some(&mine));
    let outcomes: Vec<(&str, &str, u64)> =
        told.turns.iter().map(|row| (&*row.then, &*row.now, row.count)).collect();
    assert_eq!(outcomes, [("committed", "escalated unowned", 3), ("stale stale", "escalated unowned", 1)]);
    assert_eq!(replay(deeds, Some(MAP)).different, 0);
}

#[test]
fn what_is_no_story_says_so() {
    let deeds = morning();
    assert!(Story::new(deeds[1..].to_vec()).is_err() && Story::new(Vec::new()).is_err());
}

/// As much of it as was asked for.
#[test]
fn a_part_of_the_story_is_its_first_days() {
    let story = Story::new(morning()).unwrap();
    let told = Replay::new(story, None).play(Some(1), |_, _| {});
    assert_eq!((told.asked, told.different), (15, 0), "{told:#?}");
}
