//! What all commands share: where things are, which node, how to sign.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use ve_base::Address;
use ve_base::keys::{PublicKey, SecretKey};
use ve_client::keystore::{KeyStore, KeyStoreError, Zeroizing};
use ve_client::{RpcClient, TxClient};

use super::{CliError, Output};

/// Longest passphrase in bytes.
const MAX_PASSPHRASE: u64 = 4096;

#[derive(Clone, Debug, clap::Args)]
pub struct Global {
    /// Folder of keys and certificates [default: the user's data folder]
    #[arg(long, global = true, env = "VIRTENGINE_HOME", value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// Nodes to ask, tried in turn
    #[arg(
        long,
        global = true,
        env = "VIRTENGINE_NODE",
        default_value = "http://127.0.0.1:26657",
        value_delimiter = ','
    )]
    pub node: Vec<String>,
    /// Refuse nodes of another chain
    #[arg(long, global = true, env = "VIRTENGINE_CHAIN_ID")]
    pub chain_id: Option<String>,
    /// Where keys are: sealed with a passphrase, or in the clear for tests
    #[arg(long, global = true, value_enum, default_value_t)]
    pub keyring: Keyring,
    /// For people or for scripts
    #[arg(long, global = true, value_enum, default_value_t)]
    pub output: Output,
    /// Read the passphrase from the first line of a file
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "passphrase_fd")]
    pub passphrase_file: Option<PathBuf>,
    /// Read the passphrase from an open file descriptor
    #[arg(long, global = true, value_name = "FD")]
    pub passphrase_fd: Option<u16>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Keyring {
    /// Sealed with a passphrase of yours
    #[default]
    File,
    /// Readable by whoever reads the files; for local and test chains only
    Test,
}

/// What seals the keys of the test keyring: a secret to nobody.
const TEST_PASSPHRASE: &str = "this keyring hides nothing";

/// Keys of the test keyring may sign for chains whose name says that they are not for real: `ve-local-1`,
/// `ve-testnet-2`. Every other name is taken for a chain with real money.
pub fn is_test_chain(chain_id: &str) -> bool {
    let names = ["local", "localnet", "test", "testnet", "dev", "devnet"];
    chain_id.split('-').any(|word| names.contains(&word))
}

pub struct Context {
    pub global: Global,
    pub home: PathBuf,
}

impl Context {
    pub fn new(global: Global) -> Self {
        let home = global.home.clone().unwrap_or_else(default_home);
        Self { global, home }
    }

    pub fn output(&self) -> Output {
        self.global.output
    }

    pub fn keys(&self) -> Result<KeyStore, CliError> {
        if let Some(chain_id) = &self.global.chain_id {
            self.may_use_keyring(chain_id)?;
        }
        let folder = match self.global.keyring {
            Keyring::File => "keys",
            Keyring::Test => "keys-test",
        };
        Ok(KeyStore::open(&self.home.join(folder))?)
    }

    /// Refuses the test keyring on a chain with real money.
    pub fn may_use_keyring(&self, chain_id: &str) -> Result<(), CliError> {
        if self.global.keyring == Keyring::Test && !is_test_chain(chain_id) {
            return Err(CliError::Usage(format!(
                "the test keyring is for local and test chains, not for {chain_id}; use --keyring file"
            )));
        }
        Ok(())
    }

    pub fn rpc(&self) -> Result<RpcClient, CliError> {
        Ok(RpcClient::new(&self.global.node)?)
    }

    /// From the file or descriptor, else asked at the terminal. Never from an argument or the environment.
    pub fn passphrase(&self, prompt: &str) -> Result<Zeroizing<String>, CliError> {
        if self.global.keyring == Keyring::Test {
            return Ok(Zeroizing::new(TEST_PASSPHRASE.to_owned()));
        }
        let descriptor = self.global.passphrase_fd.map(|fd| PathBuf::from(format!("/dev/fd/{fd}")));
        if let Some(path) = self.global.passphrase_file.clone().or(descriptor) {
            let fail = |cause: String| {
                CliError::Failed(format!("the passphrase in {} cannot be read: {cause}", path.display()))
            };
            let passphrase = first_line(&path).map_err(|cause| fail(cause.to_string()))?;
            return if passphrase.is_empty() { Err(fail("its first line is empty".into())) } else { Ok(passphrase) };
        }
        rpassword::prompt_password(format!("{prompt}: ")).map(Zeroizing::new).map_err(|cause| {
            CliError::Usage(format!("no terminal to ask for the passphrase ({cause}); use --passphrase-file"))
        })
    }

    /// Opens a key, the only one when no name is given. Also gives the passphrase.
    pub fn unlock(&self, name: Option<&str>) -> Result<(SecretKey, Zeroizing<String>), CliError> {
        let keys = self.keys()?;
        let name = match name {
            Some(name) => name.to_owned(),
            None => only_key(&keys)?,
        };
        let info = keys.show(&name)?;
        if matches!(info.public_key, PublicKey::Multisig(_)) {
            return Err(KeyStoreError::NoSecret(name).into());
        }
        let passphrase = self.passphrase(&format!("Passphrase of key {name}"))?;
        Ok((keys.load(&name, &passphrase)?, passphrase))
    }

    /// The signer of a key by name, connected to the chain. Also gives the passphrase, which seals the certificate.
    pub async fn signer(&self, name: Option<&str>) -> Result<(TxClient, Zeroizing<String>), CliError> {
        let (key, passphrase) = self.unlock(name)?;
        let client = TxClient::connect(self.rpc()?, key, self.global.chain_id.as_deref()).await?;
        self.may_use_keyring(client.chain_id())?;
        Ok((client, passphrase))
    }

    /// An address as given, or that of a key.
    pub fn address(&self, text: &str) -> Result<String, CliError> {
        if Address::from_bech32(text, ve_base::ACCOUNT_PREFIX).is_ok() {
            return Ok(text.to_owned());
        }
        Ok(self.keys()?.show(text)?.address.to_string())
    }

    /// The account meant by `--from`, or the only key.
    pub fn own_address(&self, from: Option<&str>) -> Result<String, CliError> {
        match from {
            Some(from) => self.address(from),
            None => self.address(&only_key(&self.keys()?)?),
        }
    }
}

fn only_key(keys: &KeyStore) -> Result<String, CliError> {
    let list = keys.list()?;
    match list.as_slice() {
        [key] => Ok(key.name.clone()),
        [] => Err(CliError::Usage("there is no key yet; run `virtengine keys add NAME`".into())),
        _ => Err(CliError::Usage("there are several keys; choose one with `--from NAME`".into())),
    }
}

fn first_line(path: &Path) -> std::io::Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    std::fs::File::open(path)?.take(MAX_PASSPHRASE).read_to_string(&mut text)?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// `$XDG_DATA_HOME/virtengine`, else `~/.local/share/virtengine`.
pub fn default_home() -> PathBuf {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(PathBuf::from).map(|home| home.join(".local/share"));
    data.or_else(home).unwrap_or_else(|| PathBuf::from(".")).join("virtengine")
}

#[cfg(test)]
#[path = "context_tests.rs"]
mod tests;
