//! Whether several want their turns at present: then each gets little at once.

use std::time::Duration;

use tokio::time::Instant;

/// So long after two came by turns they share.
const SHARED: Duration = Duration::from_secs(1);

/// Who came last, and when somebody came who was not the last one.
#[derive(Debug)]
pub struct Mixed<W> {
    last: Option<W>,
    at: Option<Instant>,
}

impl<W> Default for Mixed<W> {
    fn default() -> Self {
        Self { last: None, at: None }
    }
}

impl<W: Clone + PartialEq> Mixed<W> {
    /// Somebody came.
    pub fn saw(&mut self, who: &W) {
        if self.last.as_ref() != Some(who) {
            self.at = self.last.replace(who.clone()).map(|_| Instant::now());
        }
    }

    /// Whether others came lately.
    pub fn is_shared(&self) -> bool {
        self.at.is_some_and(|at| at.elapsed() < SHARED)
    }
}
