//! A history in the order in which it happened: of lines of one instant, as many logs say no more than the second, a change
//! comes after the one whose value it saw. And what can't be judged: a field on which a line was left out.

use std::collections::{HashMap, VecDeque};
use std::io::{self, BufRead};

use super::events::Events;
use super::line::{Doubt, Line};
use crate::domain::command::{Import, WriteKind};
use crate::domain::path::{EntityPath, FieldName};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// Most lines of one instant that are put in order together.
const TOGETHER: usize = 4096;

/// A log whose lines come in their order.
pub(super) struct History<R> {
    events: Events<R>,
    ahead: Option<Line>,
    ready: VecDeque<Line>,
    records: HashMap<EntityPath, Record>,
}

/// What the lines so far made of a record.
#[derive(Default)]
struct Record {
    /// The values; none where a line on the field was left out.
    fields: HashMap<FieldName, Option<Value>>,
    /// A line was left out, and nobody can say of which fields.
    doubted: bool,
}

impl<R: BufRead> History<R> {
    pub(super) fn new(events: Events<R>) -> Self {
        Self { events, ahead: None, ready: VecDeque::new(), records: HashMap::new() }
    }

    /// The log, for how far it was read.
    pub(super) fn events(&self) -> &Events<R> {
        &self.events
    }

    /// The next line; nothing at the end.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line>> {
        if self.ready.is_empty() {
            self.ready = self.read_instant()?;
        }
        let Some(mut line) = self.ready.pop_front() else { return Ok(None) };
        match &mut line.read {
            Ok(import) => self.records.entry(import.entity.clone()).or_default().take(import),
            Err(broken) => broken.doubt.iter().for_each(|doubt| self.doubt(doubt)),
        }
        Ok(Some(line))
    }

    /// From here on nobody can say what is in these fields, until they are written.
    pub(super) fn doubt(&mut self, doubt: &Doubt) {
        let record = self.records.entry(doubt.entity.clone()).or_default();
        match &doubt.fields {
            Some(fields) => record.fields.extend(fields.iter().map(|field| (field.clone(), None))),
            None => *record = Record { fields: HashMap::new(), doubted: true },
        }
    }

    fn read(&mut self) -> io::Result<Option<Line>> {
        match self.ahead.take() {
            Some(line) => Ok(Some(line)),
            None => self.events.next_line(),
        }
    }

    fn read_instant(&mut self) -> io::Result<VecDeque<Line>> {
        let Some(first) = self.read()? else { return Ok(VecDeque::new()) };
        let (at, mut lines) = (instant(&first), vec![first]);
        while at.is_some() && lines.len() < TOGETHER {
            match self.read()? {
                Some(line) if instant(&line) == at => lines.push(line),
                other => {
                    self.ahead = other;
                    break;
                }
            }
        }
        Ok(self.arrange(lines))
    }

    /// Each record's lines change places with each other only.
    fn arrange(&self, lines: Vec<Line>) -> VecDeque<Line> {
        let mut of: HashMap<EntityPath, Vec<Line>> = HashMap::new();
        let places: Vec<Option<EntityPath>> = lines.iter().map(entity).collect();
        let mut others = VecDeque::new();
        for line in lines {
            match entity(&line) {
                Some(entity) => of.entry(entity).or_default().push(line),
                None => others.push_back(line),
            }
        }
        let mut ordered: HashMap<EntityPath, VecDeque<Line>> = of
            .into_iter()
            .map(|(entity, lines)| {
                let ordered = in_order(lines, self.records.get(&entity));
                (entity, ordered)
            })
            .collect();
        let next = |place: Option<EntityPath>| match place {
            Some(entity) => ordered.get_mut(&entity).and_then(VecDeque::pop_front),
            None => others.pop_front(),
        };
        places.into_iter().filter_map(next).collect()
    }
}

impl Record {
    /// What the line saw of a field in doubt can't be compared.
    fn take(&mut self, import: &mut Import) {
        for (name, change) in &mut import.changes {
            let in_doubt = self.fields.get(name).map_or(self.doubted, Option::is_none);
            if in_doubt {
                change.before = None;
            }
            self.fields.insert(name.clone(), Some(change.after.clone()));
        }
    }
}

fn entity(line: &Line) -> Option<EntityPath> {
    line.read.as_ref().ok().map(|import| import.entity.clone())
}

fn instant(line: &Line) -> Option<Time> {
    line.read.as_ref().ok().map(|import| import.time)
}

/// How well a line would come next; the least comes first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    Begins,
    SawThis,
    SaysNothing,
    SawAnother,
}

/// One record's lines of one instant: always the one that fits best comes next, of those that fit alike the earlier one.
fn in_order(mut lines: Vec<Line>, record: Option<&Record>) -> VecDeque<Line> {
    let mut ordered = VecDeque::with_capacity(lines.len());
    let mut fields = record.map(|record| record.fields.clone()).unwrap_or_default();
    while lines.len() > 1 {
        let best = (0..lines.len()).min_by_key(|at| fit(&lines, *at, &fields)).unwrap_or_default();
        let line = lines.remove(best);
        if let Ok(import) = &line.read {
            let written =
                import.changes.iter().map(|(name, change)| (name.clone(), Some(change.after.clone())));
            fields.extend(written);
        }
        ordered.push_back(line);
    }
    ordered.extend(lines);
    ordered
}

fn fit(lines: &[Line], at: usize, fields: &HashMap<FieldName, Option<Value>>) -> Fit {
    let Some(import) = lines.get(at).and_then(|line| line.read.as_ref().ok()) else {
        return Fit::SaysNothing;
    };
    if import.kind == WriteKind::Create {
        return Fit::Begins;
    }
    let mut best = Fit::SaysNothing;
    for (name, change) in &import.changes {
        let Some(before) = &change.before else { continue };
        let to_come = |line: &Line| {
            let other = line.read.as_ref().ok().and_then(|other| other.changes.get(name));
            other.is_some_and(|other| other.after.is_what_was_seen(before))
        };
        match fields.get(name) {
            Some(Some(value)) if value.is_what_was_seen(before) => best = Fit::SawThis,
            Some(Some(_)) => return Fit::SawAnother,
            Some(None) | None => {
                let others = lines.iter().enumerate().filter(|(place, _)| *place != at);
                if others.map(|(_, line)| line).any(to_come) {
                    return Fit::SawAnother;
                }
            }
        }
    }
    best
}
