//! Roles, account states and admin actions through the whole application.

use ve_proto::cosmos::bank::v1beta1::MsgSend;
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::ve::attester::v1::{AttesterState, QueryAttesterRequest, QueryAttesterResponse};
use ve_proto::ve::roles::v1::*;
use ve_sdk::application::TxResult;
use ve_testkit::chain::{TestChain, seat};

const HOUR: u64 = 3600;
const DAY: u64 = 86_400;
/// Accounts by the roles that [`seat`] gives them.
const GENESIS: usize = 0;
const ADMIN: usize = 1;
const OTHER_ADMIN: usize = 2;
const MODERATOR: usize = 3;
const PROVIDER: usize = 4;
const USER: usize = 6;

fn chain() -> TestChain {
    TestChain::with_genesis(8, |state| {
        let accounts: Vec<_> = (0..8).map(ve_testkit::chain::Account::number).collect();
        seat(state, &accounts);
    })
}

fn address(chain: &TestChain, of: usize) -> String {
    chain.accounts[of].address.to_string()
}

fn jump(chain: &mut TestChain, seconds: u64) {
    chain.time = chain.time.plus_seconds(seconds);
    chain.run(Vec::new());
}

fn about(chain: &TestChain, proposer: usize, kind: ActionKind, target: usize) -> MsgProposeAction {
    MsgProposeAction {
        proposer: address(chain, proposer),
        kind: kind.into(),
        target: address(chain, target),
        reason_commit: vec![5; 32],
        ..MsgProposeAction::default()
    }
}

fn role(chain: &TestChain, proposer: usize, kind: ActionKind, target: usize, role: Role) -> MsgProposeAction {
    MsgProposeAction { role: role.into(), ..about(chain, proposer, kind, target) }
}

/// Sends it; the id of the new action is one more than of the last.
fn propose(chain: &mut TestChain, from: usize, message: &MsgProposeAction) -> TxResult {
    chain.deliver(from, message)
}

fn approve(chain: &mut TestChain, from: usize, action_id: u64) -> TxResult {
    let message = MsgApproveAction { approver: address(chain, from), action_id, delegation_id: 0 };
    chain.deliver(from, &message)
}

fn execute(chain: &mut TestChain, from: usize, action_id: u64) -> TxResult {
    let message = MsgExecuteAction { signer: address(chain, from), action_id };
    chain.deliver(from, &message)
}

fn action(chain: &TestChain, id: u64) -> AdminAction {
    let response: QueryActionResponse =
        chain.query("/ve.roles.v1.Query/Action", &QueryActionRequest { id }).expect("the action is known");
    response.action.expect("it is given")
}

fn account(chain: &TestChain, of: usize) -> QueryAccountResponse {
    let request = QueryAccountRequest { account: address(chain, of) };
    chain.query("/ve.roles.v1.Query/Account", &request).expect("states are served")
}

fn roles(chain: &TestChain, of: usize) -> Vec<Role> {
    account(chain, of).roles.iter().map(RoleAssignment::role).collect()
}

fn send(chain: &TestChain, from: usize, amount: u64) -> MsgSend {
    MsgSend {
        from_address: address(chain, from),
        to_address: address(chain, 7),
        amount: vec![Coin { denom: "uve".into(), amount: amount.to_string() }],
    }
}

fn refused(result: &TxResult, code: u32) {
    assert_eq!((result.codespace.as_str(), result.code), ("roles", code), "{}", result.log);
}

/// Suspends the user with a moderator and an administrator.
fn suspend(chain: &mut TestChain, target: usize) {
    let id = last_action(chain) + 1;
    let message = about(chain, MODERATOR, ActionKind::Suspend, target);
    assert_eq!(propose(chain, MODERATOR, &message).code, 0);
    assert_eq!(approve(chain, ADMIN, id).code, 0);
}

fn last_action(chain: &TestChain) -> u64 {
    let response: QueryActionsResponse =
        chain.query("/ve.roles.v1.Query/Actions", &QueryActionsRequest::default()).expect("actions are served");
    response.actions.last().map_or(0, |action| action.id)
}

#[test]
fn a_moderator_is_made_by_two_and_after_an_hour() {
    let mut chain = chain();
    let message = role(&chain, ADMIN, ActionKind::AssignRole, USER, Role::Moderator);
    let stranger = MsgProposeAction { proposer: address(&chain, 7), ..message.clone() };
    refused(&propose(&mut chain, 7, &stranger), 2);
    assert_eq!(propose(&mut chain, ADMIN, &message).code, 0);
    assert_eq!(action(&chain, 1).status(), ActionStatus::Proposed);
    refused(&approve(&mut chain, ADMIN, 1), 10);
    refused(&approve(&mut chain, MODERATOR, 1), 2);
    refused(&execute(&mut chain, ADMIN, 1), 9);
    assert_eq!(approve(&mut chain, GENESIS, 1).code, 0);
    assert_eq!(action(&chain, 1).status(), ActionStatus::Approved);
    refused(&execute(&mut chain, ADMIN, 1), 9);
    jump(&mut chain, HOUR);
    assert_eq!(action(&chain, 1).status(), ActionStatus::Executable);
    refused(&execute(&mut chain, 7, 1), 2);
    assert_eq!(execute(&mut chain, ADMIN, 1).code, 0);
    assert_eq!(roles(&chain, USER), [Role::Moderator]);
    assert_eq!((account(&chain, USER).trust, account(&chain, USER).roles[0].cause.as_str()), (70, "action/1"));
    refused(&propose(&mut chain, ADMIN, &message), 12);
}

#[test]
fn nobody_acts_on_himself_or_makes_genesis_accounts() {
    let mut chain = chain();
    let own = role(&chain, ADMIN, ActionKind::AssignRole, ADMIN, Role::Moderator);
    refused(&propose(&mut chain, ADMIN, &own), 3);
    let own = about(&chain, MODERATOR, ActionKind::Flag, MODERATOR);
    refused(&propose(&mut chain, MODERATOR, &own), 3);
    let seat = role(&chain, ADMIN, ActionKind::AssignRole, USER, Role::GenesisAccount);
    refused(&propose(&mut chain, ADMIN, &seat), 5);
    for kind in [ActionKind::Flag, ActionKind::Suspend] {
        let message = about(&chain, ADMIN, kind, GENESIS);
        refused(&propose(&mut chain, ADMIN, &message), 5);
    }
    let message = about(&chain, ADMIN, ActionKind::Suspend, OTHER_ADMIN);
    assert_eq!(propose(&mut chain, ADMIN, &message).code, 0);
    refused(&approve(&mut chain, OTHER_ADMIN, 1), 3);
    let veto = MsgVetoAction { signer: address(&chain, OTHER_ADMIN), action_id: 1 };
    refused(&chain.deliver(OTHER_ADMIN, &veto), 3);
}

#[test]
fn an_administrator_is_made_and_unmade_by_two_genesis_accounts_and_an_administrator() {
    let mut chain = TestChain::with_genesis(8, |state| {
        let accounts: Vec<_> = (0..8).map(ve_testkit::chain::Account::number).collect();
        seat(state, &accounts);
        let second = serde_json::json!({"account": accounts[5].address.to_string(), "role": "ROLE_GENESIS_ACCOUNT"});
        state["roles"]["assignments"].as_array_mut().expect("a list").push(second);
    });
    let message = role(&chain, ADMIN, ActionKind::AssignRole, USER, Role::Administrator);
    assert_eq!(propose(&mut chain, ADMIN, &message).code, 0);
    assert_eq!(approve(&mut chain, OTHER_ADMIN, 1).code, 0);
    assert_eq!(approve(&mut chain, GENESIS, 1).code, 0);
    assert_eq!(action(&chain, 1).status(), ActionStatus::Proposed, "one genesis account is not two");
    assert_eq!(approve(&mut chain, 5, 1).code, 0);
    assert_eq!(action(&chain, 1).status(), ActionStatus::Approved);
    jump(&mut chain, 23 * HOUR);
    refused(&execute(&mut chain, ADMIN, 1), 9);
    jump(&mut chain, HOUR);
    assert_eq!(execute(&mut chain, ADMIN, 1).code, 0);
    assert_eq!(roles(&chain, USER), [Role::Administrator]);
}

#[test]
fn two_administrators_remain() {
    let mut chain = TestChain::with_genesis(8, |state| {
        let accounts: Vec<_> = (0..8).map(ve_testkit::chain::Account::number).collect();
        seat(state, &accounts);
        // Without the administrator that the genesis account is.
        state["roles"]["assignments"].as_array_mut().expect("a list").remove(1);
    });
    let message = role(&chain, GENESIS, ActionKind::RevokeRole, ADMIN, Role::Administrator);
    refused(&propose(&mut chain, GENESIS, &message), 4);
}

#[test]
fn a_flag_needs_one_moderator_and_ends_by_itself_after_a_week() {
    let mut chain = chain();
    let message = about(&chain, MODERATOR, ActionKind::Flag, USER);
    assert_eq!(propose(&mut chain, MODERATOR, &message).code, 0);
    assert_eq!(account(&chain, USER).state(), AccountState::Flagged);
    refused(&propose(&mut chain, MODERATOR, &message), 6);
    assert_eq!(chain.deliver(USER, &send(&chain, USER, 6_000_000_000)).code, 0);
    refused(&chain.deliver(USER, &send(&chain, USER, 6_000_000_000)), 17);
    jump(&mut chain, DAY);
    assert_eq!(chain.deliver(USER, &send(&chain, USER, 6_000_000_000)).code, 0, "the next day");
    jump(&mut chain, 6 * DAY - 60);
    assert_eq!(account(&chain, USER).state(), AccountState::Flagged);
    jump(&mut chain, 120);
    assert_eq!(account(&chain, USER).state(), AccountState::Active);
    assert_eq!(chain.deliver(USER, &send(&chain, USER, 60_000_000_000)).code, 0);
}

#[test]
fn a_suspension_needs_an_administrator_and_holds_until_two_reinstate() {
    let mut chain = chain();
    let message = about(&chain, MODERATOR, ActionKind::Suspend, USER);
    assert_eq!(propose(&mut chain, MODERATOR, &message).code, 0);
    assert_eq!(account(&chain, USER).state(), AccountState::Active);
    assert_eq!(approve(&mut chain, ADMIN, 1).code, 0);
    assert_eq!(account(&chain, USER).state(), AccountState::Suspended);
    refused(&chain.deliver(USER, &send(&chain, USER, 1)), 15);
    jump(&mut chain, 30 * DAY);
    assert_eq!(account(&chain, USER).state(), AccountState::Suspended);
    let appeal = MsgAppealState { account: address(&chain, USER), reason_commit: vec![8; 32] };
    assert_eq!(chain.deliver(USER, &appeal).code, 0);
    refused(&chain.deliver(USER, &appeal), 12);
    let message = about(&chain, MODERATOR, ActionKind::Reinstate, USER);
    assert_eq!(propose(&mut chain, MODERATOR, &message).code, 0);
    assert_eq!(approve(&mut chain, ADMIN, 2).code, 0);
    jump(&mut chain, HOUR);
    assert_eq!(execute(&mut chain, MODERATOR, 2).code, 0);
    assert_eq!(account(&chain, USER).state(), AccountState::Active);
    assert_eq!(chain.deliver(USER, &send(&chain, USER, 1)).code, 0);
    refused(&chain.deliver(USER, &appeal), 11);
}

#[test]
fn a_termination_needs_three_administrators_and_72_hours_and_what_is_left_is_claimed_after_30_days() {
    let mut chain = chain();
    let message = about(&chain, ADMIN, ActionKind::Terminate, USER);
    refused(&propose(&mut chain, ADMIN, &message), 6);
    suspend(&mut chain, USER);
    let moderators = about(&chain, MODERATOR, ActionKind::Terminate, USER);
    refused(&propose(&mut chain, MODERATOR, &moderators), 2);
    assert_eq!(propose(&mut chain, ADMIN, &message).code, 0);
    assert_eq!(approve(&mut chain, OTHER_ADMIN, 2).code, 0);
    assert_eq!(approve(&mut chain, GENESIS, 2).code, 0);
    jump(&mut chain, 72 * HOUR - 60);
    refused(&execute(&mut chain, ADMIN, 2), 9);
    jump(&mut chain, 60);
    assert_eq!(execute(&mut chain, ADMIN, 2).code, 0);
    assert_eq!(account(&chain, USER).state(), AccountState::Terminated);
    let again = about(&chain, ADMIN, ActionKind::Reinstate, USER);
    refused(&propose(&mut chain, ADMIN, &again), 6);
    let appeal = MsgAppealState { account: address(&chain, USER), reason_commit: vec![8; 32] };
    refused(&chain.deliver(USER, &appeal), 15);
    let claim = MsgClaimResidual { account: address(&chain, USER), recipient: address(&chain, 7) };
    refused(&chain.deliver(USER, &claim), 18);
    jump(&mut chain, 30 * DAY);
    let stranger = MsgClaimResidual { account: address(&chain, 5), recipient: address(&chain, 7) };
    refused(&chain.deliver(5, &stranger), 11);
    let before = chain.balance(&chain.accounts[7].address);
    assert_eq!(chain.deliver(USER, &claim).code, 0);
    assert!(chain.balance(&chain.accounts[USER].address).is_zero());
    assert!(chain.balance(&chain.accounts[7].address) > before);
}

#[test]
fn an_action_can_be_vetoed_and_expires_after_a_week() {
    let mut chain = chain();
    let message = role(&chain, ADMIN, ActionKind::AssignRole, USER, Role::Customer);
    assert_eq!(propose(&mut chain, ADMIN, &message).code, 0);
    let veto = |signer| MsgVetoAction { signer, action_id: 1 };
    let moderator = veto(address(&chain, MODERATOR));
    refused(&chain.deliver(MODERATOR, &moderator), 2);
    let leader = veto(address(&chain, GENESIS));
    assert_eq!(chain.deliver(GENESIS, &leader).code, 0);
    refused(&approve(&mut chain, OTHER_ADMIN, 1), 9);
    assert_eq!(propose(&mut chain, ADMIN, &message).code, 0);
    jump(&mut chain, 7 * DAY);
    assert_eq!(action(&chain, 2).status(), ActionStatus::Expired);
    refused(&approve(&mut chain, OTHER_ADMIN, 2), 9);
}

#[test]
fn an_approval_does_not_outlive_the_role_behind_it() {
    let mut chain = chain();
    let message = about(&chain, MODERATOR, ActionKind::Suspend, USER);
    assert_eq!(propose(&mut chain, MODERATOR, &message).code, 0);
    let revoke = role(&chain, GENESIS, ActionKind::RevokeRole, MODERATOR, Role::Moderator);
    assert_eq!(propose(&mut chain, GENESIS, &revoke).code, 0);
    assert_eq!(approve(&mut chain, ADMIN, 2).code, 0);
    jump(&mut chain, HOUR);
    assert_eq!(execute(&mut chain, ADMIN, 2).code, 0);
    assert_eq!(approve(&mut chain, ADMIN, 1).code, 0);
    assert_eq!(account(&chain, USER).state(), AccountState::Active, "one of the two voices is gone");
    assert_eq!(approve(&mut chain, OTHER_ADMIN, 1).code, 0);
    assert_eq!(account(&chain, USER).state(), AccountState::Suspended);
}

#[test]
fn a_delegate_does_a_part_for_a_while_and_never_counts_twice() {
    let mut chain = chain();
    let expires_at = chain.time.unix() + 89 * DAY;
    let grant = MsgGrantDelegation {
        delegator: address(&chain, MODERATOR),
        delegate: address(&chain, 5),
        permissions: vec![Permission::Flag.into(), Permission::Suspend.into()],
        scope: address(&chain, USER),
        expires_at,
        max_uses: 2,
    };
    let foreign = MsgGrantDelegation { delegator: address(&chain, 7), ..grant.clone() };
    refused(&chain.deliver(7, &foreign), 2);
    let long = MsgGrantDelegation { expires_at: chain.time.unix() + 91 * DAY, ..grant.clone() };
    refused(&chain.deliver(MODERATOR, &long), 11);
    assert_eq!(chain.deliver(MODERATOR, &grant).code, 0);
    let suspend = |chain: &TestChain, target| MsgProposeAction {
        delegation_id: 1,
        ..about(chain, 5, ActionKind::Suspend, target)
    };
    let elsewhere = suspend(&chain, 7);
    refused(&propose(&mut chain, 5, &elsewhere), 14);
    let good = suspend(&chain, USER);
    assert_eq!(propose(&mut chain, 5, &good).code, 0);
    assert_eq!(action(&chain, 1).proposer, address(&chain, MODERATOR));
    refused(&approve(&mut chain, MODERATOR, 1), 10);
    assert_eq!(approve(&mut chain, ADMIN, 1).code, 0);
    assert_eq!(account(&chain, USER).state(), AccountState::Suspended);
    let thief = MsgProposeAction { proposer: address(&chain, 7), ..good.clone() };
    refused(&propose(&mut chain, 7, &thief), 14);
    let revoke = MsgRevokeDelegation { signer: address(&chain, MODERATOR), delegation_id: 1 };
    assert_eq!(chain.deliver(MODERATOR, &revoke).code, 0);
    let flag = MsgProposeAction { delegation_id: 1, ..about(&chain, 5, ActionKind::Flag, USER) };
    refused(&propose(&mut chain, 5, &flag), 14);
}

#[test]
fn a_service_provider_has_a_say_about_its_own_support_agents_only() {
    let mut chain = chain();
    let agent = |chain: &TestChain, organisation| MsgProposeAction {
        organisation: address(chain, organisation),
        ..role(chain, PROVIDER, ActionKind::AssignRole, USER, Role::SupportAgent)
    };
    let foreign = agent(&chain, 7);
    refused(&propose(&mut chain, PROVIDER, &foreign), 11);
    let own = agent(&chain, PROVIDER);
    assert_eq!(propose(&mut chain, PROVIDER, &own).code, 0);
    assert_eq!(approve(&mut chain, ADMIN, 1).code, 0);
    jump(&mut chain, HOUR);
    assert_eq!(execute(&mut chain, PROVIDER, 1).code, 0);
    assert_eq!(account(&chain, USER).roles[0].organisation, address(&chain, PROVIDER));
    let moderator = role(&chain, PROVIDER, ActionKind::AssignRole, 7, Role::Moderator);
    refused(&propose(&mut chain, PROVIDER, &moderator), 2);
}

#[test]
fn every_change_stands_in_the_audit_log() {
    use ve_proto::ve::audit::v1::{QueryEntriesRequest, QueryEntriesResponse};
    let mut chain = chain();
    suspend(&mut chain, USER);
    let request = QueryEntriesRequest { resource_id: address(&chain, USER), ..QueryEntriesRequest::default() };
    let response: QueryEntriesResponse = chain.query("/ve.audit.v1.Query/Entries", &request).expect("it answers");
    assert_eq!(response.entries.len(), 1);
    let entry = &response.entries[0];
    assert_eq!((entry.action.as_str(), entry.details_ref.as_str()), ("account_state_changed", "action/1"));
    assert_eq!(entry.actor, address(&chain, ADMIN));
}

#[test]
fn a_genesis_that_nobody_leads_properly_is_refused() {
    let accounts: Vec<_> = (0..8).map(ve_testkit::chain::Account::number).collect();
    let mut state = serde_json::json!({"roles": {}});
    seat(&mut state, &accounts);
    for left_out in [0, 1] {
        let mut assignments = state["roles"]["assignments"].as_array().expect("a list").clone();
        assignments.remove(left_out);
        if left_out == 1 {
            assignments.remove(1);
        }
        let made = std::panic::catch_unwind(|| {
            TestChain::with_genesis(8, |state| state["roles"]["assignments"] = assignments.into());
        });
        assert!(made.is_err(), "without entry {left_out}");
    }
}

/// Account 5 is an attester in force.
fn chain_with_attester() -> TestChain {
    TestChain::with_genesis(8, |state| {
        let accounts: Vec<_> = (0..8).map(ve_testkit::chain::Account::number).collect();
        seat(state, &accounts);
        let bond = "1000000000";
        state["attester"]["attesters"] = serde_json::json!([{
            "address": accounts[5].address.to_string(),
            "name": "mail",
            "organisation": "example",
            "kinds": ["KIND_EMAIL"],
            "state": "ATTESTER_STATE_ACTIVE",
            "bond": bond,
            "slashed": "0",
        }]);
        let held = serde_json::json!({
            "address": ve_base::module_address("attester_bond").to_string(),
            "coins": [{"denom": "uve", "amount": bond}],
        });
        state["bank"]["balances"].as_array_mut().expect("a list").push(held);
    })
}

fn attester_state(chain: &TestChain) -> AttesterState {
    let request = QueryAttesterRequest { address: address(chain, 5) };
    let response: QueryAttesterResponse = chain.query("/ve.attester.v1.Query/Attester", &request).expect("it is known");
    response.attester.expect("it is given").state()
}

#[test]
fn an_emergency_revocation_takes_two_acts_at_once_and_lapses_unless_governance_ratifies_it() {
    let mut chain = chain_with_attester();
    let message = MsgProposeAction {
        target: String::new(),
        emergency: EmergencyTarget::Attester.into(),
        resource_id: address(&chain, 5),
        ..about(&chain, ADMIN, ActionKind::EmergencyRevoke, 5)
    };
    let unknown = MsgProposeAction { resource_id: address(&chain, 6), ..message.clone() };
    assert_ne!(propose(&mut chain, ADMIN, &unknown).code, 0);
    let nobodys = MsgProposeAction { emergency: EmergencyTarget::Model.into(), ..message.clone() };
    refused(&propose(&mut chain, ADMIN, &nobodys), 11);
    let moderators = MsgProposeAction { proposer: address(&chain, MODERATOR), ..message.clone() };
    refused(&propose(&mut chain, MODERATOR, &moderators), 2);
    assert_eq!(propose(&mut chain, ADMIN, &message).code, 0);
    assert_eq!(attester_state(&chain), AttesterState::Active);
    assert_eq!(approve(&mut chain, OTHER_ADMIN, 1).code, 0);
    assert_eq!(attester_state(&chain), AttesterState::Pending);
    assert_eq!(action(&chain, 1).ratification(), Ratification::Pending);
    let usurped = MsgRatifyEmergency { authority: address(&chain, ADMIN), action_id: 1 };
    assert_eq!(chain.deliver(ADMIN, &usurped).codespace, "sdk");
    jump(&mut chain, 14 * DAY - 60);
    assert_eq!(attester_state(&chain), AttesterState::Pending);
    jump(&mut chain, 60);
    assert_eq!(action(&chain, 1).ratification(), Ratification::Lapsed);
    assert_eq!(attester_state(&chain), AttesterState::Active);
}
