//! The shapes of answers, and of the few requests that are not commands of the domain.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::{Hash, Problem, ProblemFinding};
use crate::domain::ids::{Actor, Fence, MapVersion, PersonId, Seq, TokenId, WorkspaceId};
use crate::domain::map::Model;
use crate::domain::outcome::Outcome;
use crate::domain::reply::Reply;
use crate::domain::signature::SignKey;
use crate::domain::state::{Board, Rows, Stop, Whole};
use crate::domain::things::{Alert, ClosedItem, Item, Loss, PastAnswers, TokenClass, Work};
use crate::domain::time::{Span, Time};
use crate::domain::value::{Value, some};

/// Most writes or imported lines of one batch.
pub const BATCH_WRITES: usize = 256;
/// Most deeds of one page.
pub const PAGE_LIMIT: usize = 1000;

/// A note that goes with a step.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteBody {
    /// The note.
    pub note: Option<Arc<str>>,
}

/// What goes with a step on a work item.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WorkStepBody {
    /// Feedback, the reason of a failure, or a note.
    pub note: Option<Arc<str>>,
    /// What came of it, where it is completed.
    #[serde(default, deserialize_with = "some")]
    pub result: Option<Value>,
    /// The fencing token of the lease that the owner holds on what an accepted proposal changes.
    pub lease: Option<Fence>,
    /// Which attempt it is about: `attempts` of the work as it was taken.
    pub attempt: Option<u32>,
}

/// To whom an item goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReassignBody {
    /// To whom.
    pub to: PersonId,
}

/// The answers to a batch, in order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BatchAnswer {
    /// One for each command.
    pub answers: Vec<BatchResult>,
}

/// The answer to one command of a batch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum BatchResult {
    /// What the rules say.
    Reply(Box<Reply>),
    /// Why there is no answer.
    Problem(Box<Problem>),
}

/// A deed with its exact bytes.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct RawDeed {
    /// Its number.
    pub seq: Seq,
    /// Its chain hash.
    pub hash: Hash,
    /// The deed as stored, a `CloudEvent`.
    #[schemars(with = "Map<String, Json>")]
    pub deed: Box<RawValue>,
}

/// A page of the ledger, oldest first.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct LedgerPage {
    /// The deeds.
    pub deeds: Vec<RawDeed>,
    /// Whether there are more in the direction asked for.
    pub more: bool,
    /// How far the answer looks: later deeds are not in it.
    pub head: Seq,
    /// How many deeds the filter means, where that was asked for, and whether all were counted.
    pub count: Option<(u64, bool)>,
}

/// Deeds over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Histogram {
    /// How much of time each bucket takes.
    pub width: Span,
    /// The buckets, oldest first, without a gap.
    pub buckets: Vec<BucketView>,
}

/// One bucket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct BucketView {
    /// When it begins.
    pub start: Time,
    /// Deeds by outcome; what did not happen is left out.
    pub outcomes: BTreeMap<Outcome, u64>,
    /// Those that this version does not know.
    pub other: u64,
}

/// A deed, what led to it, and what it led to.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ChainView {
    /// The deed asked for.
    pub deed: RawDeed,
    /// Its causes, the first cause of all first.
    pub causes: Vec<RawDeed>,
    /// Its effects as a tree written out.
    pub effects: Vec<EffectView>,
    /// Whether a bound cut something off.
    pub cut: bool,
}

/// What led where: the deeds on an entity, or around one deed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Traced {
    /// On an entity or a field, a page of them.
    Page(LedgerPage),
    /// Around a deed.
    Chain(ChainView),
}

/// One effect.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct EffectView {
    /// What led to it.
    pub cause: Seq,
    /// 1 for what the deed itself led to, 2 for what that led to.
    pub depth: u32,
    /// The effect.
    pub deed: RawDeed,
}

/// What the deeds add up to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stats {
    /// For each field that the pattern covers: writes, proposals and refusals of seven days.
    pub fields: Vec<FieldActivity>,
    /// The fields with more than one writer, most writes first.
    pub contested: Vec<ContestedField>,
    /// How many entities more than one actor has written.
    pub multi_writer_entities: u64,
    /// Everybody who has done something, most deeds first.
    pub actors: Vec<KnownActor>,
    /// The words of the workspace, for completion.
    pub words: Words,
    /// How far the answer looks.
    pub head: Seq,
}

/// What happened lately to the fields of one name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldActivity {
    /// The field; empty for the whole entity.
    pub field: String,
    /// Committed writes.
    pub writes: u64,
    /// The last committed write of all.
    pub last: Option<LastWritten>,
    /// Proposals, by actor.
    pub proposals: Vec<Times>,
    /// What was stale, refused or failed, by actor.
    pub refusals: Vec<Times>,
}

/// A committed write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LastWritten {
    /// The deed.
    pub seq: Seq,
    /// When.
    pub time: Time,
    /// Who.
    pub actor: String,
    /// The entity.
    pub entity: String,
    /// The version it made.
    pub version: u64,
}

/// How often somebody tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Times {
    /// Who.
    pub actor: String,
    /// How often.
    pub times: u64,
    /// The last time.
    pub last: Time,
}

/// A field that several have written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContestedField {
    /// The entity.
    pub entity: String,
    /// The field; empty for the whole entity.
    pub field: String,
    /// How many have written it.
    pub writers: u64,
    /// How many writes there were.
    pub writes: u64,
    /// The last of them.
    pub last: Seq,
}

/// Somebody who has done something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownActor {
    /// The name.
    pub name: String,
    /// How many deeds.
    pub deeds: u64,
}

/// The words of a workspace, most used first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Words {
    /// Who acts.
    pub actors: Vec<String>,
    /// What is asked.
    pub actions: Vec<String>,
    /// On what.
    pub entities: Vec<String>,
    /// Which fields.
    pub fields: Vec<String>,
}

/// What a console needs to start, a page of it: put the pages together, follow the stream from `seq` on and fold.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct BoardView {
    /// The last deed folded in: the same on every page.
    pub seq: Seq,
    /// Its chain hash.
    pub hash: Hash,
    /// On the first page the board, in the form in which this version folds it on, with the rows that there is room for. What
    /// agents said at length is there by its beginning, and named under `cut`.
    #[schemars(with = "Option<Map<String, Json>>")]
    pub board: Option<Box<Board>>,
    /// On the others more rows, by the list of the board that they go on, and what of them is named under `cut`.
    #[schemars(with = "Option<Map<String, Json>>")]
    pub rows: Option<Rows>,
    /// The next page, where there is one.
    pub next: Option<String>,
    /// Who asks.
    pub you: WhoAmI,
}

/// One thing of the board with all that it carries.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct WholeView {
    /// By what it is: an `item`, an answered one as `closed`, an `alert`, a `work`, a `task`, a `fan-out`, an act that is
    /// `waiting`, a publication that is `queued`.
    #[schemars(with = "Map<String, Json>")]
    pub thing: Whole,
    /// How far the answer looks.
    pub seq: Seq,
}

/// Who a token is.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WhoAmI {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// Name and kind.
    pub actor: Actor,
    /// What the token allows.
    pub class: TokenClass,
    /// Its public part.
    pub token: TokenId,
    /// When it ends by itself.
    pub expires: Option<Time>,
    /// Whether it may make workspaces.
    pub server_admin: bool,
    /// The ledger's `urn:uuid:…`.
    pub ledger: String,
    /// The server.
    pub server: ServerFacts,
    /// The moment that the question names with `at`.
    pub as_of: Option<AsOf>,
    /// Why nothing can be recorded in the workspace at present.
    pub trouble: Option<TroubleView>,
    /// What is missing where deeds are recorded on fewer machines than is promised.
    pub unreplicated: Option<String>,
}

/// Why nothing can be recorded in a workspace.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TroubleView {
    /// What is wrong, and the mend.
    pub detail: String,
    /// The deeds that are missing from the ledger.
    pub missing: Option<Loss>,
}

/// A moment of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AsOf {
    /// The last deed that is in it.
    pub seq: Seq,
    /// The time that it stands for: the one asked for, or when the deed asked for was recorded.
    pub time: Time,
    /// That time is when deeds happened: of a history that was taken in, which was recorded later.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub happened: bool,
}

/// What a server says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerFacts {
    /// Its version.
    pub version: String,
    /// This run of it.
    pub instance: String,
    /// Its clock when it answered.
    pub now: Time,
}

/// Open inbox items, the next deadline first.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ItemList {
    /// The items.
    pub items: Vec<Arc<Item>>,
    /// That every agent is paused: by whom, since when, until when, and why.
    pub all_paused: Option<Stop>,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
    /// What of it is told in short (`item/12`), each long value and text by its beginning. `/v1/inbox/…` tells it whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<String>,
    /// Where the list goes on: the next page's `page`. None on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An inbox item with everything that a decision needs.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct ItemView {
    /// The item.
    pub item: Arc<Item>,
    /// Proof of what was shown; an answer carries it.
    pub digest: Arc<str>,
    /// Open items alike: of the same scope, or the very same input. Here as in the list, the oldest first, as many as a page has
    /// room for.
    pub alike: Vec<Arc<Item>>,
    /// How many more of them there are.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub more_alike: usize,
    /// Other open items about the same subject, likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub about: Vec<Arc<Item>>,
    /// How many more of them there are.
    #[serde(default, skip_serializing_if = "super::is_zero")]
    pub more_about: usize,
    /// How items alike were answered before.
    pub past: PastAnswers,
    /// The deeds that led to it.
    pub evidence: Vec<RawDeed>,
    /// The alert it is about.
    pub alert: Option<Arc<Alert>>,
    /// Of a zone that is offered: who is accountable by now for the agent that gives it, and confirms.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirms: Option<PersonId>,
    /// How it was answered, if it was.
    pub closed: Option<Arc<ClosedItem>>,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
}

/// One alert with all that it carries.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct AlertView {
    /// The alert.
    pub alert: Arc<Alert>,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
}

/// One piece of work with all that it carries.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct WorkView {
    /// The work.
    pub work: Arc<Work>,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
}

/// Alerts, the worst first.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct AlertList {
    /// Open and acknowledged ones; resolved ones where asked for.
    pub alerts: Vec<Arc<Alert>>,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
    /// What of it is told in short (`item/12`), each long value and text by its beginning. `/v1/alerts/…` tells it whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<String>,
    /// Where the list goes on: the next page's `page`. None on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// An agent's work stream, oldest first.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct WorkList {
    /// The open work.
    pub works: Vec<Arc<Work>>,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
    /// What of it is told in short (`item/12`), each long value and text by its beginning. `/v1/work/…` tells it whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cut: Vec<String>,
    /// Where the list goes on: the next page's `page`. None on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A version of the map.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
pub struct MapView {
    /// Its version.
    pub version: MapVersion,
    /// The map.
    pub model: Arc<Model>,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
}

/// What a check of a map found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MapChecked {
    /// Whether it could be applied.
    pub applicable: bool,
    /// What is wrong or worth knowing.
    pub findings: Vec<ProblemFinding>,
    /// The map in force.
    pub version: MapVersion,
    /// The difference to the map in force, in words.
    pub changes: Vec<String>,
    /// Where it lets agents join: what readiness asks for and is not met, a line for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmet: Vec<String>,
    /// Whether it is applied only with a reason.
    #[serde(default)]
    pub needs_reason: bool,
    /// What it would take back of what answers have changed: a line for each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub takes_back: Vec<String>,
    /// The same map with that, where it lacks something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pulled: Option<Arc<Model>>,
}

/// A token to make.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// What it allows.
    pub class: TokenClass,
    /// The agent's id or the person's name.
    pub name: Arc<str>,
    /// When it ends by itself.
    pub expires: Option<Time>,
}

/// A person to invite.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvitation {
    /// What their token will allow: `watcher`, `reviewer` or `admin`.
    pub class: TokenClass,
    /// The person's name.
    pub name: Arc<str>,
    /// Until when it may be taken; a day from now where nothing is said, a week at most.
    pub until: Option<Time>,
    /// When the token ends by itself.
    pub expires: Option<Time>,
}

/// A person that was invited. This is the only time that the secret is shown.
#[serde_with::skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Invited {
    /// The whole invitation, for that person; none where a retry is answered again, or where it was refused.
    pub invitation: Option<String>,
    /// Its public part.
    pub id: Option<TokenId>,
    /// Until when it may be taken.
    pub until: Option<Time>,
    /// Whose name the person's is drawn like.
    pub warning: Option<Arc<str>>,
    /// What the rules say.
    pub reply: Reply,
}

impl std::fmt::Debug for Invited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Invited").field("id", &self.id).field("reply", &self.reply).finish_non_exhaustive()
    }
}

/// An invitation to take.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TakeInvitation {
    /// The whole of it.
    pub invitation: String,
    /// The first key that the person signs with, where they have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<SignKey>,
}

/// A token that was made. This is the only time that its secret is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenMade {
    /// The whole token; none where it was refused, or where a retry is answered more than ten minutes later.
    pub token: Option<String>,
    /// Its public part, which a retry is told too.
    pub id: Option<TokenId>,
    /// What is odd about the name, if anything is: it is drawn like another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub warning: Option<Arc<str>>,
    /// What the rules say.
    pub reply: Reply,
}

impl std::fmt::Debug for TokenMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenMade").field("id", &self.id).field("reply", &self.reply).finish_non_exhaustive()
    }
}

/// The tokens of a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenList {
    /// Ended ones too.
    pub tokens: Vec<TokenView>,
    /// The invitations that were not taken yet, without their secrets.
    pub invitations: Vec<InvitationView>,
    /// The deed that this answer includes everything up to.
    pub seq: Seq,
    /// Where the list goes on: the next page's `page`. None on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A token without anything that opens a door.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TokenView {
    /// Its public part.
    pub id: TokenId,
    /// What it allows.
    pub class: TokenClass,
    /// The agent's id or the person's name.
    pub name: Arc<str>,
    /// When it ends by itself.
    pub expires: Option<Time>,
    /// Who made it.
    pub by: Actor,
    /// When.
    pub at: Time,
    /// When it was revoked.
    pub revoked: Option<Time>,
    /// Whether it opens the door now.
    pub live: bool,
    /// How many tokens of that name open it, this one among them.
    pub of_the_name: usize,
    /// The invitation that it was made from.
    pub invitation: Option<TokenId>,
}

/// An invitation without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InvitationView {
    /// Its public part.
    pub id: TokenId,
    /// What the token will allow.
    pub class: TokenClass,
    /// Who is invited.
    pub name: Arc<str>,
    /// Until when it may be taken.
    pub until: Time,
}

/// A workspace to make.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWorkspaceRequest {
    /// Its name.
    pub workspace: WorkspaceId,
    /// Who becomes its first admin and answers its first queue: the caller, who alone may be named.
    pub admin: Option<PersonId>,
}

/// A workspace that was made, with its first token.
#[serde_with::skip_serializing_none]
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkspaceMade {
    /// Its name.
    pub workspace: WorkspaceId,
    /// The whole token of its first admin; shown this once, and not where the same request made it before.
    pub token: Option<String>,
    /// What to do where it was.
    pub next: Option<Arc<str>>,
}

impl std::fmt::Debug for WorkspaceMade {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkspaceMade").field("workspace", &self.workspace).finish_non_exhaustive()
    }
}

/// The workspaces that the caller may know of, a page of them.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkspaceList {
    /// By name.
    pub workspaces: Vec<WorkspaceView>,
    /// The next page, where there is one: what `page` is to say.
    pub next: Option<WorkspaceId>,
}

/// One workspace.
#[serde_with::skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorkspaceView {
    /// Its name.
    pub workspace: WorkspaceId,
    /// Its last deed.
    pub head: Seq,
    /// Open inbox items.
    pub items: usize,
    /// Open alerts.
    pub alerts: usize,
    /// Why it does not open, or why nothing can be recorded in it.
    pub trouble: Option<String>,
    /// What is missing where deeds are recorded on fewer machines than is promised.
    pub unreplicated: Option<String>,
}
