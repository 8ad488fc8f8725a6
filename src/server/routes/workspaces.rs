//! The workspaces of the server: an admin of the home workspace sees and makes them; everyone else sees their own.

use std::sync::Arc;

use super::whoami::is_server_admin;
use crate::api::{NewWorkspaceRequest, Problem, ProblemCode, WorkspaceList, WorkspaceMade, WorkspaceView};
use crate::domain::ids::Seq;
use crate::server::answer::{Answer, json, unsubmitted};
use crate::server::gate::Call;
use crate::server::{CreateError, Workspace};

/// `GET /v1/workspaces`
pub(in crate::server) async fn list(call: Call) -> Answer {
    call.query()?;
    let spaces =
        if is_server_admin(&call) { call.app.workspaces.list() } else { vec![Arc::clone(&call.space)] };
    json(&WorkspaceList { workspaces: spaces.iter().map(|space| view(space)).collect() })
}

fn view(space: &Workspace) -> WorkspaceView {
    let state = space.handle().front();
    WorkspaceView {
        workspace: space.id().clone(),
        head: Seq(space.handle().head().seq),
        items: state.board.items.len(),
        alerts: state.board.alerts.len(),
    }
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
    let admin = request.admin.or_else(|| call.caller.person().cloned());
    let Some(admin) = admin else {
        return Err(Box::new(Problem::new(ProblemCode::NotAllowed, "only people make workspaces")));
    };
    let token =
        call.app.workspaces.create(&request.workspace, &admin, None).await.map_err(|error| failed(&error))?;
    json(&WorkspaceMade { workspace: request.workspace, token: token.expose() })
}

fn failed(error: &CreateError) -> Box<Problem> {
    let code = match error {
        CreateError::Exists(_) => ProblemCode::Exists,
        CreateError::TooMany => ProblemCode::OverBound,
        CreateError::Absent(_) => ProblemCode::NotFound,
        CreateError::Failed { .. } => ProblemCode::Unavailable,
        CreateError::Random(_) | CreateError::Refused(_) => ProblemCode::Defect,
        CreateError::Submit(error) => return unsubmitted(error),
    };
    Box::new(Problem::new(code, error.to_string()))
}
