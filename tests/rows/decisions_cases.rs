//! A decision is about one case, can be made by somebody, and what was asked once is not asked twice.

use deeds::domain::things::TokenClass;
use serde_json::{Value as Json, json};

use super::{Caller, Came, answer, team, told, work};

async fn escalate(agent: &Caller, input: Json, subject: &str) -> Came {
    let body = json!({"input": input, "subject": subject, "why": "outside the policy"});
    agent.post("/v1/escalations", body).await
}

async fn shown(person: &Caller, no: &Json) -> Came {
    person.get(&format!("/v1/inbox/{no}")).await
}

#[tokio::test]
async fn two_customers_with_one_declared_reason_are_two_cases() {
    let server = team().await;
    let support = server.agent("support").await;
    let hotel = escalate(&support, json!("we want a hotel"), "crm/account/a").await;
    let bereaved = json!({"booking": "B7", "text": "my wife died, please move the flight"});
    let moved = escalate(&support, bereaved.clone(), "crm/account/b").await;
    for one in [&hotel, &moved] {
        told(one, "escalated", None);
    }
    let view = shown(&server.dana, &moved["item"]).await;
    assert_eq!(view["alike"], json!([]), "{}", view.text);
    assert_eq!(view["item"]["title"], "my wife died, please move the flight · booking=B7");

    let handle = json!({"kind": "handle", "note": "sent them elsewhere"});
    let preview = server.dana.post(&format!("/v1/inbox/{}/preview", hotel["item"]), handle.clone()).await;
    assert_eq!(preview["settles"], json!([]), "{}", preview.text);
    let hers = shown(&server.dana, &hotel["item"]).await;
    let with = json!({"answer": handle, "version": hers["item"]["version"], "digest": hers["digest"],
        "include": [moved["item"]]});
    let both = server.dana.post(&format!("/v1/inbox/{}/answer", hotel["item"]), with).await;
    told(&both, "refused", Some("wrong-state"));

    let rule = json!({"kind": "out-of-scope", "reason": "we sell no hotels", "rule": true});
    let preview = server.dana.post(&format!("/v1/inbox/{}/preview", hotel["item"]), rule.clone()).await;
    assert_eq!(preview["closes"][0]["item"], hotel["item"], "{}", preview.text);
    assert_eq!(preview["closes"].as_array().unwrap().len(), 1);
    told(&answer(&server.dana, &hotel["item"], rule).await, "recorded", None);
    let again = escalate(&support, json!("We want a  hotel"), "crm/account/a").await;
    told(&again, "refused", Some("out-of-scope"));
    told(&escalate(&support, bereaved, "crm/account/c").await, "escalated", None);
    server.stop().await;
}

#[tokio::test]
async fn the_same_escalation_twice_is_one_item_that_both_callers_learn_of() {
    let server = team().await;
    let support = server.agent("support").await;
    let first = escalate(&support, json!("a go for build 1"), "deploy/1").await;
    let second = escalate(&support, json!("a go for build 1"), "deploy/1").await;
    for one in [&first, &second] {
        told(one, "escalated", None);
    }
    assert_eq!(first["item"], second["item"]);
    let other = escalate(&support, json!("a go for build 2"), "deploy/1").await;
    let list = server.dana.get("/v1/inbox").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 2, "{}", list.text);
    let view = shown(&server.dana, &first["item"]).await;
    assert_eq!(view["item"]["joined"], 1);
    assert_eq!(view["item"]["again"].as_array().unwrap().len(), 1, "{}", view.text);
    assert_eq!(view["about"][0]["no"], other["item"], "items on one subject point to each other");
    server.stop().await;
}

#[tokio::test]
async fn expanding_an_escalation_gives_the_input_back_as_work_with_what_may_be_done_now() {
    let server = team().await;
    let support = server.agent("support").await;
    let growth = server.agent("growth").await;
    let asked = escalate(&support, json!({"refund": 30}), "shop/order/7").await;
    let grant = |agent: &str| json!({"kind": "expand", "agent": agent, "grant": {"what": "write", "value": "shop/order/*#refund"}});
    told(&answer(&server.dana, &asked["item"], grant("support")).await, "recorded", None);
    let decision = &work(&support, "decision").await[0];
    let granted = json!({"agent": "support", "grant": {"what": "write", "value": "shop/order/*#refund"}});
    assert_eq!(
        (&decision["kind"]["granted"], &decision["kind"]["input"]),
        (&granted, &json!({"refund": 30}))
    );
    assert_eq!(decision["subject"], "shop/order/7");
    let write = json!({"entity": "shop/order/7", "changes": {"refund": 30}, "expected": {"refund": 0}});
    told(&support.post("/v1/writes", write).await, "committed", None);

    // The next of the kind needs no further grant, and is given back all the same.
    let next = escalate(&support, json!({"refund": 9}), "shop/order/8").await;
    told(&answer(&server.dana, &next["item"], grant("support")).await, "recorded", None);
    assert_eq!(work(&support, "decision").await[1]["kind"]["input"], json!({"refund": 9}));

    // Where another gets the grant, its raiser learns to whom it may hand it.
    let other = escalate(&support, json!("a banner for them"), "campaigns/7").await;
    let banner = json!({"kind": "expand", "agent": "growth", "grant": {"what": "output", "value": "banner"}});
    told(&answer(&server.dana, &other["item"], banner).await, "recorded", None);
    assert!(work(&growth, "decision").await.is_empty());
    let raiser = &work(&support, "decision").await[2]["kind"];
    assert_eq!(
        (&raiser["granted"]["agent"], &raiser["input"]),
        (&json!("growth"), &json!("a banner for them"))
    );
    server.stop().await;
}

#[tokio::test]
async fn an_agent_reads_its_own_items_and_no_others() {
    let server = team().await;
    let support = server.agent("support").await;
    let sales = server.agent("sales").await;
    let asked = escalate(&support, json!("what now?"), "crm/account/a").await;
    let other = escalate(&sales, json!("and now?"), "crm/account/a").await;
    let list = support.get("/v1/inbox").await;
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "{}", list.text);
    let own = shown(&support, &asked["item"]).await;
    assert_eq!((&own["item"]["title"], &own["about"]), (&json!("what now?"), &Json::Null), "{}", own.text);
    let foreign = shown(&support, &other["item"]).await;
    let nothing = shown(&support, &json!(99)).await;
    assert_eq!((foreign.status, nothing.status), (404, 404));
    let handle = json!({"kind": "handle", "note": "wait for me"});
    told(&answer(&server.dana, &asked["item"], handle).await, "recorded", None);
    let own = shown(&support, &asked["item"]).await;
    assert_eq!(own["closed"]["answer"]["note"], "wait for me", "{}", own.text);
    server.stop().await;
}

#[tokio::test]
async fn the_only_reviewer_answers_what_they_raised() {
    let alone = super::TEAM.replace("deputies = [\"sam\"]\n", "");
    let server = super::Server::start_on(&alone).await;
    let raised = server.dana.post("/v1/events", json!({"event": "new.lead"})).await;
    told(&raised, "escalated", Some("unowned"));
    let handle = json!({"kind": "handle", "note": "mine"});
    told(&answer(&server.dana, &raised["item"], handle.clone()).await, "recorded", None);
    server.stop().await;

    let server = team().await;
    server.with_token(TokenClass::Reviewer, "sam").await;
    let raised = server.dana.post("/v1/events", json!({"event": "new.lead"})).await;
    told(&answer(&server.dana, &raised["item"], handle).await, "refused", Some("own-case"));
    server.stop().await;
}
