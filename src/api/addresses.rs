//! Every address: one row with its method and path, who may ask, what it takes and answers, and a sentence. The router,
//! the client, `GET /v1`, `/openapi.json` and the index of docs/API.md are read off these rows.
//!
//! A *command* goes to the rules whoever asks, so that a refusal is recorded like every other answer; a *read* is turned
//! away at the gate; an *open* address needs no token.

mod commands;
mod handled;
mod parameters;

use std::fmt;
use std::sync::LazyLock;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;

pub use commands::{Sent, sent};
pub use handled::Handled;
pub(super) use parameters::named;
pub use parameters::{PARAMETERS, Parameter, Place, fit};

use super::Problem;
use crate::domain::command::{Command, CommandKind};
use crate::domain::map::parse::MAX_MAP_BYTES;
use crate::domain::things::TokenClass;

/// Most bytes of a body, except a map's.
const BODY_BYTES: usize = 1024 * 1024;
/// Most bytes of a use of a tool: what is written into a file is in it.
const HOOK_BYTES: usize = 16 * BODY_BYTES;

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Address {
    /// What it is called in `/openapi.json`.
    pub name: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with its key in braces.
    pub path: &'static str,
    /// Whose requests can have effect.
    pub who: Access,
    /// What kind of request.
    pub kind: Kind,
    /// The command that it is.
    pub command: Option<CommandKind>,
    /// What the body is.
    pub takes: Takes,
    /// The parameters beside the path's, and whether each must come.
    pub parameters: &'static [(&'static str, bool)],
    /// What comes back.
    pub answers: Answers,
    /// What it is for, in a sentence.
    pub says: &'static str,
    /// Who does it.
    pub by: By,
}

/// What kind of request an address takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The rules decide, and record it if the caller's class may not.
    Command,
    /// Nothing is recorded; another class is turned away.
    Read,
    /// No token is needed.
    Open,
}

/// Who does what is asked.
#[derive(Debug, Clone, Copy)]
pub enum By {
    /// The rules: the path's key and the body are the command, and its reply is the answer.
    Rules(fn(Parts<'_>) -> Result<Command, Box<Problem>>),
    /// A handler of the server's own.
    Handler(Handled),
    /// The MCP server, which asks at the other addresses.
    Mcp,
}

/// What a command is made from.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The key in the path; empty where it has none.
    pub key: &'a str,
    /// The body.
    pub body: &'a [u8],
}

/// The schema of a type; what it refers to is left at the generator.
pub(super) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What a body is.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    /// There is none; what comes is not looked at.
    Nothing,
    /// JSON of this shape.
    Json(SchemaOf),
    /// The same, which may be left out.
    MaybeJson(SchemaOf),
    /// The file of a map.
    Toml,
}

/// What comes back, beside problems.
#[derive(Debug, Clone, Copy)]
pub enum Answers {
    /// JSON of this shape.
    Json(SchemaOf),
    /// The same, or the file of a map where that is accepted first.
    JsonOrToml(SchemaOf),
    /// Lines of JSON of this shape.
    Lines(SchemaOf),
    /// Text of this type.
    Text(&'static str),
}

/// A set of token classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access(&'static [TokenClass]);

/// Nobody in particular.
const ANYONE: Access = Access(&[]);
const ADMINS: Access = Access(&[TokenClass::Admin]);
const GUARDS: Access = Access(&[TokenClass::Guard]);
const AGENTS: Access = Access(&[TokenClass::Agent]);
const DECIDERS: Access = Access(&[TokenClass::Reviewer, TokenClass::Admin]);
const PEOPLE: Access = Access(&[TokenClass::Watcher, TokenClass::Reviewer, TokenClass::Admin]);
const EVERYONE: Access =
    Access(&[TokenClass::Agent, TokenClass::Watcher, TokenClass::Reviewer, TokenClass::Admin]);
/// Guards too: what is asked before an agent changes a file.
const ANY_TOKEN: Access = Access(&TokenClass::ALL);

impl Access {
    /// Whether the class is among them.
    pub fn allows(self, class: TokenClass) -> bool {
        self.0.contains(&class)
    }

    /// The words of the classes.
    pub fn words(self) -> Vec<&'static str> {
        self.0.iter().map(|class| class.as_str()).collect()
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.words().iter().map(|class| format!("{class}s")).collect();
        f.write_str(&names.join(", "))
    }
}

/// Every address, by its path.
pub static ADDRESSES: LazyLock<Vec<&'static Address>> = LazyLock::new(|| {
    let mut rows: Vec<&Address> = commands::ROWS.iter().chain(handled::ROWS).chain([&MCP]).collect();
    rows.sort_by_key(|row| (row.path, row.method));
    rows
});

/// Where MCP is spoken.
const MCP: Address = Address {
    name: "Mcp",
    method: "POST",
    path: "/mcp",
    who: EVERYONE,
    kind: Kind::Read,
    command: None,
    takes: Takes::Json(schema::<serde_json::Value>),
    parameters: &[],
    answers: Answers::Json(schema::<serde_json::Value>),
    says: "The tools, resources and tasks of the Model Context Protocol; each call is a request at one of the other addresses.",
    by: By::Mcp,
};

/// The address of that name.
pub fn address(name: &str) -> Option<&'static Address> {
    ADDRESSES.iter().copied().find(|row| row.name == name)
}

impl Address {
    /// Whether its body is a map's file, which may be long.
    pub fn takes_a_map(&self) -> bool {
        matches!(self.takes, Takes::Toml)
    }

    /// Whether its answer may wait for something to happen.
    pub fn may_wait(&self) -> bool {
        matches!(
            self.by,
            By::Mcp
                | By::Handler(
                    Handled::Take | Handled::Work | Handled::Calls | Handled::Stream | Handled::Item
                )
        )
    }

    /// Most bytes of a body.
    pub fn body_bytes(&self) -> usize {
        match self.by {
            By::Handler(Handled::Hook) => HOOK_BYTES,
            By::Handler(_) | By::Rules(_) | By::Mcp if self.takes_a_map() => MAX_MAP_BYTES,
            By::Handler(_) | By::Rules(_) | By::Mcp => BODY_BYTES,
        }
    }

    /// The names of the parameters that its query may have.
    pub fn query(&self) -> Vec<&'static str> {
        let names = self.parameters.iter().map(|(name, _)| *name);
        names.filter(|name| parameters::named(name).is_some_and(|one| one.place == Place::Query)).collect()
    }
}

/// The name of the key in a path; a star says that it takes all the rest.
fn key_of(path: &'static str) -> Option<&'static str> {
    let (key, _) = path.split_once('{')?.1.split_once('}')?;
    Some(key.trim_start_matches('*'))
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// How the columns of a row are written.
macro_rules! column {
    (who Command $command:ident) => {
        Access(CommandKind::$command.row().who.classes())
    };
    (who $kind:ident $who:ident) => {
        $who
    };
    (command Command $command:ident) => {
        Some(CommandKind::$command)
    };
    (command $kind:ident $who:ident) => {
        None
    };
    (takes none) => {
        Takes::Nothing
    };
    (takes json $body:ty) => {
        Takes::Json(schema::<$body>)
    };
    (takes maybe $body:ty) => {
        Takes::MaybeJson(schema::<$body>)
    };
    (takes toml) => {
        Takes::Toml
    };
    (answers json $answer:ty) => {
        Answers::Json(schema::<$answer>)
    };
    (answers map $answer:ty) => {
        Answers::JsonOrToml(schema::<$answer>)
    };
    (answers lines $answer:ty) => {
        Answers::Lines(schema::<$answer>)
    };
    (answers text $kind:literal) => {
        Answers::Text($kind)
    };
    (must) => {
        false
    };
    (must needed) => {
        true
    };
}
use column;

/// The answer of `GET /v1`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct AddressList {
    /// Every address.
    routes: Vec<AddressView>,
}

/// One address.
#[derive(Debug, Serialize, JsonSchema)]
struct AddressView {
    /// The HTTP method.
    method: &'static str,
    /// The path, with its key in braces.
    path: &'static str,
    /// What it is for.
    says: &'static str,
    /// The classes of tokens whose requests can have effect; none where no token is needed.
    who: Vec<&'static str>,
    /// Whether what is asked is recorded, a refusal too.
    recorded: bool,
    /// Most bytes of a body.
    body_bytes: usize,
}

/// The list of every address.
pub fn address_list() -> AddressList {
    let view = |row: &&Address| AddressView {
        method: row.method,
        path: row.path,
        says: row.says,
        who: row.who.words(),
        recorded: row.kind == Kind::Command,
        body_bytes: row.body_bytes(),
    };
    AddressList { routes: ADDRESSES.iter().map(view).collect() }
}
