//! `virtengine deploy`: a file becomes a running workload; the same command again continues an interrupted run.

use std::io::{BufRead as _, IsTerminal as _};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;
use ve_base::{Coin, Dec};
use ve_client::deploy::{Options, Step, deploy};
use ve_proto::ve::market::v1::Bid;

use super::{CliError, Context, Output, sdl};

#[derive(Debug, clap::Args)]
pub struct DeployArgs {
    /// The deployment file
    pub file: PathBuf,
    /// Name of the paying key; may be left out when there is only one
    #[arg(long, value_name = "KEY")]
    pub from: Option<String>,
    /// Put into escrow [default: two hours at the highest price, at least 5 VE]
    #[arg(long, value_name = "COIN")]
    pub deposit: Option<Coin>,
    /// Choose among the bids at the terminal instead of taking the cheapest
    #[arg(long)]
    pub choose: bool,
    /// Seconds to collect bids after the first one
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    pub bid_window: u64,
    /// Seconds to wait for a first bid
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub bid_timeout: u64,
    /// Seconds to wait for the workload
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    pub run_timeout: u64,
}

pub async fn run(context: &Context, arguments: DeployArgs) -> Result<(), CliError> {
    let output = context.output();
    let text = sdl::read(&arguments.file)?;
    // Before the passphrase: nobody should type it for a file that cannot be deployed.
    ve_client::sdl::parse(&text).map_err(|error| sdl::refused(&arguments.file, &error))?;
    if arguments.choose && !std::io::stdin().is_terminal() {
        return Err(CliError::Usage("--choose needs a terminal".into()));
    }
    let (client, passphrase) = context.signer(arguments.from.as_deref()).await?;
    let options = Options {
        home: identities(context)?,
        passphrase: passphrase.to_string(),
        deposit: arguments.deposit.clone(),
        bid_window: Duration::from_secs(arguments.bid_window),
        bid_timeout: Duration::from_secs(arguments.bid_timeout),
        run_timeout: Duration::from_secs(arguments.run_timeout),
    };
    let started = Instant::now();
    let mut progress = |step: Step| print_step(output, started, &step);
    let ask = arguments.choose;
    let mut choose = |group: &str, bids: &[Bid]| if ask { ask_bid(group, bids) } else { Some(0) };
    let deployed = deploy(&client, &text, &options, &mut choose, &mut progress).await?;
    if output.is_json() {
        output.print(&json!({"step": "done", "dseq": deployed.dseq.to_string(), "leases": deployed.leases}));
        return Ok(());
    }
    for lease in &deployed.leases {
        for url in &lease.urls {
            println!("{url}");
        }
        output.note(&format!("logs:  virtengine lease logs {}", lease.id));
        output.note(&format!("close: virtengine lease close {}", lease.id));
    }
    Ok(())
}

/// Folder of certificates and unfinished deployments.
pub fn identities(context: &Context) -> Result<PathBuf, CliError> {
    let path = context.home.join("deploy");
    ve_client::keystore::private_dir(&path)?;
    Ok(path)
}

fn print_step(output: Output, started: Instant, step: &Step) {
    let elapsed = started.elapsed();
    if output.is_json() {
        let mut object = step.data.clone();
        object["step"] = step.name.into();
        object["message"] = step.text.clone().into();
        object["elapsed_ms"] = json!(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
        output.print(&object);
    } else {
        output.note(&format!("{:>7.1}s  {}", elapsed.as_secs_f64(), step.text));
    }
}

fn ask_bid(group: &str, bids: &[Bid]) -> Option<usize> {
    eprintln!("Bids for group {group}, price per block:");
    for (index, bid) in bids.iter().enumerate() {
        let provider = bid.id.as_ref().map_or("?", |id| id.provider.as_str());
        let price = bid.price.as_ref().map_or_else(String::new, |price| {
            let amount =
                Dec::from_mantissa(&price.amount).map_or_else(|_| price.amount.clone(), |dec| format!("{dec:#}"));
            format!("{amount} {}", price.denom)
        });
        eprintln!("  {}) {price}  {provider}", index + 1);
    }
    eprint!("Which one? [1] ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).ok()?;
    match answer.trim() {
        "" => Some(0),
        number => number.parse::<usize>().ok()?.checked_sub(1),
    }
}
