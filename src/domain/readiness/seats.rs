//! Reviewers who can't answer, since no token is theirs: findings that no file has a place for.

use crate::domain::ids::PersonId;
use crate::domain::map::{Finding, Lint, Model};
use crate::domain::state::Board;
use crate::domain::time::Time;

/// A finding for each reviewer that a map names and who has no token to answer with, in the order of its queues.
pub fn without_token(board: &Board, model: &Model, now: Time) -> Vec<Finding> {
    let mut found: Vec<(&PersonId, &str)> = Vec::new();
    for queue in &model.queues {
        for person in queue.reviewers() {
            let has =
                board.seats.values().any(|seat| model.person_of(&seat.person) == person && seat.is_live(now));
            if !has && !board.seats.is_empty() && found.iter().all(|(other, _)| *other != person) {
                found.push((person, queue.name.as_str()));
            }
        }
    }
    let finding = |(person, queue): (&PersonId, &str)| {
        let account = model.person(person).and_then(|person| person.account.as_ref()).unwrap_or(person);
        let rule = Lint::NoToken.rule();
        Finding {
            lint: Lint::NoToken,
            severity: rule.severity,
            line: 0,
            column: 0,
            span: 0..0,
            message: format!("{person} is to answer in `{queue}` and has no token"),
            mend: format!("`deeds tokens invite reviewer {account}`, or name somebody else"),
            example: None,
            also: Vec::new(),
        }
    };
    found.into_iter().map(finding).collect()
}
