//! A team under load: callers on connections that they keep, who remember what they were told, and ask again under the same key
//! where a kill took the answer.
#![expect(clippy::unwrap_used, reason = "what can't be set up can't be tested")]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::asks::{self, Asked};
use crate::line::Line;
use crate::run::Home;
use crate::totals::{self, ACKNOWLEDGED, Fault};
use deeds::domain::command::CommandKind;
use deeds::domain::things::TokenClass;

pub(crate) const AGENTS: [&str; 4] = ["ann", "ben", "cem", "dot"];
/// Connections of each agent.
const CONNECTIONS: u64 = 2;
/// How many answers of each caller are asked for again after a kill.
const AGAIN: usize = 4;
/// For how long a connection may be gone before the kill is said to have happened.
const NOTICE: Duration = Duration::from_secs(30);

/// The team's map; `word` makes it another one.
pub(crate) fn map(word: &str) -> String {
    let mut map = format!(
        "workspace = \"default\"\nmode = \"enforce\"\ngovernance_owner = \"dana\"\n\n\
         [[queue]]\nname = \"inbox\"\nowner = \"dana\"\nreview = \"daily 09:00\"\npriority = {AGENTS:?}\n"
    );
    for id in AGENTS {
        write!(
            map,
            "\n[[event]]\nname = \"mail.{id}\"\nkey = \"key\"\n\n[[event]]\nname = \"came.{id}\"\n\n\
             [[agent]]\nid = \"{id}\"\nrole = \"{word}\"\nowner = \"dana\"\nescalates_to = \"inbox\"\n\
             writes = [\"{id}/**\"]\noutputs = [\"mail/{id}\"]\ntriggers = [\"mail.{id}\", \"came.{id}\"]\n"
        )
        .unwrap();
    }
    map
}

/// Something that was acknowledged.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) who: String,
    pub(crate) asked: Asked,
    pub(crate) answer: Value,
}

/// Somebody on one connection.
pub(crate) struct Caller {
    pub(crate) who: String,
    class: TokenClass,
    authorization: String,
    /// Which connection.
    pub(crate) no: u64,
    /// How many requests it has thought of.
    pub(crate) count: u64,
    kinds: Vec<CommandKind>,
    /// What it was told since it was last looked at.
    pub(crate) told: Vec<Told>,
    /// What was asked under a key and not answered.
    lost: Option<Asked>,
    /// How often an answer was lost with a connection, and asked for on the next one.
    pub(crate) retried: u64,
    /// What it will ask for again.
    again: Vec<(Asked, Value)>,
    /// The version of its hot record.
    pub(crate) version: u64,
    pub(crate) acts: Vec<u64>,
    /// Fences, with how often each was renewed.
    pub(crate) leases: Vec<(u64, u8)>,
    /// Work taken: its number, its attempt, whether it is a proposal.
    pub(crate) works: Vec<(u64, u64, bool)>,
    pub(crate) items: Vec<u64>,
    pub(crate) tokens: Vec<String>,
    pub(crate) reviewing: bool,
    pub(crate) away: bool,
}

/// A home with the team's map and everybody's token.
pub(crate) fn team(home: &Home) -> Vec<Caller> {
    home.file("team.toml", &map("at work"));
    home.ok(&["map", "apply", "team.toml"]);
    let agents = AGENTS.iter().map(|agent| (TokenClass::Agent, *agent, CONNECTIONS));
    let people = [(TokenClass::Admin, "dana", 1), (TokenClass::Guard, "gus", 1)];
    let mut callers = Vec::new();
    for (class, who, connections) in agents.chain(people) {
        let file = format!("{who}.token");
        home.ok(&["tokens", "create", class.as_str(), who, "--out", &file]);
        let authorization = std::fs::read_to_string(home.dir.path().join(file)).unwrap().trim().to_owned();
        for _ in 0..connections {
            let no = u64::try_from(callers.len()).unwrap();
            callers.push(Caller::new(who, class, authorization.clone(), no));
        }
    }
    callers
}

impl Caller {
    fn new(who: &str, class: TokenClass, authorization: String, no: u64) -> Self {
        Self {
            who: who.to_owned(),
            class,
            authorization,
            no,
            count: 0,
            kinds: asks::kinds(class),
            told: Vec::new(),
            lost: None,
            retried: 0,
            again: Vec::new(),
            version: 0,
            acts: Vec::new(),
            leases: Vec::new(),
            works: Vec::new(),
            items: Vec::new(),
            tokens: Vec::new(),
            reviewing: false,
            away: false,
        }
    }

    /// What stands in the next request and in no other.
    pub(crate) fn mark(&self) -> String {
        format!("m{}x{}x", self.no, self.count)
    }

    /// The record that this connection writes again and again.
    pub(crate) fn hot(&self) -> String {
        format!("{}/hot-{}", self.who, self.no)
    }

    pub(crate) fn other(&self) -> &'static str {
        asks::other_than(&self.who)
    }

    /// Asks until the server is gone, which must be when it is `over`.
    pub(crate) fn work(&mut self, address: &str, over: &AtomicBool) {
        let Err(gone) = self.work_on(address, over) else { return };
        let end = Instant::now() + NOTICE;
        while !over.load(Ordering::SeqCst) {
            assert!(Instant::now() < end, "{}: {gone}, and nobody ended the server", self.who);
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn work_on(&mut self, address: &str, over: &AtomicBool) -> io::Result<()> {
        let mut line = Line::open(address, &self.authorization)?;
        self.retried += u64::from(self.lost.is_some());
        for (asked, before) in std::mem::take(&mut self.again) {
            ask_again(&mut line, &asked, &before)?;
        }
        while !over.load(Ordering::SeqCst) {
            let asked = match self.lost.take() {
                Some(lost) => lost,
                None => match self.think(&mut line)? {
                    Some(asked) => asked,
                    None => continue,
                },
            };
            self.ask(&mut line, asked, over)?;
        }
        Ok(())
    }

    /// What comes next: of an agent every other one a write.
    fn think(&mut self, line: &mut Line) -> io::Result<Option<Asked>> {
        self.count += 1;
        let turn = usize::try_from(self.count / 2).unwrap();
        let writes = self.class == TokenClass::Agent && !self.count.is_multiple_of(2);
        let kind = if writes { CommandKind::Write } else { self.kinds[turn % self.kinds.len()] };
        asks::next(kind, self, line)
    }

    fn ask(&mut self, line: &mut Line, asked: Asked, over: &AtomicBool) -> io::Result<()> {
        match send(line, &asked) {
            // From then on nobody is there who could have answered.
            Ok(_) if over.load(Ordering::SeqCst) => {
                self.lost = asked.key.is_some().then_some(asked);
                Ok(())
            }
            Ok((200, answer)) => {
                self.learn(&asked, &answer);
                totals::count(&ACKNOWLEDGED, replies(&answer).len());
                self.told.push(Told { who: self.who.clone(), asked, answer });
                Ok(())
            }
            // Not now, or not known: under its key it is asked again.
            Ok((429 | 503, _)) => {
                self.lost = asked.key.is_some().then_some(asked);
                std::thread::sleep(Duration::from_millis(5));
                Ok(())
            }
            // Somebody else's map came first.
            Ok((412, _)) => Ok(()),
            Ok((status, answer)) => panic!("{}: {status} {answer}\n{asked:?}", self.who),
            Err(gone) => {
                self.lost = asked.key.is_some().then_some(asked);
                Err(gone)
            }
        }
    }

    /// Keeps what later requests are about.
    fn learn(&mut self, asked: &Asked, answer: &Value) {
        let number = |name: &str| answer[name].as_u64();
        let went = matches!(answer["outcome"].as_str(), Some("allowed" | "committed" | "recorded"));
        if asked.kind == CommandKind::Act && went {
            self.acts.extend(number("act"));
        }
        if asked.kind == CommandKind::Lease && asked.path == "/v1/leases" && went {
            self.leases.extend(number("lease").map(|fence| (fence, 0)));
        }
        if asked.kind == CommandKind::Token && asked.method == "POST" {
            self.tokens.extend(answer["id"].as_str().map(str::to_owned));
        }
        if asked.kind == CommandKind::Take {
            let works = answer["works"].as_array().into_iter().flatten();
            let works = works.map(|work| (work, work["kind"]["kind"] == "proposal"));
            self.works.extend(works.filter_map(|(work, proposal)| {
                Some((work["no"].as_u64()?, work["attempts"].as_u64()?, proposal))
            }));
        }
        if asked.kind == CommandKind::Write && asked.body.contains(&self.hot()) {
            self.version = answer["fields"][0]["version"].as_u64().unwrap_or(self.version);
        }
    }

    /// Gives away what it was told, and keeps a few to ask for again.
    pub(crate) fn hand_over(&mut self) -> Vec<Told> {
        let last = self
            .told
            .iter()
            .rev()
            .filter(|told| told.asked.key.is_some() && !replies(&told.answer).is_empty());
        self.again = last.take(AGAIN).map(|told| (told.asked.clone(), told.answer.clone())).collect();
        std::mem::take(&mut self.told)
    }
}

/// The same key with the same request has the same answer, but where it was over a budget: then the key stays free (RULES §16.1).
fn ask_again(line: &mut Line, asked: &Asked, before: &Value) -> io::Result<()> {
    if replies(before).iter().any(|reply| reply["code"] == "over-budget") {
        return Ok(());
    }
    let (status, answer) = send(line, asked)?;
    if matches!(status, 429 | 503) {
        return Ok(());
    }
    let same = status == 200 && without_secrets(&answer) == without_secrets(before);
    if !same {
        let place = format!("{asked:?}\nwas answered {before}\nand now {status} {answer}");
        totals::none(Err((Fault::Wrong, place)));
    }
    Ok(())
}

fn send(line: &mut Line, asked: &Asked) -> io::Result<(u16, Value)> {
    let key = asked.key.as_ref().map_or_else(String::new, |key| format!("Idempotency-Key: {key}\r\n"));
    let headers = format!("{}{key}", asked.headers);
    let (status, body) = line.exchange(asked.method, &asked.path, &headers, &asked.body)?;
    let answer = serde_json::from_slice(&body).map_err(io::Error::other)?;
    Ok((status, answer))
}

/// What the rules said: one reply, or one for each part of a batch. None where nothing happened.
pub(crate) fn replies(answer: &Value) -> Vec<&Value> {
    let all = match (answer["answers"].as_array(), &answer["reply"]) {
        (Some(parts), _) => parts.iter().map(|part| &part["reply"]).collect(),
        (None, reply) if reply.is_object() => vec![reply],
        (None, _) => vec![answer],
    };
    // Where nothing was there to be taken, nothing happened.
    let nothing = answer["works"].is_array() && answer["reply"]["works"].is_null();
    let told = |reply: &&Value| reply["deed"].is_u64() && !(nothing && reply["outcome"] == "recorded");
    all.into_iter().filter(told).collect()
}

/// What is the same in each answer to the same key: secrets are shown for a while, and what to do then is said.
fn without_secrets(answer: &Value) -> Vec<Value> {
    let mut all: Vec<Value> = replies(answer).into_iter().cloned().collect();
    for reply in &mut all {
        if answer["id"].is_string() {
            reply["next"] = Value::Null;
        }
    }
    all
}

/// How often each kind of command came out how, for whoever looks at what the load is made of.
pub(crate) fn made_of(told: &[Told]) -> BTreeMap<String, u64> {
    let mut all = BTreeMap::new();
    for one in told {
        for reply in replies(&one.answer) {
            let code = reply["code"].as_str().unwrap_or_default();
            let name = format!("{:?} {} {code}", one.asked.kind, reply["outcome"].as_str().unwrap());
            *all.entry(name).or_default() += 1;
        }
    }
    all
}
