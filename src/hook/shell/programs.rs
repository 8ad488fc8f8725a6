//! The table of programs: what each does with its options and operands. Options that are not here have no value and mean nothing.

use super::call::Call;
use super::special;
use super::walk::{State, Walk};

/// What an option or an operand is to a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// No file.
    Ignored,
    /// No file, and the program's own function asks for it.
    Noted,
    /// A text that says what the program does.
    Script,
    /// A file with such a text.
    ScriptFile,
    /// A text for the shell.
    Code,
    /// A file that is read, and changed under [`Effect::InPlace`].
    Look,
    /// A folder of which everything is read.
    LookBelow,
    /// A file that is changed, and only read under [`Effect::ToOutput`].
    Change,
    /// A folder of which everything may change.
    ChangeBelow,
    /// A file or folder that is taken away, to be elsewhere.
    Move,
    /// Where copies go: a file, or a folder in which they get the names that they had.
    Into,
    /// A folder in which everything is put.
    Folder,
    /// The file that is written in place of those that would be changed.
    Output,
    /// The folder to work in.
    Chdir,
    /// Word, or `@` and a file.
    Data,
}

/// What an option does to the whole call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// Nothing is done to files at all.
    Nothing,
    /// Nothing is changed.
    DryRun,
    /// Folders with everything below.
    Deep,
    /// What is read is changed.
    InPlace,
    /// What would be changed is read.
    ToOutput,
    /// The first operand is no script.
    Scripted,
    /// The target is no folder.
    Exact,
    /// Links that lead by name.
    Symbolic,
    /// Files are taken out of an archive.
    Extract,
    /// Files are put into an archive.
    Create,
    /// The first operand is a text for the shell.
    Coded,
    /// What runs comes on standard input.
    Stdin,
    /// Names are those at the other end.
    TheirNames,
    /// Names are what the other end says.
    AnyNames,
    /// Only what is staged.
    Staged,
    /// The work tree, too.
    Worktree,
    /// The work tree, as a whole.
    Hard,
}

/// How an option is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Opt {
    /// Without a value.
    Flag(Effect),
    /// With a value, attached or as the next word.
    Value(Role),
    /// With a value only if it is attached, which is put behind the names of what is kept.
    Suffix(Effect),
    /// With two values, of which the second is this.
    Pair(Role),
}

/// What is left to say of a call.
type Then = fn(&mut Walk, &mut State, &Call<'_>);

/// A row: what is known of a program.
pub(super) struct Program {
    /// Its names.
    names: &'static str,
    /// Its options by their names without dashes; one of one letter is a short one.
    options: &'static [(&'static str, Opt)],
    /// What the first operands are.
    pub(super) first: &'static [Role],
    /// What the others are.
    pub(super) rest: Role,
    /// What the last of several is.
    pub(super) last: Option<Role>,
    /// Behind how many operands come the words of another program.
    pub(super) stops: Option<usize>,
    /// Whether `host:path` is elsewhere.
    pub(super) remote: bool,
    /// Whether words with `+` are options.
    pub(super) plus: bool,
    pub(super) then: Option<Then>,
}

impl Program {
    pub(super) const fn first(self, first: &'static [Role]) -> Self {
        Self { first, ..self }
    }

    pub(super) const fn each(self, rest: Role) -> Self {
        Self { rest, ..self }
    }

    pub(super) const fn last(self, last: Role) -> Self {
        Self { last: Some(last), ..self }
    }

    pub(super) const fn stops(self, behind: usize) -> Self {
        Self { stops: Some(behind), ..self }
    }

    const fn remote(self) -> Self {
        Self { remote: true, ..self }
    }

    pub(super) const fn then(self, then: Then) -> Self {
        Self { then: Some(then), ..self }
    }

    fn option(&self, fits: impl Fn(&str) -> bool) -> Option<Opt> {
        self.options.iter().find(|(names, _)| names.split(' ').any(&fits)).map(|(_, option)| *option)
    }

    pub(super) fn short(&self, letter: char) -> Option<Opt> {
        self.option(|name| name.strip_prefix(letter) == Some(""))
    }

    /// A long one may be cut short.
    pub(super) fn long(&self, given: &str) -> Option<Opt> {
        self.option(|name| name == given)
            .or_else(|| self.option(|name| given.len() > 2 && name.starts_with(given)))
    }

    pub(super) fn is_called(&self, name: &str) -> bool {
        self.names.split(' ').any(|known| known == name)
    }
}

pub(super) const fn program(names: &'static str, options: &'static [(&'static str, Opt)]) -> Program {
    Program {
        names,
        options,
        first: &[],
        rest: Role::Ignored,
        last: None,
        stops: None,
        remote: false,
        plus: false,
        then: None,
    }
}

/// The row of a program, also of one called with its version, as `python3.12`.
pub(super) fn find(name: &str) -> Option<&'static Program> {
    let row = |name: &str| PROGRAMS.iter().find(|program| program.is_called(name));
    row(name).or_else(|| row(name.trim_end_matches(|char: char| char.is_ascii_digit() || char == '.')))
}

use Effect::{
    AnyNames, Coded, Create, Deep, DryRun, Exact, Extract, InPlace, Nothing, Scripted, Stdin, Symbolic,
    TheirNames, ToOutput,
};
use Opt::{Flag, Pair, Suffix, Value};
use Role::{
    Change, ChangeBelow, Chdir, Code, Data, Folder, Ignored, Into, Look, LookBelow, Move, Noted, Output,
    Script, ScriptFile,
};

const FOLDER: (&str, Opt) = ("t target-directory", Value(Folder));
const EXACT: (&str, Opt) = ("T no-target-directory", Flag(Exact));
const SUFFIX: (&str, Opt) = ("S suffix", Value(Ignored));
const OUTPUT: (&str, Opt) = ("o output", Value(Change));
const RECURSIVE: (&str, Opt) = ("r R recursive", Flag(Deep));

static PROGRAMS: &[Program] = &[
    // Files that are changed where they are.
    program("tee sponge", &[]).each(Change),
    program("rm", &[RECURSIVE]).each(Change),
    program("rmdir unlink mkfifo", &[("m mode", Value(Ignored))]).each(Change),
    program("touch", &[("d date t time", Value(Ignored)), ("r reference", Value(Look))]).each(Change),
    program("truncate", &[("s size", Value(Ignored)), ("r reference", Value(Look))]).each(Change),
    program("shred", &[("n iterations s size random-source", Value(Ignored))]).each(Change),
    program("chmod", &[("R recursive", Flag(Deep)), ("r w x X s t u g o", Flag(Scripted)), ("reference", Value(ScriptFile))])
        .first(&[Script])
        .each(Change),
    program("chown chgrp", &[("R recursive", Flag(Deep)), ("from", Value(Ignored)), ("reference", Value(ScriptFile))])
        .first(&[Script])
        .each(Change),
    program(
        "sed gsed",
        &[
            ("e expression", Value(Script)),
            ("f file", Value(ScriptFile)),
            ("i in-place", Suffix(InPlace)),
            ("l line-length", Value(Ignored)),
        ],
    )
    .first(&[Script])
    .each(Look)
    .then(special::sed),
    program("yq", &[("i inplace", Flag(InPlace)), ("o output-format p input-format", Value(Ignored))])
        .first(&[Script])
        .each(Look),
    program("ed", &[("p prompt", Value(Ignored))]).each(Change).then(special::editor),
    Program { plus: true, ..program("ex vi vim nvim", &[("c cmd S", Value(Script)), ("u i w W T", Value(Ignored))]) }
        .each(Change)
        .then(special::editor),
    program(
        "gzip gunzip bzip2 bunzip2 xz unxz zstd unzstd",
        &[("c stdout to-stdout t test l list", Flag(ToOutput)), SUFFIX, ("r recursive", Flag(Deep))],
    )
    .each(Change)
    .then(special::packed),
    // Formatters, and linters that mend.
    program("rustfmt", &[("check", Flag(DryRun)), ("edition config config-path emit", Value(Ignored))]).each(ChangeBelow),
    program("black isort", &[("check check-only diff c", Flag(DryRun)), ("l line-length t target-version profile", Value(Ignored))])
        .each(ChangeBelow),
    program("gofmt goimports shfmt", &[("w", Flag(InPlace)), ("r i ln local", Value(Ignored))]).each(LookBelow),
    program("clang-format", &[("i", Flag(InPlace)), ("style", Value(Ignored))]).each(LookBelow),
    program("prettier", &[("w write", Flag(InPlace)), ("config parser plugin ignore-path", Value(Ignored))]).each(LookBelow),
    program("eslint", &[("fix", Flag(InPlace)), ("c config rule ext f format", Value(Ignored))]).each(LookBelow),
    program("sqlite3", &[("readonly", Flag(DryRun)), ("cmd init separator", Value(Ignored))]).first(&[Change]),
    // Copies.
    program("mv", &[FOLDER, EXACT, SUFFIX]).each(Move).last(Into).then(special::copies),
    program("cp", &[FOLDER, EXACT, SUFFIX, ("r R a recursive archive", Flag(Deep))]).each(Look).last(Into).then(special::copies),
    program("install", &[FOLDER, EXACT, SUFFIX, ("m mode o owner g group", Value(Ignored)), ("d directory", Flag(Nothing))])
        .each(Look)
        .last(Into)
        .then(special::copies),
    program("ln", &[FOLDER, EXACT, SUFFIX, ("s symbolic", Flag(Symbolic))]).last(Into).then(special::links),
    program("scp", &[("r", Flag(Deep)), ("P i o F c l J S", Value(Ignored))]).each(Look).last(Into).remote().then(special::copies),
    program(
        "rsync",
        &[
            ("n dry-run", Flag(DryRun)),
            ("log-file", Value(Change)),
            ("e rsh exclude include filter f chmod info port timeout bwlimit T temp-dir suffix", Value(Ignored)),
            ("files-from exclude-from include-from password-file", Value(Look)),
            ("backup-dir", Value(ChangeBelow)),
        ],
    )
    .each(LookBelow)
    .last(ChangeBelow)
    .remote(),
    // One file to another.
    program("sort", &[OUTPUT, ("k key t field-separator S buffer-size T temporary-directory parallel", Value(Ignored))]).each(Look),
    program("shuf", &[OUTPUT, ("i input-range n head-count", Value(Ignored)), ("random-source", Value(Look))]).each(Look),
    program("iconv", &[OUTPUT, ("f from-code t to-code", Value(Ignored))]).each(Look),
    program("sdiff", &[OUTPUT, ("w width I", Value(Ignored))]).each(LookBelow),
    program("uniq", &[("f skip-fields s skip-chars w check-chars", Value(Ignored))]).first(&[Look]).each(Change),
    program("xxd", &[("s l c g o n", Value(Ignored))]).first(&[Look]).each(Change),
    program("split", &[("l lines b bytes n number C line-bytes a suffix-length additional-suffix filter t", Value(Ignored))])
        .first(&[Look])
        .then(special::pieces),
    program(
        "patch",
        &[
            ("i input", Value(Noted)),
            ("o output", Value(Output)),
            ("r reject-file", Value(Change)),
            ("d directory", Value(Chdir)),
            ("p strip F fuzz B prefix D ifdef V Y z suffix", Value(Ignored)),
            ("dry-run", Flag(DryRun)),
        ],
    )
    .first(&[Change])
    .each(Look)
    .then(special::patches),
    program(
        "tar bsdtar gtar",
        &[
            ("x extract get", Flag(Extract)),
            ("c create r append u update", Flag(Create)),
            ("O to-stdout", Flag(ToOutput)),
            ("f file", Value(Noted)),
            ("C directory", Value(Folder)),
            ("T files-from X exclude-from", Value(Look)),
            ("exclude strip-components transform xform I use-compress-program owner group mode b", Value(Ignored)),
        ],
    )
    .then(special::archive),
    program("unzip", &[("d", Value(Folder)), ("l p t Z v z", Flag(DryRun)), ("x P", Value(Ignored))])
        .first(&[Look])
        .then(special::unzipped),
    program("zip", &[("x i n t", Value(Ignored))]).first(&[Change]).each(LookBelow),
    program(
        "curl",
        &[
            ("o output", Value(Noted)),
            ("O remote-name remote-name-all", Flag(TheirNames)),
            ("J remote-header-name", Flag(AnyNames)),
            ("output-dir", Value(Folder)),
            ("D dump-header c cookie-jar trace trace-ascii stderr", Value(Change)),
            ("T upload-file K config cacert cert E key", Value(Look)),
            ("d data data-binary data-ascii data-urlencode json F form H header", Value(Data)),
            ("A user-agent b cookie e referer u user x proxy X request m max-time w write-out r range C continue-at", Value(Ignored)),
            ("connect-timeout retry retry-delay resolve limit-rate max-redirs data-raw form-string proto interface", Value(Ignored)),
        ],
    )
    .then(special::fetched),
    program(
        "wget",
        &[
            ("O output-document", Value(Noted)),
            ("P directory-prefix", Value(Folder)),
            ("o output-file a append-output", Value(Change)),
            ("i input-file post-file load-cookies", Value(Look)),
            ("r recursive m mirror p page-requisites", Flag(AnyNames)),
            ("spider", Flag(Nothing)),
            ("U user-agent t tries T timeout w wait Q quota e execute header user password post-data", Value(Ignored)),
            ("A accept R reject D domains l level", Value(Ignored)),
        ],
    )
    .then(special::fetched),
    // Programs that run what they are given.
    program("env", &[("u unset", Value(Ignored)), ("C chdir", Value(Chdir)), ("S split-string", Value(Code))]).stops(0).then(special::runs),
    program("sudo doas", &[("u user g group h host p prompt r role t type U other-user", Value(Ignored)), ("D chdir", Value(Chdir))])
        .stops(0)
        .then(special::runs),
    program("npx bunx uvx", &[("p package from with", Value(Ignored)), ("c call", Value(Code))]).stops(0).then(special::runs),
    program("script", &[("c command", Value(Code)), ("E T t O B I", Value(Ignored))]).each(Change).then(special::coded),
    program("nohup setsid builtin busybox toybox", &[]).stops(0).then(special::runs),
    program("nice ionice stdbuf", &[("n adjustment c class i input o output e error", Value(Ignored))]).stops(0).then(special::runs),
    program("time strace ltrace", &[("o output", Value(Change)), ("f e p s", Value(Ignored))]).stops(0).then(special::runs),
    program("timeout", &[("k kill-after s signal", Value(Ignored))]).stops(1).then(special::runs),
    program("command", &[("v V", Flag(Nothing))]).stops(0).then(special::runs),
    program("exec", &[("a", Value(Ignored))]).stops(0).then(special::runs),
    program("flock", &[("c command", Value(Code)), ("w timeout E", Value(Ignored))]).first(&[Change]).stops(1).then(special::runs),
    program("xargs", &[
        ("a arg-file", Value(Look)),
        ("I replace", Value(Noted)),
        ("d delimiter E n max-args L max-lines P max-procs s max-chars", Value(Ignored)),
    ])
    .stops(0)
    .then(special::xargs),
    program("watch", &[("n interval", Value(Ignored))]).stops(0).then(special::joined_words),
    program("su", &[("c command", Value(Code)), ("s shell g group", Value(Ignored))]).then(special::coded),
    program("parallel", &[]).then(special::parallel),
    program("bash sh dash zsh ksh ash fish", &[("c", Flag(Coded)), ("s", Flag(Stdin)), ("o O rcfile init-file", Value(Ignored))])
        .stops(0)
        .then(special::shell),
    program("python pypy", &[("c", Value(Script)), ("m", Value(Noted)), ("W X", Value(Ignored))]).stops(0).then(special::interpreter),
    program("node nodejs deno bun", &[("e eval p print", Value(Script)), ("r require import", Value(Ignored))])
        .stops(0)
        .then(special::interpreter),
    program("php", &[("r B R E", Value(Script)), ("d c", Value(Ignored)), ("f", Value(Look))]).stops(0).then(special::interpreter),
    program("lua luajit osascript Rscript julia", &[("e eval", Value(Script)), ("l", Value(Ignored))]).stops(0).then(special::interpreter),
    program("ruby", &[("e", Value(Script)), ("i", Suffix(InPlace)), ("I r C", Value(Ignored))]).stops(0).then(special::perl),
    program("perl", &[("e E", Value(Script)), ("i", Suffix(InPlace)), ("I M m", Value(Ignored))]).stops(0).then(special::perl),
    program("awk gawk mawk nawk", &[
        ("f file", Value(ScriptFile)),
        ("e source", Value(Script)),
        ("i include", Value(Noted)),
        ("v assign F field-separator", Value(Ignored)),
    ])
    .first(&[Script])
    .each(Look)
    .stops(0)
    .then(special::awk),
    // What is only read.
    program("cat tac rev less more most zcat bzcat xzcat zless comm cmp sum cksum wc tsort expand unexpand bat", &[]).each(Look),
    program("md5sum sha1sum sha224sum sha256sum sha384sum sha512sum b2sum", &[]).each(Look),
    program("head tail", &[("n lines c bytes s sleep-interval pid", Value(Ignored))]).each(Look),
    program("cut", &[("d delimiter f fields b bytes c characters output-delimiter", Value(Ignored))]).each(Look),
    program("paste", &[("d delimiters", Value(Ignored))]).each(Look),
    program("fold fmt base64 base32", &[("w width wrap", Value(Ignored))]).each(Look),
    program("nl", &[("b d f h i l n s v w", Value(Ignored))]).each(Look),
    program("od", &[("A t j N w S address-radix format skip-bytes read-bytes", Value(Ignored))]).each(Look),
    program("hexdump hd", &[("n s e", Value(Ignored)), ("f", Value(Look))]).each(Look),
    program("strings", &[("n t e T bytes radix encoding", Value(Ignored))]).each(Look),
    program("join", &[("t 1 2 j a o e v", Value(Ignored))]).each(Look),
    program("column", &[("s c o N separator output-separator table-columns", Value(Ignored))]).each(Look),
    program("diff", &[("U unified C context I x exclude W width F label L", Value(Ignored))]).each(LookBelow),
    program("grep egrep fgrep zgrep", &[
        ("e regexp", Value(Script)),
        ("f file", Value(ScriptFile)),
        RECURSIVE,
        ("A B C m after-context before-context context max-count include exclude exclude-dir d D", Value(Ignored)),
    ])
    .first(&[Script])
    .each(Look)
    .then(special::search),
    program("rg ag ack", &[
        ("e regexp", Value(Script)),
        ("f file", Value(ScriptFile)),
        ("files type-list", Flag(Scripted)),
        ("g glob iglob t type T type-not A B C m j M max-count max-depth sort sortr E encoding r replace", Value(Ignored)),
    ])
    .first(&[Script])
    .each(LookBelow)
    .then(special::search),
    program("jq", &[
        ("f from-file", Value(ScriptFile)),
        ("arg argjson", Pair(Ignored)),
        ("slurpfile rawfile", Pair(Look)),
        ("indent", Value(Ignored)),
    ])
    .first(&[Script])
    .each(Look),
    program("ls dir", &[("R recursive", Flag(Deep)), ("I ignore w width T tabsize block-size", Value(Ignored))]).each(Look).then(special::listing),
    program("tree", &[("o", Value(Change)), ("L P I", Value(Ignored))]).each(LookBelow).then(special::listing),
];
