//! The list of addresses, and what travels there.

use std::sync::Arc;

use crate::api::{self, OPENAPI};
use crate::server::App;
use crate::server::answer::{Answer, json};

/// `GET /v1`: every address, with who may ask there.
pub(in crate::server) async fn list(_: Arc<App>) -> Answer {
    json(&api::address_list())
}

/// `GET /openapi.json`
pub(in crate::server) async fn openapi(_: Arc<App>) -> Answer {
    json(&*OPENAPI)
}
