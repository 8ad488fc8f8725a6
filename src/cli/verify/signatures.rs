//! The signatures of people under their decisions, checked offline: each is over what its deed records, by a key that counted
//! then, and none is missing where the map asked for one.

use super::allowed::Allowed;
use crate::domain::deed::Deed;
use crate::domain::ids::WorkspaceId;
use crate::domain::rule::signed;
use crate::domain::state::State;
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
}

impl<'a> Signatures<'a> {
    /// To check a ledger from its first deed on; with a file of allowed signers by that too, beside the keys that the ledger
    /// itself says are whose.
    pub(super) fn new(identity: &Identity, allowed: Option<&'a Allowed>) -> anyhow::Result<Self> {
        let workspace: WorkspaceId = identity.workspace.parse()?;
        let (ledger, state) = (identity.source(), State::new(workspace));
        Ok(Self { allowed, ledger, state, held: 0, faults: Vec::new() })
    }

    /// The next deed.
    ///
    /// # Errors
    /// When it is none of this version.
    pub(super) fn reached(&mut self, bytes: &[u8]) -> Result<(), String> {
        let deed = Deed::decode(bytes).map_err(|error| error.to_string())?;
        match self.check(&deed) {
            Ok(held) => self.held += usize::from(held),
            Err(why) => self.faults.push(format!("deed {}: {why}", deed.seq)),
        }
        self.state.fold(&deed);
        Ok(())
    }

    /// Whether it has a signature that holds.
    fn check(&self, deed: &Deed) -> Result<bool, String> {
        let Some(one) = &deed.signed else {
            let lacks = signed::lacks(&self.state, deed);
            return lacks.map_or(Ok(false), |why| Err(format!("it is not signed, although {why}")));
        };
        let key = signed::holds(&self.state, &self.ledger, deed, one)?;
        let model = self.state.board.map.model();
        let person = deed.actor.person().map_or("", |person| model.person_of(person).as_str());
        match self.allowed {
            Some(allowed) if !allowed.allows(person, &key, deed.recorded) => {
                Err(format!("{} is not allowed to sign as {person}", key.fingerprint()))
            }
            Some(_) | None => Ok(true),
        }
    }

    /// How many signatures hold.
    ///
    /// # Errors
    /// What does not.
    pub(super) fn finish(self, place: &str) -> anyhow::Result<usize> {
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
