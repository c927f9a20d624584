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
use ve_provider::seal::Seal;

use super::setup::{copy, open_keys};
use crate::daemon;

/// Runs the daemon, its gateway and its metrics until Ctrl-C or SIGTERM.
pub async fn start(home: &Home) -> Result<()> {
    daemon::log("info");
    daemon::listen();
    let config = ProviderConfig::load(&home.config())?;
    let keys = open_keys(home)?;
    let db = Db::open(&home.database())?;
    let backend = open_backend(home, &config, Seal::for_logs(&keys.reports)).await?;
    let seal = Seal::new(&keys.reports);
    let identity = Identity::load(&home.certificate(), &keys.passphrase)?
        .context("there is no gateway certificate yet; run `virtengine provider register`")?;
    let rpc = RpcClient::new(&config.nodes)?;
    let tx = loop {
        match TxClient::connect(rpc.clone(), copy(&keys.operator)?, Some(&config.chain_id)).await {
            Ok(tx) => break tx,
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "waiting for a node");
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
            Err(error) => return Err(error.into()),
        }
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
    let metrics = TcpListener::bind(&daemon.config.metrics_listen)
        .await
        .with_context(|| format!("metrics cannot be served on {}", daemon.config.metrics_listen))?;
    tokio::spawn(ve_provider::metrics::serve(daemon.clone(), metrics));
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

async fn open_backend(home: &Home, config: &ProviderConfig, seal: Seal) -> Result<Arc<dyn Backend>> {
    let mut settings = ContainerConfig::new(home.containers());
    settings.image_layouts.clone_from(&config.image_layouts);
    settings.capacity = config.capacity;
    settings.keep_logs = Some(KeepLogs { time: KEEP_ENDED, seal: Arc::new(seal) });
    Ok(Arc::new(ContainerBackend::open(settings).await?))
}
