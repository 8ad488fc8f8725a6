//! How the text of a setting is read: paths, flags, numbers, sizes and addresses, each with its mend where it does not fit.

use std::path::PathBuf;
use std::str::FromStr;

use crate::client::Url;

/// What is wrong with a value, and the mend.
pub(super) struct Wrong(pub(super) String, pub(super) String);

pub(super) fn wrong(what: &str, text: &str, mend: &str) -> Wrong {
    let shown: String = text.chars().take(80).collect();
    Wrong(format!("{shown:?} is not {what}"), mend.to_owned())
}

pub(super) fn server_url(text: &str) -> Result<Url, Wrong> {
    let mend = "write it like http://127.0.0.1:4170";
    let url = Url::parse(text).map_err(|_| wrong("a server's URL", text, mend))?;
    if url.password().is_some() || !url.username().is_empty() {
        let reason = "a server's URL holds no name or password".to_owned();
        return Err(Wrong(reason, "take it out, and put the token into a token file".to_owned()));
    }
    match url.scheme() {
        "http" | "https" if url.has_host() => Ok(url),
        _ => Err(wrong("a server's URL", text, mend)),
    }
}

pub(super) fn put_path(place: &mut Option<PathBuf>, text: &str) -> Result<(), Wrong> {
    if text.is_empty() {
        return Err(wrong("a path", text, "name a file or directory, or remove the line"));
    }
    *place = Some(expand_home(text));
    Ok(())
}

/// `~/x` is in the person's home directory, as in a shell.
pub(super) fn expand_home(text: &str) -> PathBuf {
    let home = text
        .strip_prefix("~/")
        .and_then(|rest| directories::BaseDirs::new().map(|dirs| dirs.home_dir().join(rest)));
    home.unwrap_or_else(|| PathBuf::from(text))
}

pub(super) fn put_flag(place: &mut bool, text: &str) -> Result<(), Wrong> {
    *place = match text {
        "true" | "1" | "yes" | "on" => true,
        "false" | "0" | "no" | "off" => false,
        _ => return Err(wrong("true or false", text, "write true or false")),
    };
    Ok(())
}

/// The units of sizes, largest first.
const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

pub(super) fn put_number<T: FromStr>(place: &mut T, text: &str) -> Result<(), Wrong> {
    *place = text.parse().map_err(|_| wrong("a whole number", text, "write it like 2000"))?;
    Ok(())
}

pub(super) fn put_size(place: &mut u64, text: &str) -> Result<(), Wrong> {
    let (digits, unit) = UNITS
        .into_iter()
        .find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?.trim_end(), bytes)))
        .unwrap_or((text, 1));
    let size = digits.parse().ok().and_then(|count: u64| count.checked_mul(unit));
    *place =
        size.ok_or_else(|| wrong("a size", text, "write it like 16MiB, with KiB, MiB, GiB or as bytes"))?;
    Ok(())
}

pub(super) fn size_text(bytes: u64) -> String {
    let whole = UNITS.into_iter().find(|(_, unit)| bytes >= *unit && bytes.is_multiple_of(*unit));
    whole.map_or_else(|| bytes.to_string(), |(unit, size)| format!("{}{unit}", bytes / size))
}
