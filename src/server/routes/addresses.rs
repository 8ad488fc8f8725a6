//! The list of addresses, printed from the router's table.

use std::sync::Arc;

use serde::Serialize;

use crate::server::answer::{Answer, json};
use crate::server::{App, ROUTES, RouteKind};

#[derive(Serialize)]
struct Addresses {
    routes: Vec<Address>,
}

#[derive(Serialize)]
struct Address {
    method: &'static str,
    path: &'static str,
    /// The classes of tokens whose requests can have effect; none where no token is needed.
    who: Vec<&'static str>,
    /// Whether what is asked is recorded, a refusal too.
    recorded: bool,
    body_bytes: usize,
}

/// `GET /v1`: every address, with what may ask there.
pub(in crate::server) async fn list(_: Arc<App>) -> Answer {
    let address = |route: &crate::server::Route| Address {
        method: route.method,
        path: route.path,
        who: route.who.classes().iter().map(|class| class.as_str()).collect(),
        recorded: route.kind == RouteKind::Command,
        body_bytes: route.body_bytes,
    };
    json(&Addresses { routes: ROUTES.iter().map(address).collect() })
}
