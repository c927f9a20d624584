use data_encoding::HEXLOWER;
use ve_proto::ve::enclave::v1::{Collateral, Tee};

use super::{Outcome, Policy, Refused, is, vector, verify};

/// Between the issue and the next update of the statements.
pub const NOW: u64 = 1_751_000_000;
/// Where the report of the quoting enclave begins, and what follows it.
const QE_REPORT: usize = 436 + 128;
const QE_SIGNATURE: usize = 436 + 512;

fn recorded() -> (Vec<u8>, Collateral) {
    let collateral = Collateral {
        tcb_info: vector!("sgx_tcb_info.json"),
        tcb_info_signature: vector!("sgx_tcb_info.sig"),
        qe_identity: vector!("sgx_qe_identity.json"),
        qe_identity_signature: vector!("sgx_qe_identity.sig"),
        tcb_signer: vector!("sgx_tcb_signer.der"),
        root_crl: vector!("sgx_root_crl.der"),
        pck_crl: vector!("sgx_pck_crl.der"),
        ..Collateral::default()
    };
    (vector!("sgx_quote.bin"), collateral)
}

/// The recorded machine lacks a setting of its firmware, which production does not take.
fn lenient() -> Policy {
    let statuses = &["UpToDate", "SWHardeningNeeded", "ConfigurationAndSWHardeningNeeded"];
    Policy { statuses, ..Policy::production() }
}

fn check(quote: &[u8], collateral: &Collateral) -> Outcome {
    verify(Tee::Sgx, quote, collateral, NOW, &lenient())
}

#[test]
fn a_recorded_quote_proves_its_code_and_data() {
    let (quote, collateral) = recorded();
    let proven = check(&quote, &collateral).expect("it is genuine");
    let expected = "33d8736db756ed4997e04ba358d27833188f1932ff7b1d156904d3f560452fbb";
    assert_eq!(HEXLOWER.encode(&proven.measurement), expected);
    assert_eq!(&proven.report_data[..13], b"Hello, world!");
    assert_eq!((proven.signer.len(), proven.svn), (32, 0));
    assert_eq!(proven.status, "ConfigurationAndSWHardeningNeeded");
    assert_eq!(proven.tcb.len(), 1);
}

#[test]
fn a_platform_that_intel_does_not_call_safe_is_refused() {
    let (quote, collateral) = recorded();
    let refused = verify(Tee::Sgx, &quote, &collateral, NOW, &Policy::production());
    assert_eq!(refused, Err(Refused::PlatformStatus));
}

#[test]
fn one_changed_byte_of_each_part_is_refused_by_the_check_of_that_part() {
    let (quote, collateral) = recorded();
    let malformed = Refused::Malformed("");
    for (at, refused) in [
        // Version, kind of key.
        (0, malformed),
        (2, malformed),
        // Flags, code, version of the code, data: what the quote's signature covers.
        (48 + 48, Refused::Debug),
        (48 + 64, Refused::Signature),
        (48 + 258, Refused::Signature),
        (48 + 320, Refused::Signature),
        // Length, signature, key.
        (432, malformed),
        (440, Refused::Signature),
        (510, Refused::AttestationKey),
        // Of the quoting enclave: selection of features, flags, signer, product, version, data.
        (QE_REPORT + 16, Refused::QuotingEnclave),
        (QE_REPORT + 48, Refused::QuotingEnclave),
        (QE_REPORT + 128, Refused::QuotingEnclave),
        (QE_REPORT + 256, Refused::QuotingEnclave),
        (QE_REPORT + 64, Refused::PlatformSignature),
        (QE_REPORT + 320, Refused::AttestationKey),
        (QE_REPORT + 352, Refused::AttestationKey),
        (QE_SIGNATURE, Refused::PlatformSignature),
        // What the quoting enclave adds, how it is certified.
        (436 + 578, Refused::AttestationKey),
        (436 + 578 + 32, malformed),
    ] {
        let mut changed = quote.clone();
        changed[at] ^= 2;
        let outcome = check(&changed, &collateral);
        assert!(is(&outcome, refused), "byte {at}: {outcome:?}");
    }
    for length in [0, 47, 431, 435, 900, quote.len() - 1] {
        assert!(is(&check(&quote[..length], &collateral), malformed), "{length} bytes");
    }
}

#[test]
fn an_old_quoting_enclave_is_refused() {
    let (mut quote, collateral) = recorded();
    quote[QE_REPORT + 258..QE_REPORT + 260].fill(0);
    assert_eq!(check(&quote, &collateral), Err(Refused::QuotingEnclaveStatus));
}

#[test]
fn one_changed_byte_of_the_platforms_chain_is_refused() {
    let (quote, collateral) = recorded();
    let text = quote.windows(27).position(|part| part == b"-----BEGIN CERTIFICATE-----").expect("a chain in PEM");
    let outcome = |at: usize, byte: u8| {
        let mut changed = quote.clone();
        changed[at] = byte;
        check(&changed, &collateral)
    };
    assert!(is(&outcome(text, b'x'), Refused::Certificate("")), "no PEM");
    // The last line of the first certificate is the end of its signature.
    let end = quote.windows(25).position(|part| part == b"-----END CERTIFICATE-----").expect("it ends");
    let last = end - 8;
    let other = if quote[last] == b'A' { b'B' } else { b'A' };
    assert!(is(&outcome(last, other), Refused::CertificateSignature), "{:?}", outcome(last, other));
}

#[test]
fn statements_and_lists_that_are_changed_or_missing_are_refused() {
    let (quote, good) = recorded();
    type Change = fn(&mut Collateral);
    let changes: [(Change, Refused); 12] = [
        (|collateral| replace(&mut collateral.tcb_info, "\"pceId\":\"0000\"", "\"pceId\":\"0001\""), Refused::Platform),
        (|collateral| replace(&mut collateral.tcb_info, "tcbDate", "tcbDats"), Refused::StatementSignature),
        (|collateral| replace(&mut collateral.tcb_info, "\"SGX\"", "\"TDX\""), Refused::Statement("")),
        (|collateral| collateral.tcb_info.clear(), Refused::Statement("")),
        (|collateral| collateral.tcb_info_signature[3] ^= 1, Refused::StatementSignature),
        (|collateral| replace(&mut collateral.qe_identity, "tcbDate", "tcbDats"), Refused::StatementSignature),
        (|collateral| replace(&mut collateral.qe_identity, "\"QE\"", "\"QX\""), Refused::Statement("")),
        (|collateral| collateral.qe_identity_signature[3] ^= 1, Refused::StatementSignature),
        (|collateral| *collateral.tcb_signer.last_mut().expect("bytes") ^= 1, Refused::CertificateSignature),
        (|collateral| *collateral.root_crl.last_mut().expect("bytes") ^= 1, Refused::CertificateSignature),
        (|collateral| collateral.pck_crl.clear(), Refused::Certificate("")),
        (|collateral| std::mem::swap(&mut collateral.root_crl, &mut collateral.pck_crl), Refused::Certificate("")),
    ];
    for (at, (change, refused)) in changes.into_iter().enumerate() {
        let mut collateral = good.clone();
        change(&mut collateral);
        let outcome = check(&quote, &collateral);
        assert!(is(&outcome, refused), "change {at}: {outcome:?}");
    }
}

fn replace(json: &mut Vec<u8>, old: &str, new: &str) {
    let at = json.windows(old.len()).position(|part| part == old.as_bytes()).expect("the text is there");
    json.splice(at..at + old.len(), new.bytes());
}

#[test]
fn statements_end() {
    let (quote, collateral) = recorded();
    for time in [NOW - 30 * 86_400, NOW + 60 * 86_400] {
        assert_eq!(verify(Tee::Sgx, &quote, &collateral, time, &lenient()), Err(Refused::StatementTime), "{time}");
    }
}

#[test]
fn a_chain_to_another_root_is_refused() {
    let (quote, collateral) = recorded();
    let policy = Policy { intel: [1; 32], ..lenient() };
    assert_eq!(verify(Tee::Sgx, &quote, &collateral, NOW, &policy), Err(Refused::Root));
}
