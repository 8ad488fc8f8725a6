//! A data directory with the deeds of a team at work, made by the real rules and then taken into use by the product once,
//! so that it has the snapshot and the index that it has after normal use. Beside it the same deeds as a JSON log.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command as Process, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rusqlite::OpenFlags;
use tempfile::TempDir;

use deeds::coordinator::Clock;
use deeds::domain::command::{Command, Expected, Principal, Request, WorkStep, WorkVerb, Write, WriteKind};
use deeds::domain::decide::{decide, found};
use deeds::domain::deed::{Deed, Origin};
use deeds::domain::ids::{Actor, AgentId, PersonId, Version, WorkspaceId};
use deeds::domain::map;
use deeds::domain::path::{EntityPath, FieldName};
use deeds::domain::state::State;
use deeds::domain::things::{TokenClass, WorkKind};
use deeds::domain::time::{Span, Time};
use deeds::domain::value::Value;
use deeds::ledger::{AnyLedger, Append, Head, Ledger as _, Store};
use deeds::server::Workspaces;

/// Names a directory in which what was made is kept and found again.
const KEPT: &str = "DEEDS_BENCH_DIR";
/// The shape of what is made; another one is made anew.
const SHAPE: u32 = 1;
const WORKSPACE: &str = "bench";
const APPEND: usize = 20_000;
/// Deeds for each entity: about as many as in a real team's write log.
const DEEDS_PER_ENTITY: u64 = 10;
/// Cases that wait at the end.
pub(crate) const CASES: usize = 40;
/// The team has been at work for this long.
const DAYS: i64 = 30;
/// How long the product may take to index everything.
const INDEX_LIMIT: Duration = Duration::from_mins(5);

const MAP: &str = r#"
workspace = "bench"
governance_owner = "dana"

[[agent]]
id = "intake"
role = "Qualifies inbound leads"
owner = "dana"
writes = ["crm/contact/*#status", "crm/contact/*#name"]

[[agent]]
id = "support"
role = "Answers customers"
owner = "dana"
writes = ["support/ticket/*#status", "support/ticket/*#answer"]

[[agent]]
id = "sales"
role = "Moves deals"
owner = "dana"
writes = ["crm/deal/*#stage", "crm/deal/*#value"]

[[agent]]
id = "billing"
role = "Writes invoices"
owner = "dana"
writes = ["invoices/*#status", "invoices/*#amount"]

[[queue]]
name = "ops"
owner = "dana"
sla = "90d"
"#;

/// Agent, where its entities are, its fields.
const AGENTS: [(&str, &str, [&str; 2]); 4] = [
    ("intake", "crm/contact", ["status", "name"]),
    ("support", "support/ticket", ["status", "answer"]),
    ("sales", "crm/deal", ["stage", "value"]),
    ("billing", "invoices", ["status", "amount"]),
];

/// What was made, for as long as it is needed.
pub(crate) struct Made {
    base: PathBuf,
    _temporary: Option<TempDir>,
}

impl Made {
    /// A directory with at least that many deeds, made now or found.
    pub(crate) fn with(deeds: u64) -> Self {
        let temporary = std::env::var_os(KEPT).is_none().then(|| TempDir::new().unwrap());
        let root = match &temporary {
            Some(temporary) => temporary.path().to_owned(),
            None => PathBuf::from(std::env::var_os(KEPT).unwrap()),
        };
        let made = Self { base: root.join(format!("{deeds}-deeds-v{SHAPE}")), _temporary: temporary };
        let done = made.base.join("done");
        if !done.exists() {
            if made.base.exists() {
                fs::remove_dir_all(&made.base).unwrap();
            }
            made.make(deeds);
            File::create(done).unwrap();
        }
        made
    }

    /// A directory with at least that many deeds that is nobody else's: to be written into.
    pub(crate) fn fresh(deeds: u64) -> Self {
        let temporary = TempDir::new().unwrap();
        let made = Self { base: temporary.path().join("made"), _temporary: Some(temporary) };
        made.make(deeds);
        made
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.base.join("data")
    }

    /// A home without anybody's settings.
    pub(crate) fn home(&self) -> PathBuf {
        self.base.join("home")
    }

    /// The deeds that the team made, a line each.
    pub(crate) fn log(&self) -> PathBuf {
        self.base.join("deeds.jsonl")
    }

    fn workspace(&self) -> PathBuf {
        self.data().join("workspaces").join(WORKSPACE)
    }

    fn make(&self, deeds: u64) {
        fs::create_dir_all(self.home()).unwrap();
        let (store, workspace) = (Store::from(self.data().as_path()), WorkspaceId::new(WORKSPACE).unwrap());
        let ledger = store.create(&workspace).unwrap();
        store.say_home(&workspace).unwrap();
        let begun = Instant::now();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(write_deeds(&ledger, &self.log(), deeds));
        let worked = begun.elapsed();
        let begun = Instant::now();
        self.use_once();
        println!(
            "made {deeds} deeds by the rules in {:.0} s; snapshot and index took the product {:.0} s",
            worked.as_secs_f64(),
            begun.elapsed().as_secs_f64()
        );
    }

    /// The program, with nothing in its environment but this home.
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("HOME", self.home().display().to_string()),
            ("PATH", std::env::var("PATH").unwrap_or_default()),
            ("USER", "dana".to_owned()),
            ("LANG", "C.UTF-8".to_owned()),
            ("TERM", "xterm-256color".to_owned()),
            ("DEEDS_DATA_DIR", self.data().display().to_string()),
            ("DEEDS_LISTEN", "127.0.0.1:0".to_owned()),
            ("DEEDS_KEEP", "false".to_owned()),
        ]
    }

    /// A server on the directory that is ready to be attached to.
    pub(crate) fn serve(&self) -> Child {
        self.serve_at().0
    }

    /// The same, with its address.
    pub(crate) fn serve_at(&self) -> (Child, String) {
        let mut server = Process::new(env!("CARGO_BIN_EXE_deeds"))
            .arg("serve")
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(server.stdout.take().unwrap()).lines();
        // It says where it serves, then where the token is.
        let serving = said.next().expect("a server that is ready").unwrap();
        said.next().expect("a workspace that is open").unwrap();
        (server, serving.rsplit('/').next().unwrap().to_owned())
    }

    /// Runs a command of the program to its end, and returns what it printed.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let said = Process::new(env!("CARGO_BIN_EXE_deeds"))
            .args(arguments)
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap()
    }

    /// Has a server end in order.
    pub(crate) fn end(mut server: Child) {
        let pid = rustix::process::Pid::from_child(&server);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(server.wait().unwrap().success());
    }

    /// Serves the directory until the index has everything, then closes it in order, which leaves a snapshot.
    fn use_once(&self) {
        let server = self.serve();
        let begun = Instant::now();
        while !self.is_indexed() {
            assert!(begun.elapsed() < INDEX_LIMIT, "the index has not caught up in {INDEX_LIMIT:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
        Self::end(server);
        // A server that is told to end gives up a snapshot that takes long; whoever just closes waits for it.
        let runtime = deeds::server::runtime().unwrap();
        runtime.block_on(async {
            let workspaces = Workspaces::open(self.data().as_path(), Clock::System).await.unwrap();
            workspaces.shutdown().await;
        });
        assert!(self.workspace().join("snapshot").exists());
    }

    fn is_indexed(&self) -> bool {
        let number = |file: &str, sql: &str| {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
            let file = rusqlite::Connection::open_with_flags(self.workspace().join(file), flags).ok()?;
            file.query_row(sql, [], |row| row.get::<_, i64>(0)).ok()
        };
        let head = number("ledger.db", "SELECT max(seq) FROM record").expect("a ledger");
        number("index.db", "SELECT head FROM meta").is_some_and(|indexed| indexed == head)
    }
}

async fn write_deeds(ledger: &AnyLedger, log: &Path, count: u64) {
    let workspace = WorkspaceId::new(WORKSPACE).unwrap();
    let origin = Origin { source: Arc::from(ledger.identity().source()), workspace: workspace.clone() };
    let mut log = BufWriter::new(File::create(log).unwrap());
    let mut head = ledger.head().await.unwrap();
    let mut story = Story::new(workspace, count);
    let mut deeds = vec![story.found()];
    let mut batch: Vec<Bytes> = Vec::with_capacity(APPEND + 16);
    loop {
        for deed in deeds {
            story.state.fold(&deed);
            let bytes = deed.encode(&origin).unwrap();
            log.write_all(&bytes).unwrap();
            log.write_all(b"\n").unwrap();
            batch.push(Bytes::from(bytes));
        }
        let over = story.state.head().0 >= count;
        if over || batch.len() >= APPEND {
            head = append(ledger, head, std::mem::take(&mut batch)).await;
        }
        if over {
            break;
        }
        deeds = story.next();
    }
    log.flush().unwrap();
    assert_eq!(story.state.board.items.len(), CASES, "cases that wait");
    ledger.close().await;
}

async fn append(ledger: &AnyLedger, head: Head, batch: Vec<Bytes>) -> Head {
    match ledger.append(head, batch).await.unwrap() {
        Append::Appended(records) => records.last().unwrap().head(),
        Append::Moved(head) => panic!("the ledger ends at {head:?}"),
    }
}

/// What the team does, one request after another; always the same.
struct Story {
    state: State,
    agents: Vec<(AgentId, &'static str, [FieldName; 2])>,
    begun: Time,
    every: Span,
    count: u64,
    step: u64,
    seed: u64,
}

impl Story {
    fn new(workspace: WorkspaceId, count: u64) -> Self {
        let every = Span::from_micros(Span::from_days(DAYS).micros() / i64::try_from(count).unwrap());
        let agents = AGENTS.map(|(name, place, fields)| {
            (AgentId::new(name).unwrap(), place, fields.map(|field| field.parse().unwrap()))
        });
        Self {
            state: State::new(workspace),
            agents: agents.to_vec(),
            begun: Clock::System.now().minus(Span::from_days(DAYS)),
            every,
            count,
            step: 0,
            seed: 0x9E37_79B9_7F4A_7C15,
        }
    }

    fn found(&self) -> Deed {
        let model = map::parse(MAP).model.expect("the bench's map");
        found(Arc::new(model), Actor::Person(PersonId::new("dana").unwrap()), self.begun)
    }

    /// What the rules make of the next request.
    fn next(&mut self) -> Vec<Deed> {
        self.step += 1;
        let (agent, command) = self.command();
        let principal = Principal { actor: Actor::Agent(agent), class: TokenClass::Agent, token: None };
        let request = Request::new(principal, command);
        let now = i64::try_from(self.state.head().0).unwrap() * self.every.micros();
        decide(&self.state, &request, self.begun.plus(Span::from_micros(now))).deeds
    }

    /// Mostly an agent writes what is its own. Now and then on what is no longer so, or what is another's, whose work it
    /// becomes; cases arise at the end.
    fn command(&mut self) -> (AgentId, Command) {
        let random = self.random();
        let (agent, place, fields) = self.agents[random % self.agents.len()].clone();
        if self.step.is_multiple_of(50)
            && let Some(work) = self.state.board.works.values().find(|work| work.agent == agent)
        {
            let step = match &work.kind {
                WorkKind::Proposal { .. } if random.is_multiple_of(3) => WorkVerb::Decline,
                WorkKind::Proposal { .. } => WorkVerb::Accept,
                WorkKind::Decision { .. }
                | WorkKind::Notice { .. }
                | WorkKind::Ruling { .. }
                | WorkKind::Dispatch { .. }
                | WorkKind::Handoff { .. }
                | WorkKind::Returned { .. }
                | WorkKind::Branch { .. }
                | WorkKind::Join { .. }
                | WorkKind::Changed { .. }
                | WorkKind::Free { .. } => WorkVerb::Complete,
            };
            let step = WorkStep {
                work: work.no,
                step,
                note: Some(Arc::from("seen to")),
                result: None,
                lease: None,
                attempt: None,
            };
            return (agent, Command::Work(step));
        }
        let entities = (self.count / DEEDS_PER_ENTITY / self.agents.len() as u64).max(1);
        let number = self.random() as u64 % entities;
        // Trouble is where a few records are.
        let trouble = number % 20;
        let (entity, field) = (format!("{place}/{number:06}"), fields[usize::from(random & 64 > 0)].clone());
        if self.state.board.items.len() < CASES
            && self.state.head().0 + 4_000.min(self.count / 2) > self.count
        {
            let field = format!("extra_{}", random % 25).parse().unwrap();
            return (agent, self.write(&entity, field, 0));
        }
        if self.step.is_multiple_of(997) {
            let (_, place, fields) = self.agents[(random + 1) % self.agents.len()].clone();
            return (agent, self.write(&format!("{place}/{trouble:06}"), fields[0].clone(), 0));
        }
        if self.step.is_multiple_of(499) {
            return (agent, self.write(&format!("{place}/{trouble:06}"), field, 1));
        }
        (agent, self.write(&entity, field, 0))
    }

    /// A write on the present version, or on one that many before it.
    fn write(&mut self, entity: &str, field: FieldName, behind: u64) -> Command {
        let entity: EntityPath = entity.parse().unwrap();
        let known = self.state.entities.get(&entity);
        let version = known.map_or(Version(0), |known| known.version_of(&field));
        let expected = Version(version.0.saturating_sub(behind));
        let value = Value::text(&format!("state {} after {}", self.step, version));
        Command::Write(Write {
            entity,
            kind: WriteKind::Update,
            changes: BTreeMap::from([(field.clone(), value)]),
            expected: Some(Expected::Fields(BTreeMap::from([(field, expected)]))),
            depends_on: BTreeMap::new(),
            lease: None,
            reason: Some(Arc::from(REASONS[self.random() % REASONS.len()])),
            cause: None,
            call: None,
        })
    }

    fn random(&mut self) -> usize {
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 16) as usize
    }
}

const REASONS: [&str; 5] = [
    "form received",
    "the customer answered",
    "moved on by the daily sweep",
    "corrected after a call with the customer",
    "matched with the bank's statement",
];
