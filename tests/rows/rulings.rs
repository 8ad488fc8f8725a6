//! Where agents differ a person says what is right, and that holds.

use serde_json::json;

use super::{Caller, Came, Server, alert, answer, take, team, told, work};

async fn conclude(who: &Caller, answer: serde_json::Value) -> Came {
    let body = json!({"subject": "crm/account/acme", "question": "refund?", "answer": answer});
    who.post("/v1/conclusions", body).await
}

#[tokio::test]
async fn a_ruling_on_differing_conclusions_tells_both_and_holds() {
    let server = team().await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    told(&conclude(&sales, json!("approve")).await, "committed", None);
    told(&conclude(&support, json!("Approve ")).await, "committed", None);
    let none = server.dana.get("/v1/alerts").await;
    assert_eq!(none["alerts"], json!([]), "one answer: {}", none.text);
    told(&conclude(&support, json!("reject")).await, "committed", None);
    let item = alert(&server, "contradiction").await["item"].clone();

    let ruling = json!({"kind": "ruling", "right": "support", "note": "the contract says so"});
    let preview = server.dana.post(&format!("/v1/inbox/{item}/preview"), ruling.clone()).await;
    assert_eq!(
        preview["then"][0],
        "support is right; sales and support are told; what is concluded from now on is held against it"
    );
    told(&answer(&server.dana, &item, ruling).await, "recorded", None);
    for agent in [&sales, &support] {
        let told = &work(agent, "ruling").await[0]["kind"];
        assert_eq!(
            (&told["question"], &told["value"], &told["right"]["name"], &told["note"]),
            (&json!("refund?"), &json!("reject"), &json!("support"), &json!("the contract says so"))
        );
        take(agent).await;
    }
    let none = server.dana.get("/v1/alerts").await;
    assert_eq!(none["alerts"], json!([]), "{}", none.text);

    let otherwise = conclude(&sales, json!("approve")).await;
    told(&otherwise, "refused", Some("ruled"));
    assert!(
        otherwise["message"].as_str().unwrap().contains("dana ruled that it is reject"),
        "{}",
        otherwise.text
    );
    told(&conclude(&sales, json!("REJECT")).await, "committed", None);
    let list = sales.get("/v1/conclusions?subject=crm/account/acme").await;
    let answers = list["conclusions"][0]["answers"].as_array().unwrap().clone();
    assert!(answers.iter().any(|one| one["ruling"] == true && one["by"]["name"] == "dana"), "{}", list.text);
    server.stop().await;
}

#[tokio::test]
async fn states_that_agree_again_end_a_contradiction() {
    let server = team().await;
    let (sourcing, recruiting) = (server.agent("sourcing").await, server.agent("recruiting").await);
    let write = |entity: &str, field: &str, value: &str, version: u64| json!({"entity": entity, "changes": {field: value}, "expected": {field: version}});
    let set = write("crm/contact/ada", "status", "sourced", 0);
    told(&sourcing.post("/v1/writes", set).await, "committed", None);
    let set = write("pipeline/ada", "stage", "uncontacted", 0);
    let second = recruiting.post("/v1/writes", set).await;
    told(&second, "committed", None);
    let found = alert(&server, "contradiction").await;
    assert_eq!(second["raised"], json!([{"alert": found["no"], "code": "contradiction"}]), "{}", second.text);
    assert_eq!(second["alerts"], json!([found["no"]]));
    let notice = &work(&sourcing, "notice").await[0]["title"];
    let words = notice.as_str().unwrap();
    assert!(words.starts_with("your crm/contact/ada#status"), "{words}");
    assert!(words.contains("pipeline/ada#stage by recruiting"), "{words}");
    let item = found["item"].clone();
    let set = write("pipeline/ada", "stage", "contacted", 1);
    let ended = recruiting.post("/v1/writes", set).await;
    told(&ended, "committed", None);
    let alerts = server.dana.get("/v1/alerts?resolved=true").await;
    let resolved =
        alerts["alerts"].as_array().unwrap().iter().find(|one| one["kind"] == "contradiction").unwrap();
    let by = format!(
        "the states agree again: pipeline/ada#stage is contacted since deed {} by recruiting",
        ended["deed"]
    );
    assert_eq!(resolved["note"], by, "{}", alerts.text);
    let inbox = server.dana.get("/v1/inbox").await;
    assert_eq!(inbox["items"], json!([]), "{}", inbox.text);
    let shown = server.dana.get(&format!("/v1/inbox/{item}")).await;
    assert_eq!(shown["closed"]["answer"]["kind"], "handle", "{}", shown.text);
    server.stop().await;
}

#[tokio::test]
async fn what_the_map_stops_waits_while_a_contradiction_is_open() {
    let map =
        super::TEAM.replace("name = \"double truth\"", "name = \"double truth\"\nstops = [\"write_*\"]");
    let server = Server::start_on(&map).await;
    let (sourcing, recruiting) = (server.agent("sourcing").await, server.agent("recruiting").await);
    let write = |entity: &str, field: &str, value: &str, version: u64| json!({"entity": entity, "changes": {field: value}, "expected": {field: version}});
    told(
        &sourcing.post("/v1/writes", write("crm/contact/ada", "status", "sourced", 0)).await,
        "committed",
        None,
    );
    let set = write("pipeline/ada", "stage", "uncontacted", 0);
    told(&recruiting.post("/v1/writes", set).await, "committed", None);
    let act = |wait: bool| json!({"target": "pipeline/ada#stage", "action": "write_to", "subject": "pipeline/ada", "wait": wait});
    let waits = recruiting.post("/v1/acts", act(true)).await;
    told(&waits, "deferred", Some("contradicted"));
    let item = alert(&server, "contradiction").await["item"].clone();
    let ruling = json!({"kind": "ruling", "right": "pipeline/ada#stage", "note": "nobody wrote to her"});
    told(&answer(&server.dana, &item, ruling).await, "recorded", None);
    let ruled = &work(&sourcing, "ruling").await[0]["kind"];
    assert_eq!((&ruled["of"], &ruled["value"]), (&json!("pipeline/ada#stage"), &json!("uncontacted")));
    assert_eq!(work(&recruiting, "free").await.len(), 1);
    told(&recruiting.post("/v1/acts", act(false)).await, "allowed", None);
    server.stop().await;
}

#[tokio::test]
async fn what_a_person_concludes_decides_the_question() {
    let server = team().await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    told(&conclude(&sales, json!("approve")).await, "committed", None);
    told(&conclude(&support, json!("reject")).await, "committed", None);
    told(&conclude(&server.dana, json!("half of it")).await, "committed", None);
    let inbox = server.dana.get("/v1/inbox").await;
    assert_eq!(inbox["items"], json!([]), "{}", inbox.text);
    assert_eq!(work(&sales, "ruling").await[0]["kind"]["value"], "half of it");
    assert_eq!(work(&support, "ruling").await.len(), 1);
    told(&conclude(&sales, json!("approve")).await, "refused", Some("ruled"));
    server.stop().await;
}
