//! `cosmos.base.node.v1beta1.Service`: settings and state of this node.

use prost::Message;
use ve_proto::cosmos::base::node::v1beta1::{ConfigResponse, StatusResponse};

use super::unknown_method;
use crate::rpc::{Backend, status::Status};

pub fn call(backend: &Backend, method: &str) -> Result<Vec<u8>, Status> {
    match method {
        "Config" => Ok(config(backend).encode_to_vec()),
        "Status" => Ok(status(backend)?.encode_to_vec()),
        _ => Err(unknown_method("cosmos.base.node.v1beta1.Service", method)),
    }
}

fn config(backend: &Backend) -> ConfigResponse {
    let settings = backend.view.settings();
    ConfigResponse {
        minimum_gas_price: settings.minimum_gas_price,
        pruning_keep_recent: settings.pruning_keep_recent,
        pruning_interval: settings.pruning_interval,
        halt_height: settings.halt_height,
    }
}

fn status(backend: &Backend) -> Result<StatusResponse, Status> {
    let height = backend.view.latest_height();
    let block = if height == 0 { None } else { backend.view.block(height)? };
    let header = block.and_then(|b| b.block.header).unwrap_or_default();
    Ok(StatusResponse {
        earliest_store_height: backend.view.earliest_height(),
        height,
        timestamp: header.time,
        app_hash: backend.view.app().info().last_app_hash,
        validator_hash: header.next_validators_hash,
    })
}
