//! Errors of the module; codes never change. 1001 to 1010 are those of the capture protocol, in its own order.

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{0} has a wallet; revoke it before making another")]
    WalletExists(String),
    #[error("{0} has no active identity wallet; make one with `tx veid create-wallet`")]
    WalletInactive(String),
    #[error("{0} scopes, the most allowed; revoke one first")]
    ScopeLimit(u32),
    #[error("the scope id {0} was used before; choose another")]
    ScopeExists(String),
    #[error("envelope refused: {0}")]
    EnvelopeInvalid(String),
    #[error("there is no consent in force for this: {0}; give it with `tx veid update-consent`")]
    ConsentMissing(String),
    #[error("verification is possible again at {0} (seconds since 1970)")]
    Cooldown(u64),
    #[error("too many operations: {0}")]
    RateLimited(String),
    #[error("there is no scope {0} of this wallet")]
    ScopeNotFound(String),
    #[error("there is no approved client {0}")]
    ClientNotFound(String),
    #[error("client {0} exists; update it instead")]
    ClientExists(String),
    #[error("{0} cannot {1}")]
    Transition(&'static str, &'static str),
    #[error("parameters refused: {0}")]
    Params(String),
    #[error("genesis of identities refused: {0}")]
    Genesis(String),
    #[error("refused: {0}")]
    Input(String),
    #[error("the key or its signature for this wallet is refused: {0}")]
    Binding(String),
    #[error("consent is at version {have}, the message says {given}; read it again before changing it")]
    ConsentVersion { have: u32, given: u32 },
    #[error("no committee of verified enclaves is in office, so nothing can be sealed to it; try again later")]
    NoCommittee,
    #[error("the account may make another wallet at {0} (seconds since 1970)")]
    WalletPause(u64),
    #[error("identity tier {have} does not allow this; tier {need} does, see `query veid eligibility`")]
    InsufficientTier { have: u32, need: u32 },
    #[error("a score of {have} does not allow this; {need} does, see `query veid eligibility`")]
    InsufficientScore { have: u32, need: u32 },
    #[error("limit of the identity tier: {0}")]
    Limit(String),
    #[error("no capability is known for {0}, so nobody may send it")]
    NoCapability(String),
    #[error("there is no run {0}")]
    RunNotFound(String),
    #[error("{0} has no seat in this run")]
    NotInCommittee(String),
    #[error("a verification of this account is open; ask again when it has ended")]
    RequestOpen,
    #[error("this member has answered in this phase, or takes no part in it")]
    Answered,
    #[error("the run is {0}; this comes too late or too early")]
    Late(&'static str),
    #[error("the enclave's signature does not match")]
    EnclaveSignature,
    #[error("the score is of a model that is not approved, or that the chain does not hold")]
    Model,
    #[error("there is no appeal {0} of this account")]
    AppealNotFound(u64),
    #[error("no appeal is possible: {0}")]
    Appeal(&'static str),
    #[error("this account cannot review the appeal: it {0}")]
    Reviewer(&'static str),
    #[error("salt malformed: {0}")]
    Salt(String),
    #[error("the capture is older than {0} seconds; capture again")]
    CaptureExpired(u64),
    #[error("this salt or client signature was used before; capture again")]
    Replayed,
    #[error("the capture's parts do not belong together: {0}")]
    CaptureBinding(String),
    #[error("client not approved: {0}")]
    ClientNotApproved(String),
    #[error("the installation's certificate is refused: {0}")]
    InstallKey(String),
    #[error("the installation's signature does not match")]
    ClientSignature,
    #[error("the user's signature does not match")]
    UserSignature,
    #[error("the capture's time lies ahead of the chain by more than {0} seconds; set the device's clock")]
    CaptureFuture(u64),
    #[error("capture protocol version {0} is unknown; this chain takes 1")]
    CaptureVersion(u32),
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "veid"
    }

    fn code(&self) -> u32 {
        match self {
            Self::WalletExists(_) => 2,
            Self::WalletInactive(_) => 3,
            Self::ScopeLimit(_) => 4,
            Self::ScopeExists(_) => 5,
            Self::EnvelopeInvalid(_) => 6,
            Self::ConsentMissing(_) => 7,
            Self::Cooldown(_) => 8,
            Self::InsufficientTier { .. } => 9,
            Self::InsufficientScore { .. } => 10,
            Self::RateLimited(_) => 12,
            Self::ScopeNotFound(_) => 13,
            Self::ClientNotFound(_) => 14,
            Self::ClientExists(_) => 15,
            Self::Transition(..) => 16,
            Self::Params(_) => 17,
            Self::Genesis(_) => 18,
            Self::Input(_) => 19,
            Self::Binding(_) => 20,
            Self::ConsentVersion { .. } => 21,
            Self::NoCommittee => 22,
            Self::WalletPause(_) => 23,
            Self::Limit(_) => 24,
            Self::NoCapability(_) => 25,
            Self::RunNotFound(_) => 30,
            Self::NotInCommittee(_) => 31,
            Self::Answered => 32,
            Self::Late(_) => 33,
            Self::EnclaveSignature => 34,
            Self::Model => 35,
            Self::AppealNotFound(_) => 36,
            Self::Appeal(_) => 37,
            Self::Reviewer(_) => 38,
            Self::RequestOpen => 39,
            Self::Salt(_) => 1001,
            Self::CaptureExpired(_) => 1002,
            Self::Replayed => 1003,
            Self::CaptureBinding(_) => 1004,
            Self::ClientNotApproved(_) => 1005,
            Self::InstallKey(_) => 1006,
            Self::ClientSignature => 1007,
            Self::UserSignature => 1008,
            Self::CaptureFuture(_) => 1009,
            Self::CaptureVersion(_) => 1010,
        }
    }
}
