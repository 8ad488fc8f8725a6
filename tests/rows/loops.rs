//! Work that the wrong one ends, and loops that nobody ends.

use std::time::Duration;

use serde_json::json;

use super::support::{Server, came};
use super::{Caller, Came, alert, answer, take, team, told, work};

/// Takes what waits for a moment, and is too slow.
async fn take_briefly(agent: &Caller) -> u64 {
    let took = agent.post("/v1/work/take", json!({"visibility": "200ms"})).await;
    assert_eq!(took["works"].as_array().unwrap().len(), 1, "{}", took.text);
    tokio::time::sleep(Duration::from_millis(400)).await;
    took["works"][0]["attempts"].as_u64().unwrap()
}

async fn hand_over(giver: &Caller, task: &str) -> Came {
    let payload = json!({"to": "reviewer", "task": task, "attempt": 1, "context": {}, "constraints": [],
        "work_product": {"result": "Dear customer", "status": "draft"}});
    giver.post("/v1/handoffs", payload).await
}

#[tokio::test]
async fn whoever_was_too_slow_does_not_end_what_another_is_at() {
    let server = team().await;
    let (writer, reviewer) = (server.agent("writer").await, server.agent("reviewer").await);
    told(&hand_over(&writer, "draft-1").await, "recorded", None);
    let slow = take_briefly(&reviewer).await;
    let taken = take(&reviewer).await;
    let (no, now) = (&taken["no"], taken["attempts"].as_u64().unwrap());
    assert_eq!((slow, now), (1, 2));
    for step in ["complete", "return", "accept"] {
        let late = json!({"note": "no greeting", "attempt": slow});
        let came = reviewer.post(&format!("/v1/work/{no}/{step}"), late).await;
        told(&came, "refused", Some("attempt-over"));
        let unsaid = reviewer.post(&format!("/v1/work/{no}/{step}"), json!({"note": "no greeting"})).await;
        told(&unsaid, "refused", Some("no-attempt"));
    }
    assert!(work(&writer, "returned").await.is_empty());
    let back =
        reviewer.post(&format!("/v1/work/{no}/return"), json!({"note": "no end", "attempt": now})).await;
    told(&back, "recorded", None);
    assert_eq!(work(&writer, "returned").await[0]["kind"]["history"][0]["text"], "no end");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_names_no_attempt_goes_on_where_nobody_was_too_slow() {
    let server = team().await;
    let (writer, reviewer) = (server.agent("writer").await, server.agent("reviewer").await);
    told(&hand_over(&writer, "draft-2").await, "recorded", None);
    let taken = take(&reviewer).await;
    let done = reviewer.post(&format!("/v1/work/{}/complete", taken["no"]), json!({"result": "fine"})).await;
    told(&done, "recorded", None);
    server.stop().await;
}

/// Sends a body as it is written, under a key.
async fn send(agent: &Caller, key: &str, address: &str, body: &str) -> Came {
    let request = agent.request("POST", address).header("Idempotency-Key", key);
    came(request.header("Content-Type", "application/json").body(body.to_owned())).await
}

#[tokio::test]
async fn a_retry_that_is_written_otherwise_is_the_same_request() {
    let server = team().await;
    let support = server.agent("support").await;
    let one = r#"{"entity":"crm/account/acme","changes":{"health":{"word":"good","level":1}},"expected":{"health":0}}"#;
    let other = r#" { "expected": {"health": 0}, "entity": "crm/account/acme",
        "changes": {"health": {"level": 1.0, "word": "g\u006fod"}} }"#;
    let first = send(&support, "once", "/v1/writes", one).await;
    told(&first, "committed", None);
    assert_eq!(send(&support, "once", "/v1/writes", other).await.body, first.body);
    for another in [one.replace("good", "bad"), one.replace(":1}", ":\"1\"}"), one.replace("acme", "other")] {
        told(&send(&support, "once", "/v1/writes", &another).await, "refused", Some("key-reused"));
    }

    let done = send(&support, "twice", "/v1/work/7/complete", "").await;
    told(&done, "refused", Some("wrong-state"));
    assert_eq!(send(&support, "twice", "/v1/work/7/complete", " {} ").await.body, done.body);
    told(&send(&support, "twice", "/v1/work/8/complete", "{}").await, "refused", Some("key-reused"));
    told(&send(&support, "twice", "/v1/work/7/fail", "{}").await, "refused", Some("key-reused"));
    server.stop().await;
}

#[tokio::test]
async fn the_key_of_a_batch_is_one_key() {
    let server = team().await;
    let support = server.agent("support").await;
    let one = r#"{"entity":"crm/account/acme","changes":{"health":"good"},"expected":{"health":0}}"#;
    let other = r#"{"entity":"support/ticket/7","changes":{"status":"open"},"expected":{"status":0}}"#;
    let both = format!("[{one},{other}]");
    let batch = async |key: &str, body: &str| {
        let came = send(&support, key, "/v1/writes:batch", body).await;
        let answers = came["answers"].as_array().unwrap_or_else(|| panic!("{}", came.text)).clone();
        answers.into_iter().map(|answer| answer["reply"].clone()).collect::<Vec<_>>()
    };
    let first = batch("all", &both).await;
    assert!(first.iter().all(|reply| reply["outcome"] == "committed"), "{first:?}");
    assert_eq!(batch("all", &both).await, first);
    told(&send(&support, "all", "/v1/writes", one).await, "refused", Some("key-reused"));
    for body in [format!("[{one}]"), format!("[{one},{other},{other}]")] {
        let replies = batch("all", &body).await;
        assert!(replies.iter().all(|reply| reply["code"] == "key-reused"), "{replies:?}");
    }
    // The other way round; and what only reads like a part has nothing to do with it.
    let third = one.replace("acme", "third");
    told(&send(&support, "single", "/v1/writes", &third).await, "committed", None);
    assert!(batch("single", &both).await.iter().all(|reply| reply["code"] == "key-reused"));
    told(&send(&support, "all/0", "/v1/writes", &one.replace("acme", "fourth")).await, "committed", None);
    assert_eq!(batch("all", &both).await, first);
    let like = batch("all/0", &both).await;
    assert!(like.iter().all(|reply| reply["code"] == "key-reused"), "{like:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_yes_that_is_fetched_too_late_lets_nothing_go_ahead() {
    let server = team().await;
    let billing = server.agent("billing").await;
    let open = json!({"entity": "invoices/7", "changes": {"status": "open"}, "expected": {"status": 0}});
    told(&billing.post("/v1/writes", open).await, "committed", None);
    let remind = json!({"target": "mail/customers", "subject": "invoices/7", "action": "remind",
        "depends_on": {"invoices/7#status": 1}});
    let waits = billing.post("/v1/acts", remind).await;
    told(&waits, "escalated", Some("needs-approval"));
    told(&answer(&server.dana, &waits["item"], json!({"kind": "approve"})).await, "recorded", None);
    let act = work(&billing, "decision").await[0]["kind"]["result"]["act"].clone();
    let paid = json!({"step": "set", "path": "invoices/7#status", "value": "paid", "expected": 1, "reason": "they paid"});
    told(&server.dana.post("/v1/overrides", paid).await, "committed", None);
    let taken = take(&billing).await;
    assert_eq!(taken["kind"]["result"]["outcome"], "stale", "{taken}");
    assert!(taken["title"].as_str().unwrap().contains("invoices/7#status"), "{taken}");
    told(&billing.post(&format!("/v1/acts/{act}/done"), json!({})).await, "refused", Some("wrong-state"));
    server.stop().await;
}

/// Two agents of a map of their own, each of which answers the other.
async fn asking() -> Server {
    let map = "workspace = \"northwind\"\ngovernance_owner = \"dana\"\nwake_ups = 3
[[agent]]\nid = \"writer\"\nowner = \"dana\"\nwrites = [\"files/*\"]\ntriggers = [\"told\"]
[[agent]]\nid = \"reviewer\"\nowner = \"dana\"\ntriggers = [\"asked\"]
[[event]]\nname = \"asked\"\n[[event]]\nname = \"told\"
[[queue]]\nname = \"inbox\"\nowner = \"dana\"\nreview = \"daily 09:00\"\npriority = [\"writer\", \"reviewer\"]\n";
    Server::start_on(map).await
}

#[tokio::test]
async fn two_that_only_wake_each_other_wait_for_a_person() {
    let server = asking().await;
    let (writer, reviewer) = (server.agent("writer").await, server.agent("reviewer").await);
    let both = [(&writer, "asked"), (&reviewer, "told")];
    for round in 0..3 {
        let (agent, event) = both[round % 2];
        let raise = json!({"event": event, "subject": "files/draft", "attributes": {"round": round}});
        told(&agent.post("/v1/events", raise).await, "recorded", None);
    }
    let once_more = json!({"event": "told", "subject": "files/draft"});
    let waits = reviewer.post("/v1/events", once_more.clone()).await;
    told(&waits, "escalated", Some("looping"));
    assert_eq!(waits["owners"], json!(["writer"]));
    assert_eq!(work(&writer, "dispatch").await.len(), 1, "nobody is woken");
    let shown = server.dana.get(&format!("/v1/inbox/{}", waits["item"])).await;
    assert_eq!(shown["item"]["case"]["kind"], "loop", "{}", shown.text);
    let give = json!({"kind": "handle", "to": "writer", "note": "one last time"});
    told(&answer(&server.dana, &waits["item"], give).await, "recorded", None);
    assert_eq!(work(&writer, "dispatch").await.len(), 2);

    let write = json!({"entity": "files/draft", "changes": {"text": "new"}, "expected": {"text": 0}});
    told(&writer.post("/v1/writes", write).await, "committed", None);
    told(&reviewer.post("/v1/events", once_more).await, "recorded", None);
    server.stop().await;
}

/// Four hundred rounds ran on, with nobody naming a cause.
#[tokio::test]
async fn a_chain_that_nobody_named_ends() {
    let server = asking().await;
    let (writer, reviewer) = (server.agent("writer").await, server.agent("reviewer").await);
    let both = [(&writer, "asked"), (&reviewer, "told")];
    for round in 0..400 {
        let (agent, event) = both[round % 2];
        let raise = json!({"event": event, "attributes": {"round": round}});
        let came = agent.post("/v1/events", raise).await;
        if came["code"] == "looping" {
            assert!((10..=20).contains(&round), "after {round} rounds");
            server.stop().await;
            return;
        }
        told(&came, "recorded", None);
        // What is taken stays in hand: completing it would end the chain.
        take(both[(round + 1) % 2].0).await;
    }
    panic!("it goes round for ever");
}

/// Naming an old deed as the cause does not begin anew while the work is in hand that the chain has led to.
#[tokio::test]
async fn a_chain_is_not_left_by_naming_an_old_cause() {
    let server = asking().await;
    let (writer, reviewer) = (server.agent("writer").await, server.agent("reviewer").await);
    let both = [(&writer, "asked"), (&reviewer, "told")];
    let mut first: [Option<serde_json::Value>; 2] = [None, None];
    for round in 0..40 {
        let (agent, event) = both[round % 2];
        let mut raise = json!({"event": event, "attributes": {"round": round}});
        if let Some(cause) = &first[round % 2] {
            raise["cause"] = cause.clone();
        }
        let came = agent.post("/v1/events", raise).await;
        if came["code"] == "looping" {
            assert!((10..=20).contains(&round), "after {round} rounds");
            let cascade = alert(&server, "cascade").await;
            assert!(cascade["title"].as_str().unwrap().contains("follow from each other"), "{cascade}");
            server.stop().await;
            return;
        }
        told(&came, "recorded", None);
        first[round % 2].get_or_insert(came["deed"].clone());
        take(both[(round + 1) % 2].0).await;
    }
    panic!("it goes round for ever");
}

#[tokio::test]
async fn retrying_after_version_conflicts_has_an_end() {
    let server = team().await;
    let support = server.agent("support").await;
    let health = |value: &str, version: u64| {
        let write = json!({"entity": "crm/account/acme", "changes": {"health": value}, "expected": {"health": version}});
        support.post("/v1/writes", write)
    };
    told(&health("good", 0).await, "committed", None);
    for _ in 0..5 {
        let late = health("bad", 0).await;
        told(&late, "stale", Some("stale"));
        assert!(late.body.get("item").is_none(), "{}", late.text);
    }
    let sixth = health("bad", 0).await;
    told(&sixth, "stale", Some("stale"));
    let waits = health("bad", 1).await;
    told(&waits, "escalated", Some("not-converging"));
    assert_eq!(waits["item"], sixth["item"], "one item");
    let alert = alert(&server, "not-converging").await;
    assert_eq!((&alert["sides"][0]["value"], &alert["sides"][1]["value"]), (&json!("good"), &json!("bad")));
    assert_eq!(alert["item"], sixth["item"]);
    let note = json!({"kind": "handle", "note": "read before you write"});
    told(&answer(&server.dana, &sixth["item"], note).await, "recorded", None);
    assert_eq!(work(&support, "decision").await.len(), 1);
    told(&health("bad", 1).await, "committed", None);
    server.stop().await;
}
