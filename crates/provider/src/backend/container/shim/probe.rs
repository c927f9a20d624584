//! Tries, in a throw-away process, what isolating a tenant needs.

use nix::sched::{CloneFlags, unshare};

use super::super::seccomp;

/// Fails with the reason and the remedy when this machine cannot isolate.
pub(super) fn probe(user_namespace: bool) -> Result<(), String> {
    if user_namespace {
        unshare(CloneFlags::CLONE_NEWUSER).map_err(|e| {
            format!(
                "user namespaces are not available ({e}); allow them (sysctl \
                 user.max_user_namespaces > 0, kernel.unprivileged_userns_clone = 1) or set \
                 user_namespace = false, which leaves all other isolation in place"
            )
        })?;
    }
    let needed = [
        (CloneFlags::CLONE_NEWNS, "mount"),
        (CloneFlags::CLONE_NEWPID, "pid"),
        (CloneFlags::CLONE_NEWNET, "network"),
        (CloneFlags::CLONE_NEWIPC, "ipc"),
        (CloneFlags::CLONE_NEWUTS, "uts"),
        (CloneFlags::CLONE_NEWCGROUP, "cgroup"),
    ];
    for (flag, name) in needed {
        unshare(flag).map_err(|e| {
            format!(
                "{name} namespaces are not available ({e}); run as root outside of a restricted \
                 container, on a kernel that has them"
            )
        })?;
    }
    for program in seccomp::programs()? {
        seccompiler::apply_filter(&program)
            .map_err(|e| format!("system call filters are not available ({e}); use a kernel with seccomp"))?;
    }
    Ok(())
}
