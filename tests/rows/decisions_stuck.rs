//! A decision can always be made, and is never empty: a task that leads nowhere is sent on by a person.

use serde_json::{Value as Json, json};

use super::hidden::streamed;
use super::support::Server;
use super::{Caller, Came, TEAM, answer, team, told, work};

pub(super) async fn hand_over(giver: &Caller, to: &str, task: &str, more: Json) -> Came {
    let mut payload = json!({
        "to": to, "task": task, "attempt": 1,
        "work_product": {"result": {"text": "Dear customer"}, "status": "draft"},
        "context": {"customer": "acme"}, "constraints": ["under 100 words"],
    });
    let Json::Object(more) = more else { panic!("{more}") };
    payload.as_object_mut().unwrap().extend(more);
    giver.post("/v1/handoffs", payload).await
}

pub(super) async fn give_back(receiver: &Caller, feedback: &str) -> Came {
    let handed = work(receiver, "handoff").await;
    assert_eq!(handed.len(), 1, "{handed:?}");
    receiver.post(&format!("/v1/work/{}/return", handed[0]["no"]), json!({"note": feedback})).await
}

#[tokio::test]
async fn a_person_sends_a_stuck_task_on() {
    let server = team().await;
    let (writer, reviewer) = (server.agent("writer").await, server.agent("reviewer").await);
    let sales = server.agent("sales").await;
    told(&hand_over(&writer, "reviewer", "draft-1", json!({"max_attempts": 1})).await, "recorded", None);
    let stuck = give_back(&reviewer, "no greeting").await;
    told(&stuck, "escalated", Some("out-of-attempts"));

    // The preview says what it will do, and what stands in the way.
    let at = format!("/v1/inbox/{}/preview", stuck["item"]);
    let to_giver = server.dana.post(&at, json!({"kind": "send-on", "to": "writer"})).await;
    assert_eq!(to_giver["code"], "wrong-state", "{}", to_giver.text);
    let nobody = server.dana.post(&at, json!({"kind": "send-on", "to": "nobody"})).await;
    assert_eq!(nobody["code"], "not-found", "{}", nobody.text);
    let many = server.dana.post(&at, json!({"kind": "send-on", "max_attempts": 101})).await;
    assert_eq!(many["code"], "over-bound", "{}", many.text);
    let on = json!({"kind": "send-on", "to": "sales", "max_attempts": 3, "note": "sales knows her name"});
    let preview = server.dana.post(&at, on.clone()).await;
    assert_eq!(
        preview["then"][0], "draft-1 goes to sales, attempt 2 of 3; writer is told",
        "{}",
        preview.text
    );
    assert_eq!(preview["settles"], json!([]));

    told(&answer(&server.dana, &stuck["item"], on).await, "recorded", None);
    let handed = &work(&sales, "handoff").await[0]["kind"];
    assert_eq!((&handed["order"]["from"], &handed["order"]["max_attempts"]), (&json!("writer"), &json!(3)));
    let history = handed["history"].as_array().unwrap();
    assert_eq!((&history[0]["by"], &history[0]["text"]), (&json!("reviewer"), &json!("no greeting")));
    let word = json!({"class": "person", "name": "dana"});
    assert_eq!((&history[1]["by"], &history[1]["text"]), (&word, &json!("sales knows her name")));
    for agent in [&writer, &reviewer] {
        let decision = &work(agent, "decision").await[0];
        assert_eq!(decision["title"], "#1 answered: send on, draft-1 goes to sales, attempt 2 of 3");
    }
    // It goes its ways as any other task, for as long as the person said.
    told(&give_back(&sales, "which customer").await, "recorded", None);
    assert_eq!(work(&writer, "returned").await[0]["kind"]["attempt"], 3);
    let again = hand_over(&writer, "sales", "draft-1", json!({"attempt": 3, "max_attempts": 1})).await;
    told(&again, "recorded", None);
    told(&give_back(&sales, "which greeting").await, "escalated", Some("out-of-attempts"));
    server.stop().await;
}

#[tokio::test]
async fn what_all_earlier_hands_were_told_travels_along_and_hidden_stays_hidden() {
    let hiding = "writes = [\"crm/deal/*\"]\nhidden = [\"hr/**\"]";
    let server = Server::start_on(&TEAM.replace("writes = [\"crm/deal/*\"]", hiding)).await;
    let (writer, reviewer) = (server.agent("writer").await, server.agent("reviewer").await);
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    let secret = json!({"subject": "hr/7", "context": "Bob earns 7", "constraints": ["never say so"]});
    told(&hand_over(&writer, "reviewer", "draft-2", secret).await, "recorded", None);
    told(&give_back(&reviewer, "is 7 right").await, "recorded", None);
    let again = json!({"subject": "hr/7", "context": "Bob earns 8", "attempt": 2});
    told(&hand_over(&writer, "reviewer", "draft-2", again).await, "recorded", None);
    let handed = &work(&reviewer, "handoff").await[0];
    assert_eq!(handed["kind"]["order"]["earlier"][0]["context"], "Bob earns 7", "{handed}");
    assert_eq!(handed["kind"]["order"]["earlier"][0]["constraints"], json!(["never say so"]));
    told(&reviewer.post(&format!("/v1/work/{}/accept", handed["no"]), json!({})).await, "recorded", None);
    let open = json!({"subject": "crm/deal/9", "context": "a letter to Bob", "attempt": 2});
    told(&hand_over(&reviewer, "sales", "draft-2", open).await, "recorded", None);
    let (works, tasks) = (sales.get("/v1/work").await, sales.get("/v1/handoffs").await);
    assert!(tasks.text.contains("draft-2"), "{}", tasks.text);
    for told in [works.text.clone(), tasks.text.clone(), streamed(&server, &sales).await] {
        for secret in ["earns", "never say so", "is 7 right"] {
            assert!(!told.contains(secret), "{told}");
        }
    }
    let handed = &work(&sales, "handoff").await[0];
    told(&sales.post(&format!("/v1/work/{}/accept", handed["no"]), json!({})).await, "recorded", None);
    let on = json!({"subject": "crm/deal/9", "context": "signed", "attempt": 2});
    told(&hand_over(&sales, "support", "draft-2", on).await, "recorded", None);
    let order = &work(&support, "handoff").await[0]["kind"]["order"];
    let contexts: Vec<&str> =
        order["earlier"].as_array().unwrap().iter().map(|hand| hand["context"].as_str().unwrap()).collect();
    assert_eq!(contexts, ["Bob earns 7", "Bob earns 8", "a letter to Bob"]);
    server.stop().await;
}

#[tokio::test]
async fn the_next_in_a_sequence_gets_the_result_of_the_one_before() {
    let route = "\n[[event]]\nname = \"refund.asked\"\n[[route]]\nevent = \"refund.asked\"\nagent = \"billing\"\nthen = [\"payments\"]\n";
    let server = Server::start_on(&format!("{TEAM}{route}")).await;
    let (billing, payments) = (server.agent("billing").await, server.agent("payments").await);
    told(&billing.post("/v1/events", json!({"event": "refund.asked"})).await, "recorded", None);
    let taken = super::take(&billing).await;
    let done = json!({"result": {"invoice": 117, "open": 0}, "note": "paid twice"});
    let came = billing.post(&format!("/v1/work/{}/complete", taken["no"]), done).await;
    told(&came, "recorded", None);
    let next = super::take(&payments).await;
    let before = json!({"by": "billing", "result": {"invoice": 117, "open": 0}, "note": "paid twice"});
    assert_eq!(next["kind"]["before"], before, "{next}");
    server.stop().await;
}

#[tokio::test]
async fn a_task_out_of_attempts_ends_without_a_person_where_its_giver_says_so() {
    let server = team().await;
    let (writer, reviewer) = (server.agent("writer").await, server.agent("reviewer").await);
    let twice = json!({"max_attempts": 2, "on_exhausted": "abort"});
    told(&hand_over(&writer, "reviewer", "draft-3", twice).await, "recorded", None);
    told(&give_back(&reviewer, "no greeting").await, "recorded", None);
    let again = json!({"attempt": 2, "max_attempts": 2});
    told(&hand_over(&writer, "reviewer", "draft-3", again).await, "recorded", None);
    let last = give_back(&reviewer, "no date").await;
    told(&last, "failed", Some("out-of-attempts"));
    assert_eq!(last["item"], Json::Null, "{}", last.text);
    assert!(last["next"].as_str().unwrap().starts_with("it has ended as failed"), "{}", last.text);
    assert_eq!(server.dana.get("/v1/inbox").await["items"], json!([]));
    for agent in [&writer, &reviewer] {
        let notice = &work(agent, "notice").await[0]["title"];
        assert_eq!(notice, "draft-3 ended as failed after attempt 2 of 2; no person is asked");
    }
    let history = &work(&writer, "notice").await[0]["kind"]["history"];
    let said = |at: usize| (history[at]["attempt"].as_i64(), history[at]["text"].as_str());
    assert_eq!((said(0), said(1)), ((Some(1), Some("no greeting")), (Some(2), Some("no date"))), "{history}");
    assert_eq!(work(&reviewer, "notice").await[0]["kind"]["history"], Json::Null);
    let tasks = server.dana.get("/v1/handoffs").await;
    assert_eq!(tasks["ended"][0]["stage"]["stage"], "aborted", "{}", tasks.text);
    told(&hand_over(&writer, "reviewer", "draft-3", json!({})).await, "refused", Some("wrong-state"));
    server.stop().await;
}

#[tokio::test]
async fn the_map_says_what_becomes_of_tasks_that_are_out_of_attempts() {
    let server = Server::start_on(&format!("on_exhausted = \"abort\"\n{TEAM}")).await;
    let (writer, reviewer) = (server.agent("writer").await, server.agent("reviewer").await);
    told(&hand_over(&writer, "reviewer", "draft-4", json!({"max_attempts": 1})).await, "recorded", None);
    told(&give_back(&reviewer, "no greeting").await, "failed", Some("out-of-attempts"));
    let beyond = json!({"attempt": 4, "max_attempts": 3});
    told(&hand_over(&writer, "reviewer", "draft-5", beyond).await, "failed", Some("out-of-attempts"));
    let asks = json!({"max_attempts": 1, "on_exhausted": "escalate"});
    told(&hand_over(&writer, "reviewer", "draft-6", asks).await, "recorded", None);
    told(&give_back(&reviewer, "no greeting").await, "escalated", Some("out-of-attempts"));
    assert_eq!(server.dana.get("/v1/inbox").await["items"].as_array().map(Vec::len), Some(1));
    server.stop().await;
}

/// What an agent gave up another one gets, and who comes next comes after it.
#[tokio::test]
async fn a_given_up_event_is_given_to_another_agent() {
    let route = "\n[[event]]\nname = \"refund.asked\"\n[[route]]\nevent = \"refund.asked\"\nagent = \"billing\"\nthen = [\"payments\"]\n";
    let server = Server::start_on(&format!("{TEAM}{route}")).await;
    let (billing, ops) = (server.agent("billing").await, server.agent("ops").await);
    let payments = server.agent("payments").await;
    told(&billing.post("/v1/events", json!({"event": "refund.asked"})).await, "recorded", None);
    for _ in 0..3 {
        let taken = super::take(&billing).await;
        let failed = json!({"note": "the bank is closed"});
        billing.post(&format!("/v1/work/{}/fail", taken["no"]), failed).await;
    }
    let item = server.dana.get("/v1/inbox").await["items"][0]["no"].clone();
    let give = json!({"kind": "handle", "note": "ops can reach them", "to": "ops"});
    let preview = server.dana.post(&format!("/v1/inbox/{item}/preview"), give.clone()).await;
    assert!(preview.text.contains("this refund.asked goes to ops, and on from there"), "{}", preview.text);
    told(&answer(&server.dana, &item, give).await, "recorded", None);
    assert!(work(&payments, "dispatch").await.is_empty(), "it is not done yet");
    let taken = super::take(&ops).await;
    assert_eq!(taken["kind"]["event"], "refund.asked", "{taken}");
    told(
        &ops.post(&format!("/v1/work/{}/complete", taken["no"]), json!({"result": "paid"})).await,
        "recorded",
        None,
    );
    assert_eq!(super::take(&payments).await["kind"]["before"]["by"], "ops");
    server.stop().await;
}
