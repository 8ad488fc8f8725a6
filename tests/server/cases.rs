//! The cases that users have met, played over HTTP.

use std::sync::Arc;

use serde_json::json;

use super::support::{Caller, Server, TEAM, came};
use deeds::api::NewToken;
use deeds::client::{Direction, LedgerQuery};
use deeds::coordinator::Clock;
use deeds::domain::code::Code;
use deeds::domain::command::{Command, TokenStep};
use deeds::domain::ids::{MapVersion, Seq};
use deeds::domain::outcome::Outcome;
use deeds::domain::things::TokenClass;
use deeds::domain::time::Span;

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

#[tokio::test]
async fn double_truth_becomes_one_item_of_a_named_reviewer_with_a_deadline() {
    let server = Server::start().await;
    let (intake, sales) = (server.agent("intake").await, server.agent("sales").await);
    let stage = sales.write("pipeline/ann", json!({"stage": "uncontacted"}), json!({"stage": 0})).await;
    assert_eq!(stage["outcome"], "committed");
    let sourced = intake.write("crm/contact/ann", json!({"status": "sourced"}), json!({"status": 0})).await;
    assert_eq!(sourced["outcome"], "committed");

    let alerts = server.dana.get("/v1/alerts").await;
    assert_eq!(alerts["alerts"].as_array().unwrap().len(), 1, "{}", alerts.text);
    let alert = &alerts["alerts"][0];
    assert_eq!((&alert["kind"], &alert["count"]), (&json!("contradiction"), &json!(1)));
    let inbox = server.dana.get("/v1/inbox").await;
    assert_eq!(inbox["items"].as_array().unwrap().len(), 1, "{}", inbox.text);
    let item = &inbox["items"][0];
    assert_eq!((&item["queue"], &item["case"]["alert"]), (&json!("inbox"), &alert["no"]));
    assert!(item["due"].as_str().unwrap() > item["opened"].as_str().unwrap());
    let shown = server.dana.get(&format!("/v1/inbox/{}", item["no"])).await;
    assert_eq!(shown["alert"]["no"], alert["no"]);
    let evidence: Vec<_> =
        shown["evidence"].as_array().unwrap().iter().map(|one| one["seq"].clone()).collect();
    assert!(evidence.contains(&stage["deed"]) && evidence.contains(&sourced["deed"]), "{evidence:?}");
    server.stop().await;
}

#[tokio::test]
async fn an_unowned_field_goes_to_a_person_and_expanding_commits_the_stored_write() {
    let server = Server::start().await;
    let intake = server.agent("intake").await;
    let wanted = intake.write("crm/contact/acme", json!({"score": 7}), json!({"score": 0})).await;
    assert_eq!((&wanted["outcome"], &wanted["code"]), (&json!("escalated"), &json!("unowned")));
    let no = wanted["item"].as_u64().unwrap();

    let shown = server.dana.get(&format!("/v1/inbox/{no}")).await;
    let (version, digest) = (shown["item"]["version"].clone(), shown["digest"].clone());
    let expand = json!({"kind": "expand", "agent": "intake", "grant": {"what": "write", "value": "crm/contact/*#score"}});
    let preview = server.dana.post(&format!("/v1/inbox/{no}/preview"), expand.clone()).await;
    assert_eq!((&preview["map"], &preview["obstacle"]), (&json!([1, 2]), &json!(null)), "{}", preview.text);
    let head = server.dana.get("/v1/inbox").await["seq"].clone();
    assert_eq!((&preview["seq"], &preview["deeds"][1]["type"]), (&head, &json!("deeds.write.committed")));
    assert_eq!(server.dana.get("/v1/map").await["version"], 1, "nothing is recorded by a look ahead");
    let none = server.dana.post(&format!("/v1/inbox/{no}/preview?include=99"), expand.clone()).await;
    assert_eq!((&none["code"], &none["map"]), (&json!("changed"), &json!(null)), "{}", none.text);

    let body = json!({"answer": expand, "version": version, "digest": digest});
    let by_agent = intake.post(&format!("/v1/inbox/{no}/answer"), body.clone()).await;
    assert_eq!((by_agent.status, &by_agent["outcome"]), (200, &json!("refused")));
    assert_eq!(by_agent["code"], "agent-token");
    let stale = json!({"answer": expand, "version": version, "digest": "0".repeat(64)});
    assert_eq!(server.dana.post(&format!("/v1/inbox/{no}/answer"), stale).await["code"], "changed");

    let answered = server.dana.post(&format!("/v1/inbox/{no}/answer"), body).await;
    assert_eq!(answered["outcome"], "recorded", "{}", answered.text);
    assert_eq!(server.dana.get("/v1/map").await["version"], 2);
    let entity = intake.get("/v1/entities/crm/contact/acme").await;
    assert_eq!(
        (&entity["fields"]["score"]["value"], &entity["fields"]["score"]["version"]),
        (&json!(7), &json!(1))
    );

    let undone = server.dana.post(&format!("/v1/inbox/{no}/undo"), json!({})).await;
    assert_eq!(undone["outcome"], "recorded", "{}", undone.text);
    let owner = server.dana.get("/v1/who-owns?path=crm/contact/acme%23score").await;
    assert_eq!(owner["owners"], json!([]));
    assert_eq!(intake.get("/v1/entities/crm/contact/acme").await["fields"]["score"]["value"], json!(null));
    assert_eq!(server.dana.get(&format!("/v1/inbox/{no}")).await["closed"], json!(null));
    server.stop().await;
}

#[tokio::test]
async fn a_foreign_write_waits_for_its_owner_who_accepts_it() {
    let server = Server::start().await;
    let (intake, sales) = (server.agent("intake").await, server.agent("sales").await);
    let waiting = {
        let intake = intake.clone();
        tokio::spawn(async move { intake.get("/v1/work?wait=20s").await })
    };
    let foreign = sales.write("crm/contact/acme", json!({"name": "Acme Ltd"}), json!({"name": 0})).await;
    assert_eq!((&foreign["outcome"], &foreign["owners"]), (&json!("proposed"), &json!(["intake"])));
    let work = waiting.await.unwrap();
    let proposal = &work["works"][0];
    assert_eq!((&proposal["kind"]["kind"], &proposal["no"]), (&json!("proposal"), &foreign["works"][0]));

    let other = sales.post(&format!("/v1/work/{}/accept", proposal["no"]), json!({})).await;
    assert_eq!((&other["outcome"], &other["code"]), (&json!("refused"), &json!("not-yours")));
    let accepted = intake.post(&format!("/v1/work/{}/accept", proposal["no"]), json!({})).await;
    assert_eq!(accepted["outcome"], "committed", "{}", accepted.text);
    let entity = sales.get("/v1/entities/crm/contact/acme").await;
    assert_eq!(entity["fields"]["name"]["by"], json!({"class": "agent", "name": "intake"}));
    // The proposer is told in its own stream.
    let told = sales.get("/v1/work?wait=5s").await;
    assert_eq!(told["works"].as_array().unwrap().len(), 1, "{}", told.text);
    server.stop().await;
}

#[tokio::test]
async fn a_retry_under_the_same_key_is_answered_once_and_another_body_is_refused() {
    let server = Server::start().await;
    let intake = server.agent("intake").await;
    let send = |body: &'static str| {
        let request = intake.request("POST", "/v1/writes").header("idempotency-key", "k1").body(body);
        async move { came(request).await }
    };
    let body = r#"{"entity":"crm/contact/a","changes":{"name":"A"},"expected":{"name":0}}"#;
    let first = send(body).await;
    let again = send(body).await;
    assert_eq!(first["outcome"], "committed");
    assert_eq!(again.body, first.body);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = send(r#"{"entity":"crm/contact/b","changes":{"name":"A"},"expected":{"name":0}}"#).await;
    assert_eq!((&other["outcome"], &other["code"]), (&json!("refused"), &json!("key-reused")));
    assert_eq!(intake.get("/v1/entities/crm/contact/a").await["fields"]["name"]["version"], 1);

    // The first answer holds across a restart: it is a deed.
    let server = server.restart().await;
    assert_eq!(send(body).await.body, first.body);
    server.stop().await;
}

/// Whoever makes a token again after an answer that got lost is shown it again for a while, and then told which one there is.
#[tokio::test]
async fn a_token_that_is_made_again_under_its_key_is_shown_again_for_a_while() {
    let clock = Clock::manual(Clock::System.now());
    let server = Server::start_at(TEAM, clock.clone()).await;
    let make = |class: &'static str| {
        let body = json!({"class": class, "name": "wall"}).to_string();
        let request = server.dana.request("POST", "/v1/tokens").header("idempotency-key", "t1").body(body);
        async move { came(request).await }
    };
    let first = make("watcher").await;
    let secret = first["token"].as_str().unwrap().to_owned();
    let made = first["id"].clone();
    clock.set(clock.now().plus(Span::from_mins(9)));
    let again = make("watcher").await;
    assert_eq!((&again["token"], &again["id"]), (&first["token"], &made), "{}", again.text);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    // The key is dana's: whoever else uses the same one is shown what is theirs.
    let kim = server.with_token(TokenClass::Admin, "kim").await;
    let body = json!({"class": "watcher", "name": "wall"}).to_string();
    let theirs = came(kim.request("POST", "/v1/tokens").header("idempotency-key", "t1").body(body)).await;
    assert!(theirs["token"].is_string() && theirs["token"] != first["token"], "{}", theirs.text);
    clock.set(clock.now().plus(Span::from_mins(2)));
    let again = make("watcher").await;
    assert_eq!((&again["token"], &again["id"]), (&serde_json::Value::Null, &made), "{}", again.text);
    assert_eq!(
        (&again["reply"]["deed"], &again["reply"]["message"]),
        (&first["reply"]["deed"], &first["reply"]["message"])
    );
    assert!(again["reply"]["next"].as_str().unwrap().contains("its secret was shown once"), "{}", again.text);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert!(!again.text.contains(secret.rsplit('_').next().unwrap()), "{}", again.text);
    let other = make("reviewer").await;
    assert_eq!(
        (&other["id"], &other["reply"]["code"]),
        (&serde_json::Value::Null, &json!("key-reused")),
        "{}",
        other.text
    );
    let live = server.dana.get("/v1/tokens").await["tokens"].as_array().unwrap().len();
    let server = server.restart().await;
    let body = json!({"class": "watcher", "name": "wall"}).to_string();
    let request = server.dana.request("POST", "/v1/tokens").header("idempotency-key", "t1").body(body);
    assert_eq!(came(request).await["id"], made, "it is a deed");
    assert_eq!(server.dana.get("/v1/tokens").await["tokens"].as_array().unwrap().len(), live);
    server.stop().await;
}

#[tokio::test]
async fn a_stale_answer_does_not_tell_what_is_hidden() {
    let server = Server::start().await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    support.write("crm/account/acme", json!({"margin": "secret-4711"}), json!({"margin": 0})).await;
    support.write("hr/salaries", json!({"": "secret-4711"}), json!({"": 0})).await;
    let write = json!({
        "entity": "pipeline/acme", "changes": {"stage": "won"}, "expected": {"stage": 0},
        "depends_on": {"crm/account/acme#margin": 0},
    });
    let foreign = json!({
        "entity": "crm/account/acme", "changes": {"margin": "low"}, "expected": {"margin": 0},
    });
    for came in [
        sales.post("/v1/writes", write).await,
        sales.post("/v1/writes", foreign).await,
        sales.get("/v1/entities/crm/account/acme").await,
        sales.get("/v1/entities/hr/salaries").await,
        sales.get("/v1/activity?entity=hr/salaries").await,
        sales.get("/v1/who-owns?path=hr/salaries").await,
    ] {
        assert!(!came.text.contains("secret-4711"), "{}", came.text);
    }
    assert_eq!(sales.get("/v1/entities/hr/salaries").await.status, 404);
    server.stop().await;
}

#[tokio::test]
async fn a_batch_decides_each_write_on_its_own() {
    let server = Server::start().await;
    let intake = server.agent("intake").await;
    let write = |name: &str, expected: u64| json!({"entity": format!("crm/contact/{name}"), "changes": {"name": name}, "expected": {"name": expected}});
    let batch = json!([write("a", 0), write("b", 9), write("a", 1)]);
    let answers = intake.post("/v1/writes:batch", batch).await;
    let outcomes: Vec<_> =
        answers["answers"].as_array().unwrap().iter().map(|one| one["reply"]["outcome"].clone()).collect();
    assert_eq!(outcomes, ["committed", "stale", "committed"]);

    let commands = json!({"commands": [
        {"do": "write", "entity": "crm/contact/c", "changes": {"name": "c"}, "expected": {"name": 0}},
        {"do": "write", "entity": "crm/contact/b", "changes": {"name": "c"}, "expected": {"name": 5}},
    ]});
    let together = intake.post("/v1/together", commands).await;
    assert_eq!((&together["outcome"], &together["code"]), (&json!("stale"), &json!("together-failed")));
    assert_eq!(intake.get("/v1/entities/crm/contact/c").await["version"], 0);
    server.stop().await;
}

#[tokio::test]
async fn a_map_is_applied_by_its_version_and_a_broken_one_says_where() {
    let server = Server::start().await;
    let client = server.dana.client();
    let toml = client.map_toml(None).await.unwrap();
    let grown = format!(
        "{toml}\n[[agent]]\nid = \"ops\"\nrole = \"Keeps the lights on\"\nowner = \"sam\"\nwrites = [\"infra/**\"]\n"
    );
    let checked = client.check_map(&grown).await.unwrap();
    assert!(checked.applicable && !checked.changes.is_empty(), "{checked:?}");
    let wrong = client.apply_map(&grown, MapVersion(7), None, false).await.unwrap();
    assert_eq!(wrong.code, Some(Code::MapMoved));
    let applied = client.apply_map(&grown, MapVersion(1), Some("ops joins"), false).await.unwrap();
    assert!(applied.is_done(), "{applied:?}");
    let map = client.map(None).await.unwrap();
    assert_eq!(map.version, MapVersion(2));
    assert!(map.model.agents.iter().any(|agent| agent.id.as_str() == "ops"));

    let broken = format!(
        "{grown}\n[[agent]]\nid = \"thief\"\nrole = \"x\"\nowner = \"sam\"\nwrites = [\"pipeline/*\"]\n"
    );
    let problem = client.apply_map(&broken, MapVersion(2), None, false).await.unwrap_err();
    let problem = problem.problem().unwrap().clone();
    assert_eq!((problem.code.as_ref(), problem.status), ("map-broken", 422));
    let finding = problem.findings.iter().find(|finding| finding.lint == "two-writers").unwrap();
    assert!(finding.line > 0 && !finding.mend.is_empty(), "{finding:?}");
    assert_eq!(client.map(None).await.unwrap().version, MapVersion(2));
    server.stop().await;
}

#[tokio::test]
async fn tokens_show_their_secret_once_and_stay_revoked() {
    let server = Server::start().await;
    let client = server.dana.client();
    let made = client
        .create_token(&NewToken { class: TokenClass::Agent, name: Arc::from("ops"), expires: None })
        .await
        .unwrap();
    let token = made.token.unwrap();
    let ops = Caller::new(&server.base, token.clone());
    assert_eq!(ops.get("/v1/whoami").await["actor"], json!({"class": "agent", "name": "ops"}));
    let secret = token.rsplit('_').next().unwrap();
    let list = server.dana.get("/v1/tokens").await;
    let ledger = server.dana.get("/v1/ledger?after=0").await;
    assert!(list.text.contains("\"ops\"") && !list.text.contains(secret) && !ledger.text.contains(secret));
    assert!(!list.text.contains("hash"), "{}", list.text);
    client.ask(&Command::Token(TokenStep::Revoke { token: made.id.unwrap() })).await.unwrap();
    assert_eq!(
        ops.write("crm/contact/a", json!({"name": 1}), json!({"name": 0})).await["code"],
        "token-ended"
    );
    server.stop().await;
}

#[tokio::test]
async fn only_admins_of_the_home_make_workspaces_and_a_token_opens_its_own_only() {
    let server = Server::start().await;
    let south = server.dana.post("/v1/workspaces", json!({"workspace": "southwind"})).await;
    assert_eq!(south.status, 200, "{}", south.text);
    let sam = Caller::new(&server.base, south["token"].as_str().unwrap().to_owned());
    assert_eq!(sam.get("/v1/whoami").await["workspace"], "southwind");
    assert_eq!(sam.post("/v1/workspaces", json!({"workspace": "third"})).await.status, 403);
    let names = |came: &super::support::Came| {
        came["workspaces"].as_array().unwrap().iter().map(|one| one["workspace"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&server.dana.get("/v1/workspaces").await), ["northwind", "southwind"]);
    assert_eq!(names(&sam.get("/v1/workspaces").await), ["southwind"]);
    assert_eq!(server.dana.post("/v1/workspaces", json!({"workspace": "southwind"})).await["code"], "exists");
    // A token that says another workspace than its own opens nothing.
    let forged = Caller::new(&server.base, server.dana.token.replace("northwind", "southwind"));
    assert_eq!(forged.get("/v1/whoami").await["code"], "bad-token");
    // An unknown agent's first request becomes an item of the default queue.
    let agent = sam.post("/v1/tokens", json!({"class": "agent", "name": "first"})).await;
    let first = Caller::new(&server.base, agent["token"].as_str().unwrap().to_owned());
    let write = first.write("notes/one", json!({"text": "hello"}), json!({"text": 0})).await;
    assert_eq!(write["outcome"], "escalated", "{}", write.text);
    assert_eq!(sam.get("/v1/inbox").await["items"].as_array().unwrap().len(), 1);
    let server = server.restart().await;
    assert_eq!(sam.get("/v1/inbox").await["items"].as_array().unwrap().len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn the_ledger_is_paged_counted_and_traced() {
    let server = Server::start().await;
    let (intake, sales) = (server.agent("intake").await, server.agent("sales").await);
    for n in 0..30 {
        intake.write("crm/contact/a", json!({"name": n}), json!({"name": n})).await;
    }
    let proposed = sales.write("crm/contact/a", json!({"name": "x"}), json!({"name": 30})).await;
    let head = proposed["deed"].as_u64().unwrap() + 1;
    let client = server.dana.client();
    for filter in ["", "actor:intake"] {
        let query = LedgerQuery {
            filter: filter.to_owned(),
            limit: 10,
            min_seq: Some(Seq(head)),
            count: true,
            ..LedgerQuery::default()
        };
        let newest = client.ledger(&query).await.unwrap();
        assert_eq!((newest.deeds.len(), newest.more), (10, true), "{filter:?}");
        let first = newest.deeds[0].seq;
        let before = LedgerQuery { direction: Direction::Before(first), limit: 5, ..query.clone() };
        let before = client.ledger(&before).await.unwrap();
        assert_eq!(
            before.deeds.iter().map(|one| one.seq.0).collect::<Vec<_>>(),
            (first.0 - 5..first.0).collect::<Vec<_>>()
        );
        let after =
            LedgerQuery { direction: Direction::After(before.deeds[0].seq), limit: 3, ..query.clone() };
        let after = client.ledger(&after).await.unwrap();
        assert_eq!(after.deeds[0].seq.0, first.0 - 4);
        let all = LedgerQuery { direction: Direction::Oldest, limit: 1000, ..query };
        let all = client.ledger(&all).await.unwrap();
        assert_eq!((all.count, all.more), (Some((all.deeds.len() as u64, true)), false), "{filter:?}");
    }
    let trace = client.trace_entity(&"crm/contact/a#name".parse().unwrap(), None, 100).await.unwrap();
    assert_eq!(trace.deeds.len(), 31);
    let chain = client.trace_deed(Seq(head - 1)).await.unwrap();
    assert!(chain.effects.iter().any(|one| one.deed.seq == Seq(head)), "{chain:?}");
    let now = client.whoami().await.unwrap().server.now;
    let histogram = client.histogram("actor:intake", now.minus(Span::from_mins(2)), now, 4).await.unwrap();
    let committed: u64 =
        histogram.buckets.iter().filter_map(|one| one.outcomes.get(&Outcome::Committed)).sum();
    assert_eq!(committed, 30);
    let stats = client.stats(Some(&"crm/contact/*".parse().unwrap())).await.unwrap();
    assert_eq!((stats.fields[0].writes, stats.fields[0].proposals[0].times), (30, 1), "{stats:?}");
    let metrics = server.dana.get("/metrics").await;
    assert!(metrics.text.contains("deeds_http_requests_total{status=\"200\"}"), "{}", metrics.text);
    server.stop().await;
}

/// A page has as many deeds as have room in it, those nearest to where it was asked for.
#[tokio::test]
async fn a_page_of_large_deeds_has_fewer_of_them() {
    let server = Server::start().await;
    let intake = server.agent("intake").await;
    let long = "x".repeat(60_000);
    for no in 0..80 {
        let wrote =
            intake.write(&format!("crm/contact/{no}"), json!({"name": long}), json!({"name": 0})).await;
        assert_eq!(wrote["outcome"], "committed", "{}", wrote.text);
    }
    let head = server.dana.get("/v1/ledger?limit=1").await["head"].as_u64().unwrap();
    let middle = head - 40;
    for (asked, first, last) in [
        (String::new(), None, Some(head)),
        (format!("before={head}&"), None, Some(head - 1)),
        (format!("after={}&", head - 79), Some(head - 78), None),
        (format!("around={middle}&"), None, None),
    ] {
        for filter in ["", "filter=actor:intake&"] {
            let path = format!("/v1/ledger?{asked}{filter}limit=1000&min_seq={head}");
            let page = server.dana.get(&path).await;
            assert!(page.text.len() < 5 << 18, "{path}: {} bytes", page.text.len());
            let seqs: Vec<u64> =
                page["deeds"].as_array().unwrap().iter().map(|deed| deed["seq"].as_u64().unwrap()).collect();
            assert!((15..19).contains(&seqs.len()), "{path}: {} deeds", seqs.len());
            assert!(page["more"] == true && seqs.is_sorted(), "{path}: {seqs:?}");
            assert!(first.is_none_or(|first| seqs.first() == Some(&first)), "{path}: {seqs:?}");
            assert!(last.is_none_or(|last| seqs.last() == Some(&last)), "{path}: {seqs:?}");
            assert!(!asked.starts_with("around") || seqs.contains(&middle), "{path}: {seqs:?}");
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_trace_of_large_deeds_comes_in_parts_that_leave_nothing_out() {
    let server = Server::start().await;
    let intake = server.agent("intake").await;
    let long = "x".repeat(60_000);
    for no in 0..40 {
        let wrote = intake.write("crm/contact/long", json!({"name": long}), json!({"name": no})).await;
        assert_eq!(wrote["outcome"], "committed", "{}", wrote.text);
    }
    let head = server.dana.get("/v1/ledger?limit=1").await["head"].as_u64().unwrap();
    let (mut before, mut found) = (head + 1, 0);
    loop {
        let path = format!("/v1/trace?entity=crm/contact/long&before={before}&limit=1000&min_seq={head}");
        let page = server.dana.get(&path).await;
        assert!(page.text.len() < 5 << 18, "{path}: {} bytes", page.text.len());
        let seqs: Vec<u64> =
            page["deeds"].as_array().unwrap().iter().map(|deed| deed["seq"].as_u64().unwrap()).collect();
        assert!(seqs.is_sorted() && seqs.last().is_some_and(|last| *last < before), "{path}: {seqs:?}");
        found += seqs.len();
        before = seqs[0];
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(found, 40);
    // As it was then, folded from all of them.
    let then = server.dana.get(&format!("/v1/entities/crm/contact/long?at={head}")).await;
    assert!(then.text.contains(&long), "{}", &then.text[..200.min(then.text.len())]);
    server.stop().await;
}
