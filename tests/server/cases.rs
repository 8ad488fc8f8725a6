//! The cases that users have met, played over HTTP.

use serde_json::json;

use super::support::{Server, came};

#[tokio::test]
async fn the_four_second_upsell_is_stopped() {
    let server = Server::start().await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    let healthy = support.write("crm/account/acme", json!({"health": "healthy"}), json!({"health": 0})).await;
    assert_eq!((healthy.status, &healthy["outcome"]), (200, &json!("committed")), "{}", healthy.text);

    let read = sales.get("/v1/entities/crm/account/acme").await;
    assert_eq!(read["fields"]["health"]["value"], "healthy");
    assert_eq!(read["fields"]["health"]["owner"], "support");
    let seen = &read["fields"]["health"]["version"];

    let risk = support.write("crm/account/acme", json!({"health": "at risk"}), json!({"health": seen})).await;
    assert_eq!(risk["fields"][0]["version"], 2);

    let act = json!({
        "target": "mail/sales", "subject": "crm/account/acme", "action": "send_upsell",
        "depends_on": {"crm/account/acme#health": seen},
    });
    let send = sales.post("/v1/acts", act).await;
    assert_eq!((send.status, &send["outcome"], &send["code"]), (200, &json!("stale"), &json!("stale")));
    let field = &send["fields"][0];
    assert_eq!(
        (&field["version"], &field["expected"], &field["value"]),
        (&json!(2), &json!(1), &json!("at risk"))
    );
    assert_eq!(field["by"], json!({"class": "agent", "name": "support"}));
    assert!(send["next"].as_str().unwrap().contains("read again"));

    let alerts = server.dana.get("/v1/alerts").await;
    let alert = &alerts["alerts"][0];
    assert_eq!(alert["kind"], "stale-read");
    let who: Vec<_> = alert["who"].as_array().unwrap().iter().map(|one| one["name"].clone()).collect();
    assert!(who.contains(&json!("sales")) && who.contains(&json!("support")), "{who:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_write_by_curl_is_on_the_board_and_in_the_ledger() {
    let server = Server::start().await;
    let intake = server.agent("intake").await;
    let request = intake.request("POST", "/v1/writes").header("traceparent", TRACE).body(
        r#"{"entity":"crm/contact/acme","changes":{"status":"new"},"expected":{"status":0},"reason":"form"}"#,
    );
    let written = came(request).await;
    assert_eq!(written["outcome"], "committed", "{}", written.text);
    let seq = written["deed"].as_u64().unwrap();

    let board = server.dana.get("/v1/board").await;
    assert!(board["seq"].as_u64().unwrap() >= seq);
    assert_eq!(board["board"]["agents"]["intake"]["outcomes"]["committed"], 1);
    assert_eq!(board["you"]["actor"], json!({"class": "person", "name": "dana"}));

    let deed = server.dana.get(&format!("/v1/ledger/{seq}")).await;
    assert_eq!(deed["deed"]["type"], "deeds.write.committed");
    assert_eq!(deed["deed"]["traceparent"], TRACE);
    assert_eq!(deed["hash"].as_str().unwrap().len(), 64);

    let found = server.dana.get(&format!("/v1/ledger?filter=actor:intake&min_seq={seq}")).await;
    assert_eq!(found["deeds"].as_array().unwrap().len(), 1, "{}", found.text);
    assert_eq!(found["deeds"][0], deed.body);
    server.stop().await;
}

const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
