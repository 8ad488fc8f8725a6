//! AuthZEN 1.0: whether an agent may do something, for whoever guards a door of their own. Asking is a look.

use axum::http::header;

use super::writes::bounded;
use crate::api::{
    AccessConfiguration, AccessDecision, AccessDecisions, Evaluation, EvaluationBody, EvaluationsBody,
    Problem, ProblemCode, Semantic, parse_exact,
};
use crate::domain::decide::may;
use crate::server::answer::{Answer, json, unseen};
use crate::server::gate::{Call, Stranger};

/// `GET /.well-known/authzen-configuration`: where what is asked.
pub(in crate::server) async fn configuration(stranger: Stranger) -> Answer {
    json(&AccessConfiguration::at(stranger.base()))
}

/// `POST /access/v1/evaluation`
pub(in crate::server) async fn one(call: Call) -> Answer {
    is_json(&call)?;
    json(&alone(&call, &parse_exact(&call.body)?).await?)
}

/// `POST /access/v1/evaluations`: several; one that is broken is answered among the others.
pub(in crate::server) async fn each(call: Call) -> Answer {
    is_json(&call)?;
    let body = parse_exact::<EvaluationsBody>(&call.body)?;
    bounded(body.evaluations.len())?;
    let semantic = body.options.evaluations_semantic;
    let questions = match body.questions() {
        Ok(questions) => questions,
        Err(question) => return json(&AccessDecisions::from(alone(&call, &question).await?)),
    };
    let asked = questions.iter().map(|question| asked(&call, question)).collect();
    let evaluations = Some(decided(&call, asked, semantic).await?);
    json(&AccessDecisions { evaluations, ..AccessDecisions::default() })
}

async fn alone(call: &Call, question: &EvaluationBody) -> Result<AccessDecision, Box<Problem>> {
    let asked = asked(call, question)?;
    let decided = decided(call, vec![Ok(asked)], Semantic::ExecuteAll).await?;
    Ok(decided.into_iter().next().unwrap_or_default())
}

/// An agent asks about itself; people and guards about whom they mean.
fn asked(call: &Call, question: &EvaluationBody) -> Result<Evaluation, Box<Problem>> {
    let asked = question.evaluation()?;
    match (&asked, call.caller.agent()) {
        (Evaluation::Asked(agent, _), Some(own)) if agent != own => {
            let problem = Problem::new(ProblemCode::NotAllowed, "an agent's token asks about itself only");
            Err(Box::new(problem.at("subject.id")))
        }
        (Evaluation::Asked(..) | Evaluation::Unknown(_), _) => Ok(asked),
    }
}

/// The answers on one state, up to the one with which they end.
async fn decided(
    call: &Call,
    asked: Vec<Result<Evaluation, Box<Problem>>>,
    semantic: Semantic,
) -> Result<Vec<AccessDecision>, Box<Problem>> {
    call.front(&call.query()?).await?;
    let decided = call.space.handle().suppose(move |state, now| {
        let mut decided = Vec::with_capacity(asked.len());
        for one in asked {
            let one = match one {
                Ok(Evaluation::Asked(agent, question)) => may(state, &agent, *question, now).into(),
                Ok(Evaluation::Unknown(reason)) => reason.into(),
                Err(problem) => AccessDecision::from(*problem),
            };
            let ends = semantic.ends_with(one.decision);
            decided.push(one);
            if ends {
                break;
            }
        }
        decided
    });
    decided.await.map_err(|error| unseen(&error))
}

/// A body that says it is something else is not read, as the specification wants it.
fn is_json(call: &Call) -> Result<(), Box<Problem>> {
    let kind = call.header(header::CONTENT_TYPE.as_str())?.unwrap_or("application/json");
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let problem = Problem::new(ProblemCode::BadHeader, "the body is to be `application/json`");
    Err(Box::new(problem.at("header Content-Type")))
}
