//! Approvals, events, work and tasks that got stuck, and recorded reviews, on a board that has them.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use crate::console::app::App;
use crate::console::ask::What;
use crate::console::place::View;
use crate::console::testing::Runner;
use crate::console::testing::by_keys::{self, me, press, start};
use crate::console::testing::team::Team;
use crate::domain::command::{Command, ItemVerb, ReviewVerb};
use crate::domain::ids::{Actor, AgentId, AlertNo, ItemNo, QueueName, Seq, TaskId, WorkNo};
use crate::domain::things::{
    Attempt, CameTo, Case, Feedback, HandoffOrder, Item, ItemAnswer, OpenReview, QueueReviews, Task,
    TaskStage, TokenClass, Work, WorkKind, WorkProduct,
};
use crate::domain::time::Span;
use crate::domain::value::Value;

pub(super) const MAP: &str = r#"
workspace = "northwind"
governance_owner = "dana"

[[agent]]
id = "billing"
role = "Answers invoices"
owner = "dana"
writes = ["crm/invoice/*"]
outputs = ["mail/replies"]

[[agent]]
id = "payments"
role = "Chases payments"
owner = "dana"
writes = ["crm/payment/*"]
outputs = ["mail/replies"]

[[agent]]
id = "archive"
role = "Keeps what is over"
owner = "dana"
writes = ["archive/*"]

[[output]]
name = "mail/replies"
order = ["billing", "payments"]
needs_approval = true
thread_window = "1h"

[[queue]]
name = "ops"
owner = "dana"
deputies = ["sam"]
sla = "24h"
review = "daily 09:00"
priority = ["archive"]
"#;

fn agent(name: &str) -> AgentId {
    AgentId::new(name).unwrap()
}

fn queue() -> QueueName {
    QueueName::new("ops").unwrap()
}

/// One case of each kind that came with the later rules; the approval is due first.
fn team() -> Team {
    let mut team = Team::new(MAP, start()).unwrap();
    team.agent(
        "billing",
        json!({"do": "write", "entity": "crm/invoice/117", "changes": {"": "due"}, "expected": {"": 0}}),
    )
    .unwrap();
    team.pass(Span::from_hours(1)).unwrap();
    let publish = json!({"output": "mail/replies", "thread": "re: invoice payment due", "body": "We have received your\u{202e} payment.",
        "subject": "crm/invoice/117", "depends_on": {"crm/invoice/117": 1}, "reason": "the invoice is paid"}).to_string();
    let publish = Box::new(serde_json::from_str(&publish.replace("\\u{202e}", "\u{202e}")).unwrap());
    let raise = |text: &str| {
        serde_json::from_value(
            json!({"event": "email.received", "attributes": {"subject": text, "from": "anna@acme.test"}}),
        )
        .unwrap()
    };
    let over = vec![Seq(2)];
    let mut cases = vec![
        (
            "payments",
            Case::Approval { publish, over, alert: Some(AlertNo(1)) },
            "a reply on a thread that billing has answered",
        ),
        (
            "billing",
            Case::UnownedEvent { raise: raise("partner enquiry") },
            "email.received: nobody answers it",
        ),
        (
            "billing",
            Case::TriggerCollision { alert: AlertNo(9), raise: raise("re: invoice payment due") },
            "email.received: billing and payments answer it",
        ),
    ];
    let now = team.now;
    cases.push((
        "billing",
        Case::GivenUp { work: Box::new(given_up(now)) },
        "match invoice 117: out of attempts",
    ));
    cases.push((
        "payments",
        Case::Stuck { task: Box::new(stuck(now)), alert: None },
        "reminder-3 comes back with the same feedback",
    ));
    for (no, (by, case, title)) in (1..).zip(cases) {
        let item = item(no, by, case, title, now);
        team.state.board.items.insert(item.no, Arc::new(item));
    }
    team
}

fn item(no: u64, by: &str, case: Case, title: &str, now: crate::domain::time::Time) -> Item {
    Item {
        no: ItemNo(no),
        version: 1,
        case,
        queue: queue(),
        raised_by: Actor::Agent(agent(by)),
        title: Arc::from(title),
        why: Arc::from("a person decides here"),
        unforeseen: false,
        subject: Some("crm/invoice/117".parse().unwrap()),
        evidence: vec![Seq(2)],
        alike: Arc::from(title),
        suggestion: None,
        opened: now,
        deed: Seq(2),
        warn_at: now.plus(Span::from_hours(18)),
        due: now.plus(Span::from_hours(20)).plus(Span::from_mins(i64::try_from(no).unwrap())),
        claimed_by: None,
        claim_until: None,
        assigned_to: None,
        joined: 0,
        again: Vec::new(),
        warned: false,
        overdue: false,
    }
}

fn given_up(now: crate::domain::time::Time) -> Work {
    let kind = WorkKind::notice("match invoice 117");
    let mut work = Work::new(WorkNo(7), agent("billing"), kind, "match invoice 117", (now, Seq(2)));
    (work.attempts, work.max_attempts) = (2, 2);
    for (attempt, how, note) in [(1, "failed", Some("the ledger API timed out")), (2, "lapsed", None)] {
        work.history.push(Attempt {
            attempt,
            how: Arc::from(how),
            note: note.map(Arc::from),
            at: now,
            deed: Seq(2),
        });
    }
    work
}

/// The number of the item of the task that leads nowhere.
const STUCK: u64 = 5;

fn stuck(now: crate::domain::time::Time) -> Task {
    let back = |attempt| Feedback {
        attempt,
        by: Actor::Agent(agent("billing")),
        text: Arc::from("The amount is wrong."),
        subject: None,
        at: now,
        deed: Seq(2),
    };
    let order = HandoffOrder {
        task: TaskId::new("reminder-3").unwrap(),
        from: agent("payments"),
        to: agent("billing"),
        work_product: WorkProduct {
            result: Some(Value::text("drafts/reminder-3")),
            status: Some(Arc::from("drafted")),
        },
        context: Value::text("second reminder to Acme"),
        constraints: Value::text("no fees"),
        attempt: 2,
        max_attempts: 3,
        on_exhausted: None,
        earlier: Vec::new(),
        left_out: 0,
        returns_left_out: 0,
    };
    Task {
        id: TaskId::new("reminder-3").unwrap(),
        owner: agent("payments"),
        subject: None,
        stage: TaskStage::Escalated { item: ItemNo(5) },
        attempt: 2,
        max_attempts: 3,
        settled: false,
        hands: Vec::new(),
        history: vec![back(1), back(2)],
        order,
        at: now,
        deed: Seq(2),
    }
}

fn console(team: &mut Team, width: u16, height: u16) -> Runner<App> {
    by_keys::console(team, View::Inbox, TokenClass::Admin, (width, height))
}

/// Types keys, lets the team answer what is asked for to look at, and gives what would change something.
fn commands(team: &mut Team, runner: &mut Runner<App>, keys: &str) -> Vec<Command> {
    let mut sent = Vec::new();
    for key in keys.split_whitespace() {
        runner.send_keys(key).unwrap();
        for ask in runner.take_done() {
            if let What::Command(command) = ask.what {
                sent.push(*command);
            } else {
                let me = runner.program.me();
                let answer = team.answer(&me, ask);
                runner.server(answer);
            }
        }
    }
    team.serve(runner);
    sent
}

fn answer(commands: &[Command]) -> ItemAnswer {
    if let [Command::Item(step)] = commands
        && let ItemVerb::Answer(answered) = &step.step
    {
        return answered.answer.clone();
    }
    panic!("{commands:?}")
}

#[test]
fn each_case_says_what_it_is_about() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 36);
    insta::assert_snapshot!("approval_120x36", runner.screen_text());
    for name in ["unowned_event", "collision", "given_up", "stuck"] {
        runner.send_keys("j").unwrap();
        team.serve(&mut runner);
        insta::assert_snapshot!(format!("{name}_120x36"), runner.screen_text());
    }
    let mut narrow = console(&mut team, 80, 24);
    insta::assert_snapshot!("approval_80x24", narrow.screen_text());
    narrow.resize(44, 24);
    narrow.send_keys("enter").unwrap();
    assert!(narrow.screen_text().contains("mail/replies"), "{}", narrow.screen_text());
}

#[test]
fn an_approval_is_approved_edited_or_rejected_and_nothing_else() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 36);
    for key in ["e", "h", "o"] {
        assert!(commands(&mut team, &mut runner, key).is_empty());
        let screen = runner.screen_text();
        assert!(screen.contains("waits for your approval: a approves"), "{screen}");
    }
    insta::assert_snapshot!("approve_120x36", press(&mut team, &mut runner, "a"));
    // The safe button is chosen first.
    assert!(commands(&mut team, &mut runner, "enter").is_empty());
    let sent = commands(&mut team, &mut runner, "a tab enter");
    assert_eq!(answer(&sent), ItemAnswer::Approve { note: None });
}

#[test]
fn an_edited_body_goes_out_and_a_rejection_needs_a_note() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 36);
    let edited = press(&mut team, &mut runner, "A ctrl-u text:Thank_you,_it_is_paid.");
    insta::assert_snapshot!("edited_120x36", edited);
    let sent = commands(&mut team, &mut runner, "enter tab enter");
    let body = Value::text("Thank you, it is paid.");
    assert_eq!(answer(&sent), ItemAnswer::ApproveEdited { body, note: None });
    let mut runner = console(&mut team, 120, 36);
    for keys in ["x enter", "shift-tab enter"] {
        assert!(commands(&mut team, &mut runner, keys).is_empty());
        assert!(runner.screen_text().contains("why it does not go out"), "{}", runner.screen_text());
    }
    let sent = commands(&mut team, &mut runner, "text:billing_has_answered enter tab enter");
    assert_eq!(answer(&sent), ItemAnswer::Reject { note: Arc::from("billing has answered") });
}

#[test]
fn an_event_is_given_to_an_agent_and_gets_no_approval() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 36);
    assert!(commands(&mut team, &mut runner, "j a").is_empty());
    assert!(runner.screen_text().contains("is no publication"), "{}", runner.screen_text());
    let given = press(&mut team, &mut runner, "h text:theirs tab tab text:payments");
    insta::assert_snapshot!("given_120x36", given);
    let sent = commands(&mut team, &mut runner, "enter tab enter");
    let to = Some(agent("payments"));
    assert_eq!(answer(&sent), ItemAnswer::Handle { note: Arc::from("theirs"), reply: None, to });
}

/// Two that concluded otherwise: the side is chosen, or what is right is said.
#[test]
fn a_ruling_chooses_the_side() {
    let mut team = Team::new(MAP, start()).unwrap();
    for (agent, answer) in [("billing", json!("approve")), ("payments", json!("reject"))] {
        let conclude =
            json!({"do": "conclude", "subject": "crm/invoice/117", "question": "refund?", "answer": answer});
        team.agent(agent, conclude).unwrap();
    }
    let mut runner = console(&mut team, 120, 36);
    assert!(commands(&mut team, &mut runner, "r tab tab tab tab enter").is_empty());
    assert!(runner.screen_text().contains("choose the side"), "{}", runner.screen_text());
    let chosen = press(&mut team, &mut runner, "esc r space space");
    insta::assert_snapshot!("ruling_120x36", chosen);
    let sent = commands(&mut team, &mut runner, "tab tab text:the_contract tab tab enter");
    let note = Some(Arc::from("the contract"));
    assert_eq!(answer(&sent), ItemAnswer::Ruling { right: Some(Arc::from("payments")), value: None, note });
    let mut runner = console(&mut team, 120, 36);
    let sent = commands(&mut team, &mut runner, "r tab text:false tab tab tab enter");
    let value = Some(Value::new(&json!(false)).unwrap());
    assert_eq!(answer(&sent), ItemAnswer::Ruling { right: None, value, note: None });
}

#[test]
fn a_task_that_leads_nowhere_is_sent_on() {
    let mut team = team();
    let mut task = stuck(team.now);
    task.stage = TaskStage::Escalated { item: ItemNo(STUCK) };
    team.state.board.tasks.insert(task.id.clone(), Arc::new(task));
    let mut runner = console(&mut team, 120, 36);
    assert!(commands(&mut team, &mut runner, "s").is_empty());
    assert!(runner.screen_text().contains("is no task that leads nowhere"), "{}", runner.screen_text());
    runner.send_keys("G").unwrap();
    let sent = press(&mut team, &mut runner, "s tab tab tab text:5 tab text:no_fees");
    insta::assert_snapshot!("sent_on_120x36", sent);
    let sent = commands(&mut team, &mut runner, "enter tab enter");
    let note = Some(Arc::from("no fees"));
    assert_eq!(answer(&sent), ItemAnswer::SendOn { to: None, max_attempts: Some(5), note });
}

#[test]
fn marked_approvals_are_answered_each_by_itself() {
    let mut team = team();
    let first = team.state.board.items.get(&ItemNo(1)).unwrap().clone();
    let second = Item { no: ItemNo(8), due: first.due.plus(Span::from_secs(1)), ..(*first).clone() };
    team.state.board.items.insert(ItemNo(8), Arc::new(second));
    let mut runner = console(&mut team, 120, 36);
    assert!(commands(&mut team, &mut runner, "right space space A").is_empty());
    assert!(runner.screen_text().contains("each body is edited by itself"), "{}", runner.screen_text());
    assert_eq!(commands(&mut team, &mut runner, "a tab enter").len(), 2);
}

fn steps(commands: &[Command]) -> Vec<ReviewVerb> {
    let step = |command: &Command| {
        let Command::Review(step) = command else { panic!("{command:?}") };
        assert_eq!(step.queue, queue());
        step.step
    };
    commands.iter().map(step).collect()
}

#[test]
fn a_review_is_recorded_from_its_start_to_its_end() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 36);
    runner.send_keys("R").unwrap();
    let begun = runner.take_done();
    let [ask] = begun.as_slice() else { panic!("{begun:?}") };
    assert!(matches!(&ask.what, What::Command(step) if steps(&[(**step).clone()]) == [ReviewVerb::Start]));
    assert!(runner.screen_text().contains("1 of 5"));
    runner.send_keys("esc").unwrap();
    let ended = runner.take_done();
    let [ask] = ended.as_slice() else { panic!("{ended:?}") };
    assert!(matches!(&ask.what, What::Command(step) if steps(&[(**step).clone()]) == [ReviewVerb::End]));
    assert!(runner.screen_text().contains("0 of 5 gone through"), "{}", runner.screen_text());
}

#[test]
fn the_header_says_when_a_review_is_owed() {
    let mut team = team();
    let now = team.now;
    let owed = |team: &mut Team, reviews| {
        team.state.board.reviews.insert(queue(), reviews);
        console(team, 120, 24).screen_text().lines().next().unwrap_or_default().to_owned()
    };
    let due = |at, last_held| QueueReviews { due: Some(at), last_held, ..QueueReviews::default() };
    let soon = owed(&mut team, due(now.plus(Span::from_hours(2)), Some(true)));
    assert!(soon.contains("ops review at 12:00"), "{soon}");
    let late = owed(&mut team, due(now.minus(Span::from_mins(20)), Some(true)));
    assert!(late.contains("! ops review due 09:40"), "{late}");
    let missed = owed(&mut team, due(now.plus(Span::from_hours(23)), Some(false)));
    assert!(missed.contains("! ops review not held"), "{missed}");
    let open = OpenReview {
        by: me_actor(),
        at: now,
        deed: Seq(2),
        waiting: 5,
        answered: 1,
        came_to: CameTo::default(),
    };
    let open = owed(&mut team, QueueReviews { open: Some(open), ..QueueReviews::default() });
    assert!(open.contains("● ops review by you"), "{open}");
}

fn me_actor() -> Actor {
    Actor::Person(me("dana", TokenClass::Admin).person)
}

#[test]
fn what_was_given_up_is_given_to_another_agent() {
    let mut team = team();
    let no = ItemNo(STUCK - 1);
    let mut work = given_up(team.now);
    work.kind = WorkKind::Dispatch {
        event: Arc::from("invoice.asked"),
        attributes: BTreeMap::new(),
        then: Vec::new(),
        before: None,
        raised: Seq(2),
    };
    let case = Case::GivenUp { work: Box::new(work) };
    let item = Item { case, ..Item::clone(&team.state.board.items[&no]) };
    team.state.board.items.insert(no, Arc::new(item));
    let mut runner = console(&mut team, 120, 36);
    assert!(commands(&mut team, &mut runner, "j j j").is_empty());
    let given = press(&mut team, &mut runner, "h text:they_can tab tab text:payments");
    assert!(given.contains("goes to payments, and on from there"), "{given}");
    let sent = commands(&mut team, &mut runner, "enter tab enter");
    let to = Some(agent("payments"));
    assert_eq!(answer(&sent), ItemAnswer::Handle { note: Arc::from("they can"), reply: None, to });
}

/// It waits for a person as what would be the next attempt, and was not in that one.
#[test]
fn a_task_out_of_attempts_has_made_them_all() {
    let mut team = team();
    let mut task = stuck(team.now);
    task.attempt = 4;
    let no = ItemNo(STUCK);
    let case = Case::Stuck { task: Box::new(task), alert: None };
    let item = Item { case, ..Item::clone(&team.state.board.items[&no]) };
    team.state.board.items.insert(no, Arc::new(item));
    let mut runner = console(&mut team, 120, 36);
    runner.send_keys("G").unwrap();
    team.serve(&mut runner);
    let screen = runner.screen_text();
    assert!(screen.contains("attempt 3 of 3") && !screen.contains("4 of 3"), "{screen}");
}

/// A map that nobody went through in time: what is asked for, and the answer that is the review.
#[test]
fn an_overdue_map_is_gone_through_from_the_inbox() {
    let mut team = Team::new(MAP, start()).unwrap();
    team.pass(Span::from_days(91)).unwrap();
    let mut runner = by_keys::console(&mut team, View::Inbox, TokenClass::Admin, (120, 36));
    insta::assert_snapshot!("map_overdue_120x36", runner.screen_text());
    press(&mut team, &mut runner, "h text:done enter tab enter");
    assert!(team.state.board.items.is_empty() && team.state.board.alerts.is_empty());
    assert_eq!(team.state.board.care.reviewed.as_ref().unwrap().by.name(), "dana");
}
