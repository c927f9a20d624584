//! The one table of modules. Its order is the order of genesis, begin block and end block.

use ve_sdk::Module;

/// Every module of the chain. `cargo xtask new-module` adds a row before the marker.
pub fn modules() -> Vec<Box<dyn Module>> {
    vec![
        Box::new(ve_chain_core::auth::Auth),
        Box::new(ve_chain_core::admission::Admission),
        Box::new(ve_chain_core::bank::Bank),
        // Before staking, whose genesis and changes of stake it follows.
        Box::new(ve_chain_core::mint::Mint),
        Box::new(ve_chain_core::distribution::Distribution),
        Box::new(ve_chain_core::performance::Performance),
        Box::new(ve_chain_core::slashing::Slashing),
        Box::new(ve_chain_core::evidence::Evidence),
        Box::new(ve_chain_core::staking::Staking),
        Box::new(ve_chain_core::authz::Authz),
        Box::new(ve_chain_core::feegrant::Feegrant),
        Box::new(ve_chain_core::feemarket::Feemarket),
        Box::new(ve_chain_core::vesting::Vesting),
        Box::new(ve_chain_core::consensus::Consensus),
        Box::new(ve_chain_core::upgrade::Upgrade),
        // After staking, whose delegations give votes their weight.
        Box::new(ve_chain_core::gov::Gov),
        Box::new(ve_chain_identity::audit::Audit),
        Box::new(ve_chain_identity::encryption::Encryption),
        Box::new(ve_chain_identity::roles::Roles),
        // Before those that seal to committees and draw on them.
        Box::new(ve_chain_identity::enclave::Enclaves),
        Box::new(ve_chain_identity::attester::Attesters),
        Box::new(ve_chain_identity::veid::Veid),
        Box::new(ve_chain_identity::mfa::Mfa),
        Box::new(ve_chain_finance::take::Take),
        Box::new(ve_chain_finance::escrow::Escrow),
        Box::new(ve_chain_market::provider::Providers),
        Box::new(ve_chain_market::cert::Cert),
        Box::new(ve_chain_market::deployment::Market),
        // new-module: rows above
    ]
}
