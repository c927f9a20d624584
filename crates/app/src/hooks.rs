//! Which module answers the hooks of which lower module.

use std::sync::Arc;

use ve_chain_core::distribution::DistributionHooks;
use ve_chain_core::feemarket::StressGauge;
use ve_chain_core::gov::GovHooks;
use ve_chain_core::performance::PerformanceHooks;
use ve_chain_core::slashing::SlashingHooks;
use ve_chain_core::staking::hooks::{AdmissionGate, StakingHooks};
use ve_chain_finance::escrow::{EscrowHooks, EscrowStress};
use ve_chain_identity::attester::hooks::AttesterEmergency;
use ve_chain_identity::enclave::{CandidateGate, MeasurementEmergency};
use ve_chain_identity::mfa::MfaGate;
use ve_chain_identity::mfa::hooks::MfaHooks;
use ve_chain_identity::roles::gate::AccountGate;
use ve_chain_identity::roles::hooks::{AccountHooks, Emergency};
use ve_chain_identity::veid::committee::CommitteeSource;
use ve_chain_identity::veid::{CandidateScore, EnclaveCommittee, IdentityGate, IdentityHooks};
use ve_chain_market::deployment::MarketHooks;
use ve_chain_market::provider::ProviderHooks;
use ve_sdk::gate::MessageGate;
use ve_sdk::hooks::Hooks;

pub fn hooks() -> Hooks {
    let mut hooks = Hooks::default();
    // Before every other gate: what a state forbids needs no further question.
    hooks.add::<dyn MessageGate>(Arc::new(AccountGate));
    hooks.add::<dyn AdmissionGate>(Arc::new(SlashingHooks));
    hooks.add::<dyn StakingHooks>(Arc::new(DistributionHooks));
    hooks.add::<dyn StakingHooks>(Arc::new(SlashingHooks));
    hooks.add::<dyn StakingHooks>(Arc::new(PerformanceHooks));
    hooks.add::<dyn StakingHooks>(Arc::new(GovHooks));
    hooks.add::<dyn StressGauge>(Arc::new(EscrowStress));
    hooks.add::<dyn MessageGate>(Arc::new(IdentityGate));
    hooks.add::<dyn AccountHooks>(Arc::new(IdentityHooks));
    hooks.add::<dyn EscrowHooks>(Arc::new(MarketHooks));
    hooks.add::<dyn ProviderHooks>(Arc::new(MarketHooks));
    hooks.add::<dyn AccountHooks>(Arc::new(MfaHooks));
    hooks.add::<dyn Emergency>(Arc::new(AttesterEmergency));
    hooks.add::<dyn Emergency>(Arc::new(MeasurementEmergency));
    hooks.add::<dyn CandidateGate>(Arc::new(CandidateScore));
    hooks.add::<dyn CommitteeSource>(Arc::new(EnclaveCommittee));
    hooks.add::<dyn MessageGate>(Arc::new(MfaGate));
    hooks
}
