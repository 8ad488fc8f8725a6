//! The deed stream: exactly once, in order, across connections; it ends when its token does.

use std::time::{Duration, Instant};

use serde_json::json;

use super::support::Server;
use crate::patience::within;
use deeds::api::Hash;
use deeds::client::{DeedStream, StreamEvent, StreamFrom};
use deeds::domain::command::{Command, ItemStep, ItemVerb, TokenStep};
use deeds::domain::ids::{Seq, TokenId};
use deeds::domain::things::TokenClass;

async fn next(stream: &mut DeedStream) -> StreamEvent {
    within("a word", stream.next()).await.expect("the stream goes on")
}

/// An event that says nothing about deeds.
fn is_fine(event: &StreamEvent) -> bool {
    matches!(event, StreamEvent::Connected { .. } | StreamEvent::Progress { .. })
}

/// Deeds up to that one, as numbers and hashes.
async fn until(stream: &mut DeedStream, last: u64) -> Vec<(u64, Hash)> {
    let mut got = Vec::new();
    while got.last().is_none_or(|(seq, _)| *seq < last) {
        if let StreamEvent::Deed { seq, hash, deed, .. } = next(stream).await {
            assert_eq!(deed.unwrap().seq, seq);
            got.push((seq.0, hash));
        }
    }
    got
}

#[tokio::test]
async fn every_deed_comes_once_and_in_order_across_a_restart() {
    let server = Server::start().await;
    let intake = server.agent("intake").await;
    let mut stream = server.dana.client().stream(StreamFrom::default());
    let mut got = until(&mut stream, 3).await;
    for n in 0..20 {
        let entity = format!("crm/contact/c{n}");
        assert_eq!(
            intake.write(&entity, json!({"name": n}), json!({"name": 0})).await["outcome"],
            "committed"
        );
    }
    got.extend(until(&mut stream, 10).await);
    let server = server.restart().await;
    for n in 20..40 {
        let entity = format!("crm/contact/c{n}");
        assert_eq!(
            intake.write(&entity, json!({"name": n}), json!({"name": 0})).await["outcome"],
            "committed"
        );
    }
    got.extend(until(&mut stream, 43).await);
    let seqs: Vec<u64> = got.iter().map(|(seq, _)| *seq).collect();
    assert_eq!(seqs, (1..=43).collect::<Vec<_>>());
    let page = server.dana.get("/v1/ledger?after=0&limit=1000").await;
    for (deed, (seq, hash)) in page["deeds"].as_array().unwrap().iter().zip(&got) {
        assert_eq!((&deed["seq"], &deed["hash"]), (&json!(seq), &json!(hash.to_string())));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_history_that_does_not_continue_is_noticed() {
    let server = Server::start().await;
    let from = StreamFrom { after: Seq(1), hash: Some(Hash([7; 32])), filter: String::new() };
    let mut stream = server.dana.client().stream(from);
    assert!(matches!(next(&mut stream).await, StreamEvent::Rewritten { seq: Seq(1), .. }));
    assert!(within("the end", stream.next()).await.is_none());
    let beyond = StreamFrom { after: Seq(999), ..StreamFrom::default() };
    let mut stream = server.dana.client().stream(beyond);
    assert!(matches!(next(&mut stream).await, StreamEvent::Rewritten { seq: Seq(999), .. }));
    server.stop().await;
}

#[tokio::test]
async fn a_filtered_stream_says_how_far_it_has_got() {
    let server = Server::start().await;
    let (intake, support) = (server.agent("intake").await, server.agent("support").await);
    let from = StreamFrom { filter: "actor:support".to_owned(), ..StreamFrom::default() };
    let mut stream = server.dana.client().stream(from);
    intake.write("crm/contact/a", json!({"name": 1}), json!({"name": 0})).await;
    let theirs =
        support.write("crm/account/a", json!({"health": 1}), json!({"health": 0})).await["deed"].clone();
    let last =
        intake.write("crm/contact/b", json!({"name": 1}), json!({"name": 0})).await["deed"].as_u64().unwrap();
    let mut deeds = Vec::new();
    loop {
        match next(&mut stream).await {
            StreamEvent::Deed { seq, .. } => deeds.push(json!(seq.0)),
            StreamEvent::Progress { seq } if seq.0 >= last => break,
            other => assert!(is_fine(&other), "{other:?}"),
        }
    }
    assert_eq!(deeds, [theirs]);
    assert_eq!(stream.cursor(), Seq(last));
    server.stop().await;
}

#[tokio::test]
async fn an_agents_stream_leaves_out_what_is_hidden() {
    let server = Server::start().await;
    let (sales, support) = (server.agent("sales").await, server.agent("support").await);
    let mut stream = sales.client().stream(StreamFrom::default());
    support.write("hr/salaries", json!({"": "secret-4711"}), json!({"": 0})).await;
    support.write("crm/account/a", json!({"margin": "secret-4711"}), json!({"margin": 0})).await;
    let shown = support.write("crm/account/a", json!({"health": "fine"}), json!({"health": 0})).await;
    let last = shown["deed"].as_u64().unwrap();
    let mut seen = 0;
    while seen < last {
        match next(&mut stream).await {
            StreamEvent::Deed { seq, bytes, .. } => {
                let text = String::from_utf8(bytes.to_vec()).unwrap();
                assert!(!text.contains("secret-4711") && !text.contains("deeds.token"), "{text}");
                seen = seq.0;
            }
            StreamEvent::Progress { seq } => seen = seq.0,
            other => assert!(is_fine(&other), "{other:?}"),
        }
    }
    server.stop().await;
}

#[tokio::test]
async fn a_revoked_tokens_stream_closes_within_two_seconds() {
    let server = Server::start().await;
    let watcher = server.with_token(TokenClass::Watcher, "vera").await;
    let client = watcher.client();
    let mut stream = client.stream(StreamFrom::default());
    until(&mut stream, 3).await;
    let id: TokenId = client.token().id.clone();
    server.dana.client().ask(&Command::Token(TokenStep::Revoke { token: id })).await.unwrap();
    let revoked = Instant::now();
    let problem = loop {
        match next(&mut stream).await {
            StreamEvent::Refused(problem) => break problem,
            // The revocation itself is not told on the revoked stream.
            StreamEvent::Deed { seq, .. } => panic!("deed {seq} after the token ended"),
            other => assert!(is_fine(&other), "{other:?}"),
        }
    };
    assert!(revoked.elapsed() < Duration::from_secs(2));
    assert_eq!(problem.code, "token-ended");
    assert!(within("the end", stream.next()).await.is_none());
    assert_eq!(watcher.get("/v1/whoami").await["code"], "token-ended");
    server.stop().await;
}

#[tokio::test]
async fn a_board_kept_up_from_the_stream_is_the_servers_own() {
    let server = Server::start().await;
    let (intake, sales) = (server.agent("intake").await, server.agent("sales").await);
    sales.write("pipeline/ann", json!({"stage": "uncontacted"}), json!({"stage": 0})).await;
    let client = server.dana.client();
    let start = client.board().await.unwrap();
    let from = StreamFrom { after: start.seq, hash: Some(start.hash), filter: String::new() };
    let mut stream = client.stream(from);
    let mut board = start.board;
    intake.write("crm/contact/ann", json!({"status": "sourced"}), json!({"status": 0})).await;
    intake.write("crm/contact/ann", json!({"score": 1}), json!({"score": 0})).await;
    sales.write("crm/contact/ann", json!({"name": "Ann"}), json!({"name": 0})).await;
    let items = client.inbox().await.unwrap().items;
    assert_eq!(items.len(), 2);
    client.ask(&Command::Item(ItemStep { item: items[0].no, step: ItemVerb::Claim })).await.unwrap();
    let now = client.board().await.unwrap();
    while board.head < now.seq {
        if let StreamEvent::Deed { deed, .. } = next(&mut stream).await {
            board.fold(&deed.unwrap());
        }
    }
    // What only rules ask is not on the board that comes, and is folded all the same.
    assert_eq!(board.first_page(), now.board.first_page());
    assert_eq!(stream.hash(), Some(now.hash));
    server.stop().await;
}

#[tokio::test]
async fn a_watcher_that_does_not_read_is_let_go_with_its_cursor() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    const WRITES: u64 = 900;
    let server = Server::start().await;
    let intake = server.agent("intake").await;
    let mut stalled =
        tokio::net::TcpStream::connect(server.base.trim_start_matches("http://")).await.unwrap();
    let request = format!(
        "GET /v1/ledger/stream?after=0 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\n\r\n",
        server.dana.token
    );
    stalled.write_all(request.as_bytes()).await.unwrap();
    let mut first = [0; 64];
    within("the first deed", stalled.read_exact(&mut first)).await.unwrap();
    // Nobody reads while more is written than the connection and the ring of live batches hold.
    let text = "x".repeat(20_000);
    for n in 0..WRITES {
        let changes = json!({"name": format!("{n} {text}")});
        assert_eq!(intake.write("crm/contact/a", changes, json!({"name": n})).await["outcome"], "committed");
    }
    let mut rest = Vec::new();
    within("the end of the stream", async {
        while !rest.ends_with(b"0\r\n\r\n") {
            let mut part = vec![0; 1 << 20];
            let count = stalled.read(&mut part).await.unwrap();
            rest.extend_from_slice(&part[..count]);
        }
    })
    .await;
    let text = String::from_utf8_lossy(&rest);
    let (_, end) = text.rsplit_once("event: end").expect("it says that it ends");
    assert!(end.contains("\"code\":\"too-slow\""), "{end}");
    let cursor: u64 = end.split("\"cursor\":").nth(1).unwrap().split('}').next().unwrap().parse().unwrap();
    let last = text.matches("event: deed").count() as u64;
    assert_eq!(cursor, last, "every deed up to the cursor was sent");
    assert!(cursor < WRITES);
    server.stop().await;
}
