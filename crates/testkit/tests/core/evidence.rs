//! Proof of double signatures that anybody submits, as far back as evidence counts. Invariants are checked after every
//! block.

use ve_base::keys::ConsensusSecret;
use ve_base::votes::bytes_of;
use ve_base::{Amount, OPERATOR_PREFIX};
use ve_chain_core::staking::setup::{GenesisValidator, add_validator};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::evidence::v1beta1::MsgSubmitEvidence;
use ve_proto::cosmos::staking::v1beta1::MsgDelegate;
use ve_proto::tendermint::types::{BlockId, DuplicateVoteEvidence, PartSetHeader, SignedMsgType, Vote};
use ve_proto::ve::slashing::v1::{QuerySlashRecordsRequest, QuerySlashRecordsResponse, SlashRecord};
use ve_sdk::application::TxResult;
use ve_testkit::chain::{Account, CHAIN_ID, TestChain, any};

const VE: u128 = 1_000_000;

fn secret(index: u8) -> ConsensusSecret {
    ConsensusSecret::from_seed([index + 1; 32])
}

/// Accounts 0 and 1 are validators with 1,000 VE each; whole sets are kept for one block only.
fn chain() -> TestChain {
    TestChain::with_genesis(4, |state| {
        state["staking"]["params"]["historical_entries"] = 1.into();
        for index in 0..2u8 {
            let new = GenesisValidator {
                account: Account::number(index.into()).address,
                consensus_key: secret(index).public(),
                moniker: format!("validator {index}"),
                self_bond: Amount::from(1_000 * VE),
            };
            add_validator(state, &new).expect("the account can bond");
        }
    })
}

fn operator(index: u32) -> String {
    Account::number(index).address.to_bech32(OPERATOR_PREFIX)
}

fn vote(signer: u8, height: i64, block: u8) -> Vote {
    let key = secret(signer);
    let mut vote = Vote {
        r#type: SignedMsgType::Precommit as i32,
        height,
        block_id: Some(BlockId {
            hash: vec![block; 32],
            part_set_header: Some(PartSetHeader { total: 1, hash: vec![block; 32] }),
        }),
        validator_address: key.address().to_vec(),
        ..Vote::default()
    };
    vote.signature = key.sign(&bytes_of(&vote, CHAIN_ID)).to_vec();
    vote
}

/// Account 3 accuses.
fn accuse(chain: &mut TestChain, votes: [Vote; 2]) -> TxResult {
    let [a, b] = votes;
    let evidence = DuplicateVoteEvidence { vote_a: Some(a), vote_b: Some(b), ..DuplicateVoteEvidence::default() };
    let message =
        MsgSubmitEvidence { submitter: chain.accounts[3].address.to_string(), evidence: Some(any(&evidence)) };
    chain.deliver(3, &message)
}

fn twice(signer: u8, height: i64) -> [Vote; 2] {
    [vote(signer, height, 1), vote(signer, height, 2)]
}

fn records(chain: &TestChain, index: u32) -> Vec<SlashRecord> {
    let request = QuerySlashRecordsRequest { operator: operator(index), pagination: None };
    let response: QuerySlashRecordsResponse =
        chain.query("/ve.slashing.v1.Query/SlashRecords", &request).expect("records are served");
    response.records
}

fn delegate(chain: &mut TestChain, ve: u128) {
    let message = MsgDelegate {
        delegator_address: chain.accounts[2].address.to_string(),
        validator_address: operator(0),
        amount: Some(Coin { denom: "uve".into(), amount: (ve * VE).to_string() }),
    };
    assert_eq!(chain.deliver(2, &message).log, "");
}

#[test]
fn old_evidence_costs_a_part_of_the_power_of_then_not_of_now() {
    let mut chain = chain();
    for _ in 0..9 {
        chain.run(Vec::new());
    }
    delegate(&mut chain, 500);
    for _ in 0..250 {
        chain.run(Vec::new());
    }
    let result = accuse(&mut chain, twice(0, 5));
    assert_eq!(result.log, "");
    let found = records(&chain, 0);
    assert_eq!((found.len(), found[0].infraction_height), (1, 5));
    assert_eq!(found[0].burned, (50 * VE).to_string(), "5 percent of 1,000 VE");
    assert!(found[0].tombstoned);
}

#[test]
fn a_change_of_power_counts_from_the_second_block_after_it() {
    for (after, burned) in [(1, 50 * VE), (2, 75 * VE)] {
        let mut chain = chain();
        chain.run(Vec::new());
        delegate(&mut chain, 500);
        let changed = i64::try_from(chain.height).expect("few blocks");
        for _ in 0..150 {
            chain.run(Vec::new());
        }
        assert_eq!(accuse(&mut chain, twice(0, changed + after)).log, "");
        assert_eq!(records(&chain, 0)[0].burned, burned.to_string(), "{after} blocks after");
    }
}

#[test]
fn forged_contradictory_or_future_accusations_cost_nobody_anything() {
    let mut chain = chain();
    for _ in 0..5 {
        chain.run(Vec::new());
    }
    let [a, b] = twice(0, 3);
    let stolen = Vote { signature: vote(1, 3, 2).signature, ..b.clone() };
    let moved = vote(0, 4, 2);
    let stranger = [vote(7, 3, 1), vote(7, 3, 2)];
    let future = twice(0, 1_000);
    for (name, votes) in [
        ("another's signature", [a.clone(), stolen]),
        ("two heights", [a.clone(), moved]),
        ("one vote twice", [a.clone(), a]),
        ("nobody's key", stranger),
        ("a height to come", future),
    ] {
        assert_eq!(accuse(&mut chain, votes).codespace, "evidence", "{name}");
    }
    assert!(records(&chain, 0).is_empty() && records(&chain, 1).is_empty());
    assert_eq!(accuse(&mut chain, twice(0, 3)).log, "");
    assert_eq!(accuse(&mut chain, twice(0, 3)).codespace, "evidence", "once");
}
