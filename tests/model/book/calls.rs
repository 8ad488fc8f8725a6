//! Calls of tools (G20): forwarded at most once for each time that they were allowed, under what was approved, and recorded only
//! where they were done.

use std::collections::BTreeMap;

use super::Look;
use deeds::domain::command::{CallStep, Command};
use deeds::domain::deed::{Body, Deed};
use deeds::domain::ids::{ActNo, Actor, AgentId, MapVersion};
use deeds::domain::outcome::Outcome;
use deeds::domain::things::{CallHow, Case, OpenCall};
use deeds::domain::time::Time;

/// What is kept of calls.
#[derive(Default)]
pub(crate) struct Calls {
    open: BTreeMap<ActNo, Open>,
}

/// One that may be forwarded, or is.
struct Open {
    agent: String,
    digest: String,
    /// The map that it was approved under, and until when that is good.
    approved: Option<(MapVersion, Time)>,
    begun: bool,
    unknown: bool,
}

impl Calls {
    pub(super) fn look(&mut self, look: &Look<'_>) {
        let deed = look.deed;
        match &deed.body {
            Body::ActAllowed(order) => {
                if let Some(call) = &order.call {
                    self.allowed(look, call);
                }
            }
            Body::ActBegun(_) => self.begun(look),
            Body::ActFreed(()) => {
                let open = self.of(deed);
                assert!(open.begun && !open.unknown, "G20: freed what was not under way: {deed:?}");
                let good = open.approved.is_some_and(|(_, until)| look.now < until);
                assert!(good, "G20: freed without an approval that is good: {deed:?}");
                open.begun = false;
            }
            Body::ActUnknown(()) => {
                let open = self.of(deed);
                assert!(open.begun && !open.unknown, "G20: an end is unknown twice: {deed:?}");
                open.unknown = true;
            }
            Body::CallEnded(end) => {
                let open = self.open.remove(&deed.refs.act.unwrap()).unwrap();
                assert!(open.begun, "G20: ended without having begun: {deed:?}");
                let by = deed.actor.agent().map(AgentId::as_str);
                let person = open.unknown && deed.actor.person().is_some();
                assert!(by == Some(&*open.agent) || person, "G20: ended by another: {deed:?}");
                assert_eq!(*open.digest, *end.mark.digest, "G20: another call's end: {deed:?}");
                let of_it = |one: &Deed| one.refs.act == deed.refs.act && is_write(one);
                let written = look.deeds.iter().any(of_it);
                assert!(end.how == CallHow::Done || !written, "G20: written and not done: {deed:?}");
            }
            Body::ActFailed(()) => {
                if let Some(open) = self.open.remove(&deed.refs.act.unwrap_or_default()) {
                    assert!(!open.begun, "G20: what has begun lapses: {deed:?}");
                    assert_eq!(deed.actor, Actor::Deeds, "G20: an approval is thrown away: {deed:?}");
                }
            }
            _ => {}
        }
        if is_write(deed) && deed.refs.act.is_some() {
            let done = look.deeds.iter().any(|one| {
                matches!(&one.body, Body::CallEnded(end) if end.how == CallHow::Done)
                    && one.refs.act == deed.refs.act
                    && one.seq < deed.seq
            });
            assert!(done, "G20: written for a call that was not done: {deed:?}");
        }
        if let (Command::Call(CallStep::Make(_)), Outcome::Allowed) = (&look.request.command, deed.outcome) {
            let begins = matches!(deed.body, Body::ActBegun(_) | Body::CallAllowed(_));
            let new = matches!(&deed.body, Body::ActAllowed(order)
                if order.call.as_ref().is_some_and(|call| call.begun.is_some()));
            assert!(begins || new, "G20: let go ahead, and not begun: {deed:?}");
        }
    }

    fn of(&mut self, deed: &Deed) -> &mut Open {
        self.open.get_mut(&deed.refs.act.unwrap()).unwrap_or_else(|| panic!("G20: no such call: {deed:?}"))
    }

    fn allowed(&mut self, look: &Look<'_>, call: &OpenCall) {
        let deed = look.deed;
        let (agent, digest) = (call.call.agent.to_string(), call.call.mark.digest.to_string());
        let same = |open: &Open| open.agent == agent && open.digest == digest;
        let under_way = self.open.values().any(|open| same(open) && (open.begun || open.unknown));
        assert!(!under_way || call.begun.is_none(), "G20: begun a second time: {deed:?}");
        if call.begun.is_some() {
            let own = matches!(look.request.command, Command::Call(_));
            assert!(own && look.request.principal.actor.name() == agent, "G20: begun for another: {deed:?}");
            let row =
                look.model.tools.iter().find(|row| row.names(&call.call.mark.server, &call.call.mark.tool));
            let asks = row.is_some_and(|row| row.approve);
            assert!(
                !asks || !look.enforced(),
                "G20: begun without the approval that its row asks for: {deed:?}"
            );
        }
        let approved = call.approved.as_ref().map(|approved| (approved.map, approved.until));
        let open = Open { agent, digest, approved, begun: call.begun.is_some(), unknown: false };
        self.open.insert(deed.refs.act.unwrap(), open);
    }

    fn begun(&mut self, look: &Look<'_>) {
        let deed = look.deed;
        let Command::Call(CallStep::Make(order)) = &look.request.command else {
            panic!("G20: begun by the way: {deed:?}")
        };
        let no = deed.refs.act.unwrap();
        let (agent, digest) = {
            let open = self.of(deed);
            assert!(!open.begun && !open.unknown, "G20: begun a second time: {deed:?}");
            let (map, until) = open.approved.unwrap_or_else(|| panic!("G20: never approved: {deed:?}"));
            assert!(look.now < until, "G20: an approval is used past its time: {deed:?}");
            assert_eq!(map, look.state.board.map_version, "G20: approved under another map: {deed:?}");
            let asked = order.arguments.digest(&order.server, &order.tool);
            assert_eq!(*open.digest, *asked, "G20: approved was another call: {deed:?}");
            assert_eq!(deed.actor.name(), open.agent, "G20: another's approval: {deed:?}");
            open.begun = true;
            (open.agent.clone(), open.digest.clone())
        };
        let others = self.open.iter().filter(|(other, _)| **other != no);
        let twice = others.filter(|(_, open)| open.agent == agent && open.digest == digest && open.begun);
        assert_eq!(twice.count(), 0, "G20: the same call is under way: {deed:?}");
    }

    /// After the ticks nothing is under way past its time, and no approval is kept past its own.
    pub(super) fn settled(&self, now: Time) {
        let late = self
            .open
            .values()
            .any(|open| !open.begun && open.approved.is_some_and(|(_, until)| until <= now));
        assert!(!late, "G20: an approval is kept past its time");
    }
}

fn is_write(deed: &Deed) -> bool {
    matches!(deed.body, Body::WriteCommitted(()))
}

/// Whether a write is the record of a call that was done: it has happened, whatever is true by now.
pub(super) fn has_happened(deed: &Deed) -> bool {
    is_write(deed) && deed.refs.act.is_some()
}

/// Whether an item ends by itself because its call's end was told after all.
pub(super) fn told_late(look: &Look<'_>, case: &Case) -> bool {
    let told = |deed: &Deed| matches!(deed.body, Body::CallEnded(_));
    matches!(case, Case::UnknownOutcome { .. }) && look.deeds.iter().any(told)
}
