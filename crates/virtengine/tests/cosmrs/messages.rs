//! One of each message, in an order in which all can be executed; the number is the account that signs.

use std::time::{Duration, SystemTime};

use cosmrs::proto::cosmos::authz::v1beta1 as authz;
use cosmrs::proto::cosmos::evidence::v1beta1 as evidence;
use cosmrs::proto::cosmos::feegrant::v1beta1::MsgPruneAllowances;
use cosmrs::proto::cosmos::gov::v1 as gov;
use cosmrs::proto::cosmos::staking::v1beta1 as generated_staking;
use cosmrs::proto::cosmos::vesting::v1beta1 as generated_vesting;
use cosmrs::{Any, bank, distribution, feegrant, slashing, staking};
use ve_base::keys::ConsensusSecret;
use ve_testkit::chain::TestChain;

use super::support::{VE, account, bare, coin, generated, operator, typed};

/// Accounts that the messages create.
pub const CONTINUOUS: u32 = 20;
pub const LOCKED: u32 = 21;
pub const PERIODIC: u32 = 22;

type Case = (u32, Box<dyn Fn(&TestChain) -> Any>);

fn case(signer: u32, message: Any) -> Case {
    (signer, Box::new(move |_| message.clone()))
}

pub fn all() -> Vec<Case> {
    [transfers(), stake(), rewards(), allowances(), authorizations(), vesting_accounts(), proposals()]
        .into_iter()
        .flatten()
        .collect()
}

fn send(from: u32, to: u32, amount: u128) -> Any {
    typed(bank::MsgSend { from_address: account(from), to_address: account(to), amount: vec![coin(amount)] })
}

fn transfers() -> Vec<Case> {
    let io = |of: u32| vec![bank::MultiSendIo { address: account(of), coins: vec![coin(5)] }];
    vec![case(0, send(0, 2, 7)), case(0, typed(bank::MsgMultiSend { inputs: io(0), outputs: io(2) }))]
}

fn description() -> Option<generated_staking::Description> {
    Some(generated_staking::Description { moniker: "from cosmrs".into(), ..Default::default() })
}

fn rate(percent: u64) -> String {
    (percent * 10_000_000_000_000_000).to_string()
}

fn stake() -> Vec<Case> {
    let (delegator_address, validator_address) = (account(0), operator(1));
    let key =
        cosmrs::proto::cosmos::crypto::ed25519::PubKey { key: ConsensusSecret::from_seed([9; 32]).public().to_vec() };
    let create = generated_staking::MsgCreateValidator {
        description: description(),
        commission: Some(generated_staking::CommissionRates {
            rate: rate(10),
            max_rate: rate(20),
            max_change_rate: rate(1),
        }),
        min_self_delegation: "1".into(),
        validator_address: operator(3).to_string(),
        pubkey: Some(generated(&key)),
        value: Some(bare(1_000 * VE)),
        ..Default::default()
    };
    let edit = generated_staking::MsgEditValidator {
        description: description(),
        validator_address: operator(1).to_string(),
        ..Default::default()
    };
    let undelegate = staking::MsgUndelegate {
        delegator_address: delegator_address.clone(),
        validator_address: validator_address.clone(),
        amount: coin(2 * VE),
    };
    let cancel = |chain: &TestChain| {
        generated(&generated_staking::MsgCancelUnbondingDelegation {
            delegator_address: account(0).to_string(),
            validator_address: operator(1).to_string(),
            amount: Some(bare(VE)),
            creation_height: chain.height as i64,
        })
    };
    vec![
        case(3, generated(&create)),
        case(1, generated(&edit)),
        case(
            0,
            typed(staking::MsgDelegate {
                delegator_address: delegator_address.clone(),
                validator_address: validator_address.clone(),
                amount: coin(5 * VE),
            }),
        ),
        case(
            0,
            typed(staking::MsgBeginRedelegate {
                delegator_address,
                validator_src_address: validator_address,
                validator_dst_address: operator(2),
                amount: coin(VE),
            }),
        ),
        case(0, typed(undelegate)),
        (0, Box::new(cancel)),
    ]
}

fn rewards() -> Vec<Case> {
    let (delegator_address, validator_address) = (account(0), operator(1));
    // cosmrs' own type of this one leaves the depositor out.
    let fund = cosmrs::proto::cosmos::distribution::v1beta1::MsgFundCommunityPool {
        depositor: account(0).to_string(),
        amount: vec![bare(1)],
    };
    vec![
        case(
            0,
            typed(distribution::MsgSetWithdrawAddress {
                delegator_address: delegator_address.clone(),
                withdraw_address: account(2),
            }),
        ),
        case(
            0,
            typed(distribution::MsgWithdrawDelegatorReward {
                delegator_address,
                validator_address: validator_address.clone(),
            }),
        ),
        case(0, generated(&fund)),
        case(1, typed(distribution::MsgWithdrawValidatorCommission { validator_address })),
    ]
}

fn allowances() -> Vec<Case> {
    let basic = || feegrant::BasicAllowance { spend_limit: vec![coin(9)], expiration: None };
    // Far beyond the clock of the test chain.
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(4_000_000_000);
    let periodic = feegrant::PeriodicAllowance {
        basic: Some(feegrant::BasicAllowance { spend_limit: vec![coin(90)], expiration: Some(end) }),
        period: Some(Duration::from_secs(3_600)),
        period_spend_limit: vec![coin(9)],
        period_can_spend: Vec::new(),
        period_reset: None,
    };
    let allowed = feegrant::AllowedMsgAllowance {
        allowance: Some(typed(basic())),
        allowed_messages: vec!["/cosmos.bank.v1beta1.MsgSend".into()],
    };
    let grant = |allowance: Any| {
        typed(feegrant::MsgGrantAllowance { granter: account(0), grantee: account(2), allowance: Some(allowance) })
    };
    let revoke = || typed(feegrant::MsgRevokeAllowance { granter: account(0), grantee: account(2) });
    let each = [typed(basic()), typed(periodic), typed(allowed)];
    let mut cases: Vec<Case> =
        each.into_iter().flat_map(|allowance| [case(0, grant(allowance)), case(0, revoke())]).collect();
    cases.push(case(0, generated(&MsgPruneAllowances { pruner: account(0).to_string() })));
    cases
}

fn authorizations() -> Vec<Case> {
    let url = "/cosmos.bank.v1beta1.MsgSend";
    let authorization = authz::GenericAuthorization { msg: url.into() };
    let grant = authz::MsgGrant {
        granter: account(0).to_string(),
        grantee: account(2).to_string(),
        grant: Some(authz::Grant { authorization: Some(generated(&authorization)), expiration: None }),
    };
    let exec = authz::MsgExec { grantee: account(2).to_string(), msgs: vec![send(0, 2, 11)] };
    let revoke =
        authz::MsgRevoke { granter: account(0).to_string(), grantee: account(2).to_string(), msg_type_url: url.into() };
    vec![case(0, generated(&grant)), case(2, generated(&exec)), case(0, generated(&revoke))]
}

pub fn vesting_accounts() -> Vec<Case> {
    let from = || account(0).to_string();
    let period = |length| generated_vesting::Period { length, amount: vec![bare(1_500)] };
    let continuous = generated_vesting::MsgCreateVestingAccount {
        from_address: from(),
        to_address: account(CONTINUOUS).to_string(),
        amount: vec![bare(1_000)],
        end_time: 4_000_000_000,
        delayed: false,
    };
    let locked = generated_vesting::MsgCreatePermanentLockedAccount {
        from_address: from(),
        to_address: account(LOCKED).to_string(),
        amount: vec![bare(2_000)],
    };
    let periodic = move |chain: &TestChain| {
        generated(&generated_vesting::MsgCreatePeriodicVestingAccount {
            from_address: account(0).to_string(),
            to_address: account(PERIODIC).to_string(),
            start_time: chain.time.seconds,
            vesting_periods: vec![period(100), period(200)],
        })
    };
    vec![case(0, generated(&continuous)), case(0, generated(&locked)), (0, Box::new(periodic))]
}

fn proposals() -> Vec<Case> {
    let stop = cosmrs::proto::cosmos::bank::v1beta1::MsgSetSendEnabled {
        authority: ve_base::module_address("gov").to_string(),
        send_enabled: vec![cosmrs::proto::cosmos::bank::v1beta1::SendEnabled { denom: "other".into(), enabled: false }],
        use_default_for: Vec::new(),
    };
    let submit = gov::MsgSubmitProposal {
        messages: vec![generated(&stop)],
        initial_deposit: vec![bare(2_000 * VE)],
        proposer: account(0).to_string(),
        title: "a change".into(),
        summary: "for the better".into(),
        ..Default::default()
    };
    let deposit = gov::MsgDeposit { proposal_id: 1, depositor: account(2).to_string(), amount: vec![bare(500 * VE)] };
    let vote = gov::MsgVote { proposal_id: 1, voter: account(1).to_string(), option: 1, metadata: String::new() };
    let half = |option| gov::WeightedVoteOption { option, weight: "0.5".into() };
    let weighted = gov::MsgVoteWeighted {
        proposal_id: 1,
        voter: account(2).to_string(),
        options: vec![half(1), half(2)],
        metadata: String::new(),
    };
    let cancel = gov::MsgCancelProposal { proposal_id: 1, proposer: account(0).to_string() };
    vec![
        case(0, generated(&submit)),
        case(2, generated(&deposit)),
        case(1, generated(&vote)),
        case(2, generated(&weighted)),
        case(0, generated(&cancel)),
    ]
}

/// Messages that only fit states that this chain is not in: understood, verified, and refused by their modules.
pub fn refused() -> Vec<(u32, Any, &'static str, u32)> {
    let unjail = typed(slashing::MsgUnjail { validator_addr: operator(1) });
    let unknown =
        evidence::Equivocation { height: 1, time: None, power: 1, consensus_address: operator(1).to_string() };
    let submit = evidence::MsgSubmitEvidence { submitter: account(0).to_string(), evidence: Some(generated(&unknown)) };
    vec![(1, unjail, "slashing", 5), (0, generated(&submit), "evidence", 2)]
}
