//! What is decided on one node holds on every other from the next request on: maps, and tokens that are ended.

use std::time::{Duration, Instant};

use deeds::client::{Client, StreamFrom};
use serde_json::{Value, json};

use crate::nodes::{AGENTS, Cluster, NODES, map};
use crate::patience::PATIENCE;

/// How often a zone goes from one to the other.
const TIMES: usize = 12;
/// A stream ends within this time once its token is revoked.
const CLOSED: Duration = Duration::from_secs(2);

/// Somebody who owned a record writes nothing to it once a map that says otherwise was acknowledged, on whichever node.
#[test]
fn a_map_that_is_acknowledged_binds_every_node() {
    let Some(cluster) = Cluster::start(NODES, false) else { return };
    let space = &cluster.spaces[1];
    for time in 0..TIMES {
        let node = |at: usize| &cluster.nodes[at % cluster.nodes.len()];
        let (here, there) = (node(time), node(time + 1));
        // The first of a map owns what is shared.
        let (old, [first, second]) = (time % 2, AGENTS);
        let agents = if old == 0 { [second, first] } else { [first, second] };
        let write = |who: usize| {
            let body = json!({"entity": format!("shared/{time}-{who}"), "changes": {"text": 1}, "expected": {"text": 0}});
            there.ask(&space.agents[who], "POST", "/v1/writes", &body)
        };
        here.apply(&space.dana, &map(space.name, agents));
        let (status, answer) = write(old);
        assert!(status == 200 && answer["outcome"] == "proposed", "time {time}: {status} {answer}");
        let (status, answer) = write(1 - old);
        assert!(status == 200 && answer["outcome"] == "committed", "time {time}: {status} {answer}");
    }
}

/// A token that is revoked on one node writes nothing on another from then on, and its stream there ends.
#[test]
fn a_token_that_is_revoked_ends_its_streams_on_every_node() {
    let Some(cluster) = Cluster::start(NODES, false) else { return };
    let (here, there, space) = (&cluster.nodes[0], &cluster.nodes[NODES - 1], &cluster.spaces[0]);
    let (token, id) = here.token(&space.dana, "agent", AGENTS[0]);
    let text = token.trim_start_matches("Authorization: Bearer ");
    let client = Client::new(&format!("http://{}", there.address), text).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut stream = client.stream(StreamFrom::default());
    runtime.block_on(async { tokio::time::timeout(PATIENCE, stream.next()).await.unwrap().unwrap() });
    let (status, answer) = here.ask(&space.dana, "DELETE", &format!("/v1/tokens/{id}"), &Value::Null);
    assert_eq!(status, 200, "{answer}");
    let revoked = Instant::now();
    let write = json!({"entity": "shared/1", "changes": {"text": 1}, "expected": {"text": 0}});
    let (status, answer) = there.ask(&token, "POST", "/v1/writes", &write);
    // At the door, or by the rules where the door had not heard of it.
    assert!(matches!(status, 200 | 401) && answer["code"] == "token-ended", "{status} {answer}");
    runtime.block_on(async {
        // It ends for good, after what was recorded before.
        while tokio::time::timeout(PATIENCE, stream.next()).await.unwrap().is_some() {}
    });
    assert!(revoked.elapsed() < CLOSED, "it ended after {:?}", revoked.elapsed());
}
