use ve_proto::ve::mfa::v1::FactorType::{self, *};

use super::satisfied;
use crate::mfa::actions::combination;

const FIDO: &[FactorType] = &[Webauthn, Certificate];

#[test]
fn each_set_needs_a_factor_of_its_own() {
    let recovery = [combination(&[&[Biometric], FIDO, &[Sms, Call, Email]])];
    assert!(satisfied(&recovery, &[Biometric, Webauthn, Email], false));
    assert!(satisfied(&recovery, &[Sms, Certificate, Biometric], false));
    assert!(!satisfied(&recovery, &[Biometric, Webauthn], false));
    assert!(!satisfied(&recovery, &[Biometric, Email, Sms], false));
    // Two passkeys are two factors and still no person.
    assert!(!satisfied(&recovery, &[Webauthn, Webauthn, Email], false));
    let two = [combination(&[FIDO, FIDO])];
    assert!(satisfied(&two, &[Webauthn, Certificate], false));
    assert!(!satisfied(&two, &[Webauthn], false), "one factor does not count twice");
}

#[test]
fn one_of_several_combinations_suffices() {
    let data = [combination(&[FIDO]), combination(&[&[Totp], &[Email]])];
    assert!(satisfied(&data, &[Webauthn], false));
    assert!(satisfied(&data, &[Email, Totp], false));
    assert!(!satisfied(&data, &[Totp], false));
    assert!(!satisfied(&data, &[Email], false));
    assert!(!satisfied(&[], &[Webauthn], false));
}

#[test]
fn a_trusted_browser_replaces_the_lowest_factor_where_it_may_and_never_the_person() {
    let vote = [combination(&[FIDO])];
    assert!(satisfied(&vote, &[Browser], true));
    assert!(!satisfied(&vote, &[Browser], false));
    assert!(!satisfied(&vote, &[], true), "its own signature is always needed");
    let both = [combination(&[&[Email], FIDO])];
    assert!(satisfied(&both, &[Browser, Webauthn], true));
    assert!(!satisfied(&both, &[Browser, Email], true), "only the lowest is replaced");
    let person = [combination(&[&[Biometric]])];
    assert!(!satisfied(&person, &[Browser], true));
    let with_person = [combination(&[&[Biometric], FIDO])];
    assert!(!satisfied(&with_person, &[Browser, Webauthn], true));
    assert!(satisfied(&with_person, &[Browser, Biometric], true));
}
