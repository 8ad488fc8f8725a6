//! The proof of the server: anyone may ask for it, since it tells nobody anything who does not have the secret.

use crate::api::{Hash, Proof, ProofKey};
use crate::server::answer::{Answer, defect, json};
use crate::server::gate::Stranger;

/// `GET /v1/proof`: the answer to a random number. A server of no data directory answers with what nobody can check.
pub(in crate::server) async fn show(stranger: Stranger) -> Answer {
    let nonce: Hash = stranger.query()?.need("nonce")?;
    let app = &stranger.app;
    let instance = app.workspaces.instance();
    let key = match &app.proof {
        Some(key) => key.clone(),
        None => ProofKey::random().map_err(|error| defect(error.to_string()))?,
    };
    let proof = key.seal(&nonce, instance, &app.address.to_string());
    let node = app.node.as_ref().map(|(key, address)| key.seal(&nonce, instance, address));
    json(&Proof { instance: instance.to_owned(), proof, node })
}
