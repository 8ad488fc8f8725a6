//! The doors of work, tasks, leases, outputs and reviews: strict bodies, right classes, and answers in full. What the
//! rules decide behind them is tested where they live.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::support::{Caller, Server};
use deeds::domain::things::TokenClass;

/// A request with something wrong in it, and the place that the answer names.
const BROKEN: &[(&str, &str, &str)] = &[
    ("/v1/events", r#"{"event":"x","attribute":{}}"#, "attribute"),
    ("/v1/events", r#"{"event":"x","subject":"a//b"}"#, "subject"),
    ("/v1/events", "{}", "the body itself"),
    ("/v1/claims", r#"{"event":"x"}"#, "the body itself"),
    ("/v1/work/take", r#"{"limt":2}"#, "limt"),
    ("/v1/work/take", r#"{"visibility":"soon"}"#, "visibility"),
    ("/v1/work/take", r#"{"wait":"2h"}"#, "wait"),
    ("/v1/work/1/fail", r#"{"feedback":"x"}"#, "feedback"),
    ("/v1/work/1/return", "[]", "the body itself"),
    ("/v1/handoffs", r#"{"to":"sales","work_product":{"results":1}}"#, "work_product.results"),
    ("/v1/handoffs", r#"{"to":"sales","tasks":"t"}"#, "tasks"),
    ("/v1/handoffs", r#"{"attempt":-1}"#, "attempt"),
    ("/v1/fan-outs", r#"{"branches":[{"to":"a b","input":1}],"deadline":"1h"}"#, "branches[0].to"),
    ("/v1/fan-outs", r#"{"branches":[]}"#, "the body itself"),
    ("/v1/leases", r#"{"target":{"path":"a#"},"ttl":"5m"}"#, "target.path"),
    ("/v1/leases", r#"{"target":{"field":"a"},"ttl":"5m"}"#, "target"),
    ("/v1/leases/1/renew", r#"{"ttl":5}"#, "ttl"),
    ("/v1/leases/1/transfer", r#"{"to":"sales","ttl":"5m"}"#, "ttl"),
    ("/v1/outputs", r#"{"output":"x"}"#, "the body itself"),
    ("/v1/outputs", r#"{"output":"x","body":1,"depends_on":{"a":-1}}"#, "depends_on.a"),
    ("/v1/conclusions", r#"{"subject":"a","question":"q","answer":1,"sure":true}"#, "sure"),
];

#[tokio::test]
async fn broken_requests_are_answered_with_the_place_and_leave_no_deed() {
    let server = Server::start().await;
    let intake = server.agent("intake").await;
    let head = server.dana.get("/v1/board").await["seq"].clone();
    for (path, body, place) in BROKEN {
        let came = super::support::came(intake.request("POST", path).body(*body)).await;
        assert_eq!((came.status, &came["code"]), (400, &json!("bad-body")), "{path} {body}: {}", came.text);
        let said = came["place"].as_str().unwrap();
        assert!(said.starts_with(place), "{path} {body}: {}", came.text);
        assert!(!came["next"].as_str().unwrap().is_empty());
    }
    for (path, code, status) in [
        ("/v1/work/x/fail", "bad-parameter", 400),
        ("/v1/leases/first/release", "bad-parameter", 400),
        ("/v1/leases/1/renew", "bad-json", 400),
        ("/v1/reviews/not%20a%20queue/start", "bad-parameter", 400),
        ("/v1/leases/1/steal", "no-route", 404),
    ] {
        let came = super::support::came(server.dana.request("POST", path)).await;
        assert_eq!((came.status, &came["code"]), (status, &json!(code)), "{path}: {}", came.text);
    }
    for path in ["/v1/fan-outs/7", "/v1/fan-outs/x", "/v1/conclusions?subject=a//b", "/v1/handoffs?task=x"] {
        let came = intake.get(path).await;
        assert!(matches!(came.status, 400 | 404), "{path}: {}", came.text);
    }
    assert_eq!(server.dana.get("/v1/board").await["seq"], head, "a broken request leaves no deed");
    server.stop().await;
}

#[tokio::test]
async fn an_override_names_the_key_that_its_step_misses_or_does_not_take() {
    let server = Server::start().await;
    for (body, place) in [
        (json!({"step": "freeze", "reason": "x"}), "entity"),
        (json!({"step": "freeze", "entity": "a", "agent": "sales", "reason": "x"}), "agent"),
        (json!({"step": "revert", "path": "a#b", "expected": 1, "reason": "x"}), "to"),
        (
            json!({"step": "revert", "path": "a#b", "expected": 1, "to": 1, "value": 1, "reason": "x"}),
            "value",
        ),
        (json!({"step": "unlock", "reason": "x"}), "lease"),
        (json!({"step": "set", "path": "a#b", "value": 1, "expectd": 1, "reason": "x"}), "expectd"),
        (json!({"step": "steal", "reason": "x"}), "step"),
        (json!({"step": "pause", "agent": "sales"}), "the body itself"),
    ] {
        let came = server.dana.post("/v1/overrides", body.clone()).await;
        assert_eq!((came.status, &came["place"]), (400, &json!(place)), "{body}: {}", came.text);
    }
    server.stop().await;
}

#[tokio::test]
async fn an_answer_with_a_key_too_many_is_turned_away() {
    let server = Server::start().await;
    for body in [
        json!({"answer": {"kind": "approve", "body": 1}, "version": 1, "digest": "x"}),
        json!({"answer": {"kind": "approve-edited"}, "version": 1, "digest": "x"}),
        json!({"answer": {"kind": "reject"}, "version": 1, "digest": "x"}),
        json!({"answer": {"kind": "reject", "note": "no"}, "version": 1, "digest": "x", "all": true}),
    ] {
        let came = server.dana.post("/v1/inbox/1/answer", body.clone()).await;
        assert_eq!((came.status, &came["code"]), (400, &json!("bad-body")), "{body}: {}", came.text);
    }
    server.stop().await;
}

/// A write of `sales` to intake's field, which comes to intake as a proposal.
async fn propose(sales: &Caller, entity: &str) -> Json {
    let came = sales.write(entity, json!({"name": "x"}), json!({"name": 0})).await;
    assert_eq!(came["outcome"], "proposed", "{}", came.text);
    came["works"][0].clone()
}

#[tokio::test]
async fn taking_waits_for_work_and_answers_it_in_full() {
    let server = Server::start().await;
    let (intake, sales) = (server.agent("intake").await, server.agent("sales").await);
    let nothing = intake.post("/v1/work/take", json!({})).await;
    assert_eq!((nothing.status, &nothing["works"]), (200, &json!([])), "{}", nothing.text);
    let head = server.dana.get("/v1/board").await["seq"].clone();
    assert_eq!(nothing["seq"], head, "a take of nothing leaves no deed");

    let waiting = {
        let intake = intake.clone();
        tokio::spawn(async move {
            intake.post("/v1/work/take", json!({"wait": "20s", "visibility": "10m"})).await
        })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    let no = propose(&sales, "crm/contact/a").await;
    let taken = waiting.await.unwrap();
    assert_eq!(taken["works"][0]["no"], no, "{}", taken.text);
    assert_eq!(
        (&taken["works"][0]["kind"]["kind"], &taken["works"][0]["attempts"]),
        (&json!("proposal"), &json!(1))
    );
    assert_eq!(taken["until"], taken["works"][0]["taken_until"]);

    // What is taken is out of sight, and a second taker waits on; the other work comes to it.
    let waiting = {
        let intake = intake.clone();
        tokio::spawn(async move { intake.post("/v1/work/take", json!({"wait": "20s", "limit": 5})).await })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waiting.is_finished(), "taken work does not end a wait");
    let second = propose(&sales, "crm/contact/b").await;
    let taken = waiting.await.unwrap();
    let numbers: Vec<&Json> = taken["works"].as_array().unwrap().iter().map(|work| &work["no"]).collect();
    assert_eq!(numbers, [&second], "{}", taken.text);

    let again = intake.post("/v1/work/take", json!({"work": no, "wait": "100ms"})).await;
    assert_eq!(
        (&again["reply"]["outcome"], &again["reply"]["code"]),
        (&json!("refused"), &json!("wrong-state"))
    );
    let other = sales.post("/v1/work/take", json!({"work": no})).await;
    assert_eq!(
        (&other["reply"]["code"], &other["works"]),
        (&json!("not-yours"), &json!([])),
        "{}",
        other.text
    );
    let many = intake.post("/v1/work/take", json!({"limit": 1000, "wait": "5s"})).await;
    assert_eq!(many["works"], json!([]), "{}", many.text);
    let person = server.dana.post("/v1/work/take", json!({"wait": "20s"})).await;
    assert_eq!(person["reply"]["code"], "not-allowed", "people do not take, and need not wait to hear it");
    server.stop().await;
}

#[tokio::test]
async fn two_takers_of_one_name_never_get_the_same_work() {
    let server = Server::start().await;
    let (intake, sales) = (server.agent("intake").await, server.agent("sales").await);
    let take = || {
        let intake = intake.clone();
        tokio::spawn(async move { intake.post("/v1/work/take", json!({"wait": "3s"})).await })
    };
    let takers = [take(), take(), take()];
    tokio::time::sleep(Duration::from_millis(200)).await;
    let wanted = [propose(&sales, "crm/contact/a").await, propose(&sales, "crm/contact/b").await];
    let mut got = Vec::new();
    for taker in takers {
        got.extend(taker.await.unwrap()["works"].as_array().unwrap().iter().map(|work| work["no"].clone()));
    }
    got.sort_by_key(Json::as_u64);
    assert_eq!(got, wanted);
    server.stop().await;
}

#[tokio::test]
async fn a_wait_for_work_ends_with_its_token_and_with_the_server() {
    let server = Server::start().await;
    let made = server.dana.post("/v1/tokens", json!({"class": "agent", "name": "intake"})).await;
    let intake = Caller::new(&server.base, made["token"].as_str().unwrap().to_owned());
    let take = |caller: &Caller| {
        let caller = caller.clone();
        tokio::spawn(async move { caller.post("/v1/work/take", json!({"wait": "30s"})).await })
    };
    let waiting = take(&intake);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let id = made["id"].as_str().unwrap();
    super::support::came(server.dana.request("DELETE", &format!("/v1/tokens/{id}"))).await;
    let ended =
        tokio::time::timeout(Duration::from_secs(2), waiting).await.expect("within two seconds").unwrap();
    assert_eq!((ended.status, &ended["code"]), (401, &json!("token-ended")), "{}", ended.text);

    let northwind = super::support::northwind();
    // One that ends by itself ends the wait too, although nothing is recorded then.
    let soon = server.workspaces.clock().now().plus(deeds::domain::time::Span::from_micros(400_000));
    let token = server.workspaces.issue(&northwind, TokenClass::Agent, "intake", Some(soon)).await.unwrap();
    let waiting = take(&Caller::new(&server.base, token.expose()));
    let ended = tokio::time::timeout(Duration::from_secs(3), waiting).await.expect("with its token").unwrap();
    assert_eq!((ended.status, &ended["code"]), (401, &json!("token-ended")), "{}", ended.text);

    let waiting = take(&server.agent("support").await);
    tokio::time::sleep(Duration::from_millis(200)).await;
    tokio::time::timeout(Duration::from_secs(5), server.stop())
        .await
        .expect("a wait does not hold the server up");
    let ended = waiting.await.unwrap();
    assert!(ended.status == 503 || ended["works"] == json!([]), "{}", ended.text);
}

#[tokio::test]
async fn a_field_goes_back_to_a_value_that_the_ledger_has() {
    let server = Server::start().await;
    let intake = server.agent("intake").await;
    let withheld = json!({"withheld": format!("sha256:{}", "ab".repeat(32))});
    for (version, value) in [json!("new"), withheld, json!("won")].into_iter().enumerate() {
        let came = intake.write("crm/contact/a", json!({"status": value}), json!({"status": version})).await;
        assert_eq!(came["outcome"], "committed", "{}", came.text);
    }
    // An attempt finds a version without making it: its value is not taken for that version's.
    intake.write("crm/contact/a", json!({"status": "never"}), json!({"status": 1})).await;
    let revert = |to: u64, expected: u64| json!({"step": "revert", "path": "crm/contact/a#status", "to": to, "expected": expected, "reason": "the import was wrong"});
    for to in [2, 7] {
        let came = server.dana.post("/v1/overrides", revert(to, 3)).await;
        assert_eq!((came.status, &came["code"]), (409, &json!("no-value")), "{}", came.text);
    }
    let by_agent = intake.post("/v1/overrides", revert(7, 3)).await;
    assert_eq!((by_agent.status, &by_agent["code"]), (200, &json!("not-allowed")), "{}", by_agent.text);
    let status = intake.get("/v1/entities/crm/contact/a").await["fields"]["status"].clone();
    assert_eq!((&status["value"], &status["version"]), (&json!("won"), &json!(3)));
    server.stop().await;
}

#[tokio::test]
async fn leases_are_held_shown_and_ended_by_force() {
    let server = Server::start().await;
    let (intake, sales) = (server.agent("intake").await, server.agent("sales").await);
    let target = json!({"path": "shared/log"});
    let held = intake.post("/v1/leases", json!({"target": target, "ttl": "5m"})).await;
    assert_eq!(held["outcome"], "allowed", "{}", held.text);
    let fence = held["lease"].as_u64().unwrap();
    for caller in [&intake, &sales, &server.dana] {
        let list = caller.get("/v1/leases").await;
        assert_eq!(
            (&list["leases"][0]["holder"], &list["leases"][0]["fence"]),
            (&json!("intake"), &json!(fence))
        );
    }
    let foreign = sales.post(&format!("/v1/leases/{fence}/renew"), json!({"ttl": "5m"})).await;
    assert_eq!(foreign["outcome"], "refused", "{}", foreign.text);
    let renewed = intake.post(&format!("/v1/leases/{fence}/renew"), json!({"ttl": "10m"})).await;
    assert_eq!(renewed["lease"].as_u64(), Some(fence), "{}", renewed.text);
    let moved = intake.post(&format!("/v1/leases/{fence}/transfer"), json!({"to": "sales"})).await;
    assert_eq!(moved["outcome"], "allowed", "{}", moved.text);
    let theirs = sales.get("/v1/leases").await;
    let new = theirs["leases"][0]["fence"].as_u64().unwrap();
    assert!(new > fence, "a transfer makes a new fencing token: {}", theirs.text);
    let unlock = json!({"step": "unlock", "lease": new, "reason": "its agent is gone"});
    let gone = server.dana.post("/v1/overrides", unlock.clone()).await;
    assert!(gone["outcome"] != "refused", "{}", gone.text);
    assert_eq!(server.dana.get("/v1/leases").await["leases"], json!([]));
    let again = server.dana.post("/v1/overrides", unlock).await;
    assert_eq!(again["outcome"], "refused", "{}", again.text);
    let released = sales.post(&format!("/v1/leases/{new}/release"), json!({})).await;
    assert_eq!(released["outcome"], "refused", "{}", released.text);
    server.stop().await;
}

#[tokio::test]
async fn a_lease_on_what_is_hidden_is_not_shown() {
    let server = Server::start().await;
    let (support, sales) = (server.agent("support").await, server.agent("sales").await);
    let held = support.post("/v1/leases", json!({"target": {"path": "hr/ann"}, "ttl": "5m"})).await;
    assert_eq!(held["outcome"], "allowed", "{}", held.text);
    assert_eq!(support.get("/v1/leases").await["leases"].as_array().unwrap().len(), 1);
    assert_eq!(sales.get("/v1/leases").await["leases"], json!([]));
    server.stop().await;
}

#[tokio::test]
async fn what_there_is_can_be_looked_at() {
    let server = Server::start().await;
    let sales = server.agent("sales").await;
    let outputs = sales.get("/v1/outputs").await;
    let mail = &outputs["outputs"][0];
    assert_eq!(
        (&mail["name"], &mail["publishers"]),
        (&json!("mail/sales"), &json!(["sales"])),
        "{}",
        outputs.text
    );
    assert_eq!((&mail["in_turn"], &mail["needs_approval"]), (&json!(false), &json!(false)));
    for (path, key) in
        [("/v1/handoffs", "tasks"), ("/v1/fan-outs", "fan_outs"), ("/v1/conclusions", "conclusions")]
    {
        for caller in [&sales, &server.dana] {
            let came = caller.get(path).await;
            assert_eq!((came.status, &came[key]), (200, &json!([])), "{path}: {}", came.text);
        }
    }
    let reviews = server.dana.get("/v1/reviews").await;
    let inbox = &reviews["reviews"][0];
    assert_eq!((&inbox["queue"], &inbox["owner"]), (&json!("inbox"), &json!("dana")), "{}", reviews.text);
    assert_eq!((&inbox["deputies"], &inbox["waiting"]), (&json!(["sam"]), &json!(0)));
    assert_eq!(inbox["schedule"], "daily 09:00");
    server.stop().await;
}

#[tokio::test]
async fn an_agents_stream_shows_what_names_it_and_nothing_hidden() {
    let server = Server::start().await;
    let (support, sales) = (server.agent("support").await, server.agent("sales").await);
    let open = support.post("/v1/leases", json!({"target": {"path": "shared/log"}, "ttl": "5m"})).await;
    let hidden = support.post("/v1/leases", json!({"target": {"path": "hr/ann"}, "ttl": "5m"})).await;
    for (lease, came) in [(&open, "allowed"), (&hidden, "refused")] {
        let moved =
            support.post(&format!("/v1/leases/{}/transfer", lease["lease"]), json!({"to": "sales"})).await;
        assert_eq!(moved["outcome"], came, "{}", moved.text);
    }
    let last = support.write("crm/account/a", json!({"health": "x"}), json!({"health": 0})).await;
    let last = last["deed"].as_u64().unwrap();
    let mut stream = sales.client().stream(deeds::client::StreamFrom::default());
    let mut seen = Vec::new();
    let watched = tokio::time::timeout(Duration::from_secs(5), async {
        loop {
            match stream.next().await.unwrap() {
                deeds::client::StreamEvent::Deed { seq, deed, .. } => {
                    seen.push(deed.unwrap().body.type_name());
                    if seq.0 >= last {
                        return;
                    }
                }
                deeds::client::StreamEvent::Disconnected { why, .. } => panic!("{why}"),
                deeds::client::StreamEvent::Refused(problem) => panic!("{problem}"),
                _ => {}
            }
        }
    });
    watched.await.expect("the last deed comes");
    assert_eq!(seen.iter().filter(|name| **name == "deeds.lease.transferred").count(), 1, "{seen:?}");
    assert!(!seen.contains(&"deeds.lease.granted"), "{seen:?}");
    server.stop().await;
}
