//! Work that the wrong one ends, and loops that nobody ends.

use std::time::Duration;

use serde_json::json;

use super::{Caller, Came, take, team, told, work};

/// Takes what waits for a moment, and is too slow.
async fn take_briefly(agent: &Caller) -> u64 {
    let took = agent.post("/v1/work/take", json!({"visibility": "200ms"})).await;
    assert_eq!(took["works"].as_array().unwrap().len(), 1, "{}", took.text);
    tokio::time::sleep(Duration::from_millis(400)).await;
    took["works"][0]["attempts"].as_u64().unwrap()
}

async fn hand_over(giver: &Caller, task: &str) -> Came {
    let payload = json!({"to": "reviewer", "task": task, "attempt": 1, "context": {}, "constraints": [],
        "work_product": {"result": "Dear customer", "status": "draft"}});
    giver.post("/v1/handoffs", payload).await
}

#[tokio::test]
async fn whoever_was_too_slow_does_not_end_what_another_is_at() {
    let server = team().await;
    let (writer, reviewer) = (server.agent("writer").await, server.agent("reviewer").await);
    told(&hand_over(&writer, "draft-1").await, "recorded", None);
    let slow = take_briefly(&reviewer).await;
    let taken = take(&reviewer).await;
    let (no, now) = (&taken["no"], taken["attempts"].as_u64().unwrap());
    assert_eq!((slow, now), (1, 2));
    for step in ["complete", "return", "accept"] {
        let late = json!({"note": "no greeting", "attempt": slow});
        let came = reviewer.post(&format!("/v1/work/{no}/{step}"), late).await;
        told(&came, "refused", Some("attempt-over"));
        let unsaid = reviewer.post(&format!("/v1/work/{no}/{step}"), json!({"note": "no greeting"})).await;
        told(&unsaid, "refused", Some("no-attempt"));
    }
    assert!(work(&writer, "returned").await.is_empty());
    let back =
        reviewer.post(&format!("/v1/work/{no}/return"), json!({"note": "no end", "attempt": now})).await;
    told(&back, "recorded", None);
    assert_eq!(work(&writer, "returned").await[0]["kind"]["history"][0]["text"], "no end");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_names_no_attempt_goes_on_where_nobody_was_too_slow() {
    let server = team().await;
    let (writer, reviewer) = (server.agent("writer").await, server.agent("reviewer").await);
    told(&hand_over(&writer, "draft-2").await, "recorded", None);
    let taken = take(&reviewer).await;
    let done = reviewer.post(&format!("/v1/work/{}/complete", taken["no"]), json!({"result": "fine"})).await;
    told(&done, "recorded", None);
    server.stop().await;
}
