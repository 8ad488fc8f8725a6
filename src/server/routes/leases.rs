//! Leases, listed.

use std::sync::Arc;

use crate::api::LeaseList;
use crate::domain::sight::Sight;
use crate::domain::things::Lease;
use crate::server::answer::{Answer, json};
use crate::server::gate::Call;
use crate::server::past;

/// `GET /v1/leases`: the live ones, the oldest first. An agent sees its own, and others' on what it may read.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let state = call.front(&query).await?;
    let now = past::now(&call, &query).await?;
    let seen = |lease: &&Arc<Lease>| {
        lease.is_live(state.board.agents_clock(now))
            && call.caller.agent().is_none_or(|agent| {
                let now = call.space.handle().front();
                [&state, &now].into_iter().all(|front| Sight::now(agent, &front.board.map).sees_lease(lease))
            })
    };
    json(&LeaseList {
        leases: state.board.leases.values().filter(seen).cloned().collect(),
        seq: state.head(),
    })
}
