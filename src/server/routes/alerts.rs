//! Alerts: listed, and what people do with them.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::api::{AlertList, NoteBody};
use crate::domain::command::{AlertStep, AlertVerb, Command};
use crate::domain::things::Alert;
use crate::server::answer::{Answer, json};
use crate::server::gate::Call;

/// `GET /v1/alerts`: the worst first, then the latest; with `resolved`, those that are kept too.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query(&["resolved", "min_seq", "at"])?;
    let state = call.front(&query).await?;
    let mut alerts: Vec<Arc<Alert>> = state.board.alerts.values().cloned().collect();
    alerts.sort_by_key(|alert| Reverse((alert.severity, alert.count, alert.last, alert.no)));
    if query.flag("resolved")? {
        alerts.extend(state.board.resolved.iter().rev().cloned());
    }
    json(&AlertList { alerts, seq: state.head() })
}

/// `POST /v1/alerts/{n}/acknowledge`
pub(in crate::server) async fn acknowledge(call: Call) -> Answer {
    step(call, AlertVerb::Acknowledge).await
}

/// `POST /v1/alerts/{n}/resolve`
pub(in crate::server) async fn resolve(call: Call) -> Answer {
    step(call, AlertVerb::Resolve).await
}

/// `POST /v1/alerts/{n}/escalate`
pub(in crate::server) async fn escalate(call: Call) -> Answer {
    step(call, AlertVerb::Escalate).await
}

async fn step(call: Call, step: AlertVerb) -> Answer {
    let alert = call.param("n")?;
    let NoteBody { note } = call.parse_or_default()?;
    call.command(Command::Alert(AlertStep { alert, step, note })).await
}
