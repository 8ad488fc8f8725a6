//! What was typed into a box and was not sent, or did not get through: kept by what the box is about, until it is done, or
//! until its texts are emptied by hand.

use std::collections::BTreeMap;

use super::widgets::form::Form;

/// The texts of boxes, each with the label of its field.
#[derive(Debug, Default)]
pub struct Drafts(BTreeMap<String, Vec<(&'static str, String)>>);

impl Drafts {
    /// Keeps what was typed; says whether there is something.
    pub fn keep(&mut self, about: &str, form: &Form) -> bool {
        let typed = form.typed();
        let kept = typed.iter().any(|(_, text)| !text.trim().is_empty());
        if kept {
            self.0.insert(about.to_owned(), typed);
        } else {
            self.0.remove(about);
        }
        kept
    }

    /// A box was closed without doing anything: what is to be said of it.
    pub fn closed(&mut self, about: &str, form: &Form) -> String {
        let kept = self.keep(about, form);
        let typed = if kept { "; what you typed is kept for when it is opened again" } else { "" };
        format!("nothing was done: {about}{typed}")
    }

    /// Puts back what was typed before, where something was.
    pub fn resume(&self, about: &str, form: &mut Form) {
        if let Some(typed) = self.0.get(about) {
            form.resume(typed);
        }
    }

    /// It is done.
    pub fn done(&mut self, about: &str) {
        self.0.remove(about);
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::keys::Key;
    use crate::console::widgets::form::Field;
    use crate::console::widgets::prompt::Insert;

    #[test]
    fn what_was_typed_is_kept_until_it_is_emptied_or_done() {
        let new = || Form::new(vec![Field::reason("note"), Field::needed("body", "as it was", "")], "handle");
        let (mut drafts, mut form) = (Drafts::default(), new());
        assert_eq!(drafts.closed("Handle #1", &form), "nothing was done: Handle #1");
        "by phone".chars().for_each(|c| form.insert(Insert::Key(Key::char(c).into())));
        assert!(drafts.closed("Handle #1", &form).ends_with("opened again"));
        let mut again = new();
        drafts.resume("Handle #2", &mut again);
        assert_eq!(again.text("note"), "");
        drafts.resume("Handle #1", &mut again);
        assert_eq!((again.text("note"), again.text("body")), ("by phone", "as it was"));
        drafts.keep("Handle #1", &new());
        assert_eq!(drafts.count(), 0, "emptied by hand");
        drafts.keep("Handle #1", &again);
        drafts.done("Handle #1");
        assert_eq!(drafts.count(), 0);
    }
}
