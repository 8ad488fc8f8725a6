//! A lease holder that was stopped past its time can't write: a real process, stopped and continued by signals.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value as Json, json};

use super::{Caller, team, told};

const HOLDER: &str = "DEEDS_TEST_LEASE_HOLDER";
const TTL: Duration = Duration::from_secs(2);

/// The holder's own process: acquires, then renews and writes until it is refused. Its address and token come by
/// standard input; it tells every answer as a line.
#[tokio::test]
#[ignore = "the other test starts it as a process of its own"]
async fn the_holder() {
    let mut lines = std::io::stdin().lines();
    let base = lines.next().unwrap().unwrap();
    let caller = Caller::new(&base, lines.next().unwrap().unwrap());
    let acquire = json!({"target": {"path": "drafts/seven"}, "ttl": "2s"});
    let lease = caller.post("/v1/leases", acquire).await["lease"].clone();
    let mut version = 0_u64;
    loop {
        let body = json!({"entity": "drafts/seven", "changes": {"text": format!("line {version}")},
                          "expected": {"text": version}, "lease": lease});
        let wrote = caller.post("/v1/writes", body).await;
        println!("HOLDER {}", json!({"lease": lease, "answer": wrote.body}));
        std::io::stdout().flush().unwrap();
        if wrote["outcome"] != "committed" {
            return;
        }
        version += 1;
        caller.post(&format!("/v1/leases/{lease}/renew"), json!({"ttl": "2s"})).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

struct Holder {
    child: Child,
    told: std::sync::mpsc::Receiver<Json>,
}

impl Holder {
    fn start(base: &str, token: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["fence::the_holder", "--exact", "--ignored", "--nocapture"])
            .env(HOLDER, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{base}\n{token}").unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let Some(at) = line.find("HOLDER ") else { continue };
                if tell.send(serde_json::from_str(&line[at + 7..]).unwrap()).is_err() {
                    return;
                }
            }
        });
        Self { child, told }
    }

    async fn next(&self) -> Json {
        for _ in 0..300 {
            if let Ok(told) = self.told.try_recv() {
                return told;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the holder says nothing");
    }

    fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).unwrap();
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[tokio::test]
async fn a_lease_holder_that_was_stopped_past_its_time_can_not_write() {
    let server = team().await;
    let writer = server.agent("writer").await;
    let holder = Holder::start(&server.base, &writer.token);
    let first = holder.next().await;
    assert_eq!(first["answer"]["outcome"], "committed", "{first}");
    // It renews while it lives.
    for _ in 0..3 {
        assert_eq!(holder.next().await["answer"]["outcome"], "committed");
    }

    holder.signal(Signal::STOP);
    while holder.told.try_recv().is_ok() {}
    tokio::time::sleep(TTL + Duration::from_secs(1)).await;
    // Another process of the same agent takes over and writes under its own token.
    let acquired = writer.post("/v1/leases", json!({"target": {"path": "drafts/seven"}, "ttl": "1m"})).await;
    told(&acquired, "allowed", None);
    assert!(acquired["lease"].as_u64().unwrap() > first["lease"].as_u64().unwrap(), "the token grows");
    let version = writer.get("/v1/entities/drafts/seven").await["fields"]["text"]["version"].clone();
    let body = json!({"entity": "drafts/seven", "changes": {"text": "taken over"}, "expected": {"text": version},
                      "lease": acquired["lease"]});
    told(&writer.post("/v1/writes", body).await, "committed", None);

    holder.signal(Signal::CONT);
    let late = loop {
        let told = holder.next().await;
        if told["answer"]["outcome"] != "committed" {
            break told;
        }
    };
    assert_eq!(late["answer"]["outcome"], "refused", "{late}");
    assert_eq!(late["answer"]["code"], "lease-over", "{late}");
    let now = writer.get("/v1/entities/drafts/seven").await;
    assert_eq!(now["fields"]["text"]["value"], "taken over");
    let alerts = server.dana.get("/v1/alerts").await;
    assert!(alerts.text.contains("lease-lapsed"), "{}", alerts.text);
    server.stop().await;
}
