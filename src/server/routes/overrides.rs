//! What people override: freeze, pause, set, revert, unlock. The value of a revert is looked up in the ledger here.

use super::ledger::next_deeds;
use crate::api::{OverrideAsked, OverrideBody, Problem, ProblemCode};
use crate::domain::command::{Command, Override, OverrideVerb};
use crate::domain::deed::Deed;
use crate::domain::ids::Version;
use crate::domain::outcome::Outcome;
use crate::domain::path::FieldPath;
use crate::domain::things::TokenClass;
use crate::domain::value::Value;
use crate::server::answer::{Answer, defect};
use crate::server::gate::Call;

/// `POST /v1/overrides`
pub(in crate::server) async fn apply(call: Call) -> Answer {
    let body = call.parse::<OverrideBody>()?;
    let step = match body.asked()? {
        OverrideAsked::Step(step) => step,
        OverrideAsked::Revert { path, to, expected } => {
            let value = match call.caller.principal.class {
                TokenClass::Reviewer | TokenClass::Admin => value_of(&call, &path, to).await?,
                // The rules refuse it whatever the value is; these callers learn nothing of the ledger here.
                TokenClass::Agent | TokenClass::Watcher | TokenClass::Guard => Value::null(),
            };
            OverrideVerb::Revert { path, to, value, expected }
        }
    };
    call.command(Command::Override(Override { step, reason: body.reason, lasts: body.lasts })).await
}

/// The value that the field had in that version, as the deed that committed it has it.
async fn value_of(call: &Call, path: &FieldPath, version: Version) -> Result<Value, Box<Problem>> {
    call.space.index_reached(call.space.handle().front().head()).await?;
    let asked = path.clone();
    let found = call.space.ask_index(move |index| index.version_of(&asked.entity, &asked.field, version));
    let found = found.await?;
    let mut left = found.as_slice();
    while !left.is_empty() {
        for raw in next_deeds(&call.space, &mut left).await? {
            let deed = Deed::decode(raw.deed.get().as_bytes())
                .map_err(|error| defect(format!("deed {}: {error}", raw.seq)))?;
            match committed(&deed, path, version) {
                Some(value) if value.is_withheld() => {
                    return Err(no_value(path, version, "was withheld"));
                }
                Some(value) => return Ok(value),
                None => {}
            }
        }
    }
    Err(no_value(path, version, "is not in the ledger"))
}

fn committed(deed: &Deed, path: &FieldPath, version: Version) -> Option<Value> {
    if deed.outcome != Outcome::Committed {
        return None;
    }
    let subject = deed.subject.as_ref()?;
    let field = deed.fields.iter().find(|field| {
        field.version == version
            && field.name == path.field
            && *field.entity.as_ref().unwrap_or(subject) == path.entity
    });
    field?.after.clone()
}

fn no_value(path: &FieldPath, version: Version, why: &str) -> Box<Problem> {
    let detail = format!("the value of {path} in version {version} {why}");
    Box::new(Problem::new(ProblemCode::NoValue, detail).at("to"))
}
