use ve_proto::ve::veid::v1::{MsgUpdateParams, Params};

use crate::veid::msg::update_params;
use crate::veid::params;

fn refused(change: fn(&mut Params)) -> bool {
    let mut changed = params::default();
    change(&mut changed);
    update_params::check(&MsgUpdateParams { authority: "anybody".into(), params: Some(changed) }).is_err()
}

#[test]
fn the_default_params_are_within_their_bounds() {
    params::validate(&params::default()).expect("the defaults are valid");
    assert_eq!(params::default().validity.len(), 16);
}

#[test]
fn params_beyond_their_bounds_are_refused() {
    assert!(refused(|params| params.max_scopes = 0));
    assert!(refused(|params| params.max_scopes_per_type = 51));
    assert!(refused(|params| params.min_salt_bytes = 8));
    assert!(refused(|params| params.decay_bps = 10_001));
    assert!(refused(|params| params.capture_window_seconds = 86_400));
    assert!(refused(|params| params.max_work_per_block = 0));
    assert!(refused(|params| params.bands[0].low = 60), "a band runs from low to high");
    assert!(refused(|params| params.validity.truncate(15)), "every type has its validity");
    assert!(refused(|params| params.validity[3].seconds = 0));
    assert!(update_params::check(&MsgUpdateParams { authority: "anybody".into(), params: None }).is_err());
}

#[test]
fn cutoffs_rise_strictly() {
    assert!(refused(|params| params.basic_score = 70));
    assert!(refused(|params| params.premium_score = 70));
    assert!(refused(|params| params.premium_score = 101));
    assert!(refused(|params| params.secondary_score = 50));
}
