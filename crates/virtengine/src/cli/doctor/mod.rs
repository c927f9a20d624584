//! `virtengine doctor`: looks at everything that commonly goes wrong and says what to do.

mod chain;
mod local;
mod report;

use super::{CliError, Context};
use crate::localnet::MAX_BASE_PORT;

use report::Report;

pub const AFTER_HELP: &str = "Ends with 1 when a check fails. Warnings do not count as failures.";

#[derive(Debug, clap::Args)]
pub struct DoctorArgs {
    /// Fail when less is free on the home's disk
    #[arg(long, value_name = "MIB", default_value_t = 512)]
    pub min_disk: u64,
    /// Look at the ports that `localnet --base-port` would use
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1024..=i64::from(MAX_BASE_PORT)))]
    pub base_port: Option<u16>,
}

pub async fn run(context: &Context, arguments: DoctorArgs) -> Result<(), CliError> {
    let mut report = Report::new(context.output());
    report.good("program", format!("virtengine {}", env!("CARGO_PKG_VERSION")));
    let addresses = local::home(context, &mut report);
    local::disk(context, &arguments, &mut report);
    let certificates: Vec<(&String, Vec<u8>)> = addresses
        .iter()
        .filter_map(|address| Some((address, local::certificate(context, address, &mut report)?)))
        .collect();
    let rpc = context.rpc()?;
    let reachable = chain::node(context, &rpc, &mut report).await;
    if reachable {
        for address in &addresses {
            chain::account(&rpc, address, &mut report).await;
        }
        for (address, der) in &certificates {
            chain::certificate(&rpc, address, der, &mut report).await;
        }
        chain::providers(&rpc, &mut report).await;
    }
    // The ports of a network that runs are its own.
    if !reachable || arguments.base_port.is_some() {
        local::ports(&arguments, &mut report);
    }
    local::isolation(&mut report);
    report.finish()
}
