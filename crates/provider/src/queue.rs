//! The durable queue of lifecycle commands (marketplace spec section 13.4). One command per (lease, revision, action):
//! asking twice is the same as asking once. Commands of one lease run in order; a command that was running when the
//! daemon died runs again, and the backend finds by its tag what was already done.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use ve_client::operation::ResultCode;

use crate::db::{Db, DbError, Records};
use crate::model::LeaseId;

const COMMANDS: Records<Command> = Records::new("commands");
const IDEMPOTENCY: Records<u64> = Records::new("command_keys");
const NEXT_ID: Records<u64> = Records::new("command_next_id");

const FIRST_BACKOFF_S: u64 = 10;
const MAX_BACKOFF_S: u64 = 300;
pub const MAX_ATTEMPTS: u32 = 5;
/// How long a running command is believed to be alive.
pub const EXECUTION_LEASE_S: u64 = 1200;
/// Ended commands are kept this long for operators and for idempotency.
pub const KEEP_ENDED_S: u64 = 86_400;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Provision,
    Update,
    Suspend,
    Resume,
    Terminate,
    /// The customer's operations on the chain; their revision is the number of the operation.
    Stop,
    Start,
    Restart,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum CommandState {
    Pending,
    /// Until the given time another worker must not take it.
    Executing {
        until: u64,
    },
    Succeeded,
    /// Overtaken by a later command, or refused for good.
    Failed,
    /// Gave up after [`MAX_ATTEMPTS`]; an operator retries or drops it.
    DeadLetter,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Command {
    pub id: u64,
    pub idem_key: String,
    pub lease: LeaseId,
    pub action: Action,
    /// What the action is for: a generation of the workload, a turn of suspension, or an operation of the chain.
    pub revision: u64,
    pub attempts: u32,
    /// Unix seconds before which it is not tried.
    pub next_at: u64,
    pub state: CommandState,
    pub last_error: Option<String>,
    pub created_at: u64,
    pub ended_at: Option<u64>,
}

impl Command {
    fn live(&self) -> bool {
        matches!(self.state, CommandState::Pending | CommandState::Executing { .. })
    }

    /// Waits, runs, or is a dead letter that waits for its operator.
    pub fn needs_attention(&self) -> bool {
        self.live() || self.state == CommandState::DeadLetter
    }
}

impl CommandState {
    /// Stable name for metrics and operators; also that of its JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Executing { .. } => "executing",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::DeadLetter => "dead_letter",
        }
    }
}

/// How the queue stands to a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Idle,
    /// A command waits or runs.
    Working,
    /// The newest attempt to run the lease's present generation failed for good or became a dead letter.
    GaveUp,
}

impl Standing {
    /// From all commands, in the order of their ids.
    pub fn of(commands: &[Command], lease: &LeaseId, generation: u32) -> Self {
        let own = || commands.iter().filter(|command| command.lease == *lease);
        if own().any(Command::live) {
            return Self::Working;
        }
        let runs = |command: &&Command| {
            matches!(command.action, Action::Provision | Action::Update) && command.revision == u64::from(generation)
        };
        match own().rfind(runs).map(|command| &command.state) {
            Some(CommandState::Failed | CommandState::DeadLetter) => Self::GaveUp,
            _ => Self::Idle,
        }
    }
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the chain is told of it, when it asked for the command.
    pub code: ResultCode,
    pub text: String,
}

impl Failure {
    pub fn new(code: ResultCode, text: impl Into<String>) -> Self {
        Self { code, text: text.into() }
    }
}

impl<T: Into<String>> From<T> for Failure {
    fn from(text: T) -> Self {
        Self::new(ResultCode::Internal, text)
    }
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Worth another try.
    Transient(Failure),
    /// Trying again cannot help.
    Permanent(Failure),
    /// It is done, and the chain cannot be told now. Does not count as an attempt: a chain that is out of reach is no
    /// fault of the workload.
    Unheard(String),
}

/// Same inputs, same key: the preimage is domain-separated and length-prefixed (marketplace spec section 0).
pub fn idempotency_key(lease: &LeaseId, revision: u64, action: Action) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"VE|cmd|v1|");
    for field in [lease.to_string(), revision.to_string(), format!("{action:?}")] {
        hasher.update(u32::try_from(field.len()).unwrap_or(u32::MAX).to_be_bytes());
        hasher.update(field.as_bytes());
    }
    hex::encode(hasher.finalize())
}

pub struct Queue<'a> {
    db: &'a Db,
}

impl<'a> Queue<'a> {
    pub fn new(db: &'a Db) -> Self {
        Self { db }
    }

    /// Adds the command unless the same one was ever asked for; returns its id. Terminate overtakes what waits before
    /// it for the same lease.
    pub fn push(&self, lease: &LeaseId, action: Action, revision: u64, now: u64) -> Result<u64, DbError> {
        let idem_key = idempotency_key(lease, revision, action);
        self.db.write(|writer| {
            if let Some(id) = writer.get(&IDEMPOTENCY, &idem_key)? {
                return Ok(id);
            }
            let id = writer.get(&NEXT_ID, "next")?.unwrap_or(1);
            writer.put(&NEXT_ID, "next", &(id + 1))?;
            if action == Action::Terminate {
                for (key, mut waiting) in writer.all(&COMMANDS)? {
                    if waiting.lease == *lease && waiting.state == CommandState::Pending {
                        waiting.state = CommandState::Failed;
                        waiting.last_error = Some("the lease ended first".into());
                        waiting.ended_at = Some(now);
                        writer.put(&COMMANDS, &key, &waiting)?;
                    }
                }
            }
            let command = Command {
                id,
                idem_key: idem_key.clone(),
                lease: lease.clone(),
                action,
                revision,
                attempts: 0,
                next_at: now,
                state: CommandState::Pending,
                last_error: None,
                created_at: now,
                ended_at: None,
            };
            writer.put(&IDEMPOTENCY, &idem_key, &id)?;
            writer.put(&COMMANDS, &key_of(id), &command)?;
            Ok(id)
        })
    }

    /// Takes the next command that is due, oldest first and at most one per lease, and marks it as executing.
    pub fn take(&self, now: u64) -> Result<Option<Command>, DbError> {
        // An idle daemon looks often and must not write to the disk for it.
        if due(self.db.all(&COMMANDS)?, now).is_none() {
            return Ok(None);
        }
        self.db.write(|writer| {
            let Some((key, mut command)) = due(writer.all(&COMMANDS)?, now) else { return Ok(None) };
            command.state = CommandState::Executing { until: now + EXECUTION_LEASE_S };
            command.attempts += 1;
            writer.put(&COMMANDS, &key, &command)?;
            Ok(Some(command))
        })
    }

    /// Records how the attempt ended.
    pub fn finish(&self, id: u64, outcome: Outcome, now: u64) -> Result<(), DbError> {
        self.db.write(|writer| {
            let key = key_of(id);
            let Some(mut command) = writer.get(&COMMANDS, &key)? else { return Ok(()) };
            let (state, error) = match outcome {
                Outcome::Done => (CommandState::Succeeded, None),
                Outcome::Permanent(failure) => (CommandState::Failed, Some(failure.text)),
                Outcome::Transient(failure) if command.attempts >= MAX_ATTEMPTS => {
                    (CommandState::DeadLetter, Some(failure.text))
                }
                Outcome::Transient(failure) => (CommandState::Pending, Some(failure.text)),
                Outcome::Unheard(error) => {
                    command.attempts = command.attempts.saturating_sub(1);
                    (CommandState::Pending, Some(error))
                }
            };
            command.next_at = now + backoff(command.attempts);
            command.ended_at = (state != CommandState::Pending).then_some(now);
            command.state = state;
            command.last_error = error;
            writer.put(&COMMANDS, &key, &command)
        })
    }

    /// After a start no worker of the previous process lives: what was executing is due again at once.
    pub fn recover(&self, now: u64) -> Result<(), DbError> {
        self.prune(now)?;
        self.db.write(|writer| {
            for (key, mut command) in writer.all(&COMMANDS)? {
                if matches!(command.state, CommandState::Executing { .. }) {
                    command.state = CommandState::Pending;
                    command.attempts = command.attempts.saturating_sub(1);
                    command.next_at = now;
                    writer.put(&COMMANDS, &key, &command)?;
                }
            }
            Ok(())
        })
    }

    /// Forgets what ended more than [`KEEP_ENDED_S`] ago, but no dead letter.
    pub fn prune(&self, now: u64) -> Result<(), DbError> {
        self.db.write(|writer| {
            for (key, command) in writer.all(&COMMANDS)? {
                let old = command.ended_at.is_some_and(|at| at + KEEP_ENDED_S < now);
                if old && command.state != CommandState::DeadLetter {
                    writer.remove(&COMMANDS, &key)?;
                    writer.remove(&IDEMPOTENCY, &command.idem_key)?;
                }
            }
            Ok(())
        })
    }

    /// Tries a dead letter again, by an operator's order.
    pub fn retry(&self, id: u64, now: u64) -> Result<bool, DbError> {
        self.db.write(|writer| {
            let key = key_of(id);
            match writer.get(&COMMANDS, &key)? {
                Some(command) if command.state == CommandState::DeadLetter => {
                    let again =
                        Command { state: CommandState::Pending, attempts: 0, next_at: now, ended_at: None, ..command };
                    writer.put(&COMMANDS, &key, &again)?;
                    Ok(true)
                }
                _ => Ok(false),
            }
        })
    }

    /// Gives a dead letter up for good, by an operator's order.
    pub fn drop_letter(&self, id: u64, now: u64) -> Result<bool, DbError> {
        self.db.write(|writer| {
            let key = key_of(id);
            match writer.get(&COMMANDS, &key)? {
                Some(mut command) if command.state == CommandState::DeadLetter => {
                    command.state = CommandState::Failed;
                    command.ended_at = Some(now);
                    let cause = command.last_error.take().unwrap_or_default();
                    command.last_error = Some(format!("dropped by the operator; before that: {cause}"));
                    writer.put(&COMMANDS, &key, &command)?;
                    Ok(true)
                }
                _ => Ok(false),
            }
        })
    }

    /// Whether the same request was made and is waiting, running or done.
    pub fn find(&self, lease: &LeaseId, action: Action, revision: u64) -> Result<Option<Command>, DbError> {
        match self.db.get(&IDEMPOTENCY, &idempotency_key(lease, revision, action))? {
            Some(id) => self.db.get(&COMMANDS, &key_of(id)),
            None => Ok(None),
        }
    }

    pub fn all(&self) -> Result<Vec<Command>, DbError> {
        Ok(self.db.all(&COMMANDS)?.into_iter().map(|(_, command)| command).collect())
    }
}

/// The first command that may run now; one that waits holds back the later ones of its lease.
fn due(commands: Vec<(String, Command)>, now: u64) -> Option<(String, Command)> {
    let mut blocked: Vec<LeaseId> = Vec::new();
    for (key, command) in commands {
        if !command.live() || blocked.contains(&command.lease) {
            continue;
        }
        let due = match command.state {
            CommandState::Executing { until } => until <= now,
            _ => command.next_at <= now,
        };
        if due {
            return Some((key, command));
        }
        blocked.push(command.lease);
    }
    None
}

/// Keys sort by id.
fn key_of(id: u64) -> String {
    format!("{id:020}")
}

fn backoff(attempts: u32) -> u64 {
    let doubled = 1u64.checked_shl(attempts.saturating_sub(1)).unwrap_or(u64::MAX);
    FIRST_BACKOFF_S.saturating_mul(doubled).min(MAX_BACKOFF_S)
}

#[cfg(test)]
#[path = "queue_tests.rs"]
mod tests;
