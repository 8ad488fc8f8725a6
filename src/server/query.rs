//! Parameters of a URL's query and path, each read once with a problem that names it.

use std::fmt::Display;
use std::str::FromStr;

use percent_encoding::percent_decode_str;

use crate::api::{Problem, ProblemCode, fit};

/// The parameters of a query, decoded.
#[derive(Debug, Default)]
pub(super) struct Query {
    pairs: Vec<(String, String)>,
}

impl Query {
    /// Reads a query; a name may come once, and only those in `known` may come.
    pub(super) fn parse(text: Option<&str>, known: &[&str]) -> Result<Self, Box<Problem>> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for part in text.unwrap_or_default().split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let name = decode(name, "the query")?;
            let value = decode(value, &name)?;
            let wrong = |detail: String| {
                Err(Box::new(Problem::new(ProblemCode::BadParameter, detail).at(format!("query, `{name}`"))))
            };
            if !known.contains(&name.as_str()) {
                return wrong(format!("the parameters here are: {}", known.join(", ")));
            }
            if pairs.iter().any(|(one, _)| *one == name) {
                return wrong("the parameter comes twice".to_owned());
            }
            pairs.push((name, value));
        }
        Ok(Self { pairs })
    }

    /// The text of a parameter; none where it is absent.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// A parameter as what it should be; none where it is absent.
    pub(super) fn get<T: FromStr<Err: Display>>(&self, name: &str) -> Result<Option<T>, Box<Problem>> {
        self.text(name).map(|text| fit(name, text)).transpose()
    }

    /// The same, where it must be there.
    pub(super) fn need<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, Box<Problem>> {
        self.get(name)?.ok_or_else(|| {
            let problem = Problem::new(ProblemCode::BadParameter, "the parameter is missing");
            Box::new(problem.at(format!("query, `{name}`")))
        })
    }

    /// A switch: absent and `false` are off; `true`, `1` and the bare name are on.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Box<Problem>> {
        match self.text(name) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1" | "") => Ok(true),
            Some(_) => {
                let problem = Problem::new(ProblemCode::BadParameter, "it is either true or false");
                Err(Box::new(problem.at(format!("query, `{name}`"))))
            }
        }
    }
}

fn decode(text: &str, place: &str) -> Result<String, Box<Problem>> {
    let text = text.replace('+', " ");
    match percent_decode_str(&text).decode_utf8() {
        Ok(text) if !text.contains('\0') => Ok(text.into_owned()),
        Ok(_) => Err(Box::new(Problem::new(ProblemCode::Nul, "a parameter has a NUL character").at(place))),
        Err(_) => {
            Err(Box::new(Problem::new(ProblemCode::BadParameter, "it is not UTF-8 when decoded").at(place)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_strictly() {
        let query = Query::parse(Some("path=crm%2Fa%23b&n=7&all"), &["path", "n", "all"]).unwrap();
        assert_eq!(query.text("path"), Some("crm/a#b"));
        assert_eq!(query.get::<u64>("n").unwrap(), Some(7));
        assert!(query.flag("all").unwrap() && !query.flag("other").unwrap());
        for (bad, code) in [
            ("x=1", "bad-parameter"),
            ("n=1&n=2", "bad-parameter"),
            ("n=%ff", "bad-parameter"),
            ("n=%00", "nul"),
        ] {
            assert_eq!(Query::parse(Some(bad), &["n"]).unwrap_err().code, code, "{bad}");
        }
        let problem = query.get::<u64>("path").unwrap_err();
        assert_eq!(problem.place.as_deref(), Some("`path`"));
    }
}
