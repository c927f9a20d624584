//! `MsgUpdateConsent`: what the owner agrees to from here on. Nothing is agreed to by default. Withdrawing alone is
//! possible at any time; it acts from the next block.

use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::veid::v1::{Consent, ConsentGrant, MsgUpdateConsent, MsgUpdateConsentResponse};
use ve_sdk::Context;

use crate::veid::error::Error;
use crate::veid::keys::CONSENTS;
use crate::veid::{consent, event, params, runs, wallet};

/// Grants and withdrawals of one message.
const MAX_CHANGES: usize = 16;
/// Records of a wallet; the oldest that ended make room for new ones.
const MAX_KEPT: usize = 128;

fn granted(grant: &ConsentGrant) -> Consent {
    Consent {
        purpose: grant.purpose.clone(),
        scope_types: grant.scope_types.clone(),
        recipients: grant.recipients.clone(),
        expires_at: grant.expires_at,
        notice_hash: grant.notice_hash.clone(),
        ..Consent::default()
    }
}

pub fn check(msg: &MsgUpdateConsent) -> Result<(), CodedError> {
    parse_account("owner", &msg.owner)?;
    if msg.grants.len() > MAX_CHANGES || msg.withdraw.len() > MAX_CHANGES {
        return Err(Error::Input("at most 16 grants and 16 withdrawals in one message".into()).into());
    }
    if msg.grants.is_empty() && msg.withdraw.is_empty() && msg.flags.is_none() {
        return Err(Error::Input("the message changes nothing".into()).into());
    }
    msg.grants.iter().try_for_each(|grant| consent::check(&granted(grant)))
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgUpdateConsent) -> Result<MsgUpdateConsentResponse, CodedError> {
    let owner = parse_account("owner", &msg.owner)?;
    let params = params::load(ctx)?;
    let now = ctx.time().unix();
    let only_withdraws = msg.grants.is_empty() && msg.flags.is_none();
    let mut wallet =
        if only_withdraws { wallet::active(ctx, &owner)? } else { wallet::operated(ctx, &owner, &params)? };
    if msg.version != wallet.consent_version {
        return Err(Error::ConsentVersion { have: wallet.consent_version, given: msg.version }.into());
    }
    let version = wallet.consent_version.saturating_add(1);
    wallet.consent_version = version;
    for consent_id in &msg.withdraw {
        withdraw(ctx, &owner, *consent_id, version)?;
    }
    let mut consent_ids = Vec::new();
    for grant in &msg.grants {
        make_room(ctx, &owner)?;
        let consent_id = wallet.consents.saturating_add(1);
        wallet.consents = consent_id;
        let consent = Consent { consent_id, granted_at: now, version, ..granted(grant) };
        if consent.expires_at != 0 && consent.expires_at <= now {
            return Err(Error::Input("a consent ends after it begins".into()).into());
        }
        CONSENTS.set(ctx, (&owner, &consent_id), &consent)?;
        event::consent(ctx, "consent_granted", &msg.owner, consent_id, version);
        consent_ids.push(consent_id);
    }
    if consent::live(ctx, &owner, now)?.len() > consent::MAX_LIVE {
        return Err(Error::Input(format!("at most {} consents are in force; withdraw some", consent::MAX_LIVE)).into());
    }
    if let Some(flags) = msg.flags {
        wallet.consent_flags = Some(flags);
        event::consent(ctx, "consent_flags_changed", &msg.owner, 0, version);
    }
    wallet::save(ctx, &owner, wallet, &params)?;
    if !msg.withdraw.is_empty() {
        runs::review(ctx, &owner)?;
    }
    Ok(MsgUpdateConsentResponse { version, consent_ids })
}

fn withdraw(ctx: &mut Context<'_>, owner: &Address, consent_id: u32, version: u32) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let missing = || Error::ConsentMissing(format!("number {consent_id}"));
    let mut consent = CONSENTS.get(ctx, (owner, &consent_id))?.ok_or_else(missing)?;
    if !consent::is_live(&consent, now) {
        return Err(missing().into());
    }
    consent.withdrawn_at = now;
    CONSENTS.set(ctx, (owner, &consent_id), &consent)?;
    event::consent(ctx, "consent_withdrawn", &owner.to_string(), consent_id, version);
    Ok(())
}

/// Forgets the oldest consent that ended when there are too many records.
fn make_room(ctx: &mut Context<'_>, owner: &Address) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let all = CONSENTS.scan().prefix(owner).take(ctx, MAX_KEPT)?;
    if all.len() < MAX_KEPT {
        return Ok(());
    }
    let ended = all.iter().find(|(_, consent)| !consent::is_live(consent, now));
    match ended {
        Some(((_, consent_id), _)) => Ok(CONSENTS.remove(ctx, (owner, consent_id))?),
        None => Err(Error::Input("too many consents; withdraw some".into()).into()),
    }
}
