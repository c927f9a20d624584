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
    #[error("{0:?} is no domain: give a lower-case host name of two labels or more, in A-label form")]
    Domain(String),
    #[error("the gateway {0} does not lie under the domain; change the address or the domain")]
    DomainHost(String),
    #[error("a request for {0} waits for its attesters; wait until it ends")]
    DomainPending(String),
    #[error("the domain is verified; renew it from {0} on")]
    DomainRenewal(u64),
    #[error("no request is taken before {0}: an earlier one failed, or the day's number is used up")]
    DomainPause(u64),
    #[error("{0} attests its own domain, or its organisation has attested already; another organisation has to")]
    Attester(String),
    #[error("no domain waits for token {0:?}; read the provider's request")]
    DomainToken(String),
    #[error("provider {0} has no verified domain")]
    NoDomain(String),
    #[error("name the method: TXT, CNAME or HTTP")]
    DomainMethod,
    #[error("deny list refused: {0}")]
    DenyList(String),
    #[error("heartbeat {got} refused: the last one was {last}; count on from it")]
    Beat { got: u64, last: u64 },
    #[error("this was observed at {observed}, the block is at {now}; set the clock of the daemon")]
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
            Self::Domain(_) => 22,
            Self::DomainHost(_) => 23,
            Self::DomainPending(_) => 24,
            Self::DomainRenewal(_) => 25,
            Self::DomainPause(_) => 26,
            Self::Attester(_) => 27,
            Self::DomainToken(_) => 28,
            Self::NoDomain(_) => 29,
            Self::DomainMethod => 30,
        }
    }
}
