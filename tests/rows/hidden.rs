//! What is hidden stays hidden, whatever the way: in the stream, in answers, for whom the map does not name.

use deeds::domain::things::TokenClass;
use serde_json::{Value as Json, json};

use super::{Caller, Server, told, work};

const TEAM: &str = r#"
workspace = "northwind"
governance_owner = "dana"

[[agent]]
id = "sales"
owner = "dana"
writes = ["crm/deal/*"]
outputs = ["mail/sales"]

[[agent]]
id = "product"
owner = "dana"
triggers = ["deal.cut"]
writes = ["requests/*"]
hidden = ["hr/**", "crm/deal/*#discount"]
outputs = ["mail/product"]

[[event]]
name = "deal.cut"
on = "crm/deal/*#discount != 0"

[[queue]]
name = "ops"
review = "daily 09:00"
priority = ["sales", "product"]
owner = "dana"
"#;

/// Every deed that the caller's stream has so far, as text.
pub(super) async fn streamed(server: &Server, caller: &Caller) -> String {
    let head = server.dana.get("/v1/ledger?limit=1").await["head"].as_u64().unwrap();
    let mut response = caller.request("GET", "/v1/ledger/stream?after=0").send().await.unwrap();
    let mut text = String::new();
    while !text.contains(&format!("id: {head}\n")) {
        text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    text
}

#[tokio::test]
async fn the_event_of_a_hidden_change_is_not_in_the_stream_of_whom_it_wakes() {
    let server = Server::start_on(TEAM).await;
    let (sales, product) = (server.agent("sales").await, server.agent("product").await);
    told(
        &sales.write("crm/deal/7", json!({"discount": 4711}), json!({"discount": 0})).await,
        "committed",
        None,
    );
    let woken = work(&product, "dispatch").await;
    assert_eq!(woken[0]["kind"]["attributes"], json!({"path": "crm/deal/7#discount"}));
    assert_eq!(product.post("/v1/work/take", json!({})).await["reply"]["outcome"], "recorded");
    let stream = streamed(&server, &product).await;
    assert!(stream.contains("deeds.work.queued") && !stream.contains("4711"), "{stream}");
    assert!(!stream.contains("deeds.event.raised"), "{stream}");
    assert!(streamed(&server, &server.dana).await.contains("4711"), "people see it");
    server.stop().await;
}

/// An answer without what differs for every one: the numbers of deeds, items and works.
fn plain(mut answer: Json) -> Json {
    for key in ["deed", "item", "works", "seq"] {
        answer.as_object_mut().unwrap().remove(key);
    }
    answer
}

#[tokio::test]
async fn a_hidden_path_answers_like_one_that_is_not_there() {
    let server = Server::start_on(TEAM).await;
    let product = server.agent("product").await;
    for (entity, reason) in [("hr/seven", "kept by people"), ("hr/frozen", "kept")] {
        let set = json!({"step": "set", "path": format!("{entity}#total"), "value": 9, "expected": 0, "reason": reason});
        told(&server.dana.post("/v1/overrides", set).await, "committed", None);
    }
    let freeze = json!({"step": "freeze", "entity": "hr/frozen", "reason": "under audit"});
    told(&server.dana.post("/v1/overrides", freeze).await, "recorded", None);
    for there in ["hr/seven", "hr/frozen"] {
        let asks = |entity: &str| {
            [
                ("/v1/writes", json!({"entity": entity, "changes": {"total": 1}, "expected": {"total": 0}})),
                ("/v1/writes", json!({"entity": entity, "changes": {"total": 1}, "expected": {"total": 1}})),
                ("/v1/acts", json!({"target": "mail/product", "action": "send", "subject": entity})),
                ("/v1/outputs", json!({"output": "mail/product", "body": "x", "subject": entity})),
                ("/v1/leases", json!({"target": {"path": entity}, "ttl": "1m"})),
                ("/v1/conclusions", json!({"subject": entity, "question": "paid", "answer": true})),
                (
                    "/v1/acts",
                    json!({"target": "mail/product", "action": "send", "subject": "requests/1",
                           "depends_on": {format!("{entity}#total"): 1}}),
                ),
            ]
        };
        for ((address, here), (_, nowhere)) in asks(there).into_iter().zip(asks("hr/nowhere")) {
            let here_told = product.post(address, here).await;
            let nowhere_told = product.post(address, nowhere).await;
            let renamed = nowhere_told.text.replace("hr/nowhere", there);
            assert_eq!(
                plain(here_told.body.clone()),
                plain(serde_json::from_str(&renamed).unwrap()),
                "{address}: {}",
                here_told.text
            );
        }
        for look in ["/v1/entities/", "/v1/activity?entity="] {
            let (here, nowhere) = (
                product.get(&format!("{look}{there}")).await,
                product.get(&format!("{look}hr/nowhere")).await,
            );
            assert_eq!(here.status, nowhere.status);
            assert_eq!(here.text, nowhere.text.replace("hr/nowhere", there));
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn whom_the_map_does_not_name_sees_what_it_sent_and_its_scratch() {
    let server = Server::start_on(TEAM).await;
    let sales = server.agent("sales").await;
    let stranger = server.with_token(TokenClass::Agent, "stranger").await;
    told(
        &sales.write("crm/deal/7", json!({"stage": "secret-stage"}), json!({"stage": 0})).await,
        "committed",
        None,
    );
    let mine = stranger.write("scratch/stranger/notes", json!({"text": "mine"}), json!({"text": 0})).await;
    told(&mine, "committed", None);
    let sent = stranger.write("crm/deal/7", json!({"stage": "wished"}), json!({"stage": 1})).await;
    told(&sent, "proposed", Some("not-owner"));
    assert_eq!(sent["fields"][0]["version"], 0, "{}", sent.text);
    assert_eq!(stranger.get("/v1/entities/crm/deal/7").await.status, 404);
    assert_eq!(stranger.get("/v1/entities/scratch/stranger/notes").await["fields"]["text"]["value"], "mine");
    let stream = streamed(&server, &stranger).await;
    assert!(
        stream.contains("wished") && stream.contains("mine") && !stream.contains("secret-stage"),
        "{stream}"
    );

    // A workspace that only observes takes the team as it is.
    let map = TEAM.replacen("governance_owner", "mode = \"observe\"\ngovernance_owner", 1);
    let applied = server.dana.request("PUT", "/v1/map?reason=adopt").header("if-match", "0").body(map);
    assert_eq!(applied.send().await.unwrap().status().as_u16(), 200);
    assert_eq!(stranger.get("/v1/entities/crm/deal/7").await["fields"]["stage"]["value"], "secret-stage");
    server.stop().await;
}

/// Every address that is only looked at, as somebody would ask there.
async fn looks(server: &Server) -> Vec<String> {
    let known = server.dana.get("/v1").await;
    let entities = ["crm/deal/7", "hr/seven", "requests/1"];
    let mut looks = Vec::new();
    for address in known["routes"].as_array().unwrap() {
        let path = address["path"].as_str().unwrap();
        if address["method"] != "GET" || path.ends_with("/stream") {
            continue;
        }
        let Some((before, _)) = path.split_once('{') else {
            looks.push(path.to_owned());
            for entity in entities {
                for asked in ["entity", "path", "subject", "pattern"] {
                    looks.push(format!("{path}?{asked}={entity}"));
                    looks.push(format!("{path}?{asked}={entity}%23discount"));
                }
            }
            for asked in ["at=4", "at=6", "deed=5", "filter=discount", "agent=sales", "agent=product"] {
                looks.push(format!("{path}?{asked}"));
            }
            continue;
        };
        let ends =
            if path.contains('*') { entities.map(str::to_owned) } else { ["1", "2", "5"].map(str::to_owned) };
        looks.extend(ends.iter().flat_map(|end| [format!("{before}{end}"), format!("{before}{end}?at=6")]));
    }
    looks
}

/// What is planted is searched for in everything that is delivered: on every address, in the stream, in answers; to an
/// agent from whom it is hidden, and to everybody of another workspace.
#[tokio::test]
async fn nothing_planted_is_delivered_on_any_address() {
    let server = Server::start_on(TEAM).await;
    let (sales, product) = (server.agent("sales").await, server.agent("product").await);
    told(
        &sales.write("crm/deal/7", json!({"discount": "planted"}), json!({"discount": 0})).await,
        "committed",
        None,
    );
    let set = json!({"step": "set", "path": "hr/seven#total", "value": "planted", "expected": 0, "reason": "planted too"});
    told(&server.dana.post("/v1/overrides", set).await, "committed", None);
    let said = json!({"subject": "hr/seven", "question": "paid", "answer": "planted"});
    told(&sales.post("/v1/conclusions", said).await, "committed", None);
    let sent = json!({"output": "mail/sales", "body": "planted", "subject": "hr/seven"});
    told(&sales.post("/v1/outputs", sent).await, "committed", None);
    let freeze = json!({"step": "freeze", "entity": "hr/seven", "reason": "planted"});
    told(&server.dana.post("/v1/overrides", freeze).await, "recorded", None);

    let made = server.dana.post("/v1/workspaces", json!({"workspace": "elsewhere", "admin": "eve"})).await;
    let eve = Caller::new(&server.base, made["token"].as_str().unwrap().to_owned());
    let looks = looks(&server).await;
    assert!(looks.len() > 100, "{}", looks.len());
    for look in &looks {
        for (who, caller) in [("product", &product), ("eve of another workspace", &eve)] {
            let came = caller.get(look).await;
            assert!(!came.text.contains("planted"), "{who} on {look}: {}", came.text);
        }
    }
    for body in [
        json!({"entity": "hr/seven", "changes": {"total": 1}, "expected": {"total": 0}}),
        json!({"entity": "crm/deal/7", "changes": {"discount": 1}, "expected": {"discount": 5}}),
        json!({"entity": "requests/1", "changes": {"a": 1}, "expected": {"a": 0},
               "depends_on": {"crm/deal/7#discount": 7, "hr/seven": 1}}),
    ] {
        for caller in [&product, &eve] {
            let came = caller.post("/v1/writes", body.clone()).await;
            assert!(!came.text.contains("planted"), "{}", came.text);
        }
    }
    assert!(!streamed(&server, &product).await.contains("planted"));
    assert!(streamed(&server, &server.dana).await.contains("planted"), "people of the workspace see it");
    server.stop().await;
}
