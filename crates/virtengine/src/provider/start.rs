//! `virtengine provider start`.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::net::TcpListener;
use tokio::sync::watch;
use ve_client::cert::Identity;
use ve_client::{RpcClient, TxClient};
use ve_provider::admin;
use ve_provider::backend::Backend;
use ve_provider::backend::container::{ContainerBackend, ContainerConfig, KeepLogs};
use ve_provider::chain::Chain;
use ve_provider::config::{Home, ProviderConfig};
use ve_provider::daemon::{Daemon, KEEP_ENDED};
use ve_provider::db::Db;
use ve_provider::desk;
use ve_provider::gateway::{Gateway, GatewayConfig, Limits, ServerIdentity};
use ve_provider::metrics::Startup;
use ve_provider::seal::Seal;

use super::setup::{Keys, copy, open_keys};
use crate::daemon;

/// Runs the daemon, its gateway and its metrics until Ctrl-C or SIGTERM.
pub async fn start(home: &Home) -> Result<()> {
    daemon::log("info");
    daemon::listen();
    let config = ProviderConfig::load(&home.config())?;
    // Before anything that may take its time: whoever watches the daemon is told what it waits for.
    let metrics = TcpListener::bind(&config.metrics_listen)
        .await
        .with_context(|| format!("metrics cannot be served on {}", config.metrics_listen))?;
    let startup = Arc::new(Startup::default());
    tokio::spawn(ve_provider::metrics::serve(startup.clone(), metrics));
    let keys = open_keys(home)?;
    let db = Db::open(&home.database())?;
    let backend = open_backend(home, &config, Seal::for_logs(&keys.reports)).await?;
    let seal = Seal::new(&keys.reports);
    let identity = Identity::load(&home.certificate(), &keys.passphrase)?
        .context("there is no gateway certificate yet; run `virtengine provider register`")?;
    let tx = tokio::select! {
        tx = connect(&config, &keys, &startup) => tx?,
        () = daemon::asked_to_stop() => return Ok(()),
    };
    let listener = TcpListener::bind(&config.gateway_listen)
        .await
        .with_context(|| format!("the gateway cannot listen on {}", config.gateway_listen))?;
    let daemon = Daemon::new(config, db, Chain::new(tx, keys.reports), backend, seal);
    let daemon = Arc::new(daemon.watch_prices(home.config()));
    daemon.counters.certificate_ends.set(identity.facts()?.not_after);
    let server = ServerIdentity::new(
        identity.certificate.clone(),
        rustls::pki_types::PrivateKeyDer::Pkcs8(identity.key.to_vec().into()),
    )?;
    let (directory, service) = desk::parts(&daemon);
    let gateway = GatewayConfig { provider: daemon.chain.address.clone(), limits: Limits::default() };
    let gateway = Gateway::new(gateway, server, directory, service)?;
    startup.runs(daemon.clone());
    let (operated, place) = (daemon.clone(), home.clone());
    tokio::spawn(async move {
        if let Err(error) = admin::serve(operated, place).await {
            tracing::error!(%error, "operators cannot reach the running daemon");
        }
    });
    let (stop, stopped) = watch::channel(false);
    let mut gateway_stop = stopped.clone();
    let serving = tokio::spawn(gateway.serve(listener, async move {
        let _ = gateway_stop.wait_for(|stopped| *stopped).await;
    }));
    tokio::spawn(async move {
        daemon::asked_to_stop().await;
        stop.send_replace(true);
    });
    tracing::info!(address = daemon.chain.address, "provider daemon runs");
    let ended = daemon.run(stopped).await;
    let _ = tokio::time::timeout(Duration::from_secs(6), serving).await;
    Ok(ended?)
}

/// Waits for a node of the daemon's chain.
async fn connect(config: &ProviderConfig, keys: &Keys, startup: &Startup) -> Result<TxClient> {
    let rpc = RpcClient::new(&config.nodes)?;
    startup.waits_for_chain("no answer yet");
    loop {
        match TxClient::connect(rpc.clone(), copy(&keys.operator)?, Some(&config.chain_id)).await {
            Ok(tx) => return Ok(tx),
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "waiting for a node");
                startup.waits_for_chain(&error.to_string());
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(error) => return Err(error.into()),
        }
    }
}

async fn open_backend(home: &Home, config: &ProviderConfig, seal: Seal) -> Result<Arc<dyn Backend>> {
    let mut settings = ContainerConfig::new(home.containers());
    settings.image_layouts.clone_from(&config.image_layouts);
    settings.capacity = config.capacity;
    settings.keep_logs = Some(KeepLogs { time: KEEP_ENDED, seal: Arc::new(seal) });
    Ok(Arc::new(ContainerBackend::open(settings).await?))
}
