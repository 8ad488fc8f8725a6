//! What tools mean: each once, with all that it takes to tell.

use super::{Issue, Issues, Lint, Section, Spot};
use crate::domain::map::model::{Model, text_matches};
use crate::domain::map::tool::{Does, Piece, ToolRow, pieces};
use crate::domain::path::EntityPath;

pub(super) fn check(model: &Model, issues: &mut Issues) {
    for (at, row) in model.tools.iter().enumerate() {
        let spot = Spot::entry(Section::Tool, at);
        twice(model, at, row, issues);
        lacks(row, spot, issues);
        idle(row, spot, issues);
        entity(row, spot, issues);
        verify(model, row, spot, issues);
    }
}

/// A later row that an earlier one leaves nothing to, or that both name by their patterns while neither is the narrower.
fn twice(model: &Model, at: usize, row: &ToolRow, issues: &mut Issues) {
    let earlier = model.tools.iter().take(at).enumerate();
    let covers = |wide: &str, narrow: &str| text_matches(wide, narrow);
    let taken = |(_, other): &(usize, &ToolRow)| {
        let above = covers(&other.server, &row.server) && covers(&other.name, &row.name);
        let below = covers(&row.server, &other.server) && covers(&row.name, &other.name);
        above || (!below && meet(&other.server, &row.server) && meet(&other.name, &row.name))
    };
    let Some((first, other)) = earlier.into_iter().find(taken) else { return };
    let message = format!("`{row}` names tools that `{other}` names already");
    let mut issue = Issue::new(Lint::ToolTwice, Spot::entry(Section::Tool, at).key("name"), message);
    issue.also.push((Spot::entry(Section::Tool, first).key("name"), "the first is here".to_owned()));
    issues.push(issue);
}

/// May two patterns name the same? What is before the first star and after the last one has to fit.
fn meet(one: &str, other: &str) -> bool {
    let ends = |text: &str| {
        let first = text.split('*').next().unwrap_or_default().to_owned();
        let last = text.rsplit('*').next().unwrap_or_default().to_owned();
        (first, last, text.contains('*'))
    };
    let ((a, x, many), (b, y, more)) = (ends(one), ends(other));
    match (many, more) {
        (true, true) => (a.starts_with(&b) || b.starts_with(&a)) && (x.ends_with(&y) || y.ends_with(&x)),
        (true | false, false) => text_matches(one, other),
        (false, true) => text_matches(other, one),
    }
}

/// What has to be said of a tool that does this.
fn lacks(row: &ToolRow, spot: Spot, issues: &mut Issues) {
    let needed: &[(&str, bool)] = match row.does {
        Does::Read | Does::Write | Does::Act => &[("entity", row.entity.is_some())],
        Does::Publish => {
            &[("output", row.output.is_some()), ("thread", row.thread.is_some() || row.entity.is_some())]
        }
        Does::Nothing => &[],
    };
    for (key, _) in needed.iter().filter(|(_, is_there)| !is_there) {
        let message = format!("`{row}` has no `{key}`");
        issues.push(Issue::new(Lint::ToolLacks, spot, message));
    }
}

/// What means nothing for a tool that does this.
fn idle(row: &ToolRow, spot: Spot, issues: &mut Issues) {
    let does = |these: &[Does]| these.contains(&row.does);
    let decided = [Does::Write, Does::Act, Does::Publish];
    let keys = [
        ("fields", row.fields.is_some(), does(&[Does::Write])),
        ("verify", row.verify.is_some(), does(&[Does::Write])),
        ("output", row.output.is_some(), does(&[Does::Publish])),
        ("thread", row.thread.is_some(), does(&[Does::Publish])),
        ("target", row.target.is_some(), does(&[Does::Act])),
        ("entity", row.entity.is_some(), !does(&[Does::Nothing])),
        ("hold", row.hold.is_some(), does(&decided)),
        ("timeout", row.timeout.is_some(), does(&decided)),
        ("approval_for", row.approval_for.is_some(), does(&decided)),
        ("approve", row.approve, does(&decided)),
    ];
    for (key, _, _) in keys.into_iter().filter(|(_, is_there, fits)| *is_there && !fits) {
        let message = format!("`{key}` means nothing for a tool that does `{}`", row.does.as_str());
        issues.push(Issue::new(Lint::ToolIdle, spot.key(key), message));
    }
}

/// What it is about has to be a path once its arguments are filled in.
fn entity(row: &ToolRow, spot: Spot, issues: &mut Issues) {
    let Some(Ok(parts)) = row.entity.as_deref().map(pieces) else { return };
    let filled: String = parts
        .iter()
        .map(|part| match part {
            Piece::Text(text) => text,
            Piece::Argument(_) => "x",
        })
        .collect();
    if let Err(error) = filled.parse::<EntityPath>() {
        let mut issue = Issue::new(
            Lint::ToolLacks,
            spot.key("entity"),
            format!("no argument makes this an entity: {}", error.reason),
        );
        issue.mend = Some(error.mend.to_owned());
        issues.push(issue);
    }
}

fn verify(model: &Model, row: &ToolRow, spot: Spot, issues: &mut Issues) {
    let Some(verify) = &row.verify else { return };
    let reader = model.tools.iter().find(|other| other.names(&row.server, verify));
    if reader.is_none_or(|reader| reader.does != Does::Read) {
        let message = format!("no row says that `{}/{verify}` reads", row.server);
        issues.push(Issue::new(Lint::ToolVerify, spot.key("verify"), message));
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::map::lint::check;

    fn codes(rows: &str) -> Vec<&'static str> {
        let text = format!("workspace = \"w\"\n{rows}");
        let model = toml::from_str(&text).unwrap();
        check(&model)
            .into_iter()
            .map(|found| found.lint.code())
            .filter(|code| code.starts_with("tool"))
            .collect()
    }

    #[test]
    fn rows_that_can_not_be_true_are_found() {
        let row = |keys: &str| format!("[[tool]]\nserver = \"crm\"\n{keys}\n");
        let read = row("name = \"get\"\ndoes = \"read\"\nentity = \"crm/{id}\"");
        let write = row("name = \"set\"\ndoes = \"write\"\nentity = \"crm/{id}\"\nverify = \"get\"");
        assert!(codes(&format!("{read}{write}")).is_empty());
        assert_eq!(codes(&write), ["tool-verify"]);
        assert_eq!(codes(&format!("{read}{read}")), ["tool-twice"]);
        let wide = |name: &str| row(&format!("name = \"{name}\"\ndoes = \"nothing\""));
        assert!(codes(&format!("{read}{}", wide("*"))).is_empty(), "the narrower row comes first");
        assert_eq!(codes(&format!("{}{read}", wide("*"))), ["tool-twice"]);
        assert_eq!(codes(&format!("{}{}", wide("get_*"), wide("*_all"))), ["tool-twice"]);
        assert!(codes(&format!("{}{}", wide("get_*"), wide("set_*"))).is_empty());
        assert_eq!(codes(&row("name = \"x\"\ndoes = \"write\"")), ["tool-lacks"]);
        assert_eq!(codes(&row("name = \"x\"\ndoes = \"publish\"")), ["tool-lacks", "tool-lacks"]);
        assert_eq!(codes(&row("name = \"x\"\ndoes = \"read\"\nentity = \"/{id}\"")), ["tool-lacks"]);
        assert_eq!(
            codes(&row("name = \"x\"\ndoes = \"read\"\nentity = \"a/{id}\"\nfields = \"*\"")),
            ["tool-idle"]
        );
        assert_eq!(codes(&row("name = \"x\"\ndoes = \"nothing\"\napprove = true")), ["tool-idle"]);
    }
}
