//! Errors of the module; codes never change.

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("provider {0} exists already; change it with MsgUpdateProvider")]
    Exists(String),
    #[error("provider {0} does not exist; register it with MsgCreateProvider")]
    NotFound(String),
    #[error("attributes refused: {0}; use keys of letters, digits and _/.- that begin with a letter")]
    Attributes(String),
    #[error("a live lease needs the attribute {0}; keep it until the lease ends")]
    IncompatibleAttributes(String),
    #[error("host_uri {0:?} refused: give an https URL with host name and optional port, at most 256 bytes")]
    HostUri(String),
    #[error("info refused: name at most 128 bytes, email and website at most 256 each")]
    Info,
    #[error("the bond of {provider} is {bond}, a bid needs {required}; add to it with MsgBondProvider")]
    BondShort { provider: String, bond: String, required: String },
    #[error("provider {provider} is {state}; {remedy}")]
    State { provider: String, state: String, remedy: &'static str },
    #[error("key {0:?} refused: {1}")]
    Key(String, String),
    #[error("key {0:?} exists already; use another id")]
    KeyExists(String),
    #[error("key {0:?} does not exist or is revoked; check its id")]
    KeyNotFound(String),
    #[error("the proof of possession of key {0:?} does not verify; sign with the new key itself for this chain")]
    KeyProof(String),
    #[error("provider parameters refused: {0}")]
    Params(String),
    #[error("bonds are in {0}; use that coin")]
    BondDenom(String),
    #[error("genesis of providers refused: {0}")]
    Genesis(String),
    #[error("provider {provider} does not serve {customer}; choose another one")]
    Denied { provider: String, customer: String },
    #[error("deny list refused: {0}")]
    DenyList(String),
    #[error("heartbeat {got} refused: the last one was {last}; count on from it")]
    Beat { got: u64, last: u64 },
    #[error("the heartbeat was made at {observed}, the block is at {now}; set the daemon's clock")]
    BeatTime { observed: u64, now: u64 },
    #[error("the signature of the heartbeat does not verify; sign with an active heartbeat key for this chain")]
    BeatSignature,
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "provider"
    }

    fn code(&self) -> u32 {
        match self {
            Self::Exists(_) => 2,
            Self::NotFound(_) => 3,
            Self::Attributes(_) => 4,
            Self::IncompatibleAttributes(_) => 5,
            Self::HostUri(_) => 6,
            Self::Info => 7,
            Self::BondShort { .. } => 8,
            Self::State { .. } => 9,
            Self::Key(..) => 10,
            Self::KeyExists(_) => 11,
            Self::KeyNotFound(_) => 12,
            Self::KeyProof(_) => 13,
            Self::Params(_) => 14,
            Self::BondDenom(_) => 15,
            Self::Genesis(_) => 16,
            Self::Denied { .. } => 17,
            Self::DenyList(_) => 18,
            Self::Beat { .. } => 19,
            Self::BeatTime { .. } => 20,
            Self::BeatSignature => 21,
        }
    }
}
