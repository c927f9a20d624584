//! What an operator asks of a daemon on the same machine. While the daemon runs it holds the store, so the request goes
//! over a socket in its home; when none runs, the store is opened directly. Both ways end in [`answer`].

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use crate::config::Home;
use crate::daemon::{Daemon, now};
use crate::db::{Db, DbError};
use crate::queue::{Command, Queue};

/// Longest request in bytes; an answer holds the whole queue.
const MAX_REQUEST: u64 = 4096;
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Commands of the queue; without `all` only those that wait, run or are dead letters.
    List { all: bool },
    /// A dead letter is tried again at once.
    Retry { id: u64 },
    /// A dead letter is given up.
    Drop { id: u64 },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Commands(Vec<Command>),
    Done,
    Refused(String),
}

#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("there is no provider in {0}; run `virtengine provider init`, or name its folder with --home")]
    NoHome(String),
    #[error("the daemon holds its store and does not answer at {socket}: {cause}; restart it")]
    Silent { socket: String, cause: String },
    #[error("{0}")]
    Refused(String),
}

/// Carries the request out on an open store.
pub fn answer(db: &Db, request: &Request) -> Result<Answer, DbError> {
    let queue = Queue::new(db);
    let no_letter = |id: u64| Answer::Refused(format!("command {id} is no dead letter; see `provider queue list`"));
    Ok(match request {
        Request::List { all } => {
            let mut commands = queue.all()?;
            commands.retain(|command| *all || command.needs_attention());
            Answer::Commands(commands)
        }
        Request::Retry { id } => {
            if queue.retry(*id, now())? {
                Answer::Done
            } else {
                no_letter(*id)
            }
        }
        Request::Drop { id } => {
            if queue.drop_letter(*id, now())? {
                Answer::Done
            } else {
                no_letter(*id)
            }
        }
    })
}

/// Asks the daemon of `home`, or its store when it does not run.
pub async fn ask(home: &Home, request: &Request) -> Result<Answer, AdminError> {
    if !home.database().exists() {
        return Err(AdminError::NoHome(home.0.display().to_string()));
    }
    let answered = match Db::open(&home.database()) {
        Ok(db) => answer(&db, request)?,
        Err(DbError::InUse) => {
            let socket = home.admin();
            let silent = |cause: String| AdminError::Silent { socket: socket.display().to_string(), cause };
            let asked = timeout(PATIENCE, exchange(&socket, request)).await;
            asked.map_err(|_| silent("no answer in time".into()))?.map_err(|error| silent(error.to_string()))?
        }
        Err(error) => return Err(error.into()),
    };
    match answered {
        Answer::Refused(cause) => Err(AdminError::Refused(cause)),
        done => Ok(done),
    }
}

async fn exchange(socket: &Path, request: &Request) -> std::io::Result<Answer> {
    let mut stream = UnixStream::connect(socket).await?;
    let mut line = serde_json::to_vec(request)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// Listens in the daemon's home until the process ends. Only the daemon's own user and root are heard.
pub async fn serve(daemon: Arc<Daemon>, home: Home) -> std::io::Result<()> {
    let path = home.admin();
    // Left by a daemon that was killed; the store's lock says that it is gone.
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path)?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
    loop {
        let (stream, _) = listener.accept().await?;
        let trusted = stream.peer_cred().is_ok_and(|peer| trusted(peer.uid()));
        if trusted && let Err(error) = timeout(PATIENCE, talk(&daemon, stream)).await.unwrap_or(Ok(())) {
            tracing::debug!(%error, "an operator's request broke off");
        }
    }
}

fn trusted(uid: u32) -> bool {
    uid == 0 || uid == rustix::process::geteuid().as_raw()
}

async fn talk(daemon: &Daemon, mut stream: UnixStream) -> std::io::Result<()> {
    let (read, mut write) = stream.split();
    let mut line = Vec::new();
    BufReader::new(read.take(MAX_REQUEST)).read_until(b'\n', &mut line).await?;
    let answered = match serde_json::from_slice::<Request>(&line) {
        Ok(request) => {
            let answered = answer(&daemon.db, &request).unwrap_or_else(|error| Answer::Refused(error.to_string()));
            if !matches!(request, Request::List { .. }) && answered == Answer::Done {
                tracing::info!(target: "audit", ?request, "an operator changed the queue");
                daemon.wake_queue();
            }
            answered
        }
        Err(error) => Answer::Refused(format!("the request is not understood: {error}; use tools of this release")),
    };
    write.write_all(&serde_json::to_vec(&answered)?).await?;
    write.shutdown().await
}

#[cfg(test)]
#[path = "admin_tests.rs"]
mod tests;
