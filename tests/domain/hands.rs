//! A person's hand holds, RULES §4.8: what a person sets stays until a person lets an agent's write through, or its time is
//! over; and a person's correction is no fight between agents.

use super::script::{check, check_on, play};
use super::world::{TEAM, World};
use deeds::domain::deed::Body;
use deeds::domain::ids::{Actor, ItemNo};
use deeds::domain::things::Case;

fn item(world: &World, no: u64) -> &deeds::domain::things::Item {
    &world.state.board.items[&ItemNo(no)]
}

#[test]
fn what_a_person_sets_is_a_proposal_to_write() {
    let mut world = check(
        "
        support writes crm/account/acme health=good@0 -> committed
        dana sets crm/account/acme#health bad@1 'they called me' -> committed
        support writes crm/account/acme health=good@1 -> stale stale
        support writes crm/account/acme health=good@2 -> proposed held
        = crm/account/acme#health bad v2
        items #1
        support writes crm/account/acme health=good@2 -> proposed held
        items #1
        sales writes crm/account/acme plan=pro@0 -> committed
        ",
    );
    let waits = item(&world, 1);
    let held_by = ["dana".parse().unwrap()];
    assert!(matches!(&waits.case, Case::HeldField { held_by: by, .. } if *by == held_by), "{waits:?}");
    assert_eq!((&*waits.title, waits.joined), ("#health = good", 1));
    assert!(waits.why.contains("they called me"), "{}", waits.why);
    play(
        &mut world,
        "
        dana approves #1 -> recorded
        = crm/account/acme#health good v3
        works support 1
        support writes crm/account/acme health=fair@3 -> proposed held
        dana rejects #2 'not before Friday' -> recorded
        = crm/account/acme#health good v3
        pass 24h
        support writes crm/account/acme health=fair@3 -> committed
        tick
        ",
    );
    assert!(world.state.board.held.is_empty());
    let let_go = world.deeds.iter().find(|deed| matches!(deed.body, Body::FieldReleased(())));
    assert_eq!(let_go.unwrap().actor, Actor::Deeds, "nobody but its time ended it");
}

#[test]
fn it_holds_for_as_long_as_was_said() {
    check(
        "
        support writes crm/account/acme health=good@0 -> committed
        dana sets crm/account/acme#health bad@1 'a try' for none -> committed
        support writes crm/account/acme health=good@2 -> committed
        dana sets crm/account/acme#health bad@3 'an hour' for 1h -> committed
        pass 1h
        support writes crm/account/acme health=good@4 -> committed
        tick
        dana sets crm/account/acme#health bad@5 'for good' for released -> committed
        pass 9d
        tick
        support writes crm/account/acme health=good@6 -> proposed held
        dana frees crm/account/acme#health '' -> refused wrong-state
        dana frees crm/account/acme#plan 'which' -> refused wrong-state
        support frees crm/account/acme#health 'mine' -> refused not-allowed
        dana frees crm/account/acme#health 'settled' -> recorded
        dana frees crm/account/acme#health 'twice' -> refused wrong-state
        support writes crm/account/acme health=good@6 -> committed
        dana reverts crm/account/acme#health bad@7 6 'it was right' -> committed
        support writes crm/account/acme health=good@8 -> proposed held
        ",
    );
}

/// What waits is looked at again where it is let through; the refusal says what stands in the way.
#[test]
fn a_yes_to_what_is_no_longer_so_is_refused() {
    check(
        "
        support writes crm/account/acme health=good@0 -> committed
        dana sets crm/account/acme#health bad@1 'first' -> committed
        support writes crm/account/acme health=good@2 -> proposed held
        dana sets crm/account/acme#health worse@2 'second' -> committed
        dana approves #1 -> refused stale
        dana freezes crm/account/acme 'audit' -> recorded
        dana approves #1 -> refused frozen
        dana handles #1 'by hand' -> refused wrong-state
        dana approves #1 'other words' -> refused wrong-state
        dana rejects #1 '' -> refused wrong-state
        dana rejects #1 'it is worse' -> recorded
        = crm/account/acme#health worse v3
        ",
    );
}

/// Who set it answers although no queue names them; nobody else beside the queue does.
#[test]
fn whoever_holds_it_answers() {
    let world = check(
        "
        support writes crm/account/acme health=good@0 -> committed
        eve sets crm/account/acme#health bad@1 'I know them' -> refused not-named
        eve! sets crm/account/acme#health bad@1 'I know them' -> committed
        support writes crm/account/acme health=good@2 -> proposed held
        sam claims #1 -> refused not-named
        eve approves #1 -> recorded
        = crm/account/acme#health good v3
        eve undoes #1 -> recorded
        = crm/account/acme#health bad v4
        items #1
        ",
    );
    assert!(world.state.board.held.values().flatten().all(|held| held.by.name() == "eve"));
}

/// No other door: an accepted proposal, the end of the record, an act on the field itself.
#[test]
fn there_is_no_way_around_the_hand() {
    check(
        "
        support writes crm/account/acme health=good@0 -> committed
        sales writes crm/account/acme health=fine@1 -> proposed not-owner
        dana sets crm/account/acme#health bad@1 'I know' -> committed
        sales writes crm/account/acme health=fine@2 -> proposed not-owner
        support accepts 3 -> proposed held
        support acts crm/account/acme#health edit_file on crm/account/acme -> refused held
        sales creates crm/deal/7 stage=trial -> committed
        dana sets crm/deal/7#stage open@1 'signed' -> committed
        sales archives crm/deal/7 @2 -> proposed held
        sales deletes crm/deal/7 @2 -> proposed held
        = crm/deal/7#stage open v2
        ",
    );
}

#[test]
fn a_list_that_grows_is_not_held() {
    check(
        "
        sales writes shared/log .=one -> committed
        dana sets shared/log two@1 'mine too' -> committed
        support writes shared/log .=three -> committed
        ",
    );
}

/// A workspace that only observes takes the write, and says what would have become of it.
#[test]
fn while_it_observes_the_hand_is_only_told() {
    check_on(
        &TEAM.replacen("governance_owner", "mode = \"observe\"\ngovernance_owner", 1),
        "
        support writes crm/account/acme health=good@0 -> committed
        dana sets crm/account/acme#health bad@1 'I know' -> committed
        support writes crm/account/acme health=good@2 -> committed (proposed) held
        items
        ",
    );
}

/// One override followed by ordinary writes of the owner is no fight, nor is one agent's run within one.
#[test]
fn a_correction_is_no_ping_pong() {
    check(
        "
        support writes crm/account/acme health=good@0 -> committed
        dana sets crm/account/acme#health bad@1 'wrong' for none -> committed
        support writes crm/account/acme health=good@2 -> committed
        dana sets crm/account/acme#health bad@3 'still' for none -> committed
        support writes crm/account/acme health=good@4 -> committed
        support writes crm/account/acme health=fair@5 -> committed
        alerts
        ",
    );
    check(
        "
        product writes files/draft .=one@0 -> committed
        support writes files/draft .=two@1 -> committed
        dana sets files/draft one@2 'as it was' for none -> committed
        alerts
        product writes files/draft .=three@3 -> committed
        alerts ping-pong x2
        dana sets files/draft one@4 'as it was' for none -> committed
        alerts ping-pong x2
        ",
    );
}

/// Every agent is refused with who and why; people go on; what agents have in hand has the time left that it had.
#[test]
fn all_are_stopped_and_go_on_from_where_they_stood() {
    let mut world = check(
        "
        support leases shared/log 10m -> allowed
        sales acts mail/sales send_it on crm/account/acme -> allowed
        sales writes crm/account/acme health=good@0 -> proposed not-owner
        support takes 1 for 10m -> recorded
        pass 4m
        tick
        support halts 'mine' -> refused not-allowed
        dana halts '' -> refused wrong-state
        dana halts 'something is very wrong' -> recorded
        dana halts 'again' -> refused wrong-state
        support writes crm/account/acme health=bad@0 -> refused paused
        sales done 1 -> refused paused
        support takes -> refused paused
        dana sets crm/account/acme#plan pro@0 'people go on' for none -> committed
        pass 5h
        tick
        leases 1 support shared/log
        dana unhalts 'it was the import' -> recorded
        dana unhalts 'again' -> refused wrong-state
        tick
        leases 1 support shared/log
        pass 5m
        tick
        leases 1 support shared/log
        support declines 1 'still mine' -> recorded
        support writes shared/log .=x lease=1 -> committed
        pass 2m
        tick
        leases
        support writes shared/log .=y lease=1 -> refused lease-over
        ",
    );
    let halt = world.deeds.iter().find_map(|deed| match &deed.body {
        Body::WorkspacePaused(flying) => Some(flying),
        _ => None,
    });
    let halt = halt.unwrap();
    assert_eq!((halt.works.len(), halt.acts.len(), halt.leases.len(), halt.more), (1, 1, 1, 0), "{halt:?}");
    let refused = world.deeds.iter().find(|deed| deed.code.is_some_and(|code| code.as_str() == "paused"));
    let why = refused.unwrap().reason.clone().unwrap();
    assert!(why.contains("every agent was paused by dana") && why.contains("very wrong"), "{why}");
    play(
        &mut world,
        "
        dana halts 'for a while' for 30m -> recorded
        pass 20m
        tick
        support writes crm/account/acme health=bad@0 -> refused paused
        pass 10m
        tick
        support writes crm/account/acme health=bad@0 -> committed
        ",
    );
}

/// Deadlines of people run while agents are stopped.
#[test]
fn what_people_owe_falls_due_while_agents_are_stopped() {
    check(
        "
        sales escalates 'the input' because 'the why' -> escalated
        dana halts 'a holiday' -> recorded
        pass 25h
        tick
        tick
        alerts overdue x1, overdue x1
        ",
    );
}

#[test]
fn a_freeze_and_a_pause_end_by_their_time() {
    check(
        "
        dana freezes crm/account/acme 'audit' for 1h -> recorded
        dana pauses sales 'too many mails' for 2h -> recorded
        dana freezes crm/account/b 'audit' for none -> refused wrong-state
        support writes crm/account/acme health=good@0 -> refused frozen
        sales writes crm/account/c plan=pro@0 -> refused paused
        pass 1h
        tick
        support writes crm/account/acme health=good@0 -> committed
        sales writes crm/account/c plan=pro@0 -> refused paused
        dana unfreezes crm/account/acme 'late' -> refused wrong-state
        pass 1h
        tick
        sales writes crm/account/c plan=pro@0 -> committed
        dana pauses sales 'again' for 2h -> recorded
        dana resumes sales 'sooner' -> recorded
        pass 3h
        tick
        sales writes crm/account/c plan=solo@1 -> committed
        ",
    );
}

/// An accepted proposal whose write waits for a person ends as that person answers, and its author learns of it.
#[test]
fn an_accepted_proposal_ends_as_the_person_says() {
    let waits = "
        support writes crm/account/acme health=good@0 -> committed
        dana sets crm/account/acme#health bad@1 'I know' -> committed
        sales writes crm/account/acme health=fine@2 -> proposed not-owner
        support accepts 1 -> proposed held
        works support 1
        ";
    let mut world = check(waits);
    play(
        &mut world,
        "
        dana approves #1 -> recorded
        = crm/account/acme#health fine v3
        works sales 1, support 1
        support declines 1 'too late' -> refused wrong-state
        alerts not-owner x1
        dana undoes #1 -> recorded
        = crm/account/acme#health bad v4
        works support 1
        dana rejects #1 'not before Friday' -> recorded
        works sales 1, support 1
        ",
    );
    let told = world.state.board.works.values().find(|work| work.agent.as_str() == "sales").unwrap();
    assert_eq!(&*told.title, "dana declined your proposal: not before Friday");
    let mut world = check(waits);
    play(&mut world, "support declines 1 'no after all' -> recorded \n items \n works sales 1");
    let mut world = check(waits);
    play(
        &mut world,
        "
        dana frees crm/account/acme#health 'settled' -> recorded
        support accepts 1 -> committed
        items
        works sales 1
        ",
    );
}

/// After an undo the value of before is there again, and what waits on it can be approved; after a yes it is not.
#[test]
fn what_waits_on_a_value_that_is_back_can_be_approved() {
    let mut world = check(
        "
        support writes crm/account/acme health=good@0 -> committed
        dana sets crm/account/acme#health bad@1 'I know' -> committed
        support writes crm/account/acme health=fine@2 -> proposed held
        support writes crm/account/acme health=fair@2 -> proposed held
        dana approves #1 -> recorded
        dana approves #2 -> refused stale
        dana undoes #1 -> recorded
        = crm/account/acme#health bad v4
        support writes crm/account/acme health=fine@4 -> proposed held
        items #1 #2
        dana approves #1 -> recorded
        = crm/account/acme#health fine v5
        ",
    );
    let reply = super::script::run(&mut world, "dana approves #2");
    assert_eq!(reply.outcome.as_str(), "refused");
    assert!(reply.next.unwrap().starts_with("reject it with a note"));
    play(&mut world, "dana rejects #2 'fine is right' -> recorded");
    check(
        "
        sales creates crm/deal/7 note=trial name=a -> committed
        dana sets crm/deal/7#note open@1 'signed' -> committed
        sales archives crm/deal/7 @2 -> proposed held
        sales writes crm/deal/7 note=won@1 name=b@1 -> stale stale
        sales writes crm/deal/7 note=won@2 name=b@1 -> proposed held
        dana approves #2 -> recorded
        dana approves #1 -> refused stale
        dana undoes #2 -> recorded
        = crm/deal/7#note open v4
        dana approves #1 -> recorded
        = crm/deal/7 gone
        ",
    );
    check(
        "
        support writes crm/account/acme health=good@0 -> committed
        dana sets crm/account/acme#health bad@1 'I know' -> committed
        sales writes crm/account/acme health=fine@2 -> proposed not-owner
        support accepts 1 -> proposed held
        dana approves #1 -> recorded
        dana undoes #1 -> recorded
        dana frees crm/account/acme#health 'settled' -> recorded
        support accepts 4 -> committed
        = crm/account/acme#health fine v5
        items
        ",
    );
}

/// Whoever sets it for none leaves no earlier hand in place, which held another value.
#[test]
fn what_is_set_for_none_ends_an_earlier_hand() {
    for last in ["sets crm/account/acme#health fair@2", "reverts crm/account/acme#health good@2 1"] {
        let world = check(&format!(
            "
            support writes crm/account/acme health=good@0 -> committed
            sam sets crm/account/acme#health bad@1 'I know' for 3h -> committed
            dana {last} 'I know better' for none -> committed
            support writes crm/account/acme health=worse@3 -> committed
            dana frees crm/account/acme#health 'which' -> refused wrong-state
            pass 4h
            tick
            "
        ));
        assert!(world.state.board.held.is_empty());
    }
}
