use ve_client::ClientError;
use ve_client::deploy::DeployError;
use ve_client::gateway::GatewayError;

use super::{CliError, client_code, kind};

fn rejected() -> ClientError {
    ClientError::Rejected { codespace: "sdk".into(), code: 5, log: "insufficient funds".into(), hash: "AB".into() }
}

fn timeout() -> ClientError {
    ClientError::Timeout { hash: "AB".into(), seconds: 30 }
}

#[test]
fn exit_codes_tell_what_kind_of_failure_it_was() {
    let unreachable = ClientError::Unreachable { endpoint: "http://a".into(), cause: "refused".into() };
    let cases: [(CliError, u8); 9] = [
        (CliError::Failed("x".into()), 1),
        (unreachable.into(), 1),
        (CliError::Usage("x".into()), 2),
        (ClientError::Usage("x".into()).into(), 2),
        (rejected().into(), 3),
        (DeployError::Chain(rejected()).into(), 3),
        (timeout().into(), 4),
        (GatewayError::Chain(timeout()).into(), 4),
        (DeployError::NoBid { group: "a".into(), seconds: 120 }.into(), 4),
    ];
    for (error, code) in cases {
        assert_eq!(error.exit_code(), code, "{error}");
    }
}

#[test]
fn a_command_in_a_container_gives_its_own_exit_code_and_never_success() {
    for (remote, code) in [(3, 3), (255, 255), (0, 1), (-1, 1), (256, 1)] {
        assert_eq!(CliError::Remote(remote).exit_code(), code, "{remote}");
    }
}

#[test]
fn a_daemons_failure_is_told_apart_through_its_causes() {
    use anyhow::Context as _;
    let error = Err::<(), _>(rejected()).context("cannot register").unwrap_err();
    let found = error.chain().find_map(|cause| cause.downcast_ref::<ClientError>());
    assert_eq!(found.map(client_code), Some(3));
    assert_eq!(kind(3), "rejected");
}
