//! Each cell of the table of actions: with the right factors the gate lets pass, with one less it does not, and neither
//! changes when the message travels within another one.

use prost::Name as _;
use prost_types::Any;
use serde_json::{Value, json};
use ve_base::keys::PublicKey;
use ve_base::{OPERATOR_PREFIX, mfa};
use ve_proto::cosmos::authz::v1beta1::{GenericAuthorization, Grant, MsgExec, MsgGrant};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::gov::v1::{MsgSubmitProposal, MsgVote, VoteOption};
use ve_proto::cosmos::staking::v1beta1::{CommissionRates, Description, MsgCreateValidator};
use ve_proto::ve::encryption::v1::MsgRevokeKey;
use ve_proto::ve::escrow::v1::{AccountId, MsgAccountDeposit, Scope};
use ve_proto::ve::mfa::v1::*;
use ve_proto::ve::provider::v1::MsgCreateProvider;
use ve_proto::ve::veid::v1::MsgCompleteSecondary;
use ve_sdk::application::TxResult;
use ve_testkit::chain::{Account, CHAIN_ID, TestChain, any};

use super::support::*;

const VE: u64 = 1_000_000;
/// The contact that the account has.
const OLD_EMAIL: u64 = 3;

fn coin(amount: u64) -> Coin {
    Coin { denom: "uve".into(), amount: amount.to_string() }
}

fn deposit(amount: u64) -> Any {
    let account = AccountId { scope: Scope::Deployment.into(), xid: format!("{}/1", name(OWNER)) };
    any(&MsgAccountDeposit { depositor: name(OWNER), account: Some(account), amount: Some(coin(amount)) })
}

fn create_validator() -> Any {
    let operator = Account::number(0).address.to_bech32(OPERATOR_PREFIX);
    let (rate, most, step) = ("50000000000000000", "200000000000000000", "10000000000000000");
    any(&MsgCreateValidator {
        description: Some(Description { moniker: "new".into(), ..Description::default() }),
        commission: Some(CommissionRates { rate: rate.into(), max_rate: most.into(), max_change_rate: step.into() }),
        min_self_delegation: "1".into(),
        validator_address: operator,
        pubkey: Some(PublicKey::Ed25519(client().public()).to_any()),
        value: Some(coin(100_000 * VE)),
        ..MsgCreateValidator::default()
    })
}

fn grant() -> Any {
    let authorization = any(&GenericAuthorization { msg: "/cosmos.bank.v1beta1.MsgSend".into() });
    any(&MsgGrant {
        granter: name(OWNER),
        grantee: name(THIEF),
        grant: Some(Grant { authorization: Some(authorization), expiration: None }),
    })
}

/// A message for each action that a message of the application stands for.
fn cases() -> Vec<(Action, Any)> {
    let (_, key, proof_of_possession) = new_key(60, OWNER);
    let email = MsgEnrollFactor {
        address: name(OWNER),
        r#type: FactorType::Email.into(),
        public_part: vec![6; 32],
        ..MsgEnrollFactor::default()
    };
    let proposal = MsgSubmitProposal {
        initial_deposit: vec![coin(VE)],
        proposer: name(OWNER),
        metadata: "a text".into(),
        title: "a change".into(),
        summary: "for the better".into(),
        ..MsgSubmitProposal::default()
    };
    let vote = MsgVote { proposal_id: 1, voter: name(OWNER), option: VoteOption::Yes.into(), ..MsgVote::default() };
    let provider = MsgCreateProvider {
        owner: name(OWNER),
        host_uri: "https://provider.example:8443".into(),
        ..MsgCreateProvider::default()
    };
    let recovery = MsgInitiateRecovery {
        sender: name(FRIEND),
        address: name(OWNER),
        new_key: Some(key.clone()),
        proof_of_possession: proof_of_possession.clone(),
    };
    vec![
        (Action::AccountRecovery, any(&recovery)),
        (Action::KeyRotation, any(&MsgRotateKey { address: name(OWNER), new_key: Some(key), proof_of_possession })),
        (Action::ContactChange, any(&email)),
        (Action::MfaWeaken, any(&MsgRevokeFactor { address: name(OWNER), factor_id: OLD_EMAIL })),
        (Action::ValidatorRegistration, create_validator()),
        (Action::ProviderRegistration, any(&provider)),
        (Action::GovernanceProposal, any(&proposal)),
        (Action::LargeWithdrawal, any(&send(OWNER, THIEF, 10_001 * VE))),
        (Action::HighValueOrder, deposit(1_001 * VE)),
        (Action::GovernanceVote, any(&vote)),
        (Action::FirstOrder, deposit(VE)),
        (Action::TransferNewAddress, any(&send(OWNER, THIEF, VE))),
        (Action::MediumWithdrawal, any(&send(OWNER, THIEF, 1_000 * VE))),
        (Action::ApiKeyGeneration, grant()),
        (Action::SecondaryVerification, any(&MsgCompleteSecondary { owner: name(OWNER) })),
        (Action::DataRights, any(&MsgRevokeKey { owner: name(OWNER), key_id: "none:v1".into() })),
    ]
}

/// Actions that wait for the messages of other modules.
const WITHOUT_MESSAGE: &[Action] =
    &[Action::AccountDeletion, Action::AccountFlag, Action::FirstOffering, Action::WebhookConfiguration];
/// Rows whose demands only the account itself or its factors decide.
const CHOSEN: &[Action] = &[
    Action::Order,
    Action::KnownTransfer,
    Action::OfferingUpdate,
    Action::FactorEnrollment,
    Action::FactorConfirmation,
    Action::RoleAssignment,
];

/// A chain on which the account has each factor, and sessions 1, 2, … that prove these ones for this message.
fn chain_with_sessions(config: &ActionConfig, message: &Any, proven: &[Vec<FactorType>]) -> TestChain {
    let kinds = [FactorType::Webauthn, FactorType::Biometric, FactorType::Email, FactorType::Sms, FactorType::Call];
    let kinds = kinds.iter().chain(&[FactorType::Totp, FactorType::Certificate]);
    let factors: Vec<Factor> = (1..)
        .zip(kinds)
        .map(|(id, kind)| Factor {
            address: name(OWNER),
            id,
            r#type: i32::from(*kind),
            state: FactorState::Active.into(),
            activated_at: 1,
            public_part: vec![5; 32],
            ..Factor::default()
        })
        .collect();
    let id_of = |kind: &FactorType| factors.iter().find(|one| one.r#type() == *kind).expect("each is there").id;
    let session = |(id, proven): (u64, &Vec<FactorType>)| Session {
        id,
        address: name(OWNER),
        action: config.action,
        factors: proven.iter().map(|kind| i32::from(*kind)).collect(),
        factor_ids: proven.iter().map(id_of).collect(),
        created_at: 1,
        expires_at: u64::MAX,
        single_use: config.single_use,
        client_key: Some(client_any()),
        intent_hash: if config.single_use { intent_of(message).to_vec() } else { Vec::new() },
        state: SessionState::Active.into(),
    };
    let genesis = GenesisState {
        profiles: vec![Profile { address: name(OWNER), protected_since: 1, next_factor: 8, ..Profile::default() }],
        sessions: (1..).zip(proven).map(session).collect(),
        factors: factors.clone(),
        last_id: 100,
        ..GenesisState::default()
    };
    let grant = json!({
        "granter": name(OWNER), "grantee": name(FRIEND), "expiration": null,
        "authorization": {"@type": GenericAuthorization::type_url(), "msg": message.type_url},
    });
    chain_with(|state| {
        let params = state["mfa"]["params"].clone();
        state["mfa"] = ve_sdk::json::to_json(&genesis).expect("it has a schema");
        state["mfa"]["params"] = params;
        // Any stake counts, so that a vote needs no delegation first.
        state["mfa"]["params"]["vote_stake"] = "0".into();
        state["authz"]["authorization"] = Value::Array(vec![grant]);
    })
}

fn intent_of(message: &Any) -> [u8; 32] {
    mfa::intent(CHAIN_ID, &name(OWNER), message)
}

/// How the gate answers to a session with these factors: directly, and within a message of a friend.
fn answers(config: &ActionConfig, message: &Any, proven: &[FactorType]) -> Vec<TxResult> {
    let ways = if is_recovery(message) { 1 } else { 2 };
    let way = |nested: usize| {
        let mut chain = chain_with_sessions(config, message, &[proven.to_vec()]);
        answer(&mut chain, message, &[1], nested == 1)
    };
    (0..ways).map(way).collect()
}

fn is_recovery(message: &Any) -> bool {
    message.type_url == MsgInitiateRecovery::type_url()
}

fn answer(chain: &mut TestChain, message: &Any, sessions: &[u64], nested: bool) -> TxResult {
    if nested {
        let exec = any(&MsgExec { grantee: name(FRIEND), msgs: vec![message.clone()] });
        return deliver(chain, FRIEND, exec, sessions);
    }
    deliver(chain, if is_recovery(message) { FRIEND } else { OWNER }, message.clone(), sessions)
}

fn deliver(chain: &mut TestChain, signer: usize, message: Any, sessions: &[u64]) -> TxResult {
    if sessions.is_empty() {
        let sequence = chain.account(&chain.accounts[signer].address).sequence;
        let tx = chain.tx_with(signer, sequence, vec![message]);
        return chain.run(vec![tx]).tx_results.remove(0);
    }
    with_sessions(chain, signer, vec![message], sessions, &client())
}

/// Whether the gate let it pass, whatever the message's own module says then.
fn passed(result: &TxResult) -> bool {
    !(result.codespace == "mfa" && (2..=9).contains(&result.code))
}

/// The first factor of each set of a combination.
fn first_of_each(combination: &Combination) -> Vec<FactorType> {
    combination.all.iter().map(|set| FactorType::try_from(set.any[0]).expect("known")).collect()
}

#[test]
fn each_cell_passes_with_its_factors_and_fails_with_one_less() {
    let chain = chain();
    let known: QueryActionsResponse =
        chain.query("/ve.mfa.v1.Query/Actions", &QueryActionsRequest {}).expect("it answers");
    let cases = cases();
    for config in &known.actions {
        let action = config.action();
        if WITHOUT_MESSAGE.contains(&action) || CHOSEN.contains(&action) {
            continue;
        }
        let (_, message) = cases.iter().find(|case| case.0 == action).unwrap_or_else(|| panic!("{action:?}"));
        let mut less: Vec<Vec<FactorType>> = Vec::new();
        for combination in &config.combinations {
            let right = first_of_each(combination);
            for result in answers(config, message, &right) {
                assert!(passed(&result), "{action:?} with {right:?}: {}", result.log);
            }
            for at in 0..right.len() {
                let mut one_less = right.clone();
                one_less.remove(at);
                less.push(one_less);
            }
        }
        refuses_all(config, message, less);
    }
}

/// Neither nothing nor any of these sessions lets the message pass, in either way.
fn refuses_all(config: &ActionConfig, message: &Any, mut less: Vec<Vec<FactorType>>) {
    less.retain(|proven| !proven.is_empty());
    for nested in [false, true] {
        if nested && is_recovery(message) {
            continue;
        }
        let mut chain = chain_with_sessions(config, message, &less);
        let result = answer(&mut chain, message, &[], nested);
        assert_eq!((result.codespace.as_str(), result.code), ("mfa", 2), "{:?}: {}", config.action(), result.log);
        for (id, proven) in (1..).zip(&less) {
            let result = answer(&mut chain, message, &[id], nested);
            let seen = (result.codespace.as_str(), result.code);
            assert_eq!(seen, ("mfa", 3), "{:?} with {proven:?}: {}", config.action(), result.log);
        }
    }
}

#[test]
fn every_alternative_of_a_set_counts() {
    let chain = chain();
    let known: QueryActionsResponse =
        chain.query("/ve.mfa.v1.Query/Actions", &QueryActionsRequest {}).expect("it answers");
    let recovery = known.actions.iter().find(|one| one.action() == Action::AccountRecovery).expect("it is there");
    let (_, message) = cases().remove(0);
    for fido in [FactorType::Webauthn, FactorType::Certificate] {
        for contact in [FactorType::Sms, FactorType::Call, FactorType::Email] {
            for result in answers(recovery, &message, &[FactorType::Biometric, fido, contact]) {
                assert!(passed(&result), "{fido:?} and {contact:?}: {}", result.log);
            }
        }
    }
}

#[test]
fn a_session_for_another_action_never_serves() {
    let chain = chain();
    let known: QueryActionsResponse =
        chain.query("/ve.mfa.v1.Query/Actions", &QueryActionsRequest {}).expect("it answers");
    let everything =
        [FactorType::Webauthn, FactorType::Biometric, FactorType::Email, FactorType::Totp, FactorType::Certificate];
    for (action, message) in cases() {
        let own = known.actions.iter().find(|one| one.action() == action).expect("it is there");
        let other = if action == Action::DataRights { Action::ApiKeyGeneration } else { Action::DataRights };
        let other = ActionConfig { action: other.into(), ..own.clone() };
        for result in answers(&other, &message, &everything) {
            assert_eq!((result.codespace.as_str(), result.code), ("mfa", 6), "{action:?}: {}", result.log);
        }
    }
}
