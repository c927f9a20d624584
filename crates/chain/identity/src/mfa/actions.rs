//! The table of actions: what each demands (identity spec section 6). Governance changes rows, accounts add to them.

use ve_base::CodedError;
use ve_proto::ve::mfa::v1::{Action, ActionConfig, Combination, FactorSet, FactorType};
use ve_store::Read;

use super::error::Error;
use super::keys::ACTIONS;

const MINUTE: u64 = 60;

/// A hardware key with a certificate counts as a passkey does.
const FIDO: &[FactorType] = &[FactorType::Webauthn, FactorType::Certificate];
const FACE: &[FactorType] = &[FactorType::Biometric];
const TOTP: &[FactorType] = &[FactorType::Totp];
const CONTACT: &[FactorType] = &[FactorType::Sms, FactorType::Call, FactorType::Email];
const WRITTEN: &[FactorType] = &[FactorType::Sms, FactorType::Email];
const PHONE: &[FactorType] = &[FactorType::Sms, FactorType::Call];
const EMAIL: &[FactorType] = &[FactorType::Email];

/// How much depends on an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Low,
    Medium,
    High,
    Critical,
}

pub struct Row {
    pub action: Action,
    /// Its name for people.
    pub name: &'static str,
    pub min_score: u32,
    /// One of these combinations; of each set in it, one factor. None: only what the account asks of itself.
    pub combinations: &'static [&'static [&'static [FactorType]]],
    pub window: u64,
    pub single_use: bool,
    /// A trusted browser replaces the lowest factor, never the person before the camera.
    pub browser: bool,
}

const fn row(
    action: Action,
    name: &'static str,
    min_score: u32,
    combinations: &'static [&'static [&'static [FactorType]]],
    window: u64,
) -> Row {
    Row { action, name, min_score, combinations, window, single_use: false, browser: false }
}

const fn single(
    action: Action,
    name: &'static str,
    min_score: u32,
    combinations: &'static [&'static [&'static [FactorType]]],
) -> Row {
    Row { single_use: true, ..row(action, name, min_score, combinations, 5 * MINUTE) }
}

const fn with_browser(row: Row) -> Row {
    Row { browser: true, ..row }
}

pub static TABLE: &[Row] = &[
    single(Action::AccountRecovery, "account recovery", 50, &[&[FACE, FIDO, CONTACT]]),
    single(Action::KeyRotation, "key rotation", 50, &[&[FACE, FIDO]]),
    // The new number or address is proven when it is enrolled.
    single(Action::ContactChange, "change of e-mail or telephone", 50, &[&[FACE, CONTACT]]),
    single(Action::MfaWeaken, "weaker authentication", 50, &[&[FACE, FIDO, TOTP]]),
    single(Action::AccountDeletion, "account deletion", 50, &[&[FACE, FIDO, WRITTEN]]),
    single(Action::ValidatorRegistration, "validator registration", 85, &[&[FACE, FIDO]]),
    single(Action::RoleAssignment, "roles and account states", 85, &[&[FACE, FIDO]]),
    single(Action::AccountFlag, "flagging an account", 70, &[&[FACE, FIDO]]),
    row(Action::ProviderRegistration, "provider registration", 70, &[&[FACE, FIDO]], 15 * MINUTE),
    row(Action::FirstOffering, "first offering", 70, &[&[FACE, FIDO]], 15 * MINUTE),
    row(Action::GovernanceProposal, "governance proposal", 70, &[&[FACE, FIDO]], 15 * MINUTE),
    row(Action::LargeWithdrawal, "large withdrawal", 70, &[&[FACE, FIDO]], 15 * MINUTE),
    row(Action::WebhookConfiguration, "webhook configuration", 70, &[&[FIDO]], 15 * MINUTE),
    row(Action::HighValueOrder, "high-value order", 70, &[&[FACE, FIDO]], 30 * MINUTE),
    with_browser(row(Action::GovernanceVote, "governance vote", 70, &[&[FIDO]], 30 * MINUTE)),
    with_browser(row(Action::FirstOrder, "first order", 50, &[&[FACE], &[FIDO], &[TOTP]], 30 * MINUTE)),
    with_browser(row(Action::TransferNewAddress, "transfer to a new address", 50, &[&[FIDO]], 15 * MINUTE)),
    with_browser(row(Action::MediumWithdrawal, "medium withdrawal", 50, &[&[FIDO]], 15 * MINUTE)),
    with_browser(row(Action::ApiKeyGeneration, "keys and grants", 50, &[&[TOTP], &[FIDO]], 15 * MINUTE)),
    row(Action::DataRights, "erasure, export, recipient keys", 50, &[&[FIDO], &[TOTP, EMAIL]], 15 * MINUTE),
    with_browser(row(Action::Order, "order", 50, &[], 60 * MINUTE)),
    with_browser(row(Action::KnownTransfer, "transfer to a known address", 50, &[], 60 * MINUTE)),
    with_browser(row(Action::OfferingUpdate, "offering update", 70, &[], 60 * MINUTE)),
    // One strong factor or two others (section 2.2); what it proves counts for this verification alone.
    single(
        Action::SecondaryVerification,
        "secondary verification",
        0,
        &[&[FIDO], &[FACE], &[TOTP, CONTACT], &[PHONE, EMAIL]],
    ),
    // What it demands depends on the factors that the account has.
    single(Action::FactorEnrollment, "enrolment of a factor", 0, &[]),
    single(Action::FactorConfirmation, "confirmation of a factor", 0, &[]),
];

pub fn row_of(action: Action) -> Option<&'static Row> {
    TABLE.iter().find(|row| row.action == action)
}

pub fn name(action: Action) -> &'static str {
    row_of(action).map_or("an unknown action", |row| row.name)
}

fn set(any: &[FactorType]) -> FactorSet {
    FactorSet { any: any.iter().map(|factor| i32::from(*factor)).collect() }
}

/// One combination of sets of which one factor each is needed.
pub fn combination(all: &[&[FactorType]]) -> Combination {
    Combination { all: all.iter().map(|any| set(any)).collect() }
}

pub fn default(row: &Row) -> ActionConfig {
    ActionConfig {
        action: row.action.into(),
        min_score: row.min_score,
        combinations: row.combinations.iter().map(|all| combination(all)).collect(),
        window_seconds: row.window,
        single_use: row.single_use,
        browser: row.browser,
    }
}

/// What the chain demands for an action now.
pub fn config<R: Read + ?Sized>(state: &R, action: Action) -> Result<ActionConfig, CodedError> {
    let row = row_of(action).ok_or(Error::Request("the action is unknown"))?;
    let key = u32::try_from(i32::from(action)).unwrap_or_default();
    Ok(ACTIONS.get(state, &key)?.unwrap_or_else(|| default(row)))
}

pub fn all<R: Read + ?Sized>(state: &R) -> Result<Vec<ActionConfig>, CodedError> {
    TABLE.iter().map(|row| config(state, row.action)).collect()
}

/// Single-use rows are critical; of the others, those of a quarter of an hour from a score of 70 on are high.
pub fn level(config: &ActionConfig) -> Level {
    if config.single_use {
        Level::Critical
    } else if config.window_seconds <= 15 * MINUTE && config.min_score >= 70 {
        Level::High
    } else if config.window_seconds <= 30 * MINUTE {
        Level::Medium
    } else {
        Level::Low
    }
}

/// Governance may change what a row demands within these bounds. What gives an account another key may only demand more
/// than the table: who could soften that could take accounts over.
pub fn validate(config: &ActionConfig) -> Result<(), CodedError> {
    let refused = |why: &str| Err(Error::Params(why.to_owned()).into());
    let Some(row) = row_of(config.action()) else {
        return refused("the action is unknown");
    };
    if matches!(row.action, Action::FactorEnrollment | Action::FactorConfirmation) {
        return refused("what enrolment demands follows from the factors of the account");
    }
    if config.min_score > 100 || !(MINUTE..=60 * MINUTE).contains(&config.window_seconds) {
        return refused("a score is at most 100, a window from 60 to 3600 seconds");
    }
    if config.single_use != row.single_use || (config.browser && !row.browser) {
        return refused("single use stays as it is, and browsers are trusted nowhere else");
    }
    if config.combinations.len() > 8 || (config.combinations.is_empty() && !row.combinations.is_empty()) {
        return refused("an action has from 1 to 8 combinations");
    }
    for combination in &config.combinations {
        if combination.all.is_empty() || combination.all.len() > 5 {
            return refused("a combination has from 1 to 5 sets");
        }
        check_sets(&combination.all)?;
        if matches!(row.action, Action::AccountRecovery | Action::KeyRotation) && !is_stricter(combination, row) {
            return refused("what gives an account another key never demands less than the table");
        }
    }
    Ok(())
}

/// Whether a combination asks for everything that one of the row's own asks for.
fn is_stricter(combination: &Combination, row: &Row) -> bool {
    let asks_for = |wanted: &&[FactorType]| {
        let within = |kind: &i32| wanted.iter().any(|wanted| i32::from(*wanted) == *kind);
        combination.all.iter().any(|set| set.any.iter().all(within))
    };
    row.combinations.iter().any(|own| own.iter().all(asks_for))
}

/// Sets name known factors, ascending, at least one.
pub fn check_sets(sets: &[FactorSet]) -> Result<(), CodedError> {
    for set in sets {
        let known = set.any.iter().all(|kind| {
            FactorType::try_from(*kind).is_ok_and(|kind| !matches!(kind, FactorType::Unspecified | FactorType::Browser))
        });
        if set.any.is_empty() || !known || !set.any.is_sorted_by(|left, right| left < right) {
            return Err(Error::Params("a set names known factors in ascending order, browsers not".into()).into());
        }
    }
    Ok(())
}

/// A combination in words.
pub fn describe(combinations: &[Combination]) -> String {
    let set = |set: &FactorSet| {
        let names: Vec<String> = set.any.iter().map(|kind| kind_name(*kind)).collect();
        names.join("|")
    };
    let one = |combination: &Combination| combination.all.iter().map(set).collect::<Vec<_>>().join("+");
    combinations.iter().map(one).collect::<Vec<_>>().join(" or ")
}

fn kind_name(kind: i32) -> String {
    let kind = FactorType::try_from(kind).unwrap_or_default();
    kind.as_str_name().trim_start_matches("FACTOR_TYPE_").to_lowercase()
}
