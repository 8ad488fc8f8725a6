//! Alerts, listed and shown.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::api::{AlertList, AlertView};
use crate::domain::ids::AlertNo;
use crate::domain::state::Thing;
use crate::domain::things::Alert;
use crate::server::answer::{Answer, absent, json};
use crate::server::gate::Call;
use crate::server::pages::Page;

/// `GET /v1/alerts`: the worst first, then the latest; with `resolved`, those that are kept too.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let page = Page::of(&call, &query).await?;
    let (board, resolved) = (&page.front.board, query.flag("resolved")?);
    let open: Vec<&Arc<Alert>> = board.alerts.values().collect();
    let worst = |alert: &&Arc<Alert>| Reverse((alert.severity, alert.count, alert.last, alert.no));
    let gone = board.resolved.iter().rev().filter(|_| resolved);
    let all = page.in_order(open, worst, gone);
    let taken = page.take_brief(&call, all, |alert| Some(Arc::clone(alert)), |alert| Thing::Alert(alert.no));
    json(&AlertList { alerts: taken.rows, seq: page.front.head(), cut: taken.cut, next: taken.next })
}

/// `GET /v1/alerts/{n}`: with all that it carries; a resolved one while it is kept.
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query()?;
    let no = call.param::<AlertNo>("n")?;
    let state = call.front(&query).await?;
    let resolved = || state.board.resolved.iter().rfind(|alert| alert.no == no);
    let alert = state.board.alerts.get(&no).or_else(resolved).cloned();
    let alert = alert.ok_or_else(|| absent(format!("alert {no} that is still kept")))?;
    json(&AlertView { alert, seq: state.head() })
}
