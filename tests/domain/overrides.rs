//! People override, RULES §13.1: each with a reason, each counted for the agents concerned, each respected afterwards.

use super::script::{check, check_on, play};
use super::world::World;
use deeds::domain::ids::AgentId;

fn interventions(world: &World, agent: &str) -> u64 {
    world.state.board.agents.get(&AgentId::new(agent).unwrap()).map_or(0, |facts| facts.interventions)
}

#[test]
fn a_field_goes_back_to_an_earlier_version() {
    let world = check(
        "
        support writes crm/account/acme health=good@0 -> committed
        support writes crm/account/acme health=bad@1 -> committed
        dana reverts crm/account/acme#health good@2 1 'a mistake' -> committed
        = crm/account/acme#health good v3
        support writes crm/account/acme health=worse@2 -> stale stale
        dana reverts crm/account/acme#health good@2 1 'again' -> stale stale
        dana reverts crm/account/acme#health good@3 3 'to now' -> refused wrong-state
        dana reverts crm/account/acme#health good@3 9 'to later' -> refused wrong-state
        dana reverts crm/account/acme#health good@3 0 'to nothing' -> refused wrong-state
        dana reverts crm/account/acme#plan good@0 1 'never there' -> refused not-found
        dana reverts crm/account/acme#health good@3 1 '' -> refused wrong-state
        support reverts crm/account/acme#health good@3 1 'mine' -> refused not-allowed
        ",
    );
    let deed = world.deeds.iter().find(|deed| deed.action == "revert").unwrap();
    assert_eq!(deed.reason.as_deref(), Some("a mistake (back to v1)"));
    assert_eq!(deed.refs.owners, [AgentId::new("support").unwrap()]);
    assert_eq!(interventions(&world, "support"), 1);
}

#[test]
fn what_was_withheld_has_no_way_back() {
    let digest = format!("{{\"withheld\":\"sha256:{}\"}}", "0a".repeat(32));
    check(&format!(
        "
        support writes crm/account/acme health=good@0 -> committed
        support writes crm/account/acme health=bad@1 -> committed
        dana reverts crm/account/acme#health '{digest}@2' 1 'a mistake' -> refused no-value
        "
    ));
}

/// A list that only grows gets its shorter self back, not an entry more.
#[test]
fn a_list_goes_back_as_a_whole() {
    check(
        "
        sales writes shared/log .=one -> committed
        support writes shared/log .=two -> committed
        dana reverts shared/log '[\"one\"]@2' 1 'not ours' -> committed
        = shared/log '[\"one\"]' v3
        ",
    );
}

#[test]
fn a_lease_is_released_by_force() {
    let mut world = check(
        "
        support leases shared/log 1h -> allowed
        sales writes shared/log .=x -> refused leased
        dana breaks 1 '' -> refused wrong-state
        support breaks 1 'mine' -> refused not-allowed
        dana breaks 1 'it hangs' -> recorded
        leases
        works support 1
        support writes shared/log .=x lease=1 -> refused lease-over
        sales writes shared/log .=x -> committed
        dana breaks 1 'again' -> refused wrong-state
        dana breaks 7 'which' -> refused not-found
        ",
    );
    assert_eq!(interventions(&world, "support"), 1);
    assert!(world.state.board.works.values().next().unwrap().title.contains("it hangs"));
    play(
        &mut world,
        "
        support leases shared/log 1h -> allowed
        pass 1h
        dana breaks 2 'late' -> refused wrong-state
        ",
    );
}

/// Reads of before are no longer current, and the agents in whose zone it is are named.
#[test]
fn every_override_names_whom_it_concerns() {
    let world = check(
        "
        support writes crm/account/acme health=good@0 -> committed
        sales writes crm/account/acme plan=pro@0 -> committed
        dana sets crm/account/acme#plan 'free'@1 'agreed' -> committed
        dana freezes crm/account/acme 'audit' -> recorded
        dana unfreezes crm/account/acme 'done' -> recorded
        dana pauses sales 'loud' -> recorded
        dana resumes sales 'calm' -> recorded
        sales acts mail/sales send_it on crm/account/acme dep=crm/account/acme@3 -> stale stale
        sales escalates 'x' because 'y' -> escalated
        dana handles #1 'done' -> recorded
        ",
    );
    assert_eq!((interventions(&world, "sales"), interventions(&world, "support")), (6, 2));
}

/// A freeze stops every new hold on the record, and gives what is held back only to be let go.
#[test]
fn a_freeze_stops_leases_and_publications() {
    check_on(
        &super::outputs::team(),
        "
        sales leases crm/account/acme#plan 10m -> allowed
        dana freezes crm/account/acme 'audit' -> recorded
        sales renews 1 10m -> refused frozen
        sales passes 1 support -> refused frozen
        sales publishes mail/sales 'hello' on crm/account/acme -> refused frozen
        sales writes crm/account/acme plan=pro@0 lease=1 -> refused frozen
        sales unlocks 1 -> recorded
        ",
    );
}

#[test]
fn a_freeze_stops_claims_and_handoffs() {
    let claim = r#"{"do": "claim", "event": "invoice.due", "key": "m1", "subject": "invoices/7"}"#;
    let handoff = r#"{"do": "handoff", "to": "payments", "task": "t", "work_product": {"result": 1, "status": "ok"}, "context": "all", "constraints": "none", "attempt": 1, "subject": "invoices/7"}"#;
    check_on(
        super::triggers::DESK,
        &format!(
            "
            dana freezes invoices/7 'audit' -> recorded
            billing sends '{claim}' -> refused frozen
            billing sends '{handoff}' -> refused frozen
            dana unfreezes invoices/7 'done' -> recorded
            billing sends '{claim}' -> allowed
            billing sends '{handoff}' -> recorded
            "
        ),
    );
}

/// A record that nobody has written yet can be frozen, and made once it is not.
#[test]
fn a_freeze_makes_no_record() {
    check(
        "
        dana freezes crm/deal/7 'not yet' -> recorded
        sales creates crm/deal/7 stage=trial -> refused frozen
        dana unfreezes crm/deal/7 'now' -> recorded
        sales creates crm/deal/7 stage=trial -> committed
        ",
    );
}
