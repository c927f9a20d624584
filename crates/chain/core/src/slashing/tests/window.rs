use ve_base::BlockTime;

use super::Window;

fn at(seconds: i64) -> BlockTime {
    BlockTime { seconds, nanos: 0 }
}

#[test]
fn blocks_leave_the_window_when_it_has_passed_over_them() {
    let mut stretches = Vec::new();
    for second in 0..1_000 {
        Window::new(500, at(second)).count(&mut stretches);
    }
    let sum = |second| Window::new(500, at(second)).sum(&stretches);
    assert_eq!(sum(999), 500);
    assert_eq!(sum(1_249), 250);
    assert_eq!(sum(1_500), 0);
    assert!(stretches.len() <= 100);
}

#[test]
fn the_same_time_counts_the_same_share_whatever_the_block_interval() {
    for interval in [1usize, 5, 50] {
        let (mut all, mut missed) = (Vec::new(), Vec::new());
        for second in (0..10_000).step_by(interval) {
            let window = Window::new(5_000, at(second));
            window.count(&mut all);
            if second >= 7_500 {
                window.count(&mut missed);
            }
        }
        let window = Window::new(5_000, at(9_999));
        assert_eq!(window.sum(&missed) * 2, window.sum(&all), "every {interval} s");
    }
}

#[test]
fn a_validator_has_the_whole_window_before_it_is_judged() {
    assert!(!Window::new(500, at(999)).is_full_since(at(500)));
    assert!(Window::new(500, at(1_000)).is_full_since(at(500)));
}
