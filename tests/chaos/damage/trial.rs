//! One damage, and what the programs say of it and after it.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use rustix::process::Signal;
use serde_json::Value;

use super::harm::{Harm, NOBODY};
use super::player::{BOUND, HUNG, Look, Player, Write};
use super::table;
use super::template::Template;
use crate::run::Said;
use crate::server::Server;

/// When it happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    BeforeAStart,
    WhileAServerRuns,
}

/// What happens to which file, when, and where in it.
#[derive(Debug, Clone)]
pub(super) struct Damage {
    pub(super) when: When,
    pub(super) place: PathBuf,
    pub(super) harm: Harm,
    pub(super) at: u64,
}

/// What `doctor` found.
#[derive(Debug, Default)]
pub(super) struct Doctor {
    pub(super) status: i32,
    /// Everything that it does not call fine, without what is the machine's.
    pub(super) told: Vec<String>,
    pub(super) mends: Vec<String>,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) first: Doctor,
    pub(super) last: Doctor,
    /// What failed and said so; at the end, what failed after everything was started again.
    pub(super) failed: Vec<String>,
    pub(super) failed_at_last: Vec<String>,
    /// What was answered otherwise than before.
    pub(super) wrong: Vec<String>,
    pub(super) wrong_at_last: Vec<String>,
    /// Warnings and errors in the log of the server.
    pub(super) logged: Vec<String>,
    pub(super) hung: Vec<String>,
    pub(super) panicked: Vec<String>,
    /// Files of no kind that is known.
    pub(super) unknown: Vec<PathBuf>,
}

struct Trial<'a> {
    template: &'a Template,
    player: Player<'a>,
    outcome: Outcome,
    acknowledged: Vec<(Write, u64)>,
    /// Whether everything was started again.
    at_last: bool,
}

/// Does it to a copy, and asks everything; `None` where nothing was there to be damaged.
pub(super) fn play(template: &Template, damage: &Damage) -> Option<Outcome> {
    let user = damage.harm.as_nobody().then_some(NOBODY);
    let home = template.copy(user);
    let player = Player { home: &home, user };
    let outcome = Outcome::default();
    let mut trial = Trial { template, player, outcome, acknowledged: Vec::new(), at_last: false };
    let harm = || damage.harm.done(template, &home.data(), &damage.place, damage.at);
    match damage.when {
        When::BeforeAStart => {
            if !harm() {
                return None;
            }
            trial.outcome.first = trial.doctor();
            trial.verify();
            if let Some(mut server) = trial.started() {
                trial.looks(Some(&server));
                trial.writes(&server, 1);
                trial.stopped(&mut server);
            }
        }
        When::WhileAServerRuns => {
            let mut server = trial.started()?;
            trial.writes(&server, 0);
            if !harm() {
                return None;
            }
            trial.outcome.first = trial.doctor();
            trial.looks(Some(&server));
            trial.writes(&server, 1);
            trial.verify();
            if damage.at & 1 == 0 {
                server.signal(Signal::KILL);
            } else {
                trial.stopped(&mut server);
            }
        }
    }
    trial.at_the_end();
    Some(trial.outcome)
}

impl Trial<'_> {
    fn failed(&mut self, what: String) {
        if self.at_last {
            self.outcome.failed_at_last.push(what);
        } else {
            self.outcome.failed.push(what);
        }
    }

    fn wrong(&mut self, what: String) {
        if self.at_last {
            self.outcome.wrong_at_last.push(what);
        } else {
            self.outcome.wrong.push(what);
        }
    }

    /// Whether it went through; says it where it hung or panicked.
    fn watched(&mut self, what: &str, said: &Said) -> bool {
        if said.status == HUNG {
            self.outcome.hung.push(what.to_owned());
        }
        if said.err.contains("panicked") || said.out.contains("panicked") {
            self.outcome.panicked.push(format!("{what}: {}", said.err));
        }
        said.status == 0
    }

    fn doctor(&mut self) -> Doctor {
        let said = self.player.run(&["doctor", "--json"]);
        self.watched("doctor", &said);
        let Ok(checks) = serde_json::from_str::<Vec<Value>>(&said.out) else {
            return Doctor { status: said.status, told: vec![said.err], mends: Vec::new() };
        };
        let machine = ["disk", "terminal", "colours", "letters", "editor"];
        let told = checks.iter().filter(|check| {
            check["health"] != "fine" && !machine.contains(&check["what"].as_str().unwrap_or_default())
        });
        let told: Vec<&Value> = told.collect();
        let line = |check: &&Value| format!("{}: {}", check["what"], check["found"]);
        let mend = |check: &&Value| check["mend"].as_str().map(str::to_owned);
        Doctor {
            status: said.status,
            told: told.iter().map(line).collect(),
            mends: told.iter().filter_map(mend).collect(),
        }
    }

    fn verify(&mut self) {
        let said = self.player.run(&["verify"]);
        if !self.watched("verify", &said) {
            self.failed(format!("verify: {}", said.err));
        }
    }

    fn started(&mut self) -> Option<Server> {
        let begun = Instant::now();
        match self.player.serve() {
            Ok(server) => {
                if let Err(why) = self.player.ready(&server) {
                    self.failed(format!("readyz: {why}"));
                }
                Some(server)
            }
            Err(why) => {
                if begun.elapsed() >= BOUND {
                    self.outcome.hung.push("serve".to_owned());
                }
                self.failed(format!("serve: {why}"));
                None
            }
        }
    }

    fn stopped(&mut self, server: &mut Server) {
        let ended = server.signal(Signal::TERM);
        if ended != Some(0) {
            self.failed(format!("a stop ends with {ended:?}"));
        }
    }

    /// Everything that was answered before is asked again.
    fn looks(&mut self, server: Option<&Server>) {
        let template = self.template;
        for (look, truth) in &template.truth {
            // One that hangs is enough.
            if !self.outcome.hung.is_empty() {
                return;
            }
            if matches!(look, Look::Export(_)) && !self.at_last {
                continue;
            }
            match look.answer(&self.player, server) {
                Err(said) => {
                    if said.starts_with(&format!("exit {HUNG}")) {
                        self.outcome.hung.push(format!("{look:?}"));
                    }
                    if said.contains("panicked") {
                        self.outcome.panicked.push(format!("{look:?}: {said}"));
                    }
                    self.failed(format!("{} {look:?}: {said}", look.workspace()));
                }
                Ok(answer) if matches!(look, Look::Token(_)) && server.is_none() => drop(answer),
                Ok(answer) => {
                    if let Some(lacks) = truth.difference(&answer).next() {
                        let short: String = lacks.chars().take(200).collect();
                        self.wrong(format!("{} {look:?} lacks {short}", look.workspace()));
                    }
                }
            }
        }
    }

    fn writes(&mut self, server: &Server, round: u64) {
        for (workspace, agent, zone) in [("default", "first-agent", "crm"), ("other", "second", "ops")] {
            for n in 0..3 {
                let write = Write {
                    workspace,
                    agent,
                    entity: format!("{zone}/trial/{round}/{n}"),
                    value: round * 10 + n,
                };
                match self.player.write(server, &write) {
                    Ok(deed) => self.acknowledged.push((write, deed)),
                    Err(why) => self.failed(format!("{workspace} write: {why}")),
                }
            }
        }
    }

    /// What was acknowledged in this trial is in the exports.
    fn acknowledged(&mut self) {
        for workspace in ["default", "other"] {
            if !self.outcome.hung.is_empty() {
                return;
            }
            // That it can't be had was told.
            let Ok(export) = Look::Export(workspace).answer(&self.player, None) else { continue };
            let there: BTreeSet<String> = export
                .iter()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                .map(|line| {
                    format!(
                        "{} {} {}",
                        line["seq"], line["deed"]["subject"], line["deed"]["data"]["fields"][0]["after"]
                    )
                })
                .collect();
            let lacks: Vec<String> = self
                .acknowledged
                .iter()
                .filter(|(write, _)| write.workspace == workspace)
                .map(|(write, deed)| format!("{deed} {:?} {}", write.entity, write.value))
                .filter(|one| !there.contains(one))
                .collect();
            for one in lacks {
                self.wrong(format!("{workspace}: what was acknowledged is gone: {one}"));
            }
        }
    }

    fn at_the_end(&mut self) {
        self.at_last = true;
        if !self.outcome.hung.is_empty() {
            return;
        }
        let mut server = self.started();
        self.looks(server.as_ref());
        self.acknowledged();
        if let Some(server) = &mut server {
            self.stopped(server);
        }
        self.verify();
        self.outcome.last = self.doctor();
        let log = fs::read_to_string(self.player.home.dir.path().join("serve.log")).unwrap_or_default();
        let loud = log.lines().filter(|line| line.contains(" WARN ") || line.contains("ERROR "));
        self.outcome.logged = loud.map(str::to_owned).collect();
        if log.contains("panicked") {
            self.outcome.panicked.push(log);
        }
        let data = self.player.home.data();
        let all = if data.is_dir() { table::everything(&data) } else { Vec::new() };
        let unknown = |place: &PathBuf| table::row(place).is_none();
        self.outcome.unknown = all.into_iter().filter(unknown).collect();
    }
}
