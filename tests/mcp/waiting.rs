//! Waiting for a person: as a task, which is the item and outlives the server; and by a tool that waits a while.

use std::time::{Duration, Instant};

use rmcp::model::{
    CallToolResponse, CancelTaskParams, GetTaskParams, TaskPayload, TaskStatus, UpdateTaskParams,
};
use serde_json::{Value as Json, json};

use crate::client::{Agent, KINDS, Kind, config};
use crate::support::{Caller, Server};

/// A person answers the item.
async fn answer(dana: &Caller, item: &str) {
    let shown = dana.get(&format!("/v1/inbox/{item}")).await;
    let answer = json!({
        "version": shown["item"]["version"],
        "digest": shown["digest"],
        "answer": {"kind": "handle", "note": "ten percent", "reply": {"discount": 10}},
    });
    let came = dana.post(&format!("/v1/inbox/{item}/answer"), answer).await;
    assert_eq!(came["outcome"], "recorded", "{}", came.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_is_the_item_and_outlives_the_server() {
    let mut server = Server::start().await;
    for kind in [Kind::Http26, Kind::Stdio26] {
        let (sales, support) = (server.agent("sales").await, server.agent("support").await);
        let agent = Agent::with(&sales, kind, config(true)).await;
        let escalate = json!({"input": {"ask": format!("{kind:?}")}, "why": "too large"});
        let CallToolResponse::Task(created) = agent.call_raw("escalate", escalate).await else {
            panic!("no task came back")
        };
        let id = created.task.task_id.clone();
        let get = |agent: &Agent| agent.service.peer().clone();
        let shown = get(&agent).get_task(GetTaskParams::new(&id)).await.unwrap();
        assert_eq!(shown.task.status(), TaskStatus::Working);
        // It can't be withdrawn, and nobody pretends that it was.
        get(&agent).cancel_task(CancelTaskParams::new(&id)).await.unwrap();
        get(&agent).update_task(UpdateTaskParams::new(&id, std::collections::BTreeMap::new())).await.unwrap();
        let shown = get(&agent).get_task(GetTaskParams::new(&id)).await.unwrap();
        assert_eq!(shown.task.status(), TaskStatus::Working, "it was cancelled, and a person still decides");
        // Another's item is no task.
        let stranger = Agent::with(&support, Kind::Http26, config(true)).await;
        let theirs = stranger.service.peer().get_task(GetTaskParams::new(&id)).await.unwrap_err().to_string();
        let none =
            stranger.service.peer().get_task(GetTaskParams::new("99999")).await.unwrap_err().to_string();
        assert_eq!(theirs.replace(&format!("task {id}"), "task 99999"), none);
        stranger.end().await;
        agent.end().await;
        server = server.restart().await;
        answer(&server.dana.clone(), &id).await;
        let agent = Agent::with(&sales, kind, config(true)).await;
        let shown = get(&agent).get_task(GetTaskParams::new(&id)).await.unwrap();
        let TaskPayload::Completed { result } = &shown.task.payload else { panic!("{shown:?}") };
        let said = &Json::Object(result.clone())["structuredContent"];
        assert_eq!(said["outcome"], "answered", "{said}");
        assert!(said["reason"].as_str().unwrap().contains("ten percent"), "{said}");
        assert_eq!(said["answer"]["closed"]["answer"]["reply"]["discount"], 10, "{said}");
        agent.end().await;
    }
    server.stop().await;
}

/// A client that does not know tasks gets the item at once; `wait` ends when the answer comes, or when its time is over.
#[tokio::test(flavor = "multi_thread")]
async fn a_tool_waits_for_the_answer() {
    let server = Server::start().await;
    let sales = server.agent("sales").await;
    for kind in KINDS {
        let agent = Agent::new(&sales, kind).await;
        let escalate = json!({"input": {"ask": format!("{kind:?}")}, "why": "too large"});
        let escalated = agent.call("escalate", escalate).await;
        let item = escalated["answer"]["item"].clone();
        assert!(
            escalated["next"].as_str().unwrap().contains(&format!("`wait` with `item` {item}")),
            "{escalated}"
        );
        let began = Instant::now();
        let pending = agent.call("wait", json!({"item": item, "seconds": 1})).await;
        assert_eq!(pending["outcome"], "pending", "{pending}");
        assert!(began.elapsed() >= Duration::from_secs(1));
        let dana = server.dana.clone();
        let number = item.to_string();
        let decides = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            answer(&dana, &number).await;
        });
        let began = Instant::now();
        let answered = agent.call("wait", json!({"item": item, "seconds": 40})).await;
        assert_eq!(answered["outcome"], "answered", "{answered}");
        assert!(began.elapsed() < Duration::from_secs(30), "it waits no longer than it must");
        decides.await.unwrap();
        let long = agent.call("wait", json!({"item": item, "seconds": 51})).await;
        assert_eq!((&long["outcome"], &long["code"]), (&json!("error"), &json!("bad-body")), "{long}");
        agent.end().await;
    }
    server.stop().await;
}
