//! How a workspace begins: its first map and the first admin's token, as the first deeds of its ledger. Also where
//! tokens are made from random bytes.

use std::{borrow::Cow, sync::Arc};

use crate::{
    api::TokenText,
    coordinator::Founding,
    domain::{
        deed::{Body, Deed, NewWorkspace, Outcome, Refs},
        ids::{Actor, MapVersion, PersonId, Seq, TokenId, WorkspaceId},
        map::Model,
        state::{Token, TokenClass, hex},
        time::Time,
    },
};

/// Random bytes in a token's public part.
const ID_BYTES: usize = 6;

/// A new token, and what the workspace keeps of it.
pub(super) fn mint(
    class: TokenClass,
    workspace: &WorkspaceId,
    name: &str,
    expires: Option<Time>,
) -> Result<(TokenText, Token), getrandom::Error> {
    let (mut id, mut secret) = ([0_u8; ID_BYTES], [0_u8; 32]);
    getrandom::fill(&mut id)?;
    getrandom::fill(&mut secret)?;
    // Hexadecimal digits are a token id, so that this never takes the other way.
    let id = TokenId::new(&hex(&id)).map_err(|_| getrandom::Error::UNEXPECTED)?;
    let text = TokenText::new(class, workspace.clone(), id.clone(), secret);
    let token = Token { id, class, name: Arc::from(name), hash: text.hash_text(), expires };
    Ok((text, token))
}

/// The first deeds: the workspace with its map, and a token for its first admin.
pub(super) fn founding(workspace: WorkspaceId, person: PersonId, model: Model, token: Token) -> Founding {
    Box::new(move |now| {
        let actor = Actor::Person(person);
        let born = Body::WorkspaceCreated(Box::new(NewWorkspace {
            workspace: workspace.clone(),
            model: Arc::new(model),
        }));
        let first = deed(1, now, actor.clone(), "create workspace", format!("workspace {workspace}"), born);
        let words = format!("{} token {} for {}", token.class.as_str(), token.id, token.name);
        let second = deed(2, now, actor, "create token", words, Body::TokenCreated(Box::new(token)));
        vec![first, second]
    })
}

fn deed(seq: u64, now: Time, actor: Actor, action: &'static str, reason: String, body: Body) -> Deed {
    Deed {
        seq: Seq(seq),
        time: now,
        recorded: now,
        subject: None,
        correlation: Seq(1),
        cause: None,
        traceparent: None,
        actor,
        action: Cow::Borrowed(action),
        outcome: Outcome::Recorded,
        code: None,
        verdict: None,
        reason: Some(Arc::from(reason)),
        map_version: MapVersion(0),
        fields: Vec::new(),
        refs: Refs::default(),
        key: None,
        body,
    }
}
