//! The last line that matches decides: rules in an order become zones, which have none.
//!
//! Each agent writes what its rules name, except what later rules of others name. An agent's exceptions hold for all
//! that it writes, so that what another took and a still later rule gave back can't be said; that is told.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::Rule;
use super::{Remark, RemarkKind};
use crate::domain::ids::AgentId;
use crate::domain::map::overlaps::{Grant, GrantIndex};
use crate::domain::path::{FieldPath, Pattern, Segment, covers, overlap};

/// What one owner's lines come to.
#[derive(Debug)]
pub(super) struct Zone {
    pub(super) agent: AgentId,
    /// The owner as the file says it.
    pub(super) owner: String,
    /// The lines that are in it.
    pub(super) lines: Vec<usize>,
    pub(super) writes: Vec<Pattern>,
    pub(super) except: Vec<Pattern>,
}

/// The zones in the order of the owners' first lines, and what of which line they leave out.
pub(super) fn zones(rules: &[Rule]) -> (Vec<Zone>, Vec<Remark>) {
    let file = File::of(rules);
    let taken = file.taken();
    let (mut zones, mut remarks) = (Vec::new(), Vec::new());
    for key in file.order() {
        let own: BTreeSet<usize> = file.live().filter(|at| file.key(*at) == Some(key.as_str())).collect();
        let except = file.exceptions(&own, taken.get(&key));
        let first = own.first().and_then(|at| file.rule(*at)).and_then(|rule| rule.owner.as_ref());
        let Some(first) = first else { continue };
        let mut zone = Zone {
            agent: first.agent.clone(),
            owner: first.said.clone(),
            lines: Vec::new(),
            writes: Vec::new(),
            except: except.iter().map(|(_, pattern)| pattern.clone()).collect(),
        };
        for at in own {
            let Some(rule) = file.rule(at) else { continue };
            let lost = covers(&zone.except, &[], &rule.pattern, &[]);
            remarks.extend(file.loss(at, &except, lost));
            if !lost && !zone.writes.contains(&rule.pattern) {
                zone.writes.push(rule.pattern.clone());
            }
            if !lost {
                zone.lines.push(rule.line);
            }
        }
        if !zone.writes.is_empty() {
            zone.except.retain(|taken| zone.writes.iter().any(|own| overlap(own, &[], taken, &[]).is_some()));
            zones.push(zone);
        }
    }
    (zones, remarks)
}

/// For each owner: which later rules of others reach into its own, and into which of them.
type Taken = BTreeMap<String, BTreeMap<usize, Vec<usize>>>;

/// The rules, with what finds those that may meet.
struct File<'r> {
    rules: &'r [Rule],
    /// GitHub's names know no case.
    keys: Vec<Option<String>>,
    /// Is there a path for which the rule is the last?
    live: Vec<bool>,
    index: GrantIndex,
}

impl<'r> File<'r> {
    fn of(rules: &'r [Rule]) -> Self {
        let mut index = GrantIndex::default();
        for (item, rule) in rules.iter().enumerate() {
            index.insert(&rule.pattern, Grant { agent: 0, item });
        }
        let key = |rule: &Rule| rule.owner.as_ref().map(|owner| owner.agent.as_str().to_lowercase());
        let keys = rules.iter().map(key).collect();
        let mut file = Self { rules, keys, live: vec![true; rules.len()], index };
        file.live = (0..rules.len()).map(|at| !file.is_shadowed(at)).collect();
        file
    }

    fn rule(&self, at: usize) -> Option<&'r Rule> {
        self.rules.get(at)
    }

    fn key(&self, at: usize) -> Option<&str> {
        self.keys.get(at)?.as_deref()
    }

    fn live(&self) -> impl Iterator<Item = usize> {
        self.live.iter().enumerate().filter(|(_, live)| **live).map(|(at, _)| at)
    }

    fn is_live(&self, at: usize) -> bool {
        self.live.get(at).is_some_and(|live| *live)
    }

    /// The owners, in the order of their first lines.
    fn order(&self) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let keys = self.live().filter_map(|at| self.key(at));
        keys.filter(|key| seen.insert(*key)).map(str::to_owned).collect()
    }

    /// The rules that may meet this one, in their order.
    fn near(&self, pattern: &Pattern) -> BTreeSet<usize> {
        let mut near = BTreeSet::new();
        self.index.near(pattern, &mut |grant| {
            near.insert(grant.item);
        });
        near
    }

    /// What rules after `at` name, of those that may meet the pattern.
    fn after(&self, at: usize, near: &BTreeSet<usize>) -> Vec<Pattern> {
        near.range(at + 1..).filter_map(|later| self.rule(*later)).map(|rule| rule.pattern.clone()).collect()
    }

    fn is_shadowed(&self, at: usize) -> bool {
        let Some(rule) = self.rule(at) else { return true };
        let later = self.after(at, &self.near(&rule.pattern));
        !later.is_empty() && covers(&later, &[], &rule.pattern, &[])
    }

    /// Which later rules take something from which earlier ones of another owner.
    fn taken(&self) -> Taken {
        let mut taken = Taken::new();
        for at in self.live() {
            let Some(rule) = self.rule(at) else { continue };
            let near = self.near(&rule.pattern);
            let later = self.after(at, &near);
            for earlier in near.range(..at).copied().filter(|earlier| self.is_live(*earlier)) {
                let (Some(key), Some(from)) = (self.key(earlier), self.rule(earlier)) else { continue };
                // What a still later rule decides is that one's matter.
                if self.key(at) != Some(key) && overlap(&from.pattern, &later, &rule.pattern, &[]).is_some() {
                    taken.entry(key.to_owned()).or_default().entry(at).or_default().push(earlier);
                }
            }
        }
        taken
    }

    /// An owner's exceptions, each with the rule that it is due to.
    fn exceptions(
        &self,
        own: &BTreeSet<usize>,
        taken: Option<&BTreeMap<usize, Vec<usize>>>,
    ) -> Vec<(usize, Pattern)> {
        let mut except: Vec<(usize, Pattern)> = Vec::new();
        for (at, from) in taken.into_iter().flatten() {
            let Some(rule) = self.rule(*at) else { continue };
            let near = self.near(&rule.pattern);
            let mut back = near.range(at + 1..).filter(|later| own.contains(later));
            let gives_back = back.any(|later| self.meeting(*later, &rule.pattern).is_some());
            let narrow = || {
                let from = from.iter().filter_map(|at| self.rule(*at));
                from.map(|own| both(&own.pattern, &rule.pattern)).collect::<Option<Vec<_>>>()
            };
            let whole = || vec![rule.pattern.clone()];
            let patterns = if gives_back { narrow().unwrap_or_else(whole) } else { whole() };
            except.extend(patterns.into_iter().map(|pattern| (*at, pattern)));
        }
        without_covered(except)
    }

    /// A path that the rule decides and that the pattern matches.
    fn meeting(&self, at: usize, pattern: &Pattern) -> Option<FieldPath> {
        let rule = self.rule(at)?;
        overlap(&rule.pattern, &self.after(at, &self.near(&rule.pattern)), pattern, &[])
    }

    /// What exceptions for earlier rules take out of this one.
    fn loss(&self, at: usize, except: &[(usize, Pattern)], whole: bool) -> Option<Remark> {
        let rule = self.rule(at)?;
        let later = self.after(at, &self.near(&rule.pattern));
        let earlier = || except.iter().filter(|(due_to, _)| *due_to < at);
        // What takes all of it says more than what takes a little.
        let all = earlier().find(|(_, taken)| covers(std::slice::from_ref(taken), &[], &rule.pattern, &[]));
        let (due_to, pattern, example) = all.into_iter().chain(earlier()).find_map(|(due_to, taken)| {
            Some((due_to, taken, overlap(&rule.pattern, &later, taken, &[])?.entity))
        })?;
        let owner = rule.owner.as_ref()?;
        let line = self.rule(*due_to)?.line;
        let reason = format!(
            "line {line} takes `{pattern}` out of all that {} writes, and a map can't give part of it back; \
             nobody owns `{example}`",
            owner.said
        );
        let kind = if whole { RemarkKind::Lost } else { RemarkKind::Partly };
        Some(Remark { line: rule.line, text: rule.text.clone(), kind, reason })
    }
}

/// The same exceptions without those that another one says already.
fn without_covered(except: Vec<(usize, Pattern)>) -> Vec<(usize, Pattern)> {
    let mut index = GrantIndex::default();
    for (item, (_, pattern)) in except.iter().enumerate() {
        index.insert(pattern, Grant { agent: 0, item });
    }
    let is_said = |at: usize, pattern: &Pattern| {
        let mut said = false;
        index.near(pattern, &mut |other| {
            let Some((_, wide)) = except.get(other.item).filter(|_| other.item != at) else { return };
            said = said
                || (covers(std::slice::from_ref(wide), &[], pattern, &[])
                    // Of two that say the same, the first stays.
                    && (other.item < at || !covers(std::slice::from_ref(pattern), &[], wide, &[])));
        });
        said
    };
    let kept: Vec<bool> = except.iter().enumerate().map(|(at, (_, pattern))| !is_said(at, pattern)).collect();
    except.into_iter().zip(kept).filter_map(|(one, kept)| kept.then_some(one)).collect()
}

/// What both match, as one pattern, in the case that matters: names anywhere below, and one directory.
///
/// `files/**/*.js/**` and `files/vendor/*/**` have `files/vendor/**/*.js/**` in common, unless a name on the way to the
/// directory is one of those looked for.
fn both(anywhere: &Pattern, directory: &Pattern) -> Option<Pattern> {
    let is_literal = |segment: &&Segment| matches!(segment, Segment::Literal(_));
    let head = anywhere.segments().iter().take_while(is_literal).count();
    let named = directory.segments().iter().take_while(is_literal).count();
    let (common, looked_for) = anywhere.segments().split_at_checked(head)?;
    let [Segment::Deep, name, ..] = looked_for else { return None };
    let (way, below) = directory.segments().split_at_checked(named)?;
    let all_below = matches!(below, [Segment::Deep] | [Segment::Any, Segment::Deep]);
    let way_down = way.strip_prefix(common)?;
    let apart = way_down.iter().all(|segment| match segment {
        Segment::Literal(text) => !name.matches(text),
        Segment::Any | Segment::Glob(_) | Segment::Deep => false,
    });
    if !all_below || !apart || matches!(name, Segment::Any | Segment::Deep) {
        return None;
    }
    let way: Vec<&str> = directory.as_str().split('/').take(named).collect();
    let rest: Vec<&str> = anywhere.as_str().split('/').skip(head).collect();
    format!("{}/{}", way.join("/"), rest.join("/")).parse().ok()
}
