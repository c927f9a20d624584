//! A software authenticator written here, once per algorithm, and one changed ceremony per check.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair};
use sha2::{Digest, Sha256};
use ve_proto::ve::mfa::v1::RelyingParty;

use super::{Assertion, assert, register};
use crate::mfa::error::Error;

const ORIGIN: &str = "https://example.org";
const CHALLENGE: [u8; 32] = [7; 32];

fn parties() -> Vec<RelyingParty> {
    let party = |id: &str, origin: &str| RelyingParty { id: id.into(), origins: vec![origin.into()] };
    vec![party("example.org", ORIGIN), party("other.org", "https://other.org")]
}

enum Secret {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

fn cbor_bytes(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("short");
    let mut out = match length {
        0..24 => vec![0x40 | u8::try_from(length).expect("short")],
        24..256 => vec![0x58, u8::try_from(length).expect("short")],
        _ => [&[0x59], &length.to_be_bytes()[..]].concat(),
    };
    out.extend_from_slice(bytes);
    out
}

impl Secret {
    fn es256() -> Self {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).expect("randomness");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, document.as_ref(), &random);
        Self::Es256(pair.expect("a key"))
    }

    fn eddsa() -> Self {
        Self::EdDsa(Ed25519KeyPair::from_seed_unchecked(&[3; 32]).expect("a seed"))
    }

    fn cose(&self) -> Vec<u8> {
        match self {
            Self::Es256(pair) => {
                let point = pair.public_key().as_ref();
                let mut out = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21];
                out.extend(cbor_bytes(&point[1..33]));
                out.push(0x22);
                out.extend(cbor_bytes(&point[33..]));
                out
            }
            Self::EdDsa(pair) => {
                let mut out = vec![0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21];
                out.extend(cbor_bytes(pair.public_key().as_ref()));
                out
            }
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Es256(pair) => pair.sign(&random, message).expect("it signs").as_ref().to_vec(),
            Self::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }
}

/// A ceremony that is right until it is changed.
struct Ceremony {
    secret: Secret,
    rp_id: &'static str,
    flags: u8,
    counter: u32,
    tail: Vec<u8>,
    client_data: String,
}

impl Ceremony {
    fn get(secret: Secret) -> Self {
        Self {
            secret,
            rp_id: "example.org",
            flags: 0x05,
            counter: 9,
            tail: Vec::new(),
            client_data: client("webauthn.get"),
        }
    }

    fn authenticator_data(&self) -> Vec<u8> {
        let hash = Sha256::digest(self.rp_id);
        [hash.as_slice(), &[self.flags], &self.counter.to_be_bytes(), &self.tail].concat()
    }

    fn run(&self) -> Result<u32, Error> {
        let (data, cose) = (self.authenticator_data(), self.secret.cose());
        let message = [data.as_slice(), &Sha256::digest(&self.client_data)].concat();
        let signature = self.secret.sign(&message);
        let assertion = Assertion {
            authenticator_data: &data,
            client_data_json: self.client_data.as_bytes(),
            signature: &signature,
        };
        assert(&assertion, &cose, "example.org", &CHALLENGE, &parties())
    }
}

fn client(kind: &str) -> String {
    let challenge = BASE64URL_NOPAD.encode(&CHALLENGE);
    format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{ORIGIN}","crossOrigin":false}}"#)
}

#[test]
fn assertions_of_both_curves_pass() {
    for secret in [Secret::es256(), Secret::eddsa()] {
        assert_eq!(Ceremony::get(secret).run(), Ok(9));
    }
}

/// Made with OpenSSL 3 over the assertion of [`Ceremony::get`]; the key was thrown away.
const RSA_MODULUS: &str = "c199319e75f9210a39f0ffa0c22ef507e1f6b3a95830058912f962e8e4720b1751854f9a986e050df885881f976dd046d4d70070\
    281829f252aeb9945997519e7658e724ea144ae9346381bc84c8cd86e85856c09c6c2e979f7847326983626eb43336f4f3cc0ce9\
    dbe38881d0dfb426a8056fe664a14cdd7b5c14651e582a6972106eb1b34c2755547dec1de01506474f683e63108f7f75700a1cac\
    777462219e3a1f2a5464dcb9c496a1ee10a1ffbfac7ee4b6c1a4f5c092d80223e40b813a3ffa2a58d98743cf206a3ffc154de8e6\
    51c1fca66ebbe642cfd8717593dfa06ae7f65b66b19627db27c9f9216aee1d8ca89c554fd59039ddc1d4f1fb0d32fcb7";
const RSA_SIGNATURE: &str = "23d50a3b493a830eea7498b92631b7f681c885b2f3b64a2d4567a49a9b7e26ea705033995e0d7e28ab1d7352b0259f73c91bb032\
    de93a9158e13785713e2311cf3f159394f59d401f29354102fc50e7ef1c820cfd5928df065018a73f4550395b8b7d0040ea68fd5\
    c7fa7a1310c301df18f1c2ae38bd7780b5d9e6ea586e94b86367b2f81e851ae0a5ad907265c2e1811596a983c0de698adfdbab30\
    5e32502ae9c3600715330e9b8a06437879314be04caf717959e133a02b3955f1dec0368949b8c501d80c780844dc5c95114a9d19\
    3148c841bb00fcee0355e57c83301a0ec3ffae976009423b461d99206353c926cb0f20288e09c9dabf339a533fb3bd38";

#[test]
fn an_rsa_assertion_of_openssl_passes_and_a_short_key_does_not() {
    let bytes = |hex: &str| HEXLOWER.decode(hex.as_bytes()).expect("hex");
    let cose = |modulus: &[u8]| {
        let head = [0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20];
        [&head[..], &cbor_bytes(modulus), &[0x21, 0x43, 0x01, 0x00, 0x01]].concat()
    };
    let ceremony = Ceremony::get(Secret::eddsa());
    let run = |modulus: &[u8], signature: &[u8]| {
        let assertion = Assertion {
            authenticator_data: &ceremony.authenticator_data(),
            client_data_json: ceremony.client_data.as_bytes(),
            signature,
        };
        assert(&assertion, &cose(modulus), "example.org", &CHALLENGE, &parties())
    };
    let (modulus, mut signature) = (bytes(RSA_MODULUS), bytes(RSA_SIGNATURE));
    assert_eq!(run(&modulus, &signature), Ok(9));
    assert!(run(&modulus[..128], &signature).is_err());
    signature[0] ^= 1;
    assert!(run(&modulus, &signature).is_err());
}

#[test]
fn one_change_in_any_part_of_an_assertion_is_refused() {
    let other = BASE64URL_NOPAD.encode(&[8; 32]);
    let mine = BASE64URL_NOPAD.encode(&CHALLENGE);
    let padded = format!("{mine}=");
    type Change = Box<dyn Fn(&mut Ceremony)>;
    let changes: Vec<(&str, Change)> = vec![
        ("type", Box::new(|c| c.client_data = client("webauthn.create"))),
        (
            "challenge",
            Box::new(move |c| c.client_data = c.client_data.replace(&BASE64URL_NOPAD.encode(&CHALLENGE), &other)),
        ),
        ("padding", Box::new(move |c| c.client_data = c.client_data.replace(&mine, &padded))),
        ("origin", Box::new(|c| c.client_data = c.client_data.replace(ORIGIN, "https://example.org.evil.net"))),
        ("origin of another party", Box::new(|c| c.client_data = c.client_data.replace(ORIGIN, "https://other.org"))),
        ("scheme", Box::new(|c| c.client_data = c.client_data.replace("https", "http"))),
        ("cross origin", Box::new(|c| c.client_data = c.client_data.replace("false", "true"))),
        (
            "top origin",
            Box::new(|c| c.client_data = c.client_data.replace("false", "false,\"topOrigin\":\"https://a.b\"")),
        ),
        (
            "member twice",
            Box::new(|c| c.client_data = c.client_data.replace("false", "false,\"type\":\"webauthn.get\"")),
        ),
        ("not JSON", Box::new(|c| c.client_data.push('}'))),
        ("too long", Box::new(|c| c.client_data.push_str(&" ".repeat(2048)))),
        ("relying party", Box::new(|c| c.rp_id = "other.org")),
        ("user not present", Box::new(|c| c.flags &= !0x01)),
        ("user not verified", Box::new(|c| c.flags &= !0x04)),
        ("backed up without being eligible", Box::new(|c| c.flags |= 0x10)),
        ("bytes behind", Box::new(|c| c.tail.push(0))),
        ("credential announced and missing", Box::new(|c| c.flags |= 0x40)),
        ("extensions announced and missing", Box::new(|c| c.flags |= 0x80)),
        ("extensions that are no map", Box::new(|c| (c.flags, c.tail) = (c.flags | 0x80, vec![0x01]))),
    ];
    for (what, change) in changes {
        let mut ceremony = Ceremony::get(Secret::eddsa());
        change(&mut ceremony);
        assert!(matches!(ceremony.run(), Err(Error::Proof(_))), "{what}");
    }
    let mut good = Ceremony::get(Secret::eddsa());
    (good.flags, good.tail) = (good.flags | 0x98, vec![0xa0]);
    assert_eq!(good.run(), Ok(9), "extensions and a backed-up passkey");
}

#[test]
fn a_signature_counts_for_its_bytes_and_key_only() {
    for secret in [Secret::es256(), Secret::eddsa()] {
        let ceremony = Ceremony::get(secret);
        let data = ceremony.authenticator_data();
        let message = [data.as_slice(), &Sha256::digest(&ceremony.client_data)].concat();
        let good = ceremony.secret.sign(&message);
        let run = |data: &[u8], signature: &[u8], cose: &[u8]| {
            let client_data_json = ceremony.client_data.as_bytes();
            let assertion = Assertion { authenticator_data: data, client_data_json, signature };
            assert(&assertion, cose, "example.org", &CHALLENGE, &parties())
        };
        let cose = ceremony.secret.cose();
        assert_eq!(run(&data, &good, &cose), Ok(9));
        let mut counted = data.clone();
        counted[36] ^= 1;
        assert!(run(&counted, &good, &cose).is_err(), "the counter is signed");
        let mut bent = good.clone();
        let last = bent.len() - 1;
        bent[last] ^= 1;
        assert!(run(&data, &bent, &cose).is_err());
        assert!(run(&data, &[], &cose).is_err());
        assert!(run(&data, &good, &Secret::es256().cose()).is_err(), "another key");
    }
}

#[test]
fn keys_of_other_kinds_are_refused() {
    let ceremony = Ceremony::get(Secret::eddsa());
    let run = |cose: &[u8]| {
        let assertion = Assertion {
            authenticator_data: &ceremony.authenticator_data(),
            client_data_json: ceremony.client_data.as_bytes(),
            signature: &[0; 64],
        };
        assert(&assertion, cose, "example.org", &CHALLENGE, &parties())
    };
    let mut es384 = Secret::es256().cose();
    es384[4] = 0x38;
    let mut other_curve = Secret::es256().cose();
    other_curve[6] = 0x02;
    let mut short_rsa = HEXLOWER.decode(b"a40103033901002043010001214301000100").expect("hex");
    short_rsa.pop();
    for cose in [&es384[..], &other_curve, &short_rsa, &[], &[0xa0], &[0xbf, 0xff]] {
        assert!(matches!(run(cose), Err(Error::Proof(_))), "{cose:?}");
    }
}

/// The attestation object of a registration.
fn object(secret: &Secret, flags: u8, format: &str, statement: &[u8]) -> Vec<u8> {
    let cose = secret.cose();
    let head = [Sha256::digest("example.org").as_slice(), &[flags], &[0; 4], &[5; 16], &[0, 4], &[1, 2, 3, 4]].concat();
    let data = [head, cose].concat();
    let text = |text: &str| [&[0x60 | u8::try_from(text.len()).expect("short")], text.as_bytes()].concat();
    [&[0xa3][..], &text("fmt"), &text(format), &text("attStmt"), statement, &text("authData"), &cbor_bytes(&data)]
        .concat()
}

fn run_register(object: &[u8], client_data: &str) -> Result<Vec<u8>, Error> {
    register(object, client_data.as_bytes(), &CHALLENGE, &parties()).map(|(_, credential, _)| credential.id)
}

#[test]
fn a_new_credential_is_taken_without_attestation_or_signed_by_itself() {
    let create = client("webauthn.create");
    for secret in [Secret::es256(), Secret::eddsa()] {
        let plain = object(&secret, 0x45, "none", &[0xa0]);
        assert_eq!(run_register(&plain, &create), Ok(vec![1, 2, 3, 4]));
        let (party, credential, counter) =
            register(&plain, create.as_bytes(), &CHALLENGE, &parties()).expect("it registers");
        assert_eq!((party.as_str(), credential.aaguid, counter), ("example.org", [5; 16], 0));
        assert_eq!(credential.public_key, secret.cose());
    }
    let secret = Secret::eddsa();
    let plain = object(&secret, 0x45, "none", &[0xa0]);
    let start = plain.len() - (Sha256::output_size() + 5 + 16 + 2 + 4 + secret.cose().len());
    let message = [&plain[start..], &Sha256::digest(&create)].concat();
    let statement =
        |alg: u8, signature: &[u8]| [&[0xa2, 0x63][..], b"alg", &[alg, 0x63], b"sig", &cbor_bytes(signature)].concat();
    let signature = secret.sign(&message);
    assert!(run_register(&object(&secret, 0x45, "packed", &statement(0x27, &signature)), &create).is_ok());
    for bad in [statement(0x26, &signature), statement(0x27, &[0; 64]), vec![0xa0]] {
        assert!(run_register(&object(&secret, 0x45, "packed", &bad), &create).is_err());
    }
}

#[test]
fn a_changed_registration_is_refused() {
    let (secret, create) = (Secret::eddsa(), client("webauthn.create"));
    let good = object(&secret, 0x45, "none", &[0xa0]);
    let cases: [(&str, Vec<u8>, String); 7] = [
        ("assertion instead", good.clone(), client("webauthn.get")),
        ("other format", object(&secret, 0x45, "tpm", &[0xa0]), create.clone()),
        ("statement without format", object(&secret, 0x45, "none", &[0xa1, 0x01, 0x01]), create.clone()),
        ("user not verified", object(&secret, 0x41, "none", &[0xa0]), create.clone()),
        ("no credential", object(&secret, 0x05, "none", &[0xa0]), create.clone()),
        ("bytes behind", [&good[..], &[0]].concat(), create.clone()),
        ("cut", good[..good.len() - 1].to_vec(), create.clone()),
    ];
    for (what, object, client_data) in cases {
        assert!(run_register(&object, &client_data).is_err(), "{what}");
    }
}

#[test]
fn cbor_has_one_form() {
    use crate::cbor::{Value, whole};
    let read = |hex: &str| whole(&HEXLOWER.decode(hex.as_bytes()).expect("hex"));
    assert_eq!(read("17"), Some(Value::Integer(23)));
    assert_eq!(read("390100"), Some(Value::Integer(-257)));
    assert_eq!(read("a10142ffff"), Some(Value::Map(vec![(Value::Integer(1), Value::Bytes(vec![255, 255]))])));
    for refused in
        ["1817", "190017", "5f42ffffff", "a201010102", "9fff", "61ff", "8181818181818181", "f97e00", "c001", ""]
    {
        assert_eq!(read(refused), None, "{refused}");
    }
}
