use ve_proto::ve::admission::v1::{MsgUpdateParams, PackageQuota, Params};

use super::{msg::update_params, params};

fn refusal(change: impl FnOnce(&mut Params)) -> String {
    let mut changed = params::default();
    change(&mut changed);
    let message = MsgUpdateParams { authority: "anybody".into(), params: Some(changed) };
    update_params::check(&message).expect_err("out of range").log
}

fn quota(package: &str, max_txs_per_block: u64) -> PackageQuota {
    PackageQuota { package: package.into(), max_txs_per_block }
}

#[test]
fn the_default_quotas_are_those_of_the_specification() {
    let params = params::default();
    params::validate(&params).expect("the defaults are valid");
    assert_eq!((params.max_txs_per_block, params.max_txs_per_account), (5_000, 10));
    assert_eq!(params.package_quotas, [quota("ve.veid.v1", 100)]);
}

#[test]
fn quotas_beyond_their_bounds_are_refused() {
    for value in [0, 100_001] {
        assert!(refusal(|params| params.max_txs_per_block = value).contains("max_txs_per_block must be from 1"));
        let of_package = refusal(|params| params.package_quotas = vec![quota("ve.veid.v1", value)]);
        assert!(of_package.contains("of a package must be from 1"), "{of_package}");
    }
    for value in [0, 10_001] {
        assert!(refusal(|params| params.max_txs_per_account = value).contains("max_txs_per_account must be from 1"));
    }
}

#[test]
fn packages_that_are_none_or_come_twice_are_refused() {
    for package in ["", "ve..v1", "Ve.veid", "/ve.veid.v1", "ve.veid.v1.", &"a".repeat(65)] {
        let refused = refusal(|params| params.package_quotas = vec![quota(package, 1)]);
        assert!(refused.contains("is no protobuf package"), "{package}: {refused}");
    }
    for twice in [["ve.a", "ve.a"], ["ve.b", "ve.a"]] {
        let refused = refusal(|params| params.package_quotas = twice.map(|name| quota(name, 1)).to_vec());
        assert!(refused.contains("each package once"), "{refused}");
    }
    let many = (0..33).map(|index| quota(&format!("ve.a{index:02}"), 1)).collect();
    assert!(refusal(|params| params.package_quotas = many).contains("at most 32"));
}

#[test]
fn exempt_accounts_must_be_addresses() {
    assert!(refusal(|params| params.exempt = vec!["nobody".into()]).contains("exempt account"));
}

#[test]
fn missing_params_are_refused() {
    let message = MsgUpdateParams { authority: "anybody".into(), params: None };
    assert!(update_params::check(&message).is_err());
}
