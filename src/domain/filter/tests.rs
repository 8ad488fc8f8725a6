//! What a filter means, how it fails, and that it reads back as written.

use proptest::prelude::*;

use super::sample::{self, Dice};
use super::*;

fn now() -> Time {
    "2026-02-14T09:00:00Z".parse().unwrap()
}

fn parse(text: &str) -> Filter {
    Filter::parse(text, now()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(text: &str) -> String {
    Filter::parse(text, now()).expect_err(text).to_string()
}

#[test]
fn errors_name_place_reason_and_mend() {
    for (text, expected) in [
        (
            "agent:x",
            "filter, column 1: there is no key \"agent\"; did you mean `actor:`? To look for it as text, put it in quotes",
        ),
        (
            "é actr:x",
            "filter, column 3: there is no key \"actr\"; did you mean `actor:`? To look for it as text, put it in quotes",
        ),
        (
            "outcome:refsed",
            "filter, column 9: there is no outcome \"refsed\"; did you mean `outcome:refused`?",
        ),
        (
            "type:write.comitted",
            "filter, column 6: there is no type \"write.comitted\"; did you mean `type:write.committed`?",
        ),
        ("class:robot", "filter, column 7: there is no class \"robot\"; use one of agent, person, deeds"),
        (
            "seq:9..3",
            "filter, column 5: 9..3 runs backward; write a number, or a range such as 100..200 or 100..",
        ),
        (
            "item:x",
            "filter, column 6: \"x\" is not a number; write a number, or a range such as 100..200 or 100..",
        ),
        ("\"open", "filter, column 1: the quote is not closed; add a closing \""),
        ("actor:", "filter, column 7: a value is missing; write it, or \"\" for the empty one"),
        ("-", "filter, column 2: a value is missing; write it, or \"\" for the empty one"),
        (
            "a\"b\"",
            "filter, column 2: a quote touches other text; put a space or a comma there; inside quotes write \\\" for a quote",
        ),
        (
            "entity:crm//x",
            "filter, column 12: not an entity pattern, a segment is empty; remove the leading, doubled or trailing `/`",
        ),
        ("\"\"", "filter, column 1: the text is empty; write what to look for between the quotes"),
    ] {
        assert_eq!(refused(text), expected);
    }
    assert!(refused("since:soon").contains("write 2026-02-14"));
    assert!(refused(&"a ".repeat(FILTER_TERMS + 1)).contains("at most 64 terms"));
    assert!(refused(&format!("actor:{}", "a,".repeat(TERM_CHOICES + 1))).contains("at most 64 choices"));
    assert!(refused(&"x".repeat(FILTER_BYTES + 1)).contains("4096 bytes"));
}

#[test]
fn canonical_text() {
    for (text, canonical) in [
        ("", ""),
        ("  actor:intake   \"acme\"  ", "actor:intake acme"),
        ("type:deeds.write.committed", "type:write.committed"),
        ("OUTCOME:Refused", "outcome:refused"),
        ("item:#1042", "item:1042"),
        ("seq:..200 seq:7..7 seq:..", "seq:..200 seq:7 seq:.."),
        ("since:90m", "since:1h30m"),
        ("since:2026-02-14", "since:2026-02-14T00:00:00.000000Z"),
        ("until:2026-02-14", "until:2026-02-14T23:59:59.999999Z"),
        ("until:2026-02-14T08:11", "until:2026-02-14T08:11:59.999999Z"),
        ("until:2026-02-14T08:11:05+01:00", "until:2026-02-14T07:11:05.999999Z"),
        ("field:\"\" -\"-x\" \"a, b\"", "field:\"\" -\"-x\" \"a, b\""),
        ("-\"http://x\"", "-\"http://x\""),
    ] {
        assert_eq!(parse(text).to_string(), canonical, "{text}");
    }
}

/// A write by `sales` on `crm/contact/acme#health`, stale, at 08:30.
fn stale_write() -> Deed {
    let mut dice = Dice::new(1);
    let mut deed = sample::deeds(&mut dice, 1).remove(0);
    deed.time = "2026-02-14T08:30:00.5Z".parse().unwrap();
    deed.actor = crate::domain::ids::Actor::Agent("sales".parse().unwrap());
    deed.subject = Some("crm/contact/acme".parse().unwrap());
    deed.reason = Some("Upsell nach ΟΔΥΣΣΕΥΣ, Straße 7".into());
    deed.action = "write".into();
    deed.body = crate::domain::deed::Body::WriteRefused(());
    deed.outcome = crate::domain::outcome::Outcome::Stale;
    deed.code = Some(crate::domain::code::Code::Stale);
    deed.cause = Some(crate::domain::ids::Seq(317));
    deed.refs.item = Some(crate::domain::ids::ItemNo(1042));
    deed.fields = vec![crate::domain::things::FieldChange {
        entity: None,
        name: "health".parse().unwrap(),
        base: None,
        version: crate::domain::ids::Version(41),
        before: None,
        after: Some(crate::domain::value::Value::text("at risk")),
        by: None,
        at: None,
        unseen: false,
    }];
    deed
}

#[test]
fn terms_mean_what_the_table_says() {
    let deed = stale_write();
    for yes in [
        "",
        "actor:sales",
        "actor:intake,sales",
        "actor:s*",
        "class:agent",
        "action:write",
        "type:write.refused",
        "type:write.*",
        "outcome:stale",
        "code:stale",
        "entity:crm/contact/*",
        "entity:crm/contact/acme#health",
        "field:health",
        "item:1042",
        "item:#1000..",
        "cause:317",
        "seq:1",
        "since:30m",
        "since:1h until:10m",
        "until:2026-02-14T08:30",
        "since:2026-02-14",
        "upsell \"at risk\"",
        "STRASSE",
        "οδυσσευς",
        "ß",
        "-actor:intake",
        "-field:status",
        "-entity:crm/contact/acme#status",
        "zzz,upsell",
    ] {
        assert!(parse(yes).matches(&deed), "{yes}");
    }
    for no in [
        "actor:sale",
        "actor:sales*x",
        "class:person",
        "type:write.committed",
        "code:not-owner",
        "entity:crm/*",
        "entity:crm/contact/acme#status",
        "field:\"\"",
        "item:1041",
        "cause:318",
        "since:29m",
        "until:31m",
        "until:2026-02-13",
        "zzz",
        "-outcome:stale",
        "actor:sales outcome:committed",
        "-upsell",
    ] {
        assert!(!parse(no).matches(&deed), "{no}");
    }
}

#[test]
fn unreadable_bytes_are_found_as_text() {
    let facts = Facts::read(crate::domain::ids::Seq(9), b"\xff{ not JSON, Acme", now());
    assert!(parse("type:unreadable ACME seq:9").accepts(&facts));
    assert!(!parse("actor:intake").accepts(&facts));
    let later = br#"{"type":"deeds.moon.landed","time":"2026-02-14T08:00:00Z","data":{"actor":{"class":"deeds"},"detail":{"x":["Apollo"]}}}"#;
    let facts = Facts::read(crate::domain::ids::Seq(9), later, now());
    assert_eq!((facts.kind.as_ref(), facts.actor.as_ref()), ("moon.landed", "deeds"));
    assert!(parse("apollo actor:deeds").accepts(&facts));
}

#[test]
fn completion_offers_keys_then_values() {
    let vocabulary = Vocabulary {
        actors: vec!["intake".into(), "sales".into(), "resales".into()],
        entities: vec!["crm/contact/acme".into()],
        ..Vocabulary::default()
    };
    let at_end = |text: &str| {
        complete(text, text.len(), &vocabulary).into_iter().map(|one| one.insert).collect::<Vec<_>>()
    };
    assert_eq!(at_end("").len(), Key::ALL.len());
    assert_eq!(at_end("x -ac"), ["actor:", "action:"]);
    assert_eq!(at_end("actor:sa"), ["sales", "resales"]);
    assert_eq!(at_end("actor:intake,i"), ["intake"]);
    assert_eq!(at_end("outcome:re"), ["refused", "recorded", "deferred"]);
    assert_eq!(at_end("\"actor:"), Vec::<String>::new());
    let one = &complete("é entity:ac x", 12, &vocabulary)[0];
    assert_eq!((one.replace.clone(), one.insert.as_str()), (10..12, "crm/contact/acme"));
}

#[test]
fn every_key_has_an_example_that_parses() {
    for key in Key::ALL {
        assert_eq!(parse(key.example()).terms()[0].key(), Some(*key));
    }
}

proptest! {
    #[test]
    fn reads_back_as_written(seed: u64) {
        let text = sample::filter_text(&mut Dice::new(seed));
        let filter = parse(&text);
        prop_assert_eq!(parse(&filter.to_string()), filter);
    }

    #[test]
    fn any_text_parses_or_says_why(text in "\\PC{0,40}|[-a-z:,\" .*#/0-9]{0,30}", cursor in 0usize..40) {
        if let Ok(filter) = Filter::parse(&text, now()) {
            prop_assert_eq!(parse(&filter.to_string()), filter);
        }
        for one in complete(&text, cursor, &Vocabulary::default()) {
            prop_assert!(text.get(one.replace).is_some());
        }
    }

    #[test]
    fn stored_bytes_have_the_same_facts(seed: u64) {
        for deed in sample::deeds(&mut Dice::new(seed), 20) {
            let bytes = deed.encode(&sample::origin()).unwrap();
            prop_assert_eq!(Facts::read(deed.seq, &bytes, Time::default()), Facts::of(&deed));
        }
    }
}
