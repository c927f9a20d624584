//! The quotas, changed by governance. Bounds keep a proposal from closing the chain or from lifting the limits.

use ve_base::{ACCOUNT_PREFIX, Address, CodedError, errors::sdk::Error};
use ve_proto::ve::admission::v1::{PackageQuota, Params};
use ve_store::{Read, Write};

use super::keys::PARAMS;

const MAX_PACKAGES: usize = 32;
const MAX_EXEMPT: usize = 100;
/// Longest name of a package, in bytes.
const MAX_PACKAGE: usize = 64;

pub fn default() -> Params {
    Params {
        max_txs_per_block: 5_000,
        max_txs_per_account: 10,
        package_quotas: vec![PackageQuota { package: "ve.veid.v1".into(), max_txs_per_block: 100 }],
        exempt: Vec::new(),
    }
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    let within = |name: &str, value: u64, high: u64| {
        if (1..=high).contains(&value) {
            return Ok(());
        }
        Err(Error::InvalidRequest(format!("{name} must be from 1 to {high}, got {value}")))
    };
    within("max_txs_per_block", params.max_txs_per_block, 100_000)?;
    within("max_txs_per_account", params.max_txs_per_account, 10_000)?;
    if params.package_quotas.len() > MAX_PACKAGES || params.exempt.len() > MAX_EXEMPT {
        return Err(Error::InvalidRequest(format!(
            "at most {MAX_PACKAGES} package_quotas and {MAX_EXEMPT} exempt accounts"
        ))
        .into());
    }
    if !params.package_quotas.is_sorted_by(|left, right| left.package < right.package) {
        return Err(Error::InvalidRequest("sort package_quotas by package, each package once".into()).into());
    }
    for quota in &params.package_quotas {
        check_package(&quota.package)?;
        within("max_txs_per_block of a package", quota.max_txs_per_block, 100_000)?;
    }
    for account in &params.exempt {
        Address::from_bech32(account, ACCOUNT_PREFIX)
            .map_err(|cause| Error::InvalidAddress(format!("exempt account {account:?}: {cause}")))?;
    }
    Ok(())
}

fn check_package(name: &str) -> Result<(), Error> {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    if name.len() <= MAX_PACKAGE && name.split('.').all(part) {
        return Ok(());
    }
    Err(Error::InvalidRequest(format!("{name:?} is no protobuf package, such as \"cosmos.bank.v1beta1\"")))
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store(state: &mut dyn Write, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    Ok(PARAMS.set(state, params)?)
}
