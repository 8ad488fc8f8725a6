//! Observe mode: everything goes through, and the verdict that it would have had is kept, with its alert.

use super::script::{check_on, run};
use super::world::{TEAM, World, watched};

#[test]
fn everything_goes_through_with_its_verdict() {
    let world = check_on(
        &watched(),
        "
        support writes crm/account/acme health=good@0 -> committed
        sales writes crm/account/acme health=better@1 -> committed (proposed) not-owner
        sales writes crm/account/acme health=best@1 -> committed (proposed) not-owner
        support writes crm/account/acme health=bad@1 -> committed (stale) stale
        sales writes crm/deal/7 stage=signed@0 -> committed
        sales writes crm/deal/7 stage=trial@1 -> committed (refused) backward
        sales writes nowhere/x y=1@0 -> committed (escalated) unowned
        support writes support/ticket/8 status=open -> committed (refused) missing-version
        sales acts mail/support send_offer on crm/account/acme -> allowed (refused) not-owner
        sales acts mail/sales send_offer on crm/account/acme dep=crm/deal/7#stage@1 -> allowed (stale) stale
        support writes support/ticket/acme status=open@0 -> committed
        sales acts mail/sales send_offer on crm/account/acme -> allowed (deferred) deferred
        = crm/account/acme#health bad v4
        = crm/deal/7#stage trial v2
        items
        works
        ",
    );
    let kinds: Vec<&str> = world.state.board.alerts.values().map(|alert| alert.kind.as_str()).collect();
    assert!(
        kinds.contains(&"not-owner") && kinds.contains(&"stale-write") && kinds.contains(&"stale-read"),
        "{kinds:?}"
    );
}

/// The next step is what is so: nothing waits for what was done, nor for what only its owner does.
#[test]
fn the_next_step_is_what_is_so() {
    let act = "sales acts mail/support send_offer on crm/account/acme";
    let write = "sales writes crm/account/acme health=good@0";
    let mut world = World::new(&watched());
    let next = |world: &mut World, line: &str| run(world, line).next.unwrap().to_string();
    let done = "it was done, for the workspace only observes; while it enforces this would be";
    let told = next(&mut world, act);
    assert!(told.starts_with(&format!("{done} refused, and then: nothing waits")), "{told}");
    let told = next(&mut world, write);
    assert!(told.starts_with(&format!("{done} proposed, and then: a change waits as a proposal")), "{told}");
    let mut world = World::new(TEAM);
    let told = next(&mut world, act);
    assert!(told.starts_with("nothing waits"), "{told}");
    let told = next(&mut world, write);
    assert!(told.starts_with("a change waits as a proposal"), "{told}");
    assert_eq!(run(&mut world, "sales writes crm/deal/7 stage=trial@0").next, None);
}

/// Conflicts are shown, but nobody is called.
#[test]
fn nothing_goes_to_the_inbox() {
    check_on(
        &watched(),
        "
        sourcing writes crm/contact/7 status=sourced@0 -> committed
        sales writes crm/deal/7 stage=trial@0 -> committed
        alerts contradiction x1
        items
        ",
    );
}

/// Identity, pause and freeze hold in both modes.
#[test]
fn people_are_obeyed_all_the_same() {
    check_on(
        &watched(),
        "
        sales writes crm/account/acme plan=team@0 -> committed
        dana freezes crm/account/acme 'under audit' -> recorded
        sales writes crm/account/acme plan=solo@1 -> refused frozen
        dana pauses sales 'it sends too much' -> recorded
        sales writes crm/account/other plan=solo@0 -> refused paused
        dana claims #1 -> refused not-found
        wanda writes crm/account/other plan=solo@0 -> refused not-allowed
        ",
    );
}
