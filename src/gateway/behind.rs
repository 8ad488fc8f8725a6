//! The server behind: which it is, how it is started or reached, and the one way in.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::child::Child;
use super::frame::Message;
use super::http::Http;
use super::link::Link;

/// A text that nobody is shown: a token of the server behind.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// Where the server behind is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A program that speaks on its standard input and output.
    Program {
        /// The program and its arguments.
        command: Vec<String>,
        /// What it finds in its environment beside what it inherits.
        env: BTreeMap<String, Secret>,
        /// Whether it inherits the whole environment, or what every program needs.
        inherit: bool,
        /// Where it is started; here without one.
        directory: Option<PathBuf>,
    },
    /// A server that speaks Streamable HTTP.
    Url {
        /// Its address.
        url: String,
        /// What every request to it carries.
        headers: BTreeMap<String, Secret>,
    },
}

/// The way to it.
pub(super) enum Behind {
    /// A program of ours.
    Child(Child),
    /// A server elsewhere.
    Http(Http),
}

impl Behind {
    /// Sends a message; what becomes of a request is told to the link.
    pub(super) async fn send(&self, link: &Arc<Link>, message: &Message) {
        match self {
            Self::Child(child) => child.send(link, message).await,
            Self::Http(http) => Box::pin(http.send(link, message)).await,
        }
    }

    /// Ends it.
    pub(super) async fn end(&self) {
        match self {
            Self::Child(child) => child.end().await,
            Self::Http(http) => http.end().await,
        }
    }
}
