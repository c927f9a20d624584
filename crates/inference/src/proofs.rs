//! What proofs of the web and of governments add to a composite score, in basis points. Source: identity.md section 4.2.

use std::collections::BTreeMap;

#[cfg(test)]
#[path = "proofs_tests.rs"]
mod tests;

/// Where somebody logs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Login {
    Google,
    Microsoft,
    GitHub,
    OpenId,
    EduGain,
    EnterpriseOidc,
    EnterpriseSaml,
    EnterpriseLdap,
}

/// A social network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Network {
    Google,
    Facebook,
    Microsoft,
}

/// A proof of the web with what makes it worth more. Years are full years that it has held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Proof {
    Email { organisational: bool, years: u64 },
    Sms { mobile: bool, years: u64 },
    Domain { wildcard: bool, years: u64 },
    Login(Login),
    Social { network: Network, age_days: u64, verified: bool, name_matches: bool },
}

/// Two proofs of one kind do not add up.
type Kind = (u8, Option<Login>, Option<Network>);

impl Proof {
    fn kind(&self) -> Kind {
        match self {
            Self::Email { .. } => (0, None, None),
            Self::Sms { .. } => (1, None, None),
            Self::Domain { .. } => (2, None, None),
            Self::Login(login) => (3, Some(*login), None),
            Self::Social { network, .. } => (4, None, Some(*network)),
        }
    }

    /// Basis points of this proof alone.
    pub fn points(&self) -> u64 {
        let bonus = |holds: bool, points: u64| if holds { points } else { 0 };
        match self {
            Self::Email { organisational, years } => 300 + bonus(*organisational, 200) + 25 * years.min(&4),
            Self::Sms { mobile, years } => 300 + bonus(*mobile, 200) + 25 * years.min(&4),
            Self::Domain { wildcard, years } => 750 + bonus(*wildcard, 100) + 50 * years.min(&4),
            Self::Login(login) => match login {
                Login::Google => 250,
                Login::Microsoft | Login::EnterpriseLdap => 300,
                Login::GitHub => 200,
                Login::OpenId => 150,
                Login::EduGain | Login::EnterpriseSaml => 350,
                Login::EnterpriseOidc => 400,
            },
            Self::Social { network, age_days, verified, name_matches } => {
                let base = match network {
                    Network::Google => 280,
                    Network::Facebook => 220,
                    Network::Microsoft => 300,
                };
                let age = match age_days {
                    0..90 => 0,
                    90..180 => 60,
                    180..365 => 90,
                    365..730 => 130,
                    730..1461 => 170,
                    _ => 220,
                };
                base + age + bonus(*verified, 120) + bonus(*name_matches, 150)
            }
        }
    }
}

/// Sum of the proofs, each with the digest of the account upstream that it rests on. The same upstream account counts
/// once, as does each kind: the proof that is worth most. Not yet limited to what a composite score takes.
pub fn web(proofs: &[(Proof, [u8; 32])]) -> u64 {
    let mut ranked: Vec<(u64, Kind, [u8; 32])> =
        proofs.iter().map(|(proof, upstream)| (proof.points(), proof.kind(), *upstream)).collect();
    // Whichever order they come in, the same ones count.
    ranked.sort_unstable_by(|one, other| other.cmp(one));
    let (mut accounts, mut kinds) = (BTreeMap::new(), BTreeMap::new());
    for (points, kind, upstream) in ranked {
        if !accounts.contains_key(&upstream) && !kinds.contains_key(&kind) {
            accounts.insert(upstream, ());
            kinds.insert(kind, points);
        }
    }
    kinds.values().sum()
}

/// Sum of the matches with data of governments, as `(confidence in basis points, age in days)`: 1500 times the
/// confidence, 500 more for the second, half of it after 180 days; a confidence below 7000 is no match.
pub fn government(matches: &[(u64, u64)]) -> u64 {
    let aged = |points: u64, days: u64| if days > 180 { points / 2 } else { points };
    let mut ranked: Vec<(u64, u64)> = matches
        .iter()
        .filter(|(confidence, _)| *confidence >= 7000)
        .map(|(c, days)| (*c.min(&crate::BP), *days))
        .collect();
    ranked.sort_unstable_by_key(|(confidence, days)| (std::cmp::Reverse(*confidence), *days));
    let points = |(at, (confidence, days)): (usize, &(u64, u64))| {
        aged(1500 * confidence / crate::BP + if at == 1 { 500 } else { 0 }, *days)
    };
    ranked.iter().enumerate().map(points).sum()
}
