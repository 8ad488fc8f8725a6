//! Maps asked who may write what.

use std::time::Instant;

use super::*;

fn map(toml: &str) -> Map {
    Map::compile(toml::from_str::<Model>(toml).unwrap())
}

fn sample() -> Map {
    map(r#"
        workspace = "northwind"
        [[agent]]
        id = "intake"
        owner = "dana"
        writes = ["crm/contact/*#name", "crm/lead/*", "log/*"]
        except = ["crm/lead/vip-*"]
        hidden = ["hr/**", "**#salary"]
        outputs = ["slack/leads"]
        escalates_to = "ops"
        [[agent]]
        id = "support"
        owner = "dana"
        writes = ["crm/contact/*#status", "**/ticket/*", "log/*"]
        reads = ["crm/**"]
        [[agent]]
        id = "team/a"
        owner = "sam"
        [[field]]
        path = "log/*"
        kind = "append"
        [[field]]
        path = "crm/contact/*#status"
        kind = "progression"
        order = ["new", "won"]
        [[queue]]
        name = "inbox"
        owner = "dana"
        [[queue]]
        name = "ops"
        owner = "sam"
        deputies = ["dana"]
        [[defer]]
        agent = "intake"
        to = "support"
        actions = ["send_*"]
        within = "5m"
        [[contradiction]]
        name = "double truth"
        all = ["crm/contact/{id}#status = 'sourced'", "pipeline/{id}#stage = 'uncontacted'"]
    "#)
}

/// `granted`, `nobody`, or the owners' names.
fn ask(map: &Map, agent: &str, path: &str) -> String {
    let path: crate::domain::path::FieldPath = path.parse().unwrap();
    match map.authority(&agent.parse().unwrap(), &path.entity, &path.field) {
        Authority::Granted => "granted".to_owned(),
        Authority::Nobody => "nobody".to_owned(),
        Authority::Owners(owners) => owners.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(","),
    }
}

#[test]
fn authority_is_the_zone_less_its_exceptions() {
    let map = sample();
    let cases = [
        ("intake", "crm/contact/acme#name", "granted"),
        ("support", "crm/contact/acme#name", "intake"),
        ("stranger", "crm/contact/acme#name", "intake"),
        ("intake", "crm/contact/acme#score", "nobody"),
        ("intake", "crm/lead/7", "granted"),
        ("intake", "crm/lead/vip-7", "nobody"),
        ("support", "crm/lead/7#x", "intake"),
        ("support", "a/b/ticket/9#status", "granted"),
        ("support", "ticket/9", "granted"),
        ("intake", "log/1", "granted"),
        ("stranger", "log/1", "intake,support"),
    ];
    for (agent, path, expected) in cases {
        assert_eq!(ask(&map, agent, path), expected, "{agent} on {path}");
    }
    let entity: EntityPath = "crm/lead/7".parse().unwrap();
    assert_eq!(map.owner_of_whole(&entity).unwrap().as_str(), "intake");
    assert_eq!(map.owner_of_whole(&"crm/contact/acme".parse().unwrap()), None);
}

#[test]
fn scratch_is_its_agents_own() {
    let map = sample();
    let cases = [
        ("intake", "scratch/intake/notes", "granted"),
        ("intake", "scratch/intake", "granted"),
        ("support", "scratch/intake/notes", "intake"),
        ("stranger", "scratch/stranger/x#y", "granted"),
        ("intake", "scratch/stranger/x#y", "nobody"),
        ("team/a", "scratch/team/a/x", "granted"),
        ("team", "scratch/team/a/x", "team/a"),
        ("team", "scratch/team/b/x", "granted"),
        ("intake", "scratch/intake-2/x", "nobody"),
    ];
    for (agent, path, expected) in cases {
        assert_eq!(ask(&map, agent, path), expected, "{agent} on {path}");
    }
    let notes: EntityPath = "scratch/intake/notes".parse().unwrap();
    assert_eq!(map.owners(&notes, &FieldName::whole())[0].as_str(), "intake");
    assert!(map.is_hidden(&"support".parse().unwrap(), &notes, &FieldName::whole()));
    assert!(!map.is_hidden(&"intake".parse().unwrap(), &notes, &FieldName::whole()));
}

#[test]
fn hidden_and_reads_both_keep_out() {
    let map = sample();
    let cases = [
        ("intake", "hr/1", true),
        ("intake", "crm/contact/a#salary", true),
        ("intake", "pipeline/1", false),
        ("support", "crm/contact/a#salary", false),
        ("support", "pipeline/1", true),
        ("stranger", "hr/1", true),
        ("stranger", "scratch/stranger/x", false),
    ];
    for (agent, path, expected) in cases {
        let path: crate::domain::path::FieldPath = path.parse().unwrap();
        assert_eq!(
            map.is_hidden(&agent.parse().unwrap(), &path.entity, &path.field),
            expected,
            "{agent} {path}"
        );
    }
}

#[test]
fn queues_kinds_defers_and_contradictions_are_found() {
    let map = sample();
    let (intake, support) = ("intake".parse().unwrap(), "support".parse().unwrap());
    assert_eq!(map.queue_of(&intake).name.as_str(), "ops");
    assert_eq!(map.queue_of(&support).name.as_str(), "inbox");
    assert_eq!(map.queue_of(&"stranger".parse().unwrap()).name.as_str(), "inbox");
    assert!(map.queue_of(&intake).is_reviewer(&"dana".parse().unwrap()));
    assert_eq!(map.defers(&intake).len(), 1);
    assert!(map.defers(&intake)[0].covers_action("send_mail"));
    assert!(!map.defers(&intake)[0].covers_action("draft"));
    assert_eq!(map.outputs_of(&intake), ["slack/leads"]);
    assert!(map.has_output(&intake, "slack/leads") && !map.has_output(&support, "slack/leads"));
    let status: FieldName = "status".parse().unwrap();
    let contact: EntityPath = "crm/contact/acme".parse().unwrap();
    assert_eq!(map.field_kind(&contact, &status).as_str(), "progression");
    assert_eq!(map.field_kind(&contact, &FieldName::whole()), &FieldKind::Owned);
    assert_eq!(map.contradictions_on(&contact, &status).count(), 1);
    assert_eq!(map.contradictions_on(&contact, &FieldName::whole()).count(), 0);
}

#[test]
fn a_map_always_has_a_queue() {
    let default = Model::default_for("w".parse().unwrap(), "dana".parse().unwrap());
    assert_eq!(default.queues[0].owner.as_str(), "dana");
    assert_eq!(default.mode, Mode::Enforce);
    let none = Map::compile(Model::empty("w".parse().unwrap()));
    assert_eq!(none.first_queue().name.as_str(), "inbox");
}

#[test]
fn a_map_and_its_json_are_the_same_map() {
    let map = sample();
    let json = serde_json::to_string(&map).unwrap();
    assert_eq!(serde_json::from_str::<Map>(&json).unwrap(), map);
    assert_eq!(toml::from_str::<Model>(&map.model().to_toml()).unwrap(), **map.model());
}

#[test]
fn a_thousand_agents_are_asked_as_fast_as_ten() {
    let model = |agents: usize| {
        let mut model = Model::empty("w".parse().unwrap());
        for a in 0..agents {
            let mut agent = Agent::new(format!("agent-{a}").parse().unwrap(), "dana".parse().unwrap());
            agent.writes = (0..100).map(|g| format!("zone/{a}/*#field_{g}").parse().unwrap()).collect();
            model.agents.push(agent);
        }
        Map::compile(model)
    };
    let time = |map: &Map| {
        let (agent, entity) = ("agent-5".parse().unwrap(), "zone/5/x".parse().unwrap());
        let field = "field_50".parse().unwrap();
        let start = Instant::now();
        for _ in 0..20_000 {
            assert_eq!(map.authority(&agent, &entity, &field), Authority::Granted);
        }
        start.elapsed()
    };
    let (few, many) = (time(&model(10)), time(&model(1_000)));
    assert!(many < few * 5, "10 agents: {few:?}, 1,000 agents: {many:?}");
}
