//! A member's turn in a run: that it has a seat, that its enclave signed, and that the phase is the right one.

use ve_base::keys::PublicKey;
use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::veid::v1::{RunState, Seat, VerificationRequest};
use ve_sdk::Context;

use super::error::Error;
use super::{committee, runs};

const SIGNATURE_GAS: u64 = 1_000;
const RUN_ID: usize = 32;

/// What a message of a member must have before state is asked.
pub fn check(member: &str, run_id: &[u8], signature: &[u8]) -> Result<(), CodedError> {
    parse_account("member", member)?;
    if run_id.len() != RUN_ID || signature.len() != 64 {
        return Err(Error::Input("a run id has 32 bytes, a signature 64".into()).into());
    }
    Ok(())
}

/// Whether the enclave that got a seat may still decide: revoked code and lost keys are out at once.
pub fn in_office(ctx: &Context<'_>, seat: &Seat) -> Result<bool, CodedError> {
    let operator = parse_account("member", &seat.member)?;
    committee::holds(ctx.hooks(), ctx, &operator, &seat.key_id)
}

/// A member's message that was admitted to its run.
pub struct Turn {
    pub owner: Address,
    pub request: VerificationRequest,
    /// Place of the member among the seats.
    pub at: usize,
}

impl Turn {
    /// Finds the run and the seat, and verifies the enclave's signature over `signed`.
    pub fn take(
        ctx: &Context<'_>,
        member: &str,
        run_id: &[u8],
        phases: &[RunState],
        signed: &[u8; 32],
        signature: &[u8],
    ) -> Result<Self, CodedError> {
        let (owner, request) = runs::open(ctx, run_id)?;
        let run = request.run.clone().unwrap_or_default();
        let at = run.seats.iter().position(|seat| seat.member == member);
        let at = at.ok_or_else(|| Error::NotInCommittee(member.to_owned()))?;
        if !runs::is_open(&request) || !phases.contains(&run.state()) {
            return Err(Error::Late(run.state().as_str_name()).into());
        }
        let seat = run.seats.get(at).cloned().unwrap_or_default();
        if !in_office(ctx, &seat)? {
            return Err(Error::NotInCommittee(member.to_owned()).into());
        }
        ctx.gas().consume(SIGNATURE_GAS, "signature of an enclave")?;
        let key = seat.signing_key.as_slice().try_into().ok();
        key.and_then(|key| PublicKey::Ed25519(key).verify(signed, signature).ok()).ok_or(Error::EnclaveSignature)?;
        Ok(Self { owner, request, at })
    }

    pub fn seat(&mut self) -> Result<&mut Seat, CodedError> {
        let run = self.request.run.as_mut();
        Ok(run.and_then(|run| run.seats.get_mut(self.at)).ok_or_else(|| Error::NotInCommittee(String::new()))?)
    }
}
