//! The last line that matches decides: rules in an order become zones, which have none.
//!
//! Each agent writes what its rules name, except what later rules of others name. An exception holds for all that the agent
//! writes where none of its still later rules gives a part of that back, and else for the grants that it is due to.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::rule::Rule;
use super::{Remark, RemarkKind};
use crate::domain::ids::AgentId;
use crate::domain::map::overlaps::{Grant, GrantIndex};
use crate::domain::path::{Exceptions, Meeting, Pattern, Work, meets_after};

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
    /// What is taken out of one of `writes` alone.
    pub(super) except_of: BTreeMap<Pattern, Vec<Pattern>>,
}

/// The zones in the order of the owners' first lines, and the lines of which it was not decided what they leave to others.
pub(super) fn zones(rules: &[Rule]) -> (Vec<Zone>, Vec<Remark>) {
    let file = File::of(rules);
    let (taken, remarks) = file.taken();
    let zone = |key: &String| file.zone(key, taken.get(key));
    (file.order().iter().filter_map(zone).collect(), remarks)
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
    /// The patterns of all rules, each under its number from 1.
    tree: Exceptions,
    /// Which rules have paths of their own beside all others of the file: no exceptions cover one of those.
    alone: Vec<bool>,
    /// The same of each section alone.
    sections: BTreeMap<usize, Exceptions>,
    work: RefCell<Work>,
}

impl<'r> File<'r> {
    fn of(rules: &'r [Rule]) -> Self {
        let mut index = GrantIndex::default();
        let (mut tree, mut sections) = (Exceptions::default(), BTreeMap::<usize, Exceptions>::new());
        let mut backwards = Exceptions::default();
        for (item, rule) in rules.iter().enumerate() {
            index.insert(&rule.pattern, Grant { agent: 0, item });
            tree.insert(&rule.pattern, number(item));
            backwards.insert(&rule.pattern, number(rules.len() - item));
            sections.entry(rule.section).or_default().insert(&rule.pattern, number(item));
        }
        let key = |rule: &Rule| rule.owner.as_ref().map(|owner| owner.agent.as_str().to_lowercase());
        let keys = rules.iter().map(key).collect();
        let live = vec![true; rules.len()];
        let mut work = Work::together();
        let mut alone = |at: usize, rule: &Rule| {
            let others = [(&tree, number(at)), (&backwards, number(rules.len() - at))];
            meets_after(&rule.pattern, &Pattern::everything(), &others, &mut work).is_sure()
        };
        let alone = rules.iter().enumerate().map(|(at, rule)| alone(at, rule)).collect();
        let work = RefCell::new(work);
        let mut file = Self { rules, keys, live, index, tree, alone, sections, work };
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

    /// Is a path of the rule's also the pattern's, of those that no rule after `at` matches?
    fn decides(&self, rule: &Rule, at: usize, pattern: &Pattern) -> Meeting<()> {
        let later = [(&self.tree, number(at))];
        meets_after(&rule.pattern, pattern, &later, &mut self.work.borrow_mut())
    }

    fn is_shadowed(&self, at: usize) -> bool {
        let Some(rule) = self.rule(at) else { return true };
        self.decides(rule, at, &Pattern::everything()).is_apart()
    }

    /// Which later rules take something from which earlier ones of another owner; what was not decided counts as taken.
    fn taken(&self) -> (Taken, Vec<Remark>) {
        let (mut taken, mut open, mut shared) = (Taken::new(), BTreeMap::new(), BTreeMap::new());
        for at in self.live() {
            let Some(rule) = self.rule(at) else { continue };
            let near = self.near(&rule.pattern);
            for earlier in near.range(..at).copied().filter(|earlier| self.is_live(*earlier)) {
                let (Some(key), Some(from)) = (self.key(earlier), self.rule(earlier)) else { continue };
                if self.key(at) == Some(key) {
                    continue;
                }
                // What a still later rule decides is that one's matter.
                let meeting = self.decides(from, at, &rule.pattern);
                if matches!(meeting, Meeting::Undecided) {
                    open.entry(earlier).or_insert(at);
                } else if meeting.is_sure() && rule.section != from.section {
                    shared.insert(earlier, at);
                }
                if meeting.may_be() {
                    taken.entry(key.to_owned()).or_default().entry(at).or_default().push(earlier);
                }
            }
        }
        let open = open.into_iter().filter_map(|(earlier, at)| self.open(earlier, at));
        let shared = shared.into_iter().filter_map(|(earlier, at)| self.shared(earlier, at));
        let hidden = (0..self.rules.len()).filter_map(|at| self.hidden(at));
        let remarks = open.chain(shared).chain(hidden).collect();
        (taken, remarks)
    }

    fn open(&self, earlier: usize, at: usize) -> Option<Remark> {
        let (rule, by) = (self.rule(earlier)?, self.rule(at)?);
        let reason = format!(
            "not decided here: whether line {} and lines after it leave anything of it to the line; what it matches is \
             taken out",
            by.line
        );
        Some(Remark { line: rule.line, text: rule.text.clone(), kind: RemarkKind::Open, reason })
    }

    /// A line whose every path other sections speak of too, although it decides in its own.
    fn hidden(&self, at: usize) -> Option<Remark> {
        if self.is_live(at) || self.sections.len() < 2 {
            return None;
        }
        let rule = self.rule(at)?;
        let own = [(self.sections.get(&rule.section)?, number(at))];
        let all = Pattern::everything();
        if meets_after(&rule.pattern, &all, &own, &mut self.work.borrow_mut()).is_apart() {
            return None;
        }
        let other = |later: &usize| {
            let by = self.rule(*later);
            by.is_some_and(|by| {
                let apart = by.section == rule.section || self.key(*later) == self.key(at);
                !apart && self.is_live(*later) && self.decides(rule, *later, &by.pattern).may_be()
            })
        };
        let by = self.near(&rule.pattern).range(at + 1..).copied().find(other)?;
        self.shared(at, by)
    }

    /// A line of another section names owners of the same path, or says that there are none.
    fn shared(&self, earlier: usize, at: usize) -> Option<Remark> {
        let (rule, by) = (self.rule(earlier)?, self.rule(at)?);
        let whose = match &by.owner {
            Some(owner) => format!("{} of line {} has it", owner.said, by.line),
            None => format!("nobody has it, by line {}", by.line),
        };
        let reason = format!(
            "another section speaks of some of it too (`{}`), and a file has one writer: {whose}, {} proposes to it",
            by.pattern,
            rule.owner.as_ref()?.said
        );
        Some(Remark { line: rule.line, text: rule.text.clone(), kind: RemarkKind::SeveralOwners, reason })
    }

    fn zone(&self, key: &str, taken: Option<&BTreeMap<usize, Vec<usize>>>) -> Option<Zone> {
        let own: BTreeSet<usize> = self.live().filter(|at| self.key(*at) == Some(key)).collect();
        let owner = own.first().and_then(|at| self.rule(*at))?.owner.as_ref()?;
        let rules = || own.iter().filter_map(|at| self.rule(*at));
        let (mut except, mut except_of) = (Vec::new(), BTreeMap::<Pattern, Vec<usize>>::new());
        for (at, from) in taken.into_iter().flatten() {
            let Some(rule) = self.rule(*at) else { continue };
            let mut later = own.range(at + 1..).filter_map(|later| Some((*later, self.rule(*later)?)));
            if !later.any(|(later, given)| self.decides(given, later, &rule.pattern).may_be()) {
                except.push(*at);
                continue;
            }
            for grant in from.iter().filter_map(|from| self.rule(*from)) {
                except_of.entry(grant.pattern.clone()).or_default().push(*at);
            }
        }
        let except_of = except_of.into_iter().map(|(grant, own)| (grant, self.without_covered(&own)));
        Some(Zone {
            agent: owner.agent.clone(),
            owner: owner.said.clone(),
            lines: rules().map(|rule| rule.line).collect(),
            writes: rules().map(|rule| rule.pattern.clone()).collect(),
            except: self.without_covered(&except),
            except_of: except_of.collect(),
        })
    }

    /// The exceptions without those that others of them say already.
    fn without_covered(&self, except: &[usize]) -> Vec<Pattern> {
        let patterns = || except.iter().filter_map(|at| self.rule(*at)).map(|rule| &rule.pattern);
        if except.iter().all(|at| self.alone.get(*at).is_some_and(|alone| *alone)) {
            return patterns().cloned().collect();
        }
        let mut all = Exceptions::default();
        for (at, pattern) in patterns().enumerate() {
            all.insert(pattern, number(at));
        }
        let (mut kept, mut said) = (Vec::new(), Exceptions::default());
        for (at, pattern) in patterns().enumerate() {
            let others = [(&said, 0), (&all, number(at))];
            if meets_after(pattern, &Pattern::everything(), &others, &mut Work::question()).may_be() {
                said.insert(pattern, 1);
                kept.push(pattern.clone());
            }
        }
        kept
    }
}

/// A rule's number in the tree, from 1.
fn number(at: usize) -> u32 {
    u32::try_from(at + 1).unwrap_or(u32::MAX)
}
