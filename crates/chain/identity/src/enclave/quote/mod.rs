//! What a quote proves, as pure functions of the message and the block time (identity spec section 9). Nothing is
//! fetched: everything that vouches for a quote comes with it and ends at a root that is pinned here. What is cheap to
//! look at is looked at before signatures are verified.

mod chain;
mod nitro;
mod policy;
mod refused;
mod sgx;
mod snp;
mod tcb;
mod time;

use ve_proto::ve::enclave::v1::{Collateral, Tee};

pub use policy::Policy;
pub use refused::Refused;

/// What a manufacturer's hardware vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Of the code: MRENCLAVE, the launch measurement, or SHA-384 over PCR0 to PCR2.
    pub measurement: Vec<u8>,
    /// Of who signed the code: MRSIGNER, the author key digest; empty for Nitro.
    pub signer: Vec<u8>,
    /// First 32 bytes of what the enclave put into the quote.
    pub report_data: [u8; 32],
    /// Version that the author gave the code; 0 where the hardware knows none.
    pub svn: u64,
    /// Version of the platform, in the parts that a floor compares.
    pub tcb: Vec<u32>,
    /// What its manufacturer calls the platform.
    pub status: String,
}

/// Gas of a verification: that of a signature in a transaction (1,000) times how much longer this takes. The example
/// `quote_cost` of this crate measures it.
pub fn gas(tee: Tee) -> u64 {
    match tee {
        Tee::Sgx => SGX_GAS,
        Tee::SevSnp => SNP_GAS,
        Tee::Nitro => NITRO_GAS,
        Tee::Simulated | Tee::Unspecified => 0,
    }
}

const SGX_GAS: u64 = 30_000;
const SNP_GAS: u64 = 40_000;
const NITRO_GAS: u64 = 120_000;

/// Verifies a quote of real hardware at a block time in seconds.
pub fn verify(tee: Tee, quote: &[u8], collateral: &Collateral, now: u64, policy: &Policy) -> Result<Proven, Refused> {
    match tee {
        Tee::Sgx => sgx::verify(quote, collateral, now, policy),
        Tee::SevSnp => snp::verify(quote, collateral, now, policy),
        Tee::Nitro => nitro::verify(quote, now, policy),
        Tee::Simulated | Tee::Unspecified => Err(Refused::Kind),
    }
}

/// `N` bytes at `at`.
fn field<const N: usize>(bytes: &[u8], at: usize) -> Result<[u8; N], Refused> {
    let part = at.checked_add(N).and_then(|end| bytes.get(at..end));
    part.and_then(|part| part.try_into().ok()).ok_or(Refused::Malformed("it is cut short"))
}

#[cfg(test)]
mod tests;
