//! The tools at work, by each way and in each protocol, and how they are listed.

use serde_json::{Value as Json, json};

use crate::client::{Agent, KINDS, Kind};
use crate::support::Server;
use deeds::mcp::{TOOLS, listed};

/// A record is read and changed; a second write on the same version is stale; another's field waits for its owner, who takes
/// the work and makes the change.
#[tokio::test(flavor = "multi_thread")]
async fn agents_read_write_propose_and_accept() {
    let server = Server::start().await;
    let (intake, sales) = (server.agent("intake").await, server.agent("sales").await);
    for (at, kind) in KINDS.into_iter().enumerate() {
        let entity = format!("crm/contact/c{at}");
        let (owner, other) = (Agent::new(&intake, kind).await, Agent::new(&sales, kind).await);
        let zone = owner.call("my_zone", json!({})).await;
        assert_eq!(zone["answer"]["agent"], "intake", "{kind:?}: {zone}");
        let write = json!({"entity": entity, "changes": {"status": "new"}, "expected": {"status": 0}});
        let done = owner.call("write_fields", write.clone()).await;
        assert_eq!(done["outcome"], "committed", "{kind:?}: {done}");
        assert_eq!(done["answer"]["fields"][0]["version"], 1);
        let stale = owner.call("write_fields", write).await;
        assert_eq!((&stale["outcome"], &stale["code"]), (&json!("stale"), &json!("stale")), "{stale}");
        let read = other.call("read_record", json!({"entity": entity})).await;
        assert_eq!(read["answer"]["fields"]["status"]["owner"], "intake", "{read}");
        let whose = other.call("who_owns", json!({"path": format!("{entity}#status")})).await;
        assert!(whose["answer"].to_string().contains("intake"), "{whose}");
        let foreign = json!({"entity": entity, "changes": {"status": "won"}, "expected": {"status": 1}});
        let proposed = other.call("write_fields", foreign).await;
        assert_eq!(proposed["outcome"], "proposed", "{proposed}");
        let work = proposed["answer"]["works"][0].clone();
        let taken = owner.call("take_work", json!({"work": work})).await;
        assert_eq!(taken["answer"]["works"][0]["no"], work, "{taken}");
        let accepted = owner.call("finish_work", json!({"work": work, "how": "accept"})).await;
        assert!(["committed", "recorded"].contains(&accepted["outcome"].as_str().unwrap()), "{accepted}");
        let after = owner.call("read_record", json!({"entity": entity})).await;
        assert_eq!(after["answer"]["fields"]["status"]["value"], "won", "{after}");
        owner.end().await;
        other.end().await;
    }
    server.stop().await;
}

/// A side effect is asked for and ended, a lock held and given back, a conclusion recorded, an event raised, a case handed to a
/// person: every tool is called once, and says what came of it.
#[tokio::test(flavor = "multi_thread")]
async fn every_tool_answers() {
    let server = Server::start().await;
    let sales = server.agent("sales").await;
    let agent = Agent::new(&sales, Kind::Http26).await;
    let deal = "pipeline/p1";
    let calls: Vec<(&str, Json, &str)> = vec![
        ("my_zone", json!({}), "found"),
        ("who_owns", json!({"path": deal}), "found"),
        (
            "write_fields",
            json!({"entity": deal, "changes": {"stage": "won"}, "expected": {"stage": 0}}),
            "committed",
        ),
        ("read_record", json!({"entity": deal}), "found"),
        ("ask_before_acting", json!({"target": deal, "subject": deal, "action": "sign"}), "allowed"),
        ("act_ended", json!({"act": 1, "how": "done", "note": "signed"}), "committed"),
        ("publish", json!({"output": "mail/sales", "thread": "t1", "body": {"text": "hello"}}), "committed"),
        ("escalate", json!({"input": {"ask": "a discount"}, "why": "too large"}), "escalated"),
        ("raise_event", json!({"event": "mail.received"}), "escalated"),
        ("claim_event", json!({"event": "mail.received", "key": "m-1"}), "escalated"),
        ("my_work", json!({}), "found"),
        ("take_work", json!({}), "recorded"),
        ("finish_work", json!({"work": 999, "how": "complete"}), "refused"),
        ("hand_over", json!({"to": "support"}), "refused"),
        ("lock", json!({"target": {"path": deal}, "ttl": "1m"}), "allowed"),
        ("renew_lock", json!({"lease": 1, "ttl": "2m"}), "allowed"),
        ("unlock", json!({"lease": 1}), "recorded"),
        ("conclude", json!({"subject": deal, "question": "is it signed", "answer": true}), "committed"),
        ("wait", json!({"item": 1, "seconds": 0}), "pending"),
    ];
    let called: Vec<&str> = calls.iter().map(|(name, ..)| *name).collect();
    let all: Vec<&str> = TOOLS.iter().map(|tool| tool.name).collect();
    assert_eq!(called, {
        let mut all = all;
        all.sort_by_key(|name| called.iter().position(|one| one == name));
        all
    });
    let mut wrong = Vec::new();
    for (name, arguments, outcome) in calls {
        let said = agent.call(name, arguments).await;
        if said["outcome"] != outcome {
            wrong.push(format!("{name}: not {outcome}: {said}"));
        }
        assert!(!said["reason"].as_str().unwrap().is_empty() && !said["next"].as_str().unwrap().is_empty());
        assert!(!said["next"].as_str().unwrap().contains("/v1/"), "{said}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    agent.end().await;
    server.stop().await;
}

/// Of two calls under one key the second is answered from the ledger; the arguments go on to the byte: what is named twice, or
/// would lose digits, is refused and not mended.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_call_is_done_once() {
    let server = Server::start().await;
    let sales = server.agent("sales").await;
    for kind in KINDS {
        let agent = Agent::new(&sales, kind).await;
        let escalate = json!({"input": format!("{kind:?}"), "why": "no idea", "key": format!("k-{kind:?}")});
        let first = agent.call("escalate", escalate.clone()).await;
        let again = agent.call("escalate", escalate.clone()).await;
        assert_eq!(first["answer"]["deed"], again["answer"]["deed"], "{first} {again}");
        let mut other = escalate.clone();
        other["why"] = json!("another reason");
        let reused = agent.call("escalate", other).await;
        assert_eq!(reused["code"], "key-reused", "{reused}");
        agent.end().await;
    }
    server.stop().await;
}

/// Twelve to twenty tools; each has words for a model, a closed schema without references, and hints from its commands' rows.
#[test]
fn tools_are_few_and_described() {
    assert!((12..=20).contains(&TOOLS.len()));
    for tool in listed() {
        let schema = serde_json::to_value(&tool.input_schema).unwrap();
        assert_eq!(schema["type"], "object", "{}", tool.name);
        assert!(!schema.to_string().contains("\"$ref\""), "{}: {schema}", tool.name);
        let properties = schema["properties"].as_object().unwrap();
        for (name, property) in properties {
            assert!(property["description"].is_string(), "{}: {name} has no words: {property}", tool.name);
        }
        let words = tool.description.as_deref().unwrap();
        assert!((60..=480).contains(&words.len()), "{}: {} bytes", tool.name, words.len());
    }
    let hints =
        |name: &str| listed().iter().find(|tool| tool.name == name).unwrap().annotations.clone().unwrap();
    assert_eq!(hints("read_record").read_only_hint, Some(true));
    assert_eq!(hints("write_fields").destructive_hint, Some(true));
    assert_eq!(hints("escalate").destructive_hint, Some(false));
    assert_eq!(hints("escalate").idempotent_hint, Some(false));
    assert_eq!(hints("act_ended").idempotent_hint, Some(true));
}
