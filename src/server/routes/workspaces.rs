//! The workspaces of the server: an admin of the home workspace sees and makes them; everyone else sees their own.

use std::sync::Arc;

use super::whoami::is_server_admin;
use crate::api::{NewWorkspaceRequest, Problem, ProblemCode, WorkspaceList, WorkspaceMade, WorkspaceView};
use crate::domain::ids::{Seq, WorkspaceId};
use crate::server::answer::{Answer, json, replayed, unsubmitted};
use crate::server::gate::Call;
use crate::server::spaces::{Listed, Shown, Unreached};
use crate::server::workspaces::Made;
use crate::server::{CreateError, Workspace};

/// Workspaces of one page.
const PAGE: usize = 500;

/// `GET /v1/workspaces`, a page of them.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    if !is_server_admin(&call) {
        return json(&WorkspaceList { workspaces: vec![view(&call.space)], next: None });
    }
    let after = query.get::<WorkspaceId>("page")?;
    let (page, more) = call.app.workspaces.page(after.as_ref(), PAGE);
    let next = page.last().map(|(id, _)| id.clone()).filter(|_| more);
    let mut workspaces = Vec::with_capacity(page.len());
    for (id, listed) in page {
        workspaces.push(match listed {
            Listed::Open(space) => view(&space),
            Listed::Closed(shown) => closed(id, shown, None),
            Listed::Broken(why) => closed(id, Shown::default(), Some(why)),
            Listed::Unknown => match call.app.workspaces.reach(&id, None).await {
                Ok(space) => view(&space),
                // It was never finished.
                Err(Unreached::Absent) => continue,
                Err(why) => {
                    let why = why.problem(&id).detail.clone();
                    closed(id, Shown::default(), Some(why))
                }
            },
        });
    }
    json(&WorkspaceList { workspaces, next })
}

fn closed(workspace: WorkspaceId, shown: Shown, trouble: Option<String>) -> WorkspaceView {
    let Shown { head, items, alerts } = shown;
    WorkspaceView { workspace, head: Seq(head), items, alerts, trouble, unreplicated: None }
}

fn view(space: &Workspace) -> WorkspaceView {
    let handle = space.handle();
    let trouble = handle.trouble().map(|trouble| trouble.to_string());
    let unreplicated = handle.unreplicated().map(|error| error.to_string());
    WorkspaceView { unreplicated, ..closed(space.id().clone(), Shown::of(space), trouble) }
}

/// `POST /v1/workspaces`
pub(in crate::server) async fn create(call: Call) -> Answer {
    let request = call.parse::<NewWorkspaceRequest>()?;
    if !is_server_admin(&call) {
        let home = call.app.workspaces.home().map_or_else(|| "none".to_owned(), |home| home.to_string());
        let detail =
            format!("workspaces are made by admins of the server, that is of its home workspace ({home})");
        return Err(Box::new(Problem::new(ProblemCode::NotAllowed, detail)));
    }
    let Some(admin) = call.caller.person().cloned() else {
        return Err(Box::new(Problem::new(ProblemCode::NotAllowed, "only people make workspaces")));
    };
    // The answer has the first admin's token, which is nobody else's (RULES §13.3).
    if let Some(other) = request.admin.filter(|wanted| *wanted != admin) {
        let detail = format!("its first admin's token would be shown to {admin} and be {other}'s");
        let problem = Problem::new(ProblemCode::NotAllowed, detail).at("`admin`");
        return Err(Box::new(
            problem.next("leave `admin` out, then invite them there (POST /v1/invitations)"),
        ));
    }
    let (workspaces, workspace) = (&call.app.workspaces, request.workspace);
    let made = match call.key()? {
        Some(asked) => {
            workspaces.create_once(&workspace, &admin, (&call.caller.principal.actor, &asked)).await
        }
        None => workspaces.create(&workspace, &admin, None).await.map(Made::Now),
    };
    match made.map_err(|error| failed(&error))? {
        Made::Now(token) => json(&WorkspaceMade { workspace, token: Some(token.expose()), next: None }),
        Made::Before(token) => {
            let token = token.map(|token| token.expose());
            let next = token.is_none().then(|| Arc::from(SHOWN_ONCE));
            json(&WorkspaceMade { workspace, token, next }).map(replayed)
        }
    }
}

/// What whoever lost the answer that had the secret does.
const SHOWN_ONCE: &str = "its first token was shown once, in the first answer: if that is lost, whoever holds the data directory opens the workspace there";

/// The same where the server was started again meanwhile, and what was made under a key before is nobody's knowledge any more.
const EXISTS: &str = "choose another name; if you made it and the answer was lost, whoever holds the data directory opens it there, revokes its first token (`deeds tokens revoke`) and makes another";

fn failed(error: &CreateError) -> Box<Problem> {
    let code = match error {
        CreateError::Exists(_) => ProblemCode::Exists,
        CreateError::KeyReused(_) => ProblemCode::KeyReused,
        CreateError::BadName(_) => ProblemCode::BadBody,
        CreateError::TooMany(_) => ProblemCode::OverBound,
        CreateError::Absent(_) => ProblemCode::NotFound,
        CreateError::Failed { .. } | CreateError::Unreached(_) => ProblemCode::Unavailable,
        CreateError::Random(_) | CreateError::Refused(_) => ProblemCode::Defect,
        CreateError::Submit(error) => return unsubmitted(error),
    };
    let problem = Problem::new(code, error.to_string());
    let is_there = matches!(error, CreateError::Exists(_));
    Box::new(if is_there { problem.next(EXISTS) } else { problem })
}
