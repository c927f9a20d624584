pub mod accept_bid;
pub mod close_bid;
pub mod close_deployment;
pub mod close_lease;
pub mod create_bid;
pub mod create_deployment;
pub mod group;
pub mod report_resource;
pub mod request_operation;
pub mod start_reclaim;
pub mod update_deployment;
pub mod update_params;

use ve_base::{CodedError, Coin, errors};
use ve_proto::cosmos::base::v1beta1::Coin as ProtoCoin;
use ve_proto::ve::market::v1::{Deployment, DeploymentState};
use ve_store::Read;

use super::error::Error;
use super::flow;
use super::ids::DeploymentId;

/// An amount above zero.
fn positive(coin: Option<&ProtoCoin>) -> Result<Coin, CodedError> {
    let missing = || errors::sdk::Error::InvalidCoins("give a deposit above zero".into());
    let coin = Coin::try_from(coin.ok_or_else(missing)?)?;
    if coin.amount.is_zero() { Err(missing().into()) } else { Ok(coin) }
}

fn check_hash(hash: &[u8]) -> Result<(), Error> {
    if hash.len() == 32 { Ok(()) } else { Err(Error::Hash(hash.len())) }
}

fn active_deployment<R: Read>(state: &R, id: &DeploymentId) -> Result<Deployment, CodedError> {
    let deployment = flow::deployment(state, id)?;
    if deployment.state() == DeploymentState::Active {
        return Ok(deployment);
    }
    Err(flow::wrong_state(format!("deployment {id}"), deployment.state().as_str_name(), "active").into())
}
