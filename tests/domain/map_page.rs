//! `docs/MAP.md`: its table of lints is the code's, and every example on it is a map that reads without a fault of form.

use deeds::domain::map::lint::{LINTS, Lint};
use deeds::domain::map::{Severity, parse};

const PAGE: &str = include_str!("../../docs/MAP.md");
const BEGIN: &str = "<!-- lints: ";
const END: &str = "<!-- end of lints -->";

/// A text in a cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn table() -> String {
    let rows = LINTS.iter().map(|rule| {
        let weight = match rule.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        format!("| `{}` | {weight} | {} | {} |\n", rule.code, cell(rule.why), cell(rule.mend))
    });
    format!("\n| lint | weight | why | the mend |\n|---|---|---|---|\n{}\n", rows.collect::<String>())
}

#[test]
fn the_lints_on_the_page_are_those_of_the_code() {
    let begin = PAGE.find(BEGIN).unwrap();
    let begin = begin + PAGE[begin..].find('\n').unwrap() + 1;
    let end = PAGE.find(END).unwrap();
    let wanted = table();
    if std::env::var_os("DEEDS_BLESS").is_some() {
        let page = format!("{}{wanted}{}", &PAGE[..begin], &PAGE[end..]);
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/MAP.md"), page).unwrap();
        return;
    }
    assert_eq!(&PAGE[begin..end], wanted, "DEEDS_BLESS=1 writes the page anew");
}

/// The examples show one section at a time, so what refers to another section is missing there; their form is whole.
#[test]
fn every_example_on_the_page_can_be_read() {
    let mut read = 0;
    for block in PAGE.split("```toml\n").skip(1) {
        let text = block.split("```").next().unwrap();
        let text =
            if text.contains("workspace =") { text.to_owned() } else { format!("workspace = \"w\"\n{text}") };
        let findings = parse(&text).findings;
        let broken = |lint: Lint| {
            matches!(lint, Lint::Syntax | Lint::Types | Lint::UnknownKey | Lint::UnboundVariable)
        };
        let wrong: Vec<_> = findings.iter().filter(|finding| broken(finding.lint)).collect();
        assert!(wrong.is_empty(), "{text}\n{wrong:#?}");
        read += 1;
    }
    assert!(read > 8, "{read} examples");
}

#[test]
fn the_smallest_map_of_the_page_can_be_applied() {
    let block = PAGE.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    parse(block).applicable().unwrap();
}
