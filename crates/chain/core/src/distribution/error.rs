//! Errors of the module, with the codes of the Cosmos SDK.

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("no validator distribution info of {0}; check the operator address")]
    NoValidatorInfo(String),
    #[error("validator {0} has no whole coin of commission to withdraw; wait until it has earned more")]
    NoCommission(String),
    #[error("withdraw addresses cannot be set now; governance switched withdraw_addr_enabled off")]
    WithdrawAddressDisabled,
    #[error("the community pool has not enough coins: it holds {0}, {1} were asked for")]
    PoolTooSmall(String, String),
    #[error("validator {0} does not exist: key not found; check the operator address")]
    NoValidator(String),
    #[error("no delegation of {0} with validator {1}: key not found")]
    NoDelegation(String, String),
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "distribution"
    }

    fn code(&self) -> u32 {
        match self {
            Self::NoValidatorInfo(..) => 6,
            Self::NoCommission(..) => 7,
            Self::WithdrawAddressDisabled => 8,
            Self::PoolTooSmall(..) => 9,
            Self::NoValidator(..) => 12,
            Self::NoDelegation(..) => 13,
        }
    }
}
