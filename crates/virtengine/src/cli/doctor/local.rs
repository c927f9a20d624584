//! This machine: home, keys, certificates, disk, ports, isolation.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

use ve_client::cert;

use super::DoctorArgs;
use super::report::{Report, Verdict};
use crate::cli::Context;
use crate::localnet::PortPlan;

/// Below this a node soon stops.
const LOW_DISK_MIB: u64 = 5 * 1024;

/// Home and keys; gives the addresses of the keys.
pub fn home(context: &Context, report: &mut Report) -> Vec<String> {
    let home = context.home.display().to_string();
    match context.keys().and_then(|keys| Ok(keys.list()?)) {
        Ok(list) => {
            report.good("home", home);
            let verdict = if list.is_empty() { Verdict::Warning } else { Verdict::Good };
            report.add("keys", verdict, format!("{} keys", list.len()), "run `virtengine keys add NAME`");
            list.into_iter().map(|key| key.address.to_string()).collect()
        }
        Err(error) => {
            report.add("home", Verdict::Bad, home, "choose a folder of your own with --home, or repair the keys");
            report.add("keys", Verdict::Bad, error.to_string(), "follow the message");
            Vec::new()
        }
    }
}

/// Space where the home is or will be.
pub fn disk(context: &Context, arguments: &DoctorArgs, report: &mut Report) {
    let existing = context.home.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("/"));
    let place = existing.display();
    match rustix::fs::statvfs(existing) {
        Ok(found) => {
            let free = found.f_bavail.saturating_mul(found.f_frsize) / (1 << 20);
            let verdict = match free {
                free if free < arguments.min_disk => Verdict::Bad,
                free if free < LOW_DISK_MIB => Verdict::Warning,
                _ => Verdict::Good,
            };
            let remedy = "free some space there, or choose another disk with --home";
            report.add("disk", verdict, format!("{free} MiB free at {place}"), remedy);
        }
        Err(cause) => report.add("disk", Verdict::Bad, format!("{place}: {cause}"), "repair the file system"),
    }
}

/// What listens already where a local network would.
pub fn ports(arguments: &DoctorArgs, report: &mut Report) {
    let plan = PortPlan::new(arguments.base_port);
    let node = plan.node(0);
    let wanted = [node.rpc, node.grpc, node.rest, node.p2p, node.gossip, node.metrics, plan.gateway()];
    let taken: Vec<String> = wanted
        .into_iter()
        .filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_err())
        .map(|port| port.to_string())
        .collect();
    if taken.is_empty() {
        return report.good("ports", "free".into());
    }
    let found = format!("something else listens on {}", taken.join(", "));
    report.add(
        "ports",
        Verdict::Bad,
        found,
        "end it, or start the network elsewhere: `virtengine localnet --base-port P`",
    );
}

/// The client certificate of a key, in clear beside its sealed key; `None` when there is none to look at.
pub fn certificate(context: &Context, address: &str, report: &mut Report) -> Option<Vec<u8>> {
    let path = context.home.join("deploy").join(format!("{address}.identity"));
    if !path.exists() {
        return None;
    }
    let remedy = "remove the file; the next `virtengine deploy` makes a new one";
    let read = cert::read(&path).and_then(|der| Ok((cert::facts(&der)?, der)));
    match read {
        Ok((facts, der)) => {
            let left = facts.not_after.saturating_sub(cert::unix_now());
            let (verdict, found) = match left / 86_400 {
                _ if left == 0 => (Verdict::Bad, format!("that of {address} has expired")),
                days if days < 30 => (Verdict::Warning, format!("that of {address} ends in {days} days")),
                days => (Verdict::Good, format!("that of {address} is valid for {days} days")),
            };
            report.add("certificate", verdict, found, "the next `virtengine deploy` makes a new one");
            (left > 0).then_some(der)
        }
        Err(error) => {
            report.add("certificate", Verdict::Bad, error.to_string(), remedy);
            None
        }
    }
}

/// What a provider needs of this machine; buyers do not. The container keeper itself tries, in a process of its own.
pub fn isolation(report: &mut Report) {
    let remedy = "this machine can buy, but not sell; providers run as root with namespaces and control groups";
    let probe = std::env::current_exe().and_then(|program| {
        let shim = ve_provider::backend::container::SHIM_COMMAND;
        Command::new(program).args([shim, "probe", "user"]).stdin(Stdio::null()).output()
    });
    let failure = match probe {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).trim().chars().take(500).collect()),
        Err(cause) => Some(cause.to_string()),
    };
    let cgroups = Path::new("/sys/fs/cgroup").read_dir().is_ok_and(|mut entries| entries.next().is_some());
    match (failure, cgroups) {
        (None, true) => report.good("isolation", "tenants can be isolated here".into()),
        (None, false) => report.add("isolation", Verdict::Warning, "no control groups".into(), remedy),
        (Some(cause), _) => report.add("isolation", Verdict::Warning, cause, remedy),
    }
}
