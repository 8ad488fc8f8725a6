//! Fan-outs: branches with attempts of their own, and one join with failures as values.

use super::script::{check, play, run};
use super::world::World;
use deeds::domain::things::{Branch, WorkKind};

/// What the starter was told, once.
fn join(world: &World) -> (bool, Vec<Branch>) {
    let joins: Vec<_> = world
        .state
        .board
        .works
        .values()
        .filter_map(|work| match &work.kind {
            WorkKind::Join { met, branches, .. } => Some((*met, branches.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(joins.len(), 1, "{joins:#?}");
    joins[0].clone()
}

/// One of three parallel subtasks fails, and takes nothing along.
#[test]
fn one_failed_branch_is_a_value() {
    let mut world = check(
        "
        sales fans support,product,sourcing within 1h needed 2 tries 1 on crm/account/acme -> recorded
        works product 1, sourcing 1, support 1
        support completes 1 -> refused wrong-state
        support takes 1 -> recorded
        support completes 1 'found it' '{\"price\": 7}' -> recorded
        product takes -> recorded
        product fails 2 'no such page' -> failed out-of-attempts
        works sourcing 1
        sourcing takes -> recorded
        sourcing completes 3 -> recorded
        items
        ",
    );
    let (met, branches) = join(&world);
    assert!(met);
    let told: Vec<(bool, u32)> =
        branches.iter().map(|b| b.end.as_ref().map_or((false, 0), |e| (e.ok, e.attempts))).collect();
    assert_eq!(told, [(true, 1), (false, 1), (true, 1)]);
    assert_eq!(branches[0].end.as_ref().unwrap().result.as_ref().unwrap().as_json(), "{\"price\":7}");
    assert_eq!(branches[1].end.as_ref().unwrap().note.as_deref(), Some("no such page"));
    play(&mut world, "sales completes 4 -> recorded\npass 2h\ntick\nworks");
}

/// A branch is tried again while it has attempts, and lapses count.
#[test]
fn a_branch_has_attempts_of_its_own() {
    let world = check(
        "
        sales fans support,product within 1h tries 2 -> recorded
        support takes -> recorded
        support fails 1 'timeout' -> failed
        support takes -> recorded
        pass 6m
        tick
        works product 1
        product takes for 1m -> recorded
        product returns 2 'later' -> recorded
        product takes -> recorded
        product completes 2 -> recorded
        ",
    );
    let (met, branches) = join(&world);
    assert!(!met, "both were needed");
    assert_eq!(branches[0].end.as_ref().map(|end| (end.ok, end.attempts)), Some((false, 2)));
    assert_eq!(branches[1].end.as_ref().map(|end| (end.ok, end.attempts)), Some((true, 2)));
}

/// The deadline joins with what is there; what comes later finds nothing to end.
#[test]
fn the_deadline_joins_once() {
    let world = check(
        "
        sales fans support,product within 10m needed 1 -> recorded
        support takes -> recorded
        support completes 1 -> recorded
        product takes for 1h -> recorded
        pass 10m
        tick
        works sales 1
        product completes 2 -> refused wrong-state
        pass 2h
        tick
        works sales 1
        ",
    );
    let (met, branches) = join(&world);
    assert!(met && branches[1].end.is_none(), "{branches:#?}");
}

#[test]
fn bounds_are_named() {
    let many = vec!["support"; 65].join(",");
    let mut world = check(
        "
        sales fans support,nobody within 1h -> refused not-found
        sales fans support within 0s -> refused over-bound
        sales fans support within 31d -> refused over-bound
        sales fans support within 1h needed 2 -> refused over-bound
        sales fans support within 1h needed 0 -> refused over-bound
        sales fans support within 1h tries 101 -> refused over-bound
        works
        ",
    );
    let reply = run(&mut world, &format!("sales fans {many} within 1h"));
    assert_eq!(reply.message.as_deref(), Some("65 branches; use 1 to 64"));
    play(&mut world, "sales fans support within 1h -> recorded\nsupport takes -> recorded");
    let big = "x".repeat(9000);
    let reply = run(&mut world, &format!("support completes 1 'done' {big}"));
    assert!(reply.message.unwrap().contains("at most 8192"));
    play(&mut world, "support completes 1 -> recorded");
}
