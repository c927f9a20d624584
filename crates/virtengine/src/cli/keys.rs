//! `virtengine keys`: make, restore, show and remove the keys of accounts.

use std::io::{IsTerminal as _, Read as _};

use serde_json::{Value, json};
use ve_base::keys::{PublicKey, SecretKey, hd};
use ve_client::keystore::{KeyInfo, Zeroizing};

use super::{CliError, Context};

#[derive(Debug, clap::Subcommand)]
pub enum KeysCommand {
    /// Make a new key and show its 24 words once
    Add {
        name: String,
        /// Account number in the derivation path
        #[arg(long, default_value_t = 0)]
        account: u32,
        /// Index in the derivation path
        #[arg(long, default_value_t = 0)]
        index: u32,
    },
    /// Restore a key from its words, read from standard input or a file
    Recover {
        name: String,
        #[arg(long, default_value_t = 0)]
        account: u32,
        #[arg(long, default_value_t = 0)]
        index: u32,
        /// Read the words from a file
        #[arg(long, value_name = "FILE")]
        words_file: Option<std::path::PathBuf>,
    },
    /// All keys
    List,
    /// One key
    Show {
        name: String,
        /// Print the address only
        #[arg(long)]
        address: bool,
    },
    /// Print a key, sealed with its passphrase
    Export {
        name: String,
        /// Print the secret key itself, in hex; whoever sees it owns the account
        #[arg(long)]
        unsealed: bool,
    },
    /// Remove a key from this machine
    Delete {
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

pub fn run(context: &Context, command: KeysCommand) -> Result<(), CliError> {
    let keys = context.keys()?;
    let output = context.output();
    match command {
        KeysCommand::Add { name, account, index } => {
            let words = new_words()?;
            let info = add(context, &name, derive(&words, account, index)?)?;
            let mut value = shown(&info);
            value["mnemonic"] = words.as_str().into();
            output.print(&value);
            output.note("Write the 24 words down: they are the only way to restore this key.");
        }
        KeysCommand::Recover { name, account, index, words_file } => {
            let words = read_words(words_file.as_deref())?;
            let info = add(context, &name, derive(&words, account, index)?)?;
            output.print(&shown(&info));
        }
        KeysCommand::List => output.print(&keys.list()?.iter().map(shown).collect::<Value>()),
        KeysCommand::Show { name, address } => {
            let info = keys.show(&name)?;
            output.print(&if address { info.address.to_string().into() } else { shown(&info) });
        }
        KeysCommand::Export { name, unsealed: false } => println!("{}", keys.export(&name)?),
        KeysCommand::Export { name, unsealed: true } => {
            keys.show(&name)?;
            let key = keys.load(&name, &context.passphrase(&format!("Passphrase of key {name}"))?)?;
            let bytes = Zeroizing::new(key.to_bytes());
            println!("{}", *Zeroizing::new(hex::encode(bytes.as_slice())));
        }
        KeysCommand::Delete { name, yes } => {
            keys.show(&name)?;
            if !yes {
                super::tx::confirm(&format!("Remove key {name} from this machine? Without its words it is lost."))?;
            }
            keys.delete(&name)?;
            output.print(&json!({"deleted": name}));
        }
    }
    Ok(())
}

fn shown(info: &KeyInfo) -> Value {
    let public_key = match &info.public_key {
        PublicKey::Secp256k1(bytes) => hex::encode(bytes),
        other => hex::encode(other.to_bytes()),
    };
    json!({"name": info.name, "address": info.address.to_string(), "public_key": public_key})
}

fn add(context: &Context, name: &str, key: SecretKey) -> Result<KeyInfo, CliError> {
    let interactive = context.global.passphrase_file.is_none() && context.global.passphrase_fd.is_none();
    let passphrase = context.passphrase("New passphrase")?;
    if interactive && *context.passphrase("Repeat it")? != *passphrase {
        return Err(CliError::Usage("the two passphrases differ".into()));
    }
    Ok(context.keys()?.add(name, &key, &passphrase)?)
}

fn new_words() -> Result<Zeroizing<String>, CliError> {
    let mut entropy = Zeroizing::new([0u8; 32]);
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), entropy.as_mut())
        .map_err(|_| CliError::Failed("the operating system gives no randomness".into()))?;
    hd::mnemonic_from_entropy(&entropy).map_err(|cause| CliError::Failed(cause.to_string()))
}

fn derive(words: &str, account: u32, index: u32) -> Result<SecretKey, CliError> {
    hd::derive(words, account, index).map_err(|cause| CliError::Usage(cause.to_string()))
}

fn read_words(path: Option<&std::path::Path>) -> Result<Zeroizing<String>, CliError> {
    let mut text = Zeroizing::new(String::new());
    let read = match path {
        Some(path) => std::fs::File::open(path).and_then(|file| file.take(4096).read_to_string(&mut text)),
        None => {
            if std::io::stdin().is_terminal() {
                eprint!("Words: ");
                std::io::stdin().read_line(&mut text)
            } else {
                std::io::stdin().take(4096).read_to_string(&mut text)
            }
        }
    };
    read.map_err(|cause| CliError::Failed(format!("the words cannot be read: {cause}")))?;
    Ok(Zeroizing::new(text.split_whitespace().collect::<Vec<_>>().join(" ")))
}
