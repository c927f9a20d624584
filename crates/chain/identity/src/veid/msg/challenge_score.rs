//! `MsgChallengeScore`: the chain computes a result again, with the same integer code as the enclaves. When it differs,
//! the new one replaces it and the attesters are at fault.

use ve_base::{CodedError, parse_account};
use ve_inference::{Features, Findings, Model};
use ve_proto::ve::veid::v1::{
    Fault, MsgChallengeScore, MsgChallengeScoreResponse, Run, ScoreAttestation, VerificationState, Wallet,
};
use ve_sdk::{Context, Event};

use crate::veid::error::Error;
use crate::veid::keys::RECORDS;
use crate::veid::wallet::{self, Reasons};
use crate::veid::{faults, lifecycle, params, result, runs};

/// What recomputing costs.
const GAS: u64 = 20_000;

fn opened(msg: &MsgChallengeScore) -> Result<(Features, Findings, [u8; 32]), CodedError> {
    let refused = |cause: &str| Error::Input(format!("challenge: {cause}"));
    let features = Features::decode(&msg.features).map_err(|error| refused(&error.to_string()))?;
    let bits = u8::try_from(msg.findings).map_err(|_| refused("unknown findings"))?;
    let findings = Findings::from_bits(bits).ok_or_else(|| refused("unknown findings"))?;
    let salt = msg.salt.as_slice().try_into().map_err(|_| refused("a salt has 32 bytes"))?;
    Ok((features, findings, salt))
}

pub fn check(msg: &MsgChallengeScore) -> Result<(), CodedError> {
    parse_account("owner", &msg.owner)?;
    opened(msg).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgChallengeScore) -> Result<MsgChallengeScoreResponse, CodedError> {
    let owner = parse_account("owner", &msg.owner)?;
    let params = params::load(ctx)?;
    let (features, findings, salt) = opened(msg)?;
    let mut record = RECORDS.get(ctx, &owner)?.filter(|record| record.run_id == msg.run_id);
    let Some(record) = &mut record else { return Err(Error::RunNotFound(runs::hex(&msg.run_id)).into()) };
    let attested = record.attestation.clone().unwrap_or_default();
    let late = ctx.time().unix() > record.time.saturating_add(params.challenge_seconds);
    let wallet = wallet::active(ctx, &owner)?;
    let settled = matches!(wallet.state(), VerificationState::Verified | VerificationState::Rejected);
    if record.overturned || late || !settled || wallet.shadow {
        return Err(Error::Late("over, or another verification runs").into());
    }
    if features.salted_digest(&salt)[..] != attested.f_digest[..] {
        return Err(Error::Input("challenge: these are not the features of the result".into()).into());
    }
    // The chain holds the formulas of genesis; a network's weights are with the enclaves.
    let model = Model::genesis();
    if model.digest()[..] != attested.model_id[..] {
        return Err(Error::Model.into());
    }
    ctx.gas().consume(GAS, "computing a score")?;
    let outcome = ve_inference::score(&features, findings, &model);
    let score = u32::try_from(outcome.score).unwrap_or(u32::MAX);
    // Other findings than those that were attested are another input, not another result.
    if outcome.input_hash[..] != attested.input_hash[..] {
        return Err(Error::Input("challenge: these are not the findings of the result".into()).into());
    }
    if score == attested.score {
        return Ok(MsgChallengeScoreResponse { overturned: false, score });
    }
    record.overturned = true;
    RECORDS.set(ctx, &owner, record)?;
    let run = Run { run_id: msg.run_id.clone(), height: record.height, ..Run::default() };
    for member in record.members.clone() {
        faults::at_fault(ctx, &parse_account("member", &member)?, Fault::WrongScore, &run)?;
    }
    let codes = outcome.reasons.iter().map(|reason| reason.code().to_owned()).collect();
    replace(ctx, &owner, wallet, ScoreAttestation { score, reason_codes: codes, ..attested })?;
    ctx.emit(Event::new("verification_overturned").with("owner", &msg.owner).with("score", score));
    Ok(MsgChallengeScoreResponse { overturned: true, score })
}

/// A rejection that was wrong never was one: its cooldown ends, and evidence is captured anew. It stands when the right
/// score is no better. A score that was wrong is replaced by the right one.
fn replace(
    ctx: &mut Context<'_>,
    owner: &ve_base::Address,
    mut wallet: Wallet,
    right: ScoreAttestation,
) -> Result<(), CodedError> {
    let params = params::load(ctx)?;
    let near_miss = right.score >= params.secondary_score && result::gates_passed(&right.reason_codes);
    if wallet.state() == VerificationState::Verified {
        let (score, codes) = result::unique(ctx, owner, &right, &params)?;
        let gates_passed = result::gates_passed(&codes);
        let reasons = Reasons { scope_ids: right.accepted_scopes, codes };
        // Nobody waits for what the chain itself puts right.
        wallet.cooldown_until = 0;
        wallet::advance(ctx, owner, &mut wallet, lifecycle::Event::Requested, Reasons::default())?;
        let scored = lifecycle::Event::Scored { score, gates_passed };
        wallet::advance(ctx, owner, &mut wallet, scored, reasons)?;
    } else if right.score >= params.basic_score || near_miss {
        wallet.cooldown_until = 0;
        wallet.rejections = wallet.rejections.saturating_sub(1);
    }
    wallet::save(ctx, owner, wallet, &params)
}
