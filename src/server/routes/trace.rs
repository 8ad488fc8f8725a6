//! Where things came from: the deeds of an entity, or the causes and effects of a deed.

use super::ledger::{MADE_OF, PAGE_BYTES, Room, nearest, one_deed, raw_deeds, told};
use crate::api::{ChainView, EffectView, PAGE_LIMIT, Problem, ProblemCode};
use crate::domain::ids::Seq;
use crate::domain::path::FieldPath;
use crate::index::PageFrom;
use crate::server::answer::{Answer, ROW, apart, json_of};
use crate::server::gate::Call;
use crate::server::query::Query;

/// How many deeds a trace has where the caller does not say.
const TRACE: usize = 200;

/// `GET /v1/trace?entity=…` or `?deed=…`
pub(in crate::server) async fn show(call: Call) -> Answer {
    let query = call.query()?;
    if let Some(seq) = query.get::<Seq>("min_seq")? {
        call.front(&query).await?;
        call.space.index_reached(seq).await?;
    }
    match (query.get::<FieldPath>("entity")?, query.get::<Seq>("deed")?) {
        (Some(path), None) => entity(&call, &query, path).await,
        (None, Some(seq)) => chain(&call, seq).await,
        _ => {
            let problem = Problem::new(ProblemCode::BadParameter, "name either an entity or a deed");
            Err(Box::new(problem.at("query")))
        }
    }
}

async fn entity(call: &Call, query: &Query, path: FieldPath) -> Answer {
    let before = query.get::<Seq>("before")?;
    let limit = query.get::<usize>("limit")?.unwrap_or(TRACE).clamp(1, PAGE_LIMIT);
    let found = call.space.ask_index(move |index| {
        let field = (!path.field.is_whole()).then_some(&path.field);
        Ok((index.trace_entity(&path.entity, field, before, limit)?, index.head()?.seq))
    });
    let (seqs, head) = found.await?;
    let more = seqs.len() == limit;
    told(call, PageFrom::Newest, seqs, more, head, None).await
}

async fn chain(call: &Call, seq: Seq) -> Answer {
    let deed = one_deed(&call.space, seq).await?;
    call.space.index_reached(seq).await?;
    let chain = call.space.ask_index(move |index| index.chain(seq)).await?;
    let chain = chain.ok_or_else(|| {
        Box::new(Problem::new(ProblemCode::NotYet, format!("the index has not got to deed {seq} yet")))
    })?;
    let _making = call.making(2 * MADE_OF * PAGE_BYTES).await;
    let causes = nearest(&call.space, &chain.causes, PageFrom::Newest).await?;
    let below: Vec<Seq> = chain.effects.iter().map(|effect| effect.seq).collect();
    let found = raw_deeds(&call.space, &below, &mut Room::default()).await?;
    let cut = chain.cut || causes.len() < chain.causes.len() || found.len() < below.len();
    let effects = chain.effects.iter().zip(found);
    let effects = effects.map(|(effect, deed)| EffectView { cause: effect.cause, depth: effect.depth, deed });
    let view = ChainView { deed, causes, effects: effects.collect(), cut };
    let deeds = view.causes.iter().chain(view.effects.iter().map(|effect| &effect.deed));
    let bytes = deeds.map(|deed| deed.deed.get().len() + ROW).sum();
    apart(bytes, || json_of(bytes, &view))
}
