//! How a round goes through the roster: page by page from where it begins, around the end, and back to there.

use have_a_hug::ledger::RosterPlace;

/// How far a round has read the roster.
pub(crate) struct Pages {
    /// Where the round began, and ends when it comes around; `None` is the beginning of the roster.
    begin: Option<RosterPlace>,
    /// Where the page begins that is read next, or is being read.
    reading: Option<RosterPlace>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The next page is to be read.
    Wanted,
    /// It is being read.
    Read,
    /// All are read.
    Ended,
}

/// A part of the roster: the accounts behind `from`, up to the one at `to`. `None` is the beginning, or the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub from: Option<RosterPlace>,
    pub to: Option<RosterPlace>,
}

impl Part {
    pub(crate) fn has(&self, place: &RosterPlace) -> bool {
        let is_behind = self.from.as_ref().is_none_or(|from| place > from);
        is_behind && self.to.as_ref().is_none_or(|to| place <= to)
    }
}

impl Pages {
    pub(crate) fn from(begin: Option<RosterPlace>) -> Self {
        Self {
            reading: begin.clone(),
            begin,
            state: State::Wanted,
        }
    }

    /// Whether a page is to be read now.
    pub(crate) fn is_wanted(&self) -> bool {
        self.state == State::Wanted
    }

    /// Whether all pages are read.
    pub(crate) fn have_ended(&self) -> bool {
        self.state == State::Ended
    }

    /// Where the page begins that is to be read now. It counts as being read from then on.
    pub(crate) fn next(&mut self) -> Option<RosterPlace> {
        self.state = State::Read;
        self.reading.clone()
    }

    /// Notes that the page was read, and that the next one begins at `next`. Returns which part of the roster the page
    /// stands for in this round.
    pub(crate) fn read(&mut self, next: Option<RosterPlace>) -> Part {
        let from = self.reading.take();
        // Behind the end, the round goes on at the beginning, and ends where it began.
        let has_turned = from < self.begin;
        let end = self.begin.clone().filter(|_| has_turned);
        let is_last = next.is_none() || end.is_some() && next >= end;
        let to = if is_last { end } else { next.clone() };
        self.state = if is_last && (has_turned || self.begin.is_none()) {
            State::Ended
        } else {
            State::Wanted
        };
        self.reading = next.filter(|_| !is_last);
        Part { from, to }
    }

    /// Ends the round before it has read all. Returns where it would have gone on.
    pub(crate) fn end(&mut self) -> Option<RosterPlace> {
        self.state = State::Ended;
        self.reading.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(handle: &str) -> RosterPlace {
        RosterPlace::of(&format!("x:{handle}").parse().unwrap())
    }

    /// The parts of a round over these accounts that begins behind `begin` and reads two accounts a page.
    fn parts(accounts: &[&str], begin: Option<&str>) -> Vec<Part> {
        let mut pages = Pages::from(begin.map(place));
        let mut parts = Vec::new();
        while pages.is_wanted() {
            let after = pages.next();
            let places = accounts.iter().map(|handle| place(handle));
            let behind = places.filter(|one| after.as_ref().is_none_or(|after| one > after));
            let page: Vec<RosterPlace> = behind.take(2).collect();
            // As DynamoDB does, a full page tells of a next one, even if that is empty.
            let next = page.get(1).cloned();
            parts.push(pages.read(next));
        }
        assert!(pages.have_ended());
        parts
    }

    #[test]
    fn wherever_a_round_begins_each_account_is_in_one_part() {
        let accounts = ["a", "b", "c", "d", "e"];
        let begins = [None, Some("a"), Some("bb"), Some("c"), Some("e"), Some("z")];
        for many in 0..=accounts.len() {
            for begin in begins {
                let parts = parts(&accounts[..many], begin);
                // An account without a row is new, and belongs into one part, too.
                for handle in ["a", "b", "c", "d", "e", "new", "0"] {
                    let place = place(handle);
                    let having = parts.iter().filter(|part| part.has(&place)).count();
                    assert_eq!(having, 1, "{handle} of {many} from {begin:?}: {parts:?}");
                }
            }
        }
    }

    #[test]
    fn a_round_that_ends_early_says_where_it_would_have_gone_on() {
        let mut pages = Pages::from(None);
        pages.next();
        pages.read(Some(place("b")));
        assert_eq!(pages.end(), Some(place("b")));
        assert!(pages.have_ended() && !pages.is_wanted());
    }
}
