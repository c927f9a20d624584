//! What all commands share: where things are, which node, how to sign.

use std::io::Read as _;
use std::os::fd::FromRawFd as _;
use std::path::PathBuf;

use ve_base::Address;
use ve_client::keystore::{KeyStore, Zeroizing};
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
    /// For people or for scripts
    #[arg(long, global = true, value_enum, default_value_t)]
    pub output: Output,
    /// Read the passphrase from the first line of a file
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "passphrase_fd")]
    pub passphrase_file: Option<PathBuf>,
    /// Read the passphrase from an open file descriptor
    #[arg(long, global = true, value_name = "FD")]
    pub passphrase_fd: Option<i32>,
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
        Ok(KeyStore::open(&self.home.join("keys"))?)
    }

    pub fn rpc(&self) -> Result<RpcClient, CliError> {
        Ok(RpcClient::new(&self.global.node)?)
    }

    /// From the file or descriptor, else asked at the terminal. Never from an argument or the environment.
    pub fn passphrase(&self, prompt: &str) -> Result<Zeroizing<String>, CliError> {
        if let Some(path) = &self.global.passphrase_file {
            let file = std::fs::File::open(path)
                .map_err(|cause| CliError::File { path: path.display().to_string(), cause: cause.to_string() })?;
            return first_line(file);
        }
        if let Some(fd) = self.global.passphrase_fd {
            if fd < 0 {
                return Err(CliError::Usage("--passphrase-fd needs a descriptor that is 0 or above".into()));
            }
            #[expect(unsafe_code, reason = "the descriptor was given to this process for this one use")]
            // SAFETY: the caller hands the descriptor over; nothing else in this process owns it.
            let file = unsafe { std::fs::File::from_raw_fd(fd) };
            return first_line(file);
        }
        rpassword::prompt_password(format!("{prompt}: ")).map(Zeroizing::new).map_err(|cause| {
            CliError::Usage(format!("no terminal to ask for the passphrase ({cause}); use --passphrase-file"))
        })
    }

    /// The signer of a key by name, connected to the chain. Also gives the passphrase, which seals the certificate.
    pub async fn signer(&self, name: Option<&str>) -> Result<(TxClient, Zeroizing<String>), CliError> {
        let keys = self.keys()?;
        let name = match name {
            Some(name) => name.to_owned(),
            None => only_key(&keys)?,
        };
        keys.show(&name)?;
        let passphrase = self.passphrase(&format!("Passphrase of key {name}"))?;
        let key = keys.load(&name, &passphrase)?;
        let client = TxClient::connect(self.rpc()?, key, self.global.chain_id.as_deref()).await?;
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

fn first_line(file: std::fs::File) -> Result<Zeroizing<String>, CliError> {
    let mut text = Zeroizing::new(String::new());
    file.take(MAX_PASSPHRASE)
        .read_to_string(&mut text)
        .map_err(|cause| CliError::Failed(format!("the passphrase cannot be read: {cause}")))?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().to_owned()))
}

/// `$XDG_DATA_HOME/virtengine`, else `~/.local/share/virtengine`.
pub fn default_home() -> PathBuf {
    let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || std::env::var_os("HOME").map(PathBuf::from).map(|home| home.join(".local/share"));
    data.or_else(home).unwrap_or_else(|| PathBuf::from(".")).join("virtengine")
}
