//! What travels between server and client: problems, strict bodies, tokens, and the shapes of answers.
//!
//! Requests are the domain's own commands (`domain::command`), answers to them its replies (`domain::reply`). Neither
//! HTTP nor storage lives here.

mod access;
mod addresses;
mod answers;
mod body;
mod calls;
mod clock;
mod desk;
mod fingerprint;
mod glance;
mod keys;
mod long_look;
mod openapi;
mod overrides;
mod pages;
mod problem;
mod proof;
mod stream;
pub mod table;
mod teamwork;
mod token;

pub use crate::domain::hash::{BadHash, Hash, link};
pub use access::{
    AccessConfiguration, AccessDecision, AccessDecisions, AccessReason, Evaluation, EvaluationBody,
    EvaluationsBody, Semantic,
};
pub use addresses::{
    ADDRESSES, Access, Address, AddressList, Answers, By, Handled, Kind, PARAMETERS, Parameter, Parts, Place,
    Sent, Takes, address, address_list, fit, sent,
};
pub use answers::{
    AlertList, AlertView, AsOf, BATCH_WRITES, BatchAnswer, BatchResult, BoardView, BucketView, ChainView,
    ContestedField, EffectView, FieldActivity, Histogram, InvitationView, Invited, ItemList, ItemView,
    KnownActor, LastWritten, LedgerPage, MapChecked, MapView, NewInvitation, NewToken, NewWorkspaceRequest,
    NoteBody, PAGE_LIMIT, RawDeed, ReassignBody, ServerFacts, Stats, TakeInvitation, Times, TokenList,
    TokenMade, TokenView, Traced, TroubleView, WhoAmI, WholeView, Words, WorkList, WorkStepBody, WorkView,
    WorkspaceList, WorkspaceMade, WorkspaceView,
};
#[cfg(any(test, fuzzing))]
pub(crate) use body::any_body;
pub use body::{DEPTH, ENTRIES, parse, parse_exact, parse_object, understood};
pub use calls::{CallAsked, CallBody, CallEndBody, CallList, CallMadeBody, ToolList};
pub use clock::ClockPreview;
pub use desk::{AwayBody, BackBody, ReasonBody, SessionBody};
pub use fingerprint::{BadFingerprint, Fingerprint};
pub use keys::{KeyList, KeyView};
pub use long_look::{InferView, LookLine, Looked, MOST_DAYS, NDJSON, PLAN_DAYS, PlanView, Window};
pub use openapi::OPENAPI;
pub use overrides::{OverrideAsked, OverrideBody, OverrideWord};
pub use pages::Paged;
pub use problem::{
    DOOR_HEADER, HOME_HEADER, NODE_HEADER, PROJECT_HEADER, Problem, ProblemCode, ProblemFinding,
    ProblemLabel, RECORDING_HEADER,
};
pub use proof::{LEAST_SECRET, Proof, ProofKey, nonce};
pub use stream::{EVENT_DEED, EVENT_END, EVENT_HELLO, EVENT_PROGRESS, Hello, Progress};
pub use teamwork::{
    AcquireBody, ConclusionList, ConclusionView, FanOutList, LeaseList, OutputList, OutputView, Queued,
    RenewBody, ReviewList, ReviewView, TakeBody, TakenWork, TaskList, TaskView, TransferBody,
};
pub use token::{BadToken, InvitationText, PREFIX, Secret, TokenText};

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}
