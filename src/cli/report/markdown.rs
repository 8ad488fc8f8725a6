//! The report as Markdown. What agents said is text in it, never markup.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Day, MapChange, Report};
use crate::cli::output;
use crate::domain::outcome::Outcome;
use crate::domain::time::{Span, Time, Zone};

/// Rows of a list that could be long.
const ROWS: usize = 10;
/// What Markdown, or HTML in it, would take for its own.
const MARKUP: &str = "\\`*_[]<>|~&";
/// What it would take for its own at the beginning.
const BEGINS: &str = "#+-=";
/// Days as rows are told by these outcomes, in this order; the others are in the sum.
const COLUMNS: [Outcome; 5] =
    [Outcome::Committed, Outcome::Proposed, Outcome::Stale, Outcome::Refused, Outcome::Escalated];

/// Everything, section by section.
pub(super) fn written(report: &Report) -> String {
    let mut text = format!(
        "# {}: {} to {}\n",
        plain(&report.workspace),
        date(report.from),
        date(report.to.minus(Span::from_micros(1)))
    );
    days(&mut text, &report.days);
    decisions(&mut text, report);
    section(&mut text, "What was not done as asked", "Everything was done as asked.", |text| {
        counted(text, ["why", "times"], &report.undone_by_code);
        counted(text, ["who asked", "times"], &report.undone_by_actor);
    });
    section(
        &mut text,
        "Contested fields",
        "No field was asked for by anybody but its owner, or too late.",
        |text| {
            contested(text, &report.contested);
        },
    );
    section(&mut text, "Conflicts", "No conflict was opened.", |text| {
        counted(text, ["kind", "opened"], &report.conflicts);
        if report.resolved > 0 {
            _ = writeln!(text, "\n{} resolved.", report.resolved);
        }
    });
    section(&mut text, "The map", "The map was not changed.", |text| {
        for map in &report.maps {
            changed(text, map);
        }
    });
    section(&mut text, "Readiness", "", |text| {
        let ready = &report.readiness;
        _ = writeln!(text, "Stage {}.", ready.stage);
        list(text, "\nGates that don't hold yet:\n", &ready.open);
        list(text, "\nThe next agent waits for:\n", &ready.missing);
    });
    text
}

/// A section, or the sentence that there is nothing in it.
fn section(text: &mut String, title: &str, nothing: &str, fill: impl FnOnce(&mut String)) {
    _ = writeln!(text, "\n## {title}\n");
    let before = text.len();
    fill(text);
    if text.len() == before {
        _ = writeln!(text, "{nothing}");
    }
}

fn days(text: &mut String, days: &[Day]) {
    let heads: Vec<&str> = COLUMNS.iter().map(|outcome| outcome.as_str()).collect();
    _ = writeln!(text, "\n| day | deeds | {} |\n|---|--:|{}", heads.join(" | "), "--:|".repeat(heads.len()));
    for day in days {
        let of = |outcome: &Outcome| day.outcomes.get(outcome).copied().unwrap_or(0).to_string();
        let cells: Vec<String> = COLUMNS.iter().map(of).collect();
        let begins = day.begins.at(Zone::UTC).format("%a %d %b");
        _ = writeln!(text, "| {begins} | {} | {} |", day.outcomes.values().sum::<u64>(), cells.join(" | "));
    }
}

fn decisions(text: &mut String, report: &Report) {
    section(text, "Decisions", "Nobody had to decide anything.", |text| {
        let all: u64 = report.answers.values().sum();
        if all > 0 {
            _ = writeln!(text, "{all} answered{}.\n", waits(&report.waited));
            counted(text, ["answer", "times"], &report.answers);
            counted(text, ["who answered", "times"], &report.people);
        }
        for (count, what) in [
            (report.handed_on, "handed on"),
            (report.left, "left with a reason"),
            (report.undone, "answers undone"),
        ] {
            if count > 0 {
                _ = writeln!(text, "\n{count} {what}.");
            }
        }
    });
}

/// How long cases waited: half of them, and nine of ten.
fn waits(sorted: &[i64]) -> String {
    let part = |percent: usize| {
        let at = (sorted.len() * percent / 100).min(sorted.len().saturating_sub(1));
        sorted.get(at).map(|micros| Span::from_micros(*micros).rough())
    };
    match (part(50), part(90)) {
        (Some(half), Some(most)) => format!(", half of them within {half}, nine of ten within {most}"),
        _ => String::new(),
    }
}

fn counted(text: &mut String, [what, times]: [&str; 2], counts: &BTreeMap<String, u64>) {
    if counts.is_empty() {
        return;
    }
    if !text.ends_with("\n\n") {
        text.push('\n');
    }
    _ = writeln!(text, "| {what} | {times} |\n|---|--:|");
    let mut rows: Vec<(&String, &u64)> = counts.iter().collect();
    rows.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (name, count) in rows.iter().take(ROWS) {
        _ = writeln!(text, "| {} | {count} |", plain(name));
    }
    more(text, rows.len());
}

fn contested(text: &mut String, fields: &BTreeMap<String, BTreeMap<String, u64>>) {
    if fields.is_empty() {
        return;
    }
    _ = writeln!(text, "| field | times | by |\n|---|--:|---|");
    let mut rows: Vec<_> = fields.iter().map(|(path, by)| (path, by.values().sum::<u64>(), by)).collect();
    rows.sort_by_key(|(_, times, _)| std::cmp::Reverse(*times));
    for (path, times, by) in rows.iter().take(ROWS) {
        let by: Vec<String> = by.iter().map(|(actor, times)| format!("{} {times}", plain(actor))).collect();
        _ = writeln!(text, "| {} | {times} | {} |", plain(path), by.join(", "));
    }
    more(text, rows.len());
}

fn more(text: &mut String, rows: usize) {
    if rows > ROWS {
        _ = writeln!(text, "\nand {} more", rows - ROWS);
    }
}

fn changed(text: &mut String, map: &MapChange) {
    let why = map.reason.as_deref().map(|why| format!(": {}", plain(why))).unwrap_or_default();
    _ = writeln!(text, "- v{} by {}, {}{why}", map.version, plain(&map.by), day(map.at));
    for change in map.changes.iter().take(ROWS) {
        _ = writeln!(text, "  - {}", plain(change));
    }
    if map.changes.len() > ROWS {
        _ = writeln!(text, "  - and {} more", map.changes.len() - ROWS);
    }
}

fn list(text: &mut String, title: &str, lines: &[String]) {
    if !lines.is_empty() {
        _ = writeln!(text, "{title}");
    }
    for line in lines {
        _ = writeln!(text, "- {}", plain(line));
    }
}

fn date(time: Time) -> String {
    time.at(Zone::UTC).format("%Y-%m-%d").to_string()
}

fn day(time: Time) -> String {
    time.at(Zone::UTC).format("%Y-%m-%d %H:%M UTC").to_string()
}

/// A text that shows itself, in one line, whatever is in it.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for (at, c) in output::visible(text).chars().enumerate() {
        if MARKUP.contains(c) || (at == 0 && BEGINS.contains(c)) {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_agents_say_is_text_and_never_markup() {
        assert_eq!(plain("# a|b <img src=x> [x](y)\n# no"), r"\# a\|b \<img src=x\> \[x\](y)↵# no");
    }

    #[test]
    fn half_and_nine_of_ten() {
        let minutes = |n: i64| n * 60_000_000;
        assert_eq!(waits(&[]), "");
        assert_eq!(waits(&[minutes(5)]), ", half of them within 5m, nine of ten within 5m");
        let ten: Vec<i64> = (1..=10).map(minutes).collect();
        assert_eq!(waits(&ten), ", half of them within 6m, nine of ten within 10m");
    }
}
