//! Do two patterns, less their exceptions, meet? Decided exactly and at a known cost, with a path that both match.
//!
//! What a star stands for is filled with one letter that no pattern names (`words`). An exception that matches the path
//! so filled matches all that the same stars stand for, so that this one path decides for all of them, and no product of
//! exceptions is ever formed. What is left to follow are the ways in which the segments of two patterns can be laid over
//! one another, side by side with one tree of the exceptions (`exceptions`, `search`).
//!
//! That is short for every map and file seen so far, and can be made long; so each question has a bound of [`Work`], past
//! which the answer is [`Meeting::Undecided`].

mod exceptions;
mod globs;
mod search;
mod side;
mod words;

use super::Pattern;
use crate::domain::path::entity::FieldPath;
use crate::domain::path::{FieldName, FieldPart, Segment};

pub use exceptions::Exceptions;

/// How many steps one question may take; a step is one look at one place of a tree of exceptions.
pub const MAX_STEPS: u64 = 1 << 17;
/// How many steps all questions of one look at a map may take together.
pub const MAX_STEPS_TOGETHER: u64 = 1 << 24;

/// Whether something is on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meeting<P = FieldPath> {
    /// No path is.
    Apart,
    /// This one is.
    At(P),
    /// Not decided here: finding out would take more than the question may cost.
    Undecided,
}

impl<P> Meeting<P> {
    /// The path, where there surely is one.
    pub fn path(self) -> Option<P> {
        match self {
            Self::At(path) => Some(path),
            Self::Apart | Self::Undecided => None,
        }
    }

    /// Is there surely nothing on both sides?
    pub fn is_apart(&self) -> bool {
        matches!(self, Self::Apart)
    }

    /// Is there surely something on both sides?
    pub fn is_sure(&self) -> bool {
        matches!(self, Self::At(_))
    }

    /// Is there something on both sides, or was it not decided?
    pub fn may_be(&self) -> bool {
        !self.is_apart()
    }
}

/// What is left of the steps that questions may take.
#[derive(Clone, Debug)]
pub struct Work {
    together: u64,
    question: u64,
}

impl Work {
    /// For one question.
    pub fn question() -> Self {
        Self { together: MAX_STEPS, question: MAX_STEPS }
    }

    /// For all questions about a map.
    pub fn together() -> Self {
        Self { together: MAX_STEPS_TOGETHER, question: MAX_STEPS }
    }

    fn begin(&mut self) {
        self.together = self.together.saturating_sub(1);
        self.question = MAX_STEPS.min(self.together);
    }

    /// Is nothing left?
    pub fn is_spent(&self) -> bool {
        self.together == 0
    }

    /// Takes steps; false once none are left.
    pub(crate) fn spend(&mut self, steps: u64) -> bool {
        self.together = self.together.saturating_sub(steps);
        self.question = self.question.saturating_sub(steps);
        self.question > 0
    }
}

/// A path that both patterns match and that neither's exceptions take out.
pub fn overlap(a: &Pattern, a_except: &[Pattern], b: &Pattern, b_except: &[Pattern]) -> Meeting {
    outside(a, b, a_except.iter().chain(b_except))
}

/// A path that the pattern matches and none of the exceptions does.
pub fn example_outside<'a>(pattern: &Pattern, except: impl IntoIterator<Item = &'a Pattern>) -> Meeting {
    outside(pattern, &Pattern::everything(), except)
}

/// Do `grants` less `except` surely cover all of `pattern` less `less`?
pub fn covers(grants: &[Pattern], except: &[Pattern], pattern: &Pattern, less: &[Pattern]) -> bool {
    let witness = pattern.sample();
    let taken = |path: &FieldPath| grants.iter().chain(less).any(|other| other.matches_path(path));
    if witness.is_some_and(|path| !taken(&path)) {
        return false;
    }
    example_outside(pattern, grants.iter().chain(less)).is_apart()
        && except.iter().all(|taken| overlap(pattern, less, taken, &[]).is_apart())
}

fn outside<'a>(a: &Pattern, b: &Pattern, except: impl IntoIterator<Item = &'a Pattern>) -> Meeting {
    if !heads_agree(a, b) {
        return Meeting::Apart;
    }
    let near = except.into_iter().filter(|taken| heads_agree(a, taken) && heads_agree(b, taken));
    meet(a, b, &[&near.collect()], &mut Work::question())
}

/// A path that both patterns match and that none of the exceptions takes out; these were built before, for many
/// questions.
pub fn meet(a: &Pattern, b: &Pattern, less: &[&Exceptions], work: &mut Work) -> Meeting {
    let ranked: Vec<(&Exceptions, u32)> = less.iter().map(|exceptions| (*exceptions, 0)).collect();
    meet_after(a, b, &ranked, work)
}

/// Is there such a path? The same question, cheaper where none is to be shown.
pub fn meets(a: &Pattern, b: &Pattern, less: &[&Exceptions], work: &mut Work) -> Meeting<()> {
    let ranked: Vec<(&Exceptions, u32)> = less.iter().map(|exceptions| (*exceptions, 0)).collect();
    meets_after(a, b, &ranked, work)
}

/// The same, of each tree only what has a rank above the one given.
pub(crate) fn meet_after(a: &Pattern, b: &Pattern, less: &[(&Exceptions, u32)], work: &mut Work) -> Meeting {
    work.begin();
    if is_gone(a, b, less) {
        return Meeting::Apart;
    }
    search::find(a, b, less, work, search::spelled)
}

pub(crate) fn meets_after(
    a: &Pattern,
    b: &Pattern,
    less: &[(&Exceptions, u32)],
    work: &mut Work,
) -> Meeting<()> {
    work.begin();
    if is_gone(a, b, less) {
        return Meeting::Apart;
    }
    if side::meet_side_by_side(a, b, less, work) {
        return Meeting::At(());
    }
    search::find(a, b, less, work, search::is_short)
}

/// Nothing is left of a pattern less itself, however many exceptions there are beside.
fn is_gone(a: &Pattern, b: &Pattern, less: &[(&Exceptions, u32)]) -> bool {
    let gone = |pattern| less.iter().any(|(exceptions, above)| exceptions.has_exactly(pattern, *above));
    !heads_agree(a, b) || gone(a) || gone(b)
}

/// A cheap look that settles most pairs: leading segments and literal fields that can't be the same.
pub(crate) fn heads_agree(a: &Pattern, b: &Pattern) -> bool {
    let fields = match (a.field_part(), b.field_part()) {
        (FieldPart::Literal(name), other) | (other, FieldPart::Literal(name)) => other.matches(name),
        (FieldPart::Whole, other) | (other, FieldPart::Whole) => other.matches(&FieldName::whole()),
        (
            FieldPart::All | FieldPart::Any | FieldPart::Glob(_),
            FieldPart::All | FieldPart::Any | FieldPart::Glob(_),
        ) => true,
    };
    fields && segments_agree(a.segments(), b.segments())
}

fn segments_agree(a: &[Segment], b: &[Segment]) -> bool {
    let mut pairs = a.iter().zip(b);
    let undecided = pairs.find_map(|(x, y)| match (x, y) {
        (Segment::Deep, _) | (_, Segment::Deep) => Some(true),
        (Segment::Literal(text), other) | (other, Segment::Literal(text)) => {
            (!other.matches(text)).then_some(false)
        }
        (Segment::Any | Segment::Glob(_), Segment::Any | Segment::Glob(_)) => None,
    });
    undecided.unwrap_or_else(|| {
        let longer = if a.len() > b.len() { a.get(b.len()..) } else { b.get(a.len()..) };
        longer.unwrap_or_default().iter().all(|segment| matches!(segment, Segment::Deep))
    })
}

#[cfg(test)]
mod tests;
