//! The house rules, checked on the syntax tree: who may import whom, files that say what lives in them, their length.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test says what it misses by failing")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};

/// A layer, the layers it may import, and the third-party crates that only it (and those who list them) may use.
struct Layer {
    name: &'static str,
    may: &'static [&'static str],
    crates: &'static [&'static str],
}

/// Crates that every layer may use: the language's own, shapes, error derives, bytes and streams.
const COMMON: &[&str] =
    &["std", "core", "alloc", "schemars", "serde", "serde_json", "serde_with", "thiserror"];

/// The fences of docs/ARCHITECTURE.md. What is absent is forbidden.
const LAYERS: &[Layer] = &[
    Layer {
        name: "domain",
        may: &[],
        crates: &[
            "toml",
            "sha2",
            "chrono",
            "chrono_tz",
            "icu_normalizer",
            "imbl",
            "ssh_key",
            "strsim",
            "unicode_security",
        ],
    },
    Layer {
        name: "api",
        may: &["domain"],
        crates: &["serde_path_to_error", "getrandom", "sha2", "hmac", "subtle"],
    },
    Layer {
        name: "ledger",
        may: &["domain"],
        crates: &[
            "rusqlite",
            "tokio",
            "sha2",
            "getrandom",
            "rustix",
            "bytes",
            "tracing",
            "ring",
            "base64",
            "tokio_postgres",
            "deadpool_postgres",
            "tokio_postgres_rustls",
            "tokio_rustls",
            "rustls_platform_verifier",
            "futures_util",
        ],
    },
    Layer { name: "store", may: &["domain"], crates: &["lsm_tree", "sha2", "tempfile", "tracing"] },
    Layer { name: "index", may: &["domain"], crates: &["rusqlite", "tokio", "tracing", "sha2"] },
    Layer {
        name: "coordinator",
        may: &["domain", "ledger", "store"],
        crates: &["tokio", "bytes", "chrono", "sha2", "tracing", "rustix"],
    },
    Layer {
        name: "mcp",
        may: &["domain", "api"],
        crates: &["rmcp", "tokio", "futures_util", "bytes", "percent_encoding", "sha2", "tracing"],
    },
    Layer {
        name: "gateway",
        may: &["domain", "api", "client"],
        crates: &[
            "base64",
            "bytes",
            "futures_util",
            "getrandom",
            "percent_encoding",
            "reqwest",
            "rustix",
            "sha2",
            "tokio",
            "tracing",
        ],
    },
    Layer {
        name: "server",
        // The gateway alone: for its own route.
        may: &["domain", "api", "coordinator", "index", "ledger", "store", "gateway", "mcp"],
        crates: &[
            "rmcp",
            "axum",
            "hyper",
            "hyper_util",
            "tower",
            "tokio",
            "futures_util",
            "bytes",
            "tracing",
            "sha2",
            "subtle",
            "percent_encoding",
            "getrandom",
            "rustix",
            "tokio_rustls",
            "rcgen",
            "ring",
        ],
    },
    Layer {
        name: "client",
        may: &["domain", "api"],
        crates: &[
            "reqwest",
            "tokio",
            "futures_util",
            "bytes",
            "sha2",
            "getrandom",
            "percent_encoding",
            "tracing",
            "hyper",
            "hyper_util",
            "tower",
            "rustix",
            "tokio_rustls",
            "ring",
            "rustls_platform_verifier",
            "ssh_agent_client_rs",
            "ssh_key",
        ],
    },
    Layer {
        name: "console",
        may: &["domain", "api", "client"],
        crates: &[
            "ratatui",
            "crossterm",
            "nucleo_matcher",
            "tui_input",
            "tokio",
            "futures_util",
            "rustix",
            "toml",
            "chrono",
            "base64",
            "unicode_segmentation",
            "unicode_width",
            "sha2",
            "tracing",
            "notify_rust",
        ],
    },
    Layer {
        name: "demo",
        may: &["domain", "api", "client", "rehearse"],
        crates: &["tokio", "toml", "tracing", "futures_util", "sha2"],
    },
    Layer {
        name: "import",
        may: &["domain", "api", "client"],
        crates: &["tokio", "sha2", "toml", "tracing", "chrono"],
    },
    Layer { name: "hook", may: &["domain"], crates: &["brush_parser"] },
    Layer { name: "rehearse", may: &["domain"], crates: &["toml", "chrono"] },
    Layer {
        name: "cli",
        may: &[
            "domain",
            "hook",
            "rehearse",
            "api",
            "ledger",
            "store",
            "index",
            "coordinator",
            "server",
            "client",
            "console",
            "demo",
            "import",
            "mcp",
            "config",
            "gateway",
        ],
        crates: &[
            "rmcp",
            "clap",
            "clap_complete",
            "clap_mangen",
            "tar",
            "tempfile",
            "anyhow",
            "tokio",
            "directories",
            "annotate_snippets",
            "comfy_table",
            "indicatif",
            "rustix",
            "nix",
            "getrandom",
            "tracing",
            "tracing_subscriber",
            "toml",
            "toml_edit",
            "jsonc_parser",
            "similar",
            "chrono",
            "sha2",
            "futures_util",
            "crossterm",
            "ratatui",
            "iana_time_zone",
        ],
    },
    Layer {
        name: "config",
        may: &["domain", "client", "console", "gateway", "ledger"],
        crates: &["toml", "directories", "anyhow"],
    },
];

/// Longest source file in lines, tests inside it not counted. A longer one is two things.
const LINES: usize = 760;

#[test]
fn nobody_imports_over_a_fence() {
    let mut wrong = Vec::new();
    for file in sources("src") {
        let Some(layer) = layer_of(&file) else { continue };
        let mut uses = Uses { own_modules: modules_beside(&file), ..Uses::default() };
        uses.visit_file(&parse(&file));
        for name in &uses.layers {
            if *name != layer.name && !layer.may.contains(&name.as_str()) && is_layer(name) {
                wrong.push(format!("{}: {} may not import crate::{name}", file.display(), layer.name));
            }
        }
        for name in &uses.crates {
            if dependencies().contains(name)
                && !COMMON.contains(&name.as_str())
                && !layer.crates.contains(&name.as_str())
            {
                wrong.push(format!("{}: {} may not use the crate {name}", file.display(), layer.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} fences are crossed:\n{}", wrong.len(), wrong.join("\n"));
}

/// The house of the rules, from the ground up: a module knows those of its own floor and of the floors below.
const FLOORS: &[&[&str]] = &[
    &["code", "hash", "key", "outcome", "signature", "time"],
    &["ids", "path", "value"],
    &["arguments"],
    &["map"],
    &["command", "schema", "things"],
    &["sight"],
    &["deed"],
    &["filter", "reply", "state"],
    &["query", "readiness", "rule"],
    &["decide", "survey"],
];

#[test]
fn no_module_of_the_domain_knows_one_above_it() {
    let floor = |name: &str| FLOORS.iter().position(|floor| floor.contains(&name));
    let mut wrong = Vec::new();
    for file in sources("src/domain") {
        let module = module_of(&file);
        let Some(own) = module.get(1).filter(|_| !is_test(&file)) else { continue };
        let own = floor(own).unwrap_or_else(|| panic!("{}: on no floor of FLOORS", file.display()));
        let mut uses = Uses { module, ..Uses::default() };
        uses.visit_file(&parse(&file));
        for name in &uses.domain {
            if floor(name).is_some_and(|other| other > own) {
                wrong.push(format!("{}: knows domain::{name}, which stands above it", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn imports_are_one_line_for_each_module() {
    let mut wrong = Vec::new();
    for file in sources("src").into_iter().chain(sources("tests")).chain(sources("benches")) {
        let items = parse(&file).items;
        let trees = items
            .iter()
            .filter_map(|item| if let syn::Item::Use(item) = item { Some(&item.tree) } else { None });
        if trees.filter(|tree| has_nested_group(tree)).count() > 0 {
            wrong.push(format!("{}: `use a::{{b::c, d}}` is two lines here", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn has_nested_group(tree: &syn::UseTree) -> bool {
    match tree {
        syn::UseTree::Path(path) => has_nested_group(&path.tree),
        syn::UseTree::Group(group) => {
            group.items.iter().any(|item| matches!(item, syn::UseTree::Path(_) | syn::UseTree::Group(_)))
        }
        syn::UseTree::Name(_) | syn::UseTree::Rename(_) | syn::UseTree::Glob(_) => false,
    }
}

#[test]
fn every_file_says_what_lives_in_it_and_is_one_thing() {
    let mut wrong = Vec::new();
    for file in sources("src").into_iter().chain(sources("tests")).chain(sources("benches")) {
        let text = fs::read_to_string(&file).unwrap();
        if !text.starts_with("//! ") {
            wrong.push(format!("{}: its first line does not say what lives here (`//! …`)", file.display()));
        }
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default().lines().count();
        if file.starts_with("src") && code > LINES {
            wrong.push(format!("{}: {code} lines; is it still one thing?", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_dependency_says_why_it_is_there() {
    let text = fs::read_to_string("Cargo.toml").unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let mut section = "";
    let mut wrong = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        if line.starts_with('[') {
            section = line;
        } else if section.ends_with("dependencies]") && line.contains(" = ") && !line.starts_with('#') {
            let explained = (0..number)
                .rev()
                .take_while(|at| !lines[*at].is_empty())
                .any(|at| lines[at].starts_with('#'));
            if !explained {
                wrong.push(*line);
            }
        }
    }
    assert!(wrong.is_empty(), "no comment says why these are there: {wrong:?}");
}

#[test]
fn every_page_links_to_what_is_there() {
    let mut pages = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(PathBuf::from).to_vec();
    for folder in ["docs", "docs/decisions"] {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        pages.extend(entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    let mut wrong = Vec::new();
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let file = link.split('#').next().unwrap_or_default();
            if !link.contains("://") && !page.parent().unwrap().join(file).exists() {
                wrong.push(format!("{} links to {link}, which is not there", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each command of docs/GUARANTEES.md runs tests: its target has a module or a function with the words that it names.
#[test]
fn every_promise_is_proved_by_tests_that_are_there() {
    let page = fs::read_to_string("docs/GUARANTEES.md").unwrap();
    let mut count = 0;
    for proof in page.split('`').filter_map(|text| text.strip_prefix("cargo test --")) {
        let mut words = proof.split(' ');
        let files = if words.next() == Some("lib") {
            sources("src")
        } else {
            let target = format!("tests/{}", words.next().unwrap());
            sources(&target).into_iter().chain([format!("{target}.rs").into()]).collect()
        };
        let named = words.next().filter(|word| !word.starts_with('-')).unwrap_or_default();
        assert!(files.iter().any(|file| has_test(file, named)), "no test is run by: cargo test --{proof}");
        count += 1;
    }
    assert!(count > 40, "{count} proofs: are they written otherwise now?");
}

fn has_test(file: &Path, named: &str) -> bool {
    let text = fs::read_to_string(file).unwrap();
    let module = file.with_extension("").display().to_string().replace('/', "::") + "::";
    let names = text.split("fn ").skip(1).filter_map(|rest| rest.split('(').next());
    let tests = ["#[test]", "::test]", "proptest!"].iter().any(|mark| text.contains(mark));
    tests && (module.contains(named) || names.into_iter().any(|name| name.contains(named)))
}

#[test]
fn the_fence_finder_finds() {
    let file =
        syn::parse_str("use crate::server::router; fn f() { reqwest::get(1); let x: crate::ledger::Head; }")
            .unwrap();
    let mut uses = Uses::default();
    uses.visit_file(&file);
    assert!(
        uses.layers.contains("server") && uses.layers.contains("ledger") && uses.crates.contains("reqwest")
    );
}

/// What a file reaches for: `crate::layer` and the first segment of every path.
#[derive(Default)]
struct Uses {
    layers: BTreeSet<String>,
    crates: BTreeSet<String>,
    own_modules: BTreeSet<String>,
    /// Where the file stands, to follow `super`.
    module: Vec<String>,
    /// Modules of the domain that are reached for, by whatever way.
    domain: BTreeSet<String>,
}

impl Uses {
    fn path(&mut self, segments: &[String]) {
        let up = segments.iter().take_while(|segment| *segment == "super").count();
        let kept = if up > 0 { self.module.len().saturating_sub(up) } else { 0 };
        let from = segments.iter().skip_while(|segment| *segment == "super" || *segment == "crate");
        let whole: Vec<&String> = self.module.iter().take(kept).chain(from).collect();
        if let [first, name, ..] = whole.as_slice()
            && *first == "domain"
        {
            self.domain.insert((*name).clone());
        }
        match segments {
            [first, layer, ..] if first == "crate" => {
                self.layers.insert(layer.clone());
            }
            [first, ..] if !self.own_modules.contains(first) => {
                self.crates.insert(first.clone());
            }
            _ => {}
        }
    }

    fn tree(&mut self, tree: &syn::UseTree, before: &[String]) {
        let with = |ident: &syn::Ident| before.iter().cloned().chain([ident.to_string()]).collect::<Vec<_>>();
        match tree {
            syn::UseTree::Path(path) => self.tree(&path.tree, &with(&path.ident)),
            syn::UseTree::Name(name) => self.path(&with(&name.ident)),
            syn::UseTree::Rename(rename) => self.path(&with(&rename.ident)),
            syn::UseTree::Glob(_) => self.path(before),
            syn::UseTree::Group(group) => group.items.iter().for_each(|item| self.tree(item, before)),
        }
    }
}

impl<'ast> Visit<'ast> for Uses {
    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.tree(&item.tree, &[]);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.path(&segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        // Tests inside a layer may reach for whatever they need to try it.
        if item.attrs.iter().any(|attr| attr.path().is_ident("cfg")) {
            return;
        }
        visit::visit_item_mod(self, item);
    }
}

/// `src/domain/map/edit.rs` as `domain`, `map`, `edit`.
fn module_of(file: &Path) -> Vec<String> {
    let inside = file.strip_prefix("src").unwrap().with_extension("");
    let parts = inside.components().map(|part| part.as_os_str().to_str().unwrap().to_owned());
    parts.filter(|part| part != "mod").collect()
}

/// Tests and the suite that every ledger passes: built for tests alone.
fn is_test(file: &Path) -> bool {
    file.with_extension("")
        .components()
        .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "contract")
}

fn layer_of(file: &Path) -> Option<&'static Layer> {
    let inside = file.strip_prefix("src").unwrap();
    if is_test(inside) {
        return None;
    }
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    let name = first.strip_suffix(".rs").unwrap_or(first);
    LAYERS.iter().find(|layer| layer.name == name)
}

fn is_layer(name: &str) -> bool {
    LAYERS.iter().any(|layer| layer.name == name)
}

/// Names that are modules beside this file, and so no crates.
fn modules_beside(file: &Path) -> BTreeSet<String> {
    let stem = file.with_extension("");
    let folders = [file.parent().unwrap(), stem.as_path()];
    let entries = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten();
    entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

fn dependencies() -> &'static BTreeSet<String> {
    static NAMES: std::sync::OnceLock<BTreeSet<String>> = std::sync::OnceLock::new();
    NAMES.get_or_init(|| {
        let text = fs::read_to_string("Cargo.toml").unwrap();
        let section = text
            .split("[dependencies]")
            .nth(1)
            .expect("dependencies")
            .split("\n[")
            .next()
            .unwrap_or_default();
        section
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_once(" = "))
            .map(|(name, _)| name.trim().replace('-', "_"))
            .collect()
    })
}

fn parse(file: &Path) -> syn::File {
    syn::parse_file(&fs::read_to_string(file).unwrap())
        .unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            // What fuzzing builds lies among the tests, and is nobody's to tidy.
            if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}
