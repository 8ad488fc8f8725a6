//! Every text and every list that a caller sends has a bound; what is kept of a refusal has one too.

use std::sync::Arc;

use serde_json::json;

use super::script::{check, play, run};
use super::world::{TEAM, World};
use deeds::domain::command::{Command, EVIDENCE, NAME_BYTES, TEXT_BYTES};
use deeds::domain::ids::{ActNo, Seq};
use deeds::domain::state::{KEPT, Recent, Tail};
use deeds::domain::things::OpenAct;
use deeds::domain::time::Span;

fn asked(world: &mut World, who: &str, json: serde_json::Value) -> String {
    let command: Command = serde_json::from_value(json).unwrap();
    world.ask(who, command).code.map(|code| code.to_string()).unwrap_or_default()
}

#[test]
fn texts_are_bounded() {
    let mut world = check(
        "
        support writes crm/account/acme health=good@0 -> committed
        support writes crm/account/acme health=bad@0 -> stale stale
        sales writes crm/account/acme health=better@1 -> proposed not-owner
        sales acts mail/sales send_hello on crm/deal/7 -> allowed
        ",
    );
    let long = "x".repeat(TEXT_BYTES + 1);
    let name = "ü".repeat(NAME_BYTES);
    let some: Vec<u64> = (1..=EVIDENCE as u64 + 1).collect();
    let act = |target: &str, action: &str, reason: &str| json!({"do": "act", "target": target, "subject": "crm/deal/7", "action": action, "reason": reason});
    for (who, json) in [
        ("sales", act(&name, "send_hello", "")),
        ("sales", act("mail/sales", &name, "")),
        ("sales", act("mail/sales", "send_hello", &long)),
        ("sales", json!({"do": "act-end", "act": 1, "done": true, "note": long})),
        ("support", json!({"do": "work", "work": 1, "step": "accept", "note": long})),
        ("support", json!({"do": "work", "work": 1, "step": "decline", "note": long})),
        ("dana", json!({"do": "alert", "alert": 1, "step": "resolve", "note": long})),
        ("dana", json!({"do": "alert", "alert": 1, "step": "acknowledge", "note": long})),
        ("dana", json!({"do": "override", "step": "freeze", "entity": "a/b", "reason": long})),
        ("sales", json!({"do": "escalate", "input": "x", "why": "y", "evidence": some})),
    ] {
        let told = json.to_string();
        assert_eq!(asked(&mut world, who, json), "over-bound", "{}", &told[..80]);
    }
    play(
        &mut world,
        "
        dana pauses sales 'it shouts' -> recorded
        = crm/account/acme#health good v1
        alerts stale-write x1, not-owner x1
        works support 1
        ",
    );
    assert_eq!(asked(&mut world, "sales", act(&name, &name, "")), "paused");
    world.verify();
    assert!(
        world.deeds.iter().all(|deed| format!("{:?}", deed.body).len() < 4096 && deed.action.len() <= 256)
    );
    assert_eq!(world.state.board.acts.len(), 1);
}

#[test]
fn open_acts_are_bounded() {
    let mut world = World::new(TEAM);
    run(&mut world, "sales acts mail/sales send_hello on crm/deal/7");
    let act = world.state.board.acts[&ActNo(1)].clone();
    for no in 2..=100_000 {
        let act = OpenAct { no: ActNo(no), ..(*act).clone() };
        world.state.board.acts.insert(ActNo(no), Arc::new(act));
    }
    let reply = run(&mut world, "sales acts mail/sales send_hello on crm/deal/7");
    assert_eq!(reply.code.unwrap().as_str(), "over-bound", "{reply:?}");
    run(&mut world, "sales done 1");
    let reply = run(&mut world, "sales acts mail/sales send_hello on crm/deal/7");
    assert_eq!(reply.outcome.as_str(), "allowed");
}

/// The targets used last are remembered, so that an undo knows of them; the others go.
#[test]
fn targets_are_bounded() {
    let mut world = World::new(TEAM);
    play(&mut world, "sales acts slack/deals post_win on crm/deal/7 -> escalated unowned");
    run(&mut world, "dana expands #1 sales outputs slack/deals");
    run(&mut world, "sales done 1");
    let from = world.state.head().0;
    for no in 1..=KEPT as u64 {
        let deed = Seq(from + no);
        world.state.board.targets.set(Arc::from(format!("crm/deal/{no}")), deed, deed);
    }
    run(&mut world, "sales acts crm/deal/new sign on crm/deal/7");
    let targets = &world.state.board.targets;
    let kept = targets.iter().count();
    assert!((KEPT / 2..=KEPT).contains(&kept), "{kept}");
    assert!(targets.get("slack/deals").is_none() && targets.get("crm/deal/10000").is_some());
    // What goes out on an output is remembered there as well, and may be forgotten.
    let said = run(&mut world, "dana undoes #1").message.unwrap();
    assert!(said.contains("has published on slack/deals since"), "{said}");
    world.state.board.threads = Recent::default();
    let reply = run(&mut world, "dana undoes #1");
    assert_eq!(reply.code.unwrap().as_str(), "used-since");
    assert!(reply.message.unwrap().contains("than is remembered"));
}

/// What decisions rest on goes by time: ten thousand others make nobody forget whose turn it is, what was concluded, or
/// that a task is done.
#[test]
fn nothing_that_is_decided_upon_goes_by_count() {
    let output = "[[output]]\nname = \"news/site\"\norder = [\"sales\", \"support\"]\ninternal = true\n";
    let map = format!("{TEAM}{output}")
        .replace("[\"mail/sales\"]", "[\"mail/sales\", \"news/site\"]")
        .replace("[\"mail/support\"]", "[\"mail/support\", \"news/site\"]");
    let mut world = World::new(&map);
    play(
        &mut world,
        r#"
        sales publishes news/site 'one' thread=t -> committed
        sales sends '{"do": "conclude", "subject": "crm/account/acme", "question": "At risk?", "answer": true}' -> committed
        sales hands draft-7 to support -> recorded
        support completes 1 -> recorded
        "#,
    );
    world.state.board.threads = Recent::default();
    world.state.board.conclusions = Recent::default();
    *world.state.board.ended_tasks = Tail::default();
    let code = |world: &mut World, step: &str| run(world, step).code.map(|code| code.to_string());
    let published = run(&mut world, "support publishes news/site 'two' thread=t");
    assert_eq!(published.outcome.as_str(), "committed", "it is the one after the last: {published:?}");
    let no = r#"support sends '{"do": "conclude", "subject": "crm/account/acme", "question": "at  risk?", "answer": false}'"#;
    assert_eq!(run(&mut world, no).alerts.len(), 1, "it differs from what was concluded");
    assert_eq!(code(&mut world, "sales hands draft-7 to support"), Some("wrong-state".to_owned()));
    world.pass(Span::from_days(8));
    assert_eq!(code(&mut world, "sales hands draft-7 to support"), None, "its time is over");
}
