//! Resources: read, and followed through the reader's own sight.

use std::time::Duration;

use rmcp::RoleClient;
use rmcp::handler::client::ClientHandler;
use rmcp::model::{
    ClientConfig, ReadResourceRequestParams, ReadResourceResponse, ResourceContents,
    ResourceUpdatedNotificationParam, ServerNotification, SubscribeRequestParams, SubscriptionFilter,
    UnsubscribeRequestParams,
};
use rmcp::service::NotificationContext;
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::client::{Agent, KINDS, Kind, config};
use crate::patience::PATIENCE;
use crate::support::Server;

/// How long nothing must come for it to count as nothing.
const SILENCE: Duration = Duration::from_millis(1_500);

async fn read<H: ClientHandler>(agent: &Agent<H>, uri: &str) -> Result<Json, String> {
    let params = ReadResourceRequestParams::new(uri);
    let read = agent.service.peer().read_resource_once(params).await.map_err(|error| error.to_string())?;
    let ReadResourceResponse::Complete(read) = read else { panic!("{read:?}") };
    let ResourceContents::TextResourceContents { text, .. } = &read.contents[0] else { panic!("{read:?}") };
    Ok(serde_json::from_str(text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_are_what_http_shows_that_token() {
    let server = Server::start().await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    support.write("hr/anna", json!({"salary": 1}), json!({"salary": 0})).await;
    sales.write("pipeline/p 1", json!({"stage": "new"}), json!({"stage": 0})).await;
    for kind in KINDS {
        let agent = Agent::new(&sales, kind).await;
        let listed = agent.service.peer().list_all_resources().await.unwrap();
        assert_eq!(listed.len(), 3);
        assert_eq!(agent.service.peer().list_all_resource_templates().await.unwrap().len(), 1);
        for (uri, path) in [
            ("deeds://zone", "/v1/scope"),
            ("deeds://work", "/v1/work"),
            ("deeds://map", "/v1/map"),
            ("deeds://record/pipeline/p%201", "/v1/entities/pipeline/p%201"),
        ] {
            assert_eq!(read(&agent, uri).await.unwrap(), sales.get(path).await.body, "{kind:?} {uri}");
        }
        // What is hidden, what is not there, and what would lead elsewhere.
        for uri in [
            "deeds://record/hr/anna",
            "deeds://record/pipeline/none",
            "deeds://record/../tokens",
            "deeds://record/pipeline/%2e%2e/x",
            "deeds://record/",
            "deeds://elsewhere",
            "file:///etc/passwd",
        ] {
            let said = read(&agent, uri).await;
            let shown = sales.get("/v1/entities/pipeline/none").await.status;
            assert!(said.is_err() || (shown == 200 && uri.ends_with("none")), "{kind:?} {uri}: {said:?}");
        }
        agent.end().await;
    }
    server.stop().await;
}

/// In 2026-07-28 by a subscription: told when what the reader may see changes, and silent about everything else.
#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_tells_what_the_reader_may_see() {
    let server = Server::start().await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    for kind in [Kind::Http26, Kind::Stdio26] {
        let agent = Agent::new(&sales, kind).await;
        let (seen, hidden) = (format!("crm/account/{kind:?}"), format!("hr/{kind:?}"));
        let uris =
            ["deeds://work".to_owned(), format!("deeds://record/{seen}"), format!("deeds://record/{hidden}")];
        let filter = SubscriptionFilter::builder().resource_subscriptions(uris.clone()).build();
        let mut told = agent.service.peer().listen(filter).await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        support.write(&hidden, json!({"salary": 1}), json!({"salary": 0})).await;
        support.write(&seen, json!({"margin": 1}), json!({"margin": 0})).await;
        assert!(timeout(SILENCE, told.next()).await.is_err(), "{kind:?}: told of what is hidden");
        support.write(&seen, json!({"health": "good"}), json!({"health": 0})).await;
        let came = timeout(PATIENCE, told.next()).await.unwrap().unwrap().unwrap();
        let ServerNotification::ResourceUpdatedNotification(update) = came else { panic!("{came:?}") };
        assert_eq!(update.params.uri, uris[1], "{kind:?}");
        server.dana.post("/v1/events", json!({"event": format!("for.{kind:?}")})).await;
        let proposal = json!({"entity": "pipeline/p", "changes": {"stage": format!("{kind:?}")}, "expected": {"stage": 0}});
        let proposed = support.post("/v1/writes", proposal).await;
        assert_eq!(proposed["outcome"], "proposed", "{}", proposed.text);
        let came = timeout(PATIENCE, told.next()).await.unwrap().unwrap().unwrap();
        let ServerNotification::ResourceUpdatedNotification(update) = came else { panic!("{came:?}") };
        assert_eq!(update.params.uri, "deeds://work", "{kind:?}");
        told.cancel().await.unwrap();
        agent.end().await;
    }
    server.stop().await;
}

/// Keeps what it is told.
struct Listener(ClientConfig, mpsc::UnboundedSender<String>);

impl ClientHandler for Listener {
    fn get_info(&self) -> ClientConfig {
        self.0.clone()
    }

    async fn on_resource_updated(
        &self,
        params: ResourceUpdatedNotificationParam,
        _: NotificationContext<RoleClient>,
    ) {
        self.1.send(params.uri).unwrap_or_default();
    }
}

/// In 2025-11-25 by `resources/subscribe` where the client stays; over HTTP, where nothing would reach it, that is not offered.
#[tokio::test(flavor = "multi_thread")]
#[expect(deprecated, reason = "that is what clients of 2025-11-25 call")]
async fn an_older_client_follows_where_it_stays() {
    let server = Server::start().await;
    let sales = server.agent("sales").await;
    let (sender, mut told) = mpsc::unbounded_channel();
    let agent = Agent::with(&sales, Kind::Stdio25, Listener(config(false), sender)).await;
    let peer = agent.service.peer();
    let offers = |agent: &Agent<Listener>| {
        agent.service.peer().peer_info().unwrap().capabilities.resources.clone().unwrap().subscribe
    };
    assert_eq!(offers(&agent), Some(true));
    peer.subscribe(SubscribeRequestParams::new("deeds://record/pipeline/p")).await.unwrap();
    assert!(peer.subscribe(SubscribeRequestParams::new("deeds://nothing")).await.is_err());
    tokio::time::sleep(Duration::from_millis(500)).await;
    sales.write("pipeline/p", json!({"stage": "new"}), json!({"stage": 0})).await;
    assert_eq!(timeout(PATIENCE, told.recv()).await.unwrap().unwrap(), "deeds://record/pipeline/p");
    peer.unsubscribe(UnsubscribeRequestParams::new("deeds://record/pipeline/p")).await.unwrap();
    sales.write("pipeline/p", json!({"stage": "won"}), json!({"stage": 1})).await;
    assert!(timeout(SILENCE, told.recv()).await.is_err(), "it was unsubscribed");
    agent.end().await;
    let agent = Agent::new(&sales, Kind::Http25).await;
    let offered = agent.service.peer().peer_info().unwrap().capabilities.resources.clone().unwrap().subscribe;
    assert_eq!(offered, None);
    assert!(agent.service.peer().subscribe(SubscribeRequestParams::new("deeds://work")).await.is_err());
    agent.end().await;
    server.stop().await;
}
