use std::time::Duration;

use super::world::{Running, YEAR, address, client_identity};
use crate::gateway::{GatewayError, Limits};

const STATUS: &str = "/lease/7/1/1/status";

#[tokio::test]
async fn without_a_certificate_only_open_routes_answer() {
    let running = Running::start(Limits::default()).await;
    let nobody = running.http(None);
    assert_eq!(nobody.get("/address").await.1["address"], address(9).to_string());
    assert_eq!(nobody.get("/version").await.0, 200);
    assert_eq!(nobody.get("/status").await.1["leases"], 1);
    for path in [STATUS, "/lease/7/1/1/manifest", "/lease/7/1/1/logs", "/lease/7/1/1/shell", "/x"] {
        let (status, body) = nobody.get(path).await;
        assert_eq!(status, 401, "{path}");
        assert_eq!(body["code"], "certificate_refused");
        assert!(body["error"].is_string() && body["remedy"].is_string());
    }
    assert_eq!(nobody.send("PUT", "/deployment/7/manifest", Vec::new()).await.0, 401);
    assert_eq!(nobody.send("POST", "/lease/7/1/1/restart", Vec::new()).await.0, 401);
    assert_eq!(*running.world.lookups.lock().expect("lock"), 0);
}

#[tokio::test]
async fn the_owner_reads_and_acts_on_the_lease() {
    let (running, identity) = Running::with_customer(Limits::default()).await;
    let owner = running.http(Some(&identity));
    assert_eq!(owner.get(STATUS).await.1["services"]["web"]["state"], "running");
    assert_eq!(owner.get("/lease/7/1/1/service/web/status").await.1["state"], "running");
    assert_eq!(owner.get("/lease/7/1/1/manifest").await.0, 200);
    assert_eq!(owner.send("POST", "/lease/7/1/1/restart", Vec::new()).await.0, 202);
    assert_eq!(running.world.restarts.lock().expect("lock").len(), 1);
    assert_eq!(owner.send("PUT", "/deployment/7/manifest", b"[]".to_vec()).await.0, 204);
    let taken = running.world.manifests.lock().expect("lock").clone();
    assert_eq!(taken, [(address(1).to_string(), 7, 2)]);
    assert_eq!(*running.world.lookups.lock().expect("lock"), 1, "the answer is remembered");
}

#[tokio::test]
async fn what_is_not_there_or_malformed_is_named() {
    let (running, identity) = Running::with_customer(Limits::default()).await;
    let owner = running.http(Some(&identity));
    for (method, path, status, code) in [
        ("GET", "/lease/8/1/1/status", 404, "no_lease"),
        ("GET", "/lease/7/1/1/service/db/status", 404, "not_found"),
        ("GET", "/lease/x/1/1/status", 400, "bad_request"),
        ("GET", "/lease/7/1/1/logs", 400, "bad_request"),
        ("GET", "/nothing", 404, "not_found"),
        ("POST", STATUS, 405, "method_not_allowed"),
    ] {
        let (got, body) = owner.send(method, path, Vec::new()).await;
        assert_eq!((got, body["code"].as_str()), (status, Some(code)), "{method} {path}");
    }
}

#[tokio::test]
async fn a_certificate_unknown_to_the_chain_is_refused_until_it_is_registered() {
    let running = Running::start(Limits::default()).await;
    running.world.lend(&address(1));
    let identity = client_identity(1, YEAR);
    let client = running.http(Some(&identity));
    assert_eq!(client.get(STATUS).await.0, 401);
    running.world.register(&identity);
    assert_eq!(client.get(STATUS).await.0, 200, "no refusal is remembered");
}

#[tokio::test]
async fn a_revoked_certificate_is_refused() {
    let (running, identity) = Running::with_customer(Limits::default()).await;
    running.world.revoke(&identity);
    let (status, body) = running.http(Some(&identity)).get(STATUS).await;
    assert_eq!(status, 401);
    assert!(body["error"].as_str().expect("text").contains("revoked"), "{body}");
}

#[tokio::test]
async fn a_revocation_takes_effect_when_the_remembered_answer_ages_out() {
    let recheck = Duration::from_millis(100);
    let (running, identity) = Running::with_customer(Limits { recheck, ..Limits::default() }).await;
    let client = running.http(Some(&identity));
    assert_eq!(client.get(STATUS).await.0, 200);
    running.world.revoke(&identity);
    tokio::time::sleep(recheck).await;
    assert_eq!(client.get(STATUS).await.0, 401, "on the connection that was open before");
}

#[tokio::test]
async fn an_expired_certificate_is_refused() {
    let running = Running::start(Limits::default()).await;
    running.world.lend(&address(1));
    let identity = client_identity(1, Duration::ZERO);
    running.world.register(&identity);
    let (status, body) = running.http(Some(&identity)).get(STATUS).await;
    assert_eq!(status, 401);
    assert!(body["error"].as_str().expect("text").contains("expired"), "{body}");
}

#[tokio::test]
async fn a_certificate_that_names_another_account_without_its_registration_is_refused() {
    let (running, _) = Running::with_customer(Limits::default()).await;
    // Names the customer, made by somebody else.
    let forged = client_identity(1, YEAR);
    assert_eq!(running.http(Some(&forged)).get(STATUS).await.0, 401);
}

#[tokio::test]
async fn other_bytes_under_a_registered_serial_are_refused() {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, SerialNumber};

    let (running, identity) = Running::with_customer(Limits::default()).await;
    let key = KeyPair::generate().expect("key");
    let mut params = CertificateParams::new(Vec::new()).expect("params");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, address(1).to_string());
    let serial = hex::decode(format!("{:0>32}", identity.facts().expect("facts").serial));
    params.serial_number = Some(SerialNumber::from_slice(&serial.expect("hex")));
    let forged = ve_client::cert::Identity {
        certificate: params.self_signed(&key).expect("certificate").der().to_vec(),
        key: key.serialize_der().into(),
    };
    assert_eq!(forged.facts().expect("facts").serial, identity.facts().expect("facts").serial);
    let (status, body) = running.http(Some(&forged)).get(STATUS).await;
    assert_eq!(status, 401);
    assert!(body["error"].as_str().expect("text").contains("not the one"), "{body}");
}

#[tokio::test]
async fn a_registered_certificate_opens_no_lease_of_another_owner() {
    let (running, _) = Running::with_customer(Limits::default()).await;
    let stranger = client_identity(2, YEAR);
    running.world.register(&stranger);
    let client = running.http(Some(&stranger));
    assert_eq!(client.get(STATUS).await.0, 404);
    *running.world.confused.lock().expect("lock") = Some(address(1).to_string());
    let (status, body) = client.get(STATUS).await;
    assert_eq!((status, body["code"].as_str()), (403, Some("not_yours")));
    assert_eq!(client.send("POST", "/lease/7/1/1/restart", Vec::new()).await.0, 403);
    assert!(running.world.restarts.lock().expect("lock").is_empty());
}

#[tokio::test]
async fn a_manifest_of_1_mib_is_taken_and_a_larger_one_refused() {
    let (running, identity) = Running::with_customer(Limits::default()).await;
    let owner = running.http(Some(&identity));
    let path = "/deployment/7/manifest";
    assert_eq!(owner.send("PUT", path, vec![b' '; 1 << 20]).await.0, 204);
    let (status, body) = owner.send("PUT", path, vec![b' '; (1 << 20) + 1]).await;
    assert_eq!((status, body["code"].as_str()), (413, Some("too_large")));
    assert_eq!(owner.send("PUT", path, vec![b' '; 3 << 20]).await.0, 413);
    assert_eq!(running.world.manifests.lock().expect("lock").len(), 1);
}

#[tokio::test]
async fn a_manifest_that_the_service_refuses_is_unprocessable() {
    let (running, identity) = Running::with_customer(Limits::default()).await;
    let owner = running.http(Some(&identity));
    let (status, body) = owner.send("PUT", "/deployment/7/manifest", b"nonsense".to_vec()).await;
    assert_eq!((status, body["error"].as_str()), (422, Some("the hash differs")));
}

#[tokio::test]
async fn an_account_over_its_rate_waits_and_others_do_not() {
    let limits = Limits { requests_per_minute: 3, ..Limits::default() };
    let (running, identity) = Running::with_customer(limits).await;
    let other = client_identity(2, YEAR);
    running.world.register(&other);
    running.world.lend(&address(2));
    let client = running.http(Some(&identity));
    for _ in 0..3 {
        assert_eq!(client.get(STATUS).await.0, 200);
    }
    let (status, body) = client.get(STATUS).await;
    assert_eq!((status, body["code"].as_str()), (429, Some("too_many")));
    assert_eq!(running.http(Some(&other)).get(STATUS).await.0, 200);
}

#[tokio::test]
async fn made_up_certificates_cannot_make_the_gateway_flood_the_chain() {
    let limits = Limits { open_requests_per_minute: 2, ..Limits::default() };
    let running = Running::start(limits).await;
    for expected in [401, 401, 429, 429] {
        let made_up = client_identity(3, YEAR);
        assert_eq!(running.http(Some(&made_up)).get(STATUS).await.0, expected);
    }
    assert_eq!(*running.world.lookups.lock().expect("lock"), 2);
}

#[test]
fn faults_of_the_provider_are_not_spelled_out() {
    let error = GatewayError::Internal("password of the registry".to_owned());
    assert!(!error.public_message().contains("password"));
}
