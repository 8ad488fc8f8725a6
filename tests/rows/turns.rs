//! On one thread agents of an order go one after another: who is out of its turn waits, and goes out by itself.

use serde_json::{Value as Json, json};

use super::support::Server;
use super::{TEAM, take, told, work};

/// Billing, then payments, without a person's approval; a turn passes after a second.
fn in_order() -> String {
    let map = TEAM.replacen("needs_approval = true\nthread_window = \"1h\"", "thread_window = \"1s\"", 1);
    assert_ne!(map, TEAM);
    map
}

fn mail(thread: &str, body: &str) -> Json {
    json!({"output": "mail/customers", "thread": thread, "body": body})
}

async fn waiting(server: &Server) -> Vec<Json> {
    let came = server.dana.get("/v1/outputs").await;
    let outputs = came["outputs"].as_array().unwrap();
    let one = outputs.iter().find(|output| output["name"] == "mail/customers").unwrap();
    one["waiting"].as_array().cloned().unwrap_or_default()
}

/// Billing has the mail and has not answered: what payments says waits, and goes out once billing is through.
#[tokio::test]
async fn who_comes_later_waits_for_one_that_has_the_work() {
    let server = Server::start_on(&in_order().replacen("\"1s\"", "\"1h\"", 1)).await;
    let (billing, payments) = (server.agent("billing").await, server.agent("payments").await);
    let came = json!({"event": "email.received", "attributes": {"id": "inv-7"}});
    told(&server.dana.post("/v1/events", came).await, "recorded", None);
    told(&payments.post("/v1/outputs", mail("inv-8", "Dear Beta")).await, "committed", None);
    let first = payments.post("/v1/outputs", mail("inv-7", "Dear Acme")).await;
    told(&first, "deferred", Some("not-your-turn"));
    assert_eq!(first["owners"], json!(["billing"]));
    assert!(first["until"].is_string(), "{}", first.text);
    let queued = waiting(&server).await;
    assert_eq!(
        (queued.len(), &queued[0]["agent"], &queued[0]["body"]),
        (1, &json!("payments"), &json!("Dear Acme"))
    );
    let no = take(&billing).await["no"].clone();
    told(&billing.post(&format!("/v1/work/{no}/complete"), json!({"attempt": 1})).await, "recorded", None);
    assert!(waiting(&server).await.is_empty());
    let notice = work(&payments, "notice").await;
    assert!(notice[0]["kind"]["text"].as_str().unwrap().contains("was published"), "{notice:?}");
    server.stop().await;
}

/// The turn passes: nothing is refused for ever.
#[tokio::test]
async fn a_turn_that_is_not_taken_passes() {
    let server = Server::start_on(&in_order()).await;
    let payments = server.agent("payments").await;
    let came = json!({"event": "email.received", "attributes": {"id": "inv-9"}});
    told(&server.dana.post("/v1/events", came).await, "recorded", None);
    told(&payments.post("/v1/outputs", mail("inv-9", "Dear Acme")).await, "deferred", Some("not-your-turn"));
    for _ in 0..200 {
        if waiting(&server).await.is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let notice = work(&payments, "notice").await;
    assert!(notice[0]["kind"]["text"].as_str().unwrap().contains("was published"), "{notice:?}");
    server.stop().await;
}

/// The same with a third one that has no part in the mail otherwise.
fn three_in_order(window: &str) -> String {
    let map = in_order().replacen("\"1s\"", &format!("\"{window}\""), 1);
    let map = map.replacen(
        "order = [\"billing\", \"payments\"]",
        "order = [\"billing\", \"payments\", \"sales\"]",
        1,
    );
    map.replacen("outputs = [\"mail/sales\"]", "outputs = [\"mail/sales\", \"mail/customers\"]", 1)
}

/// Nobody but the agents is asked: each speaks after the one before, and what waited goes out by that alone.
#[tokio::test]
async fn who_waited_goes_out_after_the_one_before_it_and_no_person_is_asked() {
    let server = Server::start_on(&three_in_order("1h")).await;
    let (billing, payments) = (server.agent("billing").await, server.agent("payments").await);
    let sales = server.agent("sales").await;
    told(&billing.post("/v1/outputs", mail("inv-7", "Your invoice")).await, "committed", None);
    let waits = sales.post("/v1/outputs", mail("inv-7", "Our offer")).await;
    told(&waits, "deferred", Some("not-your-turn"));
    assert_eq!(waits["owners"], json!(["billing", "payments"]));
    assert_eq!(waiting(&server).await.len(), 1);
    told(&payments.post("/v1/outputs", mail("inv-7", "Paid, thank you")).await, "committed", None);
    assert!(waiting(&server).await.is_empty());
    let outputs = server.dana.get("/v1/outputs").await;
    let outputs = outputs["outputs"].as_array().unwrap();
    let last = outputs.iter().find(|output| output["name"] == "mail/customers").unwrap()["last"].clone();
    assert_eq!(last["by"], json!("sales"), "{last}");
    let notice = work(&sales, "notice").await;
    assert!(notice[0]["kind"]["text"].as_str().unwrap().contains("was published"), "{notice:?}");
    // An act on the output is one of them.
    let act =
        json!({"target": "mail/customers", "action": "send", "subject": "invoices/7", "thread": "inv-7"});
    told(&billing.post("/v1/acts", act).await, "allowed", None);
    // An agent of the order that speaks from another output is a second voice.
    let aside = json!({"output": "mail/sales", "thread": "inv-7", "body": "One more offer"});
    told(&sales.post("/v1/outputs", aside).await, "escalated", Some("collision"));
    let items = server.dana.get("/v1/inbox").await;
    assert_eq!(items["items"].as_array().unwrap().len(), 1, "{}", items.text);
    server.stop().await;
}

/// The one before goes on speaking and the one between says nothing: the turn passes all the same.
#[tokio::test]
async fn a_turn_passes_although_the_first_one_goes_on() {
    let server = Server::start_on(&three_in_order("2s")).await;
    let (billing, sales) = (server.agent("billing").await, server.agent("sales").await);
    told(&billing.post("/v1/outputs", mail("inv-7", "Your invoice")).await, "committed", None);
    told(&sales.post("/v1/outputs", mail("inv-7", "Our offer")).await, "deferred", Some("not-your-turn"));
    for again in 0..200 {
        if waiting(&server).await.is_empty() {
            break;
        }
        told(&billing.post("/v1/outputs", mail("inv-7", &format!("More: {again}"))).await, "committed", None);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let notice = work(&sales, "notice").await;
    assert!(notice[0]["kind"]["text"].as_str().unwrap().contains("was published"), "{notice:?}");
    server.stop().await;
}
