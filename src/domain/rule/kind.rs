//! Whether a field's kind allows a new value, and this agent at this moment.

use super::turn;
use crate::domain::code::Code;
use crate::domain::ids::AgentId;
use crate::domain::map::FieldKind;
use crate::domain::value::Value;

/// Why a field's kind is against a write.
#[derive(Debug, PartialEq, Eq)]
pub enum Against<'a> {
    /// It is set, and only people change it.
    Constant,
    /// The value is no step of the progression.
    NotAStep(&'a [Value]),
    /// The value is behind the present one.
    Backward(&'a [Value]),
    /// Others are next in the sequence.
    NotYourTurn {
        /// The sequence.
        order: &'a [AgentId],
        /// Who is next.
        next: Vec<&'a AgentId>,
    },
}

impl Against<'_> {
    /// As a code.
    pub fn code(&self) -> Code {
        match self {
            Self::Constant => Code::Constant,
            Self::NotAStep(_) => Code::NotAStep,
            Self::Backward(_) => Code::Backward,
            Self::NotYourTurn { .. } => Code::NotYourTurn,
        }
    }
}

/// What speaks against the value `after`, where the field has the value `before`, if it has one. `last` is the agent that
/// wrote it last; people do not move the baton.
pub fn against<'a, 'l>(
    kind: &'a FieldKind,
    agent: &AgentId,
    (before, after): (Option<&Value>, Option<&Value>),
    last: impl FnOnce() -> Option<&'l AgentId>,
) -> Option<Against<'a>> {
    match kind {
        FieldKind::Owned | FieldKind::Append => None,
        FieldKind::Constant => before.map(|_| Against::Constant),
        FieldKind::Sequenced { agents } => {
            let next = turn::may(agents, last(), false, agent).err()?;
            Some(Against::NotYourTurn { order: agents, next })
        }
        FieldKind::Progression { order } => {
            let step = |value: &Value| order.iter().position(|step| step == value);
            let Some(next) = step(after?) else { return Some(Against::NotAStep(order)) };
            (next < before.and_then(step)?).then_some(Against::Backward(order))
        }
    }
}
