//! The board as a console starts from it: without payloads, in pages of one moment; and one thing of it whole.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use imbl::{OrdMap, OrdSet, Vector};
use serde::{Deserialize, Serialize};

use super::{AgentFacts, Board, Dependency, MapStep, Recent, Stop, Tail, Thing};
use crate::domain::ids::{
    ActNo, AgentId, AlertNo, FanOutNo, Fence, ItemNo, PersonId, QueueName, Seq, TaskId, TokenId, WorkNo,
};
use crate::domain::path::EntityPath;
use crate::domain::things::{
    Alert, Brief, ClosedItem, FanOutState, HeldField, Hold, Item, LastPublication, Lease, OpenAct,
    PastAnswers, QueueReviews, ScopeRule, Seat, Task, WaitingAct, WaitingPublication, Work, weight,
};

/// How many bytes of JSON a page takes before it ends; it may have one row more.
pub const PAGE: u64 = 512 * 1024;

/// Where a page begins: in which of the lists, at which of its rows. In text `3.250`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    list: usize,
    row: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.list, self.row)
    }
}

impl FromStr for Place {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let place = |text: &str| {
            let (list, row) = text.split_once('.')?;
            Some(Self { list: list.parse().ok()?, row: row.parse().ok()? })
        };
        place(text).ok_or("no place in the board")
    }
}

/// What there is much of: rows in an order, each put back where it came from.
trait List<R> {
    /// Those behind the first so many.
    fn rows(&self, from: usize) -> impl Iterator<Item = R>;
    fn put(&mut self, row: R);
}

impl<K: Ord + Clone, V: Clone> List<(K, V)> for OrdMap<K, V> {
    fn rows(&self, from: usize) -> impl Iterator<Item = (K, V)> {
        self.iter().skip(from).map(|(key, value)| (key.clone(), value.clone()))
    }

    fn put(&mut self, (key, value): (K, V)) {
        self.insert(key, value);
    }
}

impl<V: Clone> List<V> for Vector<V> {
    fn rows(&self, from: usize) -> impl Iterator<Item = V> {
        self.iter().skip(from).cloned()
    }

    fn put(&mut self, row: V) {
        self.push_back(row);
    }
}

impl<V: Clone + Serialize, const MOST: usize> List<V> for Tail<V, MOST> {
    fn rows(&self, from: usize) -> impl Iterator<Item = V> {
        self.iter().skip(from).cloned()
    }

    fn put(&mut self, row: V) {
        self.push_back(row);
    }
}

impl<R, L: List<R>> List<R> for Box<L> {
    fn rows(&self, from: usize) -> impl Iterator<Item = R> {
        (**self).rows(from)
    }

    fn put(&mut self, row: R) {
        (**self).put(row);
    }
}

impl<T: Clone + Serialize> List<(Arc<str>, Seq, T)> for Recent<T> {
    fn rows(&self, from: usize) -> impl Iterator<Item = (Arc<str>, Seq, T)> {
        self.entries().skip(from).map(|(key, deed, value)| (Arc::clone(key), deed, value.clone()))
    }

    fn put(&mut self, (key, deed, value): (Arc<str>, Seq, T)) {
        self.set(key, deed, value);
    }
}

/// A page that is being filled.
struct Page {
    from: Place,
    bytes: u64,
    next: Option<Place>,
    cut: Vec<Thing>,
}

impl Page {
    /// Takes rows of a list into it, as long as there is room.
    fn take<R: Serialize, I: Iterator<Item = R>>(
        &mut self,
        list: usize,
        rows: impl FnOnce(usize) -> I,
        shorten: impl Fn(&mut R) -> Option<Thing>,
    ) -> Vec<R> {
        let mut taken = Vec::new();
        if self.next.is_some() || list < self.from.list {
            return taken;
        }
        let begin = if list == self.from.list { self.from.row } else { 0 };
        for (row, mut one) in (begin..).zip(rows(begin)) {
            if self.bytes >= PAGE {
                self.next = Some(Place { list, row });
                break;
            }
            self.cut.extend(shorten(&mut one));
            self.bytes += weight(&one);
            taken.push(one);
        }
        taken
    }
}

/// Whole, however many there are: they are small.
fn as_it_is<R>(_: &mut R) -> Option<Thing> {
    None
}

macro_rules! lists {
    ($($at:literal $list:ident: $row:ty, $shorten:expr;)*) => {
        /// Some of what there is much of on a board.
        #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct Rows {
            $(#[serde(skip_serializing_if = "Vec::is_empty")] $list: Vec<$row>,)*
            /// What of it is here without its payload.
            #[serde(skip_serializing_if = "Vec::is_empty")]
            cut: Vec<Thing>,
        }

        impl Board {
            /// The rows from that place on that a page has room for, and where the next page begins.
            pub fn rows(&self, from: Place) -> (Rows, Option<Place>) {
                let mut page = Page { from, bytes: 0, next: None, cut: Vec::new() };
                $(let $list = page.take($at, |from| self.$list.rows(from), $shorten);)*
                (Rows { $($list,)* cut: page.cut }, page.next)
            }

            /// Puts the rows of a page where they belong.
            pub fn take_rows(&mut self, rows: Rows) {
                $(for row in rows.$list {
                    self.$list.put(row);
                })*
                self.cut.extend(rows.cut);
            }

            /// Without what comes in rows, and without what only rules ask.
            fn bare(&self) -> Self {
                Self {
                    $($list: Default::default(),)*
                    timers: OrdSet::new(),
                    turns: Box::default(),
                    talks: Box::default(),
                    claims: Recent::default(),
                    occurrences: Box::default(),
                    occurred: Box::default(),
                    rounds: Box::default(),
                    in_vain: Box::default(),
                    converging: OrdMap::new(),
                    conclusions: Recent::default(),
                    concluded: Box::default(),
                    ended_names: Box::default(),
                    targets: Box::default(),
                    accounts: Box::default(),
                    ..self.clone()
                }
            }
        }
    };
}

lists! {
    0 maps: MapStep, as_it_is;
    1 agents: (AgentId, AgentFacts), as_it_is;
    2 items: (ItemNo, Arc<Item>), |(no, item)| item.shorten().then_some(Thing::Item(*no));
    3 closed: Arc<ClosedItem>, |closed| closed.shorten().then(|| Thing::Item(closed.item.no));
    4 past: (Arc<str>, Seq, PastAnswers), as_it_is;
    5 rules: Arc<ScopeRule>, as_it_is;
    6 alerts: (AlertNo, Arc<Alert>), |(no, alert)| alert.shorten().then_some(Thing::Alert(*no));
    7 resolved: Arc<Alert>, |alert| alert.shorten().then(|| Thing::Alert(alert.no));
    8 fingerprints: (Arc<str>, AlertNo), as_it_is;
    9 works: (WorkNo, Arc<Work>), |(no, work)| work.shorten().then_some(Thing::Work(*no));
    10 works_by: (AgentId, OrdSet<WorkNo>), as_it_is;
    11 acts: (ActNo, Arc<OpenAct>), as_it_is;
    12 frozen: (EntityPath, Stop), as_it_is;
    13 away: (PersonId, Stop), as_it_is;
    14 seats: (TokenId, Seat), as_it_is;
    15 held: (EntityPath, Vec<HeldField>), as_it_is;
    16 holds: (EntityPath, OrdSet<Hold>), as_it_is;
    17 tasks: (TaskId, Arc<Task>), |(id, task)| task.shorten().then(|| Thing::Task(id.clone()));
    18 ended_tasks: Arc<Task>, |task| task.shorten().then(|| Thing::Task(task.id.clone()));
    19 fan_outs: (FanOutNo, Arc<FanOutState>), |(no, fan)| fan.shorten().then_some(Thing::FanOut(*no));
    20 ended_fan_outs: Arc<FanOutState>, |fan| fan.shorten().then(|| Thing::FanOut(fan.no));
    21 leases: (Fence, Arc<Lease>), as_it_is;
    22 task_leases: (TaskId, Fence), as_it_is;
    23 waiting: (Seq, Arc<WaitingAct>), |(deed, act)| act.shorten().then_some(Thing::Waiting(*deed));
    24 queued: (Seq, Arc<WaitingPublication>), |(deed, said)| said.shorten().then_some(Thing::Queued(*deed));
    25 threads: (Arc<str>, Seq, LastPublication), as_it_is;
    26 reviews: (QueueName, QueueReviews), as_it_is;
    27 dependencies: (Arc<str>, Seq, Dependency), as_it_is;
}

/// A thing of the board with all of its payload.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Whole {
    /// An open item.
    Item(Arc<Item>),
    /// An answered one.
    Closed(Arc<ClosedItem>),
    /// An alert.
    Alert(Arc<Alert>),
    /// A work item.
    Work(Arc<Work>),
    /// A task.
    Task(Arc<Task>),
    /// A fan-out.
    FanOut(Arc<FanOutState>),
    /// An act that waits.
    Waiting(Arc<WaitingAct>),
    /// A publication that waits.
    Queued(Arc<WaitingPublication>),
}

impl Brief for Whole {
    fn shorten(&mut self) -> bool {
        match self {
            Self::Item(item) => item.shorten(),
            Self::Closed(closed) => closed.shorten(),
            Self::Alert(alert) => alert.shorten(),
            Self::Work(work) => work.shorten(),
            Self::Task(task) => task.shorten(),
            Self::FanOut(fan_out) => fan_out.shorten(),
            Self::Waiting(act) => act.shorten(),
            Self::Queued(said) => said.shorten(),
        }
    }
}

impl Board {
    /// The first page: all that there is one of, with the rows that it has room for, and where the next page begins.
    pub fn first_page(&self) -> (Self, Option<Place>) {
        let (rows, next) = self.rows(Place::default());
        let mut first = self.bare();
        first.take_rows(rows);
        (first, next)
    }

    /// A thing as it is here; an ended one while it is kept. None of what has no payload.
    pub fn whole(&self, thing: &Thing) -> Option<Whole> {
        let closed = |no: &ItemNo| self.closed_item(*no).cloned().map(Whole::Closed);
        let resolved = |no: &AlertNo| self.resolved.iter().rfind(|alert| alert.no == *no);
        let ended = |id: &TaskId| self.ended_tasks.iter().rfind(|task| task.id == *id);
        let joined = |no: &FanOutNo| self.ended_fan_outs.iter().rfind(|fan_out| fan_out.no == *no);
        match thing {
            Thing::Item(no) => self.items.get(no).cloned().map(Whole::Item).or_else(|| closed(no)),
            Thing::Alert(no) => self.alerts.get(no).or_else(|| resolved(no)).cloned().map(Whole::Alert),
            Thing::Work(no) => self.works.get(no).cloned().map(Whole::Work),
            Thing::Task(id) => self.tasks.get(id).or_else(|| ended(id)).cloned().map(Whole::Task),
            Thing::FanOut(no) => self.fan_outs.get(no).or_else(|| joined(no)).cloned().map(Whole::FanOut),
            Thing::Waiting(deed) => self.waiting.get(deed).cloned().map(Whole::Waiting),
            Thing::Queued(deed) => self.queued.get(deed).cloned().map(Whole::Queued),
            Thing::Act(_) | Thing::Lease(_) => None,
        }
    }

    /// Takes the payload of a thing in, where it is that of the thing as it stands here.
    pub fn take_whole(&mut self, thing: &Thing, whole: Whole) -> bool {
        let mut brief = whole.clone();
        brief.shorten();
        let here = self.whole(thing).map(|mut here| {
            here.shorten();
            here
        });
        let fits = here.as_ref() == Some(&brief);
        if fits {
            self.cut.remove(thing);
            self.replace(thing, whole);
        }
        fits
    }

    /// Lets go of the payload of a thing again.
    pub fn shorten(&mut self, thing: &Thing) {
        let Some(mut brief) = self.whole(thing) else { return };
        if brief.shorten() {
            self.cut.insert(thing.clone());
            self.replace(thing, brief);
        }
    }

    fn replace(&mut self, thing: &Thing, whole: Whole) {
        match whole {
            Whole::Item(item) => _ = self.items.insert(item.no, item),
            Whole::Closed(closed) => {
                let no = closed.item.no;
                self.closed.replace(closed, |one| one.item.no == no);
            }
            Whole::Alert(alert) if self.alerts.contains_key(&alert.no) => {
                _ = self.alerts.insert(alert.no, alert);
            }
            Whole::Alert(alert) => {
                let no = alert.no;
                self.resolved.replace(alert, |one| one.no == no);
            }
            Whole::Work(work) => _ = self.works.insert(work.no, work),
            Whole::Task(task) if self.tasks.contains_key(&task.id) => {
                _ = self.tasks.insert(task.id.clone(), task);
            }
            Whole::Task(task) => {
                let id = task.id.clone();
                self.ended_tasks.replace(task, |one| one.id == id);
            }
            Whole::FanOut(fan_out) if self.fan_outs.contains_key(&fan_out.no) => {
                _ = self.fan_outs.insert(fan_out.no, fan_out);
            }
            Whole::FanOut(fan_out) => {
                let no = fan_out.no;
                self.ended_fan_outs.replace(fan_out, |one| one.no == no);
            }
            Whole::Waiting(act) => {
                if let Thing::Waiting(deed) = thing {
                    self.waiting.insert(*deed, act);
                }
            }
            Whole::Queued(said) => {
                if let Thing::Queued(deed) = thing {
                    self.queued.insert(*deed, said);
                }
            }
        }
    }
}
