use ve_base::keys::SecretKey;
use ve_client::cert::unix_now;
use ve_client::gateway::token::{Access, Claims, DeploymentPermission, Leases, MAX_LIFE, Permission, Scope};

use super::world::{Running, address};
use crate::gateway::Limits;

const STATUS: &str = "/lease/7/1/1/status";

fn key() -> SecretKey {
    SecretKey::from_bytes([7; 32]).expect("a valid key")
}

/// A gateway with a customer whose key is on chain and who has a lease.
async fn with_account(limits: Limits) -> Running {
    let running = Running::start(limits).await;
    let account = key().public_key();
    running.world.keys.lock().expect("lock").insert(account.address().to_string(), account.clone());
    running.world.lend(&account.address());
    running
}

fn claims() -> Claims {
    Claims::full(&key().public_key().address(), &address(9).to_string(), unix_now(), MAX_LIFE, "t1")
}

fn narrowed(leases: Leases) -> String {
    Claims { leases, ..claims() }.sign(&key())
}

async fn refused(running: &Running, token: &str, path: &str) -> (u16, String) {
    let (status, body) = running.bearer(token).get(path).await;
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_token_of_the_owner_opens_the_lease_without_a_certificate() {
    let running = with_account(Limits::default()).await;
    let owner = running.bearer(&claims().sign(&key()));
    assert_eq!(owner.get(STATUS).await.1["services"]["web"]["state"], "running");
    assert_eq!(owner.send("PUT", "/deployment/7/manifest", b"[]".to_vec()).await.0, 204);
    assert_eq!(owner.send("POST", "/lease/7/1/1/restart", Vec::new()).await.0, 202);
    let taken = running.world.manifests.lock().expect("lock").clone();
    assert_eq!(taken, [(claims().iss, 7, 2)]);
    assert_eq!(*running.world.key_lookups.lock().expect("lock"), 1, "the key is remembered");
}

#[tokio::test]
async fn a_token_that_somebody_else_made_opens_nothing() {
    let running = with_account(Limits::default()).await;
    let thief = SecretKey::from_bytes([8; 32]).expect("a valid key");
    let stolen_name = claims().sign(&thief);
    assert_eq!(refused(&running, &stolen_name, STATUS).await, (401, "token_refused".into()));
    let other = Claims { aud: address(8).to_string(), ..claims() }.sign(&key());
    assert_eq!(refused(&running, &other, STATUS).await.0, 401, "made for another provider");
    let expired = Claims { iat: 1000, nbf: 1000, exp: 1900, ..claims() }.sign(&key());
    assert_eq!(refused(&running, &expired, STATUS).await.0, 401);
    let nameless = Claims { iss: thief.public_key().address().to_string(), ..claims() }.sign(&thief);
    assert_eq!(refused(&running, &nameless, STATUS).await.0, 401, "its account has no key on chain");
    running.world.keys.lock().expect("lock").insert(thief.public_key().address().to_string(), thief.public_key());
    assert_eq!(refused(&running, &nameless, STATUS).await, (404, "no_lease".into()), "nor a lease");
}

#[tokio::test]
async fn an_unreadable_authorization_is_refused_even_beside_a_certificate() {
    let (running, identity) = Running::with_customer(Limits::default()).await;
    let mut both = running.http(Some(&identity));
    assert_eq!(both.get(STATUS).await.0, 200);
    both.token = Some("x.y.z".to_owned());
    assert_eq!(both.get(STATUS).await.0, 401, "whoever shows a token means it");
}

#[tokio::test]
async fn a_narrowed_token_opens_its_scopes_only() {
    let running = with_account(Limits::default()).await;
    let reading = narrowed(Leases { access: Access::Scoped, scope: vec![Scope::Status], permissions: Vec::new() });
    assert_eq!(running.bearer(&reading).get(STATUS).await.0, 200);
    for (method, path) in [
        ("GET", "/lease/7/1/1/manifest"),
        ("POST", "/lease/7/1/1/restart"),
        ("PUT", "/deployment/7/manifest"),
        ("POST", "/token/t2/revoke"),
    ] {
        let (status, _) = running.bearer(&reading).send(method, path, Vec::new()).await;
        assert_eq!(status, 403, "{method} {path}");
    }
    assert!(running.world.restarts.lock().expect("lock").is_empty());
}

#[tokio::test]
async fn a_granular_token_opens_one_service_of_one_deployment() {
    let running = with_account(Limits::default()).await;
    let entry = |dseq| DeploymentPermission {
        dseq,
        gseq: None,
        oseq: None,
        scope: vec![Scope::Status],
        services: vec!["web".to_owned()],
    };
    let token = |provider: u8, dseq| {
        let permission = Permission {
            provider: address(provider).to_string(),
            access: Access::Granular,
            scope: Vec::new(),
            deployments: vec![entry(dseq)],
        };
        narrowed(Leases { access: Access::Granular, scope: Vec::new(), permissions: vec![permission] })
    };
    let web = "/lease/7/1/1/service/web/status";
    assert_eq!(running.bearer(&token(9, 7)).get(web).await.0, 200);
    assert_eq!(refused(&running, &token(9, 7), STATUS).await, (403, "out_of_scope".into()));
    assert_eq!(refused(&running, &token(9, 8), web).await.0, 403);
    assert_eq!(refused(&running, &token(8, 7), web).await.0, 403);
}

#[tokio::test]
async fn a_token_taken_back_opens_nothing_more() {
    let running = with_account(Limits::default()).await;
    let token = claims().sign(&key());
    assert_eq!(running.bearer(&token).get(STATUS).await.0, 200);
    let second = Claims { jti: "t2".to_owned(), ..claims() }.sign(&key());
    assert_eq!(running.bearer(&second).send("POST", "/token/t1/revoke", Vec::new()).await.0, 204);
    assert_eq!(refused(&running, &token, STATUS).await, (401, "token_refused".into()));
    assert_eq!(running.bearer(&second).get(STATUS).await.0, 200);
}

#[tokio::test]
async fn forged_tokens_cannot_use_up_the_rate_of_the_account_that_they_name() {
    let limits = Limits { requests_per_minute: 2, open_requests_per_minute: 6, ..Limits::default() };
    let running = with_account(limits).await;
    let thief = SecretKey::from_bytes([8; 32]).expect("a valid key");
    let mut answers = Vec::new();
    for _ in 0..8 {
        answers.push(refused(&running, &claims().sign(&thief), STATUS).await.0);
    }
    assert!(answers.contains(&429) && !answers.contains(&200), "{answers:?}");
    assert_eq!(*running.world.key_lookups.lock().expect("lock"), 1);
    assert_eq!(running.bearer(&claims().sign(&key())).get(STATUS).await.0, 200);
}
