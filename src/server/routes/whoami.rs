//! Who a token is, and what server it speaks to.

use crate::api::{Problem, TroubleView, WhoAmI};
use crate::coordinator::Handle;
use crate::domain::ids::Seq;
use crate::domain::things::{Loss, TokenClass};
use crate::server::answer::{Answer, json};
use crate::server::gate::Call;
use crate::server::past;
use crate::server::query::Query;

/// `GET /v1/whoami`; with `at`, also which moment that names.
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query()?;
    json(&who(&call, &query).await?)
}

/// Who asks, and of when.
pub(in crate::server) async fn who(call: &Call, query: &Query) -> Result<WhoAmI, Box<Problem>> {
    let token = &call.caller.record.token;
    let moment = past::moment(call, query).await?;
    Ok(WhoAmI {
        workspace: call.space.id().clone(),
        actor: call.caller.principal.actor.clone(),
        class: token.class,
        token: token.id.clone(),
        expires: token.expires,
        server_admin: is_server_admin(call),
        ledger: call.space.handle().identity().source(),
        server: call.app.facts(),
        as_of: moment.map(|moment| moment.as_of),
        trouble: trouble(call.space.handle()),
        unreplicated: call.space.handle().unreplicated().map(|error| error.to_string()),
    })
}

/// Why nothing can be recorded at present, and what is missing.
pub(in crate::server) fn trouble(handle: &Handle) -> Option<TroubleView> {
    let trouble = handle.trouble()?;
    let missing = handle.lost().and_then(|lost| lost.missing());
    let missing = missing.map(|(first, last)| Loss { first: Seq(first), last: Seq(last) });
    Some(TroubleView { detail: trouble.to_string(), missing })
}

/// The admins of the home workspace are the server's.
pub(in crate::server) fn is_server_admin(call: &Call) -> bool {
    call.caller.principal.class == TokenClass::Admin
        && call.app.workspaces.home().is_some_and(|home| home == *call.space.id())
}
