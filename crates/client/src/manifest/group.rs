//! A group as the order book sees it.

use ve_base::Dec;

/// One group of a deployment: where it may run and what it needs (marketplace spec section 4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupSpec {
    pub name: String,
    pub requirements: Requirements,
    pub units: Vec<ResourceUnit>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    pub signed_by_all: Vec<String>,
    pub signed_by_any: Vec<String>,
    /// Sorted by key.
    pub attributes: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceUnit {
    pub resources: Resources,
    pub count: u32,
    pub denom: String,
    /// Most that one replica may cost per block of 5 s.
    pub price: Dec,
}

/// Resources of one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Counted from 1 inside the group.
    pub id: u32,
    /// Thousandths of a CPU.
    pub cpu_milli: u64,
    pub cpu_attributes: Vec<(String, String)>,
    /// Bytes.
    pub memory: u64,
    pub storage: Vec<crate::sdl::Volume>,
    pub gpu_units: u64,
    pub gpu_attributes: Vec<(String, String)>,
    /// Sorted; of all services that share the unit.
    pub endpoints: Vec<Endpoint>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    pub kind: EndpointKind,
    /// Of a leased IP: its number in the deployment file; else 0.
    pub sequence: u32,
}

/// The numbers are those of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndpointKind {
    SharedHttp = 0,
    RandomPort = 1,
    LeasedIp = 2,
}
