pub mod approve_attester;
pub mod attester;
pub mod report_equivocation;
pub mod signer_key;
pub mod slash_attester;
pub mod submit_attestation;
pub mod update_params;
pub mod withdraw_attestation;
