//! TLS to a server elsewhere: its certificate is one that the system's authorities vouch for, or the one that a person
//! said is right, which is remembered. Another one is refused, and both are shown.

use std::io::{IsTerminal as _, Write as _};

use super::{ATTACH_ATTEMPTS, client_by, client_with};
use crate::api::{Fingerprint, TokenText};
use crate::cli::context::Context;
use crate::cli::status::Usage;
use crate::client::{Client, Trust, Url, Way};

/// What is typed by who has compared.
const YES: &str = "yes";

/// Signs in to a server elsewhere, once it is known which one it is.
pub(super) async fn reach(context: &Context, url: &Url, token: TokenText) -> anyhow::Result<Client> {
    if url.scheme() != "https" {
        let client = client_by(context, &Way::Address, url.as_str(), token)?;
        client.whoami().await?;
        return Ok(client);
    }
    let kept = context.existing_dir().ok().and_then(|dir| dir.pin(url));
    let pin = context.tls_fingerprint.or(kept);
    match by(context, url, token.clone(), pin).await {
        Ok(client) => {
            if let Some(given) = context.tls_fingerprint.filter(|given| kept != Some(*given)) {
                context.open_dir()?.keep_pin(url, given)?;
            }
            Ok(client)
        }
        Err((_, Some(shown))) => {
            if let Some(pin) = pin {
                return Err(changed(url, pin, shown));
            }
            ask(url, shown)?;
            let client = by(context, url, token, Some(shown)).await.map_err(|(error, _)| error)?;
            context.open_dir()?.keep_pin(url, shown)?;
            Ok(client)
        }
        Err((error, None)) => Err(error),
    }
}

/// The same by that certificate; where it fails, with the one that was shown and not taken.
async fn by(
    context: &Context,
    url: &Url,
    token: TokenText,
    pin: Option<Fingerprint>,
) -> Result<Client, (anyhow::Error, Option<Fingerprint>)> {
    let trust = Trust::new(pin);
    let way = Way::Trusting(trust.clone());
    let first = client_with(context, &way, url.as_str(), token.clone(), ATTACH_ATTEMPTS)
        .map_err(|error| (error.into(), None))?;
    if let Err(error) = first.whoami().await {
        return Err((error.into(), trust.refused()));
    }
    client_by(context, &way, url.as_str(), token).map_err(|error| (error.into(), None))
}

/// Nobody vouches for the certificate: somebody must say that it is the right one.
fn ask(url: &Url, shown: Fingerprint) -> anyhow::Result<()> {
    let said = format!(
        "{url} shows a certificate that no authority of this system vouches for: {shown}. Compare it with what `deeds serve` printed there"
    );
    let mut err = std::io::stderr();
    if !std::io::stdin().is_terminal() || !err.is_terminal() {
        return Err(Usage::error(format!(
            "{said}, and say so with --tls-fingerprint {shown}; it is remembered"
        )));
    }
    write!(err, "{said}.\nIs it the same? It is remembered then, and any other is refused. [yes/no] ")?;
    err.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    if answer.trim().eq_ignore_ascii_case(YES) {
        return Ok(());
    }
    Err(Usage::error(format!("{url}: its certificate was not taken, and nothing was sent")))
}

fn changed(url: &Url, pin: Fingerprint, shown: Fingerprint) -> anyhow::Error {
    Usage::error(format!(
        "{url}: its certificate is not the one that is remembered, and nothing was sent.\n  remembered: {pin}\n  shown now:  {shown}\nIf whoever runs the server says that the new one is theirs, take it with --tls-fingerprint {shown}; else somebody stands between you and the server"
    ))
}
