//! `hidden` holds everywhere: reads, activity, and the values in a stale answer.

use deeds::domain::{
    ids::{Actor, AgentId},
    query,
};

use super::{
    script::{check, run},
    world::{World, watched},
};

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
