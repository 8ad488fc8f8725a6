//! Whether the `while` of a defer rule is so for a subject, RULES §4.4: asked of its fields, of what is true of other
//! entities, and of open items.

use crate::domain::map::{Condition, Defer, ID, Op, SUBJECT, While};
use crate::domain::path::{Bindings, EntityPath, FieldPath};
use crate::domain::state::State;

/// That it is so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Met {
    /// The fields that make it so: none where an item is open.
    pub fields: Vec<FieldPath>,
    /// In words, with what the variables stand for.
    pub words: String,
}

/// Whether it is so, and by what.
pub fn met(state: &State, rule: &Defer, subject: &EntityPath) -> Option<Met> {
    let while_ = rule.while_.as_ref()?;
    let clauses = match while_ {
        While::Escalated => {
            let open = state.joined.has_open_item(subject);
            return open.then(|| Met { fields: Vec::new(), words: "an item on it is open".to_owned() });
        }
        While::All(clauses) => clauses,
    };
    let free = !while_.free().is_empty();
    let mut bound = if free { state.joined.met(while_, rule.case, subject)? } else { Bindings::new() };
    bound.bind(ID, subject.last_segment());
    bound.bind(SUBJECT, subject.as_str());
    let holds = |clause: &Condition| is_so(state, (clause, rule.case), &bound);
    let fields = clauses.iter().map(holds).collect::<Option<Vec<FieldPath>>>()?;
    let words: Vec<String> = clauses.iter().map(|clause| in_words(clause, &bound)).collect();
    Some(Met { fields, words: words.join(" and ") })
}

/// One clause, with all of its variables bound. What the index says of a clause with free ones is so, but for a state that
/// has none.
fn is_so(state: &State, (clause, case): (&Condition, bool), bound: &Bindings) -> Option<FieldPath> {
    let path = clause.template.fill(bound)?;
    let entity = state.entities.get(&path.entity).filter(|entity| entity.gone.is_none())?;
    let value = &entity.field(&path.field)?.value;
    let holds = match clause.stands_for().and_then(|name| bound.get(name)) {
        Some(text) => {
            let plain = value.plain();
            let same = if case { plain == text } else { plain.to_lowercase() == text.to_lowercase() };
            same == (clause.op != Op::IsNot)
        }
        None => clause.holds(value, case),
    };
    holds.then_some(path)
}

fn in_words(clause: &Condition, bound: &Bindings) -> String {
    let filled = |text: String, (name, value): (&str, &str)| text.replace(&format!("{{{name}}}"), value);
    bound.iter().fold(clause.to_string(), filled)
}
