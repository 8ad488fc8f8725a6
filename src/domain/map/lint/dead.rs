//! Grants that can never be used.

use super::{Grants, Issue, Issues, Lint, Section, Spot};
use crate::domain::map::authority::scratch;
use crate::domain::map::model::{Agent, Model};
use crate::domain::map::overlaps::Grant;
use crate::domain::path::{Exceptions, Meeting, Pattern, covers, heads_agree, meet, overlap};

pub(super) fn check(model: &Model, grants: &mut Grants, issues: &mut Issues) {
    let scratch = [scratch()];
    for (at, agent) in model.agents.iter().enumerate() {
        let hidden: Exceptions = agent.hidden.iter().collect();
        for (item, grant) in agent.writes.iter().enumerate() {
            let spot = Spot::entry(Section::Agent, at);
            let place = spot.key("writes").item(item);
            let key = if agent.except.is_empty() { "except_of" } else { "except" };
            let taken = || agent.except.iter().chain(agent.own_exceptions(grant)).chain(&agent.hidden);
            let near = taken().any(|taken| heads_agree(taken, grant));
            // Most often one path that nothing names shows that something is left.
            let seen = || grant.sample().is_some_and(|path| !taken().any(|taken| taken.matches_path(&path)));
            let left = if near && !seen() {
                left_of(grants, Grant { agent: at, item }, grant, &hidden, key)
            } else {
                Left::Some
            };
            let defeated = match left {
                Left::Open => {
                    let message =
                        format!("not decided here: whether `{}` can ever write `{grant}`", agent.id);
                    issues.push(Issue::new(Lint::LeftOpen, place, message));
                    continue;
                }
                Left::No(why, key) => Some((why, Some(key))),
                Left::Some => defeated_by(agent, grant, &scratch),
            };
            let Some((why, key)) = defeated else { continue };
            let message = format!("`{}` may write `{grant}`, but {why}", agent.id);
            let mut issue = Issue::new(Lint::DeadGrant, place, message);
            issue.also.extend(key.map(|key| (spot.key(key), "because of this".to_owned())));
            issues.push(issue);
        }
    }
}

/// Is anything left of a grant?
enum Left {
    Some,
    /// Nothing; why, and the key that says so.
    No(&'static str, &'static str),
    Open,
}

fn left_of(grants: &mut Grants, at: Grant, grant: &Pattern, hidden: &Exceptions, key: &'static str) -> Left {
    let mut less = grants.taken.of_grant(at);
    match meet(grant, &Pattern::everything(), &less, &mut grants.work) {
        Meeting::Apart => return Left::No("all of it is taken out again", key),
        Meeting::Undecided => return Left::Open,
        Meeting::At(_) => {}
    }
    less.push(hidden);
    match meet(grant, &Pattern::everything(), &less, &mut grants.work) {
        Meeting::Apart => Left::No("all of it is hidden from the agent", "hidden"),
        Meeting::Undecided => Left::Open,
        Meeting::At(_) => Left::Some,
    }
}

fn defeated_by(
    agent: &Agent,
    grant: &Pattern,
    scratch: &[Pattern],
) -> Option<(&'static str, Option<&'static str>)> {
    let reads_all = agent.reads.iter().any(Pattern::is_everything);
    if !reads_all && agent.reads.iter().all(|read| overlap(read, &[], grant, &[]).is_apart()) {
        return Some(("the agent reads none of it", Some("reads")));
    }
    if covers(scratch, &[], grant, &[]) {
        return Some(("scratch is every agent's own without a grant, and nobody else's", None));
    }
    None
}
