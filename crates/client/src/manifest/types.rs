//! The manifest: JSON that a gateway receives. Field names and which fields may be null are part of the hash.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Manifest(pub Vec<ManifestGroup>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestGroup {
    pub name: String,
    pub services: Vec<ManifestService>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestService {
    pub name: String,
    pub image: String,
    pub command: Option<Vec<String>>,
    pub args: Option<Vec<String>>,
    pub env: Option<Vec<String>>,
    pub resources: ManifestResources,
    pub count: u32,
    pub expose: Vec<ManifestExpose>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<ManifestParams>,
    pub credentials: Option<ManifestCredentials>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestResources {
    pub id: u32,
    pub cpu: ManifestUnits,
    pub memory: ManifestSize,
    pub storage: Vec<ManifestVolume>,
    pub gpu: ManifestUnits,
    pub endpoints: Vec<ManifestEndpoint>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestUnits {
    pub units: Val,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<ManifestAttribute>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestSize {
    pub size: Val,
}

/// A number as decimal text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Val {
    pub val: String,
}

impl From<u64> for Val {
    fn from(number: u64) -> Self {
        Self { val: number.to_string() }
    }
}

impl Val {
    /// `None` unless the one decimal form of a 64-bit number.
    pub fn number(&self) -> Option<u64> {
        self.val.parse::<u64>().ok().filter(|number| number.to_string() == self.val)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestVolume {
    pub name: String,
    pub size: Val,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attributes: Vec<ManifestAttribute>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestAttribute {
    pub key: String,
    pub value: String,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestEndpoint {
    /// 0 shared HTTP, 1 random port, 2 leased IP.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub kind: u32,
    pub sequence_number: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ManifestExpose {
    pub port: u16,
    /// 0 means the same as `port`.
    pub external_port: u16,
    /// `TCP` or `UDP`.
    pub proto: String,
    /// Reachable only from this service, unless empty.
    pub service: String,
    pub global: bool,
    pub hosts: Option<Vec<String>>,
    pub http_options: ManifestHttpOptions,
    /// Name of a leased IP endpoint, or empty.
    pub ip: String,
    pub endpoint_sequence_number: u32,
}

impl ManifestExpose {
    pub fn effective_port(&self) -> u16 {
        if self.external_port == 0 { self.port } else { self.external_port }
    }

    /// Served through the provider's HTTP entrance by host name, rather than on a port of its own.
    pub fn is_ingress(&self) -> bool {
        self.global && self.proto == "TCP" && self.effective_port() == 80
    }
}

/// Times in milliseconds, sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ManifestHttpOptions {
    pub max_body_size: u32,
    pub read_timeout: u32,
    pub send_timeout: u32,
    pub next_tries: u32,
    pub next_timeout: u32,
    pub next_cases: Vec<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub proxy_buffer_size: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestParams {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub storage: Vec<ManifestMount>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<ManifestPermissions>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tee: Option<String>,
    /// Services that must run first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ManifestMount {
    pub name: String,
    pub mount: String,
    pub read_only: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestPermissions {
    pub read: Vec<String>,
}

/// Access to a private registry. `Debug` hides the password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestCredentials {
    pub host: String,
    pub email: String,
    pub username: String,
    pub password: String,
}

impl std::fmt::Debug for ManifestCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ManifestCredentials({}@{}, ..)", self.username, self.host)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
