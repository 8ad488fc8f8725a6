//! The router: every row of `api::ADDRESSES` at its address. What is a command and nothing else goes to the rules from
//! here; the rest has its handler named on this screen.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::Method;
use axum::routing::{MethodFilter, any, on};

use super::gate::{enter, enter_open, nowhere};
use super::mcp::Mcp;
use super::routes::hooks::enter as enter_hook;
use super::routes::{
    access, activity, addresses, alerts, board, calls, clock, conclusions, entities, fan_outs, handoffs,
    health, hooks, imports, inbox, keys, leases, ledger, map, outputs, overrides, proof, readiness, reviews,
    scope, survey, take, together, tokens, trace, who_owns, whoami, work, workspaces, writes,
};
use super::{App, gateways, stream};
use crate::api::{ADDRESSES, Address, By, Handled, ProblemCode};

macro_rules! handlers {
    ($($name:ident $enter:ident $handler:path;)*) => {
        fn handled(router: Router<Arc<App>>, row: &'static Address, by: Handled) -> Router<Arc<App>> {
            match by {
                $(Handled::$name => {
                    let handler = move |State(app): State<Arc<App>>, request: Request| {
                        $enter(app, row, request, $handler)
                    };
                    router.route(row.path, on(filter(row), handler))
                })*
            }
        }
    };
}

handlers! {
    AccessConfiguration enter_open access::configuration;
    AccessEvaluation enter access::one;
    AccessEvaluations enter access::each;
    Activity enter activity::list;
    Addresses enter_open addresses::list;
    Agents enter readiness::agents;
    Alert enter alerts::show;
    Alerts enter alerts::list;
    Alive enter_open health::alive;
    Board enter board::show;
    BoardThing enter board::thing;
    CallAsk enter calls::ask;
    CallMade enter calls::made;
    CallMake enter calls::make;
    Calls enter calls::list;
    Checkpoint enter ledger::checkpoint;
    ClockPreview enter clock::preview;
    Conclusions enter conclusions::list;
    Deed enter ledger::one;
    Entity enter entities::show;
    FanOutShow enter fan_outs::show;
    FanOuts enter fan_outs::list;
    HandoffShow enter handoffs::show;
    Handoffs enter handoffs::list;
    Histogram enter ledger::histogram;
    Hook enter_hook hooks::decide;
    Import enter imports::batch;
    Inbox enter inbox::list;
    Keys enter keys::list;
    InvitationTake enter_open tokens::take;
    Invite enter tokens::invite;
    Item enter inbox::show;
    ItemPreview enter inbox::preview;
    Joining enter readiness::join;
    Leases enter leases::list;
    Ledger enter ledger::page;
    Map enter map::show;
    MapApply enter map::apply;
    MapCheck enter map::check;
    MapInfer enter survey::infer;
    MapPlan enter survey::plan;
    Metrics enter health::metrics;
    OpenApi enter_open addresses::openapi;
    Outputs enter outputs::list;
    Override enter overrides::apply;
    Proof enter_open proof::show;
    Readiness enter readiness::show;
    Ready enter_open health::ready;
    Reviews enter reviews::list;
    Scope enter scope::show;
    Stats enter ledger::stats;
    Stream enter stream::follow;
    Take enter take::take;
    Together enter together::all;
    TokenCreate enter tokens::create;
    Tokens enter tokens::list;
    Tools enter calls::tools;
    Trace enter trace::show;
    WhoAmI enter whoami::show;
    WhoOwns enter who_owns::show;
    Work enter work::list;
    WorkShow enter work::show;
    WorkspaceCreate enter workspaces::create;
    Workspaces enter workspaces::list;
    WriteBatch enter writes::batch;
}

/// The router with every address.
pub(super) fn router(app: Arc<App>) -> Router {
    let mcp = Mcp::new(addresses(Arc::clone(&app), None));
    addresses(app, Some(&mcp))
}

/// The addresses; MCP, which asks at all others, where it is given.
fn addresses(app: Arc<App>, mcp: Option<&Mcp>) -> Router {
    let mount = |router: Router<Arc<App>>, row: &&'static Address| match row.by {
        By::Mcp => match mcp {
            Some(mcp) => {
                let (row, mcp) = (*row, mcp.clone());
                let handler = move |State(app): State<Arc<App>>, request: Request| {
                    enter(app, row, request, move |call| mcp.clone().answer(call))
                };
                router.route(row.path, on(filter(row), handler))
            }
            None => router,
        },
        By::Handler(by) => handled(router, row, by),
        By::Rules(command) => {
            let row = *row;
            let handler = move |State(app): State<Arc<App>>, request: Request| {
                enter(app, row, request, move |call| async move { call.command(call.made(command)?).await })
            };
            router.route(row.path, on(filter(row), handler))
        }
    };
    let router = ADDRESSES.iter().fold(Router::new(), mount);
    let router = router.route(
        gateways::PATH,
        any(|State(app): State<Arc<App>>, request: Request| gateways::enter(app, request)),
    );
    let router = router.fallback(|State(app): State<Arc<App>>, request: Request| async move {
        nowhere(&app, &request, ProblemCode::NoRoute)
    });
    let router =
        router.method_not_allowed_fallback(|State(app): State<Arc<App>>, request: Request| async move {
            nowhere(&app, &request, ProblemCode::BadMethod)
        });
    router.with_state(app)
}

fn filter(row: &Address) -> MethodFilter {
    let method = Method::from_bytes(row.method.as_bytes()).ok();
    method.and_then(|method| MethodFilter::try_from(method).ok()).unwrap_or(MethodFilter::GET)
}
