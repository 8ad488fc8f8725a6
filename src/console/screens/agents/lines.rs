//! Lines of a detail that lead somewhere: to a deed, a piece of work, a place of the map, another agent.

use ratatui::text::Line;

use crate::console::widgets::facts::Facts;
use crate::domain::ids::{AgentId, Seq, WorkNo};

/// Where a line leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// To a deed in the log.
    Deed(Seq),
    /// To the log with a filter.
    Filter(String),
    /// To a piece of work.
    Work(WorkNo),
    /// To the inbox.
    Queue,
    /// To a place of the map, as readiness names it.
    Map(String),
    /// To an agent of the list.
    Agent(AgentId),
}

/// Lines, each with where it leads.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) all: Vec<(Line<'static>, Option<Target>)>,
}

impl Lines {
    /// The facts put down since the last call lead here: their first line does, the others belong to it.
    pub(super) fn take(&mut self, facts: &mut Facts<'_>, target: Option<&Target>) {
        for (at, line) in std::mem::take(&mut facts.lines).into_iter().enumerate() {
            self.all.push((line, target.cloned().filter(|_| at == 0)));
        }
    }
}
