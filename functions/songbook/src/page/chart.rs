//! The growth curve as a melody: five lines, and every hug is a note whose head is a heart, where the number was crossed.
//!
//! The shape of a heart carries the state: filled if its song can be heard, hollow if it is on its way, dotted if it is
//! the next. The curve is straight between its points, so it never shows a count that was not there.
//!
//! The curve stretches with the page; the letters and hearts do not, because they stand outside the part that stretches.

use jiff::civil::Date;
use maud::{Markup, html};

use crate::{
    book::{Entry, Shelf},
    curve::{Curve, Point},
    english::{date, day, day_of_year, figures},
};

/// The width of the part that stretches, in its own units.
const WIDTH: i64 = 1_000;

/// A percentage in hundredths.
const WHOLE: i64 = 10_000;

/// More hugs than this have hearts without stems, and smaller ones.
const NOTES: usize = 8;

/// More hugs than this have dots.
const HEARTS: usize = 24;

/// So many hugs are named in the description.
const TOLD: usize = 4;

/// The shape of the heart, which other elements use.
pub(super) fn heart() -> Markup {
    html! {
        svg.defs width="0" height="0" aria-hidden="true" {
            symbol id="heart" overflow="visible" {
                path d="M0 7C-6 3 -8 0 -8 -3 -8 -6 -5.5 -7.5 -3.5 -7.5 -2 -7.5 -.7 -6.5 0 -5 .7 -6.5 2 -7.5 3.5 -7.5 5.5 -7.5 8 -6 8 -3 8 0 6 3 0 7z" {}
            }
        }
    }
}

/// A note whose head is a heart, before a line of text.
pub(super) fn note() -> Markup {
    html! { svg.mark viewBox="-9 -40 18 49" aria-hidden="true" { (stem()) (head()) } }
}

/// The mark of a button that plays.
pub(super) fn triangle() -> Markup {
    html! { svg viewBox="0 0 10 10" aria-hidden="true" { path d="M1 0 10 5 1 10z" {} } }
}

fn stem() -> Markup {
    html! { path.stem d="M7 -2V-38" {} }
}

fn head() -> Markup {
    html! { use.head href="#heart" {} }
}

/// Which counts the lines stand for.
#[derive(Debug, PartialEq, Eq)]
struct Stave {
    lowest: u64,
    step: u64,
    /// How many lines there are above the lowest.
    steps: u64,
}

impl Stave {
    /// Up to five lines at round counts, between which all these lie.
    fn around(least: u64, most: u64) -> Self {
        let sizes = (0..19).flat_map(|zeros| [1, 2, 5].map(|digit| digit * 10_u64.pow(zeros)));
        let mut staves = sizes.map(|step| {
            let lowest = least / step;
            Self {
                lowest: lowest * step,
                step,
                steps: (most.div_ceil(step) - lowest).max(1),
            }
        });
        let fits = |stave: &Self| stave.steps <= 4;
        staves.find(fits).unwrap_or(Self {
            lowest: 0,
            step: u64::MAX,
            steps: 1,
        })
    }

    fn lines(&self) -> impl Iterator<Item = u64> {
        (0..=self.steps).map(|at| self.lowest.saturating_add(at.saturating_mul(self.step)))
    }

    /// How far below the highest line a count is, from 0 to `scale`.
    fn below_top(&self, count: u64, scale: i64) -> i64 {
        let height = u128::from(self.steps) * u128::from(self.step);
        let above = u128::from(count.saturating_sub(self.lowest)).min(height);
        let below = (height - above) * u128::try_from(scale).unwrap_or_default() / height;
        i64::try_from(below).unwrap_or(scale)
    }

    /// The height of the part that stretches, in its own units.
    fn height(&self) -> i64 {
        if self.is_low() { 200 } else { 400 }
    }

    /// Whether three lines are enough.
    fn is_low(&self) -> bool {
        self.steps <= 2
    }

    /// The label beside a line: `600`, `120k`, `1.71M`, as exact as the lines need.
    fn label(&self, count: u64) -> String {
        let (unit, name) = match self.lines().max().unwrap_or(0) {
            ..100_000 => return count.to_string(),
            100_000..1_000_000 => (1_000, "k"),
            _ => (1_000_000, "M"),
        };
        let (mut part, mut decimals) = (unit, 0_usize);
        while !(self.step.is_multiple_of(part) && self.lowest.is_multiple_of(part)) {
            part /= 10;
            decimals += 1;
        }
        let fraction = count % unit / part;
        match decimals {
            0 => format!("{}{name}", count / unit),
            _ => format!("{}.{fraction:0decimals$}{name}", count / unit),
        }
    }
}

/// A count beside its point, in at most five characters.
fn short(count: u64) -> String {
    match count {
        ..100_000 => count.to_string(),
        100_000..1_000_000 => format!("{}k", count / 1_000),
        1_000_000..10_000_000 => {
            format!("{}.{:02}M", count / 1_000_000, count % 1_000_000 / 10_000)
        }
        10_000_000..100_000_000 => {
            format!("{}.{}M", count / 1_000_000, count % 1_000_000 / 100_000)
        }
        _ => format!("{}M", count / 1_000_000),
    }
}

fn percent(hundredths: i64) -> String {
    let (whole, part) = (hundredths / 100, hundredths % 100);
    match part {
        0 => format!("{whole}%"),
        _ => format!("{whole}.{part:02}%"),
    }
}

/// A hug on the curve: where it was crossed.
struct Note<'a> {
    entry: &'a Entry,
    x: i64,
    y: i64,
}

/// The curve with everything that belongs to it.
pub(super) fn figure(shelf: &Shelf, curve: &Curve, at: usize) -> Markup {
    let points = curve.points();
    let (Some(first), Some(last)) = (points.first(), points.last()) else {
        return html! {};
    };
    let next = shelf.next.map(promise::milestone::Milestone::number);
    let counts = points.iter().map(|point| point.followers);
    let least = counts.clone().chain(next).min().unwrap_or(0);
    let most = counts.chain(next).max().unwrap_or(0);
    let stave = Stave::around(least, most);
    let entries = shelf.entries.iter();
    let shown = entries.filter(|entry| entry.is_sung() || entry.is_open());
    let notes: Vec<Note> = shown
        .filter_map(|entry| {
            Some(Note {
                entry,
                x: curve.place_at(entry.reached_at, WHOLE)?,
                y: stave.below_top(entry.number.number(), WHOLE),
            })
        })
        .collect();
    let now = stave.below_top(last.followers, WHOLE);
    let next = next.map(|next| stave.below_top(next, WHOLE));
    // Where the heart would cover the dot, it is drawn alone.
    let covered = if stave.is_low() {
        WHOLE * 12 / 100
    } else {
        WHOLE * 6 / 100
    };
    let is_close = next.is_some_and(|next| (now - next).abs() < covered);
    let has_wide_labels = stave.lines().any(|line| stave.label(line).len() > 5);
    let count = short(last.followers);
    let is_alone = points.len() == 1;
    let (from, to) = (curve.date(first), curve.date(last));
    html! {
        figure {
            svg.plot.five[!stave.is_low()].three[stave.is_low()].wide[has_wide_labels].long[count.len() > 4]
                role="img" aria-labelledby={ "t" (at) " d" (at) } {
                title id={ "t" (at) } { (since(from, to)) }
                desc id={ "d" (at) } { (description(curve, first, last, &notes)) }
                (stretched(&stave, curve, next))
                @for line in stave.lines() {
                    text x="-10" y=(percent(stave.below_top(line, WHOLE))) dy="5" text-anchor="end" {
                        (stave.label(line))
                    }
                }
                @for note in &notes { (drawn(note, notes.len())) }
                @if !is_close { circle.now cx="100%" cy=(percent(now)) r="4.5" {} }
                text.count x="100%" y=(percent(now)) dx=(if is_close { 12 } else { 9 }) dy="5" {
                    (count)
                }
                @if let Some(next) = next {
                    svg.to-come x="100%" y=(percent(next)) { (head()) }
                }
            }
            p.dates aria-hidden="true" {
                @if is_alone { span {} }
                @else if from.year() == to.year() { span { (day(from)) } }
                @else { span { (day_of_year(from)) } }
                span { (day_of_year(to)) }
            }
            figcaption { (caption(&stave, curve, &notes, next.is_some())) }
            @if !is_alone { (numbers(curve)) }
        }
    }
}

/// The lines, the curve and the area below it.
fn stretched(stave: &Stave, curve: &Curve, next: Option<i64>) -> Markup {
    let height = stave.height();
    let y = |count| stave.below_top(count, height);
    let next = next.map(|next| next * height / WHOLE);
    let line = |at: i64| format!("M0 {at}H{WIDTH}");
    let lines: String = stave
        .lines()
        .map(y)
        .filter(|at| Some(*at) != next)
        .map(line)
        .collect();
    let place = |point: &Point| {
        let x = curve.place_of(point, WIDTH);
        format!("{x} {}", y(point.followers))
    };
    let points = curve.points();
    let (mut whole, mut counted, mut gaps) = (String::new(), String::new(), String::new());
    for (at, point) in points.iter().enumerate() {
        let here = place(point);
        let begins = at == 0 || point.after_gap;
        whole += &format!("{}{here}", if at == 0 { "M" } else { " " });
        counted += &format!("{}{here}", if begins { "M" } else { " " });
        if point.after_gap && at > 0 {
            gaps += &format!("M{} {here}", place(&points[at - 1]));
        }
    }
    html! {
        svg viewBox={ "0 0 " (WIDTH) " " (height) } preserveAspectRatio="none" width="100%" height="100%" {
            @if points.len() > 1 { path.area d={ (whole) "V" (height) "H0Z" } {} }
            path.stave d=(lines) {}
            @if let Some(next) = next { path.stave.soon d=(line(next)) {} }
            @if points.len() > 1 { path.curve d=(counted) {} }
            @if !gaps.is_empty() { path.curve.gap d=(gaps) {} }
        }
    }
}

fn drawn(note: &Note<'_>, of: usize) -> Markup {
    let (x, y) = (percent(note.x), percent(note.y));
    let is_open = note.entry.is_open();
    if of > HEARTS {
        return html! { circle.head.dot.open[is_open] cx=(x) cy=(y) r="3" {} };
    }
    html! {
        svg.hug.open[is_open] x=(x) y=(y) {
            @if of > NOTES { g transform="scale(.6)" { (head()) } }
            @else { (stem()) (head()) }
        }
    }
}

/// `Followers since June`.
fn since(from: Date, to: Date) -> String {
    let month = if from.year() == to.year() {
        from.strftime("%B")
    } else {
        from.strftime("%B %Y")
    };
    format!("Followers since {month}")
}

/// The curve in sentences, for those who do not see it.
fn description(curve: &Curve, first: &Point, last: &Point, notes: &[Note<'_>]) -> String {
    let (from, to) = (curve.date(first), curve.date(last));
    if from == to && curve.points().len() == 1 {
        return format!("{} on {}.", figures(last.followers), day_of_year(to));
    }
    let on = |date: Date| {
        if from.year() == to.year() {
            day(date)
        } else {
            day_of_year(date)
        }
    };
    let mut text = format!(
        "From {} on {} to {} on {}.",
        figures(first.followers),
        on(from),
        figures(last.followers),
        day_of_year(to)
    );
    // The entries begin with the greatest number.
    let reached = notes.iter().rev().map(|note| {
        let number = figures(note.entry.number.number());
        (number, on(date(note.entry.reached_at)))
    });
    let reached: Vec<(String, String)> = reached.collect();
    match reached.as_slice() {
        [] => {}
        [(first, _), .., (last, _)] if reached.len() > TOLD => {
            text += &format!(
                " {} hugs lie on the way, from number {first} to number {last}.",
                reached.len()
            );
        }
        some => {
            for (at, (number, day)) in some.iter().enumerate() {
                text += &match at {
                    0 => format!(" Number {number} was reached on {day}"),
                    _ => format!(", number {number} on {day}"),
                };
            }
            text.push('.');
        }
    }
    let points = curve.points();
    let pairs = points.iter().zip(points.iter().skip(1));
    for (before, after) in pairs.filter(|(_, after)| after.after_gap).take(TOLD) {
        let (before, after) = (on(curve.date(before)), on(curve.date(after)));
        text += &format!(" Nobody counted from {before} to {after}.");
    }
    text
}

fn caption(stave: &Stave, curve: &Curve, notes: &[Note<'_>], has_next: bool) -> String {
    let points = curve.points();
    let mut text = match points {
        [only] => format!(
            "Counted for the first time on {}. The curve begins here.",
            day_of_year(curve.date(only))
        ),
        _ => format!("A line every {} followers", figures(stave.step)),
    };
    if points.len() > 1 {
        let each = if notes.len() > HEARTS { "dot" } else { "heart" };
        if !notes.is_empty() {
            text += &format!(", each {each} a hug, filled once its song is out");
        }
        text.push('.');
    }
    if has_next && points.len() > 1 {
        text += " The dotted heart is the next one.";
    }
    if points.iter().any(|point| point.after_gap) {
        text += " Where the curve is dotted, nobody counted.";
    }
    text
}

/// The curve as a table: its first and last point, the first of each month, and the ends of gaps.
fn numbers(curve: &Curve) -> Markup {
    let points = curve.points();
    let last = points.len() - 1;
    let month = |point: &Point| {
        let date = curve.date(point);
        (date.year(), date.month())
    };
    let is_told = |(at, point): &(usize, &Point)| {
        let starts_month = *at == 0 || month(&points[at - 1]) != month(point);
        let ends_at_gap = points.get(at + 1).is_some_and(|next| next.after_gap);
        starts_month || *at == last || point.after_gap || ends_at_gap
    };
    let rows = points.iter().enumerate().filter(is_told);
    let (from, to) = (curve.date(&points[0]), curve.date(&points[last]));
    let is_one_year = from.year() == to.year();
    html! {
        details {
            summary { "The curve in numbers" }
            table {
                tr {
                    th scope="col" { @if is_one_year { (from.year()) } @else { "day" } }
                    th scope="col" { "followers" }
                }
                @for (_, point) in rows {
                    @let date = curve.date(point);
                    tr {
                        th scope="row" { @if is_one_year { (day(date)) } @else { (day_of_year(date)) } }
                        td { (figures(point.followers)) }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stave_has_up_to_five_lines_at_round_counts_around_every_count() {
        for (least, most, lines) in [
            (431, 800, vec![400, 500, 600, 700, 800]),
            (571, 700, vec![550, 600, 650, 700]),
            (412, 600, vec![400, 450, 500, 550, 600]),
            (0, 600, vec![0, 200, 400, 600]),
            (0, 0, vec![0, 1]),
            (600, 600, vec![600, 601]),
            (510, 6_000, vec![0, 2_000, 4_000, 6_000]),
            (
                1_200_000,
                1_712_900,
                vec![1_200_000, 1_400_000, 1_600_000, 1_800_000],
            ),
        ] {
            let stave = Stave::around(least, most);
            assert_eq!(
                stave.lines().collect::<Vec<_>>(),
                lines,
                "{least} to {most}"
            );
        }
        for (least, most) in [(0, u64::MAX), (u64::MAX, u64::MAX), (1, 9_999_999_999)] {
            let stave = Stave::around(least, most);
            assert!(stave.steps <= 4, "{least} to {most}");
            assert_eq!(stave.below_top(0, 100), 100);
        }
    }

    #[test]
    fn no_two_lines_have_the_same_label() {
        for (least, most) in [
            (431, 800),
            (99_000, 101_000),
            (123_456, 123_999),
            (1_712_829, 1_713_300),
            (999_999, 1_000_001),
            (4_000_000_000, 9_999_999_999),
        ] {
            let stave = Stave::around(least, most);
            let mut labels: Vec<String> = stave.lines().map(|line| stave.label(line)).collect();
            let all = labels.len();
            labels.dedup();
            assert_eq!(labels.len(), all, "{labels:?}");
        }
        let label = |least, most| {
            let stave = Stave::around(least, most);
            stave.label(stave.lowest)
        };
        assert_eq!(label(412, 600), "400");
        assert_eq!(label(1_200_000, 1_712_900), "1.2M");
        assert_eq!(label(120_000, 180_000), "120k");
        assert_eq!(
            (short(5_829), short(1_712_829)),
            ("5829".into(), "1.71M".into())
        );
    }
}
