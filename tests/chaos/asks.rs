//! What is asked under load: every command of the table that an agent, a guard or a person may ask, each request with a mark of
//! its own by which it is found in the ledger. A command that is new in the table does not compile until it is asked here, or
//! is said not to be.

use std::io;

use serde_json::{Value, json};

use crate::line::Line;
use crate::load::{AGENTS, Caller};
use deeds::domain::command::CommandKind;

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) kind: CommandKind,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    /// Headers beside the key's.
    pub(crate) headers: String,
    pub(crate) body: String,
    pub(crate) key: Option<String>,
    /// Stands in what is asked, where there is a place for it.
    pub(crate) mark: String,
}

/// The next request of this kind; none where there is nothing to ask it about.
pub(crate) fn next(kind: CommandKind, me: &mut Caller, line: &mut Line) -> io::Result<Option<Asked>> {
    let (mark, who, other) = (me.mark(), me.who.clone(), me.other());
    let own = format!("{who}/{mark}");
    let post = |path: &str, body: Value| Some((path.to_owned(), body));
    let sent = match kind {
        CommandKind::Write => Some(write(me, &mark)),
        CommandKind::Act => post("/v1/acts", json!({"target": own, "subject": own, "action": "send"})),
        CommandKind::ActEnd => {
            me.acts.pop().map(|act| (format!("/v1/acts/{act}/done"), json!({"note": mark})))
        }
        // The map of this team names no tool: a person is asked, or the very same waits already.
        CommandKind::Call => post(
            "/v1/calls",
            json!({"server": "crm", "tool": "put", "arguments": {"id": mark}, "via": "gate"}),
        ),
        CommandKind::Escalate => {
            post("/v1/escalations", json!({"input": {"text": mark}, "why": "who knows"}))
        }
        CommandKind::OfferZone => {
            post("/v1/zone-offers", json!({"pattern": format!("{own}/*#text"), "to": other, "reason": mark}))
        }
        CommandKind::Raise => {
            let event = format!("mail.{other}");
            post("/v1/events", json!({"event": event, "subject": own, "attributes": {"key": mark}}))
        }
        CommandKind::Claim => post("/v1/claims", json!({"event": format!("came.{who}"), "key": mark})),
        CommandKind::Take => post("/v1/work/take", json!({"limit": 8, "visibility": "1h"})),
        CommandKind::Work => me.works.pop().map(|(no, attempt, proposal)| {
            if proposal {
                (format!("/v1/work/{no}/accept"), Value::Null)
            } else {
                (format!("/v1/work/{no}/complete"), json!({"result": mark, "attempt": attempt}))
            }
        }),
        CommandKind::Handoff => {
            let done = json!({"result": mark, "status": "done"});
            let more = json!({"to": other, "task": mark, "work_product": done, "context": {}, "constraints": [], "attempt": 1});
            post("/v1/handoffs", more)
        }
        CommandKind::FanOut => {
            let branch = json!({"to": other, "input": mark});
            post("/v1/fan-outs", json!({"branches": [branch, branch], "deadline": "1h"}))
        }
        CommandKind::Lease => Some(lease(me, &own, other)),
        CommandKind::Publish => {
            post("/v1/outputs", json!({"output": format!("mail/{who}"), "thread": mark, "body": mark}))
        }
        CommandKind::Conclude => {
            post("/v1/conclusions", json!({"subject": own, "question": "paid?", "answer": mark}))
        }
        CommandKind::Together => {
            let part = |at: u8| json!({"do": "write", "entity": format!("{own}/{at}"), "changes": {"text": mark}, "expected": {"text": 0}});
            post("/v1/together", json!({"commands": [part(0), part(1), part(2)]}))
        }
        CommandKind::Guard => post(
            "/v1/guard",
            json!({"agent": other, "by": "git", "stopped": true, "paths": [format!("files/{mark}")]}),
        ),
        CommandKind::Item => item(me, &mark, line)?,
        CommandKind::Alert => alert(me, &mark, line)?,
        CommandKind::ApplyMap => return Ok(Some(map(me, mark, line)?)),
        CommandKind::MapReview => post("/v1/map/reviewed", json!({"note": mark})),
        CommandKind::Token => return Ok(Some(token(me, mark))),
        // One that nobody has: refused, and so recorded.
        CommandKind::Key => {
            post("/v1/keys", json!({"step": "revoke", "person": who, "key": format!("SHA256:{mark}")}))
        }
        CommandKind::Override => {
            let step = if me.count.is_multiple_of(2) { "freeze" } else { "set" };
            let path = format!("{other}/{mark}#text");
            post(
                "/v1/overrides",
                if step == "freeze" {
                    json!({"step": step, "entity": format!("frozen/{mark}"), "reason": mark})
                } else {
                    json!({"step": step, "path": path, "value": mark, "expected": 0, "for": "none", "reason": mark})
                },
            )
        }
        CommandKind::Review => {
            me.reviewing = !me.reviewing;
            let step = if me.reviewing { "start" } else { "end" };
            post(&format!("/v1/reviews/inbox/{step}"), json!({"note": mark}))
        }
        CommandKind::Away => {
            me.away = !me.away;
            if me.away {
                post("/v1/away", json!({"until": "3d", "note": mark}))
            } else {
                post("/v1/back", Value::Null)
            }
        }
        // A workspace that enforces takes no history: refused, and so recorded.
        CommandKind::Import => post(
            "/v1/imports",
            json!([{"source": mark, "id": 1, "actor": other, "time": "2026-02-14T08:11:00Z", "entity": own,
                    "changes": {"status": {"before": null, "after": "open"}}}]),
        ),
        // No deed has that number: refused, and so recorded.
        CommandKind::RebaseClock => {
            post("/v1/clock/rebase", json!({"from": 900_000_000, "by": "1h", "reason": mark}))
        }
        // Nothing is lost that could be accepted; the others only Deeds itself says.
        CommandKind::AcceptLoss | CommandKind::Tick | CommandKind::TurnAway | CommandKind::Clock => None,
    };
    Ok(sent.map(|(path, body)| asked(me, kind, "POST", (path, body), mark)))
}

fn asked(me: &Caller, kind: CommandKind, method: &'static str, sent: (String, Value), mark: String) -> Asked {
    // Most under a key; what has none is not asked again where its answer is lost.
    let key = (!me.count.is_multiple_of(5)).then(|| format!("k{}-{}", me.no, me.count));
    let body = if sent.1.is_null() { String::new() } else { sent.1.to_string() };
    Asked { kind, method, path: sent.0, headers: String::new(), body, key, mark }
}

/// By turns something new, the connection's one hot record, three at once, what is another's, what is based on what never was.
fn write(me: &Caller, mark: &str) -> (String, Value) {
    let of = |entity: String, expected: u64| json!({"entity": entity, "changes": {"text": mark}, "expected": {"text": expected}});
    let own = |tail: &str| of(format!("{}/{mark}{tail}", me.who), 0);
    match me.count % 16 {
        1 | 5 | 9 | 13 => ("/v1/writes".to_owned(), of(me.hot(), me.version)),
        3 => ("/v1/writes:batch".to_owned(), json!([own("/a"), own("/b"), own("/c")])),
        7 => ("/v1/writes".to_owned(), of(format!("{}/of-{mark}", me.other()), 0)),
        11 => ("/v1/writes".to_owned(), of(format!("{}/{mark}", me.who), 9)),
        _ => ("/v1/writes".to_owned(), own("")),
    }
}

/// A lease is acquired, renewed, then given back or over.
fn lease(me: &mut Caller, own: &str, other: &str) -> (String, Value) {
    match me.leases.pop() {
        Some((fence, 0)) => {
            me.leases.push((fence, 1));
            (format!("/v1/leases/{fence}/renew"), json!({"ttl": "20m"}))
        }
        Some((fence, _)) if me.count.is_multiple_of(3) => {
            (format!("/v1/leases/{fence}/transfer"), json!({"to": other}))
        }
        Some((fence, _)) => (format!("/v1/leases/{fence}/release"), Value::Null),
        None => ("/v1/leases".to_owned(), json!({"target": {"path": format!("{own}#text")}, "ttl": "10m"})),
    }
}

/// Of the open items one is claimed; then they are answered.
fn item(me: &mut Caller, mark: &str, line: &mut Line) -> io::Result<Option<(String, Value)>> {
    if let Some(no) = me.items.pop() {
        let (_, shown) = line.ask("GET", &format!("/v1/inbox/{no}"), "")?;
        let answer = json!({"kind": "handle", "note": mark});
        let body = json!({"answer": answer, "version": shown["item"]["version"], "digest": shown["digest"]});
        return Ok(Some((format!("/v1/inbox/{no}/answer"), body)));
    }
    let (_, list) = line.ask("GET", "/v1/inbox", "")?;
    // Who handles that of a clock says that it is right.
    let is_clock = |item: &&Value| item["alike"].as_str().is_some_and(|alike| alike.contains("|clock|"));
    let items = list["items"].as_array().into_iter().flatten().filter(|item| !is_clock(item));
    me.items = items.filter_map(|item| item["no"].as_u64()).take(8).collect();
    Ok(me.items.last().map(|no| (format!("/v1/inbox/{no}/claim"), Value::Null)))
}

fn alert(me: &mut Caller, mark: &str, line: &mut Line) -> io::Result<Option<(String, Value)>> {
    let (_, list) = line.ask("GET", "/v1/alerts", "")?;
    // Who resolves that of a clock says that it is right.
    let alerts = list["alerts"].as_array().into_iter().flatten().filter(|alert| alert["kind"] != "clock");
    let open: Vec<u64> = alerts
        .filter(|alert| alert["state"] != "resolved")
        .filter_map(|alert| alert["no"].as_u64())
        .collect();
    let step = if me.count.is_multiple_of(2) { "acknowledge" } else { "resolve" };
    Ok(open.first().map(|no| (format!("/v1/alerts/{no}/{step}"), json!({"note": mark}))))
}

/// The same map with another word in it.
fn map(me: &Caller, mark: String, line: &mut Line) -> io::Result<Asked> {
    let (_, now) = line.ask("GET", "/v1/map", "")?;
    let map = crate::load::map(&me.count.to_string());
    let asked =
        asked(me, CommandKind::ApplyMap, "PUT", (format!("/v1/map?reason={mark}"), Value::Null), mark);
    Ok(Asked { headers: format!("If-Match: \"{}\"\r\n", now["version"]), body: map, ..asked })
}

/// By turns a watcher's token is made and one is revoked.
fn token(me: &mut Caller, mark: String) -> Asked {
    if let Some(id) = me.tokens.pop() {
        return asked(me, CommandKind::Token, "DELETE", (format!("/v1/tokens/{id}"), Value::Null), mark);
    }
    let made = json!({"class": "watcher", "name": mark});
    asked(me, CommandKind::Token, "POST", ("/v1/tokens".to_owned(), made), mark)
}

/// Whose share of the kinds it is: what an agent, a guard and a person ask in turn.
pub(crate) fn kinds(class: deeds::domain::things::TokenClass) -> Vec<CommandKind> {
    let kinds = CommandKind::ALL.iter().copied();
    kinds.filter(|kind| kind.row().who.classes().contains(&class)).collect()
}

/// Another agent than this one.
pub(crate) fn other_than(who: &str) -> &'static str {
    let at = AGENTS.iter().position(|agent| *agent == who).map_or(0, |at| at + 1);
    AGENTS[at % AGENTS.len()]
}
