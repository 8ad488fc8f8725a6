//! What a row of the table can't say: the shell's own commands, programs with a grammar of their own, and what is left to say of a
//! call when its words have been told apart.

use super::call::{Call, is_assignment, is_fed, is_remote, is_stream};
use super::programs::{Effect, Role};
use super::walk::{Fed, State, Walk, joined};
use super::words::Word;
use super::{Wish, git, programs, script};

/// What runs in the shell itself, or reads its words in its own way.
type Builtin = fn(&mut Walk, &mut State, &str, &[Word]);

/// The one of that name.
pub(super) fn builtin(name: &str) -> Option<Builtin> {
    Some(match name {
        "cd" | "pushd" | "popd" => change_folder,
        "export" | "local" | "declare" | "readonly" | "typeset" => declare,
        "unset" | "read" | "mapfile" | "readarray" | "getopts" | "printf" => overwrite,
        "set" | "shift" => arrange,
        "let" => reckon,
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

fn operands(words: &[Word]) -> impl Iterator<Item = &Word> {
    words.iter().filter(|word| word.text == "-" || !word.text.starts_with('-'))
}

fn change_folder(_: &mut Walk, state: &mut State, name: &str, words: &[Word]) {
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
            state.go(folder);
        }
        ("pushd", None) => state.folder = None,
        (_, target) => state.go(target.unwrap_or(&Word::home())),
    }
}

impl Walk {
    /// Says that what a program runs can't be told.
    fn unsure_of(&mut self, name: &str, what: &str) {
        self.unsure(Wish::Change, format!("what `{name}` {what} can't be told"));
    }
}

fn declare(_: &mut Walk, state: &mut State, _: &str, words: &[Word]) {
    for word in words {
        if let Some((name, value)) = word.split_once('=') {
            state.assign(&name.text, Some(value));
        }
    }
}

/// Variables whose values come from elsewhere.
fn overwrite(_: &mut Walk, state: &mut State, name: &str, words: &[Word]) {
    let named: Vec<&Word> = match name {
        "printf" => words.iter().skip_while(|word| word.text != "-v").take(2).collect(),
        _ => words.iter().collect(),
    };
    for word in named {
        state.assign(&word.text, None);
    }
}

fn reckon(_: &mut Walk, state: &mut State, _: &str, words: &[Word]) {
    state.reckon(&together(words).text);
}

/// The words that a script or function was given.
fn arrange(_: &mut Walk, state: &mut State, name: &str, words: &[Word]) {
    if name == "set" {
        match words.iter().position(|word| word.text == "--") {
            Some(end) => state.words = words.get(end + 1..).map(<[Word]>::to_vec),
            None if operands(words).next().is_some() => state.words = None,
            None => {}
        }
        return;
    }
    let by = words.first().map_or(Some(1), |by| by.known()?.parse().ok());
    state.words = state.words.take().zip(by).map(|(words, by)| words.into_iter().skip(by).collect());
}

/// Several words as the text that they make.
fn together(words: &[Word]) -> Word {
    let mut all = Word::default();
    for (number, word) in words.iter().enumerate() {
        if number > 0 {
            all.push_quoted(" ");
        }
        all.push(word);
    }
    all
}

fn eval(walk: &mut Walk, state: &mut State, name: &str, words: &[Word]) {
    let text = together(words);
    if text.unknown {
        return walk.unsure_of(name, "runs");
    }
    walk.run_text(state, &text.text);
}

fn trap(walk: &mut Walk, state: &mut State, name: &str, words: &[Word]) {
    let Some(text) = operands(words).next().filter(|_| words.len() > 1) else { return };
    walk.code(state, name, text, None);
}

fn source(walk: &mut Walk, state: &mut State, _: &str, words: &[Word]) {
    let Some(file) = operands(words).next() else { return };
    walk.touch(state, "`source`", file, Wish::Look, false);
    let named = if file.unknown { "the file" } else { &file.text };
    walk.unsure(Wish::Change, format!("what {named} runs can't be told from the command that reads it in"));
}

fn dd(walk: &mut Walk, state: &mut State, _: &str, words: &[Word]) {
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
fn find(walk: &mut Walk, state: &mut State, _: &str, words: &[Word]) {
    let by = "`find`";
    let is_expression = |word: &Word| word.text.starts_with(['-', '(', '!']);
    let begin = words.iter().take_while(|word| matches!(word.text.as_str(), "-H" | "-L" | "-P")).count();
    let (_, words) = words.split_at(begin);
    let (folders, expression) = words.split_at(words.iter().take_while(|word| !is_expression(word)).count());
    let here = [Word::literal(".")];
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
                    let found = Word::below(folder);
                    let command: Vec<Word> =
                        command.iter().map(|word| replaced(word, "{}", &found)).collect();
                    walk.run(&mut state.clone(), &command);
                }
            }
            _ => {}
        }
    }
}

/// The word with something put in for a mark.
fn replaced(word: &Word, mark: &str, by: &Word) -> Word {
    let Some(at) = word.text.find(mark) else { return word.clone() };
    let mut new = Word::literal(word.text.get(..at).unwrap_or_default());
    new.push(by);
    new.push(&word.behind(at + mark.len()));
    new.unknown |= word.unknown;
    new
}

/// Its first word may be options without a dash.
fn tar(walk: &mut Walk, state: &mut State, name: &str, words: &[Word]) {
    let Some(program) = programs::find(name) else { return };
    let mut words = words.to_vec();
    if let Some(first) = words.first_mut().filter(|first| !first.text.starts_with('-')) {
        let mut dashed = Word::literal("-");
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
fn targets<'a>(call: &'a Call<'_>) -> Vec<(Word, Into, &'a Word)> {
    let (folder, sources) = match (call.value(Role::Folder), call.operands.split_last()) {
        (Some(folder), _) => (folder, call.operands.as_slice()),
        (None, Some((last, sources))) => (last, sources),
        (None, None) => return Vec::new(),
    };
    let is_folder = call.value(Role::Folder).is_some() || sources.len() > 1 || folder.text.ends_with('/');
    let one = |source: &'a Word| {
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
fn last_name(source: &Word) -> Option<&str> {
    let name = source.known()?.trim_end_matches('/').rsplit(['/', ':']).next()?;
    (!matches!(name, "" | "." | ".." | "~")).then_some(name)
}

/// A link is a new name: what is written to it later is written to what it leads to.
pub(super) fn links(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    let here = Word::literal(".");
    let made = match (call.operands.as_slice(), call.value(Role::Folder)) {
        ([only], None) => {
            last_name(only).map(|name| (Word::literal(name), Into::Nothing, only)).into_iter().collect()
        }
        _ => targets(call),
    };
    for (target, into, old) in made {
        walk.touch_into(state, &call.by(), &target, Wish::Change, false, into.name());
        let (Some(link), Some(folder)) = (target.known(), &state.folder) else { continue };
        let link_at = joined(folder, &target);
        // Those that lead by name lead from where they lie.
        let beside = link.rsplit_once('/').map_or(here.clone(), |(folder, _)| Word::literal(folder));
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
    let prefix = call.operands.get(1).map_or_else(|| Word::literal("."), Word::clone);
    let folder = match prefix.text.rsplit_once('/') {
        Some((folder, _)) => prefix.upto(folder.len().max(1)),
        None if prefix.unknown => prefix,
        None => Word::literal("."),
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
        there.go(folder);
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

fn unpacked(walk: &mut Walk, state: &State, call: &Call<'_>, folder: Option<&Word>) {
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
    let in_folder = |name: &Word| match folder {
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
    let somewhere = folder.cloned().unwrap_or_else(|| Word::literal("."));
    if call.has(Effect::AnyNames) {
        return walk.play(state, call, Role::ChangeBelow, &somewhere);
    }
    for address in &call.operands {
        let path = address.text.split(if is_wget { "#" } else { "?" }).next().unwrap_or_default();
        let name = path.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        let name = if address.unknown { Word::unknown() } else { Word::literal(name) };
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
    let only_replaces = |text: &&Word| script::only_replaces(&text.text) && !text.unknown;
    if !(call.name == "perl" && call.has(Effect::InPlace) && scripts.iter().all(only_replaces)) {
        walk.unsure_of(call.name, "does by the program in the command");
    }
}

pub(super) fn awk(walk: &mut Walk, _: &mut State, call: &Call<'_>) {
    let may_write =
        |text: &&Word| text.unknown || [">", "|", "system"].iter().any(|mark| text.text.contains(mark));
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
        _ if call.value(Role::Noted).is_some() => {}
        Some(file) if !is_stream(file) => walk.play(state, call, Role::Look, file),
        None if !is_fed(state) => {}
        Some(_) | None => walk.unsure_of(call.name, "does by the program that it is given"),
    }
}

impl Walk {
    /// A text that is run as a shell's, with the words that it is given.
    fn code(&mut self, state: &State, name: &str, text: &Word, words: Option<Vec<Word>>) {
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
            walk.code(state, call.name, text, words.get(1..).map(<[Word]>::to_vec));
        }
        (Some((file, _)), _) if !call.has(Effect::Stdin) && file.text.starts_with("/dev/fd/") => {
            walk.unsure_of(call.name, "runs");
        }
        (Some((file, _)), _) if !call.has(Effect::Stdin) && !is_stream(file) => {
            walk.play(state, call, Role::Look, file);
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
    let rest = call.operands.get(call.program.stops.unwrap_or_default()..).unwrap_or_default();
    let own = rest.iter().take_while(|word| is_assignment(word) || word.text == "-").count();
    let (own, command) = rest.split_at(own);
    if command.is_empty() && is_fed(state) && matches!(call.name, "sudo" | "doas") {
        return walk.unsure_of(call.name, "runs");
    }
    let mut there = state.clone();
    declare(walk, &mut there, call.name, own);
    let state = if own.is_empty() { state } else { &mut there };
    walk.deeper(|walk| walk.run(state, command));
}

pub(super) fn joined_words(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    walk.code(state, call.name, &together(&call.operands), None);
}

/// What comes on standard input is not known, and stands behind the words or in place of a mark in them.
pub(super) fn xargs(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    let mark = call.value(Role::Noted).and_then(Word::known);
    let mut command: Vec<Word> = match mark {
        Some(mark) => call.operands.iter().map(|word| replaced(word, mark, &Word::unknown())).collect(),
        None => call.operands.clone(),
    };
    if mark.is_none() {
        command.push(Word::unknown());
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
        walk.play(state, call, Role::LookBelow, &Word::literal("."));
    }
}

pub(super) fn listing(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    if call.operands.is_empty() {
        walk.play(state, call, call.program.rest, &Word::literal("."));
    }
}
