//! The liveness window: how many of its last blocks a validator missed. The window is a stretch of time, cut into parts
//! that are forgotten one by one, so that neither the block interval nor the number of blocks matters.

use ve_base::BlockTime;
use ve_proto::ve::slashing::v1::Stretch;

/// Parts of the window.
const PARTS: u64 = 100;

#[derive(Clone, Copy, Debug)]
pub struct Window {
    seconds: u64,
    now: u64,
}

impl Window {
    pub fn new(seconds: u64, now: BlockTime) -> Self {
        Self { seconds: seconds.max(PARTS), now: now.unix() }
    }

    /// The part that the present block belongs to.
    pub fn current(&self) -> u64 {
        self.now / (self.seconds / PARTS)
    }

    /// The oldest part that still counts.
    pub fn oldest(&self) -> u64 {
        self.current().saturating_sub(PARTS.saturating_sub(1))
    }

    /// Whether a validator that joined at `start` had the whole window to sign.
    pub fn is_full_since(&self, start: BlockTime) -> bool {
        self.now.saturating_sub(start.unix()) >= self.seconds
    }

    /// Counts one more block in the present part and forgets old parts.
    pub fn count(&self, stretches: &mut Vec<Stretch>) {
        stretches.retain(|stretch| stretch.index >= self.oldest());
        match stretches.last_mut() {
            Some(last) if last.index == self.current() => last.blocks = last.blocks.saturating_add(1),
            _ => stretches.push(Stretch { index: self.current(), blocks: 1 }),
        }
    }

    /// Blocks of the parts that still count.
    pub fn sum(&self, stretches: &[Stretch]) -> u64 {
        let counts = stretches.iter().filter(|stretch| stretch.index >= self.oldest());
        counts.fold(0, |sum: u64, stretch| sum.saturating_add(stretch.blocks))
    }
}

#[cfg(test)]
#[path = "tests/window.rs"]
mod tests;
