//! Lists in pages: each of one moment and bounded, together the whole list, whatever is written meanwhile; and things whole.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use super::support::{Caller, Server, TEAM, northwind};
use deeds::coordinator::Clock;
use deeds::domain::ids::WorkNo;
use deeds::domain::things::{Limits, TokenClass, Usage};

/// Most bytes of one answer.
const MOST: usize = 256 * 1024;

fn roomy() -> Limits {
    let usage = Usage { bytes: 1 << 32, open: 1 << 32 };
    Limits { agent: usage, workspace: usage, ..Limits::default() }
}

async fn batch(caller: &Caller, numbers: impl Iterator<Item = usize>, write: impl Fn(usize) -> Json) {
    for some in numbers.collect::<Vec<_>>().chunks(250) {
        let writes: Vec<Json> = some.iter().map(|no| write(*no)).collect();
        let came = caller.post("/v1/writes:batch", json!(writes)).await;
        assert_eq!((came.status, &came["code"]), (200, &Json::Null), "{}", came.text);
    }
}

/// Cases: nobody owns where these go.
async fn escalate(caller: &Caller, numbers: impl Iterator<Item = usize>) {
    batch(caller, numbers, |no| {
        json!({"entity": format!("nowhere/{no}"), "changes": {"note": format!("case {no}")}, "expected": {"note": 0}})
    })
    .await;
}

/// Alerts: each of these was written by somebody else meanwhile.
async fn collide(caller: &Caller, numbers: impl Iterator<Item = usize> + Clone) {
    let write = |no: usize, seen: u64| json!({"entity": format!("crm/contact/{no}"), "changes": {"status": format!("{no} {seen}")}, "expected": {"status": seen}});
    batch(caller, numbers.clone(), |no| write(no, 0)).await;
    batch(caller, numbers, |no| write(no, 5)).await;
}

/// Every page of a list, with something written between them.
async fn all(caller: &Caller, path: &str, mut meanwhile: impl AsyncFnMut()) -> Vec<Json> {
    let mut pages = Vec::new();
    let mut page = String::new();
    loop {
        let mark = if path.contains('?') { '&' } else { '?' };
        let asked = if page.is_empty() { path.to_owned() } else { format!("{path}{mark}page={page}") };
        let came = caller.get(&asked).await;
        assert_eq!(came.status, 200, "{asked}: {}", came.text);
        assert!(came.text.len() <= MOST, "{asked}: {} bytes", came.text.len());
        let next = came["next"].as_str().or(came["next_page"].as_str()).map(str::to_owned);
        pages.push(came.body);
        match next {
            None => return pages,
            Some(next) => page = next,
        }
        meanwhile().await;
    }
}

/// The rows of a list's pages, by a key of theirs.
fn rows<'a>(pages: &'a [Json], list: &str, key: &str) -> Vec<&'a Json> {
    pages.iter().flat_map(|page| page[list].as_array().into_iter().flatten()).map(|row| &row[key]).collect()
}

fn numbers(rows: &[&Json]) -> Vec<u64> {
    rows.iter().map(|no| no.as_u64().unwrap()).collect()
}

async fn median(caller: &Caller, path: &str) -> Duration {
    let mut took = Vec::new();
    for _ in 0..9 {
        let began = Instant::now();
        assert_eq!(caller.get(path).await.status, 200);
        took.push(began.elapsed());
    }
    took.sort_unstable();
    took[4]
}

fn large_team(agents: usize) -> String {
    let mut map = TEAM.to_owned();
    for no in 0..agents {
        write!(map, "\n[[agent]]\nid = \"desk-{no}\"\nowner = \"sam\"\nwrites = [\"desk/{no}/*\"]\n")
            .unwrap();
    }
    map
}

/// The first page takes as long as before, however many there are.
async fn as_quick_as(caller: &Caller, path: &str, before: Duration) {
    let after = median(caller, path).await;
    eprintln!("{path}: first page {before:?} of few, {after:?} of many");
    assert!(after < before * 3 + Duration::from_millis(30), "{path}: {before:?}, then {after:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_items_and_twenty_thousand_alerts_come_in_pages_of_one_moment() {
    let (items, alerts) = (10_000, 20_000);
    let server = Server::start_within(TEAM, Clock::System, roomy()).await;
    let intake = server.agent("intake").await;
    escalate(&intake, 0..600).await;
    collide(&intake, 0..600).await;
    let before = [median(&server.dana, "/v1/inbox").await, median(&server.dana, "/v1/alerts").await];
    escalate(&intake, 600..items).await;
    collide(&intake, 600..alerts).await;
    as_quick_as(&server.dana, "/v1/inbox", before[0]).await;
    as_quick_as(&server.dana, "/v1/alerts", before[1]).await;

    let mut more = items.max(alerts);
    for (path, list, least) in [("/v1/inbox", "items", items), ("/v1/alerts", "alerts", alerts)] {
        let front = server.workspaces.get(&northwind()).unwrap().handle().front();
        let pages = all(&server.dana, path, async || {
            more += 1;
            escalate(&intake, more..=more).await;
            collide(&intake, more..=more).await;
        })
        .await;
        let found = numbers(&rows(&pages, list, "no"));
        let board = &front.board;
        let wanted: BTreeSet<u64> = if list == "items" {
            board.items.keys().map(|no| no.0).collect()
        } else {
            board.alerts.keys().map(|no| no.0).collect()
        };
        eprintln!("{path}: {} rows in {} pages", found.len(), pages.len());
        assert!(found.len() >= least && found.len() == wanted.len(), "{path}: {}", found.len());
        assert_eq!(found.iter().copied().collect::<BTreeSet<_>>(), wanted, "{path}");
        assert!(pages.iter().all(|page| page["seq"] == front.head().0), "{path}: of one moment");
    }
    let open = server.dana.client().alerts(false).await.unwrap().alerts;
    let order = |alert: &deeds::domain::things::Alert| (alert.severity, alert.count, alert.last, alert.no);
    assert!(open.len() >= alerts && open.is_sorted_by(|a, b| order(a) >= order(b)), "the worst first");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_thousand_agents_come_in_pages_of_one_moment() {
    let few = Server::start_within(&large_team(500), Clock::System, roomy()).await;
    let before = median(&few.dana, "/v1/agents").await;
    few.stop().await;
    let agents = 5_000;
    let server = Server::start_within(&large_team(agents), Clock::System, roomy()).await;
    let intake = server.agent("intake").await;
    as_quick_as(&server.dana, "/v1/agents", before).await;
    let mut no = 0;
    let mut meanwhile = async || {
        no += 1;
        escalate(&intake, no..=no).await;
    };
    let pages = all(&server.dana, "/v1/agents", &mut meanwhile).await;
    let names = rows(&pages, "agents", "agent");
    assert_eq!(names.len(), agents + 3);
    assert_eq!(names.iter().map(|name| name.as_str().unwrap()).collect::<BTreeSet<_>>().len(), agents + 3);
    assert!(pages.iter().all(|page| page["at"] == pages[0]["at"] && page["head"] == pages[0]["head"]));
    assert!(pages.iter().all(|page| page["agents"][0]["standing"]["deeds"] == 0), "nothing was done then");
    let pages = all(&server.dana, "/v1/readiness", &mut meanwhile).await;
    assert_eq!(rows(&pages, "agents", "agent").len(), agents + 3);
    let team = server.dana.client().readiness(None).await.unwrap();
    assert!(team.agents.len() == agents + 3 && team.next.len() > agents && team.next_page.is_none());
    server.stop().await;
}

#[tokio::test]
async fn whatever_grows_comes_in_pages_and_the_client_puts_them_together() {
    let many = 700;
    let server = Server::start_within(TEAM, Clock::System, roomy()).await;
    let (intake, sales) = (server.agent("intake").await, server.agent("sales").await);
    for no in 0..many {
        let task = json!({"to": "sales", "task": format!("task/{no}"), "work_product": {"result": "r", "status": "s"}, "context": {"about": "x".repeat(600)}, "constraints": [], "attempt": 1});
        let lock = json!({"target": {"path": format!("crm/contact/{no}#status")}, "ttl": "1h"});
        let said = json!({"subject": format!("crm/contact/{no}"), "question": "is it?", "answer": no});
        let fan = json!({"branches": [{"to": "sales", "input": no}], "deadline": "1h"});
        for (path, body) in
            [("/v1/handoffs", task), ("/v1/leases", lock), ("/v1/conclusions", said), ("/v1/fan-outs", fan)]
        {
            let came = intake.post(path, body).await;
            assert!(came.status == 200 && came["code"].is_null(), "{path}: {}", came.text);
        }
    }
    for no in 0..many {
        server.with_token(TokenClass::Watcher, &format!("w{no}")).await;
    }
    let grows = async || drop(intake.post("/v1/handoffs", json!({"to": "sales", "task": "late"})).await);
    for (caller, path, list, least) in [
        (&server.dana, "/v1/handoffs", "tasks", many),
        (&intake, "/v1/handoffs", "tasks", many),
        (&server.dana, "/v1/fan-outs", "fan_outs", many),
        (&intake, "/v1/leases", "leases", many),
        (&server.dana, "/v1/conclusions", "conclusions", many),
        (&server.dana, "/v1/tokens", "tokens", many + 3),
        (&sales, "/v1/work", "works", many * 2),
        (&server.dana, "/v1/work?agent=sales", "works", many * 2),
    ] {
        let pages = all(caller, path, grows).await;
        let found: BTreeSet<String> = pages
            .iter()
            .flat_map(|page| page[list].as_array().unwrap())
            .map(|row| row.get("id").or(row.get("no")).unwrap_or(row).to_string())
            .collect();
        let all: usize = pages.iter().map(|page| page[list].as_array().unwrap().len()).sum();
        assert!(pages.len() > 1 && found.len() >= least, "{path}: {} in {}", found.len(), pages.len());
        assert_eq!(all, found.len(), "{path}: one comes twice");
        assert!(pages.iter().all(|page| page["seq"] == pages[0]["seq"]), "{path}");
    }
    let client = server.dana.client();
    assert_eq!(client.leases().await.unwrap().leases.len(), many);
    assert_eq!(client.fan_outs().await.unwrap().fan_outs.len(), many);
    assert_eq!(client.tokens().await.unwrap().tokens.len(), many + 3);
    assert!(client.conclusions(None).await.unwrap().conclusions.len() == many);
    assert!(sales.client().work(WorkNo(0), Duration::ZERO).await.unwrap().works.len() > many);

    // As it was, and what is not kept.
    let seq = server.dana.get("/v1/leases").await["seq"].as_u64().unwrap() - 1;
    let pages = all(&server.dana, &format!("/v1/leases?at={seq}"), grows).await;
    assert!(pages.len() > 1 && pages.iter().all(|page| page["seq"] == seq));
    let next = pages[0]["next"].as_str().unwrap();
    for (path, status, code) in [
        (format!("/v1/leases?at={}&page={next}", seq - 1), 400, "bad-parameter"),
        ("/v1/leases?page=1.2.3".to_owned(), 409, "page-gone"),
        ("/v1/leases?page=soon".to_owned(), 400, "bad-parameter"),
        (format!("/v1/leases?page={}", next.trim_end_matches(".then")), 409, "page-gone"),
    ] {
        let came = server.dana.get(&path).await;
        assert_eq!((came.status, came["code"].as_str()), (status, Some(code)), "{path}: {}", came.text);
    }
    server.stop().await;
}

/// Long things are told in short in a list, and named; by themselves they are whole, to whom they are shown.
#[tokio::test]
async fn what_is_long_is_told_in_short_in_a_list_and_whole_by_itself() {
    let server = Server::start_within(TEAM, Clock::System, roomy()).await;
    let (intake, sales) = (server.agent("intake").await, server.agent("sales").await);
    let long = "why is it so? ".repeat(2_000);
    let asked = intake.write("nowhere/1", json!({"note": long}), json!({"note": 0})).await;
    intake.write("crm/contact/1", json!({"status": long}), json!({"status": 0})).await;
    let stale =
        intake.write("crm/contact/1", json!({"status": format!("{long} again")}), json!({"status": 5})).await;
    let task = json!({"to": "sales", "task": "draft/7", "work_product": {"result": "r", "status": "s"}, "context": {"about": long}, "constraints": [], "attempt": 1});
    let handed = intake.post("/v1/handoffs", task).await;
    let (item, alert) = (&asked["item"], &stale["alerts"][0]);
    let work = sales.get("/v1/work").await["works"][0]["no"].clone();
    for (caller, list, thing, path) in [
        (&server.dana, "/v1/inbox", format!("item/{item}"), format!("/v1/inbox/{item}")),
        (&intake, "/v1/inbox", format!("item/{item}"), format!("/v1/inbox/{item}")),
        (&server.dana, "/v1/alerts", format!("alert/{alert}"), format!("/v1/alerts/{alert}")),
        (&sales, "/v1/work", format!("work/{work}"), format!("/v1/work/{work}")),
        (&sales, "/v1/handoffs", "task/draft/7".to_owned(), "/v1/handoffs/draft/7".to_owned()),
    ] {
        let came = caller.get(list).await;
        assert_eq!(came["cut"], json!([thing]), "{list}: {} {}", came.text, handed.text);
        assert!(came.text.len() < 8 * 1024 && !came.text.contains(&long), "{list}");
        let whole = caller.get(&path).await;
        assert!(whole.status == 200 && whole.text.contains(&long), "{path}: {}", whole.text);
    }
    // Nobody is shown another's.
    for (caller, path, status) in [
        (&sales, format!("/v1/inbox/{item}"), 404),
        (&intake, format!("/v1/work/{work}"), 404),
        (&server.agent("support").await, "/v1/handoffs/draft/7".to_owned(), 404),
        (&intake, format!("/v1/alerts/{alert}"), 403),
        (&server.dana, "/v1/alerts/99".to_owned(), 404),
        (&server.dana, "/v1/work/99".to_owned(), 404),
    ] {
        assert_eq!(caller.get(&path).await.status, status, "{path}");
    }
    // A case among thousands alike is told with some of them, and how many more there are.
    escalate(&intake, 100..2_100).await;
    let one = server.dana.get("/v1/inbox/2").await;
    let (some, more) = (one["alike"].as_array().unwrap().len(), one["more_alike"].as_u64().unwrap());
    assert!(some > 20 && some + usize::try_from(more).unwrap() == 2_000, "{some} and {more}");
    assert!(one.text.len() <= MOST);
    server.stop().await;
}
