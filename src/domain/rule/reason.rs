//! Whether an agent is expected to escalate for a reason, RULES §12.1.

use crate::domain::map::Agent;
use crate::domain::things::folded;

/// Which of its `escalates_when` a reason is: one of them word for word, or the short code of one, with whatever text after
/// it. A code is one word: the whole entry, or what stands before its first colon.
pub fn foreseen<'a>(agent: &'a Agent, why: &str) -> Option<&'a str> {
    let why = folded(why);
    let is = |when: &&String| {
        folded(when) == why || code(when).is_some_and(|code| begins_with(&why, &folded(code)))
    };
    agent.escalates_when.iter().find(is).map(String::as_str)
}

fn code(when: &str) -> Option<&str> {
    let code = when.split_once(':').map_or(when, |(code, _)| code).trim();
    (!code.is_empty() && !code.contains(char::is_whitespace)).then_some(code)
}

fn begins_with(why: &str, code: &str) -> bool {
    let Some(rest) = why.strip_prefix(code) else { return false };
    rest.chars().next().is_none_or(|next| next.is_whitespace() || ":;,.(".contains(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_may_be_followed_by_text() {
        let (id, owner) = ("sales".parse().unwrap(), "dana".parse().unwrap());
        let mut agent = Agent::new(id, owner);
        let when = ["legal", "refund: more than 500", "the customer wants special terms"];
        agent.escalates_when = when.map(str::to_owned).to_vec();
        let cases = [
            ("Legal", Some(when[0])),
            ("legal: threatens to sue", Some(when[0])),
            ("legal, and at once", Some(when[0])),
            ("legally speaking", None),
            ("legal-ish", None),
            ("refund: 700 for ada", Some(when[1])),
            ("REFUND 700", Some(when[1])),
            ("more than 500", None),
            ("The customer wants  special terms", Some(when[2])),
            ("the customer wants special terms for ada", None),
        ];
        for (why, wanted) in cases {
            assert_eq!(foreseen(&agent, why), wanted, "{why}");
        }
    }
}
