//! Numbers, days and times as an English reader writes them.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// The day of a time, in UTC.
pub(crate) fn date(time: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(time).date()
}

/// `7 August`.
pub(crate) fn day(date: Date) -> String {
    date.strftime("%-d %B").to_string()
}

/// `7 August 2026`.
pub(crate) fn day_of_year(date: Date) -> String {
    date.strftime("%-d %B %Y").to_string()
}

/// `09:40 UTC`.
pub(crate) fn clock(time: Timestamp) -> String {
    let time = TimeZone::UTC.to_datetime(time);
    time.strftime("%H:%M UTC").to_string()
}

/// A number in figures: `743`, `5829`; from 10,000 on in groups of three.
pub(crate) fn figures(number: u64) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let first = digits.len() % 3;
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 3 == first {
            // A narrow space at which no line breaks.
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

const SMALL: [&str; 13] = [
    "None", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten",
    "Eleven", "Twelve",
];

const PLACES: [&str; 12] = [
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth",
    "eleventh", "twelfth",
];

/// A number at the beginning of a sentence: `Four`, `17`.
pub(crate) fn at_the_start(number: u64) -> String {
    let word = usize::try_from(number).ok().and_then(|at| SMALL.get(at));
    word.map_or_else(|| figures(number), |word| (*word).to_owned())
}

/// The place at that distance from the first one: `third` for 2.
pub(crate) fn place(from_first: u64) -> String {
    let word = usize::try_from(from_first).ok();
    let word = word.and_then(|at| PLACES.get(at));
    word.map_or_else(
        || nth(from_first.saturating_add(1)),
        |word| (*word).to_owned(),
    )
}

/// `621st`, `1011th`.
fn nth(number: u64) -> String {
    let suffix = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{}{suffix}", figures(number))
}

/// Which followers one of every `step` is: `Every hundredth follower`.
pub(crate) fn every(step: u64) -> String {
    match step {
        1 => "Every follower".to_owned(),
        2 => "Every second follower".to_owned(),
        10 => "Every tenth follower".to_owned(),
        100 => "Every hundredth follower".to_owned(),
        1_000 => "Every thousandth follower".to_owned(),
        10_000 => "Every ten-thousandth follower".to_owned(),
        1_000_000 => "Every millionth follower".to_owned(),
        step => format!("Every {} follower", nth(step)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_a_person_writes_them() {
        assert_eq!(figures(5_829), "5829");
        assert_eq!(figures(17_129), "17\u{202f}129");
        assert_eq!(figures(123_456), "123\u{202f}456");
        assert_eq!(figures(1_712_829), "1\u{202f}712\u{202f}829");
        assert_eq!(
            (at_the_start(4), at_the_start(13)),
            ("Four".into(), "13".into())
        );
        assert_eq!((place(0), place(2)), ("first".into(), "third".into()));
        assert_eq!(
            (place(12), place(20), place(21)),
            ("13th".into(), "21st".into(), "22nd".into())
        );
        assert_eq!(place(110), "111th");
        assert_eq!(every(100), "Every hundredth follower");
        assert_eq!(every(250), "Every 250th follower");
    }

    #[test]
    fn days_and_times_are_those_of_utc() {
        let time: Timestamp = "2026-08-07T23:05:00-04:00".parse().unwrap();
        assert_eq!(day(date(time)), "8 August");
        assert_eq!(day_of_year(date(time)), "8 August 2026");
        assert_eq!(clock(time), "03:05 UTC");
    }
}
