//! Keys and configuration of a provider, and what the chain must know of it.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use ve_base::keys::{PublicKey, SecretKey, hd};
use ve_base::preimage;
use ve_client::cert::{self, Identity, Role};
use ve_client::keystore::KeyStore;
use ve_client::tx::any;
use ve_client::{RpcClient, TxClient};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::ve::cert::v1::{CertificateState, MsgCreateCertificate};
use ve_proto::ve::provider::v1::{
    Attribute, KeyAlgorithm, KeyUsage, MsgAddProviderKey, MsgBondProvider, MsgCreateProvider, MsgUpdateProvider,
    ProviderInfo, ProviderState, QueryKeysRequest, QueryKeysResponse,
};
use ve_provider::chain::{Chain, REPORT_KEY_ID};
use ve_provider::config::{Home, ProviderConfig};

/// Names in the provider's key store.
const OPERATOR: &str = "operator";
const REPORTS: &str = "reports";
const YEAR: Duration = Duration::from_secs(365 * 86_400);
/// A certificate that ends this soon is replaced.
const RENEWAL: Duration = Duration::from_secs(30 * 86_400);

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

pub(super) struct Keys {
    pub operator: SecretKey,
    pub reports: SecretKey,
    pub passphrase: ve_client::keystore::Zeroizing<String>,
}

pub(super) fn open_keys(home: &Home) -> Result<Keys> {
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
    match &known {
        None => messages.push(any(&MsgCreateProvider {
            owner: owner.clone(),
            host_uri: gateway_uri(&config),
            attributes: attributes
                .iter()
                .map(|(key, value)| Attribute { key: key.clone(), value: value.clone() })
                .collect(),
            info: Some(ProviderInfo { name: "provider".into(), ..ProviderInfo::default() }),
        })),
        // Customers find the gateway by what the chain says.
        Some(provider) if provider.host_uri != gateway_uri(&config) => messages.push(any(&MsgUpdateProvider {
            owner: owner.clone(),
            host_uri: gateway_uri(&config),
            attributes: provider.attributes.clone(),
            info: provider.info.clone(),
        })),
        Some(_) => {}
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
        Some(identity) if usable(tx.rpc(), &owner, &identity).await? => identity,
        _ => {
            let host = config.public_host.clone();
            let identity = Identity::generate(tx.address(), &Role::Gateway(vec![host, "localhost".into()]), YEAR)?;
            identity.save(&home.certificate(), &keys.passphrase)?;
            identity
        }
    };
    if cert::verify_on_chain(tx.rpc(), &identity.certificate).await?.is_none() {
        messages.push(any(&MsgCreateCertificate { owner, certificate: identity.certificate.clone() }));
    }
    if !messages.is_empty() {
        tx.send(messages).await?;
    }
    Ok(())
}

/// A certificate that lasts, and that the chain holds as valid or has never seen: its transaction may be on its way.
async fn usable(rpc: &RpcClient, owner: &str, identity: &Identity) -> Result<bool> {
    let facts = identity.facts()?;
    if facts.not_after <= cert::unix_now().saturating_add(RENEWAL.as_secs()) {
        return Ok(false);
    }
    let seen = cert::find(rpc, owner, &facts.serial, CertificateState::Unspecified).await?;
    Ok(seen.is_empty() || cert::verify_on_chain(rpc, &identity.certificate).await?.is_some())
}

pub(super) fn copy(key: &SecretKey) -> Result<SecretKey> {
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
        usages: vec![KeyUsage::Callback as i32, KeyUsage::Heartbeat as i32],
        ..MsgAddProviderKey::default()
    };
    let proof = key.sign(&preimage::provider_key(chain_id, &message)).to_vec();
    Ok(MsgAddProviderKey { proof, ..message })
}
