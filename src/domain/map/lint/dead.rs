//! Grants that can never be used.

use super::{Issue, Issues, Lint, Section, Spot};
use crate::domain::map::authority::scratch;
use crate::domain::map::model::{Agent, Model};
use crate::domain::path::{Pattern, covers, overlap};

pub(super) fn check(model: &Model, issues: &mut Issues) {
    let scratch = [scratch()];
    for (at, agent) in model.agents.iter().enumerate() {
        for (item, grant) in agent.writes.iter().enumerate() {
            let Some((why, key)) = defeated_by(agent, grant, &scratch) else { continue };
            let spot = Spot::entry(Section::Agent, at);
            let message = format!("`{}` may write `{grant}`, but {why}", agent.id);
            let mut issue = Issue::new(Lint::DeadGrant, spot.key("writes").item(item), message);
            issue.also.extend(key.map(|key| (spot.key(key), "because of this".to_owned())));
            issues.push(issue);
        }
    }
}

fn defeated_by(
    agent: &Agent,
    grant: &Pattern,
    scratch: &[Pattern],
) -> Option<(&'static str, Option<&'static str>)> {
    if covers(&agent.except, &[], grant, &[]) {
        return Some(("all of it is taken out again", Some("except")));
    }
    if covers(&agent.hidden, &[], grant, &agent.except) {
        return Some(("all of it is hidden from the agent", Some("hidden")));
    }
    let reads_all = agent.reads.iter().any(Pattern::is_everything);
    if !reads_all && agent.reads.iter().all(|read| overlap(read, &[], grant, &[]).is_none()) {
        return Some(("the agent reads none of it", Some("reads")));
    }
    if covers(scratch, &[], grant, &[]) {
        return Some(("scratch is every agent's own without a grant, and nobody else's", None));
    }
    None
}
