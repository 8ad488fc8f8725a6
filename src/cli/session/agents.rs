//! Agents' tokens: made by an admin where there is none, and kept in the data directory beside the person's.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Place, Session};
use crate::api::{NewToken, TokenText, WhoAmI};
use crate::cli::context::Context;
use crate::cli::datadir::DataDir;
use crate::cli::status::Usage;
use crate::cli::token;
use crate::client::Client;
use crate::domain::ids::AgentId;
use crate::domain::things::TokenClass;

impl Session {
    /// The same session with an agent's token.
    pub(super) async fn speaking_as(mut self, agent: &AgentId) -> anyhow::Result<Self> {
        match self.client_as(agent).await {
            Ok(client) => {
                self.client = client;
                Ok(self)
            }
            Err(error) => {
                self.end().await;
                Err(error)
            }
        }
    }

    async fn client_as(&self, agent: &AgentId) -> anyhow::Result<Client> {
        let Place::Local { dir, .. } = &self.place else {
            let why =
                "--as is for workspaces in a data directory here; name the agent's token with --token-file";
            return Err(Usage::error(why));
        };
        Ok(self.agent_token(&self.agent_file_in(dir, agent), agent).await?.0)
    }

    /// Where an agent's token is kept, or will be.
    pub(in crate::cli) fn agent_file(&self, context: &Context, agent: &AgentId) -> anyhow::Result<PathBuf> {
        Ok(match &self.place {
            Place::Local { dir, .. } => self.agent_file_in(dir, agent),
            Place::Remote { url, .. } => {
                let workspace = &self.client.token().workspace;
                context.open_dir()?.remote_agent_token_file(url, workspace, agent.as_str())
            }
        })
    }

    /// An agent may have somebody's name, whose token stays where it is.
    fn agent_file_in(&self, dir: &DataDir, agent: &AgentId) -> PathBuf {
        let workspace = &self.client.token().workspace;
        let file = dir.token_file(workspace, agent.as_str());
        if token::look(&file).is_ok_and(|kept| kept.class != TokenClass::Agent) {
            return dir.agent_token_file(workspace, agent.as_str());
        }
        file
    }

    /// Signed in with the token that is kept for the agent, while it is good; else with a new one, which is kept. Whether it is
    /// new.
    pub(in crate::cli) async fn agent_token(
        &self,
        file: &Path,
        agent: &AgentId,
    ) -> anyhow::Result<(Client, bool)> {
        let workspace = &self.client.token().workspace;
        if let Ok(kept) = token::read(file) {
            let client = self.client.signed_by(kept);
            let is_its_own = |me: WhoAmI| me.workspace == *workspace && me.actor.agent() == Some(agent);
            if client.whoami().await.is_ok_and(is_its_own) {
                return Ok((client, false));
            }
        }
        let wanted = NewToken { class: TokenClass::Agent, name: Arc::from(agent.as_str()), expires: None };
        let made = self.client.create_token(&wanted).await?;
        let Some(secret) = made.token else {
            let why = made.reply.message.as_deref().unwrap_or("no token was made");
            return Err(Usage::error(format!("a token for {agent}: {why}; admins make them")));
        };
        let new: TokenText = token::parse(&secret, "the new token")?;
        DataDir::keep_token(file, &new)?;
        Ok((self.client.signed_by(new), true))
    }
}
