//! Attestation documents of AWS Nitro Enclaves: COSE_Sign1 (RFC 9052) with ES384 over a CBOR map.

use ring::signature::ECDSA_P384_SHA384_FIXED;
use sha2::{Digest, Sha384};

use super::{Policy, Proven, Refused, chain};
use crate::cbor::{self, Value};
use crate::x509::{self, Certificate};

/// Seconds after which a document proves nothing any more.
const MAX_AGE: u64 = 3600;
/// Seconds that its clock may be ahead of block time.
const MAX_AHEAD: u64 = 300;
/// Protected header {1: -35}: ES384.
const ES384: [u8; 4] = [0xa1, 0x01, 0x38, 0x22];
const PCR: usize = 48;

fn malformed(cause: &'static str) -> Refused {
    Refused::Malformed(cause)
}

pub fn verify(document: &[u8], now: u64, policy: &Policy) -> Result<Proven, Refused> {
    let content = open(document, now, policy)?;
    let user_data = bytes(&content, "user_data").and_then(|data| data.first_chunk::<32>().copied());
    Ok(Proven {
        measurement: measurement(&content)?,
        signer: Vec::new(),
        report_data: user_data.ok_or(malformed("its user data has not 32 bytes"))?,
        svn: 0,
        tcb: Vec::new(),
        status: "Nitro".into(),
    })
}

fn bytes<'a>(content: &'a Value, name: &str) -> Option<&'a [u8]> {
    content.text(name).and_then(Value::as_bytes)
}

/// The content of a document that AWS signed, recently and not for a debug enclave.
pub(super) fn open(document: &[u8], now: u64, policy: &Policy) -> Result<Value, Refused> {
    let no_cose = || malformed("the document is no COSE_Sign1 with ES384");
    let Some(Value::List(parts)) = cbor::whole(document) else { return Err(no_cose()) };
    let [Value::Bytes(protected), Value::Map(_), Value::Bytes(payload), Value::Bytes(given)] = parts.as_slice() else {
        return Err(no_cose());
    };
    if *protected != ES384 {
        return Err(no_cose());
    }
    let content = cbor::whole_open(payload).ok_or(malformed("its content is no CBOR of the expected form"))?;
    check_age(&content, now)?;
    measurement(&content)?;
    let certificates = certificates(&content)?;
    chain::check(&certificates, &[policy.aws], now)?;
    let leaf = certificates.first().ok_or(Refused::Certificate("the chain is empty"))?;
    x509::verify(leaf, &ECDSA_P384_SHA384_FIXED, &signed(payload), given).map_err(|_| Refused::Signature)?;
    chain::check_signatures(&certificates)?;
    Ok(content)
}

/// Sig_structure of RFC 9052 section 4.4, without external data.
fn signed(payload: &[u8]) -> Vec<u8> {
    let mut signed = vec![0x84, 0x6a];
    signed.extend_from_slice(b"Signature1");
    write_bytes(&ES384, &mut signed);
    write_bytes(&[], &mut signed);
    write_bytes(payload, &mut signed);
    signed
}

/// A byte string with its head, up to 65,535 bytes: longer ones do not fit into a message.
pub(super) fn write_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    let [high, low] = length.to_be_bytes();
    match length {
        0..24 => out.push(0x40 | low),
        24..256 => out.extend([0x58, low]),
        _ => out.extend([0x59, high, low]),
    }
    out.extend_from_slice(bytes);
}

/// From the leaf to the root; the document lists the issuers from the root on.
fn certificates(content: &Value) -> Result<Vec<Certificate>, Refused> {
    let leaf = bytes(content, "certificate").ok_or(malformed("it has no certificate"))?;
    let Some(Value::List(bundle)) = content.text("cabundle") else { return Err(malformed("it has no issuers")) };
    if bundle.len() >= chain::MAX_CHAIN {
        return Err(Refused::Certificate("the chain is too long"));
    }
    let issuers = bundle.iter().rev().map(|item| item.as_bytes().unwrap_or_default());
    Ok(std::iter::once(leaf).chain(issuers).map(x509::parse).collect::<Result<_, _>>()?)
}

fn check_age(content: &Value, now: u64) -> Result<(), Refused> {
    let milliseconds = content.text("timestamp").and_then(Value::as_integer);
    let milliseconds = milliseconds.and_then(|time| u64::try_from(time).ok()).ok_or(malformed("it has no time"))?;
    let made = milliseconds / 1000;
    let fresh = made <= now.saturating_add(MAX_AHEAD) && now <= made.saturating_add(MAX_AGE);
    if fresh { Ok(()) } else { Err(Refused::Age) }
}

/// SHA-384 over PCR0, PCR1 and PCR2. All zeros are what an enclave in debug mode shows.
fn measurement(content: &Value) -> Result<Vec<u8>, Refused> {
    let sha384 = content.text("digest") == Some(&Value::Text("SHA384".into()));
    let pcrs = content.text("pcrs").filter(|_| sha384).ok_or(malformed("it has no measurements"))?;
    let mut hash = Sha384::new();
    for index in 0..3 {
        let pcr = pcrs.number(index).and_then(Value::as_bytes).filter(|pcr| pcr.len() == PCR);
        let pcr = pcr.ok_or(malformed("a measurement is missing"))?;
        if pcr.iter().all(|byte| *byte == 0) {
            return Err(Refused::Debug);
        }
        hash.update(pcr);
    }
    Ok(hash.finalize().to_vec())
}
