use ve_proto::ve::enclave::v1::*;

use super::support::*;

#[test]
fn an_enclave_that_falls_silent_leaves_the_committee_and_comes_back_with_three_heartbeats_and_a_quote() {
    let mut chain = chain();
    activate_all(&mut chain);
    next_epoch(&mut chain);
    assert_eq!(keys(&chain).len(), VALIDATORS);
    for _ in 0..8 {
        for of in 1..VALIDATORS {
            let message = beat(&chain, &of_validator(&chain, of)[0], |_| {});
            sent(&mut chain, of, &message);
        }
        jump(&mut chain, 80);
    }
    assert_eq!(health(&chain, 0).expect("known").status(), HealthStatus::Unhealthy);
    assert_eq!(health(&chain, 1).expect("known").status(), HealthStatus::Healthy);
    assert_eq!(keys(&chain).len(), VALIDATORS - 1);
    let known = of_validator(&chain, 0).remove(0);
    for _ in 0..3 {
        let message = beat(&chain, &known, |_| {});
        assert_eq!(sent(&mut chain, 0, &message), HealthStatus::Unhealthy, "without a fresh quote");
        jump(&mut chain, 60);
    }
    let message = beat(&chain, &known, fresh(&chain, &known, 1));
    assert_eq!(sent(&mut chain, 0, &message), HealthStatus::Healthy);
    assert_eq!(keys(&chain).len(), VALIDATORS);
}

#[test]
fn three_missed_heartbeats_degrade() {
    let mut chain = chain();
    let id = register(&mut chain, 0, 1);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let message = beat(&chain, &enclave(&chain, id), |_| {});
        sent(&mut chain, 0, &message);
        jump(&mut chain, 256);
        seen.push(health(&chain, 0).expect("known").status());
    }
    assert_eq!(seen, [HealthStatus::Healthy, HealthStatus::Healthy, HealthStatus::Degraded]);
}

#[test]
fn heartbeats_that_prove_nothing_are_counted_not_refused() {
    let mut chain = chain();
    let id = register(&mut chain, 0, 1);
    let known = enclave(&chain, id);
    for _ in 0..10 {
        let mut message = beat(&chain, &known, |_| {});
        message.load += 1;
        sent(&mut chain, 0, &message);
    }
    let counted = health(&chain, 0).expect("known");
    assert_eq!((counted.bad_signatures, counted.status()), (10, HealthStatus::Unhealthy));
    assert_eq!(enclave(&chain, id).status(), EnclaveStatus::Pending);
}

#[test]
fn five_quotes_that_prove_nothing_degrade() {
    let mut chain = chain();
    let id = register(&mut chain, 0, 1);
    let known = enclave(&chain, id);
    for at in 0..5 {
        // One names the block that its registration named, the others are about other data.
        let message = beat(&chain, &known, |message| {
            fresh(&chain, &known, 1)(message);
            match at {
                0 => message.anchor_height = known.anchor_height,
                _ => *message.quote.last_mut().expect("bytes") ^= 1,
            }
        });
        sent(&mut chain, 0, &message);
    }
    let counted = health(&chain, 0).expect("known");
    assert_eq!((counted.failures, counted.status()), (5, HealthStatus::Degraded));
    assert_eq!(enclave(&chain, id).attested_at, known.attested_at);
}

#[test]
fn heartbeats_out_of_time_or_order_are_refused() {
    let mut chain = chain();
    let id = register(&mut chain, 0, 1);
    let message = beat(&chain, &enclave(&chain, id), |_| {});
    sent(&mut chain, 0, &message);
    refused(&chain.deliver(0, &message), 16);
    jump(&mut chain, 20);
    let early = beat(&chain, &enclave(&chain, id), |_| {});
    refused(&chain.deliver(0, &early), 16);
    jump(&mut chain, 60);
    let known = enclave(&chain, id);
    for at in [chain.time.unix() - 301, chain.time.unix() + 90] {
        let message = beat(&chain, &known, |message| message.at = at);
        refused(&chain.deliver(0, &message), 16);
    }
    let last = beat(&chain, &known, |message| message.seq = u64::MAX);
    refused(&chain.deliver(0, &last), 16);
    let other = MsgEnclaveHeartbeat { validator: name(&chain, 1), ..beat(&chain, &known, |_| {}) };
    refused(&chain.deliver(1, &other), 14);
}

#[test]
fn an_enclave_that_attests_itself_no_more_loses_its_keys() {
    let mut chain = chain();
    activate_all(&mut chain);
    for _ in 0..2 {
        jump(&mut chain, 35_000);
        let known = enclave(&chain, 1);
        let message = beat(&chain, &known, fresh(&chain, &known, 1));
        sent(&mut chain, 0, &message);
    }
    jump(&mut chain, 3_000);
    assert!(found(&chain, 1).valid);
    assert!(!found(&chain, 2).valid, "its last quote is older than 72,000 seconds");
}
