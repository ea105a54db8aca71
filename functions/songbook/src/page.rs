//! From a [`Songbook`] to one file of HTML that needs nothing else: no script, no picture and no address elsewhere.
//!
//! maud escapes every text. Where others wrote it, it is also isolated (`<bdi>`), so that letters written from right to
//! left do not reorder the words beside them. A browser that obeys [`policy`] runs and loads nothing, even if a text
//! were not escaped.

mod chart;

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use promise::milestone::Milestone;
use sha2::{Digest, Sha256};

use crate::{
    book::{Asker, Entry, Found, Shelf, Songbook, State, Whom},
    english::{at_the_start, clock, date, day_of_year, figures, place},
};

/// The only style of the page. No element has a style of its own, because the policy would not allow it.
const STYLE: &str = include_str!("page/style.css");

/// A heart, as the icon of the page.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24'%3E%3Cpath fill='%23b23a2e' d='M12 21C4 15 2 11.5 2 8.3 2 5 4.5 3 7 3c2 0 4 1 5 3 1-2 3-3 5-3 2.5 0 5 2 5 5.3 0 3.2-2 6.7-10 12.7z'/%3E%3C/svg%3E";

/// What a server sends with the page. The policy in the page itself is stricter, because it names the one style; it cannot
/// say who may frame the page. This one does not name the style, so that a server and a page of different versions fit.
pub const HEADERS: [(&str, &str); 5] = [
    ("Content-Type", "text/html; charset=utf-8"),
    (
        "Content-Security-Policy",
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    // So an erased name is in no cache after a minute.
    ("Cache-Control", "public, max-age=60"),
];

/// So many of the newest songs are open, and the others are folded.
const UNFOLDED: usize = 20;

/// What a browser may do with the page: nothing but show its one style and its icon.
pub fn policy() -> &'static str {
    static POLICY: LazyLock<String> = LazyLock::new(|| {
        let hash = STANDARD.encode(Sha256::digest(STYLE));
        format!(
            "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'"
        )
    });
    &POLICY
}

/// The page, written at that time.
pub fn render(book: &Songbook, written: Timestamp) -> String {
    let to_go = book.shelves.first().and_then(to_go_in_words);
    let about = |words: &str| match &to_go {
        Some(to_go) => format!("{words} {to_go}"),
        None => words.to_owned(),
    };
    let name = format!("{}’s songbook", book.creator);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(policy());
                title { (name) ": " (book.title) }
                meta name="description" content=(about(&book.promise));
                meta property="og:type" content="website";
                meta property="og:title" content=(name);
                meta property="og:description" content=(about(&book.title));
                @if let Some(url) = &book.url {
                    meta property="og:url" content=(url);
                    link rel="canonical" href=(url);
                }
                meta name="twitter:card" content="summary";
                @if !book.listed { meta name="robots" content="noindex"; }
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                link rel="icon" href=(ICON);
                style { (PreEscaped(STYLE)) }
            }
            body {
                (chart::heart())
                main {
                    header {
                        p.by { (chart::note()) bdi { (book.creator) } "’s songbook" }
                        h1 { (book.title) }
                        p.lead { (book.promise) }
                        @if book.shelves.len() > 1 { (contents(book)) }
                    }
                    @for (at, shelf) in book.shelves.iter().enumerate() {
                        (section(shelf, at + 1, book.shelves.len() == 1))
                    }
                }
                (footer(book, written))
            }
        }
    };
    page.into_string()
}

fn contents(book: &Songbook) -> Markup {
    html! {
        ul.toc {
            @for (at, shelf) in book.shelves.iter().enumerate() {
                li {
                    a href={ "#a" (at + 1) } {
                        (shelf.network)
                        @if let Some(to_go) = to_go(shelf) { ": " (figures(to_go)) " to go" }
                    }
                }
            }
        }
    }
}

/// How many are missing until the next number.
fn to_go(shelf: &Shelf) -> Option<u64> {
    let next = shelf.next?.number();
    Some(next.saturating_sub(shelf.followers?))
}

fn to_go_in_words(shelf: &Shelf) -> Option<String> {
    let (to_go, next) = (figures(to_go(shelf)?), figures(shelf.next?.number()));
    Some(format!("{to_go} to go until number {next}."))
}

fn section(shelf: &Shelf, at: usize, is_only: bool) -> Markup {
    let handle = html! { a href=(shelf.url) { bdi { (shelf.handle) } } };
    html! {
        section aria-labelledby={ "a" (at) } {
            h2 id={ "a" (at) } {
                @if is_only { (handle) " on " (shelf.network) }
                @else { "On " (shelf.network) ", " (handle) }
            }
            (now(shelf))
            @if let Some(curve) = &shelf.curve { (chart::figure(shelf, curve, at)) }
            (songs(shelf))
        }
    }
}

fn now(shelf: &Shelf) -> Markup {
    let (Some(followers), next) = (shelf.followers, shelf.next) else {
        return html! { p.first { "The followers have not been counted yet. The first check comes soon." } };
    };
    let here = figures(followers);
    let Some(next) = next.map(Milestone::number) else {
        return html! { p.first { (here) " are here, and every song of the plan is promised." } };
    };
    let (from, to_go) = (shelf.before_next, next.saturating_sub(followers));
    let (whole, done) = (next - from, followers.saturating_sub(from).min(next - from));
    let way = format!("On the way from {} to {}", figures(from), figures(next));
    html! {
        p.next { b { (figures(to_go)) } " to go" }
        progress max=(whole) value=(done) aria-label=(way) { (done) " of " (whole) }
        p { "Number " (figures(next)) " gets the next song, and " (here) " are here." }
        @if let Some(pace) = &shelf.pace { p.note { (pace) } }
    }
}

fn songs(shelf: &Shelf) -> Markup {
    let newest = shelf.entries.len().min(UNFOLDED);
    let (newest, earlier) = shelf.entries.split_at(newest);
    html! {
        @if newest.is_empty() {
            @if let Some(next) = shelf.next {
                p.empty {
                    "No song yet. The first one is for number " (figures(next.number())) ": perhaps that is you."
                }
            }
        } @else {
            ol { @for one in newest { (entry(one)) } }
        }
        @if !earlier.is_empty() {
            details.earlier {
                summary { (figures(earlier.len() as u64)) " earlier numbers" }
                ol { @for one in earlier { (entry(one)) } }
            }
        }
    }
}

fn entry(entry: &Entry) -> Markup {
    let number = entry.number;
    let reached = day_of_year(date(entry.reached_at));
    let (class, text) = match &entry.state {
        State::Crossed { passed_over } => (
            "open",
            html! {
                h3 { "Waiting for its follower" }
                p {
                    "Reached on " (reached) ". "
                    @match *passed_over {
                        0 => "The invitation comes next.",
                        over => { (passed(over)) ", so the next genuine follower gets this song." },
                    }
                }
            },
        ),
        State::Invited { on, found } => (
            "open",
            html! {
                h3 { "Waiting for a topic" }
                p {
                    "Invited on " (day_of_year(*on)) ". This page says whose number it is when they have answered."
                }
                (how(entry, found.as_ref()))
            },
        ),
        State::Asked { by } => (
            "open",
            html! {
                h3 { "A song is being written" }
                p { (whom(by, number)) "." }
                (how(entry, by.found()))
            },
        ),
        State::Sung {
            by,
            video,
            title,
            on,
        } => (
            "song",
            html! {
                h3 {
                    @match title {
                        Some(title) => bdi { (title) },
                        None => { "Song number " (figures(number.number())) },
                    }
                }
                p { (whom(by, number)) ". Sung on " (day_of_year(*on)) "." }
                a.listen href={ "https://www.youtube.com/watch?v=" (video.as_str()) } {
                    (chart::triangle()) "Listen on YouTube"
                }
                (how(entry, by.found()))
            },
        ),
        State::Ended => (
            "open",
            html! {
                h3 { "Without a song" }
                p { "Reached on " (reached) ". Nothing more comes for this number." }
            },
        ),
    };
    html! {
        li class=(class) {
            span.no { (figures(number.number())) }
            div { (text) }
        }
    }
}

impl Whom {
    fn found(&self) -> Option<&Found> {
        match self {
            Self::Asker(asker) => asker.found.as_ref(),
            Self::Unnamed | Self::Silent => None,
        }
    }
}

fn whom(by: &Whom, number: Milestone) -> Markup {
    match by {
        Whom::Asker(asker) => {
            let Asker {
                name,
                handle,
                url,
                topic,
                ..
            } = asker.as_ref();
            html! {
                "For "
                @if let Some(name) = name { bdi { (name) } ", " }
                a rel="nofollow ugc" href=(url) { bdi { (handle) } }
                ", who asked for “" bdi { (topic) } "”"
            }
        }
        Whom::Unnamed => html! { "For someone who would rather not be named" },
        Whom::Silent => html! { "For follower number " (figures(number.number())) },
    }
}

/// `Two accounts were passed over`.
fn passed(over: u64) -> String {
    match over {
        1 => "One account was passed over".to_owned(),
        over => format!("{} accounts were passed over", at_the_start(over)),
    }
}

/// How it was found who crossed the number.
fn how(entry: &Entry, found: Option<&Found>) -> Markup {
    let Some(found) = found else {
        return html! {};
    };
    let number = entry.number.number();
    let (at, day) = (entry.reached_at, day_of_year(date(entry.reached_at)));
    let crossed = (found.before + 1..=found.after).contains(&number);
    html! {
        details {
            summary { "How number " (figures(number)) " was found" }
            p {
                "On " (day) " at " (clock(at)) " the count "
                @if crossed { "went from " (figures(found.before)) " to " } @else { "was " }
                (figures(found.after))
                @if let Some(position) = found.position {
                    ", so number " (figures(number)) " stood " (place(position)) " in the list of followers, newest first"
                }
                ". "
                @match found.passed_over {
                    0 => "Nobody was passed over. ",
                    over => {
                        (passed(over)) ", because "
                        @if over == 1 { "it" } @else { "they" }
                        " did not count as genuine or could not get this song. "
                    },
                }
                @match (found.certain, found.came) {
                    (true, Some(1)) => "One came since the check before, and the list shows the same: ",
                    (true, Some(came)) => { (at_the_start(came)) " came since the check before, and the list shows the same: " },
                    (true, None) => "Count and list agree: ",
                    (false, _) => "Followers who are hidden from the list can move a place by a few: ",
                }
                strong { @if found.certain { "certain" } @else { "likely" } }
                "."
            }
        }
    }
}

fn footer(book: &Songbook, written: Timestamp) -> Markup {
    html! {
        footer {
            p {
                "Kept by Have a Hug, which counts the followers, finds out who has a number, and asks them. Written on "
                (day_of_year(date(written))) " at " (clock(written)) "; its days are those of UTC."
                @match book.left_out {
                    0 => {},
                    1 => " One more account is not shown.",
                    more => { " " (at_the_start(more as u64)) " more accounts are not shown." },
                }
            }
            p {
                "Named here, and would rather not be? Write to " bdi { (book.creator) }
                ", and your name leaves this book. The song stays yours."
            }
        }
    }
}

#[cfg(test)]
mod tests;
