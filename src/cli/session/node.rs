//! What this process is to other nodes on its database: how they reach it, and how it reaches them.

use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::Context as _;

use super::url_of;
use crate::api::{LEAST_SECRET, ProofKey};
use crate::client::{Carry, Peer, Uncarried};
use crate::ledger::nodes::Node;
use crate::ledger::secret_in;
use crate::server::{Advertised, Brought, Carrier, Errand, NotCarried, Tls};

/// As the settings say; else where it listens, if other machines reach that.
pub(super) fn advertised(
    said: Option<&Arc<str>>,
    address: SocketAddr,
    tls: Option<&Tls>,
    carry: Carry,
) -> Advertised {
    let is_reached = !address.ip().is_loopback() && !address.ip().is_unspecified();
    let own = || if is_reached { url_of(address, tls.is_some()).into() } else { Arc::from("") };
    let carrier = Arc::new(ByHttp(carry));
    Advertised { address: said.map_or_else(own, Arc::clone), tls: tls.cloned(), carrier }
}

/// The secret in that file, which all nodes have.
pub(super) fn secret(file: &Path) -> anyhow::Result<ProofKey> {
    let text = secret_in(file).with_context(|| file.display().to_string())?;
    ProofKey::shared(&text).with_context(|| {
        format!(
            "{}: the secret of the nodes has less than {LEAST_SECRET} characters; make one with `openssl rand -hex 32`",
            file.display()
        )
    })
}

#[derive(Debug)]
struct ByHttp(Carry);

impl Carrier for ByHttp {
    fn carry<'a>(
        &'a self,
        to: &'a Node,
        errand: Errand,
    ) -> Pin<Box<dyn Future<Output = Brought> + Send + 'a>> {
        Box::pin(async move {
            let certificate = to.certificate.as_ref().map(|text| text.parse()).transpose();
            let certificate =
                certificate.map_err(|_| NotCarried::Unsent("its certificate is told wrongly".to_owned()))?;
            let peer = Peer { instance: Arc::clone(&to.instance), address: Arc::clone(&to.address) };
            self.0.send(&peer, certificate, errand).await.map_err(|error| match error {
                Uncarried::Unsent(why) => NotCarried::Unsent(why),
                Uncarried::Lost(why) => NotCarried::Lost(why),
            })
        })
    }
}
