//! Times a network of real node processes with a large state under signed transfers, beside bare verification of
//! signatures on one core. Prints one JSON document; `cargo xtask bench chain` runs it and shows it as a table.
//!
//! `network binary=target/release/virtengine validators=1,4 accounts=1000000 transfers=60000 rate=200 seconds=15
//! base-port=30000`

mod follow;
mod genesis;
mod http;
mod load;
mod node;
mod plan;
mod report;
mod transfers;

use std::process::ExitCode;

use self::plan::{Failure, Plan};
use self::report::NetworkReport;

fn main() -> ExitCode {
    node::clean_up_when_interrupted();
    match measure() {
        Ok(report) => {
            println!("{report}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result<serde_json::Value, Failure> {
    let plan = Plan::parse(std::env::args().skip(1))?;
    let verifications = transfers::verifications_per_second();
    let mut networks = Vec::new();
    for validators in plan.validators.clone() {
        networks.push(network(&plan, validators, verifications)?);
    }
    Ok(report::document(&plan, verifications, &networks))
}

/// Everything about a network of so many validators, from genesis to the last check.
fn network(plan: &Plan, validators: u16, verifications: f64) -> Result<NetworkReport, Failure> {
    let directory = node::Scratch::new()?;
    progress(validators, "writing a genesis file");
    let mut nodes = genesis::homes(plan, directory.path(), validators)?;
    let senders = transfers::Senders::new(plan, validators);

    progress(validators, "loading genesis");
    let genesis = genesis::load(&mut nodes)?;
    for node in &mut nodes {
        node.start()?;
    }
    for node in &nodes {
        node.wait_for_height(3)?;
    }
    let idle_kib = node::settle(&nodes)?;

    progress(validators, "moderate load");
    let light = senders.sign(0..plan.light_transfers());
    let latency = load::paced(plan, &nodes, &light)?;

    progress(validators, "signing transfers");
    let heavy = senders.sign(plan.light_transfers()..plan.senders());
    progress(validators, "full load");
    let flood = load::flood(plan, &nodes, &heavy)?;

    progress(validators, "checking results");
    let gas = follow::check_results(&nodes[0], &flood.blocks)?;
    let report = NetworkReport { validators, genesis, idle_kib, latency, flood, gas, verifications };
    for node in &mut nodes {
        node.stop();
    }
    Ok(report)
}

/// Progress goes to standard error, so that standard output is the report alone.
fn progress(validators: u16, what: &str) {
    eprintln!("    {validators} validator{}: {what}", if validators == 1 { "" } else { "s" });
}
