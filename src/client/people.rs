//! What people look at: the inbox, alerts, reviews, the map, tokens, workspaces; and what is more than a command.

use std::sync::Arc;

use reqwest::header::IF_MATCH;

use super::bound::Bound;
use super::{Client, Result};
use crate::api::{
    AlertList, BatchAnswer, BatchResult, ClockPreview, InvitationText, Invited, ItemList, ItemView, KeyList,
    MapChecked, MapView, NewInvitation, NewToken, NewWorkspaceRequest, ReviewList, TakeInvitation, TokenList,
    TokenMade, WorkspaceList, WorkspaceMade,
};
use crate::domain::command::{ApplyMap, Command, Import, RebaseClock};
use crate::domain::decide::Preview;
use crate::domain::ids::{ItemNo, MapVersion};
use crate::domain::map::parse;
use crate::domain::reply::Reply;
use crate::domain::rule::signing::Meant;
use crate::domain::signature::SignKey;
use crate::domain::things::ItemAnswer;

impl Client {
    /// The open inbox items, the next deadline first.
    pub async fn inbox(&self) -> Result<ItemList> {
        self.list(|| self.get_then("/v1/inbox")).await
    }

    /// One item with everything that a decision needs; answered ones too, while they are kept.
    pub async fn item(&self, item: ItemNo) -> Result<ItemView> {
        self.get_then(format!("/v1/inbox/{item}")).send().await
    }

    /// What an answer would do, before it is given, and with these items alike settled by it too.
    pub async fn preview(&self, item: ItemNo, answer: &ItemAnswer, include: &[ItemNo]) -> Result<Preview> {
        let numbers: Vec<String> = include.iter().map(ToString::to_string).collect();
        let include = Some(numbers.join(",")).filter(|numbers| !numbers.is_empty());
        self.post(format!("/v1/inbox/{item}/preview")).maybe("include", include).json(answer)?.send().await
    }

    /// What would move if what was recorded under a wrong clock did.
    pub async fn clock_preview(&self, asked: &RebaseClock) -> Result<ClockPreview> {
        self.post("/v1/clock/preview").json(asked)?.send().await
    }

    /// Alerts, the worst first; with the resolved ones that are kept, if asked.
    pub async fn alerts(&self, resolved: bool) -> Result<AlertList> {
        self.list(|| self.get_then("/v1/alerts").maybe("resolved", resolved.then_some(true))).await
    }

    /// Every queue with its reviews.
    pub async fn reviews(&self) -> Result<ReviewList> {
        self.list(|| self.get_then("/v1/reviews")).await
    }

    /// The map in force, or an earlier version of it while that is kept.
    pub async fn map(&self, version: Option<MapVersion>) -> Result<MapView> {
        self.get_then("/v1/map").maybe("version", version).bound(Bound::Map).send().await
    }

    /// The same as a file.
    pub async fn map_toml(&self, version: Option<MapVersion>) -> Result<String> {
        self.get_then("/v1/map")
            .maybe("version", version)
            .accept("application/toml")
            .bound(Bound::Map)
            .text()
            .await
    }

    /// Puts a map in force that was made from version `made_for`, and says whether its effects were looked at on past
    /// deeds first. A map with errors is a problem with its findings.
    pub async fn apply_map(
        &self,
        toml: &str,
        made_for: MapVersion,
        reason: Option<&str>,
        planned: bool,
    ) -> Result<Reply> {
        self.put_map(toml, made_for, reason, (planned, false)).await
    }

    /// The same, which may take back what answers in the inbox have changed.
    pub async fn put_map(
        &self,
        toml: &str,
        made_for: MapVersion,
        reason: Option<&str>,
        (planned, take_back): (bool, bool),
    ) -> Result<Reply> {
        let ask = self.put("/v1/map").header(IF_MATCH, format!("\"{made_for}\"")).maybe("reason", reason);
        let ask = ask.maybe("planned", planned.then_some(true));
        let meant = self.signer.as_ref().and_then(|_| parse(toml).applicable().ok()).and_then(|model| {
            let (model, reason) = (Arc::new(model), reason.map(Arc::from));
            Meant::of(&Command::ApplyMap(ApplyMap {
                model,
                if_version: made_for,
                reason,
                planned,
                take_back,
            }))
        });
        ask.maybe("take_back", take_back.then_some(true)).toml(toml).means(meant).send().await
    }

    /// Checks a map and compares it with the one in force.
    pub async fn check_map(&self, toml: &str) -> Result<MapChecked> {
        self.post("/v1/map/check").toml(toml).send().await
    }

    /// The workspace's tokens, without secrets.
    pub async fn tokens(&self) -> Result<TokenList> {
        self.list(|| self.get("/v1/tokens")).await
    }

    /// The keys that people sign with.
    pub async fn keys(&self) -> Result<KeyList> {
        self.list(|| self.get_then("/v1/keys")).await
    }

    /// Takes an invitation, with the first key that the person signs with; whose token this client has says nothing there.
    pub async fn take_invitation(
        &self,
        invitation: &InvitationText,
        key: Option<SignKey>,
    ) -> Result<TokenMade> {
        let body = TakeInvitation { invitation: invitation.expose(), key };
        self.post("/v1/invitations/take").json(&body)?.send().await
    }

    /// Invites a person to make a token of their own.
    pub async fn invite(&self, invitation: &NewInvitation) -> Result<Invited> {
        let meant = Meant::of_invitation(invitation.class, &invitation.name, invitation.expires);
        self.post("/v1/invitations").json(invitation)?.means(Some(meant)).send().await
    }

    /// Makes a token; the answer is the only place that ever has its secret.
    pub async fn create_token(&self, token: &NewToken) -> Result<TokenMade> {
        self.post("/v1/tokens").json(token)?.send().await
    }

    /// Up to 256 lines of another system's history, in order; a line that is in already adds nothing.
    pub async fn import(&self, lines: &[Import]) -> Result<Vec<BatchResult>> {
        let answer: BatchAnswer = self.post("/v1/imports").json(lines)?.send().await?;
        Ok(answer.answers)
    }

    /// The workspaces that this token may know of, all pages of them.
    pub async fn workspaces(&self) -> Result<WorkspaceList> {
        let mut all: WorkspaceList = self.get("/v1/workspaces").send().await?;
        while let Some(page) = all.next.take() {
            let asked = self.get("/v1/workspaces").query("page", page);
            let more: WorkspaceList = asked.send().await?;
            all.workspaces.extend(more.workspaces);
            all.next = more.next;
        }
        Ok(all)
    }

    /// Makes a workspace; for admins of the server.
    pub async fn create_workspace(&self, request: &NewWorkspaceRequest) -> Result<WorkspaceMade> {
        self.post("/v1/workspaces").json(request)?.send().await
    }
}
