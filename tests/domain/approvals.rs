//! Approvals, RULES §10.3: what held when it was asked for must hold when it goes out.

use super::outputs::team;
use super::script::{check_on, play};
use super::world::{World, principal};
use deeds::domain::decide::{Supposed, preview};
use deeds::domain::ids::ItemNo;
use deeds::domain::things::{ItemAnswer, WorkKind};

fn last_out(world: &World) -> Option<(String, String)> {
    let out = |deed: &deeds::domain::deed::Deed| match &deed.body {
        deeds::domain::deed::Body::OutputPublished(out) => Some((deed.actor.to_string(), out.body.plain())),
        _ => None,
    };
    world.deeds.iter().rev().find_map(out)
}

fn held(script: &str) -> World {
    let mut world = check_on(
        &team(),
        "
        support writes crm/account/acme health=good@0 -> committed
        sales publishes press 'we won acme' thread=t on crm/account/acme dep=crm/account/acme#health@1 -> escalated needs-approval
        ",
    );
    play(&mut world, script);
    world
}

#[test]
fn a_person_lets_it_out_as_it_is() {
    let world = held(
        "
        dana approves #1 -> recorded
        items
        works sales 1
        dana undoes #1 -> refused used-since
        ",
    );
    assert_eq!(last_out(&world).unwrap(), ("sales".to_owned(), "we won acme".to_owned()));
    let work = world.state.board.works.values().next().unwrap();
    let WorkKind::Decision { answer, reply, result, .. } = &work.kind else { panic!("{work:?}") };
    assert_eq!((&**answer, reply.as_ref().unwrap().plain().as_str()), ("approve", "we won acme"));
    let out = world.deeds.iter().find(|deed| deed.seq == result.as_ref().unwrap().deed).unwrap();
    let opened = world.deeds.iter().find(|deed| deed.action == "open item").unwrap();
    assert_eq!((out.cause, out.refs.item.map(|no| no.0)), (Some(opened.seq), Some(1)));
}

#[test]
fn or_with_other_words() {
    let world = held("dana approves #1 'acme is our customer' -> recorded");
    assert_eq!(last_out(&world).unwrap().1, "acme is our customer");
    let work = world.state.board.works.values().next().unwrap();
    assert!(work.title.contains("approve edited"), "{}", work.title);
    let WorkKind::Decision { reply, .. } = &work.kind else { panic!("{work:?}") };
    assert_eq!(reply.as_ref().unwrap().plain(), "acme is our customer");
}

#[test]
fn or_not_at_all() {
    let mut world = held(
        "
        dana rejects #1 '' -> refused wrong-state
        dana rejects #1 'not signed yet' -> recorded
        works sales 1
        ",
    );
    assert_eq!(last_out(&world), None);
    play(
        &mut world,
        "
        dana undoes #1 -> recorded
        items #1
        works
        dana rejects #1 'not signed yet' -> recorded
        sales completes 2 -> recorded
        dana undoes #1 -> refused used-since
        ",
    );
}

/// Only named reviewers, never agents, and only with the answers of an approval.
#[test]
fn who_answers_and_how() {
    held(
        "
        sales approves #1 -> refused agent-token
        eve approves #1 -> refused not-named
        dana handles #1 'I sent it' -> refused wrong-state
        dana drops #1 'no' -> refused wrong-state
        dana expands #1 sales outputs fax/all -> refused wrong-state
        sales escalates 'what' because 'why' -> escalated
        dana approves #2 -> refused wrong-state
        dana rejects #2 'no' -> refused wrong-state
        items #1 #2
        ",
    );
}

#[test]
fn it_is_checked_again_when_it_is_approved() {
    let world = held(
        "
        support writes crm/account/acme health='at risk'@1 -> committed
        dana approves #1 -> refused stale
        dana approves #1 'other words' -> refused stale
        items #1
        dana rejects #1 'they are at risk' -> recorded
        ",
    );
    assert_eq!(last_out(&world), None);
    held(
        "
        dana freezes crm/account/acme 'audit' -> recorded
        dana approves #1 -> refused frozen
        dana pauses sales 'too loud' -> recorded
        dana approves #1 -> refused paused
        items #1
        ",
    );
    let map = team().replace("actions = [\"send_*\"]", "actions = [\"publish\"]");
    check_on(
        &map,
        "
        sales publishes press 'we won acme' on crm/account/acme -> escalated needs-approval
        support writes support/ticket/acme status=open@0 -> committed
        dana approves #1 -> refused deferred
        support writes support/ticket/acme status=closed@1 -> committed
        dana approves #1 -> recorded
        ",
    );
}

/// Another has published on the thread since: the reviewer sees that first, and answers again.
#[test]
fn a_publication_meanwhile_is_shown_first() {
    let map = team().replace("thread_window = \"1h\"", "needs_approval = true\nthread_window = \"1s\"");
    let world = check_on(
        &map,
        "
        support publishes slack/billing 'due' thread=inv-7 -> escalated needs-approval
        dana approves #1 -> recorded
        sales publishes slack/billing 'paid' thread=inv-7 -> escalated needs-approval
        support publishes slack/billing 'late' thread=inv-7 -> escalated needs-approval
        dana approves #3 -> recorded
        dana approves #2 -> refused changed
        items #2
        dana approves #2 -> recorded
        items
        ",
    );
    assert_eq!(last_out(&world).unwrap(), ("sales".to_owned(), "paid".to_owned()));
    let revised = world.deeds.iter().filter(|deed| deed.action == "revise item").count();
    assert_eq!(revised, 1);
}

#[test]
fn what_one_agent_sends_is_not_one_case() {
    let mut world = check_on(
        &team(),
        "
        support writes crm/account/a health=good@0 -> committed
        sales publishes press 'one' -> escalated needs-approval
        sales publishes press 'two' dep=crm/account/a#health@1 -> escalated needs-approval
        sales publishes press 'three' -> escalated needs-approval
        dana approves #1 'other words' with #2,#3 -> refused wrong-state
        dana approves #1 with #2,#3 -> refused wrong-state
        support writes crm/account/a health=bad@1 -> committed
        dana approves #2 -> refused stale
        items #1 #2 #3
        dana approves #3 -> recorded
        items #1 #2
        works sales 1
        ",
    );
    assert_eq!(last_out(&world).unwrap().1, "three");
    play(&mut world, "dana rejects #2 'old' -> recorded");
}

/// The preview looks at versions too.
#[test]
fn a_stale_approval_is_foreseen() {
    let world = held("support writes crm/account/acme health='at risk'@1 -> committed");
    let item = &world.state.board.items[&ItemNo(1)];
    let answer = ItemAnswer::Approve { note: None };
    let supposed = Supposed { by: &principal("dana"), item, answer: &answer, include: &[] };
    let shown = preview(&world.state, &supposed, world.now);
    assert_eq!(shown.code.unwrap().as_str(), "stale");
    assert!(shown.obstacle.unwrap().contains("crm/account/acme#health v1, now v2"));
    assert_eq!(shown.then, ["nothing changes"]);
}
