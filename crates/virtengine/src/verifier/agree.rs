//! What a committee agrees on, computed anew from the features that its members revealed.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};
use ve_verifier::inference::agreement::{Member, Reveal, Tolerance, agree};
use ve_verifier::inference::{Features, features};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Opened {
    member: String,
    /// 32 bytes in hexadecimal.
    nonce: String,
    /// 140 bytes in hexadecimal.
    features: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    committee_size: usize,
    reveals: Vec<Opened>,
    /// Attested and chain features at the end of the reveals, by name.
    #[serde(default)]
    state: BTreeMap<String, u16>,
}

/// Members, features and digest of the agreement.
pub fn run(bytes: &[u8]) -> Result<Value> {
    let run: Run = serde_json::from_slice(bytes).context("this does not describe what a committee revealed")?;
    let mut reveals: BTreeMap<Member, Reveal> = BTreeMap::new();
    for opened in &run.reveals {
        if reveals.insert(opened.member.as_bytes().to_vec(), reveal(opened)?).is_some() {
            bail!("{} reveals twice", opened.member);
        }
    }
    if reveals.len() > run.committee_size {
        bail!("{} members reveal, the committee has {}", reveals.len(), run.committee_size);
    }
    let state = run.state.iter().map(|(name, value)| Ok((super::feature(name)?, *value)));
    let state = state.collect::<Result<BTreeMap<usize, u16>>>()?;
    let agreed = agree(run.committee_size, &reveals, &state, Tolerance::default())?;
    let names: Vec<_> = agreed.members.iter().map(|member| String::from_utf8_lossy(member)).collect();
    Ok(json!({
        "members": names,
        "features": hex::encode(agreed.features.encode()),
        "present": (0..features::COUNT).filter(|at| agreed.features.get(*at).is_some()).map(features::name).collect::<Vec<_>>(),
        "salt": hex::encode(agreed.salt),
        "digest": hex::encode(agreed.features.salted_digest(&agreed.salt)),
    }))
}

fn reveal(opened: &Opened) -> Result<Reveal> {
    let nonce = hex::decode(&opened.nonce).ok().and_then(|bytes| bytes.try_into().ok());
    let bytes = hex::decode(&opened.features).context("features are hexadecimal")?;
    Ok(Reveal {
        nonce: nonce.context("a nonce is 64 hexadecimal digits")?,
        features: Features::decode(&bytes).with_context(|| format!("{} reveals no features", opened.member))?,
    })
}
