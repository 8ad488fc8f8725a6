//! Files in, findings out.

use std::fmt::Write as _;
use std::time::Instant;

use super::*;
use crate::domain::map::lint::{LINTS, Lint, Severity};

const NORTHWIND: &str = include_str!("../../../../assets/maps/northwind.toml");

/// A map without findings, for a case to be added to.
const CLEAN: &str = r#"workspace = "w"
governance_owner = "dana"
[[queue]]
name = "ops"
owner = "dana"
review = "daily 09:00"
priority = ["a", "b"]
[[agent]]
id = "a"
owner = "dana"
writes = ["crm/a/*", "log"]
[[agent]]
id = "b"
owner = "sam"
writes = ["crm/b/*#x", "crm/b/*#y"]
"#;

/// The findings that weigh at least as much as a warning: code, what is underlined, message. Who comes first is a case of
/// its own: whatever agent or queue a test adds is in no priority yet.
fn findings(text: &str) -> Vec<(&'static str, String, String)> {
    let parsed = parse(text);
    let priority = [Lint::PriorityLeavesOut, Lint::QueuesWithoutPriority];
    let serious = parsed.findings.into_iter().filter(|finding| finding.severity > Severity::Info);
    let serious = serious.filter(|finding| !priority.contains(&finding.lint));
    serious.map(|finding| (finding.lint.code(), text[finding.span].to_owned(), finding.message)).collect()
}

#[track_caller]
fn check(added: &str, code: &str, underlined: &str, message: &str) {
    let text = format!("{CLEAN}{added}");
    check_all(&text, code, underlined, message);
}

/// Exactly one finding, and this one.
#[track_caller]
fn check_all(text: &str, code: &str, underlined: &str, message: &str) {
    let found = findings(text);
    let [(found_code, found_text, found_message)] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((*found_code, found_text.as_str()), (code, underlined), "{found_message}");
    assert!(found_message.contains(message), "{found_message}");
}

#[test]
fn a_clean_map_has_no_findings() {
    assert_eq!(findings(CLEAN), []);
    assert!(parse(CLEAN).applicable().is_ok());
}

#[test]
fn the_sample_map_can_be_applied() {
    let parsed = parse(NORTHWIND);
    let errors: Vec<_> = parsed.findings.iter().filter(|finding| finding.is_error()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let model = parsed.applicable().unwrap();
    assert_eq!(model.agents.len(), 7);
    assert_eq!(model.agents[0].live_since.unwrap().to_string(), "2026-09-01");
    let again = parse(&model.to_toml());
    assert_eq!(again.model.unwrap(), model, "what is shown reads back");
    let json = serde_json::to_string(&model).unwrap();
    assert_eq!(serde_json::from_str::<Model>(&json).unwrap(), model);
}

#[test]
fn one_agent_answers_an_event() {
    let c = "[[agent]]\nid = \"c\"\nowner = \"dana\"\nescalates_to = \"ops\"\nwrites = [\"z\"]\n";
    let with = |a: &str, b: &str, rest: &str| {
        let text = CLEAN.replace("writes = [\"crm/a", &format!("triggers = [{a}]\nwrites = [\"crm/a"));
        text.replace("writes = [\"crm/b", &format!("triggers = [{b}]\nwrites = [\"crm/b")) + rest
    };
    let both = with("\"mail\"", "\"call\", \"mail\"", "");
    check_all(&both, "two-listeners", "\"mail\"", "`a` and `b` both listen to `mail`");
    let finding = parse(&both).findings.into_iter().find(Finding::is_error).unwrap();
    assert_eq!((finding.line, finding.column), (16, 21), "the second one");
    check_all(&with("\"mail.*\"", "\"mail.in\"", ""), "two-listeners", "\"mail.in\"", "`mail.in`");
    check_all(&with("\"mail.in\"", "\"mail.*\"", ""), "two-listeners", "\"mail.*\"", "`mail.in`");
    check_all(&with("\"mail.*\"", "\"*.in\"", ""), "two-listeners", "\"*.in\"", "`mail..in`");
    assert_eq!(findings(&with("\"mail.*\"", "\"call.*\"", "")), []);
    let route = "[[route]]\nevent = \"mail\"\nwhen = { from = \"x\" }\nagent = \"a\"\n";
    assert_eq!(findings(&with("\"mail\"", "\"mail\"", route)), [], "a route decides");

    check("[[event]]\nname = \"mail\"\n", "unowned-event", "\"mail\"", "no agent listens to `mail`");
    let event = "[[event]]\nname = \"mail.in\"\n";
    assert_eq!(findings(&with("\"mail.*\"", "", event)), []);
    assert_eq!(findings(&format!("{CLEAN}{event}{}", route.replace("\"mail\"", "\"mail.in\""))), []);
    let near = parse(&format!("{CLEAN}{c}triggers = [\"mail.in\"]\n[[event]]\nname = \"mial.in\"\n"));
    let unowned = near.findings.iter().find(|finding| finding.lint == Lint::UnownedEvent).unwrap();
    assert_eq!(unowned.mend, "did you mean `mail.in`, to which an agent listens?");
    assert_eq!((unowned.line, unowned.column), (23, 8));
}

#[test]
fn every_route_is_taken_some_time() {
    let route = |when: &str, agent: &str| {
        let when = if when.is_empty() { String::new() } else { format!("when = {{ {when} }}\n") };
        format!("[[route]]\nevent = \"mail\"\n{when}agent = \"{agent}\"\n")
    };
    let event = "[[event]]\nname = \"mail\"\n";
    let fine = [
        [route("s = \"*due*\"", "a"), route("", "b")],
        [route("s = \"*due*\", f = \"x\"", "a"), route("s = \"*due*\"", "b")],
        [route("s = \"*due*\"", "a"), route("s = \"*paid*\"", "b")],
        [route("s = \"a*b*\"", "a"), route("s = \"a*\"", "b")],
    ];
    for routes in fine {
        assert_eq!(findings(&format!("{CLEAN}{event}{}", routes.concat())), [], "{routes:?}");
    }
    let shadowed = [
        [route("", "a"), route("s = \"*due*\"", "b")],
        [route("", "a"), route("", "b")],
        [route("s = \"*due*\"", "a"), route("s = \"*is due*\"", "b")],
        [route("s = \"*due*\"", "a"), route("s = \"due\", f = \"x\"", "b")],
        [route("s = \"*due*\"", "a"), route("s = \"*due*\"", "b")],
    ];
    for routes in shadowed {
        let text = format!("{CLEAN}{event}{}", routes.concat());
        check_all(&text, "unreachable-route", "\"mail\"", "never taken");
        let found = parse(&text).findings.into_iter().find(Finding::is_error).unwrap();
        let last = text.rfind("event = ").unwrap();
        assert_eq!((found.span.start, found.column), (last + 8, 9), "the later one");
    }
    check(&route("", "a"), "unreachable-route", "\"mail\"", "nothing declares");
}

#[test]
fn sequences_and_chains_of_events_end() {
    let route = |then: &str| {
        format!("[[event]]\nname = \"mail\"\n[[route]]\nevent = \"mail\"\nagent = \"a\"\nthen = [{then}]\n")
    };
    assert_eq!(findings(&format!("{CLEAN}{}", route("\"b\""))), []);
    check(&route("\"b\", \"a\""), "circular-route", "\"a\"", "a → b → a");
    let events = |a: &str, b: &str, on_a: &str, on_b: &str| {
        let text = CLEAN.replace("writes = [\"crm/a", &format!("triggers = [\"{a}\"]\nwrites = [\"crm/a"));
        let text = text.replace("writes = [\"crm/b", &format!("triggers = [\"{b}\"]\nwrites = [\"crm/b"));
        format!("{text}[[event]]\nname = \"x\"\non = \"{on_a}\"\n[[event]]\nname = \"y\"\non = \"{on_b}\"\n")
    };
    let (on_a, on_b) = ("crm/a/*#s becomes 1", "crm/b/*#x becomes 1");
    // a's writes raise x, which wakes b; b's raise y, which wakes a.
    let circle = events("y", "x", on_a, on_b);
    check_all(&circle, "circular-route", &format!("\"{on_a}\""), "x → b writes crm/b/a#x → y → a writes");
    assert_eq!(findings(&events("x", "y", on_a, on_b)), [], "each moves its own record on");
    let again = events("x", "y", "crm/a/*#s != null", on_b);
    check_all(&again, "circular-route", "\"crm/a/*#s != null\"", "x → a writes crm/a/b#s → x");
    let by_itself = events("x", "y", "crm/a/* changed", on_b);
    check_all(&by_itself, "circular-route", "\"crm/a/* changed\"", "x → a writes crm/a/b → x");
    let made = events("x", "y", "crm/a/* created", "crm/b/*#x changed");
    assert_eq!(
        findings(&made).iter().filter(|finding| finding.0 == "circular-route").count(),
        1,
        "b goes on and on"
    );
    let forward = "[[field]]\npath = \"crm/a/*#s\"\nkind = \"progression\"\norder = [0, 1]\n";
    assert_eq!(findings(&format!("{circle}{forward}")), [], "what moves forward only comes once");
}

#[test]
fn a_timezone_is_one_that_is_known() {
    let zone =
        |name: &str| CLEAN.replace("workspace = \"w\"", &format!("workspace = \"w\"\ntimezone = \"{name}\""));
    assert_eq!(findings(&zone("Europe/Madrid")), []);
    let text = zone("Europe/Madird");
    check_all(&text, "types", "\"Europe/Madird\"", "not a timezone");
    let finding = &parse(&text).findings[0];
    assert_eq!(
        (finding.mend.as_str(), finding.line, finding.column),
        ("did you mean `Europe/Madrid`?", 2, 12)
    );
    assert!(parse(&zone("Nowhere/At all")).findings[0].mend.contains("IANA"));
}

#[test]
fn agents_writes_and_hidden() {
    let agent =
        |rest: &str| format!("[[agent]]\nid = \"c\"\nowner = \"dana\"\nescalates_to = \"ops\"\n{rest}");
    check(
        &agent("writes = [\"z\", \"crm/*/7#x\"]\nexcept = [\"crm/a/*\"]"),
        "two-writers",
        "\"crm/*/7#x\"",
        "`crm/b/7#x`",
    );
    check(&agent("writes = [\"crm/b/*#z\"]"), "adjacent-writers", "\"crm/b/*#z\"", "`b` and `c`");
    check(&agent("writes = [\"hr/x#y\"]\nhidden = [\"hr/**\"]"), "dead-grant", "\"hr/x#y\"", "hidden");
    check(&agent("writes = [\"hr/x\"]\nexcept = [\"**/x\"]"), "dead-grant", "\"hr/x\"", "taken out");
    check(&agent("writes = [\"hr/x\"]\nreads = [\"crm/**\"]"), "dead-grant", "\"hr/x\"", "reads none");
    check(&agent("writes = [\"scratch/c/x\"]"), "dead-grant", "\"scratch/c/x\"", "scratch");
    check(&agent(""), "idle-agent", "\"c\"", "owns nothing");
    let routes = agent("") + "[[event]]\nname = \"x\"\n[[route]]\nevent = \"x\"\nagent = \"c\"\n";
    assert_eq!(findings(&format!("{CLEAN}{routes}")), [], "it routes");
    let ahead = agent("") + "[[defer]]\nagent = \"a\"\nto = \"c\"\nwithin = \"5m\"\n";
    assert_eq!(findings(&format!("{CLEAN}{ahead}")), [], "it goes first");
    assert_eq!(findings(&format!("{CLEAN}{}", agent("escalates_when = [\"vip\"]"))), [], "it sends on");
    check(
        &agent("triggers = [\"x\"]\nescalates_to = \"opps\"").replacen("escalates_to = \"ops\"\n", "", 1),
        "unknown-queue",
        "\"opps\"",
        "`opps`",
    );
    check(
        "[[agent]]\nid = \"a\"\nowner = \"dana\"\nwrites = [\"z\"]",
        "duplicate-name",
        "\"a\"",
        "entry already",
    );
    check("[[agent]]\nid = \"c\"\nwrites = [\"z\"]", "no-agent-owner", "[[agent]]", "owner");
    let by_an_agent = CLEAN.replace("governance_owner = \"dana\"", "governance_owner = \"b\"");
    check_all(&by_an_agent, "agent-as-reviewer", "\"b\"", "`b` is accountable for the map and is an agent");
    check_all(
        &CLEAN.replace("governance_owner = \"dana\"\n", ""),
        "no-governance-owner",
        "\"b\"",
        "2 agents",
    );
}

#[test]
fn shared_kinds_make_two_writers_legal() {
    let agent = "[[agent]]\nid = \"c\"\nowner = \"dana\"\nwrites = [\"log\"]\n";
    check(agent, "two-writers", "\"log\"", "`log`");
    let field = |kind: &str| format!("{agent}[[field]]\npath = \"log\"\nkind = {kind}\n");
    assert_eq!(findings(&format!("{CLEAN}{}", field("\"append\""))), []);
    assert_eq!(findings(&format!("{CLEAN}{}", field("\"sequenced\"\norder = [\"a\", \"c\"]"))), []);
    assert_eq!(findings(&format!("{CLEAN}{}", field("\"progression\"\norder = [0, 1]"))), []);
    check(&field("\"owned\""), "two-writers", "\"log\"", "`log`");
    let shadowed = field("\"constant\"") + "[[field]]\npath = \"**\"\nkind = \"append\"\n";
    check(&shadowed, "two-writers", "\"log\"", "`log`");
}

#[test]
fn an_output_has_one_publisher_or_a_sequence_of_all() {
    let agent = |id: &str| {
        format!("[[agent]]\nid = \"{id}\"\nowner = \"dana\"\noutputs = [\"mail\"]\nescalates_to = \"own\"\n")
    };
    let two = format!(
        "{}{}[[queue]]\nname = \"own\"\nowner = \"dana\"\nreview = \"daily 09:00\"\npriority = [\"c\", \"d\"]\n",
        agent("c"),
        agent("d")
    );
    let governed = |rest: &str| format!("{CLEAN}{two}{rest}");
    let output = |order: &str| governed(&format!("[[output]]\nname = \"mail\"\norder = [{order}]\n"));
    check_all(&governed(""), "two-publishers", "\"mail\"", "`d` publishes on `mail`, and so does `c`");
    check_all(&output(""), "two-publishers", "\"mail\"", "so does `c`");
    assert_eq!(findings(&output("\"d\", \"c\"")), []);
    check_all(&output("\"d\""), "two-publishers", "\"mail\"", "`c` publishes on `mail` and never has a turn");
    check_all(&output("\"d\", \"c\", \"a\""), "two-publishers", "\"a\"", "`a` has a turn on `mail`");
}

#[test]
fn an_output_is_no_pattern() {
    let agent = "[[agent]]\nid = \"c\"\nowner = \"dana\"\noutputs = [\"mail\", \"mail/*\"]\n";
    check(agent, "types", "\"mail/*\"", "`*` stands for itself");
    check("[[output]]\nname = \"mail/*\"\n", "types", "\"mail/*\"", "`*` stands for itself");
}

#[test]
fn everybodys_scratch_is_no_conflict() {
    let wide = "workspace = \"w\"\ngovernance_owner = \"d\"\n[[queue]]\nname = \"q\"\nowner = \"d\"\nreview = \"daily 09:00\"\npriority = [\"a\"]
        [[agent]]\nid = \"a\"\nowner = \"d\"\nwrites = [\"scratch/**\", \"a\"]
        [[agent]]\nid = \"b\"\nowner = \"d\"\nwrites = [\"*/b/c\"]\nexcept = [\"scratch\"]\n";
    assert_eq!(findings(wide), []);
}

#[test]
fn fields_and_conditions() {
    check(
        "[[field]]\npath = \"pay/*#x\"\nkind = \"append\"",
        "unowned-field",
        "\"pay/*#x\"",
        "no agent writes",
    );
    assert_eq!(findings(&format!("{CLEAN}[[field]]\npath = \"pay/*#x\"\nkind = \"constant\"")), []);
    let rule = |all: &str| format!("[[contradiction]]\nname = \"x\"\nall = [{all}]");
    check(
        &rule("\"crm/a/{id}#x = 1\", \"crm/b/{id}#z = 1\""),
        "unowned-field",
        "\"crm/b/{id}#z = 1\"",
        "crm/b/*#z",
    );
    check(
        &rule("\"crm/a/{id}#x = 1\", \"crm/b/{di}#x = 1\"").replace("{di}", "7"),
        "unbound-variable",
        "\"crm/b/7#x = 1\"",
        "{id}",
    );
    check(&rule("\"crm/a/{id}#x = 1\""), "types", "[\"crm/a/{id}#x = 1\"]", "two conditions");
    check(&rule("\"crm/a/{id}#x = 1\", \"crm/b/*#x = 1\""), "types", "*#x = 1", "no `*`");
    check(
        &rule("\"crm/a/{id}#x = 1\", \"crm/b/{id}#x becomes 1\""),
        "types",
        "\"crm/b/{id}#x becomes 1\"",
        "not a state",
    );
    let defer = |rest: &str| format!("[[defer]]\nagent = \"a\"\nto = \"b\"\n{rest}\n");
    assert_eq!(findings(&format!("{CLEAN}{}", defer("while = \"crm/b/{id}#x = 1\""))), []);
    check(
        &defer("while = \"crm/b/{ticket}#x = 1\""),
        "unbound-variable",
        "\"crm/b/{ticket}#x = 1\"",
        "{ticket}",
    );
    check(&defer(""), "types", "[[defer]]", "how long");
    check(&defer("within = \"5m\"").replace("to = \"b\"", "to = \"bb\""), "unknown-agent", "\"bb\"", "`bb`");
    let basis = |needs: &str| format!("[[basis]]\nactions = [\"send_*\"]\nneeds = [{needs}]\n");
    assert_eq!(findings(&format!("{CLEAN}{}", basis("\"crm/a/{id}#x\", \"log\""))), []);
    check(
        &basis("\"log\", \"crm/a/{id}#x\", \"crm/{part}/{id}#x\""),
        "unbound-variable",
        "\"crm/a/{id}#x\"",
        "{part}",
    );
    check(&basis("\"crm/b/{id}#z\""), "unowned-field", "\"crm/b/{id}#z\"", "based on");
    check(&basis(""), "types", "[]", "what is to be known");
    let circle = format!("{}[[defer]]\nagent = \"b\"\nto = \"a\"\nwithin = \"1h\"", defer("within = \"5m\""));
    check(&circle, "circular-defer", "\"b\"", "a → b → a");
}

#[test]
fn queues_need_people() {
    check("[[queue]]\nname = \"x\"\nreview = \"daily 09:00\"", "no-named-reviewer", "[[queue]]", "owner");
    check("[[queue]]\nname = \"x\"\nowner = \"dana\"", "no-schedule", "\"x\"", "schedule");
    check_all(
        &CLEAN.replace("priority = [\"a\", \"b\"]\n", ""),
        "shared-queue-without-priority",
        "\"ops\"",
        "2 agents",
    );
    check_all("workspace = \"w\"", "no-named-reviewer", "", "no queue");
}

#[test]
fn types_name_the_place_inside_a_text() {
    check_all(&CLEAN.replace("crm/a/*", "crm//a/*"), "types", "/a/*", "segment is empty");
    check_all(&CLEAN.replace("[\"crm/a/*\", \"log\"]", "\"log\""), "types", "\"log\"", "takes a list");
    check_all(
        &CLEAN.replace("id = \"a\"", "id = \"a b\"").replace("\"a\", \"b\"", "\"b\""),
        "types",
        "\"a b\"",
        "agent id",
    );
    check_all(&CLEAN.replace("workspace = \"w\"", ""), "types", "", "no `workspace`");
    check("[[field]]\npath = \"log\"\nkind = \"apend\"", "types", "\"apend\"", "not a kind");
    check("[[field]]\npath = \"log\"\norder = [\"x\", \"y\"]", "types", "[\"x\", \"y\"]", "has no `order`");
    check("[[field]]\npath = \"log\"\nkind = \"progression\"", "types", "[[field]]", "two steps");
    check("[[output]]\nname = 7", "types", "7", "this is an integer");
    check("[[output]]\nname = \"x\"\nthread_window = \"1y\"", "types", "\"1y\"", "not a length of time");
    check("[event]\nname = \"x\"", "types", "[event]", "takes entries");
}

#[test]
fn unknown_keys_are_errors_with_a_guess() {
    let text = CLEAN.replacen("writes", "wirtes", 1);
    let parsed = parse(&text);
    let finding = parsed.findings.iter().find(|finding| finding.lint == Lint::UnknownKey).unwrap();
    assert_eq!(finding.mend, "did you mean `writes`?");
    assert_eq!((finding.line, finding.column), (11, 1));
    assert!(parsed.model.is_none());
}

#[test]
fn everything_wrong_is_said_at_once() {
    let text = "mode = \"loud\"\nfoo = 1\n[[agent]]\nid = \"a\"\nwrites = [\"x\", 7, \"y//\"]\n[[agent]]\nid = \"b\"\nowner = \"dana\"\nwrites = [\"x\"]\n";
    let codes: Vec<&str> = findings(text).into_iter().map(|finding| finding.0).collect();
    assert_eq!(
        codes,
        [
            "types",
            "no-named-reviewer",
            "types",
            "unknown-key",
            "no-agent-owner",
            "types",
            "types",
            "no-governance-owner",
            "two-writers"
        ]
    );
}

#[test]
fn syntax_errors_have_a_place() {
    let parsed = parse("workspace = \"w\"\nmode = \n[[agent\nid = \"é\" x\n");
    assert!(parsed.model.is_none());
    assert!(parsed.findings.iter().all(|finding| finding.lint == Lint::Syntax));
    assert_eq!(parsed.findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2, 3, 4]);
    for hostile in ["", "=", "[", "\u{0}", "a = \"\\u{110000}\"", &"[".repeat(100_000), &"a.".repeat(50_000)]
    {
        let parsed = parse(hostile);
        assert!(parsed.has_errors());
    }
}

#[test]
fn two_writers_show_both_places_and_a_way_out() {
    let text = format!("{CLEAN}[[agent]]\nid = \"c\"\nowner = \"dana\"\nwrites = [\"crm/b/7#x\"]\n");
    let parsed = parse(&text);
    let finding = parsed.findings.iter().find(|finding| finding.lint == Lint::TwoWriters).unwrap();
    assert_eq!(finding.example.as_deref(), Some("crm/b/7#x"));
    assert_eq!(&text[finding.also[0].span.clone()], "\"crm/b/*#x\"");
    for way_out in ["one owner", "mediator", "append", "sequenced"] {
        assert!(finding.mend.contains(way_out), "{}", finding.mend);
    }
    assert!(parsed.model.is_some(), "it was read, and it can't be applied");
    assert!(parse(&text).applicable().is_err());
}

#[test]
fn the_table_lists_each_lint_once() {
    let mut codes: Vec<&str> = LINTS.iter().map(|rule| rule.code).collect();
    assert!(
        LINTS
            .iter()
            .all(|rule| rule.lint.code() == rule.code && !rule.why.is_empty() && !rule.mend.is_empty())
    );
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), LINTS.len());
}

/// 1,000 agents with 100 grants each, on their own records and on shared ones.
fn large_map(agents: usize) -> String {
    let mut text = CLEAN.to_owned();
    for a in 0..agents {
        let own: Vec<String> = (0..50).map(|g| format!("\"zone/{a}/*#field_{g}\"")).collect();
        let shared: Vec<String> = (0..50).map(|g| format!("\"shared/*#field_{a}_{g}\"")).collect();
        text.push_str("[[agent]]\nowner = \"dana\"\nexcept = [\"shared/x\"]\nhidden = [\"hr/**\"]\n");
        writeln!(text, "id = \"agent-{a}\"\nwrites = [{}, {}]", own.join(", "), shared.join(", ")).unwrap();
    }
    text
}

#[test]
fn a_hundred_thousand_grants_are_checked_in_seconds() {
    let text = large_map(1_000);
    let start = Instant::now();
    let parsed = parse(&text);
    let took = start.elapsed();
    assert!(!parsed.has_errors());
    assert!(parsed.findings.iter().any(|finding| finding.lint == Lint::AdjacentWriters));
    assert!(took.as_secs() < 10, "took {took:?}");
    println!("1,000 agents, 100,000 grants: {took:?}");
}

#[test]
fn a_while_has_to_do_with_the_subject() {
    let agents = "[[agent]]\nid = \"c\"\nowner = \"dana\"\nwrites = [\"ticket/*\"]\n";
    let rule = |on: &str| format!("{agents}[[defer]]\nagent = \"a\"\nto = \"b\"\nwhile = {on}\n");
    let none = |on: &str| assert_eq!(findings(&format!("{CLEAN}{}", rule(on))), [], "{on}");
    none("\"escalated\"");
    none("[\"ticket/{t}#customer = '{id}'\", \"ticket/{t}#status = 'open'\"]");
    none("[\"ticket/{id}#status = 'open'\", \"ticket/{id}#customer = '{subject}'\"]");
    let check = |on: &str, at: &str, words: &str| check(&rule(on), "unbound-variable", at, words);
    check("\"ticket/{t}#status = 'open'\"", "\"ticket/{t}#status = 'open'\"", "nothing says what `{t}`");
    let apart = format!("{CLEAN}{}", rule("[\"ticket/{t}#a = '{id}'\", \"ticket/{u}#b = 1\"]"));
    let found = findings(&apart);
    assert!(found.len() == 2 && found[0].2.contains("does not bind `{u}`"), "{found:#?}");
    check("\"ticket/{id}#a = '{t}'\"", "\"ticket/{id}#a = '{t}'\"", "no value is told to be `{t}`");
    check("[\"ticket/{t}#a != '{id}'\"]", "[\"ticket/{t}#a != '{id}'\"]", "no value is told to be `{id}`");
}
