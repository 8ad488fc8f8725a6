//! A flood by each command that an agent may ask, and by what else it can send: the others hardly notice, memory ends where it
//! should, and a person gets through. The list is derived from the table of commands: one without a flood does not compile.
//!
//! `cargo test --test hostile growth -- --ignored --nocapture` floods each until its bound and prints what it keeps: the table
//! of docs/OPERATIONS.md.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::fairness::MOST_MIB;
use crate::team::{Line, Team, measures, p99};
use deeds::domain::command::CommandKind;
use deeds::domain::things::TokenClass;

/// Connections of each hostile agent.
const CONNECTIONS: usize = 8;
/// For how long each floods.
const FLOOD: Duration = Duration::from_millis(900);
/// For how long at most, until its bound.
const GROWTH: Duration = Duration::from_secs(12);

/// What is sent: method, path, headers, body.
struct Asked {
    method: &'static str,
    path: String,
    headers: String,
    body: String,
}

/// The `n`th of somebody, on one of their connections.
type Ask = fn(who: &str, connection: usize, n: u64) -> Asked;

/// What is sent without end.
struct Flood {
    name: &'static str,
    class: TokenClass,
    ask: Ask,
}

fn post(path: impl Into<String>, body: &serde_json::Value) -> Asked {
    Asked { method: "POST", path: path.into(), headers: String::new(), body: body.to_string() }
}

fn get(path: impl Into<String>) -> Asked {
    Asked { method: "GET", path: path.into(), headers: String::new(), body: String::new() }
}

/// Some kilobytes, so that what is kept shows in memory.
fn long() -> String {
    "x".repeat(4_000)
}

fn write(who: &str, connection: usize, n: u64) -> Asked {
    let entity = format!("{who}/{connection}/{n}");
    post("/v1/writes", &json!({"entity": entity, "changes": {"text": long()}, "expected": {"text": 0}}))
}

/// How that command is asked without end; none where no program may ask it.
fn of(kind: CommandKind) -> Option<Ask> {
    let ask: Ask = match kind {
        CommandKind::Write => write,
        CommandKind::Act => |who, connection, n| {
            let act = json!({"target": format!("mail/{who}/{connection}/{n}"), "subject": format!("{who}/{n}"), "action": "send"});
            post("/v1/acts", &act)
        },
        CommandKind::ActEnd => |_, connection, n| {
            post(format!("/v1/acts/{}/done", n * 8 + connection as u64), &json!({"note": long()}))
        },
        CommandKind::Call => |_, connection, n| {
            let arguments = json!({"id": format!("{connection}-{n}"), "text": long()});
            post("/v1/calls", &json!({"server": "crm", "tool": "put", "arguments": arguments, "via": "gate"}))
        },
        CommandKind::Escalate => |_, connection, n| {
            post(
                "/v1/escalations",
                &json!({"input": format!("{connection} {n} {}", long()), "why": "who knows"}),
            )
        },
        CommandKind::OfferZone => |who, connection, n| {
            let pattern = format!("{who}/{connection}/{n}/*#text");
            post("/v1/zone-offers", &json!({"pattern": pattern, "to": "victim", "reason": long()}))
        },
        CommandKind::Raise => |who, connection, n| {
            let subject = format!("{who}/{connection}/{n}");
            post(
                "/v1/events",
                &json!({"event": "mail.received", "subject": subject, "attributes": {"key": subject, "text": long()}}),
            )
        },
        CommandKind::Claim => |who, connection, n| {
            post("/v1/claims", &json!({"event": "own.came", "key": format!("{who}-{connection}-{n}")}))
        },
        CommandKind::Take => |_, _, _| post("/v1/work/take", &json!({"limit": 64})),
        CommandKind::Work => |_, connection, n| {
            post(format!("/v1/work/{}/decline", n * 8 + connection as u64), &json!({"note": long()}))
        },
        CommandKind::Handoff => |who, connection, n| {
            let done = json!({"result": long(), "status": "done"});
            let task = format!("{who}-{connection}-{n}");
            post(
                "/v1/handoffs",
                &json!({"to": "victim", "task": task, "work_product": done, "context": {}, "constraints": [], "attempt": 1}),
            )
        },
        CommandKind::FanOut => |_, _, _| {
            let branch = json!({"to": "victim", "input": long()});
            post("/v1/fan-outs", &json!({"branches": vec![branch; 8], "deadline": "1h"}))
        },
        CommandKind::Lease => |who, connection, n| {
            let path = format!("{who}/{connection}/{n}#text");
            post("/v1/leases", &json!({"target": {"path": path}, "ttl": "1h"}))
        },
        CommandKind::Publish => |who, connection, n| {
            let thread = format!("{connection}-{n}");
            post("/v1/outputs", &json!({"output": format!("mail/{who}"), "thread": thread, "body": long()}))
        },
        CommandKind::Conclude => |who, connection, n| {
            let subject = format!("{who}/{connection}/{n}");
            post("/v1/conclusions", &json!({"subject": subject, "question": "paid?", "answer": long()}))
        },
        CommandKind::Together => |who, connection, n| {
            let part = |at: usize| json!({"do": "write", "entity": format!("{who}/{connection}/{n}/{at}"), "changes": {"n": 1}, "expected": {"n": 0}});
            post("/v1/together", &json!({"commands": (0..64).map(part).collect::<Vec<_>>()}))
        },
        CommandKind::Guard => |_, connection, n| {
            post(
                "/v1/guard",
                &json!({"agent": "victim", "by": "git", "stopped": true, "paths": [format!("files/{connection}/{n}")]}),
            )
        },
        CommandKind::Item
        | CommandKind::Alert
        | CommandKind::ApplyMap
        | CommandKind::MapReview
        | CommandKind::Token
        | CommandKind::Key
        | CommandKind::AcceptLoss
        | CommandKind::RebaseClock
        | CommandKind::Override
        | CommandKind::Review
        | CommandKind::Away
        | CommandKind::Import
        | CommandKind::Tick
        | CommandKind::TurnAway
        | CommandKind::Clock => return None,
    };
    Some(ask)
}

/// Every flood: of the commands, and what else programs can send.
fn floods() -> Vec<Flood> {
    let mut all = Vec::new();
    for kind in CommandKind::ALL {
        let row = kind.row();
        let classes = row.who.classes().iter().copied();
        let class = classes.clone().find(|class| matches!(class, TokenClass::Agent | TokenClass::Guard));
        assert_eq!(class.is_some(), of(*kind).is_some(), "{}: a program's command has a flood", row.name);
        all.extend(class.zip(of(*kind)).map(|(class, ask)| Flood { name: row.name, class, ask }));
    }
    let more: [(&'static str, TokenClass, Ask); 7] = [
        ("proposals", TokenClass::Agent, |who, connection, n| {
            let entity = format!("victim/of-{who}/{connection}/{n}");
            post(
                "/v1/writes",
                &json!({"entity": entity, "changes": {"text": long()}, "expected": {"text": 0}}),
            )
        }),
        ("stale-writes", TokenClass::Agent, |who, _, n| {
            let entity = format!("{who}/{n}");
            post("/v1/writes", &json!({"entity": entity, "changes": {"text": 1}, "expected": {"text": 9}}))
        }),
        ("keys", TokenClass::Agent, |who, connection, n| {
            let headers = format!("Idempotency-Key: {connection}-{n}\r\n");
            let body =
                json!({"entity": format!("{who}/{connection}"), "changes": {"n": n}, "expected": {"n": n}});
            Asked { headers, ..post("/v1/writes", &body) }
        }),
        ("look-entity", TokenClass::Agent, |_, _, _| get("/v1/entities/victim/look")),
        ("look-ledger", TokenClass::Watcher, |_, _, _| get("/v1/ledger?limit=200")),
        ("look-work", TokenClass::Agent, |_, _, _| get("/v1/work")),
        ("watcher", TokenClass::Watcher, write),
    ];
    all.extend(more.into_iter().map(|(name, class, ask)| Flood { name, class, ask }));
    all
}

/// A team in which each flood has an agent of its own, whose budget is its own.
fn team(floods: &[Flood]) -> Team {
    let mut map = String::from(
        "workspace = \"default\"\nmode = \"enforce\"\ngovernance_owner = \"dana\"\n\n[[event]]\nname = \"mail.received\"\nkey = \"key\"\n\n[[event]]\nname = \"own.came\"\n\n\
         [[queue]]\nname = \"inbox\"\nowner = \"dana\"\nreview = \"daily 09:00\"\npriority = [\"victim\"]\n\n",
    );
    let agents = floods.iter().filter(|flood| flood.class == TokenClass::Agent).map(|flood| flood.name);
    for id in agents.clone().chain(["victim"]) {
        let events = match id {
            "victim" => "triggers = [\"mail.received\"]\n",
            "claim" => "triggers = [\"own.came\"]\n",
            _ => "",
        };
        write!(map, "[[agent]]\nid = \"{id}\"\nowner = \"dana\"\nwrites = [\"{id}/**\"]\noutputs = [\"mail/{id}\"]\nescalates_to = \"inbox\"\n{events}\n").unwrap();
    }
    let team = Team::start_on(&map, &["victim"]);
    for flood in floods {
        team.invite(flood.class.as_str(), flood.name);
    }
    team
}

/// How often each outcome, or each refusal's code, came.
#[derive(Default)]
struct Came {
    through: u64,
    refused: u64,
    over: u64,
    come_again: u64,
}

impl Came {
    fn count(&mut self, method: &str, status: u16, body: &[u8]) {
        let text = String::from_utf8_lossy(body);
        match status {
            200 if method == "GET" => self.through += 1,
            429 | 503 => self.come_again += 1,
            200 if text.contains("\"code\":\"over-budget\"") => self.over += 1,
            200 if text.contains("\"outcome\":\"refused\"") => self.refused += 1,
            200 => self.through += 1,
            _ => self.refused += 1,
        }
    }

    fn all(&self) -> u64 {
        self.through + self.refused + self.over
    }
}

/// Sends on one connection until it is over.
fn send(mut line: Line, connection: usize, ask: Ask, who: &str, over: &AtomicBool) -> Came {
    rustix::process::nice(19).unwrap();
    let mut came = Came::default();
    for n in 0.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let Asked { method, path, headers, body } = ask(who, connection, n);
        match line.exchange(method, &path, &headers, &body) {
            Ok((status, body)) => came.count(method, status, &body),
            Err(_) => break,
        }
    }
    came
}

/// What a flood did to the others, and what it left behind.
struct Measured {
    name: &'static str,
    came: Came,
    writes: Duration,
    looks: Duration,
    paused: Duration,
    resident: (u64, u64),
    disk: (u64, u64),
    kept: u64,
    open: u64,
}

/// The victim at work: what its writes and looks take; none is refused.
struct Victim {
    line: Line,
    next: u64,
}

impl Victim {
    fn works(&mut self, time: Duration) -> (Duration, Duration) {
        let (mut writes, mut looks) = (Vec::new(), Vec::new());
        let began = Instant::now();
        while began.elapsed() < time {
            let n = self.next;
            self.next += 1;
            let body = json!({"entity": "victim/own", "changes": {"n": n}, "expected": {"n": n}}).to_string();
            let (status, answer, took) = self.line.timed("POST", "/v1/writes", &body);
            assert_eq!((status, &answer["outcome"]), (200, &json!("committed")), "{answer}");
            writes.push(took);
            let (status, answer, took) = self.line.timed("GET", "/v1/entities/victim/own", "");
            assert_eq!(status, 200, "{answer}");
            looks.push(took);
        }
        (p99(writes), p99(looks))
    }
}

/// One flood, and a person who ends it.
fn flooded(team: &Team, victim: &mut Victim, flood: &Flood, time: Duration) -> Measured {
    let before = (team.resident(), team.disk());
    let over = Arc::new(AtomicBool::new(false));
    let (ask, name) = (flood.ask, flood.name);
    let lines: Vec<_> = (0..CONNECTIONS)
        .map(|connection| {
            let (line, over) = (team.connect(name), Arc::clone(&over));
            std::thread::spawn(move || send(line, connection, ask, name, &over))
        })
        .collect();
    let (writes, looks) = victim.works(time);
    let mut dana = team.connect("dana");
    let order = if flood.class == TokenClass::Agent {
        json!({"step": "pause", "agent": name, "reason": "it floods"})
    } else {
        // Who is no agent can't be paused; another order goes through as well.
        json!({"step": "freeze", "entity": format!("flooded/{name}"), "reason": "it floods"})
    };
    let (status, answer, paused) = dana.timed("POST", "/v1/overrides", &order.to_string());
    assert_eq!((status, &answer["outcome"]), (200, &json!("recorded")), "{name}: {answer}");
    if flood.class == TokenClass::Agent {
        let (_, told) =
            team.connect(name).ask("POST", "/v1/escalations", r#"{"input":1,"why":"x"}"#).unwrap();
        assert_eq!(told["code"], "paused", "{name}: {told}");
    }
    over.store(true, Ordering::Relaxed);
    let mut came = Came::default();
    for line in lines {
        let one = line.join().unwrap();
        came.through += one.through;
        came.refused += one.refused;
        came.over += one.over;
        came.come_again += one.come_again;
    }
    let mine = Some(name);
    let (kept, open) = (dana.gauge("deeds_kept_bytes", mine), dana.gauge("deeds_kept_open", mine));
    let (resident, disk) = ((before.0, team.resident()), (before.1, team.disk()));
    Measured { name, came, writes, looks, paused, resident, disk, kept, open }
}

#[test]
fn each_family_of_commands_costs_the_others_little() {
    let floods = floods();
    let team = team(&floods);
    let mut victim = Victim { line: team.connect("victim"), next: 0 };
    victim.works(Duration::from_millis(300));
    let quiet = victim.works(Duration::from_secs(1));
    println!("quiet: writes {:?}, looks {:?}, {} MiB", quiet.0, quiet.1, team.resident());
    for flood in &floods {
        let Measured { name, came, writes, looks, paused, resident, disk, kept, open } =
            flooded(&team, &mut victim, flood, FLOOD);
        println!(
            "{name:<12} {:>6} through, {:>6} refused, {:>6} over budget, {:>5} come again; writes {writes:>10?}, looks {looks:>10?}, pause {paused:>10?}; {} MiB, {} KiB of disk; {kept} bytes and {open} open",
            came.through,
            came.refused,
            came.over,
            came.come_again,
            resident.1,
            (disk.1 - disk.0) / 1024,
        );
        assert!(came.all() > 0, "{name}: there was no flood");
        assert!(resident.1 < MOST_MIB, "{name}: {} MiB", resident.1);
        assert!(kept <= 16 << 20 && open <= 2_000, "{name}: {kept} bytes and {open} open");
        if measures() {
            assert!(writes <= (quiet.0 * 3).max(Duration::from_millis(10)), "{name}: writes {writes:?}");
            assert!(looks <= (quiet.1 * 3).max(Duration::from_millis(10)), "{name}: looks {looks:?}");
            assert!(paused <= Duration::from_millis(200), "{name}: pause {paused:?}");
        }
    }
}

/// What each keeps, until its bound.
#[test]
#[ignore = "a measurement of several minutes, which prints a table"]
fn growth() {
    let floods = floods();
    println!(
        "| flood | sent | went through | kept, bytes of each | open | on disk, bytes of each | memory, MiB | at the bound |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for flood in &floods {
        let team = team(&floods);
        let mut victim = Victim { line: team.connect("victim"), next: 0 };
        victim.works(Duration::from_millis(300));
        let Measured { name, came, resident, disk, kept, open, .. } =
            flooded(&team, &mut victim, flood, GROWTH);
        let end = match (came.over, came.refused) {
            (0, 0) => "none within the time".to_owned(),
            (0, refused) => format!("{refused} refused by a rule"),
            (over, _) => format!("{over} refused as over budget"),
        };
        println!(
            "| {name} | {} | {} | {} | {open} | {} | {} → {} | {end} |",
            came.all(),
            came.through,
            kept / came.through.max(1),
            (disk.1 - disk.0) / came.all().max(1),
            resident.0,
            resident.1,
        );
    }
}
