//! What the gateway measured of the device and the network of a capture, as JSON. Points: identity-ml.md section 3.18.
//!
//! Nothing here is believed because a device says it: `integrity` is the verdict that the gateway got from the platform's
//! own service, and the rest is what it measured itself.

use serde::Deserialize;
use ve_inference::features::id;

use crate::{Circumstances, Extract, ExtractError, Extraction};

#[cfg(test)]
#[path = "device_tests.rs"]
mod tests;

/// Faster than any aircraft that people fly in, km/h.
const TOO_FAST: u32 = 900;
/// Accounts from one network of 256 addresses in a day that are still ordinary.
const ORDINARY_ACCOUNTS: u32 = 5;

/// Reads the gateway's measurements.
pub struct Device;

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Integrity {
    /// Keys in hardware, the boot chain verified.
    Hardware,
    Strong,
    Basic,
    /// A platform without such a service.
    Unsupported,
    /// Failed, rooted or emulated.
    Failed,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Network {
    Residential,
    Mobile,
    Hosting,
    Vpn,
    Tor,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Measured {
    integrity: Integrity,
    network: Network,
    /// Two capital letters each: of the address, then of what is known besides.
    ip_country: String,
    #[serde(default)]
    issuer_country: Option<String>,
    #[serde(default)]
    gps_country: Option<String>,
    #[serde(default)]
    sim_country: Option<String>,
    /// Accounts from the address's network in 24 hours, this one included.
    accounts_in_network: u32,
    /// Between the place of the address and that of the device.
    #[serde(default)]
    gps_distance_km: Option<u32>,
    /// From the place of the last capture.
    #[serde(default)]
    speed_kmh: Option<u32>,
}

impl Measured {
    fn others(&self) -> impl Iterator<Item = &String> {
        [&self.issuer_country, &self.gps_country, &self.sim_country].into_iter().flatten()
    }

    fn integrity(&self) -> u16 {
        match self.integrity {
            Integrity::Hardware => 10_000,
            Integrity::Strong => 8000,
            Integrity::Basic => 5000,
            Integrity::Unsupported => 2500,
            Integrity::Failed => 0,
        }
    }

    /// Share of the other countries that agree with the address's, at most 3000 for a hidden origin.
    fn network(&self) -> u16 {
        let (agree, all) = self
            .others()
            .fold((0u16, 0u16), |(agree, all), country| (agree + u16::from(*country == self.ip_country), all + 1));
        // At most three others.
        let share = (agree * 10_000).checked_div(all).unwrap_or(5000);
        match self.network {
            _ if self.accounts_in_network > ORDINARY_ACCOUNTS => 0,
            Network::Tor => 0,
            Network::Hosting | Network::Vpn => share.min(3000),
            Network::Residential | Network::Mobile => share,
        }
    }

    /// `None` where no place of the device is known.
    fn place(&self) -> Option<u16> {
        if self.speed_kmh.is_some_and(|speed| speed > TOO_FAST) {
            return Some(0);
        }
        Some(match self.gps_distance_km? {
            0..=100 => 10_000,
            101..=500 => 7000,
            501..=2000 => 4000,
            _ => 1000,
        })
    }
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

impl Extract for Device {
    fn limit(&self) -> usize {
        2048
    }

    fn read(&self, input: &[u8], _: &Circumstances) -> Result<Extraction, ExtractError> {
        let form = || ExtractError::Form("it is not what a gateway measures of a device");
        let measured: Measured = serde_json::from_slice(input).map_err(|_| form())?;
        if !measured.others().chain([&measured.ip_country]).all(|country| is_country(country)) {
            return Err(ExtractError::Form("countries are two capital letters"));
        }
        let mut out = Extraction::default();
        out.features.insert(id::DEVICE_INTEGRITY, measured.integrity());
        out.features.insert(id::IP_REPUTATION, measured.network());
        if let Some(points) = measured.place() {
            out.features.insert(id::GEO_CONSISTENCY, points);
        }
        let problems = [
            (measured.integrity() == 0, "the device failed its platform's check"),
            (matches!(measured.network, Network::Tor), "the address hides where it comes from"),
            (measured.accounts_in_network > ORDINARY_ACCOUNTS, "too many accounts come from this network"),
            (measured.place() == Some(0), "nobody travels so fast"),
        ];
        out.problems = problems.iter().filter(|(holds, _)| *holds).map(|(_, text)| (*text).to_owned()).collect();
        Ok(out)
    }
}
