//! Long looks at the ledger over HTTP: lines of progress and one of what came of it; bad windows; bounds; letting go.

use serde_json::{Value as Json, json};

use super::support::{Server, TEAM, came};
use deeds::api::MOST_DAYS;
use deeds::domain::survey::plan::{Fate, Turn};

/// The team's map with sales on what was intake's.
fn turned() -> String {
    TEAM.replace("crm/contact/*#name", "crm/contact/*#nickname")
}

#[tokio::test]
async fn a_plan_tells_how_far_it_is_and_what_came_of_it() {
    let server = Server::start().await;
    let intake = server.agent("intake").await;
    for n in 0..40 {
        intake.write(&format!("crm/contact/c{n}"), json!({"name": n}), json!({"name": 0})).await;
    }
    let new = turned();
    let came = came(server.dana.request("POST", "/v1/map/plan?days=1").body(new.clone())).await;
    assert_eq!(came.status, 200, "{}", came.text);
    assert_eq!(came.headers["content-type"], "application/x-ndjson");
    let lines: Vec<Json> = came.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["looked"], 0);
    assert!(lines[0]["of"].as_u64().unwrap() > 40, "{}", lines[0]);
    let plan = &lines.last().unwrap()["plan"];
    assert_eq!((&plan["counts"]["stopped"], &plan["window"]["days"]), (&40.into(), &1.into()), "{plan}");

    let mut told = Vec::new();
    let view = server.dana.client().plan_map(&new, None, |looked| told.push(looked)).await.unwrap();
    assert_eq!((view.window.days, view.plan.counts.stopped), (Some(7), 40));
    assert_eq!(view.plan.deeds, told[0].of, "everything is younger than a week");
    let row = &view.plan.rows[0];
    assert_eq!((row.turn, row.times, &row.was), (Turn::Stopped, 40, &Fate::Through));
    assert_eq!((row.what.as_str(), row.examples.len()), ("crm/contact/*#name", 3));
    assert!(
        view.plan.changes.iter().any(|change| change.words.contains("nickname")),
        "{:?}",
        view.plan.changes
    );

    let same = server.dana.client().plan_map(TEAM, Some(1), |_| {}).await.unwrap();
    assert!(same.plan.changes.is_empty() && !same.plan.stops_anything(), "{:?}", same.plan.rows);
    server.stop().await;
}

#[tokio::test]
async fn what_can_not_be_planned_is_said_before_anything_is_looked_at() {
    let server = Server::start().await;
    for (query, said) in [
        ("?days=0", "1 to 3650"),
        ("?days=99999", "1 to 3650"),
        ("?days=week", "days"),
        ("?week=1", "parameters here are"),
    ] {
        let came = came(server.dana.request("POST", &format!("/v1/map/plan{query}")).body(TEAM)).await;
        assert_eq!((came.status, &came["code"]), (400, &json!("bad-parameter")), "{query}: {}", came.text);
        assert!(came.text.contains(said), "{query}: {}", came.text);
    }
    let broken = TEAM.replace("owner = \"sam\"", "");
    let came = came(server.dana.request("POST", "/v1/map/plan").body(broken)).await;
    assert_eq!((came.status, &came["code"]), (422, &json!("map-broken")), "{}", came.text);
    assert!(came["findings"].as_array().unwrap().iter().any(|one| one["lint"] == "no-agent-owner"));
    let far = server.dana.client().plan_map(TEAM, Some(MOST_DAYS), |_| {}).await.unwrap();
    assert_eq!(far.plan.counts.all(), 0);
    server.stop().await;
}

/// A look ends with its caller: were its place kept, there would soon be none.
#[tokio::test]
async fn a_caller_that_goes_away_makes_room() {
    let server = Server::start().await;
    for _ in 0..64 {
        let response = server.dana.request("POST", "/v1/map/plan").body(TEAM).send().await.unwrap();
        let status = response.status().as_u16();
        if status == 429 {
            assert!(response.text().await.unwrap().contains("plans and inferences run"));
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        } else {
            assert_eq!(status, 200);
        }
    }
    let mut tries = 0;
    while let Err(error) = server.dana.client().plan_map(TEAM, None, |_| {}).await {
        tries += 1;
        assert!(tries < 100, "{error}");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    server.stop().await;
}
