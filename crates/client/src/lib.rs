//! What every daemon and the command line use to speak with the chain and with providers.

pub mod audit;
pub mod cert;
pub mod deploy;
pub mod error;
pub mod events;
pub mod gateway;
pub mod keystore;
pub mod manifest;
pub mod operation;
pub mod rpc;
pub mod sdl;
pub mod text;
pub mod tx;

pub use error::ClientError;
pub use events::{ChainEvent, Cursor, EventStream};
pub use rpc::RpcClient;
pub use tx::{TxClient, TxOptions};
