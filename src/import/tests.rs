//! What a beads log is read as; and, with the real log at hand, what the rulebook makes of it.

use std::collections::BTreeMap;
use std::fs;
use std::future::Future as _;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use super::{
    BATCH_BYTES, Beads, Broken, Door, Events, ImportError, LINE_BYTES, Look, Progress, Report, Tally, run,
};
use crate::domain::command::{Command, Import, Principal, Request, WriteKind};
use crate::domain::decide::{Answer, decide, found};
use crate::domain::ids::{Actor, Seq};
use crate::domain::map::{Mode, Model};
use crate::domain::reply::Reply;
use crate::domain::state::State;
use crate::domain::things::{Alert, AlertKind, TokenClass};
use crate::domain::time::Time;

fn read(text: &[u8]) -> (Vec<Import>, Vec<(u64, Broken)>) {
    let (mut imports, mut broken) = (Vec::new(), Vec::new());
    let mut events = Events::new(text, Beads);
    while let Some(line) = events.next_line().unwrap() {
        match line.read {
            Ok(import) => imports.push(import),
            Err(why) => broken.push((line.number, why)),
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
        (
            r#""event_type":"claimed","old_value":"{\"status\":\"open\"}","new_value":"{\"assignee\":\"emma\"}""#,
            r#"{"assignee":{"before":null,"after":"emma"}}"#,
            None,
        ),
        (r#""event_type":"exploded","comment":"at noon""#, "{}", Some("exploded: at noon")),
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
    for bad in [
        "{\"id\":2",
        &event(4, r#""event_type":"updated","old_value":"{}","new_value":"no record""#),
        &event(5, r#""event_type":"label_added","comment":"pinned""#),
        &event(6, r#""event_type":"created""#).replace("beads/crew/emma", ""),
        &event(7, r#""event_type":"created""#).replace("2026-02-26", "yesterday"),
        &event(8, r#""event_type":"updated","old_value":"{}","new_value":"{\"n\":99999999999999999}""#),
    ] {
        text.extend_from_slice(bad.trim_end().as_bytes());
        text.push(b'\n');
    }
    text.extend_from_slice(b"\xff\n");
    text.extend(vec![b'x'; usize::try_from(LINE_BYTES).unwrap() + 10]);
    text.push(b'\n');
    text.extend_from_slice(event(9, r#""event_type":"created""#).trim_end().as_bytes());
    let (imports, broken) = read(&text);
    assert_eq!(imports.iter().map(|one| one.id).collect::<Vec<_>>(), [1, 9]);
    let said: Vec<String> = broken
        .iter()
        .map(|(line, broken)| format!("line {line}: {}: {}", broken.why, broken.detail))
        .collect();
    for (line, part) in [
        "line 2: not an event of a beads log: EOF",
        "line 3: `new_value` is not a record in JSON",
        "line 4: `comment` does not name the label; it should read \"Added label: NAME\"",
        "line 5: `actor`: it names nobody",
        "line 6: `created_at`: ",
        "line 7: a field can't be taken: \"n\": the integer 99999999999999999 is beyond 2^53",
        "line 8: it is not UTF-8: byte 1",
        "line 9: it is longer than 8388608 bytes",
    ]
    .iter()
    .enumerate()
    {
        assert!(said[line].starts_with(part), "{} should start with {part}", said[line]);
    }
    assert_eq!(said.len(), 8);
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
    Request::new(Principal { actor, class: TokenClass::Admin, token: None }, Command::Import(import.clone()))
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
        let future = pin!(run(Events::new(log, Beads), door, |progress| seen.push(progress)));
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
    assert_eq!((report.taken, report.known, report.refused.lines, report.broken.lines), (600, 0, 1, 1));
    assert_eq!(report.broken.reasons[0].first, [601]);
    assert_eq!((report.deeds, report.entities, report.agents), (600, 1, 1));
    let end = progress.last().unwrap();
    assert_eq!((end.bytes, end.lines, end.left_out), (log.len() as u64, 602, 2));
    let said = report.to_string();
    assert!(said.contains("broken     1 line (601): not an event of a beads log: expected"), "{said}");
    assert!(
        said.contains("refused    1 line (602): the server did not take it: the door does not like it"),
        "{said}"
    );
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
fn the_real_log_has_eleven_stale_writes_and_the_fight_over_bd_019() {
    let places = ["../shared/data/beads-events.jsonl", "../../shared/data/beads-events.jsonl"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Some(log) = places.iter().find_map(|place| fs::read(root.join(place)).ok()) else {
        eprintln!("passed over: beads-events.jsonl is not there");
        return;
    };
    let door = Bare::new(observing(now()));
    let (report, _) = import(&log, &door).unwrap();
    assert_eq!((report.taken, report.broken.lines, report.refused.lines), (2123, 0, 0));
    assert_eq!((report.agents, report.entities, report.multi_writer_entities), (54, 259, 198));
    let most = &report.contested[0];
    assert_eq!((most.entity.as_str(), most.field.as_str(), most.writes), ("issue/bd-019", "status", 56));
    // Seventeen to the letter; six of them saw the very instant that was there, in UTC and to the second.
    assert_eq!(report.alerts[&AlertKind::StaleWrite].times, 11);
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

/// The alerts by kind and the report, of a history in a workspace of its own.
fn play(door: &Bare, log: &str) -> (Report, Vec<String>) {
    let (report, _) = import(log.as_bytes(), door).unwrap();
    let kinds = report.alerts.keys().map(|kind| kind.as_str().to_owned()).collect();
    (report, kinds)
}

fn status(id: u64, second: u64, from: &str, to: &str) -> String {
    let rest = format!(
        r#""event_type":"status_changed","old_value":"{{\"status\":\"{from}\"}}","new_value":"{{\"status\":\"{to}\"}}""#
    );
    event(id, &rest).replace("15:13:31", &format!("15:13:{second}"))
}

#[test]
fn within_a_second_a_change_comes_after_the_one_that_it_saw() {
    let begun = status(1, 10, "open", "open");
    let shuffled = [status(4, 20, "c", "d"), status(3, 20, "b", "c"), status(2, 20, "open", "b")].concat();
    let door = Bare::new(observing(now()));
    let (report, alerts) = play(&door, &format!("{begun}{shuffled}"));
    assert_eq!((report.taken, alerts.contains(&"stale-write".to_owned())), (4, false), "{report}");
    // The log goes on where its beginning was cut off: what came first is told by what the others saw.
    let later = [status(7, 40, "e", "f"), status(6, 40, "d", "e"), status(1, 41, "c", "x")].concat();
    let (report, alerts) = play(&door, &later);
    assert_eq!(report.taken, 3);
    assert!(alerts.contains(&"stale-write".to_owned()), "the last one saw what is long gone");
}

#[test]
fn an_event_is_known_by_what_it_says() {
    let door = Bare::new(observing(now()));
    let log = [status(1, 10, "open", "a"), status(2, 20, "a", "b")].concat();
    assert_eq!(play(&door, &log).0.taken, 2);
    // Pruned at its head, renumbered, an instant spelled otherwise, and one more.
    let pruned = status(9, 20, "a", "b").replace("15:13:20Z", "16:13:20+01:00");
    let (report, alerts) = play(&door, &[pruned, status(10, 30, "b", "c")].concat());
    assert_eq!((report.taken, report.known, alerts), (1, 1, Vec::new()));
    // Two tables with one numbering; and one line that is there twice.
    let other = status(1, 10, "open", "a").replace("bd-x", "bd-y");
    let (report, _) = play(&door, &[status(1, 10, "open", "a"), other.clone(), other].concat());
    assert_eq!((report.taken, report.known, report.broken.lines), (1, 2, 0));
    // Two that say the same were two.
    let said = |id| event(id, r#""event_type":"commented","comment":"again""#);
    assert_eq!(play(&door, &[said(50), said(51)].concat()).0.taken, 2);
    let (report, _) = play(&door, &[said(70), said(71), said(72)].concat());
    assert_eq!((report.taken, report.known), (1, 2));
    // A name that is no number is one.
    let named = status(1, 45, "c", "d").replace("\"id\":1", "\"id\":\"0b1c-2d\"");
    assert_eq!(play(&door, &named).0.taken, 1);
}

/// What an earlier program imported is known by the history's name and the line's number.
#[test]
fn what_is_in_by_its_number_stays_in() {
    let door = Bare::new(observing(now()));
    let log = [status(1, 10, "open", "a"), status(2, 20, "a", "b")].concat();
    let (mut lines, _) = read(log.as_bytes());
    for line in &mut lines {
        line.digest = None;
    }
    let mut sent = pin!(door.send(&lines));
    let Poll::Ready(Ok(replies)) = sent.as_mut().poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("the door waited")
    };
    assert!(replies.iter().all(Result::is_ok));
    let (report, _) = play(&door, &format!("{log}{}", status(3, 30, "b", "c")));
    assert_eq!((report.taken, report.known), (1, 2));
}

#[test]
fn nothing_is_judged_after_a_line_that_was_left_out() {
    let broken = status(2, 20, "a", "b").replace("2026-02-26", "yesterday");
    let log = [status(1, 10, "open", "a"), broken, status(3, 30, "b", "c"), status(4, 40, "x", "d")].concat();
    let (report, _) = play(&Bare::new(observing(now())), &log);
    assert_eq!((report.taken, report.broken.lines), (3, 1));
    assert_eq!(report.alerts[&AlertKind::StaleWrite].times, 1, "only the one that can be judged: {report}");
}

#[test]
fn names_that_are_none_are_escaped_and_told_once() {
    let by = |id, name: &str| status(id, id, "open", "a").replace("beads/crew/emma", name);
    let door = Bare::new(observing(now()));
    let (report, _) = play(&door, &[by(11, "Ann Example"), by(12, "Ann Example"), by(13, "mayor")].concat());
    let said = report.to_string();
    assert_eq!(said.matches("Ann Example acts as Ann@20Example").count(), 1, "{said}");
    let state = door.state.lock().unwrap();
    let called = |agent: &str| state.board.agents.get(agent).unwrap().called.as_deref();
    assert_eq!((called("Ann@20Example"), called("mayor")), (Some("Ann Example"), None));
}

#[test]
fn one_instant_is_one_however_spelled() {
    let at = |id, second, from: &str, to: &str| {
        let rest = format!(
            r#""event_type":"updated","old_value":"{{\"seen\":\"{from}\"}}","new_value":"{{\"seen\":\"{to}\"}}""#
        );
        event(id, &rest).replace("15:13:31", &format!("15:13:{second}"))
    };
    let log = [
        at(1, 10, "", "2026-02-28T23:31:59.356193-08:00"),
        at(2, 20, "2026-03-01T07:31:59Z", "2026-03-01T07:31:59.5Z"),
        at(3, 30, "2026-03-01T07:31:59.4Z", "2026-03-01T07:31:59.9Z"),
        at(4, 40, "2026-03-01T07:32:00Z", "later"),
    ];
    let (report, _) = play(&Bare::new(observing(now())), &log.concat());
    assert_eq!(report.alerts[&AlertKind::StaleWrite].times, 1, "the third saw another instant");
}
