//! `deeds map import codeowners`: the map that comes out is one that can be applied, and what is not on it is told.

use std::process::Command;

use crate::programs;
use crate::run::{Home, Said};
use deeds::domain::map::{Map, codeowners};
use deeds::domain::path::FieldName;

const FILE: &str = "\
*            @octo-org/core
/docs/       docs@example.com   # the handbook
*.tf         @infra
/docs/*.tf   @octo-org/core
![x]         @nobody
/src/?.rs    @ann
/web/        @ann @ben
";

#[test]
fn a_file_of_code_owners_becomes_a_map_that_can_be_checked() {
    let home = Home::new();
    home.file("CODEOWNERS", FILE);
    let said =
        home.run(&["map", "import", "codeowners", "CODEOWNERS", "-w", "northwind", "--out", "team.toml"]);
    assert_eq!(said.status, 0, "{}", said.err);
    for line in ["line 5:", "line 6:", "line 7:"] {
        assert!(said.err.contains(line), "{line}\n{}", said.err);
    }
    let map = std::fs::read_to_string(home.dir.path().join("team.toml")).unwrap();
    for part in ["workspace = \"northwind\"", "id = \"octo-org/core\"", "files/docs/", "# Not said", "line 5"]
    {
        assert!(map.contains(part), "{part}\n{map}");
    }
    home.ok(&["map", "check", "team.toml"]);
    let again = home.run(&["map", "import", "codeowners", "CODEOWNERS", "--out", "team.toml"]);
    assert_eq!(again.status, 2, "{}", again.err);
    let strict = home.run(&["map", "import", "codeowners", "CODEOWNERS", "--strict"]);
    assert_eq!(strict.status, 1, "{}", strict.err);
    let piped = home.ok(&["map", "import", "codeowners", "CODEOWNERS", "--prefix", "repo/web"]);
    assert!(piped.contains("repo/web/docs/"), "{piped}");
}

/// A directory without a slash at its end is a directory on GitHub, and a file's name on GitLab.
#[test]
fn the_folder_says_whose_reading_it_is() {
    let home = Home::new();
    for (folder, deep) in [(".gitlab", false), (".github", true)] {
        std::fs::create_dir(home.dir.path().join(folder)).unwrap();
        home.file(&format!("{folder}/CODEOWNERS"), "/docs @ann\n");
        let map = home.ok(&["map", "import", "codeowners", &format!("{folder}/CODEOWNERS")]);
        assert_eq!(map.contains("files/docs/**"), deep, "{folder}: {map}");
        let map =
            home.ok(&["map", "import", "codeowners", &format!("{folder}/CODEOWNERS"), "--dialect", "github"]);
        assert!(map.contains("files/docs/**"), "what is said comes first: {map}");
    }
}

#[test]
fn what_is_no_file_of_code_owners_is_said() {
    let home = Home::new();
    assert_eq!(home.run(&["map", "import", "codeowners", "absent"]).status, 2);
    let binary = home.dir.path().join("binary");
    std::fs::write(&binary, [0xff, 0xfe, 0x00]).unwrap();
    let said = home.run(&["map", "import", "codeowners", "binary"]);
    assert_eq!(said.status, 2);
    assert!(said.err.contains("UTF-8"), "{}", said.err);
    home.file("empty", "# nobody yet\n");
    let said = home.run(&["map", "import", "codeowners", "empty"]);
    assert!(said.err.contains("no line names an owner"), "{}", said.err);
}

/// Patterns, with `_` for a blank in them; git says what each matches. `dir/*` is left out: there GitHub has a rule of its own.
const PATTERNS: &str = "* ** /*/ */ **/ a a/ /a /a/ a/b /a/b/ a/** a/**/ a/**/b /a/**/b/ a/*/b **/a **/a/ **/a/b \
    **/b/** *.c /*.c a/*.c **/*.c a* a*b a**b *** ***/b a/***/b *a* ab*/ a\\_b a\\_b/c **/**/a a/**/**/b A a//b ./a \
    a/. / a/*/** */b */*/b **/*/b a.c/*/b";

#[test]
fn a_pattern_matches_what_it_matches_for_git() {
    if !programs::is_there("git") {
        return;
    }
    let home = Home::new();
    let git = |arguments: &[&str], asked: &str| {
        let mut command = Command::new("git");
        command.arg("-C").arg(home.dir.path()).args(arguments).env("GIT_CONFIG_GLOBAL", "/dev/null");
        Said::with(&mut command, asked.as_bytes())
    };
    assert_eq!(git(&["init", "-q"], "").status, 0);
    let names = ["a", "b", "ab", "a.c", "a b", "c"];
    let mut paths: Vec<String> = names.iter().map(ToString::to_string).collect();
    for _ in 0..3 {
        let longer = paths.iter().flat_map(|path| names.iter().map(move |name| format!("{path}/{name}")));
        paths = names.iter().map(ToString::to_string).chain(longer).collect();
    }
    for pattern in PATTERNS.split_whitespace().map(|pattern| pattern.replace('_', " ")) {
        home.file(".git/info/exclude", &format!("{pattern}\n"));
        let said = git(&["check-ignore", "--no-index", "-z", "--stdin"], &paths.join("\0"));
        let ignored: std::collections::HashSet<&str> = said.out.split('\0').collect();
        let frame = codeowners::Frame {
            dialect: Some(codeowners::Dialect::GitHub),
            workspace: "w".parse().unwrap(),
            prefix: "files".parse().unwrap(),
            owner: "dana".parse().unwrap(),
        };
        let map = Map::compile(codeowners::import(&format!("{pattern} @o"), &frame).model);
        for path in &paths {
            let owned =
                !map.owners(&format!("files/{path}").parse().unwrap(), &FieldName::whole()).is_empty();
            assert_eq!(owned, ignored.contains(path.as_str()), "{path} for {pattern}");
        }
    }
}
