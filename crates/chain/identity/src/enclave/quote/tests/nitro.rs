use data_encoding::HEXLOWER;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PKCS_ECDSA_P384_SHA384};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use sha2::{Digest, Sha256, Sha384};
use ve_proto::ve::enclave::v1::{Collateral, Tee};

use super::super::nitro::{open, write_bytes};
use super::{Outcome, Policy, Refused, is, vector, verify};
use crate::cbor::Value;

/// When the recorded document was made.
const RECORDED: u64 = 1_752_827_990;

#[test]
fn a_recorded_document_proves_its_code() {
    let document = vector!("nitro_document.bin");
    let content = open(&document, RECORDED, &Policy::production()).expect("it is genuine");
    let pcr = content.text("pcrs").and_then(|pcrs| pcrs.number(0)).and_then(Value::as_bytes).expect("it has PCR0");
    assert!(HEXLOWER.encode(pcr).starts_with("19d44c076cdbc0d6a0a7d0d6c661e788"));
    // Its enclave put a key where we expect a commitment to both of ours, so that it proves nothing here.
    let outcome = verify(Tee::Nitro, &document, &Collateral::default(), RECORDED, &Policy::production());
    assert_eq!(outcome, Err(Refused::Malformed("its user data has not 32 bytes")));
}

#[test]
fn a_recorded_document_that_is_changed_or_old_is_refused() {
    let document = vector!("nitro_document.bin");
    let production = Policy::production();
    let signature = document.len() - 1;
    let key = document.windows(10).position(|part| part == b"public_key").expect("it has one") + 12;
    for (at, refused) in [(signature, Refused::Signature), (key, Refused::Signature), (3, Refused::Malformed(""))] {
        let mut changed = document.clone();
        changed[at] ^= 1;
        let outcome = open(&changed, RECORDED, &production).map(|_| ());
        assert!(outcome.is_err_and(|found| found.code() == refused.code()), "byte {at}: {outcome:?}");
    }
    for time in [RECORDED - 600, RECORDED + 3700] {
        assert_eq!(open(&document, time, &production).map(|_| ()), Err(Refused::Age));
    }
    let policy = Policy { aws: [1; 32], ..production };
    assert_eq!(open(&document, RECORDED, &policy).map(|_| ()), Err(Refused::Root));
}

const NOW: u64 = 1_760_000_000;

/// A document as the hypervisor makes it, under a root of this test.
struct Document {
    pcr: [u8; 48],
    user_data: Vec<u8>,
    milliseconds: u64,
    digest: &'static str,
    /// Whether the root may issue certificates.
    authority: bool,
    leaf_of: &'static str,
}

impl Default for Document {
    fn default() -> Self {
        Self {
            pcr: [7; 48],
            user_data: vec![9; 32],
            milliseconds: NOW * 1000,
            digest: "SHA384",
            authority: true,
            leaf_of: "enclave",
        }
    }
}

fn text(text: &str, out: &mut Vec<u8>) {
    out.push(0x60 | u8::try_from(text.len()).expect("short"));
    out.extend_from_slice(text.as_bytes());
}

struct Chain {
    root: Vec<u8>,
    leaf: Vec<u8>,
    key: KeyPair,
}

fn chain(document: &Document) -> Chain {
    let key = || KeyPair::generate_for(&PKCS_ECDSA_P384_SHA384).expect("a key");
    let (root_key, leaf_key) = (key(), key());
    let named = |name: &str| {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params
    };
    let mut root = named("root");
    root.is_ca = if document.authority { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::ExplicitNoCa };
    let mut leaf = named(document.leaf_of);
    if document.leaf_of == "authority" {
        leaf.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    }
    let root_der = root.self_signed(&root_key).expect("it signs").der().to_vec();
    let issuer = Issuer::from_params(&root, &root_key);
    let leaf_der = leaf.signed_by(&leaf_key, &issuer).expect("it signs").der().to_vec();
    Chain { root: root_der, leaf: leaf_der, key: leaf_key }
}

impl Document {
    fn payload(&self, chain: &Chain) -> Vec<u8> {
        // A map without a length, as newer hypervisors write it.
        let mut payload = vec![0xbf];
        text("digest", &mut payload);
        text(self.digest, &mut payload);
        text("timestamp", &mut payload);
        payload.push(0x1b);
        payload.extend(self.milliseconds.to_be_bytes());
        text("pcrs", &mut payload);
        payload.push(0xa3);
        for index in 0..3 {
            payload.push(index);
            write_bytes(&self.pcr, &mut payload);
        }
        text("certificate", &mut payload);
        write_bytes(&chain.leaf, &mut payload);
        text("cabundle", &mut payload);
        payload.push(0x81);
        write_bytes(&chain.root, &mut payload);
        text("user_data", &mut payload);
        write_bytes(&self.user_data, &mut payload);
        payload.push(0xff);
        payload
    }

    /// The signed document and the fingerprint of its root.
    fn sign(&self) -> (Vec<u8>, [u8; 32]) {
        let chain = chain(self);
        let payload = self.payload(&chain);
        let protected = [0xa1, 0x01, 0x38, 0x22];
        let mut signed = vec![0x84, 0x6a];
        signed.extend_from_slice(b"Signature1");
        write_bytes(&protected, &mut signed);
        write_bytes(&[], &mut signed);
        write_bytes(&payload, &mut signed);
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &chain.key.serialize_der(), &random);
        let signature = pair.expect("a key").sign(&random, &signed).expect("it signs");
        let mut document = vec![0x84];
        write_bytes(&protected, &mut document);
        document.push(0xa0);
        write_bytes(&payload, &mut document);
        write_bytes(signature.as_ref(), &mut document);
        (document, Sha256::digest(chain.root).into())
    }
}

fn check(document: &[u8], root: [u8; 32]) -> Outcome {
    let policy = Policy { aws: root, ..Policy::production() };
    verify(Tee::Nitro, document, &Collateral::default(), NOW, &policy)
}

#[test]
fn a_document_proves_its_measurements_and_data() {
    let (document, root) = Document::default().sign();
    let proven = check(&document, root).expect("it is whole");
    assert_eq!(proven.measurement, Sha384::digest([7; 144]).to_vec());
    assert_eq!(proven.report_data, [9; 32]);
}

#[test]
fn one_wrong_part_of_a_document_is_refused_by_the_check_of_that_part() {
    let cases = [
        (Document { pcr: [0; 48], ..Document::default() }, Refused::Debug),
        (Document { milliseconds: (NOW - 3601) * 1000, ..Document::default() }, Refused::Age),
        (Document { milliseconds: (NOW + 301) * 1000, ..Document::default() }, Refused::Age),
        (Document { user_data: vec![9; 31], ..Document::default() }, Refused::Malformed("")),
        (Document { digest: "SHA256", ..Document::default() }, Refused::Malformed("")),
        (Document { authority: false, ..Document::default() }, Refused::Certificate("")),
        (Document { leaf_of: "authority", ..Document::default() }, Refused::Certificate("")),
    ];
    for (at, (document, refused)) in cases.into_iter().enumerate() {
        let (bytes, root) = document.sign();
        let outcome = check(&bytes, root);
        assert!(is(&outcome, refused), "case {at}: {outcome:?}");
    }
}

#[test]
fn changed_documents_and_those_of_others_are_refused() {
    let (document, root) = Document::default().sign();
    assert_eq!(check(&document, [1; 32]), Err(Refused::Root));
    for at in [1, 3, 9, 30, 200, document.len() - 1] {
        let mut changed = document.clone();
        changed[at] ^= 1;
        assert!(check(&changed, root).is_err(), "byte {at}");
    }
    let longer = [document.as_slice(), &[0]].concat();
    assert!(is(&check(&longer, root), Refused::Malformed("")), "bytes behind");
    // The signature of one document under the content of another.
    let (other, _) = Document::default().sign();
    let mixed = [&document[..document.len() - 96], &other[other.len() - 96..]].concat();
    assert_eq!(check(&mixed, root), Err(Refused::Signature));
}
