//! The orderly end: whatever was deployed for the customer, wherever that stopped, is closed and accounted for, and the
//! provider has time to clear it away.

use std::time::Duration;

use anyhow::{Result, bail};
use serde::Deserialize;
use serde_json::json;
use tokio::time::{Instant, sleep};
use ve_base::Amount;
use ve_client::TxClient;
use ve_proto::ve::market::v1::{QueryResourcesRequest, QueryResourcesResponse, ResourceState};

use super::layout::Layout;
use super::network::{Network, keep_alive};
use super::settle::{self, Settlement};
use super::steps::Steps;
use super::{flow, process};

const POLL: Duration = Duration::from_millis(200);
/// A transaction that was on its way when the deployment was interrupted is in a block by then, or never.
const ON_ITS_WAY: Duration = Duration::from_secs(8);
/// For the provider to remove workloads and say so.
const TEARDOWN: Duration = Duration::from_secs(30);

/// What the client's note of an unfinished deployment says of it.
#[derive(Deserialize)]
struct Note {
    dseq: u64,
}

/// Deployments that were begun and whose end this machine has not seen.
fn unfinished(layout: &Layout) -> Vec<u64> {
    let notes = std::fs::read_dir(layout.client().join("unfinished")).into_iter().flatten().flatten();
    let note = |entry: std::fs::DirEntry| serde_json::from_slice::<Note>(&std::fs::read(entry.path()).ok()?).ok();
    notes.filter_map(note).map(|note| note.dseq).collect()
}

/// What became of the deployments.
struct Ended {
    settlements: Vec<(u64, Settlement)>,
    supply: Amount,
    /// Whether the provider has said that nothing of them is left.
    cleared: bool,
}

async fn end(customer: &TxClient, deployments: &[u64], serves: bool) -> Result<Ended> {
    let mut settlements = Vec::new();
    for dseq in deployments {
        if appears(customer, *dseq).await? {
            settlements.push((*dseq, settle::close(customer, *dseq).await?));
        }
    }
    let supply = settle::supply(customer.rpc()).await?;
    let cleared = serves && cleared(customer, &settlements).await?;
    Ok(Ended { settlements, supply, cleared })
}

/// Whether the chain has the deployment, or soon gets it.
async fn appears(customer: &TxClient, dseq: u64) -> Result<bool> {
    let deadline = Instant::now() + ON_ITS_WAY;
    loop {
        if settle::known(customer, dseq).await? {
            return Ok(true);
        }
        if Instant::now() >= deadline {
            return Ok(false);
        }
        sleep(POLL).await;
    }
}

/// Waits until the provider reports every workload gone; `false` when it does not.
async fn cleared(customer: &TxClient, settlements: &[(u64, Settlement)]) -> Result<bool> {
    let deadline = Instant::now() + TEARDOWN;
    let gone = |state: i32| [ResourceState::Terminated as i32, ResourceState::Failed as i32].contains(&state);
    for (dseq, _) in settlements {
        let owner = customer.address().to_string();
        let request = QueryResourcesRequest { owner, dseq: *dseq, ..QueryResourcesRequest::default() };
        loop {
            let answer: QueryResourcesResponse =
                customer.rpc().query("/ve.market.v1.Query/Resources", &request).await?;
            if answer.resources.iter().all(|resource| gone(resource.state)) {
                break;
            }
            if Instant::now() >= deadline {
                return Ok(false);
            }
            sleep(POLL).await;
        }
    }
    Ok(true)
}

impl Network {
    /// Closes what was deployed and shows that every unit is accounted for.
    pub async fn settle(&mut self, steps: &Steps) -> Result<()> {
        let mut deployments = self.descriptor.open.clone();
        deployments.extend(unfinished(&self.layout));
        deployments.sort_unstable();
        deployments.dedup();
        let Some(supply) = self.supply.filter(|_| !deployments.is_empty()) else { return Ok(()) };
        let (rpc, descriptor) = (self.rpc.clone(), self.descriptor.clone());
        let serves = self.provider.is_some();
        let ending = async {
            let customer = flow::signer(&rpc, &descriptor, "customer").await?;
            end(&customer, &deployments, serves).await
        };
        let ended = tokio::select! {
            ended = ending => ended?,
            error = keep_alive(&mut self.nodes, &mut self.provider, &mut self.descriptor, &self.layout) => {
                return Err(error);
            }
        };
        self.descriptor.open.clear();
        let _ = std::fs::remove_dir_all(self.layout.client().join("unfinished"));
        for lease in &mut self.descriptor.leases {
            if ended.settlements.iter().any(|(dseq, _)| dseq.to_string() == lease.deployment) {
                lease.state = "closed".into();
            }
        }
        self.refresh_balances().await?;
        for (_, settlement) in &ended.settlements {
            tell(steps, settlement, supply, ended.supply);
        }
        if !ended.cleared && serves && !ended.settlements.is_empty() {
            let words = self.provider.as_ref().map(process::Process::last_words).unwrap_or_default();
            steps.note(&format!("the provider has not said that the workload is gone; {words}"));
        }
        let inexact = ended.settlements.iter().find(|(_, settlement)| !settlement.exact());
        if let Some((dseq, settlement)) = inexact {
            bail!("the settlement of deployment {dseq} does not add up: {settlement:?}");
        }
        if supply != ended.supply {
            bail!("the supply changed from {supply} to {}", ended.supply);
        }
        Ok(())
    }
}

fn tell(steps: &Steps, settlement: &Settlement, before: Amount, after: Amount) {
    let price = format!(
        "deposited {:#} uve, accrued {:#} per second: provider {} + commission {} + refunded {:#}; supply {}",
        settlement.deposited,
        settlement.rate,
        settlement.provider,
        settlement.commission,
        settlement.refunded,
        if before == after { "unchanged" } else { "CHANGED" },
    );
    let mut data = settlement.to_json();
    data["supply_before"] = json!(before.to_string());
    data["supply_after"] = json!(after.to_string());
    steps.done("settled", &price, data);
}
