//! What was typed into a box and was not sent, or did not get through: kept by what the box is about and in which workspace,
//! until it is done, or until its texts are emptied by hand.

use std::collections::BTreeMap;

use super::widgets::form::Form;
use crate::domain::ids::WorkspaceId;

/// In which workspace, and what the box is about.
type About = (Option<WorkspaceId>, String);

/// The texts of boxes, each with the label of its field. A number means another case in another workspace.
#[derive(Debug, Default)]
pub struct Drafts {
    here: Option<WorkspaceId>,
    kept: BTreeMap<About, Vec<(&'static str, String)>>,
}

impl Drafts {
    /// From now on boxes are about this workspace.
    pub fn come_to(&mut self, workspace: &WorkspaceId) {
        if self.here.as_ref() != Some(workspace) {
            self.here = Some(workspace.clone());
        }
    }

    fn key(&self, about: &str) -> About {
        (self.here.clone(), about.to_owned())
    }

    /// Keeps what was typed; says whether there is something.
    pub fn keep(&mut self, about: &str, form: &Form) -> bool {
        let typed = form.typed();
        let kept = typed.iter().any(|(_, text)| !text.trim().is_empty());
        if kept {
            self.kept.insert(self.key(about), typed);
        } else {
            self.kept.remove(&self.key(about));
        }
        kept
    }

    /// A box was closed without doing anything: what is to be said of it.
    pub fn closed(&mut self, about: &str, form: &Form) -> String {
        let kept = self.keep(about, form);
        format!("not done: {about}{}", if kept { "; the text is kept" } else { "" })
    }

    /// Puts back what was typed before, where something was.
    pub fn resume(&self, about: &str, form: &mut Form) {
        if let Some(typed) = self.kept.get(&self.key(about)) {
            form.resume(typed);
        }
    }

    /// It is done.
    pub fn done(&mut self, about: &str) {
        self.kept.remove(&self.key(about));
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.kept.len()
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
        assert_eq!(drafts.closed("Handle #1", &form), "not done: Handle #1");
        "by phone".chars().for_each(|c| form.insert(Insert::Key(Key::char(c).into())));
        assert!(drafts.closed("Handle #1", &form).ends_with("the text is kept"));
        let mut again = new();
        drafts.resume("Handle #2", &mut again);
        assert_eq!(again.text("note"), "");
        drafts.resume("Handle #1", &mut again);
        assert_eq!((again.text("note"), again.text("body")), ("by phone", "as it was"));
        // The same number is another case elsewhere.
        let mut elsewhere = new();
        drafts.come_to(&WorkspaceId::new("elsewhere").unwrap());
        drafts.resume("Handle #1", &mut elsewhere);
        assert_eq!((elsewhere.text("note"), drafts.count()), ("", 1));
        drafts.here = None;
        drafts.keep("Handle #1", &new());
        assert_eq!(drafts.count(), 0, "emptied by hand");
        drafts.keep("Handle #1", &again);
        drafts.done("Handle #1");
        assert_eq!(drafts.count(), 0);
    }
}
