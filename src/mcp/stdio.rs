//! The server on standard input and output. Each line is looked at before the SDK reads it: what a call's arguments are, to
//! the byte, is kept until the call is made.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::RequestId;
use rmcp::service::serve_server;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};

use super::Server;
use super::way::{Way, raw_arguments};

/// Longest line, as the SDK has it too.
const LINE: u64 = 16 * 1024 * 1024;
/// Most calls whose arguments are kept: a client that does not wait has no more under way.
const UNDER_WAY: usize = 4_096;
/// How much goes through at once.
const PIPE: usize = 64 * 1024;

/// The arguments of calls that were read and not made yet, in their order.
#[derive(Debug, Clone, Default)]
pub struct StdioArguments(Arc<Mutex<VecDeque<Kept>>>);

/// Those of one call.
type Kept = (RequestId, Box<RawValue>);

impl StdioArguments {
    /// Those of a call, once.
    pub fn take(&self, id: &RequestId) -> Option<Box<RawValue>> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(one, _)| one == id)?;
        kept.remove(at).map(|(_, arguments)| arguments)
    }

    fn see(&self, line: &[u8]) {
        #[derive(Deserialize)]
        struct Numbered {
            id: RequestId,
        }
        let Some(arguments) = raw_arguments(line) else { return };
        let Ok(Numbered { id }) = serde_json::from_slice(line) else { return };
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= UNDER_WAY {
            kept.pop_front();
        }
        kept.push_back((id, arguments));
    }
}

/// Serves one client until its input ends.
///
/// # Errors
/// When it does not speak the protocol from the start, or its pipes fail.
pub async fn serve<W: Way>(
    way: W,
    arguments: StdioArguments,
    input: impl AsyncRead + Send + Unpin + 'static,
    output: impl AsyncWrite + Send + Unpin + 'static,
) -> io::Result<()> {
    let (read, write) = tokio::io::duplex(PIPE);
    let looking = tokio::spawn(look(input, write, arguments));
    let served = match serve_server(Server::lasting(way), (read, output)).await {
        Ok(running) => running.waiting().await.map(drop).map_err(io::Error::other),
        // Who goes without a word was only looking whether somebody is there.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => Ok(()),
        Err(error) => Err(io::Error::other(error)),
    };
    looking.abort();
    served
}

/// Passes lines on, having looked at each.
async fn look(
    input: impl AsyncRead + Unpin,
    mut output: impl AsyncWrite + Unpin,
    arguments: StdioArguments,
) -> io::Result<()> {
    let mut input = BufReader::new(input);
    let mut line = Vec::new();
    loop {
        line.clear();
        if (&mut input).take(LINE).read_until(b'\n', &mut line).await? == 0 {
            return output.shutdown().await;
        }
        arguments.see(&line);
        output.write_all(&line).await?;
    }
}
