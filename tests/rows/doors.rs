//! Nobody walks around a rule by choosing another door.

use serde_json::json;

use super::support::Server;
use super::{TEAM, alert, answer, take, told, who};

/// An act on an output that needs approval waits; approving it opens the act, which its agent is told by number.
#[tokio::test]
async fn an_act_on_an_output_that_a_person_approves_waits() {
    let server = Server::start_on(TEAM).await;
    let billing = server.agent("billing").await;
    let act = json!({"target": "mail/customers", "subject": "crm/account/acme", "action": "send_invoice", "thread": "inv-7"});
    let held = billing.post("/v1/acts", act).await;
    told(&held, "escalated", Some("needs-approval"));
    let shown = server.dana.get(&format!("/v1/inbox/{}", held["item"])).await;
    assert_eq!(shown["item"]["case"]["kind"], "act-approval", "{}", shown.text);
    told(&answer(&server.dana, &held["item"], json!({"kind": "approve"})).await, "recorded", None);
    let decision = take(&billing).await;
    assert_eq!(decision["kind"]["result"]["outcome"], "allowed", "{decision}");
    let no = &decision["kind"]["result"]["act"];
    told(&billing.post(&format!("/v1/acts/{no}/done"), json!({})).await, "committed", None);
    server.stop().await;
}

/// A freeze holds for where it goes as well as for what it is about, and without a subject the thread stands for it.
#[tokio::test]
async fn a_freeze_holds_at_every_door() {
    let server = Server::start_on(TEAM).await;
    let sales = server.agent("sales").await;
    let freeze = json!({"step": "freeze", "entity": "crm/deal/7", "reason": "audit"});
    told(&server.dana.post("/v1/overrides", freeze).await, "recorded", None);
    let target = json!({"target": "crm/deal/7#stage", "subject": "crm/account/acme", "action": "move_stage"});
    told(&sales.post("/v1/acts", target).await, "refused", Some("frozen"));
    let thread = json!({"output": "mail/sales", "thread": "crm/deal/7", "body": "Dear Acme"});
    told(&sales.post("/v1/outputs", thread).await, "refused", Some("frozen"));
    server.stop().await;
}

/// Who goes first on an entity goes first on a thread that is named after it.
#[tokio::test]
async fn a_defer_rule_holds_for_a_thread() {
    let server = Server::start_on(TEAM).await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    let write =
        json!({"entity": "crm/account/acme", "changes": {"health": "bad"}, "expected": {"health": 0}});
    told(&support.post("/v1/writes", write).await, "committed", None);
    let thread = json!({"output": "mail/sales", "thread": "crm/account/acme", "action": "send_offer", "body": "Dear Acme"});
    told(&sales.post("/v1/outputs", thread).await, "deferred", Some("deferred"));
    server.stop().await;
}

/// Two agents answer one thread over two outputs: the second is held for a person, whichever door it takes.
#[tokio::test]
async fn two_outputs_are_one_conversation() {
    let map = TEAM.replace(
        "[[output]]\nname = \"mail/customers\"\norder = [\"billing\", \"payments\"]\nneeds_approval = true\nthread_window = \"1h\"",
        "",
    );
    let map = map.replacen("outputs = [\"mail/customers\"]", "outputs = [\"mail/billing\"]", 1);
    let map = map.replacen("outputs = [\"mail/customers\"]", "outputs = [\"mail/payments\"]", 1);
    let server = Server::start_on(&map).await;
    let (billing, payments) = (server.agent("billing").await, server.agent("payments").await);
    let mail = |output: &str| json!({"output": output, "thread": "re: invoice 7", "body": "Dear Acme"});
    told(&billing.post("/v1/outputs", mail("mail/billing")).await, "committed", None);
    told(&payments.post("/v1/outputs", mail("mail/payments")).await, "escalated", Some("collision"));
    let act = json!({"target": "mail/payments", "subject": "crm/account/acme", "action": "send_reminder", "thread": "re: invoice 7"});
    told(&payments.post("/v1/acts", act).await, "escalated", Some("collision"));
    assert_eq!(super::who(&super::alert(&server, "output-collision").await), ["billing", "payments"]);
    server.stop().await;
}

/// What the map wants known is named before anything goes out, and what changed before it was done is told.
#[tokio::test]
async fn nothing_is_sent_blind() {
    let map = format!(
        "{TEAM}\n[[basis]]\nactions = [\"offer_*\"]\nneeds = [\"crm/account/{{id}}#health\", \"ops/table/prices\"]\n"
    );
    let server = Server::start_on(&map).await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    let health = |value: &str, version: u64| json!({"entity": "crm/account/acme", "changes": {"health": value}, "expected": {"health": version}});
    told(&support.post("/v1/writes", health("good", 0)).await, "committed", None);
    let act = |basis: serde_json::Value| json!({"target": "mail/sales", "subject": "crm/account/acme", "action": "offer_upsell", "depends_on": basis});
    let blind = sales.post("/v1/acts", act(json!({"ops/table/prices": 0}))).await;
    told(&blind, "refused", Some("no-basis"));
    assert_eq!(blind["fields"][0]["path"], "crm/account/acme#health", "{}", blind.text);
    assert_eq!((&blind["fields"][0]["version"], blind["fields"].as_array().unwrap().len()), (&json!(1), 1));
    let mail = json!({"output": "mail/sales", "thread": "crm/account/acme", "action": "offer_upsell", "body": "Dear Acme"});
    told(&sales.post("/v1/outputs", mail).await, "refused", Some("no-basis"));
    let note = json!({"target": "crm/deal/7", "subject": "crm/deal/7", "action": "send_note"});
    told(&sales.post("/v1/acts", note).await, "allowed", None);
    let basis = json!({"ops/table/prices": 0, "crm/account/acme#health": 1});
    let sent = sales.post("/v1/acts", act(basis)).await;
    told(&sent, "allowed", None);
    told(&support.post("/v1/writes", health("bad", 1)).await, "committed", None);
    let done = sales.post(&format!("/v1/acts/{}/done", sent["act"]), json!({"note": "sent"})).await;
    told(&done, "committed", Some("on-outdated-basis"));
    let message = done["message"].as_str().unwrap();
    assert!(
        message.contains("crm/account/acme#health is v2 by support") && message.ends_with("; sent"),
        "{message}"
    );
    assert_eq!(super::who(&super::alert(&server, "stale-read").await), ["support", "sales"]);
    server.stop().await;
}

/// One conversation, whichever way its voices name it: the entity, a thread that reads as its path, or both. One alert has
/// them all, and names everybody who spoke.
#[tokio::test]
async fn one_conversation_is_one_alert() {
    let map = TEAM.replacen(
        "writes = [\"crm/account/*#health\", \"support/ticket/*\"]",
        "writes = [\"crm/account/*#health\", \"support/ticket/*\"]\noutputs = [\"mail/support\"]",
        1,
    );
    let map = map.replacen(
        "writes = [\"campaigns/*\"]",
        "writes = [\"campaigns/*\"]\noutputs = [\"mail/news\"]",
        1,
    );
    let server = Server::start_on(&map).await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    let growth = server.agent("growth").await;
    let entity = "crm/customer/9";
    let first = json!({"output": "mail/sales", "thread": entity, "body": "An offer"});
    told(&sales.post("/v1/outputs", first).await, "committed", None);
    let about = json!({"output": "mail/support", "subject": entity, "body": "An answer"});
    let held = support.post("/v1/outputs", about).await;
    told(&held, "escalated", Some("collision"));
    let thread = json!({"output": "mail/news", "thread": entity, "body": "News"});
    told(&growth.post("/v1/outputs", thread).await, "escalated", Some("collision"));
    let both = json!({"output": "mail/news", "thread": entity, "subject": entity, "body": "More news"});
    told(&growth.post("/v1/outputs", both).await, "escalated", Some("collision"));
    let one = alert(&server, "output-collision").await;
    assert_eq!(who(&one), ["sales", "support", "growth"]);
    assert_eq!(one["count"], 3, "{one}");
    assert_eq!(one["title"], format!("sales, support and growth speak on {entity}"));
    let shown = server.dana.get(&format!("/v1/inbox/{}", held["item"])).await;
    let why = shown["item"]["why"].as_str().unwrap();
    assert!(why.starts_with(&format!("sales spoke on {entity} ")), "{why}");
    server.stop().await;
}

/// At every door a cause that is no deed is refused, and the refusal does not follow from it.
#[tokio::test]
async fn a_refusal_follows_from_no_deed_that_is_not_there() {
    let server = Server::start_on(TEAM).await;
    let sales = server.agent("sales").await;
    let task = json!({"to": "writer", "task": "draft-1", "attempt": 1, "cause": 9999, "context": {}, "constraints": [],
        "work_product": {"result": 1, "status": "draft"}});
    let asked = [
        (
            "/v1/writes",
            json!({"entity": "crm/deal/1", "changes": {"a": 1}, "expected": {"a": 0}, "cause": 9999}),
        ),
        (
            "/v1/acts",
            json!({"target": "mail/sales", "action": "send", "subject": "crm/deal/1", "cause": 9999}),
        ),
        ("/v1/outputs", json!({"output": "mail/sales", "body": "x", "cause": 9999})),
        ("/v1/conclusions", json!({"subject": "crm/deal/1", "question": "q", "answer": 1, "cause": 9999})),
        ("/v1/events", json!({"event": "deal.won", "cause": 9999})),
        ("/v1/claims", json!({"event": "deal.won", "key": "1", "cause": 9999})),
        ("/v1/handoffs", task),
        (
            "/v1/fan-outs",
            json!({"branches": [{"to": "writer", "input": 1}], "deadline": "1h", "cause": 9999}),
        ),
    ];
    for (address, body) in asked {
        let came = sales.post(address, body).await;
        told(&came, "refused", Some("not-found"));
        let deed = server.dana.get(&format!("/v1/ledger/{}", came["deed"])).await;
        assert!(deed["deed"]["causationid"].is_null(), "{address}: {}", deed.text);
        assert!(deed["deed"]["data"].is_object(), "{}", deed.text);
    }
    server.stop().await;
}
