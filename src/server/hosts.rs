//! Which host names the server answers to, and which web pages may call it. Both lists are short and closed: a page in
//! a browser on this machine must not be able to act with what it guesses.

use axum::http::{HeaderMap, header};

use crate::api::{Problem, ProblemCode};

/// Names of this machine's loopback.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Headers that say one thing. Of two a proxy may go by one and the server by the other.
const ONCE: [&str; 10] = [
    "host",
    "authorization",
    "origin",
    "content-type",
    "content-length",
    "idempotency-key",
    "deeds-signature",
    "if-match",
    "if-none-match",
    "last-event-id",
];

/// The lists.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    hosts: Vec<String>,
    origins: Vec<String>,
}

impl Hosts {
    pub(super) fn new(hosts: &[String], origins: &[String]) -> Self {
        let lower = |names: &[String]| names.iter().map(|name| name.to_ascii_lowercase()).collect();
        Self { hosts: lower(hosts), origins: lower(origins) }
    }

    /// Refuses a request that says something twice, is for another host or from a web page that is not listed.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<(), Box<Problem>> {
        let doubled = ONCE.into_iter().find(|name| headers.get_all(*name).iter().nth(1).is_some());
        if let Some(name) = doubled {
            let problem = Problem::new(ProblemCode::BadHeader, "it came more than once");
            return Err(Box::new(problem.at(format!("header {name}"))));
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let name = without_port(host);
        let known = LOOPBACK.iter().any(|one| one.eq_ignore_ascii_case(name))
            || self.hosts.iter().any(|one| one.eq_ignore_ascii_case(name));
        if !known {
            let shown: String = host.chars().take(80).collect();
            let detail = format!("the request is for the host {shown:?}");
            return Err(Box::new(Problem::new(ProblemCode::HostRefused, detail).at("header Host")));
        }
        let Some(origin) = headers.get(header::ORIGIN) else { return Ok(()) };
        let origin = origin.to_str().unwrap_or_default();
        if self.origins.iter().any(|one| one.eq_ignore_ascii_case(origin)) {
            return Ok(());
        }
        let shown: String = origin.chars().take(80).collect();
        let detail = format!("the request comes from the web page {shown:?}");
        Err(Box::new(Problem::new(ProblemCode::OriginRefused, detail).at("header Origin")))
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.is_empty() => name,
        Some(_) | None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(host: &str, origin: Option<&str>) -> Option<String> {
        let hosts = Hosts::new(&["deeds.example".to_owned()], &["https://ops.example".to_owned()]);
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
        }
        hosts.check(&headers).err().map(|problem| problem.code.into_owned())
    }

    /// A proxy that goes by the first and a server that goes by the last would mean two hosts, or two callers.
    #[test]
    fn what_is_said_twice_is_refused() {
        for name in ONCE {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, "localhost".parse().unwrap());
            headers.append(name, "localhost".parse().unwrap());
            if name != "host" {
                headers.append(name, "localhost".parse().unwrap());
            }
            let problem = Hosts::default().check(&headers).unwrap_err();
            assert_eq!((problem.code.as_ref(), problem.status), ("bad-header", 400), "{name}");
        }
    }

    #[test]
    fn only_listed_hosts_and_origins_pass() {
        for host in ["localhost", "LOCALHOST:80", "127.0.0.1:7117", "[::1]:7117", "[::1]", "Deeds.example:1"]
        {
            assert_eq!(check(host, None), None, "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example", "localhost:80:80", "", ":80", "localhost."] {
            assert_eq!(check(host, None).as_deref(), Some("host-refused"), "{host}");
        }
        assert_eq!(check("localhost", Some("https://ops.example")), None);
        for origin in ["null", "http://localhost", "https://ops.example.evil"] {
            assert_eq!(check("localhost", Some(origin)).as_deref(), Some("origin-refused"), "{origin}");
        }
    }
}
