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
