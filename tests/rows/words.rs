//! What the map can say: what raises an event, what a condition compares, who yields to whom.

use serde_json::{Value as Json, json};

use super::support::{Caller, Came, Server};
use super::{TEAM, take, told, work};

/// The team with more in its map.
fn with(more: &str) -> String {
    format!("{TEAM}\n{more}")
}

async fn write(who: &Caller, entity: &str, op: &str, changes: Json, expected: Json) -> Came {
    let body = json!({"entity": entity, "op": op, "changes": changes, "expected": expected});
    who.post("/v1/writes", body).await
}

/// An entity that is made, changed and deleted wakes whoever waits for it, once for each write.
#[tokio::test]
async fn what_happens_to_an_entity_wakes_whoever_waits_for_it() {
    let map = with(
        "[[event]]\nname = \"deal.made\"\non = \"crm/deal/* created\"\n\
         [[event]]\nname = \"deal.changed\"\non = \"crm/deal/* changed\"\n\
         [[event]]\nname = \"deal.gone\"\non = \"crm/deal/* deleted\"\n\
         [[route]]\nevent = \"deal.*\"\nagent = \"growth\"\n",
    );
    let server = Server::start_on(&map).await;
    let (sales, growth) = (server.agent("sales").await, server.agent("growth").await);
    let set = |stage: &str, value: u64| json!({"stage": stage, "value": value});
    told(&write(&sales, "crm/deal/7", "create", set("open", 5), json!(0)).await, "committed", None);
    told(&write(&sales, "crm/deal/7", "update", set("won", 9), json!(1)).await, "committed", None);
    told(&write(&sales, "crm/deal/7", "update", set("won", 9), json!(2)).await, "committed", None);
    let heard = work(&growth, "dispatch").await;
    let names: Vec<&str> = heard.iter().map(|work| work["kind"]["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["deal.made", "deal.changed"], "what stays as it was is no change");
    let about = json!({"path": "crm/deal/7", "fields": ["stage", "value"], "action": "write", "by": "sales"});
    assert_eq!(heard[1]["kind"]["attributes"], about);
    // What it had at hand was changed: that is told too.
    for _ in 0..3 {
        let no = take(&growth).await["no"].clone();
        told(&growth.post(&format!("/v1/work/{no}/complete"), json!({"attempt": 1})).await, "recorded", None);
    }
    told(&write(&sales, "crm/deal/7", "delete", json!({}), json!(3)).await, "committed", None);
    let gone = take(&growth).await["kind"].clone();
    assert_eq!((&gone["event"], &gone["attributes"]["action"]), (&json!("deal.gone"), &json!("delete")));
    server.stop().await;
}

/// `RE: INVOICE 12` is an invoice, unless the map says that case matters.
#[tokio::test]
async fn an_invoice_is_one_in_capitals_too() {
    let route = "[[route]]\nevent = \"letter\"\nwhen = { subject = \"*invoice*\" }\nagent = \"billing\"\n";
    let rest = "[[event]]\nname = \"letter\"\n[[route]]\nevent = \"letter\"\nagent = \"growth\"\n";
    for (case, agent) in [("", "billing"), ("case = true\n", "growth")] {
        let server = Server::start_on(&with(&format!("{route}{case}{rest}"))).await;
        let letter = json!({"event": "letter", "attributes": {"subject": "RE: INVOICE 12"}});
        let raised = server.dana.post("/v1/events", letter).await;
        told(&raised, "recorded", None);
        assert_eq!(raised["owners"], json!([agent]), "{}", raised.text);
        let shown = server.dana.get("/v1/map").await;
        assert_eq!(shown.text.contains("case"), !case.is_empty(), "{}", shown.text);
        server.stop().await;
    }
}
