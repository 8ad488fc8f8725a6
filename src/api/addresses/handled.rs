//! The addresses that have a handler of their own: what is read, and the commands that are more than a key and a body.

use serde_json::{Map, Value as Json};

use super::{
    ADMINS, AGENTS, ANY_TOKEN, ANYONE, Access, Address, AddressList, Answers, By, DECIDERS, EVERYONE, GUARDS,
    Kind, PEOPLE, Takes, column, schema,
};
use crate::api::{
    AccessConfiguration, AccessDecision, AccessDecisions, AlertList, AlertView, BatchAnswer, BoardView,
    CallAsked, CallBody, CallList, CallMadeBody, ClockPreview, ConclusionList, EvaluationBody,
    EvaluationsBody, FanOutList, Histogram, Invited, ItemList, ItemView, KeyList, LeaseList, LedgerPage,
    LookLine, MapChecked, MapView, NewInvitation, NewToken, NewWorkspaceRequest, OutputList, OverrideBody,
    Proof, RawDeed, ReviewList, Stats, TakeBody, TakeInvitation, TakenWork, TaskList, TaskView, TokenList,
    TokenMade, ToolList, Traced, WhoAmI, WholeView, WorkList, WorkView, WorkspaceList, WorkspaceMade,
};
use crate::domain::command::{CommandKind, Import, RebaseClock, Together, Write};
use crate::domain::decide::Preview;
use crate::domain::query::{EntityView, Ownership, Scope};
use crate::domain::readiness::agents::AgentList;
use crate::domain::readiness::{Joining, Team};
use crate::domain::reply::Reply;
use crate::domain::things::{FanOutState, ItemAnswer, Touch};

macro_rules! handled {
    ($($name:ident $method:ident $path:literal $who:ident $kind:ident ($($takes:tt)*)
        [$($parameter:ident $($must:ident)?),*] ($($answers:tt)*), $says:literal;)*) => {
        /// A handler of the server's own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Handled {
            $(#[doc = $says] $name,)*
        }

        impl Handled {
            /// Its path, as its row has it.
            pub const fn path(self) -> &'static str {
                match self {
                    $(Self::$name => $path,)*
                }
            }
        }

        pub(super) const ROWS: &[Address] = &[$(Address {
            name: stringify!($name),
            method: stringify!($method),
            path: $path,
            who: column!(who $kind $who),
            kind: Kind::$kind,
            command: column!(command $kind $who),
            takes: column!(takes $($takes)*),
            parameters: &[$((stringify!($parameter), column!(must $($must)?))),*],
            answers: column!(answers $($answers)*),
            says: $says,
            by: By::Handler(Handled::$name),
        }),*];
    };
}

handled! {
    Addresses GET "/v1" ANYONE Open (none) [] (json AddressList),
        "Every address, with who may ask there.";
    OpenApi GET "/openapi.json" ANYONE Open (none) [] (json Map<String, Json>),
        "Every address with its shapes, for programs.";
    Alive GET "/healthz" ANYONE Open (none) [] (text "text/plain"),
        "The process answers.";
    Ready GET "/readyz" ANYONE Open (none) [] (text "text/plain"),
        "Every workspace that was asked for opens, and can record.";
    InvitationTake POST "/v1/invitations/take" ANYONE Open (json TakeInvitation) [] (json TokenMade),
        "Makes the token that an invitation is for, once; whoever has the invitation needs no other token.";
    Proof GET "/v1/proof" ANYONE Open (none) [nonce needed] (json Proof),
        "The answer to a random number, by which whoever may read the data directory knows the server.";
    Metrics GET "/metrics" PEOPLE Read (none) [] (text "text/plain"),
        "The server's counters, and the gauges of the caller's workspace.";

    WriteBatch POST "/v1/writes:batch" Write Command (json Vec<Write>) [] (json BatchAnswer),
        "Up to 256 writes, each decided on its own; answers in order.";
    Together POST "/v1/together" Together Command (json Together) [] (json Reply),
        "Several commands, all or nothing.";
    Take POST "/v1/work/take" Take Command (maybe TakeBody) [] (json TakenWork),
        "Takes what waits in the agent's work stream; where the body says so, waits for it.";
    Override POST "/v1/overrides" Override Command (json OverrideBody) [] (json Reply),
        "Freezes, pauses, sets, reverts, unlocks, and their reverses; each with a reason, some for a time.";
    MapApply PUT "/v1/map" ApplyMap Command (toml) [if_match needed, reason, planned, take_back] (json Reply),
        "Puts a map in force that was made from the version named.";
    TokenCreate POST "/v1/tokens" Token Command (json NewToken) [] (json TokenMade),
        "Makes a token; the answer is the only place that ever has its secret.";
    Invite POST "/v1/invitations" Token Command (json NewInvitation) [] (json Invited),
        "Invites a person to make a token of their own; the answer is the only place that ever has the invitation's secret.";
    Import POST "/v1/imports" Import Command (json Vec<Import>) [] (json BatchAnswer),
        "Up to 256 lines of another system's history, in order; a line that is in already adds nothing.";

    Tools GET "/v1/tools" EVERYONE Read (none) [page, server, min_seq, at] (json ToolList),
        "What the map says of the tools of a server behind a gateway, and what servers offer.";
    CallAsk POST "/v1/calls/ask" AGENTS Read (json CallBody) [] (json CallAsked),
        "What would be said to a call of a tool; nothing is recorded.";
    CallMake POST "/v1/calls" Call Command (json CallBody) [] (json Reply),
        "Asks whether a call of a tool may be forwarded, once.";
    CallMade POST "/v1/calls/made" Call Command (json CallMadeBody) [] (json Reply),
        "Says that a call was forwarded which needed no leave: what it read, and how it ended.";
    Calls GET "/v1/calls" EVERYONE Read (none) [page, digest, agent, wait, min_seq, at] (json CallList),
        "Where calls of tools stand, the latest first; an agent gets its own. With a digest the one call, once it has gone on.";

    AccessConfiguration GET "/.well-known/authzen-configuration" ANYONE Open (none) [] (json AccessConfiguration),
        "Where a gateway that speaks AuthZEN 1.0 asks.";
    AccessEvaluation POST "/access/v1/evaluation" ANY_TOKEN Read (json EvaluationBody) [min_seq] (json AccessDecision),
        "Whether an agent may do something, as AuthZEN asks it; nothing is recorded.";
    AccessEvaluations POST "/access/v1/evaluations" ANY_TOKEN Read (json EvaluationsBody) [min_seq] (json AccessDecisions),
        "The same of several things, up to 256: all of them, up to the first no, or up to the first yes.";

    Hook POST "/v1/hooks/{host}" GUARDS Read (json Map<String, Json>) [agent, prefix, project, home] (json Map<String, Json>),
        "Whether a coding agent may use a tool: its host's own hook, answered in the host's own form by files of the server's machine.";

    Entity GET "/v1/entities/{*path}" EVERYONE Read (none) [min_seq, at] (json EntityView),
        "An entity's values, versions, owners, and what others did on it lately.";
    Activity GET "/v1/activity" EVERYONE Read (none) [entity needed, within, min_seq] (json Vec<Touch>),
        "What others did on an entity lately, newest first.";
    WhoOwns GET "/v1/who-owns" ANY_TOKEN Read (none) [path needed, min_seq, at] (json Ownership),
        "Who may write a path, and who answers for it.";
    Scope GET "/v1/scope" EVERYONE Read (none) [agent, min_seq, at] (json Scope),
        "An agent's own place in the map; people name the agent.";
    WhoAmI GET "/v1/whoami" ANY_TOKEN Read (none) [at] (json WhoAmI),
        "Who the token is, and what server it speaks to.";
    Work GET "/v1/work" EVERYONE Read (none) [page, agent, after, wait, min_seq, at] (json WorkList),
        "An agent's open work, oldest first; waits for some to come.";
    WorkShow GET "/v1/work/{n}" EVERYONE Read (none) [min_seq, at] (json WorkView),
        "One piece of open work with all that it carries; an agent gets its own.";
    Handoffs GET "/v1/handoffs" EVERYONE Read (none) [page, min_seq, at] (json TaskList),
        "Tasks under way and ended; an agent gets those that it is or was a part of.";
    HandoffShow GET "/v1/handoffs/{*task}" EVERYONE Read (none) [min_seq, at] (json TaskView),
        "One task with all that it carries, while it is kept.";
    FanOuts GET "/v1/fan-outs" EVERYONE Read (none) [page, min_seq, at] (json FanOutList),
        "Fan-outs under way and joined; an agent gets its own.";
    FanOutShow GET "/v1/fan-outs/{n}" EVERYONE Read (none) [min_seq, at] (json FanOutState),
        "One fan-out, while it is kept.";
    Leases GET "/v1/leases" EVERYONE Read (none) [page, min_seq, at] (json LeaseList),
        "The live leases; an agent gets its own, and others' on what it may read.";
    Outputs GET "/v1/outputs" EVERYONE Read (none) [page, min_seq, at] (json OutputList),
        "The map's outputs with their publishers.";
    Conclusions GET "/v1/conclusions" EVERYONE Read (none) [page, subject, min_seq, at] (json ConclusionList),
        "What was concluded, on one entity if one is named.";

    Inbox GET "/v1/inbox" EVERYONE Read (none) [page, min_seq, at] (json ItemList),
        "The open inbox items: overdue ones first, then critical ones, then those due soon, each by priority and by deadline; an agent gets those that it raised.";
    Item GET "/v1/inbox/{n}" EVERYONE Read (none) [wait, min_seq, at] (json ItemView),
        "One item with everything that a decision needs, or an agent's own; answered ones too, while they are kept. Waits for the answer.";
    ItemPreview POST "/v1/inbox/{n}/preview" DECIDERS Read (json ItemAnswer) [include] (json Preview),
        "What an answer would do, before it is given.";
    ClockPreview POST "/v1/clock/preview" ADMINS Read (json RebaseClock) [] (json ClockPreview),
        "What would move if what was recorded under a wrong clock did.";
    Keys GET "/v1/keys" PEOPLE Read (none) [page, min_seq, at] (json KeyList),
        "The keys that people sign with.";
    Alerts GET "/v1/alerts" PEOPLE Read (none) [page, resolved, min_seq, at] (json AlertList),
        "Alerts, the worst first; with the resolved ones that are kept, if asked.";
    Alert GET "/v1/alerts/{n}" PEOPLE Read (none) [min_seq, at] (json AlertView),
        "One alert with all that it carries; a resolved one while it is kept.";
    Reviews GET "/v1/reviews" PEOPLE Read (none) [page, min_seq, at] (json ReviewList),
        "Every queue with its reviews.";

    Map GET "/v1/map" ANY_TOKEN Read (none) [version, min_seq, at] (map MapView),
        "The map in force, or an earlier version of it while that is kept.";
    MapCheck POST "/v1/map/check" PEOPLE Read (toml) [] (json MapChecked),
        "What is wrong with a map, and what it would change.";
    MapPlan POST "/v1/map/plan" PEOPLE Read (toml) [days, min_seq] (lines LookLine),
        "What a map would have said to what has happened.";
    MapInfer POST "/v1/map/infer" PEOPLE Read (none) [days, min_seq] (lines LookLine),
        "A map proposed from what has happened.";
    Agents GET "/v1/agents" PEOPLE Read (none) [page, min_seq, at] (json AgentList),
        "Every agent in one line.";
    Readiness GET "/v1/readiness" PEOPLE Read (none) [page, agent, min_seq, at] (json Team),
        "How the agents and the team stand; one agent of it, if named.";
    Joining POST "/v1/readiness" PEOPLE Read (toml) [] (json Joining),
        "Whether the agents that a map adds may join.";

    Board GET "/v1/board" PEOPLE Read (none) [page, min_seq, at] (json BoardView),
        "What a console needs to start, in pages and without payloads; the stream goes on from there.";
    BoardThing GET "/v1/board/{*thing}" PEOPLE Read (none) [min_seq, at] (json WholeView),
        "One thing of the board with all that it carries; an ended one while it is kept.";
    Ledger GET "/v1/ledger" PEOPLE Read (none)
        [filter, before, after, around, limit, count, min_seq] (json LedgerPage),
        "A page of the deeds that a filter means, oldest first; the newest where nothing is said.";
    Histogram GET "/v1/ledger/histogram" PEOPLE Read (none)
        [from, to, buckets, filter, min_seq] (json Histogram),
        "How many deeds that a filter means happened when.";
    Stats GET "/v1/ledger/stats" PEOPLE Read (none) [pattern, min_seq] (json Stats),
        "What the deeds add up to, and what happened lately to the fields that a pattern covers.";
    Stream GET "/v1/ledger/stream" EVERYONE Read (none) [after, filter, last_event_id] (text "text/event-stream"),
        "The deeds as they are recorded, as server-sent events.";
    Deed GET "/v1/ledger/{seq}" PEOPLE Read (none) [min_seq] (json RawDeed),
        "One deed with its exact bytes.";
    Checkpoint GET "/v1/checkpoint" PEOPLE Read (none) [] (text "text/plain"),
        "Where the ledger ends now, signed: a note that others can check without Deeds.";
    Trace GET "/v1/trace" PEOPLE Read (none) [entity, deed, before, limit, min_seq] (json Traced),
        "The deeds on an entity or a field, or what led to a deed and what it led to.";

    Tokens GET "/v1/tokens" ADMINS Read (none) [page, min_seq] (json TokenList),
        "The workspace's tokens, without secrets.";
    Workspaces GET "/v1/workspaces" PEOPLE Read (none) [page] (json WorkspaceList),
        "The workspaces that the token may know of.";
    WorkspaceCreate POST "/v1/workspaces" ADMINS Read (json NewWorkspaceRequest) [] (json WorkspaceMade),
        "Makes a workspace; for admins of the server.";
}
