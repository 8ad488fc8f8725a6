//! The sheet that one decision is written on: the state before, the deeds so far, and the state with them on demand.

use std::borrow::Cow;
use std::sync::Arc;

use super::alert::Finding;
use super::{Answer, Decision, RULES, alert};
use crate::domain::code::Code;
use crate::domain::command::{Principal, Proof, Request};
use crate::domain::deed::{Body, Deed, Family, KeyMark, RULES_IN_DEEDS, Refs};
use crate::domain::ids::{Actor, MapVersion, Seq};
use crate::domain::outcome::Outcome;
use crate::domain::path::EntityPath;
use crate::domain::reply::Reply;
use crate::domain::rule::in_hand;
use crate::domain::state::State;
use crate::domain::things::{Door, Limits, Signed};
use crate::domain::time::Time;

/// One decision in the making.
pub(super) struct Sheet<'a> {
    base: &'a State,
    /// The state with the first `folded` deeds; made when a rule first needs it.
    ahead: Option<State>,
    folded: usize,
    deeds: Vec<Deed>,
    /// Who asks.
    pub(super) principal: Principal,
    /// When it is recorded.
    pub(super) now: Time,
    /// When it happened; another time than `now` only in imports.
    pub(super) time: Time,
    /// What falls due is from before the format was raised: its conflicts are told as one of each kind, not each.
    pub(super) gathered: Option<Vec<(Finding, Seq)>>,
    /// What is decided waited since this deed.
    pub(super) released: Option<Seq>,
    /// How much may be kept.
    pub(super) limits: Limits,
    /// Alerts that are counted and not shown.
    pub(super) suppressed: u64,
    /// The gateway that forwards what is decided at once, where it may: nothing where that waits.
    pub(super) via: Option<Arc<str>>,
    /// Imported history never escalates (RULES §15).
    pub(super) imported: bool,
    /// Deeds whose cause the caller did not name: it is the work that it has in hand.
    assumed: Vec<Seq>,
    key: Option<KeyMark>,
    traceparent: Option<Arc<str>>,
    door: Option<Door>,
    /// What the caller signed.
    pub(super) signed: Option<Box<Signed>>,
    /// It is only supposed, or played again: nobody is there to sign.
    pub(super) supposed: bool,
}

impl<'a> Sheet<'a> {
    pub(super) fn new(base: &'a State, request: &Request, now: Time) -> Self {
        Self {
            base,
            ahead: None,
            folded: 0,
            deeds: Vec::new(),
            principal: request.principal.clone(),
            now,
            time: now,
            gathered: None,
            released: None,
            limits: Limits::default(),
            suppressed: 0,
            via: None,
            imported: false,
            assumed: Vec::new(),
            key: request.key.as_ref().map(|asked| KeyMark {
                key: asked.key.clone(),
                digest: Arc::clone(&asked.digest),
                part: asked.part,
            }),
            traceparent: request.traceparent.clone(),
            door: Some(request.door).filter(|door| *door != Door::Http),
            signed: None,
            supposed: request.proof == Proof::Supposed,
        }
    }

    /// The state before this decision.
    pub(super) fn base(&self) -> &'a State {
        self.base
    }

    /// The state with every deed of this sheet.
    pub(super) fn state(&mut self) -> &State {
        if self.deeds.is_empty() {
            return self.base;
        }
        let ahead = self.ahead.get_or_insert_with(|| self.base.clone());
        for deed in self.deeds.iter().skip(self.folded) {
            ahead.fold(deed);
        }
        self.folded = self.deeds.len();
        ahead
    }

    /// The same, to be kept while deeds are pushed; a clone costs nothing.
    pub(super) fn snapshot(&mut self) -> Cow<'a, State> {
        if self.deeds.is_empty() { Cow::Borrowed(self.base) } else { Cow::Owned(self.state().clone()) }
    }

    /// The number of the deed that is pushed next.
    pub(super) fn next_seq(&self) -> Seq {
        Seq(self.base.head().0 + self.deeds.len() as u64 + 1)
    }

    /// A deed by the caller, to be completed and pushed.
    pub(super) fn draft(&self, body: Body, action: impl Into<Cow<'static, str>>, outcome: Outcome) -> Deed {
        Deed {
            seq: self.next_seq(),
            time: self.time,
            recorded: self.now,
            subject: None,
            correlation: self.base.head().next(),
            cause: None,
            traceparent: self.traceparent.clone(),
            actor: self.principal.actor.clone(),
            token: self.principal.token.clone(),
            door: self.door,
            action: action.into(),
            outcome,
            code: None,
            verdict: None,
            reason: None,
            map_version: self.map_version(),
            fields: Vec::new(),
            refs: Refs::default(),
            decided: None,
            key: None,
            signed: None,
            body,
        }
    }

    /// The version of the map in force: that of the last deed on this sheet that changed it, folded or not.
    fn map_version(&self) -> MapVersion {
        let mut pending = self.deeds.iter().skip(self.folded).rev();
        let folded = || self.ahead.as_ref().unwrap_or(self.base).board.map_version;
        pending.find_map(|deed| deed.body.map_version()).unwrap_or_else(folded)
    }

    /// A deed by Deeds itself, following from `cause`.
    pub(super) fn follow_up(
        &self,
        body: Body,
        action: impl Into<Cow<'static, str>>,
        outcome: Outcome,
        cause: Option<Seq>,
    ) -> Deed {
        let mut deed = self.draft(body, action, outcome);
        deed.actor = Actor::Deeds;
        deed.cause = cause;
        deed
    }

    /// Appends a deed; its number is its place. What rules decide beside its outcome is put into it here.
    pub(super) fn push(&mut self, mut deed: Deed) -> Seq {
        deed.seq = self.next_seq();
        // What Deeds does, or somebody's earlier word, was not asked for with the caller's token.
        if deed.actor != self.principal.actor {
            deed.token = None;
        }
        // A refusal does not follow from a cause that is not there.
        deed.cause = deed.cause.filter(|cause| *cause < deed.seq);
        if deed.cause.is_none() && self.may_have_cause(&deed) {
            deed.cause = self.in_hand(deed.subject.as_ref());
            self.assumed.extend(deed.cause.map(|_| deed.seq));
        }
        if self.base.board.format >= RULES_IN_DEEDS {
            // How often an alert was counted, what came before on this sheet says.
            let counted = matches!(deed.body, Body::AlertCounted(_));
            let state = if counted { self.state() } else { self.base };
            deed.decided = RULES.decided(&state.board, &deed);
        }
        if let Some(in_hand) = self.deeper_in_hand(&deed) {
            deed.decided.get_or_insert_default().in_hand = Some(in_hand);
        }
        let seq = deed.seq;
        self.deeds.push(deed);
        seq
    }

    /// The work that the caller has in hand, where a longer chain leads there than to the deed's cause.
    fn deeper_in_hand(&mut self, deed: &Deed) -> Option<Seq> {
        if self.base.board.format < RULES_IN_DEEDS || !self.may_have_cause(deed) {
            return None;
        }
        let (in_hand, depth) = self.deepest_in_hand()?;
        let cause = deed.cause.filter(|cause| *cause != in_hand);
        // A cause may be a deed of this sheet.
        let known = self.base.links.depth(cause);
        let is_here = cause.is_some_and(|cause| cause > self.base.head());
        let length = if is_here { self.state().links.depth(cause) } else { known };
        (Some(in_hand) != deed.cause && depth > length).then_some(in_hand)
    }

    /// Of the work that the caller has in hand that to which the longest chain leads, and how long that is.
    pub(super) fn deepest_in_hand(&self) -> Option<(Seq, u32)> {
        in_hand::deepest(self.base, self.principal.actor.agent()?, self.now)
    }

    /// The work that the caller has in hand, where it is an agent.
    pub(super) fn in_hand(&self, subject: Option<&EntityPath>) -> Option<Seq> {
        in_hand::in_hand(&self.base.board, self.principal.actor.agent()?, subject, self.now)
    }

    /// Whether the cause of that deed is not what its author named.
    pub(super) fn is_assumed(&self, deed: Seq) -> bool {
        self.assumed.contains(&deed)
    }

    /// Whether it is the caller's own deed, of a kind that names its cause.
    fn may_have_cause(&self, deed: &Deed) -> bool {
        let of_kind = matches!(
            deed.body.row().family,
            Family::Write
                | Family::Entity
                | Family::Act
                | Family::Event
                | Family::Claim
                | Family::Handoff
                | Family::FanOut
                | Family::Output
                | Family::Conclusion
        );
        of_kind && deed.actor == self.principal.actor
    }

    /// A deed of this sheet that nothing was folded after.
    pub(super) fn deed_mut(&mut self, seq: Seq) -> Option<&mut Deed> {
        self.deeds.iter_mut().find(|deed| deed.seq == seq)
    }

    /// A deed of this sheet.
    pub(super) fn deed(&self, seq: Seq) -> Option<&Deed> {
        self.deeds.iter().find(|deed| deed.seq == seq)
    }

    /// The deeds so far.
    pub(super) fn deeds(&self) -> &[Deed] {
        &self.deeds
    }

    /// How a deed of this sheet came out.
    pub(super) fn outcome(&self, seq: Seq) -> Outcome {
        self.deed(seq).map_or(Outcome::Recorded, |deed| deed.outcome)
    }

    /// Pushes a refusal.
    pub(super) fn refuse(
        &mut self,
        body: Body,
        action: impl Into<Cow<'static, str>>,
        code: Code,
        why: &str,
    ) -> Seq {
        let mut deed = self.draft(body, action, Outcome::Refused);
        deed.code = Some(code);
        deed.reason = Some(Arc::from(why));
        self.push(deed)
    }

    /// Pushes a refusal about an entity.
    pub(super) fn refuse_on(
        &mut self,
        body: Body,
        action: impl Into<Cow<'static, str>>,
        subject: &EntityPath,
        (code, why): (Code, &str),
    ) -> Seq {
        let seq = self.refuse(body, action, code, why);
        if let Some(deed) = self.deed_mut(seq) {
            deed.subject = Some(subject.clone());
        }
        seq
    }

    /// This decision keeps no key: the key's first answer stays.
    pub(super) fn forget_key(&mut self) {
        self.key = None;
    }

    /// Throws away what was decided so far.
    pub(super) fn start_over(&mut self) {
        self.deeds.clear();
        self.suppressed = 0;
        self.assumed.clear();
        self.ahead = None;
        self.folded = 0;
    }

    /// Ends the decision; the caller is told what `primary` records.
    pub(super) fn done(mut self, primary: Seq) -> Decision {
        alert::name_kinds(&mut self, primary);
        let (key, signed) = (self.key.take(), self.signed.take());
        if let Some(deed) = self.deed_mut(primary) {
            deed.key = key;
            deed.signed = signed.filter(|_| !deed.outcome.is_refusal());
        }
        if self.base.board.format >= RULES_IN_DEEDS {
            alert::say_suppressed(&mut self, primary);
        }
        match self.deed(primary) {
            Some(deed) => {
                let answer = Answer::Reply(Box::new(Reply::of(deed)));
                Decision { answer, deeds: self.deeds, turned_away: None }
            }
            None => self.nothing(),
        }
    }

    /// Ends the decision: nothing happened.
    pub(super) fn nothing(self) -> Decision {
        let mut deed = self.draft(Body::BatchCommitted(()), "nothing", Outcome::Recorded);
        deed.seq = self.base.head();
        deed.reason = Some(Arc::from("nothing to do"));
        let answer = Answer::Reply(Box::new(Reply::of(&deed)));
        Decision { answer, deeds: Vec::new(), turned_away: None }
    }
}

impl Deed {
    /// Gives the deed its reason.
    pub(super) fn because(&mut self, words: impl AsRef<str>) {
        self.reason = Some(Arc::from(words.as_ref()));
    }
}
