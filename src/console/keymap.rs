//! From keys to actions, as data: the default table of `assets/keymap.toml`, with a person's own file laid over it.
//!
//! Hints, help and palette are printed from here, so that they can't differ from what the keys do. Text typed into a prompt
//! is not a matter of the keymap.

use std::collections::BTreeMap;
use std::fmt;

use toml::Spanned;

use super::action::Action;
use super::keys::Key;

const DEFAULT: &str = include_str!("../../assets/keymap.toml");
/// The value that takes a key away.
const UNBOUND: &str = "none";

macro_rules! contexts {
    ($($context:ident $name:literal $around:expr, $doc:literal;)*) => {
        /// Where a key is pressed. Inner contexts are asked first, then the ones around them.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Context {
            $(#[doc = $doc] $context,)*
        }

        impl Context {
            /// All contexts, in the order of the file.
            pub const ALL: &'static [Self] = &[$(Self::$context,)*];

            /// The table's name in the file.
            pub fn name(self) -> &'static str {
                match self { $(Self::$context => $name,)* }
            }

            /// The context asked when this one does not know a key. What is modal asks nobody.
            pub fn around(self) -> Option<Self> {
                match self { $(Self::$context => $around,)* }
            }
        }
    };
}

contexts! {
    Global "global" None, "Everywhere but in prompts, previews and pickers.";
    Inbox "inbox" Some(Self::Global), "The Inbox view.";
    Review "review" Some(Self::Inbox), "A review: the cases of the Inbox, one at a time.";
    Log "log" Some(Self::Global), "The Log view.";
    Map "map" Some(Self::Global), "The Map view.";
    Conflicts "conflicts" Some(Self::Global), "The Conflicts view.";
    Agents "agents" Some(Self::Global), "The Agents view.";
    Work "work" Some(Self::Global), "The Work view.";
    Watch "watch" Some(Self::Global), "The Watch view.";
    Prompt "prompt" None, "A line of text is being typed.";
    Preview "preview" None, "A preview with buttons is open.";
    Picker "picker" None, "A list to choose from is open: palette, workspaces.";
    Peek "peek" None, "A quick look lies over the view.";
    Replay "replay" None, "A conflict is being played again.";
}

/// What is wrong with a keymap file: the place, the reason, the mend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeymapError {
    /// The file as the person named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1.
    pub column: usize,
    /// Why, and what would be right.
    pub reason: String,
}

impl fmt::Display for KeymapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.reason)
    }
}

impl std::error::Error for KeymapError {}

/// One binding, as help prints it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Binding {
    pub key: Key,
    /// What it does.
    pub action: Action,
}

/// All bindings.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Keymap {
    bindings: BTreeMap<Context, Vec<Binding>>,
}

type File = BTreeMap<Spanned<String>, BTreeMap<Spanned<String>, Spanned<String>>>;

impl Keymap {
    /// The keys that the console comes with.
    ///
    /// # Panics
    /// Never: a test reads the compiled-in table.
    pub fn built_in() -> Self {
        let mut keymap = Self::default();
        // A broken compiled-in table leaves what was read so far; the test below makes sure that it can't be broken.
        _ = keymap.lay_over("assets/keymap.toml", DEFAULT);
        keymap
    }

    /// The built-in keys with a person's file laid over them.
    ///
    /// # Errors
    /// Everything that is wrong with the file, each with its place; nothing of it is applied then.
    pub fn with_file(file: &str, text: &str) -> Result<Self, Vec<KeymapError>> {
        let mut keymap = Self::built_in();
        keymap.lay_over(file, text)?;
        Ok(keymap)
    }

    /// What a key does in a context, asking the contexts around it too.
    pub fn action(&self, context: Context, key: Key) -> Option<Action> {
        let here =
            self.bindings(context).iter().find(|binding| binding.key == key).map(|binding| binding.action);
        here.or_else(|| context.around().and_then(|around| self.action(around, key)))
    }

    /// The key to print for an action in a context: the first one bound, in the innermost context that has one.
    pub fn key_for(&self, context: Context, action: Action) -> Option<Key> {
        // A key that means something else here is no way to this action.
        let free = |binding: &&Binding| {
            binding.action == action && self.action(context, binding.key) == Some(action)
        };
        let around = std::iter::successors(Some(context), |context| context.around());
        around.flat_map(|context| self.bindings(context)).find(free).map(|binding| binding.key)
    }

    /// The hint line's entries: those of the wanted actions that have a key here, each with what it `does` now, where that
    /// is not what its label says.
    pub fn hints(
        &self,
        context: Context,
        wanted: &[Action],
        does: impl Fn(Action) -> Option<String>,
    ) -> Vec<(String, String)> {
        let words = |action: Action| does(action).unwrap_or_else(|| action.label().to_owned());
        let hint = |action: &Action| Some((self.key_for(context, *action)?.to_string(), words(*action)));
        wanted.iter().filter_map(hint).collect()
    }

    /// The bindings of one context, in the order of the file.
    pub fn bindings(&self, context: Context) -> &[Binding] {
        self.bindings.get(&context).map_or(&[], Vec::as_slice)
    }

    /// Every key that leads to an action in a context, the contexts around it included.
    pub fn keys_for(&self, context: Context, action: Action) -> Vec<Key> {
        let mut keys: Vec<Key> = Vec::new();
        let mut next = Some(context);
        while let Some(at) = next {
            for binding in self.bindings(at) {
                let reaches = self.action(context, binding.key) == Some(action);
                if binding.action == action && reaches && !keys.contains(&binding.key) {
                    keys.push(binding.key);
                }
            }
            next = at.around();
        }
        keys
    }

    fn lay_over(&mut self, file: &str, text: &str) -> Result<(), Vec<KeymapError>> {
        let problem = |at: usize, reason: String| {
            let (line, column) = position(text, at);
            KeymapError { file: file.to_owned(), line, column, reason }
        };
        let tables: File = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            vec![problem(
                at,
                format!("{}; write `\"key\" = \"action\"` under one of {}", error.message(), contexts()),
            )]
        })?;
        let mut problems = Vec::new();
        let mut read: Vec<(usize, Context, Key, Option<Action>)> = Vec::new();
        for (name, entries) in &tables {
            let Some(context) = Context::ALL.iter().copied().find(|context| context.name() == name.get_ref())
            else {
                let reason =
                    format!("there is no context `{}`; the contexts are {}", name.get_ref(), contexts());
                problems.push(problem(name.span().start, reason));
                continue;
            };
            for (key, action) in entries {
                match binding(key.get_ref(), action.get_ref()) {
                    Ok((key_read, action_read)) => {
                        read.push((key.span().start, context, key_read, action_read));
                    }
                    Err(Fault::Key(reason)) => problems.push(problem(key.span().start, reason)),
                    Err(Fault::Action(reason)) => problems.push(problem(action.span().start, reason)),
                }
            }
        }
        if !problems.is_empty() {
            problems.sort_by_key(|problem| (problem.line, problem.column));
            return Err(problems);
        }
        // The order of the file is the order in which keys are printed.
        read.sort_by_key(|(at, ..)| *at);
        for (_, context, key, action) in read {
            self.bind(context, key, action);
        }
        Ok(())
    }

    fn bind(&mut self, context: Context, key: Key, action: Option<Action>) {
        let bindings = self.bindings.entry(context).or_default();
        bindings.retain(|binding| binding.key != key);
        if let Some(action) = action {
            bindings.push(Binding { key, action });
        }
    }
}

enum Fault {
    Key(String),
    Action(String),
}

fn binding(key: &str, action: &str) -> Result<(Key, Option<Action>), Fault> {
    let key = Key::parse(key).map_err(Fault::Key)?;
    if action == UNBOUND {
        return Ok((key, None));
    }
    let Some(action) = Action::named(action) else {
        return Err(Fault::Action(unknown_action(action)));
    };
    if action.decides() && key.is_ctrl_letter() {
        let name = action.name();
        return Err(Fault::Key(format!(
            "`{key}` can't be `{name}`: an action that decides is on no ctrl letter, since a slip of the finger would decide; choose a plain key"
        )));
    }
    if action.decides() && key.has_alt() {
        let name = action.name();
        return Err(Fault::Key(format!(
            "`{key}` can't be `{name}`: alt never decides, since escape and a key in quick succession look the same; choose a plain key"
        )));
    }
    Ok((key, Some(action)))
}

fn unknown_action(name: &str) -> String {
    let near = Action::ALL.iter().map(|action| action.name()).find(|known| {
        known.starts_with(name)
            || name.starts_with(known)
            || known.replace('-', "") == name.replace(['-', '_', ' '], "")
    });
    if let Some(near) = near {
        return format!("there is no action `{name}`; did you mean `{near}`?");
    }
    let all: Vec<_> = Action::ALL.iter().map(|action| action.name()).collect();
    format!(
        "there is no action `{name}`; the actions are {}, and `{UNBOUND}` takes a key away",
        all.join(", ")
    )
}

fn contexts() -> String {
    let names: Vec<String> = Context::ALL.iter().map(|context| format!("[{}]", context.name())).collect();
    names.join(", ")
}

/// Line and column, both from 1, of a byte offset.
fn position(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (line, column)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Key {
        Key::parse(text).unwrap()
    }

    fn errors(text: &str) -> Vec<String> {
        Keymap::with_file("keys.toml", text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_built_in_table_is_sound() {
        let mut keymap = Keymap::default();
        assert_eq!(keymap.lay_over("assets/keymap.toml", DEFAULT), Ok(()));
        for context in Context::ALL.iter().copied() {
            assert!(!keymap.bindings(context).is_empty(), "{context:?} has no keys");
        }
    }

    #[test]
    fn every_action_can_be_reached() {
        let keymap = Keymap::built_in();
        for action in Action::ALL {
            let reached = Context::ALL.iter().any(|context| keymap.key_for(*context, *action).is_some());
            assert!(reached, "no key for {}", action.name());
        }
    }

    #[test]
    fn inner_contexts_come_first_and_modal_ones_are_closed() {
        let keymap = Keymap::built_in();
        assert_eq!(keymap.action(Context::Inbox, key("h")), Some(Action::Handle));
        assert_eq!(keymap.action(Context::Map, key("h")), Some(Action::Left));
        assert_eq!(keymap.action(Context::Inbox, key("q")), Some(Action::Quit));
        assert_eq!(keymap.action(Context::Preview, key("e")), None);
        assert_eq!(keymap.action(Context::Prompt, key("1")), None);
        assert_eq!(keymap.key_for(Context::Inbox, Action::Left), Some(key("left")));
    }

    #[test]
    fn a_file_is_laid_over_the_built_in_keys() {
        let keymap = Keymap::with_file("keys.toml", "[inbox]\nf5 = \"expand\"\n\"e\" = \"none\"\n").unwrap();
        assert_eq!(keymap.action(Context::Inbox, key("f5")), Some(Action::Expand));
        assert_eq!(keymap.action(Context::Inbox, key("e")), None);
        assert_eq!(
            keymap.hints(Context::Inbox, &[Action::Expand, Action::Help], |_| None),
            [("f5".to_owned(), "expand".to_owned()), ("?".to_owned(), "help".to_owned())]
        );
    }

    #[test]
    fn mistakes_are_named_with_place_and_mend() {
        assert_eq!(
            errors("[inbox]\n\"zz\" = \"expand\"\n")[0].split(';').next(),
            Some("keys.toml:2:1: `zz` is not a key")
        );
        assert_eq!(
            errors("[inbox]\n\"z\" = \"expnd\"")[0].split(';').next(),
            Some("keys.toml:2:7: there is no action `expnd`")
        );
        assert_eq!(
            errors("[inbox]\n\"z\" = \"outofscope\""),
            ["keys.toml:2:7: there is no action `outofscope`; did you mean `out-of-scope`?"]
        );
        assert!(
            errors("[inbx]\n\"z\" = \"expand\"")[0]
                .starts_with("keys.toml:1:2: there is no context `inbx`; the contexts are [global]")
        );
        assert!(errors("[inbox]\nz = 3")[0].starts_with("keys.toml:2:5: "));
        assert!(errors("[inbox")[0].starts_with("keys.toml:1:"));
    }

    #[test]
    fn no_decision_on_ctrl_or_alt() {
        let found = errors(
            "[inbox]\n\"ctrl-e\" = \"expand\"\n\"alt-h\" = \"handle\"\n[preview]\n\"alt-y\" = \"confirm\"\n",
        );
        assert_eq!(found.len(), 3);
        assert!(found[0].starts_with("keys.toml:2:1: `ctrl-e` can't be `expand`"));
        assert!(found[1].starts_with("keys.toml:3:1: `alt-h` can't be `handle`"));
        assert!(found[2].starts_with("keys.toml:5:1: `alt-y` can't be `confirm`"));
    }
}
