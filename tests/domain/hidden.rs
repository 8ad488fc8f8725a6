//! `hidden` holds everywhere: reads, activity, and the values in a stale answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::script::{check, run};
use super::world::{World, watched};
use deeds::domain::command::{ApplyMap, Command};
use deeds::domain::deed::{Body, Deed};
use deeds::domain::ids::{Actor, AgentId, MapVersion, Seq};
use deeds::domain::map;
use deeds::domain::query;
use deeds::domain::reply::Reply;
use deeds::domain::sight::Sight;

fn reads(world: &World, agent: &str, entity: &str) -> Option<Vec<String>> {
    let actor = Actor::Agent(AgentId::new(agent).unwrap());
    let view = query::read(&world.state, &actor, &entity.parse().unwrap())?;
    Some(view.fields.keys().map(|name| name.as_str().to_owned()).collect())
}

fn apply(world: &mut World, text: &str, over: u64) {
    let model = Arc::new(map::parse(text).applicable().unwrap());
    let (if_version, reason) = (MapVersion(over), None);
    let apply = ApplyMap { model, if_version, reason, planned: false, take_back: false };
    assert!(world.ask("ada", Command::ApplyMap(apply)).is_done());
}

#[test]
fn reads_leave_hidden_fields_out() {
    let world = check(
        "
        sales writes crm/deal/7 discount=12@0 stage=trial@0 -> committed
        ",
    );
    assert_eq!(reads(&world, "product", "crm/deal/7").unwrap(), ["stage"]);
    assert_eq!(reads(&world, "support", "crm/deal/7").unwrap(), ["discount", "stage"]);
    assert_eq!(reads(&world, "sales", "hr/payroll"), None);
    assert_eq!(reads(&world, "support", "scratch/sales/plan"), None);
    let deeds = |agent: &str| {
        let actor = Actor::Agent(AgentId::new(agent).unwrap());
        query::activity(&world.state, &actor, &"crm/deal/7".parse().unwrap(), None).len()
    };
    assert_eq!((deeds("product"), deeds("support"), deeds("sales")), (0, 1, 0));
}

/// Whatever version is named, the answer is that of a field that is not there.
#[test]
fn a_stale_answer_does_not_tell_a_hidden_value() {
    let mut world = check("sales writes crm/deal/7 discount=12@0 -> committed");
    let reply = run(&mut world, "product writes requests/0 priority=low@0 dep=crm/deal/7#discount@0");
    assert_eq!(reply.outcome.as_str(), "committed");
    let reply = run(&mut world, "product writes requests/1 priority=low@0 dep=crm/deal/7#discount@1");
    assert_eq!(reply.outcome.as_str(), "stale");
    let field = &reply.fields[0];
    assert_eq!(field.version.0, 0);
    assert_eq!((&field.value, &field.by, &field.at), (&None, &None, &None));
    assert!(!reply.message.unwrap().contains("sales"));
    let reply = run(&mut world, "support writes support/ticket/1 status=open@0 dep=crm/deal/7#discount@0");
    assert_eq!(reply.fields[0].value.as_ref().unwrap().plain(), "12");
}

/// Also where one writes to what one may not see.
#[test]
fn nor_does_a_stale_write_to_a_hidden_field() {
    let mut world = check("");
    let reply = run(&mut world, "dana sets crm/account/acme#secret 'the vault code'@0 'kept by people'");
    assert_eq!(reply.outcome.as_str(), "committed");
    let reply = run(&mut world, "sales writes crm/account/acme secret=mine@0");
    let told = serde_json::to_string(&reply).unwrap();
    assert!(!told.contains("vault"), "{told}");
    let mut world = World::new(&watched());
    run(&mut world, "dana sets crm/account/acme#secret 'the vault code'@0 'kept by people'");
    let told =
        serde_json::to_string(&run(&mut world, "sales writes crm/account/acme secret=mine@0")).unwrap();
    assert!(!told.contains("vault"), "{told}");
}

/// A touch of no field is one of the whole entity: an act, or a refusal at the freeze.
#[test]
fn acts_on_what_is_hidden_are_no_activity() {
    let world = check(
        "
        dana sets hr/payroll#total 9@0 'kept by people' -> committed
        support acts mail/support send_slip on hr/payroll -> allowed
        dana freezes hr/payroll 'under audit' -> recorded
        support writes hr/payroll total=10@1 -> refused frozen
        ",
    );
    let told = |agent: &str| {
        let actor = Actor::Agent(AgentId::new(agent).unwrap());
        query::activity(&world.state, &actor, &"hr/payroll".parse().unwrap(), None).len()
    };
    assert_eq!((told("product"), told("sales")), (4, 0));
}

/// The code says what to do, and nothing of what is there.
#[test]
fn refusals_on_what_is_hidden_name_nobody() {
    let mut world = check(
        "
        dana sets hr/7#total 9@0 'kept by people' -> committed
        dana freezes hr/payroll 'embezzled' -> recorded
        support creates scratch/support/plan -> committed
        support deletes scratch/support/plan @1 -> committed
        support writes support/ticket/7 status=open@0 -> committed
        ",
    );
    for (line, code) in [
        ("writes hr/payroll total=1@0", "unowned"),
        ("acts mail/sales send_slip on hr/payroll", "hidden"),
        ("acts mail/sales write_down on scratch/support/plan", "hidden"),
        ("acts mail/sales send_slip on hr/7", "hidden"),
        ("leases hr/payroll 1h", "hidden"),
        ("publishes mail/sales slip on hr/payroll", "hidden"),
    ] {
        let reply = run(&mut world, &format!("sales {line}"));
        assert_eq!(reply.code.unwrap().as_str(), code, "{line}");
        let told = serde_json::to_string(&reply).unwrap().replace("scratch/support/plan", "");
        for secret in ["dana", "embezzled", "support", "2026"] {
            assert!(!told.contains(secret), "{line}: {told}");
        }
        assert!(reply.until.is_none() && reply.owners.is_empty(), "{line}: {reply:?}");
    }
    let reply = run(&mut world, "support writes hr/payroll total=1@0");
    assert!(reply.message.unwrap().contains("frozen by dana: embezzled"));
}

/// What the loser may not see, people do.
#[test]
fn the_alert_of_a_hidden_stale_read_names_both_sides() {
    let world = check(
        "
        sales writes crm/deal/7 discount=12@0 -> committed
        product writes requests/1 priority=low@0 dep=crm/deal/7#discount@1 -> stale stale
        alerts stale-read x1
        ",
    );
    let alert = world.state.board.alerts.values().next().unwrap();
    assert_eq!(alert.sides[0].actor.name(), "sales");
    assert_eq!(alert.sides[0].value.as_ref().unwrap().plain(), "12");
    assert!(alert.title.ends_with("before sales"), "{}", alert.title);
}

/// In observe mode the verdict goes along with the commit, which others read.
#[test]
fn a_verdict_that_is_only_noted_does_not_name_hidden_paths() {
    let mut world = World::new(&watched());
    run(&mut world, "sales writes crm/deal/7 discount=12@0 stage=trial@0");
    for line in ["writes requests/1 priority=low@0", "acts releases/1 announce on requests/1"] {
        let both = format!("product {line} dep=crm/deal/7#discount@0 dep=crm/deal/7#stage@0");
        let reply = run(&mut world, &both);
        assert_eq!(reply.verdict.unwrap().as_str(), "stale", "{line}");
        let told = serde_json::to_string(&reply).unwrap();
        assert!(
            !told.contains("discount") && told.contains("crm/deal/7#stage v0, now v1 by sales"),
            "{told}"
        );
    }
}

/// What is hidden answers, byte for byte, as what is not there, whoever asks what.
#[test]
fn what_is_hidden_answers_like_what_is_not_there() {
    // The same things happen in the same order, once on what is hidden from sales, once elsewhere.
    let history = |map: &str, at: &str, account: &str| {
        let mut world = World::new(map);
        for line in [
            format!("dana sets {at}/payroll#total 9@0 'kept by people'"),
            format!("dana sets {at}/payroll#total 10@1 'kept by people'"),
            format!("dana sets crm/account/{account}#secret vault@0 'kept by people'"),
            format!("dana freezes {at}/frozen 'under audit'"),
            format!("support creates scratch/support/{at}"),
            format!("support deletes scratch/support/{at} @1"),
            format!("support acts mail/support send_slip on {at}/payroll"),
            format!(
                "support sends '{{\"do\": \"conclude\", \"subject\": \"{at}/payroll\", \"question\": \"paid\", \"answer\": true}}'"
            ),
        ] {
            let reply = run(&mut world, &line);
            assert!(reply.is_done(), "{line}: {reply:?}");
        }
        world
    };
    let asked = [
        "sales writes hr/payroll total=1@0",
        "sales writes hr/payroll total=1@1",
        "sales writes hr/payroll total=1@2",
        "sales writes crm/account/acme secret=1@0",
        "sales writes crm/account/acme secret=1@1",
        "sales writes crm/account/acme secret=1",
        "sales writes crm/account/7 plan=gold@0 dep=hr/payroll#total@0",
        "sales writes crm/account/8 plan=gold@0 dep=hr/payroll#total@2",
        "sales writes crm/account/8 plan=gold@0 dep=crm/account/acme#secret@1",
        "sales writes scratch/support/hr text=1@0",
        "sales creates hr/payroll",
        "sales archives hr/payroll @2",
        "sales acts mail/sales send_slip on hr/payroll",
        "sales acts mail/sales send_slip on scratch/support/hr",
        "sales acts hr/payroll change on crm/account/acme",
        "sales acts mail/sales mail_out on crm/account/acme dep=hr/payroll#total@0",
        "sales acts mail/sales mail_out on crm/account/acme dep=hr/payroll#total@2",
        "sales publishes mail/sales slip on hr/payroll",
        "sales publishes mail/sales slip on crm/account/acme dep=hr/payroll#total@1",
        "sales leases hr/payroll 1h",
        "sales leases crm/account/acme#secret 1h",
        "sales escalates 'pay' because 'why' on hr/payroll",
        "sales hands draft-1 to support on hr/payroll",
        "sales fans support within 1h on hr/payroll",
        r#"sales sends '{"do": "conclude", "subject": "hr/payroll", "question": "paid", "answer": false}'"#,
        r#"sales sends '{"do": "raise", "event": "pay.day", "subject": "hr/payroll"}'"#,
        r#"sales sends '{"do": "claim", "event": "pay.day", "key": "1", "subject": "hr/payroll"}'"#,
    ];
    for map in [super::world::TEAM.to_owned(), watched()] {
        let enforces = map == super::world::TEAM;
        let (mut there, mut not_there) = (history(&map, "hr", "acme"), history(&map, "ir", "other"));
        let frozen = ["sales writes hr/frozen total=1@0", "sales acts mail/sales send_slip on hr/frozen"];
        // A workspace that only observes stops an agent at a freeze all the same.
        for line in asked.iter().chain(&frozen).filter(|line| enforces || !frozen.contains(line)) {
            let told = [&mut there, &mut not_there].map(|world| {
                // What happens beside it has numbers too; they say nothing of what.
                let reply = Reply { deed: Seq(0), works: Vec::new(), ..run(world, line) };
                let agent = Actor::Agent(AgentId::new("sales").unwrap());
                let looks = ["hr/payroll", "hr/frozen", "scratch/support/hr"].map(|entity| {
                    let entity = entity.parse().unwrap();
                    let touches = query::activity(&world.state, &agent, &entity, None).len();
                    (query::read(&world.state, &agent, &entity).is_none(), touches)
                });
                (serde_json::to_string(&reply).unwrap(), looks)
            });
            assert_eq!(told[0], told[1], "{line}");
        }
    }
}

/// Where the map is in force, whom it does not name sees what it sent itself and its scratch; observing takes a team as it is.
#[test]
fn whom_the_map_does_not_name_sees_its_own() {
    for (map, sees) in [(super::world::TEAM.to_owned(), false), (watched(), true)] {
        let mut world = World::new(&map);
        run(&mut world, "sales writes crm/deal/7 discount=12@0");
        run(&mut world, "stranger writes scratch/stranger/notes text=mine@0");
        run(&mut world, "stranger writes nowhere/x plan=gold@0");
        assert_eq!(reads(&world, "stranger", "crm/deal/7").is_some(), sees);
        assert_eq!(reads(&world, "stranger", "scratch/stranger/notes").unwrap(), ["text"]);
        let stranger = AgentId::new("stranger").unwrap();
        let sight = Sight::now(&stranger, &world.state.board.map);
        let seen: Vec<u64> =
            world.deeds.iter().filter(|deed| deed.is_seen_by(&sight)).map(|deed| deed.seq.0).collect();
        assert_eq!(seen.contains(&2), sees, "{seen:?}");
        assert!(seen.contains(&3) && seen.contains(&4), "{seen:?}");
    }
}

/// The event of a hidden field's change is as hidden as the field; one of an older program wherever anything is.
#[test]
fn the_event_of_a_hidden_change_is_hidden() {
    let map = format!(
        "{}\n[[event]]\nname = \"deal.cut\"\non = \"crm/deal/*#discount != 0\"\n",
        super::world::TEAM.replacen("id = \"product\"", "id = \"product\"\ntriggers = [\"deal.cut\"]", 1)
    );
    let mut world = World::new(&map);
    run(&mut world, "sales writes crm/deal/7 discount=12@0 stage=trial@0");
    let raised = world.deeds.iter().find(|deed| matches!(deed.body, Body::EventRaised(_))).unwrap();
    assert_eq!(raised.refs.owners[0].as_str(), "product");
    let mut older = raised.clone();
    let Body::EventRaised(event) = &mut older.body else { panic!() };
    assert_eq!(event.of.take().unwrap().to_string(), "crm/deal/7#discount");
    let product = AgentId::new("product").unwrap();
    let sight = Sight::now(&product, &world.state.board.map);
    assert!(!raised.is_seen_by(&sight) && !older.is_seen_by(&sight));
    // The agent is woken all the same, and told where.
    let work = world.state.board.work_of(&product).next().unwrap();
    let told = serde_json::to_string(&sight.work(work).unwrap()).unwrap();
    assert!(told.contains("crm/deal/7#discount") && !told.contains("12"), "{told}");
}

/// What was hidden then stays hidden when the map opens, and what is hidden now is hidden in all that was.
#[test]
fn hidden_then_or_hidden_now() {
    let mut world = World::new(super::world::TEAM);
    run(&mut world, "sales writes crm/deal/7 discount=12@0");
    run(&mut world, "sales writes crm/deal/7 stage=trial@0");
    let open = super::world::TEAM.replacen(
        "hidden = [\"crm/deal/*#discount\"]",
        "hidden = [\"crm/deal/*#stage\"]",
        1,
    );
    apply(&mut world, &open, 1);
    run(&mut world, "sales writes crm/deal/7 discount=13@1");
    let product = AgentId::new("product").unwrap();
    let seen = |deed: &&Deed| {
        world.state.board.sight(&product, deed.map_version).is_some_and(|sight| deed.is_seen_by(&sight))
    };
    let seen: Vec<u64> = world.deeds.iter().filter(seen).map(|deed| deed.seq.0).collect();
    assert_eq!(seen, [5], "neither what was hidden then nor what is hidden now");
    let actor = Actor::Agent(product.clone());
    let touches = query::activity(&world.state, &actor, &"crm/deal/7".parse().unwrap(), None);
    assert_eq!(touches.iter().map(|touch| touch.deed.0).collect::<Vec<_>>(), [5]);
    assert_eq!(reads(&world, "product", "crm/deal/7").unwrap(), ["discount"], "what is there is there");
}

/// What an agent's own deeds told of others' words while it saw them is hidden with the field: why a person holds it, and what
/// it accepted of another.
#[test]
fn others_words_in_own_deeds_are_hidden_with_the_field() {
    let mut world = check(
        "
        dana sets crm/account/acme#plan 'vault one'@0 'kept by people' -> committed
        sales deletes crm/account/acme @1 -> proposed held
        product writes crm/account/7 plan='vault two'@0 -> proposed not-owner
        ",
    );
    let given = super::world::TEAM.replacen("except = [", "except = [\"crm/account/*#plan\", ", 1).replacen(
        "writes = [\"crm/account/*#health\"",
        "writes = [\"crm/account/*#plan\", \"crm/account/*#health\"",
        1,
    );
    apply(&mut world, &given, 1);
    assert_eq!(run(&mut world, "sales accepts 1").outcome.as_str(), "proposed", "it is support's by now");
    let hidden = given.replacen("hidden = [\"hr/**\"", "hidden = [\"crm/account/*#plan\", \"hr/**\"", 1);
    apply(&mut world, &hidden, 2);
    let sales = AgentId::new("sales").unwrap();
    let sight = Sight::now(&sales, &world.state.board.map);
    let told: Vec<String> = world
        .deeds
        .iter()
        .filter(|deed| deed.is_seen_by(&sight))
        .map(|deed| format!("{deed:?}"))
        .filter(|text| text.contains("vault"))
        .collect();
    assert!(told.is_empty(), "{told:?}");
    let items: Vec<_> = world.state.board.items.values().filter_map(|item| sight.item(item)).collect();
    assert!(!items.is_empty() && !format!("{items:?}").contains("vault"), "{items:?}");
}

/// A reason is given for all that was written: where a part is decided on its own, it stays where it was given.
#[test]
fn a_reason_does_not_travel_with_a_part_of_what_it_was_given_for() {
    let mut world = World::new(super::world::TEAM);
    for (entity, fields, reason) in [("7", &["plan", "health"][..], "vault"), ("8", &["plan"], "all of it")] {
        let changes: BTreeMap<&str, u64> = fields.iter().map(|field| (*field, 1)).collect();
        let expected: BTreeMap<&str, u64> = fields.iter().map(|field| (*field, 0)).collect();
        let entity = format!("crm/account/{entity}");
        let write = json!({"do": "write", "entity": entity, "changes": changes, "expected": expected, "reason": reason});
        assert_eq!(run(&mut world, &format!("product sends '{write}'")).outcome.as_str(), "proposed");
    }
    for work in world.state.board.works.keys().copied().collect::<Vec<_>>() {
        let owner = world.state.board.works[&work].agent.clone();
        assert_eq!(run(&mut world, &format!("{owner} accepts {work}")).outcome.as_str(), "committed");
    }
    let committed = world.deeds.iter().filter(|deed| matches!(deed.body, Body::WriteCommitted(())));
    let reasons: Vec<Option<&str>> = committed.map(|deed| deed.reason.as_deref()).collect();
    assert_eq!(reasons, [None, None, Some("all of it")]);
}
