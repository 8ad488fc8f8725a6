//! What a server behind is told that nobody else is to see: from files that others may not read. Never from arguments, and
//! never told in an error.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::status::Usage;
use crate::cli::token::refuse_open;
use crate::config::{Described, Source};
use crate::gateway::{Secret, Target};

/// The largest file of secrets, in bytes.
const MOST_BYTES: u64 = 64 * 1024;

/// The lines `NAME=value` of a file; blank ones and those that begin with `#` are passed over.
pub(super) fn environment(path: &Path) -> anyhow::Result<BTreeMap<String, Secret>> {
    pairs(path, '=', "NAME=value", |name| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// The lines `Name: value` of a file.
pub(super) fn headers(path: &Path) -> anyhow::Result<BTreeMap<String, Secret>> {
    pairs(path, ':', "Name: value", |name| {
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

/// A server of the settings, with what it is told that nobody else is to see.
pub(super) fn target(name: &str, described: &Described) -> anyhow::Result<Target> {
    let place = |key: &str| format!("gateway.{name}.{key}");
    let resolved = |key: &str, sources: &BTreeMap<String, Source>| {
        let found = sources.iter().map(|(name, source)| Ok((name.clone(), resolve(&place(key), source)?)));
        found.collect::<anyhow::Result<BTreeMap<String, Secret>>>()
    };
    if let Some(url) = &described.url {
        let mut all = described.header_file.as_deref().map(headers).transpose()?.unwrap_or_default();
        all.extend(resolved("headers", &described.headers)?);
        return Ok(Target::Url { url: url.clone(), headers: all });
    }
    let mut env = described.env_file.as_deref().map(environment).transpose()?.unwrap_or_default();
    env.extend(resolved("env", &described.env)?);
    let (command, directory) = (described.command.clone(), described.directory.clone());
    Ok(Target::Program { command, env, inherit: false, directory })
}

fn resolve(place: &str, source: &Source) -> anyhow::Result<Secret> {
    let text = match source {
        Source::Variable(variable) => std::env::var(variable).map_err(|_| {
            Usage::error(format!("{place}: there is no variable {variable} in the environment; set it"))
        })?,
        Source::File(path) => {
            refuse_open(path, "secret")?;
            let text = std::fs::read_to_string(path);
            text.map_err(|error| Usage::error(format!("{place}: {}: {error}", path.display())))?
        }
    };
    Ok(Secret(text.trim().to_owned()))
}

fn pairs(
    path: &Path,
    sign: char,
    form: &str,
    fits: impl Fn(&str) -> bool,
) -> anyhow::Result<BTreeMap<String, Secret>> {
    refuse_open(path, "secrets")?;
    let place = path.display();
    let about = std::fs::metadata(path).map_err(|error| Usage::error(format!("{place}: {error}")))?;
    if about.len() > MOST_BYTES {
        return Err(Usage::error(format!(
            "{place}: it has more than {MOST_BYTES} bytes; name the right file"
        )));
    }
    let text = std::fs::read_to_string(path).map_err(|error| Usage::error(format!("{place}: {error}")))?;
    let mut all = BTreeMap::new();
    for (number, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let pair = line.split_once(sign).map(|(name, value)| (name.trim(), value.trim()));
        let Some((name, value)) = pair.filter(|(name, _)| !name.is_empty() && fits(name)) else {
            return Err(Usage::error(format!("{place}:{}: it is not like {form}", number + 1)));
        };
        all.insert(name.to_owned(), Secret(value.to_owned()));
    }
    Ok(all)
}
