//! Code that governance accepts.

use data_encoding::HEXLOWER;
use ve_base::CodedError;
use ve_proto::ve::audit::v1::Outcome;
use ve_proto::ve::enclave::v1::{EnclaveStatus, Measurement, Tee};
use ve_proto::ve::roles::v1::EmergencyTarget;
use ve_sdk::{Context, Event};

use super::error::Error;
use super::keys::{BY_MEASUREMENT, ENCLAVES, MEASUREMENTS};
use super::registry;
use crate::audit;
use crate::roles::hooks::Emergency;

const MAX_TEXT: usize = 128;

pub fn in_force(measurement: &Measurement, now: u64) -> bool {
    let open = measurement.expires_at == 0 || now < measurement.expires_at;
    open && !measurement.revoked && !measurement.suspended
}

pub fn check(measurement: &Measurement) -> Result<(), CodedError> {
    let expected = match measurement.tee() {
        Tee::Sgx | Tee::Simulated => 32,
        Tee::SevSnp | Tee::Nitro => 48,
        Tee::Unspecified => 0,
    };
    let texts = [&measurement.source_commit, &measurement.build_digest];
    let fits = measurement.hash.len() == expected
        && expected > 0
        && texts.iter().all(|text| text.len() <= MAX_TEXT && !text.contains(char::is_control));
    if fits && !measurement.suspended {
        return Ok(());
    }
    Err(Error::Invalid("a measurement has 32 bytes (SGX, simulated) or 48 (SEV-SNP, Nitro), and texts of at most 128")
        .into())
}

pub fn save(
    ctx: &mut Context<'_>,
    measurement: &Measurement,
    what: &'static str,
    actor: &str,
) -> Result<(), CodedError> {
    MEASUREMENTS.set(ctx, &measurement.hash, measurement)?;
    let name = HEXLOWER.encode(&measurement.hash);
    ctx.emit(Event::new(what).with("measurement", &name).with("tee", measurement.tee().as_str_name()));
    let act = audit::Act {
        actor,
        module: "enclave",
        action: what,
        resource_id: &name,
        outcome: Outcome::Done,
        ..audit::Act::default()
    };
    audit::record(ctx, &act).map(|_| ())
}

/// Out of force for good: its enclaves are revoked with it. They are few, because bonded validators have few each.
pub fn revoke(ctx: &mut Context<'_>, hash: &[u8], actor: &str) -> Result<(), CodedError> {
    let unlisted = || Error::Unlisted(HEXLOWER.encode(hash));
    let mut measurement = MEASUREMENTS.get(ctx, &hash.to_vec())?.filter(|known| !known.revoked).ok_or_else(unlisted)?;
    measurement.revoked = true;
    save(ctx, &measurement, "measurement_revoked", actor)?;
    let ids: Vec<u64> = BY_MEASUREMENT.keys(ctx, &measurement.hash).collect::<Result<_, _>>()?;
    for id in ids {
        let enclave = ENCLAVES.require(ctx, &id)?;
        registry::end(ctx, enclave, EnclaveStatus::Revoked, "enclave_revoked")?;
    }
    Ok(())
}

/// What two administrators may do in an emergency: the measurement is out of force until governance ratifies it, and in
/// force again when it does not.
pub struct MeasurementEmergency;

fn find(ctx: &Context<'_>, resource_id: &str) -> Result<Measurement, CodedError> {
    let unlisted = || Error::Unlisted(resource_id.chars().take(96).collect());
    let hash = HEXLOWER.decode(resource_id.as_bytes()).map_err(|_| unlisted())?;
    Ok(MEASUREMENTS.get(ctx, &hash)?.ok_or_else(unlisted)?)
}

impl Emergency for MeasurementEmergency {
    fn target(&self) -> EmergencyTarget {
        EmergencyTarget::Measurement
    }

    fn check(&self, ctx: &Context<'_>, resource_id: &str) -> Result<(), CodedError> {
        let measurement = find(ctx, resource_id)?;
        if in_force(&measurement, ctx.time().unix()) { Ok(()) } else { Err(Error::Unlisted(resource_id.into()).into()) }
    }

    fn revoke(&self, ctx: &mut Context<'_>, resource_id: &str) -> Result<(), CodedError> {
        let mut measurement = find(ctx, resource_id)?;
        measurement.suspended = true;
        save(ctx, &measurement, "measurement_suspended", "roles")
    }

    fn restore(&self, ctx: &mut Context<'_>, resource_id: &str) -> Result<(), CodedError> {
        let mut measurement = find(ctx, resource_id)?;
        measurement.suspended = false;
        save(ctx, &measurement, "measurement_restored", "roles")
    }
}
