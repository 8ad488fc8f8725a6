//! The same in the XML of `JUnit`, which every CI reads.

use std::fmt::Write as _;

use super::{Played, Report};
use crate::rehearse::{CaseReport, Failure};

/// The document.
pub(super) fn document(report: &Report) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let tests = report.passed + report.failed;
    // Writing to a text can't fail.
    writeln!(xml, "<testsuites tests=\"{tests}\" failures=\"{}\">", report.failed).unwrap_or_default();
    for played in &report.files {
        suite(&mut xml, played).unwrap_or_default();
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn suite(xml: &mut String, played: &Played) -> std::fmt::Result {
    let file = escaped(&played.file);
    let (tests, failures, errors) = (played.cases.len(), played.failed(), played.faults.len());
    writeln!(
        xml,
        "  <testsuite name=\"{file}\" tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\">"
    )?;
    for placed in &played.faults {
        let (line, message) = (placed.line, escaped(&placed.fault.message));
        writeln!(
            xml,
            "    <testcase name=\"{file}:{line}\" classname=\"{file}\" file=\"{file}\" line=\"{line}\">"
        )?;
        writeln!(xml, "      <error message=\"{message}\">{}</error>", escaped(&placed.fault.mend))?;
        writeln!(xml, "    </testcase>")?;
    }
    for case in &played.cases {
        self::case(xml, &file, case)?;
    }
    writeln!(xml, "  </testsuite>")
}

fn case(xml: &mut String, file: &str, case: &CaseReport) -> std::fmt::Result {
    let name = escaped(&case.name);
    let head =
        format!("<testcase name=\"{name}\" classname=\"{file}\" file=\"{file}\" line=\"{}\"", case.line);
    let Some(failure) = &case.failure else { return writeln!(xml, "    {head}/>") };
    writeln!(xml, "    {head}>")?;
    let (message, text) = told(file, failure);
    writeln!(xml, "      <failure message=\"{}\">{}</failure>", escaped(&message), escaped(&text))?;
    writeln!(xml, "    </testcase>")
}

/// A failure in a line, and in full.
fn told(file: &str, failure: &Failure) -> (String, String) {
    let differences = failure.differences.iter();
    let lines: Vec<String> = differences
        .map(|difference| {
            format!("{}: expected {}, came {}", difference.key, difference.expected, difference.came)
        })
        .collect();
    let message = lines.first().unwrap_or(&failure.came).clone();
    let reason = failure.reason.iter().map(|reason| format!("the reason: {reason}"));
    let place = format!("{file}:{}, {}", failure.line, failure.at);
    let text: Vec<String> = std::iter::once(place).chain(lines).chain(reason).collect();
    (message, text.join("\n"))
}

/// Text as XML may have it, in an attribute too; control characters, which it may not have, as a question mark.
fn escaped(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\n' => xml.push_str("&#10;"),
            c if c.is_control() || ('\u{fffe}'..='\u{ffff}').contains(&c) => xml.push('?'),
            c => xml.push(c),
        }
    }
    xml
}
