//! What a deployment file says, checked and in plain types.

use std::collections::BTreeMap;

use ve_base::Dec;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    V2_0,
    V2_1,
}

/// A deployment file (marketplace spec section 12).
#[derive(Clone, Debug, PartialEq)]
pub struct Sdl {
    pub version: Version,
    pub services: BTreeMap<String, Service>,
    pub compute: BTreeMap<String, Compute>,
    pub placements: BTreeMap<String, Placement>,
    /// service → placement → what runs there.
    pub deployment: BTreeMap<String, BTreeMap<String, Deploy>>,
    /// Leased IP endpoints and their sequence numbers, counted from 1 in the order of their names.
    pub endpoints: BTreeMap<String, u32>,
    /// Shortest notice, in seconds, that a provider gives before it takes the capacity back.
    pub reclamation_min_window: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    pub image: String,
    pub command: Vec<String>,
    pub args: Vec<String>,
    pub env: Vec<String>,
    pub credentials: Option<Credentials>,
    pub dependencies: Vec<String>,
    pub expose: Vec<Expose>,
    pub mounts: BTreeMap<String, Mount>,
    pub read_permissions: Vec<String>,
    /// `cpu` or `cpu-gpu`: run inside a trusted execution environment.
    pub tee: Option<String>,
}

/// Access to a private registry. `Debug` hides the password.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    pub host: String,
    pub email: String,
    pub username: String,
    pub password: String,
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({}@{}, ..)", self.username, self.host)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub path: String,
    pub read_only: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expose {
    pub port: u16,
    /// Port outside; 0 means the same as `port`.
    pub external: u16,
    pub protocol: Protocol,
    pub hosts: Vec<String>,
    pub to: Vec<ExposeTo>,
    pub http: HttpOptions,
}

impl Expose {
    pub fn effective_port(&self) -> u16 {
        if self.external == 0 { self.port } else { self.external }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExposeTo {
    pub service: String,
    pub global: bool,
    /// Name of a declared endpoint, or empty.
    pub ip: String,
}

/// Proxy behaviour; times in milliseconds, sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpOptions {
    pub max_body_size: u32,
    pub read_timeout: u32,
    pub send_timeout: u32,
    pub next_tries: u32,
    pub next_timeout: u32,
    pub next_cases: Vec<String>,
    pub proxy_buffer_size: u32,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            max_body_size: 1 << 20,
            read_timeout: 60_000,
            send_timeout: 60_000,
            next_tries: 3,
            next_timeout: 0,
            next_cases: vec!["error".into(), "timeout".into()],
            proxy_buffer_size: 0,
        }
    }
}

/// Resources of one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compute {
    /// Thousandths of a CPU.
    pub cpu_milli: u64,
    pub cpu_attributes: Vec<(String, String)>,
    /// Bytes.
    pub memory: u64,
    pub storage: Vec<Volume>,
    pub gpu_units: u64,
    /// Keys such as `vendor/nvidia/model/a100/ram/80Gi`, sorted.
    pub gpu_attributes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Volume {
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Sorted by key.
    pub attributes: Vec<(String, String)>,
}

impl Volume {
    pub fn persistent(&self) -> bool {
        self.attributes.iter().any(|(key, value)| key == "persistent" && value == "true")
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Placement {
    pub attributes: Vec<(String, String)>,
    pub signed_by_all: Vec<String>,
    pub signed_by_any: Vec<String>,
    /// Compute profile → most that a replica may cost.
    pub pricing: BTreeMap<String, Price>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    pub denom: String,
    /// Per block of 5 s and replica.
    pub amount: Dec,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deploy {
    pub profile: String,
    pub count: u32,
}
