//! What a workload must look like to be placed here.

use std::collections::BTreeSet;

use super::Inner;
use crate::backend::{BackendError, Protocol, Result, WorkloadSpec};

/// The kernel needs a few MiB to start anything at all in a group.
pub(super) const MIN_MEMORY: u64 = 4 << 20;
pub(super) const MIN_CPU: u64 = 10;
pub(super) const MAX_PORTS: usize = 64;
/// Environment and arguments together; the kernel's own limit is larger.
const MAX_TEXT: usize = 128 << 10;

impl Inner {
    pub(super) fn check_spec(&self, spec: &WorkloadSpec) -> Result<()> {
        let bad = |why: String| Err(BackendError::invalid(why));
        let tag = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/');
        if !(1..=128).contains(&spec.lease_tag.len()) || !spec.lease_tag.bytes().all(tag) {
            return bad("lease_tag is 1 to 128 of A-Z a-z 0-9 . _ - /".into());
        }
        if !is_service_name(&spec.service) {
            return bad(format!(
                "service {:?} must match ^[a-z]([-a-z0-9]*[a-z0-9])?$ and have at most 63 characters",
                spec.service
            ));
        }
        if spec.image.is_empty() || spec.image.len() > 512 {
            return bad("image is a reference of 1 to 512 characters".into());
        }
        let max = self.config.max_replicas;
        if !(1..=max).contains(&spec.replicas) {
            return bad(format!("replicas is 1 to {max} on this provider"));
        }
        let resources = spec.resources;
        if resources.cpu_mcore < MIN_CPU || resources.memory_bytes < MIN_MEMORY {
            return bad(format!("a replica needs at least {MIN_CPU}m CPU and {MIN_MEMORY} bytes of memory"));
        }
        check_text(spec)?;
        check_ports(spec)?;
        let asked = resources.times(spec.replicas);
        if !asked.is_some_and(|a| a.fits(self.total)) {
            return Err(BackendError::quota(
                "the workload is larger than this whole provider; ask for less or elsewhere",
            ));
        }
        Ok(())
    }
}

fn is_service_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let inner = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    (1..=63).contains(&bytes.len())
        && bytes[0].is_ascii_lowercase()
        && bytes[bytes.len() - 1] != b'-'
        && bytes.iter().all(inner)
}

fn check_text(spec: &WorkloadSpec) -> Result<()> {
    let words = spec.command.iter().chain(&spec.args);
    let env = spec.env.iter();
    let size: usize =
        words.clone().map(String::len).sum::<usize>() + env.clone().map(|(k, v)| k.len() + v.len()).sum::<usize>();
    if size > MAX_TEXT {
        return Err(BackendError::invalid(format!(
            "command, arguments and environment have more than {MAX_TEXT} bytes"
        )));
    }
    if words.into_iter().any(|w| w.contains('\0')) {
        return Err(BackendError::invalid("command and arguments hold no zero byte"));
    }
    for (name, value) in env {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            return Err(BackendError::invalid(format!(
                "environment variable {name:?}: a name is not empty and has no '='; no zero bytes"
            )));
        }
    }
    Ok(())
}

fn check_ports(spec: &WorkloadSpec) -> Result<()> {
    if spec.ports.len() > MAX_PORTS {
        return Err(BackendError::invalid(format!("at most {MAX_PORTS} ports")));
    }
    let mut seen = BTreeSet::new();
    for port in &spec.ports {
        if port.container_port == 0 || port.external_port == 0 {
            return Err(BackendError::invalid("a port is 1 to 65535"));
        }
        if port.published && port.protocol == Protocol::Udp {
            return Err(BackendError::invalid(format!(
                "UDP port {} cannot be published here; publish TCP or choose a provider with UDP",
                port.container_port
            )));
        }
        if port.published && !seen.insert(port.external_port) {
            return Err(BackendError::invalid(format!("external port {} is used twice", port.external_port)));
        }
    }
    Ok(())
}
