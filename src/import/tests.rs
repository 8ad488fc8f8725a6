//! What a beads log is read as; and, with the real log at hand, what the rulebook makes of it.

use std::collections::BTreeMap;
use std::fs;
use std::future::Future as _;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::beads::{BrokenLine, Events, LINE_BYTES};
use super::{BATCH_BYTES, Door, ImportError, Look, Progress, Report, Tally, run};
use crate::domain::command::{Command, Import, Principal, Request, WriteKind};
use crate::domain::decide::{Answer, decide, found};
use crate::domain::ids::{Actor, Seq};
use crate::domain::map::{Mode, Model};
use crate::domain::reply::Reply;
use crate::domain::state::State;
use crate::domain::things::{Alert, AlertKind, TokenClass};
use crate::domain::time::Time;

fn read(text: &[u8]) -> (Vec<Import>, Vec<BrokenLine>) {
    let (mut imports, mut broken) = (Vec::new(), Vec::new());
    let mut events = Events::new(text);
    while let Some(line) = events.next_line().unwrap() {
        match line {
            Ok(import) => imports.push(import),
            Err(line) => broken.push(line),
        }
    }
    (imports, broken)
}

fn event(id: u64, rest: &str) -> String {
    format!(
        "{{\"id\":{id},\"issue_id\":\"bd-x\",\"actor\":\"beads/crew/emma\",\"created_at\":\"2026-02-26T15:13:31Z\",{rest}}}\n"
    )
}

/// The one line's changes as the server would get them, and its note.
fn changes(rest: &str) -> (String, Option<String>) {
    let (imports, broken) = read(event(1, rest).as_bytes());
    assert_eq!(broken, []);
    (serde_json::to_string(&imports[0].changes).unwrap(), imports[0].note.as_deref().map(str::to_owned))
}

#[test]
fn every_type_of_event_has_its_reading() {
    for (rest, expected, note) in [
        (r#""event_type":"created","old_value":"","new_value":"""#, "{}", None),
        (
            r#""event_type":"updated","old_value":"{\"priority\":1,\"notes\":\"a\"}","new_value":"{\"priority\":2,\"notes\":\"\",\"design\":\"d\"}""#,
            r#"{"design":{"before":null,"after":"d"},"notes":{"before":"a","after":null},"priority":{"before":1,"after":2}}"#,
            None,
        ),
        (
            r#""event_type":"status_changed","old_value":"{\"status\":\"open\"}","new_value":"{\"status\":\"hooked\"}","comment":"why""#,
            r#"{"status":{"before":"open","after":"hooked"}}"#,
            Some("why"),
        ),
        (
            r#""event_type":"reopened","old_value":"{\"status\":\"closed\"}","new_value":"{\"status\":\"open\"}""#,
            r#"{"status":{"before":"closed","after":"open"}}"#,
            None,
        ),
        (
            r#""event_type":"closed","old_value":"","new_value":"done with it""#,
            r#"{"status":{"after":"closed"}}"#,
            Some("done with it"),
        ),
        (
            r#""event_type":"closed","old_value":"{\"status\":\"open\"}","new_value":"{\"status\":\"closed\"}""#,
            r#"{"status":{"before":"open","after":"closed"}}"#,
            None,
        ),
        (
            r#""event_type":"label_added","comment":"Added label: pinned""#,
            r#"{"label.pinned":{"after":true}}"#,
            None,
        ),
        (
            r#""event_type":"label_removed","comment":"Removed label: a/b#c""#,
            r#"{"label.a%2Fb%23c":{"after":null}}"#,
            None,
        ),
        (r#""event_type":"commented","comment":"hello""#, r#"{"comments":{"after":"hello"}}"#, None),
        (
            r#""event_type":"renamed","old_value":"bd-old","new_value":"bd-x""#,
            r#"{"id":{"before":"bd-old","after":"bd-x"}}"#,
            None,
        ),
    ] {
        assert_eq!(changes(rest), (expected.to_owned(), note.map(str::to_owned)), "{rest}");
    }
}

#[test]
fn who_when_and_where_are_kept() {
    let created = event(7, r#""event_type":"created""#);
    let (imports, _) = read(created.as_bytes());
    let one = &imports[0];
    assert_eq!((one.actor.as_str(), one.entity.as_str(), one.id), ("beads/crew/emma", "issue/bd-x", 7));
    assert_eq!((one.time, one.kind), ("2026-02-26T15:13:31Z".parse().unwrap(), WriteKind::Create));
    let longer = format!("\n  \n{created}{}", event(8, r#""event_type":"commented","comment":"c""#));
    let (again, _) = read(longer.as_bytes());
    assert_eq!(again[0], *one, "the same history, grown, keeps its name");
    assert_eq!(again[1].source, one.source);
    let (other, _) = read(event(8, r#""event_type":"created""#).as_bytes());
    assert_ne!(other[0].source, one.source);
    assert!(one.source.starts_with("beads:"));
}

#[test]
fn broken_lines_are_named_and_the_rest_goes_in() {
    let good = event(1, r#""event_type":"created""#);
    let mut text = good.clone().into_bytes();
    for (line, bad) in [
        "{\"id\":2",
        &event(1, r#""event_type":"created""#),
        &event(3, r#""event_type":"exploded""#),
        &event(4, r#""event_type":"updated","old_value":"{}","new_value":"no record""#),
        &event(5, r#""event_type":"label_added","comment":"pinned""#),
        &event(6, r#""event_type":"created""#).replace("emma", "emma the great"),
        &event(7, r#""event_type":"created""#).replace("2026-02-26", "yesterday"),
        &event(8, r#""event_type":"updated","old_value":"{}","new_value":"{\"n\":99999999999999999}""#),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(line < 8);
        text.extend_from_slice(bad.trim_end().as_bytes());
        text.push(b'\n');
    }
    text.extend_from_slice(b"\xff\n");
    text.extend(vec![b'x'; usize::try_from(LINE_BYTES).unwrap() + 10]);
    text.push(b'\n');
    text.extend_from_slice(event(9, r#""event_type":"created""#).trim_end().as_bytes());
    let (imports, broken) = read(&text);
    assert_eq!(imports.iter().map(|one| one.id).collect::<Vec<_>>(), [1, 9]);
    let said: Vec<String> = broken.iter().map(ToString::to_string).collect();
    for (line, part) in [
        "line 2: not an event of a beads log: EOF",
        "line 3: event 1 stands on line 1 already",
        "line 4: there is no rule for events of type \"exploded\"",
        "line 5: `new_value` is not a record in JSON",
        "line 6: `comment` does not name the label; it should read \"Added label: NAME\"",
        "line 7: `actor`: \"beads/crew/emma the great\" is not an agent id",
        "line 8: `created_at`: ",
        "line 9: field \"n\": the integer 99999999999999999 is beyond 2^53",
        "line 10: byte 1 is not UTF-8",
        "line 11: it is longer than 8388608 bytes",
    ]
    .iter()
    .enumerate()
    {
        assert!(said[line].starts_with(part), "{} should start with {part}", said[line]);
    }
    assert_eq!(said.len(), 10);
}

/// A workspace that observes, before its first write.
fn observing(now: Time) -> State {
    let workspace: crate::domain::ids::WorkspaceId = "beads".parse().unwrap();
    let mut model = Model::default_for(workspace.clone(), "dana".parse().unwrap());
    model.mode = Mode::Observe;
    let mut state = State::new(workspace);
    state.fold(&found(Arc::new(model), Actor::Deeds, now));
    state
}

fn request(import: &Import) -> Request {
    let actor = Actor::Person("dana".parse().unwrap());
    Request {
        principal: Principal { actor, class: TokenClass::Admin, token: None },
        command: Command::Import(import.clone()),
        key: None,
        traceparent: None,
    }
}

/// A workspace without a server before it: the rulebook alone.
struct Bare {
    state: Mutex<State>,
    sizes: Mutex<Vec<usize>>,
}

impl Bare {
    fn new(state: State) -> Self {
        Self { state: Mutex::new(state), sizes: Mutex::default() }
    }
}

impl Door for Bare {
    type Error = String;

    async fn send(&self, lines: &[Import]) -> Result<Vec<Result<Reply, String>>, String> {
        let mut state = self.state.lock().unwrap();
        self.sizes.lock().unwrap().push(lines.len());
        let one = |line: &Import| {
            if line.note.as_deref() == Some("unwelcome") {
                return Ok(Err("the door does not like it".to_owned()));
            }
            let decision = decide(&state, &request(line), now());
            for deed in &decision.deeds {
                state.fold(deed);
            }
            match decision.answer {
                Answer::Reply(reply) => Ok(Ok(*reply)),
                Answer::Replay(_) => Err("imports have no keys".to_owned()),
            }
        };
        lines.iter().map(one).collect()
    }

    async fn look(&self) -> Result<Look, String> {
        let state = self.state.lock().unwrap();
        let mut alerts: BTreeMap<AlertKind, Tally> = BTreeMap::new();
        for alert in state.board.alerts.values() {
            let tally = alerts.entry(alert.kind).or_default();
            tally.alerts += 1;
            tally.times += alert.count;
        }
        Ok(Look { head: state.head(), alerts })
    }
}

fn now() -> Time {
    "2026-04-01T00:00:00Z".parse().unwrap()
}

/// The door never waits, so neither does the import.
fn import(log: &[u8], door: &Bare) -> Result<(Report, Vec<Progress>), ImportError> {
    let mut seen = Vec::new();
    let result = {
        let future = pin!(run(Events::new(log), door, |progress| seen.push(progress)));
        match future.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("the door waited"),
        }
    };
    result.map(|report| (report, seen))
}

#[test]
fn lines_go_in_batches_and_the_report_says_what_became_of_them() {
    let mut log = String::new();
    for id in 1..=600 {
        log.push_str(&event(id, r#""event_type":"closed","old_value":"","new_value":"again""#));
    }
    log.push_str("nonsense\n");
    log.push_str(&event(602, r#""event_type":"closed","old_value":"","new_value":"unwelcome""#));
    let door = Bare::new(observing(now()));
    let (report, progress) = import(log.as_bytes(), &door).unwrap();
    assert_eq!(*door.sizes.lock().unwrap(), [1, 256, 256, 88]);
    assert_eq!((report.taken, report.known, report.refused_lines, report.broken_lines), (600, 0, 1, 1));
    assert_eq!(report.broken[0].line, 601);
    assert_eq!((report.deeds, report.entities, report.agents), (600, 1, 1));
    let end = progress.last().unwrap();
    assert_eq!((end.bytes, end.lines, end.left_out), (log.len() as u64, 602, 2));
    let said = report.to_string();
    assert!(said.contains("broken     line 601: not an event of a beads log"), "{said}");
    assert!(said.contains("refused    line 602: the door does not like it"), "{said}");
}

#[test]
fn long_lines_go_in_smaller_batches() {
    let text = "x".repeat(60_000);
    let mut log = String::new();
    for id in 1..=40 {
        log.push_str(&event(id, &format!(r#""event_type":"commented","comment":"{text}""#)));
    }
    let door = Bare::new(observing(now()));
    assert_eq!(import(log.as_bytes(), &door).unwrap().0.taken, 40);
    let sizes = door.sizes.lock().unwrap();
    assert_eq!(sizes[0], 1);
    assert!(sizes.iter().all(|lines| lines * 60_000 <= BATCH_BYTES), "{sizes:?}");
}

#[test]
fn a_workspace_that_enforces_is_asked_once() {
    let mut state = observing(now());
    let mut model = Model::clone(state.board.map.model());
    model.mode = Mode::Enforce;
    let mut deed = found(Arc::new(model), Actor::Deeds, now());
    deed.seq = Seq(2);
    state.fold(&deed);
    let door = Bare::new(state);
    let log: String = (1..=9).map(|id| event(id, r#""event_type":"created""#)).collect();
    let error = import(log.as_bytes(), &door).unwrap_err();
    assert!(error.to_string().starts_with("nothing was imported: this workspace enforces"), "{error}");
    assert_eq!(*door.sizes.lock().unwrap(), [1]);
}

/// The real log is read where it lies beside the project; without it this test has nothing to say.
#[test]
fn the_real_log_has_seventeen_stale_writes_and_the_fight_over_bd_019() {
    let places = ["../shared/data/beads-events.jsonl", "../../shared/data/beads-events.jsonl"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Some(log) = places.iter().find_map(|place| fs::read(root.join(place)).ok()) else {
        eprintln!("passed over: beads-events.jsonl is not there");
        return;
    };
    let door = Bare::new(observing(now()));
    let (report, _) = import(&log, &door).unwrap();
    assert_eq!((report.taken, report.broken_lines, report.refused_lines), (2123, 0, 0));
    assert_eq!((report.agents, report.entities, report.multi_writer_entities), (54, 259, 198));
    let most = &report.contested[0];
    assert_eq!((most.entity.as_str(), most.field.as_str(), most.writes), ("issue/bd-019", "status", 56));
    assert_eq!(report.alerts[&AlertKind::StaleWrite].times, 17);
    {
        let state = door.state.lock().unwrap();
        let on =
            |alert: &&Arc<Alert>| alert.on.as_ref().is_some_and(|on| on.entity.as_str() == "issue/bd-019");
        let fight = state.board.alerts.values().filter(on).find(|alert| alert.kind == AlertKind::PingPong);
        let fight = fight.unwrap();
        let who: Vec<&str> = fight.who.iter().map(Actor::name).collect();
        assert!(who.contains(&"mayor") && who.contains(&"dog"), "{who:?}");
        assert!(
            fight.count < 10,
            "the field changed hands a few times, whoever wrote it how often: {fight:?}"
        );
        assert!(state.board.items.is_empty(), "imports never escalate");
    }
    let head = door.state.lock().unwrap().head();
    let (again, _) = import(&log, &door).unwrap();
    assert_eq!((again.taken, again.known, again.deeds), (0, 2123, 0));
    assert_eq!(door.state.lock().unwrap().head(), head);
}
