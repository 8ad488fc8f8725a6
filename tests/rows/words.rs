//! What the map can say: what raises an event, what a condition compares, who yields to whom.

use deeds::domain::things::TokenClass;
use serde_json::{Value as Json, json};

use super::support::{Caller, Came, Server, came};
use super::{TEAM, answer, take, told, work};

/// The team with more in its map.
fn with(more: &str) -> String {
    format!("{TEAM}\n{more}")
}

async fn write(who: &Caller, entity: &str, op: &str, changes: Json, expected: Json) -> Came {
    let body = json!({"entity": entity, "op": op, "changes": changes, "expected": expected});
    who.post("/v1/writes", body).await
}

/// An entity that is made, changed and deleted wakes whoever waits for it, once for each write.
#[tokio::test]
async fn what_happens_to_an_entity_wakes_whoever_waits_for_it() {
    let map = with(
        "[[event]]\nname = \"deal.made\"\non = \"crm/deal/* created\"\n\
         [[event]]\nname = \"deal.changed\"\non = \"crm/deal/* changed\"\n\
         [[event]]\nname = \"deal.gone\"\non = \"crm/deal/* deleted\"\n\
         [[route]]\nevent = \"deal.*\"\nagent = \"growth\"\n",
    );
    let server = Server::start_on(&map).await;
    let (sales, growth) = (server.agent("sales").await, server.agent("growth").await);
    let set = |stage: &str, value: u64| json!({"stage": stage, "value": value});
    told(&write(&sales, "crm/deal/7", "create", set("open", 5), json!(0)).await, "committed", None);
    told(&write(&sales, "crm/deal/7", "update", set("won", 9), json!(1)).await, "committed", None);
    told(&write(&sales, "crm/deal/7", "update", set("won", 9), json!(2)).await, "committed", None);
    let heard = work(&growth, "dispatch").await;
    let names: Vec<&str> = heard.iter().map(|work| work["kind"]["event"].as_str().unwrap()).collect();
    assert_eq!(names, ["deal.made", "deal.changed"], "what stays as it was is no change");
    let about = json!({"path": "crm/deal/7", "fields": ["stage", "value"], "action": "write", "by": "sales"});
    assert_eq!(heard[1]["kind"]["attributes"], about);
    // What it had at hand was changed: that is told too.
    for _ in 0..3 {
        let no = take(&growth).await["no"].clone();
        told(&growth.post(&format!("/v1/work/{no}/complete"), json!({"attempt": 1})).await, "recorded", None);
    }
    told(&write(&sales, "crm/deal/7", "delete", json!({}), json!(3)).await, "committed", None);
    let gone = take(&growth).await["kind"].clone();
    assert_eq!((&gone["event"], &gone["attributes"]["action"]), (&json!("deal.gone"), &json!("delete")));
    server.stop().await;
}

/// `RE: INVOICE 12` is an invoice, unless the map says that case matters.
#[tokio::test]
async fn an_invoice_is_one_in_capitals_too() {
    let route = "[[route]]\nevent = \"letter\"\nwhen = { subject = \"*invoice*\" }\nagent = \"billing\"\n";
    let rest = "[[event]]\nname = \"letter\"\n[[route]]\nevent = \"letter\"\nagent = \"growth\"\n";
    for (case, agent) in [("", "billing"), ("case = true\n", "growth")] {
        let server = Server::start_on(&with(&format!("{route}{case}{rest}"))).await;
        let letter = json!({"event": "letter", "attributes": {"subject": "RE: INVOICE 12"}});
        let raised = server.dana.post("/v1/events", letter).await;
        told(&raised, "recorded", None);
        assert_eq!(raised["owners"], json!([agent]), "{}", raised.text);
        let shown = server.dana.get("/v1/map").await;
        assert_eq!(shown.text.contains("case"), !case.is_empty(), "{}", shown.text);
        server.stop().await;
    }
}

/// An agent yields while any ticket of its customer is open, and is told when the last of them is closed.
#[tokio::test]
async fn an_agent_yields_while_any_ticket_of_the_customer_is_open() {
    let map = with(
        "[[defer]]\nagent = \"sales\"\nto = \"support\"\nactions = [\"offer\"]\n\
         while = [\"support/ticket/{t}#customer = '{id}'\", \"support/ticket/{t}#status = 'open'\"]\n\
         [[defer]]\nagent = \"sales\"\nto = \"support\"\nactions = [\"bill\"]\nwhile = \"escalated\"\n",
    );
    let server = Server::start_on(&map).await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    let offer = |thread: &str, wait: bool| json!({"target": "mail/sales", "action": "offer", "subject": "crm/account/acme", "thread": thread, "wait": wait});
    let ticket = |no: u8| format!("support/ticket/{no}");
    for no in [1, 2] {
        let open = json!({"customer": "acme", "status": "open"});
        told(&write(&support, &ticket(no), "create", open, json!(0)).await, "committed", None);
    }
    let waits = sales.post("/v1/acts", offer("t-1", true)).await;
    told(&waits, "deferred", Some("deferred"));
    let message = waits["message"].as_str().unwrap();
    assert!(
        message.contains("while support/ticket/1#customer = 'acme' and support/ticket/1#status = 'open'"),
        "{message}"
    );
    for no in [1, 2] {
        assert!(work(&sales, "free").await.is_empty());
        let closed = write(&support, &ticket(no), "update", json!({"status": "closed"}), json!(1)).await;
        told(&closed, "committed", None);
    }
    assert_eq!(work(&sales, "free").await.len(), 1);
    told(&sales.post("/v1/acts", offer("t-1", false)).await, "allowed", None);

    let asked =
        json!({"input": "is acme to be billed", "why": "two contracts", "subject": "crm/account/acme"});
    told(&support.post("/v1/escalations", asked).await, "escalated", None);
    let bill =
        json!({"target": "mail/sales", "action": "bill", "subject": "crm/account/acme", "thread": "t-1"});
    told(&sales.post("/v1/acts", bill.clone()).await, "deferred", Some("deferred"));
    let server = server.restart().await;
    let sales = server.agent("sales").await;
    told(&sales.post("/v1/acts", bill.clone()).await, "deferred", Some("deferred"));
    let item = server.dana.get("/v1/inbox").await["items"][0]["no"].clone();
    told(&answer(&server.dana, &item, json!({"kind": "handle", "note": "yes"})).await, "recorded", None);
    told(&sales.post("/v1/acts", bill).await, "allowed", None);
    server.stop().await;
}

/// Of each resource it is told who has no access to it.
#[tokio::test]
async fn who_has_no_access_is_named() {
    let team = TEAM.replacen("id = \"growth\"", "id = \"growth\"\nhidden = [\"invoices/*#total\"]", 1);
    let server = Server::start_on(&team).await;
    let owned = server.dana.get("/v1/who-owns?path=invoices/7%23total").await;
    assert_eq!(
        (&owned["owners"], &owned["no_access"]),
        (&json!(["billing"]), &json!(["growth"])),
        "{}",
        owned.text
    );
    let open = server.dana.get("/v1/who-owns?path=invoices/7%23paid").await;
    assert_eq!(open["no_access"], Json::Null, "{}", open.text);
    server.stop().await;
}

/// An agent yields to a person who was there, and several agents move one status forward.
#[tokio::test]
async fn a_person_goes_first_and_a_status_moves_forward_by_several_hands() {
    let team =
        TEAM.replacen("writes = [\"campaigns/*\"]", "writes = [\"campaigns/*\", \"crm/deal/*#stage\"]", 1);
    let more = "[[field]]\npath = \"crm/deal/*#stage\"\nkind = \"progression\"\norder = [\"new\", \"open\", \"won\"]\n\
         [[defer]]\nagent = \"growth\"\nto = \"dana\"\nwithin = \"1h\"\n";
    let server = Server::start_on(&format!("{team}\n{more}")).await;
    let (sales, growth) = (server.agent("sales").await, server.agent("growth").await);
    let stage = |to: &str| json!({"stage": to});
    told(&write(&sales, "crm/deal/7", "update", stage("new"), json!({"stage": 0})).await, "committed", None);
    told(
        &write(&growth, "crm/deal/7", "update", stage("open"), json!({"stage": 1})).await,
        "committed",
        None,
    );
    let back = write(&sales, "crm/deal/7", "update", stage("new"), json!({"stage": 2})).await;
    told(&back, "refused", Some("backward"));
    let set = json!({"step": "set", "path": "crm/deal/7#value", "value": 9, "expected": 0, "reason": "they said so"});
    told(&server.dana.post("/v1/overrides", set).await, "committed", None);
    let late = write(&growth, "crm/deal/7", "update", stage("won"), json!({"stage": 2})).await;
    told(&late, "deferred", Some("deferred"));
    assert!(late["message"].as_str().unwrap().contains("dana goes first on crm/deal/7"), "{}", late.text);
    server.stop().await;
}

/// A zone goes from agent to agent by agreement: offered by its owner, confirmed by the person accountable, and by nobody
/// else; what the preview says is what happens.
#[tokio::test]
async fn a_zone_goes_over_when_the_person_accountable_confirms() {
    let server = Server::start_on(TEAM).await;
    let (sales, growth) = (server.agent("sales").await, server.agent("growth").await);
    let offer = json!({"pattern": "crm/deal/*#stage", "to": "growth", "reason": "growth closes them"});
    told(&growth.post("/v1/zone-offers", offer.clone()).await, "refused", Some("overlap"));
    let theirs = json!({"pattern": "drafts/*", "to": "growth", "reason": "growth closes them"});
    told(&sales.post("/v1/zone-offers", theirs).await, "refused", Some("not-yours"));
    let offered = sales.post("/v1/zone-offers", offer).await;
    told(&offered, "escalated", None);
    let item = offered["item"].clone();
    let shown = server.dana.get(&format!("/v1/inbox/{item}")).await;
    assert_eq!(shown["confirms"], "sam", "{}", shown.text);
    let yes = json!({"kind": "approve"});
    let preview = server.dana.post(&format!("/v1/inbox/{item}/preview"), yes.clone()).await;
    let then = "growth owns crm/deal/*#stage; sales no longer writes it and proposes instead; both are told";
    assert_eq!(preview["then"][0], then, "{}", preview.text);
    let changes = preview["changes"].clone();
    told(&answer(&server.dana, &item, yes).await, "recorded", None);
    let map = server.dana.get("/v1/map").await;
    assert_eq!(map["version"], 2, "{}", map.text);
    assert_eq!(changes, json!(["+ sales.except crm/deal/*#stage", "+ growth.writes crm/deal/*#stage"]));
    assert_eq!(work(&growth, "decision").await.len(), 1);
    let stage = json!({"stage": "won"});
    told(
        &write(&growth, "crm/deal/7", "update", stage.clone(), json!({"stage": 0})).await,
        "committed",
        None,
    );
    told(
        &write(&sales, "crm/deal/7", "update", stage, json!({"stage": 1})).await,
        "proposed",
        Some("not-owner"),
    );
    server.stop().await;
}

/// Who confirms is who is accountable now; what changed since the offer is looked at again; and a yes is taken back while
/// nothing was built on it.
#[tokio::test]
async fn an_offered_zone_is_looked_at_again_before_it_goes_over() {
    let governed = TEAM
        .replace("governance_owner = \"dana\"", "governance_owner = \"eve\"")
        .replace("id = \"growth\"", "id = \"growth\"\nhidden = [\"crm/deal/*#margin\"]");
    let server = Server::start_on(&governed).await;
    let (sales, growth) = (server.agent("sales").await, server.agent("growth").await);
    let sam = server.with_token(TokenClass::Reviewer, "sam").await;
    let offer = |field: &str| json!({"pattern": format!("crm/deal/*#{field}"), "to": "growth", "reason": "growth closes them"});
    let (yes, no) = (json!({"kind": "approve"}), json!({"kind": "reject", "note": "they know the customer"}));
    let put = async |version: u64, text: String| {
        let tag = format!("\"{version}\"");
        came(server.dana.request("PUT", "/v1/map?reason=x").header("if-match", tag).body(text)).await
    };

    // Growth could do nothing with what is hidden from it.
    let useless = sales.post("/v1/zone-offers", offer("margin")).await;
    told(&useless, "refused", Some("overlap"));
    assert!(useless["message"].as_str().unwrap().contains("hidden from the agent"), "{}", useless.text);

    // The owner of the queue is not who answers for sales.
    let first = sales.post("/v1/zone-offers", offer("stage")).await["item"].clone();
    assert_eq!(sales.post("/v1/zone-offers", offer("stage")).await["item"], first, "the same offer joins it");
    told(&answer(&server.dana, &first, yes.clone()).await, "refused", Some("not-named"));
    told(&answer(&sam, &first, json!({"kind": "handle", "note": "x"})).await, "refused", Some("wrong-state"));
    told(&answer(&sam, &first, no).await, "recorded", None);
    let heard = work(&sales, "decision").await;
    assert_eq!(heard[0]["kind"]["note"], "they know the customer");
    assert_eq!(server.dana.get("/v1/map").await["version"], 1, "the zone stays");

    // By the time it is confirmed another agent has it: support, which the map says from v2 on.
    let second = sales.post("/v1/zone-offers", offer("stage")).await["item"].clone();
    let moved = governed
        .replace("writes = [\"crm/deal/*\"]", "writes = [\"crm/deal/*\"]\nexcept = [\"crm/deal/*#stage\"]")
        .replace("\"support/ticket/*\"]", "\"support/ticket/*\", \"crm/deal/*#stage\"]");
    told(&put(1, moved.clone()).await, "recorded", None);
    told(&answer(&sam, &second, yes.clone()).await, "refused", Some("not-yours"));
    let collides = sales.post("/v1/zone-offers", offer("stage")).await;
    told(&collides, "refused", Some("not-yours"));

    // Sales gets another person: that one confirms, and the former no longer does.
    let third = sales.post("/v1/zone-offers", offer("value")).await["item"].clone();
    let handed = moved
        .replace("role = \"Grows accounts\"\nowner = \"sam\"", "role = \"Grows accounts\"\nowner = \"dana\"");
    told(&put(2, handed).await, "recorded", None);
    told(&answer(&sam, &third, yes.clone()).await, "refused", Some("not-named"));
    let preview = server.dana.post(&format!("/v1/inbox/{third}/preview"), yes.clone()).await;
    assert_eq!(preview["changes"][0], "+ sales.except crm/deal/*#value", "{}", preview.text);
    told(&answer(&server.dana, &third, yes).await, "recorded", None);
    assert_eq!(work(&growth, "decision").await.len(), 1);

    // The answer is taken back, and the offer waits again.
    told(&server.dana.post(&format!("/v1/inbox/{third}/undo"), json!({})).await, "recorded", None);
    let map = server.dana.get("/v1/map").await;
    assert_eq!(map["version"], 5, "{}", map.text);
    assert_eq!(work(&growth, "decision").await, [] as [Json; 0], "what was not fetched is taken back");
    let value = json!({"value": 7});
    told(&write(&sales, "crm/deal/7", "update", value, json!({"value": 0})).await, "committed", None);
    let waits: Vec<Json> = server.dana.get("/v1/inbox").await["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["no"].clone())
        .collect();
    assert!(waits.contains(&third), "{waits:?}");
    server.stop().await;
}

/// What the other's `except` takes out again would be nobody's: such an offer is refused, and a smaller one is not.
#[tokio::test]
async fn no_part_of_an_offered_zone_ends_up_nobodys() {
    let team = TEAM
        .replace("writes = [\"campaigns/*\"]", "writes = [\"campaigns/*\"]\nexcept = [\"crm/deal/vip-*\"]");
    let server = Server::start_on(&team).await;
    let sales = server.agent("sales").await;
    let offer = |pattern: &str| json!({"pattern": pattern, "to": "growth", "reason": "growth closes them"});
    let all = sales.post("/v1/zone-offers", offer("crm/deal/*#stage")).await;
    told(&all, "refused", Some("overlap"));
    assert!(all["message"].as_str().unwrap().contains("nobody would have it"), "{}", all.text);
    told(&sales.post("/v1/zone-offers", offer("crm/deal/acme#stage")).await, "escalated", None);
    server.stop().await;
}
