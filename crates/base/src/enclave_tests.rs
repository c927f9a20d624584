use super::{Claim, Simulated, heartbeat, report_data};
use ve_proto::ve::enclave::v1::MsgEnclaveHeartbeat;

#[test]
fn every_part_of_a_claim_changes_the_report_data() {
    let claim = Claim { validator: "ve1a", enc_pubkey: &[1; 32], sig_pubkey: &[2; 32], epoch: 3 };
    let data = report_data("ve-1", &claim, &[4; 32]);
    assert_ne!(report_data("ve-2", &claim, &[4; 32]), data);
    assert_ne!(report_data("ve-1", &claim, &[5; 32]), data);
    for other in [
        Claim { validator: "ve1b", ..claim },
        Claim { enc_pubkey: &[2; 32], ..claim },
        Claim { sig_pubkey: &[1; 32], ..claim },
        Claim { epoch: 4, ..claim },
    ] {
        assert_ne!(report_data("ve-1", &other, &[4; 32]), data, "{other:?}");
    }
}

#[test]
fn every_field_of_a_heartbeat_is_signed() {
    let message = MsgEnclaveHeartbeat { validator: "ve1a".into(), enclave_id: 1, seq: 2, at: 3, ..Default::default() };
    let signed = heartbeat("ve-1", &message);
    let changes: [fn(&mut MsgEnclaveHeartbeat); 7] = [
        |message| message.validator.push('b'),
        |message| message.enclave_id = 2,
        |message| message.seq = 3,
        |message| message.at = 4,
        |message| message.load = 1,
        |message| message.model_set_hash = vec![1; 32],
        |message| message.quote = vec![1],
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let mut other = message.clone();
        change(&mut other);
        assert_ne!(heartbeat("ve-1", &other), signed, "change {at}");
    }
}

#[test]
fn simulated_quotes_are_read_as_they_were_made() {
    let made = Simulated { measurement: [1; 32], svn: 2, tcb: 3, report_data: [4; 32] };
    let quote = made.quote();
    assert_eq!(Simulated::read(&quote), Some(made));
    assert_eq!(Simulated::read(&quote[1..]), None);
    assert_eq!(Simulated::read(&quote[..quote.len() - 1]), None);
    assert_eq!(Simulated::read(&[quote.as_slice(), &[0]].concat()), None);
}
