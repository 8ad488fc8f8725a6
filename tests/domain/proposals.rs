//! Writes to another's field: a proposal in the owner's work, accepted or declined.

use super::script::{check, play, run};
use super::world::{TEAM, World};
use deeds::domain::ids::AgentId;
use deeds::domain::things::WorkKind;

#[test]
fn accepted_it_is_the_owners_write() {
    let mut world = World::new(TEAM);
    play(
        &mut world,
        "sales writes crm/account/acme health=good@0 -> proposed not-owner\nworks support 1\nalerts not-owner x1",
    );
    let proposed = world.deeds.iter().find(|deed| deed.outcome.as_str() == "proposed").unwrap().seq;
    let reply = run(&mut world, "support accepts 1");
    assert_eq!(reply.outcome.as_str(), "committed");
    let deed = world.deeds.iter().find(|deed| deed.seq == reply.deed).unwrap();
    assert_eq!((deed.actor.name(), deed.cause), ("support", Some(proposed)));
    play(
        &mut world,
        "
        = crm/account/acme#health good v1
        works sales 1
        sales completes 2 -> recorded
        works
        ",
    );
}

#[test]
fn declined_it_needs_feedback() {
    let world = check(
        "
        sales writes crm/account/acme health=good@0 -> proposed not-owner
        support declines 1 -> refused wrong-state
        support declines 1 '  ' -> refused wrong-state
        support completes 1 -> refused wrong-state
        product accepts 1 -> refused not-yours
        support declines 1 'they have an open ticket' -> recorded
        support accepts 1 -> refused wrong-state
        = crm/account/acme#health nothing
        works sales 1
        ",
    );
    let notice = world.state.board.works.values().next().unwrap();
    let WorkKind::Notice { text, .. } = &notice.kind else { panic!("{notice:?}") };
    assert!(text.contains("they have an open ticket"));
}

/// Versions are checked afresh; a proposal that does not go through stays with its owner.
#[test]
fn an_outdated_proposal_stays() {
    check(
        "
        support writes crm/account/acme health=fair@0 -> committed
        sales writes crm/account/acme health=good@1 -> proposed not-owner
        support writes crm/account/acme health=bad@1 -> committed
        support accepts 1 -> stale stale
        works support 1
        support declines 1 'look again' -> recorded
        works sales 1
        ",
    );
}

/// One proposal for each owner, an item for what nobody owns, and nothing of one's own in between.
#[test]
fn one_for_each_owner() {
    let mut world = World::new(TEAM);
    let reply = run(&mut world, "sourcing writes crm/account/acme health=good@0 plan=team@0");
    assert_eq!(reply.outcome.as_str(), "proposed");
    let owners: Vec<&str> = reply.owners.iter().map(AgentId::as_str).collect();
    assert_eq!(owners, ["sales", "support"]);
    assert_eq!(reply.works.len(), 2);
    let reply = run(&mut world, "support writes crm/account/vip-9 health=good@0 plan=team@0");
    assert_eq!((reply.outcome.as_str(), reply.item.unwrap().0), ("escalated", 1));
    assert!(reply.message.unwrap().contains("write your own crm/account/vip-9#health separately"));
    play(
        &mut world,
        "
        = crm/account/vip-9#health nothing
        works sales 1, support 1
        sales accepts 1 -> committed
        support accepts 2 -> committed
        = crm/account/acme#plan team v1
        = crm/account/acme#health good v1
        ",
    );
}

/// The owner of now decides: what was handed over meanwhile is no longer accepted by the owner of then.
#[test]
fn an_owner_that_lost_the_field_can_not_accept() {
    let mut world = check(
        "
        product writes crm/contact/7 status=new@0 -> proposed not-owner
        sales writes crm/contact/7 note=x@0 -> escalated unowned
        dana! transfers #1 crm/contact/*#status from sourcing to sales -> recorded
        ",
    );
    let reply = run(&mut world, "sourcing accepts 1");
    assert_ne!(reply.outcome.as_str(), "committed");
    play(&mut world, "= crm/contact/7#status nothing");
}

/// A proposal waits for its owner; an answer or a notice only tells, and stops nobody.
#[test]
fn only_what_is_still_to_decide_holds_an_entity() {
    check(
        "
        sales creates crm/deal/7 stage=trial -> committed
        product writes crm/deal/7 note=x@0 -> proposed not-owner
        sales declines 1 'not now' -> recorded
        works product 1
        sales deletes crm/deal/7 @1 -> committed
        ",
    );
}
