//! Types that every layer shares. No I/O.

pub mod address;
pub mod amount;
pub mod attestation;
pub mod audit;
pub mod capture;
pub mod coin;
pub mod dec;
pub mod enclave;
pub mod envelope;
pub mod errors;
pub mod jcs;
pub mod keys;
pub mod mfa;
pub mod preimage;
pub mod time;
pub mod tx;
pub mod value;
pub mod verification;
pub mod votes;

pub use address::{
    ACCOUNT_PREFIX, Address, CONSENSUS_PREFIX, OPERATOR_PREFIX, module_address, parse_account, parse_operator,
};
pub use amount::{Amount, AmountError};
pub use coin::{BASE_DENOM, Coin, Coins, Denom};
pub use dec::{Dec, DecError, Rounding};
pub use errors::{Coded, CodedError};
pub use time::BlockTime;
