//! Rows about records: double truth, stale outreach, tone-deaf upsell, silent overwrite.

use serde_json::json;

use super::{alert, team, told, who, work};

#[tokio::test]
async fn double_truth_raises_one_alert_that_names_both_writes_and_a_person_decides() {
    let server = team().await;
    let (sourcing, recruiting) = (server.agent("sourcing").await, server.agent("recruiting").await);
    let one = sourcing.write("crm/contact/ann", json!({"status": "sourced"}), json!({"status": 0})).await;
    let other = recruiting.write("pipeline/ann", json!({"stage": "uncontacted"}), json!({"stage": 0})).await;
    told(&one, "committed", None);
    told(&other, "committed", None);

    let alert = alert(&server, "contradiction").await;
    let sides: Vec<_> = alert["sides"].as_array().unwrap().iter().map(|side| side["deed"].clone()).collect();
    assert_eq!(sides, [one["deed"].clone(), other["deed"].clone()]);
    let item = server.dana.get(&format!("/v1/inbox/{}", alert["item"])).await;
    assert_eq!(item["item"]["queue"], "inbox");
    let handled = super::answer(
        &server.dana,
        &alert["item"],
        json!({"kind": "handle", "note": "Ann was sourced today; the pipeline follows"}),
    )
    .await;
    told(&handled, "recorded", None);
    assert_eq!(server.dana.get("/v1/alerts").await["alerts"], json!([]), "the decision ends the alert");
    server.stop().await;
}

#[tokio::test]
async fn stale_outreach_is_stopped() {
    let server = team().await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    support.write("crm/account/acme", json!({"health": "good"}), json!({"health": 0})).await;
    let drafted_on = sales.get("/v1/entities/crm/account/acme").await["fields"]["health"]["version"].clone();
    let updated = support.write("crm/account/acme", json!({"health": "fair"}), json!({"health": 1})).await;
    told(&updated, "committed", None);

    let sent = sales
        .post(
            "/v1/acts",
            json!({"target": "mail/sales", "subject": "crm/account/acme", "action": "mail_outreach",
                   "depends_on": {"crm/account/acme#health": drafted_on}}),
        )
        .await;
    told(&sent, "stale", Some("stale"));
    assert_eq!(sent["fields"][0]["value"], "fair");
    let alert = alert(&server, "stale-read").await;
    assert_eq!(who(&alert), ["support", "sales"]);
    server.stop().await;
}

#[tokio::test]
async fn the_tone_deaf_upsell_is_stopped_twice_by_what_it_read_and_by_who_goes_first() {
    let server = team().await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    support.write("crm/account/acme", json!({"health": "healthy"}), json!({"health": 0})).await;
    support.write("crm/account/acme", json!({"health": "at risk"}), json!({"health": 1})).await;
    let upsell = |version: u64| {
        json!({"target": "mail/sales", "subject": "crm/account/acme", "action": "send_upsell", "wait": true,
               "depends_on": {"crm/account/acme#health": version}})
    };
    told(&sales.post("/v1/acts", upsell(1)).await, "stale", Some("stale"));
    let deferred = sales.post("/v1/acts", upsell(2)).await;
    told(&deferred, "deferred", Some("deferred"));
    assert_eq!(deferred["owners"], json!(["support"]));
    assert!(deferred["until"].is_string(), "{}", deferred.text);
    server.stop().await;
}

#[tokio::test]
async fn a_silent_overwrite_becomes_a_proposal_that_its_owner_decides() {
    let server = team().await;
    let (ops, growth) = (server.agent("ops").await, server.agent("growth").await);
    told(&ops.write("ops/table/q4", json!({"rows": 10}), json!({"rows": 0})).await, "committed", None);
    let foreign = growth.write("ops/table/q4", json!({"rows": 99}), json!({"rows": 1})).await;
    told(&foreign, "proposed", Some("not-owner"));
    assert_eq!(foreign["owners"], json!(["ops"]));
    let read = ops.get("/v1/entities/ops/table/q4").await;
    assert_eq!(read["fields"]["rows"]["value"], 10, "nothing was overwritten");

    let waiting = work(&ops, "proposal").await;
    assert_eq!(waiting.len(), 1);
    let accepted = ops.post(&format!("/v1/work/{}/accept", waiting[0]["no"]), json!({})).await;
    told(&accepted, "committed", None);
    let deed = server.dana.get(&format!("/v1/ledger/{}", accepted["deed"])).await;
    assert_eq!(deed["deed"]["data"]["actor"]["name"], "ops", "the owner's own write");
    assert_eq!(deed["deed"]["causationid"], format!("northwind:{}", foreign["deed"]));
    server.stop().await;
}
