//! Whose certificate is taken: one that the system's authorities vouch for, or the one that was seen before.

use std::sync::{Arc, Mutex, PoisonError};

use rustls_platform_verifier::Verifier;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
};

use crate::api::Fingerprint;

/// Whose certificate is taken.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    pin: Option<Fingerprint>,
    any: bool,
    refused: Arc<Mutex<Option<Fingerprint>>>,
}

impl Trust {
    /// The certificate with this fingerprint and no other; without one, those that the system's authorities vouch for.
    pub fn new(pin: Option<Fingerprint>) -> Self {
        Self { pin, ..Self::default() }
    }

    /// Any: the server shows in another way that it is the one.
    pub(super) fn any() -> Self {
        Self { any: true, ..Self::default() }
    }

    /// The certificate that was shown last and not taken. Nothing was sent there.
    pub fn refused(&self) -> Option<Fingerprint> {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The settings of connections that speak TLS.
    pub(super) fn config(self) -> Result<ClientConfig, Error> {
        let provider = Arc::new(ring::default_provider());
        let authorities =
            if self.pin.is_none() && !self.any { Some(Verifier::new(Arc::clone(&provider))?) } else { None };
        let check = Arc::new(Check { trust: self, authorities, provider: Arc::clone(&provider) });
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        Ok(builder.dangerous().with_custom_certificate_verifier(check).with_no_client_auth())
    }
}

/// The settings of connections that never speak TLS: they trust nobody.
pub(super) fn nobody() -> Result<ClientConfig, Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

#[derive(Debug)]
struct Check {
    trust: Trust,
    authorities: Option<Verifier>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Check {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let shown = Fingerprint::of(certificate);
        let taken = match (&self.authorities, self.trust.pin) {
            (_, Some(pin)) if pin != shown => {
                Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
            }
            (Some(authorities), None) => authorities.verify_server_cert(certificate, others, name, ocsp, now),
            (_, Some(_)) | (None, None) => Ok(ServerCertVerified::assertion()),
        };
        let refused = taken.is_err().then_some(shown);
        *self.trust.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused;
        taken
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls12_signature(message, certificate, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let known = &self.provider.signature_verification_algorithms;
        tokio_rustls::rustls::crypto::verify_tls13_signature(message, certificate, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
