//! Alerts, listed.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::api::AlertList;
use crate::domain::things::Alert;
use crate::server::answer::{Answer, ROW, apart, json};
use crate::server::gate::Call;

/// `GET /v1/alerts`: the worst first, then the latest; with `resolved`, those that are kept too.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let state = call.front(&query).await?;
    let mut alerts: Vec<Arc<Alert>> = state.board.alerts.values().cloned().collect();
    alerts.sort_by_key(|alert| Reverse((alert.severity, alert.count, alert.last, alert.no)));
    if query.flag("resolved")? {
        alerts.extend(state.board.resolved.iter().rev().cloned());
    }
    apart(alerts.len() * ROW, || json(&AlertList { alerts, seq: state.head() }))
}
