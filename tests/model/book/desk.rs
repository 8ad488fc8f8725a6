//! What people answer and what is published: by whom, on what was shown (G12), and one item for each case (G11).

use std::collections::{BTreeMap, BTreeSet};

use super::Look;
use deeds::domain::command::{Answered, Command, ItemVerb};
use deeds::domain::deed::{Body, Deed, ItemClosed};
use deeds::domain::ids::{Actor, AgentId, AlertNo, ItemNo, PersonId, Seq};
use deeds::domain::map::Queue;
use deeds::domain::path::EntityPath;
use deeds::domain::things::{
    AlertKind, AlertSide, Case, Conclusion, Item, ItemAnswer, Publication, TokenClass, WorkKind,
};
use deeds::domain::time::{Span, Time};

/// What is kept of the inbox.
#[derive(Default)]
pub(crate) struct Desk {
    open: BTreeSet<ItemNo>,
    newest: ItemNo,
    /// The open item of each alert.
    conflicts: BTreeMap<AlertNo, ItemNo>,
    /// What went out, in order.
    published: Vec<Sent>,
    /// Publications that wait for a turn: until when.
    waits: BTreeMap<Seq, Time>,
    /// What people ruled, by entity and question.
    rulings: BTreeMap<(String, String), Vec<Ruled>>,
}

/// What a person ruled.
struct Ruled {
    deed: Seq,
    /// Folded.
    answer: String,
    at: Time,
}

/// Without regard to case and white space.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// One publication.
struct Sent {
    output: String,
    thread: Option<String>,
    about: Option<String>,
    by: AgentId,
    at: Time,
    deed: Seq,
}

impl Desk {
    pub(super) fn look(&mut self, look: &Look<'_>) {
        let deed = look.deed;
        match &deed.body {
            Body::ItemOpened(item) => {
                assert!(item.no > self.newest, "a number twice: {deed:?}");
                self.newest = item.no;
                self.open.insert(item.no);
                if let Case::Conflict { alert } = &item.case {
                    let before = self.conflicts.insert(*alert, item.no);
                    let open = before.filter(|no| self.open.contains(no));
                    assert!(open.is_none(), "G11: the alert is in the inbox already: {deed:?}");
                }
            }
            Body::ItemAnswered(closed) => self.answered(look, closed),
            Body::ItemUndone(()) => {
                check_person(look);
                let no = deed.refs.item.unwrap();
                let kept = look.state.board.closed_item(no).unwrap();
                check_reviewer(look, &kept.item);
                assert!(self.open.insert(no), "was open: {deed:?}");
                self.open.extend(kept.effects.included.iter().copied());
                if let Some(ruled) = &kept.effects.ruling {
                    for rulings in self.rulings.values_mut() {
                        rulings.retain(|one| one.deed != ruled.deed);
                    }
                }
            }
            Body::ItemReleased(()) if deed.actor == Actor::Deeds => check_freed(look),
            Body::ItemLeft(()) | Body::ItemClaimed(()) | Body::ItemReleased(()) | Body::ItemReassigned(_) => {
                check_person(look);
                check_reviewer(look, &look.state.board.items[&deed.refs.item.unwrap()]);
            }
            Body::AlertResolved(()) if deed.actor == Actor::Deeds => check_agreed(look),
            Body::AlertAcknowledged(()) | Body::AlertResolved(()) => {
                let by_people = deed.actor.person().is_some();
                assert!(by_people, "G12: only named people end an alert: {deed:?}");
            }
            Body::ConclusionDrawn(drawn) => self.concluded(look, drawn),
            Body::OutputDeferred(publication) => self.waits(look, publication),
            Body::OutputPublished(publication) => {
                check_published(look, publication);
                Self::check_known(look);
                self.spoken(look, (&publication.output, publication.thread.as_deref()));
            }
            Body::ActAllowed(order) => {
                Self::check_known(look);
                let listed = look.model.outputs.iter().any(|rule| *rule.name == *order.target);
                let granted = |agent: &deeds::domain::map::Agent| {
                    agent.outputs.iter().any(|output| **output == *order.target)
                };
                assert_eq!(
                    order.conversation.is_some(),
                    listed || look.model.agents.iter().any(granted),
                    "an act on an output speaks there: {deed:?}"
                );
                if let Some(said) = &order.conversation {
                    check_approved(look, &order.target);
                    self.spoken(look, (&order.target, said.thread.as_deref()));
                }
            }
            _ => {}
        }
    }

    /// Whoever sends about an account has read what the map wants known of it (§10.6); what a person approved was
    /// asked before.
    fn check_known(look: &Look<'_>) {
        let (action, subject, depends_on) = match &look.request.command {
            Command::Act(act) => (Some(&act.action), Some(&act.subject), &act.depends_on),
            Command::Publish(publish) => {
                (publish.action.as_ref(), publish.subject.as_ref(), &publish.depends_on)
            }
            _ => return,
        };
        let about = subject.filter(|subject| subject.as_str().starts_with("crm/account/"));
        let (Some(subject), Some(_), true) =
            (about, action.filter(|word| word.starts_with("send_")), look.enforced())
        else {
            return;
        };
        for field in ["plan", "health"] {
            let path = subject.field(field.parse().unwrap());
            assert!(depends_on.contains_key(&path), "sent without knowing {path}: {:?}", look.deed);
        }
    }

    /// Whoever waits for its turn is of the order and not the last one that spoke there, and waits no longer than the window.
    fn waits(&mut self, look: &Look<'_>, said: &Publication) {
        let deed = look.deed;
        let Some(waits) = &said.waits else { return };
        let rule = look.model.outputs.iter().find(|rule| *rule.name == *said.output).unwrap();
        let by = deed.actor.agent().unwrap();
        assert!(rule.order.contains(by), "waits without a turn: {deed:?}");
        let thread = said.thread.as_deref();
        let on = |sent: &&Sent| {
            *sent.output == *said.output && (thread.is_none() || sent.thread.as_deref() == thread)
        };
        let last = self.published.iter().rev().find(on);
        assert!(last.is_none_or(|last| last.by != *by), "the last one goes on: {deed:?}");
        let window = rule.thread_window.unwrap_or(Span::from_hours(1));
        assert!(waits.until <= look.now.plus(window), "waits longer than the window: {deed:?}");
        self.waits.insert(deed.seq, waits.until);
    }

    /// A person's decides the question; an agent's says the same as the last ruling, for as long as that is known.
    fn concluded(&mut self, look: &Look<'_>, drawn: &Conclusion) {
        let deed = look.deed;
        assert_eq!(drawn.ruling, deed.actor.person().is_some(), "a ruling is a person's: {deed:?}");
        let question = (deed.subject.as_ref().unwrap().to_string(), folded(&drawn.question));
        let answer = folded(&drawn.answer.plain());
        let rulings = self.rulings.entry(question).or_default();
        if drawn.ruling {
            rulings.push(Ruled { deed: deed.seq, answer, at: deed.recorded });
            return;
        }
        let Some(ruled) = rulings.last() else { return };
        if look.enforced() && deed.recorded.since(ruled.at) < Span::from_days(7) {
            assert_eq!(answer, ruled.answer, "concluded against a ruling: {deed:?}");
        }
    }

    /// In turn, and where a person approved it: over what another has sent on the thread since.
    fn spoken(&mut self, look: &Look<'_>, (output, thread): (&str, Option<&str>)) {
        let deed = look.deed;
        let by = look.agent().unwrap().clone();
        let thread = thread.map(str::to_owned);
        // Without a thread the output as a whole is one.
        let on = |sent: &&Sent| *sent.output == *output && (thread.is_none() || sent.thread == thread);
        let last = self.published.iter().rev().find(on);
        let rule = look.model.outputs.iter().find(|rule| *rule.name == *output);
        // What waited goes out in turn, or after its time.
        let waited = deed.refs.first.and_then(|first| self.waits.remove(&first));
        let asked = matches!(look.request.command, Command::Publish(_) | Command::Act(_));
        let asks = waited.is_some_and(|until| look.now < until) || (asked && deed.refs.first.is_none());
        if let Some(rule) = rule.filter(|rule| asks && look.enforced() && !rule.order.is_empty()) {
            let place = last.and_then(|sent| rule.order.iter().position(|agent| *agent == sent.by));
            let next = place.map(|place| &rule.order[(place + 1) % rule.order.len()]);
            let again = place.is_some() && last.is_some_and(|sent| sent.by == by);
            let begins = next.is_none() && rule.order.contains(&by);
            let woken = matches!(look.request.command, Command::Act(_));
            let in_turn = next == Some(&by) || again || begins || woken;
            assert!(in_turn, "out of turn, after {:?}: {deed:?}", last.map(|sent| &sent.by));
        }
        // What goes out after it because its turn came was not approved.
        for item in approved(look).filter(|_| thread.is_some() && waited.is_none()) {
            let (Case::Approval { over, .. } | Case::ActApproval { over, .. }) = &item.case else { continue };
            // The state remembers the last one of each thread.
            let others = last.filter(|sent| sent.deed > item.deed && sent.by != by);
            let unseen = others.map(|sent| sent.deed).filter(|sent| !over.contains(sent));
            assert!(unseen.is_none(), "G12: {unseen:?} went out since and was not shown: {deed:?}");
        }
        let path = |text: &String| text.parse::<EntityPath>().ok().map(|path| path.to_string());
        let about = deed.subject.as_ref().map(ToString::to_string).or_else(|| thread.as_ref().and_then(path));
        if matches!(look.request.command, Command::Publish(_) | Command::Act(_)) && look.enforced() {
            self.check_alone(look, &by, (thread.as_ref(), about.as_ref()), output);
        }
        let at = look.now;
        self.published.push(Sent { output: output.to_owned(), thread, about, by, at, deed: deed.seq });
    }

    /// One voice in a conversation: nobody else spoke there within the window, unless the agent has been given work about
    /// it, or both are of the order of the output on which both speak.
    fn check_alone(
        &self,
        look: &Look<'_>,
        by: &AgentId,
        (thread, about): (Option<&String>, Option<&String>),
        output: &str,
    ) {
        let rule = |name: &str| look.model.outputs.iter().find(|rule| *rule.name == *name);
        let window =
            |name: &str| rule(name).and_then(|rule| rule.thread_window).unwrap_or(Span::from_hours(1));
        let in_order = |last: &Sent| {
            let order = rule(output).map_or(&[][..], |rule| &rule.order);
            *last.output == *output && order.contains(by) && order.contains(&last.by)
        };
        let same_thread = |sent: &&Sent| thread.is_some() && sent.thread.as_ref() == thread;
        let about_it = |sent: &&Sent| {
            about.is_some() && sent.about.as_ref() == about && (thread.is_none() || sent.thread.is_none())
        };
        let last =
            [self.published.iter().rev().find(same_thread), self.published.iter().rev().find(about_it)];
        let given = look.before.board.works.values().any(|work| {
            work.agent == *by
                && matches!(
                    work.kind,
                    WorkKind::Dispatch { .. } | WorkKind::Handoff { .. } | WorkKind::Returned { .. }
                )
        });
        let others = last.into_iter().flatten().filter(|last| last.by != *by && !in_order(last));
        for last in others.filter(|_| !given) {
            // It was that one's for its own output's window.
            let window = window(&last.output).min(window(output));
            assert!(
                look.now >= last.at.plus(window),
                "two voices, after {} on {} at {}: {:?}",
                last.deed,
                last.output,
                last.at,
                look.deed
            );
        }
    }

    /// G12: by a named human, on what was shown, and not on one's own.
    fn answered(&mut self, look: &Look<'_>, closed: &ItemClosed) {
        let deed = look.deed;
        let no = deed.refs.item.unwrap();
        if deed.actor == Actor::Deeds {
            let item = &look.before.board.items[&no];
            let over = |one: &Deed| {
                matches!(one.body, Body::AlertResolved(()))
                    && one.actor == Actor::Deeds
                    && one.refs.alerts.first().copied() == item.case.alert()
            };
            let cared = matches!(item.case, Case::MapOverdue { .. }) && look.deeds.iter().any(cared);
            let late = super::calls::told_late(look, &item.case);
            assert!(cared || late || look.deeds.iter().any(over), "G12: nobody answered: {deed:?}");
            assert!(self.open.remove(&no), "G12: answered twice: {deed:?}");
            return;
        }
        check_person(look);
        if let (Command::Conclude(said), ItemAnswer::Ruling { value: Some(value), .. }) =
            (&look.request.command, &closed.answer)
        {
            // The question itself was answered, by whom the item is.
            assert_eq!(said.answer, *value, "another answer: {deed:?}");
            check_reviewer(look, &look.before.board.items[&no]);
            assert!(self.open.remove(&no), "G12: answered twice: {deed:?}");
            return;
        }
        let Command::Item(step) = &look.request.command else { panic!("G12: answered by the way: {deed:?}") };
        let ItemVerb::Answer(answered) = &step.step else { panic!("G12: answered by the way: {deed:?}") };
        assert_eq!(step.item, no, "another item: {deed:?}");
        // As it was when the request came: what the answer itself does to it does not count.
        let item = &look.before.board.items[&no];
        check_shown(look, item, answered);
        for no in std::iter::once(&no).chain(&closed.effects.included) {
            let item = &look.before.board.items[no];
            check_reviewer(look, item);
            assert!(self.open.remove(no), "G12: answered twice: {deed:?}");
        }
        let approves = matches!(
            closed.answer,
            ItemAnswer::Approve { .. } | ItemAnswer::ApproveEdited { .. } | ItemAnswer::Reject { .. }
        );
        assert!(
            approves == (item.case.is_approval() || item.case.is_yes_or_no())
                || matches!(closed.answer, ItemAnswer::OutOfScope { .. } | ItemAnswer::Handle { .. }),
            "another kind of case: {deed:?}"
        );
        if let ItemAnswer::Transfer { .. } = closed.answer {
            assert_eq!(
                look.request.principal.class,
                TokenClass::Admin,
                "G12: only admins take from an owner: {deed:?}"
            );
        }
    }
}

/// It ends by itself where states agree again, one side being not there any more; or where somebody went through the map.
fn check_agreed(look: &Look<'_>) {
    let deed = look.deed;
    let board = &look.state.board;
    let no = deed.refs.alerts.first().unwrap();
    let alert = board.alerts.get(no).or_else(|| board.resolved.iter().find(|alert| alert.no == *no)).unwrap();
    if alert.kind == AlertKind::Overdue {
        assert!(
            look.deeds.iter().any(cared) && &*alert.fingerprint == "overdue|map",
            "ended by itself: {deed:?}"
        );
        return;
    }
    assert_eq!(alert.kind, AlertKind::Contradiction, "ended by itself: {deed:?}");
    let stands = |side: &AlertSide| {
        let path = side.path.as_ref().unwrap();
        let entity = look.state.entities.get(&path.entity).filter(|entity| entity.gone.is_none());
        entity.and_then(|entity| entity.field(&path.field)).map(|field| &field.value) == side.value.as_ref()
    };
    assert!(!alert.sides.iter().all(stands), "all of it stands still: {deed:?}");
}

/// Somebody went through the map, or put another one in force.
fn cared(deed: &Deed) -> bool {
    matches!(deed.body, Body::MapApplied(_) | Body::MapReviewed(()))
}

/// The answer named the version and the material of now; and the one that looked earlier saw the very same.
fn check_shown(look: &Look<'_>, item: &Item, answered: &Answered) {
    let deed = look.deed;
    assert_eq!(answered.version, item.version, "G12: it has changed since: {deed:?}");
    assert_eq!(answered.digest, item.digest(), "G12: something else was shown: {deed:?}");
    if let Some(seen) = look.seen.get(&item.no).filter(|seen| seen.digest() == answered.digest) {
        let shown = |item: &Item| {
            (
                item.case.clone(),
                item.raised_by.clone(),
                item.why.clone(),
                item.evidence.clone(),
                item.suggestion.clone(),
            )
        };
        assert_eq!(shown(seen), shown(item), "G12: the same digest for other material: {deed:?}");
    }
}

/// A person, with a person's token.
fn check_person(look: &Look<'_>) {
    let caller = &look.request.principal;
    assert!(caller.actor.person().is_some(), "G12: not by a person: {:?}", look.deed);
    assert!(matches!(caller.class, TokenClass::Reviewer | TokenClass::Admin), "G12: {:?}", look.deed);
    assert_eq!(caller.actor, look.deed.actor, "G12: in another's name: {:?}", look.deed);
}

/// Named on the queue: its owner at any time, the one it was handed to, or a deputy from half the time on; not on what
/// they raised, and not on what another has claimed.
fn check_reviewer(look: &Look<'_>, item: &Item) {
    let deed = look.deed;
    let person: &PersonId = deed.actor.person().unwrap();
    let board = &look.before.board;
    let model = board.map.model();
    let taken_over = deed.action == "take over";
    let claimed = item.claimed_by.as_ref().filter(|_| item.claim_until.is_none_or(|until| look.now < until));
    let others = claimed.is_some_and(|by| by != person);
    assert!(!others || taken_over, "G12: claimed by another: {deed:?}");
    let queue: &Queue =
        model.queues.iter().find(|queue| queue.name == item.queue).unwrap_or(&model.queues[0]);
    // Whoever holds the field decides what becomes of it.
    let holds =
        matches!(&item.case, Case::HeldField { held_by, .. } if held_by == std::slice::from_ref(person));
    let gone = |person: &PersonId| {
        let mut tokens = look.before.access.tokens.values().filter(|record| {
            let token = &record.token;
            let decides = matches!(token.class, TokenClass::Reviewer | TokenClass::Admin);
            let ended = record.revoked.is_some() || token.expires.is_some_and(|end| end <= look.now);
            decides && *token.name == *person.as_str() && !ended
        });
        let away = board.away.get(person).is_some_and(|away| away.until.is_none_or(|until| look.now < until));
        away || tokens.next().is_none()
    };
    if item.raised_by.person() == Some(person) {
        let is_approval = matches!(item.case, Case::Approval { .. } | Case::ActApproval { .. });
        let alone = queue.reviewers().all(|named| named == person || gone(named));
        assert!(!is_approval && alone, "G12: on their own, and others could: {deed:?}");
    }
    let governs = model.governance_owner.as_ref() == Some(person);
    if let Case::MapOverdue { .. } = item.case {
        let admin = look.request.principal.class == TokenClass::Admin;
        assert!(governs || admin, "the map is not theirs to go through: {deed:?}");
        return;
    }
    if let Case::ZoneOffer { from, accountable, .. } = &item.case {
        let owner = model.agents.iter().find(|agent| agent.id == *from);
        let accountable = owner.map_or(accountable, |agent| &agent.owner);
        let gave = look.before.board.closed_item(item.no).is_some_and(|closed| closed.by == deed.actor);
        let out = gone(accountable) && model.governance_owner.as_ref().is_none_or(gone);
        let stands_in = look.request.principal.class == TokenClass::Admin && out && deed.refs.stands_in;
        assert!(
            person == accountable || governs || stands_in || gave,
            "G12: a zone goes over without the word of {accountable}: {deed:?}"
        );
        return;
    }
    if queue.owner == *person || holds {
        return;
    }
    let gave = look.before.board.closed_item(item.no).is_some_and(|closed| closed.by == deed.actor);
    let mine = item.assigned_to.as_ref() == Some(person) || claimed == Some(person) || gave;
    if deed.refs.stands_in {
        // Nobody who is named could, or whoever answers for the map took it over, with a reason.
        let nobody = queue.reviewers().all(|named| gone(named) || item.raised_by.person() == Some(named));
        let admin = look.request.principal.class == TokenClass::Admin;
        let transfers =
            admin && transfers(look) && queue.reviewers().all(|named| !is_admin(look, named) || gone(named));
        let office = (governs || admin) && (mine || nobody) || governs && taken_over;
        assert!(office || transfers, "G12: stood in for those who could: {deed:?}");
        return;
    }
    assert!(queue.deputies.contains(person), "G12: not named on {}: {deed:?}", queue.name);
    let half = item.opened.plus(Span::from_micros(item.due.since(item.opened).micros() / 2));
    let handed = item.assigned_to.as_ref().filter(|to| **to != queue.owner && (*to == person || !gone(to)));
    let can_not = gone(&queue.owner) || item.raised_by.person() == Some(&queue.owner);
    let may = mine || handed.map_or(look.now >= half || can_not, |to| to == person);
    assert!(may, "G12: a deputy before half the time: {deed:?}");
}

/// Whether the request answers with a transfer.
fn transfers(look: &Look<'_>) -> bool {
    let Command::Item(step) = &look.request.command else { return false };
    matches!(&step.step, ItemVerb::Answer(answered) if matches!(answered.answer, ItemAnswer::Transfer { .. }))
}

/// Whether somebody has an admin's token.
fn is_admin(look: &Look<'_>, person: &PersonId) -> bool {
    look.before.access.tokens.values().any(|record| {
        let token = &record.token;
        let ended = record.revoked.is_some() || token.expires.is_some_and(|end| end <= look.now);
        token.class == TokenClass::Admin && *token.name == *person.as_str() && !ended
    })
}

/// A claim ended by itself: by its time, or because who made it is not named there under the new map.
fn check_freed(look: &Look<'_>) {
    let item = &look.before.board.items[&look.deed.refs.item.unwrap()];
    let over = item.claim_until.is_some_and(|until| until <= look.now);
    let applied = matches!(look.request.command, Command::ApplyMap(_));
    assert!(item.claimed_by.is_some() && (over || applied), "G12: freed before its time: {:?}", look.deed);
}

/// The items that the request approves.
pub(super) fn approved<'a>(look: &'a Look<'_>) -> impl Iterator<Item = &'a Item> {
    let step = if let Command::Item(step) = &look.request.command { Some(step) } else { None };
    let numbers = step.into_iter().flat_map(|step| match &step.step {
        ItemVerb::Answer(answered) => std::iter::once(step.item).chain(answered.include.clone()).collect(),
        _ => Vec::new(),
    });
    numbers.filter_map(|no| look.before.board.items.get(&no)).map(AsRef::as_ref)
}

/// By a publisher of the output; and where a person approves, out of an approval.
fn check_published(look: &Look<'_>, publication: &Publication) {
    let deed = look.deed;
    let agent = look.agent().unwrap_or_else(|| panic!("published by nobody: {deed:?}"));
    if !look.enforced() {
        return;
    }
    let granted = look.zones.publishes(agent.as_str(), &publication.output);
    assert!(granted, "G2: published outside of the zone: {deed:?}");
    check_approved(look, &publication.output);
}

/// G12: where a person approves, out of an approval.
fn check_approved(look: &Look<'_>, output: &str) {
    let deed = look.deed;
    let rule = look.model.outputs.iter().find(|rule| *rule.name == *output);
    let approved = look.deeds.iter().any(|deed| {
        matches!(&deed.body, Body::ItemAnswered(closed)
            if matches!(closed.answer, ItemAnswer::Approve { .. } | ItemAnswer::ApproveEdited { .. }))
    });
    if rule.is_some_and(|rule| rule.needs_approval) && look.enforced() {
        assert!(approved, "G12: published without an approval: {deed:?}");
    }
}
