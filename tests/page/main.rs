//! The songbook's page in a real browser.
//!
//! `books.rs` makes a page for each state from records, as the program does. `chromium.rs` drives the browser, and
//! `checks.js` looks from inside the page; axe-core judges whether everyone can use it. Each check turns a page into
//! sentences about what is wrong, and is also held against a page that was broken on purpose.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod books;
mod chromium;

use std::fs;

use axum::Router;
use base64::{Engine, engine::general_purpose::STANDARD};
use books::HOSTILE;
use chromium::{Chromium, View, pictures, with_chromium};
use serde_json::json;
use songbook::page::HEADERS;
use tokio::net::TcpListener;

/// A small phone, a phone and a desk.
const WIDTHS: [u32; 3] = [320, 390, 1200];

const PHONE: View = View::of(390, "light");

/// A reader who made plain text twice as large.
const LARGE: View = View {
    text: 32,
    ..View::of(320, "light")
};

/// The keys of the keyboard, by their code points in WebDriver.
const TAB: char = '\u{e004}';
const ENTER: char = '\u{e007}';

const NOTHING: [String; 0] = [];

/// Opens a page with all that is folded in it.
async fn open_all(chromium: &Chromium, html: &str) {
    chromium.open(html).await;
    chromium.run("checks.unfold()").await;
}

/// What is wrong with how the open page looks that way.
async fn looks(chromium: &Chromium, view: View) -> Vec<String> {
    let mut faults = lies(chromium, view).await;
    faults.extend(chromium.check("axe()").await);
    faults
}

/// What is wrong with where things lie on the open page, and with what is drawn.
async fn lies(chromium: &Chromium, view: View) -> Vec<String> {
    chromium.view(view).await;
    let mut faults = Vec::new();
    for check in ["width()", "words()", "drawing()", "order()"] {
        faults.extend(chromium.check(check).await);
    }
    faults
}

/// What is in the open page, or was asked for by it, that has no business there.
async fn foreign(chromium: &Chromium) -> Vec<String> {
    let mut faults = chromium.check("contents()").await;
    faults.extend(chromium.requests().await);
    faults.extend(chromium.console().await);
    faults
}

/// Which of these texts cannot be read on the open page.
async fn missing(chromium: &Chromium, texts: &[String]) -> Vec<String> {
    chromium.check(&format!("missing({})", json!(texts))).await
}

/// Which of these parts of the open page cannot be seen that way: their place looks the same without them.
async fn invisible(chromium: &Chromium, view: View, parts: &[&str]) -> Vec<String> {
    chromium.view(view).await;
    let mut faults = Vec::new();
    for part in parts {
        let clip = chromium.run(&format!("return checks.clip('{part}')")).await;
        let shown = chromium.picture(clip.clone()).await;
        chromium.run(&format!("checks.hide('{part}')")).await;
        if chromium.picture(clip).await == shown {
            faults.push(format!("it cannot be seen: {part}"));
        }
        chromium.run(&format!("checks.show('{part}')")).await;
    }
    faults
}

/// What is wrong with the open page where plain text is twice as large.
async fn enlarged(chromium: &Chromium) -> Vec<String> {
    chromium.view(View { text: 16, ..LARGE }).await;
    chromium.run("checks.growth()").await;
    let mut faults = lies(chromium, LARGE).await;
    faults.extend(chromium.check("growth()").await);
    faults
}

/// What is wrong with the open page for someone who has only a keyboard.
async fn keyboard(chromium: &Chromium, view: View) -> Vec<String> {
    chromium.view(view).await;
    let stops = chromium.check("stops()").await;
    let mut faults = Vec::new();
    for (at, stop) in stops.iter().enumerate() {
        chromium.press(TAB).await;
        let focus = chromium.run("return checks.focus()").await;
        if focus["stop"] != at {
            faults.push(format!("the Tab key does not stop at {stop}"));
            break;
        }
        let weak: Vec<String> = serde_json::from_value(focus["faults"].clone()).unwrap();
        faults.extend(weak);
        if stop.starts_with("<summary") {
            chromium.press(ENTER).await;
            let after = chromium.run("return checks.focus()").await;
            if focus["open"] == after["open"] {
                faults.push(format!("the Enter key does not fold {stop}"));
            }
            chromium.press(ENTER).await;
        }
        let with = chromium.picture(focus["clip"].clone()).await;
        chromium.run("checks.unfocus()").await;
        if chromium.picture(focus["clip"].clone()).await == with {
            faults.push(format!("the focus cannot be seen at {stop}"));
        }
    }
    faults
}

async fn every_state_is_sound_in(scheme: &'static str) {
    with_chromium(async |chromium| {
        for page in books::all() {
            open_all(chromium, &page.html).await;
            for width in WIDTHS {
                let view = View::of(width, scheme);
                assert_eq!(
                    looks(chromium, view).await,
                    NOTHING,
                    "{}, {view}",
                    page.name
                );
            }
        }
    })
    .await;
}

#[tokio::test]
async fn axe_finds_nothing_in_any_state_in_light() {
    every_state_is_sound_in("light").await;
}

#[tokio::test]
async fn axe_finds_nothing_in_any_state_in_dark() {
    every_state_is_sound_in("dark").await;
}

#[tokio::test]
async fn every_state_says_so_loads_nothing_and_leaves_the_console_empty() {
    with_chromium(async |chromium| {
        chromium.view(PHONE).await;
        for page in books::all() {
            chromium.open(&page.html).await;
            let missing = missing(chromium, &page.texts).await;
            assert_eq!(missing, NOTHING, "{}", page.name);
            assert_eq!(foreign(chromium).await, NOTHING, "{}", page.name);
        }
    })
    .await;
}

#[tokio::test]
async fn what_strangers_wrote_stays_text_and_runs_nothing_even_without_the_policy() {
    with_chromium(async |chromium| {
        let page = books::hostile();
        for html in [&page.html, &without_policy(&page.html)] {
            open_all(chromium, html).await;
            assert_eq!(missing(chromium, &page.texts).await, NOTHING);
            assert_eq!(looks(chromium, PHONE).await, NOTHING);
            assert_eq!(foreign(chromium).await, NOTHING);
            assert!(chromium.run("return window.ran").await.is_null());
        }
    })
    .await;
}

#[tokio::test]
async fn the_policy_stops_whatever_got_into_the_page() {
    with_chromium(async |chromium| {
        chromium.open(&books::songbook().html).await;
        assert_eq!(chromium.check("policy(10000)").await, NOTHING);
    })
    .await;
}

#[tokio::test]
async fn from_a_server_with_its_headers_the_page_looks_as_it_does_from_a_file() {
    let html = books::songbook().html;
    let answer = (HEADERS, html.clone());
    let server = Router::new().fallback(|| async { answer });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, server).await });
    with_chromium(async |chromium| {
        chromium.view(PHONE).await;
        chromium.open(&html).await;
        let from_file = chromium.check("appearance()").await;
        chromium.visit(&url).await;
        let from_server = chromium.check("appearance()").await;
        let differ = from_file.iter().zip(&from_server);
        let differ = differ.filter(|(file, server)| file != server);
        assert_eq!(differ.collect::<Vec<_>>(), []);
        assert!(from_server.len() == from_file.len() && from_file.len() > 50);
        let only_itself = [format!("the page asks for {url}")];
        assert_eq!(foreign(chromium).await, only_itself);
        assert_eq!(chromium.check("policy(10000)").await, NOTHING);
    })
    .await;
}

/// What a reader must be able to see in the first figure, and around it.
const SEEN: [&str; 7] = [
    ".curve",
    ".plot .head",
    ".plot .stem",
    ".now",
    ".plot text",
    "progress",
    ".listen",
];

#[tokio::test]
async fn curve_hearts_and_bar_can_be_seen_in_light_in_dark_and_in_forced_colours() {
    with_chromium(async |chromium| {
        open_all(chromium, &books::songbook().html).await;
        for scheme in ["light", "dark"] {
            for forced_colors in [false, true] {
                let view = View {
                    forced_colors,
                    ..View::of(390, scheme)
                };
                assert_eq!(looks(chromium, view).await, NOTHING, "{view}");
                assert_eq!(invisible(chromium, view, &SEEN).await, NOTHING, "{view}");
                let clip = chromium.run("return checks.clip('progress')").await;
                let bar = chromium.picture(clip.clone()).await;
                chromium.run("checks.empty()").await;
                let empty = chromium.picture(clip).await;
                assert_ne!(bar, empty, "{view}: the bar does not show how far it is");
                chromium.run("checks.fill()").await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn text_of_twice_the_size_fits_a_small_phone() {
    with_chromium(async |chromium| {
        for page in books::all() {
            open_all(chromium, &page.html).await;
            assert_eq!(enlarged(chromium).await, NOTHING, "{}", page.name);
        }
    })
    .await;
}

#[tokio::test]
async fn the_keyboard_reaches_every_link_and_every_fold_and_the_focus_can_be_seen() {
    with_chromium(async |chromium| {
        for forced_colors in [false, true] {
            for scheme in ["light", "dark"] {
                let view = View {
                    forced_colors,
                    ..View::of(390, scheme)
                };
                open_all(chromium, &books::songbook().html).await;
                assert_eq!(keyboard(chromium, view).await, NOTHING, "{view}");
            }
        }
    })
    .await;
}

// The tests below hold each check against a page that was broken on purpose.

/// The page without what it says a browser may do with it.
fn without_policy(html: &str) -> String {
    replaced(
        html,
        "http-equiv=\"Content-Security-Policy\"",
        "name=\"nothing\"",
    )
}

fn replaced(html: &str, from: &str, to: &str) -> String {
    assert!(html.contains(from), "the page does not contain {from}");
    html.replace(from, to)
}

/// The page without its policy, and with more at its end.
fn with(more: &str) -> String {
    let html = without_policy(&books::songbook().html);
    replaced(&html, "</main>", &format!("{more}</main>"))
}

fn assert_found(faults: &[String], part: &str) {
    let is_found = faults.iter().any(|fault| fault.contains(part));
    assert!(is_found, "not found: {part}, but {faults:#?}");
}

#[tokio::test]
async fn an_escape_that_is_left_out_is_found_and_only_the_policy_stops_it() {
    with_chromium(async |chromium| {
        let page = books::hostile();
        let script = HOSTILE[0].replace('<', "&lt;").replace('>', "&gt;");
        let html = replaced(&page.html, &script, HOSTILE[0]);
        chromium.open(&html).await;
        assert_found(&missing(chromium, &page.texts).await, HOSTILE[0]);
        let faults = foreign(chromium).await;
        assert_found(&faults, "the page contains <script>");
        assert_found(&faults, "violates the following Content Security Policy");
        assert!(chromium.run("return window.ran").await.is_null());
        chromium.open(&without_policy(&html)).await;
        assert_eq!(chromium.run("return window.ran").await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_policy_without_one_of_its_parts_is_found() {
    with_chromium(async |chromium| {
        let html = books::songbook().html;
        for (part, instead, kind) in [
            ("default-src 'none'; ", "", "script-src-elem"),
            ("default-src 'none'; ", "", "connect-src"),
            ("img-src data:", "img-src *", "img-src"),
            ("base-uri 'none'; ", "", "base-uri"),
            ("form-action 'none'", "", "form-action"),
        ] {
            chromium.open(&replaced(&html, part, instead)).await;
            let faults = chromium.check("policy(1000)").await;
            assert_found(&faults, &format!("the policy does not stop {kind}"));
        }
        chromium.open(&without_policy(&html)).await;
        assert_found(
            &chromium.check("policy(1000)").await,
            "a foreign script ran",
        );
        // The policy names the one style by its hash, so a style that was changed is not obeyed.
        chromium.open(&replaced(&html, ":root{", ":root{ ")).await;
        let fault = "Applying inline style violates";
        assert_found(&foreign(chromium).await, fault);
    })
    .await;
}

#[tokio::test]
async fn what_has_no_business_in_the_page_is_found() {
    with_chromium(async |chromium| {
        for (more, fault) in [
            (
                "<img src=\"https://127.0.0.1:9/\" alt=\"\">",
                "the page asks for https://127.0.0.1:9/",
            ),
            ("<p style=\"color:red\">", "the attribute style"),
            ("<p onclick=\"\">", "the attribute onclick"),
            ("<a href=\"javascript:1\">x</a>", "not of https"),
            ("<a href=\"#nowhere\">x</a>", "leads to nothing"),
            ("<p id=\"a1\">", "two elements have the id"),
            ("<p>\u{202e}", "characters that reverse text"),
            ("<progress value=\"1\"></progress>", "a bar has no name"),
        ] {
            chromium.open(&with(more)).await;
            assert_found(&foreign(chromium).await, fault);
        }
    })
    .await;
}

#[tokio::test]
async fn what_looks_wrong_is_found() {
    with_chromium(async |chromium| {
        for (more, fault) in [
            ("<p style=\"color:#bbb\">weak</p>", "axe: color-contrast"),
            ("<img src=\"data:,\">", "axe: image-alt"),
            ("<p style=\"width:400px\">wide</p>", "the page is"),
            ("<p style=\"width:2em\">broken</p>", "a word is broken"),
            (
                "<svg><text y=\"20\" fill=\"#bbb\">weak</text></svg>",
                "too weak",
            ),
            (
                "<svg><circle class=\"now\" style=\"fill:#fff\"/></svg>",
                "too weak",
            ),
            (
                "<svg><text y=\"20\">one</text><text y=\"25\">two</text></svg>",
                "one lies on the other",
            ),
        ] {
            open_all(chromium, &with(more)).await;
            assert_found(&looks(chromium, PHONE).await, fault);
        }
        let untitled = replaced(&books::songbook().html, "<title>", "<meta name=\"");
        open_all(chromium, &replaced(&untitled, "</title>", "\">")).await;
        assert_found(&looks(chromium, PHONE).await, "axe: document-title");
        let mixed = replaced(&books::hostile().html, "<bdi>", "<span>");
        open_all(chromium, &replaced(&mixed, "</bdi>", "</span>")).await;
        assert_found(&looks(chromium, PHONE).await, "it is not in its order");
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_seen_enlarged_or_reached_is_found() {
    with_chromium(async |chromium| {
        let styled = |style: &str| with(&format!("<style>{style}</style>"));
        open_all(chromium, &styled("progress{opacity:0}")).await;
        let faults = invisible(chromium, PHONE, &SEEN).await;
        assert_eq!(faults, ["it cannot be seen: progress"]);
        for (style, fault) in [
            ("main{min-width:15rem}", "the page is"),
            (".lead{font-size:20px}", "text stays at 20 px"),
        ] {
            open_all(chromium, &styled(style)).await;
            assert_found(&enlarged(chromium).await, fault);
        }
        for (style, fault) in [
            (":focus-visible{outline:none}", "the focus cannot be seen"),
            (":focus-visible{outline-color:#ddd}", "the outline is weak"),
        ] {
            open_all(chromium, &styled(style)).await;
            assert_found(&keyboard(chromium, PHONE).await, fault);
        }
        let skipped = replaced(
            &books::songbook().html,
            "<summary>",
            "<summary tabindex=\"-1\">",
        );
        open_all(chromium, &skipped).await;
        let faults = keyboard(chromium, PHONE).await;
        assert_found(&faults, "the Tab key does not stop at <summary");
    })
    .await;
}

/// The pictures for README: the file, the view, and how many dots a pixel has, in tenths.
const IN_README: [(&str, View, u32); 2] = [
    (
        "songbook-phone-dark.png",
        View {
            height: 1110,
            ..View::of(390, "dark")
        },
        15,
    ),
    (
        "songbook-desktop-light.png",
        View {
            height: 1578,
            ..View::of(1200, "light")
        },
        9,
    ),
];

#[tokio::test]
async fn pictures_of_every_state_are_written_if_someone_wants_them() {
    let Some(folder) = pictures() else { return };
    with_chromium(async |chromium| {
        let write = async |file: &str, view: View, tenths: u32| {
            let picture = chromium.picture_of(view, tenths).await;
            fs::write(folder.join(file), STANDARD.decode(picture).unwrap()).unwrap();
        };
        chromium.open(&books::songbook().html).await;
        for (file, view, tenths) in IN_README {
            write(file, view, tenths).await;
        }
        let forced_colors = View {
            forced_colors: true,
            ..View::of(390, "dark")
        };
        for page in books::all() {
            // With forced colours on, Chromium would open the next page with another background.
            chromium.view(PHONE).await;
            chromium.open(&page.html).await;
            for (name, view) in [
                ("phone", View::of(390, "dark")),
                ("desktop", View::of(1200, "light")),
                ("large", LARGE),
                ("forced", forced_colors),
            ] {
                chromium.view(view).await;
                let height = chromium.run("return document.body.scrollHeight").await;
                let height = height.as_u64().unwrap().try_into().unwrap();
                let whole = View { height, ..view };
                write(&format!("{}-{name}.png", page.name), whole, 10).await;
            }
        }
    })
    .await;
}
