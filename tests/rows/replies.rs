//! The row of the double reply: one trigger, one owner; one voice on a thread.

use serde_json::{Value as Json, json};

use super::{Server, alert, answer, take, team, told, who, work};

fn mail(reason: &str) -> Json {
    json!({"output": "mail/customers", "thread": "re: invoice payment due", "body": {"text": reason},
           "reason": reason})
}

#[tokio::test]
async fn a_second_claim_is_refused_and_shown_as_a_trigger_collision() {
    let server = team().await;
    let (billing, payments) = (server.agent("billing").await, server.agent("payments").await);
    let claim = json!({"event": "email.received", "key": "mail-17", "attributes": {"subject": "re: invoice payment due"}});
    told(&billing.post("/v1/claims", claim.clone()).await, "allowed", None);
    let second = payments.post("/v1/claims", claim.clone()).await;
    told(&second, "refused", Some("claim-taken"));
    assert_eq!(second["owners"], json!(["billing"]));
    assert_eq!(who(&alert(&server, "trigger-collision").await), ["billing", "payments"]);
    // Its owner asks again after an answer that got lost: told to leave the mail alone, nobody would handle it.
    told(&billing.post("/v1/claims", claim).await, "allowed", None);
    server.stop().await;
}

#[tokio::test]
async fn the_next_step_of_what_was_done_or_is_anothers_is_no_wait() {
    let body =
        json!({"entity": "crm/contact/ada", "changes": {"status": "sourced"}, "expected": {"status": 0}});
    let server = team().await;
    let recruiting = server.agent("recruiting").await;
    let waits = recruiting.post("/v1/writes", body.clone()).await;
    told(&waits, "proposed", Some("not-owner"));
    assert!(waits["next"].as_str().unwrap().starts_with("a change waits as a proposal"), "{}", waits.text);
    let act = json!({"target": "crm/contact/ada#status", "action": "write_to", "subject": "crm/contact/ada"});
    let refused = recruiting.post("/v1/acts", act).await;
    told(&refused, "refused", Some("not-owner"));
    assert!(refused["next"].as_str().unwrap().starts_with("nothing waits"), "{}", refused.text);
    server.stop().await;
    let server = Server::start_on(&super::TEAM.replace("\"enforce\"", "\"observe\"")).await;
    let done = server.agent("recruiting").await.post("/v1/writes", body).await;
    assert_eq!((&done["outcome"], &done["verdict"]), (&json!("committed"), &json!("proposed")));
    let next = done["next"].as_str().unwrap();
    assert!(next.starts_with("it was done") && next.contains("would be proposed"), "{next}");
    server.stop().await;
}

#[tokio::test]
async fn a_raised_event_wakes_exactly_one_agent() {
    let server = team().await;
    let (billing, payments) = (server.agent("billing").await, server.agent("payments").await);
    let event = json!({"event": "email.received", "attributes": {"subject": "re: invoice payment due"}});
    let raised = billing.post("/v1/events", event).await;
    told(&raised, "recorded", None);
    assert_eq!(raised["owners"], json!(["billing"]));
    assert_eq!(work(&billing, "dispatch").await.len(), 1);
    assert_eq!(work(&payments, "dispatch").await.len(), 0);
    let taken = take(&billing).await;
    let done =
        billing.post(&format!("/v1/work/{}/complete", taken["no"]), json!({"result": "answered"})).await;
    told(&done, "recorded", None);
    let twice = billing.post(&format!("/v1/work/{}/complete", taken["no"]), json!({})).await;
    told(&twice, "refused", Some("wrong-state"));
    server.stop().await;
}

#[tokio::test]
async fn the_second_reply_on_a_thread_is_held_and_the_reviewer_sees_the_first_one() {
    let server = team().await;
    let (billing, sales) = (server.agent("billing").await, server.agent("sales").await);

    let first = billing.post("/v1/outputs", mail("your invoice is attached")).await;
    told(&first, "escalated", Some("needs-approval"));
    let approved = answer(&server.dana, &first["item"], json!({"kind": "approve"})).await;
    told(&approved, "recorded", None);
    let decision = &work(&billing, "decision").await[0];
    assert_eq!(decision["kind"]["answer"], "approve");
    assert_eq!(decision["kind"]["result"]["outcome"], "committed", "it went out: {decision}");

    let mut offer = mail("what else we can do for you");
    offer["output"] = json!("mail/sales");
    let second = sales.post("/v1/outputs", offer).await;
    assert_eq!((second["outcome"].as_str(), second["code"].as_str()), (Some("escalated"), Some("collision")));
    let collision = alert(&server, "output-collision").await;
    assert_eq!(who(&collision), ["billing", "sales"]);
    let shown = server.dana.get(&format!("/v1/inbox/{}", second["item"])).await;
    let over = shown["item"]["case"]["over"].as_array().unwrap().clone();
    assert_eq!(over, [decision["kind"]["result"]["deed"].clone()], "{}", shown.text);
    let note = "billing has answered already";
    told(
        &answer(&server.dana, &second["item"], json!({"kind": "reject", "note": note})).await,
        "recorded",
        None,
    );
    assert_eq!(work(&sales, "decision").await[0]["kind"]["note"], note);
    assert_eq!(server.dana.get("/v1/alerts").await["alerts"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn an_approval_is_checked_again_and_shows_what_went_out_meanwhile() {
    let server = team().await;
    let (billing, payments) = (server.agent("billing").await, server.agent("payments").await);
    let approve = json!({"kind": "approve"});
    let first = billing.post("/v1/outputs", mail("your invoice is attached")).await;
    told(&answer(&server.dana, &first["item"], approve.clone()).await, "recorded", None);
    let other = payments.post("/v1/outputs", mail("please pay")).await;
    told(&other, "escalated", Some("needs-approval"));
    let seen = server.dana.get(&format!("/v1/inbox/{}", other["item"])).await;
    let more = billing.post("/v1/outputs", mail("you have paid, thank you")).await;
    told(&more, "escalated", Some("needs-approval"));
    told(&answer(&server.dana, &more["item"], approve.clone()).await, "recorded", None);

    let body = json!({"answer": approve, "version": seen["item"]["version"], "digest": seen["digest"]});
    let late = server.dana.post(&format!("/v1/inbox/{}/answer", other["item"]), body).await;
    told(&late, "refused", Some("changed"));
    let now = server.dana.get(&format!("/v1/inbox/{}", other["item"])).await;
    assert_eq!(now["item"]["case"]["over"].as_array().unwrap().len(), 1, "{}", now.text);
    told(&answer(&server.dana, &other["item"], approve).await, "recorded", None);
    assert_eq!(work(&payments, "decision").await[0]["kind"]["result"]["outcome"], "committed");
    server.stop().await;
}

#[tokio::test]
async fn nobody_but_a_named_person_approves() {
    let server = team().await;
    let billing = server.agent("billing").await;
    let held = billing.post("/v1/outputs", mail("your invoice is attached")).await;
    let shown = server.dana.get(&format!("/v1/inbox/{}", held["item"])).await;
    let body = json!({"answer": {"kind": "approve"}, "version": shown["item"]["version"], "digest": shown["digest"]});
    let own = billing.post(&format!("/v1/inbox/{}/answer", held["item"]), body).await;
    told(&own, "refused", Some("agent-token"));
    server.stop().await;
}

/// What a caller is told to do next is about what it asked.
#[tokio::test]
async fn the_next_step_fits_what_was_asked() {
    let server = team().await;
    let (support, writer) = (server.agent("support").await, server.agent("writer").await);
    let fits = |came: &super::Came, words: &str| {
        assert!(came["next"].as_str().unwrap().contains(words), "{words:?}: {}", came.text);
    };
    let hand = json!({"step": "set", "path": "crm/account/acme#health", "value": "good", "expected": 0,
        "reason": "I spoke to them"});
    told(&server.dana.post("/v1/overrides", hand.clone()).await, "committed", None);
    let act = json!({"target": "crm/account/acme#health", "subject": "crm/account/acme", "action": "call"});
    let held = support.post("/v1/acts", act).await;
    told(&held, "refused", Some("held"));
    fits(&held, "nothing waits: ask again when the person's hand on the field has ended");
    for (address, where_to_look) in
        [("/v1/work/99/complete", "`GET /v1/work`"), ("/v1/leases/99/release", "`GET /v1/leases`")]
    {
        let came = support.post(address, json!({})).await;
        if came["code"] == "wrong-state" {
            fits(&came, where_to_look);
        }
    }
    let offer = |attempt: u32| {
        writer.post(
            "/v1/handoffs",
            json!({"to": "support", "task": "draft-1", "attempt": attempt,
            "work_product": {"result": "x", "status": "draft"}, "context": "x", "constraints": []}),
        )
    };
    told(&offer(1).await, "recorded", None);
    let twice = offer(1).await;
    told(&twice, "refused", Some("wrong-state"));
    fits(&twice, "`GET /v1/handoffs`");
    let handed = work(&support, "handoff").await[0]["no"].clone();
    let late = support.post(&format!("/v1/work/{handed}/complete"), json!({"attempt": 7})).await;
    told(&late, "refused", Some("attempt-over"));
    fits(&late, "where nobody has, take it again");
    server.stop().await;
}
