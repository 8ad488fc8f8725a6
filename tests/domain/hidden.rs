//! `hidden` holds everywhere: reads, activity, and the values in a stale answer.

use super::script::{check, run};
use super::world::{World, watched};
use deeds::domain::ids::{Actor, AgentId};
use deeds::domain::query;

fn reads(world: &World, agent: &str, entity: &str) -> Option<Vec<String>> {
    let actor = Actor::Agent(AgentId::new(agent).unwrap());
    let view = query::read(&world.state, &actor, &entity.parse().unwrap())?;
    Some(view.fields.keys().map(|name| name.as_str().to_owned()).collect())
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

/// The version is told, so that the caller knows that it is stale; what is there, by whom and when, is not.
#[test]
fn a_stale_answer_does_not_tell_a_hidden_value() {
    let mut world = check("sales writes crm/deal/7 discount=12@0 -> committed");
    let reply = run(&mut world, "product writes requests/1 priority=low@0 dep=crm/deal/7#discount@0");
    assert_eq!(reply.outcome.as_str(), "stale");
    let field = &reply.fields[0];
    assert_eq!(field.version.0, 1);
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

/// The code is told, so that the caller knows what to do; who, why and until when are not.
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
        ("writes hr/payroll total=1@0", "frozen"),
        ("acts mail/sales send_slip on hr/payroll", "frozen"),
        ("acts mail/sales write_down on scratch/support/plan", "tombstone"),
        ("acts mail/sales send_slip on hr/7", "deferred"),
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
        product writes requests/1 priority=low@0 dep=crm/deal/7#discount@0 -> stale stale
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
