//! How far away the terminal is. A key that comes sooner after a frame than the terminal's own answer came after its question
//! was pressed by somebody who has not seen that frame; and a terminal far away gets fewer frames.

use std::time::{Duration, Instant};

/// One late answer more or less does not make a key wait for longer than this.
const MOST: Duration = Duration::from_secs(3);

/// How long the terminal's answers take.
#[derive(Debug)]
pub struct Distance {
    asked: Instant,
    /// There and back, where it took longer than the first frame waits; none where it is near, or never answers.
    far: Option<Duration>,
    open: bool,
    /// Until when a key belongs to what was shown before.
    unseen_until: Option<Instant>,
}

impl Distance {
    /// Of a terminal that was asked then, and that has or has not answered since.
    pub fn new(asked: Instant, answered: bool) -> Self {
        Self { asked, far: None, open: !answered, unseen_until: None }
    }

    /// A late answer has come: returns how far away the terminal is, the first time.
    pub fn heard(&mut self, now: Instant) -> Option<Duration> {
        if !std::mem::take(&mut self.open) {
            return None;
        }
        let took = now.duration_since(self.asked).min(MOST);
        // A terminal takes its time to answer, too; whoever sees and presses at once is not to be kept out.
        self.far = Some(took * 9 / 10);
        Some(took)
    }

    /// Whether it is so far away that it is to be spared.
    pub fn is_far(&self) -> bool {
        self.far.is_some()
    }

    /// Something else to decide about was written to it now.
    pub fn drawn(&mut self, now: Instant) {
        self.unseen_until = self.far.map(|far| now + far);
    }

    /// Whether a key that arrives now was pressed before that could be seen.
    pub fn is_unseen(&self, now: Instant) -> bool {
        self.unseen_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_wait_as_long_as_the_answer_took() {
        let asked = Instant::now();
        let after = |millis| asked + Duration::from_millis(millis);
        let mut near = Distance::new(asked, true);
        assert_eq!(near.heard(after(300)), None);
        near.drawn(after(400));
        assert!(!near.is_far() && !near.is_unseen(after(401)));

        let mut far = Distance::new(asked, false);
        far.drawn(after(110));
        assert!(!far.is_unseen(after(120)), "nothing is known yet");
        assert_eq!(far.heard(after(300)), Some(Duration::from_millis(300)));
        assert_eq!(far.heard(after(305)), None, "the second answer of the same question");
        far.drawn(after(1_000));
        assert!(far.is_unseen(after(1_269)) && !far.is_unseen(after(1_270)));
    }
}
