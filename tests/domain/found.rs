//! Failures that random histories, and looking for what they could not see, found once (`tests/model.rs`): each as the
//! shortest script that shows it.

use super::script::check;

/// Between the end of the last attempt and the tick that says so, the work was taken once more than it may be tried.
#[test]
fn work_out_of_attempts_is_not_taken_before_its_timer_says_so() {
    let world = check(
        "support writes crm/account/acme plan='gold'@0 -> proposed not-owner
         sales sends '{\"do\":\"take\",\"visibility\":\"1m\"}' -> recorded
         pass 2m
         sales sends '{\"do\":\"take\",\"visibility\":\"1m\"}' -> recorded
         pass 2m
         sales sends '{\"do\":\"take\",\"visibility\":\"1m\"}' -> recorded
         pass 2m
         sales sends '{\"do\":\"take\",\"work\":1}' -> refused out-of-attempts
         tick
         items #1",
    );
    assert!(world.state.board.works.is_empty());
}

/// The same with a task: it was accepted once more than it may be tried.
#[test]
fn a_task_out_of_attempts_is_not_accepted_before_its_timer_says_so() {
    check(
        r#"sales sends '{"do":"handoff","to":"support","task":"draft","work_product":{"result":1,"status":"x"},"context":1,"constraints":[],"attempt":1}' -> recorded
         support sends '{"do":"take","visibility":"1m"}' -> recorded
         pass 2m
         support sends '{"do":"take","visibility":"1m"}' -> recorded
         pass 2m
         support sends '{"do":"take","visibility":"1m"}' -> recorded
         pass 2m
         support accepts 1 -> refused out-of-attempts
         tick
         items #1"#,
    );
}

/// A deed that follows a change of the map in the same decision named the map from before.
#[test]
fn every_deed_names_the_map_that_is_in_force_at_its_place() {
    let world = check(
        "stranger writes nowhere/x plan='gold'@0 -> escalated unowned
         dana expands #1 stranger writes nowhere/*#plan -> recorded
         dana undoes #1 -> recorded
         map v3",
    );
    let mut in_force = 0;
    for deed in &world.deeds {
        assert_eq!(deed.map_version.0, in_force, "{deed:?}");
        in_force = deed.body.map_version().map_or(in_force, |version| version.0);
    }
}

/// A proposal kept its author's fencing token, which is void in its owner's hands: it could never be accepted.
#[test]
fn a_proposal_leaves_the_token_of_its_author_behind() {
    check(
        "sales leases crm/account/acme#plan 10m -> allowed
         sales writes crm/account/acme plan='gold'@0 health='good'@0 lease=1 -> proposed not-owner
         support accepts 1 -> committed
         = crm/account/acme#health 'good' v1",
    );
}
