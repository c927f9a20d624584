use super::*;

const NOW: u64 = 1_800_000_000;
const PROVIDER: &str = "ve1provider";

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes([byte; 32]).expect("a valid key")
}

fn claims() -> Claims {
    Claims::full(&key(1).public_key().address(), PROVIDER, NOW, MAX_LIFE, "a-token")
}

fn subject(dseq: u64, service: Option<&str>) -> Subject<'_> {
    Subject { dseq, gseq: Some(1), oseq: Some(1), service }
}

#[test]
fn a_token_is_read_verified_and_in_force() {
    let text = claims().sign(&key(1));
    assert!(text.starts_with("eyJhbGciOiJFUzI1NksiLCJ0eXAiOiJKV1QifQ."), "{text}");
    let read = Unverified::parse(&text).expect("a token").verify(&key(1).public_key()).expect("its signature");
    assert_eq!(read, claims());
    assert_eq!(read.check(PROVIDER, NOW), Ok(()));
}

#[test]
fn a_token_that_is_changed_foreign_or_unsigned_is_refused() {
    let text = claims().sign(&key(1));
    let (signed, signature) = text.rsplit_once('.').expect("three parts");
    let other = Claims { exp: NOW + 1, ..claims() }.sign(&key(1));
    let swapped = format!("{}.{signature}", other.rsplit_once('.').expect("three parts").0);
    for (text, key_byte) in [(swapped, 1), (text.clone(), 2), (claims().sign(&key(2)), 2), (format!("{signed}."), 1)] {
        let read = Unverified::parse(&text).expect("well-formed");
        assert!(read.verify(&key(key_byte).public_key()).is_err(), "{text}");
    }
    let forge =
        |header: &str| format!("{}.{}.{signature}", BASE64.encode(header), signed.split_once('.').expect("two").1);
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"ES256K","crit":["b64"]}"#,
        r#"{"alg":"ES256K","typ":"at+jwt"}"#,
    ] {
        assert!(Unverified::parse(&forge(header)).is_err(), "{header}");
    }
    for text in ["", "a.b", "a.b.c", &format!("{text}x."), &"a".repeat(MAX_BYTES + 1)] {
        assert!(Unverified::parse(text).is_err(), "{text}");
    }
}

#[test]
fn a_token_out_of_its_time_or_for_somebody_else_is_not_in_force() {
    let refused = |change: fn(&mut Claims), now| {
        let mut claims = claims();
        change(&mut claims);
        claims.check(PROVIDER, now).is_err()
    };
    assert!(refused(|_| {}, NOW + MAX_LIFE), "expired");
    assert!(refused(|_| {}, NOW - SKEW - 1), "not yet");
    assert!(refused(|claims| claims.exp += 1, NOW), "lives too long");
    assert!(refused(|claims| claims.nbf -= 1, NOW), "lives too long");
    assert!(refused(|claims| claims.aud = "ve1other".into(), NOW));
    assert!(refused(|claims| claims.version = "v2".into(), NOW));
    assert!(refused(|claims| claims.jti = String::new(), NOW));
}

#[test]
fn only_a_narrow_token_without_shells_may_live_for_a_month() {
    let month = |scope: Vec<Scope>| {
        let leases = Leases { access: Access::Scoped, scope, permissions: Vec::new() };
        Claims { exp: NOW + MAX_DEPLOY_LIFE, leases, ..claims() }.check(PROVIDER, NOW).is_ok()
    };
    assert!(month(vec![Scope::SendManifest, Scope::Status]));
    assert!(!month(vec![Scope::SendManifest, Scope::Shell]));
}

#[test]
fn each_kind_of_access_opens_what_it_names_and_nothing_else() {
    let with = |leases: Leases| Claims { leases, ..claims() };
    assert!(claims().allows(PROVIDER, Scope::Shell, &subject(7, None)));
    let scoped = with(Leases { access: Access::Scoped, scope: vec![Scope::Logs], permissions: Vec::new() });
    assert!(scoped.allows(PROVIDER, Scope::Logs, &subject(7, None)));
    assert!(!scoped.allows(PROVIDER, Scope::Shell, &subject(7, None)));
    let entry = DeploymentPermission {
        dseq: 7,
        gseq: Some(1),
        oseq: None,
        scope: vec![Scope::Logs],
        services: vec!["web".into()],
    };
    let permission =
        Permission { provider: PROVIDER.into(), access: Access::Granular, scope: Vec::new(), deployments: vec![entry] };
    let granular = with(Leases { access: Access::Granular, scope: Vec::new(), permissions: vec![permission] });
    assert!(granular.allows(PROVIDER, Scope::Logs, &subject(7, Some("web"))));
    assert!(!granular.allows(PROVIDER, Scope::Logs, &subject(7, None)), "all services are more than one");
    assert!(!granular.allows(PROVIDER, Scope::Logs, &subject(7, Some("db"))));
    assert!(!granular.allows(PROVIDER, Scope::Logs, &subject(8, Some("web"))));
    assert!(!granular.allows(PROVIDER, Scope::Restart, &subject(7, Some("web"))));
    assert!(!granular.allows("ve1other", Scope::Logs, &subject(7, Some("web"))));
    let other_group = Subject { gseq: Some(2), ..subject(7, Some("web")) };
    assert!(!granular.allows(PROVIDER, Scope::Logs, &other_group));
    let whole = Subject { gseq: None, oseq: None, ..subject(7, Some("web")) };
    assert!(!granular.allows(PROVIDER, Scope::Logs, &whole), "a whole deployment is more than a group");
}
