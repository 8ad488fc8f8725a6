//! Looking at how it was: every view as of a sequence and of a time, and what has never been.

use serde_json::{Value as Json, json};

use super::support::{Caller, Server, TEAM, northwind};
use deeds::api::ADDRESSES;
use deeds::domain::deed::Deed;
use deeds::domain::state::State;

async fn head(server: &Server) -> u64 {
    server.dana.get("/v1/board").await["seq"].as_u64().unwrap()
}

/// What the views say, without the time of the question.
async fn views(caller: &Caller, at: Option<u64>) -> Vec<(String, Json)> {
    let mut said = Vec::new();
    for path in [
        "/v1/inbox",
        "/v1/inbox/1",
        "/v1/alerts?resolved=true",
        "/v1/map",
        "/v1/handoffs",
        "/v1/fan-outs",
        "/v1/leases",
        "/v1/outputs",
        "/v1/conclusions",
        "/v1/reviews",
        "/v1/scope?agent=intake",
        "/v1/work?agent=intake",
        "/v1/entities/crm/contact/acme",
        "/v1/who-owns?path=crm/contact/acme%23status",
    ] {
        let mark = if path.contains('?') { '&' } else { '?' };
        let asked = at.map_or_else(|| path.to_owned(), |seq| format!("{path}{mark}at={seq}"));
        let came = caller.get(&asked).await;
        assert!(came.status == 200 || path == "/v1/inbox/1", "{asked}: {}", came.text);
        said.push((path.to_owned(), came.body));
    }
    said
}

/// A story in steps; after each, everything that can be asked is asked.
async fn story(server: &Server) -> Vec<(u64, Vec<(String, Json)>)> {
    let (intake, sales) = (server.agent("intake").await, server.agent("sales").await);
    let mut told = Vec::new();
    for step in 0..6 {
        match step {
            0 => {}
            1 => drop(intake.write("crm/contact/acme", json!({"status": "new"}), json!({"status": 0})).await),
            2 => drop(intake.write("crm/contact/acme", json!({"score": 7}), json!({"score": 0})).await),
            3 => drop(sales.write("crm/contact/acme", json!({"status": "won"}), json!({"status": 1})).await),
            4 => {
                let freeze = json!({"step": "freeze", "entity": "crm/contact/acme", "reason": "looking"});
                server.dana.post("/v1/overrides", freeze).await;
            }
            _ => {
                let map = TEAM.replace("Qualifies inbound leads", "Qualifies every lead");
                let put = server.dana.request("PUT", "/v1/map").header("if-match", "\"1\"").body(map);
                assert_eq!(put.send().await.unwrap().status(), 200);
            }
        }
        told.push((head(server).await, views(&server.dana, None).await));
    }
    told
}

#[tokio::test]
async fn every_view_as_of_then_is_what_it_was_then() {
    let server = Server::start().await;
    let told = story(&server).await;
    assert!(told.windows(2).all(|pair| pair[0].1 != pair[1].1), "a step changed nothing");
    for round in 0..2 {
        for (seq, before) in &told {
            for ((path, then), (_, now)) in before.iter().zip(views(&server.dana, Some(*seq)).await) {
                assert_eq!(*then, now, "round {round}, {path} as of {seq}");
            }
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn board_and_entities_as_of_any_sequence_are_those_of_a_replay() {
    let server = Server::start().await;
    story(&server).await;
    let last = head(&server).await;
    let deeds = server.dana.get("/v1/ledger?limit=1000&after=0").await;
    let mut state = State::new(northwind());
    for raw in deeds["deeds"].as_array().unwrap() {
        state.fold(&Deed::decode(raw["deed"].to_string().as_bytes()).unwrap());
        let seq = state.head().0;
        let came = server.dana.get(&format!("/v1/board?at={seq}")).await;
        assert_eq!((came.status, &came["seq"]), (200, &json!(seq)), "{}", came.text);
        let (board, next) = state.board.first_page();
        assert_eq!((&came["board"], next), (&serde_json::to_value(board).unwrap(), None), "as of {seq}");
        assert_eq!(came["you"]["as_of"], json!({"seq": seq, "time": state.board.recorded}));
        let entity = server.dana.get(&format!("/v1/entities/crm/contact/acme?at={seq}")).await;
        let known =
            state.entities.get(&"crm/contact/acme".parse::<deeds::domain::path::EntityPath>().unwrap());
        assert_eq!(entity["version"], json!(known.map_or(0, |known| known.version.0)), "as of {seq}");
    }
    assert_eq!(state.head().0, last);
    server.stop().await;
}

#[tokio::test]
async fn times_mean_what_was_recorded_by_then() {
    let server = Server::start().await;
    let told = story(&server).await;
    for (seq, _) in &told {
        let recorded = server.dana.get(&format!("/v1/board?at={seq}")).await["board"]["recorded"].clone();
        let came = server.dana.get(&format!("/v1/whoami?at={}", recorded.as_str().unwrap())).await;
        assert_eq!(came["as_of"]["seq"], json!(seq), "{}", came.text);
    }
    // Two moments in words: the present, and a client that keeps looking at the moment it has found.
    let came = server.dana.get("/v1/whoami?at=0s").await;
    assert_eq!(came["as_of"]["seq"], json!(head(&server).await), "{}", came.text);
    let then = server.dana.client().as_of("0s").await.unwrap();
    let intake = server.agent("intake").await;
    intake.write("crm/contact/later", json!({"status": "new"}), json!({"status": 0})).await;
    let moment = then.looks_at().unwrap();
    assert_eq!(then.board().await.unwrap().seq, moment.seq);
    assert_eq!(then.now().await.unwrap(), moment.time);
    assert_eq!(then.read(&"crm/contact/later".parse().unwrap()).await.unwrap().version.0, 0);
    server.stop().await;
}

#[tokio::test]
async fn moments_that_never_were_are_told_clearly() {
    let server = Server::start().await;
    let last = head(&server).await;
    let places: Vec<String> = ADDRESSES
        .iter()
        .filter(|route| route.method == "GET" && route.path != "/v1/whoami")
        .filter_map(|route| match route.path {
            "/v1/inbox/{n}" => Some("/v1/inbox/1?".to_owned()),
            "/v1/entities/{*path}" => Some("/v1/entities/crm/contact/a?".to_owned()),
            "/v1/who-owns" => Some("/v1/who-owns?path=crm/contact/a&".to_owned()),
            "/v1/scope" | "/v1/work" => Some(format!("{}?agent=intake&", route.path)),
            "/v1/board" | "/v1/map" | "/v1/inbox" | "/v1/alerts" | "/v1/handoffs" | "/v1/leases"
            | "/v1/fan-outs" | "/v1/outputs" | "/v1/conclusions" | "/v1/reviews" => {
                Some(format!("{}?", route.path))
            }
            _ => None,
        })
        .collect();
    assert!(places.len() >= 15, "{places:?}");
    for place in &places {
        for (at, status, code, said) in [
            ("yesterday", 400, "bad-parameter", "-2h"),
            ("2199-01-01", 400, "bad-parameter", "has not come yet"),
            ("-999999999h", 404, "out-of-history", "before the first deed"),
            ("2001-01-01", 404, "out-of-history", "before the first deed"),
            ("0", 404, "out-of-history", "before the first deed"),
            (&(last + 1).to_string(), 404, "out-of-history", "beyond the ledger's end"),
            ("99999999999999999999", 400, "bad-parameter", "no moment"),
            ("1&min_seq=1", 400, "bad-parameter", "one of them"),
        ] {
            let came = server.dana.get(&format!("{place}at={at}")).await;
            assert_eq!((came.status, &came["code"]), (status, &json!(code)), "{place}at={at}: {}", came.text);
            assert!(came["detail"].as_str().unwrap().contains(said), "{place}at={at}: {}", came.text);
            assert_eq!(came["place"], "query, `at`", "{}", came.text);
        }
    }
    let came = server.dana.get("/v1/work?agent=intake&at=1&wait=1s").await;
    assert_eq!((came.status, &came["place"]), (400, &json!("query, `wait`")), "{}", came.text);
    assert_eq!(head(&server).await, last, "looking back leaves no deed");
    server.stop().await;
}

/// What was hidden then stays hidden, and what is hidden now is hidden in the past too.
#[tokio::test]
async fn hidden_holds_in_the_past_in_both_directions() {
    let server = Server::start().await;
    let (support, sales) = (server.agent("support").await, server.agent("sales").await);
    support
        .write("crm/account/a", json!({"margin": 3, "health": "ok"}), json!({"margin": 0, "health": 0}))
        .await;
    let before = head(&server).await;
    // The margin is shown from now on, the health is not.
    let map = TEAM.replace("\"crm/account/*#margin\"]\n", "\"crm/account/*#health\"]\n");
    assert_ne!(map, TEAM);
    let put = server.dana.request("PUT", "/v1/map").header("if-match", "\"1\"").body(map);
    assert_eq!(put.send().await.unwrap().status(), 200);
    let now = sales.get("/v1/entities/crm/account/a").await;
    assert_eq!((now["fields"]["margin"]["value"].clone(), &now["fields"]["health"]), (json!(3), &Json::Null));
    let then = sales.get(&format!("/v1/entities/crm/account/a?at={before}")).await;
    assert_eq!((then.status, &then["fields"]), (200, &json!({})), "{}", then.text);
    assert_eq!(then["recent"], json!([]), "{}", then.text);
    let dana = server.dana.get(&format!("/v1/entities/crm/account/a?at={before}")).await;
    assert_eq!(dana["fields"].as_object().unwrap().len(), 2);
    for field in ["margin", "health"] {
        let path = format!("/v1/who-owns?path=crm/account/a%23{field}&at={before}");
        assert_eq!(sales.get(&path).await["field"], Json::Null, "{field}");
        assert_ne!(server.dana.get(&path).await["field"], Json::Null, "{field}");
    }
    assert_eq!(sales.get(&format!("/v1/board?at={before}")).await.status, 403);
    server.stop().await;
}

#[tokio::test]
async fn a_long_history_of_one_entity_is_folded_whole() {
    let server = Server::start().await;
    let intake = server.agent("intake").await;
    let mut middle = 0;
    for n in 0..12_u64 {
        let batch: Vec<Json> = (0..100)
            .map(|m| {
                let version = n * 100 + m;
                json!({"entity": "crm/contact/busy", "changes": {"status": version}, "expected": {"status": version}})
            })
            .collect();
        intake.post("/v1/writes:batch", Json::Array(batch)).await;
        if n == 5 {
            middle = head(&server).await;
        }
    }
    for (at, version) in [(middle, 600), (head(&server).await, 1200)] {
        let came = server.dana.get(&format!("/v1/entities/crm/contact/busy?at={at}")).await;
        assert_eq!(came["fields"]["status"]["version"], json!(version), "{}", came.text);
        assert_eq!(came["fields"]["status"]["value"], json!(version - 1));
    }
    server.stop().await;
}
