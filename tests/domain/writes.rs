//! Writes and acts in enforce mode: the checks of RULES §4.1 and RULES §5.1 in their order, all or nothing.

use super::script::{check, play, run};
use super::world::{TEAM, World};

#[test]
fn an_owner_writes_with_versions() {
    check(
        "
        support writes crm/account/acme health=good@0 -> committed
        support writes crm/account/acme health='at risk'@1 -> committed
        = crm/account/acme#health 'at risk' v2
        sales writes crm/account/acme plan=team@0 seats=85@0 -> committed
        = crm/account/acme#seats 85 v1
        ",
    );
}

#[test]
fn there_are_no_blind_writes() {
    check(
        "
        support writes crm/account/acme health=good -> refused missing-version
        support writes support/ticket/1 status=open@0 subject=hello -> refused missing-version
        = crm/account/acme#health nothing
        = support/ticket/1#status nothing
        alerts
        ",
    );
}

#[test]
fn a_stale_write_is_told_what_is_there() {
    let mut world = World::new(TEAM);
    play(
        &mut world,
        "
        support writes crm/account/acme health=good@0 -> committed
        support writes crm/account/acme health=fine@1 -> committed
        support writes crm/account/acme health=bad@1 -> stale stale
        = crm/account/acme#health fine v2
        alerts stale-write x1
        support writes crm/account/acme health=bad@1 -> stale stale
        alerts stale-write x2
        ",
    );
    let reply = run(&mut world, "support writes crm/account/acme health=bad@0");
    let field = &reply.fields[0];
    assert_eq!((field.version.0, field.expected.unwrap().0), (2, 0));
    assert_eq!(field.value.as_ref().unwrap().plain(), "fine");
    assert_eq!(field.by.as_ref().unwrap().name(), "support");
    assert!(reply.message.unwrap().contains("crm/account/acme#health v0, now v2 by support"));
    assert!(reply.next.unwrap().contains("read again"));
}

/// One field is current and one is not: nothing is written.
#[test]
fn all_or_nothing() {
    check(
        "
        sales writes crm/account/acme plan=solo@0 seats=3@0 -> committed
        sales writes crm/account/acme plan=team@1 -> committed
        sales writes crm/account/acme seats=9@1 plan=firm@1 -> stale stale
        = crm/account/acme#seats 3 v1
        = crm/account/acme#plan team v2
        ",
    );
}

#[test]
fn what_a_write_is_based_on_must_be_current() {
    check(
        "
        support writes crm/account/acme health=good@0 -> committed
        product writes requests/7 priority=low@0 dep=crm/account/acme#health@1 -> committed
        support writes crm/account/acme health=bad@1 -> committed
        product writes requests/7 priority=high@1 dep=crm/account/acme#health@1 -> stale stale
        product writes requests/7 priority=high@1 dep=crm/account/acme#health@2 dep=crm/account/acme@2 -> committed
        product writes requests/7 priority=top@2 dep=crm/account/acme@1 -> stale stale
        alerts stale-read x1, stale-read x1
        ",
    );
}

/// A field never written has version 0, also as something to be based on.
#[test]
fn nothing_is_a_version_too() {
    check(
        "
        product writes requests/7 priority=low@0 dep=crm/account/new@0 dep=crm/account/new#health@0 -> committed
        support writes crm/account/new health=good@0 -> committed
        product writes requests/7 priority=high@1 dep=crm/account/new#health@0 -> stale stale
        ",
    );
}

#[test]
fn the_entitys_version_can_stand_for_all_fields() {
    check(
        "
        sales writes crm/account/acme plan=solo@0 -> committed
        sales writes crm/account/acme @1 plan=team seats=4 -> committed
        sales writes crm/account/acme @1 plan=firm -> stale stale
        = crm/account/acme#plan team v2
        ",
    );
}

/// Authority comes before versions, versions before kinds, kinds before defer rules.
#[test]
fn the_order_of_the_checks() {
    check(
        "
        support writes support/ticket/acme status=open@0 -> committed
        sales writes crm/deal/acme stage=signed@0 -> committed
        // frozen before everything that concerns the zone
        dana freezes crm/deal/acme 'under audit' -> recorded
        product writes crm/deal/acme stage=trial -> refused frozen
        sales acts mail/sales send_offer on crm/deal/acme -> refused frozen
        dana unfreezes crm/deal/acme 'audit is over' -> recorded
        // not the owner, also without a version
        product writes crm/deal/acme stage=trial -> proposed not-owner
        // no version, also backwards
        sales writes crm/deal/acme stage=trial -> refused missing-version
        // stale, also backwards
        sales writes crm/deal/acme stage=trial@0 -> stale stale
        sales writes crm/deal/acme stage=trial@1 -> refused backward
        // another's target, also stale and deferred
        sales acts mail/support send_offer on crm/account/acme dep=crm/deal/acme#stage@0 -> refused not-owner
        sales acts mail/sales send_offer on crm/account/acme dep=crm/deal/acme#stage@0 -> stale stale
        sales acts mail/sales send_offer on crm/account/acme dep=crm/deal/acme#stage@1 -> deferred deferred
        ",
    );
}

#[test]
fn a_progression_moves_forward_only() {
    check(
        "
        sales writes crm/deal/7 stage=proposal@0 -> committed
        sales writes crm/deal/7 stage=trial@1 -> refused backward
        sales writes crm/deal/7 stage=elsewhere@1 -> refused not-a-step
        sales writes crm/deal/7 stage=proposal@1 -> committed
        sales writes crm/deal/7 stage=signed@2 -> committed
        = crm/deal/7#stage signed v3
        alerts
        ",
    );
}

/// Nothing is overwritten, no version is needed, and taking turns is no fight.
#[test]
fn an_append_field_grows() {
    check(
        "
        sales writes shared/log .=one -> committed
        support writes shared/log .=two -> committed
        sales writes shared/log .=three -> committed
        support writes shared/log .=four -> committed
        sales writes shared/log .=five@4 -> committed
        = shared/log '[\"one\",\"two\",\"three\",\"four\",\"five\"]' v5
        alerts
        product writes shared/log .=six -> proposed not-owner
        ",
    );
}

#[test]
fn a_constant_is_changed_by_people_only() {
    check(
        "
        product writes releases/r1 tag=1.0@0 -> committed
        product writes releases/r1 tag=1.1@1 -> refused constant
        product writes releases/r1 notes=new@0 -> committed
        dana sets releases/r1#tag 1.1@1 'a typing error' -> committed
        = releases/r1#tag 1.1 v2
        ",
    );
}

#[test]
fn entities_are_created_archived_and_deleted() {
    check(
        "
        sales creates crm/account/acme plan=team -> committed
        sales creates crm/account/acme plan=solo -> refused exists
        sales archives crm/account/acme -> refused missing-version
        sales archives crm/account/acme @9 -> stale stale
        sales archives crm/account/acme @1 -> committed
        = crm/account/acme gone
        sales writes crm/account/acme plan=solo@1 -> stale tombstone
        sales deletes crm/account/acme @2 -> stale tombstone
        sales creates crm/account/acme plan=solo -> committed
        = crm/account/acme#plan solo v2
        sales deletes crm/account/acme @3 -> committed
        = crm/account/acme gone
        ",
    );
}

/// What was deleted begins anew, and no version of before is one of now; what a person sets there too.
#[test]
fn what_was_deleted_comes_back_without_its_fields() {
    let world = check(
        "
        sales creates crm/account/acme plan=team seats=4 -> committed
        sales writes crm/account/acme plan=firm@1 -> committed
        sales deletes crm/account/acme @2 -> committed
        sales creates crm/account/acme plan=solo -> committed
        = crm/account/acme#plan solo v4
        = crm/account/acme#seats nothing
        sales writes crm/account/acme plan=team@2 -> stale stale
        sales writes crm/account/acme seats=1@1 -> stale stale
        sales writes crm/account/acme seats=1@0 -> committed
        = crm/account/acme#seats 1 v4
        sales writes crm/account/acme seats=2@4 plan=team@4 -> committed
        sales deletes crm/account/acme @6 -> committed
        dana sets crm/account/acme#seats 9@4 'we count them' -> stale stale
        dana sets crm/account/acme#seats 9@5 'we count them' -> committed
        = crm/account/acme#seats 9 v8
        = crm/account/acme#plan nothing
        ",
    );
    world.verify();
}

/// The whole entity needs the owner of the whole entity.
#[test]
fn only_its_owner_makes_an_entity_go() {
    check(
        "
        sales creates crm/account/acme plan=team -> committed
        support deletes crm/account/acme @1 -> proposed not-owner
        sourcing creates crm/contact/7 status=new -> escalated unowned
        = crm/contact/7#status nothing
        ",
    );
}

#[test]
fn a_reference_to_a_tombstone_is_a_stale_read() {
    let world = check(
        "
        sales creates crm/account/globex plan=solo -> committed
        sales deletes crm/account/globex @1 -> committed
        product writes requests/118 priority=high@0 dep=crm/account/globex@1 -> stale stale
        product writes requests/118 priority=high@0 dep=crm/account/globex@2 -> stale stale
        sales acts mail/sales send_offer on crm/account/globex -> stale tombstone
        ",
    );
    let alert = world.state.board.alerts.values().next().unwrap();
    assert_eq!((alert.kind.as_str(), alert.count), ("stale-read", 2));
    assert_eq!(alert.sides[0].actor.name(), "sales");
}

#[test]
fn nothing_is_deleted_while_others_work_on_it() {
    check(
        "
        sales creates crm/account/acme plan=team -> committed
        support acts mail/support send_help on crm/account/acme -> allowed
        sales deletes crm/account/acme @1 -> refused held-open
        support done 1 -> committed
        product writes crm/account/acme plan=firm@1 -> proposed not-owner
        pass 1h
        sales acts mail/sales send_offer on crm/account/acme -> allowed
        // one's own work and acts don't stand in the way
        sales deletes crm/account/acme @1 -> committed
        ",
    );
}

#[test]
fn acts_go_where_the_agent_may_and_end_once() {
    check(
        "
        sales acts mail/sales send_offer on crm/account/acme -> allowed
        product done 1 -> refused not-yours
        sales done 1 -> committed
        sales done 1 -> refused wrong-state
        sales acts crm/account/acme#plan call_api on crm/account/acme -> allowed
        sales failed 2 -> failed
        sales acts crm/account/acme#health call_api on crm/account/acme -> refused not-owner
        sales acts slack/unknown post on crm/account/acme -> escalated unowned
        items #1
        ",
    );
}

#[test]
fn who_yields_waits_while_the_ticket_is_open() {
    check(
        "
        support writes support/ticket/acme status=open@0 -> committed
        sales acts mail/sales send_offer on crm/account/acme -> deferred deferred
        sales acts mail/sales print_offer on crm/account/acme -> allowed
        sales acts mail/sales send_offer on crm/account/other -> allowed
        support writes support/ticket/acme status=closed@1 -> committed
        sales acts mail/sales send_offer on crm/account/acme -> allowed
        ",
    );
}

#[test]
fn who_yields_waits_for_a_while_after_the_other() {
    let mut world = check(
        "
        product writes requests/9 title=theme@0 -> committed
        support writes requests/9 title=dark@1 -> proposed not-owner
        ",
    );
    let touched = world.now;
    let reply = run(&mut world, "product acts crm announce_it on requests/9");
    assert_eq!(reply.outcome.as_str(), "escalated", "a target that nobody owns comes first");
    let reply = run(&mut world, "product acts requests/9 announce_it on requests/9");
    assert_eq!(reply.outcome.as_str(), "deferred");
    assert_eq!(reply.owners[0].as_str(), "support");
    assert_eq!(reply.until.unwrap(), touched.plus("5m".parse().unwrap()));
    play(
        &mut world,
        "
        pass 4m
        product acts requests/9 announce_it on requests/9 -> deferred deferred
        pass 1m
        product acts requests/9 announce_it on requests/9 -> allowed
        ",
    );
}

#[test]
fn scratch_is_everybodys_own() {
    check(
        "
        sales writes scratch/sales/plan .='call acme'@0 -> committed
        support writes scratch/sales/plan .=mine@1 -> proposed not-owner
        stranger writes scratch/stranger/notes .=hello@0 -> committed
        ",
    );
}

#[test]
fn a_write_has_bounds() {
    let fields: Vec<String> = (0..65).map(|n| format!("f{n}=1@0")).collect();
    let mut world = World::new(TEAM);
    let reply = run(&mut world, &format!("sales writes crm/account/acme {}", fields.join(" ")));
    assert_eq!(reply.code.unwrap().as_str(), "over-bound");
    let reply = run(&mut world, "sales writes crm/account/acme");
    assert_eq!(reply.code.unwrap().as_str(), "over-bound");
    assert_eq!(world.entity_version("crm/account/acme"), 0);
    world.verify();
}

const IN_VAIN: &str = "
    support writes crm/account/acme health=good@0 -> committed
    support writes crm/account/acme health=bad@9 -> stale stale
    support writes crm/account/acme health=bad@9 -> stale stale
    support writes crm/account/acme health=bad@9 -> stale stale
    support writes crm/account/acme health=bad@9 -> stale stale
    support writes crm/account/acme health=bad@9 -> stale stale
    items
    ";

/// Retrying after version conflicts has an end: the sixth within ten minutes is a person's.
#[test]
fn who_comes_too_late_again_and_again_waits_for_a_person() {
    let mut world = check(IN_VAIN);
    play(
        &mut world,
        "
        support writes crm/account/acme health=bad@9 -> stale stale
        items #1
        alerts stale-write x6, not-converging x1
        support writes crm/account/acme health=bad@1 -> escalated not-converging
        support writes crm/account/other health=bad@0 -> committed
        support writes support/ticket/acme status=open@0 -> committed
        dana sets crm/account/acme#health fine@1 'so it is' for none -> committed
        items #1
        dana handles #1 'it is fine now' -> recorded
        works support 1
        support writes crm/account/acme health=bad@9 -> stale stale
        support writes crm/account/acme health=bad@2 -> committed
        items
        ",
    );
    let alert = &world.state.board.resolved[0];
    let sides: Vec<_> = alert.sides.iter().map(|side| side.value.as_ref().unwrap().plain()).collect();
    assert_eq!(sides, ["good", "bad"], "what both wanted");
}

/// Taken back, the answer is as if it had not been given: what the agent writes there waits again.
#[test]
fn an_answer_to_tries_in_vain_that_is_taken_back_makes_them_wait_again() {
    let mut world = check(IN_VAIN);
    play(
        &mut world,
        "
        support writes crm/account/acme health=bad@9 -> stale stale
        dana handles #1 'it is fine now' -> recorded
        dana undoes #1 -> recorded
        items #1
        support writes crm/account/acme health=bad@1 -> escalated not-converging
        items #1
        dana handles #1 'it is fine now' -> recorded
        support writes crm/account/acme health=bad@1 -> committed
        ",
    );
}

#[test]
fn tries_of_long_ago_and_of_others_do_not_count() {
    let mut world = check(IN_VAIN);
    play(
        &mut world,
        "
        pass 11m
        support writes crm/account/acme health=bad@9 -> stale stale
        items
        ",
    );
    let watched = super::world::watched();
    let mut world =
        super::script::check_on(&watched, "support writes crm/account/acme health=good@0 -> committed");
    for _ in 0..8 {
        play(&mut world, "support writes crm/account/acme health=bad@99 -> committed (stale) stale");
    }
    play(&mut world, "items");
}
