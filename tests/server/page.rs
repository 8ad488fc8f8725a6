//! `docs/API.md` is played: every request on it, in its order, against a fresh server; and every address is on it. What is
//! asked and answered on the way fits what `/openapi.json` says.
//!
//! The page's blocks: `toml` is the team's map; `http` a request (method and address, headers, a blank line, the body);
//! `json` or `json STATUS` what the answer must contain; `text` what it must contain as text. `"…"` matches anything, and as
//! the last of an array any rest; `"$NAME"` keeps what stands there for the requests after it.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value as Json, json};

use super::support::{Caller, Came, Server, came};
use deeds::api::{ADDRESSES, Address, By, OPENAPI};
use deeds::domain::things::TokenClass;

const PAGE: &str = include_str!("../../docs/API.md");
const ANY: &str = "…";

/// One block of code on the page.
struct Block<'p> {
    line: usize,
    info: &'p str,
    text: String,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut blocks = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (index, line) in page.lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => open = Some(Block { line: index + 1, info, text: String::new() }),
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block has no end");
    blocks
}

/// What the page's names stand for so far.
#[derive(Default)]
struct Names(BTreeMap<String, Json>);

impl Names {
    /// A text with its names filled in. A name in quotes becomes the value itself, so that numbers stay numbers.
    fn fill(&self, text: &str) -> String {
        self.0.iter().rev().fold(text.to_owned(), |text, (name, value)| {
            let plain = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.replace(&format!("\"${name}\""), &value.to_string()).replace(&format!("${name}"), &plain)
        })
    }

    /// Whether `found` contains what is `wanted`; if not, where it differs.
    fn compare(&mut self, wanted: &Json, found: &Json, place: &str) -> Result<(), String> {
        match (wanted, found) {
            (Json::String(any), _) if any == ANY => Ok(()),
            (Json::String(name), _) if name.starts_with('$') => {
                self.0.insert(name[1..].to_owned(), found.clone());
                Ok(())
            }
            (Json::Object(wanted), Json::Object(found)) => wanted.iter().try_for_each(|(key, wanted)| {
                self.compare(wanted, found.get(key).unwrap_or(&Json::Null), &format!("{place}.{key}"))
            }),
            (Json::Array(wanted), Json::Array(found)) => {
                let open = wanted.last().is_some_and(|last| last == ANY);
                if found.len() != wanted.len() && !(open && found.len() + 1 >= wanted.len()) {
                    return Err(format!("{place} has {} entries, not {}", found.len(), wanted.len()));
                }
                let mut pairs = wanted.iter().zip(found).enumerate();
                pairs.try_for_each(|(at, (wanted, found))| {
                    self.compare(wanted, found, &format!("{place}[{at}]"))
                })
            }
            _ if wanted == found => Ok(()),
            _ => Err(format!("{place} is {found}, not {wanted}")),
        }
    }
}

/// A request of the page.
struct Asked {
    method: String,
    path: String,
    request: reqwest::RequestBuilder,
}

fn asked(text: &str, caller: &Caller) -> Asked {
    let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end(), ""));
    let mut lines = head.lines();
    let (method, path) = lines.next().unwrap().split_once(' ').unwrap();
    let mut request = caller.request_unsigned(method, path);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    Asked { method: method.to_owned(), path: path.to_owned(), request: request.body(body.to_owned()) }
}

/// Whether an address of the page is one of that route.
fn is_of(path: &str, route: &str) -> bool {
    let path = path.split('?').next().unwrap();
    let (mut found, mut wanted) = (path.split('/'), route.split('/'));
    loop {
        match (found.next(), wanted.next()) {
            (None, None) => return true,
            (Some(_), Some(part)) if part.starts_with("{*") => return true,
            (Some(_), Some(part)) if part.starts_with('{') => {}
            (Some(one), Some(other)) if one == other => {}
            _ => return false,
        }
    }
}

/// The row of an address of the page; one without a key goes first.
fn row(method: &str, path: &str) -> &'static Address {
    let rows = || ADDRESSES.iter().filter(|row| row.method == method && is_of(path, row.path));
    rows().find(|row| !row.path.contains('{')).or_else(|| rows().next()).unwrap()
}

/// What does not fit the schema at that place of `/openapi.json`.
fn misfit(pointer: &str, value: &Json) -> Result<(), String> {
    assert!(OPENAPI.pointer(pointer).is_some(), "/openapi.json has nothing at {pointer}");
    // The key of an address in a reference is part of a URI, which has no braces.
    let reference = pointer.replace('{', "%7B").replace('}', "%7D");
    let schema = json!({ "$ref": format!("#{reference}"), "paths": OPENAPI["paths"], "components": OPENAPI["components"] });
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let errors: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
    if errors.is_empty() { Ok(()) } else { Err(format!("{pointer}: {}", errors.join("; "))) }
}

/// Whether what was asked and what came fit what `/openapi.json` says of the address.
fn both_fit(row: &Address, asked: &[u8], came: &Came) -> Result<(), String> {
    if matches!(row.by, By::Mcp) {
        return Ok(());
    }
    if came.status != 200 {
        return misfit("/components/responses/Problem/content/application~1problem+json/schema", &came.body);
    }
    let path = row.path.replace("{*", "{").replace('/', "~1");
    let place = format!("/paths/{path}/{}", row.method.to_lowercase());
    if let Ok(body) = serde_json::from_slice(asked) {
        misfit(&format!("{place}/requestBody/content/application~1json/schema"), &body)?;
    }
    if came.headers.get("content-type").is_some_and(|kind| kind == "application/json") {
        misfit(&format!("{place}/responses/200/content/application~1json/schema"), &came.body)?;
    }
    Ok(())
}

/// Sends a request and compares the answer; of a stream, its first piece.
async fn play(
    request: reqwest::RequestBuilder,
    row: &Address,
    answer: &Block<'_>,
    names: &mut Names,
) -> Result<(), String> {
    let stream = row.path == "/v1/ledger/stream";
    let asked = request.try_clone().unwrap().build().unwrap();
    let asked = asked.body().and_then(|body| body.as_bytes()).unwrap_or_default().to_vec();
    if stream {
        let first = request.send().await.unwrap().chunk().await.unwrap().unwrap();
        let first = String::from_utf8_lossy(&first);
        return if first.contains(answer.text.trim()) { Ok(()) } else { Err(first.into_owned()) };
    }
    let came = came(request).await;
    let status = answer.info.split_once(' ').map_or(200, |(_, status)| status.parse().unwrap());
    if came.status != status {
        return Err(format!("status {}: {}", came.status, came.text));
    }
    both_fit(row, &asked, &came)?;
    if answer.info.starts_with("json") {
        let wanted = serde_json::from_str(&answer.text).map_err(|error| error.to_string())?;
        return names
            .compare(&wanted, &came.body, "the answer")
            .map_err(|why| format!("{why}: {}", came.text));
    }
    if came.text.contains(answer.text.trim()) { Ok(()) } else { Err(came.text) }
}

#[tokio::test]
async fn the_page_is_played_and_every_route_is_on_it() {
    let blocks = blocks(PAGE);
    let team = blocks.iter().find(|block| block.info == "toml").unwrap();
    let server = Server::start_on(&team.text).await;
    let mut names = Names::default();
    names.0.insert("DANA".to_owned(), server.dana.token.clone().into());
    for agent in ["intake", "sales", "support"] {
        names.0.insert(agent.to_uppercase(), server.agent(agent).await.token.into());
    }
    names.0.insert("GUARD".to_owned(), server.with_token(TokenClass::Guard, "dana").await.token.into());
    let repository = tempfile::tempdir().unwrap();
    let made = Command::new("git").arg("init").arg("-q").arg(repository.path()).status();
    assert!(made.is_ok_and(|status| status.success()), "what is asked about files needs git");
    names.0.insert("REPOSITORY".to_owned(), repository.path().display().to_string().into());
    let (mut played, mut wrong) = (Vec::new(), Vec::new());
    let mut rest = blocks.iter().filter(|block| block.info != "toml");
    while let Some(block) = rest.next() {
        assert_eq!(block.info, "http", "line {}: an answer without its request", block.line);
        let Asked { method, path, request } = asked(&names.fill(&block.text), &server.dana);
        let answer = rest.next().unwrap_or_else(|| panic!("line {}: no answer", block.line));
        if let Err(why) = play(request, row(&method, &path), answer, &mut names).await {
            wrong.push(format!("docs/API.md, line {}: {why}", block.line));
        }
        played.push((method, path));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for route in ADDRESSES.iter() {
        let there = played.iter().any(|(method, path)| method == route.method && is_of(path, route.path));
        assert!(there, "docs/API.md has no request for {} {}", route.method, route.path);
    }
    server.stop().await;
}

#[test]
fn the_index_of_the_page_is_the_table_of_addresses() {
    let line = |row: &&Address| {
        let who = if row.who.words().is_empty() { "anyone".to_owned() } else { row.who.to_string() };
        format!("| {} | `{}` | {who} | {} |\n", row.method, row.path, row.says)
    };
    let lines: String = ADDRESSES.iter().map(line).collect();
    let index = format!("| | address | who | what |\n|---|---|---|---|\n{lines}");
    assert!(PAGE.ends_with(&index), "docs/API.md should end with\n{index}");
}

#[test]
fn every_schema_is_one_and_leads_nowhere_else() {
    let schemas = OPENAPI["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        jsonschema::meta::validate(schema).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    let text = OPENAPI.to_string();
    for link in text.split("\"$ref\":\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(OPENAPI.pointer(link).is_some(), "{link} leads nowhere");
    }
}

/// What generators of clients ask of a document beyond its being valid.
#[test]
fn every_kind_of_a_thing_has_a_name_and_a_word_that_tells_it() {
    let schemas = OPENAPI["components"]["schemas"].as_object().unwrap();
    let unions =
        |schema: &Json| ["oneOf", "anyOf"].into_iter().find_map(|key| schema[key].as_array().cloned());
    let mut told = 0;
    for (name, schema) in schemas {
        assert!(schema["oneOf"][0]["const"].is_null(), "{name} is a set of words: it should be an `enum`");
        assert!(schema["patternProperties"].is_null(), "{name} has values under patterns");
        let Some(kinds) = unions(schema) else { continue };
        assert!(schema["properties"].is_null(), "{name} has keys beside its kinds");
        let nameless = kinds.iter().find(|kind| kind["type"] == "object");
        assert_eq!(nameless, None, "{name} has a kind without a name");
        for (word, link) in schema["discriminator"]["mapping"].as_object().into_iter().flatten() {
            let kind = OPENAPI.pointer(link.as_str().unwrap().trim_start_matches('#')).unwrap();
            let tag = schema["discriminator"]["propertyName"].as_str().unwrap();
            assert_eq!(&kind["properties"][tag]["const"], word, "{name}");
            assert!(
                kind["required"].as_array().unwrap().contains(&json!(tag)),
                "{name}: {word} may lack its tag"
            );
            told += 1;
        }
    }
    assert!(told > 50, "only {told} kinds are told by their word");
    let step = &schemas["CommandLeaseAcquire"]["properties"];
    assert_eq!((&step["do"]["const"], &step["step"]["const"]), (&json!("lease"), &json!("acquire")));
    assert_eq!(
        schemas["Write"]["properties"]["changes"]["additionalProperties"]["$ref"],
        "#/components/schemas/Value"
    );
}
