//! One occurrence is handled once, whoever hears of it and however often.

use serde_json::{Value as Json, json};

use super::support::Server;
use super::{TEAM, alert, answer, take, told, who, work};

fn keyed() -> String {
    let name = "[[event]]\nname = \"email.received\"";
    assert!(TEAM.contains(name));
    TEAM.replacen(name, &format!("{name}\nkey = \"message_id\""), 1)
}

fn mail(id: &str) -> Json {
    json!({"event": "email.received", "attributes": {"message_id": id, "subject": "re: invoice 7"}})
}

/// Two hear of one mail, by whichever door: the same work, and nobody is woken again.
#[tokio::test]
async fn a_mail_that_is_heard_of_twice_is_handled_once() {
    let server = Server::start_on(&keyed()).await;
    let (billing, sales) = (server.agent("billing").await, server.agent("sales").await);
    let first = sales.post("/v1/events", mail("m-1")).await;
    told(&first, "recorded", None);
    let second = server.dana.post("/v1/events", mail("m-1")).await;
    told(&second, "recorded", None);
    assert_eq!((&second["works"], &second["owners"]), (&first["works"], &first["owners"]), "{}", second.text);
    assert!(second["message"].as_str().unwrap().contains("is known since deed"), "{}", second.text);
    let claimed = billing.post("/v1/claims", json!({"event": "email.received", "key": "m-1"})).await;
    told(&claimed, "allowed", None);
    assert_eq!(claimed["works"], first["works"]);
    assert_eq!(work(&billing, "dispatch").await.len(), 1);
    let taken = take(&billing).await;
    let done = billing.post(&format!("/v1/work/{}/complete", taken["no"]), json!({"attempt": 1})).await;
    told(&done, "recorded", None);
    told(&sales.post("/v1/events", mail("m-1")).await, "recorded", None);
    assert!(work(&billing, "dispatch").await.is_empty());
    server.stop().await;
}

/// The owner that asks again after a lost answer learns that it is its own; another does not get it.
#[tokio::test]
async fn a_claim_whose_answer_got_lost_is_granted_again() {
    let server = Server::start_on(&keyed()).await;
    let (billing, sales) = (server.agent("billing").await, server.agent("sales").await);
    let claim = json!({"event": "email.received", "key": "m-2"});
    for _ in 0..2 {
        told(&billing.post("/v1/claims", claim.clone()).await, "allowed", None);
    }
    let raised = server.dana.post("/v1/events", mail("m-2")).await;
    told(&raised, "recorded", None);
    assert_eq!(raised["owners"], json!(["billing"]));
    assert!(work(&billing, "dispatch").await.is_empty(), "billing is at it already");
    told(&sales.post("/v1/claims", claim).await, "refused", Some("claim-taken"));
    assert_eq!(who(&alert(&server, "trigger-collision").await), ["billing", "sales"]);
    server.stop().await;
}

/// What waits for a person waits once, and afterwards it is told what became of it.
#[tokio::test]
async fn an_undecided_occurrence_is_one_item() {
    let unowned = keyed().replacen("triggers = [\"email.received\"]\n", "", 1).replacen(
        "triggers = [\"payment.due\"]",
        "triggers = [\"payment.due\", \"email.other\"]",
        1,
    );
    let unowned = unowned.replacen("name = \"email.received\"", "name = \"email.other\"", 1);
    let server = Server::start_on(&unowned).await;
    let raise = |id: &str, event: &str| json!({"event": event, "attributes": {"message_id": id}});
    told(&server.dana.post("/v1/events", raise("m-3", "email.other")).await, "recorded", None);
    told(
        &server.dana.post("/v1/events", json!({"event": "email.other"})).await,
        "refused",
        Some("incomplete"),
    );
    server.stop().await;

    let shared = keyed().replacen(
        "triggers = [\"payment.due\"]",
        "triggers = [\"payment.due\", \"email.received\"]",
        1,
    );
    let shared = format!(
        "{shared}\n[[route]]\nevent = \"email.received\"\nwhen = {{ from = \"vip\" }}\nagent = \"billing\"\n"
    );
    let server = Server::start_on(&shared).await;
    let (billing, payments) = (server.agent("billing").await, server.agent("payments").await);
    let first = server.agent("sales").await.post("/v1/events", mail("m-4")).await;
    told(&first, "escalated", Some("collision"));
    let claimed = payments.post("/v1/claims", json!({"event": "email.received", "key": "m-4"})).await;
    told(&claimed, "escalated", Some("collision"));
    assert_eq!(claimed["item"], first["item"]);
    let give = json!({"kind": "handle", "note": "about an invoice", "to": "billing"});
    told(&answer(&server.dana, &first["item"], give).await, "recorded", None);
    let given = work(&billing, "dispatch").await;
    let again = server.dana.post("/v1/events", mail("m-4")).await;
    told(&again, "recorded", None);
    assert_eq!(again["works"][0], given[0]["no"]);
    let late = payments.post("/v1/claims", json!({"event": "email.received", "key": "m-4"})).await;
    told(&late, "refused", Some("claim-taken"));
    server.stop().await;
}
