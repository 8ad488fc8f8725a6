//! What keeps defer rules in force beyond the fields of their subject (RULES §4.4), ready to be asked: for each `while` that
//! speaks of other entities, which of them are so for which subject; and on which entities items are open.
//!
//! Derived from board and values, and never kept: folded with each deed, and made anew on start and where another map has
//! other such rules. A map without one costs nothing.

use std::collections::HashMap;
use std::sync::Arc;

use imbl::ordmap::DiffItem;
use imbl::{OrdMap, OrdSet};

use super::{Entities, State};
use crate::domain::deed::Deed;
use crate::domain::ids::ItemNo;
use crate::domain::map::{Condition, ID, Map, Model, Op, PatternIndex, SUBJECT, While};
use crate::domain::path::{Bindings, EntityPath, FieldName};
use crate::domain::things::{Entity, Item};
use crate::domain::value::Value;

/// What the free variables stand for, in the order of their names.
type Free = Arc<str>;
/// A rule, and one of its clauses.
type Place = (usize, usize);
/// What no segment of a path has in it.
const BETWEEN: char = '/';

/// The index. Equal where it says the same.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Joined {
    rules: Arc<Rules>,
    /// For whom each clause is true, by what its free variables are.
    facts: OrdMap<(Place, Free), OrdSet<Bound>>,
    /// What the free variables may be where all clauses are true, by rule and by whom the clauses are about.
    met: OrdMap<(usize, Arc<str>), OrdSet<Free>>,
    /// Open items, by what they are about.
    open: OrdMap<EntityPath, OrdSet<ItemNo>>,
}

/// The rules of a map that need it.
#[derive(Debug, Default)]
struct Rules {
    joins: Vec<Rule>,
    by: HashMap<(While, bool), usize>,
    clauses: PatternIndex<Place>,
    escalated: bool,
}

#[derive(Debug, PartialEq)]
struct Rule {
    free: Vec<Arc<str>>,
    clauses: Vec<Clause>,
}

/// A clause with free variables.
#[derive(Debug, PartialEq)]
struct Clause {
    condition: Condition,
    /// Upper and lower case are two things.
    case: bool,
    tie: Tie,
}

/// How a clause says which subject it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tie {
    /// Not at all.
    Any,
    /// Its path has `{id}`.
    Path,
    /// Its value is `{id}`.
    Id,
    /// Its value is `{subject}`.
    Subject,
}

/// Which subject a clause is true for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Bound {
    Any,
    Path(Arc<str>),
    Value(Arc<str>),
}

impl Bound {
    fn written(&self, key: &mut String) {
        let (sign, text): (char, &str) = match self {
            Self::Any => ('.', ""),
            Self::Path(text) => ('=', text),
            Self::Value(text) => ('~', text),
        };
        key.push('\n');
        key.push(sign);
        key.push_str(text);
    }
}

impl PartialEq for Rules {
    fn eq(&self, other: &Self) -> bool {
        self.escalated == other.escalated && self.joins == other.joins
    }
}

impl Rules {
    fn of(map: &Map) -> Self {
        let mut all = Self::default();
        for defer in &map.model().defers {
            let Some(while_) = &defer.while_ else { continue };
            all.escalated |= *while_ == While::Escalated;
            let Some(rule) = Rule::of(while_, defer.case) else { continue };
            let next = all.joins.len();
            let known = *all.by.entry((while_.clone(), defer.case)).or_insert(next);
            if known == next {
                for (at, clause) in rule.clauses.iter().enumerate() {
                    all.clauses.insert(&clause.condition.template.to_pattern(), (next, at));
                }
                all.joins.push(rule);
            }
        }
        all
    }

    fn is_empty(&self) -> bool {
        self.joins.is_empty() && !self.escalated
    }

    /// What the paths begin with that clauses are about; none of these begins with another.
    fn prefixes(&self) -> Vec<String> {
        let clauses = self.joins.iter().flat_map(|rule| &rule.clauses);
        let mut all: Vec<String> =
            clauses.map(|clause| clause.condition.template.to_pattern().prefix()).collect();
        all.sort();
        // What is sorted comes right after what it begins with.
        all.dedup_by(|next, before| next.starts_with(before.as_str()));
        all
    }
}

impl Rule {
    /// None where the subject says everything, or where a clause leaves one of the free variables open.
    fn of(while_: &While, case: bool) -> Option<Self> {
        let free = while_.free();
        let joined = |condition: &&Condition| condition.free().next().is_some();
        let mut clauses = Vec::new();
        for condition in while_.clauses().iter().filter(joined) {
            let tie = match condition.stands_for() {
                _ if condition.binds(ID) => Tie::Path,
                Some(ID) => Tie::Id,
                Some(SUBJECT) => Tie::Subject,
                Some(_) | None => Tie::Any,
            };
            let all = free.iter().all(|name| condition.binds(name));
            if !all || condition.binds(SUBJECT) {
                return None;
            }
            clauses.push(Clause { condition: condition.clone(), case, tie });
        }
        let free = free.into_iter().map(Arc::from).collect();
        (!clauses.is_empty()).then_some(Self { free, clauses })
    }
}

impl Clause {
    /// What its free variables are where it is about this entity, and the subject where its path says that.
    fn of(&self, rule: &Rule, entity: &EntityPath) -> Option<(Free, Option<Arc<str>>)> {
        let bound = self.condition.template.bind_entity(entity)?;
        let names: Option<Vec<&str>> = rule.free.iter().map(|name| bound.get(name)).collect();
        Some((Arc::from(names?.join(&BETWEEN.to_string())), bound.get(ID).map(Arc::from)))
    }

    /// For whom it is true with this value; `id` is what its path says of that.
    fn bound(&self, id: Option<Arc<str>>, value: &Value) -> Option<Bound> {
        let holds = || self.condition.holds(value, self.case);
        match (self.tie, id) {
            (Tie::Path, Some(id)) => {
                let stands = self.condition.stands_for().is_some_and(|name| name == ID);
                let is = if stands { self.says(value, &id) } else { holds() };
                is.then_some(Bound::Path(id))
            }
            (Tie::Path, None) => None,
            (Tie::Any, _) => holds().then_some(Bound::Any),
            (Tie::Id | Tie::Subject, _) => {
                let text = value.plain();
                // What is in no path is no subject.
                let is = self.condition.op == Op::Is && !text.contains(char::is_control);
                is.then(|| Bound::Value(self.folded(&text)))
            }
        }
    }

    /// Whether the value is that text, or is not, as the clause has it.
    fn says(&self, value: &Value, text: &str) -> bool {
        let same = self.folded(&value.plain()) == self.folded(text);
        if self.condition.op == Op::IsNot { !same } else { same }
    }

    /// Whom it has to be true for where a rule is asked about this subject.
    fn wanted(&self, subject: &EntityPath) -> Bound {
        match self.tie {
            Tie::Any => Bound::Any,
            Tie::Path => Bound::Path(Arc::from(subject.last_segment())),
            Tie::Id => Bound::Value(self.folded(subject.last_segment())),
            Tie::Subject => Bound::Value(self.folded(subject.as_str())),
        }
    }

    fn folded(&self, text: &str) -> Arc<str> {
        if self.case { Arc::from(text) } else { Arc::from(text.to_lowercase()) }
    }
}

impl Joined {
    /// Of the map and all values.
    pub fn of(map: &Map, entities: &Entities, items: &OrdMap<ItemNo, Arc<Item>>) -> Self {
        let mut joined = Self { rules: Arc::new(Rules::of(map)), ..Self::default() };
        let rules = Arc::clone(&joined.rules);
        for prefix in rules.prefixes() {
            for (path, entity) in entities.range(&prefix) {
                joined.take_in(&path, &entity);
            }
        }
        joined.items(&OrdMap::new(), items);
        joined
    }

    /// Does a rule of the map ask here?
    pub fn is_needed(&self) -> bool {
        !self.rules.is_empty()
    }

    /// What the free variables of the `while` may be where all of its clauses that have some are true for the subject: the first
    /// of all such.
    pub fn met(&self, while_: &While, case: bool, subject: &EntityPath) -> Option<Bindings> {
        let at = *self.rules.by.get(&(while_.clone(), case))?;
        let rule = self.rules.joins.get(at)?;
        let mut key = String::new();
        for clause in &rule.clauses {
            clause.wanted(subject).written(&mut key);
        }
        let found = self.met.get(&(at, Arc::from(key)))?.iter().next()?;
        let mut bound = Bindings::new();
        for (name, text) in rule.free.iter().zip(found.split(BETWEEN)) {
            bound.bind(name, text);
        }
        Some(bound)
    }

    /// Is an item on the entity open?
    pub fn has_open_item(&self, entity: &EntityPath) -> bool {
        self.open.contains_key(entity)
    }

    /// Is something over that was so before: an item on an entity, or the last of what met a rule for somebody?
    pub fn has_ended_since(&self, before: &Self) -> bool {
        let gone = |item: DiffItem<'_, '_, _, _>| matches!(item, DiffItem::Remove(..));
        self.rules != before.rules
            || before.open.diff(&self.open).any(gone)
            || before.met.diff(&self.met).any(|item| matches!(item, DiffItem::Remove(..)))
    }

    /// Items that were opened and that were closed.
    pub(super) fn items(&mut self, before: &OrdMap<ItemNo, Arc<Item>>, now: &OrdMap<ItemNo, Arc<Item>>) {
        if !self.rules.escalated {
            return;
        }
        for change in before.diff(now) {
            let (gone, new) = match change {
                DiffItem::Add(no, item) => (None, Some((no, item))),
                DiffItem::Remove(no, item) => (Some((no, item)), None),
                DiffItem::Update { old, new } => (Some(old), Some(new)),
            };
            if let Some((no, subject)) = gone.and_then(|(no, item)| Some((no, item.subject.as_ref()?)))
                && let Some(open) = self.open.get_mut(subject)
            {
                open.remove(no);
                if open.is_empty() {
                    self.open.remove(subject);
                }
            }
            if let Some((no, subject)) = new.and_then(|(no, item)| Some((no, item.subject.as_ref()?))) {
                self.open.entry(subject.clone()).or_default().insert(*no);
            }
        }
    }

    /// The entity as it is now.
    pub(super) fn take_in(&mut self, path: &EntityPath, entity: &Entity) {
        for (name, _) in &entity.fields {
            self.field(path, entity, name);
        }
    }

    /// One field of it as it is now.
    pub(super) fn field(&mut self, path: &EntityPath, entity: &Entity, name: &FieldName) {
        let rules = Arc::clone(&self.rules);
        let value = entity.field(name).filter(|_| entity.gone.is_none()).map(|field| &field.value);
        rules.clauses.visit(path, name, &mut |place| self.clause(&rules, *place, path, value));
    }

    fn clause(&mut self, rules: &Rules, place: Place, path: &EntityPath, value: Option<&Value>) {
        let Some(rule) = rules.joins.get(place.0) else { return };
        let Some(clause) = rule.clauses.get(place.1) else { return };
        let Some((free, id)) = clause.of(rule, path) else { return };
        let new = value.and_then(|value| clause.bound(id.clone(), value));
        let known = self.facts.get(&(place, Arc::clone(&free)));
        let own = id.map(Bound::Path);
        let old = known.and_then(|known| match &own {
            Some(own) => known.get(own),
            None => known.iter().next(),
        });
        let old = old.cloned();
        if old == new {
            return;
        }
        if let Some(old) = old {
            for key in self.keys(rule, place, &free, &old) {
                self.unmeet(&(place.0, key), &free);
            }
            let known = self.facts.entry((place, Arc::clone(&free))).or_default();
            known.remove(&old);
            if known.is_empty() {
                self.facts.remove(&(place, Arc::clone(&free)));
            }
        }
        if let Some(new) = new {
            self.facts.entry((place, Arc::clone(&free))).or_default().insert(new.clone());
            for key in self.keys(rule, place, &free, &new) {
                self.met.entry((place.0, key)).or_default().insert(Arc::clone(&free));
            }
        }
    }

    fn unmeet(&mut self, key: &(usize, Arc<str>), free: &Free) {
        let Some(met) = self.met.get_mut(key) else { return };
        met.remove(free);
        if met.is_empty() {
            self.met.remove(key);
        }
    }

    /// For whom all clauses are true with these free variables, where one of them is for `bound`: as many as the others are
    /// true for.
    fn keys(&self, rule: &Rule, (at, own): Place, free: &Free, bound: &Bound) -> Vec<Arc<str>> {
        let mut found: Vec<(String, Option<Bound>)> = vec![(String::new(), None)];
        if matches!(bound, Bound::Path(_)) {
            found = vec![(String::new(), Some(bound.clone()))];
        }
        for place in 0..rule.clauses.len() {
            let of_place = self.facts.get(&((at, place), Arc::clone(free)));
            let mut next = Vec::new();
            for (key, id) in found {
                let tied = rule.clauses.get(place).is_some_and(|clause| clause.tie == Tie::Path);
                let all: Vec<&Bound> = match (&id, of_place) {
                    _ if place == own => vec![bound],
                    (Some(id), Some(known)) if tied => known.get(id).into_iter().collect(),
                    (_, known) => known.into_iter().flatten().collect(),
                };
                for bound in all {
                    let mut key = key.clone();
                    bound.written(&mut key);
                    let id = if tied { Some(bound.clone()) } else { id.clone() };
                    next.push((key, id));
                }
            }
            found = next;
        }
        found.into_iter().map(|(key, _)| Arc::from(key)).collect()
    }
}

impl State {
    /// What a deed did to what rules ask for.
    pub(super) fn follow(&mut self, deed: &Deed, before: &Before) {
        if !Arc::ptr_eq(&before.model, self.board.map.model())
            && Rules::of(&self.board.map) != *self.joined.rules
        {
            self.joined = Arc::new(Joined::of(&self.board.map, &self.entities, &self.board.items));
            return;
        }
        if let Some(items) = &before.items {
            Arc::make_mut(&mut self.joined).items(items, &self.board.items);
        }
        let Some(path) = deed.subject.as_ref().filter(|_| !self.joined.rules.joins.is_empty()) else {
            return;
        };
        let Some(entity) = self.entities.get(path) else { return };
        if before.was_gone != entity.gone.is_some() {
            Arc::make_mut(&mut self.joined).take_in(path, entity);
            return;
        }
        for change in deed.fields.iter().filter(|change| change.entity.is_none()) {
            Arc::make_mut(&mut self.joined).field(path, entity, &change.name);
        }
    }

    /// What has to be known of the state before a deed to follow it.
    pub(super) fn before(&self, deed: &Deed) -> Before {
        let joins = !self.joined.rules.joins.is_empty();
        let subject = deed.subject.as_ref().filter(|_| joins);
        let known = subject.and_then(|path| self.entities.get(path));
        Before {
            model: Arc::clone(self.board.map.model()),
            items: self.joined.rules.escalated.then(|| self.board.items.clone()),
            was_gone: known.is_some_and(|entity| entity.gone.is_some()),
        }
    }
}

/// What was before a deed.
pub(super) struct Before {
    model: Arc<Model>,
    items: Option<OrdMap<ItemNo, Arc<Item>>>,
    was_gone: bool,
}
