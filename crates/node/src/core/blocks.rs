//! What a consensus engine asks of the chain: a block to propose, a judgement, a decision carried out.

use ve_proto::tendermint::types::ExtendedCommit;

use super::{Core, Halt};
use crate::chain::{self, ChainState, Contents, SealedBlock, Stage};

impl Core {
    /// The block that this node proposes in `round` of the next height; its bytes are durable. After a crash the same
    /// block is proposed again: the double-sign guard refuses to sign another one.
    pub fn propose(&self, round: u32, proposer: [u8; 20]) -> Result<SealedBlock, Halt> {
        let state = self.state();
        let height = state.next_height();
        if let Some(sealed) = self.store.built(height, round)?.and_then(SealedBlock::decode) {
            return Ok(sealed);
        }
        let contents = Contents {
            last_commit: self.last_commit(&state)?,
            evidence: self.evidence.propose(&state)?,
            candidates: self.mempool.reap(state.max_block_bytes() as u64),
        };
        let sealed = chain::build(&state, &self.app, contents, proposer)
            .ok_or_else(|| Halt::Broken("the proposed block has no header".into()))?;
        self.store.save_undecided(height, &sealed.hash(), &sealed.bytes, Some(round))?;
        Ok(sealed)
    }

    /// The commit for the last block, as the next block carries it.
    fn last_commit(&self, state: &ChainState) -> Result<ExtendedCommit, Halt> {
        if state.last_height < state.initial_height {
            return Ok(ExtendedCommit::default());
        }
        let kept = self.store.commit(state.last_height)?;
        kept.ok_or_else(|| Halt::Broken(format!("the commit of block {} is missing", state.last_height)))
    }

    /// Whether a block may follow the last one; the inner error says what is wrong with it. A good block is durable when
    /// this returns, since consensus can decide it from then on.
    pub fn judge(&self, sealed: &SealedBlock, stage: Stage) -> Result<Result<(), String>, Halt> {
        let state = self.state();
        let verdict = chain::validate(&state, &self.app, sealed, stage, |list| self.evidence.check_block(&state, list));
        match &verdict {
            Ok(()) => self.store.save_undecided(sealed.height(), &sealed.hash(), &sealed.bytes, None)?,
            Err(reason) => {
                self.metrics.refused_block();
                tracing::warn!(height = sealed.height(), reason, "block refused");
            }
        }
        Ok(verdict)
    }

    /// Stores and executes a decided block. Doing it again after a crash changes nothing.
    pub fn decide(&self, hash: &[u8; 32], commit: &ExtendedCommit) -> Result<(), Halt> {
        let height = u64::try_from(commit.height).unwrap_or(0);
        if height < self.state().next_height() {
            return Ok(());
        }
        let bytes = self.store.undecided(height, hash)?;
        let bytes = bytes.ok_or_else(|| {
            Halt::Broken(format!(
                "block {height} was decided by the others, but this node refused it or never had it: see the log above, \
                 and whether it runs the version that the others run"
            ))
        })?;
        let sealed = SealedBlock::decode(bytes)
            .ok_or_else(|| Halt::Broken(format!("the bytes of block {height} are damaged")))?;
        self.store.save_decided(hash, &sealed.bytes, commit)?;
        self.apply(&sealed, commit.round)
    }

    /// Keeps a commit of the last block that has more signatures than the stored one.
    pub fn improve_commit(&self, commit: &ExtendedCommit) -> Result<(), Halt> {
        let height = self.last_height();
        if u64::try_from(commit.height) != Ok(height) {
            return Ok(());
        }
        let signed = |commit: &ExtendedCommit| {
            commit.extended_signatures.iter().filter(|signature| !signature.signature.is_empty()).count()
        };
        let kept = self.store.commit(height)?.map_or(0, |kept| signed(&kept));
        if signed(commit) > kept { Ok(self.store.save_commit(commit)?) } else { Ok(()) }
    }
}
