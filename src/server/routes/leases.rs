//! Leases, listed.

use std::sync::Arc;

use crate::api::LeaseList;
use crate::domain::sight::Sight;
use crate::domain::things::Lease;
use crate::server::answer::{Answer, json};
use crate::server::gate::Call;
use crate::server::pages::Page;

/// `GET /v1/leases`: the live ones, the oldest first. An agent sees its own, and others' on what it may read.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let page = Page::of(&call, &query).await?;
    let board = &page.front.board;
    let live = board.leases.values().filter(|lease| lease.is_live(board.agents_clock(page.now)));
    let now = call.space.handle().front();
    let seen = |lease: &Arc<Lease>| {
        call.caller.agent().is_none_or(|agent| {
            [&page.front, &now].into_iter().all(|front| Sight::now(agent, &front.board.map).sees_lease(lease))
        })
    };
    let taken = page.take(&call, live, |lease| seen(lease).then(|| Arc::clone(lease)));
    json(&LeaseList { leases: taken.rows, seq: page.front.head(), next: taken.next })
}
