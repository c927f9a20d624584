//! Errors of the module; codes never change.

use ve_base::Coded;

use super::quote::Refused;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the quote is about other keys, another validator, epoch or block; make it anew")]
    ReportData,
    #[error("governance has not listed the measurement {0} for this hardware, or not any more")]
    Unlisted(String),
    #[error("the code has version {0}, the least that is accepted is {1}")]
    OldCode(u64, u64),
    #[error("the platform's version {0:?} is below the least that is accepted, {1:?}; update its firmware")]
    OldPlatform(Vec<u32>, Vec<u32>),
    #[error("block {0} is no anchor; name one of the last {1} seconds")]
    Anchor(u64, u64),
    #[error("a quote that names block {0} was shown before; make a new one")]
    ReusedAnchor(u64),
    #[error("the epoch in force is {0}; register for it")]
    Epoch(u64),
    #[error("{0} is no bonded validator out of jail")]
    NotBonded(String),
    #[error("a key belongs to another enclave; make new ones")]
    UsedKey,
    #[error("{0} has {1} enclaves, the most allowed; wait until one expired")]
    TooMany(String, u32),
    #[error("register again in {0} seconds")]
    Cooldown(u64),
    #[error("the block has all registrations that fit; send this one again later")]
    BlockFull,
    #[error("there is no enclave {0} of {1} in use")]
    NotFound(u64, String),
    #[error("simulated enclaves are not allowed on this network")]
    Simulated,
    #[error("the heartbeat is refused: {0}")]
    Heartbeat(&'static str),
    #[error("{0}")]
    Invalid(&'static str),
    #[error("parameters refused: {0}")]
    Params(String),
    #[error("genesis of enclaves refused: {0}")]
    Genesis(String),
    #[error("there is no committee of epoch {0}")]
    NoCommittee(u64),
    #[error("the quote proves nothing: {0}")]
    Quote(#[from] Refused),
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "enclave"
    }

    fn code(&self) -> u32 {
        match self {
            Self::ReportData => 2,
            Self::Unlisted(_) => 3,
            Self::OldCode(..) => 4,
            Self::OldPlatform(..) => 5,
            Self::Anchor(..) => 6,
            Self::ReusedAnchor(_) => 7,
            Self::Epoch(_) => 8,
            Self::NotBonded(_) => 9,
            Self::UsedKey => 10,
            Self::TooMany(..) => 11,
            Self::Cooldown(_) => 12,
            Self::BlockFull => 13,
            Self::NotFound(..) => 14,
            Self::Simulated => 15,
            Self::Heartbeat(_) => 16,
            Self::Invalid(_) => 17,
            Self::Params(_) => 18,
            Self::Genesis(_) => 19,
            Self::NoCommittee(_) => 20,
            Self::Quote(refused) => refused.code(),
        }
    }
}
