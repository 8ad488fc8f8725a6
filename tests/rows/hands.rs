//! A person's hand holds: what a person sets stays, and what agents want of it meanwhile is a person's to allow.

use serde_json::{Value as Json, json};

use super::{Caller, Came, answer, team, told, work};

async fn health(agent: &Caller, value: &str, expected: u64) -> Came {
    let write =
        json!({"entity": "crm/account/acme", "changes": {"health": value}, "expected": {"health": expected}});
    agent.post("/v1/writes", write).await
}

async fn set(person: &Caller, value: &str, expected: u64, hold: Option<&str>) -> Came {
    let mut order = json!({"step": "set", "path": "crm/account/acme#health", "value": value,
        "expected": expected, "reason": "I spoke to them"});
    if let Some(hold) = hold {
        order["for"] = json!(hold);
    }
    person.post("/v1/overrides", order).await
}

async fn field(reader: &Caller) -> Json {
    reader.get("/v1/entities/crm/account/acme").await["fields"]["health"].clone()
}

#[tokio::test]
async fn what_a_person_sets_is_not_overwritten_by_the_agent_that_reads_again() {
    let server = team().await;
    let support = server.agent("support").await;
    told(&health(&support, "good", 0).await, "committed", None);
    let set = set(&server.dana, "bad", 1, None).await;
    told(&set, "committed", None);
    assert!(set["until"].is_string(), "{}", set.text);
    let held = &field(&support).await["held"];
    assert_eq!((&held["by"]["name"], &held["reason"]), (&json!("dana"), &json!("I spoke to them")));
    assert_eq!(held["until"], set["until"]);

    let again = health(&support, "good", 2).await;
    told(&again, "proposed", Some("held"));
    assert_eq!(again["until"], set["until"]);
    assert_eq!(field(&support).await["value"], "bad");
    let shown = server.dana.get(&format!("/v1/inbox/{}", again["item"])).await;
    assert_eq!(shown["item"]["case"]["kind"], "held-field", "{}", shown.text);
    assert_eq!(shown["item"]["case"]["write"]["changes"], json!({"health": "good"}));
    let yes = answer(&server.dana, &again["item"], json!({"kind": "approve"})).await;
    told(&yes, "recorded", None);
    assert_eq!(field(&support).await["value"], "good");
    let decision = &work(&support, "decision").await[0]["kind"];
    assert_eq!(
        (&decision["answer"], &decision["result"]["outcome"]),
        (&json!("approve"), &json!("committed"))
    );

    let more = health(&support, "fine", 3).await;
    told(&more, "proposed", Some("held"));
    let no = json!({"kind": "reject", "note": "not before Friday"});
    told(&answer(&server.dana, &more["item"], no).await, "recorded", None);
    let release = json!({"step": "release", "path": "crm/account/acme#health", "reason": "agreed"});
    told(&support.post("/v1/overrides", release.clone()).await, "refused", Some("not-allowed"));
    told(&server.dana.post("/v1/overrides", release.clone()).await, "recorded", None);
    told(&server.dana.post("/v1/overrides", release).await, "refused", Some("wrong-state"));
    assert!(field(&support).await.get("held").is_none());
    told(&health(&support, "fine", 3).await, "committed", None);
    server.stop().await;
}

#[tokio::test]
async fn it_holds_for_as_long_as_was_said() {
    let server = team().await;
    let support = server.agent("support").await;
    told(&health(&support, "good", 0).await, "committed", None);
    told(&set(&server.dana, "bad", 1, Some("none")).await, "committed", None);
    told(&health(&support, "good", 2).await, "committed", None);
    told(&set(&server.dana, "bad", 3, Some("300ms")).await, "committed", None);
    told(&health(&support, "good", 4).await, "proposed", Some("held"));
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    told(&health(&support, "good", 4).await, "committed", None);
    told(&set(&server.dana, "bad", 5, Some("released")).await, "committed", None);
    let field = field(&support).await;
    assert!(field["held"].is_object() && field["held"].get("until").is_none(), "{field}");
    let wrong = set(&server.dana, "bad", 6, Some("a while")).await;
    assert_eq!((wrong.status, wrong["place"].as_str()), (400, Some("for")), "{}", wrong.text);
    server.stop().await;
}

#[tokio::test]
async fn a_persons_correction_is_no_fight() {
    let server = team().await;
    let support = server.agent("support").await;
    told(&health(&support, "good", 0).await, "committed", None);
    told(&set(&server.dana, "bad", 1, Some("none")).await, "committed", None);
    for version in 2..8 {
        told(&health(&support, "good", version).await, "committed", None);
    }
    let alerts = server.dana.get("/v1/alerts").await;
    assert_eq!(alerts["alerts"], json!([]), "{}", alerts.text);
    server.stop().await;
}

#[tokio::test]
async fn everything_is_paused_at_once_and_goes_on_from_where_it_stood() {
    let server = team().await;
    let (support, sales) = (server.agent("support").await, server.agent("sales").await);
    let lease = json!({"target": {"path": "support/ticket/7"}, "ttl": "1s"});
    let lease = support.post("/v1/leases", lease).await;
    told(&lease, "allowed", None);
    let stop = json!({"step": "pause-all", "reason": "something is very wrong"});
    told(&support.post("/v1/overrides", stop.clone()).await, "refused", Some("not-allowed"));
    let stopped = server.dana.post("/v1/overrides", stop.clone()).await;
    told(&stopped, "recorded", None);
    told(&server.dana.post("/v1/overrides", stop).await, "refused", Some("wrong-state"));
    let before = stopped["deed"].as_u64().unwrap() - 1;
    let deed = server.dana.get(&format!("/v1/ledger?after={before}&limit=1")).await;
    assert!(deed.text.contains("\"leases\":[1]"), "what was in flight is listed: {}", deed.text);

    for address in ["/v1/inbox", "/v1/agents"] {
        let came = server.dana.get(address).await;
        let stop = (&came["all_paused"]["by"]["name"], &came["all_paused"]["reason"]);
        assert_eq!(stop, (&json!("dana"), &json!("something is very wrong")), "{address}: {}", came.text);
        assert!(came["all_paused"]["at"].is_string(), "{}", came.text);
    }
    for agent in [&support, &sales] {
        let refused = health(agent, "good", 0).await;
        told(&refused, "refused", Some("paused"));
        let message = refused["message"].as_str().unwrap();
        assert!(message.contains("dana") && message.contains("very wrong"), "{message}");
    }
    assert_eq!(support.get("/v1/entities/crm/account/acme").await.status, 200, "reads go on");
    told(&set(&server.dana, "good", 0, Some("none")).await, "committed", None);
    tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
    let leases = server.dana.get("/v1/leases").await;
    assert_eq!(leases["leases"].as_array().unwrap().len(), 1, "its time stands still: {}", leases.text);
    let go = json!({"step": "resume-all", "reason": "it was the import"});
    told(&server.dana.post("/v1/overrides", go).await, "recorded", None);
    let ticket = json!({"entity": "support/ticket/7", "changes": {"status": "open"}, "expected": {"status": 0}, "lease": lease["lease"]});
    told(&support.post("/v1/writes", ticket).await, "committed", None);

    let freeze = json!({"step": "freeze", "entity": "crm/account/acme", "for": "300ms", "reason": "audit"});
    told(&server.dana.post("/v1/overrides", freeze).await, "recorded", None);
    told(&health(&support, "bad", 1).await, "refused", Some("frozen"));
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    told(&health(&support, "bad", 1).await, "committed", None);
    server.stop().await;
}
