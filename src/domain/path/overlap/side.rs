//! Two patterns that end in `**` mostly meet where what they name stands one after the other. That one path is tried before any
//! search: of hundreds of rules anywhere in a tree nearly all pairs meet so.

use super::Work;
use super::exceptions::{Ranked, is_taken, start, step};
use super::search::is_name;
use super::words::{FRESH, of_fields, of_segment};
use crate::domain::path::entity::MAX_ENTITY_BYTES;
use crate::domain::path::{Pattern, Segment};

/// Is there surely such a path? Where not, a search has to find out.
pub(super) fn meet_side_by_side(a: &Pattern, b: &Pattern, less: &[Ranked<'_>], work: &mut Work) -> bool {
    let named = |pattern: &Pattern| pattern.as_str().contains(FRESH);
    if named(a) || named(b) || less.iter().any(|(exceptions, _)| exceptions.fresh) {
        return false;
    }
    let Some(words) = words(a.segments(), b.segments()) else { return false };
    let bytes: usize = words.iter().map(|word| word.len() + 1).sum();
    if words.is_empty() || bytes > MAX_ENTITY_BYTES || !words.iter().all(|word| is_name(word)) {
        return false;
    }
    let mut places = start(less);
    for word in &words {
        let (reached, cost) = step(less, &places, word);
        if !work.spend(cost) {
            return false;
        }
        places = reached;
    }
    let fields = of_fields(a.field_part(), b.field_part()).list;
    fields.iter().any(|field| field.len() < FIELD_BYTES && !is_taken(less, &places, field))
}

/// Longer fields are left to the search.
const FIELD_BYTES: usize = 64;

/// What both begin with, then what is left of the one, then of the other; none where both do not go on anywhere after that.
fn words(a: &[Segment], b: &[Segment]) -> Option<Vec<String>> {
    let common = a.iter().zip(b).take_while(|(x, y)| x == y && !matches!(x, Segment::Deep)).count();
    let (rest_a, rest_b) = (a.get(common..)?, b.get(common..)?);
    let open = |rest: &[Segment]| {
        let deep = |segment: Option<&Segment>| matches!(segment, Some(Segment::Deep));
        deep(rest.first()) && deep(rest.last())
    };
    if !open(rest_a) || !open(rest_b) {
        return None;
    }
    let named = a.iter().take(common).chain(rest_a).chain(rest_b);
    Some(named.filter(|segment| !matches!(segment, Segment::Deep)).map(of_segment).collect())
}
