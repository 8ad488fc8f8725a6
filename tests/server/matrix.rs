//! Role × route, generated from the table of addresses: a class that a route is not for has no effect there, and each of
//! the others gets past the door.

use serde_json::{Value as Json, json};

use super::support::{Caller, Came, Server, TEAM, came};
use deeds::api::{ADDRESSES, Address, Kind};
use deeds::domain::things::TokenClass;

/// A request that is well-formed for each route: the address with its parameters filled, and the body.
fn sample(route: &Address) -> (String, String) {
    let write = json!({"entity": "crm/contact/a", "changes": {"name": 1}, "expected": {"name": 0}});
    let answer = json!({"kind": "handle", "note": "seen to"});
    let body: Json = match (route.method, route.path) {
        ("POST", "/v1/writes") => write,
        ("POST", "/v1/writes:batch") => json!([write]),
        ("POST", "/v1/together") => json!({"commands": [{"do": "escalate", "input": "x", "why": "y"}]}),
        ("POST", "/v1/acts") => json!({"target": "mail/x", "subject": "crm/contact/a", "action": "send"}),
        ("POST", "/v1/calls" | "/v1/calls/ask") => {
            json!({"server": "crm", "tool": "get", "arguments": {}, "via": "gate"})
        }
        ("POST", "/access/v1/evaluation" | "/access/v1/evaluations") => json!({
            "subject": {"type": "agent", "id": "intake"}, "action": {"name": "read"},
            "resource": {"type": "entity", "id": "crm/contact/a"}
        }),
        ("POST", "/v1/hooks/{host}") => json!({"hook_event_name": "PreToolUse", "tool_name": "Read"}),
        ("POST", "/v1/calls/made") => json!({"server": "crm", "tool": "get", "how": "done"}),
        ("POST", "/v1/calls/{n}/end") => json!({"how": "done"}),
        ("POST", "/v1/tools/seen") => json!({"server": "crm", "tools": [{"name": "get"}]}),
        ("POST", "/v1/escalations") => json!({"input": "x", "why": "y"}),
        ("POST", "/v1/zone-offers") => json!({"pattern": "crm/contact/*#name", "to": "sales", "reason": "x"}),
        ("POST", "/v1/events") => json!({"event": "email.received"}),
        ("POST", "/v1/claims") => json!({"event": "email.received", "key": "m-1"}),
        ("POST", "/v1/handoffs") => json!({"to": "sales", "task": "t"}),
        ("POST", "/v1/fan-outs") => json!({"branches": [{"to": "sales", "input": 1}], "deadline": "1h"}),
        ("POST", "/v1/leases") => json!({"target": {"path": "crm/contact/a#name"}, "ttl": "5m"}),
        ("POST", "/v1/leases/{fence}/renew") => json!({"ttl": "5m"}),
        ("POST", "/v1/leases/{fence}/transfer") => json!({"to": "sales"}),
        ("POST", "/v1/outputs") => json!({"output": "mail/sales", "body": "hello"}),
        ("POST", "/v1/conclusions") => {
            json!({"subject": "crm/contact/a", "question": "paid?", "answer": true})
        }
        ("POST", "/v1/inbox/{n}/preview") => answer,
        ("POST", "/v1/inbox/{n}/answer") => json!({"answer": answer, "version": 1, "digest": "x"}),
        ("POST", "/v1/inbox/{n}/leave") => json!({"reason": "not today"}),
        ("POST", "/v1/inbox/{n}/take-over") => json!({"reason": "it can't wait"}),
        ("POST", "/v1/inbox/{n}/reassign") => json!({"to": "sam"}),
        ("POST", "/v1/ledger/accept-loss") => json!({"through": 9, "reason": "test"}),
        ("POST", "/v1/clock/rebase" | "/v1/clock/preview") => {
            json!({"from": 2, "by": "1h", "reason": "test"})
        }
        ("POST", "/v1/overrides") => json!({"step": "freeze", "entity": "crm/contact/z", "reason": "test"}),
        ("POST", "/v1/guard") => {
            json!({"agent": "intake", "by": "git", "stopped": true, "paths": ["files/a"]})
        }
        ("POST", "/v1/keys") => json!({"step": "revoke", "person": "dana", "key": "SHA256:x"}),
        ("POST", "/v1/tokens" | "/v1/invitations") => json!({"class": "watcher", "name": "x"}),
        ("POST", "/v1/invitations/take") => json!({"invitation": "deeds_invitation_northwind_a1_00"}),
        ("POST", "/v1/imports") => json!([]),
        ("POST", "/v1/workspaces") => json!({"workspace": "northwind"}),
        ("PUT" | "POST", "/v1/map" | "/v1/map/check" | "/v1/map/plan" | "/v1/readiness") => {
            return (route.path.to_owned(), TEAM.to_owned());
        }
        _ => Json::Null,
    };
    let path = route.path.replace("{*path}", "crm/contact/a").replace("{n}", "1").replace("{seq}", "1");
    let path = path.replace("{id}", "nobody").replace("{fence}", "1").replace("{queue}", "inbox");
    let path = path.replace("{host}", "claude-code");
    let path = match route.path {
        "/v1/activity" => "/v1/activity?entity=crm/contact/a".to_owned(),
        "/v1/who-owns" => "/v1/who-owns?path=crm/contact/a".to_owned(),
        "/v1/proof" => format!("/v1/proof?nonce={}", "0".repeat(64)),
        "/v1/trace" => "/v1/trace?entity=crm/contact/a".to_owned(),
        _ => path,
    };
    (path, if body.is_null() { String::new() } else { body.to_string() })
}

async fn ask(caller: &Caller, route: &Address) -> Came {
    let (mut path, body) = sample(route);
    // People say which agent they mean.
    if !caller.token.starts_with("deeds_agent_") && matches!(route.path, "/v1/work" | "/v1/scope") {
        path = format!("{path}?agent=intake");
    }
    let mut request = caller.request(route.method, &path);
    if route.path == "/v1/map" {
        request = request.header("if-match", "\"1\"");
    }
    came(request.body(body)).await
}

#[tokio::test]
async fn a_class_that_a_route_is_not_for_has_no_effect_there() {
    let server = Server::start().await;
    let agent = server.agent("intake").await;
    agent.write("unowned/thing", json!({"x": 1}), json!({"x": 0})).await;
    assert!(ADDRESSES.len() > 40);
    for class in TokenClass::ALL {
        let name = if class == TokenClass::Agent { "intake" } else { "vera" };
        let caller = server.with_token(class, name).await;
        for route in ADDRESSES.iter() {
            let place = format!("{} {} as {}", route.method, route.path, class.as_str());
            // A stream has no end to wait for; that it begins is tested elsewhere for each class that may.
            if route.path == "/v1/ledger/stream" {
                assert_eq!(route.who.allows(class), class != TokenClass::Guard, "{place}");
                if route.who.allows(class) {
                    continue;
                }
            }
            let before = server.dana.get("/v1/board").await;
            let came = ask(&caller, route).await;
            if route.kind == Kind::Open {
                // A wrong invitation is turned away, whoever brings it; after many of them for a while.
                let turned_away = route.path == "/v1/invitations/take" && matches!(came.status, 401 | 429);
                assert!(came.status == 200 || turned_away, "{place}: {}", came.text);
            } else if route.who.allows(class) {
                assert!(!matches!(came.status, 401 | 405), "{place}: {}", came.text);
                assert_ne!(came["code"], "no-route", "{place}: {}", came.text);
                let home_only = route.path == "/v1/workspaces" && route.method == "POST";
                assert!(came.status != 403 || home_only, "{place}: {}", came.text);
                for code in ["not-allowed", "agent-token"] {
                    assert!(came["code"] != code || home_only, "{place}: {}", came.text);
                }
            } else if route.kind == Kind::Read || route.takes_a_map() {
                assert_eq!(
                    (came.status, &came["code"]),
                    (403, &json!("not-allowed")),
                    "{place}: {}",
                    came.text
                );
            } else {
                refused_by_the_rules(&came, route, &place);
                let after = server.dana.get("/v1/board").await;
                let (before, after) = (&before["board"], &after["board"]);
                for part in [
                    "items",
                    "closed",
                    "works",
                    "acts",
                    "frozen",
                    "maps",
                    "alerts",
                    "rules",
                    "tasks",
                    "fan_outs",
                    "leases",
                    "threads",
                    "claims",
                    "conclusions",
                    "reviews",
                    "away",
                    "signers",
                ] {
                    assert_eq!(before[part], after[part], "{place} changed {part}");
                }
            }
        }
    }
    server.stop().await;
}

/// A command of a class that may not ask it is recorded as refused, and answered so.
fn refused_by_the_rules(came: &Came, route: &Address, place: &str) {
    assert_eq!(came.status, 200, "{place}: {}", came.text);
    if route.path == "/v1/imports" {
        // The sample has no lines, so there is nothing to refuse.
        assert_eq!(came["answers"], json!([]), "{place}");
        return;
    }
    let reply = match route.path {
        "/v1/writes:batch" => &came["answers"][0]["reply"],
        "/v1/work/take" => {
            assert_eq!(came["works"], json!([]), "{place}");
            &came["reply"]
        }
        "/v1/invitations" => {
            assert_eq!(came["invitation"], Json::Null, "{place}");
            &came["reply"]
        }
        "/v1/tokens" if route.method == "POST" => {
            assert_eq!(came["token"], Json::Null, "{place}");
            &came["reply"]
        }
        _ => &came.body,
    };
    assert_eq!(reply["outcome"], "refused", "{place}: {}", came.text);
    let code = reply["code"].as_str().unwrap();
    assert!(matches!(code, "not-allowed" | "agent-token"), "{place}: {}", came.text);
}

#[tokio::test]
async fn every_address_needs_a_token_unless_it_is_open() {
    let server = Server::start().await;
    let nobody = Caller::new(&server.base, format!("deeds_admin_northwind_zz_{}", "00".repeat(32)));
    for route in ADDRESSES.iter() {
        let came = ask(&nobody, route).await;
        let place = format!("{} {}", route.method, route.path);
        if route.path == "/v1/invitations/take" {
            assert!(matches!(came.status, 401 | 429), "{place}: {}", came.text);
        } else if route.kind == Kind::Open {
            assert_eq!(came.status, 200, "{place}");
        } else {
            assert!(matches!(came.status, 401 | 429), "{place}: {}", came.text);
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn every_address_is_listed_at_the_one_that_problems_point_to() {
    let server = Server::start().await;
    let came = server.dana.get("/v1/nonsense").await;
    assert_eq!(came.status, 404, "{}", came.text);
    assert!(came["next"].as_str().unwrap().contains("`GET /v1`"), "{}", came.text);
    let came = server.dana.get("/v1").await;
    let listed = came["routes"].as_array().unwrap();
    assert_eq!(listed.len(), ADDRESSES.len());
    let writes = listed.iter().find(|route| route["path"] == "/v1/writes").unwrap();
    let wanted = json!({"method": "POST", "path": "/v1/writes", "says": "Changes fields of an entity, or the entity as a whole.",
        "who": ["agent"], "recorded": true, "body_bytes": 1_048_576});
    assert_eq!(*writes, wanted);
    server.stop().await;
}
