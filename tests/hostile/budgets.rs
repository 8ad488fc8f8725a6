//! One agent fills what it can: memory, the inbox, the alerts, the keys, the ledger.

use serde_json::{Value as Json, json};

use super::support::{Caller, Came, Server, TEAM};
use super::team::Team;
use deeds::coordinator::Clock;
use deeds::domain::things::TokenClass;
use deeds::domain::time::{Span, Time};

/// How many requests the attacker has under way at once.
const AT_ONCE: usize = 16;

/// Sends all of it, many at a time.
async fn flood(caller: &Caller, path: &'static str, bodies: impl Iterator<Item = Json>) -> Vec<Came> {
    let bodies: Vec<Json> = bodies.collect();
    let mut came = Vec::with_capacity(bodies.len());
    for some in bodies.chunks(AT_ONCE) {
        let sent: Vec<_> = some
            .iter()
            .cloned()
            .map(|body| {
                let caller = caller.clone();
                tokio::spawn(async move {
                    loop {
                        let came = caller.post(path, body.clone()).await;
                        // Too much at once is sent again, as any client does.
                        if came.status != 429 || came["code"] != "too-many-at-once" {
                            return came;
                        }
                        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    }
                })
            })
            .collect();
        for one in sent {
            came.push(one.await.unwrap());
        }
    }
    came
}

fn with_code<'a>(came: &'a [Came], code: &str) -> Vec<&'a Came> {
    came.iter().filter(|came| came["code"] == code).collect()
}

fn head(server: &Server) -> u64 {
    server.workspaces.get(&super::support::northwind()).unwrap().handle().head().seq
}

/// All that are open, page by page.
async fn alerts(server: &Server) -> Vec<Json> {
    let (mut all, mut page) = (Vec::new(), String::new());
    loop {
        let came = server.dana.get(&format!("/v1/alerts{page}")).await;
        all.extend(came["alerts"].as_array().unwrap().iter().cloned());
        let Some(next) = came["next"].as_str() else { return all };
        page = format!("?page={next}");
    }
}

/// 400 proposals of a megabyte: 16 MiB of them are kept, the others are refused, and nobody else is.
#[tokio::test]
async fn proposals_of_a_megabyte() {
    let server = Server::start_on(TEAM).await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    let text = "x".repeat(63_000);
    let proposal = |no: usize| {
        let fields = (0..15).map(|at| (format!("health{at}"), json!(format!("{no} {text}"))));
        let changes: serde_json::Map<String, Json> = fields.clone().collect();
        let expected: serde_json::Map<String, Json> = fields.map(|(name, _)| (name, json!(0))).collect();
        json!({"entity": format!("crm/account/{no}"), "changes": changes, "expected": expected})
    };
    let map = TEAM.replace("\"crm/account/*#health\"", "\"crm/account/*#health*\"");
    let put =
        server.dana.request("PUT", "/v1/map").header("if-match", "\"1\"").body(map).send().await.unwrap();
    assert_eq!(put.status(), 200, "{}", put.text().await.unwrap());
    let came = flood(&sales, "/v1/writes", (0..400).map(proposal)).await;
    let (kept, over) = (with_code(&came, "not-owner").len(), with_code(&came, "over-budget"));
    assert!((14..=18).contains(&kept), "{kept} are kept: each payload once");
    assert_eq!(kept + over.len(), 400);
    assert!(over[0]["until"].is_string() && over[0]["next"].is_string(), "{}", over[0].text);
    assert_eq!(over[0].headers["retry-after"], "60");
    let board = server.dana.get("/v1/board").await;
    assert!(board.text.len() < 1 << 20, "{} bytes of board", board.text.len());
    assert!(head(&server) < 200, "what is refused is counted, not written: {}", head(&server));
    let small = json!({"entity": "pipeline/7", "changes": {"stage": 1}, "expected": {"stage": 0}});
    assert_eq!(sales.post("/v1/writes", small).await["outcome"], "committed", "its own zone is its own");
    let fine = support.post("/v1/escalations", json!({"input": "x", "why": "y"})).await;
    assert_eq!(fine["outcome"], "escalated", "{}", fine.text);
    assert!(alerts(&server).await.iter().any(|alert| alert["kind"] == "over-budget"));
    let more = json!({"step": "allow", "agent": "sales", "bytes": 33_554_432, "reason": "the migration"});
    assert_eq!(server.dana.post("/v1/overrides", more).await["outcome"], "recorded");
    assert_eq!(sales.post("/v1/writes", proposal(400)).await["outcome"], "proposed");
    server.stop().await;
}

/// 400 proposals of a megabyte, and then consoles start, all at once: the server stays within the budgets and 100 MiB, and what
/// it sends is small.
#[test]
fn consoles_start_from_a_board_of_large_proposals() {
    /// The workspace's budget and 100 MiB.
    const MOST_MIB: u64 = 256 + 100;
    let team = Team::start();
    let mut hostile = team.connect("hostile");
    let text = "x".repeat(63_000);
    for no in 0..400 {
        let fields = (0..15).map(|at| (format!("health{at}"), json!(format!("{no} {text}"))));
        let changes: serde_json::Map<String, Json> = fields.collect();
        let expected: serde_json::Map<String, Json> =
            changes.keys().map(|name| (name.clone(), json!(0))).collect();
        let body = json!({"entity": format!("victim/{no}"), "changes": changes, "expected": expected});
        let (status, came) = hostile.ask("POST", "/v1/writes", &body.to_string()).unwrap();
        assert_eq!(status, 200, "{came}");
    }
    let before = team.resident();
    let starting: Vec<_> = (0..16)
        .map(|_| {
            let mut dana = team.connect("dana");
            std::thread::spawn(move || dana.ask("GET", "/v1/board", "").unwrap())
        })
        .collect();
    let came: Vec<(u16, Json)> = starting.into_iter().map(|one| one.join().unwrap()).collect();
    let held = team.resident();
    let (_, one) = came.iter().find(|(status, _)| *status == 200).unwrap();
    let proposals = one["board"]["works"].as_object().unwrap().len();
    println!(
        "{proposals} proposals; a board of {} bytes; {before} MiB, {held} MiB after 16 looks",
        one.to_string().len()
    );
    assert!((14..=18).contains(&proposals) && one["board"]["cut"].as_array().unwrap().len() >= proposals);
    assert!(one.to_string().len() < 1 << 20, "{} bytes of board", one.to_string().len());
    assert!(held < MOST_MIB && held < before + 100, "{before} MiB, then {held} MiB");
}

/// 10,050 alerts of one agent: its share is shown, the rest is counted and told once, and another's is shown as ever.
#[tokio::test]
async fn a_flood_of_alerts() {
    let server = Server::start_on(TEAM).await;
    let (sales, intake) = (server.agent("sales").await, server.agent("intake").await);
    let stale = |no: usize| json!({"entity": format!("pipeline/{no}"), "changes": {"stage": 1}, "expected": {"stage": 9}});
    let batches = (0..10_050).collect::<Vec<usize>>();
    let batches = batches.chunks(201).map(|some| some.iter().copied().map(stale).collect::<Vec<_>>());
    flood(&sales, "/v1/writes:batch", batches.map(|some| json!(some))).await;
    let open = alerts(&server).await;
    let shown = open.iter().filter(|alert| alert["kind"] == "stale-write").count();
    assert!((400..=500).contains(&shown), "{shown} are shown");
    let told: Vec<&Json> = open.iter().filter(|alert| alert["kind"] == "alerts-suppressed").collect();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0]["count"], 10_050 - shown, "{}", told[0]);
    assert_eq!(told[0]["title"], "alerts of sales suppressed");
    let late = json!({"entity": "crm/contact/7", "changes": {"status": "x"}, "expected": {"status": 4}});
    let came = intake.post("/v1/writes", late).await;
    assert_eq!(came["outcome"], "stale", "{}", came.text);
    let of_intake =
        |alert: &&Json| alert["who"].as_array().unwrap().iter().any(|who| who["name"] == "intake");
    assert_eq!(alerts(&server).await.iter().filter(of_intake).count(), 1, "{}", came.text);
    server.stop().await;
}

/// Whoever escalates without end fills its own share: others escalate still, and people answer.
#[tokio::test]
async fn a_flood_of_escalations() {
    let server = Server::start_on(TEAM).await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    let escalation = |no: usize| json!({"input": no, "why": "who knows"});
    let came = flood(&sales, "/v1/escalations", (0..2_400).map(escalation)).await;
    let over = with_code(&came, "over-budget").len();
    assert!((400..=410).contains(&over), "{over} are refused");
    let before = head(&server);
    flood(&sales, "/v1/escalations", (3_000..3_500).map(escalation)).await;
    assert!(head(&server) <= before + 2, "500 refusals are counted");
    for no in 0..20 {
        let came = support.post("/v1/escalations", escalation(no)).await;
        assert_eq!(came["outcome"], "escalated", "{}", came.text);
    }
    let raised = server.dana.post("/v1/events", json!({"event": "mail.received"})).await;
    assert_eq!(raised["outcome"], "escalated", "{}", raised.text);
    server.stop().await;
}

/// An agent that uses up all its keys takes none of another's: a retry is answered as the first time, and done once.
#[tokio::test]
async fn another_agents_keys_stay() {
    let server = Server::start_on(TEAM).await;
    let (sales, intake) = (server.agent("sales").await, server.agent("intake").await);
    let first = json!({"entity": "crm/contact/7", "changes": {"status": "new"}, "expected": {"status": 0}});
    let keyed = |caller: &Caller, path: &str, key: String, body: &Json| {
        let request = caller.request("POST", path).header("idempotency-key", key);
        super::support::came(request.body(body.to_string()))
    };
    let done = keyed(&intake, "/v1/writes", "mine".to_owned(), &first).await;
    assert_eq!(done["outcome"], "committed");
    let mut refused = false;
    for batch in 0..90 {
        let write = |no: usize| json!({"entity": format!("pipeline/{batch}-{no}"), "changes": {"stage": 1}, "expected": {"stage": 0}});
        let some: Vec<Json> = (0..250).map(write).collect();
        let came = keyed(&sales, "/v1/writes:batch", format!("batch {batch}"), &json!(some)).await;
        refused |= came.text.contains("over-budget");
    }
    assert!(refused, "it has 20,000");
    let again = keyed(&intake, "/v1/writes", "mine".to_owned(), &first).await;
    assert_eq!(again["deed"], done["deed"], "{}", again.text);
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let next = json!({"entity": "crm/contact/8", "changes": {"status": "new"}, "expected": {"status": 0}});
    assert_eq!(keyed(&intake, "/v1/writes", "next".to_owned(), &next).await["outcome"], "committed");
    server.stop().await;
}

/// Whoever may not write does not write by being refused: a handful of deeds for a thousand tries, and the count is told.
#[tokio::test]
async fn a_refusal_at_the_door_is_no_right_to_write() {
    let begin = Time::from_micros(1_790_000_000_000_000);
    let clock = Clock::manual(begin);
    let server = Server::start_at(TEAM, clock.clone()).await;
    let watcher = server.with_token(TokenClass::Watcher, "wanda").await;
    let sales = server.agent("sales").await;
    let pause = json!({"step": "pause", "agent": "sales", "reason": "it floods"});
    assert_eq!(server.dana.post("/v1/overrides", pause).await["outcome"], "recorded");
    let write = |no: usize| json!({"entity": format!("pipeline/{no}"), "changes": {"stage": 1}, "expected": {"stage": 0}});
    let before = head(&server);
    let paused = flood(&sales, "/v1/writes", (0..1_000).map(write)).await;
    assert_eq!(with_code(&paused, "paused").len(), 1_000, "each is answered at once");
    let deeds: std::collections::BTreeSet<u64> =
        paused.iter().map(|came| came["deed"].as_u64().unwrap()).collect();
    assert_eq!(deeds.len(), 1, "all name the deed that stands for them: {deeds:?}");
    flood(&watcher, "/v1/writes", (0..1_000).map(write)).await;
    assert!(head(&server) <= before + 2, "{} deeds", head(&server) - before);
    clock.set(begin.plus(Span::from_secs(61)));
    let told = async {
        while head(&server) < before + 4 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    crate::patience::within("the counts of the minute", told).await;
    for seq in [before + 3, before + 4] {
        let deed = server.dana.get(&format!("/v1/ledger/{seq}")).await;
        assert!(deed.text.contains("deeds.door.refused") && deed.text.contains("999"), "{}", deed.text);
    }
    server.stop().await;
}

/// What rules refuse is recorded by itself sixty times a minute, and told once beyond that; what a key was refused in that count
/// is decided when it comes again, and once.
#[tokio::test]
async fn ten_thousand_refused_writes() {
    let begin = Time::from_micros(1_790_000_000_000_000);
    let clock = Clock::manual(begin);
    let server = Server::start_at(TEAM, clock.clone()).await;
    let (sales, intake) = (server.agent("sales").await, server.agent("intake").await);
    let freeze = |step: &str| json!({"step": step, "entity": "pipeline/7", "reason": "an audit"});
    assert_eq!(server.dana.post("/v1/overrides", freeze("freeze")).await["outcome"], "recorded");
    let before = head(&server);
    let write =
        |no: usize| json!({"entity": "pipeline/7", "changes": {"stage": no}, "expected": {"stage": 0}});
    let batches = (0..10_000).collect::<Vec<usize>>();
    let batches = batches.chunks(250).map(|some| some.iter().copied().map(write).collect::<Vec<_>>());
    let came = flood(&sales, "/v1/writes:batch", batches.map(|some| json!(some))).await;
    let answers = came.iter().flat_map(|came| came["answers"].as_array().unwrap());
    let refused =
        answers.filter(|answer| answer["reply"]["code"] == "frozen" && answer["reply"]["deed"].is_u64());
    assert_eq!(refused.count(), 10_000, "each is answered");
    assert_eq!(head(&server), before + 60);
    // Another agent's refusal is recorded as ever.
    let other = intake.post("/v1/writes", write(0)).await;
    assert_eq!((other["code"].as_str(), head(&server)), (Some("frozen"), before + 61), "{}", other.text);
    let keyed = || {
        let request = sales.request("POST", "/v1/writes").header("idempotency-key", "mine");
        super::support::came(request.body(write(1).to_string()))
    };
    assert_eq!(keyed().await["code"], "frozen");
    clock.set(begin.plus(Span::from_secs(61)));
    let told = async {
        while head(&server) < before + 62 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    crate::patience::within("the count of the minute", told).await;
    let deed = server.dana.get(&format!("/v1/ledger/{}", before + 62)).await;
    assert!(deed.text.contains("deeds.door.refused") && deed.text.contains("9941"), "{}", deed.text);
    assert_eq!(server.dana.post("/v1/overrides", freeze("unfreeze")).await["outcome"], "recorded");
    let done = keyed().await;
    assert_eq!(done["outcome"], "committed", "{}", done.text);
    let again = keyed().await;
    assert_eq!(
        (&again["deed"], again.headers["idempotent-replayed"].as_bytes()),
        (&done["deed"], &b"true"[..])
    );
    server.stop().await;
}
