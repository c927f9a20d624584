//! Chains made with rcgen, and one changed chain per rule.

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SigningKey as _,
};

use super::{check_authority, check_chain, verify_leaf};

/// Within the validity that rcgen gives by default.
const NOW: u64 = 1_760_000_000;

struct Made {
    der: Vec<u8>,
    params: CertificateParams,
    key: KeyPair,
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

fn authority(name: &str, length: Option<u8>) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(length.map_or(BasicConstraints::Unconstrained, BasicConstraints::Constrained));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    params
}

fn person() -> CertificateParams {
    let mut params = named("person");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn root(params: CertificateParams) -> Made {
    let key = KeyPair::generate().expect("a key");
    Made { der: params.self_signed(&key).expect("it signs").der().to_vec(), params, key }
}

fn issued(params: CertificateParams, by: &Made, key: KeyPair) -> Made {
    let issuer = Issuer::from_params(&by.params, &by.key);
    Made { der: params.signed_by(&key, &issuer).expect("it signs").der().to_vec(), params, key }
}

fn p256() -> KeyPair {
    KeyPair::generate().expect("a key")
}

#[test]
fn a_chain_leads_from_a_person_to_an_approved_authority() {
    let top = root(authority("root", None));
    let middle = issued(authority("middle", Some(0)), &top, p256());
    let leaf = issued(person(), &middle, p256());
    let chain = [leaf.der.clone(), middle.der.clone()];
    assert_eq!(check_chain(&chain, std::slice::from_ref(&top.der), NOW), Ok(()));
    assert_eq!(check_authority(&top.der), Ok(()));
    let direct = issued(person(), &top, p256());
    assert_eq!(check_chain(&[direct.der], &[root(authority("root", None)).der, top.der], NOW), Ok(()));
}

#[test]
fn one_broken_rule_breaks_the_chain() {
    let top = root(authority("root", None));
    let middle = issued(authority("middle", Some(0)), &top, p256());
    let good = issued(person(), &middle, p256());
    let approved = [top.der.clone()];
    let refused = |what: &str, chain: &[&[u8]], now: u64| {
        let chain: Vec<Vec<u8>> = chain.iter().map(|der| der.to_vec()).collect();
        assert!(check_chain(&chain, &approved, now).is_err(), "{what}");
    };
    refused("nothing", &[], NOW);
    refused("the middle is missing", &[&good.der], NOW);
    refused("wrong order", &[&middle.der, &good.der], NOW);
    refused("too long", &[&good.der, &middle.der, &middle.der, &middle.der, &middle.der, &middle.der], NOW);
    refused("before its time", &[&good.der, &middle.der], 100_000_000);
    refused("after its time", &[&good.der, &middle.der], 100_000_000_000);
    refused("signed by itself", &[&root(person()).der], NOW);
    let mut purpose = person();
    purpose.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    refused("not for clients", &[&issued(purpose, &middle, p256()).der, &middle.der], NOW);
    let mut usage = person();
    usage.key_usages = vec![KeyUsagePurpose::KeyEncipherment];
    refused("not for signatures", &[&issued(usage, &middle, p256()).der, &middle.der], NOW);
    let lower = issued(authority("lower", None), &middle, p256());
    let below = issued(person(), &lower, p256());
    refused("longer than an issuer allows", &[&below.der, &lower.der, &middle.der], NOW);
    let no_authority = issued(person(), &good, p256());
    refused("issued by a person", &[&no_authority.der, &good.der, &middle.der], NOW);
    let stranger = root(authority("middle", None));
    refused("the same name with another key", &[&issued(person(), &stranger, p256()).der, &middle.der], NOW);
    refused("another authority", &[&issued(person(), &stranger, p256()).der], NOW);
    for at in [60, good.der.len() - 1] {
        let mut bent = good.der.clone();
        bent[at] ^= 1;
        refused("a bent byte", &[&bent, &middle.der], NOW);
    }
    refused("a byte behind", &[&[&good.der[..], &[0]].concat(), &middle.der], NOW);
    assert!(check_authority(&good.der).is_err());
}

#[test]
fn the_leaf_signs_with_each_kind_of_key() {
    let top = root(authority("root", None));
    for algorithm in [&rcgen::PKCS_ECDSA_P256_SHA256, &PKCS_ECDSA_P384_SHA384, &PKCS_ED25519] {
        let leaf = issued(person(), &top, KeyPair::generate_for(algorithm).expect("a key"));
        let signature = leaf.key.sign(b"challenge").expect("it signs");
        assert_eq!(verify_leaf(&leaf.der, b"challenge", &signature), Ok(()));
        assert!(verify_leaf(&leaf.der, b"another", &signature).is_err());
        assert!(verify_leaf(&top.der, b"challenge", &signature).is_err());
        assert_eq!(check_chain(&[leaf.der], std::slice::from_ref(&top.der), NOW), Ok(()));
    }
}
