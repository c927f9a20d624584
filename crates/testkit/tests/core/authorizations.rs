//! Acting for another account, through the whole application. Invariants are checked after every block.

use prost::{Message, Name};
use ve_base::{Address, Amount, OPERATOR_PREFIX};
use ve_proto::cosmos::authz::v1beta1::*;
use ve_proto::cosmos::bank::v1beta1::{MsgSend, MsgUpdateParams, SendAuthorization};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::staking::v1beta1::stake_authorization::{Validators, ValidatorsOneOf};
use ve_proto::cosmos::staking::v1beta1::{AuthorizationType, MsgDelegate, StakeAuthorization};
use ve_sdk::application::{Application, TxResult};
use ve_testkit::chain::{ENDOWMENT, FEE, TestChain, any};

const SEND: &str = "/cosmos.bank.v1beta1.MsgSend";

fn text(chain: &TestChain, index: usize) -> String {
    chain.accounts[index].address.to_string()
}

fn coins(amount: u128) -> Vec<Coin> {
    vec![Coin { denom: "uve".into(), amount: amount.to_string() }]
}

fn send(chain: &TestChain, from: usize, to: usize, amount: u128) -> MsgSend {
    MsgSend { from_address: text(chain, from), to_address: text(chain, to), amount: coins(amount) }
}

/// Account 0 grants to account 1, for `seconds` or without an end.
fn grant<M: Message + Name>(chain: &TestChain, authorization: &M, seconds: Option<u64>) -> MsgGrant {
    let expiration = seconds.map(|seconds| chain.time.plus_seconds(seconds).to_proto());
    let grant = Some(Grant { authorization: Some(any(authorization)), expiration });
    MsgGrant { granter: text(chain, 0), grantee: text(chain, 1), grant }
}

fn generic() -> GenericAuthorization {
    GenericAuthorization { msg: SEND.into() }
}

/// Account 1 executes.
fn exec<M: Message + Name>(chain: &TestChain, message: &M) -> MsgExec {
    MsgExec { grantee: text(chain, 1), msgs: vec![any(message)] }
}

fn code(result: &TxResult) -> (&str, u32) {
    (result.codespace.as_str(), result.code)
}

fn granted(chain: &TestChain) -> usize {
    let request =
        QueryGrantsRequest { granter: text(chain, 0), grantee: text(chain, 1), ..QueryGrantsRequest::default() };
    let response: QueryGrantsResponse =
        chain.query("/cosmos.authz.v1beta1.Query/Grants", &request).expect("grants are served");
    response.grants.len()
}

fn balance(chain: &TestChain, index: usize) -> Amount {
    chain.balance(&chain.accounts[index].address)
}

#[test]
fn a_grantee_sends_for_the_granter_until_the_limit_is_used_up() {
    let mut chain = TestChain::new(3);
    let limit = SendAuthorization { spend_limit: coins(1_000), allow_list: vec![text(&chain, 2)] };
    let message = grant(&chain, &limit, None);
    let result = chain.deliver(0, &message);
    assert_eq!(result.log, "");
    let event = result.events.iter().find(|event| event.kind == "cosmos.authz.v1beta1.EventGrant").expect("an event");
    assert!(event.attributes.contains(&("msg_type_url".into(), format!("{SEND:?}"))), "typed events hold JSON");

    let message = exec(&chain, &send(&chain, 0, 1, 1));
    assert_eq!(code(&chain.deliver(1, &message)), ("sdk", 4), "a recipient who is not on the list");
    let message = exec(&chain, &send(&chain, 0, 2, 1_001));
    assert_eq!(code(&chain.deliver(1, &message)), ("sdk", 5), "more than the limit");
    let message = exec(&chain, &send(&chain, 0, 2, 400));
    assert_eq!(chain.deliver(1, &message).log, "");
    let message = exec(&chain, &send(&chain, 0, 2, 601));
    assert_eq!(code(&chain.deliver(1, &message)), ("sdk", 5), "more than what is left");
    let message = exec(&chain, &send(&chain, 0, 2, 600));
    assert_eq!(chain.deliver(1, &message).log, "");
    assert_eq!(granted(&chain), 0, "a limit that is used up disappears");
    assert_eq!(balance(&chain, 0), Amount::from(ENDOWMENT - 1_000 - u128::from(FEE)));
    assert_eq!(balance(&chain, 2), Amount::from(ENDOWMENT + 1_000));
    let message = exec(&chain, &send(&chain, 0, 2, 1));
    assert_eq!(code(&chain.deliver(1, &message)), ("authz", 2));
}

#[test]
fn nobody_acts_for_another_account_without_its_grant_for_that_very_message() {
    let mut chain = TestChain::new(3);
    let theft = exec(&chain, &send(&chain, 0, 1, 1));
    assert_eq!(code(&chain.deliver(1, &theft)), ("authz", 2));
    let message = grant(&chain, &GenericAuthorization { msg: "/cosmos.bank.v1beta1.MsgMultiSend".into() }, None);
    assert_eq!(chain.deliver(0, &message).log, "");
    assert_eq!(code(&chain.deliver(1, &theft)), ("authz", 2), "a grant for other messages");
    let message = grant(&chain, &generic(), None);
    assert_eq!(chain.deliver(0, &message).log, "");
    let other = MsgExec { grantee: text(&chain, 2), msgs: theft.msgs.clone() };
    assert_eq!(code(&chain.deliver(2, &other)), ("authz", 2), "a grant to somebody else");
    let sequence = chain.account(&chain.accounts[1].address).sequence;
    let forged = chain.tx_with(2, sequence, vec![any(&theft)]);
    assert_eq!(code(&chain.run(vec![forged]).tx_results[0]), ("sdk", 8), "in the name of the grantee");
    assert_eq!(chain.deliver(1, &theft).log, "");
    let revoke = MsgRevoke { granter: text(&chain, 0), grantee: text(&chain, 1), msg_type_url: SEND.into() };
    assert_eq!(chain.deliver(0, &revoke).log, "");
    assert_eq!(code(&chain.deliver(0, &revoke)), ("authz", 2), "nothing is left to revoke");
    assert_eq!(code(&chain.deliver(1, &theft)), ("authz", 2));
    assert_eq!(balance(&chain, 0), Amount::from(ENDOWMENT - 1 - 4 * u128::from(FEE)));
}

#[test]
fn an_expired_grant_is_refused_and_disappears_by_itself() {
    let mut chain = TestChain::new(2);
    let message = grant(&chain, &generic(), Some(5));
    assert_eq!(code(&chain.deliver(0, &message)), ("authz", 3), "it ends with the block that would make it");
    let message = grant(&chain, &generic(), Some(15));
    assert_eq!(chain.deliver(0, &message).log, "");
    let message = exec(&chain, &send(&chain, 0, 1, 1));
    assert_eq!(chain.deliver(1, &message).log, "", "10 s before the end");
    chain.wait(5);
    assert_eq!(granted(&chain), 1);
    assert_eq!(code(&chain.deliver(1, &message)), ("authz", 2));
    assert_eq!(granted(&chain), 0);
}

#[test]
fn grants_of_strange_types_to_oneself_or_for_unknown_messages_are_refused() {
    let mut chain = TestChain::new(2);
    let to_self = MsgGrant { grantee: text(&chain, 0), ..grant(&chain, &generic(), None) };
    assert_eq!(code(&chain.deliver(0, &to_self)), ("authz", 7));
    let unknown = grant(&chain, &GenericAuthorization { msg: "/cosmos.bank.v1beta1.MsgSteal".into() }, None);
    assert_eq!(code(&chain.deliver(0, &unknown)), ("sdk", 6));
    let strange = grant(&chain, &send(&chain, 0, 1, 1), None);
    assert_eq!(code(&chain.deliver(0, &strange)), ("authz", 4));
    let free = grant(&chain, &SendAuthorization::default(), None);
    assert_eq!(code(&chain.deliver(0, &free)), ("sdk", 10), "a limit without coins");
    let unlisted =
        StakeAuthorization { authorization_type: AuthorizationType::Delegate as i32, ..StakeAuthorization::default() };
    let unlisted = grant(&chain, &unlisted, None);
    assert_eq!(code(&chain.deliver(0, &unlisted)), ("sdk", 18), "no validators");
    let empty = MsgExec { grantee: text(&chain, 1), msgs: Vec::new() };
    assert_eq!(code(&chain.deliver(1, &empty)), ("sdk", 18));
}

#[test]
fn inner_messages_pass_the_stateless_checks_and_may_not_nest_without_end() {
    let mut chain = TestChain::new(2);
    let message = grant(&chain, &generic(), None);
    chain.deliver(0, &message);
    let nothing = exec(&chain, &MsgSend { amount: Vec::new(), ..send(&chain, 0, 1, 1) });
    let result = chain.deliver(1, &nothing);
    assert_eq!((code(&result), result.events.len()), (("sdk", 10), 0), "refused before the fee");

    let mut nested = exec(&chain, &send(&chain, 0, 1, 1));
    for _ in 0..5 {
        nested = exec(&chain, &nested);
    }
    assert_eq!(chain.deliver(1, &nested).log, "", "six levels");
    let nested = exec(&chain, &nested);
    assert_eq!(code(&chain.deliver(1, &nested)), ("sdk", 18), "seven levels");
    let many = MsgExec { grantee: text(&chain, 1), msgs: vec![any(&send(&chain, 1, 0, 1)); 256] };
    assert_eq!(code(&chain.deliver(1, &many)), ("sdk", 18), "257 messages");
}

#[test]
fn governance_alone_changes_parameters_whoever_executes_the_message() {
    let mut chain = TestChain::new(2);
    let authority = ve_base::module_address("gov").to_string();
    let message = exec(&chain, &MsgUpdateParams { authority, params: Some(Default::default()) });
    assert_eq!(code(&chain.deliver(1, &message)), ("authz", 2));
    let message = exec(&chain, &MsgUpdateParams { authority: text(&chain, 1), params: Some(Default::default()) });
    assert_eq!(code(&chain.deliver(1, &message)), ("sdk", 4));
}

#[test]
fn a_failed_inner_message_undoes_those_before_it_and_gives_the_limit_back() {
    let mut chain = TestChain::new(3);
    let message = grant(&chain, &SendAuthorization { spend_limit: coins(100), allow_list: Vec::new() }, None);
    chain.deliver(0, &message);
    let msgs = vec![any(&send(&chain, 0, 2, 60)), any(&send(&chain, 0, 2, 60))];
    let result = chain.deliver(1, &MsgExec { grantee: text(&chain, 1), msgs });
    assert_eq!(code(&result), ("sdk", 5));
    assert!(result.log.contains("message 1"), "{}", result.log);
    assert!(
        !result
            .events
            .iter()
            .any(|event| event.kind == "transfer" && event.attributes.contains(&("amount".into(), "60uve".into())))
    );
    assert_eq!(balance(&chain, 2), Amount::from(ENDOWMENT));
    let whole = exec(&chain, &send(&chain, 0, 2, 100));
    assert_eq!(chain.deliver(1, &whole).log, "");
}

#[test]
fn inner_messages_use_the_gas_of_the_transaction() {
    let mut chain = TestChain::new(2);
    let msgs = vec![any(&send(&chain, 1, 0, 1)); 60];
    let result = chain.deliver(1, &MsgExec { grantee: text(&chain, 1), msgs });
    assert_eq!(code(&result), ("sdk", 11), "{}", result.log);
    assert_eq!(balance(&chain, 0), Amount::from(ENDOWMENT));
}

#[test]
fn a_stake_authorization_names_its_validators_and_its_limit() {
    let mut chain = TestChain::new(3);
    let validator = chain.accounts[2].address.to_bech32(OPERATOR_PREFIX);
    let other: Address = chain.accounts[1].address.clone();
    let authorization = StakeAuthorization {
        max_tokens: coins(5_000_000).pop(),
        authorization_type: AuthorizationType::Delegate as i32,
        validators: Some(ValidatorsOneOf::AllowList(Validators { address: vec![validator.clone()] })),
    };
    let message = grant(&chain, &authorization, None);
    assert_eq!(chain.deliver(0, &message).log, "");
    let delegate = |validator: String, amount| MsgDelegate {
        delegator_address: text(&chain, 0),
        validator_address: validator,
        amount: coins(amount).pop(),
    };
    let (elsewhere, above, good) = (
        exec(&chain, &delegate(other.to_bech32(OPERATOR_PREFIX), 1_000_000)),
        exec(&chain, &delegate(validator.clone(), 6_000_000)),
        exec(&chain, &delegate(validator, 1_000_000)),
    );
    assert_eq!(code(&chain.deliver(1, &elsewhere)), ("sdk", 4));
    assert_eq!(code(&chain.deliver(1, &above)), ("sdk", 5));
    assert_eq!(code(&chain.deliver(1, &good)), ("staking", 3), "the authorization accepts, the validator is missing");
}

#[test]
fn grants_are_listed_from_both_sides_and_survive_export_and_import() {
    let mut chain = TestChain::new(3);
    let message = grant(&chain, &generic(), Some(1_000));
    chain.deliver(0, &message);
    let other = MsgGrant { granter: text(&chain, 2), ..grant(&chain, &generic(), None) };
    chain.deliver(2, &other);
    let request = QueryGranterGrantsRequest { granter: text(&chain, 0), pagination: None };
    let given: QueryGranterGrantsResponse =
        chain.query("/cosmos.authz.v1beta1.Query/GranterGrants", &request).expect("grants are served");
    let request = QueryGranteeGrantsRequest { grantee: text(&chain, 1), pagination: None };
    let received: QueryGranteeGrantsResponse =
        chain.query("/cosmos.authz.v1beta1.Query/GranteeGrants", &request).expect("grants are served");
    assert_eq!((given.grants.len(), received.grants.len()), (1, 2));
    let request = QueryGrantsRequest {
        granter: text(&chain, 1),
        grantee: text(&chain, 0),
        msg_type_url: SEND.into(),
        pagination: None,
    };
    let none: Result<QueryGrantsResponse, String> = chain.query("/cosmos.authz.v1beta1.Query/Grants", &request);
    assert!(none.expect_err("there is none").contains("code = NotFound"));
    let exported = chain.app.export().expect("a committed state");
    let copy = exported.clone();
    let imported = TestChain::with_genesis(0, move |state| *state = copy);
    assert_eq!(imported.app.export().expect("the imported state"), exported);
}
