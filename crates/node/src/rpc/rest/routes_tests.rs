use ve_proto::descriptors;

use super::routes::{RouteTable, Verb, percent_decode};

fn found(verb: Verb, path: &str) -> Option<(String, Vec<(String, String)>)> {
    let table = RouteTable::new(descriptors()).expect("routes");
    table.find(verb, path).map(|(route, bound)| (route.path(), bound.into_iter().collect()))
}

#[test]
fn the_routes_that_wallets_use_lead_to_their_methods() {
    for (path, method) in [
        ("/cosmos/auth/v1beta1/accounts/ve1abc", "/cosmos.auth.v1beta1.Query/Account"),
        ("/cosmos/bank/v1beta1/balances/ve1abc", "/cosmos.bank.v1beta1.Query/AllBalances"),
        ("/cosmos/bank/v1beta1/spendable_balances/test", "/cosmos.bank.v1beta1.Query/SpendableBalances"),
        ("/cosmos/bank/v1beta1/supply/by_denom", "/cosmos.bank.v1beta1.Query/SupplyOf"),
        ("/cosmos/staking/v1beta1/validators", "/cosmos.staking.v1beta1.Query/Validators"),
        (
            "/cosmos/staking/v1beta1/validators/v/delegations/d/unbonding_delegation",
            "/cosmos.staking.v1beta1.Query/UnbondingDelegation",
        ),
        ("/cosmos/base/tendermint/v1beta1/blocks/latest", "/cosmos.base.tendermint.v1beta1.Service/GetLatestBlock"),
        ("/cosmos/base/tendermint/v1beta1/blocks/7", "/cosmos.base.tendermint.v1beta1.Service/GetBlockByHeight"),
        ("/cosmos/tx/v1beta1/txs/block/7", "/cosmos.tx.v1beta1.Service/GetBlockWithTxs"),
        ("/cosmos/tx/v1beta1/txs", "/cosmos.tx.v1beta1.Service/GetTxsEvent"),
    ] {
        assert_eq!(found(Verb::Get, path).map(|f| f.0).as_deref(), Some(method), "{path}");
    }
    let post = found(Verb::Post, "/cosmos/tx/v1beta1/txs").map(|f| f.0);
    assert_eq!(post.as_deref(), Some("/cosmos.tx.v1beta1.Service/BroadcastTx"));
}

#[test]
fn path_values_are_bound_and_decoded() {
    let (_, bound) = found(Verb::Get, "/cosmos/bank/v1beta1/denoms_metadata/ibc/AB%2Fc").expect("route");
    assert_eq!(bound, [("denom".to_string(), "ibc/AB/c".to_string())]);
}

#[test]
fn other_paths_and_verbs_have_no_route() {
    for path in ["/", "/cosmos", "/cosmos/bank/v1beta1/balances", "/cosmos/bank/v1beta1/balances//", "/x/y"] {
        assert!(found(Verb::Get, path).is_none(), "{path}");
    }
    assert!(found(Verb::Post, "/cosmos/bank/v1beta1/params").is_none());
}

#[test]
fn malformed_escapes_are_refused() {
    assert_eq!(percent_decode("a%20b").as_deref(), Some("a b"));
    assert_eq!(percent_decode("a%2"), None);
    assert_eq!(percent_decode("a%zz"), None);
    assert_eq!(percent_decode("%ff"), None);
}
