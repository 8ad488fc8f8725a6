//! Readiness is evidence: what the ledger or an import shows, and never a word in a file.

use serde_json::json;

use super::{Caller, Came, Server, answer, told};
use deeds::coordinator::Clock;
use deeds::domain::things::TokenClass;
use deeds::domain::time::{Span, Time};

/// One agent that the map says has worked for long, and its queue.
const ALONE: &str = r#"
workspace = "northwind"
governance_owner = "dana"
review_every = "90d"

[[agent]]
id = "sales"
owner = "dana"
live_since = 2026-01-01
triggers = ["deal.found"]
writes = ["crm/deal/*"]
outputs = ["mail/sales"]

[[output]]
name = "mail/sales"
needs_approval = true

[[queue]]
name = "ops"
owner = "dana"
review = "daily 09:00"
"#;

/// The same with one more, that reads what it needs.
fn with_support(map: &str) -> String {
    let ranked = map.replace("review = \"daily", "priority = [\"sales\", \"support\"]\nreview = \"daily");
    format!(
        "{ranked}\n[[agent]]\nid = \"support\"\nowner = \"sam\"\ntriggers = [\"x\"]\nwrites = [\"support/*\"]\nreads = [\"crm/**\"]\n"
    )
}

/// 2026-03-02 08:00, a Monday.
fn start() -> Time {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

/// How one gate of sales stands, and why.
async fn gate(server: &Server, kind: &str) -> (String, String) {
    let came = server.dana.get("/v1/readiness?agent=sales").await;
    let gates = came["agents"][0]["gates"].as_array().unwrap_or_else(|| panic!("{}", came.text)).clone();
    let gate = gates.into_iter().find(|gate| gate["kind"] == kind).unwrap();
    (gate["state"].as_str().unwrap().to_owned(), gate["words"].as_str().unwrap().to_owned())
}

/// Whether support may join, and what keeps it out.
async fn joining(server: &Server, map: &str) -> (bool, String) {
    let came =
        super::support::came(server.dana.request("POST", "/v1/readiness").body(with_support(map))).await;
    (came["may_join"].as_bool().unwrap_or_else(|| panic!("{}", came.text)), came["failed"].to_string())
}

async fn write(sales: &Caller, n: usize) -> Came {
    let body =
        json!({"entity": format!("crm/deal/{n}"), "changes": {"stage": "open"}, "expected": {"stage": 0}});
    sales.post("/v1/writes", body).await
}

#[tokio::test]
async fn a_word_in_the_map_is_no_evidence() {
    let clock = Clock::manual(start());
    let server = Server::start_at(ALONE, clock.clone()).await;
    let sales = server.agent("sales").await;
    told(&write(&sales, 1).await, "committed", None);
    clock.set(start().plus(Span::from_secs(5)));
    let (state, words) = gate(&server, "stable").await;
    assert_eq!((state.as_str(), words.as_str()), ("too-little", "live 0 of 28 days"));
    let (may, failed) = joining(&server, ALONE).await;
    assert!(!may && failed.contains("sales is not stable: live 0 of 28 days"), "{failed}");

    // A later word shortens what is seen.
    clock.set(start().plus(Span::from_days(40)));
    told(&write(&sales, 2).await, "committed", None);
    assert_eq!(gate(&server, "stable").await.0, "holds");
    let later = ALONE.replace("2026-01-01", "2026-04-01");
    let put = server.dana.request("PUT", "/v1/map").header("if-match", "\"1\"");
    let put = super::support::came(put.body(later)).await;
    told(&put, "recorded", None);
    assert_eq!(gate(&server, "stable").await.1, "live 10 of 28 days");
    server.stop().await;
}

#[tokio::test]
async fn what_an_import_shows_is_evidence() {
    let clock = Clock::manual(start());
    let server =
        Server::start_at(&ALONE.replace("review_every", "mode = \"observe\"\nreview_every"), clock).await;
    let line = |n: i64| {
        json!({"source": "tracker", "id": n, "actor": "sales", "time": start().minus(Span::from_days(60 - n)).to_string(),
               "entity": format!("crm/deal/{n}"), "changes": {"stage": {"before": null, "after": "open"}}})
    };
    // The newest line comes first: what came first is known by its time.
    let lines: Vec<_> = (0..60).rev().map(line).collect();
    let came = server.dana.post("/v1/imports", json!(lines)).await;
    assert_eq!(came["answers"][0]["reply"]["outcome"], "committed", "{}", came.text);
    assert_eq!(gate(&server, "stable").await.1, "live 60 days, no manual intervention in 28");
    server.stop().await;
}

#[tokio::test]
async fn what_is_out_of_reach_fails_at_once() {
    let server = Server::start_on(ALONE).await;
    let sales = server.agent("sales").await;
    for n in 0..19 {
        let (state, words) = gate(&server, "trusted").await;
        // Three of twenty may be rejected at most, and that is not more than 85% either.
        assert_eq!(state, if n < 3 { "too-little" } else { "fails" }, "{n}: {words}");
        let body = json!({"output": "mail/sales", "thread": format!("t{n}"), "body": "hello"});
        let waits = sales.post("/v1/outputs", body).await;
        told(
            &answer(&server.dana, &waits["item"], json!({"kind": "reject", "note": "no"})).await,
            "recorded",
            None,
        );
    }
    let (state, words) = gate(&server, "trusted").await;
    let wanted = "19 of 20 approvals in 180 days, 0 without edits: over 85% of 20 is out of reach";
    assert_eq!((state.as_str(), words.as_str()), ("fails", wanted));
    let (may, failed) = joining(&server, ALONE).await;
    assert!(!may && failed.contains("sales is not trusted"), "{failed}");
    server.stop().await;
}

/// Every hour of asking is the same: what counts is what was in the last 28 days to the microsecond.
#[tokio::test]
async fn windows_slide_to_the_microsecond() {
    let clock = Clock::manual(start());
    let server = Server::start_at(ALONE, clock.clone()).await;
    let sales = server.agent("sales").await;
    told(&write(&sales, 1).await, "committed", None);
    clock.set(start().plus(Span::from_days(30)));
    told(&write(&sales, 2).await, "committed", None);
    let freeze = json!({"step": "freeze", "entity": "crm/deal/1", "reason": "under audit"});
    told(&server.dana.post("/v1/overrides", freeze).await, "recorded", None);
    let stepped_in = clock.now();
    let over = stepped_in.plus(Span::from_days(28));
    clock.set(over.minus(Span::from_micros(1)));
    assert_eq!(gate(&server, "stable").await.1, "1 manual intervention in the last 28 days");
    clock.set(over);
    told(&write(&sales, 3).await, "committed", None);
    assert_eq!(gate(&server, "stable").await.0, "holds");
    server.stop().await;
}

/// A review at nine that is held at half past eleven, every day: held, and said to be late.
#[tokio::test]
async fn a_review_that_is_held_late_is_held() {
    let clock = Clock::manual(start());
    let server = Server::start_at(ALONE, clock.clone()).await;
    let sales = server.agent("sales").await;
    for day in 0..10 {
        let midnight = "2026-03-02T00:00:00Z".parse::<Time>().unwrap().plus(Span::from_days(day));
        clock.set(midnight.plus(Span::from_mins(8 * 60 + 30)));
        let asks = json!({"why": "odd", "input": {"text": format!("case {day}")}});
        let item = sales.post("/v1/escalations", asks).await["item"].clone();
        for at in [9 * 60, 10 * 60] {
            let before = looks_next(&server).await;
            clock.set(midnight.plus(Span::from_mins(at)));
            let seen = async { while looks_next(&server).await == before {} };
            super::patience::within("Deeds sees that it is time", seen).await;
        }
        clock.set(midnight.plus(Span::from_mins(11 * 60 + 30)));
        told(
            &answer(&server.dana, &item, json!({"kind": "out-of-scope", "reason": "no"})).await,
            "recorded",
            None,
        );
    }
    let (state, words) = gate(&server, "reviewed").await;
    assert_eq!(
        (state.as_str(), words.as_str()),
        ("fails", "10 of 10 reviews of ops held, the last one held late")
    );
    server.stop().await;
}

/// When Deeds looks at the reviews of the queue next.
async fn looks_next(server: &Server) -> serde_json::Value {
    server.dana.get("/v1/reviews").await["reviews"][0]["late"].clone()
}

/// What the map asks for is asked for, and shown with what is said.
#[tokio::test]
async fn the_map_may_say_what_is_asked() {
    let asks = format!("{ALONE}\n[readiness]\ndays = 7\napprovals = 2\nrate = 0.5\n");
    let clock = Clock::manual(start());
    let server = Server::start_at(&asks, clock.clone()).await;
    let sales = server.agent("sales").await;
    for n in 0..3 {
        let body = json!({"output": "mail/sales", "thread": format!("t{n}"), "body": "hello"});
        let waits = sales.post("/v1/outputs", body).await;
        let words = if n == 1 { json!({"kind": "reject", "note": "no"}) } else { json!({"kind": "approve"}) };
        told(&answer(&server.dana, &waits["item"], words).await, "recorded", None);
    }
    clock.set(start().plus(Span::from_days(7)).minus(Span::from_micros(1)));
    assert_eq!(gate(&server, "stable").await.1, "live 6 of 7 days");
    clock.set(start().plus(Span::from_mins(1)).plus(Span::from_days(6)));
    told(&write(&sales, 1).await, "committed", None);
    let (state, words) = gate(&server, "trusted").await;
    assert_eq!(
        (state.as_str(), words.as_str()),
        ("holds", "66% of 3 approvals without edits; over 50% is asked for")
    );
    clock.set(start().plus(Span::from_days(8)));
    assert_eq!(gate(&server, "stable").await.0, "holds");
    let came = server.dana.get("/v1/readiness").await;
    assert_eq!(came["asked"], json!({"days": 7, "approvals": 2, "rate": 0.5}), "{}", came.text);
    let came =
        super::support::came(server.dana.request("POST", "/v1/readiness").body(with_support(&asks))).await;
    assert_eq!(came["asked"]["days"], 7, "{}", came.text);
    for wrong in ["days = 0", "days = 91", "approvals = 0", "rate = 1.0", "rate = \"most\"", "weeks = 4"] {
        let map = format!("{ALONE}\n[readiness]\n{wrong}\n");
        let came = super::support::came(server.dana.request("POST", "/v1/map/check").body(map)).await;
        assert!(came.text.contains("readiness") || came.text.contains("takes"), "{wrong}: {}", came.text);
        assert_ne!(came["findings"], json!([]), "{wrong}: {}", came.text);
    }
    server.stop().await;
}

/// Who a newcomer will rely on is told; what it reads must be said, and a map of two is gone through every quarter.
#[tokio::test]
async fn a_newcomers_reads_are_set_against_what_others_write() {
    let server = Server::start_on(ALONE).await;
    let ask = async |map: String| {
        super::support::came(server.dana.request("POST", "/v1/readiness").body(map)).await
    };
    let came = ask(with_support(ALONE)).await;
    let reads = &came["reads"][0];
    assert_eq!(
        (&reads["reader"], &reads["writer"], &reads["writes"]),
        (&json!("support"), &json!("sales"), &json!(["crm/deal/*"])),
        "{}",
        came.text
    );
    assert!(reads["example"].as_str().unwrap().starts_with("crm/deal/"), "{}", came.text);
    assert!(!came["failed"].to_string().contains("read permissions"), "{}", came.text);
    let silent = with_support(ALONE).replace("reads = [\"crm/**\"]\n", "");
    let came = ask(silent).await;
    assert!(came["failed"].to_string().contains("read permissions: the map says nothing"), "{}", came.text);
    let team = server.dana.get("/v1/readiness").await;
    assert!(team["next"].to_string().contains("read permissions"), "the same is told before: {}", team.text);
    server.stop().await;
}

/// A map that nobody went through in time is an alert, and an item that those accountable answer: by going through it.
#[tokio::test]
async fn an_overdue_map_is_an_item_of_who_answers_for_it() {
    let clock = Clock::manual(start());
    let map = ALONE
        .replace("governance_owner = \"dana\"", "governance_owner = \"kim\"")
        .replace("name = \"ops\"\nowner = \"dana\"", "name = \"ops\"\nowner = \"sam\"");
    let server = Server::start_at(&map, clock.clone()).await;
    let (kim, sam) = (
        server.with_token(TokenClass::Reviewer, "kim").await,
        server.with_token(TokenClass::Reviewer, "sam").await,
    );
    assert_eq!(kim.get("/v1/inbox").await["items"], json!([]));
    clock.set(start().plus(Span::from_days(90)).plus(Span::from_secs(1)));
    let item = super::patience::within("the map falls due", async {
        loop {
            let came = kim.get("/v1/inbox").await;
            if let Some(item) =
                came["items"].as_array().unwrap().iter().find(|item| item["case"]["kind"] == "map-overdue")
            {
                break item.clone();
            }
        }
    })
    .await;
    assert_eq!((&item["queue"], &item["assigned_to"]), (&json!("ops"), &json!("kim")), "{item}");
    let alert = super::alert(&server, "overdue").await;
    assert_eq!((&alert["item"], &item["case"]["alert"]), (&item["no"], &alert["no"]), "{alert}");
    assert!(alert["title"].as_str().unwrap().contains("overdue since 2026-05-31"), "{alert}");

    let handled = json!({"kind": "handle", "note": "nothing to change"});
    told(&answer(&sam, &item["no"], handled.clone()).await, "refused", Some("not-accountable"));
    let rule = json!({"kind": "out-of-scope", "reason": "never", "rule": true});
    told(&answer(&kim, &item["no"], rule).await, "refused", Some("wrong-state"));
    told(&answer(&kim, &item["no"], handled).await, "recorded", None);
    let standing = server.dana.get("/v1/readiness").await["map"].clone();
    assert_eq!(
        (&standing["overdue"], &standing["reviewed"]["by"]["name"]),
        (&json!(false), &json!("kim")),
        "{standing}"
    );
    assert_eq!(server.dana.get("/v1/alerts").await["alerts"], json!([]));
    let back = kim.post(&format!("/v1/inbox/{}/undo", item["no"]), json!({})).await;
    told(&back, "refused", Some("used-since"));
    server.stop().await;
}

/// Where a second agent joins by an answer and nobody answers for the map, whoever gives the answer does, until it is taken back.
#[tokio::test]
async fn a_second_agent_makes_somebody_accountable() {
    let alone = ALONE.replace("governance_owner = \"dana\"\n", "");
    let server = Server::start_on(&alone).await;
    let checked =
        super::support::came(server.dana.request("POST", "/v1/map/check").body(with_support(&alone))).await;
    assert!(checked.text.contains("no-governance-owner"), "{}", checked.text);
    let sales = server.agent("sales").await;
    let write = json!({"entity": "legal/case/1", "changes": {"state": "open"}, "expected": {"state": 0}});
    let item = sales.post("/v1/writes", write).await["item"].clone();
    let joins =
        json!({"kind": "expand", "agent": "legal", "grant": {"what": "write", "value": "legal/case/*"}});
    told(&answer(&server.dana, &item, joins).await, "recorded", None);
    let owner = async || {
        let map = server.dana.get("/v1/map").await;
        map.text
            .contains("governance_owner")
            .then(|| map.text.contains("governance_owner = \\\"dana\\\"") || map.text.contains("dana"))
    };
    assert_eq!(owner().await, Some(true));
    told(&server.dana.post(&format!("/v1/inbox/{item}/undo"), json!({})).await, "recorded", None);
    assert_eq!(owner().await, None);
    server.stop().await;
}
