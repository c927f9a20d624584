//! Random operations for the simulation.

use ring::signature::{Ed25519KeyPair, KeyPair};
use ve_base::{Address, parse_account};
use ve_proto::ve::cert::v1::{CertificateState, MsgCreateCertificate, MsgRevokeCertificate};
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed};

use super::CERTIFICATES;
use crate::provider::operations::{pick, propose};
use x509_cert::der::{Encode, asn1::UtcTime};

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/ve.cert.v1.MsgCreateCertificate", weight: 1, generate: noise },
        Operation { message: "/ve.cert.v1.MsgCreateCertificate", weight: 3, generate: create },
        Operation { message: "/ve.cert.v1.MsgRevokeCertificate", weight: 1, generate: revoke_anothers },
        Operation { message: "/ve.cert.v1.MsgRevokeCertificate", weight: 2, generate: revoke },
    ]
}

/// Random bytes that begin like a certificate.
fn noise(draw: &mut dyn Draw, _ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let mut certificate = vec![0x30, 0x82, 0x01, 0x00];
    (0..32).for_each(|_| certificate.extend_from_slice(&draw.next_u64().to_be_bytes()));
    propose(signer.clone(), &MsgCreateCertificate { owner: signer.to_string(), certificate }, Expect::Refused)
}

fn revoke_anothers(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let known: Vec<_> = CERTIFICATES.iter(ctx).take(50).filter_map(Result::ok).map(|(key, _)| key).collect();
    let signer = pick(draw, accounts)?;
    let serial = pick(draw, &known).map_or_else(|| "1".to_owned(), |(_, serial)| serial);
    propose(signer.clone(), &MsgRevokeCertificate { owner: signer.to_string(), serial }, Expect::Either)
}

fn revoke(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _accounts: &[Address]) -> Option<Proposed> {
    let known: Vec<_> = CERTIFICATES.iter(ctx).take(200).filter_map(Result::ok).map(|(_, known)| known).collect();
    let certificate = pick(draw, &known)?;
    let owner = parse_account("owner", &certificate.owner).ok()?;
    let valid = certificate.state() == CertificateState::Valid;
    let message = MsgRevokeCertificate { owner: certificate.owner, serial: certificate.serial };
    propose(owner, &message, if valid { Expect::Either } else { Expect::Refused })
}

/// A client's certificate, made from the draw alone.
fn create(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let mut seed = [0; 32];
    seed.iter_mut().zip(draw.next_u64().to_be_bytes().into_iter().cycle()).for_each(|(to, from)| *to = from);
    let key = Ed25519KeyPair::from_seed_unchecked(&seed).ok()?;
    let serial = draw.below(u64::MAX / 2).saturating_add(1);
    let now = ctx.time().unix();
    let certificate = self_signed(&signer.to_string(), &key, serial, (now, now.saturating_add(30 * 86_400)))?;
    let message = MsgCreateCertificate { owner: signer.to_string(), certificate };
    propose(signer, &message, Expect::Either)
}

/// One DER element; its content is below 64 KiB.
fn der(tag: u8, content: &[u8]) -> Option<Vec<u8>> {
    let mut out = vec![tag];
    match content.len() {
        short @ 0..128 => out.push(u8::try_from(short).ok()?),
        long @ 128..256 => out.extend_from_slice(&[0x81, u8::try_from(long).ok()?]),
        long => {
            out.push(0x82);
            out.extend_from_slice(&u16::try_from(long).ok()?.to_be_bytes());
        }
    }
    out.extend_from_slice(content);
    Some(out)
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const ED25519: [u8; 7] = [SEQUENCE, 5, 6, 3, 43, 101, 112];
const COMMON_NAME: [u8; 5] = [6, 3, 85, 4, 3];
/// Extended key usage, not critical: clientAuth.
const CLIENT_AUTH: [u8; 23] =
    [SEQUENCE, 21, SEQUENCE, 19, 6, 3, 85, 29, 37, 4, 12, SEQUENCE, 10, 6, 8, 43, 6, 1, 5, 5, 7, 3, 2];

fn time(unix: u64) -> Option<Vec<u8>> {
    UtcTime::from_unix_duration(std::time::Duration::from_secs(unix)).ok()?.to_der().ok()
}

/// X.509 v3 by `RFC 5280`, subject and issuer `CN=owner`, signed with the certified key itself.
fn self_signed(owner: &str, key: &Ed25519KeyPair, serial: u64, (from, until): (u64, u64)) -> Option<Vec<u8>> {
    let common_name = [COMMON_NAME.to_vec(), der(0x0C, owner.as_bytes())?].concat();
    let name = der(SEQUENCE, &der(SET, &der(SEQUENCE, &common_name)?)?)?;
    let bits = |bytes: &[u8]| der(0x03, &[&[0], bytes].concat());
    let public = der(SEQUENCE, &[ED25519.to_vec(), bits(key.public_key().as_ref())?].concat())?;
    let digits: Vec<u8> = serial.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
    let sign = if digits.first().is_some_and(|first| first & 0x80 != 0) { vec![0] } else { Vec::new() };
    let body = der(
        SEQUENCE,
        &[
            vec![0xA0, 3, 2, 1, 2],
            der(0x02, &[sign, digits].concat())?,
            ED25519.to_vec(),
            name.clone(),
            der(SEQUENCE, &[time(from)?, time(until)?].concat())?,
            name,
            public,
            der(0xA3, &CLIENT_AUTH)?,
        ]
        .concat(),
    )?;
    let signature = bits(key.sign(&body).as_ref())?;
    der(SEQUENCE, &[body, ED25519.to_vec(), signature].concat())
}

#[cfg(test)]
#[path = "operations_tests.rs"]
mod tests;
