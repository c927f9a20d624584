//! Factors: named, proven once, used, suspended, revoked.

use ve_base::envelope::Subject;
use ve_base::{Address, CodedError, mfa, parse_account};
use ve_proto::ve::attester::v1::Kind;
use ve_proto::ve::mfa::v1::*;
use ve_sdk::Context;
use ve_store::Read;

use super::error::Error;
use super::keys::{FACTOR_DUE, FACTORS};
use super::verify::{certificate, uncompressed, webauthn};
use super::{combine, event, params, profile, session};
use crate::{attester, encryption};

const MAX_LABEL: usize = 64;
const MAX_CODES: usize = 10;
/// How long a factor may wait for its first proof.
const PENDING_SECONDS: u64 = 3600;
/// Records of an account, revoked ones included.
const MAX_RECORDS: usize = 64;
const MAX_PER_BLOCK: usize = 100;

/// All factors of an account, revoked ones too.
pub fn all<R: Read + ?Sized>(state: &R, address: &Address) -> Result<Vec<Factor>, CodedError> {
    let found = FACTORS.scan().prefix(address).take(state, MAX_RECORDS)?;
    Ok(found.into_iter().map(|(_, factor)| factor).collect())
}

pub fn require<R: Read + ?Sized>(state: &R, address: &Address, id: u64) -> Result<Factor, CodedError> {
    Ok(FACTORS.get(state, &(address.clone(), id))?.ok_or(Error::NotFound("factor", id))?)
}

pub fn save(ctx: &mut Context<'_>, factor: &Factor) -> Result<(), CodedError> {
    Ok(FACTORS.set(ctx, &(parse_account("account", &factor.address)?, factor.id), factor)?)
}

pub fn is_contact(kind: FactorType) -> bool {
    matches!(kind, FactorType::Sms | FactorType::Call | FactorType::Email)
}

/// Active factors that prove something by themselves: all but trusted browsers.
pub fn active<R: Read + ?Sized>(state: &R, address: &Address) -> Result<Vec<Factor>, CodedError> {
    let mut found = all(state, address)?;
    found.retain(|factor| factor.state() == FactorState::Active && factor.r#type() != FactorType::Browser);
    Ok(found)
}

/// What a further factor or a trusted browser demands: one of the strongest that the account has. Nothing when it has
/// none, unless one is suspended.
pub fn demanded<R: Read + ?Sized>(state: &R, address: &Address) -> Result<Vec<Combination>, CodedError> {
    let known = all(state, address)?;
    let proves = |factor: &&Factor| {
        matches!(factor.state(), FactorState::Active | FactorState::Suspended) && factor.r#type() != FactorType::Browser
    };
    let strongest =
        known.iter().filter(proves).map(|factor| combine::strength(factor.r#type())).max().unwrap_or_default();
    let mut any: Vec<i32> = known
        .iter()
        .filter(proves)
        .filter(|factor| combine::strength(factor.r#type()) == strongest)
        .map(|factor| factor.r#type)
        .collect();
    any.sort_unstable();
    any.dedup();
    Ok(if any.is_empty() { Vec::new() } else { vec![Combination { all: vec![FactorSet { any }] }] })
}

pub fn check_label(label: &str) -> Result<(), Error> {
    let fits = label.chars().count() <= MAX_LABEL && label.chars().all(|letter| !letter.is_control());
    if fits { Ok(()) } else { Err(Error::Request("a label has at most 64 printable characters")) }
}

/// What an enrolment must bring, as far as state is not needed.
pub fn check(msg: &MsgEnrollFactor) -> Result<(), CodedError> {
    parse_account("account", &msg.address)?;
    check_label(&msg.label)?;
    let refused = |why: &'static str| Err(Error::Request(why).into());
    match msg.r#type() {
        FactorType::Sms | FactorType::Call | FactorType::Email if msg.public_part.len() != 32 => {
            refused("a number or address is named by 32 blinded bytes")
        }
        FactorType::Certificate if msg.certificates.is_empty() => refused("a chain of certificates is missing"),
        FactorType::BackupCode
            if msg.codes.is_empty()
                || msg.codes.len() > MAX_CODES
                || msg.codes.iter().any(|key| key.len() != 32)
                || (1..msg.codes.len()).any(|at| msg.codes[..at].contains(&msg.codes[at])) =>
        {
            refused("backup codes are from 1 to 10 different Ed25519 keys of 32 bytes")
        }
        FactorType::Totp if msg.secret.is_none() => refused("the sealed secret is missing"),
        FactorType::Unspecified => refused("the factor is of no known type"),
        FactorType::Browser => refused("a browser is added with MsgAddTrustedBrowser"),
        _ => Ok(()),
    }
}

/// Names a factor; it waits for its first proof.
pub fn enroll(ctx: &mut Context<'_>, msg: &MsgEnrollFactor) -> Result<Factor, CodedError> {
    let address = parse_account("account", &msg.address)?;
    let params = params::load(ctx)?;
    let kind = msg.r#type();
    let mut factor = Factor { r#type: msg.r#type, label: msg.label.clone(), ..Factor::default() };
    match kind {
        FactorType::Webauthn => webauthn_part(ctx, &params, msg, &mut factor)?,
        FactorType::Certificate => {
            certificate::check_chain(&msg.certificates, &params.authorities, ctx.time().unix())?;
            factor.certificates.clone_from(&msg.certificates);
        }
        FactorType::BackupCode => factor.codes.clone_from(&msg.codes),
        FactorType::Totp => {
            check_secret(ctx, &params, msg, &address)?;
            factor.secret.clone_from(&msg.secret);
        }
        _ => factor.public_part.clone_from(&msg.public_part),
    }
    check_unique(ctx, &address, &factor)?;
    factor.expires_at = ctx.time().unix().saturating_add(PENDING_SECONDS);
    add(ctx, &address, factor, params.max_factors, false)
}

/// The next factor of an account. `browser`: counted among browsers instead of factors.
fn add(
    ctx: &mut Context<'_>,
    address: &Address,
    mut factor: Factor,
    most: u32,
    browser: bool,
) -> Result<Factor, CodedError> {
    let known = all(ctx, address)?;
    let live = |factor: &&Factor| {
        matches!(factor.state(), FactorState::Pending | FactorState::Active | FactorState::Suspended)
            && (factor.r#type() == FactorType::Browser) == browser
    };
    if known.iter().filter(live).count() as u64 >= u64::from(most) {
        return Err(Error::TooMany(most, if browser { "trusted browsers" } else { "factors" }).into());
    }
    if known.len() >= MAX_RECORDS {
        // Room for the new one: the oldest that is over.
        let over = known.iter().find(|factor| matches!(factor.state(), FactorState::Revoked | FactorState::Expired));
        let over = over.ok_or(Error::TooMany(most, "factors"))?;
        FACTORS.remove(ctx, &(address.clone(), over.id))?;
    }
    let mut profile = profile::load(ctx, address)?;
    factor.address = address.to_string();
    factor.id = profile.next_factor;
    factor.enrolled_at = ctx.time().unix();
    if factor.state() == FactorState::Unspecified {
        factor.set_state(FactorState::Pending);
    }
    profile.next_factor = profile.next_factor.saturating_add(1);
    profile::save(ctx, &profile)?;
    save(ctx, &factor)?;
    event::factor(ctx, "factor_enrolled", &factor);
    Ok(factor)
}

fn webauthn_part(
    ctx: &mut Context<'_>,
    params: &Params,
    msg: &MsgEnrollFactor,
    factor: &mut Factor,
) -> Result<(), CodedError> {
    let challenge = mfa::registration(ctx.chain_id(), &msg.address);
    let (party, credential, counter) =
        webauthn::register(&msg.attestation_object, &msg.client_data_json, &challenge, &params.relying_parties)?;
    if params.denied_aaguids.iter().any(|denied| denied.as_slice() == credential.aaguid) {
        return Err(Error::Request("this model of authenticator was broken; use another one").into());
    }
    factor.public_part = credential.public_key;
    factor.credential_id = credential.id;
    factor.aaguid = credential.aaguid.to_vec();
    factor.relying_party = party;
    factor.counter = u64::from(counter);
    Ok(())
}

/// The secret is sealed to active keys of attesters that check codes, of enough organisations, and to nobody else.
fn check_secret(
    ctx: &mut Context<'_>,
    params: &Params,
    msg: &MsgEnrollFactor,
    address: &Address,
) -> Result<(), CodedError> {
    let envelope = msg.secret.as_ref().ok_or(Error::Request("the sealed secret is missing"))?;
    let subject = Subject { chain_id: ctx.chain_id(), module: "mfa", object_id: "totp", owner: &msg.address };
    encryption::accept(ctx, envelope, &subject, address)?;
    let mut organisations = std::collections::BTreeSet::new();
    for recipient in &envelope.recipients {
        let owner = encryption::owner_of(ctx, &recipient.key_id)?;
        organisations.insert(attester::organisation_of(ctx, &owner, Kind::Totp)?);
    }
    if (organisations.len() as u64) < u64::from(params.code_operators) {
        return Err(Error::Request("the secret must be sealed to attesters of more organisations").into());
    }
    Ok(())
}

/// One authenticator, number or certificate is one factor: two proofs of it must not count twice.
fn check_unique(ctx: &Context<'_>, address: &Address, new: &Factor) -> Result<(), CodedError> {
    let same = |factor: &Factor| {
        let live = !matches!(factor.state(), FactorState::Revoked | FactorState::Expired);
        live && ((!new.credential_id.is_empty() && factor.credential_id == new.credential_id)
            || (!new.public_part.is_empty() && factor.public_part == new.public_part)
            || (!new.certificates.is_empty() && factor.certificates.first() == new.certificates.first())
            || (new.r#type() == factor.r#type()
                && matches!(new.r#type(), FactorType::Totp | FactorType::Biometric | FactorType::BackupCode)))
    };
    if all(ctx, address)?.iter().any(same) {
        return Err(Error::Request("the account has this factor already; revoke it first").into());
    }
    Ok(())
}

pub fn add_browser(ctx: &mut Context<'_>, msg: &MsgAddTrustedBrowser) -> Result<Factor, CodedError> {
    let address = parse_account("account", &msg.address)?;
    uncompressed(&msg.public_key)?;
    let params = params::load(ctx)?;
    if active(ctx, &address)?.is_empty() {
        return Err(Error::Request("a browser stands in for a factor; enrol one first").into());
    }
    let now = ctx.time().unix();
    let factor = Factor {
        r#type: FactorType::Browser.into(),
        label: msg.label.clone(),
        state: FactorState::Active.into(),
        public_part: msg.public_key.clone(),
        activated_at: now,
        expires_at: now.saturating_add(params.browser_seconds),
        ..Factor::default()
    };
    check_unique(ctx, &address, &factor)?;
    add(ctx, &address, factor, params.max_browsers, true)
}

/// A factor was proven for the first time: from now on demands hold for the account. Another number or address of the
/// same type takes the place of the one before.
pub fn activate(ctx: &mut Context<'_>, address: &Address, id: u64) -> Result<(), CodedError> {
    let mut factor = require(ctx, address, id)?;
    if is_contact(factor.r#type()) {
        for mut old in active(ctx, address)? {
            if old.r#type() == factor.r#type() {
                revoke(ctx, &mut old)?;
            }
        }
    }
    factor.set_state(FactorState::Active);
    factor.activated_at = ctx.time().unix();
    factor.expires_at = 0;
    save(ctx, &factor)?;
    let mut profile = profile::load(ctx, address)?;
    if profile.protected_since == 0 {
        profile.protected_since = ctx.time().unix();
    }
    profile::save(ctx, &profile)?;
    event::factor(ctx, "factor_active", &factor);
    Ok(())
}

/// Ends a factor and every session of the account.
pub fn revoke(ctx: &mut Context<'_>, factor: &mut Factor) -> Result<(), CodedError> {
    factor.set_state(FactorState::Revoked);
    save(ctx, factor)?;
    event::factor(ctx, "factor_revoked", factor);
    session::revoke_all(ctx, &factor.address)
}

/// A falling counter: the factor proves nothing until it is enrolled anew.
pub fn suspend(ctx: &mut Context<'_>, factor: &mut Factor) -> Result<(), CodedError> {
    factor.set_state(FactorState::Suspended);
    save(ctx, factor)?;
    event::factor(ctx, "factor_suspended", factor);
    session::revoke_all(ctx, &factor.address)
}

/// End of block: browsers whose time is over, and factors that were never proven.
pub fn expire(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    for ((_, place), ()) in FACTOR_DUE.scan().through(&now).take(ctx, MAX_PER_BLOCK)? {
        let mut factor = FACTORS.require(ctx, &place)?;
        factor.set_state(FactorState::Expired);
        FACTORS.set(ctx, &place, &factor)?;
        event::factor(ctx, "factor_expired", &factor);
    }
    Ok(())
}
