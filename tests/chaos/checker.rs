//! Holds what was acknowledged against the ledger: it is there, once, as it was told, for good; and what looks at the ledger says
//! that it is well, where it is.
#![expect(clippy::unwrap_used, reason = "what can't be read fails the test")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};

use crate::asks::Asked;
use crate::line::Line;
use crate::load::{Told, replies};
use crate::run::Home;
use crate::server::{Server, ask};
use crate::totals::{Fault, Found};
use deeds::coordinator::{self, Handle, Options};
use deeds::domain::command::CommandKind;
use deeds::domain::state::CACHE;
use deeds::ledger::{Ledger as _, Store};
use deeds::server::IMAGE_FOLDER;
use deeds::store::Images;

/// Deeds on one page.
const PAGE: usize = 1_000;

/// A deed as the server tells it.
struct Entry {
    deed: Value,
    text: String,
}

impl Entry {
    fn of(deed: Value) -> Self {
        let text = deed.to_string();
        Self { deed, text }
    }

    /// Who did what.
    fn what(&self) -> String {
        format!("{} {}", self.data("actor"), self.data("action"))
    }

    /// Without the values that were there before, which others wrote.
    fn without_before(&self) -> String {
        let mut deed = self.deed.clone();
        for field in deed["data"]["fields"].as_array_mut().into_iter().flatten() {
            field["before"] = Value::Null;
        }
        deed.to_string()
    }

    fn data(&self, name: &str) -> &Value {
        &self.deed["data"][name]
    }
}

/// Every deed so far, and what was asked for each.
#[derive(Default)]
pub(crate) struct Book {
    /// By number; the first is number 1.
    entries: Vec<Entry>,
    /// By caller, key and part: the deed that it brought about.
    keys: BTreeMap<String, usize>,
    /// By mark, and by who did what: how many decisions bear it.
    marks: BTreeMap<(String, String), usize>,
    /// Deeds by which something was acknowledged that was not refused, and by what.
    primary: BTreeMap<usize, String>,
}

impl Book {
    /// Takes in what was recorded since, and holds against it what was told.
    pub(crate) fn check(&mut self, home: &Home, server: &Server, told: &[Told]) -> Result<(), Found> {
        self.read_on(home, server)?;
        told.iter().try_for_each(|told| self.check_told(told))
    }

    /// The deeds that came since.
    fn read_on(&mut self, home: &Home, server: &Server) -> Result<(), Found> {
        let dana = home.dir.path().join("dana.token");
        loop {
            let path = format!("/v1/ledger?after={}&limit={PAGE}", self.entries.len());
            let (status, page) = ask(&server.url, &dana, "GET", &path, "").unwrap();
            assert_eq!(status, 200, "{page}");
            for one in page["deeds"].as_array().unwrap() {
                assert_eq!(one["seq"], self.entries.len() + 1, "a number is missing");
                self.add(one["deed"].clone())?;
            }
            if page["more"] == false {
                return Ok(());
            }
        }
    }

    /// One more deed, which may not bring about again what a key did.
    fn add(&mut self, deed: Value) -> Result<(), Found> {
        let entry = Entry::of(deed);
        let no = self.entries.len() + 1;
        let key = entry.data("idempotency");
        if key.is_object() {
            let name = format!("{} {} {}", entry.data("actor"), key["key"], key["part"]);
            if let Some(first) = self.keys.insert(name, no) {
                return Err((
                    Fault::Doubled,
                    format!("deed {no} has the key of deed {first}: {}", entry.text),
                ));
            }
        }
        let decides = entry.deed["correlationid"] == entry.deed["id"];
        for mark in marks(&entry.without_before()).into_iter().filter(|_| decides) {
            *self.marks.entry((mark, entry.what())).or_default() += 1;
        }
        self.entries.push(entry);
        Ok(())
    }

    fn check_told(&mut self, told: &Told) -> Result<(), Found> {
        for (part, reply) in replies(&told.answer).into_iter().enumerate() {
            let place =
                |what: &str| format!("{what}: {} asked {:?}\nand was told {reply}", told.who, told.asked);
            let no = usize::try_from(reply["deed"].as_u64().unwrap()).unwrap();
            let Some(entry) = self.entries.get(no - 1) else {
                return Err((Fault::Lost, place(&format!("the ledger ends with {}", self.entries.len()))));
            };
            if let Some(what) = self.is_otherwise(told, part, reply) {
                return Err((Fault::Wrong, format!("{}\n{}", place(what), entry.text)));
            }
            // What is refused again and again is told by the first such deed.
            if reply["outcome"] == "refused" {
                continue;
            }
            let decisions = self.marks.get(&(told.asked.mark.clone(), entry.what())).copied();
            if decisions.is_some_and(|many| many > told.answer["answers"].as_array().map_or(1, Vec::len)) {
                return Err((Fault::Doubled, place(&format!("{decisions:?} decisions"))));
            }
            let mut parts = reply["parts"].as_array().into_iter().flatten().filter_map(Value::as_u64);
            if let Some(part) =
                parts.find(|part| !self.bears(usize::try_from(*part).unwrap(), &told.asked.mark))
            {
                return Err((Fault::Lost, place(&format!("part {part}"))));
            }
            let name = format!("{} {} {part}", told.who, told.asked.mark);
            if let Some(before) = self.primary.insert(no, name.clone()).filter(|before| *before != name) {
                return Err((Fault::Wrong, place(&format!("the deed of {before}"))));
            }
        }
        Ok(())
    }

    /// What is not as it was told.
    fn is_otherwise(&self, told: &Told, part: usize, reply: &Value) -> Option<&'static str> {
        let no = usize::try_from(reply["deed"].as_u64()?).unwrap();
        let entry = self.entries.get(no - 1)?;
        if entry.data("outcome") != &reply["outcome"] || entry.data("code") != &reply["code"] {
            return Some("another outcome");
        }
        if entry.data("actor")["name"] != told.who.as_str() {
            return Some("another caller");
        }
        if reply["outcome"] == "refused" {
            return None;
        }
        let key = told.asked.key.as_deref();
        if key.is_some_and(|key| entry.data("idempotency")["key"] != key) {
            return Some("another key");
        }
        if bears_mark(told) && !self.bears(no, &told.asked.mark) {
            return Some("another content");
        }
        let written = told.asked.kind == CommandKind::Write && reply["outcome"] == "committed";
        (written && !is_written(told, part, reply, entry)).then_some("another value")
    }

    /// Whether a deed, or one that was decided with it, has this mark.
    fn bears(&self, no: usize, mark: &str) -> bool {
        let decision = |entry: &Entry| entry.deed["correlationid"].clone();
        let Some(first) = self.entries.get(no - 1).map(decision) else { return false };
        let mut decided = self.entries[no - 1..].iter().take_while(|entry| decision(entry) == first);
        decided.any(|entry| entry.text.contains(mark))
    }

    /// A server that is stopped leaves the very same deeds, and reading them all gives the state that it would go on with.
    pub(crate) fn check_whole(&self, home: &Home) -> Result<(), Found> {
        let export = home.ok(&["log", "--export", "jsonl"]);
        // The first line says which ledger it is.
        let deeds: Vec<Value> =
            export.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect();
        if deeds.len() < self.entries.len() {
            return Err((
                Fault::Lost,
                format!("{} deeds, and there were {}", deeds.len(), self.entries.len()),
            ));
        }
        let mut both = self.entries.iter().zip(&deeds);
        if let Some((entry, line)) = both.find(|(entry, line)| line["deed"] != entry.deed) {
            return Err((Fault::Wrong, format!("it was {}\nand is {line}", entry.text)));
        }
        replay_is_the_same(home)
    }

    pub(crate) fn deeds(&self) -> impl Iterator<Item = &Value> {
        self.entries.iter().map(|entry| &entry.deed)
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// What was written stands in the deed, under the version that was told.
fn is_written(told: &Told, part: usize, reply: &Value, entry: &Entry) -> bool {
    let body: Value = serde_json::from_str(&told.asked.body).unwrap();
    let write = if body.is_array() { &body[part] } else { &body };
    let field = &entry.data("fields")[0];
    entry.deed["subject"] == write["entity"]
        && field["after"] == write["changes"]["text"]
        && field["version"] == reply["fields"][0]["version"]
}

/// Whether what is asked has a place for a mark, which its deed then has.
fn bears_mark(told: &Told) -> bool {
    let asked = &told.asked;
    (asked.body.contains(&asked.mark) || asked.path.contains(&asked.mark))
        && told.asked.kind != CommandKind::Together
}

/// All `m1x2x` in a text.
fn marks(text: &str) -> BTreeSet<String> {
    let number = |text: &str| text.find(|one: char| !one.is_ascii_digit()).filter(|length| *length > 0);
    let mark = |(at, _): (usize, &str)| {
        let rest = &text[at + 1..];
        let first = number(rest).filter(|length| rest[*length..].starts_with('x'))? + 1;
        let second = number(&rest[first..]).filter(|length| rest[first + length..].starts_with('x'))? + 1;
        Some(text[at..=at + first + second].to_owned())
    };
    text.match_indices('m').filter_map(mark).collect()
}

/// Everything that looks at the directory finds it well: offline as a kill left it, then with a server on it.
pub(crate) fn is_well(home: &Home, why: &str) -> Server {
    let said = home.run(&["verify"]);
    assert_eq!(said.status, 0, "{why}: verify\n{}{}", said.out, said.err);
    let server = Server::start(home);
    let dana = home.dir.path().join("dana.token");
    let token = if dana.exists() { dana } else { home.data().join("tokens/default.dana") };
    let (status, said) = look(&server, &token, "/readyz");
    assert_eq!(status, 200, "{why}: readyz {said}");
    let said = home.run(&["doctor"]);
    assert_eq!(said.status, 0, "{why}: doctor\n{}{}", said.out, said.err);
    server
}

/// An answer as text.
pub(crate) fn look(server: &Server, token: &Path, path: &str) -> (u16, String) {
    let authorization = std::fs::read_to_string(token).unwrap();
    let mut line = Line::open(server.url.trim_start_matches("http://"), authorization.trim()).unwrap();
    let (status, body) = line.exchange("GET", path, "", "").unwrap();
    (status, String::from_utf8(body).unwrap())
}

/// Of a copy, which is started twice.
fn replay_is_the_same(home: &Home) -> Result<(), Found> {
    let copy = home.dir.path().join("copy");
    let from = home.data().join("workspaces/default");
    let to = copy.join("workspaces/default");
    std::fs::create_dir_all(&to).unwrap();
    for file in
        std::fs::read_dir(from).unwrap().map(|file| file.unwrap().path()).filter(|file| file.is_file())
    {
        std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
    copy_folder(&home.data().join(IMAGE_FOLDER), &copy.join(IMAGE_FOLDER));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let same = runtime.block_on(async {
        let replayed = start(&copy, false).await;
        let whole = replayed.whole().await.unwrap();
        replayed.shutdown().await;
        let resumed = start(&copy, true).await;
        let same = whole == resumed.whole().await.unwrap();
        resumed.shutdown().await;
        same
    });
    std::fs::remove_dir_all(copy).unwrap();
    let place = "the snapshot with its tail gives another state than the whole ledger";
    same.then_some(()).ok_or((Fault::Wrong, place.to_owned()))
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let (place, name) = entry.map(|entry| (entry.path(), entry.file_name())).unwrap();
        if place.is_dir() {
            copy_folder(&place, &to.join(name));
        } else {
            std::fs::copy(&place, to.join(name)).unwrap();
        }
    }
}

/// The workspace's state: from the first deed on, or from the newest snapshot and the image of its values.
async fn start(data: &Path, with_snapshot: bool) -> Handle {
    let store = Store::from(data);
    let workspace = "default".parse().unwrap();
    let ledger = store.open(&workspace).unwrap();
    let snapshot = with_snapshot.then(|| store.folder(&workspace).join(coordinator::SNAPSHOT_FILE));
    let images = with_snapshot.then(|| Images::open(&data.join(IMAGE_FOLDER), CACHE).unwrap());
    let image = images.map(|images| images.of(&ledger.identity().source()).unwrap());
    coordinator::start(ledger, Options { snapshot, image, ..Options::default() }).await.unwrap()
}

/// What this looks for it finds.
#[test]
fn the_checker_finds_what_is_lost_doubled_and_otherwise() {
    let deed = |no: u64, key: &str, after: &str| {
        let key = json!({"key": key, "digest": "0"});
        let data = json!({"actor": {"class": "agent", "name": "ann"}, "action": "write", "outcome": "committed",
                          "idempotency": key, "fields": [{"name": "text", "version": 1, "after": after}]});
        json!({"id": format!("d:{no}"), "correlationid": format!("d:{no}"), "subject": "ann/1", "data": data})
    };
    let told = |no: u64| {
        let body =
            json!({"entity": "ann/1", "changes": {"text": "m0x1x"}, "expected": {"text": 0}}).to_string();
        let asked = Asked {
            kind: CommandKind::Write,
            method: "POST",
            path: "/v1/writes".to_owned(),
            headers: String::new(),
            body,
            key: Some("k0-1".to_owned()),
            mark: "m0x1x".to_owned(),
        };
        let answer =
            json!({"outcome": "committed", "deed": no, "fields": [{"path": "ann/1#text", "version": 1}]});
        Told { who: "ann".to_owned(), asked, answer }
    };
    let found = |deeds: &[(&str, &str)], no: u64| {
        let mut book = Book::default();
        let mut deeds = (1..).zip(deeds);
        let read = deeds.try_for_each(|(no, (key, after))| book.add(deed(no, key, after)));
        read.and_then(|()| book.check_told(&told(no))).err().map(|(kind, _)| kind)
    };
    assert_eq!(found(&[("k0-1", "m0x1x")], 1), None);
    assert_eq!(found(&[("k0-1", "m0x1x")], 2), Some(Fault::Lost));
    assert_eq!(found(&[("k0-1", "m0x1x"), ("k0-1", "m0x1x")], 1), Some(Fault::Doubled));
    assert_eq!(found(&[("k0-1", "m0x1x"), ("k0-2", "m0x1x")], 1), Some(Fault::Doubled));
    assert_eq!(found(&[("k0-1", "m0x2x")], 1), Some(Fault::Wrong));
    assert_eq!(found(&[("k0-2", "m0x1x")], 1), Some(Fault::Wrong));
}
