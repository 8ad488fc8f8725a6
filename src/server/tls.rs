//! TLS: a certificate and its key from files, and from the same files again when they change.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::api::Fingerprint;

/// How often it is looked whether the files have changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Why there is no TLS: the file, the reason and the mend.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}; {mend}", place.display())]
pub struct TlsError {
    place: PathBuf,
    why: String,
    mend: &'static str,
}

/// What a server speaks TLS with.
#[derive(Debug, Clone)]
pub struct Tls {
    certificate: PathBuf,
    key: PathBuf,
    now: Arc<RwLock<Now>>,
}

#[derive(Debug, Clone)]
struct Now {
    config: Arc<ServerConfig>,
    fingerprint: Fingerprint,
}

/// When the files were changed last, and how long they were.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Tls {
    /// From a file with a certificate and those that vouch for it, and one with its key, both in PEM.
    ///
    /// # Errors
    /// When a file can't be read or does not hold that, or the two do not belong together.
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let now = read(certificate, key)?;
        Ok(Self { certificate: certificate.to_owned(), key: key.to_owned(), now: Arc::new(RwLock::new(now)) })
    }

    /// The certificate's fingerprint.
    pub fn fingerprint(&self) -> Fingerprint {
        self.now.read().unwrap_or_else(PoisonError::into_inner).fingerprint
    }

    /// For the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&now.config))
    }

    /// Reads the files again whenever they have changed; until they can be read, what was read before stays.
    pub(super) async fn follow(self) {
        let mut seen = self.stamp();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let stamp = self.stamp();
            if stamp == seen {
                continue;
            }
            match read(&self.certificate, &self.key) {
                Ok(now) => {
                    tracing::info!(fingerprint = %now.fingerprint, "the certificate was read again");
                    *self.now.write().unwrap_or_else(PoisonError::into_inner) = now;
                    seen = stamp;
                }
                // One file may be there already and the other not yet.
                Err(error) => {
                    tracing::warn!(%error, "the certificate can't be read again; the one of before stays");
                }
            }
        }
    }

    fn stamp(&self) -> Stamp {
        [&self.certificate, &self.key].map(|file| {
            let about = fs::metadata(file).ok()?;
            Some((about.modified().ok()?, about.len()))
        })
    }
}

fn read(certificate: &Path, key: &Path) -> Result<Now, TlsError> {
    let wrong = |place: &Path, why: String, mend| TlsError { place: place.to_owned(), why, mend };
    let chain =
        CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(
            |error| wrong(certificate, error.to_string(), "name a certificate in PEM with --tls-cert"),
        )?;
    let Some(first) = chain.first() else {
        return Err(wrong(
            certificate,
            "there is no certificate in it".to_owned(),
            "name one in PEM with --tls-cert",
        ));
    };
    let fingerprint = Fingerprint::of(first);
    let secret = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| wrong(key, error.to_string(), "name its key in PEM with --tls-key"))?;
    let unfit = |error: tokio_rustls::rustls::Error| {
        wrong(key, error.to_string(), "name the key that belongs to the certificate")
    };
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().map_err(unfit)?.with_no_client_auth();
    let mut config = builder.with_single_cert(chain, secret).map_err(unfit)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Now { config: Arc::new(config), fingerprint })
}

/// Makes a certificate that nobody vouches for, with its key, for those names; both in PEM.
///
/// # Errors
/// When a name can't stand in a certificate.
pub fn self_signed(names: Vec<String>) -> io::Result<(String, String)> {
    let made = rcgen::generate_simple_self_signed(names).map_err(io::Error::other)?;
    Ok((made.cert.pem(), made.signing_key.serialize_pem()))
}
