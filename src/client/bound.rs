//! How much of an answer is read: no answer is, without a bound, whatever kind it is of. What is longer ends with an error
//! that says so, and the connection with it.

use bytes::{Bytes, BytesMut};
use reqwest::Response;

use super::{Client, ClientError, Result};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

macro_rules! bounds {
    ($($(#[doc = $says:literal])+ $name:ident $bytes:expr, $word:literal;)*) => {
        /// A kind of answer, by how long it may be.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Bound {
            $($(#[doc = $says])+ $name,)*
        }

        impl Bound {
            /// Most bytes of it.
            pub(super) const fn bytes(self) -> usize {
                match self { $(Self::$name => $bytes,)* }
            }

            /// What it is called where it is too long.
            const fn word(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

bounds! {
    /// Who one is, and how the server is.
    Word 64 * KIB, "an answer about a token and its server";
    /// What a command comes to, or one thing by itself.
    Reply 32 * MIB, "the answer to a command";
    /// A map, which may have one MiB as a file.
    Map 16 * MIB, "a map";
    /// Everything of one kind that is open, or kept.
    List 128 * MIB, "a list";
    /// A page of deeds; a thousand of them may carry a MiB each.
    Page 256 * MIB, "a page of deeds";
    /// A page of what a console starts from: the map is on the first.
    Board 64 * MIB, "a page of the board";
    /// Why not, with what was found.
    Problem 4 * MIB, "a problem";
    /// One event of a stream: a deed with all that it carries.
    Event 32 * MIB, "an event of the stream";
    /// One line of a long look; the last one is its result.
    Line 64 * MIB, "a line of a long look";
}

impl Bound {
    /// The error of what is longer.
    pub(super) fn passed(self) -> ClientError {
        ClientError::TooLong { what: self.word(), bytes: self.bytes() }
    }
}

impl Client {
    /// The body of an answer: as its kind is bounded, or as a problem is.
    pub(super) async fn body(&self, response: Response, bound: Bound) -> Result<Bytes> {
        match body(response, bound).await {
            Ok(bytes) => Ok(bytes),
            Err(Broken::Long(bound)) => Err(bound.passed()),
            Err(Broken::Lost(error)) => Err(self.unreachable(&error)),
        }
    }
}

/// Why a body did not come whole.
pub(super) enum Broken {
    /// It is longer than what is taken.
    Long(Bound),
    /// The connection failed.
    Lost(reqwest::Error),
}

/// The same, where a lost connection may be tried again.
pub(super) async fn body(mut response: Response, bound: Bound) -> std::result::Result<Bytes, Broken> {
    let bound = if response.status().is_success() { bound } else { Bound::Problem };
    let said = response.content_length().unwrap_or_default();
    if usize::try_from(said).map_or(true, |said| said > bound.bytes()) {
        return Err(Broken::Long(bound));
    }
    let mut bytes = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(Broken::Lost)? {
        if bytes.len().saturating_add(chunk.len()) > bound.bytes() {
            return Err(Broken::Long(bound));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}
