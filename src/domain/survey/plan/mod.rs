//! What a map would have said to what has happened: the accumulator that is shown deed after deed, and its report.
//!
//! Authority and routing are weighed, and the kinds of fields. Versions, leases, threads and who goes first are taken as
//! they were: what was refused for such a reason would be so again, and what was let through only because the workspace
//! observed would be refused by a map that enforces. `case` reads a deed, `side` asks a map, `sums` adds up, `report` is what comes of it.

mod case;
mod report;
mod side;
mod sums;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use case::{Asked, Case};
use side::{Part, Said, Side, threads};
use sums::Sums;

use crate::domain::code::Code;
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{AgentId, AlertNo, Seq};
use crate::domain::key::key;
use crate::domain::map::shape::shape_of;
use crate::domain::map::{FieldKind, Map, difference};
use crate::domain::path::FieldPath;
use crate::domain::rule::{occurrence, output};
use crate::domain::things::AlertKind;
use crate::domain::time::Time;

pub use report::{AgentSums, Counts, Example, Fate, Kind, Plan, PlanRow, Turn};

/// How many examples each row has.
pub const EXAMPLES: usize = 3;
/// Most rows of a plan; what belongs in further ones is counted only.
pub const ROWS: usize = 2_000;
/// Most fields, threads and claims of which it is kept who was last.
const REMEMBERED: usize = 65_536;

/// Who wrote sequenced fields last, who spoke last on a thread, and what was claimed, as far as was looked.
#[derive(Debug, Default)]
struct Lately {
    batons: HashMap<FieldPath, AgentId>,
    voices: HashMap<Arc<str>, AgentId>,
    claims: HashMap<Arc<str>, AgentId>,
    /// Until when occurrences are known.
    occurred: HashMap<Arc<str>, Time>,
    /// Contradictions that are open, by what they are known again.
    contradictions: HashMap<AlertNo, Arc<str>>,
    /// Was looked from the first deed on, and nothing forgotten: who is not here was nobody.
    whole: bool,
}

impl Lately {
    /// Is it known who was last?
    fn knows(&self, last: Option<&AgentId>) -> bool {
        self.whole || last.is_some()
    }

    /// Makes room: rather nothing than what was so before last.
    fn bound(&mut self) {
        let known = self.batons.len() + self.voices.len() + self.claims.len();
        if known + self.occurred.len() + self.contradictions.len() >= REMEMBERED {
            *self = Self::default();
        }
    }
}

/// How one decision came out, and how it would under the other map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Weighed {
    /// How it came out.
    pub was: Fate,
    /// How it would; the same as `was` where there is no turn.
    pub would: Fate,
    /// Which way that is different; none where it would come out the same.
    pub turn: Option<Turn>,
}

/// Weighs deeds, one after another, in their order.
pub struct Planning {
    force: Side,
    new: Side,
    seen: Lately,
    sums: Sums,
    deeds: u64,
    decisions: u64,
    unknown: u64,
    span: Option<(Seq, Seq)>,
    /// Proposals that would have gone through: nobody would have had to accept them.
    needless: HashSet<Seq>,
}

impl Planning {
    /// Lays `new` over what follows; `force` is the map that it would replace.
    pub fn new(force: Map, new: Map) -> Self {
        Self {
            force: Side::new(force),
            new: Side::new(new),
            seen: Lately::default(),
            sums: Sums::default(),
            deeds: 0,
            decisions: 0,
            unknown: 0,
            span: None,
            needless: HashSet::new(),
        }
    }

    /// Weighs the next deed.
    pub fn consider(&mut self, deed: &Deed) {
        if self.deeds == 0 {
            self.seen.whole = deed.seq == Seq(1);
        }
        self.deeds += 1;
        self.span = Some((self.span.map_or(deed.seq, |span| span.0), deed.seq));
        if let Some(case) = Case::of(deed) {
            self.decisions += 1;
            self.weigh(deed, &case);
        }
        self.remember(deed);
    }

    /// Weighs the next deed, and says how it comes out by itself; none where no map has a say in it, or where the deed does
    /// not tell enough.
    pub fn weigh_one(&mut self, deed: &Deed) -> Option<Weighed> {
        let weighed = Case::of(deed).filter(|_| !self.is_needless(deed)).and_then(|case| {
            let said = ask(&self.new, &case, &self.seen)?;
            let held =
                || self.new.enforces() && self.is_held(&case, ask(&self.force, &case, &self.seen).as_ref());
            let turn = match turn(&case, &said.fate, self.new.enforces()) {
                Some(_) if held() => None,
                None if self.is_hidden(&case, &said) => Some(Turn::Hidden),
                turn => turn,
            };
            let would = match turn {
                Some(Turn::Hidden) => Fate::Hidden,
                Some(_) => said.fate,
                None => case.was.clone(),
            };
            Some(Weighed { was: case.was, would, turn })
        });
        self.consider(deed);
        weighed
    }

    /// The report.
    pub fn finish(self) -> Plan {
        let (agents, rows, left_out) = self.sums.finish();
        Plan {
            mode: self.new.map.mode(),
            changes: difference(self.force.map.model(), self.new.map.model()),
            deeds: self.deeds,
            decisions: self.decisions,
            unknown: self.unknown,
            span: self.span,
            counts: agents.counts,
            already: agents.already,
            agents: agents.list,
            rows,
            left_out,
        }
    }

    fn weigh(&mut self, deed: &Deed, case: &Case<'_>) {
        if self.is_needless(deed) {
            return;
        }
        let Some(said) = ask(&self.new, case, &self.seen) else {
            self.unknown += 1;
            return;
        };
        let Some(turn) = turn(case, &said.fate, self.new.enforces()) else {
            self.hidden(deed, case, &said);
            return;
        };
        let force = ask(&self.force, case, &self.seen);
        if self.new.enforces() && self.is_held(case, force.as_ref()) {
            return;
        }
        let already = force.as_ref().is_some_and(|force| {
            self::turn(case, &force.fate, self.force.enforces()) == Some(turn)
                && force.fate.is_like(&said.fate)
        });
        if turn == Turn::Freed
            && self.needless.len() < REMEMBERED
            && matches!(deed.body, Body::WriteProposed(()))
        {
            self.needless.insert(deed.seq);
        }
        let blamed = blamed(case, turn, said, force);
        self.sums.add(deed, case, turn, already, blamed);
    }

    /// Is it the acceptance of a proposal that would have gone through?
    fn is_needless(&self, deed: &Deed) -> bool {
        deed.cause.is_some_and(|cause| self.needless.contains(&cause)) && accepts(deed)
    }

    /// Would its agent not see what it was based on, where it comes out the same?
    fn is_hidden(&self, case: &Case<'_>, said: &Said) -> bool {
        let Asked::Act { agent, order, .. } = &case.asked else { return false };
        case.was.is_through() && said.fate.is_through() && self.new.hides(agent, order).next().is_some()
    }

    /// Was it refused because another had claimed the same before? That is so under any map that enforces.
    fn is_held(&self, case: &Case<'_>, force: Option<&Said>) -> bool {
        let Asked::Claim { agent, claim } = &case.asked else { return false };
        let free = || force.is_some_and(|force| force.fate.is_through());
        let by = self.seen.claims.get(&key(&[&claim.event, &claim.key]));
        let claimed = || by.is_some_and(|by| by != *agent);
        matches!(case.was, Fate::Refused { .. }) && (claimed() || free())
    }

    /// It would come out the same; but would its agent see what it was based on?
    fn hidden(&mut self, deed: &Deed, case: &Case<'_>, said: &Said) {
        let Asked::Act { agent, order, .. } = &case.asked else { return };
        if !(case.was.is_through() && said.fate.is_through()) {
            return;
        }
        let part = |path: &FieldPath| Part {
            agent: Some((*agent).clone()),
            what: shape_of(&path.entity, &path.field),
            path: path.to_string(),
            fate: Fate::Hidden,
        };
        let hidden: Vec<&FieldPath> = self.new.hides(agent, order).collect();
        let before: Vec<&FieldPath> = self.force.hides(agent, order).collect();
        let already = !hidden.is_empty() && hidden.iter().all(|path| before.contains(path));
        let parts: Vec<Part> = hidden.into_iter().map(part).collect();
        if !parts.is_empty() {
            self.sums.add(deed, case, Turn::Hidden, already, parts);
        }
    }

    /// Which occurrence an event or a claim is, by either map; known from then on.
    fn remember_occurrence(&mut self, deed: &Deed) {
        let told = |side: &Side| {
            if let Body::ClaimGranted(claim) = &deed.body {
                return side.occurrence(&claim.event, &claim.key);
            }
            let (Body::EventRaised(raised) | Body::EventEscalated(raised)) = &deed.body else { return None };
            let told = occurrence::key(&side.map, &raised.event, &raised.attributes).ok()??;
            side.occurrence(&raised.event, &told)
        };
        let told: Vec<Arc<str>> = [told(&self.force), told(&self.new)].into_iter().flatten().collect();
        if told.is_empty() {
            return;
        }
        self.seen.bound();
        for key in told {
            let until = self.seen.occurred.entry(key).or_insert(deed.recorded);
            if *until <= deed.recorded {
                *until = deed.recorded.plus(occurrence::KNOWN);
            }
        }
    }

    /// Contradictions open and end.
    fn remember_contradiction(&mut self, deed: &Deed) {
        match (&deed.body, deed.refs.alerts.first()) {
            (Body::AlertOpened(alert) | Body::AlertReopened(alert), _)
                if alert.kind == AlertKind::Contradiction =>
            {
                self.seen.bound();
                self.seen.contradictions.insert(alert.no, Arc::clone(&alert.fingerprint));
            }
            (Body::AlertResolved(()), Some(no)) => _ = self.seen.contradictions.remove(no),
            (_, _) => {}
        }
    }

    fn remember(&mut self, deed: &Deed) {
        if matches!(&deed.body, Body::ClaimGranted(claim) if claim.takes_nothing) {
            return;
        }
        self.remember_occurrence(deed);
        self.remember_contradiction(deed);
        let Some(agent) = deed.actor.agent() else { return };
        if let Body::ClaimGranted(claim) = &deed.body {
            self.seen.bound();
            self.seen.claims.insert(key(&[&claim.event, &claim.key]), agent.clone());
            return;
        }
        if let Some((output, thread)) = spoken(&deed.body) {
            let ordered = |side: &Side| output::takes_turns(&side.map, output);
            if ordered(&self.new) || ordered(&self.force) {
                self.seen.bound();
                self.seen.voices.extend(threads(output, thread).map(|thread| (thread, agent.clone())));
            }
            return;
        }
        let (true, Some(entity)) = (self.new.sequenced || self.force.sequenced, &deed.subject) else {
            return;
        };
        if !matches!(deed.body, Body::WriteCommitted(()) | Body::EntityCreated(())) {
            return;
        }
        for field in deed.fields.iter().filter(|field| field.entity.is_none()) {
            let sequenced =
                |side: &Side| matches!(side.map.field_kind(entity, &field.name), FieldKind::Sequenced { .. });
            if sequenced(&self.new) || sequenced(&self.force) {
                self.seen.bound();
                let path = FieldPath::new(entity.clone(), field.name.clone());
                self.seen.batons.insert(path, agent.clone());
            }
        }
    }
}

/// Where something went out, and on which thread.
fn spoken(body: &Body) -> Option<(&str, Option<&Arc<str>>)> {
    if let Body::OutputPublished(said) = body {
        return Some((&said.output, said.thread.as_ref()));
    }
    let Body::ActAllowed(order) = body else { return None };
    order.conversation.as_ref().map(|said| (&*order.target, said.thread.as_ref()))
}

/// What the map says; and where it has nothing against it by then, what else the deed says that enforcing would have.
fn ask(side: &Side, case: &Case<'_>, seen: &Lately) -> Option<Said> {
    let said = side.say(case, seen)?;
    let Some(code) = case.noted.filter(|_| side.enforces() && !asked_before(case, &said.fate)) else {
        return Some(said);
    };
    let fate = if code == Code::Collision {
        Fate::Person { code, queue: None }
    } else {
        Fate::Refused { code, owners: Vec::new() }
    };
    let part = |part: Part| Part { fate: fate.clone(), ..part };
    Some(Said { parts: case.all_parts().into_iter().map(part).collect(), fate })
}

/// Is it the owner's write that takes a proposal over?
fn accepts(deed: &Deed) -> bool {
    !deed.refs.works.is_empty() && matches!(deed.body, Body::WriteCommitted(()) | Body::EntityCreated(()))
}

/// Which way a case would turn out under a map that says so; none where it would come out the same.
fn turn(case: &Case<'_>, would: &Fate, enforces: bool) -> Option<Turn> {
    let was = &case.was;
    if case.aside {
        if !enforces {
            return Some(Turn::Freed);
        }
        return asked_before(case, would).then_some(Turn::Elsewhere);
    }
    // Events and escalations go where the map says in either mode.
    let routes = matches!(case.asked, Asked::Event { .. } | Asked::Escalation { .. });
    if !enforces && !routes {
        return match (was.is_through(), would.is_through()) {
            (true, false) => {
                let told = case.noted.is_none() || asked_before(case, would);
                (!case.marked && told).then_some(Turn::Marked)
            }
            (false, _) => Some(Turn::Freed),
            (true, true) => None,
        };
    }
    if was.is_like(would) {
        return None;
    }
    match (was.is_through(), would.is_through()) {
        (true, false) => Some(Turn::Stopped),
        (false, true) => Some(Turn::Freed),
        (true, true) | (false, false) => Some(Turn::Elsewhere),
    }
}

/// What stood in the way would still, unless the map says no before that is even asked. Zones come first, kinds of fields
/// after versions, approvals last.
fn asked_before(case: &Case<'_>, would: &Fate) -> bool {
    match would {
        Fate::Proposal { .. } | Fate::Refused { code: Code::NotOwner, .. } => true,
        Fate::Person { code, .. } => *code == Code::Unowned,
        Fate::Refused { .. } => {
            let deferred = matches!(case.was, Fate::Refused { code: Code::Deferred, .. });
            deferred || matches!(case.asked, Asked::Publication { .. } | Asked::Act { .. })
        }
        Fate::Through
        | Fate::Routed { .. }
        | Fate::Known
        | Fate::NotRaised
        | Fate::Queue { .. }
        | Fate::Hidden => false,
    }
}

/// The parts that a turn is due to: of what is freed, those that the map in force does not grant.
fn blamed(case: &Case<'_>, turn: Turn, said: Said, force: Option<Said>) -> Vec<Part> {
    if turn != Turn::Freed || !said.parts.is_empty() {
        return said.parts;
    }
    let through = |part: Part| Part { fate: Fate::Through, ..part };
    let before: Vec<Part> =
        force.map(|force| force.parts).unwrap_or_default().into_iter().map(through).collect();
    if before.is_empty() { case.all_parts() } else { before }
}
