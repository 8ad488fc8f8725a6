//! Who a token is, and what server it speaks to.

use crate::{
    api::WhoAmI,
    domain::state::TokenClass,
    server::{
        answer::{Answer, json},
        gate::Call,
    },
};

/// `GET /v1/whoami`
pub(in crate::server) async fn show(call: Call) -> Answer {
    call.query(&[])?;
    json(&who(&call))
}

/// Who asks.
pub(in crate::server) fn who(call: &Call) -> WhoAmI {
    let token = &call.caller.record.token;
    WhoAmI {
        workspace: call.space.id().clone(),
        actor: call.caller.principal.actor.clone(),
        class: token.class,
        token: token.id.clone(),
        expires: token.expires,
        server_admin: is_server_admin(call),
        ledger: call.space.handle().identity().source(),
        server: call.app.facts(),
    }
}

/// The admins of the home workspace are the server's.
pub(in crate::server) fn is_server_admin(call: &Call) -> bool {
    call.caller.principal.class == TokenClass::Admin
        && call.app.workspaces.home().is_some_and(|home| home == *call.space.id())
}
