//! What git's commands do to the files of the work tree. What it changes in its own folder is its own.

use super::call::Call;
use super::programs::Effect::{DryRun, Hard, Nothing, Scripted, Staged, Worktree};
use super::programs::Opt::{Flag, Value};
use super::programs::Role::{
    Change, ChangeBelow, Folder, Ignored, Into, Look, LookBelow, Move, Noted, Output, Script, ScriptFile,
};
use super::programs::{Program, program};
use super::walk::{State, Walk};
use super::words::Word;
use super::{Wish, special};

/// The rows of commands that have to do with files.
static COMMANDS: &[Program] = &[
    program(
        "am cherry-pick revert merge rebase pull bisect submodule subtree sparse-checkout read-tree checkout-index filter-branch",
        &[],
    )
    .then(everything),
    program(
        "apply",
        &[
            ("check stat numstat summary cached", Flag(DryRun)),
            ("directory p C whitespace exclude include", Value(Ignored)),
        ],
    )
    .each(Look)
    .then(patches),
    program("checkout", &[("b B orphan", Value(Noted)), ("conflict", Value(Ignored))]).then(checkout),
    program("switch", &[("c C create force-create orphan", Value(Noted))]).then(checkout),
    program(
        "restore",
        &[("s source", Value(Ignored)), ("S staged", Flag(Staged)), ("W worktree", Flag(Worktree))],
    )
    .then(restore),
    program("stash", &[("m message", Value(Ignored))]).stops(0).then(stash),
    program("reset", &[("hard merge keep", Flag(Hard))]).then(reset),
    program("clean", &[("n dry-run", Flag(Nothing)), ("e exclude", Value(Ignored))])
        .each(ChangeBelow)
        .then(clean),
    program("mv", &[("n dry-run", Flag(Nothing))]).each(Move).last(Into).then(special::copies),
    program("rm", &[("cached n dry-run", Flag(Nothing))]).each(ChangeBelow),
    program("show cat-file", &[("output", Value(Output)), ("format pretty n S G", Value(Ignored))])
        .then(show),
    program("diff log whatchanged", &[("output", Value(Change)), ("format pretty n S G L", Value(Ignored))])
        .then(named),
    program("blame annotate", &[("L S", Value(Ignored))]).each(Look),
    program("grep", &[("e", Value(Script)), ("f", Value(ScriptFile)), ("A B C m", Value(Ignored))])
        .first(&[Script])
        .then(search),
    program("worktree", &[("b B reason", Value(Ignored))]).then(worktree),
    program(
        "clone",
        &[("b branch o origin depth c config reference u j jobs template separate-git-dir", Value(Ignored))],
    )
    .then(clone),
    program("archive bundle", &[("o output", Value(Change)), ("format prefix remote", Value(Ignored))]),
    program(
        "format-patch",
        &[
            ("o output-directory", Value(Folder)),
            ("stdout", Flag(Nothing)),
            ("v N start-number", Value(Ignored)),
        ],
    )
    .then(format_patch),
];

/// Commands of `git stash` that leave the work tree alone.
const STASH_ONLY: [&str; 6] = ["list", "show", "drop", "clear", "create", "store"];

/// The command behind git's own options, in the folder that they name.
pub(super) fn run(walk: &mut Walk, state: &mut State, _: &str, words: &[Word]) {
    let mut there = state.clone();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.text.as_str() {
            "-C" | "--work-tree" => {
                if let Some(folder) = words.next() {
                    there.go(folder);
                }
            }
            "--git-dir" | "--namespace" | "--exec-path" => drop(words.next()),
            "-c" | "--config-env" => {
                if words.next().is_none_or(|setting| {
                    setting.unknown || setting.text.starts_with("alias.") || setting.text.contains('!')
                }) {
                    return walk.unsure(
                        Wish::Change,
                        "what git does with a setting in the command can't be told".to_owned(),
                    );
                }
            }
            long if long.starts_with("--work-tree=") => there.go(&word.behind("--work-tree=".len())),
            option if option.starts_with('-') => {}
            _ if word.unknown => {
                return walk.unsure(Wish::Change, "which command git runs is not written out".to_owned());
            }
            name => {
                if let Some(program) = COMMANDS.iter().find(|program| program.is_called(name)) {
                    walk.apply(&mut there, program, &format!("git {name}"), words.as_slice());
                }
                return;
            }
        }
    }
}

fn everything(walk: &mut Walk, _: &mut State, call: &Call<'_>) {
    walk.unsure(Wish::Change, format!("which files {} changes can't be told", call.by()));
}

fn patches(walk: &mut Walk, _: &mut State, call: &Call<'_>) {
    if !call.has(DryRun) {
        walk.unsure(Wish::Change, format!("which files {} changes by the patch can't be told", call.by()));
    }
}

/// Paths behind `--` are paths; a name in front of them may be a file or a branch.
fn checkout(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    let (before, paths) = call.operands.split_at(call.before_end.unwrap_or(call.operands.len()));
    for path in paths {
        walk.play(state, call, ChangeBelow, path);
    }
    match before {
        _ if call.before_end.is_some() && !paths.is_empty() => {}
        [] => {}
        [_, ..] if call.value(Noted).is_some() => everything(walk, state, call),
        [only] if only.text == "." => walk.play(state, call, ChangeBelow, only),
        [_] => everything(walk, state, call),
        [first, rest @ ..] => {
            for path in rest {
                walk.play(state, call, ChangeBelow, path);
            }
            if !(first.text.contains(['~', '^', '@']) || matches!(first.text.as_str(), "HEAD" | "stash")) {
                everything(walk, state, call);
            }
        }
    }
}

fn restore(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    if call.has(Worktree) || !call.has(Staged) {
        for path in &call.operands {
            walk.play(state, call, ChangeBelow, path);
        }
    }
}

fn stash(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    let named = call.operands.first().map(|word| word.text.as_str());
    if named.is_none_or(|named| !STASH_ONLY.contains(&named)) {
        everything(walk, state, call);
    }
}

fn reset(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    if call.has(Hard) {
        everything(walk, state, call);
    }
}

fn clean(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    if call.operands.is_empty() {
        walk.play(state, call, ChangeBelow, &Word::literal("."));
    }
}

/// A file of a revision is written behind a colon.
fn show(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    for (_, file) in call.operands.iter().filter_map(|operand| operand.split_once(':')) {
        walk.play(state, call, Look, &file);
    }
    named(walk, state, call);
}

fn named(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    for path in call.operands.iter().skip(call.before_end.unwrap_or(call.operands.len())) {
        walk.play(state, call, Look, path);
    }
}

fn search(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    let own = usize::from(!call.has(Scripted));
    let paths = call.before_end.map_or(&[][..], |end| call.operands.get(end.max(own)..).unwrap_or_default());
    let here = [Word::literal(".")];
    for path in if paths.is_empty() { &here } else { paths } {
        walk.play(state, call, LookBelow, path);
    }
}

fn worktree(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    if let Some((command, [folder, ..])) = call.operands.split_first()
        && matches!(command.text.as_str(), "add" | "move" | "remove")
    {
        walk.play(state, call, ChangeBelow, folder);
    }
}

fn clone(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    match call.operands.as_slice() {
        [from] => {
            let name = from.text.trim_end_matches('/').trim_end_matches(".git").rsplit(['/', ':']).next();
            let folder = if from.unknown { Word::unknown() } else { Word::literal(name.unwrap_or_default()) };
            walk.play(state, call, ChangeBelow, &folder);
        }
        [_, folder, ..] => walk.play(state, call, ChangeBelow, folder),
        [] => {}
    }
}

fn format_patch(walk: &mut Walk, state: &mut State, call: &Call<'_>) {
    let here = Word::literal(".");
    walk.play(state, call, ChangeBelow, call.value(Folder).unwrap_or(&here));
}
