//! The SDK's client, by each way and in each of the protocols.

use std::process::{Child, Command, Stdio};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, ClientConfig,
    Implementation, ProtocolVersion,
};
use rmcp::service::{ClientLifecycleMode, RunningService, serve_client_with_lifecycle};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use rmcp::{ClientHandler, RoleClient};
use serde_json::{Value as Json, json};
use tokio::net::unix::pipe;

use crate::support::Caller;

/// By which way, in which protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Over HTTP, 2025-11-25.
    Http25,
    /// Over HTTP, 2026-07-28.
    Http26,
    /// On standard input and output, 2025-11-25.
    Stdio25,
    /// On standard input and output, 2026-07-28.
    Stdio26,
}

pub(crate) const KINDS: [Kind; 4] = [Kind::Http25, Kind::Http26, Kind::Stdio25, Kind::Stdio26];

/// An agent at its client.
pub(crate) struct Agent<H: ClientHandler = ClientConfig> {
    pub(crate) service: RunningService<RoleClient, H>,
    child: Option<Child>,
}

/// A client that knows tasks, or none.
pub(crate) fn config(tasks: bool) -> ClientConfig {
    let capabilities = ClientCapabilities::builder();
    let capabilities = if tasks { capabilities.enable_tasks().build() } else { capabilities.build() };
    ClientConfig::new(capabilities, Implementation::new("a test", "1"))
}

impl Agent {
    pub(crate) async fn new(caller: &Caller, kind: Kind) -> Self {
        Self::with(caller, kind, config(false)).await
    }
}

impl<H: ClientHandler> Agent<H> {
    pub(crate) async fn with(caller: &Caller, kind: Kind, handler: H) -> Self {
        let lifecycle = match kind {
            Kind::Http25 | Kind::Stdio25 => ClientLifecycleMode::Initialize,
            Kind::Http26 | Kind::Stdio26 => {
                ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] }
            }
        };
        match kind {
            Kind::Http25 | Kind::Http26 => {
                let config = StreamableHttpClientTransportConfig::with_uri(format!("{}/mcp", caller.base))
                    .auth_header(caller.token.clone());
                let http = reqwest::Client::builder().no_proxy().build().unwrap();
                let transport = StreamableHttpClientTransport::with_client(http, config);
                let service = serve_client_with_lifecycle(handler, transport, lifecycle).await.unwrap();
                Self { service, child: None }
            }
            Kind::Stdio25 | Kind::Stdio26 => {
                let mut child = stdio(caller).spawn().unwrap();
                let input = pipe::Sender::from_owned_fd(child.stdin.take().unwrap().into()).unwrap();
                let output = pipe::Receiver::from_owned_fd(child.stdout.take().unwrap().into()).unwrap();
                let service = serve_client_with_lifecycle(handler, (output, input), lifecycle).await.unwrap();
                Self { service, child: Some(child) }
            }
        }
    }

    /// Calls a tool, and gives what came back as it is.
    pub(crate) async fn call_raw(&self, name: &str, arguments: Json) -> CallToolResponse {
        let params = CallToolRequestParams::new(name.to_owned())
            .with_arguments(arguments.as_object().unwrap().clone());
        self.service.call_tool_once(params).await.unwrap()
    }

    /// Calls a tool that answers at once.
    pub(crate) async fn call(&self, name: &str, arguments: Json) -> Json {
        let came = self.call_raw(name, arguments).await;
        let CallToolResponse::Complete(result) = &came else { panic!("{name} came back as {came:?}") };
        structured(result)
    }

    pub(crate) async fn end(self) {
        self.service.cancel().await.unwrap();
        if let Some(mut child) = self.child {
            assert!(child.wait().unwrap().success(), "deeds mcp ends well when its input does");
        }
    }
}

/// What a result says, which stands in its text too.
pub(crate) fn structured(result: &CallToolResult) -> Json {
    let said = result.structured_content.clone().unwrap();
    let text = serde_json::to_value(&result.content).unwrap();
    let text = text[0]["text"].as_str().unwrap().to_owned();
    for part in ["outcome", "reason", "next"] {
        assert!(text.contains(said[part].as_str().unwrap()), "{part} is not in {text:?}");
    }
    assert_eq!(result.is_error, Some(said["outcome"] == json!("error")), "{said}");
    said
}

/// `deeds mcp`, which finds its token in the environment.
pub(crate) fn stdio(caller: &Caller) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deeds"));
    command
        .args(["--connect", &caller.base, "mcp"])
        .env("DEEDS_TOKEN", &caller.token)
        .env("DEEDS_CONFIG", "/dev/null")
        .env_remove("DEEDS_DATA_DIR")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    command
}
