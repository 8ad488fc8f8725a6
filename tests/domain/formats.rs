//! What is recorded stays: what a deed says of what rules decided is applied as it stands, a ledger of the first format
//! comes to what it came to, and what is not known is not passed over.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::golden;
use super::script::play;
use super::world::{TEAM, World};
use deeds::domain::command::Command;
use deeds::domain::decide::next_due;
use deeds::domain::deed::{Body, Decided, Deed, FORMAT, NewFormat, NewWorkspace, Origin, Timetable};
use deeds::domain::state::{Lasting, Recent, State, Timer};
use deeds::domain::things::{AlertKind, Severity};
use deeds::domain::time::Span;

/// A ledger of the first format that was raised.
pub(crate) fn raised() -> World {
    let mut world = World::old(TEAM);
    play(&mut world, "tick");
    world
}

/// The same deeds as programs before formats would have recorded them.
fn of_format_1(deeds: &[Deed]) -> Vec<Deed> {
    deeds
        .iter()
        .map(|deed| {
            let mut deed = Deed { decided: None, ..deed.clone() };
            if let Body::WorkspaceFounded(born) = &deed.body {
                deed.body = Body::WorkspaceCreated(Box::new(NewWorkspace { format: 1, ..(**born).clone() }));
            }
            deed
        })
        .collect()
}

fn folded(deeds: &[Deed]) -> State {
    let mut state = State::new("acme".parse().unwrap());
    for deed in deeds {
        state.fold(deed);
    }
    state
}

/// Without when reviews are looked at: of all that rules decide beside the outcome, that is what has changed.
fn without_reviews(mut state: State) -> State {
    state.board.reviews.clear();
    let others = state.board.timers.iter().filter(|(_, timer)| !matches!(timer, Timer::Review(_)));
    state.board.timers = others.cloned().collect();
    state
}

/// As long as no rule of these has changed: what deeds say now is what was worked out of them before.
#[test]
fn a_deed_says_what_was_worked_out_before() {
    let mut said = 0;
    for script in [golden::LIFE, golden::TASKS] {
        let mut world = World::new(TEAM);
        play(&mut world, script);
        said += world.deeds.iter().filter(|deed| deed.decided.is_some()).count();
        let mut before = folded(&of_format_1(&world.deeds));
        assert_eq!((before.board.format, world.state.board.format), (1, FORMAT));
        before.board.format = FORMAT;
        // Of that time writes that came too late were not counted.
        let mut now = world.state.clone();
        *now.board.in_vain = Recent::default();
        // Of that time none was known for a time, whatever else happened.
        *now.board.turns = Lasting::default();
        *now.board.concluded = Lasting::default();
        *now.board.ended_names = Lasting::default();
        assert_eq!(without_reviews(before), without_reviews(now));
    }
    assert!(said >= 20, "{said} deeds say anything");
}

#[test]
fn what_a_deed_says_is_applied_as_it_stands() {
    let mut world = World::new(TEAM);
    let script = "
        support writes crm/account/acme health=good@0 -> committed
        support writes crm/account/acme health=bad@0 -> stale stale
        support writes crm/account/acme health=bad@0 -> stale stale
        sales writes crm/account/acme health=fair@1 -> proposed not-owner
        dana freezes crm/account/acme 'wait' -> recorded
        support takes 1 -> recorded
        support fails 1 'no' -> failed
        ";
    play(&mut world, script);
    let mut deeds = world.deeds.clone();
    let alarm = world.now.plus(Span::from_days(3));
    for deed in &mut deeds {
        deed.decided = match &deed.body {
            Body::AlertCounted(_) => {
                Some(Decided { severity: Some(Severity::Info), failure: true, ..Decided::default() })
            }
            Body::WorkFailed(()) => Some(Decided { alarm: Some(alarm), ..Decided::default() }),
            Body::WorkspaceFounded(_) => {
                Some(Decided { timetable: Some(Box::new(Timetable::default())), ..Decided::default() })
            }
            _ => None,
        }
        .map(Box::new);
    }
    let state = folded(&deeds);
    let alert = state.board.alerts.values().next().unwrap();
    assert_eq!((alert.count, alert.severity), (2, Severity::Info));
    assert!(
        state.board.timers.contains(&(alarm, Timer::Work(state.board.works.values().next().unwrap().no)))
    );
    assert!(state.board.reviews.values().all(|reviews| reviews.due.is_none()), "nothing is scheduled");
    assert!(state.board.agents.values().all(|facts| facts.interventions == 0));
}

#[test]
fn an_older_ledger_is_raised_before_anything_else_is_settled() {
    let mut world = World::old(TEAM);
    play(&mut world, "support writes crm/account/acme health=good@0 -> committed");
    assert_eq!(world.state.board.format, 1);
    let before = world.state.board.clone();
    assert!(next_due(&world.state).unwrap() <= world.now, "it is due at once");
    world.ask("deeds", Command::Tick);
    let raised = world.deeds.last().unwrap();
    let Body::FormatRaised(new) = &raised.body else { panic!("{raised:?}") };
    assert_eq!((new.format, &new.timetable), (FORMAT, &before.timetable()));
    assert_eq!(new.timetable.reviews.len(), 2);
    let board = &world.state.board;
    assert_eq!((&board.timers, &board.schedules), (&before.timers, &before.schedules));
    assert_eq!((board.format, &board.reviews), (FORMAT, &before.reviews));
    let count = world.deeds.len();
    world.ask("deeds", Command::Tick);
    assert_eq!(world.deeds.len(), count, "once is enough");
}

/// What fell due while an older program ran, or while none did, is one alert of each kind.
#[test]
fn the_first_tick_after_an_upgrade_raises_no_flood() {
    let mut world = World::old(TEAM);
    for no in 0..300 {
        play(&mut world, &format!("sourcing escalates 'input {no}' because 'never seen {no}' -> escalated"));
    }
    play(
        &mut world,
        "
        support leases shared/log 10m -> allowed
        sales hands draft-7 to support -> recorded
        pass 3d
        tick
        tick
        tick
        tick
        tick
        tick
        ",
    );
    let open = |world: &World, kind| {
        let of_kind = world.state.board.alerts.values().filter(move |alert| alert.kind == kind);
        of_kind.map(|alert| (alert.count, alert.title.to_string())).collect::<Vec<_>>()
    };
    assert!(world.state.board.items.values().all(|item| item.overdue), "each is settled all the same");
    let overdue = open(&world, AlertKind::Overdue);
    // Nothing waited for the review, which is held then.
    let all = world.state.board.items.len() as u64;
    assert_eq!((overdue.len(), overdue[0].0), (1, all), "{overdue:#?}");
    assert!(overdue[0].1.contains("at once, due before the upgrade"), "{overdue:?}");
    assert!(world.state.board.alerts.len() <= AlertKind::ALL.len(), "{:#?}", world.state.board.alerts);
    // One of its kind is told as ever.
    assert!(open(&world, AlertKind::LeaseLapsed)[0].1.contains("support let its lease on shared/log lapse"));
    // What falls due after that is told one by one again.
    play(
        &mut world,
        "
        sourcing escalates 'another' because 'never seen' -> escalated
        sourcing escalates 'one more' because 'never seen either' -> escalated
        pass 3d
        tick
        tick
        tick
        ",
    );
    assert!(open(&world, AlertKind::Overdue).len() >= 3, "{:#?}", open(&world, AlertKind::Overdue));
}

#[test]
fn a_newer_format_is_not_read() {
    let world = World::new(TEAM);
    let origin = Origin { source: Arc::from("urn:uuid:0"), workspace: "acme".parse().unwrap() };
    let mut deed = world.deeds[0].clone();
    let newer = |body, deed: &Deed| {
        let bytes = Deed { body, ..deed.clone() }.encode(&origin).unwrap();
        Deed::decode(&bytes).unwrap_err().to_string()
    };
    let Body::WorkspaceFounded(born) = &mut deed.body else { panic!() };
    born.format = FORMAT + 1;
    let raised =
        Body::FormatRaised(Box::new(NewFormat { format: FORMAT + 1, timetable: Timetable::default() }));
    for error in [newer(deed.body.clone(), &deed), newer(raised, &deed)] {
        assert!(error.contains("in format 3") && error.contains("upgrade this one"), "{error}");
    }
}

/// Whatever name is added anywhere in any deed: it is kept, or the deed is not read and the error says why.
#[test]
fn nothing_unknown_is_passed_over() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let origin = |json: &Json| Origin {
        source: Arc::from(json["source"].as_str().unwrap()),
        workspace: "acme".parse().unwrap(),
    };
    let mut tried = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let whole: Json = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        for place in objects(&whole, "") {
            let mut changed = whole.clone();
            changed.pointer_mut(&place).unwrap().as_object_mut().unwrap().insert("zz".to_owned(), json!({}));
            let told = match Deed::decode(changed.to_string().as_bytes()) {
                Err(error) => error.to_string(),
                Ok(deed) => String::from_utf8(deed.encode(&origin(&whole)).unwrap()).unwrap(),
            };
            let is_seen = told.contains("\"zz\":{}") || told.contains("upgrade");
            // A part that a name or a value is made of, which has a form of its own.
            let is_wrong = told.contains("not a deed") && !told.contains("unknown field");
            assert!(is_seen || is_wrong, "{}{place}: {told}", path.display());
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried} places");
}

fn objects(json: &Json, place: &str) -> Vec<String> {
    match json {
        Json::Object(inside) => {
            let below = inside.iter().flat_map(|(name, json)| {
                objects(json, &format!("{place}/{}", name.replace('~', "~0").replace('/', "~1")))
            });
            std::iter::once(place.to_owned()).chain(below).collect()
        }
        Json::Array(inside) => {
            inside.iter().enumerate().flat_map(|(at, json)| objects(json, &format!("{place}/{at}"))).collect()
        }
        _ => Vec::new(),
    }
}
