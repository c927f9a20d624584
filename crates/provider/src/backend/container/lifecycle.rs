//! Placing, starting, stopping and ending workloads.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::PoisonError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use nix::sys::signal::Signal;

use super::state::{self, Desired, KeeperConfig, ReplicaRecord, StopRequest, WorkloadRecord, now_ms};
use super::{ContainerBackend, Inner, ended};
use crate::backend::{BackendError, Place, ReplicaState, Resources, Result, WorkloadId, WorkloadSpec};

/// Longest wait for the replicas of a workload to come up.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// Beyond the grace time, for a keeper to finish.
const STOP_SLACK: Duration = Duration::from_secs(10);
/// Beyond that, to put aside what the workload has written.
const KEEP_SLACK: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(20);

#[async_trait]
impl Place for ContainerBackend {
    async fn provision(&self, idem: &str, spec: &WorkloadSpec) -> Result<WorkloadId> {
        let inner = &self.inner;
        if idem.is_empty() || idem.len() > 256 {
            return Err(BackendError::invalid("an idempotency key has 1 to 256 bytes"));
        }
        inner.check_spec(spec)?;
        let id = WorkloadId::derive(&spec.lease_tag, &spec.service, idem);
        let lock = inner.lock_of(&id);
        let _one = lock.lock().await;
        let record = match inner.record(&id)? {
            Some(record) if record.desired == Desired::Terminated => {
                inner.tear_down(&id).await?;
                inner.place(&id, idem, spec).await?
            }
            Some(record) if record.spec != stored(spec) => {
                return Err(BackendError::conflict("this idempotency key placed another specification; use a new key"));
            }
            // An earlier call placed it; a stop since then stays in force.
            Some(record) if record.desired == Desired::Stopped => return Ok(record.id),
            Some(record) => record,
            None => inner.place(&id, idem, spec).await?,
        };
        if let Err(e) = inner.bring_up(&record, false).await {
            inner.tear_down(&id).await?;
            return Err(e);
        }
        Ok(id)
    }

    async fn start(&self, id: &WorkloadId) -> Result<()> {
        let lock = self.inner.lock_of(id);
        let _one = lock.lock().await;
        let mut record = self.inner.require(id)?;
        record.desired = Desired::Running;
        self.inner.save(&record)?;
        self.inner.bring_up(&record, true).await
    }

    async fn stop(&self, id: &WorkloadId, grace: Duration) -> Result<()> {
        let lock = self.inner.lock_of(id);
        let _one = lock.lock().await;
        let mut record = self.inner.require(id)?;
        record.desired = Desired::Stopped;
        self.inner.save(&record)?;
        self.inner.halt(&record, grace).await
    }

    async fn restart(&self, id: &WorkloadId, key: &str, grace: Duration) -> Result<()> {
        let lock = self.inner.lock_of(id);
        let _one = lock.lock().await;
        let mut record = self.inner.require(id)?;
        if record.restarted.as_deref() != Some(key) {
            // While it is to be stopped, no healing starts it: what runs after the next write was started by it.
            record.desired = Desired::Stopped;
            self.inner.save(&record)?;
            self.inner.halt(&record, grace).await?;
            record.restarted = Some(key.to_owned());
        }
        record.desired = Desired::Running;
        self.inner.save(&record)?;
        self.inner.bring_up(&record, true).await
    }

    /// Kills at once; call `stop` first to give the processes time.
    async fn terminate(&self, id: &WorkloadId) -> Result<()> {
        let lock = self.inner.lock_of(id);
        let _one = lock.lock().await;
        self.inner.tear_down(id).await
    }
}

/// What of a specification is kept: everything but the registry login.
fn stored(spec: &WorkloadSpec) -> WorkloadSpec {
    WorkloadSpec { credentials: None, ..spec.clone() }
}

impl Inner {
    /// Reserves capacity and writes the workload down, with its image ready.
    async fn place(&self, id: &WorkloadId, idem: &str, spec: &WorkloadSpec) -> Result<WorkloadRecord> {
        self.check_room(spec)?;
        let credentials = spec.credentials.as_ref();
        let image = self.images.prepare(&spec.image, credentials).await?;
        let _admission = self.admission.lock().await;
        // Again: the pull took its time.
        self.check_room(spec)?;
        let record = WorkloadRecord {
            id: id.clone(),
            idem: idem.to_owned(),
            spec: stored(spec),
            image,
            created_at_unix_ms: now_ms(),
            desired: Desired::Running,
            restarted: None,
            net: (0, 0),
        };
        let io = |e| BackendError::io(format!("create workload {id}"), e);
        fs::create_dir_all(self.dir(id)).map_err(io)?;
        self.save(&record)?;
        Ok(record)
    }

    fn check_room(&self, spec: &WorkloadSpec) -> Result<()> {
        let asked = spec.resources.times(spec.replicas);
        let sum = asked.and_then(|a| self.reserved().ok()?.plus(a));
        match sum {
            Some(sum) if sum.fits(self.total) => Ok(()),
            _ => Err(BackendError::quota("not enough free capacity; wait until something ends or ask for less")),
        }
    }

    /// Capacity held by all workloads.
    pub(super) fn reserved(&self) -> Result<Resources> {
        let mut sum = Resources::default();
        for record in self.all_records()? {
            let held = record.spec.resources.times(record.spec.replicas);
            sum = held.and_then(|h| sum.plus(h)).ok_or_else(|| BackendError::transient("reservations overflow"))?;
        }
        Ok(sum)
    }

    /// Starts what does not run and waits until it does. What ended by its restart
    /// policy runs `again` only when asked to: a repeated order to place it must not
    /// run a finished job twice.
    async fn bring_up(&self, record: &WorkloadRecord, again: bool) -> Result<()> {
        for index in 0..record.spec.replicas {
            let dir = self.replica_dir(&record.id, index);
            let replica = self.replica(&record.id, index)?;
            let needed = match replica {
                None => true,
                Some(replica) if replica.state == ReplicaState::Exited => again,
                Some(replica) => !replica.keeper.is_alive(),
            };
            if needed {
                self.start_keeper(record, index, &dir)?;
            }
        }
        self.publish(record).await?;
        let deadline = Instant::now() + START_TIMEOUT;
        for index in 0..record.spec.replicas {
            self.wait_started(&record.id, index, deadline).await?;
        }
        Ok(())
    }

    pub(super) async fn publish(&self, record: &WorkloadRecord) -> Result<()> {
        let replicas = 0..record.spec.replicas;
        let dirs = replicas.map(|i| self.replica_dir(&record.id, i)).collect();
        let traffic = self.traffic_of(record);
        self.proxy.publish(record, dirs, traffic).await.map_err(|e| BackendError::io("publish ports", e))
    }

    pub(super) fn replica(&self, id: &WorkloadId, index: u32) -> Result<Option<ReplicaRecord>> {
        state::read_json(&self.replica_dir(id, index).join("replica.json"))
            .map_err(|e| BackendError::io(format!("read replica {index} of {id}"), e))
    }

    fn start_keeper(&self, record: &WorkloadRecord, index: u32, dir: &Path) -> Result<()> {
        let io = |e| BackendError::io(format!("start replica {index} of {}", record.id), e);
        fs::create_dir_all(dir).map_err(io)?;
        let _ = fs::remove_file(dir.join("stop.json"));
        // The old record must not be taken for the new keeper's.
        let _ = fs::rename(dir.join("replica.json"), dir.join("previous.json"));
        let keeper = self.keeper_config(record, index)?;
        state::write_json(&dir.join("keeper.json"), &keeper).map_err(io)?;
        // What a killed keeper left must not count against the new one.
        let group = self.cgroup(&record.id, index);
        if group.exists() {
            group.kill();
        }
        let log = fs::File::create(dir.join("keeper.log")).map_err(io)?;
        let (program, leading) =
            self.config.shim.split_first().ok_or_else(|| BackendError::invalid("no keeper program is configured"))?;
        let mut command = std::process::Command::new(program);
        command
            .arg0("ve-keeper")
            .args(leading)
            .arg("keep")
            .arg(dir)
            // The daemon's environment may hold secrets; the keeper needs none of it.
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        let mut child = tokio::process::Command::from(command).spawn().map_err(io)?;
        tokio::spawn(async move { child.wait().await });
        Ok(())
    }

    fn keeper_config(&self, record: &WorkloadRecord, index: u32) -> Result<KeeperConfig> {
        let config = &self.config;
        let ms = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX);
        let name: String = record.spec.service.chars().take(50).collect();
        Ok(KeeperConfig {
            container: format!("{}-{index}", record.id),
            cgroup: format!("{}/{}-{index}", self.group, record.id),
            rootfs: self.images.rootfs(&record.image.digest)?.to_string_lossy().into_owned(),
            stage: self.machine.stage.clone(),
            hostname: format!("{name}-{index}"),
            spec: record.spec.clone(),
            image: record.image.clone(),
            ids: config.owner_ids(),
            user_namespace: config.user_namespace,
            pids_limit: i64::from(config.pids_limit),
            sample_ms: ms(config.sample_every),
            log_file_bytes: config.log_file_bytes,
            log_files: config.log_files,
            restart_min_ms: ms(config.restart_pause.0),
            restart_max_ms: ms(config.restart_pause.1),
        })
    }

    async fn wait_started(&self, id: &WorkloadId, index: u32, deadline: Instant) -> Result<()> {
        let dir = self.replica_dir(id, index);
        let mut dead_looks = 0;
        while Instant::now() < deadline {
            if let Some(replica) = self.replica(id, index)? {
                match (&replica.last_exit, replica.state) {
                    (_, ReplicaState::Running) => return Ok(()),
                    (Some(exit), ReplicaState::Exited) if !exit.error.is_empty() => {
                        return Err(BackendError::invalid(format!(
                            "replica {index} could not be started: {}; check the image, command \
                             and arguments",
                            exit.error
                        )));
                    }
                    (_, ReplicaState::Exited | ReplicaState::Backoff) => return Ok(()),
                    _ if replica.keeper.is_alive() => dead_looks = 0,
                    _ => dead_looks += 1,
                }
            } else {
                dead_looks += i32::from(!is_locked(&dir.join("keeper.lock")));
            }
            // Several looks: the new keeper may not have written yet.
            if dead_looks > 250 {
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let said = fs::read_to_string(dir.join("keeper.log")).unwrap_or_default();
        Err(BackendError::transient(format!(
            "replica {index} did not start: {}",
            said.trim().lines().last().unwrap_or("its keeper is silent")
        )))
    }

    /// Stops every replica and waits until nothing of it runs. What it wrote is kept unless it ends for good.
    async fn halt(&self, record: &WorkloadRecord, grace: Duration) -> Result<()> {
        let keep = record.desired != Desired::Terminated;
        let request = StopRequest { grace_ms: u64::try_from(grace.as_millis()).unwrap_or(u64::MAX), keep };
        for index in 0..record.spec.replicas {
            let dir = self.replica_dir(&record.id, index);
            if !dir.exists() {
                continue;
            }
            state::write_json(&dir.join("stop.json"), &request).map_err(|e| BackendError::io("ask for a stop", e))?;
            if let Some(replica) = self.replica(&record.id, index)? {
                replica.keeper.signal(Signal::SIGTERM);
            }
        }
        let deadline = Instant::now() + grace + STOP_SLACK + if keep { KEEP_SLACK } else { Duration::ZERO };
        for index in 0..record.spec.replicas {
            let dir = self.replica_dir(&record.id, index);
            while is_locked(&dir.join("keeper.lock")) && Instant::now() < deadline {
                // Again: a keeper that had not yet read its orders gets them now.
                if let Some(replica) = self.replica(&record.id, index)?
                    && grace.is_zero()
                {
                    replica.keeper.signal(Signal::SIGTERM);
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
            if let Some(replica) = self.replica(&record.id, index)? {
                replica.keeper.signal(Signal::SIGKILL);
            }
            let group = self.cgroup(&record.id, index);
            let clean = tokio::task::spawn_blocking(move || !group.exists() || (group.kill() && group.remove()));
            if !clean.await.unwrap_or(false) {
                return Err(BackendError::transient(format!(
                    "processes of replica {index} of {} do not end; try again",
                    record.id
                )));
            }
        }
        self.proxy.forget_dead();
        Ok(())
    }

    /// Ends a workload and removes every trace but kept logs.
    pub(super) async fn tear_down(&self, id: &WorkloadId) -> Result<()> {
        let Some(mut record) = self.record(id)? else {
            // A crash may have come between creating the directory and its record.
            let _ = fs::remove_dir_all(self.dir(id));
            return Ok(());
        };
        if record.desired != Desired::Terminated {
            record.desired = Desired::Terminated;
            self.save(&record)?;
        }
        self.proxy.unpublish(id).await.map_err(|e| BackendError::io("close ports", e))?;
        self.halt(&record, Duration::ZERO).await?;
        let io = |e| BackendError::io(format!("remove workload {id}"), e);
        if let Some(keep) = &self.config.keep_logs {
            for index in 0..record.spec.replicas {
                let logs = self.replica_dir(id, index).join("logs");
                ended::keep(&keep.seal, &self.ended(), id, index, &logs).map_err(io)?;
            }
        }
        // Renamed first: half a directory must not look like a workload.
        let doomed = self.config.root.join("workloads").join(format!(".{id}"));
        let _ = fs::remove_dir_all(&doomed);
        fs::rename(self.dir(id), &doomed).map_err(io)?;
        fs::remove_dir_all(&doomed).map_err(io)?;
        self.forget_traffic(id);
        self.machine.hierarchy.group(&self.group).remove_if_empty();
        self.prune().await
    }

    fn forget_traffic(&self, id: &WorkloadId) {
        let mut traffic = self.traffic.lock().unwrap_or_else(PoisonError::into_inner);
        traffic.remove(id);
    }

    async fn prune(&self) -> Result<()> {
        let used: Vec<String> = self.all_records()?.into_iter().map(|r| r.image.digest).collect();
        Ok(self.images.prune(&used).await?)
    }

    /// After a start of the daemon: opens ports again and heals everything at once.
    pub(super) async fn adopt(&self) -> Result<()> {
        let workloads = self.config.root.join("workloads");
        let entries = fs::read_dir(&workloads).map_err(|e| BackendError::io("adopt", e))?;
        for entry in entries.flatten() {
            let path = entry.path();
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            if hidden || !path.join("workload.json").exists() {
                let _ = fs::remove_dir_all(path);
            }
        }
        for record in self.all_records()? {
            if record.desired == Desired::Running {
                self.publish(&record).await?;
            }
        }
        self.heal().await;
        Ok(())
    }

    /// Compares every workload with what it should be doing.
    pub(super) async fn heal(&self) {
        let records = match self.all_records() {
            Ok(records) => records,
            Err(e) => return tracing::error!(%e, "cannot list workloads"),
        };
        for record in records {
            let lock = self.lock_of(&record.id);
            // A call is at work on it already.
            let Ok(_one) = lock.try_lock() else { continue };
            if let Err(e) = self.heal_one(&record.id).await {
                tracing::warn!(id = %record.id, %e, "cannot heal a workload yet");
            }
        }
        self.proxy.forget_dead();
        let keep = self.config.keep_logs.as_ref();
        ended::forget(&self.ended(), keep.map_or(Duration::ZERO, |keep| keep.time));
    }

    async fn heal_one(&self, id: &WorkloadId) -> Result<()> {
        let Some(mut record) = self.record(id)? else {
            return Ok(());
        };
        match record.desired {
            Desired::Terminated => return self.tear_down(id).await,
            Desired::Stopped => {
                for index in 0..record.spec.replicas {
                    let replica = self.replica(id, index)?;
                    if replica.is_some_and(|r| r.keeper.is_alive()) {
                        return self.halt(&record, Duration::ZERO).await;
                    }
                }
            }
            Desired::Running => {
                for index in 0..record.spec.replicas {
                    let replica = self.replica(id, index)?;
                    if replica.is_none_or(lost) {
                        let dir = self.replica_dir(id, index);
                        if !is_locked(&dir.join("keeper.lock")) {
                            self.start_keeper(&record, index, &dir)?;
                        }
                    }
                }
            }
        }
        let traffic = self.traffic_of(&record);
        let net = (traffic.bytes_in.load(Ordering::Relaxed), traffic.bytes_out.load(Ordering::Relaxed));
        if net != record.net {
            record.net = net;
            self.save(&record)?;
        }
        Ok(())
    }
}

/// A replica that says it is being kept, but nobody keeps it.
fn lost(replica: ReplicaRecord) -> bool {
    replica.state != ReplicaState::Exited && !replica.keeper.is_alive()
}

/// Whether a keeper holds the lock file.
fn is_locked(path: &Path) -> bool {
    use nix::fcntl::{Flock, FlockArg};
    let Ok(file) = fs::File::open(path) else {
        return false;
    };
    Flock::lock(file, FlockArg::LockSharedNonblock).is_err()
}
