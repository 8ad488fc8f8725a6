//! The Map by its keys and its screens, on the real rules.

use serde_json::json;

use crate::console::app::App;
use crate::console::ask::Heard;
use crate::console::message::Effect;
use crate::console::place::View;
use crate::console::testing::Runner;
use crate::console::testing::by_keys::{self, press, start, write};
use crate::console::testing::team::Team;
use crate::domain::ids::PersonId;
use crate::domain::things::TokenClass;
use crate::domain::time::Span;

const MAP: &str = r#"
workspace = "northwind"
governance_owner = "dana"

[[agent]]
id = "intake"
role = "Takes in candidates"
owner = "dana"
triggers = ["form.submitted"]
writes = ["crm/contact/*#name", "crm/contact/*#status", "crm/lead/*"]
except = ["crm/lead/vip-*"]
hidden = ["hr/**"]
outputs = ["slack/leads"]
escalates_to = "ops"

[[agent]]
id = "follow-up"
role = "Keeps up with candidates"
owner = "dana"
triggers = ["contact.sourced"]
writes = ["pipeline/*", "outreach/**", "crm/contact/*#last_touch"]
hidden = ["hr/**", "billing/**"]
outputs = ["mail/outreach"]

[[agent]]
id = "billing"
role = "Writes invoices"
owner = "sam"
writes = ["invoices/*", "billing/account/*", "audit/money"]
outputs = ["mail/invoices"]
escalates_to = "money"

[[agent]]
id = "payments"
role = "Books payments"
owner = "sam"
writes = ["payments/*", "audit/money"]

[[event]]
name = "form.submitted"
[[event]]
name = "contact.sourced"
on = "crm/contact/*#status becomes 'sourced'"

[[field]]
path = "audit/money"
kind = "append"

[[field]]
path = "pipeline/*#stage"
kind = "progression"
order = ["uncontacted", "contacted", "placed"]

[[output]]
name = "mail/invoices"
needs_approval = true

[[queue]]
name = "ops"
owner = "dana"
deputies = ["sam"]
sla = "24h"
review = "daily 09:00"
priority = ["intake", "follow-up", "payments"]

[[queue]]
name = "money"
owner = "sam"
sla = "4h"
review = "daily 17:00"

[[contradiction]]
name = "double truth"
all = ["crm/contact/{id}#status = 'sourced'", "pipeline/{id}#stage = 'uncontacted'"]
"#;

/// A field that nobody owns, one that another wants, and one that was written a few times.
fn team() -> Team {
    let mut team = Team::new(MAP, start()).unwrap();
    team.agent("intake", write("crm/contact/acme", "status", "new", 0, "form received")).unwrap();
    team.agent("intake", write("crm/contact/acme", "status", "sourced", 1, "form received")).unwrap();
    team.agent("follow-up", write("crm/contact/acme", "status", "contacted", 2, "form received")).unwrap();
    team.agent("intake", write("crm/contact/acme", "score", "9", 0, "form received")).unwrap();
    team.pass(Span::from_mins(4)).unwrap();
    team
}

fn console(team: &mut Team, width: u16, height: u16) -> Runner<App> {
    by_keys::console(team, View::Map, TokenClass::Reviewer, (width, height))
}

#[test]
fn the_map_at_three_widths() {
    let mut team = team();
    for (width, height) in [(120, 40), (80, 24), (44, 20)] {
        let mut runner = console(&mut team, width, height);
        insta::assert_snapshot!(format!("map_{width}x{height}"), press(&mut team, &mut runner, "n n"));
        insta::assert_snapshot!(format!("other_{width}x{height}"), press(&mut team, &mut runner, "space"));
    }
}

#[test]
fn who_owns_a_path_is_answered_while_it_is_typed() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 36);
    let typed = press(&mut team, &mut runner, "/ text:crm/contact/acme#status");
    assert!(typed.contains("intake (dana)"), "{typed}");
    let shown = press(&mut team, &mut runner, "enter");
    assert!(shown.lines().any(|line| line.starts_with("▌") && line.contains("#status")), "{shown}");
    assert!(shown.contains("intake (since map v1)"), "{shown}");
    let nobody = press(&mut team, &mut runner, "/ text:crm/contact/acme#iban");
    assert!(nobody.contains("! nobody") && nobody.contains("queue ops"), "{nobody}");
    let broken = press(&mut team, &mut runner, "text:# enter");
    assert!(broken.contains("✗"), "{broken}");
}

#[test]
fn who_has_no_access_is_named() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 36);
    let shown = press(&mut team, &mut runner, "/ text:billing/account/acme#iban enter esc");
    let named = |line: &str| line.contains("no access") && line.contains("follow-up");
    assert!(shown.lines().any(named), "{shown}");
}

#[test]
fn the_detail_says_what_happened_on_a_field() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 36);
    let shown = press(&mut team, &mut runner, "/ text:crm/contact/acme#status enter esc");
    for words in ["2 in 7 d", "intake, 4m", "follow-up 1×", "1 proposal for the owner", "double truth"] {
        assert!(shown.contains(words), "no {words:?} in\n{shown}");
    }
}

#[test]
fn triggers_outputs_and_queues_say_what_is_in_force() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 48);
    let mut seen = press(&mut team, &mut runner, "G");
    for _ in 0..9 {
        seen.push_str(&press(&mut team, &mut runner, "k"));
    }
    for words in [
        "when crm/contact/*#status",
        "1 dispatched",
        "a person approves each",
        "nothing was published yet",
        "an answer within 4h",
        "deputies   sam",
        "missed 0",
    ] {
        assert!(seen.contains(words), "no {words:?} in\n{seen}");
    }
    let outputs = press(&mut team, &mut runner, "g tab tab");
    assert!(outputs.contains("▌ ▾ OUTPUTS") || outputs.contains("▌▾ OUTPUTS"), "{outputs}");
}

#[test]
fn routes_turns_and_what_is_unowned_or_contested_stand_out() {
    let ruled = MAP.replace(
        "name = \"mail/invoices\"\nneeds_approval = true",
        "name = \"mail/invoices\"\norder = [\"billing\", \"payments\"]\nneeds_approval = true\nthread_window = \"1h\"",
    ) + r#"
[[event]]
name = "report.due"
schedule = "daily 08:00"
[[event]]
name = "email.received"
[[route]]
event = "email.received"
when = { subject = "*invoice*" }
agent = "billing"
then = ["payments"]
[[route]]
event = "email.received"
agent = "intake"
"#;
    let ruled = ruled.replace("writes = [\"payments/*\", \"audit/money\"]", "writes = [\"payments/*\", \"audit/money\"]\ntriggers = [\"form.submitted\"]\noutputs = [\"mail/invoices\"]");
    let mut team = Team::new(&ruled, start()).unwrap();
    team.agent(
        "intake",
        serde_json::json!({"do": "raise", "event": "partner.enquiry", "attributes": {"from": "anna"}}),
    )
    .unwrap();
    let mut runner = console(&mut team, 120, 40);
    let mut seen = press(&mut team, &mut runner, "g tab");
    for _ in 0..14 {
        seen.push_str(&press(&mut team, &mut runner, "j"));
    }
    for words in [
        "subject is *invoice*",
        "the first that fits",
        "daily 08:00, by Deeds itself",
        "contested: no route",
        "billing → payments",
        "each of them may begin a",
        "! no owner",
        "1 case for a person",
    ] {
        assert!(seen.contains(words), "no {words:?} in\n{seen}");
    }
    insta::assert_snapshot!("triggers_120x40", press(&mut team, &mut runner, "g tab j j j"));
}

/// What tools mean stands under the map's other parts; what is offered and not named stands out.
#[test]
fn tools_say_what_they_do_and_which_of_them_the_map_does_not_name() {
    let with_tools = format!(
        "unmapped = \"deny\"\n{MAP}{}",
        r#"
[[tool]]
server = "crm"
name = "get_contact"
does = "read"
entity = "crm/contact/{id}"

[[tool]]
server = "crm"
name = "update_*"
does = "write"
entity = "crm/contact/{id}"
fields = { status = "{properties.status}" }
verify = "get_contact"
withhold = ["properties.notes"]
approve = true

[[tool]]
server = "mail"
name = "send"
does = "publish"
output = "mail/invoices"
"#
    );
    let mut team = Team::new(&with_tools, start()).unwrap();
    let tool = |name: &str| serde_json::json!({"name": name});
    let offered = ["update_contact", "drop_table"].map(tool);
    let offer = serde_json::json!({"do": "call", "step": "offer", "server": "crm", "tools": offered});
    team.agent("intake", offer).unwrap();
    let mut runner = console(&mut team, 120, 40);
    let loose = press(&mut team, &mut runner, "G");
    for words in ["crm/drop_table", "! not in the map", "is refused"] {
        assert!(loose.contains(words), "no {words:?} in\n{loose}");
    }
    let send = press(&mut team, &mut runner, "k");
    assert!(send.contains("publishes to mail/invoices") && send.contains("by itself"), "{send}");
    let update = press(&mut team, &mut runner, "k");
    for words in ["a person approves each call", "status = {properties.status}", "properties.notes"] {
        assert!(update.contains(words), "no {words:?} in\n{update}");
    }
    // The other one that writes contacts does not write this field.
    assert!(update.lines().any(|line| line.ends_with("by itself  intake")), "{update}");
    insta::assert_snapshot!("tools_matrix_120x40", update);
    insta::assert_snapshot!("tools_120x40", press(&mut team, &mut runner, "space"));
}

/// Who waits for its turn is seen where it waits, until it goes out.
#[test]
fn what_waits_for_a_turn_is_shown_at_its_output() {
    let ordered = MAP
        .replace(
            "name = \"mail/invoices\"\nneeds_approval = true",
            "name = \"mail/invoices\"\norder = [\"billing\", \"payments\", \"intake\"]",
        )
        .replace("outputs = [\"slack/leads\"]", "outputs = [\"slack/leads\", \"mail/invoices\"]")
        .replace(
            "writes = [\"payments/*\", \"audit/money\"]",
            "writes = [\"payments/*\", \"audit/money\"]\noutputs = [\"mail/invoices\"]",
        );
    let mut team = Team::new(&ordered, start()).unwrap();
    let say =
        |body: &str| json!({"do": "publish", "output": "mail/invoices", "thread": "inv-7", "body": body});
    team.agent("billing", say("Your invoice")).unwrap();
    let waits = team.agent("intake", say("Welcome back")).unwrap();
    assert_eq!(waits.outcome.as_str(), "deferred");
    let mut runner = console(&mut team, 120, 48);
    let shown = press(&mut team, &mut runner, "g tab tab j");
    assert!(shown.contains("waits      intake until "), "{shown}");
    insta::assert_snapshot!("waits_120x48", shown);
    team.agent("payments", say("Paid, thank you")).unwrap();
    team.serve(&mut runner);
    team.news(&mut runner);
    let shown = runner.screen_text();
    assert!(!shown.contains("waits      "), "{shown}");
}

#[test]
fn branches_close_and_open() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 36);
    let open = runner.screen_text();
    assert!(open.contains("#last_touch"));
    let closed = press(&mut team, &mut runner, "/ text:crm/contact/acme enter esc enter");
    assert!(!closed.contains("#last_touch") && closed.contains("▸ crm/contact/*"), "{closed}");
    assert!(press(&mut team, &mut runner, "enter").contains("#last_touch"));
}

/// A map of so many agents, each with a field of its own.
fn of_many(count: usize) -> Team {
    let agents = (0..count).map(|at| {
        let name = ["intake", "follow-up", "reporting", "billing"][at % 4];
        format!("[[agent]]\nid = \"{name}-{at:02}\"\nowner = \"dana\"\nwrites = [\"crm/{name}-{at:02}/*\"]\nreads = [\"**\"]\n")
    });
    let agents: String = agents.collect();
    Team::new(&format!("workspace = \"many\"\ngovernance_owner = \"dana\"\n{agents}[[queue]]\nname = \"ops\"\nowner = \"dana\"\nsla = \"24h\"\n"), start())
        .unwrap()
}

#[test]
fn the_matrix_shows_every_agent_by_a_short_name_and_says_whose_it_is() {
    let mut team = of_many(14);
    let runner = console(&mut team, 120, 36);
    let shown = runner.screen_text();
    let heading = shown.lines().find(|line| line.contains("RESOURCE")).unwrap();
    let heads: Vec<&str> = heading.split('│').next().unwrap().split_whitespace().skip(1).collect();
    assert_eq!(heads.len(), 14, "{shown}");
    assert!(!heading.contains('+') && heads.iter().all(|head| head.chars().count() == 2), "{heading}");
    for (at, head) in heads.iter().enumerate() {
        let name = ["intake", "follow-up", "reporting", "billing"][at % 4];
        assert!(shown.contains(&format!("{head} {name}-{at:02}")), "{shown}");
    }
    // Each row has a sign for every agent, its owner's among them.
    let row = shown.lines().find(|line| line.contains("crm/intake-08/*")).unwrap();
    let signs: Vec<&str> = row.split('│').next().unwrap().split_whitespace().collect();
    let signs = &signs[signs.len() - 14..];
    assert!(signs.iter().enumerate().all(|(at, sign)| *sign == if at == 8 { "W" } else { "r" }), "{row}");
    assert!(shown.contains("W writes  w writes a part  r reads"), "{shown}");
    insta::assert_snapshot!("many_120x36", shown);
}

#[test]
fn where_even_short_names_have_no_room_columns_scroll_and_the_rows_keep_their_names() {
    let mut team = of_many(30);
    let mut runner = console(&mut team, 120, 36);
    let first = runner.screen_text();
    let heading = |shown: &str| shown.lines().find(|line| line.contains("RESOURCE")).unwrap().to_owned();
    assert!(heading(&first).contains('+'), "{first}");
    let keys = "l ".repeat(29);
    let last = press(&mut team, &mut runner, keys.trim());
    assert!(heading(&last).contains("before") && last.contains("crm/intake-00/*"), "{last}");
}

#[test]
fn what_nobody_owns_comes_on_top_when_it_is_asked_for_and_goes_back() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 36);
    let before = runner.screen_text();
    assert!(!before.contains("NO OWNER"), "{before}");
    let top = press(&mut team, &mut runner, "u");
    let rows: Vec<&str> = top.lines().map(|line| line.split('│').next().unwrap_or_default()).collect();
    let at = |text: &str| rows.iter().position(|row| row.contains(text));
    assert!(at("NO OWNER").unwrap() + 1 == at("crm/contact/*#score").unwrap(), "{top}");
    assert!(at("RESOURCES") > at("NO OWNER"), "{top}");
    assert!(before.contains("     #score ") && !top.contains("     #score "), "it is there once: {top}");
    let back = press(&mut team, &mut runner, "u");
    assert!(!back.contains("NO OWNER"), "{back}");
}

#[test]
fn help_says_what_the_letters_of_the_matrix_mean() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 60);
    let help = press(&mut team, &mut runner, "? pgdn");
    assert!(help.contains("Signs") && help.contains("comes after"), "{help}");
}

#[test]
fn the_map_is_edited_checked_and_put_in_force() {
    let mut team = team();
    let mut runner = admin(&mut team);
    let open = |runner: &mut Runner<App>| {
        runner.send_keys("E").unwrap();
        let file = runner
            .effects
            .iter()
            .find_map(|effect| if let Effect::Edit(file) = effect { Some(file.clone()) } else { None });
        runner.effects.clear();
        file.unwrap()
    };
    let file = open(&mut runner);
    let map = std::fs::read_to_string(&file).unwrap();
    let edited = |file: &std::path::Path| Heard::Edited { file: file.to_owned(), outcome: Ok(()) };
    std::fs::write(
        &file,
        map.replace("writes = [\"payments/*\"", "writes = [\"outreach/x\", \"payments/*\""),
    )
    .unwrap();
    runner.server(edited(&file));
    let broken = runner.screen_text();
    assert!(broken.contains("The map has errors") && broken.contains("mend:"), "{broken}");
    runner.send_keys("enter").unwrap();
    let again = open(&mut runner);
    assert_eq!(again, file);
    std::fs::write(&file, map.replace("writes = [\"payments/*\"", "writes = [\"refunds/*\", \"payments/*\""))
        .unwrap();
    runner.server(edited(&file));
    team.serve(&mut runner);
    insta::assert_snapshot!("plan_120x36", runner.screen_text());
    let done = press(&mut team, &mut runner, "tab enter");
    assert!(
        done.contains("the new map is in force") && done.contains("map v2") && done.contains("refunds/*"),
        "{done}"
    );
    assert!(!file.exists());
}

/// A console of an admin, who may put maps in force.
fn admin(team: &mut Team) -> Runner<App> {
    by_keys::console(team, View::Map, TokenClass::Admin, (120, 36))
}

fn apply(team: &mut Team, from: &str, to: &str, reason: &str) {
    let toml = team.state.board.map.model().to_toml();
    assert!(toml.contains(from), "{toml}");
    let model = crate::domain::map::parse(&toml.replace(from, to)).applicable().unwrap();
    let apply = crate::domain::command::ApplyMap {
        model: std::sync::Arc::new(model),
        if_version: team.state.board.map_version,
        reason: Some(std::sync::Arc::from(reason)),
        planned: false,
        take_back: true,
    };
    let command = crate::domain::command::Command::ApplyMap(apply);
    let reply = team.person(&PersonId::new("dana").unwrap(), TokenClass::Admin, command).unwrap();
    assert!(reply.is_done(), "{reply:?}");
}

/// Opens the map in the editor, and gives the file back as it is then changed.
fn edit(runner: &mut Runner<App>, change: impl FnOnce(String) -> String) -> std::path::PathBuf {
    runner.effects.clear();
    runner.send_keys("E").unwrap();
    let file = runner
        .effects
        .iter()
        .find_map(|effect| if let Effect::Edit(file) = effect { Some(file.clone()) } else { None })
        .unwrap_or_else(|| panic!("{}", runner.screen_text()));
    runner.effects.clear();
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, change(text)).unwrap();
    runner.server(Heard::Edited { file: file.clone(), outcome: Ok(()) });
    file
}

#[test]
fn versions_are_walked_with_who_decided_them_and_why() {
    let mut team = team();
    apply(&mut team, "payments/*", "refunds/*", "refunds are another matter");
    team.pass(Span::from_mins(7)).unwrap();
    // A case settles by growing a zone: the next version comes from it.
    let case = team.state.board.items.values().next().unwrap().clone();
    let answered = json!({"do": "item", "item": case.no, "step": "answer", "version": case.version, "digest": case.digest(),
        "answer": {"kind": "expand", "agent": "intake", "grant": {"what": "write", "value": "crm/contact/*#score"}}});
    let command = serde_json::from_value(answered).unwrap();
    let reply = team.person(&PersonId::new("dana").unwrap(), TokenClass::Admin, command).unwrap();
    assert!(reply.is_done(), "{reply:?}");
    apply(&mut team, "refunds/*", "payments/*", "and back again");
    let mut runner = admin(&mut team);
    let force = runner.screen_text();
    assert!(force.contains("payments/*") && !force.contains("an old version"), "{force}");

    // First what made the version in force, on the map as it is.
    let three = press(&mut team, &mut runner, "[");
    assert!(three.contains("map v4, in force: what made it, v3 → v4"), "{three}");
    assert!(three.contains("and back again") && three.contains("+ payments"), "{three}");
    assert!(three.contains("decided by ☺ dana"), "{three}");
    insta::assert_snapshot!("in_force_120x36", three);
    let two = press(&mut team, &mut runner, "[");
    assert!(two.contains("◷ map v3: an old version, v4 is in force"), "{two}");
    assert!(two.contains("refunds/*") && two.contains("+ intake.writes"), "{two}");
    assert!(two.contains(&format!("from case #{}: enter opens it", case.no)), "{two}");
    insta::assert_snapshot!("walk_120x36", two);
    let one = press(&mut team, &mut runner, "[");
    assert!(one.contains("map v2") && one.contains("refunds are another matter"), "{one}");
    assert!(
        one.contains("decided by ☺ dana") && one.contains("- payments") && one.contains("+ payments"),
        "{one}"
    );
    let zero = press(&mut team, &mut runner, "[");
    assert!(zero.contains("map v1") && zero.contains("the first map"), "{zero}");
    assert!(press(&mut team, &mut runner, "[").contains("v1 is the oldest version that is kept"));
    assert_eq!(press(&mut team, &mut runner, "] ]"), two);
    assert_eq!(press(&mut team, &mut runner, "]"), three);
    assert_eq!(press(&mut team, &mut runner, "["), two);
    // The case is answered, so it is in the log.
    let log = press(&mut team, &mut runner, "enter");
    assert!(log.contains("▸ log") && log.contains("answered"), "{log}");
    let back = press(&mut team, &mut runner, "H");
    assert!(back.contains("map v3: an old version"), "{back}");
    // How everything was when that version came in force; then the present, on that version still.
    let then = press(&mut team, &mut runner, "w");
    assert!(then.contains("◷ as of"), "{then}");
    press(&mut team, &mut runner, "backspace");
    assert_eq!(
        press(&mut team, &mut runner, "esc").lines().skip(3).collect::<Vec<_>>()[..20],
        force.lines().skip(3).collect::<Vec<_>>()[..20]
    );
    assert!(press(&mut team, &mut runner, "]").contains("v4 is in force; there is no newer one"));
}

#[test]
fn an_old_version_is_put_in_force_again_by_the_editor() {
    let mut team = team();
    apply(&mut team, "payments/*", "refunds/*", "a mistake");
    let mut runner = admin(&mut team);
    press(&mut team, &mut runner, "[ [");
    let file = edit(&mut runner, |text| text);
    team.serve(&mut runner);
    let shown = runner.screen_text();
    assert!(shown.contains("Map v2 → v3") && shown.contains("decisions of the last 7 days"), "{shown}");
    let done = press(&mut team, &mut runner, "tab enter");
    assert!(done.contains("the new map is in force") && done.contains("payments/*"), "{done}");
    assert!(!file.exists());
}

#[test]
fn an_edit_that_is_overtaken_is_refused_and_kept() {
    let mut team = team();
    let mut runner = admin(&mut team);
    let file = edit(&mut runner, |text| text.replace("payments/*", "refunds/*"));
    team.serve(&mut runner);
    apply(&mut team, "crm/contact/*#last_touch", "crm/contact/*#last_seen", "somebody else");
    let refused = press(&mut team, &mut runner, "tab enter");
    assert!(refused.contains("v2 is in force") && refused.contains("your text is kept in"), "{refused}");
    assert!(std::fs::read_to_string(&file).unwrap().contains("refunds/*"));
    // Opened again it is as it was left, and the difference is to the map that is in force now.
    let again = edit(&mut runner, |text| {
        assert!(text.contains("refunds/*"));
        text.replace("crm/contact/*#last_touch", "crm/contact/*#last_seen")
    });
    assert_eq!(again, file);
    team.serve(&mut runner);
    let done = press(&mut team, &mut runner, "tab enter");
    assert!(done.contains("the new map is in force"), "{done}");
    assert!(!file.exists());
}

#[test]
fn what_answers_have_given_is_taken_back_only_on_purpose() {
    let mut team = team();
    let file = team.state.board.map.model().to_toml();
    let ask = json!({"do": "write", "entity": "crm/deal/9", "changes": {"colour": "red"}, "expected": {"colour": 0}});
    team.agent("payments", ask).unwrap();
    let mut inbox = by_keys::console(&mut team, View::Inbox, TokenClass::Admin, (120, 36));
    press(&mut team, &mut inbox, "e tab enter");
    let mut runner = admin(&mut team);
    edit(&mut runner, |_| file.replace("payments/*", "refunds/*"));
    team.serve(&mut runner);
    insta::assert_snapshot!("takes_back_120x36", runner.screen_text());
    let refused = press(&mut team, &mut runner, "tab tab enter");
    assert!(refused.contains("insist"), "{refused}");
    assert_eq!(team.state.board.map_version.0, 2);
}

#[test]
fn agents_that_nothing_is_ready_for_need_a_reason() {
    let mut team = team();
    apply(&mut team, "payments/*", "refunds/*", "so that it is not the first map any more");
    let mut runner = admin(&mut team);
    let newcomer = "\n[[agent]]\nid = \"fresh\"\nrole = \"new\"\nowner = \"dana\"\nwrites = [\"fresh/*\"]\n";
    edit(&mut runner, |text| text + newcomer);
    team.serve(&mut runner);
    let asked = press(&mut team, &mut runner, "tab enter");
    assert!(asked.contains("Why, all the same?") && asked.contains("not everything is ready"), "{asked}");
    // Nothing typed is no reason.
    assert!(press(&mut team, &mut runner, "enter").contains("Why, all the same?"));
    let done = press(&mut team, &mut runner, "text:they_are_needed_now enter tab enter");
    assert!(done.contains("the new map is in force"), "{done}");
    let step = team.state.board.maps.last().unwrap().clone();
    assert!(step.reason.unwrap().contains("they are needed now"));
}

#[test]
fn without_agents_it_says_what_next() {
    let mut team = Team::new("workspace = \"empty\"\ngovernance_owner = \"dana\"\n", start()).unwrap();
    let runner = console(&mut team, 80, 24);
    assert!(runner.screen_text().contains("The map names no agent yet"));
}

#[test]
fn nothing_panics_on_any_size() {
    let mut team = team();
    let mut runner = console(&mut team, 120, 24);
    for keys in ["", "space", "enter", "/", "text:a/b#c"] {
        press(&mut team, &mut runner, keys);
        for width in [1, 7, 39, 40, 41, 79, 80, 119, 121, 250] {
            for height in [1, 7, 8, 9, 24, 60] {
                runner.resize(width, height);
                assert!(!runner.screen_text().is_empty());
            }
        }
    }
}
