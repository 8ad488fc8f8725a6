//! What people write into configuration files, and what they are told.

use super::*;

fn with_file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    (dir, path)
}

#[test]
fn the_environment_goes_before_the_file_and_the_file_before_the_defaults() {
    let (dir, path) =
        with_file("theme = \"light\"\nworkspace = \"from-file\"\nkeymap = \"keys.toml\"\nmouse = false\n");
    let environment = |name: &str| (name == "DEEDS_WORKSPACE").then(|| "from-environment".to_owned());
    let config = load(Some(&path), environment).unwrap();
    assert_eq!(config.theme, theme::Choice::Light);
    assert_eq!(config.workspace.unwrap().as_str(), "from-environment");
    assert_eq!(config.keymap.unwrap(), dir.path().join("keys.toml"));
    assert!(!config.mouse);
    assert_eq!(config.listen.port(), DEFAULT_PORT);
}

#[test]
fn settings_of_the_hooks_are_written_with_a_dot_or_in_a_table() {
    for text in
        ["hook.default = \"deny\"\nhook.agent = \"docs\"\n", "[hook]\ndefault = \"deny\"\nagent = \"docs\"\n"]
    {
        let (_dir, path) = with_file(text);
        let environment = |name: &str| (name == "DEEDS_HOOK_PREFIX").then(|| "repo/a".to_owned());
        let config = load(Some(&path), environment).unwrap();
        assert_eq!(config.hook_default, HookDefault::Deny);
        assert_eq!(config.hook_agent.unwrap().as_str(), "docs");
        assert_eq!(config.hook_prefix.as_str(), "repo/a");
    }
}

#[test]
fn a_variable_can_name_the_file() {
    let (_dir, path) = with_file("ascii = true\n");
    let named = path.display().to_string();
    let config = load(None, |name| (name == CONFIG_VARIABLE).then(|| named.clone())).unwrap();
    assert!(config.ascii);
}

#[test]
fn errors_name_the_place_and_the_mend() {
    for (text, place, says) in [
        ("\nthem = \"dark\"\n", ":2:1", "did you mean `theme`?"),
        ("zebra = 1\n", ":1:1", "settings are data_dir, workspace"),
        ("mouse = \"yes\"\n", ":1:9", "`mouse` is true or false"),
        ("workspace = 3\n", ":1:13", "`workspace` is a text"),
        ("workspace = \"Not Good\"\n", ":1:13", "is not a workspace name; use a-z"),
        ("theme = \"pink\"\n", ":1:9", "use one of auto, dark"),
        ("listen = \"here\"\n", ":1:10", "127.0.0.1:4170"),
        ("connect = \"ftp://deeds.example\"\n", ":1:11", "http://127.0.0.1:4170"),
        ("connect = \"http://me:secret@host\"\n", ":1:11", "token file"),
        ("a = [\n", ":1:", "correct this line"),
        ("hook.default = \"maybe\"\n", ":1:16", "use one of allow, deny, ask"),
        ("[hook]\ndefalt = \"ask\"\n", ":2:1", "did you mean `hook.default`?"),
        ("hook = 3\n", ":1:1", "there is no setting `hook`"),
        ("[hook]\nagent = \"no such name\"\n", ":2:9", "is not an agent's name"),
        ("[hook.agent]\nx = 1\n", ":1:", "`hook.agent` is a text"),
        ("theme = \"dark\"\ntheme = \"dark\"\n", ":2:1", "correct this line"),
        ("[gateway.crm]\nargs = [\"x\"]\n", ":1:", "say command"),
        ("[gateway.crm]\ncommand = \"x\"\nurl = \"https://x\"\n", ":1:", "not both"),
        ("[gateway.crm]\ncomand = \"x\"\n", ":2:", "did you mean `command`?"),
        ("[gateway.\"a b\"]\ncommand = \"x\"\n", ":1:", "use letters"),
        ("[gateway.crm]\ncommand = \"x\"\nenv = { T = \"the-secret\" }\n", ":3:", "env:VARIABLE"),
        ("gateway.crm = 3\n", ":1:", "[gateway.NAME]"),
    ] {
        let (_dir, path) = with_file(text);
        let error = load(Some(&path), |_| None).unwrap_err();
        let told = error.to_string();
        assert!(error.place.contains(place), "{text:?} → {told}");
        assert!(told.contains(says), "{text:?} → {told}");
        assert!(!told.contains("the-secret"), "{told}");
    }
}

#[test]
fn gateways_say_where_their_secrets_are() {
    let text = "[gateway.crm]\nargs = [\"-y\"]\ncommand = \"npx\"\nas = \"sales\"\nenv = { A = \"env:B\", C = \"file:d\" }\n";
    let (dir, path) = with_file(text);
    let config = load(Some(&path), |_| None).unwrap();
    let crm = &config.gateways["crm"];
    assert_eq!(
        (crm.command.as_slice(), crm.agent.as_ref().unwrap().as_str()),
        (&["npx".to_owned(), "-y".to_owned()][..], "sales")
    );
    assert_eq!(crm.env["A"], Source::Variable("B".to_owned()));
    assert_eq!(crm.env["C"], Source::File(dir.path().join("d")));
}

#[test]
fn a_named_file_must_be_there_and_be_text() {
    let dir = tempfile::tempdir().unwrap();
    let missing = load(Some(&dir.path().join("none.toml")), |_| None).unwrap_err();
    assert!(missing.to_string().contains("none.toml: the configuration can't be read"), "{missing}");
    let directory = load(Some(dir.path()), |_| None).unwrap_err();
    assert!(directory.to_string().contains("name a text file"), "{directory}");
    let (_dir, path) = with_file(&"#".repeat(70_000));
    assert!(load(Some(&path), |_| None).unwrap_err().reason.contains("at most 65536 bytes"));
}

#[test]
fn a_bad_variable_is_named() {
    let error = load(None, |name| (name == "DEEDS_LISTEN").then(|| "x".to_owned())).unwrap_err();
    assert_eq!(error.place, "DEEDS_LISTEN");
}

#[test]
fn the_example_is_the_table_and_means_the_defaults() {
    let (_dir, path) = with_file(&example());
    assert_eq!(load(Some(&path), |_| None).unwrap(), Config::default());
    let all = example().replace("# data_dir", "data_dir").replace("# workspace", "workspace");
    let all = all
        .replace("# connect", "connect")
        .replace("# token_file", "token_file")
        .replace("# keymap =", "keymap =");
    let (_dir, path) = with_file(&all);
    let config = load(Some(&path), |_| None).unwrap();
    assert!(config.data_dir.is_some() && config.connect.is_some() && config.keymap.is_some());
}

/// `UPDATE=1 cargo test --lib config` writes the file anew.
#[test]
fn the_example_in_the_repository_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.example.toml");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, example()).unwrap();
    }
    let there = std::fs::read_to_string(&path).unwrap();
    assert!(there == example(), "config.example.toml drifted; run: UPDATE=1 cargo test --lib config");
}
