//! What people ask: decisions, reviews, alerts, overrides, the map, tokens, workspaces, imports.

use std::sync::Arc;

use reqwest::header::IF_MATCH;

use super::agents::noted;
use super::send::segment;
use super::{Client, Result};
use crate::api::{
    AlertList, BatchAnswer, BatchResult, ItemList, ItemView, MapChecked, MapView, NewToken,
    NewWorkspaceRequest, OverrideBody, ReassignBody, ReviewList, TokenList, TokenMade, WorkspaceList,
    WorkspaceMade,
};
use crate::domain::command::{Answered, Import, MapReview, Override, ReviewStep, ReviewVerb};
use crate::domain::decide::Preview;
use crate::domain::ids::{AlertNo, ItemNo, MapVersion, PersonId, TokenId, Version};
use crate::domain::path::FieldPath;
use crate::domain::reply::Reply;
use crate::domain::things::ItemAnswer;

impl Client {
    /// The open inbox items, the next deadline first.
    pub async fn inbox(&self) -> Result<ItemList> {
        self.get_then("/v1/inbox").send().await
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

    /// Answers an item, with proof of what was shown.
    pub async fn answer(&self, item: ItemNo, answer: &Answered) -> Result<Reply> {
        self.post(format!("/v1/inbox/{item}/answer")).json(answer)?.send().await
    }

    /// Takes an item.
    pub async fn claim(&self, item: ItemNo) -> Result<Reply> {
        self.post(format!("/v1/inbox/{item}/claim")).send().await
    }

    /// Gives an item back.
    pub async fn release(&self, item: ItemNo) -> Result<Reply> {
        self.post(format!("/v1/inbox/{item}/release")).send().await
    }

    /// Hands an item to another named reviewer.
    pub async fn reassign(&self, item: ItemNo, to: &PersonId) -> Result<Reply> {
        self.post(format!("/v1/inbox/{item}/reassign")).json(&ReassignBody { to: to.clone() })?.send().await
    }

    /// Takes an answer back.
    pub async fn undo(&self, item: ItemNo) -> Result<Reply> {
        self.post(format!("/v1/inbox/{item}/undo")).send().await
    }

    /// Alerts, the worst first; with the resolved ones that are kept, if asked.
    pub async fn alerts(&self, resolved: bool) -> Result<AlertList> {
        let ask = self.get_then("/v1/alerts");
        let ask = if resolved { ask.query("resolved", true) } else { ask };
        ask.send().await
    }

    /// Says that an alert was seen.
    pub async fn alert_acknowledge(&self, alert: AlertNo, note: Option<&str>) -> Result<Reply> {
        self.post(format!("/v1/alerts/{alert}/acknowledge")).json(&noted(note))?.send().await
    }

    /// Ends an alert with a note.
    pub async fn alert_resolve(&self, alert: AlertNo, note: &str) -> Result<Reply> {
        self.post(format!("/v1/alerts/{alert}/resolve")).json(&noted(Some(note)))?.send().await
    }

    /// Puts an alert into the inbox.
    pub async fn alert_escalate(&self, alert: AlertNo, note: Option<&str>) -> Result<Reply> {
        self.post(format!("/v1/alerts/{alert}/escalate")).json(&noted(note))?.send().await
    }

    /// Freezes, pauses, sets, unlocks, and their reverses; each with a reason. The value of a revert is the server's to
    /// find: the one in the step is not sent.
    pub async fn override_with(&self, step: &Override) -> Result<Reply> {
        self.post("/v1/overrides").json(&OverrideBody::from(step))?.send().await
    }

    /// Sets a field back to the value that it had in version `to`.
    pub async fn revert(
        &self,
        path: &FieldPath,
        to: Version,
        expected: Version,
        reason: &str,
    ) -> Result<Reply> {
        let body = OverrideBody::revert(path, to, expected, &Arc::from(reason));
        self.post("/v1/overrides").json(&body)?.send().await
    }

    /// Every queue with its reviews.
    pub async fn reviews(&self) -> Result<ReviewList> {
        self.get_then("/v1/reviews").send().await
    }

    /// Begins or ends a session over a queue.
    pub async fn review(&self, review: &ReviewStep) -> Result<Reply> {
        let queue = segment(review.queue.as_str());
        let step = match review.step {
            ReviewVerb::Start => "start",
            ReviewVerb::End => "end",
        };
        let body = noted(review.note.as_deref());
        self.post(format!("/v1/reviews/{queue}/{step}")).json(&body)?.send().await
    }

    /// The map in force, or an earlier version of it while that is kept.
    pub async fn map(&self, version: Option<MapVersion>) -> Result<MapView> {
        self.get_then("/v1/map").maybe("version", version).send().await
    }

    /// The same as a file.
    pub async fn map_toml(&self, version: Option<MapVersion>) -> Result<String> {
        self.get_then("/v1/map").maybe("version", version).accept("application/toml").text().await
    }

    /// Puts a map in force that was made from version `made_for`, and says whether its effects were looked at on past
    /// deeds first. A map with errors is a problem with its findings.
    pub(super) async fn put_map(
        &self,
        toml: &str,
        made_for: MapVersion,
        reason: Option<&str>,
        planned: bool,
    ) -> Result<Reply> {
        let ask = self.put("/v1/map").header(IF_MATCH, format!("\"{made_for}\"")).maybe("reason", reason);
        ask.maybe("planned", planned.then_some(true)).toml(toml).send().await
    }

    /// Puts a map in force that was made from version `made_for`. A map with errors is a problem with its findings.
    pub async fn apply_map(&self, toml: &str, made_for: MapVersion, reason: Option<&str>) -> Result<Reply> {
        self.put_map(toml, made_for, reason, false).await
    }

    /// The same for a map whose effects were looked at on past deeds first; it is recorded so.
    pub async fn apply_planned_map(
        &self,
        toml: &str,
        made_for: MapVersion,
        reason: Option<&str>,
    ) -> Result<Reply> {
        self.put_map(toml, made_for, reason, true).await
    }

    /// Records that a person went through the map in force and stands by it.
    pub async fn map_reviewed(&self, review: &MapReview) -> Result<Reply> {
        self.post("/v1/map/reviewed").json(review)?.send().await
    }

    /// Checks a map and compares it with the one in force.
    pub async fn check_map(&self, toml: &str) -> Result<MapChecked> {
        self.post("/v1/map/check").toml(toml).send().await
    }

    /// The workspace's tokens, without secrets.
    pub async fn tokens(&self) -> Result<TokenList> {
        self.get("/v1/tokens").send().await
    }

    /// Makes a token; the answer is the only place that ever has its secret.
    pub async fn create_token(&self, token: &NewToken) -> Result<TokenMade> {
        self.post("/v1/tokens").json(token)?.send().await
    }

    /// Ends a token.
    pub async fn revoke_token(&self, token: &TokenId) -> Result<Reply> {
        self.delete(format!("/v1/tokens/{token}")).send().await
    }

    /// Up to 256 lines of another system's history, in order; a line that is in already adds nothing.
    pub async fn import(&self, lines: &[Import]) -> Result<Vec<BatchResult>> {
        let answer: BatchAnswer = self.post("/v1/imports").json(lines)?.send().await?;
        Ok(answer.answers)
    }

    /// The workspaces that this token may know of.
    pub async fn workspaces(&self) -> Result<WorkspaceList> {
        self.get("/v1/workspaces").send().await
    }

    /// Makes a workspace; for admins of the server.
    pub async fn create_workspace(&self, request: &NewWorkspaceRequest) -> Result<WorkspaceMade> {
        self.post("/v1/workspaces").json(request)?.send().await
    }
}
