use super::*;

#[test]
fn days_that_do_not_exist_are_refused() {
    assert!(Date::new(2024, 2, 29).is_some() && Date::new(2000, 2, 29).is_some());
    for (year, month, day) in
        [(2023, 2, 29), (1900, 2, 29), (2024, 4, 31), (2024, 13, 1), (2024, 0, 1), (2024, 1, 0), (1899, 1, 1)]
    {
        assert_eq!(Date::new(year, month, day), None, "{year}-{month}-{day}");
    }
}

#[test]
fn seconds_become_days() {
    let day = |seconds| Date::of_seconds(seconds).to_string();
    assert_eq!(day(0), "1970-01-01");
    assert_eq!(day(951_782_399), "2000-02-28");
    assert_eq!(day(951_782_400), "2000-02-29");
    assert_eq!(day(1_795_219_200), "2026-11-21");
    assert_eq!(day(u64::MAX), "2199-12-31");
}

#[test]
fn short_years_get_the_latest_century_that_is_not_too_far_ahead() {
    let today = Date::new(2026, 11, 21).expect("a day");
    let of = |text, ahead| Date::of_short(text, today, ahead).map(|date| date.to_string());
    assert_eq!(of("740812", 0).as_deref(), Some("1974-08-12"));
    assert_eq!(of("260101", 0).as_deref(), Some("2026-01-01"));
    assert_eq!(of("270101", 0).as_deref(), Some("1927-01-01"));
    assert_eq!(of("320415", 50).as_deref(), Some("2032-04-15"));
    assert_eq!(of("770415", 50).as_deref(), Some("1977-04-15"));
    assert_eq!(of("7408", 0), None);
    assert_eq!(of("74081+", 0), None);
    assert_eq!(of("740832", 0), None);
}

#[test]
fn long_dates_have_the_year_at_either_end() {
    assert_eq!(Date::of_long("19740812", true), Date::new(1974, 8, 12));
    assert_eq!(Date::of_long("08121974", false), Date::new(1974, 8, 12));
    assert_eq!(Date::of_long("19740812", false), None);
    assert_eq!(Date::of_long("\u{e9}123456", false), None);
}
