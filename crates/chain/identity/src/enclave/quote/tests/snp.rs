use ve_proto::ve::enclave::v1::{Collateral, Tee};

use super::{Outcome, Policy, Refused, is, vector, verify};

const NOW: u64 = 1_751_000_000;

fn recorded() -> (Vec<u8>, Collateral) {
    let collateral = Collateral {
        vek: vector!("snp_vcek.der"),
        ask: vector!("snp_ask.der"),
        ark: vector!("snp_ark.der"),
        ..Collateral::default()
    };
    (vector!("snp_report.bin"), collateral)
}

fn check(report: &[u8], collateral: &Collateral) -> Outcome {
    verify(Tee::SevSnp, report, collateral, NOW, &Policy::production())
}

#[test]
fn a_recorded_report_proves_its_code_and_data() {
    let (report, collateral) = recorded();
    let proven = check(&report, &collateral).expect("it is genuine");
    assert_eq!(proven.measurement, report[0x90..0xC0]);
    assert_eq!(proven.report_data, report[0x50..0x70]);
    assert_eq!((proven.tcb, proven.status.as_str()), (vec![3, 0, 8, 115], "3.0.8.115"));
}

#[test]
fn one_changed_byte_of_each_part_is_refused_by_the_check_of_that_part() {
    let (report, collateral) = recorded();
    for (at, refused) in [
        // Version, policy, algorithm.
        (1, Refused::Signature),
        (8 + 2, Refused::Debug),
        (0x34, Refused::Malformed("")),
        // Version of the code, data, measurement.
        (4, Refused::Signature),
        (0x50, Refused::Signature),
        (0x90, Refused::Signature),
        // Version of the platform, chip, both halves of the signature.
        (0x180, Refused::Platform),
        (0x187, Refused::Platform),
        (0x1A0, Refused::Platform),
        (0x2A0, Refused::Signature),
        (0x2A0 + 72, Refused::Signature),
    ] {
        let mut changed = report.clone();
        changed[at] ^= 8;
        let outcome = check(&changed, &collateral);
        assert!(is(&outcome, refused), "byte {at:#x}: {outcome:?}");
    }
    let mut old = report.clone();
    old[0] = 1;
    assert!(is(&check(&old, &collateral), Refused::Malformed("")));
    assert!(is(&check(&report[..1183], &collateral), Refused::Malformed("")));
}

#[test]
fn a_chain_that_is_changed_or_of_others_is_refused() {
    let (report, good) = recorded();
    type Change = fn(&mut Collateral);
    let changes: [(Change, Refused); 6] = [
        (|collateral| collateral.vek = collateral.ask.clone(), Refused::Certificate("")),
        (|collateral| collateral.ask = collateral.ark.clone(), Refused::Certificate("")),
        (|collateral| collateral.ark = collateral.ask.clone(), Refused::Root),
        (|collateral| *collateral.vek.last_mut().expect("bytes") ^= 1, Refused::CertificateSignature),
        (|collateral| *collateral.ask.last_mut().expect("bytes") ^= 1, Refused::CertificateSignature),
        (|collateral| collateral.ark.clear(), Refused::Certificate("")),
    ];
    for (at, (change, refused)) in changes.into_iter().enumerate() {
        let mut collateral = good.clone();
        change(&mut collateral);
        let outcome = check(&report, &collateral);
        assert!(is(&outcome, refused), "change {at}: {outcome:?}");
    }
}

#[test]
fn a_chain_out_of_its_time_or_to_another_root_is_refused() {
    let (report, collateral) = recorded();
    let late = verify(Tee::SevSnp, &report, &collateral, NOW + 9 * 365 * 86_400, &Policy::production());
    assert_eq!(late, Err(Refused::CertificateTime));
    let policy = Policy { amd: vec![[1; 32]], ..Policy::production() };
    assert_eq!(verify(Tee::SevSnp, &report, &collateral, NOW, &policy), Err(Refused::Root));
}
