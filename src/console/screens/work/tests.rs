//! The Work view by its keys and its screens, on a board that has some of everything.

use std::sync::Arc;

use serde_json::json;

use crate::console::app::App;
use crate::console::message::Pace;
use crate::console::place::View;
use crate::console::run::Program as _;
use crate::console::testing::Runner;
use crate::console::testing::by_keys::{self, press, start};
use crate::console::testing::team::Team;
use crate::domain::ids::{Actor, AgentId, FanOutNo, Fence, ItemNo, Seq, TaskId, WorkNo};
use crate::domain::path::EntityPath;
use crate::domain::things::{
    Attempt, Branch, BranchEnd, FanOutState, Feedback, HandoffOrder, Lease, LeaseTarget, Task, TaskStage,
    TokenClass, WaitingAct, Work, WorkKind, WorkProduct,
};
use crate::domain::time::{Span, Time};
use crate::domain::value::Value;

const MAP: &str = r#"
workspace = "tallyfern"
governance_owner = "dana"

[[agent]]
id = "writer"
role = "Drafts replies"
owner = "dana"
writes = ["drafts/**"]
outputs = ["mail/outbox"]

[[agent]]
id = "reviewer"
role = "Reads them before they go out"
owner = "dana"
writes = ["reviews/**"]

[[agent]]
id = "billing"
role = "Answers invoices"
owner = "dana"
writes = ["crm/invoice/*"]

[[queue]]
name = "ops"
owner = "dana"
deputies = ["sam"]
sla = "24h"
review = "daily 09:00"
priority = ["writer", "reviewer", "billing"]
"#;

fn agent(name: &str) -> AgentId {
    AgentId::new(name).unwrap()
}

fn entity(path: &str) -> EntityPath {
    path.parse().unwrap()
}

fn order(attempt: u32) -> HandoffOrder {
    HandoffOrder {
        task: TaskId::new("draft-7").unwrap(),
        from: agent("writer"),
        to: agent("reviewer"),
        work_product: WorkProduct {
            result: Some(Value::text("drafts/7")),
            status: Some(Arc::from("ready to read")),
        },
        context: Value::text("the customer asked for a refund in writing"),
        constraints: Value::text("no promise of a date"),
        attempt,
        max_attempts: 3,
        on_exhausted: None,
        earlier: Vec::new(),
        left_out: 0,
        returns_left_out: 0,
    }
}

fn feedback(attempt: u32, text: &str, at: Time) -> Feedback {
    Feedback {
        attempt,
        by: Actor::Agent(agent("reviewer")),
        text: Arc::from(text),
        subject: None,
        at,
        deed: Seq(1),
    }
}

fn dispatch(no: u64, to: &str, title: &str, at: Time) -> Work {
    let kind = WorkKind::Dispatch {
        event: Arc::from("email.received"),
        attributes: [(Arc::from("subject"), Value::text("re: invoice payment due"))].into(),
        then: vec![agent("reviewer")],
        before: None,
        raised: Seq(1),
    };
    Work::new(WorkNo(no), agent(to), kind, title, (at, Seq(1))).about(Some(entity("crm/invoice/2026-117")))
}

/// Works in three states, a task that came back twice, a fan-out with every kind of branch, two leases, an act that waits.
fn team() -> Team {
    let mut team = Team::new(MAP, start()).unwrap();
    team.agent("billing", json!({"do": "write", "entity": "crm/invoice/2026-117", "changes": {"": "open"}, "expected": {"": 0}}))
        .unwrap();
    team.pass(Span::from_mins(50)).unwrap();
    let now = team.now;
    let board = &mut team.state.board;
    let mut taken =
        dispatch(1, "billing", "email.received on crm/invoice/2026-117", now.minus(Span::from_mins(3)));
    (taken.taken_until, taken.attempts) = (Some(now.plus(Span::from_secs(125))), 2);
    let note = Some(Arc::from("the ledger API timed out"));
    taken.history.push(Attempt {
        attempt: 1,
        how: Arc::from("failed"),
        note,
        at: now.minus(Span::from_mins(2)),
        deed: Seq(2),
    });
    let mut unheeded =
        dispatch(2, "billing", "email.received on crm/invoice/2026-117", now.minus(Span::from_mins(31)));
    unheeded.alarm = None;
    let told = Work::new(
        WorkNo(3),
        agent("writer"),
        WorkKind::notice("lease 4 has lapsed\u{202e}"),
        "lease 4 has lapsed",
        (now.minus(Span::from_hours(2)), Seq(2)),
    );
    let handed = WorkKind::Handoff {
        order: Box::new(order(3)),
        history: vec![feedback(1, "tone is too formal", now)],
    };
    let handed = Work::new(
        WorkNo(4),
        agent("reviewer"),
        handed,
        "draft-7 from writer",
        (now.minus(Span::from_mins(1)), Seq(2)),
    );
    for work in [taken, unheeded, told, handed] {
        board.works_by.entry(work.agent.clone()).or_default().insert(work.no);
        board.works.insert(work.no, Arc::new(work));
    }
    let task = Task {
        id: TaskId::new("draft-7").unwrap(),
        owner: agent("writer"),
        subject: Some(entity("drafts/7")),
        stage: TaskStage::Offered { to: agent("reviewer"), work: WorkNo(4) },
        attempt: 3,
        max_attempts: 3,
        settled: false,
        hands: Vec::new(),
        history: vec![
            feedback(1, "tone is too formal", now.minus(Span::from_mins(20))),
            feedback(2, "names a date; the constraints say not to", now.minus(Span::from_mins(9))),
        ],
        order: order(3),
        at: now.minus(Span::from_mins(1)),
        deed: Seq(2),
    };
    let over = Task {
        id: TaskId::new("draft-6").unwrap(),
        stage: TaskStage::Closed { item: ItemNo(2) },
        ..task.clone()
    };
    board.tasks.insert(task.id.clone(), Arc::new(task));
    board.ended_tasks.push_back(Arc::new(over));
    fan_out(&mut team, now);
    leases(&mut team, now);
    team
}

fn leases(team: &mut Team, now: Time) {
    let board = &mut team.state.board;
    for (no, holder, target, left) in
        [(4, "billing", "crm/invoice/2026-117", 7200), (5, "writer", "drafts/7#body", 41)]
    {
        let lease = Lease {
            fence: Fence(no),
            holder: agent(holder),
            target: LeaseTarget::Path(target.parse().unwrap()),
            since: now.minus(Span::from_mins(4)),
            until: now.plus(Span::from_secs(left)),
            deed: Seq(2),
        };
        board.leases.insert(lease.fence, Arc::new(lease));
    }
    let act = json!({"target": "mail/outbox", "subject": "crm/contact/acme", "action": "send_upsell", "wait": true});
    let act = serde_json::from_value(act).unwrap();
    let until = Some(now.plus(Span::from_mins(25)));
    let watches = vec!["support/ticket/acme#status".parse().unwrap()];
    board.waiting.insert(Seq(2), Arc::new(WaitingAct { agent: agent("writer"), act, until, watches }));
}

fn fan_out(team: &mut Team, now: Time) {
    let end = |ok: bool, note: Option<&str>| BranchEnd {
        ok,
        result: ok.then(|| Value::text("3 invoices match")),
        note: note.map(Arc::from),
        attempts: 1 + u32::from(!ok),
        at: now.minus(Span::from_mins(1)),
    };
    let branch = |to: &str, work, end| Branch { to: agent(to), work: WorkNo(work), end };
    let fan_out = FanOutState {
        no: FanOutNo(1),
        agent: agent("billing"),
        subject: None,
        reason: Some(Arc::from("check the quarter's invoices")),
        branches: vec![
            branch("writer", 11, Some(end(true, None))),
            branch("reviewer", 12, Some(end(false, Some("the archive is locked")))),
            branch("billing", 13, None),
        ],
        needed: 2,
        opened: now.minus(Span::from_mins(6)),
        deadline: now.plus(Span::from_mins(54)),
        deed: Seq(2),
        joined: None,
    };
    let input = WorkKind::Branch {
        fan_out: FanOutNo(1),
        index: 2,
        from: agent("billing"),
        input: Value::text("invoices of October"),
    };
    let work =
        Work::new(WorkNo(13), agent("billing"), input, "branch 3 of fan-out 1", (fan_out.opened, Seq(2)));
    team.state.board.works_by.entry(agent("billing")).or_default().insert(WorkNo(13));
    team.state.board.works.insert(WorkNo(13), Arc::new(work));
    team.state.board.fan_outs.insert(FanOutNo(1), Arc::new(fan_out));
}

fn console(team: &mut Team, width: u16, height: u16) -> Runner<App> {
    by_keys::console(team, View::Work, TokenClass::Admin, (width, height))
}

#[test]
fn the_work_at_three_widths() {
    let mut team = team();
    for (width, height) in [(120, 36), (80, 24), (44, 24)] {
        let mut runner = console(&mut team, width, height);
        insta::assert_snapshot!(format!("work_{width}x{height}"), runner.screen_text());
        if width == 44 {
            insta::assert_snapshot!("opened_44x24", press(&mut team, &mut runner, "enter"));
            assert!(press(&mut team, &mut runner, "esc").contains("WHAT"));
        }
    }
}

#[test]
fn every_line_says_what_it_knows() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 40);
    let mut seen = press(&mut team, &mut runner, "g");
    for _ in 0..24 {
        seen.push_str(&press(&mut team, &mut runner, "j"));
    }
    for words in [
        "ledger API timed out",
        "lapsed‹U+202E›",
        "names a date",
        "1 succeeded, 1 failed",
        "archive is locked",
        "Nobody else writes it",
        "support/ticket/acme#status",
        "reviewer has not accepted it",
        "Reads them before they go out",
    ] {
        assert!(seen.contains(words), "nobody said: {words}\n{seen}");
    }
    insta::assert_snapshot!("task_120x40", press(&mut team, &mut runner, "/ text:task_draft enter"));
    insta::assert_snapshot!("fan_out_120x40", press(&mut team, &mut runner, "/ ctrl-u text:quarter enter"));
}

#[test]
fn a_time_in_sight_counts_each_second_and_else_nothing_is_drawn() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 36);
    let first = runner.screen_text();
    assert_eq!(runner.program.pace(), Pace::Second);
    assert!(first.contains("held 41s"), "{first}");
    team.now = team.now.plus(Span::from_secs(1));
    runner.clock(team.now.micros());
    assert!(runner.screen_text().contains("held 40s"));
    // Out of sight, nothing counts in seconds: the clock's minute is enough.
    let shown = press(&mut team, &mut runner, "/ text:draft-7_from enter");
    assert!(!shown.contains("held"), "{shown}");
    assert_eq!(runner.program.pace(), Pace::Minute);
    // Over is over: it is said once.
    press(&mut team, &mut runner, "esc");
    runner.screen_text();
    assert_eq!(runner.program.pace(), Pace::Second);
    team.now = team.now.plus(Span::from_hours(3));
    runner.clock(team.now.micros());
    let shown = runner.screen_text();
    assert!(shown.contains("lapsed") && shown.contains("time is over"), "{shown}");
    assert_eq!(runner.program.pace(), Pace::Minute);
}

#[test]
fn enter_leads_to_the_deed_and_back_to_the_line() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 36);
    press(&mut team, &mut runner, "j j");
    let before = runner.screen_text();
    assert!(press(&mut team, &mut runner, "enter").contains("▸ log"));
    assert_eq!(press(&mut team, &mut runner, "H"), before);
    assert!(press(&mut team, &mut runner, "tab tab G R").contains("draft-6"));
}

#[test]
fn nothing_to_do_says_what_would_come() {
    let mut team = Team::new(MAP, start()).unwrap();
    let mut runner = console(&mut team, 80, 24);
    insta::assert_snapshot!("idle_80x24", runner.screen_text());
    assert!(press(&mut team, &mut runner, "? ").contains("Keys of the work"));
}
