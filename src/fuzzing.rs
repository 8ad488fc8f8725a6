//! Whatever reads bytes that somebody else wrote, tried with any bytes at all: a function for each, by `tests/fuzz` with bytes that
//! are made up for as long as one likes, and by the ordinary tests with those that were kept. Each says what must hold beside that
//! it ends and does not panic. Nothing here is in the program.

use crate::domain::filter::{FILTER_BYTES, Filter};
use crate::domain::map;
use crate::domain::time::Time;
use crate::{api, cli, client, gateway, hook};

/// What is tried with bytes.
pub type Reader = fn(&[u8]);

/// What is tried, and by what name: that of its folder in `tests/fuzz/corpus`.
pub const ALL: [(&str, Reader); 8] = [
    ("json", api::any_body),
    ("events", client::any_events),
    ("filter", any_filter),
    ("map", any_map),
    ("hook", cli::any_call),
    ("shell", hook::shell::any_command),
    ("frame", gateway::any_frame),
    ("backup", cli::any_backup),
];

/// A filter is written so that it reads back as the same, where that is not too long: quotes take room.
fn any_filter(bytes: &[u8]) {
    let now = Time::from_micros(1_790_000_000_000_000);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(filter) = Filter::parse(text, now) else { return };
    let written = filter.to_string();
    if written.len() > FILTER_BYTES {
        return;
    }
    let again = Filter::parse(&written, now);
    assert_eq!(again.as_ref().map(ToString::to_string), Ok(written), "{text:?}");
}

/// What is wrong with a map lies within its text, and a map that was read is written as the same map.
fn any_map(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let parsed = map::parse(text);
    for finding in &parsed.findings {
        assert!(text.get(finding.span.clone()).is_some(), "{finding:?} in {text:?}");
    }
    let Some(model) = parsed.model else { return };
    let written = model.to_toml();
    let again = map::parse(&written).model;
    assert_eq!(again.as_ref(), Some(&model), "{text:?} was written as {written:?}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::path::Path;

    /// What is kept beside what was once wrong: enough to begin from, little to carry along.
    const MOST_FILES: usize = 64;
    const MOST_BYTES: u64 = 64 * 1024;

    #[test]
    fn what_was_kept_is_read_as_it_should_be() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
        for (name, read) in ALL {
            let files: Vec<_> =
                fs::read_dir(corpus.join(name)).unwrap().map(|file| file.unwrap().path()).collect();
            assert!((5..=MOST_FILES).contains(&files.len()), "{name}: {} files", files.len());
            for file in files {
                assert!(file.metadata().unwrap().len() <= MOST_BYTES, "{} is large", file.display());
                println!("{}", file.display());
                read(&fs::read(file).unwrap());
            }
        }
    }
}
