//! Leases: acquired, renewed, released, transferred, and listed. The fencing token is the number in the address.

use std::sync::Arc;

use crate::api::{AcquireBody, LeaseList, RenewBody, TransferBody};
use crate::domain::command::{Command, LeaseStep};
use crate::domain::ids::AgentId;
use crate::domain::state::Front;
use crate::domain::things::{Lease, LeaseTarget};
use crate::server::answer::{Answer, json};
use crate::server::gate::Call;
use crate::server::past;

/// `POST /v1/leases`
pub(in crate::server) async fn acquire(call: Call) -> Answer {
    let AcquireBody { target, ttl } = call.parse()?;
    call.command(Command::Lease(LeaseStep::Acquire { target, ttl })).await
}

/// `POST /v1/leases/{fence}/renew`
pub(in crate::server) async fn renew(call: Call) -> Answer {
    let RenewBody { ttl } = call.parse()?;
    let lease = call.param("fence")?;
    call.command(Command::Lease(LeaseStep::Renew { lease, ttl })).await
}

/// `POST /v1/leases/{fence}/release`
pub(in crate::server) async fn release(call: Call) -> Answer {
    let lease = call.param("fence")?;
    call.command(Command::Lease(LeaseStep::Release { lease })).await
}

/// `POST /v1/leases/{fence}/transfer`
pub(in crate::server) async fn transfer(call: Call) -> Answer {
    let TransferBody { to } = call.parse()?;
    let lease = call.param("fence")?;
    call.command(Command::Lease(LeaseStep::Transfer { lease, to })).await
}

/// `GET /v1/leases`: the live ones, the oldest first. An agent sees its own, and others' on what it may read.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query(&["min_seq", "at"])?;
    let state = call.front(&query).await?;
    let now = past::now(&call, &query).await?;
    let seen = |lease: &&Arc<Lease>| {
        lease.is_live(now)
            && call.caller.agent().is_none_or(|agent| {
                sees(&state, agent, lease) && sees(&call.space.handle().front(), agent, lease)
            })
    };
    json(&LeaseList {
        leases: state.board.leases.values().filter(seen).cloned().collect(),
        seq: state.head(),
    })
}

fn sees(state: &Front, agent: &AgentId, lease: &Lease) -> bool {
    lease.holder == *agent
        || match &lease.target {
            LeaseTarget::Path(path) => !state.board.map.is_hidden(agent, &path.entity, &path.field),
            LeaseTarget::Task(_) => false,
        }
}
