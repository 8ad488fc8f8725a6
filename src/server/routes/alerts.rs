//! Alerts, listed and shown.

use std::cmp::Reverse;
use std::sync::Arc;

use crate::api::{AlertList, AlertView};
use crate::domain::ids::AlertNo;
use crate::domain::rule::ordered::Ordered;
use crate::domain::state::Thing;
use crate::domain::things::Alert;
use crate::server::answer::{Answer, ROW, absent, apart, json};
use crate::server::gate::Call;
use crate::server::orders::Worst;
use crate::server::pages::Page;

/// `GET /v1/alerts`: the worst first, then the latest; with `resolved`, those that are kept too.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let page = Page::of(&call, &query).await?;
    let (board, resolved) = (&page.front.board, query.flag("resolved")?);
    let follow = |alerts: &mut Ordered<AlertNo, Alert, Worst>| {
        let worst = |alert: &Alert| Reverse((alert.severity, alert.count, alert.last, alert.no));
        apart(board.alerts.len() * ROW, || alerts.follow(&board.alerts, worst));
    };
    let open = call.space.orders().alerts.at((), &page, follow);
    let gone = board.resolved.iter().rev().filter(|_| resolved).map(Ok);
    let all = open.rows().map(Err).chain(gone);
    let whole = |alert: Result<&Arc<Alert>, &AlertNo>| match alert {
        Ok(resolved) => Some(Arc::clone(resolved)),
        Err(open) => board.alerts.get(open).cloned(),
    };
    let taken = page.take_brief(&call, all, whole, |alert| Thing::Alert(alert.no));
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
