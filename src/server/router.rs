//! Every route on one screen: method, address, who may ask, what kind of request, and the handler.
//!
//! A *command* goes to the rules whoever asks, so that a refusal is recorded like every other answer; a *read* is turned
//! away here; an *open* address needs no token.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{MethodFilter, on};

use super::gate::{enter, enter_open, nowhere};
use super::routes::{
    activity, acts, addresses, alerts, board, conclusions, entities, escalations, events, fan_outs, handoffs,
    health, imports, inbox, leases, ledger, looks, map, outputs, overrides, readiness, reviews, scope, take,
    together, tokens, trace, who_owns, whoami, work, workspaces, writes,
};
use super::{App, stream};
use crate::api::ProblemCode;
use crate::domain::map::parse::MAX_MAP_BYTES;
use crate::domain::things::TokenClass;

/// Most bytes of a body, except a map's.
pub(super) const BODY_BYTES: usize = 1024 * 1024;

/// One row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    /// The HTTP method.
    pub method: &'static str,
    /// The address, with its parameters in braces.
    pub path: &'static str,
    /// Whose requests can have effect.
    pub who: Access,
    /// What kind of request.
    pub kind: RouteKind,
    /// Most bytes of its body.
    pub body_bytes: usize,
}

/// What kind of request a route takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteKind {
    /// The rules decide, and record it if the caller's class may not.
    Command,
    /// Nothing is recorded; another class is turned away.
    Read,
    /// No token is needed.
    Open,
}

/// A set of token classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access(&'static [TokenClass]);

/// Nobody in particular.
const ANYONE: Access = Access(&[]);
const AGENTS: Access = Access(&[TokenClass::Agent]);
const ADMINS: Access = Access(&[TokenClass::Admin]);
const DECIDERS: Access = Access(&[TokenClass::Reviewer, TokenClass::Admin]);
/// Whoever hears of an event may say so; watchers only look.
const HERALDS: Access = Access(&[TokenClass::Agent, TokenClass::Reviewer, TokenClass::Admin]);
const PEOPLE: Access = Access(&[TokenClass::Watcher, TokenClass::Reviewer, TokenClass::Admin]);
const EVERYONE: Access = Access(&TokenClass::ALL);

impl Access {
    /// Whether the class is among them.
    pub fn allows(self, class: TokenClass) -> bool {
        self.0.contains(&class)
    }

    /// The classes.
    pub fn classes(self) -> &'static [TokenClass] {
        self.0
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<String> = self.0.iter().map(|class| format!("{}s", class.as_str())).collect();
        f.write_str(&names.join(", "))
    }
}

macro_rules! routes {
    ($($method:ident $path:literal $who:ident $kind:ident $handler:path $(, $bytes:expr)?;)*) => {
        /// The table of routes; the matrix of role × route is tested from it.
        pub const ROUTES: &[Route] = &[$(Route {
            method: stringify!($method),
            path: $path,
            who: $who,
            kind: RouteKind::$kind,
            body_bytes: routes!(@bytes $($bytes)?),
        }),*];

        fn mount(router: Router<Arc<App>>) -> Router<Arc<App>> {
            let mut rows = ROUTES.iter();
            $(let router = match rows.next() {
                Some(route) => router.route($path, on(
                    MethodFilter::$method,
                    move |State(app): State<Arc<App>>, request: Request| routes!(@enter $kind)(app, route, request, $handler),
                )),
                None => router,
            };)*
            router
        }
    };
    (@bytes) => { BODY_BYTES };
    (@bytes $bytes:expr) => { $bytes };
    (@enter Command) => { enter };
    (@enter Read) => { enter };
    (@enter Open) => { enter_open };
}

routes! {
    GET    "/v1"                         ANYONE   Open    addresses::list;
    POST   "/v1/writes"                  AGENTS   Command writes::one;
    POST   "/v1/writes:batch"            AGENTS   Command writes::batch;
    POST   "/v1/together"                AGENTS   Command together::all;
    POST   "/v1/acts"                    AGENTS   Command acts::ask;
    POST   "/v1/acts/{n}/done"           AGENTS   Command acts::done;
    POST   "/v1/acts/{n}/failed"         AGENTS   Command acts::failed;
    POST   "/v1/escalations"             AGENTS   Command escalations::raise;
    POST   "/v1/events"                  HERALDS  Command events::raise;
    POST   "/v1/claims"                  AGENTS   Command events::claim;
    POST   "/v1/work/take"               AGENTS   Command take::take;
    POST   "/v1/work/{n}/complete"       AGENTS   Command work::complete;
    POST   "/v1/work/{n}/accept"         AGENTS   Command work::accept;
    POST   "/v1/work/{n}/decline"        AGENTS   Command work::decline;
    POST   "/v1/work/{n}/fail"           AGENTS   Command work::fail;
    POST   "/v1/work/{n}/return"         AGENTS   Command work::give_back;
    POST   "/v1/handoffs"                AGENTS   Command handoffs::give;
    GET    "/v1/handoffs"                EVERYONE Read    handoffs::list;
    POST   "/v1/fan-outs"                AGENTS   Command fan_outs::start;
    GET    "/v1/fan-outs"                EVERYONE Read    fan_outs::list;
    GET    "/v1/fan-outs/{n}"            EVERYONE Read    fan_outs::show;
    POST   "/v1/leases"                  AGENTS   Command leases::acquire;
    GET    "/v1/leases"                  EVERYONE Read    leases::list;
    POST   "/v1/leases/{fence}/renew"    AGENTS   Command leases::renew;
    POST   "/v1/leases/{fence}/release"  AGENTS   Command leases::release;
    POST   "/v1/leases/{fence}/transfer" AGENTS   Command leases::transfer;
    POST   "/v1/outputs"                 AGENTS   Command outputs::publish;
    GET    "/v1/outputs"                 EVERYONE Read    outputs::list;
    POST   "/v1/conclusions"             AGENTS   Command conclusions::conclude;
    GET    "/v1/conclusions"             EVERYONE Read    conclusions::list;
    GET    "/v1/work"                    EVERYONE Read    work::list;
    GET    "/v1/scope"                   EVERYONE Read    scope::show;
    GET    "/v1/entities/{*path}"        EVERYONE Read    entities::show;
    GET    "/v1/activity"                EVERYONE Read    activity::list;
    GET    "/v1/who-owns"                EVERYONE Read    who_owns::show;
    GET    "/v1/whoami"                  EVERYONE Read    whoami::show;
    GET    "/v1/inbox"                   PEOPLE   Read    inbox::list;
    GET    "/v1/inbox/{n}"               PEOPLE   Read    inbox::show;
    POST   "/v1/inbox/{n}/preview"       DECIDERS Read    inbox::preview;
    POST   "/v1/inbox/{n}/answer"        DECIDERS Command inbox::answer;
    POST   "/v1/inbox/{n}/claim"         DECIDERS Command inbox::claim;
    POST   "/v1/inbox/{n}/release"       DECIDERS Command inbox::release;
    POST   "/v1/inbox/{n}/reassign"      DECIDERS Command inbox::reassign;
    POST   "/v1/inbox/{n}/undo"          DECIDERS Command inbox::undo;
    GET    "/v1/alerts"                  PEOPLE   Read    alerts::list;
    POST   "/v1/alerts/{n}/acknowledge"  DECIDERS Command alerts::acknowledge;
    POST   "/v1/alerts/{n}/resolve"      DECIDERS Command alerts::resolve;
    POST   "/v1/alerts/{n}/escalate"     DECIDERS Command alerts::escalate;
    GET    "/v1/reviews"                 PEOPLE   Read    reviews::list;
    POST   "/v1/reviews/{queue}/start"   DECIDERS Command reviews::start;
    POST   "/v1/reviews/{queue}/end"     DECIDERS Command reviews::end;
    POST   "/v1/overrides"               DECIDERS Command overrides::apply;
    GET    "/v1/map"                     EVERYONE Read    map::show;
    PUT    "/v1/map"                     ADMINS   Command map::apply, MAX_MAP_BYTES;
    POST   "/v1/map/check"               PEOPLE   Read    map::check, MAX_MAP_BYTES;
    POST   "/v1/map/reviewed"            DECIDERS Command map::reviewed;
    GET    "/v1/agents"                  PEOPLE   Read    readiness::agents;
    GET    "/v1/readiness"               PEOPLE   Read    readiness::show;
    POST   "/v1/readiness"               PEOPLE   Read    readiness::join, MAX_MAP_BYTES;
    POST   "/v1/map/infer"               PEOPLE   Read    looks::infer;
    POST   "/v1/map/plan"                PEOPLE   Read    looks::plan, MAX_MAP_BYTES;
    GET    "/v1/tokens"                  ADMINS   Read    tokens::list;
    POST   "/v1/tokens"                  ADMINS   Command tokens::create;
    DELETE "/v1/tokens/{id}"             ADMINS   Command tokens::revoke;
    POST   "/v1/imports"                 ADMINS   Command imports::batch;
    GET    "/v1/board"                   PEOPLE   Read    board::show;
    GET    "/v1/ledger"                  PEOPLE   Read    ledger::page;
    GET    "/v1/ledger/histogram"        PEOPLE   Read    ledger::histogram;
    GET    "/v1/ledger/stats"            PEOPLE   Read    ledger::stats;
    GET    "/v1/ledger/stream"           EVERYONE Read    stream::follow;
    GET    "/v1/ledger/{seq}"            PEOPLE   Read    ledger::one;
    GET    "/v1/trace"                   PEOPLE   Read    trace::show;
    GET    "/v1/workspaces"              PEOPLE   Read    workspaces::list;
    POST   "/v1/workspaces"              ADMINS   Read    workspaces::create;
    GET    "/metrics"                    PEOPLE   Read    health::metrics;
    GET    "/healthz"                    ANYONE   Open    health::alive;
    GET    "/readyz"                     ANYONE   Open    health::ready;
}

/// The router with every route.
pub(super) fn router(app: Arc<App>) -> Router {
    let router = mount(Router::new());
    let router = router.fallback(|State(app): State<Arc<App>>, request: Request| async move {
        nowhere(&app, &request, ProblemCode::NoRoute)
    });
    let router =
        router.method_not_allowed_fallback(|State(app): State<Arc<App>>, request: Request| async move {
            nowhere(&app, &request, ProblemCode::BadMethod)
        });
    router.with_state(app)
}
