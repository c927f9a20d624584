use ring::signature::Ed25519KeyPair;

use super::self_signed;
use crate::cert::x509;

#[test]
fn the_simulated_certificate_is_one_that_the_chain_takes() {
    let key = Ed25519KeyPair::from_seed_unchecked(&[5; 32]).expect("a seed has 32 bytes");
    let owner = "ve1qqqsyqcyq5rqwzqfpg9scrgwpugpzysnhwjxyz";
    for serial in [1, 0x80, 0x0102_0304_0506_0708, u64::MAX / 2] {
        let der = self_signed(owner, &key, serial, (1_780_000_000, 1_782_000_000)).expect("encodes");
        let checked = x509::check(&der, owner).expect("passes");
        assert_eq!(checked.serial, format!("{serial:x}"));
        assert_eq!((checked.not_before, checked.not_after), (1_780_000_000, 1_782_000_000));
        assert!(x509::check(&der, "ve1other").is_err());
    }
}
