//! `virtengine keys`: make, restore, show and remove the keys of accounts.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use ve_base::Address;
use ve_base::keys::{Multisig, PublicKey, SecretKey, hd};
use ve_client::keystore::{self, KeyInfo, KeyStore, Zeroizing};

use super::context::Keyring;
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
        words_file: Option<PathBuf>,
    },
    /// All keys
    List,
    /// One key
    Show {
        name: String,
        /// Print the address only
        #[arg(long)]
        address: bool,
        /// Write the address as that of an account, of a validator's operator or of a consensus key
        #[arg(long, value_enum, default_value_t)]
        bech: Bech,
    },
    /// Keep an account that several keys own together
    Multisig {
        name: String,
        /// How many members must sign
        #[arg(long, value_name = "K")]
        threshold: u32,
        /// Names of keys, or public keys in hex
        #[arg(long, value_name = "KEY,KEY", value_delimiter = ',', required = true)]
        members: Vec<String>,
        /// The address depends on the order of the members; without this they are sorted by their addresses
        #[arg(long)]
        keep_order: bool,
    },
    /// Print a key, sealed with its passphrase (Argon2id), for `keys import`
    Export {
        name: String,
        /// Print the secret key itself, in hex; whoever sees it owns the account
        #[arg(long)]
        unsealed: bool,
    },
    /// Take over what `keys export` printed; the key keeps its passphrase
    Import {
        name: String,
        /// Where it was saved; `-` is standard input
        file: PathBuf,
    },
    /// Remove a key from this machine
    Delete {
        name: String,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Bech {
    #[default]
    #[value(alias = "account")]
    Acc,
    #[value(alias = "validator")]
    Val,
    #[value(alias = "consensus")]
    Cons,
}

impl Bech {
    fn write(self, address: &Address) -> String {
        match self {
            Self::Acc => address.to_string(),
            Self::Val => address.to_bech32(ve_base::OPERATOR_PREFIX),
            Self::Cons => address.to_bech32(ve_base::CONSENSUS_PREFIX),
        }
    }
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
        KeysCommand::Show { name, address, bech } => {
            let info = keys.show(&name)?;
            let mut value = shown(&info);
            value["address"] = bech.write(&info.address).into();
            output.print(if address { &value["address"] } else { &value });
        }
        KeysCommand::Multisig { name, threshold, members, keep_order } => {
            let key = multisig(&keys, threshold, &members, keep_order)?;
            output.print(&shown(&keys.add_multisig(&name, &key)?));
        }
        KeysCommand::Import { name, file } => output.print(&shown(&import(context, &name, &file)?)),
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

fn public_key(key: &PublicKey) -> String {
    match key {
        PublicKey::Secp256k1(bytes) => hex::encode(bytes),
        other => hex::encode(other.to_bytes()),
    }
}

fn shown(info: &KeyInfo) -> Value {
    let mut value = json!({"name": info.name, "address": info.address.to_string()});
    match &info.public_key {
        PublicKey::Multisig(multisig) => {
            value["threshold"] = multisig.threshold().into();
            value["members"] = multisig.members().iter().map(public_key).collect();
        }
        key => value["public_key"] = public_key(key).into(),
    }
    value
}

fn multisig(keys: &KeyStore, threshold: u32, members: &[String], keep_order: bool) -> Result<Multisig, CliError> {
    let member = |text: &String| match keystore::public_key(text) {
        Some(key) => Ok(key),
        None => keys.show(text).map(|info| info.public_key),
    };
    let mut members: Vec<PublicKey> = members.iter().map(member).collect::<Result<_, _>>()?;
    if !keep_order {
        members.sort_by_key(|member| member.address().as_bytes().to_vec());
    }
    if (1..members.len()).any(|index| members[..index].contains(&members[index])) {
        return Err(CliError::Usage("a member is named twice; name each once".into()));
    }
    Multisig::new(threshold, members).map_err(|cause| CliError::Usage(cause.to_string()))
}

/// Longest exported key in bytes.
const MAX_EXPORT: u64 = 64 << 10;

fn import(context: &Context, name: &str, file: &Path) -> Result<KeyInfo, CliError> {
    let keys = context.keys()?;
    let mut text = String::new();
    let read = if file == Path::new("-") {
        std::io::stdin().take(MAX_EXPORT).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|file| file.take(MAX_EXPORT).read_to_string(&mut text))
    };
    read.map_err(|cause| CliError::File { path: file.display().to_string(), cause: cause.to_string() })?;
    // Before the passphrase: nobody should type it for a text that is no key.
    let passphrase = match keystore::is_sealed(&text)? {
        true => context.passphrase("Passphrase of the exported key")?,
        false => Zeroizing::default(),
    };
    Ok(keys.import(name, &text, &passphrase)?)
}

fn add(context: &Context, name: &str, key: SecretKey) -> Result<KeyInfo, CliError> {
    let given = context.global.passphrase_file.is_some() || context.global.passphrase_fd.is_some();
    let interactive = !given && context.global.keyring == Keyring::File;
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

fn read_words(path: Option<&Path>) -> Result<Zeroizing<String>, CliError> {
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
