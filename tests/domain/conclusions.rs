//! What agents conclude, and what comes of it when two differ.

use super::script::{check, check_on, play};
use super::world::{TEAM, World, watched};
use deeds::domain::ids::Actor;

#[test]
fn two_that_differ_are_a_contradiction() {
    let mut world = check(
        r#"
        sales sends '{"do":"conclude","subject":"crm/deal/7","question":"is it paid","answer":true,"reason":"the bank says so"}' -> committed
        sales sends '{"do":"conclude","subject":"crm/deal/7","question":"is it paid","answer":false}' -> committed
        alerts
        support sends '{"do":"conclude","subject":"crm/deal/7","question":"is it paid","answer":false}' -> committed
        support sends '{"do":"conclude","subject":"crm/deal/8","question":"is it paid","answer":true}' -> committed
        alerts
        support sends '{"do":"conclude","subject":"crm/deal/7","question":"Is it  PAID","answer":true}' -> committed
        alerts contradiction x1
        items #1
        product sends '{"do":"conclude","subject":"crm/deal/7","question":"is it paid","answer":"in part"}' -> committed
        alerts contradiction x2
        items #1
        "#,
    );
    let alert = world.state.board.alerts.values().next().unwrap().clone();
    let who: Vec<&str> = alert.who.iter().map(Actor::name).collect();
    assert_eq!(who, ["sales", "support", "product"]);
    assert_eq!(&*alert.title, "Is it PAID, crm/deal/7: sales says false, and support says true");
    assert_eq!(alert.sides.iter().filter(|side| side.value.is_some()).count(), alert.sides.len());
    play(&mut world, "dana handles #1 'the bank is right' -> recorded\n alerts\n items");
}

#[test]
fn a_conclusion_from_old_versions_is_stale() {
    let stale = r#"sends '{"do":"conclude","subject":"crm/account/acme","question":"healthy","answer":true,"depends_on":{"crm/account/acme#health":1}}'"#;
    let before = "
        support writes crm/account/acme health=good@0 -> committed
        support writes crm/account/acme health=bad@1 -> committed";
    let world = check(&format!("{before}\n sales {stale} -> stale stale\n alerts stale-read x1"));
    assert_eq!(world.state.board.conclusions.iter().count(), 0, "it does not stand");
    let world = check_on(
        &watched(),
        &format!("{before}\n sales {stale} -> committed (stale) stale\n alerts stale-read x1\n items"),
    );
    assert_eq!(world.state.board.conclusions.iter().count(), 1);
    check(
        r#"
        sales creates crm/deal/7 stage=trial -> committed
        sales deletes crm/deal/7 @1 -> committed
        sales sends '{"do":"conclude","subject":"crm/deal/7","question":"paid","answer":true}' -> stale tombstone
        "#,
    );
}

#[test]
fn conclusions_have_their_bounds_and_respect_what_is_hidden() {
    let mut world = World::new(TEAM);
    let long = "q".repeat(257);
    play(
        &mut world,
        &format!(
            r#"
        sales sends '{{"do":"conclude","subject":"hr/person/7","question":"stays","answer":true}}' -> refused hidden
        sales sends '{{"do":"conclude","subject":"crm/deal/7","question":" ","answer":true}}' -> refused over-bound
        sales sends '{{"do":"conclude","subject":"crm/deal/7","question":"{long}","answer":true}}' -> refused over-bound
        sales sends '{{"do":"conclude","subject":"crm/deal/7","question":"x","answer":true,"cause":77}}' -> refused not-found
        dana sends '{{"do":"conclude","subject":"crm/deal/7","question":"x","answer":true}}' -> refused not-allowed
        "#
        ),
    );
}
