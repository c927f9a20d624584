//! Genesis: `{certificates}`; and the invariants.

use serde_json::Value;
use ve_base::{CodedError, parse_account};
use ve_proto::ve::cert::v1::{Certificate, GenesisState};
use ve_sdk::{Context, QueryContext, json};

use super::error::Error;
use super::{CERTIFICATES, x509};

pub fn default() -> Value {
    json::to_json(&GenesisState::default()).unwrap_or_default()
}

fn consistent(certificate: &Certificate) -> Result<(), Error> {
    let checked = x509::check(&certificate.certificate, &certificate.owner)?;
    let same = checked.serial == certificate.serial
        && checked.public_key == certificate.public_key
        && (checked.not_before, checked.not_after) == (certificate.not_before, certificate.not_after);
    let serial = &certificate.serial;
    if same { Ok(()) } else { Err(Error::Genesis(format!("certificate {serial} is not what its bytes say"))) }
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    for certificate in &genesis.certificates {
        consistent(certificate)?;
        let key = (parse_account("owner", &certificate.owner)?, certificate.serial.clone());
        if CERTIFICATES.has(ctx, &key)? {
            return Err(Error::Genesis(format!("certificate {} is given twice", key.1)).into());
        }
        CERTIFICATES.set(ctx, &key, certificate)?;
    }
    Ok(())
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let certificates = CERTIFICATES.iter(ctx).map(|entry| entry.map(|(_, certificate)| certificate));
    json::to_json(&GenesisState { certificates: certificates.collect::<Result<_, _>>()? })
}

pub fn check_all(ctx: &QueryContext<'_>) -> Result<(), String> {
    for entry in CERTIFICATES.iter(ctx) {
        let (_, certificate) = entry.map_err(|error| error.to_string())?;
        consistent(&certificate).map_err(|error| error.to_string())?;
    }
    Ok(())
}
