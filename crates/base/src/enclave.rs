//! What enclaves put into their quotes and what they sign (identity spec section 9).

use sha2::{Digest, Sha256};
use ve_proto::ve::enclave::v1::MsgEnclaveHeartbeat;

use crate::preimage::preimage;

/// What a quote must be about.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// Account of the validator's operator.
    pub validator: &'a str,
    /// X25519.
    pub enc_pubkey: &'a [u8],
    /// Ed25519.
    pub sig_pubkey: &'a [u8],
    /// Epoch of committees in which the keys are registered.
    pub epoch: u64,
}

/// The first 32 bytes of the report data: they bind the keys to the validator, and to a block so recent that the quote
/// is of no earlier use.
pub fn report_data(chain_id: &str, claim: &Claim<'_>, anchor_hash: &[u8]) -> [u8; 32] {
    let epoch = claim.epoch.to_be_bytes();
    let fields = [claim.validator.as_bytes(), claim.enc_pubkey, claim.sig_pubkey, &epoch, anchor_hash];
    preimage("enclave", chain_id, &fields)
}

/// What an enclave signs for a heartbeat: every field but its signature and what vouches for the quote.
pub fn heartbeat(chain_id: &str, message: &MsgEnclaveHeartbeat) -> [u8; 32] {
    preimage(
        "enclave-heartbeat",
        chain_id,
        &[
            message.validator.as_bytes(),
            &message.enclave_id.to_be_bytes(),
            &message.seq.to_be_bytes(),
            &message.at.to_be_bytes(),
            &u64::from(message.load).to_be_bytes(),
            &message.model_set_hash,
            &Sha256::digest(&message.quote),
        ],
    )
}

/// What a quote of a simulated enclave begins with.
pub const SIMULATED: &[u8] = b"VE-SIMULATED-ENCLAVE";

/// The quote of an enclave that no hardware vouches for, of development and test networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Simulated {
    pub measurement: [u8; 32],
    /// Version of the code.
    pub svn: u32,
    /// Version of the platform.
    pub tcb: u32,
    pub report_data: [u8; 32],
}

impl Simulated {
    pub fn quote(&self) -> Vec<u8> {
        let (svn, tcb) = (self.svn.to_be_bytes(), self.tcb.to_be_bytes());
        [SIMULATED, &self.measurement, &svn, &tcb, &self.report_data].concat()
    }

    /// `None` for anything else.
    pub fn read(quote: &[u8]) -> Option<Self> {
        let rest = quote.strip_prefix(SIMULATED)?;
        let (measurement, rest) = rest.split_first_chunk::<32>()?;
        let (svn, rest) = rest.split_first_chunk::<4>()?;
        let (tcb, rest) = rest.split_first_chunk::<4>()?;
        Some(Self {
            measurement: *measurement,
            svn: u32::from_be_bytes(*svn),
            tcb: u32::from_be_bytes(*tcb),
            report_data: rest.try_into().ok()?,
        })
    }
}

#[cfg(test)]
#[path = "enclave_tests.rs"]
mod tests;
