//! The keys of a view, printed from the keymap.

use ratatui::text::{Line, Span};

use super::{Look, pad, styled};
use crate::console::action::{Action, Group};
use crate::console::keymap::{Context, Keymap};

/// Cells for the keys.
const KEYS_WIDE: usize = 18;

/// The lines of help for a context: every action that has a key there, by group, each with all its keys. The keys of a
/// simulated clock only where there is one. Below them what the signs of the view mean.
pub fn lines(
    look: Look<'_>,
    keymap: &Keymap,
    (context, rehearsing): (Context, bool),
    signs: &[(&'static str, &'static str)],
) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let groups = [Group::Decide, Group::Look, Group::Go, Group::Move, Group::Console];
    let rehearsal = rehearsing.then_some(Group::Rehearsal);
    for group in rehearsal.into_iter().chain(groups) {
        let actions = Action::ALL.iter().filter(|action| action.group() == group);
        let with_keys = actions.map(|action| (action, keymap.keys_for(context, *action)));
        let with_keys: Vec<_> = with_keys.filter(|(_, keys)| !keys.is_empty()).collect();
        if with_keys.is_empty() {
            continue;
        }
        if !lines.is_empty() {
            lines.push(Line::default());
        }
        lines.push(styled(group.heading(), look.theme.title));
        for (action, keys) in with_keys {
            let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
            lines.push(told(look, keys.join("  "), action.help()));
        }
    }
    if !signs.is_empty() {
        lines.extend([Line::default(), styled("Signs", look.theme.title)]);
    }
    lines.extend(signs.iter().map(|(sign, words)| told(look, (*sign).to_owned(), words)));
    lines
}

fn told(look: Look<'_>, what: String, words: &'static str) -> Line<'static> {
    let mut line = pad(styled(what, look.theme.accent), KEYS_WIDE, look.glyphs.cut);
    line.spans.push(Span::raw("  "));
    line.spans.push(Span::styled(words, look.theme.base));
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::widgets::tests::with_look;

    #[test]
    fn help_lists_what_the_keys_do_here_and_nothing_else() {
        with_look(|look| {
            let text = |context| {
                let lines = lines(look, &Keymap::built_in(), (context, false), &[]);
                lines.iter().map(|line| line.to_string() + "\n").collect::<String>()
            };
            let inbox = text(Context::Inbox);
            assert!(inbox.starts_with("Decide\ne                   Expand: an agent's zone"), "{inbox}");
            assert!(inbox.contains("\nup  k               One line up\n"), "{inbox}");
            assert!(!inbox.contains("Follow what is new"), "{inbox}");
            assert!(text(Context::Log).contains("f  space            Follow what is new"));
        });
    }
}
