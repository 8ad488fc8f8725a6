//! What a deed asked of the map, and how that came out. Deeds about anything else are no cases.

use std::borrow::Cow;

use super::Fate;
use super::side::Part;
use crate::domain::code::Code;
use crate::domain::deed::{Body, Deed};
use crate::domain::ids::{Actor, AgentId};
use crate::domain::map::shape::shape_of;
use crate::domain::outcome::Outcome;
use crate::domain::path::{EntityPath, FieldName, FieldPath};
use crate::domain::things::{self, ActOrder, ClaimMark, FieldChange, Publication};
use crate::domain::time::Time;
use crate::domain::value::Value;

/// One decision that the map had a say in.
pub(super) struct Case<'a> {
    pub(super) asked: Asked<'a>,
    /// How it came out.
    pub(super) was: Fate,
    /// It came out so for a reason that no map has to do with: it was stale, leased, another went first.
    pub(super) aside: bool,
    /// It went through only because the workspace observed: the map was against it.
    pub(super) marked: bool,
    /// It went through only because the workspace observed: this was against it, and no map had to do with it.
    pub(super) noted: Option<Code>,
}

/// What was asked.
pub(super) enum Asked<'a> {
    Write {
        agent: &'a AgentId,
        entity: &'a EntityPath,
        fields: Vec<Touched<'a>>,
    },
    Act {
        agent: &'a AgentId,
        order: &'a ActOrder,
        sent: Sent<'a>,
    },
    Event {
        raised: &'a things::RaisedEvent,
        raised_by: Raiser<'a>,
        at: Time,
    },
    Claim {
        agent: &'a AgentId,
        claim: &'a ClaimMark,
    },
    Publication {
        agent: &'a AgentId,
        publication: &'a Publication,
        sent: Sent<'a>,
    },
    Escalation {
        agent: &'a AgentId,
    },
    /// A write whose deed does not name the fields: it was stopped by something else.
    Untold,
}

/// What goes out, beside where to.
#[derive(Clone)]
pub(super) struct Sent<'a> {
    /// A person approved it.
    pub(super) approved: bool,
    /// It waited until its turn came or had passed.
    pub(super) waited: bool,
    /// What it is about; a thread may stand for it.
    pub(super) about: Option<Cow<'a, EntityPath>>,
    /// Its word.
    pub(super) action: &'a str,
    /// What it was based on; none where the deed does not tell.
    pub(super) read: Option<&'a [FieldPath]>,
}

impl<'a> Sent<'a> {
    fn act(deed: &'a Deed, order: &'a ActOrder, approved: bool) -> Self {
        let about = deed.subject.as_ref().map(Cow::Borrowed);
        Self { approved, waited: false, about, action: &deed.action, read: Some(&order.based_on) }
    }

    fn publication(deed: &'a Deed, said: &'a Publication, approved: bool) -> Self {
        let thread = || said.thread.as_ref()?.parse().ok().map(Cow::Owned);
        let about = deed.subject.as_ref().map(Cow::Borrowed).or_else(thread);
        // What was not published does not say what it was based on, unless it was nothing of what it should.
        let blind = deed.code == Some(Code::NoBasis);
        let told = blind || matches!(deed.body, Body::OutputPublished(_));
        let read = told.then_some(deed.refs.based_on.as_slice());
        let waited = deed.refs.first.is_some();
        Self { approved, waited, about, action: &deed.action, read }
    }
}

/// One field that a write changed or wanted to change.
pub(super) struct Touched<'a> {
    pub(super) name: Cow<'a, FieldName>,
    /// The value before; known of what was committed.
    pub(super) before: Option<&'a Value>,
    pub(super) after: Option<&'a Value>,
    /// Was there a value before?
    pub(super) existed: bool,
}

/// Who raised an event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Raiser<'a> {
    /// An agent.
    Agent(&'a AgentId),
    /// A person.
    Person,
    /// Deeds, on schedule.
    Schedule,
    /// Deeds, because a field changed.
    Change,
}

/// What becomes of a refusal when another map is laid over it.
enum Refusal {
    /// It was decided before anything is asked of a map, or says nothing about the map.
    NoCase,
    /// The map said so.
    ByMap,
    /// The map allowed it, something else did not.
    Aside,
}

fn refusal(code: Option<Code>) -> Refusal {
    match code {
        Some(
            Code::NotOwner
            | Code::Unowned
            | Code::OutOfScope
            | Code::Constant
            | Code::Backward
            | Code::NotAStep
            | Code::NotYourTurn
            | Code::ClaimTaken
            | Code::Collision
            | Code::NeedsApproval
            | Code::Incomplete
            | Code::NoBasis
            | Code::Contradicted,
        ) => Refusal::ByMap,
        Some(
            Code::Stale
            | Code::MissingVersion
            | Code::Tombstone
            | Code::Exists
            | Code::Deferred
            | Code::HeldOpen
            | Code::Leased
            | Code::LeaseOver
            | Code::NoToken
            | Code::NotConverging
            | Code::Looping,
        ) => Refusal::Aside,
        Some(_) | None => Refusal::NoCase,
    }
}

impl<'a> Case<'a> {
    pub(super) fn of(deed: &'a Deed) -> Option<Self> {
        let case = of_write(deed)
            .or_else(|| of_act(deed))
            .or_else(|| of_event(deed))
            .or_else(|| of_claim(deed))
            .or_else(|| of_publication(deed))
            .or_else(|| of_escalation(deed))?;
        let code = deed.code.filter(|_| deed.verdict.is_some());
        // Who spoke in a conversation before is no matter of who may.
        let spoken = matches!(case.asked, Asked::Publication { .. } | Asked::Act { .. });
        let beside =
            |code| (spoken && code == Code::Collision) || matches!(refusal(Some(code)), Refusal::Aside);
        let noted = code.filter(|code| beside(*code));
        let marked = noted.is_none() && matches!(refusal(code), Refusal::ByMap);
        Some(Self { marked, noted, ..case })
    }

    fn new(asked: Asked<'a>, was: Fate) -> Self {
        Self { asked, was, aside: false, marked: false, noted: None }
    }

    /// Everything that was asked, where all of it would go through.
    pub(super) fn all_parts(&self) -> Vec<Part> {
        let part = |agent: &AgentId, what: String, path: String| Part {
            agent: Some(agent.clone()),
            what,
            path,
            fate: Fate::Through,
        };
        match &self.asked {
            Asked::Write { agent, entity, fields } => {
                let one = |field: &Touched<'_>| {
                    let path = FieldPath::new((*entity).clone(), field.name.clone().into_owned());
                    part(agent, shape_of(entity, &field.name), path.to_string())
                };
                fields.iter().map(one).collect()
            }
            Asked::Act { agent, order, .. } => {
                let path = order.target.parse::<FieldPath>();
                let what = path
                    .map_or_else(|_| order.target.to_string(), |path| shape_of(&path.entity, &path.field));
                vec![part(agent, what, order.target.to_string())]
            }
            Asked::Claim { agent, claim } => {
                vec![part(agent, claim.event.to_string(), claim.event.to_string())]
            }
            Asked::Publication { agent, publication, .. } => {
                vec![part(agent, publication.output.to_string(), publication.output.to_string())]
            }
            Asked::Event { .. } | Asked::Escalation { .. } | Asked::Untold => Vec::new(),
        }
    }

    /// The same of what was refused; none where no map has to do with it.
    fn refused(asked: Asked<'a>, deed: &Deed) -> Option<Self> {
        let code = deed.code?;
        let was = if matches!(code, Code::Unowned | Code::Collision | Code::NeedsApproval) {
            Fate::Person { code, queue: None }
        } else {
            Fate::Refused { code, owners: deed.refs.owners.clone() }
        };
        match refusal(deed.code) {
            Refusal::NoCase => None,
            Refusal::ByMap => Some(Self::new(asked, was)),
            Refusal::Aside => Some(Self { aside: true, ..Self::new(asked, was) }),
        }
    }
}

fn of_write(deed: &Deed) -> Option<Case<'_>> {
    let agent = deed.actor.agent()?;
    let entity = deed.subject.as_ref()?;
    let asked = || {
        let fields = touched(deed);
        if fields.is_empty() { Asked::Untold } else { Asked::Write { agent, entity, fields } }
    };
    if let Body::WriteRefused(()) = deed.body {
        return Case::refused(asked(), deed);
    }
    let was = if let Body::WriteCommitted(())
    | Body::EntityCreated(())
    | Body::EntityArchived(())
    | Body::EntityDeleted(()) = deed.body
    {
        Fate::Through
    } else if let Body::WriteProposed(()) = deed.body {
        Fate::Proposal { to: deed.refs.owners.clone() }
    } else if let Body::WriteEscalated(()) = deed.body {
        Fate::Person { code: Code::Unowned, queue: None }
    } else {
        return None;
    };
    // Retrying in vain is no matter of who may.
    let aside = matches!(deed.body, Body::WriteEscalated(())) && deed.code == Some(Code::NotConverging);
    Some(Case { aside, ..Case::new(asked(), was) })
}

/// The fields that a write changed or wanted to, and the whole entity where it came, went or was to.
fn touched(deed: &Deed) -> Vec<Touched<'_>> {
    // What a tombstone names is the entity, not what was to be written to it.
    if deed.code == Some(Code::Tombstone) && deed.outcome == Outcome::Stale {
        return Vec::new();
    }
    let committed = deed.outcome == Outcome::Committed;
    let one = |field: &'_ FieldChange| field.entity.is_none();
    let mut fields: Vec<Touched<'_>> = deed
        .fields
        .iter()
        .filter(|field| one(field))
        .map(|field| Touched {
            name: Cow::Borrowed(&field.name),
            before: field.before.as_ref(),
            after: field.after.as_ref(),
            existed: field.before.is_some() || (!committed && field.version.0 > 0),
        })
        .collect();
    let whole = matches!(&*deed.action, "create" | "archive" | "delete");
    if whole && !fields.iter().any(|field| field.name.is_whole()) {
        let name = Cow::Owned(FieldName::whole());
        fields.push(Touched { name, before: None, after: None, existed: false });
    }
    fields
}

fn of_act(deed: &Deed) -> Option<Case<'_>> {
    let agent = deed.actor.agent()?;
    if let Body::ActAllowed(order) = &deed.body {
        let sent = Sent::act(deed, order, deed.refs.item.is_some());
        return Some(Case::new(Asked::Act { agent, order, sent }, Fate::Through));
    }
    let (Body::ActRefused(order) | Body::ActDeferred(order)) = &deed.body else { return None };
    let case = Case::refused(Asked::Act { agent, order, sent: Sent::act(deed, order, false) }, deed)?;
    Some(Case { aside: case.aside || deed.code == Some(Code::Collision), ..case })
}

fn of_event(deed: &Deed) -> Option<Case<'_>> {
    let asked = |raised: &things::RaisedEvent| match (&deed.actor, raised.schedule) {
        (Actor::Deeds, Some(_)) => Raiser::Schedule,
        (Actor::Deeds, None) => Raiser::Change,
        (Actor::Agent(agent), _) => Raiser::Agent(agent),
        (Actor::Person(_), _) => Raiser::Person,
    };
    let (Body::EventRaised(raised) | Body::EventEscalated(raised) | Body::EventRefused(raised)) = &deed.body
    else {
        return None;
    };
    let raised_by = asked(raised);
    let asked = Asked::Event { raised, raised_by, at: deed.recorded };
    if let Body::EventRefused(_) = deed.body {
        return Case::refused(asked, deed);
    }
    let was = if deed.outcome == Outcome::Escalated {
        Fate::Person { code: deed.code.unwrap_or(Code::Unowned), queue: None }
    } else if raised.again.is_some() {
        Fate::Known
    } else {
        Fate::Routed { to: deed.refs.owners.clone() }
    };
    // Going round is none either.
    let aside = deed.outcome == Outcome::Escalated && deed.code == Some(Code::Looping);
    Some(Case { aside, ..Case::new(asked, was) })
}

fn of_claim(deed: &Deed) -> Option<Case<'_>> {
    let agent = deed.actor.agent()?;
    if let Body::ClaimGranted(claim) = &deed.body {
        return Some(Case::new(Asked::Claim { agent, claim }, Fate::Through));
    }
    let Body::ClaimRefused(claim) = &deed.body else { return None };
    Case::refused(Asked::Claim { agent, claim }, deed)
}

fn of_publication(deed: &Deed) -> Option<Case<'_>> {
    let agent = deed.actor.agent()?;
    // What a person approved goes out as the agent's, and names the item.
    let approved = deed.refs.item.is_some() && deed.outcome == Outcome::Committed;
    if let Body::OutputPublished(publication) = &deed.body {
        let sent = Sent::publication(deed, publication, approved);
        return Some(Case::new(Asked::Publication { agent, publication, sent }, Fate::Through));
    }
    let (Body::OutputHeld(publication)
    | Body::OutputDeferred(publication)
    | Body::OutputRefused(publication)) = &deed.body
    else {
        return None;
    };
    let sent = Sent::publication(deed, publication, false);
    let case = Case::refused(Asked::Publication { agent, publication, sent }, deed)?;
    // Who spoke on a thread before is no matter of who may.
    let collides = deed.code == Some(Code::Collision);
    Some(Case { aside: case.aside || collides, ..case })
}

fn of_escalation(deed: &Deed) -> Option<Case<'_>> {
    let Body::ItemOpened(item) = &deed.body else { return None };
    let (things::Case::Escalation { .. }, Some(agent)) = (&item.case, item.raised_by.agent()) else {
        return None;
    };
    Some(Case::new(Asked::Escalation { agent }, Fate::Queue { queue: item.queue.clone() }))
}
