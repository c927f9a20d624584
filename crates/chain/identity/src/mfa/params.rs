//! Parameters, changed by governance within hard bounds.

use ve_base::{Amount, CodedError};
use ve_proto::ve::mfa::v1::{Params, RelyingParty};
use ve_store::{Read, Write};

use super::error::Error;
use super::keys::{EVERYBODY, PARAMS};
use super::verify::certificate;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// The page that the command line opens for passkeys.
const LOOPBACK: &str = "http://localhost:7717";

pub fn default() -> Params {
    Params {
        challenge_seconds: 300,
        webauthn_challenge_seconds: 120,
        max_attempts: 3,
        max_open_challenges: 5,
        max_sessions: 20,
        max_factors: 10,
        max_browsers: 5,
        browser_seconds: 30 * DAY,
        lockout_failures: 5,
        lockout_window_seconds: HOUR,
        lockout_seconds: HOUR,
        weaken_delay_seconds: DAY,
        recovery_timelock_seconds: 48 * HOUR,
        recovery_cooldown_seconds: DAY,
        max_known_recipients: 200,
        medium_withdrawal: "1000000000".into(),
        large_withdrawal: "10000000000".into(),
        high_value_order: "1000000000".into(),
        vote_stake: "1000000000".into(),
        relying_parties: vec![RelyingParty { id: "localhost".into(), origins: vec![LOOPBACK.into()] }],
        denied_aaguids: Vec::new(),
        authorities: Vec::new(),
        everybody: false,
        scores: false,
        biometric_sample: 5,
        biometric_quorum: 4,
        code_operators: 2,
    }
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    let within = |name: &str, value: u64, least: u64, most: u64| {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(Error::Params(format!("{name} must be from {least} to {most}, got {value}")))
    };
    within("challenge_seconds", params.challenge_seconds, 60, 600)?;
    within("webauthn_challenge_seconds", params.webauthn_challenge_seconds, 30, 120)?;
    within("max_attempts", params.max_attempts.into(), 1, 5)?;
    within("max_open_challenges", params.max_open_challenges.into(), 1, 10)?;
    within("max_sessions", params.max_sessions.into(), 1, 50)?;
    within("max_factors", params.max_factors.into(), 2, 20)?;
    within("max_browsers", params.max_browsers.into(), 0, 10)?;
    within("browser_seconds", params.browser_seconds, DAY, 90 * DAY)?;
    within("lockout_failures", params.lockout_failures.into(), 1, 5)?;
    within("lockout_window_seconds", params.lockout_window_seconds, HOUR, DAY)?;
    within("lockout_seconds", params.lockout_seconds, 60, DAY)?;
    within("weaken_delay_seconds", params.weaken_delay_seconds, HOUR, 30 * DAY)?;
    within("recovery_timelock_seconds", params.recovery_timelock_seconds, 24 * HOUR, 30 * DAY)?;
    within("recovery_cooldown_seconds", params.recovery_cooldown_seconds, HOUR, 30 * DAY)?;
    within("max_known_recipients", params.max_known_recipients.into(), 1, 1000)?;
    within("biometric_sample", params.biometric_sample.into(), 3, 21)?;
    let majority = u64::from(params.biometric_sample).saturating_mul(2).checked_div(3).unwrap_or_default();
    within(
        "biometric_quorum",
        params.biometric_quorum.into(),
        majority.saturating_add(1),
        params.biometric_sample.into(),
    )?;
    within("code_operators", params.code_operators.into(), 1, 5)?;
    let (medium, large) = (amount(&params.medium_withdrawal)?, amount(&params.large_withdrawal)?);
    amount(&params.high_value_order)?;
    amount(&params.vote_stake)?;
    if medium > large {
        return Err(Error::Params("a medium withdrawal is not larger than a large one".into()).into());
    }
    check_lists(params)
}

fn check_lists(params: &Params) -> Result<(), CodedError> {
    let refused = |why: &str| Err(Error::Params(why.to_owned()).into());
    if params.relying_parties.is_empty() || params.relying_parties.len() > 8 {
        return refused("there are from 1 to 8 relying parties");
    }
    for party in &params.relying_parties {
        let short = |text: &String| (1..=253).contains(&text.len()) && text.is_ascii();
        if !short(&party.id) || !(1..=16).contains(&party.origins.len()) || !party.origins.iter().all(short) {
            return refused("a relying party has a name and from 1 to 16 origins");
        }
    }
    if params.denied_aaguids.len() > 256 || params.denied_aaguids.iter().any(|id| id.len() != 16) {
        return refused("at most 256 models of authenticators are denied, by 16 bytes each");
    }
    if params.authorities.len() > 16 {
        return refused("at most 16 authorities issue certificates");
    }
    Ok(params.authorities.iter().try_for_each(|der| certificate::check_authority(der))?)
}

fn amount(text: &str) -> Result<Amount, CodedError> {
    Ok(text.parse::<Amount>().map_err(|_| Error::Params(format!("{text:?} is no amount of uve")))?)
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

/// The mark for everybody stands on its own too: it is read for every message.
pub fn store(state: &mut dyn Write, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    if params.everybody {
        EVERYBODY.set(state, &true)?;
    } else {
        EVERYBODY.remove(state)?;
    }
    Ok(PARAMS.set(state, params)?)
}
