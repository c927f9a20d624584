//! Whether a backend can do what an order asks for, before anything is promised (marketplace spec section 13.2). Pure.
//!
//! An order names no transport and no host names: those come with the manifest, see [`check_manifest`].

mod manifest;

use std::fmt;

use ve_proto::ve::market::v1 as market;

use crate::backend::{Capabilities, Resources};

pub use manifest::check_manifest;

/// Why there is no bid, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// On the deny list, or not on the allow list.
    Customer,
    /// Above the customer's limit, above our cap, or zero.
    Price,
    Gpu,
    Architecture,
    PersistentStorage,
    LeasedIp,
    /// More ports than the backend publishes.
    Endpoints,
    Egress,
    /// Confidential computing.
    Enclave,
    /// Larger than the whole provider, or smaller than the least that it runs.
    Size,
    /// Not free now.
    Capacity,
    /// The account does not cover deposit and fees.
    Balance,
    /// The backend does not answer.
    Backend,
    /// The chain refused the bid.
    Refused,
}

impl Reason {
    /// Stable name for metrics and status.
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Price => "price",
            Self::Gpu => "gpu",
            Self::Architecture => "architecture",
            Self::PersistentStorage => "persistent_storage",
            Self::LeasedIp => "leased_ip",
            Self::Endpoints => "endpoints",
            Self::Egress => "egress",
            Self::Enclave => "enclave",
            Self::Size => "size",
            Self::Capacity => "capacity",
            Self::Balance => "balance",
            Self::Backend => "backend",
            Self::Refused => "refused",
        }
    }

    /// Whether the same order may get a bid later.
    pub fn may_pass(self) -> bool {
        matches!(self, Self::Capacity | Self::Balance | Self::Backend)
    }
}

/// Why there is no bid on an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decline {
    pub reason: Reason,
    pub text: String,
}

impl Decline {
    pub fn new(reason: Reason, text: impl Into<String>) -> Self {
        Self { reason, text: text.into() }
    }
}

impl fmt::Display for Decline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason.name(), self.text)
    }
}

type Check = Result<(), Decline>;

fn decline(reason: Reason, text: impl Into<String>) -> Check {
    Err(Decline::new(reason, text))
}

/// Everything that the group needs at once; `None` on overflow.
pub fn needs(group: &market::GroupSpec) -> Option<Resources> {
    group
        .resources
        .iter()
        .try_fold(Resources::default(), |sum, unit| sum.plus(one(unit.resources.as_ref()?)?.times(unit.count)?))
}

/// One replica; `None` on overflow.
fn one(resources: &market::Resources) -> Option<Resources> {
    let storage = resources.storage.iter().try_fold(0u64, |sum, volume| sum.checked_add(volume.size))?;
    Some(Resources { cpu_mcore: resources.cpu, memory_bytes: resources.memory, storage_bytes: storage })
}

/// Whether the backend could ever run the group.
pub fn check(can: &Capabilities, total: Resources, group: &market::GroupSpec) -> Check {
    for attribute in group.requirements.iter().flat_map(|wanted| &wanted.attributes) {
        check_requirement(can, &attribute.key, &attribute.value)?;
    }
    for unit in &group.resources {
        check_unit(can, unit)?;
    }
    match needs(group) {
        Some(needed) if needed.fits(total) => Ok(()),
        Some(needed) => decline(Reason::Size, format!("it needs {needed}, the whole provider has {total}")),
        None => decline(Reason::Size, "it needs more than can be counted"),
    }
}

/// Attributes that promise an ability: the operator may have registered one that the backend lacks.
fn check_requirement(can: &Capabilities, key: &str, value: &str) -> Check {
    let wanted = !matches!(value, "false" | "no" | "0");
    if key.starts_with("capabilities/gpu") && !can.gpu && wanted {
        return decline(Reason::Gpu, format!("it requires {key}, and the backend has no GPU"));
    }
    if key == "capabilities/cpu/arch" && value != can.architecture {
        return decline(Reason::Architecture, format!("it requires {value}, the backend is {}", can.architecture));
    }
    let persistent = key == "feat-persistent-storage"
        || key.starts_with("capabilities/storage/") && key.ends_with("/persistent")
        || key.starts_with("capabilities/storage/") && key.ends_with("/class") && value != "default" && value != "ram";
    if persistent && !can.persistent_storage && wanted {
        return decline(Reason::PersistentStorage, format!("it requires {key}, and nothing here outlives a replica"));
    }
    if key == "feat-endpoint-ip" && !can.leased_ip && wanted {
        return decline(Reason::LeasedIp, "it requires leased addresses, and the backend has none");
    }
    if key.starts_with("network-speed-") && !can.egress {
        return decline(Reason::Egress, format!("it requires {key}, and workloads cannot reach the outside"));
    }
    if key.starts_with("tee/") {
        return decline(Reason::Enclave, format!("it requires {key}, and the backend attests nothing"));
    }
    Ok(())
}

fn check_unit(can: &Capabilities, unit: &market::ResourceUnit) -> Check {
    let resources = unit.resources.clone().unwrap_or_default();
    let id = resources.id;
    if resources.gpu.as_ref().is_some_and(|gpu| gpu.units > 0) && !can.gpu {
        return decline(Reason::Gpu, format!("unit {id} asks for GPUs, and the backend has none"));
    }
    for attribute in &resources.cpu_attributes {
        if attribute.key == "arch" && attribute.value != can.architecture {
            let text = format!("unit {id} asks for {}, the backend is {}", attribute.value, can.architecture);
            return decline(Reason::Architecture, text);
        }
    }
    for volume in &resources.storage {
        let persistent = volume.attributes.iter().any(|own| own.key == "persistent" && own.value == "true");
        if persistent && !can.persistent_storage {
            let text = format!("unit {id} wants volume {} to outlive its replicas; nothing here does", volume.name);
            return decline(Reason::PersistentStorage, text);
        }
    }
    let leased = |endpoint: &market::Endpoint| endpoint.kind == market::EndpointKind::LeasedIp as i32;
    if resources.endpoints.iter().any(leased) && !can.leased_ip {
        return decline(Reason::LeasedIp, format!("unit {id} asks for a leased address, and the backend has none"));
    }
    if resources.endpoints.len() > can.max_endpoints {
        let text = format!("unit {id} publishes {} ports, at most {}", resources.endpoints.len(), can.max_endpoints);
        return decline(Reason::Endpoints, text);
    }
    if unit.count > can.max_replicas {
        return decline(Reason::Size, format!("unit {id} has {} replicas, at most {}", unit.count, can.max_replicas));
    }
    let least = can.least;
    match one(&resources) {
        Some(one) if least.fits(one) => Ok(()),
        Some(_) => decline(Reason::Size, format!("unit {id} is below the least that runs here, {least}")),
        None => decline(Reason::Size, format!("unit {id} needs more than can be counted")),
    }
}

#[cfg(test)]
mod tests;
