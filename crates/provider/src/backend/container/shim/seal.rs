//! The last steps inside the container before the tenant's program runs.

use libcontainer::oci_spec::runtime::Spec;
use libcontainer::workload::default::DefaultExecutor;
use libcontainer::workload::{Executor, ExecutorError, ExecutorValidationError};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, pthread_sigmask};
use seccompiler::BpfProgram;

use super::super::seccomp;
use crate::backend::TermSize;

/// Executes the program under the system call filter.
///
/// The filter is compiled before the fork and installed here, after the runtime
/// has dropped every capability and set `no_new_privs`, right before `execve`:
/// the container cannot come up without it.
#[derive(Clone)]
pub(super) struct Sealed {
    programs: Vec<BpfProgram>,
    terminal: Option<TermSize>,
}

impl Sealed {
    /// `terminal` is the size that standard input gets if it is one.
    pub(super) fn new(terminal: Option<TermSize>) -> Result<Self, String> {
        Ok(Self { programs: seccomp::programs()?, terminal })
    }
}

impl Executor for Sealed {
    fn exec(&self, spec: &Spec) -> Result<(), ExecutorError> {
        let other = |what: &str, e: &dyn std::fmt::Display| {
            ExecutorError::Other(format!("{what} before starting the program: {e}"))
        };
        // The keeper blocks the signals it reads from a descriptor; the program
        // must not inherit that.
        pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
            .map_err(|e| other("reset the signal mask", &e))?;
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).map_err(|e| other("tie to the keeper", &e))?;
        if let Some(size) = self.terminal {
            super::exec::resize(std::io::stdin(), size).map_err(|e| other("size the terminal", &e))?;
        }
        for program in &self.programs {
            seccompiler::apply_filter(program).map_err(|e| other("install the system call filter", &e))?;
        }
        DefaultExecutor {}.exec(spec)
    }

    fn validate(&self, spec: &Spec) -> Result<(), ExecutorValidationError> {
        DefaultExecutor {}.validate(spec)
    }
}
