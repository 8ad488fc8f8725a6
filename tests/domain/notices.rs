//! Agents affected by a commit are told, and acts that waited are woken, RULES §4.7 and RULES §5.2.

use super::script::{check, play};
use super::world::World;
use deeds::domain::things::{Work, WorkKind};

fn works<'a>(world: &'a World, agent: &str) -> Vec<&'a Work> {
    world.state.board.works.values().filter(|work| work.agent.as_str() == agent).map(AsRef::as_ref).collect()
}

#[test]
fn who_acts_on_what_changed_is_told_once() {
    let mut world = check(
        "
        support writes crm/account/acme health=good@0 -> committed
        sales acts mail/sales send_offer on crm/account/acme dep=crm/account/acme#health@1 -> allowed
        sales acts mail/sales send_more on crm/deal/7 dep=crm/account/acme#health@1 -> allowed
        support writes crm/account/acme health=bad@1 -> committed
        works sales 1
        support writes crm/account/acme health=worse@2 -> committed
        works sales 1
        ",
    );
    let told = works(&world, "sales")[0];
    let WorkKind::Changed { fields, by, .. } = &told.kind else { panic!("{told:?}") };
    assert_eq!((fields[0].0.to_string().as_str(), fields[0].1.0), ("crm/account/acme#health", 2));
    assert_eq!((by.name(), &*told.title), ("support", "support changed crm/account/acme#health v2"));
    play(
        &mut world,
        "
        sales completes 1 -> recorded
        support writes crm/account/acme health=good@3 -> committed
        works sales 1
        sales completes 2 -> recorded
        sales done 1 -> committed on-outdated-basis
        sales done 2 -> committed on-outdated-basis
        support writes crm/account/acme health=bad@4 -> committed
        works
        ",
    );
}

/// Only what it depends on, only others' changes, and nothing that is hidden.
#[test]
fn what_does_not_concern_an_agent_is_not_told() {
    check(
        "
        support writes crm/account/acme health=good@0 -> committed
        sales acts mail/sales send_offer on crm/deal/7 dep=crm/account/acme#health@1 -> allowed
        sales writes crm/account/acme plan=pro@0 -> committed
        dana sets crm/account/acme#note 'by hand'@0 'kept by people' -> committed
        works
        sales acts mail/sales write_offer on crm/account/acme -> allowed
        dana sets crm/account/acme#secret 'the code'@0 'kept by people' -> committed
        works
        dana sets crm/account/acme#note 'by hand again'@1 'kept by people' -> committed
        works sales 1
        ",
    );
}

#[test]
fn who_holds_a_lease_or_owes_an_answer_is_told() {
    check(
        "
        sales leases crm/account/acme#plan 10m -> allowed
        dana sets crm/account/acme#plan 'pro'@0 'agreed by phone' -> committed
        works sales 1
        sales completes 1 -> recorded
        support writes crm/account/acme health=good@0 -> committed
        works
        sales writes crm/account/acme health=fair@1 -> proposed not-owner
        dana sets crm/account/acme#health 'bad'@1 'they called' -> committed
        works support 2
        pass 10m
        dana sets crm/account/acme#plan 'free'@1 'agreed by phone' -> committed
        works support 2
        ",
    );
}

const WAIT: &str = r#"{"do": "act", "target": "mail/sales", "action": "send_upsell", "subject": "crm/account/acme", "wait": true}"#;

#[test]
fn an_act_that_waits_is_woken_when_the_way_is_free() {
    let world = check(&format!(
        "
        support writes support/ticket/acme status=open@0 -> committed
        sales sends '{WAIT}' -> deferred deferred
        sales sends '{WAIT}' -> deferred deferred
        support writes support/ticket/acme note=called@0 -> committed
        works
        support writes support/ticket/acme status=closed@1 -> committed
        works sales 1
        support writes support/ticket/acme status=open@2 -> committed
        support writes support/ticket/acme status=closed@3 -> committed
        works sales 1
        sales sends '{WAIT}' -> allowed
        "
    ));
    let woken = works(&world, "sales")[0];
    assert!(matches!(&woken.kind, WorkKind::Free { act, .. } if &*act.action == "send_upsell"), "{woken:?}");
    assert!(world.state.board.waiting.is_empty());
}

#[test]
fn or_when_its_time_is_over() {
    let announce = WAIT.replace("send_upsell", "announce_it").replace("mail/sales", "requests/7");
    let world = check(&format!(
        "
        support writes crm/account/acme health=good@0 -> committed
        product sends '{announce}' -> deferred deferred
        pass 4m
        tick
        works
        pass 1m
        tick
        works product 1
        product sends '{announce}' -> allowed
        "
    ));
    assert!(world.state.board.waiting.is_empty());
}

/// Without `wait` nothing is kept.
#[test]
fn who_does_not_wait_is_not_woken() {
    let world = check(
        "
        support writes support/ticket/acme status=open@0 -> committed
        sales acts mail/sales send_upsell on crm/account/acme -> deferred deferred
        support writes support/ticket/acme status=closed@1 -> committed
        works
        ",
    );
    assert!(world.state.board.waiting.is_empty());
}
