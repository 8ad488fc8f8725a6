//! The row of nobody's exception: every unhandled input reaches a named person with a deadline, and gets one answer.

use serde_json::json;

use super::{answer, team, told, work};

#[tokio::test]
async fn an_input_that_fits_no_agent_reaches_a_named_person_and_expanding_hands_it_on() {
    let server = team().await;
    let support = server.agent("support").await;
    let event = json!({"event": "partner.enquiry", "attributes": {"from": "partner@example.org"}});
    let raised = support.post("/v1/events", event.clone()).await;
    told(&raised, "escalated", Some("unowned"));
    let shown = server.dana.get(&format!("/v1/inbox/{}", raised["item"])).await;
    let item = &shown["item"];
    assert_eq!((&item["queue"], &item["case"]["kind"]), (&json!("inbox"), &json!("unowned-event")));
    assert!(item["due"].as_str().unwrap() > item["opened"].as_str().unwrap());

    let grant =
        json!({"kind": "expand", "agent": "sales", "grant": {"what": "trigger", "value": "partner.enquiry"}});
    told(&answer(&server.dana, &raised["item"], grant).await, "recorded", None);
    let sales = server.agent("sales").await;
    assert_eq!(work(&sales, "dispatch").await.len(), 1, "the stored event was routed under the new map");
    let again = support.post("/v1/events", event).await;
    told(&again, "recorded", None);
    assert_eq!(again["owners"], json!(["sales"]));
    server.stop().await;
}

#[tokio::test]
async fn a_person_handles_a_case_and_classifies_another_with_a_rule() {
    let server = team().await;
    let support = server.agent("support").await;
    let odd = |text: &str| json!({"input": text, "why": "no template fits"});
    let one = support.post("/v1/escalations", odd("legal threat")).await;
    told(&one, "escalated", None);
    let handle = json!({"kind": "handle", "note": "our lawyer answers", "reply": "leave it to us"});
    told(&answer(&server.dana, &one["item"], handle.clone()).await, "recorded", None);
    assert_eq!(work(&support, "decision").await[0]["kind"]["reply"], "leave it to us");
    let twice = server
        .dana
        .post(
            &format!("/v1/inbox/{}/answer", one["item"]),
            json!({"answer": handle, "version": 1, "digest": ""}),
        )
        .await;
    told(&twice, "refused", Some("wrong-state"));

    let spam = json!({"event": "spam.received"});
    let two = support.post("/v1/events", spam.clone()).await;
    told(&two, "escalated", Some("unowned"));
    let rule = json!({"kind": "out-of-scope", "reason": "we do not answer spam", "rule": true});
    told(&answer(&server.dana, &two["item"], rule).await, "recorded", None);
    told(&support.post("/v1/events", spam).await, "refused", Some("out-of-scope"));
    server.stop().await;
}

#[tokio::test]
async fn an_event_that_two_agents_answer_is_a_collision_that_a_person_gives_to_one() {
    let two = super::TEAM
        .replace("triggers = [\"payment.due\"]", "triggers = [\"payment.due\", \"email.received\"]");
    let routed = format!(
        "{two}\n[[route]]\nevent = \"email.received\"\nwhen = {{ subject = \"*invoice*\" }}\nagent = \"billing\"\nthen = [\"payments\"]\n"
    );
    let server = super::Server::start_on(&routed).await;
    let support = server.agent("support").await;
    let invoice = json!({"event": "email.received", "attributes": {"subject": "your invoice 7"}});
    let routed = support.post("/v1/events", invoice).await;
    told(&routed, "recorded", None);
    assert_eq!(routed["owners"], json!(["billing"]));
    let billing = server.agent("billing").await;
    let payments = server.agent("payments").await;
    assert!(work(&payments, "dispatch").await.is_empty(), "then comes after");
    let taken = super::take(&billing).await;
    billing.post(&format!("/v1/work/{}/complete", taken["no"]), json!({})).await;
    assert_eq!(work(&payments, "dispatch").await.len(), 1);

    let other = json!({"event": "email.received", "attributes": {"subject": "hello"}});
    let collided = support.post("/v1/events", other).await;
    told(&collided, "escalated", Some("collision"));
    let given = json!({"kind": "handle", "note": "payments knows her", "to": "payments"});
    told(&answer(&server.dana, &collided["item"], given).await, "recorded", None);
    assert_eq!(work(&payments, "dispatch").await.len(), 2);
    assert_eq!(server.dana.get("/v1/alerts").await["alerts"], json!([]));
    server.stop().await;
}
