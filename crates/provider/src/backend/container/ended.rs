//! Logs of workloads that have ended: sealed at the end, kept for a while, then gone (marketplace §13.5).
//!
//! ```text
//! ended/<id>/r<n>/<number>.sealed      one log file of the replica
//! ```

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::mpsc;

use super::shim::log_files;
use super::state::write_atomic;
use crate::backend::{BackendError, LogLine, LogQuery, LogStream, Result, WorkloadId};
use crate::seal::Seal;

/// Lines waiting for a slow reader.
const QUEUE: usize = 256;

/// How long logs of ended workloads are kept, and how they are sealed.
#[derive(Debug, Clone)]
pub struct KeepLogs {
    /// From the end of the workload on.
    pub time: Duration,
    /// Nothing is kept in the clear.
    pub seal: Arc<Seal>,
}

/// The name that a file is sealed under: one cannot be shown for another.
fn name(id: &WorkloadId, replica: u32, number: u64) -> String {
    format!("{id}/r{replica}/{number}")
}

fn dir(ended: &Path, id: &WorkloadId, replica: u32) -> PathBuf {
    ended.join(id.as_str()).join(format!("r{replica}"))
}

/// Seals what a replica's keeper wrote in `logs`. A repeated call goes on where an earlier one was cut off.
pub(super) fn keep(seal: &Seal, ended: &Path, id: &WorkloadId, replica: u32, logs: &Path) -> io::Result<()> {
    let to = dir(ended, id, replica);
    fs::create_dir_all(&to)?;
    for number in log_files::numbers(logs).or_else(absent)? {
        let plain = fs::read(log_files::file_path(logs, number))?;
        let sealed = seal.close_bytes(&name(id, replica, number), &plain);
        let sealed = sealed.ok_or_else(|| io::Error::other("no random numbers to seal logs with"))?;
        write_atomic(&to.join(format!("{number:010}.sealed")), &sealed)?;
    }
    Ok(())
}

fn absent(error: io::Error) -> io::Result<Vec<u64>> {
    if error.kind() == io::ErrorKind::NotFound { Ok(Vec::new()) } else { Err(error) }
}

/// Streams what was kept; it ends at the last line, also when following: nothing comes after the end.
pub(super) fn stream(seal: Arc<Seal>, ended: &Path, id: &WorkloadId, query: LogQuery) -> Result<LogStream> {
    let none = || BackendError::not_found(format!("no logs of workload {id} are kept here"));
    let mut replicas: Vec<u32> = fs::read_dir(ended.join(id.as_str()))
        .map_err(|_| none())?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_prefix('r')?.parse().ok())
        .filter(|index| query.replica.is_none_or(|wanted| wanted == *index))
        .collect();
    replicas.sort_unstable();
    if replicas.is_empty() {
        return Err(none());
    }
    let (sender, receiver) = mpsc::channel(QUEUE);
    let (id, ended) = (id.clone(), ended.to_owned());
    tokio::task::spawn_blocking(move || {
        for replica in replicas {
            let mut lines = VecDeque::new();
            for line in lines_of(&seal, &dir(&ended, &id, replica), &id, replica) {
                lines.push_back(line);
                if query.tail.is_some_and(|tail| lines.len() > tail) {
                    lines.pop_front();
                }
            }
            if lines.into_iter().any(|line| sender.blocking_send(line).is_err()) {
                return;
            }
        }
    });
    Ok(receiver)
}

fn lines_of(seal: &Seal, dir: &Path, id: &WorkloadId, replica: u32) -> Vec<LogLine> {
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_suffix(".sealed")?.parse::<u64>().ok();
    let mut numbers: Vec<u64> = fs::read_dir(dir).into_iter().flatten().flatten().filter_map(number).collect();
    numbers.sort_unstable();
    let mut lines = Vec::new();
    for number in numbers {
        let sealed = fs::read(dir.join(format!("{number:010}.sealed"))).unwrap_or_default();
        let Some(plain) = seal.open_bytes(&name(id, replica, number), &sealed) else {
            tracing::error!(%id, replica, number, "a kept log does not open: changed, or sealed by another daemon");
            continue;
        };
        let whole = plain.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<LogLine>(line).ok());
        lines.extend(whole.map(|line| LogLine { replica, ..line }));
    }
    lines
}

/// Removes what was kept long enough.
pub(super) fn forget(ended: &Path, time: Duration) {
    for entry in fs::read_dir(ended).into_iter().flatten().flatten() {
        let modified = entry.metadata().and_then(|m| m.modified());
        let age = modified.ok().and_then(|m| SystemTime::now().duration_since(m).ok());
        if age.is_some_and(|age| age > time) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
