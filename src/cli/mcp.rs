//! `deeds mcp`: Deeds' tools for one agent, on standard input and output, for programs that start their tools themselves.

use clap::Args;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use rmcp::RoleServer;
use rmcp::model::Extensions;
use rmcp::service::RequestContext;
use rmcp::transport::io::stdio_pipes;
use serde_json::value::RawValue;

use super::agent::As;
use super::context::Context;
use super::session::with_client;
use super::status::Status;
use crate::api::{Problem, ProblemCode};
use crate::client::{Client, ClientError, DeedStream, Passed, StreamEvent, StreamFrom};
use crate::domain::things::Door;
use crate::mcp::{self, Ask, Asking, Changes, StdioArguments, Way};

/// What it takes beside what all commands take.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  deeds mcp --as intake\n  deeds --token-file ~/agent.token mcp\n  deeds --connect https://deeds.example --token-file ~/agent.token mcp\n\nWhat a program that speaks MCP is given as command: `deeds`, with these arguments. The token comes from a file or\nfrom DEEDS_TOKEN, never from the arguments. Over HTTP the same is at /mcp of every server."
)]
pub(crate) struct Command {
    #[command(flatten)]
    who: As,
}

/// Serves until the input ends.
pub(super) fn run(context: &Context, command: &Command) -> anyhow::Result<Status> {
    with_client(&command.who.of(context), async |client| {
        let arguments = StdioArguments::default();
        let way = Outside { client: client.clone(), arguments: arguments.clone() };
        let (input, output) = stdio_pipes();
        mcp::serve_stdio(way, arguments, input, output).await?;
        Ok(Status::Done)
    })
}

/// The way to a server by the client.
#[derive(Debug, Clone)]
struct Outside {
    client: Client,
    arguments: StdioArguments,
}

impl Way for Outside {
    fn ask(&self, _: &Extensions, ask: Ask) -> Asking {
        let client = self.client.clone();
        let Ask { method, path, key, traceparent, body, wait } = ask;
        async move {
            let passed = Passed { method, path, key, traceparent, body, wait };
            client.pass(Door::Mcp, passed).await.map_err(problem)
        }
        .boxed()
    }

    fn changes(&self, _: &Extensions) -> BoxFuture<'static, Result<Changes, Box<Problem>>> {
        let client = self.client.clone();
        async move {
            let after = client.outputs().await.map_err(problem)?.seq;
            let stream = client.stream(StreamFrom { after, ..StreamFrom::default() });
            Ok(stream::unfold(stream, changed).boxed())
        }
        .boxed()
    }

    fn arguments(&self, context: &RequestContext<RoleServer>) -> Option<Box<RawValue>> {
        self.arguments.take(&context.id)
    }
}

/// Waits for the next deed; none once the stream has ended for good.
async fn changed(mut stream: DeedStream) -> Option<((), DeedStream)> {
    loop {
        match stream.next().await? {
            StreamEvent::Deed { .. } => return Some(((), stream)),
            StreamEvent::Rewritten { .. } | StreamEvent::Refused(_) => return None,
            StreamEvent::Connected { .. }
            | StreamEvent::Progress { .. }
            | StreamEvent::Disconnected { .. } => {}
        }
    }
}

/// What could not be asked, as a problem.
fn problem(error: ClientError) -> Box<Problem> {
    let error = match error {
        ClientError::Problem(problem) => return problem,
        error @ (ClientError::Address { .. }
        | ClientError::Token { .. }
        | ClientError::Unreachable { .. }
        | ClientError::TooLong { .. }
        | ClientError::Signing { .. }
        | ClientError::Forked { .. }
        | ClientError::Protocol { .. }) => error,
    };
    let next = "try again in a moment, under the same `key`; tell a person if it lasts";
    Box::new(Problem::new(ProblemCode::Unknown, error.to_string()).next(next))
}
