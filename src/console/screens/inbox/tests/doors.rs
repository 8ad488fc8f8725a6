//! What comes again, what goes round, and what a person closes for good: on the real rules.

use serde_json::{Value as Json, json};

use super::desk::MAP;
use crate::console::place::View;
use crate::console::testing::by_keys::{self, press, start};
use crate::console::testing::team::Team;
use crate::domain::things::TokenClass;
use crate::domain::time::Span;

/// What the team of the other tests hears here.
const EVENTS: &str = r#"
[[event]]
name = "invoice.asked"

[[event]]
name = "payment.asked"

[[route]]
event = "invoice.asked"
agent = "billing"

[[route]]
event = "payment.asked"
agent = "payments"
"#;

/// Agents ask, one after the other.
fn team(asked: &[(&str, Json)]) -> Team {
    let mut team = Team::new(&format!("{MAP}{EVENTS}"), start()).unwrap();
    for (agent, command) in asked {
        team.agent(agent, command.clone()).unwrap();
        team.pass(Span::from_mins(10)).unwrap();
    }
    team
}

fn screen(team: &mut Team, keys: &str) -> String {
    let mut runner = by_keys::console(team, View::Inbox, TokenClass::Reviewer, (120, 36));
    press(team, &mut runner, keys)
}

#[test]
fn an_act_that_waits_says_what_is_done_and_how_often_it_was_asked() {
    let act = json!({"do": "act", "target": "mail/replies", "action": "send_reminder", "subject": "crm/invoice/117",
        "thread": "inv-117", "reason": "it is overdue"});
    let asked = [("billing", act.clone()), ("billing", act.clone()), ("billing", act)];
    insta::assert_snapshot!("act_approval_120x36", screen(&mut team(&asked), ""));
}

#[test]
fn a_loop_says_who_woke_whom() {
    let ask = |event: &str| json!({"do": "raise", "event": event, "subject": "crm/invoice/117"});
    let mut team = team(&[]);
    for round in 0..12 {
        let (agent, event) =
            if round % 2 == 0 { ("billing", "payment.asked") } else { ("payments", "invoice.asked") };
        team.agent(agent, ask(event)).unwrap();
        if !team.state.board.items.is_empty() {
            break;
        }
    }
    insta::assert_snapshot!("loop_120x36", screen(&mut team, ""));
}

#[test]
fn closing_for_good_says_what_it_would_have_closed() {
    let ask = |agent, input: &str| {
        (agent, json!({"do": "escalate", "input": input, "subject": "crm/invoice/117", "why": "not mine"}))
    };
    let asked = [
        ask("billing", "Do you sell  hotels?"),
        ask("payments", "do you sell hotels?"),
        ask("billing", "My mother has died"),
    ];
    let mut team = team(&asked);
    insta::assert_snapshot!("closing_120x36", screen(&mut team, "o text:we_sell_none tab space"));
}

/// A zone that its owner offers says what goes from whom to whom and who confirms it; yes and no are all there is.
#[test]
fn a_zone_that_is_offered_is_handed_over_or_stays() {
    let offer = json!({"do": "offer-zone", "pattern": "crm/invoice/*#reminded", "to": "payments",
        "reason": "payments sends the reminders, so it should say when it did"});
    let mut team = team(&[("billing", offer)]);
    insta::assert_snapshot!("zone_offer_120x36", screen(&mut team, ""));
    insta::assert_snapshot!("zone_offer_approve_120x36", screen(&mut team, "a"));
    let other = screen(&mut team, "h");
    assert!(other.contains("a hands it over, x leaves it where it is"), "{other}");
    let mut runner = by_keys::console(&mut team, View::Inbox, TokenClass::Reviewer, (80, 24));
    insta::assert_snapshot!("zone_offer_80x24", press(&mut team, &mut runner, ""));
}
