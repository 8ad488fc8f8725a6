//! Deeds as an MCP server: its tools, resources and tasks for agents. Each of them is a request at an address of `api`,
//! sent the way that every other request goes, under the agent's own token. Nothing here decides, remembers, or sees more
//! than such an answer tells.
//!
//! `table` has the tools in the words that a model reads, `call` makes a request of a call, `said` an answer of what comes
//! back, `resources` what can be read and followed, `tasks` the waiting for a person; `way` is how requests leave, `stdio`
//! the server on standard input and output.

mod call;
mod resources;
mod said;
mod slim;
mod stdio;
mod table;
mod tasks;
mod way;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CancelTaskParams, CreateTaskResult, GetTaskParams,
    GetTaskResult, Implementation, InitializeRequestParams, InitializeResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ProtocolVersion, ReadResourceRequestParams,
    ReadResourceResponse, ServerCapabilities, ServerConfig, SubscribeRequestParams, SubscriptionFilter, Tool,
    UnsubscribeRequestParams, UpdateTaskParams,
};
use rmcp::service::{RequestContext, SubscriptionContext};
use rmcp::{ErrorData, RoleServer, ServerHandler};

use self::resources::{Ear, Following};
pub use self::stdio::{StdioArguments, serve as serve_stdio};
pub use self::table::{TOOLS, ToolRow, listed};
pub(crate) use self::way::raw_arguments;
pub use self::way::{Ask, Asking, Changes, Way};

/// What a model is told of the server as a whole.
const INSTRUCTIONS: &str = "Deeds coordinates a team of AI agents that share records, inboxes and files. Each part of the \
    shared state has one owner, and every change is recorded. You are one of these agents; your token says which. \
    Begin with my_zone. Read a record (read_record) before you change it (write_fields), and ask (ask_before_acting) before \
    anything that can't be taken back. Every answer has `outcome`, `reason` and `next`: do what `next` says. \
    A refusal is an answer, not a fault: don't try to get round it. Where a person decides, go on with other work and call \
    `wait` later. take_work gives you what others have for you; finish_work says how it went.";

/// The server, on one way.
#[derive(Debug)]
pub struct Server<W> {
    way: W,
    /// What is followed between requests, where there is a session to follow it in.
    following: Option<Following>,
}

impl<W: Way> Server<W> {
    /// One that has nothing but the request in hand.
    pub fn stateless(way: W) -> Self {
        Self { way, following: None }
    }

    /// One whose client stays.
    fn lasting(way: W) -> Self {
        Self { way, following: Some(Following::default()) }
    }

    async fn call(
        &self,
        request: CallToolRequestParams,
        context: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = table::tool(&request.name) else {
            let names: Vec<&str> = TOOLS.iter().map(|tool| tool.name).collect();
            let why = format!("there is no tool {:.80}; there are {}", request.name, names.join(", "));
            return Err(ErrorData::invalid_params(why, None));
        };
        let said = match call::ask(tool, &self.way, context) {
            Ok(ask) => {
                let asking = self.way.ask(&context.extensions, ask);
                let answered = if tool.waits() {
                    // Whoever has gone does not wait; what is recorded stays.
                    tokio::select! {
                        answered = asking => answered,
                        () = context.ct.cancelled() => return Err(ErrorData::internal_error("cancelled", None)),
                    }
                } else {
                    asking.await
                };
                said::of(tool, answered)
            }
            Err(problem) => said::problem(&problem),
        };
        let has_tasks = context.client_capabilities().is_some_and(|client| client.supports_tasks());
        if has_tasks && let Some(item) = said.item() {
            let shown = tasks::show(&self.way, &context.extensions, &item.to_string()).await?;
            return Ok(CallToolResponse::Task(CreateTaskResult::new(tasks::task(&shown))));
        }
        Ok(CallToolResponse::Complete(said.result()))
    }
}

impl<W: Way> ServerHandler for Server<W> {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_tasks()
            .build();
        let name = Implementation::new("deeds", env!("CARGO_PKG_VERSION")).with_title("Deeds");
        ServerConfig::new(capabilities).with_server_info(name).with_instructions(INSTRUCTIONS)
    }

    async fn initialize(
        &self,
        request: InitializeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        context.peer.set_peer_info(request.clone());
        let mut answer = self.negotiate_initialize(&request)?;
        // Without a session nothing reaches who subscribed.
        if let Some(resources) = answer.capabilities.resources.as_mut().filter(|_| self.following.is_none()) {
            resources.subscribe = None;
        }
        Ok(answer)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(listed().to_vec()))
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        listed().iter().find(|tool| tool.name == name).cloned()
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        Box::pin(self.call(request, &context)).await
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(resources::list()))
    }

    async fn list_resource_templates(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        Ok(ListResourceTemplatesResult::with_all_items(vec![resources::template()]))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let read = resources::read(&self.way, &context.extensions, &request.uri).await?;
        Ok(ReadResourceResponse::Complete(read))
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        let uris = requested.resource_subscriptions.iter().flatten();
        let known = uris.filter(|uri| resources::is_known(uri)).take(resources::FOLLOWED).cloned();
        Some(SubscriptionFilter::builder().resource_subscriptions(known.collect::<Vec<String>>()).build())
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let uris = context.accepted().resource_subscriptions.clone().unwrap_or_default();
        let ear = Ear::Sink(context.sink().clone());
        let from = context.request_context().extensions.clone();
        let following = resources::follow(self.way.clone(), from, uris, ear);
        tokio::select! {
            ended = Box::pin(following) => ended,
            () = context.cancelled() => Ok(()),
        }
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        match &self.following {
            Some(following) => following.begin(&self.way, request.uri, &context),
            None => Err(ErrorData::method_not_found::<rmcp::model::SubscribeRequestMethod>()),
        }
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        match &self.following {
            Some(following) => following.end(&request.uri),
            None => return Err(ErrorData::method_not_found::<rmcp::model::UnsubscribeRequestMethod>()),
        }
        Ok(())
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetTaskResult, ErrorData> {
        let shown = tasks::show(&self.way, &context.extensions, &request.task_id).await?;
        Ok(GetTaskResult::new(tasks::detailed(&shown)))
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        // A person answers in Deeds; the client has nothing to say to it.
        tasks::show(&self.way, &context.extensions, &request.task_id).await.map(drop)
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        // What a person was asked stays asked.
        tasks::show(&self.way, &context.extensions, &request.task_id).await.map(drop)
    }

    fn supported_protocol_versions(&self) -> std::borrow::Cow<'static, [ProtocolVersion]> {
        std::borrow::Cow::Borrowed(ProtocolVersion::KNOWN_VERSIONS)
    }
}
