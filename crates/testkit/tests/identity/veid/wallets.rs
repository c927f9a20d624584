use ve_base::capture;
use ve_proto::ve::veid::v1::*;
use ve_sdk::application::Application;
use ve_testkit::chain::{TestChain, checked_options};

use ve_testkit::veid::*;

#[test]
fn an_account_makes_one_wallet_with_a_key_that_signed_for_it() {
    let mut chain = chain();
    let good = create(&chain, 0);
    let mut stolen = create(&chain, 1);
    stolen.owner.clone_from(&good.owner);
    assert_eq!(code(&chain.deliver(0, &stolen)), veid(20), "a signature for one owner does not serve another");
    let keyless = MsgCreateWallet { binding_key: None, ..good.clone() };
    assert_eq!(code(&chain.deliver(0, &keyless)), veid(20));
    accept(&mut chain, 0, &good);
    assert_eq!(code(&chain.deliver(0, &good)), veid(2));
    let made = wallet(&chain, 0);
    assert_eq!(made.wallet_id, capture::wallet_id(&good.owner));
    assert_eq!((made.status(), made.state()), (WalletStatus::Active, VerificationState::Unverified));
    assert_eq!(made.consent_flags, Some(ConsentFlags::default()), "nothing is agreed to by default");
    let request = QueryScoreRequest { owner: good.owner.clone() };
    let score: QueryScoreResponse = chain.query("/ve.veid.v1.Query/Score", &request).expect("it answers");
    assert_eq!((score.score, score.tier), (0, 0));
    let request = QueryHistoryRequest { owner: good.owner, pagination: None };
    let history: QueryHistoryResponse = chain.query("/ve.veid.v1.Query/History", &request).expect("it answers");
    assert_eq!(history.entries.len(), 1);
}

#[test]
fn a_wallet_is_rebound_by_verified_accounts_only() {
    let mut chain = chain();
    let message = create(&chain, 0);
    accept(&mut chain, 0, &message);
    rest(&mut chain);
    let new_key = Some(signing_key(&installation()));
    let rebind = MsgRebindWallet { owner: name(&chain, 0), new_key, ..MsgRebindWallet::default() };
    assert_eq!(code(&chain.deliver(0, &rebind)), veid(9));
}

#[test]
fn an_account_does_not_operate_in_blocks_that_follow_closely() {
    let mut chain = chain();
    let message = create(&chain, 0);
    accept(&mut chain, 0, &message);
    assert_eq!(code(&chain.deliver(0, &agree(&chain, 0, 1))), veid(12));
    rest(&mut chain);
    let message = agree(&chain, 0, 1);
    accept(&mut chain, 0, &message);
}

#[test]
fn consent_changes_only_from_the_version_that_was_read_and_may_be_withdrawn_at_any_time() {
    let mut chain = chain();
    let message = create(&chain, 0);
    accept(&mut chain, 0, &message);
    rest(&mut chain);
    assert_eq!(code(&chain.deliver(0, &agree(&chain, 0, 7))), veid(21));
    let message = agree(&chain, 0, 1);
    accept(&mut chain, 0, &message);
    let withdraw = MsgUpdateConsent { version: 2, grants: Vec::new(), withdraw: vec![1], ..agree(&chain, 0, 2) };
    accept(&mut chain, 0, &withdraw);
    let again = MsgUpdateConsent { version: 3, ..withdraw };
    assert_eq!(code(&chain.deliver(0, &again)), veid(7), "it was withdrawn before");
    let request = QueryConsentsRequest { owner: name(&chain, 0), pagination: None };
    let ledger: QueryConsentsResponse = chain.query("/ve.veid.v1.Query/Consents", &request).expect("it answers");
    assert_eq!(ledger.consents.len(), 1, "what ended stays on record");
    assert!(ledger.consents[0].withdrawn_at > ledger.consents[0].granted_at);
    let mut unnamed = agree(&chain, 0, 3);
    unnamed.grants[0].scope_types = vec![2, 1];
    assert_eq!(code(&chain.deliver(0, &unnamed)), veid(19));
    let nothing = MsgUpdateConsent { grants: Vec::new(), ..agree(&chain, 0, 3) };
    assert_eq!(code(&chain.deliver(0, &nothing)), veid(19));
}

#[test]
fn a_revoked_wallet_counts_nothing_and_another_one_waits_thirty_days() {
    let mut chain = chain();
    open_wallet(&mut chain, 0);
    let upload = Upload::new(&chain, 0, "scope-of-mail-001", ScopeType::Email).sign(&chain, 0);
    accept(&mut chain, 0, &upload);
    let revoke = MsgRevokeWallet { owner: name(&chain, 0) };
    assert_eq!(code(&chain.deliver(1, &MsgRevokeWallet { owner: name(&chain, 1) })), veid(3));
    accept(&mut chain, 0, &revoke);
    assert_eq!(wallet(&chain, 0).status(), WalletStatus::Revoked);
    assert_eq!(scopes(&chain, 0)[0].status(), ScopeStatus::Revoked);
    assert_eq!(code(&chain.deliver(0, &revoke)), veid(3), "final");
    assert_eq!(code(&chain.deliver(0, &create(&chain, 0))), veid(23));
    chain.time = chain.time.plus_seconds(30 * DAY);
    let message = create(&chain, 0);
    accept(&mut chain, 0, &message);
    assert_eq!((wallet(&chain, 0).status(), wallet(&chain, 0).scope_count), (WalletStatus::Active, 0));
}

#[test]
fn wallets_scopes_and_consents_survive_export_and_import() {
    let mut chain = chain();
    open_wallet(&mut chain, 0);
    let upload = Upload::new(&chain, 0, "scope-of-mail-001", ScopeType::Email).sign(&chain, 0);
    accept(&mut chain, 0, &upload);
    let exported = chain.app.export().expect("the state exports");
    assert_eq!(exported["veid"]["wallets"].as_array().map(Vec::len), Some(1));
    let accounts = (0..12).map(ve_testkit::chain::Account::number).collect();
    let mut copy = TestChain::from_state(accounts, exported.clone(), checked_options(), chain.height, chain.time);
    assert_eq!(copy.app.export().expect("the state exports"), exported);
    rest(&mut copy);
    assert_eq!(code(&copy.deliver(0, &upload)), veid(5), "what was known stays known");
}
