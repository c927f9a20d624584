use ve_base::Amount;
use ve_proto::ve::performance::v1::Counts;

use super::{multiplier, score};

/// Finance spec section 2.6: p 10,000, v (9,000 + 9,444) / 2 = 9,222, u 9,700.
fn example() -> Counts {
    Counts {
        proposals_assigned: 7,
        proposals_committed: 7,
        blocks_signed: 97,
        blocks_missed: 3,
        ident_expected: 20,
        ident_completed: 18,
        ident_agreed: 17,
    }
}

#[test]
fn the_worked_example_scores_9598_and_weighs_14598() {
    assert_eq!(score(&example()), Some(9_598));
    assert_eq!(multiplier(&[9_598]), 14_598);
    assert_eq!(multiplier(&[]), 10_000, "a new validator");
}

#[test]
fn the_worked_example_of_shares_is_exact() {
    let (a, b) = (Amount::from(60 * multiplier(&[9_598])), Amount::from(40 * multiplier(&[])));
    let (pool, total) = (Amount::from(1_000_000u64), a.checked_add(b).expect("small"));
    let share = |weight| pool.mul_div(weight, total).and_then(Amount::to_u64).expect("small");
    assert_eq!((share(a), share(b)), (686_490, 313_509));
}

#[test]
fn what_did_not_occur_drops_out_of_the_score() {
    let only_signatures = Counts { blocks_signed: 3, blocks_missed: 1, ..Counts::default() };
    assert_eq!(score(&only_signatures), Some(7_500));
    let without_verifications = Counts { ident_expected: 0, ident_completed: 0, ident_agreed: 0, ..example() };
    assert_eq!(score(&without_verifications), Some(9_850));
    let nothing_finished = Counts { ident_completed: 0, ident_agreed: 0, ..example() };
    assert_eq!(score(&nothing_finished), Some(5_910));
    assert_eq!(score(&Counts::default()), None);
}

#[test]
fn only_the_last_ten_epochs_count() {
    let mut scores = vec![0; 20];
    scores.extend([8_000; 10]);
    assert_eq!(multiplier(&scores), 13_000);
    assert_eq!(multiplier(&[0; 10]), 5_000, "the least");
}
