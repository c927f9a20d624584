//! The steps after the network runs: a provider on the chain, a deployment on the provider.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::json;
use ve_base::keys::hd;
use ve_client::deploy::{self, Deployed, Options};
use ve_client::{RpcClient, TxClient};
use ve_provider::backend::container::image::layout::{ImageBuild, LayerFile, build_oci_layout};
use ve_provider::config::{Home as ProviderHome, ProviderConfig};

use super::layout::{CHAIN_ID, Descriptor, Layout, PortPlan};
use super::steps::Steps;
use crate::provider;

/// Bond of the local provider, in VE.
const BOND: u64 = 1000;
/// How long the deployment outlasts processes that die.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until a node answers and has made a block.
pub async fn wait_for_blocks(rpc: &RpcClient, height: u64, limit: Duration) -> Result<u64> {
    let deadline = tokio::time::Instant::now() + limit;
    loop {
        let cause = match rpc.status().await {
            Ok(status) if status.latest_height >= height => return Ok(status.latest_height),
            Ok(status) => format!("height {}", status.latest_height),
            Err(error) => error.to_string(),
        };
        if tokio::time::Instant::now() >= deadline {
            bail!("no block after {} s: {cause}", limit.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// A signer for one of the network's accounts.
pub async fn signer(rpc: &RpcClient, descriptor: &Descriptor, name: &str) -> Result<TxClient> {
    let account = descriptor.account(name).with_context(|| format!("localnet.json names no account {name}"))?;
    let key = hd::derive(&account.mnemonic, 0, 0)?;
    Ok(TxClient::connect(rpc.clone(), key, Some(CHAIN_ID)).await?)
}

/// Makes the provider's home, its example image, and its registration on the chain.
pub async fn prepare_provider(
    layout: &Layout,
    ports: PortPlan,
    descriptor: &Descriptor,
    node: &str,
    steps: &Steps,
) -> Result<()> {
    let home = ProviderHome(layout.provider());
    let images = layout.provider().join("images");
    let mut config = ProviderConfig::new(CHAIN_ID, vec![node.to_owned()]);
    config.gateway_listen = format!("127.0.0.1:{}", ports.gateway());
    config.metrics_listen = format!("127.0.0.1:{}", ports.provider_metrics());
    config.image_layouts = Some(images.clone());
    config.reconcile_seconds = 10;
    let account = descriptor.account("provider").context("localnet.json names no provider account")?;
    let address = provider::init(&home, &config, &account.mnemonic)?;
    // A home that goes on may have been given other ports.
    config.save(&home.config())?;
    write_example_image(&images)?;
    provider::register(&home, BOND, &[("region".to_owned(), "local".to_owned())]).await?;
    steps.done(
        "provider_registered",
        &format!("provider {address} registered with a bond of {BOND} VE"),
        json!({"address": address}),
    );
    Ok(())
}

/// The image of `examples/hello-web`, made from the executable that was compiled with this one.
fn write_example_image(images: &Path) -> Result<()> {
    std::fs::create_dir_all(images)?;
    let server = LayerFile { path: hello_web::PATH.into(), content: hello_web::SERVER.to_vec(), mode: 0o755 };
    let image = ImageBuild {
        files: vec![server],
        entrypoint: vec![format!("/{}", hello_web::PATH)],
        ports: vec![hello_web::PORT],
        ..ImageBuild::default()
    };
    build_oci_layout(&images.join(hello_web::NAME), hello_web::TAG, &image)?;
    Ok(())
}

/// The text of a deployment file that parses.
pub fn read(file: &Path) -> Result<String> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read the deployment file {}", file.display()))?;
    ve_client::sdl::parse(&text).with_context(|| format!("{} is no deployment file", file.display()))?;
    Ok(text)
}

/// Deploys the file for the customer and takes the cheapest bid.
pub async fn deploy(layout: &Layout, customer: &TxClient, text: &str, steps: &Steps) -> Result<Deployed> {
    ve_client::keystore::private_dir(&layout.client())?;
    let options = Options {
        home: layout.client(),
        // Play money only; the real protection of a local network is that nobody else reaches it.
        passphrase: "localnet".into(),
        deposit: None,
        bid_window: Duration::from_millis(500),
        bid_timeout: Duration::from_secs(60),
        run_timeout: Duration::from_secs(90),
    };
    let mut cheapest = |_: &str, bids: &[ve_proto::ve::market::v1::Bid]| (!bids.is_empty()).then_some(0);
    let mut progress = |step: deploy::Step| steps.done(step.name, &step.text, step.data);
    let deadline = tokio::time::Instant::now() + PATIENCE;
    loop {
        match deploy::deploy(customer, text, &options, &mut cheapest, &mut progress).await {
            Ok(deployed) => return Ok(deployed),
            // A process died and is being restarted; the flow goes on where it stopped.
            Err(error) if error.is_transient() && tokio::time::Instant::now() < deadline => {
                tracing::debug!(%error, "the deployment goes on");
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
