//! What is said when a request could not be answered: `application/problem+json` with a stable code, what happened, and
//! what the caller can do. A refusal by a rule is no problem but a normal answer (`domain::reply`).

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::domain::signature::SignKey;

/// A problem as it travels (RFC 9457, with `code`, `next`, `place` and `findings` beside).
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Problem {
    /// The stable code, such as `duplicate-key`.
    #[schemars(schema_with = "codes")]
    pub code: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
    /// The kind of problem in a few words.
    pub title: Cow<'static, str>,
    /// What happened this time.
    pub detail: String,
    /// What the caller can do.
    pub next: Cow<'static, str>,
    /// Where in the request: a path in the body, a parameter, a header, a line.
    pub place: Option<String>,
    /// What is wrong with a map.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<ProblemFinding>,
    /// The last deed that was handed out, where a stream ends: resume after it.
    pub cursor: Option<u64>,
    /// What is to be signed, to the byte.
    pub statement: Option<String>,
    /// The caller's keys that count, where something is to be signed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<SignKey>,
}

/// One thing that is wrong with a map, as it travels.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProblemFinding {
    /// The lint's code, such as `two-writers`.
    pub lint: String,
    /// `error`, `warning` or `info`.
    pub severity: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What to underline, in bytes of the file.
    pub span: Range<usize>,
    /// What is wrong here.
    pub message: String,
    /// What to do about it.
    pub mend: String,
    /// A path that shows it.
    pub example: Option<String>,
    /// Other places that have to do with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<ProblemLabel>,
}

/// A place that explains a finding at another place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProblemLabel {
    /// What to underline, in bytes of the file.
    pub span: Range<usize>,
    /// What is there.
    pub message: String,
}

/// A header of an answer, `no` where nothing is recorded in the workspace at present: what is looked at may lack deeds.
pub const RECORDING_HEADER: &str = "deeds-recording";
/// A header of a command that one node passes on to another: for which one it is. In the answer, up to which deed that one has acknowledged.
pub const NODE_HEADER: &str = "deeds-node";
/// A header of a request: by which door the agent came.
pub const DOOR_HEADER: &str = "deeds-door";
/// A header of a hook of a coding agent: the folder in which that was started.
pub const PROJECT_HEADER: &str = "deeds-project";
/// A header of a hook: the folder that `~` is.
pub const HOME_HEADER: &str = "deeds-home";

macro_rules! problems {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $status:literal, $title:literal, $next:literal;)*) => {
        /// Every problem that the API can answer with.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ProblemCode {
            $($(#[$doc])* $variant,)*
        }

        impl ProblemCode {
            /// Every code; the documentation is printed from it.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The stable text on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// The HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status,)* }
            }

            /// The kind of problem in a few words.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }

            /// What the caller can do.
            pub const fn next(self) -> &'static str {
                match self { $(Self::$variant => $next,)* }
            }
        }
    };
}

problems! {
    /// The body is not JSON.
    BadJson = "bad-json", 400, "the body is not JSON", "send one JSON document in UTF-8; the place says where it breaks off";
    /// An object names a key twice.
    DuplicateKey = "duplicate-key", 400, "a key is named twice", "name each key once: readers of JSON disagree on which one counts";
    /// A text has a NUL character.
    Nul = "nul", 400, "a text has a NUL character", "remove it";
    /// Nested too deep.
    TooDeep = "too-deep", 400, "the body is nested too deep", "flatten it, or send the nested part as a string";
    /// An integer beyond 2^53.
    LargeInteger = "large-integer", 400, "an integer would lose digits", "send integers beyond 2^53 as strings";
    /// The body does not fit.
    BadBody = "bad-body", 400, "the body does not fit", "mend the place named; the detail says what does not fit there";
    /// A parameter of the URL does not fit.
    BadParameter = "bad-parameter", 400, "a parameter does not fit", "mend the parameter named; percent-encode what is not plain text";
    /// A header does not fit.
    BadHeader = "bad-header", 400, "a header does not fit", "mend the header named";
    /// A filter can't be read.
    BadFilter = "bad-filter", 400, "the filter can't be read", "mend the column named; `deeds log --help` has the language";
    /// There is no token.
    NoToken = "no-token", 401, "a token is needed", "send `Authorization: Bearer deeds_…`; `deeds tokens create` makes one";
    /// The token opens nothing.
    BadToken = "bad-token", 401, "the token opens nothing here", "check that the whole token was copied and that this is its server, or ask an admin for a new one";
    /// The token was revoked or has expired.
    TokenEnded = "token-ended", 401, "the token has ended", "ask an admin for a new token";
    /// The token's class may not ask this.
    NotAllowed = "not-allowed", 403, "this token may not ask this", "use a token of a class named in the detail";
    /// A web page asked.
    OriginRefused = "origin-refused", 403, "requests from web pages are refused", "call the API from a program, or list the origin in the server's configuration";
    /// The ledger was not there then.
    OutOfHistory = "out-of-history", 404, "the ledger has nothing there", "name a sequence or a time between the first deed and the last; `GET /v1/whoami?at=…` tells which sequence a time means";
    /// No such address.
    NoRoute = "no-route", 404, "there is nothing at this address", "check the path; `GET /v1` lists every address";
    /// No such thing.
    NotFound = "not-found", 404, "there is no such thing", "check the name or the number; list what there is";
    /// The address does not take this method.
    BadMethod = "bad-method", 405, "this address does not take this method", "use a method named in the Allow header";
    /// The body took too long.
    SlowBody = "slow-body", 408, "the request took too long to arrive", "send it again in one go";
    /// The stream's cursor is beyond the ledger.
    CursorGone = "cursor-gone", 409, "the ledger does not reach this cursor", "this is another or an older ledger than the one seen before: read the board anew and follow from its sequence";
    /// A page of what is not kept any more.
    PageGone = "page-gone", 409, "this page is not kept any more", "ask for the board anew, from its first page";
    /// The workspace exists.
    Exists = "exists", 409, "it exists already", "choose another name";
    /// Those deeds are not missing.
    NothingLost = "nothing-lost", 409, "those deeds are not missing", "accept the loss of what is missing, and of nothing else: `GET /v1/whoami` says what that is";
    /// The idempotency key stands for another request.
    KeyReused = "key-reused", 409, "the key was used for another request", "send this request under a new idempotency key";
    /// The body is too large.
    BodyTooLarge = "body-too-large", 413, "the body is too large", "send less at once; large records live elsewhere and are named by their digest";
    /// Too many at once.
    OverBound = "over-bound", 413, "too many at once", "go by the bound that the detail names";
    /// Another host was asked for.
    HostRefused = "host-refused", 421, "this server does not answer to that host name", "use 127.0.0.1 or localhost, or add the name to the server's configuration";
    /// The map has errors.
    MapBroken = "map-broken", 422, "the map has errors", "mend the findings and send it again; the map in force has not changed";
    /// The ledger does not have the value.
    NoValue = "no-value", 409, "that value is not known", "set the field to the value that you want instead";
    /// `If-Match` is missing.
    VersionNeeded = "version-needed", 428, "the map's version is needed", "send `If-Match: \"<version>\"` with the version of the map that this one was made from";
    /// A signature is asked for.
    SignatureNeeded = "signature-needed", 428, "this is to be signed", "sign the `statement` with one of the `keys` (`ssh-keygen -Y sign -n deeds`) and send the request again with `Deeds-Signature`: the armour's base64 on one line";
    /// Too many failed tries.
    TooManyFailures = "too-many-failures", 429, "too many requests with tokens that open nothing", "wait a minute and use a valid token";
    /// More at once, or faster, than one caller may.
    TooManyAtOnce = "too-many-at-once", 429, "too much of yours is here at once", "wait for answers, and read them, before you send more; try again in a second with the same idempotency key";
    /// Too many watchers.
    TooManyWatchers = "too-many-watchers", 429, "too many watch this workspace", "close streams that are not needed, or try again later";
    /// Too many connections wait.
    Overloaded = "overloaded", 503, "too much is waiting", "try again in a second with the same idempotency key";
    /// The rules broke.
    Defect = "defect", 500, "a defect in Deeds", "nothing was recorded; please report it with the detail";
    /// The deeds could not be recorded.
    Unavailable = "unavailable", 503, "nothing can be recorded at present", "mend what the detail names, then send it again with the same idempotency key";
    /// Deeds are missing from the ledger.
    LedgerLost = "ledger-lost", 503, "deeds are missing from the ledger", "nothing is recorded until they are back or their loss is accepted: the detail says what is missing and what helps; looking works";
    /// The ledger's file was taken away.
    LedgerGone = "ledger-gone", 503, "the file of the ledger is gone", "nothing is recorded until the server is started again on the file or a backup: the detail says what was kept";
    /// It may or may not be recorded.
    Unknown = "outcome-unknown", 503, "it is not known whether this was recorded", "send it again with the same idempotency key: it is done once";
    /// A command was passed on to a node that does not hold its workspace.
    NotHeld = "not-held", 421, "another node holds the workspace", "send it to any node, without the header `Deeds-Node`: nodes alone send each other that";
    /// What this node shows may be older than what was recorded.
    Behind = "behind", 503, "this node may be behind what was recorded", "ask another node, or try again: it lacks the database";
    /// The state has not reached the sequence asked for.
    NotYet = "not-yet", 503, "the server has not reached that sequence", "try again, or ask for a lower `min_seq`";
    /// The index can't answer.
    IndexUnavailable = "index-unavailable", 503, "the search index can't answer", "try again; it is rebuilt from the ledger by itself";
    /// The head can't be signed.
    NotSigned = "not-signed", 503, "the ledger's head can't be signed", "mend what the detail names; commands are recorded all the same";
    /// A watcher was too slow.
    TooSlow = "too-slow", 503, "the watcher was too slow and was let go", "watch again after the cursor";
    /// The server goes down.
    Closing = "closing", 503, "the server is shutting down", "try again when it is back, with the same idempotency key";
}

fn codes(_: &mut SchemaGenerator) -> Schema {
    let codes: Vec<&str> = ProblemCode::ALL.iter().map(|code| code.as_str()).collect();
    json_schema!({ "type": "string", "enum": codes })
}

impl Problem {
    /// A problem of this kind.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        Self {
            code: Cow::Borrowed(code.as_str()),
            status: code.status(),
            title: Cow::Borrowed(code.title()),
            detail: detail.into(),
            next: Cow::Borrowed(code.next()),
            place: None,
            findings: Vec::new(),
            cursor: None,
            statement: None,
            keys: Vec::new(),
        }
    }

    /// Names the place.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Names another next step than the usual one.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Cow::Owned(next.into());
        self
    }

    /// Names the last deed handed out.
    #[must_use]
    pub fn resume_after(mut self, cursor: u64) -> Self {
        self.cursor = Some(cursor);
        self
    }

    /// Whether it is of this kind.
    pub fn is(&self, code: ProblemCode) -> bool {
        self.code == code.as_str()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.title, self.detail)?;
        if let Some(place) = &self.place {
            write!(f, " (at {place})")?;
        }
        write!(f, "; {}", self.next)
    }
}

impl std::error::Error for Problem {}
