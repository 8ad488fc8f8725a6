//! A console at a server: keys go in, asks go over the wire, and what comes back is drawn.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::support::{Caller, northwind};
use deeds::console::app::{App, Settings};
use deeds::console::ask::Heard;
use deeds::console::testing::Runner;
use deeds::console::wire::{Endpoint, SeenAll, Wire};
use deeds::console::world::Me;
use deeds::coordinator::Clock;
use deeds::domain::ids::PersonId;
use deeds::domain::things::TokenClass;

/// How long a test waits for what must come.
const WAIT: Duration = Duration::from_secs(10);

/// A console at a server.
pub(crate) struct Desk {
    pub(crate) runner: Runner<App>,
    pub(crate) wire: Wire,
    heard: mpsc::Receiver<Heard>,
}

impl Desk {
    /// Somebody sits down, having seen this much of the ledger before.
    pub(crate) fn of(caller: &Caller, seen: SeenAll) -> Self {
        let me = Me { person: PersonId::new("nobody").unwrap(), class: TokenClass::Watcher };
        let app = App::new(northwind(), me, Settings::default());
        let (tell, heard) = mpsc::channel(64);
        let endpoint = Endpoint { workspace: northwind(), client: caller.client() };
        let wire = Wire::start(vec![endpoint], &northwind(), std::sync::Arc::new(seen.into()), tell, now);
        Self { runner: Runner::new(app, 120, 36, now()), wire, heard }
    }

    pub(crate) fn keys(&mut self, keys: &str) {
        self.runner.send_keys(keys).unwrap();
    }

    /// Serves asks and news until the screen shows this.
    pub(crate) async fn until(&mut self, shown: &str) {
        let end = Instant::now() + WAIT;
        loop {
            for ask in self.runner.take_done() {
                self.wire.perform(ask);
            }
            let screen = self.runner.screen_text();
            if screen.contains(shown) {
                return;
            }
            let heard = timeout_at(end, self.heard.recv()).await;
            let heard = heard.unwrap_or_else(|_| panic!("{shown:?} did not come:\n{screen}"));
            self.runner.server(heard.unwrap());
        }
    }
}

pub(crate) fn now() -> i64 {
    Clock::System.now().micros()
}
