//! Block time.

/// Time of a block: seconds and nanoseconds since the Unix epoch, UTC. Agreed by consensus, never a local clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockTime {
    pub seconds: i64,
    /// 0..1_000_000_000
    pub nanos: u32,
}
