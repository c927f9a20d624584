//! Errors of the module, with the codes of the Cosmos SDK.

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("validator {0} does not exist: key not found; check the operator address")]
    NoValidator(String),
    #[error("validator {0} is jailed until {1}; try again then")]
    StillJailed(String, String),
    #[error("validator {0} is not jailed; there is nothing to do")]
    NotJailed(String),
    #[error("validator {0} has no self-delegation; delegate to it from its operator account first")]
    NoSelfDelegation(String),
    #[error("the self-bond is {0}, {1} are needed to leave jail; delegate the difference first")]
    SelfBondTooLow(String, String),
    #[error("no signing info of {0}: key not found; check the consensus address")]
    NoSigningInfo(String),
    #[error("validator {0} is tombstoned for a double signature: its key never signs again")]
    Tombstoned(String),
    #[error("slash record {0} does not exist: key not found")]
    NoRecord(u64),
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "slashing"
    }

    fn code(&self) -> u32 {
        match self {
            Self::NoValidator(..) => 2,
            Self::StillJailed(..) => 4,
            Self::NotJailed(..) => 5,
            Self::NoSelfDelegation(..) => 6,
            Self::SelfBondTooLow(..) => 7,
            Self::NoSigningInfo(..) => 8,
            Self::Tombstoned(..) => 9,
            Self::NoRecord(..) => 100,
        }
    }
}
