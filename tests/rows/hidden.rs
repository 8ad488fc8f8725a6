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
        &sales.write("crm/deal/7", json!({"discount": 1_471_147_114}), json!({"discount": 0})).await,
        "committed",
        None,
    );
    let woken = work(&product, "dispatch").await;
    assert_eq!(woken[0]["kind"]["attributes"], json!({"path": "crm/deal/7#discount"}));
    assert_eq!(product.post("/v1/work/take", json!({})).await["reply"]["outcome"], "recorded");
    let stream = streamed(&server, &product).await;
    assert!(stream.contains("deeds.work.queued") && !stream.contains("1471147114"), "{stream}");
    assert!(!stream.contains("deeds.event.raised"), "{stream}");
    assert!(streamed(&server, &server.dana).await.contains("1471147114"), "people see it");
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
    let applied = server.dana.request("PUT", "/v1/map?reason=adopt").header("if-match", "1").body(map);
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

    let made = server.dana.post("/v1/workspaces", json!({"workspace": "elsewhere"})).await;
    let eve = Caller::new(&server.base, made["token"].as_str().unwrap().to_owned());
    let looks = looks(&server).await;
    assert!(looks.len() > 100, "{}", looks.len());
    for look in &looks {
        for (who, caller) in [("product", &product), ("somebody of another workspace", &eve)] {
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

/// Rules that read what is hidden from the agent that they bind.
const RULES: &str = r#"
workspace = "northwind"
governance_owner = "dana"

[[agent]]
id = "sales"
owner = "dana"
writes = ["crm/deal/*#discount", "requests/*#price"]

[[agent]]
id = "product"
owner = "dana"
writes = ["requests/*", "crm/deal/*#note"]
except = ["requests/*#price"]
hidden = ["crm/deal/*#discount", "requests/*#price"]
outputs = ["mail/product"]

[[agent]]
id = "finance"
owner = "dana"
outputs = ["mail/finance"]

[[defer]]
agent = "product"
to = "sales"
while = "crm/deal/{id}#discount != 1"

[[defer]]
agent = "finance"
to = "sales"
while = "crm/deal/{id}#discount != 1"

[[basis]]
actions = ["send_*"]
needs = ["crm/deal/{id}#discount"]

[[queue]]
name = "ops"
review = "daily 09:00"
priority = ["sales", "product", "finance"]
owner = "dana"
"#;

#[tokio::test]
async fn a_rule_that_reads_a_hidden_field_says_that_another_goes_first_and_no_more() {
    let server = Server::start_on(RULES).await;
    let (sales, product) = (server.agent("sales").await, server.agent("product").await);
    let finance = server.agent("finance").await;
    told(
        &sales.write("crm/deal/7", json!({"discount": 1_471_147_114}), json!({"discount": 0})).await,
        "committed",
        None,
    );
    let act =
        |output: &str| json!({"target": output, "action": "call", "subject": "requests/7", "wait": true});
    let waits = product.post("/v1/acts", act("mail/product")).await;
    told(&waits, "deferred", Some("deferred"));
    assert!(waits.text.contains("sales goes first on requests/7"), "{}", waits.text);
    let wrote = product.write("requests/7", json!({"text": "x"}), json!({"text": 0})).await;
    told(&wrote, "deferred", Some("deferred"));
    for came in [&waits, &wrote] {
        assert!(!came.text.contains("discount") && !came.text.contains("1471147114"), "{}", came.text);
    }
    // Whoever may see the field is told by which rule; that deed is not for whoever may not.
    let told_why = finance.post("/v1/acts", act("mail/finance")).await;
    told(&told_why, "deferred", Some("deferred"));
    assert!(told_why.text.contains("discount != 1"), "{}", told_why.text);
    let stream = streamed(&server, &product).await;
    assert!(!stream.contains("discount"), "{stream}");
    assert!(streamed(&server, &finance).await.contains("discount != 1"));
    // It is free when the rule holds no more, and learns that alone.
    told(&sales.write("crm/deal/7", json!({"discount": 1}), json!({"discount": 1})).await, "committed", None);
    let free = work(&product, "free").await;
    assert_eq!(free.len(), 1);
    assert!(!json!(free).to_string().contains("discount"), "{free:?}");
    server.stop().await;
}

#[tokio::test]
async fn a_version_of_a_hidden_field_is_answered_like_one_that_is_not_there() {
    let server = Server::start_on(RULES).await;
    let (sales, product) = (server.agent("sales").await, server.agent("product").await);
    told(
        &sales.write("crm/deal/7", json!({"discount": 1_471_147_114}), json!({"discount": 0})).await,
        "committed",
        None,
    );
    told(
        &product.write("crm/deal/9", json!({"other": 1}), json!({"other": 0})).await,
        "escalated",
        Some("unowned"),
    );
    for named in [0, 1, 2] {
        let asks = |id: &str| {
            let deal = format!("crm/deal/{id}");
            let read = json!({format!("{deal}#discount"): named});
            [
                (
                    "/v1/writes",
                    json!({"entity": deal, "changes": {"note": "n"}, "expected": {"note": 7, "discount": named}}),
                ),
                (
                    "/v1/writes",
                    json!({"entity": "requests/1", "changes": {"a": 1}, "expected": {"a": 7}, "depends_on": read}),
                ),
                (
                    "/v1/acts",
                    json!({"target": "mail/product", "action": "send_offer", "subject": format!("requests/x{id}")}),
                ),
                (
                    "/v1/acts",
                    json!({"target": "mail/product", "action": "call", "subject": "requests/1", "depends_on": read}),
                ),
                (
                    "/v1/outputs",
                    json!({"output": "mail/product", "body": "x", "subject": "requests/1", "depends_on": read,
                                       "thread": format!("t{id}{named}")}),
                ),
                (
                    "/v1/conclusions",
                    json!({"subject": "requests/1", "question": format!("q{id}{named}"), "answer": 1, "depends_on": read}),
                ),
            ]
        };
        for ((address, here), (_, nowhere)) in asks("7").into_iter().zip(asks("9")) {
            let (here, nowhere) = (product.post(address, here).await, product.post(address, nowhere).await);
            assert!(!here.text.contains("now v1") && !here.text.contains("by sales"), "{}", here.text);
            assert_eq!(
                here["outcome"], nowhere["outcome"],
                "{address} v{named}: {} {}",
                here.text, nowhere.text
            );
            assert_eq!(here["code"], nowhere["code"], "{address} v{named}: {} {}", here.text, nowhere.text);
            let fields = |came: &Json| came["fields"].to_string().replace("deal/9", "deal/7");
            assert_eq!(fields(&here.body), fields(&nowhere.body), "{address} v{named}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_lease_on_a_hidden_field_is_told_without_whose_and_where() {
    let server = Server::start_on(RULES).await;
    let (sales, product) = (server.agent("sales").await, server.agent("product").await);
    told(&product.write("requests/1", json!({"text": "x"}), json!({"text": 0})).await, "committed", None);
    let lease = json!({"target": {"path": "requests/1#price"}, "ttl": "5m"});
    told(&sales.post("/v1/leases", lease).await, "allowed", None);
    let whole = product.get("/v1/entities/requests/1").await["version"].clone();
    for body in [
        (
            "/v1/writes",
            json!({"entity": "requests/1", "op": "delete", "changes": {}, "expected": {"": whole}}),
        ),
        ("/v1/leases", json!({"target": {"path": "requests/1"}, "ttl": "5m"})),
        ("/v1/acts", json!({"target": "requests/1", "action": "print", "subject": "requests/1"})),
    ] {
        let came = product.post(body.0, body.1).await;
        told(&came, "refused", Some("leased"));
        assert!(came.text.contains("another agent holds a lease on a field of requests/1"), "{}", came.text);
        assert!(!came.text.contains("price") && !came.text.contains("sales"), "{}", came.text);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_hold_on_a_hidden_field_is_no_more_than_a_hold_to_who_deletes_the_record() {
    let server =
        Server::start_on(&RULES.replacen("governance_owner", "mode = \"observe\"\ngovernance_owner", 1))
            .await;
    let product = server.agent("product").await;
    told(&product.write("requests/1", json!({"text": "x"}), json!({"text": 0})).await, "committed", None);
    let set = json!({"step": "set", "path": "requests/1#price", "value": 1_471_147_114, "expected": 0, "reason": "a planted reason"});
    told(&server.dana.post("/v1/overrides", set).await, "committed", None);
    let whole = product.get("/v1/entities/requests/1").await["version"].clone();
    let delete = json!({"entity": "requests/1", "op": "delete", "changes": {}, "expected": {"": whole}});
    let came = product.post("/v1/writes", delete).await;
    told(&came, "committed", Some("held"));
    assert!(came.text.contains("a person holds a field of requests/1"), "{}", came.text);
    for text in [&came.text, &streamed(&server, &product).await] {
        assert!(
            !text.contains("price") && !text.contains("planted") && !text.contains("1471147114"),
            "{text}"
        );
    }
    server.stop().await;
}

/// What it accepted of another is the other's words, and goes with the field.
#[tokio::test]
async fn what_was_accepted_and_refused_is_hidden_once_its_field_is() {
    let server = Server::start_on(super::TEAM).await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    let account = "crm/account/7";
    told(&support.write(account, json!({"health": "good"}), json!({"health": 0})).await, "committed", None);
    told(
        &sales.write(account, json!({"health": "planted"}), json!({"health": 1})).await,
        "proposed",
        Some("not-owner"),
    );
    told(&support.write(account, json!({"health": "bad"}), json!({"health": 1})).await, "committed", None);
    let no = work(&support, "proposal").await[0]["no"].clone();
    let accepted = support.post(&format!("/v1/work/{no}/accept"), json!({})).await;
    told(&accepted, "stale", Some("stale"));
    assert!(streamed(&server, &support).await.contains("planted"));
    let hiding = "id = \"support\"\nhidden = [\"crm/account/7#health\"]\n";
    let map = super::TEAM.replacen("id = \"support\"\n", hiding, 1);
    let applied = server.dana.request("PUT", "/v1/map?reason=hide").header("if-match", "1").body(map);
    assert_eq!(applied.send().await.unwrap().status().as_u16(), 200);
    assert!(!streamed(&server, &support).await.contains("planted"));
    server.stop().await;
}

/// The answer to a request that is repeated tells no more than a new one would.
#[tokio::test]
async fn a_repeated_answer_hides_what_is_hidden_since() {
    let server = Server::start_on(super::TEAM).await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    let account = "crm/account/7";
    let found = json!({"health": "planted"});
    told(&support.write(account, found, json!({"health": 0})).await, "committed", None);
    let body = json!({"target": "mail/sales", "action": "send", "subject": account,
                      "depends_on": {"crm/account/7#health": 0}});
    let send = || async {
        let request = sales.request("POST", "/v1/acts").header("Idempotency-Key", "k1");
        let request = request.header("Content-Type", "application/json");
        super::support::came(request.body(body.to_string())).await
    };
    let first = send().await;
    told(&first, "stale", Some("stale"));
    assert!(first.text.contains("planted"), "{}", first.text);
    assert_eq!(send().await.text, first.text);
    let hiding = "id = \"sales\"\nhidden = [\"crm/account/7#health\"]\n";
    let map = super::TEAM.replacen("id = \"sales\"\n", hiding, 1);
    let applied = server.dana.request("PUT", "/v1/map?reason=hide").header("if-match", "1").body(map);
    assert_eq!(applied.send().await.unwrap().status().as_u16(), 200);
    let again = send().await;
    told(&again, "stale", Some("stale"));
    assert_eq!(again["deed"], first["deed"]);
    assert!(!again.text.contains("planted") && !again.text.contains("support"), "{}", again.text);
    server.stop().await;
}

#[tokio::test]
async fn the_version_of_a_record_does_not_count_hidden_changes() {
    let server = Server::start_on(RULES).await;
    let (sales, product) = (server.agent("sales").await, server.agent("product").await);
    for deal in ["crm/deal/7", "crm/deal/9"] {
        told(&product.write(deal, json!({"note": "n"}), json!({"note": 0})).await, "committed", None);
    }
    for version in 0..3 {
        let cut = sales.write("crm/deal/7", json!({"discount": version}), json!({"discount": version})).await;
        told(&cut, "committed", None);
    }
    let owned = sales.get("/v1/entities/crm/deal/7").await;
    assert_eq!(owned["version"], 4, "{}", owned.text);
    for deal in ["crm/deal/7", "crm/deal/9"] {
        let seen = product.get(&format!("/v1/entities/{deal}")).await;
        assert_eq!(
            (&seen["version"], &seen["fields"]["note"]["version"]),
            (&json!(0), &json!(1)),
            "{}",
            seen.text
        );
        for named in [0, 1, 4] {
            let asked = json!({"entity": "requests/1", "changes": {"a": 1}, "expected": {"a": 7},
                               "depends_on": {deal: named}});
            let came = product.post("/v1/writes", asked).await;
            assert_eq!(came["code"], "stale", "{}", came.text);
            assert!(!came.text.contains("sales") && !came.text.contains("v4"), "{}", came.text);
            let plain = json!({"entity": deal, "changes": {"note": "m"}, "expected": named});
            let came = product.post("/v1/writes", plain).await;
            assert!(!came.text.contains("now v"), "{}", came.text);
        }
    }
    server.stop().await;
}
