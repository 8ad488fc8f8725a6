//! Whose is a path: asked of the map, and of the file itself by a plain reading of GitHub's rules.

use proptest::prelude::*;

use super::*;
use crate::domain::map::{Map, parse};
use crate::domain::path::FieldName;

fn frame() -> Frame {
    Frame {
        dialect: None,
        workspace: "w".parse().unwrap(),
        prefix: DEFAULT_PREFIX.parse().unwrap(),
        owner: "dana".parse().unwrap(),
    }
}

/// Imports, and sees to it that the file that comes out could be applied.
fn imported(text: &str) -> Imported {
    let imported = import(text, &frame());
    let file = imported.to_toml("CODEOWNERS");
    let parsed = parse(&file);
    assert!(!parsed.has_errors(), "{text}\n{file}\n{:?}", parsed.findings);
    assert_eq!(parsed.model.as_ref(), Some(&imported.model));
    imported
}

fn owner_on(map: &Map, path: &str) -> Option<String> {
    let owners = map.owners(&format!("files/{path}").parse().unwrap(), &FieldName::whole());
    assert!(owners.len() <= 1, "{path} has {owners:?}");
    owners.first().map(ToString::to_string)
}

#[track_caller]
fn check(text: &str, expected: &[(&str, Option<&str>)]) {
    let map = Map::compile(imported(text).model);
    for (path, owner) in expected {
        assert_eq!(owner_on(&map, path).as_deref(), *owner, "{path} under\n{text}");
    }
}

fn remarks(text: &str) -> Vec<(usize, RemarkKind)> {
    imported(text).remarks.into_iter().map(|remark| (remark.line, remark.kind)).collect()
}

/// GitHub's own example, line for line as it decides.
const GITHUB: &str = "\
# This is a comment.
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/*  docs@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/ @octocat
/apps/github
";

#[test]
fn every_example_of_githubs_documentation_is_decided_as_it_says() {
    check(
        GITHUB,
        &[
            ("README.md", Some("global-owner1")),
            ("main.js", Some("js-owner")),
            ("src/deep/main.js", Some("js-owner")),
            ("cmd/main.go", Some("docs@example.com")),
            ("notes/a.txt", Some("octo-org/octocats")),
            ("build/x", Some("global-owner1")),
            ("build/logs.md", Some("global-owner1")),
            ("scripts/run", Some("doctocat")),
            ("scripts/deep/run.js", Some("doctocat")),
            ("build/logs", Some("octocat")),
            ("build/logs/today", Some("octocat")),
            ("scripts/logs", Some("octocat")),
            ("scripts/logs/x", Some("octocat")),
            ("deeply/nested/logs", Some("octocat")),
            ("deeply/nested/logs/x.go", Some("octocat")),
            ("some/apps/x", Some("octocat")),
            ("some/apps/deep/x", Some("octocat")),
            ("docs/getting-started.md", Some("doctocat")),
            ("docs/build-app/troubleshooting.md", Some("doctocat")),
            ("apps/x", Some("octocat")),
            ("apps/github/x", None),
            ("apps/github", None),
            ("some/apps/github", Some("octocat")),
            ("APPS/github.md", Some("global-owner1")),
        ],
    );
}

#[test]
fn what_a_directory_pattern_covers_is_what_github_says() {
    check(
        "docs/* docs@example.com",
        &[("docs/getting-started.md", Some("docs@example.com")), ("docs/build-app/troubleshooting.md", None)],
    );
    check(
        "/build/logs/ @d",
        &[
            ("build/logs/x", Some("d")),
            ("build/logs/a/b/x", Some("d")),
            ("build/logs", None),
            ("x/build/logs/y", None),
        ],
    );
    check("apps/ @o", &[("apps/x", Some("o")), ("a/b/apps/c/d", Some("o")), ("a/apps", None)]);
    check(
        "/apps/ @octocat\n/apps/github @doctocat",
        &[
            ("apps/x", Some("octocat")),
            ("apps/github", Some("doctocat")),
            ("apps/github/x/y", Some("doctocat")),
        ],
    );
    check("/apps/ @example-org/content-team", &[("apps/x", Some("example-org/content-team"))]);
}

#[test]
fn gitignores_edge_cases_hold() {
    let o = Some("o");
    check("* @o", &[("a", o), ("a/b/c", o), (".hidden", o)]);
    check("** @o", &[("a", o), ("a/b/c", o)]);
    check("/* @o", &[("a", o), ("a/b", None)]);
    check("*/ @o", &[("a", None), ("a/b", o), ("a/b/c", o)]);
    check("**/ @o", &[("a", None), ("a/b", o), ("a/b/c", o)]);
    check("*.js @o", &[("a.js", o), ("x/a.js", o), (".js", o), ("a.jsx", None), ("a.js/inner", o)]);
    check("/*.js @o", &[("a.js", o), ("x/a.js", None)]);
    check("a/*.js @o", &[("a/b.js", o), ("a/x/b.js", None), ("x/a/b.js", None)]);
    check("/a/**/b @o", &[("a/b", o), ("a/x/b", o), ("a/x/y/b", o), ("a/x/y/b/c", o), ("ab", None)]);
    check("a/** @o", &[("a/b", o), ("a/b/c", o), ("a", None)]);
    check("a/**/ @o", &[("a/b", None), ("a/b/c", o), ("a/b/c/d", o)]);
    check("a/**/* @o", &[("a/b", o), ("a/b/c", o), ("a", None)]);
    check("a/*/c @o", &[("a/b/c", o), ("a/b/c/d", o), ("a/c", None), ("a/b/b/c", None)]);
    check("a/*/ @o", &[("a/b", None), ("a/b/c", o), ("a/b/c/d", o)]);
    check("**/foo/bar @o", &[("foo/bar", o), ("x/y/foo/bar/z", o), ("foo/x/bar", None)]);
    check("**/*.js @o", &[("a.js", o), ("x/y/a.js", o)]);
    check("a**z @o", &[("az", o), ("x/abz", o), ("a/z", None)]);
    check("***/x @o", &[("x", o), ("a/b/x", o)]);
    check("foo @o", &[("foo", o), ("a/foo", o), ("foo/a", o), ("a/foo/b/c", o), ("foobar", None)]);
    check("foo/bar @o", &[("foo/bar", o), ("a/foo/bar", None)]);
    check("Foo @o", &[("foo", None), ("Foo", o)]);
    check("path\\ with\\ spaces/ @o", &[("path with spaces/a", o), ("x/path with spaces/a", o)]);
    check("tab\\\tbed @o\nx @o", &[("x", o)]);
    check("a\\!b @o\n\\!c @o", &[("a!b", o), ("!c", o)]);
    check("a\\[id\\].ts @o", &[("x/a[id].ts", o)]);
    check("foo-* @o", &[("foo-1", o), ("foo-", o), ("foo", None)]);
}

#[test]
fn whoever_is_accountable_and_owns_has_an_agent_of_another_name() {
    let imported = imported("/a @dana\n/b @o\n");
    assert_eq!(imported.agents["dana/agent"], "@dana");
    assert!(imported.to_toml("CODEOWNERS").contains("# dana is a person here"));
    check("/a @dana\n/b @o\n", &[("a", Some("dana/agent")), ("b", Some("o"))]);
}

#[test]
fn brackets_are_letters_on_github() {
    check("/app/users/[userId]/page.tsx @org/web", &[("app/users/[userId]/page.tsx", Some("org/web"))]);
    assert_eq!(remarks("/app/users/[userId]/page.tsx @org/web"), []);
}

#[test]
fn sections_are_read_as_gitlab_reads_them() {
    let text = "[Docs and examples] @ann @ben\n/docs/\n/examples/\n^[CI] @cleo\n/ci/\n\
                [Security]\n/vault/ @org/security/backend\n";
    check(
        text,
        &[
            ("docs/a/b", Some("ann")),
            ("examples/a", Some("ann")),
            ("ci/a", Some("cleo")),
            ("vault/a", Some("org/security/backend")),
            ("x/docs/a", None),
            ("docs", None),
        ],
    );
    assert_eq!(remarks(text), [(2, RemarkKind::SeveralOwners), (3, RemarkKind::SeveralOwners)]);
    let text =
        "[A][2] @a\nREADME.md\ndocs/x @b\nlib\n*.rb not-one @c # @d\n[b] @x\n*\n!/vendor/\n[a]\n/lib/ @e\n";
    check(
        text,
        &[
            ("q/README.md", Some("x")),
            ("vendor/y", None),
            ("lib/y", Some("x")),
            ("other", Some("x")),
            ("vendor/README.md", None),
        ],
    );
    let listed = remarks(text);
    assert!(listed.contains(&(2, RemarkKind::SeveralOwners)), "another section has it: {listed:?}");
    let text = "[A] @a\nREADME.md\ndocs/x @b\nlib\n/web/[ab]c @z\n/c/**/*.md @md\n[a] @d\n/lib/\n/c/** @@maintainer\n";
    check(
        text,
        &[
            ("q/README.md", Some("a")),
            ("q/docs/x", Some("b")),
            ("docs/x/y", None),
            ("q/lib", Some("a")),
            ("q/lib/y", None),
            ("lib/y", Some("d")),
            ("web/ac", None),
            ("c/d/e.md", Some("md")),
            ("c/e.md", None),
        ],
    );
    assert_eq!(remarks(text), [(5, RemarkKind::Inexact), (9, RemarkKind::NoAgent)]);
    assert_eq!(Dialect::of("[ab]*.md @x"), Dialect::GitHub);
}

#[test]
fn comments_line_ends_and_marks_do_not_matter() {
    let o = Some("o");
    check("\u{feff}a @o\r\n\r\n  # note\r\nb\t@o\t# why\r\n", &[("a", o), ("b", o)]);
    check("  a   @o  ", &[("a", o)]);
    check("a @o\nb # nobody\nb/c @p", &[("a", o), ("b/x", None), ("b/c", Some("p"))]);
    check("", &[("a", None)]);
    check("é/漢 @o", &[("é/漢", o)]);
}

#[test]
fn lines_that_github_skips_change_nothing_and_are_listed() {
    let text = "* @o\n!a @p\n\\#b @p\n\nc[0-9] @p\nd bob\ne @p bob@\nf @org/\ng @a/b/c\nh\\ @p\ni @p@q\nj\\";
    check(
        text,
        &[
            ("a", Some("o")),
            ("c1", Some("o")),
            ("c[0-9]", Some("p")),
            ("g", Some("a/b/c")),
            ("d", Some("o")),
            ("e", Some("o")),
            ("h", Some("o")),
        ],
    );
    let listed = remarks(text);
    assert_eq!(listed.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 6, 7, 8, 11, 12]);
    assert!(listed.iter().all(|(_, kind)| *kind == RemarkKind::Invalid));
}

#[test]
fn what_no_path_on_a_map_matches_is_listed() {
    let text = "a#b @o\n/ @o\na//b @o\n./x @o\na/../b @o\n\\* @o\n{x} @o";
    assert_eq!(remarks(text), (1..=7).map(|line| (line, RemarkKind::NoPath)).collect::<Vec<_>>());
    let long = format!("{} @o", "x".repeat(600));
    assert_eq!(remarks(&long), [(1, RemarkKind::Inexact)]);
}

#[test]
fn what_cannot_be_said_is_nobodys() {
    let text = "* @o\n/conf?.yml @p\nx @a+b@c.d\ny @q @r\n";
    check(text, &[("conf1.yml", None), ("conf.md", Some("o")), ("y", Some("q"))]);
    let text = "* @o\nx a+b@c.d\nx/y @p";
    check(text, &[("x", None), ("x/z", None), ("x/y", Some("p")), ("z", Some("o"))]);
    assert_eq!(remarks(text), [(2, RemarkKind::NoAgent)]);
    assert_eq!(remarks("* @o\n/a?b @p\ny @q @r"), [(2, RemarkKind::Inexact), (3, RemarkKind::SeveralOwners)]);
}

#[test]
fn what_is_given_back_is_the_owners_again() {
    let text = "* @core\n/docs/ @docs\n/docs/internal/ @core\n/src/ @core\n/docs/internal/old/ @docs\n";
    check(
        text,
        &[
            ("a", Some("core")),
            ("docs/a", Some("docs")),
            ("docs/internal/a", Some("core")),
            ("docs/internal/old/a", Some("docs")),
            ("src/a", Some("core")),
        ],
    );
    assert_eq!(imported(text).remarks, []);
}

#[test]
fn only_what_two_lines_share_is_taken_out() {
    let text = "*.js @a\n/vendor/ @b\n*.md @a\n";
    check(
        text,
        &[
            ("x.js", Some("a")),
            ("vendor/x.js", Some("b")),
            ("vendor/README.md", Some("a")),
            ("vendor/x.c", Some("b")),
            ("vendor/x.js/README.md", Some("a")),
        ],
    );
    // A later name anywhere meets an earlier directory, and the other way round.
    let text = "* @other\ncomponents/test @ci\ntools @tools\ntools/ci @ci\n";
    check(
        text,
        &[
            ("tools/ci/x", Some("ci")),
            ("tools/x", Some("tools")),
            ("components/test/tools/x", Some("tools")),
            ("components/test/x", Some("ci")),
            ("a/tools/ci", Some("tools")),
        ],
    );
    assert_eq!(imported(text).remarks, []);
}

#[test]
fn a_line_that_is_never_the_last_makes_no_agent() {
    let imported = imported("*.js @a\n/x @a\n*.js @b\n/x/ @c\n/x @d");
    let ids: Vec<_> = imported.model.agents.iter().map(|agent| agent.id.as_str()).collect();
    assert_eq!(ids, ["b", "d"]);
    assert!(imported.remarks.is_empty(), "{:?}", imported.remarks);
}

#[test]
fn one_owner_in_two_spellings_is_one_agent() {
    let imported = imported("/a @Octo-Org/Cats\n/b @octo-org/cats\n");
    assert_eq!(imported.model.agents.len(), 1);
    assert_eq!(imported.agents["Octo-Org/Cats"], "@Octo-Org/Cats");
    assert_eq!(imported.model.agents[0].role, "Code owner @Octo-Org/Cats (lines 1, 2)");
}

#[test]
fn the_file_says_where_it_came_from_and_what_it_leaves_out() {
    let text = imported("* @o\n/a?b @p # \u{1b}[2J").to_toml(".github/CODEOWNERS\n[x]");
    assert!(text.starts_with("# From .github/CODEOWNERS?[x]: "), "{text}");
    assert!(
        text.contains(
            "#   line 2: /a?b @p # ?[2J\n#     can't be said: `?` and `[ ]` stand for one character"
        ),
        "{text}"
    );
}

#[test]
fn thousands_of_lines_are_read() {
    use std::fmt::Write as _;
    let mut text = "* @core\n*.md @docs\n".to_owned();
    for at in 0..3000 {
        writeln!(text, "/components/c{at}/ @user{}", at % 300).unwrap();
    }
    let imported = imported(&text);
    assert_eq!(imported.model.agents.len(), 302);
    assert_eq!(imported.remarks, []);
}

/// GitHub's rules, read plainly and without any of the code above: does the pattern match the path?
fn reference_matches(pattern: &str, path: &str) -> bool {
    let rooted = pattern.strip_prefix('/');
    let body = rooted.unwrap_or(pattern);
    let (body, only_directories) = body.strip_suffix('/').map_or((body, false), |body| (body, true));
    let anchored = rooted.is_some() || body.contains('/');
    let names: Vec<&str> = path.split('/').collect();
    // A pattern matches a file, or a directory and so all that is in it.
    (1..=names.len()).any(|end| {
        let is_directory = end < names.len();
        let flat = anchored && !only_directories && body.rsplit('/').next() == Some("*");
        if (only_directories && !is_directory) || (flat && is_directory) {
            return false;
        }
        let (head, last) = (names[..end].join("/"), names[end - 1]);
        let glob: Vec<char> = body.chars().collect();
        if anchored {
            glob_matches(&glob, 0, &head.chars().collect::<Vec<_>>())
        } else {
            glob_matches(&glob, 0, &last.chars().collect::<Vec<_>>())
        }
    })
}

/// Git's wildmatch: `**` between slashes crosses them, other stars do not.
fn glob_matches(glob: &[char], at: usize, text: &[char]) -> bool {
    match glob.get(at) {
        None => text.is_empty(),
        Some('*') => {
            let end = glob[at..].iter().position(|c| *c != '*').map_or(glob.len(), |stars| at + stars);
            let alone =
                (at == 0 || glob[at - 1] == '/') && (end == glob.len() || glob[end] == '/') && end - at > 1;
            if alone && end < glob.len() && glob_matches(glob, end + 1, text) {
                return true;
            }
            let reach = text.iter().take_while(|c| alone || **c != '/').count();
            (0..=reach).any(|taken| glob_matches(glob, end, &text[taken..]))
        }
        Some('?') => text.first().is_some_and(|c| *c != '/') && glob_matches(glob, at + 1, &text[1..]),
        Some('\\') => glob.get(at + 1) == text.first() && glob_matches(glob, at + 2, &text[1..]),
        Some(c) => text.first() == Some(c) && glob_matches(glob, at + 1, &text[1..]),
    }
}

/// The line that decides, and its owners.
fn reference_decides<'t>(lines: &'t [String], path: &str) -> Option<(usize, Vec<&'t str>)> {
    let decide = |line: &'t String| {
        let (pattern, owners) = line.split_once(' ').unwrap_or((line, ""));
        reference_matches(pattern, path).then(|| owners.split_whitespace().collect())
    };
    lines.iter().enumerate().rev().find_map(|(at, line)| Some((at + 1, decide(line)?)))
}

fn a_line() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        6 => "[ab]",
        2 => Just("*".to_owned()),
        2 => Just("**".to_owned()),
        2 => Just("*.c".to_owned()),
        1 => Just("a*".to_owned()),
        1 => Just("?".to_owned()),
        1 => Just("a?".to_owned()),
    ];
    let owners = prop_oneof![8 => "@[xyz]", 1 => Just(String::new()), 1 => "@[xyz] @[xyz]"];
    let slash = prop::bool::weighted(0.4);
    (slash, prop::collection::vec(segment, 1..4), slash, owners).prop_map(|(first, names, last, owners)| {
        let slash = |there| if there { "/" } else { "" };
        format!("{}{}{} {owners}", slash(first), names.join("/"), slash(last)).trim().to_owned()
    })
}

fn a_path() -> impl Strategy<Value = String> {
    let name = prop_oneof![4 => "[abd]", 1 => Just("a.c".to_owned()), 1 => Just("ab".to_owned())];
    prop::collection::vec(name, 1..5).prop_map(|names| names.join("/"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// What the module promises: the owner that GitHub would name, or nobody where the line that decides is listed,
    /// and nobody where a listed line could have decided that a map can't say.
    #[test]
    fn the_map_names_the_owner_that_the_last_matching_line_names(
        lines in prop::collection::vec(a_line(), 1..8),
        paths in prop::collection::vec(a_path(), 12),
    ) {
        let imported = imported(&lines.join("\n"));
        let map = Map::compile(imported.model.clone());
        let listed = |line: usize, kinds: &[RemarkKind]| {
            imported.remarks.iter().any(|remark| remark.line == line && kinds.contains(&remark.kind))
        };
        for path in paths {
            let mapped = owner_on(&map, &path);
            let decided = reference_decides(&lines, &path);
            let expected = decided.as_ref().and_then(|(_, owners)| owners.first()).map(|owner| owner[1..].to_owned());
            if mapped == expected {
                continue;
            }
            prop_assert_eq!(&mapped, &None, "{} is somebody else's under {:#?}", path, lines);
            let line = decided.map_or(0, |(line, _)| line);
            let inexact = imported.remarks.iter().any(|remark| {
                remark.kind == RemarkKind::Inexact && remark.line >= line
            });
            prop_assert!(
                listed(line, &[RemarkKind::Inexact]) || inexact,
                "{path} has lost {expected:?} and line {line} of {lines:#?} is not listed"
            );
        }
    }
}
