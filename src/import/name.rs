//! Names of people and programs of other systems as agents' names: what is none is escaped, so that it can be read back.

use std::fmt::Write as _;
use std::sync::Arc;

use crate::domain::ids::AgentId;

/// The agent's name for whoever acts there, and what it is called there where the two differ. A byte that an agent's name
/// can't have becomes `@` and two hexadecimal digits in upper case; so does an `@` before two such digits.
pub(super) fn agent(name: &str) -> Result<(AgentId, Option<Arc<str>>), String> {
    if name.is_empty() {
        return Err("it names nobody".to_owned());
    }
    let escaped = escaped(name);
    let id = AgentId::new(&escaped).map_err(|error| error.to_string())?;
    Ok((id, (escaped != name).then(|| Arc::from(name))))
}

fn escaped(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for (at, letter) in name.char_indices() {
        let mut after = name.bytes().skip(at + 1);
        let mut digit = || after.next().is_some_and(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
        let reads_as_escape = letter == '@' && digit() && digit();
        let mut utf8 = [0; 4];
        if AgentId::new(letter.encode_utf8(&mut utf8)).is_ok() && !reads_as_escape {
            escaped.push(letter);
        } else {
            for byte in letter.encode_utf8(&mut utf8).bytes() {
                // Writing to a String can't fail.
                let _ = write!(escaped, "@{byte:02X}");
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name there, from the agent's.
    fn read_back(id: &str) -> String {
        let (mut bytes, mut rest) = (Vec::new(), id.as_bytes());
        while let [first, after @ ..] = rest {
            let digits = after.first_chunk::<2>().and_then(|two| std::str::from_utf8(two).ok());
            let is_upper = |text: &&str| text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F'));
            let byte = digits.filter(is_upper).and_then(|text| u8::from_str_radix(text, 16).ok());
            let escape = byte.filter(|_| *first == b'@');
            bytes.push(escape.unwrap_or(*first));
            rest = if escape.is_some() { &after[2..] } else { after };
        }
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn names_are_kept_and_read_back() {
        for name in ["rig/a", "ann@beads.com", "Zo\u{eb}", "mayor"] {
            assert_eq!(agent(name).unwrap(), (AgentId::new(name).unwrap(), None));
        }
        assert_eq!(agent("Ann Example").unwrap().0.as_str(), "Ann@20Example");
        assert!(agent("").is_err() && agent(&" ".repeat(50)).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_two_names_become_one(name in "[a-b@0A %#\\u{202e}\u{eb}]{1,12}") {
            let (id, called) = agent(&name).unwrap();
            proptest::prop_assert_eq!(read_back(id.as_str()), name.clone());
            proptest::prop_assert_eq!(called.as_deref().unwrap_or(id.as_str()), name);
        }
    }
}
