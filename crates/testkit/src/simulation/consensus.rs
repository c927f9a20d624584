//! What consensus tells the application beside transactions: who proposed, who signed, who cheated.

use ve_chain_core::staking::{self, Validator};
use ve_sdk::application::{BlockInput, LastCommit, LastVote, Misbehavior, MisbehaviorKind};
use ve_sdk::simulation::Draw;

use super::Draws;
use crate::chain::TestChain;

/// One block in this many accuses somebody.
const CHEATING: u64 = 60;

fn address(validator: &Validator) -> [u8; 20] {
    validator.consensus_address().as_bytes().try_into().expect("20 bytes")
}

/// Fills in commit, proposer and misbehavior from the set of the last state. One validator in four is lazy and misses
/// most blocks.
pub fn decide(draws: &mut Draws, chain: &TestChain, block: &mut BlockInput) {
    let bonded = chain.app.read(|ctx| staking::bonded(ctx).expect("the set is readable")).unwrap_or_default();
    let mut votes = Vec::with_capacity(bonded.len());
    for (validator, power) in &bonded {
        let address = address(validator);
        let is_lazy = address[0].is_multiple_of(4);
        let is_unusual = draws.below(if is_lazy { 4 } else { 100 }) == 0;
        votes.push(LastVote { address, power: *power, signed: is_unusual == is_lazy, extension: Default::default() });
    }
    block.last_commit = LastCommit { votes, ..LastCommit::default() };
    let at = usize::try_from(draws.below(bonded.len() as u64)).unwrap_or(0);
    let Some((chosen, power)) = bonded.get(at) else { return };
    block.proposer_address = address(chosen);
    if draws.below(CHEATING) == 0 {
        let kind =
            if draws.below(4) == 0 { MisbehaviorKind::LightClientAttack } else { MisbehaviorKind::DuplicateVote };
        block.misbehavior = vec![Misbehavior {
            kind,
            address: address(chosen),
            power: *power,
            height: block.height.saturating_sub(1 + draws.below(5)).max(1),
            time: chain.time,
            total_power: bonded.iter().map(|(_, power)| power).sum(),
        }];
    }
}
