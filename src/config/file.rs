//! The configuration file: read whole, each key checked against the table of settings, each error with its place.

use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::gateways;
use super::{Config, ConfigError, Kind, MAX_CONFIG_BYTES, SETTINGS, Setting, Wrong};
use crate::domain::map::nearest_name;

/// Lays the file's settings over `config`; nothing of a file with an error is taken by the caller.
pub(super) fn lay_over(config: &mut Config, path: &Path, must_exist: bool) -> Result<(), ConfigError> {
    let Some(text) = read(path, must_exist)? else { return Ok(()) };
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let file = File { path, text };
    let table = DeTable::parse(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        file.error(span, Wrong(error.message().to_owned(), "correct this line".to_owned()))
    })?;
    lay_table(config, &file, "", table.get_ref())
}

/// The settings of a table whose keys begin with `before`: `default` in `[hook]` is `hook.default`.
fn lay_table(
    config: &mut Config,
    file: &File<'_>,
    before: &str,
    table: &DeTable<'_>,
) -> Result<(), ConfigError> {
    for (key, value) in table {
        let name = format!("{before}{}", key.get_ref());
        if let DeValue::Table(below) = value.get_ref()
            && before.is_empty()
            && SETTINGS
                .iter()
                .any(|setting| setting.key.split_once('.').is_some_and(|(group, _)| group == name))
        {
            lay_table(config, file, &format!("{name}."), below)?;
            continue;
        }
        if let (DeValue::Table(all), true) = (value.get_ref(), name == "gateway") {
            lay_gateways(config, file, all)?;
            continue;
        }
        let Some(setting) = SETTINGS.iter().find(|setting| setting.key == name) else {
            return Err(file.error(key.span(), unknown(&name)));
        };
        let set = text_of(setting, value.get_ref(), file.path).and_then(|text| (setting.set)(config, &text));
        set.map_err(|wrong| file.error(value.span(), wrong))?;
    }
    Ok(())
}

fn lay_gateways(config: &mut Config, file: &File<'_>, all: &DeTable<'_>) -> Result<(), ConfigError> {
    for (name, value) in all {
        let DeValue::Table(table) = value.get_ref() else {
            let mend = "write [gateway.NAME]".to_owned();
            return Err(file.error(value.span(), Wrong("a gateway is a table".to_owned(), mend)));
        };
        let read = gateways::read(name.get_ref(), table, file.path);
        let read =
            read.map_err(|(at, wrong)| file.error(at.map_or(name.span(), toml::Spanned::span), wrong))?;
        config.gateways.insert(name.get_ref().to_string(), read);
    }
    Ok(())
}

fn read(path: &Path, must_exist: bool) -> Result<Option<String>, ConfigError> {
    let error = |reason: String, mend: &str| ConfigError {
        place: path.display().to_string(),
        reason,
        mend: mend.to_owned(),
    };
    let mut file = match std::fs::File::open(path) {
        Ok(file) => file.take(MAX_CONFIG_BYTES + 1),
        Err(missing) if missing.kind() == ErrorKind::NotFound && !must_exist => return Ok(None),
        Err(other) => {
            return Err(error(
                format!("the configuration can't be read: {other}"),
                "name a file that you may read",
            ));
        }
    };
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|reason| {
        error(format!("the configuration can't be read: {reason}"), "name a text file that you may read")
    })?;
    if u64::try_from(text.len()).is_ok_and(|bytes| bytes > MAX_CONFIG_BYTES) {
        let reason = format!("a configuration has at most {MAX_CONFIG_BYTES} bytes");
        return Err(error(reason, "name the right file; maps and keymaps are files of their own"));
    }
    Ok(Some(text))
}

fn unknown(key: &str) -> Wrong {
    let shown: String = key.chars().take(80).collect();
    let near = nearest_name(key, SETTINGS.iter().map(|setting| setting.key));
    let mend = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!(
            "settings are {}",
            SETTINGS.iter().map(|setting| setting.key).collect::<Vec<_>>().join(", ")
        ),
    };
    Wrong(format!("there is no setting `{}`", shown.escape_debug()), mend)
}

/// A value as the text that the setting's parser takes; paths are made relative to the file.
fn text_of(setting: &Setting, value: &DeValue<'_>, path: &Path) -> Result<String, Wrong> {
    let key = setting.key;
    match (setting.kind, value) {
        (Kind::Flag, DeValue::Boolean(flag)) => Ok(flag.to_string()),
        (Kind::Text, DeValue::String(text)) => Ok(text.to_string()),
        (Kind::Number, DeValue::Integer(number)) => Ok(number.to_string()),
        (Kind::Path, DeValue::String(text)) if text.is_empty() || text.starts_with("~/") => {
            Ok(text.to_string())
        }
        (Kind::Path, DeValue::String(text)) => {
            let beside = path.parent().map(|parent| parent.join(text.as_ref()));
            Ok(beside.map_or_else(|| text.to_string(), |path| path.display().to_string()))
        }
        (Kind::Flag, _) => Err(Wrong(format!("`{key}` is true or false"), format!("write {key} = true"))),
        (Kind::Number, _) => Err(Wrong(format!("`{key}` is a whole number"), format!("write {key} = 2000"))),
        (Kind::Text | Kind::Path, _) => {
            Err(Wrong(format!("`{key}` is a text"), format!("write it in quotes: {key} = \"…\"")))
        }
    }
}

struct File<'f> {
    path: &'f Path,
    text: &'f str,
}

impl File<'_> {
    fn error(&self, span: Range<usize>, Wrong(reason, mend): Wrong) -> ConfigError {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        ConfigError { place: format!("{}:{line}:{column}", self.path.display()), reason, mend }
    }
}
