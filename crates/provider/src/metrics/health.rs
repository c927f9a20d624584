//! Whether the daemon can do its work now.

use serde::Serialize;

use crate::daemon::{Daemon, now};
use crate::queue::{CommandState, Queue};

/// A chain that shows nothing for this long, or that is this many blocks ahead, makes the daemon not ready: one block
/// comes each second.
const MAX_LAG: u64 = 30;

/// Each part: `None` when well, else what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Health {
    pub chain: Option<String>,
    pub store: Option<String>,
    pub backend: Option<String>,
    pub certificate: Option<String>,
    /// Dead letters wait for the operator; they do not make the daemon unready.
    pub dead_letters: usize,
}

impl Health {
    pub async fn of(daemon: &Daemon) -> Self {
        let queue = Queue::new(&daemon.db).all();
        let dead = |commands: &Vec<crate::queue::Command>| {
            commands.iter().filter(|command| command.state == CommandState::DeadLetter).count()
        };
        let ends = daemon.counters.certificate_ends.get();
        Self {
            chain: chain(daemon),
            dead_letters: queue.as_ref().map_or(0, dead),
            store: queue.err().map(|error| error.to_string()),
            backend: daemon.backend.inventory().await.err().map(|error| error.to_string()),
            certificate: (ends > 0 && ends <= now())
                .then(|| "the gateway's certificate has expired; run `virtengine provider register`".to_owned()),
        }
    }

    pub fn ready(&self) -> bool {
        [&self.chain, &self.store, &self.backend, &self.certificate].iter().all(|part| part.is_none())
    }
}

fn chain(daemon: &Daemon) -> Option<String> {
    let lag = daemon.counters.lag();
    match daemon.counters.silence(now()) {
        None => Some("no block was seen yet".to_owned()),
        Some(silent) if silent > MAX_LAG => Some(format!("no block was seen for {silent} s")),
        Some(_) if lag > MAX_LAG => Some(format!("{lag} blocks are still to be handled")),
        Some(_) => None,
    }
}
