//! `docs/RULES.md`: every section that code and pages cite is there, and every refusal code, kind of alert and type of
//! deed that exists is named on it, and no other.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::script::{check, check_on};
use super::world::watched;
use deeds::domain::code::Code;
use deeds::domain::deed::Body;
use deeds::domain::things::{AlertKind, Escalates};

const PAGE: &str = include_str!("../../docs/RULES.md");

/// Numbers of the headings: `4`, `4.1`.
fn sections() -> BTreeSet<String> {
    let headings = PAGE.lines().filter(|line| line.starts_with('#'));
    headings
        .filter_map(|line| line.split_whitespace().nth(1))
        .map(|no| no.trim_end_matches('.').to_owned())
        .collect()
}

/// The section that a text after `§` begins with.
fn cited(text: &str) -> String {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    text[..end].trim_end_matches('.').to_owned()
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The first cells of the rows below a heading.
fn rows(heading: &str) -> Vec<&str> {
    let below = PAGE.split_once(&format!("\n{heading}")).unwrap().1;
    let section = below.split("\n#").next().unwrap();
    let cells = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    cells.skip(1).flat_map(quoted).collect()
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            files(&entry, found);
        } else if entry.extension().is_some_and(|extension| extension == "rs" || extension == "md") {
            found.push(entry);
        }
    }
}

#[test]
fn every_section_that_is_cited_is_there() {
    let sections = sections();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = ["README.md", "CONTRIBUTING.md"].map(|page| root.join(page)).to_vec();
    for folder in ["src", "tests", "benches", "docs"] {
        files(&root.join(folder), &mut all);
    }
    let (mut wrong, mut count) = (Vec::new(), 0);
    for file in all {
        let text = fs::read_to_string(&file).unwrap();
        let mark = if file.ends_with("docs/RULES.md") { "§" } else { "RULES §" };
        for no in text.split(mark).skip(1).map(cited).filter(|no| !no.is_empty()) {
            count += 1;
            if !sections.contains(&no) {
                wrong.push(format!("{} cites RULES §{no}, which is not there", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count > 100, "{count} citations: is the mark another one now?");
}

#[test]
fn the_page_names_what_there_is_and_nothing_else() {
    let codes: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(rows("## 17. ").into_iter().collect::<BTreeSet<_>>(), codes, "the table of refusal codes");
    let kinds: BTreeSet<&str> = AlertKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(rows("### 11.1 ").into_iter().collect::<BTreeSet<_>>(), kinds, "the table of alerts");
    let named: BTreeSet<&str> = quoted(PAGE).filter(|name| name.starts_with("deeds.")).collect();
    let types: BTreeSet<&str> = Body::TYPES.iter().copied().collect();
    assert_eq!(named, types, "the types of deeds");
}

#[test]
fn each_alert_has_its_severity_and_window_on_the_page() {
    for row in AlertKind::ALL.iter().map(|kind| kind.row()) {
        let days = row.window.micros() / (24 * 3_600_000_000);
        let days = if days == 1 { "1 day".to_owned() } else { format!("{days} days") };
        let begins = format!("| `{}` | {} | {days} | ", row.word, row.severity.as_str());
        let rest = PAGE.split_once(&begins).unwrap_or_else(|| panic!("no row begins with {begins}")).1;
        let by_itself = row.escalates == Escalates::ByItself;
        assert_eq!(!rest.starts_with('|'), by_itself, "{begins}: goes to the inbox by itself");
    }
}

/// RULES §3.6: what ends as escalated or failed can't be a part.
#[test]
fn an_escalation_can_not_be_a_part_of_a_batch() {
    check(
        r#"
        sales sends '{"do": "together", "commands": [{"do": "escalate", "input": "x", "why": "y"}]}' -> refused together-failed
        sales acts mail/sales send on crm/account/acme -> allowed
        sales sends '{"do": "together", "commands": [{"do": "act-end", "act": 1, "done": false}]}' -> refused together-failed
        sales sends '{"do": "together", "commands": [{"do": "act-end", "act": 1, "done": true}]}' -> committed
        items
        "#,
    );
}

/// RULES §4.2 and RULES §4.3: an entity comes back with what it had; a freeze makes the whole of it another version.
#[test]
fn an_entity_comes_back_with_its_fields() {
    check(
        "
        sales creates crm/deal/7 stage=trial amount=5 -> committed
        sales archives crm/deal/7 @1 -> committed
        sales writes crm/deal/7 amount=6@1 -> stale tombstone
        sales creates crm/deal/7 stage=proposal -> committed
        = crm/deal/7#amount 5 v1
        = crm/deal/7#stage proposal v2
        dana freezes crm/deal/7 'wait' -> recorded
        dana unfreezes crm/deal/7 'go on' -> recorded
        sales archives crm/deal/7 @3 -> stale stale
        sales writes crm/deal/7 amount=6@1 -> committed
        sales archives crm/deal/7 @6 -> committed
        dana sets crm/deal/7#amount 9@2 'back' -> committed
        = crm/deal/7#amount 9 v3
        ",
    );
}

/// RULES §13.1: a person's value is added to a list, too.
#[test]
fn setting_an_append_field_adds() {
    check(
        "
        sales writes shared/log line=one -> committed
        dana sets shared/log#line two@1 'mine' -> committed
        = shared/log#line '[\"one\",\"two\"]' v2
        ",
    );
}

/// RULES §3.5: what is locked can't be locked again, and what is frozen can't be written, whatever the mode.
#[test]
fn leases_and_freezes_hold_in_both_modes() {
    check_on(
        &watched(),
        "
        support leases crm/account/acme#health 10m -> allowed
        sales leases crm/account/acme#health 10m -> refused leased
        sales leases crm/account/b#health 10m -> allowed (refused) not-owner
        sales writes crm/account/acme health=x@0 -> committed (proposed) not-owner
        dana freezes crm/account/acme 'wait' -> recorded
        support writes crm/account/acme health=y@1 -> refused frozen
        sales escalates 'the input' because 'the why' -> escalated
        items #1
        ",
    );
}

/// RULES §8.1: the name of a task that ended is taken for a while.
#[test]
fn a_task_that_ended_keeps_its_name() {
    check(
        "
        sales hands draft to support -> recorded
        support completes 1 'done' -> recorded
        sales hands draft to support -> refused wrong-state
        ",
    );
}

/// RULES §12.7: a rule from a conflict closes nothing.
#[test]
fn conflicts_come_back_whatever_the_rules() {
    check(
        "
        sourcing writes crm/contact/acme status=sourced@0 -> committed
        sales writes crm/deal/acme stage=trial@0 -> committed
        items #1
        sam drops #1 'seen' rule -> recorded
        items
        sales writes crm/deal/acme stage=trial@1 -> committed
        items #2
        ",
    );
}
