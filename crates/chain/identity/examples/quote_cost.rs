//! What verifying a quote costs beside verifying the signature of a transaction, whose gas is 1,000. Run it optimized:
//! `cargo run --release -p ve-chain-identity --example quote_cost`.

use std::time::Instant;

use ve_base::keys::hd;
use ve_chain_identity::enclave::quote::{Policy, gas, verify};
use ve_proto::ve::enclave::v1::{Collateral, Tee};

const SIGNATURE_GAS: f64 = 1_000.0;
const PHRASE: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";

macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/vectors/enclave/", $name)).to_vec()
    };
}

/// Microseconds of one call: the least of a few rounds, which other load disturbs least.
fn time(mut call: impl FnMut()) -> f64 {
    let round = |call: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..20).for_each(|_| call());
        start.elapsed().as_secs_f64() * 1e6 / 20.0
    };
    (0..10).map(|_| round(&mut call)).fold(f64::INFINITY, f64::min)
}

fn main() {
    let key = hd::derive(PHRASE, 0, 0).expect("the phrase is valid");
    let signature = key.sign(b"message");
    let unit = time(|| key.public_key().verify(b"message", &signature).expect("it is genuine"));
    println!("signature of a transaction: {unit:.0} us, {SIGNATURE_GAS} gas");
    let sgx = Collateral {
        tcb_info: vector!("sgx_tcb_info.json"),
        tcb_info_signature: vector!("sgx_tcb_info.sig"),
        qe_identity: vector!("sgx_qe_identity.json"),
        qe_identity_signature: vector!("sgx_qe_identity.sig"),
        tcb_signer: vector!("sgx_tcb_signer.der"),
        root_crl: vector!("sgx_root_crl.der"),
        pck_crl: vector!("sgx_pck_crl.der"),
        ..Collateral::default()
    };
    let snp = Collateral {
        vek: vector!("snp_vcek.der"),
        ask: vector!("snp_ask.der"),
        ark: vector!("snp_ark.der"),
        ..Collateral::default()
    };
    // Whatever the outcome, every signature has been verified: the platform's state is taken, user data come last.
    let lenient = Policy { statuses: &["UpToDate", "ConfigurationAndSWHardeningNeeded"], ..Policy::production() };
    for (tee, quote, collateral, now) in [
        (Tee::Sgx, vector!("sgx_quote.bin"), sgx, 1_751_000_000),
        (Tee::SevSnp, vector!("snp_report.bin"), snp, 1_751_000_000),
        (Tee::Nitro, vector!("nitro_document.bin"), Collateral::default(), 1_752_827_990),
    ] {
        let taken = time(|| {
            let outcome = verify(tee, &quote, &collateral, now, &lenient);
            assert!(outcome.is_ok() || tee == Tee::Nitro, "{outcome:?}");
        });
        let fair = taken / unit * SIGNATURE_GAS;
        let charged = f64::from(u32::try_from(gas(tee)).expect("small"));
        println!(
            "{}: {taken:.0} us, fair {fair:.0} gas, charged {charged} gas, ratio {:.2}",
            tee.as_str_name(),
            charged / fair
        );
    }
}
