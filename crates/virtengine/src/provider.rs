//! `virtengine provider`: set up, register and run a provider's daemon.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tokio::net::TcpListener;
use tokio::sync::watch;
use ve_base::keys::{PublicKey, SecretKey, hd};
use ve_base::preimage;
use ve_client::cert::{Identity, Role};
use ve_client::keystore::KeyStore;
use ve_client::tx::any;
use ve_client::{RpcClient, TxClient};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::ve::cert::v1::MsgCreateCertificate;
use ve_proto::ve::provider::v1::{
    Attribute, KeyAlgorithm, KeyUsage, MsgAddProviderKey, MsgBondProvider, MsgCreateProvider, ProviderInfo,
    ProviderState, QueryKeysRequest, QueryKeysResponse,
};
use ve_provider::backend::Backend;
use ve_provider::backend::container::{ContainerBackend, ContainerConfig};
use ve_provider::chain::{Chain, REPORT_KEY_ID};
use ve_provider::config::{Home, ProviderConfig};
use ve_provider::daemon::Daemon;
use ve_provider::db::Db;
use ve_provider::desk;
use ve_provider::gateway::{Gateway, GatewayConfig, Limits, ServerIdentity};
use ve_provider::seal::Seal;

use crate::cli::Global;
use crate::daemon;

/// Names in the provider's key store.
const OPERATOR: &str = "operator";
const REPORTS: &str = "reports";
const YEAR: Duration = Duration::from_secs(365 * 86_400);

#[derive(Debug, clap::Subcommand)]
pub enum ProviderCommand {
    /// Create keys and a configuration
    Init,
    /// Register on the chain: provider, bond, daemon key, gateway certificate
    Register {
        /// Bond in VE
        #[arg(long, default_value_t = 1000)]
        bond: u64,
        /// Attribute that customers can ask for, as KEY=VALUE
        #[arg(long = "attribute", value_name = "KEY=VALUE")]
        attributes: Vec<String>,
    },
    /// Run until Ctrl-C; workloads keep running
    Start,
}

fn home(global: &Global) -> Home {
    Home(global.home.clone().unwrap_or_else(|| PathBuf::from("virtengine-provider")))
}

pub async fn run(global: &Global, command: ProviderCommand) -> Result<()> {
    let home = home(global);
    match command {
        ProviderCommand::Init => {
            let rpc = RpcClient::new(&global.node)?;
            let chain_id = rpc.status().await?.chain_id;
            let phrase = new_phrase()?;
            let address = init(&home, &ProviderConfig::new(&chain_id, global.node.clone()), &phrase)?;
            println!("provider account  {address}");
            println!("write these words down; they are shown once:\n{}", phrase.as_str());
            println!("next: send VE to the account, edit {}, then `provider register`", home.config().display());
            Ok(())
        }
        ProviderCommand::Register { bond, attributes } => {
            let attributes = attributes
                .iter()
                .map(|text| text.split_once('=').with_context(|| format!("{text:?} is not KEY=VALUE")))
                .map(|pair| pair.map(|(key, value)| (key.to_owned(), value.to_owned())))
                .collect::<Result<Vec<_>>>()?;
            register(&home, bond, &attributes).await
        }
        ProviderCommand::Start => start(&home).await,
    }
}

/// 24 new words.
pub fn new_phrase() -> Result<ve_client::keystore::Zeroizing<String>> {
    let mut entropy = ve_client::keystore::Zeroizing::new([0; 32]);
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), entropy.as_mut_slice())
        .ok()
        .context("the operating system gives no random numbers")?;
    Ok(hd::mnemonic_from_entropy(&entropy)?)
}

/// Writes configuration, passphrase and sealed keys; returns the provider's address.
pub fn init(home: &Home, config: &ProviderConfig, phrase: &str) -> Result<String> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    std::fs::create_dir_all(&home.0).with_context(|| format!("cannot create {}", home.0.display()))?;
    std::fs::set_permissions(&home.0, std::fs::Permissions::from_mode(0o700))?;
    if !home.config().exists() {
        config.save(&home.config())?;
    }
    if !home.passphrase().exists() {
        let passphrase = new_phrase()?;
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(home.passphrase())?;
        std::io::Write::write_all(&mut file, passphrase.as_bytes())?;
    }
    let passphrase = passphrase(home)?;
    let keys = KeyStore::open(&home.keys())?;
    if keys.show(OPERATOR).is_err() {
        keys.add(OPERATOR, &hd::derive(phrase, 0, 0)?, &passphrase)?;
    }
    if keys.show(REPORTS).is_err() {
        keys.add(REPORTS, &hd::derive(&new_phrase()?, 0, 0)?, &passphrase)?;
    }
    Ok(keys.show(OPERATOR)?.address.to_string())
}

fn passphrase(home: &Home) -> Result<ve_client::keystore::Zeroizing<String>> {
    let bytes = std::fs::read_to_string(home.passphrase())
        .with_context(|| format!("cannot read {}; run `virtengine provider init`", home.passphrase().display()))?;
    Ok(ve_client::keystore::Zeroizing::new(bytes.trim().to_owned()))
}

struct Keys {
    operator: SecretKey,
    reports: SecretKey,
    passphrase: ve_client::keystore::Zeroizing<String>,
}

fn open_keys(home: &Home) -> Result<Keys> {
    let passphrase = passphrase(home)?;
    let keys = KeyStore::open(&home.keys())?;
    Ok(Keys { operator: keys.load(OPERATOR, &passphrase)?, reports: keys.load(REPORTS, &passphrase)?, passphrase })
}

/// Brings the chain to know this provider; what is there already is not sent again.
pub async fn register(home: &Home, bond: u64, attributes: &[(String, String)]) -> Result<()> {
    let config = ProviderConfig::load(&home.config())?;
    let keys = open_keys(home)?;
    let tx = TxClient::connect(RpcClient::new(&config.nodes)?, keys.operator, Some(&config.chain_id)).await?;
    let chain = Chain::new(tx.clone(), copy(&keys.reports)?);
    let owner = chain.address.clone();
    let known = chain.provider().await?;
    let mut messages = Vec::new();
    if known.is_none() {
        messages.push(any(&MsgCreateProvider {
            owner: owner.clone(),
            host_uri: gateway_uri(&config),
            attributes: attributes
                .iter()
                .map(|(key, value)| Attribute { key: key.clone(), value: value.clone() })
                .collect(),
            info: Some(ProviderInfo { name: "provider".into(), ..ProviderInfo::default() }),
        }));
    }
    let answer: QueryKeysResponse = tx
        .rpc()
        .query("/ve.provider.v1.Query/Keys", &QueryKeysRequest { owner: owner.clone() })
        .await
        .unwrap_or_default();
    if !answer.keys.iter().any(|key| key.key_id == REPORT_KEY_ID) {
        messages.push(any(&daemon_key(tx.chain_id(), &owner, &keys.reports)?));
    }
    if known.is_none_or(|provider| provider.state == ProviderState::Pending as i32) {
        let amount = Coin { denom: ve_base::BASE_DENOM.into(), amount: (bond * 1_000_000).to_string() };
        messages.push(any(&MsgBondProvider { owner: owner.clone(), amount: Some(amount) }));
    }
    let identity = match Identity::load(&home.certificate(), &keys.passphrase)? {
        Some(identity) => identity,
        None => {
            let host = config.public_host.clone();
            let identity = Identity::generate(tx.address(), &Role::Gateway(vec![host, "localhost".into()]), YEAR)?;
            identity.save(&home.certificate(), &keys.passphrase)?;
            identity
        }
    };
    if ve_client::cert::verify_on_chain(tx.rpc(), &identity.certificate).await?.is_none() {
        messages.push(any(&MsgCreateCertificate { owner, certificate: identity.certificate.clone() }));
    }
    if !messages.is_empty() {
        tx.send(messages).await?;
    }
    Ok(())
}

fn copy(key: &SecretKey) -> Result<SecretKey> {
    Ok(SecretKey::from_bytes(key.to_bytes())?)
}

fn gateway_uri(config: &ProviderConfig) -> String {
    let port = config.gateway_listen.rsplit(':').next().unwrap_or("8443");
    format!("https://{}:{port}", config.public_host)
}

fn daemon_key(chain_id: &str, owner: &str, key: &SecretKey) -> Result<MsgAddProviderKey> {
    let PublicKey::Secp256k1(public_key) = key.public_key() else { bail!("the daemon key has another type") };
    let message = MsgAddProviderKey {
        owner: owner.to_owned(),
        key_id: REPORT_KEY_ID.into(),
        algorithm: KeyAlgorithm::Secp256k1 as i32,
        public_key: public_key.to_vec(),
        usages: vec![KeyUsage::Callback as i32],
        proof: Vec::new(),
    };
    let proof = key.sign(&preimage::provider_key(chain_id, &message)).to_vec();
    Ok(MsgAddProviderKey { proof, ..message })
}

async fn start(home: &Home) -> Result<()> {
    daemon::log("info");
    daemon::listen();
    let config = ProviderConfig::load(&home.config())?;
    let keys = open_keys(home)?;
    let db = Db::open(&home.database())?;
    let backend = open_backend(home, &config).await?;
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
    let daemon = Arc::new(Daemon::new(config, db, Chain::new(tx, keys.reports), backend, seal));
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

async fn open_backend(home: &Home, config: &ProviderConfig) -> Result<Arc<dyn Backend>> {
    let mut settings = ContainerConfig::new(home.containers());
    settings.image_layouts.clone_from(&config.image_layouts);
    settings.capacity = config.capacity;
    Ok(Arc::new(ContainerBackend::open(settings).await?))
}
