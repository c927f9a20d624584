//! Reads what keepers wrote.

use std::collections::VecDeque;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;

use super::shim::log_files;
use super::state::{self, ReplicaRecord};
use crate::backend::{LogLine, LogQuery, LogStream, ReplicaState};

/// Pause between looks for new lines.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Lines waiting for a slow reader.
const QUEUE: usize = 256;

/// Streams the logs of replicas, each given by its index and directory.
pub(super) fn stream(replicas: Vec<(u32, PathBuf)>, query: LogQuery) -> LogStream {
    let (sender, receiver) = mpsc::channel(QUEUE);
    if query.follow {
        for replica in replicas {
            let sender = sender.clone();
            tokio::task::spawn_blocking(move || read_replica(replica, query, &sender));
        }
    } else {
        tokio::task::spawn_blocking(move || {
            for replica in replicas {
                read_replica(replica, query, &sender);
            }
        });
    }
    receiver
}

/// Where reading of a replica's log stands.
struct Reader {
    index: u32,
    dir: PathBuf,
    number: u64,
    file: Option<BufReader<fs::File>>,
    line: String,
}

impl Reader {
    /// The next whole line, if it is written already.
    fn next(&mut self) -> Option<LogLine> {
        loop {
            if self.file.is_none() {
                let path = log_files::file_path(&self.dir, self.number);
                self.file = fs::File::open(path).ok().map(BufReader::new);
            }
            let read = match &mut self.file {
                Some(file) => file.read_line(&mut self.line).unwrap_or(0),
                None => 0,
            };
            if self.line.ends_with('\n') {
                let parsed = serde_json::from_str::<LogLine>(&self.line);
                self.line.clear();
                match parsed {
                    Ok(line) => {
                        return Some(LogLine { replica: self.index, ..line });
                    }
                    // A line cut by a power failure.
                    Err(_) => continue,
                }
            }
            if read > 0 {
                continue;
            }
            // The end of this file; go on only when a newer one exists, which means
            // that nothing is added here any more.
            let numbers = log_files::numbers(&self.dir).unwrap_or_default();
            let newer = numbers.into_iter().find(|n| *n > self.number)?;
            self.number = newer;
            self.file = None;
            self.line.clear();
        }
    }
}

fn read_replica((index, dir): (u32, PathBuf), query: LogQuery, sender: &mpsc::Sender<LogLine>) {
    let logs = dir.join("logs");
    let first = log_files::numbers(&logs).unwrap_or_default();
    let mut reader =
        Reader { index, dir: logs, number: first.first().copied().unwrap_or(1), file: None, line: String::new() };
    match query.tail {
        None => {
            while let Some(line) = reader.next() {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        }
        Some(tail) => {
            let mut last = VecDeque::new();
            while let Some(line) = reader.next() {
                last.push_back(line);
                if last.len() > tail {
                    last.pop_front();
                }
            }
            for line in last {
                if sender.blocking_send(line).is_err() {
                    return;
                }
            }
        }
    }
    while query.follow && !sender.is_closed() {
        // Looked at before the lines: what was written before the end is still read.
        let over = ended(&dir);
        while let Some(line) = reader.next() {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
        if over {
            return;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Whether the replica will write nothing more.
fn ended(dir: &std::path::Path) -> bool {
    match state::read_json::<ReplicaRecord>(&dir.join("replica.json")) {
        Ok(Some(record)) => record.state == ReplicaState::Exited || !record.keeper.is_alive(),
        Ok(None) => !dir.exists(),
        Err(_) => false,
    }
}
