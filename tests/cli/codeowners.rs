//! `deeds map import codeowners`: the map that comes out is one that can be applied, and what is not on it is told.

use crate::run::Home;

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
