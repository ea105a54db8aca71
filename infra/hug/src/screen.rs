//! What a person reads: lines that fit the terminal, times in the reader's zone, names and states in colour.
//!
//! Everything else in this crate writes plain text, with times as programs write them. So a text is the same in a
//! test, in a pipe and on a screen, and a colour never says what the words do not say.

use std::{
    env,
    io::{self, IsTerminal, Stderr, Stdout, Write},
};

use anstream::AutoStream;
use anstyle::{AnsiColor, Style};
use jiff::{Timestamp, tz::TimeZone};
use textwrap::{Options, WordSeparator, WordSplitter, WrapAlgorithm, core::display_width};

/// From so many columns on, a table is readable; below, the same is shown as a list.
const MIN_TABLE: usize = 100;

/// A narrower terminal is written to as if it had so many columns.
const MIN_WIDTH: usize = 20;

/// How far the second line of a long line may be indented, to begin below the text of the first.
const MAX_INDENT: usize = 18;

const NAME: Style = Style::new().bold();
const GOOD: Style = AnsiColor::Green.on_default();
const UNDER_WAY: Style = AnsiColor::Cyan.on_default();
const WAITS: Style = AnsiColor::Yellow.on_default();
const BAD: Style = AnsiColor::Red.on_default().bold();

/// The verdicts of `hug doctor` and the states of a hug.
const STATES: [(&str, Style); 13] = [
    ("ok", GOOD),
    ("unsure", WAITS),
    ("wrong", BAD),
    ("reached", UNDER_WAY),
    ("inviting", UNDER_WAY),
    ("invited", GOOD),
    ("topic_chosen", GOOD),
    ("song_posted", UNDER_WAY),
    ("hugged", GOOD),
    ("held", WAITS),
    ("to_send", WAITS),
    ("declined", Style::new().dimmed()),
    ("cancelled", Style::new().dimmed()),
];

/// A writer for texts that a person reads. It holds a line until the line is whole.
pub struct Screen<W> {
    out: W,
    width: Option<usize>,
    zone: TimeZone,
    line: Vec<u8>,
    /// How many columns the last line has that the next one replaces.
    replaceable: usize,
}

/// Standard output: a terminal, a pipe or a file.
pub fn stdout() -> Screen<AutoStream<Stdout>> {
    Screen::new(anstream::stdout(), width(), TimeZone::system())
}

/// Standard error. Its lines are as wide as those of standard output.
pub fn stderr() -> Screen<AutoStream<Stderr>> {
    let is_terminal = io::stderr().is_terminal();
    let width = width().filter(|_| is_terminal);
    Screen::new(anstream::stderr(), width, TimeZone::system())
}

/// Whether colours are wanted on standard error: it is a terminal, and `NO_COLOR` is not set.
pub fn stderr_has_colors() -> bool {
    AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never
}

/// How many columns standard output has: what `COLUMNS` says, else the terminal's own width. `None` in a pipe or a file,
/// where no line is broken: then `grep` finds whole sentences.
pub fn width() -> Option<usize> {
    let told = env::var("COLUMNS").ok().and_then(|n| n.parse().ok());
    let terminal = || terminal_size::terminal_size_of(io::stdout());
    told.or_else(|| Some(usize::from(terminal()?.0.0)))
}

/// Whether a table can be read in so many columns. In a pipe a list is better.
pub fn is_wide(width: Option<usize>) -> bool {
    width.is_some_and(|width| width >= MIN_TABLE)
}

impl<W: Write> Screen<W> {
    /// A screen over that writer, with so many columns, for a reader in that zone.
    pub fn new(out: W, width: Option<usize>, zone: TimeZone) -> Self {
        Self {
            out,
            width: width.map(|width| width.max(MIN_WIDTH)),
            zone,
            line: Vec::new(),
            replaceable: 0,
        }
    }

    /// The writer below.
    #[cfg(test)]
    pub(crate) fn into_inner(self) -> W {
        self.out
    }

    /// A time of today in few letters: `22 Nov 15:05`.
    pub fn short(&self, time: Timestamp) -> String {
        let local = time.to_zoned(self.zone.clone());
        local.strftime("%e %b %H:%M").to_string()
    }

    /// The name of the reader's zone, such as `Europe/Berlin`.
    pub fn zone(&self, now: Timestamp) -> String {
        let abbreviation = || now.to_zoned(self.zone.clone()).strftime("%Z").to_string();
        let name = self.zone.iana_name().map(str::to_owned);
        name.unwrap_or_else(abbreviation)
    }

    /// Shows one line until something else is written, which then replaces it. For a terminal.
    ///
    /// # Errors
    ///
    /// Where the writer fails.
    pub fn replaceable(&mut self, text: &str) -> io::Result<()> {
        self.clear()?;
        // The last column stays free: some terminals go to the next line after it.
        let room = self.width.map_or(usize::MAX, |width| width - 1);
        let text: String = text.chars().take(room).collect();
        self.replaceable = display_width(&text);
        write!(self.out, "{text}")?;
        self.out.flush()
    }

    /// Keeps the line that was to be replaced, and goes to the next one.
    ///
    /// # Errors
    ///
    /// Where the writer fails.
    pub fn keep(&mut self) -> io::Result<()> {
        match std::mem::take(&mut self.replaceable) {
            0 => Ok(()),
            _ => writeln!(self.out),
        }
    }

    /// Overwrites the line that was to be replaced. Spaces do this on every terminal, with `NO_COLOR` too.
    fn clear(&mut self) -> io::Result<()> {
        match std::mem::take(&mut self.replaceable) {
            0 => Ok(()),
            columns => write!(self.out, "\r{}\r", " ".repeat(columns)),
        }
    }

    fn show(&mut self, line: &str) -> io::Result<()> {
        self.clear()?;
        let line = painted(&in_zone(line, &self.zone));
        let Some(width) = self.width.filter(|width| *width < display_width(&line)) else {
            return writeln!(self.out, "{line}");
        };
        for part in wrapped(&line, width, indent(&line)) {
            writeln!(self.out, "{part}")?;
        }
        Ok(())
    }
}

impl<W: Write> Write for Screen<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            match part.strip_suffix(b"\n") {
                None => self.line.extend_from_slice(part),
                Some(end) => {
                    self.line.extend_from_slice(end);
                    let line = std::mem::take(&mut self.line);
                    self.show(&String::from_utf8_lossy(&line))?;
                }
            }
        }
        Ok(bytes.len())
    }

    /// Shows also what is not a whole line yet, such as a question.
    fn flush(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        self.out.write_all(&line)?;
        self.out.flush()
    }
}

/// A line in parts that fit. A word that is too long for a line, such as a link, stays whole; so does a command in
/// backticks, because it is there to be copied.
pub fn wrapped(line: &str, width: usize, indent: usize) -> Vec<String> {
    const NO_BREAK: &str = "\u{a0}";
    let room = width.saturating_sub(indent);
    let indent = " ".repeat(indent);
    let parts = line.split('`').enumerate().map(|(at, part)| {
        let is_command = at % 2 == 1 && display_width(part) + 2 <= room;
        if is_command {
            part.replace(' ', NO_BREAK)
        } else {
            part.to_owned()
        }
    });
    let line = parts.collect::<Vec<_>>().join("`");
    let options = Options::new(width)
        .subsequent_indent(&indent)
        .break_words(false)
        .word_separator(WordSeparator::AsciiSpace)
        .word_splitter(WordSplitter::NoHyphenation)
        .wrap_algorithm(WrapAlgorithm::FirstFit);
    let parts = textwrap::wrap(&line, options).into_iter();
    parts.map(|part| part.replace(NO_BREAK, " ")).collect()
}

/// Where the second line of a long line begins: below the text after a name or a time and a gap; else two columns
/// further right than the first.
fn indent(line: &str) -> usize {
    let text = line.trim_start_matches(' ');
    let before = line.len() - text.len();
    let gap = text.find("  ").map(|at| {
        let rest = text[at..].trim_start_matches(' ');
        display_width(&line[..line.len() - rest.len()])
    });
    gap.filter(|at| *at <= MAX_INDENT).unwrap_or(before + 2)
}

/// Texts side by side, each in a column of its width, with two spaces between them.
pub fn side_by_side(texts: &[(&str, usize)]) -> String {
    let columns = texts.iter().map(|(text, width)| {
        let lines = text.lines();
        let parts = lines.flat_map(|line| wrapped(line, *width, indent(line)));
        (parts.collect::<Vec<_>>(), *width)
    });
    let columns: Vec<_> = columns.collect();
    let height = columns.iter().map(|(lines, _)| lines.len()).max();
    let row = |at: usize| {
        let cells = columns.iter().map(|(lines, width)| {
            let cell = lines.get(at).map_or("", String::as_str);
            padded(cell, *width)
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let rows: Vec<String> = (0..height.unwrap_or_default()).map(row).collect();
    rows.join("\n")
}

/// Lines to go below a text, each indented by so much.
pub fn below<'a>(lines: impl IntoIterator<Item = &'a str>, indent: usize) -> String {
    let mut text = String::new();
    for line in lines {
        text.push('\n');
        text.push_str(&" ".repeat(indent));
        text.push_str(line);
    }
    text
}

/// A text with spaces after it, up to that width.
pub fn padded(text: &str, width: usize) -> String {
    let missing = width.saturating_sub(display_width(text));
    format!("{text}{}", " ".repeat(missing))
}

/// The text with its times in that zone: `2026-11-22T14:05:00Z` as `22 Nov 2026 15:05 CET`.
fn in_zone(text: &str, zone: &TimeZone) -> String {
    let words = text.split_inclusive(' ').map(|word| {
        let (start, end) = (word.find(|c: char| c.is_ascii_digit())?, word.rfind('Z')?);
        let time: Timestamp = word.get(start..=end)?.parse().ok()?;
        // A time in a link is a part of the link.
        if word.contains("://") {
            return None;
        }
        let local = time.to_zoned(zone.clone());
        let local = local.strftime("%-d %b %Y %H:%M %Z");
        Some(format!("{}{local}{}", &word[..start], &word[end + 1..]))
    });
    let plain = text.split_inclusive(' ');
    let shown = plain.zip(words);
    shown
        .map(|(plain, local)| local.unwrap_or_else(|| plain.to_owned()))
        .collect()
}

/// The text with names in bold, and verdicts and states in their colours.
fn painted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    // A state is what follows a number, as in `600 invited` and `600 is held`; a verdict begins a line.
    let mut expects_state = true;
    for word in text.split_inclusive(' ') {
        let bare = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        let bare_start = word.trim_start_matches(['(', '`', '"']);
        let state = STATES.iter().find(|(state, _)| *state == bare);
        let style = match state {
            Some((_, style)) if expects_state => Some(*style),
            _ if is_name(bare_start) => Some(NAME),
            _ => None,
        };
        let begins_with_number = bare.bytes().all(|byte| byte.is_ascii_digit());
        expects_state = (!bare.is_empty() && begins_with_number)
            || (expects_state && matches!(bare, "" | "is"));
        match style {
            Some(style) => {
                let before = word.len() - bare_start.len();
                let (before, name) = word.split_at(before.min(bare.len()));
                let (name, after) = name.split_at(bare.len().saturating_sub(before.len()));
                shown.push_str(&format!("{before}{style}{name}{style:#}{after}"));
            }
            None => shown.push_str(word),
        }
    }
    shown
}

/// Whether a word begins with a follower's handle or an account's name.
fn is_name(word: &str) -> bool {
    let networks = promise::account::NetworkName::ALL;
    let begins = |name: &str| {
        let rest = word
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix(':'));
        rest.is_some_and(|handle| handle.starts_with(char::is_alphanumeric))
    };
    let handle = word.strip_prefix('@');
    handle.is_some_and(|handle| handle.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        || networks.iter().any(|network| begins(network.word()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, width: usize, zone: &str) -> String {
        let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
        let mut screen = Screen::new(Vec::new(), Some(width), zone);
        screen.write_all(text.as_bytes()).expect("a Vec takes all");
        let shown = String::from_utf8(screen.out).expect("text");
        anstream::adapter::strip_str(&shown).to_string()
    }

    #[test]
    fn a_long_line_goes_on_below_its_text_and_a_link_stays_whole() {
        let link = "https://bsky.app/profile/did:plc:33tlmlz3k3c4666mg3vblclf/post/3n2vsh6e2us22";
        assert_eq!(
            shown(
                &format!("wrong   the clock: it is late → set it {link}\n"),
                32,
                "UTC"
            ),
            format!("wrong   the clock: it is late →\n        set it\n        {link}\n")
        );
        assert_eq!(
            shown("wait, and then `hug retry 600`\n", 20, "UTC"),
            "wait, and then\n  `hug retry 600`\n"
        );
        assert_eq!(
            shown("  600 goes to June\n", 20, "UTC"),
            "  600 goes to June\n"
        );
        assert_eq!(
            shown("  600 goes to June Okafor\n", 20, "UTC"),
            "  600 goes to June\n    Okafor\n"
        );
    }

    #[test]
    fn a_time_is_shown_in_the_readers_zone_unless_it_is_a_part_of_a_link() {
        let text =
            "until 2026-11-22T14:05:09.123Z; see https://x.com/?since=2026-11-22T14:05:09Z\n";
        let link = "https://x.com/?since=2026-11-22T14:05:09Z";
        assert_eq!(
            shown(text, 200, "Europe/Berlin"),
            format!("until 22 Nov 2026 15:05 CET; see {link}\n")
        );
        assert_eq!(
            shown("(2026-07-01T14:05:09Z)\n", 200, "Europe/Berlin"),
            "(1 Jul 2026 16:05 CEST)\n"
        );
    }

    #[test]
    fn names_and_states_have_colours_and_other_words_have_none() {
        let painted = |text: &str| painted(text).replace('\u{1b}', "^");
        assert_eq!(
            painted("600 goes to June Okafor, @june: certain"),
            "600 goes to June Okafor, ^[1m@june^[0m: certain"
        );
        assert_eq!(
            painted("  600 invited: by post"),
            "  600 ^[32minvited^[0m: by post"
        );
        assert_eq!(
            painted("x:amber 700 is to_send"),
            "^[1mx:amber^[0m 700 is ^[33mto_send^[0m"
        );
        assert_eq!(painted("wrong   secrets"), "^[1m^[31mwrong^[0m   secrets");
        assert_eq!(
            painted("she was invited and held on"),
            "she was invited and held on"
        );
        assert_eq!(painted("(@june)"), "(^[1m@june^[0m)");
    }

    #[test]
    fn a_line_that_is_to_be_replaced_is_overwritten_by_the_next() {
        let mut screen = Screen::new(Vec::new(), Some(20), TimeZone::UTC);
        screen
            .replaceable("nothing new, nothing new")
            .expect("a Vec");
        writeln!(screen, "new").expect("a Vec");
        let shown = String::from_utf8(screen.out).expect("text");
        let spaces = " ".repeat(19);
        assert_eq!(shown, format!("nothing new, nothin\r{spaces}\rnew\n"));
    }

    #[test]
    fn texts_side_by_side_keep_to_their_columns() {
        assert_eq!(
            side_by_side(&[("one two\nthree", 5), ("山 mountain", 10)]),
            "one    山\n  two    mountain\nthree"
        );
    }
}
