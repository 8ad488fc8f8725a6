//! A decision can always be made by somebody, and is never empty: claims, absences, who stands in, whose case comes first,
//! what a review counts, and a map in a file beside answers that changed it.

use deeds::coordinator::Clock;
use deeds::domain::things::TokenClass;
use serde_json::{Value as Json, json};

use super::support::came;
use super::{Caller, Came, Server, TEAM, answer, team, told, work};

/// An escalation of support's, by its number.
async fn case(agent: &Caller, input: &str) -> Json {
    let asked = json!({"input": input, "why": "no rule says it"});
    let came = agent.post("/v1/escalations", asked).await;
    told(&came, "escalated", None);
    came["item"].clone()
}

fn handled() -> Json {
    json!({"kind": "handle", "note": "seen to"})
}

async fn reviewer(server: &Server, name: &str) -> Caller {
    server.with_token(TokenClass::Reviewer, name).await
}

/// The team with other reviewers for its queue, and somebody else for its map.
fn reviewed_by(owner: &str, deputy: &str, governs: &str) -> String {
    let text = TEAM.replace(
        "owner = \"dana\"\ndeputies = [\"sam\"]",
        &format!("owner = \"{owner}\"\ndeputies = [\"{deputy}\"]"),
    );
    let head = text.replace("governance_owner = \"dana\"", &format!("governance_owner = \"{governs}\""));
    assert_ne!(head, TEAM, "the team's map reads otherwise");
    head
}

#[tokio::test]
async fn what_is_claimed_by_somebody_who_left_the_map_can_be_answered() {
    let server = team().await;
    let (support, sam) = (server.agent("support").await, reviewer(&server, "sam").await);
    let no = case(&support, "a").await;
    told(
        &server.dana.post(&format!("/v1/inbox/{no}/reassign"), json!({"to": "sam"})).await,
        "recorded",
        None,
    );
    let claimed = sam.post(&format!("/v1/inbox/{no}/claim"), json!({})).await;
    told(&claimed, "recorded", None);
    assert!(claimed["until"].is_string(), "it says until when: {}", claimed.text);
    told(&answer(&server.dana, &no, handled()).await, "refused", Some("claimed"));

    let without = TEAM.replace("deputies = [\"sam\"]", "deputies = [\"eve\"]");
    let request = server.dana.request("PUT", "/v1/map?reason=sam+left").header("if-match", "\"1\"");
    told(&came(request.body(without)).await, "recorded", None);
    let shown = server.dana.get(&format!("/v1/inbox/{no}")).await;
    assert!(shown["item"]["claimed_by"].is_null(), "{}", shown.text);
    told(&answer(&sam, &no, handled()).await, "refused", Some("not-named"));
    told(&answer(&server.dana, &no, handled()).await, "recorded", None);
    server.stop().await;
}

#[tokio::test]
async fn an_item_is_taken_over_with_a_reason() {
    let server = Server::start_on(&reviewed_by("sam", "eve", "dana")).await;
    let (support, sam) = (server.agent("support").await, reviewer(&server, "sam").await);
    let eve = reviewer(&server, "eve").await;
    let no = case(&support, "a").await;
    told(&sam.post(&format!("/v1/inbox/{no}/claim"), json!({})).await, "recorded", None);
    let over = format!("/v1/inbox/{no}/take-over");
    told(&eve.post(&over, json!({"reason": "early"})).await, "refused", Some("not-named"));
    told(&server.dana.post(&over, json!({"reason": ""})).await, "refused", Some("wrong-state"));
    assert_eq!(server.dana.post(&over, json!({})).await.status, 400, "a reason is needed");
    let taken = server.dana.post(&over, json!({"reason": "they are on the phone"})).await;
    told(&taken, "recorded", None);
    let deed = server.dana.get(&format!("/v1/ledger/{}", taken["deed"])).await;
    assert!(deed.text.contains("stands_in") && deed.text.contains("on the phone"), "{}", deed.text);
    told(&answer(&sam, &no, handled()).await, "refused", Some("claimed"));
    told(&answer(&server.dana, &no, handled()).await, "recorded", None);
    assert_eq!(work(&support, "decision").await.len(), 1);
    server.stop().await;
}

#[tokio::test]
async fn deputies_answer_at_once_while_the_owner_is_away() {
    let server = team().await;
    let (support, sam) = (server.agent("support").await, reviewer(&server, "sam").await);
    let no = case(&support, "a").await;
    told(&answer(&sam, &no, handled()).await, "refused", Some("not-named"));
    let away = server.dana.post("/v1/away", json!({"until": "2d", "note": "on a train"})).await;
    told(&away, "recorded", None);
    let reviews = sam.get("/v1/reviews").await;
    assert_eq!(reviews["reviews"][0]["away"]["dana"]["until"], away["until"], "{}", reviews.text);
    told(&answer(&sam, &no, handled()).await, "recorded", None);

    let wrong = server.dana.post("/v1/away", json!({"until": "soon"})).await;
    assert_eq!((wrong.status, wrong["place"].as_str()), (400, Some("until")), "{}", wrong.text);
    told(&server.dana.post("/v1/away", json!({"until": "2020-01-01"})).await, "refused", Some("wrong-state"));
    told(&support.post("/v1/away", json!({})).await, "refused", Some("not-allowed"));
    told(&sam.post("/v1/back", json!({"person": "dana"})).await, "refused", Some("not-accountable"));
    told(&server.dana.post("/v1/back", json!({})).await, "recorded", None);
    told(&server.dana.post("/v1/back", json!({})).await, "refused", Some("wrong-state"));
    let next = case(&support, "b").await;
    told(&answer(&sam, &next, handled()).await, "refused", Some("not-named"));
    server.stop().await;
}

#[tokio::test]
async fn admins_answer_what_nobody_else_can() {
    let server = Server::start_on(&reviewed_by("sam", "eve", "eve")).await;
    let support = server.agent("support").await;
    let (sam, eve) = (reviewer(&server, "sam").await, reviewer(&server, "eve").await);
    let no = case(&support, "a").await;
    told(&answer(&server.dana, &no, handled()).await, "refused", Some("not-named"));
    for person in [&sam, &eve] {
        told(&person.post("/v1/away", json!({})).await, "recorded", None);
    }
    let answered = answer(&server.dana, &no, handled()).await;
    told(&answered, "recorded", None);
    let message = answered["message"].as_str().unwrap();
    assert!(message.contains("nobody named on inbox can: sam is away, eve is away"), "{message}");
    server.stop().await;
}

/// A time of day soon to come: the next full minute, or the one after where that is too near to have a server up by then.
fn soon() -> String {
    let now = Clock::System.now().micros() / 1_000_000;
    let at = (now + 15) / 60 + 1;
    format!("{:02}:{:02}", at / 60 % 24, at % 60)
}

#[tokio::test]
async fn a_review_counts_what_was_answered() {
    let at = soon();
    let map = TEAM
        .replace("timezone = \"Europe/Madrid\"", "timezone = \"UTC\"")
        .replace("review = \"daily 09:00\"", &format!("review = \"daily {at}\""));
    let server = Server::start_on(&map).await;
    let support = server.agent("support").await;
    let (one, two) = (case(&support, "a").await, case(&support, "b").await);
    let reviews = async || server.dana.get("/v1/reviews").await["reviews"][0].clone();
    for _ in 0..200 {
        if reviews().await["round"].is_object() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    }
    let begun = reviews().await;
    assert_eq!(begun["round"]["waiting"], json!([one, two]), "{begun}");
    told(&server.dana.post("/v1/reviews/inbox/start", json!({})).await, "recorded", None);
    told(&answer(&server.dana, &one, handled()).await, "recorded", None);
    let ended = server.dana.post("/v1/reviews/inbox/end", json!({})).await;
    told(&ended, "recorded", None);
    assert!(ended["message"].as_str().unwrap().contains("1 left (#2)"), "{}", ended.text);
    let after = reviews().await;
    assert_eq!(
        (&after["held"], &after["round"]["waiting"]),
        (&json!(0), &json!([two])),
        "one answer is not all: {after}"
    );
    let left = server
        .dana
        .post(&format!("/v1/inbox/{two}/leave"), json!({"reason": "legal answers on Friday"}))
        .await;
    told(&left, "recorded", None);
    let held = reviews().await;
    assert_eq!((&held["held"], &held["last_held"]), (&json!(1), &json!(true)), "{held}");
    assert!(held["round"].is_null());
    server.stop().await;
}

/// The numbers of the open items, in the order in which this person is shown them.
async fn listed(person: &Caller) -> Vec<u64> {
    let came = person.get("/v1/inbox").await;
    came["items"].as_array().unwrap().iter().map(|item| item["no"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn priority_says_whose_case_comes_first() {
    let people = "\n[[person]]\nid = \"dana\"\npriority = [\"second\", \"inbox\"]\n\
        [[queue]]\nname = \"second\"\nowner = \"dana\"\nreview = \"daily 09:00\"\nsla = \"48h\"\npriority = [\"growth\"]\n";
    let map = TEAM.replace("id = \"growth\"\n", "id = \"growth\"\nescalates_to = \"second\"\n") + people;
    assert_ne!(map.len(), TEAM.len() + people.len(), "growth escalates elsewhere");
    let server = Server::start_on(&map).await;
    let (support, billing) = (server.agent("support").await, server.agent("billing").await);
    let growth = server.agent("growth").await;
    for agent in [&support, &billing, &growth] {
        case(agent, "which first").await;
    }
    assert_eq!(
        listed(&server.dana).await,
        [3, 2, 1],
        "the queue that dana puts first, then the agent that it does"
    );
    let sam = reviewer(&server, "sam").await;
    assert_eq!(listed(&sam).await, [3, 2, 1], "growth is the first of its queue, billing before support");
    server.stop().await;
}

#[tokio::test]
async fn a_map_says_who_can_not_answer_and_whose_account_is_whose() {
    let server = team().await;
    let check = |map: String| async { came(server.dana.request("POST", "/v1/map/check").body(map)).await };
    let found = check(TEAM.to_owned()).await;
    let codes = |came: &Came| -> Vec<String> {
        let findings = came["findings"].as_array().unwrap();
        findings.iter().map(|finding| finding["lint"].as_str().unwrap().to_owned()).collect()
    };
    assert!(codes(&found).contains(&"no-token".to_owned()), "{}", found.text);
    assert!(found.text.contains("deeds tokens invite reviewer sam"), "{}", found.text);
    let sam = server.with_token(TokenClass::Reviewer, "sam@northwind.example").await;
    let known = format!("{TEAM}\n[[person]]\nid = \"sam\"\naccount = \"sam@northwind.example\"\n");
    let found = check(known.clone()).await;
    assert!(!codes(&found).contains(&"no-token".to_owned()), "{}", found.text);
    assert_eq!(
        sam.get("/v1/whoami").await["actor"]["name"],
        "sam@northwind.example",
        "who is not in the map is named by account"
    );
    let request = server.dana.request("PUT", "/v1/map?reason=people").header("if-match", "\"1\"");
    told(&came(request.body(known)).await, "recorded", None);
    assert_eq!(sam.get("/v1/whoami").await["actor"]["name"], "sam");

    let other = TEAM.replacen("workspace = \"northwind\"", "workspace = \"elsewhere\"", 1);
    let found = check(other).await;
    assert!(codes(&found).contains(&"other-workspace".to_owned()), "{}", found.text);
    let agent = TEAM.replace("owner = \"dana\"\ndeputies", "owner = \"sales\"\ndeputies");
    let found = check(agent).await;
    assert!(codes(&found).contains(&"agent-as-reviewer".to_owned()), "{}", found.text);
    assert_eq!(found["applicable"], false);
    server.stop().await;
}

#[tokio::test]
async fn a_file_takes_back_nothing_that_an_answer_gave_unseen() {
    let server = team().await;
    let support = server.agent("support").await;
    let wish = json!({"entity": "nowhere/x", "changes": {"y": 1}, "expected": {"y": 0}});
    let asked = support.post("/v1/writes", wish).await;
    told(&asked, "escalated", Some("unowned"));
    let grant = json!({"what": "write", "value": "nowhere/*"});
    let yes = json!({"kind": "expand", "agent": "support", "grant": grant});
    told(&answer(&server.dana, &asked["item"], yes).await, "recorded", None);

    let put = async |text: String, query: &str| {
        let request =
            server.dana.request("PUT", &format!("/v1/map?reason=x{query}")).header("if-match", "\"2\"");
        came(request.body(text)).await
    };
    let checked = came(server.dana.request("POST", "/v1/map/check").body(TEAM)).await;
    assert_eq!(checked["takes_back"], json!(["+ support.writes nowhere/*"]), "{}", checked.text);
    let pulled = checked["pulled"]["agent"].as_array().unwrap();
    assert!(pulled.iter().any(|agent| agent["writes"].to_string().contains("nowhere/*")), "{}", checked.text);
    let refused = put(TEAM.to_owned(), "").await;
    told(&refused, "refused", Some("takes-back"));
    assert!(refused["message"].as_str().unwrap().contains("+ support.writes nowhere/*"), "{}", refused.text);
    let with = TEAM.replacen(
        "id = \"support\"\n",
        "id = \"support\"\nescalates_when = [\"the file says more\"]\n",
        1,
    );
    let at = with.find("id = \"support\"").unwrap();
    let writes = at + with[at..].find("writes = [").unwrap() + "writes = [".len();
    let with = format!("{}\"nowhere/*\", {}", &with[..writes], &with[writes..]);
    told(&put(with, "").await, "recorded", None);

    // That a file has it by now, whoever applied that, lets no older one take it back.
    let old = |query: &str, version: &str| {
        let asked = format!("/v1/map?reason=x{query}");
        came(server.dana.request("PUT", &asked).header("if-match", version).body(TEAM))
    };
    let refused = old("", "\"3\"").await;
    told(&refused, "refused", Some("takes-back"));
    assert!(
        refused["message"].as_str().unwrap().contains("`+ support.writes nowhere/*`"),
        "{}",
        refused.text
    );
    told(&old("&take_back=true", "\"3\"").await, "recorded", None);
    told(&old("", "\"4\"").await, "recorded", None);
    server.stop().await;
}

#[tokio::test]
async fn taking_it_back_is_insisted_on() {
    let server = team().await;
    let support = server.agent("support").await;
    let wish = json!({"entity": "nowhere/x", "changes": {"y": 1}, "expected": {"y": 0}});
    let asked = support.post("/v1/writes", wish).await;
    let grant = json!({"what": "write", "value": "nowhere/*"});
    let yes = json!({"kind": "expand", "agent": "support", "grant": grant});
    told(&answer(&server.dana, &asked["item"], yes).await, "recorded", None);
    let request = server.dana.request("PUT", "/v1/map?reason=x&take_back=true").header("if-match", "\"2\"");
    told(&came(request.body(TEAM)).await, "recorded", None);
    let checked = came(server.dana.request("POST", "/v1/map/check").body(TEAM)).await;
    assert!(checked["pulled"].is_null(), "{}", checked.text);
    server.stop().await;
}

/// Only admins transfer: where none is named on the queue it is no dead end, and who is handed a case goes on with it.
#[tokio::test]
async fn what_takes_an_admin_or_was_handed_to_one_can_be_answered() {
    let server = Server::start_on(&reviewed_by("sam", "eve", "eve")).await;
    let support = server.agent("support").await;
    let (sam, _eve) = (reviewer(&server, "sam").await, reviewer(&server, "eve").await);
    let (one, two) = (case(&support, "a").await, case(&support, "b").await);
    let transfer = json!({"kind": "transfer", "pattern": "crm/deal/*", "from": "sales", "to": "support"});
    let by_sam = answer(&sam, &one, transfer.clone()).await;
    told(&by_sam, "refused", Some("not-allowed"));
    assert!(by_sam["message"].as_str().unwrap().contains("hand it to dana"), "{}", by_sam.text);
    told(&answer(&server.dana, &one, handled()).await, "refused", Some("not-named"));
    let moved = answer(&server.dana, &one, transfer).await;
    told(&moved, "recorded", None);
    assert!(moved["message"].as_str().unwrap().contains("sam is no admin"), "{}", moved.text);
    told(&server.dana.post(&format!("/v1/inbox/{one}/undo"), json!({})).await, "recorded", None);

    let hand = format!("/v1/inbox/{two}/reassign");
    told(&sam.post(&hand, json!({"to": "nobody"})).await, "refused", Some("not-named"));
    told(&sam.post(&hand, json!({"to": "dana"})).await, "recorded", None);
    told(&server.dana.post(&format!("/v1/inbox/{two}/claim"), json!({})).await, "recorded", None);
    told(&server.dana.post(&format!("/v1/inbox/{two}/release"), json!({})).await, "recorded", None);
    let answered = answer(&server.dana, &two, handled()).await;
    told(&answered, "recorded", None);
    let deed = server.dana.get(&format!("/v1/ledger/{}", answered["deed"])).await;
    assert!(deed.text.contains("stands_in") && deed.text.contains("was handed it"), "{}", deed.text);
    server.stop().await;
}
