//! What a provider can sell capacity on: vendor-free traits and the backends
//! that implement them.
//!
//! [`Inventory`], [`Place`], [`Observe`] and [`Meter`] are required; logs, exec
//! and exposed endpoints are optional and visible as `Option`, so that a caller
//! never has to call something only to learn that it is not there. No type here
//! names a vendor. Every backend passes [`conformance::run`].

pub mod conformance;
pub mod container;
mod error;
mod types;

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

pub use error::{BackendError, ErrorClass, Result};
pub use types::{
    Capabilities, Capacity, Counters, Endpoint, ExecInput, ExecOutput, ExecRequest, ExitStatus, LogLine, LogQuery,
    LogStream, PortSpec, Protocol, RegistryCredentials, ReplicaState, ReplicaStatus, Resources, RestartPolicy,
    TermSize, Usage, Workload, WorkloadId, WorkloadSpec, WorkloadState,
};

/// What the backend has and what it can do.
#[async_trait]
pub trait Inventory: Send + Sync {
    /// Fixed abilities, for the bid engine to decide what to bid on.
    fn capabilities(&self) -> &Capabilities;

    /// Total and reserved capacity now.
    async fn inventory(&self) -> Result<Capacity>;

    /// Whether `spec` could ever be placed here, without placing it.
    ///
    /// # Errors
    /// [`ErrorClass::Invalid`] naming the field and what would be accepted.
    async fn validate(&self, spec: &WorkloadSpec) -> Result<()>;
}

/// The life of a workload. Every call is idempotent.
#[async_trait]
pub trait Place: Send + Sync {
    /// Creates and starts a workload, or returns the one that an earlier call with
    /// the same `idem` created. Several revisions of one service of one lease may
    /// live side by side, so that an update can start the new one before it ends
    /// the old one.
    ///
    /// A workload that cannot be started leaves nothing behind.
    ///
    /// # Errors
    /// `Conflict` when `idem` was used with another spec; `Quota` when the capacity
    /// is reserved by others; `Invalid` when the spec or image cannot run.
    async fn provision(&self, idem: &str, spec: &WorkloadSpec) -> Result<WorkloadId>;

    /// Starts a stopped workload again; success when it runs already.
    async fn start(&self, id: &WorkloadId) -> Result<()>;

    /// Stops the processes, keeps the reservation, logs and counters.
    async fn stop(&self, id: &WorkloadId, grace: Duration) -> Result<()>;

    /// Stops and starts the workload once for this `key`: called again with the
    /// key of the last restart it only makes sure that the workload runs, also
    /// when the first call was cut off by a crash at any point.
    async fn restart(&self, id: &WorkloadId, key: &str, grace: Duration) -> Result<()>;

    /// Ends the workload and frees everything it held. Terminating what is not
    /// there is success.
    async fn terminate(&self, id: &WorkloadId) -> Result<()>;
}

/// What is actually there.
#[async_trait]
pub trait Observe: Send + Sync {
    /// The workload as it is now. `NotFound` when there is none.
    async fn describe(&self, id: &WorkloadId) -> Result<Workload>;

    /// Every workload this backend holds for this provider, in id order.
    async fn list_owned(&self) -> Result<Vec<Workload>>;

    /// Every workload with this lease tag: the look-up before create after a crash.
    async fn find(&self, lease_tag: &str) -> Result<Vec<Workload>> {
        let mut all = self.list_owned().await?;
        all.retain(|w| w.spec.lease_tag == lease_tag);
        Ok(all)
    }
}

/// Consumption, as counters that only grow while the workload lives.
#[async_trait]
pub trait Meter: Send + Sync {
    /// Counters summed over replicas, restarts and stops since provisioning.
    async fn counters(&self, id: &WorkloadId) -> Result<Counters>;
}

/// Output of the workload.
#[async_trait]
pub trait Logs: Send + Sync {
    /// Lines in the order they were written, one replica after the other when no
    /// follow is asked; the stream ends at the last line, or with the workload when
    /// following.
    async fn read_logs(&self, id: &WorkloadId, query: LogQuery) -> Result<LogStream>;
}

/// Commands inside a running workload.
#[async_trait]
pub trait Exec: Send + Sync {
    /// Runs a command in one replica. Dropping the session kills the command.
    async fn run_command(&self, id: &WorkloadId, request: ExecRequest) -> Result<ExecSession>;
}

/// Addresses at which customers reach published ports.
#[async_trait]
pub trait Expose: Send + Sync {
    /// Endpoints of the workload, stable over restarts and updates of the service.
    async fn endpoints(&self, id: &WorkloadId) -> Result<Vec<Endpoint>>;
}

/// A running command: bytes in, bytes and one exit status out.
pub struct ExecSession {
    /// Standard input and terminal resizes; dropping it closes standard input.
    pub input: mpsc::Sender<ExecInput>,
    /// Output, then exactly one [`ExecOutput::Exit`] or [`ExecOutput::Failed`].
    pub output: mpsc::Receiver<ExecOutput>,
}

/// A complete backend.
pub trait Backend: Inventory + Place + Observe + Meter {
    /// Short stable name for metrics and messages.
    fn name(&self) -> &'static str;

    /// Logs, when the backend keeps them.
    fn logs(&self) -> Option<&dyn Logs> {
        None
    }

    /// Commands in workloads, when the backend can run them.
    fn exec(&self) -> Option<&dyn Exec> {
        None
    }

    /// Published ports, when the backend can publish.
    fn expose(&self) -> Option<&dyn Expose> {
        None
    }
}
