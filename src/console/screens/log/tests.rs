//! The Log by its keys and its screens, on the real rules.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::json;

use crate::console::app::App;
use crate::console::ask::What;
use crate::console::place::View;
use crate::console::testing::Runner;
use crate::console::testing::by_keys::{self, SALES_AND_SUPPORT, line_with, press, start, write};
use crate::console::testing::team::Team;
use crate::domain::deed::{Body, Deed, Refs};
use crate::domain::ids::{Actor, MapVersion, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::things::TokenClass;
use crate::domain::time::Span;

/// What the map has beside sales and support.
const REST: &str = r#"
[[queue]]
name = "ops"
owner = "dana"
sla = "24h"
priority = ["sales", "support"]
"#;

/// A deed of that number and nothing else.
pub(super) fn plain_deed(seq: u64) -> Arc<Deed> {
    Arc::new(Deed {
        seq: Seq(seq),
        time: start(),
        recorded: start(),
        subject: None,
        correlation: Seq(seq),
        cause: None,
        traceparent: None,
        door: None,
        token: None,
        actor: Actor::Deeds,
        action: Cow::Borrowed("write"),
        outcome: Outcome::Committed,
        code: None,
        verdict: None,
        reason: None,
        map_version: MapVersion(0),
        fields: Vec::new(),
        refs: Refs::default(),
        decided: None,
        key: None,
        signed: None,
        body: Body::WriteCommitted(()),
    })
}

/// The four-second upsell, a write that is another's, one that nobody owns, with quiet minutes before.
fn team() -> Team {
    let mut team = Team::new(&[SALES_AND_SUPPORT, REST].concat(), start()).unwrap();
    for n in 0..6 {
        team.pass(Span::from_mins(4)).unwrap();
        team.agent("sales", write(&format!("crm/deal/{n}"), "stage", "prospect", 0, "form received"))
            .unwrap();
    }
    team.agent("support", write("crm/contact/acme", "health", "good", 0, "quarterly check")).unwrap();
    team.agent(
        "support",
        write("crm/contact/acme", "health", "at risk", 1, "escalation\u{202e} by the customer"),
    )
    .unwrap();
    team.agent(
        "sales",
        json!({"do": "act", "target": "mail/outbox", "subject": "crm/contact/acme", "action": "send_upsell",
               "depends_on": {"crm/contact/acme#health": 1}, "reason": "renewal is near"}),
    )
    .unwrap();
    team.agent("sales", write("crm/contact/acme", "health", "good", 2, "they sounded fine")).unwrap();
    team.agent("sales", write("crm/contact/acme", "score", "9", 0, "model run 12")).unwrap();
    team
}

fn console(team: &mut Team, width: u16, height: u16) -> Runner<App> {
    by_keys::console(team, View::Log, TokenClass::Reviewer, (width, height))
}

#[test]
fn the_log_at_three_widths() {
    let mut team = team();
    for (width, height) in [(120, 36), (80, 24), (44, 20)] {
        let runner = console(&mut team, width, height);
        insta::assert_snapshot!(format!("log_{width}x{height}"), runner.screen_text());
    }
}

#[test]
fn held_the_readers_line_stays_put_and_what_is_new_is_counted() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 16);
    assert!(line_with(&runner.screen_text(), "following").contains("16 deeds"));
    let before = press(&mut team, &mut runner, "k k");
    team.agent("sales", write("crm/deal/9", "stage", "prospect", 0, "form received")).unwrap();
    team.agent("sales", write("crm/deal/9", "stage", "active", 1, "they called")).unwrap();
    team.serve(&mut runner);
    let after = runner.screen_text();
    assert!(line_with(&after, "held").contains("2 new"), "{after}");
    assert_eq!(line_with(&before, "▌"), line_with(&after, "▌"));
    let following = press(&mut team, &mut runner, "f");
    assert!(line_with(&following, "▌").contains("they called"), "{following}");
    assert!(line_with(&following, "following").contains("18 deeds"));
}

#[test]
fn an_opened_deed_shows_both_values_its_family_its_text_and_its_bytes() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 40);
    insta::assert_snapshot!("opened_120x40", press(&mut team, &mut runner, "k k k k k k k enter"));
    let json = press(&mut team, &mut runner, "v");
    assert!(json.contains("\"specversion\": \"1.0\""), "{json}");
    let hex = press(&mut team, &mut runner, "v");
    assert!(hex.contains("00000000  7b 22"), "{hex}");
    runner.send_keys("y").unwrap();
    let copied = runner.effects.iter().find_map(|effect| {
        if let crate::console::message::Effect::Copy(text, _) = effect { Some(text.clone()) } else { None }
    });
    assert!(copied.unwrap().contains("escalation\u{202e} by the customer"));
    runner.resize(60, 30);
    insta::assert_snapshot!("opened_60x30", press(&mut team, &mut runner, "v"));
}

#[test]
fn a_filter_is_completed_applied_and_taken_back() {
    let mut team = team();
    let mut runner = console(&mut team, 100, 24);
    insta::assert_snapshot!("filter_typed_100x24", press(&mut team, &mut runner, "/ text:out"));
    let screen = press(&mut team, &mut runner, "tab text:sta tab enter");
    assert!(line_with(&screen, " / ").contains("outcome:stale"), "{screen}");
    assert!(line_with(&screen, "following").contains("1 of 16 deeds"), "{screen}");
    assert!(line_with(&screen, "▌").contains("send_upsell"));
    let refused = press(&mut team, &mut runner, "/ text:since:yesterday enter");
    assert!(refused.contains("✗"), "{refused}");
    let empty = press(&mut team, &mut runner, "esc / text:actor:nobody enter");
    assert!(empty.contains("No deed is meant by this filter"), "{empty}");
    assert!(line_with(&press(&mut team, &mut runner, "esc"), "following").contains(" 16 deeds"));
}

#[test]
fn trace_causes_and_the_way_back() {
    let mut team = team();
    let mut runner = console(&mut team, 100, 24);
    let traced = press(&mut team, &mut runner, "k t");
    assert!(line_with(&traced, " / ").contains("entity:crm/contact/acme"), "{traced}");
    let back = press(&mut team, &mut runner, "H");
    assert!(!back.contains("entity:crm/contact/acme "), "{back}");
    insta::assert_snapshot!("chain_100x24", press(&mut team, &mut runner, "k k c"));
}

#[test]
fn a_range_of_the_timeline_zooms_in_and_out() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 24);
    let picking = press(&mut team, &mut runner, "z h h h h h enter h h h");
    assert!(
        line_with(&picking, "enter zooms in").contains("2 deeds") || picking.contains("1 deeds"),
        "{picking}"
    );
    assert!(!picking.contains("HASH"), "choosing a range opens no deed: {picking}");
    let zoomed = press(&mut team, &mut runner, "enter");
    assert!(line_with(&zoomed, " / ").contains("since:2026-11-20T09:1"), "{zoomed}");
    assert!(!zoomed.contains("send_upsell"));
    assert!(press(&mut team, &mut runner, "z").contains("send_upsell"));
}

#[test]
fn an_export_asks_for_the_file_and_carries_the_filter() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 24);
    press(&mut team, &mut runner, "/ text:actor:sales enter x");
    runner.send_keys("enter").unwrap();
    let asked = runner.take_done();
    let export = asked.iter().find_map(|ask| {
        let What::Export { filter, file } = &ask.what else { return None };
        Some((filter.clone(), file.display().to_string()))
    });
    assert_eq!(export, Some(("actor:sales".to_owned(), "tallyfern-log.jsonl".to_owned())));
}

#[test]
fn nothing_panics_on_any_size() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 24);
    for keys in ["", "enter", "v", "v", "esc /", "esc c", "esc z"] {
        press(&mut team, &mut runner, keys);
        for width in [1, 2, 7, 39, 40, 41, 79, 80, 119, 121, 250] {
            for height in [1, 2, 7, 8, 9, 24, 60] {
                runner.resize(width, height);
                assert!(!runner.screen_text().is_empty());
            }
        }
    }
}

#[test]
fn a_deed_found_by_a_field_shows_that_field() {
    let mut team = team();
    let both = json!({"do": "write", "entity": "crm/deal/7", "changes": {"owner": "kim", "stage": "won"},
                      "expected": {"owner": 0, "stage": 0}, "reason": "signed"});
    team.agent("sales", both).unwrap();
    let mut runner = console(&mut team, 120, 16);
    assert!(line_with(&runner.screen_text(), "signed").contains("#owner +1"));
    let found = press(&mut team, &mut runner, "/ text:entity:**#stage enter");
    assert!(line_with(&found, "signed").contains("#stage +1"), "{found}");
}

/// A filter gets a name, which `:` finds; another one; and none any more.
#[test]
fn a_filter_is_kept_under_a_name_changed_and_thrown_away() {
    let mut team = team();
    let mut runner = by_keys::console(&mut team, View::Log, TokenClass::Admin, (120, 30));
    let none = press(&mut team, &mut runner, "s");
    assert!(none.contains("no filter is in force"), "{none}");
    press(&mut team, &mut runner, "/ text:actor:sales enter");
    let asked = press(&mut team, &mut runner, "s");
    assert!(asked.contains("name of this filter"), "{asked}");
    let kept = press(&mut team, &mut runner, "text:what_sales_did enter");
    assert!(kept.contains("the filter is kept as `what sales did`"), "{kept}");
    press(&mut team, &mut runner, "esc / text:outcome:refused enter");
    let taken = press(&mut team, &mut runner, "s text:what_sales_did enter");
    assert!(taken.contains("is another filter already: actor:sales"), "{taken}");
    press(&mut team, &mut runner, "esc");
    // Found by its name from another view, over a look at what it shows.
    team.agent("sales", write("crm/deal/fresh", "stage", "open", 0, "a call came in")).unwrap();
    team.serve(&mut runner);
    let found = press(&mut team, &mut runner, "1 : text:sales_did");
    assert!(found.contains("▌ what sales did") && found.contains("filtered by actor:sales"), "{found}");
    assert!(found.contains("LATELY") && found.contains("crm/deal/fresh"), "{found}");
    let there = press(&mut team, &mut runner, "enter");
    assert!(there.contains("tallyfern ▸ log") && there.contains(" / actor:sales"), "{there}");
    let renamed = press(&mut team, &mut runner, "s backspace backspace backspace text:does enter");
    assert!(renamed.contains("`what sales did` is called `what sales does` from now on"), "{renamed}");
    let gone = press(&mut team, &mut runner, "s ctrl-u enter");
    assert!(gone.contains("`what sales does` is no filter any more"), "{gone}");
    let found = press(&mut team, &mut runner, ": text:what_sales");
    assert!(!found.contains("what sales does"), "{found}");
}

/// Up in the prompt brings the filters used before, the newest first and none twice; down brings back what was typed.
#[test]
fn filters_used_before_come_back_by_going_up() {
    let mut team = team();
    let mut runner = by_keys::console(&mut team, View::Log, TokenClass::Admin, (120, 30));
    for filter in ["actor:sales", "outcome:refused", "actor:sales", "field:name"] {
        press(&mut team, &mut runner, &format!("/ ctrl-u text:{filter} enter"));
    }
    press(&mut team, &mut runner, "esc");
    let stands = |screen: &str| line_with(screen, " / ").split(" / ").nth(1).unwrap().trim().to_owned();
    let typed = press(&mut team, &mut runner, "/ text:act");
    assert!(typed.contains("↑ used before") || typed.contains("up used before"), "{typed}");
    for expected in ["field:name", "actor:sales", "outcome:refused", "outcome:refused"] {
        assert_eq!(stands(&press(&mut team, &mut runner, "up")), expected);
    }
    for expected in ["actor:sales", "field:name", "act"] {
        assert_eq!(stands(&press(&mut team, &mut runner, "down")), expected);
    }
    // From there on down is what it was: the suggestions.
    let chosen = press(&mut team, &mut runner, "down tab");
    assert!(stands(&chosen).starts_with("act") && stands(&chosen) != "act", "{chosen}");
    let found = press(&mut team, &mut runner, "esc : text:outcome:refused");
    assert!(found.contains("filter used lately"), "{found}");
}

#[test]
fn a_bookmark_is_said_shown_and_gone_to() {
    let mut team = team();
    let mut runner = by_keys::console(&mut team, View::Log, TokenClass::Admin, (120, 30));
    let one = press(&mut team, &mut runner, "b");
    assert!(one.contains("bookmarked #") && one.contains(", 1 in all"), "{one}");
    let two = press(&mut team, &mut runner, "k b");
    assert!(two.contains(", 2 in all"), "{two}");
    let found = press(&mut team, &mut runner, "1 : text:bookmark_#");
    assert!(found.contains("▌ bookmark #") && found.contains("in the log"), "{found}");
    assert!(press(&mut team, &mut runner, "enter").contains("tallyfern ▸ log"));
    let one = press(&mut team, &mut runner, "esc b");
    assert!(one.contains("not bookmarked any more: #") && one.contains(", 1 in all"), "{one}");
}
