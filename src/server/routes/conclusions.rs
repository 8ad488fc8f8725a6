//! What agents found out, listed by question.

use std::sync::Arc;

use crate::api::{ConclusionList, ConclusionView};
use crate::domain::ids::AgentId;
use crate::domain::key::SEPARATOR;
use crate::domain::path::EntityPath;
use crate::domain::sight::Sight;
use crate::domain::state::Front;
use crate::domain::things::Concluded;
use crate::server::answer::{Answer, json};
use crate::server::gate::Call;
use crate::server::pages::Page;

/// `GET /v1/conclusions?subject=…`: the last answer of each to each question. What is hidden from an agent is left out.
pub(in crate::server) async fn list(call: Call) -> Answer {
    let query = call.query()?;
    let page = Page::of(&call, &query).await?;
    let wanted = query.get::<EntityPath>("subject")?;
    let now = call.space.handle().front();
    let seen = |view: &ConclusionView| {
        let sees = |front: &Front, agent: &AgentId| {
            Sight::now(agent, &front.board.map).sees_conclusion(&view.subject)
        };
        call.caller.agent().is_none_or(|agent| sees(&page.front, agent) && sees(&now, agent))
            && wanted.as_ref().is_none_or(|wanted| view.subject == *wanted)
    };
    let first = wanted.as_ref().map(|subject| format!("{subject}{SEPARATOR}")).unwrap_or_default();
    let by_key = page.front.board.conclusions_from(&first).take_while(|(key, _)| key.starts_with(&first));
    let taken = page.take(&call, by_key, |(key, answers)| view(key, answers.iter()).filter(&seen));
    json(&ConclusionList { conclusions: taken.rows, seq: page.front.head(), next: taken.next })
}

fn view<'a>(key: &str, answers: impl Iterator<Item = &'a Concluded>) -> Option<ConclusionView> {
    let (subject, question) = key.split_once(SEPARATOR)?;
    let subject = subject.parse().ok()?;
    Some(ConclusionView { subject, question: Arc::from(question), answers: answers.cloned().collect() })
}
