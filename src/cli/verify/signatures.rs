//! The signatures of people under their decisions, checked offline: each is over what its deed records, by a key that counted
//! then, and none is missing where the map asked for one.

use super::allowed::Allowed;
use crate::domain::deed::Deed;
use crate::domain::ids::WorkspaceId;
use crate::domain::rule::signed;
use crate::domain::state::State;
use crate::domain::things::Signed;
use crate::ledger::Identity;

/// Most faults that are told.
const TOLD: usize = 20;

/// What was found in one ledger.
pub(super) struct Signatures<'a> {
    allowed: Option<&'a Allowed>,
    ledger: String,
    state: State,
    held: usize,
    faults: Vec<String>,
    /// The deeds of the decision that is being read, each with the state before it: what one of them signed holds for all.
    decision: Vec<(Deed, State)>,
}

impl<'a> Signatures<'a> {
    /// To check a ledger from its first deed on; with a file of allowed signers by that too, beside the keys that the ledger
    /// itself says are whose.
    pub(super) fn new(identity: &Identity, allowed: Option<&'a Allowed>) -> anyhow::Result<Self> {
        let workspace: WorkspaceId = identity.workspace.parse()?;
        let (ledger, state) = (identity.source(), State::new(workspace));
        Ok(Self { allowed, ledger, state, held: 0, faults: Vec::new(), decision: Vec::new() })
    }

    /// The next deed.
    ///
    /// # Errors
    /// When it is none of this version.
    pub(super) fn reached(&mut self, bytes: &[u8]) -> Result<(), String> {
        let deed = Deed::decode(bytes).map_err(|error| error.to_string())?;
        if self.decision.first().is_some_and(|(first, _)| first.correlation != deed.correlation) {
            self.weigh();
        }
        let before = self.state.clone();
        self.state.fold(&deed);
        self.decision.push((deed, before));
        Ok(())
    }

    /// One decision: a signature in it, and that what follows from it is what was signed; or that none was asked for.
    fn weigh(&mut self) {
        let decision = std::mem::take(&mut self.decision);
        let signed = decision.iter().find(|(deed, _)| deed.signed.is_some());
        for (deed, before) in &decision {
            let weighed = match (&deed.signed, signed) {
                (Some(one), _) => self.holds(before, deed, one).map(|()| self.held += 1),
                (None, Some((primary, _))) => signed::follows(before, deed, primary),
                (None, None) => match signed::lacks(before, deed) {
                    Some(why) => Err(format!("it is not signed, although {why}")),
                    None => Ok(()),
                },
            };
            if let Err(why) = weighed {
                self.faults.push(format!("deed {}: {why}", deed.seq));
            }
        }
    }

    fn holds(&self, before: &State, deed: &Deed, one: &Signed) -> Result<(), String> {
        let key = signed::holds(before, &self.ledger, deed, one)?;
        let model = before.board.map.model();
        let person = deed.actor.person().map_or("", |person| model.person_of(person).as_str());
        match self.allowed {
            Some(allowed) if !allowed.allows(person, &key, deed.recorded) => {
                Err(format!("{} is not allowed to sign as {person}", key.fingerprint()))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// How many signatures hold.
    ///
    /// # Errors
    /// What does not.
    pub(super) fn finish(mut self, place: &str) -> anyhow::Result<usize> {
        self.weigh();
        if self.faults.is_empty() {
            return Ok(self.held);
        }
        let more = self.faults.len().saturating_sub(TOLD);
        let mut told: Vec<String> = self.faults.into_iter().take(TOLD).collect();
        if more > 0 {
            told.push(format!("and {more} more"));
        }
        anyhow::bail!("{place}: the chain holds, and its signatures do not:\n  {}", told.join("\n  "))
    }
}
