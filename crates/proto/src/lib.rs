//! Every protobuf message that the product reads or writes, generated from `proto/` by `cargo xtask proto`.
//!
//! The `cosmos.*` and `tendermint.*` packages have the names and field numbers of Cosmos SDK 0.50 and CometBFT 0.38;
//! tests compare bytes with those projects' own Rust bindings. [`descriptors`] holds the same schema at run time with
//! all options, which drives signer extraction, amino JSON, gRPC, REST and the command line.

#[path = "gen/mod.rs"]
#[allow(clippy::all, clippy::pedantic, deprecated, rustdoc::all, missing_docs)]
mod generated;

pub mod any;

use std::sync::LazyLock;

pub use generated::*;
pub use prost::{Message, Name};
use prost_reflect::DescriptorPool;
pub use prost_types::{Any, Duration, Timestamp};

/// Encoded `FileDescriptorSet` of the whole schema, imports included, with all options.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!("gen/descriptors.bin");

static DESCRIPTORS: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(DESCRIPTOR_SET).expect("the checked-in descriptor set decodes"));

/// The schema of every message and service, with extension options readable.
pub fn descriptors() -> &'static DescriptorPool {
    &DESCRIPTORS
}
