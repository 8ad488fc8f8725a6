//! Histories in, files out: what is proposed, what is left for a person, and that the rest passes.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::domain::deed::Refs;
use crate::domain::ids::{MapVersion, Seq, Version};
use crate::domain::map::{self, Lint, Map};
use crate::domain::outcome::Outcome;
use crate::domain::path::Pattern;
use crate::domain::survey::plan::Planning;
use crate::domain::things::{Publication, RaisedEvent};
use crate::domain::time::Time;

fn deed(seq: u64, actor: Actor, body: Body) -> Deed {
    let time = Time::from_micros(1_790_000_000_000_000 + i64::try_from(seq).unwrap() * 1_000_000);
    Deed {
        seq: Seq(seq),
        time,
        recorded: time,
        subject: None,
        correlation: Seq(seq),
        cause: None,
        traceparent: None,
        door: None,
        token: None,
        actor,
        action: "write".into(),
        outcome: Outcome::Committed,
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

fn agent(name: &str) -> Actor {
    Actor::Agent(name.parse().unwrap())
}

/// `mayor issue/bd-1 status,title` as the deed of a write.
fn write(seq: u64, line: &str) -> Deed {
    let mut words = line.split(' ');
    let (who, entity, fields) = (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or(""));
    let actor = match who.strip_prefix('!') {
        Some(person) => Actor::Person(person.parse().unwrap()),
        None => agent(who),
    };
    let field = |name: &str| FieldChange {
        entity: None,
        name: name.parse().unwrap(),
        base: None,
        version: Version(1),
        before: None,
        after: Some(Value::text("x")),
        by: None,
        at: None,
        unseen: false,
    };
    Deed {
        subject: Some(entity.parse().unwrap()),
        fields: fields.split(',').map(field).collect(),
        ..deed(seq, actor, Body::WriteCommitted(()))
    }
}

fn force() -> Arc<Model> {
    Arc::new(Model::default_for("acme".parse().unwrap(), "dana".parse().unwrap()))
}

fn infer(deeds: &[Deed]) -> Inferred {
    let mut inferring = Inferring::new(force());
    for deed in deeds {
        inferring.consider(deed);
    }
    inferring.finish()
}

fn of(lines: &[&str]) -> Inferred {
    let deeds: Vec<Deed> = lines.iter().zip(1..).map(|(line, seq)| write(seq, line)).collect();
    infer(&deeds)
}

fn errors(toml: &str) -> Vec<Lint> {
    let parsed = map::parse(toml);
    parsed.findings.iter().filter(|finding| finding.is_error()).map(|finding| finding.lint).collect()
}

#[test]
fn who_writes_alone_gets_it_and_the_file_passes() {
    let found = of(&[
        "intake crm/contact/acme name,email",
        "intake crm/contact/globex name,email",
        "sales crm/contact/acme status",
        "sales crm/contact/globex status",
        "sales crm/deal/acme stage,value",
        "sales crm/deal/globex stage",
        "sales scratch/sales/notes text",
        "!dana crm/contact/acme name",
    ]);
    assert_eq!(errors(&found.toml), [], "{}", found.toml);
    let model = map::parse(&found.toml).model.unwrap();
    let writes = |id: &str| -> Vec<&str> {
        model.agent(&id.parse().unwrap()).unwrap().writes.iter().map(Pattern::as_str).collect()
    };
    assert_eq!(writes("intake"), ["crm/contact/*#email", "crm/contact/*#name"]);
    assert_eq!(writes("sales"), ["crm/contact/*#status", "crm/deal/*"]);
    assert_eq!((found.granted, found.contested.len(), found.told), (4, 0, 8));
    assert_eq!(found.people.len(), 1);
    assert!(found.toml.contains("no grant: dana (1)"), "{}", found.toml);
    assert_eq!(model.agents[0].owner.as_str(), "dana");
    assert_eq!(model.agents[0].live_since.unwrap().to_string(), "2026-09-21");
    assert_eq!(model.queues[0].priority.len(), 2);
}

#[test]
fn what_several_wrote_is_left_for_a_person() {
    let mut lines = vec!["mayor issue/bd-1 title"];
    lines.extend(std::iter::repeat_n("mayor issue/bd-1 status", 3));
    lines.extend(std::iter::repeat_n("beads/dog issue/bd-2 status", 2));
    let found = of(&lines);
    assert_eq!(errors(&found.toml), [Lint::UnownedField], "{}", found.toml);
    assert!(found.toml.contains("# CONTESTED: mayor 60% (3), beads/dog 40% (2)"), "{}", found.toml);
    assert!(found.toml.contains("id = \"beads/dog\""), "{}", found.toml);
    assert_eq!(found.contested[0].what, "issue/*#status");
    // As a person would: the field goes to one of them.
    let resolved =
        found.toml.replace("    \"issue/*#title\",", "    \"issue/*#title\",\n    \"issue/*#status\",");
    assert_eq!(errors(&resolved), [], "{resolved}");
}

#[test]
fn a_few_strays_do_not_contest_and_are_named() {
    let mut lines = vec!["dog issue/bd-1 status"];
    lines.extend(std::iter::repeat_n("mayor issue/bd-1 status", 30));
    let found = of(&lines);
    assert_eq!(errors(&found.toml), [], "{}", found.toml);
    assert!(found.toml.contains("\"issue/*#status\",  # besides 1 by dog"), "{}", found.toml);
}

#[test]
fn a_list_that_only_grew_is_shared() {
    let add = |seq, who, before: Option<&serde_json::Value>, after: &serde_json::Value| {
        let mut deed = write(seq, &format!("{who} shared/log entries"));
        deed.fields[0].before = before.map(|before| Value::new(before).unwrap());
        deed.fields[0].after = Some(Value::new(after).unwrap());
        deed
    };
    let (one, two) = (json!(["a"]), json!(["a", "b"]));
    let found = infer(&[add(1, "a", None, &one), add(2, "b", Some(&one), &two)]);
    assert_eq!(errors(&found.toml), [], "{}", found.toml);
    assert!(found.toml.contains("kind = \"append\""), "{}", found.toml);
    let found = infer(&[add(1, "a", None, &one), add(2, "b", Some(&one), &json!(["c", "b"]))]);
    assert_eq!(errors(&found.toml), [Lint::UnownedField], "{}", found.toml);
}

#[test]
fn events_and_outputs_are_somebodys_or_contested() {
    let raised = |seq, event: &str, owner: Option<&str>| {
        let body = Body::EventRaised(Box::new(RaisedEvent {
            event: Arc::from(event),
            attributes: BTreeMap::new(),
            schedule: None,
            of: None,
            wake_ups: None,
            occurrence: None,
            again: None,
        }));
        let owners = owner.map(|owner| owner.parse().unwrap()).into_iter().collect();
        Deed { refs: Refs { owners, ..Refs::default() }, ..deed(seq, Actor::Deeds, body) }
    };
    let said = |seq, who: &str, output: &str| {
        let said = Publication {
            output: Arc::from(output),
            thread: None,
            body: Value::text("x"),
            conversation: None,
            waits: None,
        };
        deed(seq, agent(who), Body::OutputPublished(Box::new(said)))
    };
    let found = infer(&[
        raised(1, "lead.new", Some("sales")),
        raised(2, "mail \"in\"", Some("sales")),
        raised(3, "mail \"in\"", Some("intake")),
        raised(4, "nobody.hears", None),
        said(5, "sales", "mail/sales"),
        said(6, "sales", "slack/all"),
        said(7, "intake", "slack/all"),
    ]);
    let mut found_errors = errors(&found.toml);
    found_errors.dedup();
    assert_eq!(found_errors, [Lint::UnownedEvent, Lint::TwoPublishers], "{}", found.toml);
    assert!(found.toml.contains("CONTESTED: nobody answers it"), "{}", found.toml);
    let names: Vec<&str> = found.contested.iter().map(|one| one.what.as_str()).collect();
    assert_eq!(names, ["mail \"in\"", "nobody.hears", "slack/all"]);
    let model = map::parse(&found.toml).model.unwrap();
    assert_eq!(model.agent(&"sales".parse().unwrap()).unwrap().triggers, ["lead.new"]);
}

#[test]
fn nothing_seen_is_said() {
    let found = infer(&[]);
    assert_eq!((found.agents, found.told), (0, 0));
    assert!(map::parse(&found.toml).model.is_some());
}

fn a_line() -> impl Strategy<Value = String> {
    let who = "(a|b|c/d|!dana)";
    let entity = prop_oneof![
        "issue/bd-[0-9]{1,2}",
        "crm/(contact|deal|lead)/[a-d]{1,2}",
        "files/[a-c]/[a-c]",
        "[xy]",
        "crm/[a-c]",
        "k/[0-9]/(tasks|notes)/[0-9]",
    ];
    let field = prop_oneof!["(status|name|name,status)?", "label\\.[a-d]"];
    (who, entity, field).prop_map(|(who, entity, field)| format!("{who} {entity} {field}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever happened: the file reads, only what is contested keeps it from being applied, and whoever resolves that
    /// gets a map that passes and that stops nobody from what only they did.
    #[test]
    fn resolved_it_passes_and_stops_no_sole_writer(lines in prop::collection::vec(a_line(), 1..60)) {
        let deeds: Vec<Deed> = lines.iter().zip(1..).map(|(line, seq)| write(seq, line)).collect();
        let found = infer(&deeds);
        let parsed = map::parse(&found.toml);
        let wrong: Vec<_> = parsed.findings.iter().filter(|one| one.is_error()).collect();
        prop_assert!(wrong.iter().all(|one| one.lint == Lint::UnownedField), "{}\n{wrong:#?}", found.toml);
        prop_assert_eq!(wrong.len(), found.contested.len());
        let mut model = parsed.model.unwrap();
        for contested in &found.contested {
            let winner = &contested.shares[0].agent;
            let agent = model.agents.iter_mut().find(|agent| agent.id == *winner).unwrap();
            agent.writes.push(contested.what.parse().unwrap());
        }
        let toml = model.to_toml();
        prop_assert_eq!(errors(&toml), [], "{}", toml);

        let map = Map::compile(model);
        let mut planning = Planning::new(Map::compile(force()), map);
        for deed in &deeds {
            planning.consider(deed);
        }
        let plan = planning.finish();
        for row in &plan.rows {
            let lost = found.contested.iter().any(|one| one.shares[1..].iter().any(|share| Some(&share.agent) == row.agent.as_ref()));
            prop_assert!(lost, "{row:#?}\n{toml}");
        }
    }
}
