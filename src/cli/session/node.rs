//! What this process is to other nodes on its database: how they reach it, and how it reaches them.

use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use super::url_of;
use crate::client::{Carry, Uncarried};
use crate::ledger::nodes::Node;
use crate::server::{Advertised, Brought, Carrier, Errand, NotCarried, Tls};

/// As the settings say; else where it listens, if other machines reach that.
pub(super) fn advertised(
    said: Option<&Arc<str>>,
    address: SocketAddr,
    tls: Option<&Tls>,
    allow_plaintext: bool,
) -> Advertised {
    let is_reached = !address.ip().is_loopback() && !address.ip().is_unspecified();
    let own = || if is_reached { url_of(address, tls.is_some()).into() } else { Arc::from("") };
    let carrier = Arc::new(ByHttp(Carry::new(allow_plaintext)));
    Advertised { address: said.map_or_else(own, Arc::clone), tls: tls.cloned(), carrier }
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
            self.0.send(&to.address, certificate, errand).await.map_err(|error| match error {
                Uncarried::Unsent(why) => NotCarried::Unsent(why),
                Uncarried::Lost(why) => NotCarried::Lost(why),
            })
        })
    }
}
