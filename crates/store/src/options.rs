//! How a store keeps its data. Nothing here changes a root: the options are a node operator's choice.

/// How many past versions stay readable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pruning {
    /// The last 362,880 versions: three weeks of blocks of 5 s.
    #[default]
    Default,
    /// Every version, for archives.
    Nothing,
    /// The last two versions.
    Everything,
    /// The last `keep` versions; at least one is always kept.
    Custom { keep: u64 },
}

impl Pruning {
    /// Versions to keep; `None` keeps all.
    pub fn keep(self) -> Option<u64> {
        match self {
            Self::Default => Some(362_880),
            Self::Nothing => None,
            Self::Everything => Some(2),
            Self::Custom { keep } => Some(keep.max(1)),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    pub pruning: Pruning,
    /// Versions between two runs of the pruner, at least 1.
    pub prune_interval: u64,
    /// Bytes of disk blocks to hold in memory.
    pub cache_bytes: u64,
    /// Bytes of lately used values to hold in memory.
    pub recent_bytes: u64,
    /// Threads that hash one block's changes, at least 1.
    pub hash_threads: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            pruning: Pruning::Default,
            prune_interval: 10,
            cache_bytes: 64 << 20,
            recent_bytes: 32 << 20,
            hash_threads: 2,
        }
    }
}
