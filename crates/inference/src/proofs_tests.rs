use super::*;

const EMAIL: Proof = Proof::Email { organisational: false, years: 0 };

#[test]
fn proofs_are_worth_what_the_specification_says() {
    let points = |proof: Proof| proof.points();
    assert_eq!(points(Proof::Email { organisational: true, years: 2 }), 550);
    assert_eq!(points(Proof::Sms { mobile: true, years: 9 }), 600);
    assert_eq!(points(Proof::Domain { wildcard: true, years: 3 }), 1000);
    assert_eq!(points(Proof::Login(Login::EnterpriseOidc)), 400);
    let social = |age_days| Proof::Social { network: Network::Google, age_days, verified: true, name_matches: true };
    assert_eq!([89, 90, 180, 365, 730, 1461].map(|days| points(social(days))), [550, 610, 640, 680, 720, 770]);
}

#[test]
fn one_account_upstream_counts_once_and_so_does_each_kind() {
    let google = Proof::Login(Login::Google);
    let social = Proof::Social { network: Network::Google, age_days: 0, verified: false, name_matches: false };
    assert_eq!(web(&[(google, [1; 32]), (social, [1; 32])]), 280);
    assert_eq!(web(&[(google, [1; 32]), (social, [2; 32])]), 530);
    let better = Proof::Email { organisational: true, years: 0 };
    assert_eq!(web(&[(EMAIL, [1; 32]), (better, [2; 32])]), 500);
    assert_eq!(web(&[(better, [2; 32]), (EMAIL, [1; 32])]), 500);
    assert_eq!(web(&[]), 0);
}

#[test]
fn matches_with_governments_need_confidence_and_fade() {
    assert_eq!(government(&[(10_000, 0)]), 1500);
    assert_eq!(government(&[(6999, 0)]), 0);
    assert_eq!(government(&[(10_000, 181)]), 750);
    assert_eq!(government(&[(8000, 0), (10_000, 0)]), 1500 + 1200 + 500);
    assert_eq!(government(&[(8000, 200), (10_000, 0)]), 1500 + 850);
}
