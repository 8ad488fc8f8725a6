//! Agents at work by every node: each asks wherever a node answers, under the same key until it is answered, and keeps what it was
//! told with the times between which that was decided.

use std::collections::BTreeMap;
use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::line::Line;
use crate::nodes::{AGENTS, Cluster};
use crate::patience::PATIENCE;

/// Connections of each agent, which write the same records.
const CONNECTIONS: usize = 2;
/// Records that they all write.
const SHARED: u64 = 3;
/// How long an answer may take before another node is asked.
const ANSWER: Duration = Duration::from_secs(4);
/// Between two requests of one.
const PACE: Duration = Duration::from_millis(8);

/// What one was told.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) who: &'static str,
    pub(crate) asked: Asked,
    pub(crate) answer: Value,
    /// Before it was first asked.
    pub(crate) begun: Instant,
    /// Once the answer was there.
    pub(crate) ended: Instant,
}

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    path: String,
    body: Value,
    /// Its idempotency key, if it has one.
    pub(crate) key: Option<String>,
    /// What is written: which record, and upon which version.
    pub(crate) written: Option<(String, u64)>,
}

impl Asked {
    /// Writes its key to a record, upon that version of it.
    pub(crate) fn write(key: String, entity: String, expected: u64) -> Self {
        let body = json!({"entity": entity, "changes": {"text": key}, "expected": {"text": expected}});
        Self { path: "/v1/writes".to_owned(), body, key: Some(key), written: Some((entity, expected)) }
    }

    /// The same without one. Asked twice it is decided twice, and the version that it names lets one of them through at most: whoever
    /// asks may be told that it is stale, by what it wrote itself.
    fn without_key(self) -> Self {
        Self { key: None, ..self }
    }

    /// The value that is written: that of no other request.
    pub(crate) fn value(&self) -> &Value {
        &self.body["changes"]["text"]
    }
}

/// An agent on one connection at a time.
pub(crate) struct Caller {
    /// Which workspace.
    pub(crate) space: usize,
    who: &'static str,
    token: String,
    no: usize,
    count: u64,
    nodes: Vec<String>,
    /// Which node it asks.
    at: usize,
    line: Option<Line>,
    versions: BTreeMap<String, u64>,
    /// An act that is not done yet.
    act: Option<u64>,
    pub(crate) told: Vec<Told>,
    /// How often it asked again.
    pub(crate) retried: u64,
}

/// When what was last acknowledged in each workspace had been begun.
pub(crate) type Progress = [Mutex<Option<Instant>>];

/// Everybody of every workspace.
pub(crate) fn team(cluster: &Cluster) -> Vec<Caller> {
    let mut callers = Vec::new();
    for (space, of) in cluster.spaces.iter().enumerate() {
        for (who, token) in AGENTS.into_iter().zip(&of.agents) {
            for _ in 0..CONNECTIONS {
                let no = callers.len();
                callers.push(Caller {
                    space,
                    who,
                    token: token.clone(),
                    no,
                    count: 0,
                    nodes: cluster.fronts(),
                    at: no,
                    line: None,
                    versions: BTreeMap::new(),
                    act: None,
                    told: Vec::new(),
                    retried: 0,
                });
            }
        }
    }
    callers
}

impl Caller {
    /// Asks until it is `over`, and then until the last request is answered.
    pub(crate) fn work(&mut self, over: &AtomicBool, progress: &Progress) {
        while !over.load(Ordering::SeqCst) {
            self.count += 1;
            let asked = self.think();
            let (begun, answer) = (Instant::now(), self.insist(&asked));
            self.learn(&asked, &answer);
            *progress[self.space].lock().unwrap() = Some(begun);
            self.told.push(Told { who: self.who, asked, answer, begun, ended: Instant::now() });
            std::thread::sleep(PACE);
        }
    }

    /// By turns a record that others write too, with a key and without, a new one, a lease that lapses by itself, an act and its end.
    fn think(&mut self) -> Asked {
        let (who, key) = (self.who, format!("k{}-{}", self.no, self.count));
        let asked = |path: &str, body: Value| Asked {
            path: path.to_owned(),
            body,
            key: Some(key.clone()),
            written: None,
        };
        match self.count % 8 {
            5 => Asked::write(key.clone(), format!("{who}/new/{key}"), 0),
            6 => {
                let target = json!({"path": format!("{who}/leased/{key}#text")});
                asked("/v1/leases", json!({"target": target, "ttl": "1s"}))
            }
            7 => {
                let own = format!("{who}/acted");
                let begin = || asked("/v1/acts", json!({"target": own, "subject": own, "action": "send"}));
                let done = |act| asked(&format!("/v1/acts/{act}/done"), json!({"note": key}));
                self.act.take().map_or_else(begin, done)
            }
            turn => {
                let entity = format!("{who}/shared-{}", self.count % SHARED);
                let expected = self.versions.get(&entity).copied().unwrap_or_default();
                let write = Asked::write(key, entity, expected);
                if turn == 4 { write.without_key() } else { write }
            }
        }
    }

    /// The answer, from whichever node.
    fn insist(&mut self, asked: &Asked) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.ask(asked) {
                Ok((200, answer)) => return answer,
                // Not now, or not known.
                Ok((429 | 503, _)) => std::thread::sleep(Duration::from_millis(10)),
                Ok((status, answer)) => panic!("{asked:?}: {status} {answer}"),
                Err(_) => {
                    self.line = None;
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
            assert!(Instant::now() < end, "nobody answers {asked:?}");
            self.retried += 1;
            self.line = None;
            self.at += 1;
        }
    }

    fn ask(&mut self, asked: &Asked) -> io::Result<(u16, Value)> {
        // Another node from time to time, where the one before answers as well.
        if self.count.is_multiple_of(64) {
            self.line = None;
            self.at += 1;
        }
        let line = match &mut self.line {
            Some(line) => line,
            empty => {
                let line = Line::open(&self.nodes[self.at % self.nodes.len()], &self.token)?;
                line.stream.get_ref().set_read_timeout(Some(ANSWER))?;
                empty.insert(line)
            }
        };
        let key = asked.key.as_ref().map(|key| format!("Idempotency-Key: {key}\r\n")).unwrap_or_default();
        let (status, body) = line.exchange("POST", &asked.path, &key, &asked.body.to_string())?;
        Ok((status, serde_json::from_slice(&body).map_err(io::Error::other)?))
    }

    /// The version that it will write upon, and the act that it will end.
    fn learn(&mut self, asked: &Asked, answer: &Value) {
        if let Some((entity, _)) = &asked.written
            && let Some(version) = answer["fields"][0]["version"].as_u64()
        {
            self.versions.insert(entity.clone(), version);
        }
        if asked.path == "/v1/acts" && answer["outcome"] == "allowed" {
            self.act = answer["act"].as_u64();
        }
    }
}
