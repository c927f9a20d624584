//! The order of admission (platform spec section 1). Quotas stand after signatures: counting claimed signers would let
//! a stranger exhaust a victim's quota. Account states stand before them: their check only reads what everybody may know.

use ve_chain_core::admission::QUOTAS;
use ve_chain_core::auth::admission as auth;
use ve_chain_identity::mfa;
use ve_chain_identity::roles::gate::ACCOUNT_STATES;
use ve_sdk::admission::{EXTENSION_OPTIONS, LIMITS, MESSAGE_GATES, STATELESS_CHECKS, Step, TX_SIZE_GAS};

pub fn steps() -> Vec<Step> {
    vec![
        EXTENSION_OPTIONS,
        STATELESS_CHECKS,
        LIMITS,
        TX_SIZE_GAS,
        auth::FEE_SUFFICIENT,
        ACCOUNT_STATES,
        auth::SIGNATURES,
        mfa::SESSIONS,
        MESSAGE_GATES,
        QUOTAS,
        auth::DEDUCT_FEE,
        auth::ADVANCE_SEQUENCES,
    ]
}
