//! What agents conclude, and what comes of it when two differ.

use super::script::{check, check_on, play};
use super::world::{TEAM, World, watched};
use deeds::domain::code::Code;
use deeds::domain::deed::Body;
use deeds::domain::ids::Actor;
use deeds::domain::things::WorkKind;
use deeds::domain::value::Value;

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
        "#
        ),
    );
}

/// Case and white space make no other answer, in every text of it.
#[test]
fn answers_are_compared_folded() {
    check(
        r#"
        sales concludes crm/deal/7 refund 'approve' -> committed
        support concludes crm/deal/7 refund 'Approve ' -> committed
        product concludes crm/deal/7 refund '  APPROVE' -> committed
        alerts
        sales concludes crm/deal/8 plan '{"pay":["In  two"]}' -> committed
        support concludes crm/deal/8 plan '{"pay":["in two "]}' -> committed
        alerts
        support concludes crm/deal/8 plan '{"pay":["in three"]}' -> committed
        alerts contradiction x1
        "#,
    );
}

const DIFFER: &str = r"
    sales concludes crm/deal/7 'refund?' approve because 'policy 4' -> committed
    support concludes crm/deal/7 'refund?' reject -> committed
    alerts contradiction x1
    items #1
";

#[test]
fn a_ruling_tells_both_closes_the_alert_and_stands() {
    let mut world = check(DIFFER);
    play(
        &mut world,
        r"
        dana rules #1 nobody -> refused wrong-state
        sam rules #1 support -> refused not-named
        dana rules #1 support 'the contract says so' -> recorded
        items
        alerts
        works sales 2, support 1
        sales concludes crm/deal/7 'Refund?' approve -> refused ruled
        product concludes crm/deal/7 'refund?' ' Reject' -> committed
        support concludes crm/deal/7 'refund?' 'in part' -> refused ruled
        alerts
        ",
    );
    let works: Vec<_> = world.state.board.works.values().cloned().collect();
    for work in works.iter().filter(|work| work.kind.word() != "notice") {
        let WorkKind::Ruling { question, right, value, note, .. } = &work.kind else { panic!("{work:?}") };
        assert_eq!(question.as_deref(), Some("refund?"));
        assert_eq!(right.as_ref().map(Actor::name), Some("support"));
        assert_eq!(value.as_ref().map(Value::plain).as_deref(), Some("reject"));
        assert_eq!(note.as_deref(), Some("the contract says so"));
        assert!(work.fetch, "it must be fetched");
    }
    let ruling =
        world.deeds.iter().find(|deed| matches!(&deed.body, Body::ConclusionDrawn(one) if one.ruling));
    assert_eq!(ruling.unwrap().actor.name(), "dana");
    let refused = world.deeds.iter().find(|deed| deed.code == Some(Code::Ruled)).unwrap();
    let why = refused.reason.as_deref().unwrap();
    assert!(
        why.starts_with("dana ruled that it is reject") && why.ends_with("the contract says so"),
        "{why}"
    );
    world.verify();
}

/// Who said the same is no other side, and a number is one however it is written.
#[test]
fn what_says_the_same_is_one_answer() {
    let world = check(
        "
        sales concludes crm/deal/7 'refund?' approve -> committed
        product concludes crm/deal/7 'refund?' ' Approve ' -> committed
        support concludes crm/deal/7 'refund?' reject -> committed
        alerts contradiction x1
        sales concludes crm/deal/8 'how many?' 1 -> committed
        support concludes crm/deal/8 'how many?' 1.0 -> committed
        alerts contradiction x1
        ",
    );
    for work in world.state.board.works.values() {
        assert!(work.title.starts_with("support (deed ") && !work.title.contains(" and "), "{}", work.title);
    }
    assert_eq!(world.state.board.works.len(), 2);
}

/// It lasts as long as conclusions do, and however many speak on the question.
#[test]
fn a_ruling_lasts_and_a_third_value_is_one() {
    let mut world = check(DIFFER);
    play(&mut world, "dana settles #1 '\"half\"' -> recorded\n works sales 2, support 1");
    for at in 0..12 {
        let who = ["sales", "support", "product", "sourcing"][at % 4];
        play(&mut world, &format!("pass 6h\n {who} concludes crm/deal/7 'refund?' half -> committed"));
    }
    play(&mut world, "pass 6d\n sales concludes crm/deal/7 'refund?' approve -> refused ruled\n alerts");
}

#[test]
fn a_ruling_can_be_taken_back_while_nobody_went_by_it() {
    let mut world = check(DIFFER);
    play(
        &mut world,
        "
        dana rules #1 sales -> recorded
        dana undoes #1 -> recorded
        items #1
        alerts contradiction x1
        works sales 1
        support concludes crm/deal/7 'refund?' reject -> committed
        alerts contradiction x2
        dana rules #1 sales -> recorded
        sales concludes crm/deal/7 'refund?' approve -> committed
        dana undoes #1 -> refused used-since
        ",
    );
}

#[test]
fn people_conclude_and_theirs_decides() {
    let mut world = check(DIFFER);
    play(
        &mut world,
        "
        sam concludes crm/deal/7 'refund?' half -> refused not-named
        dana concludes crm/deal/7 'refund?' half because 'we agreed on it' -> committed
        items
        alerts
        works sales 2, support 1
        sales concludes crm/deal/7 'refund?' approve -> refused ruled
        dana concludes crm/deal/9 'call them' yes -> committed
        works sales 2, support 1
        support concludes crm/deal/9 'call them' no -> refused ruled
        sam concludes crm/deal/9 'call them' no -> committed
        support concludes crm/deal/9 'call them' no -> committed
        dana concludes crm/deal/9 'call them' yes -> committed
        works sales 2, support 2
        ",
    );
    check_on(
        &watched(),
        "
        dana concludes crm/deal/9 'call them' yes -> committed
        support concludes crm/deal/9 'call them' no -> committed (refused) ruled
        alerts contradiction x1
        dana concludes crm/deal/9 'call them' no -> committed
        alerts
        ",
    );
    check(
        "
        support writes crm/account/acme health=good@0 -> committed
        dana sends '{\"do\":\"conclude\",\"subject\":\"crm/account/acme\",\"question\":\"x\",\"answer\":1,\"depends_on\":{\"crm/account/acme#health\":0}}' -> stale stale
        ",
    );
}
