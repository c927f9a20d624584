//! The node's interfaces for clients: CometBFT JSON-RPC, Cosmos gRPC and REST.

pub mod backend;
