//! How an account grew: of all its counts as many points as a reader can see, and when the next number may come.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::english::date;

/// How many followed at one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// When it was counted.
    pub at: Timestamp,
    /// How many followed.
    pub followers: u64,
}

/// Beside the ends of gaps a curve has at most this many points: on a wide screen one for each four pixels.
const MOST_POINTS: i64 = 180;

/// Up to this long a curve has a point for each hour, and a longer one at most one for each day. So it changes with the
/// count and with the day, and not with each hour in which nothing changed.
const HOURLY: SignedDuration = SignedDuration::from_hours(7 * 24);

/// Nobody counted for a while, if there is no count for longer than this, and for much longer than usual.
const GAP: SignedDuration = SignedDuration::from_hours(48);

/// How the followers of an account grew. It has at least one point.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Curve {
    unit: Unit,
    /// The first point's time, in units since 1970.
    start: i64,
    /// In the order of time.
    points: Vec<Point>,
}

/// The last count of an hour or of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Point {
    /// How many hours or days after the first point.
    at: i64,
    /// How many followed.
    pub(crate) followers: u64,
    /// Whether nobody counted between the point before and this one.
    pub(crate) after_gap: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Unit {
    Hour,
    Day,
}

impl Unit {
    fn seconds(self) -> i64 {
        match self {
            Self::Hour => 60 * 60,
            Self::Day => 24 * 60 * 60,
        }
    }

    fn of(self, time: Timestamp) -> i64 {
        time.as_second().div_euclid(self.seconds())
    }
}

impl Curve {
    /// The curve through counts in the order of time; `None` where there is none.
    pub(crate) fn through(counts: &[Count]) -> Option<Self> {
        let (first, last) = (counts.first()?, counts.last()?);
        let unit = if last.at.duration_since(first.at) <= HOURLY {
            Unit::Hour
        } else {
            Unit::Day
        };
        let of_units: BTreeMap<i64, u64> = counts
            .iter()
            .map(|count| (unit.of(count.at), count.followers))
            .collect();
        let gaps = gaps(counts);
        let gaps = gaps.map(|(from, to)| (unit.of(from), unit.of(to)));
        let (before_gap, after_gap): (Vec<i64>, Vec<i64>) = gaps.unzip();
        let (start, end) = (unit.of(first.at), unit.of(last.at));
        // The slots are counted from 1970, so that a new day moves no point of an earlier one.
        let slot = (end - start) / (MOST_POINTS - 2) + 1;
        let mut points = Vec::new();
        let mut left = of_units.into_iter().peekable();
        while let Some((at, followers)) = left.next() {
            let next = left.peek().map(|(next, _)| next.div_euclid(slot));
            let ends_slot = next != Some(at.div_euclid(slot));
            let is_after_gap = after_gap.contains(&at);
            if at == start || ends_slot || is_after_gap || before_gap.contains(&at) {
                points.push(Point {
                    at: at - start,
                    followers,
                    after_gap: is_after_gap,
                });
            }
        }
        Some(Self {
            unit,
            start,
            points,
        })
    }

    /// The points, in the order of time.
    pub(crate) fn points(&self) -> &[Point] {
        &self.points
    }

    /// The day of a point, in UTC.
    pub(crate) fn date(&self, point: &Point) -> Date {
        let seconds = (self.start + point.at) * self.unit.seconds();
        // Every point comes from a timestamp, so the time exists.
        date(Timestamp::from_second(seconds).unwrap_or_default())
    }

    /// Where a point is between the first and the last, from 0 to `scale`.
    pub(crate) fn place_of(&self, point: &Point, scale: i64) -> i64 {
        self.scaled(point.at * self.unit.seconds(), scale)
    }

    /// Where a time is between the first point and the last, from 0 to `scale`; `None` if it is before the first.
    pub(crate) fn place_at(&self, time: Timestamp, scale: i64) -> Option<i64> {
        if self.unit.of(time) < self.start {
            return None;
        }
        // A point is the last count of its hour or day, so its time is the end of that.
        let end_of_first = (self.start + 1) * self.unit.seconds();
        Some(self.scaled((time.as_second() - end_of_first).max(0), scale))
    }

    fn scaled(&self, seconds: i64, scale: i64) -> i64 {
        let last = self.points.last().map_or(0, |last| last.at);
        let whole = last * self.unit.seconds();
        if whole == 0 {
            return scale;
        }
        (seconds * scale / whole).clamp(0, scale)
    }
}

/// Between which counts nobody counted: for more than [`GAP`], and for more than three times as long as usual.
fn gaps(counts: &[Count]) -> impl Iterator<Item = (Timestamp, Timestamp)> {
    let pairs = counts.iter().zip(counts.iter().skip(1));
    let pairs = pairs.map(|(before, after)| (before.at, after.at));
    let mut lengths: Vec<SignedDuration> = pairs
        .clone()
        .map(|(before, after)| after.duration_since(before))
        .collect();
    let middle = lengths.len() / 2;
    let usual = if lengths.is_empty() {
        SignedDuration::ZERO
    } else {
        *lengths.select_nth_unstable(middle).1
    };
    pairs.filter(move |(before, after)| {
        let length = after.duration_since(*before);
        length > GAP && length > usual.saturating_mul(3)
    })
}

/// For so long the pace is measured, if there are counts for so long.
const PACE_OF: SignedDuration = SignedDuration::from_hours(28 * 24);

/// With counts for less than this nothing is said about the pace.
const PACE_NEEDS: SignedDuration = SignedDuration::from_hours(14 * 24);

/// Nothing is said of a time that is farther away.
const FORESEEN: i64 = 365;

/// When the number may be reached, in a sentence with round words; `None` where the counts do not tell.
pub(crate) fn pace(counts: &[Count], number: u64) -> Option<String> {
    let last = counts.last()?;
    let since = last.at - PACE_OF;
    let earlier = counts.iter().rev().find(|count| count.at <= since);
    let first = earlier.or(counts.first())?;
    let elapsed = last.at.duration_since(first.at);
    let grown = last.followers.checked_sub(first.followers)?;
    let to_go = number.checked_sub(last.followers)?;
    if elapsed < PACE_NEEDS || grown == 0 {
        return None;
    }
    // In whole days, which is as exact as a foresight is.
    let days = i128::from(elapsed.as_hours()) * i128::from(to_go) / i128::from(grown) / 24;
    let days = i64::try_from(days).ok().filter(|days| *days <= FORESEEN)?;
    let today = date(last.at);
    let when = match days {
        0..=2 => "any day now".to_owned(),
        3..=9 => "in about a week".to_owned(),
        10..=17 => "in about two weeks".to_owned(),
        days => {
            let arrival = last.at + SignedDuration::from_hours(24 * days);
            let arrival = TimeZone::UTC.to_datetime(arrival).date();
            let part = match arrival.day() {
                ..=10 => "early",
                11..=20 => "the middle of",
                _ => "late",
            };
            let month = if arrival.year() == today.year() || days < 180 {
                arrival.strftime("%B")
            } else {
                arrival.strftime("%B %Y")
            };
            format!("in {part} {month}")
        }
    };
    let so_far = if earlier.is_some() {
        "of the last four weeks"
    } else {
        "so far"
    };
    Some(format!("At the pace {so_far} that is {when}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// A count each so many hours from 1 June on.
    fn every(hours: i64, counts: impl IntoIterator<Item = u64>) -> Vec<Count> {
        let start = time("2026-06-01T00:00:00Z");
        let at = |step: usize| {
            let step = i64::try_from(step).unwrap();
            start + SignedDuration::from_hours(hours * step)
        };
        let counts = counts.into_iter().enumerate();
        counts
            .map(|(step, followers)| Count {
                at: at(step),
                followers,
            })
            .collect()
    }

    fn followers(curve: &Curve) -> Vec<u64> {
        curve.points.iter().map(|point| point.followers).collect()
    }

    #[test]
    fn a_curve_of_400_days_has_at_most_180_points_and_begins_and_ends_with_the_counts() {
        for days in [7, 8, 30, 178, 179, 180, 365, 400] {
            let curve = Curve::through(&every(1, 0..24 * days)).unwrap();
            let points = curve.points.len();
            assert!((2..=180).contains(&points), "{days} days: {points}");
            let (first, last) = (curve.points[0], curve.points[points - 1]);
            let end_of_first_unit = if days == 7 { 0 } else { 23 };
            assert_eq!((first.at, first.followers), (0, end_of_first_unit));
            assert_eq!(last.followers, 24 * days - 1);
            assert_eq!(curve.place_of(&last, 1000), 1000);
        }
    }

    #[test]
    fn an_hour_in_which_nobody_came_does_not_change_a_curve_of_weeks() {
        let mut counts = every(1, std::iter::repeat_n(600, 24 * 20 + 3));
        let before = Curve::through(&counts).unwrap();
        let mut later = *counts.last().unwrap();
        later.at += SignedDuration::from_hours(1);
        counts.push(later);
        assert_eq!(Curve::through(&counts).unwrap(), before);
        later.at += SignedDuration::from_hours(24);
        counts.push(later);
        assert_ne!(Curve::through(&counts).unwrap(), before);
    }

    #[test]
    fn where_nobody_counted_for_days_the_curve_has_a_gap_with_the_counts_at_its_ends() {
        let mut counts = every(1, 0..24 * 60);
        let (from, to) = (time("2026-06-20T05:30:00Z"), time("2026-07-03T08:30:00Z"));
        counts.retain(|count| count.at < from || count.at > to);
        let curve = Curve::through(&counts).unwrap();
        let after = curve.points.iter().position(|point| point.after_gap);
        let after = after.unwrap();
        let (before, after) = (curve.points[after - 1], curve.points[after]);
        assert_eq!(curve.date(&before), date(from));
        assert_eq!(curve.date(&after), date(to));
        assert_eq!(before.followers, 19 * 24 + 5);
        let gaps = curve.points.iter().filter(|point| point.after_gap);
        assert_eq!(gaps.count(), 1);
    }

    #[test]
    fn of_a_year_the_points_at_the_ends_of_a_gap_are_kept_whatever_day_it_ends() {
        for days in 0..4 {
            let mut counts = every(1, 0..24 * 360);
            let from = counts[24 * 100].at;
            let to = from + SignedDuration::from_hours(24 * (10 + days));
            counts.retain(|count| count.at < from || count.at >= to);
            let curve = Curve::through(&counts).unwrap();
            let after = curve.points.iter().position(|point| point.after_gap);
            let after = after.unwrap();
            assert_eq!(curve.date(&curve.points[after]), date(to));
            assert_eq!(curve.points[after - 1].followers, 24 * 100 - 1);
        }
    }

    #[test]
    fn a_day_without_a_count_is_no_gap() {
        let mut counts = every(1, 0..24 * 60);
        counts.drain(24 * 10..24 * 11);
        let curve = Curve::through(&counts).unwrap();
        assert!(curve.points.iter().all(|point| !point.after_gap));
    }

    #[test]
    fn who_counts_once_a_week_has_no_gaps() {
        let curve = Curve::through(&every(24 * 7, 0..20)).unwrap();
        assert!(curve.points.iter().all(|point| !point.after_gap));
        assert_eq!(followers(&curve).len(), 20);
    }

    #[test]
    fn one_count_is_a_point_at_the_end_and_a_time_before_the_first_count_has_no_place() {
        let curve = Curve::through(&every(1, [412])).unwrap();
        assert_eq!(curve.place_of(&curve.points[0], 1000), 1000);
        assert_eq!(curve.place_at(time("2026-05-31T23:59:00Z"), 1000), None);
        let curve = Curve::through(&every(24, 0..=10)).unwrap();
        assert_eq!(curve.place_at(time("2026-06-01T12:00:00Z"), 1000), Some(0));
        assert_eq!(
            curve.place_at(time("2026-06-07T00:00:00Z"), 1000),
            Some(500)
        );
        assert_eq!(
            curve.place_at(time("2027-06-07T00:00:00Z"), 1000),
            Some(1000)
        );
        assert_eq!(Curve::through(&[]), None);
    }

    #[test]
    fn the_pace_is_told_in_round_words_and_only_where_the_counts_tell_it() {
        let daily = |counts: &[u64], number| pace(&every(24, counts.iter().copied()), number);
        let grows: Vec<u64> = (0..40).map(|day| 600 + 2 * day).collect();
        let said = |number| daily(&grows, number).unwrap();
        assert_eq!(
            said(680),
            "At the pace of the last four weeks that is any day now."
        );
        assert_eq!(
            said(690),
            "At the pace of the last four weeks that is in about a week."
        );
        assert_eq!(
            said(700),
            "At the pace of the last four weeks that is in about two weeks."
        );
        assert_eq!(
            said(778),
            "At the pace of the last four weeks that is in late August."
        );
        assert_eq!(
            said(1_078),
            "At the pace of the last four weeks that is in late January 2027."
        );
        assert_eq!(daily(&grows, 1_500), None, "farther away than a year");
        let young = daily(&grows[..20], 700).unwrap();
        assert_eq!(young, "At the pace so far that is in late July.");
        assert_eq!(daily(&grows[..14], 700), None, "thirteen days");
        let falls: Vec<u64> = grows.iter().rev().copied().collect();
        assert_eq!(daily(&falls, 700), None);
        assert_eq!(daily(&[600; 30], 700), None);
        assert_eq!(daily(&grows, 600), None, "it is behind");
    }
}
