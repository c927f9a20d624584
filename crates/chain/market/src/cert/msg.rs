//! `MsgCreateCertificate` and `MsgRevokeCertificate`, by the owner for the own account only.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::cert::v1::*;
use ve_sdk::{Context, Event};

use super::error::Error;
use super::{CERTIFICATES, MAX_VALID, x509};
use crate::text::shown;

/// A certificate may begin a little in the future: clocks of clients differ.
const MAX_AHEAD: u64 = 86_400;

pub fn check_create(msg: &MsgCreateCertificate) -> Result<(), CodedError> {
    parse_account("owner", &msg.owner)?;
    x509::check(&msg.certificate, &msg.owner)?;
    Ok(())
}

pub fn create(ctx: &mut Context<'_>, msg: &MsgCreateCertificate) -> Result<MsgCreateCertificateResponse, CodedError> {
    let owner = parse_account("owner", &msg.owner)?;
    let checked = x509::check(&msg.certificate, &msg.owner)?;
    let now = ctx.time().unix();
    if checked.not_after <= now || checked.not_before > now.saturating_add(MAX_AHEAD) {
        return Err(Error::Time.into());
    }
    let serial = checked.serial.as_str();
    if CERTIFICATES.has(ctx, (&owner, serial))? {
        return Err(Error::Exists(serial.to_owned()).into());
    }
    let mut valid = 0usize;
    for entry in CERTIFICATES.prefix(ctx, &owner) {
        let (_, known) = entry?;
        let counts = known.state() == CertificateState::Valid && known.not_after > now;
        valid = valid.saturating_add(usize::from(counts));
    }
    if valid >= MAX_VALID {
        return Err(Error::TooMany(owner.to_string(), MAX_VALID).into());
    }
    let certificate = Certificate {
        owner: msg.owner.clone(),
        serial: checked.serial.clone(),
        state: CertificateState::Valid.into(),
        certificate: msg.certificate.clone(),
        public_key: checked.public_key,
        not_before: checked.not_before,
        not_after: checked.not_after,
    };
    CERTIFICATES.set(ctx, (&owner, serial), &certificate)?;
    ctx.emit(Event::new("certificate_created").with("owner", &owner).with("serial", serial));
    Ok(MsgCreateCertificateResponse { serial: checked.serial })
}

pub fn check_revoke(msg: &MsgRevokeCertificate) -> Result<(), CodedError> {
    parse_account("owner", &msg.owner).map(|_| ())
}

pub fn revoke(ctx: &mut Context<'_>, msg: &MsgRevokeCertificate) -> Result<MsgRevokeCertificateResponse, CodedError> {
    let owner = parse_account("owner", &msg.owner)?;
    let serial = msg.serial.as_str();
    let known = CERTIFICATES.get(ctx, (&owner, serial))?;
    let valid = known.filter(|certificate| certificate.state() == CertificateState::Valid);
    let mut certificate = valid.ok_or_else(|| Error::NotFound(shown(serial)))?;
    certificate.set_state(CertificateState::Revoked);
    CERTIFICATES.set(ctx, (&owner, serial), &certificate)?;
    ctx.emit(Event::new("certificate_revoked").with("owner", &owner).with("serial", serial));
    Ok(MsgRevokeCertificateResponse {})
}
