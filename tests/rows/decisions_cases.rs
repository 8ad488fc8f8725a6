//! A decision is about one case, can be made by somebody, and what was asked once is not asked twice.

use serde_json::{Value as Json, json};

use super::{Caller, Came, answer, team, told};

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
