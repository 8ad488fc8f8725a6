//! The list of addresses, and what travels there.

use crate::api::{self, OPENAPI};
use crate::server::answer::{Answer, json};
use crate::server::gate::Stranger;

/// `GET /v1`: every address, with who may ask there.
pub(in crate::server) async fn list(_: Stranger) -> Answer {
    json(&api::address_list())
}

/// `GET /openapi.json`
pub(in crate::server) async fn openapi(_: Stranger) -> Answer {
    json(&*OPENAPI)
}
