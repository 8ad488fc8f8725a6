//! A team with a hostile agent, a victim and a person, on a server of its own.

use std::time::Duration;

use serde_json::json;

pub(crate) use crate::line::Line;
use crate::run::Home;
use crate::server::Server;

const MAP: &str = r#"workspace = "default"
mode = "enforce"
governance_owner = "dana"

[[queue]]
name = "inbox"
owner = "dana"
review = "daily 09:00"
priority = ["hostile", "victim"]

[[agent]]
id = "hostile"
owner = "dana"
writes = ["hostile/**"]
escalates_to = "inbox"

[[agent]]
id = "victim"
owner = "dana"
writes = ["victim/**"]
escalates_to = "inbox"
"#;

/// The server with its team.
pub(crate) struct Team {
    pub(crate) home: Home,
    pub(crate) server: Server,
}

impl Team {
    pub(crate) fn start() -> Self {
        Self::start_on(MAP, &["hostile", "victim"])
    }

    /// The same by a map of one's own, with tokens of these agents and of dana.
    pub(crate) fn start_on(map: &str, agents: &[&str]) -> Self {
        let home = Home::new();
        // What values may have is known; here it is measured what else memory goes to.
        let settings = home.dir.path().join(".config/deeds");
        std::fs::create_dir_all(&settings).unwrap();
        std::fs::write(settings.join("config.toml"), "values.cache = \"32MiB\"\n").unwrap();
        home.file("team.toml", map);
        home.ok(&["map", "apply", "team.toml"]);
        for agent in agents {
            home.ok(&["tokens", "create", "agent", agent, "--out", &format!("{agent}.token")]);
        }
        home.ok(&["tokens", "create", "admin", "dana", "--out", "dana.token"]);
        let server = Server::start(&home);
        Self { home, server }
    }

    /// Somebody of the team, on a connection of their own.
    pub(crate) fn connect(&self, who: &str) -> Line {
        let token = std::fs::read_to_string(self.home.dir.path().join(format!("{who}.token"))).unwrap();
        let address = self.server.url.trim_start_matches("http://");
        Line::open(address, token.trim()).unwrap()
    }

    /// The server's resident memory, in MiB.
    pub(crate) fn resident(&self) -> u64 {
        self.server.resident()
    }
}

impl Team {
    /// Makes a token for somebody more; who decides takes an invitation, as another person would.
    pub(crate) fn invite(&self, class: &str, name: &str) {
        let mut dana = self.connect("dana");
        let asked = json!({"class": class, "name": name}).to_string();
        let (status, made) = match class {
            "reviewer" | "admin" => {
                let (status, invited) = dana.ask("POST", "/v1/invitations", &asked).unwrap();
                assert_eq!(status, 200, "{name}: {invited}");
                let taken = json!({"invitation": invited["invitation"]}).to_string();
                dana.ask("POST", "/v1/invitations/take", &taken).unwrap()
            }
            _ => dana.ask("POST", "/v1/tokens", &asked).unwrap(),
        };
        assert_eq!(status, 200, "{name}: {made}");
        let header = format!("Authorization: Bearer {}", made["token"].as_str().unwrap());
        self.home.file(&format!("{name}.token"), &header);
    }

    /// How many bytes the data directory takes.
    pub(crate) fn disk(&self) -> u64 {
        fn of(folder: &std::path::Path) -> u64 {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let sizes = entries.map(|entry| match entry.metadata() {
                Ok(about) if about.is_dir() => of(&entry.path()),
                Ok(about) => about.len(),
                // It may have gone meanwhile.
                Err(_) => 0,
            });
            sizes.sum()
        }
        of(&self.home.data())
    }
}

/// The time that 99 of 100 stay below.
pub(crate) fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

/// Whether times are asserted.
pub(crate) fn measures() -> bool {
    std::env::var_os("DEEDS_MEASURE").is_some()
}
