//! Parameters, changed by governance within hard bounds.

use ve_base::{Amount, CodedError};
use ve_proto::ve::attester::v1::{Kind, KindPolicy, Params};
use ve_store::{Read, Write};

use super::error::Error;
use super::keys::PARAMS;

const DAY: u64 = 86_400;

/// Kind, organisations that must agree, longest validity (identity spec sections 2.1 and 5.1). Answers to challenges
/// live for minutes.
const KINDS: &[(Kind, u32, u64)] = &[
    (Kind::Email, 1, 90 * DAY),
    (Kind::Sms, 1, 90 * DAY),
    (Kind::Call, 1, 90 * DAY),
    (Kind::Sso, 1, 90 * DAY),
    (Kind::EnterpriseSso, 1, 90 * DAY),
    (Kind::Social, 1, 180 * DAY),
    (Kind::Domain, 2, 365 * DAY),
    (Kind::Government, 1, 365 * DAY),
    (Kind::Address, 1, 180 * DAY),
    (Kind::Video, 1, 365 * DAY),
    (Kind::Device, 1, 30 * DAY),
    (Kind::Totp, 2, 600),
    (Kind::Biometric, 4, 600),
    (Kind::CertificateStatus, 1, DAY),
];

/// Whether attestations of this kind are kept; the others only answer challenges.
pub fn is_fact(kind: Kind) -> bool {
    !matches!(kind, Kind::Unspecified | Kind::Totp | Kind::Biometric | Kind::CertificateStatus)
}

pub fn default() -> Params {
    let policy = |&(kind, operators, validity_seconds): &(Kind, u32, u64)| KindPolicy {
        kind: kind.into(),
        operators,
        validity_seconds,
    };
    Params {
        min_bond: "1000000000".into(),
        unbonding_seconds: 21 * DAY,
        key_age_seconds: 90 * DAY,
        overlap_seconds: 7 * DAY,
        notice_seconds: 3 * DAY,
        max_pending_keys: 2,
        window_seconds: 3600,
        skew_seconds: 300,
        max_nonces: 10_000,
        max_per_subject: 64,
        equivocation_bps: 1000,
        kinds: KINDS.iter().map(policy).collect(),
    }
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    let within = |name: &str, value: u64, least: u64, most: u64| {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(Error::Params(format!("{name} must be from {least} to {most}, got {value}")))
    };
    let bond: Amount = params.min_bond.parse().map_err(|_| Error::Params("min_bond is no amount of uve".into()))?;
    if bond.is_zero() || bond > Amount::from(10u128.pow(15)) {
        return Err(Error::Params(format!("min_bond must be from 1 to 10^15 uve, got {bond}")).into());
    }
    within("unbonding_seconds", params.unbonding_seconds, DAY, 365 * DAY)?;
    within("key_age_seconds", params.key_age_seconds, DAY, 365 * DAY)?;
    within("overlap_seconds", params.overlap_seconds, 0, 30 * DAY)?;
    within("notice_seconds", params.notice_seconds, 0, 30 * DAY)?;
    within("max_pending_keys", params.max_pending_keys.into(), 1, 10)?;
    within("window_seconds", params.window_seconds, 60, DAY)?;
    within("skew_seconds", params.skew_seconds, 0, 3600)?;
    within("max_nonces", params.max_nonces.into(), 100, 10_000_000)?;
    within("max_per_subject", params.max_per_subject.into(), 16, 256)?;
    within("equivocation_bps", params.equivocation_bps.into(), 1, 10_000)?;
    if params.kinds.len() != KINDS.len()
        || params.kinds.iter().zip(KINDS).any(|(given, row)| given.kind != row.0 as i32)
    {
        return Err(Error::Params("kinds has one row for each kind, in their order".into()).into());
    }
    for row in &params.kinds {
        within("operators", row.operators.into(), 1, 10)?;
        within("validity_seconds", row.validity_seconds, 60, 5 * 365 * DAY)?;
    }
    Ok(())
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store(state: &mut dyn Write, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    Ok(PARAMS.set(state, params)?)
}

/// What holds for attestations of a kind.
pub fn policy(params: &Params, kind: Kind) -> Result<&KindPolicy, Error> {
    params.kinds.iter().find(|row| row.kind == kind as i32).ok_or(Error::Attestation("its kind is unknown"))
}

pub fn min_bond(params: &Params) -> Amount {
    params.min_bond.parse().unwrap_or(Amount::MAX)
}
