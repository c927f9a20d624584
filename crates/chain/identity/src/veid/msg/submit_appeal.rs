//! `MsgSubmitAppeal`: what the owner says against a rejection, sealed to moderators.

use ve_base::envelope::Subject;
use ve_base::{CodedError, parse_account};
use ve_proto::ve::veid::v1::{Appeal, AppealStatus, MsgSubmitAppeal, MsgSubmitAppealResponse};
use ve_sdk::Context;

use crate::encryption;
use crate::veid::error::Error;
use crate::veid::{appeals, params, wallet};

const MAX_EVIDENCE: usize = 10;
/// A text of 50 to 2000 characters, sealed: at least its bytes and a tag, at most four bytes a character.
const MIN_REASON: usize = 50 + 16;
const MAX_REASON: usize = 2_000 * 4 + 16;

pub fn check(msg: &MsgSubmitAppeal) -> Result<(), CodedError> {
    parse_account("owner", &msg.owner)?;
    let length = msg.reason.as_ref().map_or(0, |reason| reason.ciphertext.len());
    if !(MIN_REASON..=MAX_REASON).contains(&length) {
        return Err(Error::Input("a reason has 50 to 2000 characters, sealed to moderators".into()).into());
    }
    if msg.evidence_hashes.len() > MAX_EVIDENCE || msg.evidence_hashes.iter().any(|hash| hash.len() != 32) {
        return Err(Error::Input("at most 10 hashes of further evidence, of 32 bytes each".into()).into());
    }
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgSubmitAppeal) -> Result<MsgSubmitAppealResponse, CodedError> {
    let owner = parse_account("owner", &msg.owner)?;
    let (params, now) = (params::load(ctx)?, ctx.time().unix());
    let wallet = wallet::active(ctx, &owner)?;
    let request = appeals::rejected(ctx, &owner, &wallet, &params, now)?;
    let object_id = format!("appeal/{}", request.request_id);
    let subject = Subject { chain_id: ctx.chain_id(), module: "veid", object_id: &object_id, owner: &msg.owner };
    encryption::accept(ctx, &msg.reason.clone().unwrap_or_default(), &subject, &owner)?;
    let run = request.run.unwrap_or_default();
    let appeal = Appeal {
        owner: msg.owner.clone(),
        run_id: run.run_id,
        members: run.seats.into_iter().map(|seat| seat.member).collect(),
        scope_ids: request.scope_ids,
        status: AppealStatus::Pending.into(),
        reason: msg.reason.clone(),
        evidence_hashes: msg.evidence_hashes.clone(),
        submitted_at: now,
        due_at: now.saturating_add(params.appeal_life_seconds),
        ..Appeal::default()
    };
    Ok(MsgSubmitAppealResponse { appeal_id: appeals::submit(ctx, &owner, appeal)? })
}
