//! The Inbox by its keys and its screens, on the real rules.

mod calls;
mod desk;
mod doors;
mod ritual;
mod whole;

use proptest::prelude::*;
use proptest::sample;
use serde_json::json;

use super::NO_CASE;
use crate::console::app::{App, Settings};
use crate::console::ask::{Heard, Trouble, What};
use crate::console::message::Effect;
use crate::console::place::View;
use crate::console::terminal::clipboard::Route;
use crate::console::testing::by_keys::{self, SALES_AND_SUPPORT, me, press, start, write};
use crate::console::testing::team::Team;
use crate::console::testing::{Runner, buffer};
use crate::console::world::Link;
use crate::domain::command::{Command, ItemStep, ItemVerb};
use crate::domain::ids::{ItemNo, PersonId, Seq};
use crate::domain::things::TokenClass;
use crate::domain::time::Span;

const MAP: &str = r#"
workspace = "northwind"
governance_owner = "dana"

[[agent]]
id = "intake"
role = "Qualifies inbound leads"
owner = "dana"
writes = ["crm/contact/*#name", "crm/contact/*#status"]

[[agent]]
id = "follow-up"
role = "Keeps contacts warm"
owner = "dana"
writes = ["outreach/**"]
outputs = ["mail/outbox"]
escalates_when = ["reply outside templates"]

[[queue]]
name = "ops"
owner = "dana"
deputies = ["sam"]
sla = "24h"
review = "daily 09:00"
priority = ["intake", "follow-up"]
"#;

/// Three cases: a write to a field that nobody owns, twice alike, and an escalation with hostile text.
fn team() -> Team {
    let mut team = Team::new(MAP, start()).unwrap();
    let write = |entity: &str| json!({"do": "write", "entity": entity, "changes": {"score": 7}, "expected": {"score": 0}});
    team.agent("intake", json!({"do": "write", "entity": "crm/contact/acme", "changes": {"status": "new"}, "expected": {"status": 0}})).unwrap();
    team.agent("intake", write("crm/contact/acme")).unwrap();
    team.pass(Span::from_hours(2)).unwrap();
    team.agent("intake", write("crm/contact/globex")).unwrap();
    team.agent(
        "follow-up",
        json!({"do": "escalate", "subject": "crm/contact/acme", "why": "reply outside templates",
        "input": "We'd rather talk to your legal team\u{202e} about \u{1b}[2Jthis", "evidence": [2]}),
    )
    .unwrap();
    team
}

fn dana(team: &mut Team) -> Runner<App> {
    by_keys::console(team, View::Inbox, TokenClass::Admin, (120, 36))
}

#[test]
fn the_whole_case_is_on_one_screen() {
    let mut team = team();
    let runner = dana(&mut team);
    insta::assert_snapshot!("inbox_120x36", runner.screen_text());
}

#[test]
fn cases_alike_are_one_row_that_opens_in_place() {
    let mut team = team();
    let mut runner = dana(&mut team);
    let rows = |shown: &str| {
        let list = shown
            .lines()
            .skip(4)
            .map(|line| line.split('│').next().unwrap_or_default().trim_end().to_owned());
        list.take_while(|line| !line.is_empty()).collect::<Vec<_>>()
    };
    let closed = runner.screen_text();
    let text = rows(&closed);
    assert_eq!(text.len(), 2, "{closed}");
    assert!(text[0].contains("crm/contact/acme") && text[0].ends_with("▸ ×2 alike"), "{closed}");
    // The row is its first case; the count is said in the same words beside it.
    assert!(closed.contains("#1  unowned field") && closed.contains("×2 alike wait"), "{closed}");
    let open = press(&mut team, &mut runner, "right");
    let text = rows(&open);
    assert_eq!(text.len(), 3, "{open}");
    assert!(text[0].ends_with("▾ ×2 alike") && text[1].contains("crm/contact/globex"), "{open}");
    assert!(press(&mut team, &mut runner, "j").contains("#2  unowned field"));
    // Closed from within, the reader is on the first again, and what acts, acts on that.
    let again = press(&mut team, &mut runner, "left");
    assert_eq!(rows(&again), rows(&closed), "{again}");
    assert!(again.contains("#1  unowned field"), "{again}");
    // All alike are marked, whether they are seen or not, and answered together.
    let marked = press(&mut team, &mut runner, "*");
    assert!(rows(&marked)[0].starts_with("▌◆"), "{marked}");
    let answer = press(&mut team, &mut runner, "h");
    assert!(answer.contains("#1") && answer.contains("#2"), "{answer}");
}

#[test]
fn a_case_that_is_gone_to_stands_for_those_like_it() {
    let mut team = team();
    let mut runner = dana(&mut team);
    press(&mut team, &mut runner, "right j");
    // While a filter means one of them only, there is nothing to open.
    let one = press(&mut team, &mut runner, "left / text:globex enter");
    assert!(one.contains("#2  unowned field") && one.contains("1 of 3") && !one.contains("▸ ×2"), "{one}");
    let all = press(&mut team, &mut runner, "esc");
    assert!(
        all.contains("#2  unowned field") && all.contains("▸ ×2 alike"),
        "the reader stays on their case: {all}"
    );
}

#[test]
fn news_makes_every_age_current_and_leaves_the_clock_alone() {
    let mut team = team();
    let mut runner = dana(&mut team);
    let before = runner.screen_text();
    assert!(before.contains("from ◇ intake, 2h ago") && before.contains("11:00 UTC"), "{before}");
    // No tick comes; only a deed does.
    team.pass(Span::from_mins(7)).unwrap();
    team.agent("intake", json!({"do": "write", "entity": "crm/contact/initech", "changes": {"name": "I"}, "expected": {"name": 0}})).unwrap();
    team.news(&mut runner);
    let after = runner.screen_text();
    assert!(after.contains("from ◇ intake, 2h7m ago") && after.contains("11:00 UTC"), "{after}");
}

#[test]
fn the_compact_and_the_list_only_widths() {
    let mut team = team();
    let mut runner = dana(&mut team);
    runner.resize(80, 24);
    insta::assert_snapshot!("inbox_80x24", runner.screen_text());
    runner.resize(60, 16);
    insta::assert_snapshot!("inbox_60x16", runner.screen_text());
    runner.send_keys("enter").unwrap();
    assert!(runner.screen_text().contains("WHY"));
}

proptest! {
    #[test]
    fn every_size_can_be_drawn(width in 1_u16..=200, height in 1_u16..=70, keys in sample::select(OVER.to_vec())) {
        let mut team = team();
        let mut runner = dana(&mut team);
        runner.send_keys(keys).unwrap();
        prop_assert!(buffer(&runner.program, width, height).is_some());
        runner.resize(width, height);
        runner.send_keys("j k pgdn J enter").unwrap();
        prop_assert!(buffer(&runner.program, width, height).is_some());
    }
}

/// Keys that lead to everything that can lie over the view.
const OVER: [&str; 11] = ["", "e", "h text:hi", "o", "R", "?", ":", "v", "p", "T", "/ text:x"];

#[test]
fn expanding_says_what_will_be_true_and_then_it_is() {
    let mut team = team();
    let mut runner = dana(&mut team);
    runner.send_keys("e").unwrap();
    assert!(runner.screen_text().contains("asking the server what it would do"), "{}", runner.screen_text());
    team.serve(&mut runner);
    insta::assert_snapshot!("expand_120x36", runner.screen_text());
    // Enter alone cancels: the safe button is chosen.
    runner.send_keys("enter").unwrap();
    team.serve(&mut runner);
    assert_eq!(team.state.board.items.len(), 3);
    press(&mut team, &mut runner, "e tab enter");
    assert_eq!(team.state.board.items.len(), 1, "{}", runner.screen_text());
    assert_eq!(team.state.board.map_version.0, 2);
    let screen = runner.screen_text();
    assert!(screen.contains("#1 and 1 alike expanded; `u` undoes it"), "{screen}");
    assert!(screen.contains("map v2"), "{screen}");
    runner.send_keys("u").unwrap();
    assert!(runner.screen_text().contains("these wait again: #1 #2"), "{}", runner.screen_text());
    runner.send_keys("tab enter").unwrap();
    team.serve(&mut runner);
    assert_eq!(team.state.board.items.len(), 3, "{}", runner.screen_text());
}

/// Nothing is sent before the server has said what it would do, and nothing that it said of something else is shown.
#[test]
fn what_is_not_known_yet_is_not_sent() {
    let mut team = team();
    let mut runner = dana(&mut team);
    runner.send_keys("e tab enter").unwrap();
    assert!(runner.screen_text().contains("the server is being asked"), "{}", runner.screen_text());
    let asked = runner.take_done();
    let [ask] = asked.as_slice() else { panic!("one question at a time: {asked:?}") };
    assert!(matches!(ask.what, What::Preview(..)));
    // Another grant is typed while the answer is under way.
    runner.send_keys("shift-tab shift-tab shift-tab text:*").unwrap();
    let me = runner.program.me();
    let said = team.answer(&me, ask.clone());
    runner.server(said);
    let screen = runner.screen_text();
    assert!(screen.contains("score*") && screen.contains("asking the server"), "{screen}");
    team.serve(&mut runner);
    let screen = runner.screen_text();
    assert!(screen.contains("+ intake.writes crm/contact/*#score*"), "{screen}");
}

/// A server that can't say what it would do does not keep people from deciding: it checks all the same.
#[test]
fn a_preview_that_fails_is_said_and_stops_nobody() {
    let mut team = team();
    let mut runner = dana(&mut team);
    runner.send_keys("j j h text:done enter tab").unwrap();
    for ask in runner.take_done() {
        let trouble = Trouble { what: "no answer came".to_owned(), next: "wait".to_owned() };
        runner.server(Heard::Answer { to: ask.from, tag: ask.tag, result: Err(trouble) });
    }
    assert!(runner.screen_text().contains("not known: no answer came"), "{}", runner.screen_text());
    press(&mut team, &mut runner, "enter");
    assert!(!team.state.board.items.contains_key(&ItemNo(3)), "{}", runner.screen_text());
}

/// Which cases alike an answer settles only the server says: a lost answer to that never shrinks what is sent.
#[test]
fn a_preview_that_fails_never_shrinks_an_answer_to_several() {
    let mut team = team();
    let mut runner = dana(&mut team);
    runner.send_keys("e").unwrap();
    for ask in runner.take_done() {
        let trouble = Trouble { what: "no answer came".to_owned(), next: "wait".to_owned() };
        runner.server(Heard::Answer { to: ask.from, tag: ask.tag, result: Err(trouble) });
    }
    press(&mut team, &mut runner, "tab enter");
    assert_eq!(team.state.board.items.len(), 3, "{}", runner.screen_text());
    assert!(runner.screen_text().contains("the server is asked again"), "{}", runner.screen_text());
    press(&mut team, &mut runner, "enter");
    assert_eq!(team.state.board.items.len(), 1, "{}", runner.screen_text());
}

/// What was said before a case alike was answered elsewhere is not sent.
#[test]
fn another_case_alike_is_another_question() {
    let mut team = team();
    let mut runner = dana(&mut team);
    press(&mut team, &mut runner, "e tab");
    let item = &team.state.board.items[&ItemNo(2)];
    let (version, digest) = (item.version, item.digest());
    let answer = json!({"do": "item", "item": 2, "step": "answer", "version": version, "digest": digest,
        "answer": {"kind": "handle", "note": "by phone"}});
    let elsewhere = PersonId::new("dana").unwrap();
    team.person(&elsewhere, TokenClass::Admin, serde_json::from_value(answer).unwrap()).unwrap();
    team.serve(&mut runner);
    assert_eq!(team.state.board.items.len(), 2);
    press(&mut team, &mut runner, "enter");
    assert!(!team.state.board.items.contains_key(&ItemNo(1)), "{}", runner.screen_text());
}

#[test]
fn handling_needs_a_note_and_enter_in_the_note_decides_nothing() {
    let mut team = team();
    let mut runner = dana(&mut team);
    let missing = "say in the note how you handled it";
    runner.send_keys("j j h enter").unwrap();
    assert!(runner.screen_text().contains(missing), "{}", runner.screen_text());
    // Nor does the button while there is none: the cursor is in the note again.
    runner.send_keys("shift-tab enter").unwrap();
    assert!(runner.screen_text().contains(missing), "{}", runner.screen_text());
    team.serve(&mut runner);
    assert!(team.state.board.items.contains_key(&ItemNo(3)));
    press(&mut team, &mut runner, "text:called_them enter enter");
    let shown = runner.screen_text();
    assert!(shown.contains("not done: Handle #3 by hand; the text is kept"), "{shown}");
    press(&mut team, &mut runner, "h tab enter");
    team.serve(&mut runner);
    assert!(!team.state.board.items.contains_key(&ItemNo(3)), "{}", runner.screen_text());
    let closed = team.state.board.closed.last().unwrap();
    assert_eq!(closed.answer.note().unwrap().as_ref(), "called them");
}

#[test]
fn marked_cases_are_answered_at_once() {
    let mut team = team();
    let mut runner = dana(&mut team);
    press(&mut team, &mut runner, "right space space o text:spam enter");
    let shown = runner.screen_text();
    assert!(
        shown.contains("2 marked cases, each by itself:")
            && shown.contains("#2 #score = 7, crm/contact/globex"),
        "{shown}"
    );
    runner.send_keys("tab enter").unwrap();
    team.serve(&mut runner);
    assert_eq!(team.state.board.items.len(), 1, "{}", runner.screen_text());
}

#[test]
fn a_case_that_changed_is_not_answered() {
    let mut team = team();
    let mut runner = dana(&mut team);
    runner.send_keys("h text:done enter tab").unwrap();
    let elsewhere = PersonId::new("dana").unwrap();
    let claim = serde_json::from_value(json!({"do": "item", "item": 1, "step": "claim"})).unwrap();
    team.person(&elsewhere, TokenClass::Admin, claim).unwrap();
    team.serve(&mut runner);
    runner.send_keys("enter").unwrap();
    team.serve(&mut runner);
    assert_eq!(team.state.board.items.len(), 3);
    assert!(runner.screen_text().contains("#1 changed since it was shown"), "{}", runner.screen_text());
}

#[test]
fn nothing_decides_while_the_link_is_down_or_the_history_differs() {
    let mut team = team();
    let mut runner = dana(&mut team);
    press(&mut team, &mut runner, "h text:done enter tab");
    runner.server(Heard::Link(Link::Lost {
        retry_at: team.now.plus(Span::from_secs(4)),
        why: "refused".to_owned(),
    }));
    runner.send_keys("enter").unwrap();
    assert!(runner.take_done().is_empty());
    assert!(runner.screen_text().contains("the link is down"), "{}", runner.screen_text());
    runner.send_keys("esc e").unwrap();
    assert!(runner.screen_text().contains("reconnecting 4s"), "{}", runner.screen_text());
    assert!(!runner.screen_text().contains("Expand a scope"));
    runner.server(Heard::Link(Link::Rewritten { at: Seq(7) }));
    runner.send_keys("c").unwrap();
    assert!(runner.take_done().is_empty());
    assert!(runner.screen_text().contains("≠ rewritten from #7"), "{}", runner.screen_text());
}

#[test]
fn nothing_decides_while_nothing_can_be_recorded() {
    let mut team = team();
    let mut runner = dana(&mut team);
    let mut board = team.board(me("dana", TokenClass::Reviewer));
    if let Heard::Board { trouble, .. } = &mut board {
        *trouble = Some("3 deeds are missing".to_owned());
    }
    runner.server(board);
    assert!(runner.screen_text().contains("nothing recorded"), "{}", runner.screen_text());
    runner.send_keys("h").unwrap();
    assert!(runner.screen_text().contains("3 deeds are missing"), "{}", runner.screen_text());
    assert!(!runner.take_done().iter().any(|ask| matches!(ask.what, What::Command(_))));
    let now = team.board(me("dana", TokenClass::Reviewer));
    runner.server(now);
    assert!(!runner.screen_text().contains("nothing recorded"), "{}", runner.screen_text());
}

#[test]
fn fewer_machines_than_are_promised_are_said_and_stop_nobody() {
    let mut team = team();
    let mut runner = dana(&mut team);
    let mut board = team.board(me("dana", TokenClass::Reviewer));
    if let Heard::Board { unreplicated, .. } = &mut board {
        *unreplicated = true;
    }
    runner.server(board);
    assert!(runner.screen_text().contains("no standby"), "{}", runner.screen_text());
    press(&mut team, &mut runner, "right");
    press(&mut team, &mut runner, "c");
    assert!(runner.screen_text().contains("no standby"), "{}", runner.screen_text());
    assert!(team.state.board.items.values().any(|item| item.claimed_by.is_some()));
}

#[test]
fn keys_typed_before_the_case_was_seen_do_not_decide() {
    let mut team = team();
    let mut runner = dana(&mut team);
    press(&mut team, &mut runner, "right");
    runner.send_keys_at_once("j c").unwrap();
    assert!(!runner.take_done().iter().any(|ask| matches!(ask.what, What::Command(_))));
    assert!(runner.screen_text().contains("was typed before this was shown"), "{}", runner.screen_text());
    runner.send_keys("c").unwrap();
    team.serve(&mut runner);
    assert_eq!(team.state.board.items[&ItemNo(2)].claimed_by.as_ref().unwrap().as_str(), "dana");
}

#[test]
fn pasted_text_never_decides() {
    let mut team = team();
    let mut runner = dana(&mut team);
    runner.paste("e\t\n");
    runner.send_keys("e").unwrap();
    runner.paste("\t\n\n");
    team.serve(&mut runner);
    assert_eq!(team.state.board.items.len(), 3);
    assert_eq!(team.state.board.map_version.0, 1);
}

#[test]
fn who_may_not_answer_is_told_who_may() {
    let mut team = team();
    let mut runner = team.console(me("eve", TokenClass::Reviewer), Settings::default(), 120, 36);
    runner.send_keys("h").unwrap();
    assert!(runner.screen_text().contains("#1 is answered by dana, sam"), "{}", runner.screen_text());
    let mut watcher = team.console(me("wim", TokenClass::Watcher), Settings::default(), 120, 36);
    assert!(watcher.screen_text().contains("■ read-only"), "{}", watcher.screen_text());
    watcher.send_keys("h").unwrap();
    assert!(watcher.screen_text().contains("a watcher only looks"));
}

#[test]
fn claim_release_and_reassign() {
    let mut team = team();
    let mut runner = dana(&mut team);
    runner.send_keys("c").unwrap();
    team.serve(&mut runner);
    assert!(runner.screen_text().contains("claimed: you"), "{}", runner.screen_text());
    runner.send_keys("C").unwrap();
    team.serve(&mut runner);
    runner.send_keys("T").unwrap();
    assert!(runner.screen_text().contains("Hand #1 to"), "{}", runner.screen_text());
    runner.send_keys("text:sam enter").unwrap();
    team.serve(&mut runner);
    assert!(runner.screen_text().contains("handed to sam"), "{}", runner.screen_text());
    // Who owns the queue answers at any time.
    runner.send_keys("h").unwrap();
    assert!(runner.screen_text().contains("Handle #1 by hand"), "{}", runner.screen_text());
}

/// A case that another has claimed is taken over by the same key, with a reason.
#[test]
fn what_another_has_claimed_is_taken_over_with_a_reason() {
    let mut team = team();
    team.pass(Span::from_hours(12)).unwrap();
    let claim = Command::Item(ItemStep { item: ItemNo(1), step: ItemVerb::Claim });
    team.person(&PersonId::new("sam").unwrap(), TokenClass::Reviewer, claim).unwrap();
    let mut runner = dana(&mut team);
    insta::assert_snapshot!("take_over_120x36", press(&mut team, &mut runner, "c"));
    press(&mut team, &mut runner, "enter");
    assert_eq!(
        team.state.board.items[&ItemNo(1)].claimed_by.as_ref().unwrap().as_str(),
        "sam",
        "why is needed"
    );
    let shown = press(&mut team, &mut runner, "text:they_called enter tab enter");
    assert!(shown.contains("claimed: you"), "{shown}");
    let mut eve = team.console(me("eve", TokenClass::Reviewer), Settings::default(), 120, 36);
    eve.send_keys("c").unwrap();
    assert!(eve.screen_text().contains("#1 is answered by dana, sam"), "{}", eve.screen_text());
}

/// Going away and coming back is one key; the header says it.
#[test]
fn a_key_says_that_one_is_away_and_back() {
    let mut team = team();
    let mut runner = dana(&mut team);
    let shown = press(&mut team, &mut runner, "Z text:3d");
    assert!(shown.contains("Go away") && shown.contains("deputies answer at once"), "{shown}");
    let shown = press(&mut team, &mut runner, "enter tab enter");
    assert!(shown.contains("you are away until 23 Nov"), "{shown}");
    let sam = PersonId::new("sam").unwrap();
    assert!(team.state.board.absence(&PersonId::new("dana").unwrap(), team.now).is_some());
    let claim = Command::Item(ItemStep { item: ItemNo(1), step: ItemVerb::Claim });
    assert!(team.person(&sam, TokenClass::Reviewer, claim).unwrap().is_done(), "deputies answer at once");
    let back = press(&mut team, &mut runner, "Z");
    assert!(back.contains("Come back"), "{back}");
    press(&mut team, &mut runner, "enter tab enter");
    assert!(team.state.board.away.is_empty());
}

#[test]
fn the_review_goes_from_case_to_case_and_ends_with_a_summary() {
    let mut team = team();
    let mut runner = dana(&mut team);
    runner.send_keys("R").unwrap();
    team.now = team.now.plus(Span::from_secs(100));
    team.serve(&mut runner);
    insta::assert_snapshot!("review_120x36", runner.screen_text());
    let screen = press(&mut team, &mut runner, "e tab enter");
    assert!(screen.contains("#3"), "{screen}");
    let screen = press(&mut team, &mut runner, "h text:done enter tab enter");
    assert!(
        screen.contains("Review ended") && screen.contains("1  expanded") && screen.contains("1  handled"),
        "{screen}"
    );
}

#[test]
fn the_filter_narrows_while_it_is_typed() {
    let mut team = team();
    let mut runner = dana(&mut team);
    runner.send_keys("/ text:globex").unwrap();
    let screen = runner.screen_text();
    assert!(screen.contains("#2") && !screen.contains("reply outside"), "{screen}");
    runner.send_keys("enter").unwrap();
    assert!(runner.screen_text().contains("globex  1 of 3  esc clears"), "{}", runner.screen_text());
    runner.send_keys("esc").unwrap();
    assert!(!runner.screen_text().contains("esc clears"));
}

#[test]
fn hostile_text_is_shown_and_its_original_is_a_key_away() {
    let mut team = team();
    let mut runner = dana(&mut team);
    runner.send_keys("j j").unwrap();
    let screen = runner.screen_text();
    assert!(screen.contains("‹U+202E›") && screen.contains("‹U+001B›"), "{screen}");
    assert!(!screen.contains('\u{1b}') && !screen.contains('\u{202e}'));
    runner.send_keys("v v").unwrap();
    assert!(runner.screen_text().contains("e2 80 ae"), "{}", runner.screen_text());
}

#[test]
fn a_control_character_within_json_is_escaped_once() {
    let mut team = Team::new(MAP, start()).unwrap();
    let input = json!({"text": "\u{1b}[2J, and \\u001b as they wrote it"});
    let why = "reply outside templates";
    team.agent(
        "follow-up",
        json!({"do": "escalate", "subject": "crm/contact/acme", "why": why, "input": input}),
    )
    .unwrap();
    let mut runner = dana(&mut team);
    for keys in ["", "v"] {
        runner.send_keys(keys).unwrap();
        let screen = runner.screen_text();
        assert!(screen.contains("‹U+001B›[2J") && screen.contains("\\\\u001b"), "{keys}: {screen}");
    }
    // Its bytes are those that came.
    runner.send_keys("v").unwrap();
    assert!(runner.screen_text().contains("{\"text\":\"\\u001b["), "{}", runner.screen_text());
}

#[test]
fn an_empty_inbox_says_why_and_what_next() {
    let mut team = Team::new(MAP, start()).unwrap();
    let me = me("dana", TokenClass::Admin);
    let app = App::new(team.workspace(), me.clone(), Settings::default())
        .with_welcome(vec!["deeds demo loads sample teams".to_owned()]);
    let mut runner = Runner::new(app, 100, 24, start().micros());
    assert!(runner.screen_text().contains("Connecting"));
    runner.server(team.board(me));
    assert!(runner.screen_text().contains("deeds demo loads sample teams"), "{}", runner.screen_text());
}

#[test]
fn the_first_request_of_an_empty_workspace_can_be_copied() {
    let mut team = Team::new(MAP, start()).unwrap();
    let me = me("dana", TokenClass::Admin);
    let lines =
        ["How an agent connects:", "", "  curl -sS http://127.0.0.1:4170/v1/writes \\", "    -H @a.token"];
    let settings = Settings { clipboard: Route::Tmux { takes: false, passes: false }, ..Settings::default() };
    let app =
        App::new(team.workspace(), me.clone(), settings).with_welcome(lines.map(str::to_owned).to_vec());
    let mut runner = Runner::new(app, 100, 24, start().micros());
    runner.server(team.board(me));
    assert!(runner.screen_text().contains("y copy"), "{}", runner.screen_text());
    runner.send_keys("y").unwrap();
    let request = "curl -sS http://127.0.0.1:4170/v1/writes \\\n-H @a.token";
    assert!(runner.effects.iter().any(|it| matches!(it, Effect::Copy(text, _) if text == request)));
    // What is known of the refusal is said.
    assert!(runner.screen_text().contains("not copied: tmux keeps it"), "{}", runner.screen_text());
    runner.server(Heard::Clipboard(Route::Sent));
    runner.send_keys("y").unwrap();
    assert!(runner.screen_text().contains("the request: sent to the terminal"), "{}", runner.screen_text());
}

#[test]
fn that_nothing_is_selected_is_over_once_something_is() {
    let mut team = Team::new(SALES_AND_SUPPORT, start()).unwrap();
    let mut runner = by_keys::console(&mut team, View::Inbox, TokenClass::Admin, (120, 30));
    let said = press(&mut team, &mut runner, "h");
    assert!(said.contains(NO_CASE), "{said}");
    team.agent("support", write("crm/contact/acme", "score", "9", 0, "model run 12")).unwrap();
    team.serve(&mut runner);
    let shown = runner.screen_text();
    assert!(shown.contains("unowned field") && !shown.contains(NO_CASE), "{shown}");
}
