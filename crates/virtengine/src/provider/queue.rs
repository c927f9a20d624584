//! `virtengine provider queue`: what the daemon is to do, and what it could not do.

use anyhow::{Result, bail};
use serde_json::{Value, json};
use ve_base::BlockTime;
use ve_provider::admin::{Answer, Request, ask};
use ve_provider::config::Home;
use ve_provider::queue::Command;

use crate::cli::Output;

#[derive(Debug, clap::Subcommand)]
pub enum QueueCommand {
    /// Show commands that wait, run or were given up
    List {
        /// Also those that ended within the last day
        #[arg(long)]
        all: bool,
    },
    /// Try a command again that was given up
    Retry {
        /// Its number in `queue list`
        id: u64,
    },
    /// Give a command up for good; a lease that cannot be served is then best closed
    Drop {
        /// Its number in `queue list`
        id: u64,
    },
}

pub async fn run(home: &Home, output: Output, command: QueueCommand) -> Result<()> {
    let (request, done) = match command {
        QueueCommand::List { all } => (Request::List { all }, Value::Null),
        QueueCommand::Retry { id } => (Request::Retry { id }, json!({"retried": id})),
        QueueCommand::Drop { id } => (Request::Drop { id }, json!({"dropped": id})),
    };
    match ask(home, &request).await? {
        Answer::Commands(commands) => output.print(&commands.iter().map(shown).collect()),
        Answer::Done => output.print(&done),
        Answer::Refused(cause) => bail!(cause),
    }
    Ok(())
}

fn shown(command: &Command) -> Value {
    let time = |seconds: u64| BlockTime { seconds: i64::try_from(seconds).unwrap_or(0), nanos: 0 }.to_string();
    json!({
        "id": command.id,
        "state": command.state.name(),
        "action": command.action,
        "lease": command.lease.to_string(),
        "revision": command.revision,
        "attempts": command.attempts,
        "last_error": command.last_error,
        "created_at": time(command.created_at),
        "next_at": command.ended_at.is_none().then(|| time(command.next_at)),
        "ended_at": command.ended_at.map(time),
    })
}
