use ve_proto::ve::veid::v1::*;
use ve_testkit::chain::TestChain;

use ve_testkit::veid::*;

fn clients(chain: &TestChain) -> Vec<Client> {
    let response: QueryClientsResponse =
        chain.query("/ve.veid.v1.Query/Clients", &QueryClientsRequest::default()).expect("it answers");
    response.clients
}

fn upload_through(change: impl FnOnce(&mut serde_json::Value)) -> (String, u32) {
    let mut chain = chain_with(|state| change(&mut state["veid"]["clients"][0]));
    open_wallet(&mut chain, 0);
    let message = Upload::new(&chain, 0, "scope-of-mail-001", ScopeType::Email).sign(&chain, 0);
    code(&chain.deliver(0, &message))
}

#[test]
fn only_governance_registers_updates_and_revokes_clients() {
    let mut chain = chain();
    let authority = name(&chain, 0);
    let known = client();
    let register = MsgRegisterClient {
        authority: authority.clone(),
        client_id: "mine".into(),
        name: known.name,
        platform: known.platform,
        app_ids: known.app_ids,
        authority_key: known.authority_key,
        min_version: known.min_version,
        active_from: 0,
    };
    assert_eq!(code(&chain.deliver(0, &register)), ("sdk".into(), 4));
    let update =
        MsgUpdateClient { authority: authority.clone(), client_id: CLIENT.into(), ..MsgUpdateClient::default() };
    assert_eq!(code(&chain.deliver(0, &update)), ("sdk".into(), 4));
    let revoke =
        MsgRevokeClient { authority, client_id: CLIENT.into(), reason: "because".into(), compromised_since: 0 };
    assert_eq!(code(&chain.deliver(0, &revoke)), ("sdk".into(), 4));
    assert_eq!(clients(&chain).len(), 1);
    assert_eq!(clients(&chain)[0].state(), ClientState::Active);
}

#[test]
fn a_client_that_starts_later_is_refused_until_then() {
    let future = |client: &mut serde_json::Value| {
        client["state"] = "CLIENT_STATE_PENDING".into();
        client["active_from"] = "4000000000".into();
    };
    assert_eq!(upload_through(future), veid(1005));
    let past = |client: &mut serde_json::Value| {
        client["state"] = "CLIENT_STATE_PENDING".into();
        client["active_from"] = "1".into();
    };
    assert_eq!(upload_through(past), (String::new(), 0));
}

#[test]
fn a_revoked_client_is_refused_and_a_deprecated_one_keeps_its_installations() {
    assert_eq!(upload_through(|client| client["state"] = "CLIENT_STATE_REVOKED".into()), veid(1005));
    let before = |client: &mut serde_json::Value| {
        client["state"] = "CLIENT_STATE_DEPRECATED".into();
        client["deprecated_at"] = "4000000000".into();
    };
    assert_eq!(upload_through(before), (String::new(), 0));
    let after = |client: &mut serde_json::Value| {
        client["state"] = "CLIENT_STATE_DEPRECATED".into();
        client["deprecated_at"] = "1".into();
    };
    assert_eq!(upload_through(after), veid(1006));
}

#[test]
fn certificates_of_the_key_before_a_rotation_are_taken_while_it_overlaps() {
    let rotated = |until: &'static str| {
        move |client: &mut serde_json::Value| {
            client["previous_key"] = client["authority_key"].clone();
            client["previous_until"] = until.into();
            client["authority_key"] = ve_sdk::json::to_json(&signing_key(&installation())).expect("it has a schema");
        }
    };
    assert_eq!(upload_through(rotated("4000000000")), (String::new(), 0));
    assert_eq!(upload_through(rotated("1")), veid(1006));
}
