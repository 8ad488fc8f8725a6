//! A server that sends without an end, or sends elsewhere: no answer is read without a bound, no redirect is followed.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use deeds::client::{Client, ClientError, LedgerQuery, Options, StreamEvent, StreamFrom};

use crate::patience;
use crate::run::Home;
use crate::squatter::Squatter;

/// How an answer goes on after its head, for ever.
#[derive(Debug, Clone, Copy)]
enum Endless {
    /// White space, which JSON takes anywhere, in one line.
    Spaces,
    /// The same after a problem's status.
    Problem,
    /// Lines that say how far a look has got.
    Progress,
    /// It says how long it is, and is not.
    Said,
}

/// What all of that may be, beside what the bounds are: what is on its way in sockets and buffers.
const SLACK: usize = 24 * 1024 * 1024;
const MIB: usize = 1024 * 1024;

/// A server that answers everything like that, and counts what it could send.
fn server(how: Endless, kind: &'static str) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let count = Arc::clone(&count);
            std::thread::spawn(move || flood(stream.unwrap(), how, kind, &count));
        }
    });
    (url, sent)
}

fn flood(mut stream: TcpStream, how: Endless, kind: &str, count: &AtomicUsize) {
    let mut asked = [0; 8 * 1024];
    stream.read(&mut asked).map(drop).unwrap_or_default();
    let status = if matches!(how, Endless::Problem) { "500 Oh" } else { "200 OK" };
    let length = if matches!(how, Endless::Said) { "content-length: 99999999999\r\n" } else { "" };
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: {kind}\r\n{length}connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap_or_default();
    let chunk = match how {
        Endless::Progress => "{\"looked\":1,\"of\":2}\n".repeat(4096).into_bytes(),
        Endless::Spaces | Endless::Problem | Endless::Said => vec![b' '; 256 * 1024],
    };
    while let Ok(()) = stream.write_all(&chunk) {
        count.fetch_add(chunk.len(), Ordering::Relaxed);
    }
}

fn client(url: &str) -> Client {
    let token = format!("deeds_admin_northwind_a1_{}", "ab".repeat(32));
    Client::with_options(url, &token, Options { attempts: 1, ..Options::default() }).unwrap()
}

/// Asks in each way, and tells what came of it.
async fn each(client: &Client) -> Vec<(&'static str, ClientError)> {
    let map = "workspace = \"northwind\"\n";
    let agent = "intake".parse().unwrap();
    vec![
        ("whoami", client.whoami().await.unwrap_err()),
        ("one deed", client.deed(deeds::domain::ids::Seq(1)).await.unwrap_err()),
        ("map check", client.check_map(map).await.unwrap_err()),
        ("map", client.map(None).await.unwrap_err()),
        ("inbox", client.inbox().await.unwrap_err()),
        ("work of an agent", client.work_of(&agent).await.unwrap_err()),
        ("ledger", client.ledger(&LedgerQuery::default()).await.unwrap_err()),
        ("board", client.board().await.unwrap_err()),
    ]
}

#[tokio::test]
async fn no_answer_is_read_without_a_bound() {
    patience::begun();
    for how in [Endless::Spaces, Endless::Problem, Endless::Said] {
        let (url, sent) = server(how, "application/json");
        for (what, error) in each(&client(&url)).await {
            assert!(matches!(error, ClientError::TooLong { .. }), "{how:?}, {what}: {error}");
            assert!(error.to_string().contains("longer than"), "{error}");
        }
        let most = match how {
            Endless::Spaces => (1 + 32 + 32 + 16 + 128 + 128 + 256 + 512) * MIB,
            Endless::Problem | Endless::Progress => 8 * 4 * MIB,
            Endless::Said => 0,
        };
        let sent = sent.load(Ordering::Relaxed);
        assert!(sent <= most + 8 * SLACK, "{how:?}: {} MiB were taken", sent / MIB);
    }
}

#[tokio::test]
async fn a_look_and_a_stream_without_an_end_are_ended() {
    patience::begun();
    for (how, said) in
        [(Endless::Spaces, "longer than"), (Endless::Problem, "longer than"), (Endless::Progress, "")]
    {
        let (url, sent) = server(how, "application/x-ndjson");
        let client = client(&url);
        let look = client.infer_map(None, |_| {});
        let error = patience::within("the end of the look", look).await.unwrap_err();
        assert!(error.to_string().contains(said), "{how:?}: {error}");
        assert!(sent.load(Ordering::Relaxed) <= 64 * MIB + SLACK, "{how:?}");
    }
    for how in [Endless::Spaces, Endless::Problem] {
        let (url, sent) = server(how, "text/event-stream");
        let mut stream = client(&url).stream(StreamFrom::default());
        let event = patience::within("the end of the stream", stream.next()).await.unwrap();
        assert!(matches!(event, StreamEvent::Disconnected { .. }), "{how:?}: {event:?}");
        assert!(sent.load(Ordering::Relaxed) <= 32 * MIB + SLACK, "{how:?}");
    }
}

/// Answers everything with the way to another address.
fn redirecting(to: &str, status: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answer = format!(
        "HTTP/1.1 {status} Away\r\nlocation: {to}/v1/whoami\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = [0; 8 * 1024];
            stream.read(&mut asked).map(drop).unwrap_or_default();
            stream.write_all(answer.as_bytes()).unwrap_or_default();
            stream.shutdown(std::net::Shutdown::Write).unwrap_or_default();
            while let Ok(1..) = stream.read(&mut asked) {}
        }
    });
    url
}

#[tokio::test]
async fn no_redirect_is_followed() {
    patience::begun();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let other = format!("http://{free}");
    let squatter = Squatter::at(&other);
    for status in ["301", "302", "303", "307", "308"] {
        let client = client(&redirecting(&other, status));
        for (what, error) in each(&client).await {
            assert!(error.to_string().contains("another address"), "{status}, {what}: {error}");
        }
        let look = client.infer_map(None, |_| {}).await.unwrap_err();
        assert!(look.to_string().contains("another address"), "{look}");
        let mut stream = client.stream(StreamFrom::default());
        let event = stream.next().await.unwrap();
        assert!(matches!(&event, StreamEvent::Disconnected { why, .. } if why.contains("another address")));
    }
    assert_eq!(squatter.heard(), "", "nothing came where the answers pointed to");
}

#[test]
fn a_command_says_that_the_answer_has_no_end() {
    let home = Home::new();
    let token = home.file("token", &format!("deeds_admin_northwind_a1_{}", "ab".repeat(32)));
    let (url, _) = server(Endless::Spaces, "application/json");
    let said = home.run(&["--connect", &url, "--token-file", &token.display().to_string(), "inbox", "list"]);
    assert_eq!(said.status, 3, "{said:?}");
    assert!(said.err.contains("longer than 65536 bytes"), "{}", said.err);
}
