//! AuthZEN as a gateway asks: each kind of question, several at once, broken ones, and who may ask about whom.

use serde_json::{Value as Json, json};

use super::support::{Caller, Came, Server, TEAM, came};
use deeds::domain::things::TokenClass;

const ONE: &str = "/access/v1/evaluation";
const EACH: &str = "/access/v1/evaluations";

const ROWS: &str = r#"
[[event]]
name = "email.received"
[[tool]]
server = "crm"
name = "get_account"
does = "read"
entity = "crm/account/{id}"
[[tool]]
server = "crm"
name = "set_status"
does = "write"
entity = "crm/contact/{id}"
[[tool]]
server = "crm"
name = "set_name"
does = "write"
entity = "crm/contact/{id}"
approve = true
[[tool]]
server = "crm"
name = "put_status"
does = "write"
entity = "crm/contact/{id}"
verify = "get_account"
"#;

/// A server with tools, an event that intake answers, and someone who guards.
async fn start() -> (Server, Caller) {
    let role = "role = \"Qualifies inbound leads\"";
    let team = TEAM.replace(role, &format!("{role}\ntriggers = [\"email.received\"]"));
    let server = Server::start_on(&format!("{team}{ROWS}")).await;
    let guard = server.with_token(TokenClass::Guard, "edge").await;
    (server, guard)
}

fn question(agent: &str, action: &str, resource: Json) -> Json {
    let mut body = json!({"subject": {"type": "agent", "id": agent}, "action": {"name": action}});
    body["resource"] = resource;
    body
}

fn entity(id: &str) -> Json {
    json!({"type": "entity", "id": id})
}

fn field(id: &str, field: &str) -> Json {
    json!({"type": "entity", "id": id, "properties": {"field": field}})
}

fn tool(id: &str, arguments: Json) -> Json {
    let mut resource = json!({"type": "tool", "id": id, "properties": {}});
    resource["properties"]["arguments"] = arguments;
    resource
}

/// Asks, and gives the decision with the code beside it.
async fn said(caller: &Caller, question: Json) -> (Json, Json, Came) {
    let came = caller.post(ONE, question).await;
    assert_eq!(came.status, 200, "{}", came.text);
    (came["decision"].clone(), came["context"]["code"].clone(), came)
}

async fn head(server: &Server) -> Json {
    server.dana.get("/v1/whoami?at=0s").await["as_of"]["seq"].clone()
}

/// Who, does what, to what; whether it may, the code, and whose it is.
type Case = (&'static str, &'static str, Json, bool, Json, Json);

fn of_records() -> Vec<Case> {
    vec![
        ("intake", "write", field("crm/contact/7", "status"), true, Json::Null, Json::Null),
        ("sales", "write", field("crm/contact/7", "status"), false, json!("not-owner"), json!(["intake"])),
        ("intake", "write", field("crm/contact/7", "score"), false, json!("unowned"), Json::Null),
        ("intake", "write", field("crm/contact/z", "status"), false, json!("frozen"), Json::Null),
        ("sales", "write", entity("pipeline/p"), true, Json::Null, Json::Null),
        ("sales", "create", entity("pipeline/p"), true, Json::Null, Json::Null),
        ("support", "create", entity("pipeline/p"), false, json!("not-owner"), json!(["sales"])),
        ("support", "delete", entity("pipeline/p"), false, json!("not-owner"), json!(["sales"])),
        ("sales", "archive", entity("pipeline/p"), true, Json::Null, Json::Null),
        ("sales", "write", entity("shared/log"), true, Json::Null, Json::Null),
        ("support", "write", field("crm/account/a", "margin"), true, Json::Null, Json::Null),
        ("support", "read", entity("crm/account/a"), true, Json::Null, Json::Null),
        ("sales", "read", field("crm/account/a", "health"), true, Json::Null, Json::Null),
        ("sales", "read", field("crm/account/a", "margin"), false, json!("hidden"), json!(["support"])),
        ("sales", "read", entity("crm/account/a"), false, json!("hidden"), Json::Null),
        ("sales", "read", entity("hr/salaries"), false, json!("hidden"), json!(["support"])),
        ("newcomer", "write", entity("scratch/newcomer/a"), true, Json::Null, Json::Null),
        ("newcomer", "read", entity("crm/account/a"), false, json!("hidden"), Json::Null),
        ("ghost", "write", entity("scratch/ghost/a"), false, json!("not-found"), Json::Null),
        ("ghost", "read", entity("crm/account/a"), false, json!("not-found"), Json::Null),
    ]
}

fn of_the_rest() -> Vec<Case> {
    let (mail, trigger) =
        (json!({"type": "output", "id": "mail/sales"}), |id: &str| json!({"type": "trigger", "id": id}));
    let claimed = json!({"type": "trigger", "id": "email.received", "properties": {"key": "m-1"}});
    vec![
        ("intake", "call", tool("crm/get_account", json!({"id": "a"})), true, Json::Null, Json::Null),
        ("intake", "call", tool("crm/get_account", json!({})), false, json!("untold"), Json::Null),
        (
            "intake",
            "call",
            tool("crm/set_status", json!({"id": 7, "status": "new"})),
            true,
            Json::Null,
            Json::Null,
        ),
        (
            "sales",
            "call",
            tool("crm/set_status", json!({"id": 7, "status": "new"})),
            false,
            json!("not-owner"),
            json!(["intake"]),
        ),
        (
            "intake",
            "call",
            tool("crm/set_name", json!({"id": 7, "name": "Ann"})),
            false,
            json!("needs-approval"),
            Json::Null,
        ),
        (
            "intake",
            "call",
            tool("crm/put_status", json!({"id": 7, "status": "new"})),
            false,
            json!("missing-version"),
            Json::Null,
        ),
        ("intake", "call", tool("crm/drop_all", json!({})), false, json!("unmapped"), Json::Null),
        ("intake", "answer", trigger("email.received"), true, Json::Null, Json::Null),
        ("intake", "answer", claimed.clone(), true, Json::Null, Json::Null),
        ("sales", "answer", trigger("email.received"), false, json!("claim-taken"), json!(["intake"])),
        ("sales", "answer", claimed, false, json!("claim-taken"), json!(["intake"])),
        ("sales", "answer", trigger("invoice.overdue"), false, json!("unowned"), Json::Null),
        ("sales", "publish", mail.clone(), true, Json::Null, Json::Null),
        ("support", "publish", mail, false, json!("not-owner"), json!(["sales"])),
    ]
}

#[tokio::test]
async fn every_kind_of_question_is_answered_by_the_rules_and_leaves_no_deed() {
    let (server, guard) = start().await;
    let (intake, support) = (server.agent("intake").await, server.agent("support").await);
    server.agent("sales").await;
    server.agent("newcomer").await;
    support.write("crm/account/a", json!({"margin": 3}), json!({"margin": 0})).await;
    intake.post("/v1/claims", json!({"event": "email.received", "key": "m-1"})).await;
    let freeze = json!({"step": "freeze", "entity": "crm/contact/z", "reason": "audit"});
    assert_eq!(server.dana.post("/v1/overrides", freeze).await["outcome"], "recorded");
    let before = head(&server).await;
    for (agent, action, resource, allowed, code, owners) in of_records().into_iter().chain(of_the_rest()) {
        let place = format!("{agent} {action} {resource}");
        let (decision, found, came) = said(&guard, question(agent, action, resource)).await;
        assert_eq!((decision, found), (json!(allowed), code), "{place}: {}", came.text);
        assert_eq!(came["context"]["owners"], owners, "{place}: {}", came.text);
        assert_eq!(came["context"].is_null(), allowed, "{place}: {}", came.text);
        if !allowed {
            for key in ["reason", "next", "queue"] {
                assert!(
                    came["context"][key].as_str().is_some_and(|text| !text.is_empty()),
                    "{place}: {}",
                    came.text
                );
            }
        }
    }
    let (_, _, came) = said(&guard, question("sales", "write", field("crm/contact/7", "status"))).await;
    assert_eq!(came["context"]["reason"], "crm/contact/7#status belongs to intake", "{}", came.text);
    assert_eq!(came["context"]["people"], json!(["dana"]), "{}", came.text);
    assert_eq!(head(&server).await, before, "a question left a deed");
    server.stop().await;
}

/// What was answered is what then happens; and what the answer said is no more than the agent is told itself.
#[tokio::test]
async fn as_it_was_answered_so_it_is_decided() {
    let (server, _) = start().await;
    for name in ["intake", "sales", "support"] {
        let agent = server.agent(name).await;
        for (id, of) in [
            ("crm/contact/a", "status"),
            ("crm/account/a", "health"),
            ("pipeline/a", "stage"),
            ("free/a", "x"),
        ] {
            let (decision, code, _) = said(&agent, question(name, "write", field(id, of))).await;
            let wrote = agent.write(id, json!({of: "new"}), json!({of: 0})).await;
            assert_eq!(decision, json!(wrote["outcome"] == "committed"), "{name} {id}: {}", wrote.text);
            assert_eq!(code, wrote["code"], "{name} {id}: {}", wrote.text);
        }
    }
    // A lease of another, then a person who stops the agent.
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    let lock = json!({"target": {"path": "shared/log"}, "ttl": "5m"});
    assert_eq!(support.post("/v1/leases", lock).await["outcome"], "allowed");
    let log = || entity("shared/log");
    assert_eq!(said(&sales, question("sales", "write", log())).await.0, json!(false));
    assert_eq!(said(&support, question("support", "write", log())).await.0, json!(true));
    let pause = json!({"step": "pause", "agent": "support", "reason": "holiday"});
    assert_eq!(server.dana.post("/v1/overrides", pause).await["outcome"], "recorded");
    let (decision, code, _) = said(&server.dana, question("support", "write", log())).await;
    assert_eq!((decision, code), (json!(false), json!("paused")));
    assert_eq!(said(&server.dana, question("support", "read", log())).await.0, json!(true));
    server.stop().await;
}

#[tokio::test]
async fn a_value_counts_where_the_kind_of_a_field_depends_on_it() {
    let kind =
        "\n[[field]]\npath = \"pipeline/*#stage\"\nkind = \"progression\"\norder = [\"new\", \"won\"]\n";
    let server = Server::start_on(&format!("{TEAM}{kind}")).await;
    let sales = server.agent("sales").await;
    let with = |value: Json| json!({"type": "entity", "id": "pipeline/a", "properties": {"field": "stage", "value": value}});
    assert_eq!(said(&sales, question("sales", "write", field("pipeline/a", "stage"))).await.0, json!(true));
    sales.write("pipeline/a", json!({"stage": "won"}), json!({"stage": 0})).await;
    for (value, code) in
        [(json!("won"), Json::Null), (json!("new"), json!("backward")), (json!("lost"), json!("not-a-step"))]
    {
        let (decision, found, came) = said(&sales, question("sales", "write", with(value))).await;
        assert_eq!((decision, &found), (json!(code.is_null()), &code), "{}", came.text);
    }
    assert_eq!(said(&sales, question("sales", "write", field("pipeline/a", "stage"))).await.0, json!(true));
    server.stop().await;
}

#[tokio::test]
async fn a_workspace_that_only_observes_says_yes_and_why_not() {
    let server = Server::start_on(&TEAM.replace("enforce", "observe")).await;
    server.agent("sales").await;
    let (decision, code, came) =
        said(&server.dana, question("sales", "write", field("crm/contact/7", "status"))).await;
    assert_eq!((decision, code), (json!(true), json!("not-owner")), "{}", came.text);
    assert_eq!(came["context"]["verdict"], "proposed", "{}", came.text);
    server.stop().await;
}

#[tokio::test]
async fn several_questions_have_defaults_and_three_ways_to_end() {
    let (server, guard) = start().await;
    let intake = server.agent("intake").await;
    let ask = |semantic: Option<&str>, fields: &[&str]| {
        let each: Vec<Json> =
            fields.iter().map(|name| json!({"resource": field("crm/contact/7", name)})).collect();
        let mut body = question("intake", "write", Json::Null);
        body["evaluations"] = json!(each);
        if let Some(semantic) = semantic {
            body["options"] = json!({"evaluations_semantic": semantic, "another": 1});
        }
        intake.post(EACH, body)
    };
    for (semantic, fields, wanted) in [
        (None, ["status", "score", "name"], json!([true, false, true])),
        (Some("execute_all"), ["status", "score", "name"], json!([true, false, true])),
        (Some("deny_on_first_deny"), ["status", "score", "name"], json!([true, false])),
        (Some("deny_on_first_deny"), ["status", "name", "status"], json!([true, true, true])),
        (Some("permit_on_first_permit"), ["score", "name", "status"], json!([false, true])),
        (Some("permit_on_first_permit"), ["score", "margin", "x"], json!([false, false, false])),
    ] {
        let came = ask(semantic, &fields).await;
        let found: Vec<&Json> =
            came["evaluations"].as_array().unwrap().iter().map(|one| &one["decision"]).collect();
        assert_eq!(json!(found), wanted, "{semantic:?} {fields:?}: {}", came.text);
        assert_eq!(came["decision"], Json::Null, "{}", came.text);
    }
    // What stands with a question counts, not what stands beside; names that it lacks come from there.
    let mixed = json!({
        "subject": {"type": "agent", "id": "intake"},
        "resource": {"type": "entity", "id": "crm/contact/7", "properties": {"field": "score"}},
        "action": {"name": "write"},
        "context": {"value": "x"},
        "evaluations": [
            {},
            {"resource": {"properties": {"field": "status"}}},
            {"subject": {"id": "sales"}, "resource": {"id": "pipeline/p"}},
            {"action": {"name": "read"}, "context": {}},
            {"resource": {"type": "tool", "id": "crm/set_status"}, "action": {"name": "call"},
                "context": {"arguments": {"id": 7, "status": "new"}}},
        ],
    });
    server.agent("sales").await;
    let came = guard.post(EACH, mixed).await;
    let found: Vec<&Json> =
        came["evaluations"].as_array().unwrap().iter().map(|one| &one["decision"]).collect();
    assert_eq!(json!(found), json!([false, true, true, true, true]), "{}", came.text);
    // Without any it is one question.
    for body in [question("intake", "write", field("crm/contact/7", "score")), {
        let mut body = question("intake", "write", field("crm/contact/7", "score"));
        body["evaluations"] = json!([]);
        body
    }] {
        let came = intake.post(EACH, body).await;
        assert_eq!(
            (&came["decision"], &came["context"]["code"]),
            (&json!(false), &json!("unowned")),
            "{}",
            came.text
        );
        assert_eq!(came["evaluations"], Json::Null, "{}", came.text);
    }
    let mut many = question("intake", "read", entity("crm/contact/7"));
    many["evaluations"] = json!(vec![json!({}); 257]);
    let came = intake.post(EACH, many.clone()).await;
    assert_eq!((came.status, &came["code"]), (413, &json!("over-bound")), "{}", came.text);
    many["evaluations"] = json!(vec![json!({}); 256]);
    assert_eq!(intake.post(EACH, many).await["evaluations"].as_array().unwrap().len(), 256);
    server.stop().await;
}

#[tokio::test]
async fn broken_questions_are_told_with_their_place() {
    let (server, guard) = start().await;
    let fine = question("intake", "write", field("crm/contact/7", "status"));
    let with = |place: &str, value: Json| {
        let mut body = fine.clone();
        *body.pointer_mut(place).unwrap() = value;
        body
    };
    for (body, place) in [
        (with("/subject", Json::Null), "subject"),
        (with("/subject", json!({"id": "intake"})), "subject.type"),
        (with("/subject", json!({"type": "agent"})), "subject.id"),
        (with("/subject", json!("intake")), "subject"),
        (with("/action", Json::Null), "action"),
        (with("/action", json!({})), "action.name"),
        (with("/action/name", json!(123)), "action.name"),
        (with("/resource", Json::Null), "resource"),
        (with("/resource", json!({"id": "crm/contact/7"})), "resource.type"),
        (with("/resource", json!({"type": "entity"})), "resource.id"),
        (with("/resource/id", json!("crm//contact")), "resource.id"),
        (with("/resource/properties", json!([])), "resource.properties"),
        (with("/resource/properties/field", json!(7)), "resource.properties.field"),
    ] {
        let came = guard.post(ONE, body.clone()).await;
        assert_eq!(
            (came.status, &came["code"], &came["place"]),
            (400, &json!("bad-body"), &json!(place)),
            "{body}: {}",
            came.text
        );
        // Among others it is a no of its own.
        let mut others = body;
        others["evaluations"] =
            json!([{}, {"subject": fine["subject"], "action": fine["action"], "resource": fine["resource"]}]);
        let came = guard.post(EACH, others).await;
        if came.status == 200 {
            let each = &came["evaluations"];
            assert_eq!(
                (&each[0]["decision"], &each[0]["context"]["status"]),
                (&json!(false), &json!(400)),
                "{}",
                came.text
            );
            assert_eq!(each[1]["decision"], true, "{}", came.text);
        } else {
            assert_eq!((came.status, &came["place"]), (400, &json!(place)), "{}", came.text);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn bodies_and_names_that_are_none_are_refused() {
    let (server, guard) = start().await;
    let fine = question("intake", "write", field("crm/contact/7", "status"));
    for (call, arguments) in
        [(json!("crm"), json!({})), (json!("crm/"), json!({})), (json!("crm/get_account"), json!([1]))]
    {
        let body = question(
            "intake",
            "call",
            json!({"type": "tool", "id": call, "properties": {"arguments": arguments}}),
        );
        let came = guard.post(ONE, body).await;
        assert_eq!((came.status, &came["code"]), (400, &json!("bad-body")), "{}", came.text);
    }
    for (body, code) in [
        ("", "bad-json"),
        ("{", "bad-json"),
        ("[]", "bad-body"),
        ("{\"subject\":{},\"subject\":{}}", "duplicate-key"),
    ] {
        for path in [ONE, EACH] {
            let came = came(guard.request("POST", path).body(body)).await;
            assert_eq!((came.status, &came["code"]), (400, &json!(code)), "{path} {body}: {}", came.text);
        }
    }
    let text =
        came(guard.request("POST", ONE).header("content-type", "text/plain").body(fine.to_string())).await;
    assert_eq!((text.status, &text["place"]), (400, &json!("header Content-Type")), "{}", text.text);
    let json = "application/json; charset=utf-8";
    let said = came(guard.request("POST", ONE).header("content-type", json).body(fine.to_string())).await;
    assert_eq!((said.status, &said["decision"]), (200, &json!(true)), "{}", said.text);
    let mut semantic = fine.clone();
    semantic["options"] = json!({"evaluations_semantic": "sometimes"});
    assert_eq!(guard.post(EACH, semantic).await["place"], "options.evaluations_semantic");
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_known_is_a_no_that_says_what_is() {
    let (server, guard) = start().await;
    for (body, says) in [
        (
            json!({"subject": {"type": "user", "id": "alice"}, "action": {"name": "read"}, "resource": entity("a/b")}),
            "agent",
        ),
        (
            question("intake", "GET", json!({"type": "route", "id": "/api/x"})),
            "entity, tool, trigger, output",
        ),
        (question("intake", "rename", entity("a/b")), "read, write, create, archive, delete"),
        (question("intake", "execute", json!({"type": "tool", "id": "crm/get_account"})), "call"),
        (question("a\u{7}b", "read", entity("a/b")), "list what there is"),
    ] {
        let came = guard.post(ONE, body.clone()).await;
        assert_eq!((came.status, &came["decision"]), (200, &json!(false)), "{body}: {}", came.text);
        let next = came["context"]["next"].as_str().unwrap();
        assert!(next.ends_with(says), "{body}: {}", came.text);
    }
    // Keys that nobody here knows, and numbers of any size among arguments.
    let body = r#"{"subject":{"type":"agent","id":"intake","properties":{"role":"x"},"new":1},"future":[{}],"action":{"name":"call"},
        "resource":{"type":"tool","id":"crm/get_account","properties":{"arguments":{"id":12345678901234567890123}}}}"#;
    let said = came(guard.request("POST", ONE).body(body)).await;
    assert_eq!((said.status, &said["decision"]), (200, &json!(true)), "{}", said.text);
    server.stop().await;
}

#[tokio::test]
async fn an_agent_asks_about_itself_and_others_about_whom_they_mean() {
    let (server, guard) = start().await;
    let (intake, sales) = (server.agent("intake").await, server.agent("sales").await);
    let foreign = question("sales", "read", field("crm/account/a", "margin"));
    let came = intake.post(ONE, foreign.clone()).await;
    assert_eq!(
        (came.status, &came["code"], &came["place"]),
        (403, &json!("not-allowed"), &json!("subject.id")),
        "{}",
        came.text
    );
    let mut both = question("intake", "read", entity("crm/contact/7"));
    both["evaluations"] = json!([{}, {"subject": {"type": "agent", "id": "sales"}}]);
    let each = intake.post(EACH, both).await;
    assert_eq!(each["evaluations"][0], json!({"decision": true}), "{}", each.text);
    assert_eq!(each["evaluations"][1]["context"]["status"], 403, "{}", each.text);
    for class in [TokenClass::Watcher, TokenClass::Reviewer, TokenClass::Admin] {
        let person = server.with_token(class, "vera").await;
        assert_eq!(said(&person, foreign.clone()).await.0, json!(false), "{class:?}");
    }
    assert_eq!(said(&sales, foreign.clone()).await.0, json!(false));
    assert_eq!(said(&guard, foreign.clone()).await.0, json!(false));
    let nobody = Caller::new(&server.base, format!("deeds_guard_northwind_zz_{}", "00".repeat(32)));
    // The name of a request comes back, however it ends.
    for (caller, body, status) in [
        (&guard, foreign.to_string(), 200),
        (&guard, "{".to_owned(), 400),
        (&nobody, foreign.to_string(), 401),
    ] {
        let request = caller.request("POST", ONE).header("x-request-id", "bfe9eb29-ab87").body(body);
        let came = super::support::came(request).await;
        assert_eq!(
            (came.status, came.headers["x-request-id"].to_str().unwrap()),
            (status, "bfe9eb29-ab87"),
            "{}",
            came.text
        );
    }
    assert!(guard.post(ONE, foreign).await.headers.get("x-request-id").is_none());
    server.stop().await;
}

#[tokio::test]
async fn the_metadata_lead_to_where_is_asked() {
    let (server, guard) = start().await;
    let found = came(guard.request_unsigned("GET", "/.well-known/authzen-configuration")).await;
    assert_eq!((found.status, &found.headers["content-type"]), (200, &"application/json".parse().unwrap()));
    assert_eq!(found["policy_decision_point"], server.base);
    for (key, answers) in
        [("access_evaluation_endpoint", "decision"), ("access_evaluations_endpoint", "decision")]
    {
        let path = found[key].as_str().unwrap().strip_prefix(&server.base).unwrap();
        let came = guard.post(path, question("intake", "read", entity("crm/contact/7"))).await;
        assert_eq!(came[answers], true, "{}", came.text);
    }
    let behind = guard
        .request_unsigned("GET", "/.well-known/authzen-configuration")
        .header("x-forwarded-proto", "https");
    let behind = came(behind).await;
    assert_eq!(behind["policy_decision_point"], server.base.replace("http:", "https:"));
    server.stop().await;
}
