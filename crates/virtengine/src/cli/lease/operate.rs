//! `virtengine lease stop`, `start` and `restart`: asked for on the chain, carried out by the provider, waited for here.

use std::time::Duration;

use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::json;
use ve_client::deploy::lease_id;
use ve_client::operation::{self, ResultCode};
use ve_proto::ve::market::v1::{Action, Operation, OperationState};

use super::{Chosen, find, plain, resource};
use crate::cli::{CliError, Context};

#[derive(Debug, clap::Args)]
pub struct Wanted {
    #[command(flatten)]
    pub chosen: Chosen,
    /// Seconds to wait for the provider
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub timeout: u64,
}

pub async fn run(context: &Context, wanted: &Wanted, action: Action) -> Result<(), CliError> {
    let id = find(context, &wanted.chosen).await?;
    let (client, _) = context.signer(wanted.chosen.from.as_deref()).await?;
    let mut key = [0; 32];
    SystemRandom::new().fill(&mut key).map_err(|_| CliError::Failed("the system gives no random numbers".into()))?;
    let op_id = operation::request(&client, &id, action, key).await?;
    let name = plain(action.as_str_name(), "ACTION_");
    context.output().note(&format!("{name} asked for; waiting for the provider"));
    let limit = Duration::from_secs(wanted.timeout);
    let Some(ended) = operation::wait(client.rpc(), &id, op_id, limit).await? else {
        let text = format!(
            "the provider has not reported the {name} after {} s; it may still come: see `virtengine lease status {}`",
            wanted.timeout,
            lease_id(&id)
        );
        return Err(CliError::Late(text));
    };
    if ended.state() != OperationState::Succeeded {
        return Err(CliError::Failed(failure(&name, &ended)));
    }
    let (resource, _) = resource(context, &id).await?;
    let urls: Vec<&str> = match action {
        // Nothing listens there now.
        Action::Stop => Vec::new(),
        _ => resource.endpoints.iter().map(|endpoint| endpoint.url.as_str()).collect(),
    };
    context.output().print(&json!({
        "lease": lease_id(&id),
        "operation": op_id.to_string(),
        "action": name,
        "state": plain(resource.state().as_str_name(), "RESOURCE_STATE_"),
        "urls": urls,
    }));
    Ok(())
}

/// What became of an operation that did not succeed, with the remedy.
pub fn failure(name: &str, ended: &Operation) -> String {
    match ended.state() {
        OperationState::Expired => {
            format!(
                "the provider did not report the {name} in time; everything is as before: try again, or close the lease"
            )
        }
        OperationState::Cancelled => {
            format!("the {name} was overtaken by something else: see `virtengine lease status`")
        }
        state => {
            let why = ResultCode::of(ended.result_code).map_or_else(
                || format!("it gives code {}, which this release does not know", ended.result_code),
                |code| code.to_string(),
            );
            format!("the {name} {}: {why}", plain(state.as_str_name(), "OPERATION_STATE_").replace('_', " "))
        }
    }
}
