//! Reviewers who can't answer, since no token is theirs, or no key where they are to sign: findings that no file has a place for.

use crate::domain::ids::PersonId;
use crate::domain::map::{Finding, Lint, Model};
use crate::domain::rule::signing;
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
        let message = format!("{person} is to answer in `{queue}` and has no token");
        nowhere(
            Lint::NoToken,
            message,
            format!("`deeds tokens invite reviewer {account}`, or name somebody else"),
        )
    };
    found.into_iter().map(finding).collect()
}

/// A finding for each place where a map asks for signatures that nobody could give.
pub fn without_key(board: &Board, model: &Model, now: Time) -> Vec<Finding> {
    let finding = |end| nowhere(Lint::SignedWithoutKey, end, Lint::SignedWithoutKey.rule().mend.to_owned());
    signing::dead_ends(board, model, now).into_iter().map(finding).collect()
}

fn nowhere(lint: Lint, message: String, mend: String) -> Finding {
    Finding {
        lint,
        severity: lint.severity(),
        line: 0,
        column: 0,
        span: 0..0,
        message,
        mend,
        example: None,
        also: Vec::new(),
    }
}
