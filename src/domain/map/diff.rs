//! The difference between two maps, line by line, in words.

use std::fmt;

use super::{Agent, Model};

/// One line of a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Added rather than removed.
    pub added: bool,
    /// What, such as `follow-up.writes crm/contact/*#score`.
    pub what: String,
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", if self.added { '+' } else { '-' }, self.what)
    }
}

/// What goes, then what comes.
pub fn difference(old: &Model, new: &Model) -> Vec<Change> {
    let before = lines(old);
    let after = lines(new);
    let gone = before.iter().filter(|line| !after.contains(line)).map(|line| (false, line));
    let come = after.iter().filter(|line| !before.contains(line)).map(|line| (true, line));
    gone.chain(come).map(|(added, what)| Change { added, what: what.clone() }).collect()
}

fn lines(model: &Model) -> Vec<String> {
    let mut lines: Vec<String> = model.agents.iter().flat_map(agent_lines).collect();
    lines.extend(model.queues.iter().map(|queue| format!("queue {} {}", queue.name, queue.owner)));
    lines
}

fn agent_lines(agent: &Agent) -> Vec<String> {
    let id = &agent.id;
    let mut lines = vec![format!("agent {id}")];
    lines.extend(agent.writes.iter().map(|pattern| format!("{id}.writes {pattern}")));
    lines.extend(agent.except.iter().map(|pattern| format!("{id}.except {pattern}")));
    lines.extend(agent.triggers.iter().map(|event| format!("{id}.triggers {event}")));
    lines.extend(agent.outputs.iter().map(|output| format!("{id}.outputs {output}")));
    lines
}
