//! Secrets that were shown a moment ago, for whoever asks again because the answer was lost on its way. In memory and nowhere
//! else: a process that has ended has forgotten them.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use crate::domain::ids::{Seq, WorkspaceId};
use crate::domain::time::{Span, Time};

/// How long a secret is shown again.
pub(super) const SHOWN_FOR: Span = Span::from_mins(10);
/// Most that are remembered; the oldest goes first.
const MOST: usize = 1_024;

/// What was shown, by the deed that made it: the rules say to whom a retry is answered with which deed.
#[derive(Default)]
pub(super) struct Shown(Mutex<VecDeque<One>>);

struct One {
    workspace: WorkspaceId,
    deed: Seq,
    at: Time,
    secret: String,
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shown")
    }
}

impl Shown {
    /// Remembers what was shown for the first time.
    pub(super) fn keep(&self, workspace: &WorkspaceId, deed: Seq, secret: &str, at: Time) {
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shown.retain(|one| is_fresh(one, at));
        if shown.len() >= MOST {
            shown.pop_front();
        }
        shown.push_back(One { workspace: workspace.clone(), deed, at, secret: secret.to_owned() });
    }

    /// What that deed's answer showed, if that is not long ago.
    pub(super) fn again(&self, workspace: &WorkspaceId, deed: Seq, now: Time) -> Option<String> {
        let shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fresh = shown.iter().filter(|one| is_fresh(one, now));
        fresh.find(|one| one.deed == deed && one.workspace == *workspace).map(|one| one.secret.clone())
    }
}

fn is_fresh(one: &One, now: Time) -> bool {
    now.since(one.at) < SHOWN_FOR
}
