use rcgen::{
    CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, PKCS_ED25519,
    PKCS_RSA_SHA256, SerialNumber, date_time_ymd,
};

use super::{Error, check};

const OWNER: &str = "ve1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnhwjxyz";

fn params(names: Vec<String>, usages: Vec<ExtendedKeyUsagePurpose>) -> CertificateParams {
    let mut params = CertificateParams::new(names).expect("names");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, OWNER);
    params.serial_number = Some(SerialNumber::from_slice(&[0x0A, 0xBC]));
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2026, 12, 31);
    params.extended_key_usages = usages;
    params
}

fn client() -> CertificateParams {
    params(Vec::new(), vec![ExtendedKeyUsagePurpose::ClientAuth])
}

fn signed(params: &CertificateParams) -> Vec<u8> {
    let key = KeyPair::generate().expect("a P-256 key");
    params.self_signed(&key).expect("signs").der().to_vec()
}

fn refusal(der: &[u8]) -> String {
    match check(der, OWNER) {
        Err(Error::Invalid(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_self_signed_p256_client_certificate_passes() {
    let checked = check(&signed(&client()), OWNER).expect("passes");
    assert_eq!(checked.serial, "abc");
    assert_eq!(checked.not_after - checked.not_before, 364 * 86_400);
}

#[test]
fn an_ed25519_server_certificate_with_a_name_passes() {
    let key = KeyPair::generate_for(&PKCS_ED25519).expect("a key");
    let server = params(vec!["provider.example".into()], vec![ExtendedKeyUsagePurpose::ServerAuth]);
    let der = server.self_signed(&key).expect("signs").der().to_vec();
    check(&der, OWNER).expect("passes");
}

#[test]
fn a_server_without_a_name_is_refused() {
    let der = signed(&params(Vec::new(), vec![ExtendedKeyUsagePurpose::ServerAuth]));
    assert!(refusal(&der).contains("alternative name"));
}

#[test]
fn somebody_elses_name_is_refused() {
    let mut other = client();
    other.distinguished_name.push(DnType::CommonName, "ve1other");
    assert!(refusal(&signed(&other)).contains("subject"));
    let mut longer = client();
    longer.distinguished_name.push(DnType::OrganizationName, "Example");
    assert!(refusal(&signed(&longer)).contains("exactly CN="));
}

#[test]
fn other_usages_and_none_are_refused() {
    assert!(refusal(&signed(&params(Vec::new(), Vec::new()))).contains("clientAuth"));
    let signing = params(Vec::new(), vec![ExtendedKeyUsagePurpose::CodeSigning]);
    assert!(refusal(&signed(&signing)).contains("only"));
}

#[test]
fn more_than_a_year_is_refused() {
    let mut long = client();
    long.not_after = date_time_ymd(2027, 1, 2);
    assert!(refusal(&signed(&long)).contains("365 days"));
    long.not_after = long.not_before;
    assert!(refusal(&signed(&long)).contains("365 days"));
}

#[test]
fn a_serial_beyond_128_bits_is_refused() {
    let mut wide = client();
    wide.serial_number = Some(SerialNumber::from_slice(&[1; 17]));
    assert!(refusal(&signed(&wide)).contains("128 bits"));
}

#[test]
fn an_unknown_critical_extension_is_refused() {
    let mut odd = client();
    let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
    odd.custom_extensions.push(extension.clone());
    check(&signed(&odd), OWNER).expect("harmless when not critical");
    extension.set_criticality(true);
    odd.custom_extensions = vec![extension];
    assert!(refusal(&signed(&odd)).contains("critical"));
}

#[test]
fn a_changed_byte_or_an_appended_one_is_refused() {
    let mut der = signed(&client());
    let last = der.len() - 1;
    der[last] ^= 1;
    assert!(!refusal(&der).is_empty());
    der[last] ^= 1;
    der.push(0);
    assert!(refusal(&der).contains("DER"));
    assert!(refusal(&vec![0x30; 5000]).contains("4096"));
}

#[test]
fn a_key_of_another_kind_is_refused() {
    if let Ok(key) = KeyPair::generate_for(&PKCS_RSA_SHA256) {
        let der = client().self_signed(&key).expect("signs").der().to_vec();
        assert!(refusal(&der).contains("P-256"));
    }
    let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).expect("a key");
    assert!(refusal(client().self_signed(&key).expect("signs").der()).contains("P-256"));
}
