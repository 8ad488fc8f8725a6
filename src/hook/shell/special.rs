//! What a row of the table can't say: the shell's own commands, programs with a grammar of their own, and what is left to say of a
//! call when its words have been told apart.

use super::call::{Call, is_assignment, is_fed, is_remote};
use super::programs::{Effect, Role};
use super::walk::{Fed, State, Walk, joined};
use super::words::Text;
use super::{Wish, git, programs, script};

/// What runs in the shell itself, or reads its words in its own way.
type Builtin = fn(&mut Walk, &mut State, &str, &[Text]);

/// The one of that name.
pub(super) fn builtin(name: &str) -> Option<Builtin> {
    Some(match name {
        "cd" | "pushd" | "popd" => change_folder,
        "export" | "local" | "declare" | "readonly" | "typeset" => declare,
        "unset" | "read" | "mapfile" | "readarray" | "getopts" | "printf" => overwrite,
        "set" | "shift" => arrange,
        "eval" => eval,
        "trap" => trap,
        "." | "source" => source,
        "dd" => dd,
        "find" => find,
        "tar" | "bsdtar" | "gtar" => tar,
        "git" => git::run,
        _ => return None,
    })
}

fn operands(words: &[Text]) -> impl Iterator<Item = &Text> {
    words.iter().filter(|word| word.text == "-" || !word.text.starts_with('-'))
}

fn change_folder(walk: &mut Walk, state: &mut State, name: &str, words: &[Text]) {
    let target = operands(words).next();
    match (name, target) {
        ("popd", _) => {
            let folder = state.aside.pop().flatten();
            state.before = std::mem::replace(&mut state.folder, folder);
        }
        (_, Some(back)) if back.text == "-" && !back.unknown => {
            let folder = state.before.take();
            state.before = std::mem::replace(&mut state.folder, folder);
        }
        ("pushd", Some(folder)) => {
            state.aside.push(state.folder.clone());
            walk.go(state, folder);
        }
        ("pushd", None) => state.folder = None,
        (_, target) => walk.go(state, target.unwrap_or(&Text::home())),
    }
}

impl Walk {
    /// Goes to a folder; where it can't be told, whatever needs to know it says so.
    pub(super) fn go(&mut self, state: &mut State, folder: &Text) {
        let next = match (folder.known(), &state.folder) {
            (Some(path), _) if path.starts_with('/') || folder.is_at_home() => Some(joined("", folder)),
            (Some(_), Some(here)) => Some(joined(here, folder)),
            (Some(_) | None, _) => None,
        };
        state.before = std::mem::replace(&mut state.folder, next);
    }

    /// Says that what a program runs can't be told.
    fn unsure_of(&mut self, name: &str, what: &str) {
        self.unsure(Wish::Change, format!("what `{name}` {what} can't be told"));
    }
}

fn declare(_: &mut Walk, state: &mut State, _: &str, words: &[Text]) {
    for word in words {
        if let Some((name, value)) = word.split_once('=') {
            state.assign(&name.text, Some(value));
        }
    }
}

/// Variables whose values come from elsewhere.
fn overwrite(_: &mut Walk, state: &mut State, name: &str, words: &[Text]) {
    let named: Vec<&Text> = match name {
        "printf" => words.iter().skip_while(|word| word.text != "-v").take(2).collect(),
        _ => words.iter().collect(),
    };
    for word in named {
        state.assign(&word.text, None);
    }
}

/// The words that a script or function was given.
fn arrange(_: &mut Walk, state: &mut State, name: &str, words: &[Text]) {
    if name == "set" {
        if let Some(end) = words.iter().position(|word| word.text == "--") {
            state.words = words.get(end + 1..).map(<[Text]>::to_vec);
        }
        return;
    }
    let by = words.first().map_or(Some(1), |by| by.known()?.parse().ok());
    state.words = state.words.take().zip(by).map(|(words, by)| words.into_iter().skip(by).collect());
}

/// Several words as the text that they make.
fn together(words: &[Text]) -> Text {
    let mut all = Text::default();
    for (number, word) in words.iter().enumerate() {
        if number > 0 {
            all.push_quoted(" ");
        }
        all.push(word);
    }
    all
}

fn eval(walk: &mut Walk, state: &mut State, name: &str, words: &[Text]) {
    let text = together(words);
    if text.unknown {
        return walk.unsure_of(name, "runs");
    }
    walk.run_text(state, &text.text);
}

fn trap(walk: &mut Walk, state: &mut State, name: &str, words: &[Text]) {
    let Some(text) = operands(words).next().filter(|_| words.len() > 1) else { return };
    walk.code(state, name, text, None);
}

fn source(walk: &mut Walk, state: &mut State, _: &str, words: &[Text]) {
    let Some(file) = operands(words).next() else { return };
    walk.touch(state, "`source`", file, Wish::Look, false);
    let named = if file.unknown { "the file" } else { &file.text };
    walk.unsure(Wish::Change, format!("what {named} runs can't be told from the command that reads it in"));
}

fn dd(walk: &mut Walk, state: &mut State, _: &str, words: &[Text]) {
    for word in words {
        let Some((key, file)) = word.split_once('=') else { continue };
        match key.text.as_str() {
            "of" => walk.touch(state, "`dd`", &file, Wish::Change, false),
            "if" => walk.touch(state, "`dd`", &file, Wish::Look, false),
            _ => {}
        }
    }
}

/// Everything below the folders at the beginning is looked at, and is what `{}` stands for.
fn find(walk: &mut Walk, state: &mut State, _: &str, words: &[Text]) {
    let by = "`find`";
    let is_expression = |word: &Text| word.text.starts_with(['-', '(', '!']);
    let begin = words.iter().take_while(|word| matches!(word.text.as_str(), "-H" | "-L" | "-P")).count();
    let (_, words) = words.split_at(begin);
    let (folders, expression) = words.split_at(words.iter().take_while(|word| !is_expression(word)).count());
    let here = [Text::literal(".")];
    let folders = if folders.is_empty() { &here } else { folders };
    for folder in folders {
        walk.touch(state, by, folder, Wish::Look, true);
    }
    let mut words = expression.iter();
    while let Some(word) = words.next() {
        match word.text.as_str() {
            "-delete" => {
                for folder in folders {
                    walk.touch(state, by, folder, Wish::Change, true);
                }
            }
            "-fprint" | "-fprint0" | "-fls" | "-fprintf" => {
                if let Some(file) = words.next() {
                    walk.touch(state, by, file, Wish::Change, false);
                }
            }
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                let rest = words.as_slice();
                let end = rest
                    .iter()
                    .position(|word| matches!(word.text.as_str(), ";" | "+"))
                    .unwrap_or(rest.len());
                let (command, rest) = rest.split_at(end);
                words = rest.iter();
                for folder in folders {
                    let found = Text::below(folder);
                    let command: Vec<Text> =
                        command.iter().map(|word| replaced(word, "{}", &found)).collect();
                    walk.run(&mut state.clone(), &command);
                }
            }
            _ => {}
        }
    }
}

/// The word with something put in for a mark.
fn replaced(word: &Text, mark: &str, by: &Text) -> Text {
    let Some(at) = word.text.find(mark) else { return word.clone() };
    let mut new = Text::literal(word.text.get(..at).unwrap_or_default());
    new.push(by);
    new.push(&word.behind(at + mark.len()));
    new.unknown |= word.unknown;
    new
}

/// Its first word may be options without a dash.
fn tar(walk: &mut Walk, state: &mut State, name: &str, words: &[Text]) {
    let Some(program) = programs::find(name) else { return };
    let mut words = words.to_vec();
    if let Some(first) = words.first_mut().filter(|first| !first.text.starts_with('-')) {
        let mut dashed = Text::literal("-");
        dashed.push(first);
        *first = dashed;
    }
    walk.apply(state, program, name, &words);
}

/// What a call puts in place: each source under its own name in a folder, or the one under the target's.
pub(super) fn copies(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    let deep = call.has(Effect::Deep) || call.program.rest == Role::Move;
    for (target, into, _) in targets(call) {
        if !(call.program.remote && is_remote(&target)) {
            let everything = deep || into == Into::Anything;
            walk.touch_into(state, &call.by(), &target, Wish::Change, everything, into.name());
        }
    }
}

/// What lies in a target that is a folder.
#[derive(PartialEq, Eq)]
enum Into {
    /// It is none, or is named with what lies in it.
    Nothing,
    /// Something of this name.
    Name(String),
    /// Something whose name is not known.
    Anything,
}

impl Into {
    fn name(&self) -> Option<&str> {
        match self {
            Self::Name(name) => Some(name),
            Self::Nothing | Self::Anything => None,
        }
    }
}

/// Each thing that is put in place, what of it is behind a folder, and its source.
fn targets<'a>(call: &'a Call<'_>) -> Vec<(Text, Into, &'a Text)> {
    let (folder, sources) = match (call.value(Role::Folder), call.operands.split_last()) {
        (Some(folder), _) => (folder, call.operands.as_slice()),
        (None, Some((last, sources))) => (last, sources),
        (None, None) => return Vec::new(),
    };
    let is_folder = call.value(Role::Folder).is_some() || sources.len() > 1 || folder.text.ends_with('/');
    let one = |source: &'a Text| {
        let name = last_name(source);
        match name {
            _ if call.has(Effect::Exact) => (folder.clone(), Into::Nothing, source),
            Some(name) if is_folder && !folder.unknown => {
                let mut target = folder.clone();
                target.push_quoted(&format!("/{name}"));
                if folder.text.ends_with('/') {
                    target = folder.clone();
                    target.push_quoted(name);
                }
                (target, Into::Nothing, source)
            }
            Some(name) => (folder.clone(), Into::Name(name.to_owned()), source),
            // What is copied with all that lies in it is copied in place.
            None if source.known().is_some() => (folder.clone(), Into::Nothing, source),
            None => (folder.clone(), Into::Anything, source),
        }
    };
    sources.iter().map(one).collect()
}

/// The name that a file has in its folder, also that of another machine.
fn last_name(source: &Text) -> Option<&str> {
    let name = source.known()?.trim_end_matches('/').rsplit(['/', ':']).next()?;
    (!matches!(name, "" | "." | ".." | "~")).then_some(name)
}

/// A link is a new name: what is written to it later is written to what it leads to.
pub(super) fn links(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    let here = Text::literal(".");
    let made = match (call.operands.as_slice(), call.value(Role::Folder)) {
        ([only], None) => {
            last_name(only).map(|name| (Text::literal(name), Into::Nothing, only)).into_iter().collect()
        }
        _ => targets(call),
    };
    for (target, into, old) in made {
        walk.touch_into(state, &call.by(), &target, Wish::Change, false, into.name());
        let (Some(link), Some(folder)) = (target.known(), &state.folder) else { continue };
        let link_at = joined(folder, &target);
        // Those that lead by name lead from where they lie.
        let beside = link.rsplit_once('/').map_or(here.clone(), |(folder, _)| Text::literal(folder));
        let from = if call.has(Effect::Symbolic) { joined(folder, &beside) } else { folder.clone() };
        let from = if from == "." { "" } else { from.as_str() };
        if old.known().is_some() {
            let old_at = joined(from, old);
            let inside = into.name().map(|name| (format!("{link_at}/{name}"), old_at.clone()));
            state.links.extend([(link_at, old_at)].into_iter().chain(inside));
        }
    }
}

/// `a` becomes `a.gz`, and `a.gz` becomes `a`.
pub(super) fn packed(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    let ending = match call.name.trim_start_matches("un") {
        "gzip" | "gunzip" => ".gz",
        "bzip2" | "bunzip2" => ".bz2",
        "xz" => ".xz",
        _ => ".zst",
    };
    for operand in
        call.operands.iter().filter(|operand| operand.known().is_some() && !call.has(Effect::ToOutput))
    {
        let mut other = operand.clone();
        match operand.text.strip_suffix(ending) {
            Some(plain) => plain.clone_into(&mut other.text),
            None => other.push_quoted(ending),
        }
        walk.play(state, call, Role::Change, &other);
    }
}

/// `split` writes files whose names begin as it is told.
pub(super) fn pieces(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    let prefix = call.operands.get(1).map_or_else(|| Text::literal("."), Text::clone);
    let folder = match prefix.text.rsplit_once('/') {
        Some((folder, _)) => prefix.upto(folder.len().max(1)),
        None if prefix.unknown => prefix,
        None => Text::literal("."),
    };
    walk.play(state, call, Role::ChangeBelow, &folder);
}

pub(super) fn patches(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    if let Some(patch) = call.value(Role::Noted) {
        walk.play(state, call, Role::Look, patch);
    }
    if call.operands.is_empty() && !call.has(Effect::DryRun) && !call.has(Effect::ToOutput) {
        walk.unsure_of(call.name, "changes by the patch");
    }
}

pub(super) fn archive(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    let archive = call.value(Role::Noted);
    let mut there = state.clone();
    let folder = call.value(Role::Folder);
    if let Some(folder) = folder {
        walk.go(&mut there, folder);
    }
    let (of_archive, of_operands) = match () {
        () if call.has(Effect::Create) => (Role::Change, Some(Role::LookBelow)),
        () if call.has(Effect::Extract) && !call.has(Effect::ToOutput) => {
            (Role::Look, Some(Role::ChangeBelow))
        }
        () => (Role::Look, None),
    };
    if let Some(archive) = archive {
        // What is written instead is written for those that are taken out.
        let wish = if of_archive == Role::Look { Wish::Look } else { Wish::Change };
        if archive.text != "-" {
            walk.touch(state, &call.by(), archive, wish, false);
        }
    }
    let Some(role) = of_operands else { return };
    for operand in &call.operands {
        walk.play(&there, call, role, operand);
    }
    if role == Role::ChangeBelow && call.operands.is_empty() {
        unpacked(walk, state, call, folder);
    }
}

pub(super) fn unzipped(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    if !call.has(Effect::DryRun) {
        unpacked(walk, state, call, call.value(Role::Folder));
    }
}

fn unpacked(walk: &mut Walk, state: &State, call: &Call<'_>, folder: Option<&Text>) {
    match folder {
        Some(folder) => walk.play(state, call, Role::ChangeBelow, folder),
        None => walk.unsure(
            Wish::Change,
            format!("which files {} takes out of the archive can't be told", call.by()),
        ),
    }
}

/// `curl` and `wget` write what they are told, or the last name of the address.
pub(super) fn fetched(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    let folder = call.value(Role::Folder);
    let is_wget = call.name == "wget";
    let in_folder = |name: &Text| match folder {
        Some(folder) => {
            let mut whole = folder.clone();
            whole.push_quoted("/");
            whole.push(name);
            whole
        }
        None => name.clone(),
    };
    let told: Vec<_> =
        call.values.iter().filter(|(role, _)| *role == Role::Noted).map(|(_, value)| value).collect();
    for name in told.iter().filter(|name| name.text != "-" || name.unknown) {
        let whole = if is_wget { (*name).clone() } else { in_folder(name) };
        walk.play(state, call, Role::Change, &whole);
    }
    if !told.is_empty() || !(is_wget || call.has(Effect::TheirNames) || call.has(Effect::AnyNames)) {
        return;
    }
    let somewhere = folder.cloned().unwrap_or_else(|| Text::literal("."));
    if call.has(Effect::AnyNames) {
        return walk.play(state, call, Role::ChangeBelow, &somewhere);
    }
    for address in &call.operands {
        let path = address.text.split(if is_wget { "#" } else { "?" }).next().unwrap_or_default();
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let name = if address.unknown { Text::unknown() } else { Text::literal(name) };
        walk.play(state, call, Role::Change, &in_folder(&name));
    }
}

/// The script of `sed` may write by itself, and one in a file is not seen.
pub(super) fn sed(walk: &mut Walk, _: &mut State, call: &Call<'_>) {
    let writes = call.scripts().into_iter().any(|text| script::of_sed_does_more(&text.text));
    if writes || call.value(Role::ScriptFile).is_some() {
        walk.unsure_of(call.name, "does by its script");
    }
}

pub(super) fn perl(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    let scripts = call.scripts();
    if scripts.is_empty() {
        return interpreter(walk, state, call);
    }
    for file in &call.operands {
        walk.play(state, call, Role::Look, file);
    }
    let only_replaces = |text: &&Text| script::only_replaces(&text.text) && !text.unknown;
    if !(call.name == "perl" && call.has(Effect::InPlace) && scripts.iter().all(only_replaces)) {
        walk.unsure_of(call.name, "does by the program in the command");
    }
}

pub(super) fn awk(walk: &mut Walk, _: &mut State, call: &Call<'_>) {
    let may_write =
        |text: &&Text| text.unknown || [">", "|", "system"].iter().any(|mark| text.text.contains(mark));
    if call.scripts().iter().any(may_write) || call.value(Role::ScriptFile).is_some() {
        walk.unsure_of(call.name, "does by its program");
    }
}

/// An editor that is told what to do.
pub(super) fn editor(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    if call.has(Effect::Scripted) || is_fed(state) || matches!(call.name, "ed" | "ex") {
        walk.unsure(Wish::Change, format!("what the editor {} is told to do can't be told", call.by()));
    }
}

/// A program that runs the code that it is given in the command or on its standard input; a file of code is a program that nobody
/// knows.
pub(super) fn interpreter(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    if call.has(Effect::Scripted) {
        return walk.unsure_of(call.name, "does by the program in the command");
    }
    match call.operands.first() {
        Some(file) if file.text != "-" || file.unknown => walk.play(state, call, Role::Look, file),
        Some(_) | None if call.value(Role::Noted).is_none() && is_fed(state) => {
            walk.unsure_of(call.name, "does by the program on its standard input");
        }
        Some(_) | None => {}
    }
}

impl Walk {
    /// A text that is run as a shell's, with the words that it is given.
    fn code(&mut self, state: &State, name: &str, text: &Text, words: Option<Vec<Text>>) {
        if text.unknown {
            return self.unsure_of(name, "runs");
        }
        let mut inner = State { words, fed: Fed::Nothing, ..state.clone() };
        self.run_text(&mut inner, &text.text);
    }
}

pub(super) fn shell(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    match (call.operands.split_first(), &state.fed) {
        (Some((text, words)), _) if call.has(Effect::Coded) => {
            walk.code(state, call.name, text, words.get(1..).map(<[Text]>::to_vec));
        }
        (Some((file, _)), _) if !call.has(Effect::Stdin) && file.text != "-" => {
            walk.play(state, call, Role::Look, file)
        }
        (words, Fed::Text(text)) => {
            let words = words.filter(|_| call.has(Effect::Stdin)).map(|_| call.operands.clone());
            walk.code(state, call.name, &text.clone(), words);
        }
        (_, Fed::Something) => walk.unsure_of(call.name, "runs"),
        (_, Fed::Nothing) => {}
    }
}

/// Texts for the shell among the options.
pub(super) fn coded(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    for (_, text) in call.values.iter().filter(|(role, _)| *role == Role::Code) {
        walk.code(state, call.name, text, None);
    }
}

/// The program behind its own operands and the variables for it.
pub(super) fn runs(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    coded(walk, state, call);
    let own = call.program.stops.unwrap_or_default();
    let command: Vec<Text> =
        call.operands.iter().skip(own).skip_while(|word| is_assignment(word)).cloned().collect();
    walk.deeper(|walk| walk.run(state, &command));
}

pub(super) fn joined_words(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    walk.code(state, call.name, &together(&call.operands), None);
}

/// What comes on standard input is not known, and stands behind the words or in place of a mark in them.
pub(super) fn xargs(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    let mark = call.value(Role::Noted).and_then(Text::known);
    let mut command: Vec<Text> = match mark {
        Some(mark) => call.operands.iter().map(|word| replaced(word, mark, &Text::unknown())).collect(),
        None => call.operands.clone(),
    };
    if mark.is_none() {
        command.push(Text::unknown());
    }
    let mut there = State { fed: Fed::Nothing, ..state.clone() };
    walk.deeper(|walk| walk.run(&mut there, &command));
}

pub(super) fn parallel(walk: &mut Walk, _: &mut State, call: &Call<'_>) {
    walk.unsure_of(call.name, "runs");
}

/// What is searched where nothing is named: everything here, if nothing is given.
pub(super) fn search(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    let own = usize::from(!call.has(Effect::Scripted));
    let is_deep = call.program.rest == Role::LookBelow || call.has(Effect::Deep);
    if is_deep && call.operands.len() <= own && !is_fed(state) {
        walk.play(state, call, Role::LookBelow, &Text::literal("."));
    }
}

pub(super) fn listing(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    if call.operands.is_empty() {
        walk.play(state, call, call.program.rest, &Text::literal("."));
    }
}
