//! Rows about tasks: endless ping-pong, lost hand-over, one branch that kills all.

use serde_json::{Value as Json, json};

use super::{Caller, Came, alert, answer, take, team, told, work};

async fn hand_over(giver: &Caller, to: &str, task: &str, attempt: u64) -> Came {
    let payload = json!({
        "to": to, "task": task, "attempt": attempt,
        "work_product": {"result": {"text": "Dear customer"}, "status": "draft"},
        "context": {"customer": "acme"}, "constraints": ["under 100 words"],
    });
    giver.post("/v1/handoffs", payload).await
}

async fn give_back(receiver: &Caller, feedback: &str) -> Came {
    let handed = work(receiver, "handoff").await;
    assert_eq!(handed.len(), 1, "{handed:?}");
    receiver.post(&format!("/v1/work/{}/return", handed[0]["no"]), json!({"note": feedback})).await
}

#[tokio::test]
async fn the_same_feedback_twice_ends_an_endless_ping_pong_with_its_full_history() {
    let server = team().await;
    let (writer, reviewer) = (server.agent("writer").await, server.agent("reviewer").await);
    told(&hand_over(&writer, "reviewer", "draft-7", 1).await, "recorded", None);
    told(&give_back(&reviewer, "Too long, and no greeting").await, "recorded", None);
    let back = &work(&writer, "returned").await[0];
    assert_eq!((&back["kind"]["attempt"], back["kind"]["history"].as_array().unwrap().len()), (&json!(2), 1));
    told(&hand_over(&writer, "reviewer", "draft-7", 2).await, "recorded", None);
    let stuck = give_back(&reviewer, "  too LONG,  and no greeting ").await;
    told(&stuck, "escalated", Some("not-converging"));

    let alert = alert(&server, "not-converging").await;
    let shown = server.dana.get(&format!("/v1/inbox/{}", stuck["item"])).await;
    let history = shown["item"]["case"]["task"]["history"].as_array().unwrap();
    assert_eq!(history.len(), 2, "{}", shown.text);
    assert_eq!(alert["item"], stuck["item"]);
    let more = hand_over(&writer, "reviewer", "draft-7", 3).await;
    told(&more, "refused", Some("wrong-state"));
    told(
        &answer(&server.dana, &stuck["item"], json!({"kind": "handle", "note": "I wrote it"})).await,
        "recorded",
        None,
    );
    server.stop().await;
}

#[tokio::test]
async fn attempts_are_bounded_and_the_loop_goes_to_a_person_once() {
    let server = team().await;
    let (writer, reviewer) = (server.agent("writer").await, server.agent("reviewer").await);
    for attempt in 1..=3_u64 {
        told(&hand_over(&writer, "reviewer", "draft-8", attempt).await, "recorded", None);
        let came = give_back(&reviewer, &format!("remark {attempt}")).await;
        if attempt < 3 {
            told(&came, "recorded", None);
        } else {
            told(&came, "escalated", Some("out-of-attempts"));
        }
    }
    let inbox = server.dana.get("/v1/inbox").await;
    assert_eq!(inbox["items"].as_array().unwrap().len(), 1, "{}", inbox.text);
    assert_eq!(inbox["items"][0]["case"]["task"]["history"].as_array().unwrap().len(), 3);
    server.stop().await;
}

#[tokio::test]
async fn a_lost_hand_over_is_refused_and_the_missing_keys_are_named() {
    let server = team().await;
    let (writer, reviewer) = (server.agent("writer").await, server.agent("reviewer").await);
    let half =
        json!({"to": "reviewer", "task": "draft-9", "work_product": {"status": "draft"}, "attempt": 1});
    let came = writer.post("/v1/handoffs", half).await;
    told(&came, "refused", Some("incomplete"));
    let message = came["message"].as_str().unwrap();
    for key in ["work_product.result", "context", "constraints"] {
        assert!(message.contains(key), "{message}");
    }
    assert!(work(&reviewer, "handoff").await.is_empty(), "nothing of it was handed over");

    told(&hand_over(&writer, "reviewer", "draft-9", 1).await, "recorded", None);
    let handed = &work(&reviewer, "handoff").await[0];
    let order = &handed["kind"]["order"];
    assert_eq!(order["context"], json!({"customer": "acme"}));
    assert_eq!(order["constraints"], json!(["under 100 words"]));
    told(&reviewer.post(&format!("/v1/work/{}/accept", handed["no"]), json!({})).await, "recorded", None);
    let tasks = server.dana.get("/v1/handoffs").await;
    assert_eq!(tasks["tasks"][0]["owner"], "reviewer", "{}", tasks.text);
    told(&hand_over(&writer, "reviewer", "draft-9", 2).await, "refused", Some("not-yours"));
    server.stop().await;
}

#[tokio::test]
async fn one_failed_branch_takes_nothing_along() {
    let server = team().await;
    let lead = server.agent("ops").await;
    let names = ["writer", "reviewer", "growth", "sales", "support"];
    let branches: Vec<Json> =
        names.iter().map(|name| json!({"to": name, "input": {"region": name}, "max_attempts": 1})).collect();
    let opened =
        lead.post("/v1/fan-outs", json!({"branches": branches, "deadline": "1h", "needed": 4})).await;
    told(&opened, "recorded", None);
    for name in names {
        let agent = server.agent(name).await;
        let taken = take(&agent).await;
        let (step, body) = match name {
            "growth" => ("fail", json!({"note": "the source is down"})),
            _ => ("complete", json!({"result": {"rows": 7}})),
        };
        let came = agent.post(&format!("/v1/work/{}/{step}", taken["no"]), body).await;
        assert_eq!(came.status, 200, "{}", came.text);
        assert_ne!(came["outcome"], "refused", "{}", came.text);
    }
    let joins = work(&lead, "join").await;
    assert_eq!(joins.len(), 1, "the join arrives once");
    let join = &joins[0]["kind"];
    assert_eq!(join["met"], true);
    let ends: Vec<bool> = join["branches"]
        .as_array()
        .unwrap()
        .iter()
        .map(|branch| branch["end"]["ok"].as_bool().unwrap())
        .collect();
    assert_eq!(ends, [true, true, false, true, true]);
    assert_eq!(join["branches"][2]["end"]["note"], "the source is down");
    let inbox = server.dana.get("/v1/inbox").await;
    assert_eq!(inbox["items"], json!([]), "a failed branch is a value, nobody's exception");
    server.stop().await;
}
