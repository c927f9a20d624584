//! Recorded quotes at the time when they were fresh, and one change per check, each refused with its own code.

mod nitro;
mod sgx;
mod snp;

use std::collections::BTreeSet;

use ve_proto::ve::enclave::v1::{Collateral, Tee};

use super::{Policy, Proven, Refused, time, verify};

/// Bytes of a recorded file.
macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("../../../../../../../tests/vectors/enclave/", $name)).to_vec()
    };
}
use vector;

type Outcome = Result<Proven, Refused>;

/// Whether the outcome is this refusal, whatever its text.
fn is(outcome: &Outcome, refused: Refused) -> bool {
    outcome.as_ref().is_err_and(|found| found.code() == refused.code())
}

#[test]
fn simulated_enclaves_have_no_quote_that_hardware_vouches_for() {
    let refused = verify(Tee::Simulated, &[1], &Collateral::default(), sgx::NOW, &Policy::production());
    assert_eq!(refused, Err(Refused::Kind));
}

#[test]
fn every_reason_has_a_code_of_its_own() {
    use Refused::*;
    let all = [
        Kind,
        Malformed(""),
        Debug,
        Certificate(""),
        Root,
        CertificateTime,
        CertificateSignature,
        Revoked,
        Statement(""),
        StatementTime,
        StatementSignature,
        AttestationKey,
        QuotingEnclave,
        QuotingEnclaveStatus,
        PlatformSignature,
        Platform,
        PlatformStatus,
        Signature,
        Age,
    ];
    let codes: BTreeSet<u32> = all.iter().map(|refused| refused.code()).collect();
    assert_eq!(codes.len(), all.len());
    assert!(codes.iter().all(|code| *code > 100));
}

#[test]
fn times_are_read_as_seconds() {
    for (text, seconds) in [
        ("1970-01-01T00:00:00Z", 0),
        ("2000-02-29T12:00:00Z", 951_825_600),
        ("2025-06-19T10:56:11Z", 1_750_330_571),
        ("2100-03-01T00:00:00Z", 4_107_542_400),
    ] {
        assert_eq!(time::parse(text), Ok(seconds), "{text}");
    }
    for text in
        ["", "2025-06-19 10:56:11Z", "2025-13-01T00:00:00Z", "2025-06-19T10:56:11+00:00", "20x5-06-19T10:56:11Z"]
    {
        assert!(time::parse(text).is_err(), "{text}");
    }
}
