//! How others are told to start this program: its name, where and who as said now, and words for a shell.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::context::Global;
use super::output::visible;
use super::status::Usage;

/// `deeds` where a shell finds this very program by that name, else where it is.
pub(super) fn name() -> anyhow::Result<String> {
    let program = std::env::current_exe().context("it can't be told where this program is")?;
    let same = |found: PathBuf| fs::canonicalize(found).is_ok_and(|found| found == program);
    if on_path("deeds").is_some_and(same) {
        return Ok("deeds".to_owned());
    }
    absolute(&program)
}

/// Where a program of that name is found first.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// A file's place as it is named elsewhere.
pub(super) fn absolute(path: &Path) -> anyhow::Result<String> {
    let path = std::path::absolute(path).with_context(|| path.display().to_string())?;
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Usage::error(format!(
            "{}: it can't be named, as it is not UTF-8",
            visible(&path.display().to_string())
        ))
    })
}

/// The arguments that say where and who, as the flags do.
pub(super) fn place(global: &Global) -> anyhow::Result<Vec<String>> {
    let mut words = Vec::new();
    let files = [
        ("--data-dir", &global.data_dir),
        ("--token-file", &global.token_file),
        ("--config", &global.config),
    ];
    for (flag, file) in files {
        if let Some(file) = file {
            words.extend([flag.to_owned(), absolute(file)?]);
        }
    }
    if let Some(url) = &global.connect {
        words.extend(["--connect".to_owned(), url.to_string()]);
    }
    if let Some(workspace) = &global.workspace {
        words.extend(["--workspace".to_owned(), workspace.to_string()]);
    }
    if global.allow_plaintext {
        words.push("--allow-plaintext".to_owned());
    }
    Ok(words)
}

/// Words as a line of a shell.
pub(super) fn line(words: &[String]) -> anyhow::Result<String> {
    let words = words.iter().map(|word| quoted(word)).collect::<anyhow::Result<Vec<String>>>()?;
    Ok(words.join(" "))
}

/// A word for a shell.
fn quoted(word: &str) -> anyhow::Result<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+=,%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return Ok(word.to_owned());
    }
    if word.contains(['\n', '\r', '\0']) {
        return Err(Usage::error(format!(
            "a hook can't name `{}`: it has a line break in it",
            visible(word)
        )));
    }
    Ok(format!("'{}'", word.replace('\'', "'\\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_reach_a_shell_as_they_are() {
        for word in ["plain/word-1", "two words", "it's $HOME `x` \"y\" \\", ""] {
            let quoted = quoted(word).unwrap();
            let echoed =
                std::process::Command::new("sh").args(["-c", &format!("printf %s {quoted}")]).output();
            assert_eq!(String::from_utf8(echoed.unwrap().stdout).unwrap(), word, "{quoted}");
        }
        assert!(quoted("a\nb").is_err());
    }
}
