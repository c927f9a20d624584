//! The keeper: a small single-threaded process per replica, run from this same
//! executable.
//!
//! Creating a container forks, which a multithreaded daemon must not do; and the
//! workload must outlive the daemon. So the daemon starts a keeper, and the keeper
//! is the parent of the container: it collects the exit code, writes the output,
//! samples the counters and restarts the process. The container dies with its
//! keeper, so nothing ever runs unwatched.

mod exec;
pub(super) mod frames;
mod keeper;
pub(super) mod logs;
mod probe;
mod scratch;
mod seal;
mod stage;

use std::path::Path;
use std::process::ExitCode;

pub(super) use frames::{ExecStart, Frame};
pub(super) use logs as log_files;

use super::bundle;

/// First argument with which an executable must call [`shim_main`].
pub const SHIM_COMMAND: &str = "__container-shim";

/// Runs the keeper's side. `args` are the arguments after [`SHIM_COMMAND`].
///
/// The caller must not have started a thread: call this first in `main`.
pub fn shim_main(args: &[String]) -> ExitCode {
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["keep", dir] => bundle::take_rlimits().and_then(|()| keeper::keep(Path::new(dir))),
        ["exec", dir] => bundle::take_rlimits().and_then(|()| exec::exec(Path::new(dir))),
        ["probe", user_namespace] => probe::probe(*user_namespace == "user"),
        _ => Err(format!("{SHIM_COMMAND} is started by the provider daemon only; run `virtengine provider`")),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::FAILURE
        }
    }
}
