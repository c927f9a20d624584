use ve_proto::ve::enclave::v1::*;

use super::support::*;

macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("../../../../../tests/vectors/enclave/", $name)).to_vec()
    };
}

/// What the recorded SEV-SNP report needs.
fn snp_collateral() -> Collateral {
    Collateral {
        vek: vector!("snp_vcek.der"),
        ask: vector!("snp_ask.der"),
        ark: vector!("snp_ark.der"),
        ..Collateral::default()
    }
}

#[test]
fn a_genuine_report_is_refused_for_keys_that_it_does_not_name() {
    let mut chain = chain();
    let mut message = registration(&chain, 0, 1);
    message.tee = Tee::SevSnp.into();
    message.quote = vector!("snp_report.bin");
    message.collateral = Some(snp_collateral());
    let result = chain.deliver(0, &message);
    refused(&result, 2);
    println!("gas of a registration with an SEV-SNP report: {}", result.gas_used);
}

#[test]
fn quotes_of_hardware_are_refused_by_the_check_that_they_fail() {
    let mut chain = chain();
    let mut sgx = registration(&chain, 0, 1);
    sgx.tee = Tee::Sgx.into();
    sgx.quote = vector!("sgx_quote.bin");
    sgx.collateral = Some(Collateral {
        tcb_info: vector!("sgx_tcb_info.json"),
        tcb_info_signature: vector!("sgx_tcb_info.sig"),
        qe_identity: vector!("sgx_qe_identity.json"),
        qe_identity_signature: vector!("sgx_qe_identity.sig"),
        tcb_signer: vector!("sgx_tcb_signer.der"),
        root_crl: vector!("sgx_root_crl.der"),
        pck_crl: vector!("sgx_pck_crl.der"),
        ..Collateral::default()
    });
    // The statements were issued four days after this chain began; then the platform itself is not good enough.
    refused(&chain.deliver(0, &sgx), 110);
    chain.time = chain.time.plus_seconds(1_000_000);
    chain.run(Vec::new());
    (sgx.anchor_height, sgx.epoch) = (chain.height, epoch(&chain));
    refused(&chain.deliver(0, &sgx), 117);

    let mut nitro = registration(&chain, 0, 1);
    nitro.tee = Tee::Nitro.into();
    nitro.quote = vector!("nitro_document.bin");
    refused(&chain.deliver(0, &nitro), 119);

    let mut debug = registration(&chain, 0, 1);
    debug.tee = Tee::SevSnp.into();
    debug.quote = vector!("snp_report.bin");
    debug.quote[10] |= 8;
    debug.collateral = Some(snp_collateral());
    refused(&chain.deliver(0, &debug), 103);
}
