//! Errors of the module. Codes up to 45 are those of the Cosmos SDK; codes from 1800 are this chain's own rules
//! (finance spec section 2.2).

use ve_base::Coded;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("validator {0} does not exist: key not found; check the operator address")]
    NoValidator(String),
    #[error("validator {0} already exists; use MsgEditValidator to change it")]
    OwnerExists(String),
    #[error("a validator with this consensus key already exists; every validator needs its own key")]
    PubKeyExists,
    #[error("consensus keys are ed25519, got {0}")]
    PubKeyType(String),
    #[error("validator {0} is jailed; wait until it is back")]
    Jailed(String),
    #[error("commission {0} is above the highest allowed rate of {1}")]
    CommissionHuge(String, String),
    #[error("commission {0} is above the validator's own maximum of {1}")]
    CommissionAboveMax(String, String),
    #[error("the commission was changed less than 24 h ago; wait until a day has passed")]
    CommissionTooSoon,
    #[error("commission may be changed by at most {1} a day, got {0}")]
    ChangeRateHuge(String, String),
    #[error("commission would change by {0}, more than the validator's daily maximum of {1}")]
    ChangeAboveMax(String, String),
    #[error("the self-bond is {0}, below the minimum of {1}")]
    SelfBondBelowMinimum(String, String),
    #[error("the minimum self-delegation can only rise; it is {0}")]
    MinSelfDelegationDecreased(String),
    #[error("no delegation of {0} with validator {1}: key not found")]
    NoDelegation(String, String),
    #[error("the delegation holds {0} shares, {1} are needed; ask for a smaller amount")]
    NotEnoughShares(String, String),
    #[error("no unbonding delegation of {0} from validator {1} was found: key not found")]
    NoUnbonding(String, String),
    #[error("{0} unbondings from this validator are in progress, at most {0} at a time; wait until one completes")]
    MaxUnbondings(u32),
    #[error("no redelegation was found: key not found")]
    NoRedelegation,
    #[error("source and destination are the same validator; choose another destination")]
    SelfRedelegation,
    #[error("the amount is too small to redelegate")]
    TinyRedelegation,
    #[error("redelegation destination {0} does not exist: key not found")]
    BadDestination(String),
    #[error("this stake was redelegated to the source validator before; it can move again after that completes")]
    TransitiveRedelegation,
    #[error("{0} redelegations between these validators are in progress, at most {0}; wait until one completes")]
    MaxRedelegations(u32),
    #[error("validator {0} has shares without tokens; nobody can delegate to it")]
    ExchangeRate(String),
    #[error("no historical info for height {0}; only the latest heights are kept")]
    NoHistory(i64),
    #[error("commission {0} is below the minimum rate of {1}")]
    CommissionBelowMin(String, String),
    #[error("delegate at least {1}, got {0}")]
    BelowMinimum(String, String),
    #[error("an account delegates to at most {0} validators; undelegate from one first")]
    MaxValidators(usize),
    #[error("staked tokens would give more than {0} voting power in total, beyond what consensus can count")]
    PowerBound(u64),
}

impl Coded for Error {
    fn codespace(&self) -> &'static str {
        "staking"
    }

    fn code(&self) -> u32 {
        match self {
            Self::NoValidator(..) => 3,
            Self::OwnerExists(..) => 4,
            Self::PubKeyExists => 5,
            Self::PubKeyType(..) => 6,
            Self::Jailed(..) => 7,
            Self::CommissionHuge(..) => 10,
            Self::CommissionAboveMax(..) => 11,
            Self::CommissionTooSoon => 12,
            Self::ChangeRateHuge(..) => 14,
            Self::ChangeAboveMax(..) => 15,
            Self::SelfBondBelowMinimum(..) => 16,
            Self::MinSelfDelegationDecreased(..) => 17,
            Self::NoDelegation(..) => 19,
            Self::NotEnoughShares(..) => 24,
            Self::NoUnbonding(..) => 26,
            Self::MaxUnbondings(..) => 27,
            Self::NoRedelegation => 28,
            Self::SelfRedelegation => 29,
            Self::TinyRedelegation => 30,
            Self::BadDestination(..) => 31,
            Self::TransitiveRedelegation => 32,
            Self::MaxRedelegations(..) => 33,
            Self::ExchangeRate(..) => 34,
            Self::NoHistory(..) => 38,
            Self::CommissionBelowMin(..) => 40,
            Self::BelowMinimum(..) => 1800,
            Self::MaxValidators(..) => 1801,
            Self::PowerBound(..) => 1802,
        }
    }
}
