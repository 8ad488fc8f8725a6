//! A program and its words: options told from operands by the program's row, and what the row says of each.

use std::slice::Iter;

use super::programs::{self, Effect, Opt, Program, Role};
use super::walk::{Fed, State, Walk};
use super::words::Word;
use super::{Wish, special};

/// The words of a call, told apart.
pub(super) struct Call<'a> {
    pub(super) program: &'static Program,
    /// The program as it was called.
    pub(super) name: &'a str,
    pub(super) operands: Vec<Word>,
    /// What options were given, with what it is.
    pub(super) values: Vec<(Role, Word)>,
    effects: Vec<Effect>,
    /// What is put behind the names of files that are kept.
    suffix: Option<Word>,
    /// How many operands stand before `--`, where it is there.
    pub(super) before_end: Option<usize>,
}

impl Call<'_> {
    pub(super) fn has(&self, effect: Effect) -> bool {
        self.effects.contains(&effect)
    }

    /// The last value with that role.
    pub(super) fn value(&self, role: Role) -> Option<&Word> {
        self.values.iter().rev().find(|(given, _)| *given == role).map(|(_, value)| value)
    }

    /// How it is called where something is said of it.
    pub(super) fn by(&self) -> String {
        format!("`{}`", self.name)
    }

    /// The operand that is a program's text, where none was given by an option; the operands behind it.
    pub(super) fn scripts(&self) -> Vec<&Word> {
        let given = self.values.iter().filter(|(role, _)| *role == Role::Script).map(|(_, value)| value);
        let first = self.program.first == [Role::Script] && !self.has(Effect::Scripted);
        given.chain(self.operands.first().filter(|_| first)).collect()
    }
}

impl Walk {
    /// What a command does, whose first word is the program.
    pub(super) fn run(&mut self, state: &mut State, words: &[Word]) {
        let Some((name, words)) = words.split_first() else { return };
        if !self.may_go_on() {
            return;
        }
        let Some(name) = name.known() else {
            return self
                .unsure(Wish::Change, "which program runs is not written out in the command".to_owned());
        };
        if self.call_function(state, name, words) {
            return;
        }
        // What lies in a folder of one's own is a program that nobody knows, whatever it is called.
        let known = if name.starts_with('/') { name.rsplit('/').next().unwrap_or(name) } else { name };
        if let Some(builtin) = special::builtin(known) {
            return builtin(self, state, known, words);
        }
        if let Some(program) = programs::find(known) {
            self.apply(state, program, known, words);
        }
    }

    /// What the row says of the words.
    pub(super) fn apply(&mut self, state: &mut State, program: &'static Program, name: &str, words: &[Word]) {
        let call = told_apart(program, name, words);
        if call.has(Effect::Nothing) {
            return;
        }
        let chdir = call.value(Role::Chdir).cloned();
        let mut there = state.clone();
        if let Some(folder) = &chdir {
            there.go(folder);
        }
        let state = if chdir.is_some() { &mut there } else { state };
        for (role, value) in &call.values {
            self.play(state, &call, *role, value);
        }
        for (role, operand) in parts(&call) {
            self.play(state, &call, role, operand);
        }
        if let Some(then) = program.then {
            then(self, state, &call);
        }
    }

    /// What is done to one word.
    pub(super) fn play(&mut self, state: &State, call: &Call<'_>, role: Role, word: &Word) {
        if word.text == "-" && !word.unknown {
            return;
        }
        let deep = call.has(Effect::Deep);
        let by = call.by();
        match role {
            Role::Ignored
            | Role::Script
            | Role::Chdir
            | Role::Into
            | Role::Folder
            | Role::Code
            | Role::Noted => {}
            Role::Change | Role::ChangeBelow | Role::Output if call.has(Effect::DryRun) => {}
            Role::Look | Role::LookBelow | Role::Change | Role::ChangeBelow
                if call.program.remote && is_remote(word) => {}
            Role::Look if call.has(Effect::InPlace) => {
                self.touch(state, &by, word, Wish::Change, deep);
                if let Some(suffix) = call.suffix.as_ref().filter(|suffix| !suffix.text.is_empty()) {
                    let mut kept = word.clone();
                    kept.push(suffix);
                    self.touch(state, &by, &kept, Wish::Change, deep);
                }
            }
            Role::Look | Role::ScriptFile => self.touch(state, &by, word, Wish::Look, deep),
            Role::LookBelow if call.has(Effect::InPlace) => self.touch(state, &by, word, Wish::Change, true),
            Role::LookBelow => self.touch(state, &by, word, Wish::Look, true),
            Role::Change if call.has(Effect::ToOutput) => self.touch(state, &by, word, Wish::Look, deep),
            Role::Change | Role::Output => self.touch(state, &by, word, Wish::Change, deep),
            Role::ChangeBelow => self.touch(state, &by, word, Wish::Change, true),
            Role::Move => {
                self.touch(state, &by, word, Wish::Look, true);
                self.touch(state, &by, word, Wish::Change, true);
            }
            Role::Data => {
                if let Some((before, file)) = word.split_once('@')
                    && (before.text.is_empty() || before.text.ends_with('='))
                {
                    self.touch(state, &by, &file, Wish::Look, false);
                }
            }
        }
    }
}

/// Each operand with its role.
fn parts<'a>(call: &'a Call<'_>) -> Vec<(Role, &'a Word)> {
    let program = call.program;
    let skips_script = call.has(Effect::Scripted) && program.first == [Role::Script];
    let first = if skips_script { &[] } else { program.first };
    let mut parts: Vec<_> = call
        .operands
        .iter()
        .enumerate()
        .map(|(at, operand)| (first.get(at).copied().unwrap_or(program.rest), operand))
        .collect();
    if let (Some(last), Some(part)) = (program.last, parts.last_mut())
        && call.operands.len() > 1
        && call.value(Role::Folder).is_none()
    {
        part.0 = last;
    }
    parts
}

/// The words by the row: `--name=value`, `--name value`, `-abvalue`, `-ab value`, and `--`, behind which all are operands. Behind the
/// operands at which a row stops, they are the words of another program.
fn told_apart<'a>(program: &'static Program, name: &'a str, words: &[Word]) -> Call<'a> {
    let mut call = Call {
        program,
        name,
        operands: Vec::new(),
        values: Vec::new(),
        effects: Vec::new(),
        suffix: None,
        before_end: None,
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        let is_option = text.len() > 1 && (text.starts_with('-') || program.plus && text.starts_with('+'));
        if call.before_end.is_some() || !is_option {
            let stops = program.stops.is_some_and(|own| call.operands.len() >= own && !is_assignment(word));
            call.operands.push(word.clone());
            if stops {
                call.operands.extend(words.by_ref().cloned());
            }
        } else if text == "--" {
            call.before_end = Some(call.operands.len());
        } else if matches!(text, "--help" | "--version") {
            call.effects.push(Effect::Nothing);
        } else if text.starts_with('+') {
            call.effects.push(Effect::Scripted);
        } else if text.starts_with("--") {
            call.long(word, &mut words);
        } else {
            call.cluster(word, &mut words);
        }
    }
    call
}

impl Call<'_> {
    fn long(&mut self, word: &Word, words: &mut Iter<'_, Word>) {
        let (name, attached) = match word.behind(2).split_once('=') {
            Some((name, value)) => (name.text, Some(value)),
            None => (word.behind(2).text, None),
        };
        if let Some(option) = self.program.long(&name) {
            self.take(option, attached, words);
        }
    }

    /// Options of one letter each, of which the last may have a value.
    fn cluster(&mut self, word: &Word, words: &mut Iter<'_, Word>) {
        for (at, letter) in word.text.char_indices().skip(1) {
            let Some(option) = self.program.short(letter) else { continue };
            let rest = word.behind(at + letter.len_utf8());
            let rest = Some(rest).filter(|rest| !rest.text.is_empty() || rest.unknown);
            let is_flag = matches!(option, Opt::Flag(_));
            self.take(option, rest, words);
            if !is_flag {
                return;
            }
        }
    }

    fn take(&mut self, option: Opt, attached: Option<Word>, words: &mut Iter<'_, Word>) {
        match option {
            Opt::Flag(effect) => self.effects.push(effect),
            Opt::Suffix(effect) => {
                self.effects.push(effect);
                // Where systems differ: `sed -i ''`.
                if attached.is_none() && words.as_slice().first() == Some(&Word::default()) {
                    words.next();
                }
                self.suffix = attached;
            }
            Opt::Value(role) => {
                let Some(value) = attached.or_else(|| words.next().cloned()) else { return };
                if matches!(role, Role::Script | Role::ScriptFile) {
                    self.effects.push(Effect::Scripted);
                } else if role == Role::Output {
                    self.effects.push(Effect::ToOutput);
                } else if role == Role::Noted && value.known() == Some("inplace") {
                    self.effects.push(Effect::InPlace);
                }
                self.values.push((role, value));
            }
            Opt::Pair(role) => {
                let value = words.nth(1);
                self.values.extend(value.map(|value| (role, value.clone())));
            }
        }
    }
}

/// Whether a word gives a variable to the program behind it.
pub(super) fn is_assignment(word: &Word) -> bool {
    word.text.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty() && name.chars().all(|char| char.is_ascii_alphanumeric() || char == '_')
    })
}

/// Whether a program that is given it as a file reads what another one writes.
pub(super) fn is_stream(word: &Word) -> bool {
    let text = word.text.as_str();
    let is_open = text.starts_with("/dev/fd/") || text.starts_with("/proc/self/fd/");
    !word.unknown && (matches!(text, "-" | "/dev/stdin") || is_open)
}

/// Whether it names a file of another machine.
pub(super) fn is_remote(word: &Word) -> bool {
    word.text.split_once(':').is_some_and(|(host, _)| !host.contains('/'))
}

/// Whether anything is given to a program's standard input.
pub(super) fn is_fed(state: &State) -> bool {
    state.fed != Fed::Nothing
}
