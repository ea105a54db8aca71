//! What must hold, said as simply as can be: DESIGN.md's "Always", looked at from outside. It knows
//! nothing of how a check decides; it sees the ledger, the network and the truth.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use promise::{
    evidence::Certainty,
    hug::{Hug, Status},
    record::AccountRecord,
};

use super::{
    history::{Plan, Who},
    life::{Lives, is_passed_on, letter_number},
    observer::{Change, Seen},
    songs,
    truth::{Reading, Truth},
};

#[derive(Default)]
pub struct Model {
    /// The first count that was written down.
    baseline: Option<u64>,
    /// The highest count that was written down.
    highest: u64,
    /// The count that was written down last.
    count: u64,
    mark: u64,
    /// Milestones that were crossed under the plan of their day.
    due: BTreeSet<u64>,
    /// Numbers that were crossed, but still waited when the plan was changed: it is up to the new
    /// one.
    open: BTreeSet<u64>,
    given: BTreeMap<u64, Given>,
    /// Whose hugs were passed on.
    passed: BTreeSet<String>,
    /// How often the person named was the rightful one, and how often not, by how sure the evidence
    /// says it is.
    pub certain: Score,
    pub likely: Score,
    /// The same for whoever the place in the list alone would name.
    pub by_place: Score,
    /// Whom the rule named for a milestone when a check first saw it crossed, if it named anyone.
    expected: BTreeMap<u64, Option<String>>,
    /// The milestone that waits, and the arrival of the newest follower who was judged for it.
    waits: Option<Waits>,
    /// What became of each hug.
    pub lives: Lives,
}

/// A milestone that waits, as the ledger says.
#[derive(Clone, Copy)]
struct Waits {
    number: u64,
    /// The newest follower who was judged for it, by the order of all follows.
    judged_to: u64,
}

#[derive(Clone, Copy, Debug, Default)]
pub struct Score {
    pub right: u64,
    pub wrong: u64,
}

impl Score {
    fn count(&mut self, right: bool) {
        *(if right {
            &mut self.right
        } else {
            &mut self.wrong
        }) += 1;
    }

    pub fn sum(self) -> u64 {
        self.right + self.wrong
    }

    pub fn percent(self) -> f64 {
        100.0 * self.right as f64 / self.sum().max(1) as f64
    }
}

impl std::ops::Add for Score {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            right: self.right + other.right,
            wrong: self.wrong + other.wrong,
        }
    }
}

struct Given {
    to: Option<String>,
    reached_at: Timestamp,
    is_cancelled: bool,
}

/// A count that rose by more than this, and more than doubled, is a leap.
const LEAP: u64 = 1_000;

impl Model {
    /// Looks at everything after a step.
    pub fn look(
        &mut self,
        Seen {
            ledger, changes, ..
        }: &Seen,
        truth: &Truth,
        (plan, most_a_day): (Plan, usize),
        strict: bool,
    ) -> Result<(), String> {
        if let Some(account) = ledger.accounts.first() {
            self.look_at_account(account, truth, plan)?;
        }
        // What was asked of the network came before what was written of it.
        self.lives
            .look_at_letters(&ledger.hugs, truth, most_a_day)?;
        for change in changes {
            self.lives
                .look_at(change, &ledger.hugs, truth, most_a_day)?;
            self.look_at(change, truth, strict)?;
        }
        if let Some(account) = ledger.accounts.first() {
            self.look_at_waiting(account, truth, strict)?;
        }
        let kept: BTreeSet<u64> = ledger
            .hugs
            .iter()
            .map(|hug| hug.milestone.number())
            .collect();
        if let Some(lost) = self.given.keys().find(|number| !kept.contains(number)) {
            return Err(format!("the hug for {lost} is gone from the ledger"));
        }
        if let Some(complaint) = truth.letters.complaints.first() {
            return Err(complaint.clone());
        }
        for ((milestone, number), count) in truth.letters.counts() {
            if count > 1 {
                return Err(format!(
                    "the network has letter {number} for {milestone} {count} times"
                ));
            }
        }
        Ok(())
    }

    fn look_at_account(
        &mut self,
        account: &AccountRecord,
        truth: &Truth,
        plan: Plan,
    ) -> Result<(), String> {
        let count = account.followers;
        if self.baseline.is_none() {
            self.baseline = Some(count);
            self.highest = count;
            self.count = count;
        }
        if count.saturating_sub(self.count) > self.count.max(LEAP)
            && !Self::was_seen_twice(count, truth)
        {
            return Err(format!(
                "the count leapt from {} to {count}, and one look was believed",
                self.count
            ));
        }
        self.count = count;
        if account.promised_up_to < self.mark {
            return Err(format!(
                "the mark fell from {} to {}",
                self.mark, account.promised_up_to
            ));
        }
        self.mark = account.promised_up_to;
        self.due
            .extend((self.highest + 1..=count).filter(|number| plan.names(*number)));
        self.highest = self.highest.max(count);
        Ok(())
    }

    /// Whether the network showed about that count at two looks that were a minute apart; clocks differ by 20 seconds.
    fn was_seen_twice(count: u64, truth: &Truth) -> bool {
        let about = |reading: &&Reading| reading.count * 2 > count && count * 2 > reading.count;
        let (first, last) = (
            truth.readings.iter().find(about),
            truth.readings.iter().rev().find(about),
        );
        let apart = first
            .zip(last)
            .map(|(first, last)| last.at.duration_since(first.at));
        apart.is_some_and(|apart| apart >= SignedDuration::from_secs(40))
    }

    /// Whoever was judged for a milestone that still waits must not have been able to have its hug.
    fn look_at_waiting(
        &mut self,
        account: &AccountRecord,
        truth: &Truth,
        strict: bool,
    ) -> Result<(), String> {
        let pending = account.pending.as_ref();
        if let Some(pending) =
            pending.filter(|one| strict && one.judged.is_none() && one.passed_over > 0)
        {
            let (passed_over, number) = (pending.passed_over, pending.milestone);
            return Err(format!(
                "{passed_over} were passed over for {number}, and how far is not kept"
            ));
        }
        let waits = pending.and_then(|pending| {
            let newest = pending.judged.as_ref()?.newest.first()?.to_string();
            let arrival = |reading: &Reading| {
                let place = reading.counted.iter().position(|id| *id == newest)?;
                Some((reading.clone(), place, reading.arrivals[place]))
            };
            let (reading, place, judged_to) = truth.readings.iter().rev().find_map(arrival)?;
            let number = pending.milestone.number();
            Some((reading, place, Waits { number, judged_to }))
        });
        let before = self.waits.take();
        self.waits = waits.as_ref().map(|(.., waits)| *waits);
        let Some((reading, place, now)) = waits.filter(|_| strict) else {
            return Ok(());
        };
        let lowest = reading.count.saturating_sub(now.number);
        let lowest = usize::try_from(lowest)
            .unwrap()
            .min(reading.counted.len() - 1);
        let same = before.filter(|before| before.number == now.number);
        let judged = (place..=lowest)
            .filter(|place| same.is_none_or(|before| reading.arrivals[*place] > before.judged_to));
        let mut judged = judged.map(|place| &reading.counted[place]);
        match judged.find(|id| self.can_have_one(id, truth)) {
            Some(id) => Err(format!("{id} was passed over for {}", now.number)),
            None => Ok(()),
        }
    }

    /// Works out, before a check, whom it ought to name.
    pub fn expect(&mut self, truth: &Truth, plan: Plan) {
        let now = truth.who_is_counted();
        let from = self.highest + 1;
        let waiting = self.expected.iter().filter(|(_, to)| to.is_none());
        let numbers: BTreeSet<u64> = waiting
            .map(|(number, _)| *number)
            .chain((from..=now.count).filter(|number| plan.names(*number)))
            .filter(|number| !self.given.contains_key(number) && *number <= now.count)
            .collect();
        if self.baseline.is_none() || numbers.is_empty() {
            return;
        }
        let can = |of: Vec<String>| -> Vec<(usize, String)> {
            let each = of.into_iter().enumerate();
            each.filter(|(_, id)| self.can_have_one(id, truth))
                .collect()
        };
        let (counted, listed) = (can(now.counted), can(truth.listed()));
        let mut taken = BTreeSet::new();
        for number in numbers {
            let place = usize::try_from(now.count - number).unwrap();
            let pick = |of: &[(usize, String)]| {
                let upwards = &of[..of.partition_point(|(at, _)| *at <= place)];
                let mut upwards = upwards.iter().rev().map(|(_, id)| id);
                upwards.find(|id| !taken.contains(*id)).cloned()
            };
            let rightful = pick(&counted);
            if !self.expected.contains_key(&number) {
                let by_place = pick(&listed);
                self.by_place.count(by_place == rightful);
            }
            taken.extend(rightful.clone());
            self.expected.insert(number, rightful);
        }
    }

    fn look_at(&mut self, change: &Change, truth: &Truth, strict: bool) -> Result<(), String> {
        let hug = &change.after;
        let number = hug.milestone.number();
        let to = hug.follower.as_ref().map(|to| to.id.to_string());
        let name = to.clone().unwrap_or_else(|| "nobody".to_owned());
        let is_cancelled = hug.status == Status::Cancelled;
        self.given
            .entry(number)
            .and_modify(|given| given.is_cancelled = is_cancelled);
        if change.before.is_some() {
            self.look_at_next(change, truth, strict)?;
        }
        if let Some(id) = &to {
            // She may choose somebody again whose hug she cancelled.
            let is_chosen = self.lives.said.is_chosen(number, id);
            let mut others = self
                .given
                .iter()
                .filter(|(other, given)| **other != number && !(is_chosen && given.is_cancelled));
            if let Some((other, _)) = others.find(|(_, given)| given.to == to) {
                return Err(format!("{name} has the hug for {other}, and now {number}"));
            }
            if change.before.is_some() && is_chosen {
                self.given
                    .entry(number)
                    .and_modify(|given| given.to = to.clone());
            }
        }
        if let Some(given) = self.given.get_mut(&number) {
            // Nobody is to have it where the creator chooses anew, or where that person has left the network.
            let has_left = |id: &String| hug.status == Status::Held && !truth.has_profile(id);
            if to.is_none()
                && (self.lives.said.has_chosen(number) || given.to.as_ref().is_some_and(has_left))
            {
                given.to = None;
            }
            if given.to != to {
                let first = given.to.as_deref().unwrap_or("nobody");
                return Err(format!(
                    "the hug for {number} went to {first}, and now to {name}"
                ));
            }
            if given.reached_at != hug.reached_at {
                return Err(format!("the hug for {number} was written a second time"));
            }
            return Ok(());
        }
        let reached_at = hug.reached_at;
        if to.is_none() && self.lives.said.has_chosen(number) {
            self.given.insert(
                number,
                Given {
                    to,
                    reached_at,
                    is_cancelled,
                },
            );
            return Ok(());
        }
        if self.baseline.is_none_or(|baseline| number <= baseline) {
            return Err(format!(
                "there is a hug for {number}, which was behind at the first check"
            ));
        }
        if !self.due.contains(&number) && !self.open.contains(&number) {
            return Err(format!(
                "there is a hug for {number}, which was not crossed under its plan"
            ));
        }
        if let Some(id) = &to {
            if truth.person(id).is_none_or(|person| person.who == Who::Bot) {
                return Err(format!("the hug for {number} goes to {name}, a bot"));
            }
            let right = self.is_rightful(hug, id, truth);
            let certain = hug.evidence.certainty == Certainty::Certain;
            let judged = if certain {
                &mut self.certain
            } else {
                &mut self.likely
            };
            judged.count(right);
            let excused = !certain || Self::a_newcomer_is_hidden(hug, truth);
            if !right && (strict || !excused) {
                return Err(format!(
                    "the hug for {number} goes to {name}, who is not number {number}"
                ));
            }
        }
        self.given.insert(
            number,
            Given {
                to,
                reached_at,
                is_cancelled,
            },
        );
        Ok(())
    }

    /// A hug that is passed on goes to the next newer follower who can have one, and never to the first again.
    fn look_at_next(&mut self, change: &Change, truth: &Truth, strict: bool) -> Result<(), String> {
        let hug = &change.after;
        let number = hug.milestone.number();
        if is_passed_on(change) {
            let first = hug
                .passed
                .as_ref()
                .map(|passed| passed.follower.id.as_str());
            self.passed.extend(first.map(str::to_owned));
            self.given.entry(number).and_modify(|given| given.to = None);
            return Ok(());
        }
        let was_open = change.before.as_ref().is_some_and(Hug::is_passed_on);
        let Some(to) = hug.follower.as_ref().filter(|_| was_open) else {
            return Ok(());
        };
        let id = to.id.as_str();
        if !self.can_have_one(id, truth) {
            return Err(format!("{number} is passed on to {id}, who cannot have it"));
        }
        if strict && !self.is_next(hug, id, truth) {
            return Err(format!(
                "{number} is passed on to {id}, who is not the next"
            ));
        }
        let to = Some(id.to_owned());
        self.given.entry(number).and_modify(|given| given.to = to);
        Ok(())
    }

    /// Whether `id` is the first who can have it of those who came after the follower who had it before; or after the
    /// number, where that follower has left.
    fn is_next(&self, hug: &Hug, id: &str, truth: &Truth) -> bool {
        let number = hug.milestone.number();
        let first = hug
            .passed
            .as_ref()
            .map(|passed| passed.follower.id.as_str());
        truth.readings.iter().rev().take(8).any(|reading| {
            let own = reading
                .counted
                .iter()
                .position(|one| Some(one.as_str()) == first);
            let place = reading.count.saturating_sub(number);
            let place = own.unwrap_or_else(|| usize::try_from(place).unwrap());
            let above = &reading.counted[..place.min(reading.counted.len())];
            let mut above = above.iter().rev();
            // Someone above may get the hug of another milestone in the same check, which is written later.
            let is_expected =
                |one: &String| self.expected.values().any(|to| to.as_ref() == Some(one));
            let next = above.find(|one| {
                let is_free = one.as_str() == id || !is_expected(one);
                is_free && self.can_have_one(one, truth)
            });
            next.is_some_and(|next| next == id)
        })
    }

    /// Whether `id` is whom the rule names for one of the counts that the check may have read.
    fn is_rightful(&self, hug: &Hug, id: &str, truth: &Truth) -> bool {
        let count = hug.evidence.count_after;
        truth
            .readings
            .iter()
            .rev()
            .take(8)
            .filter(|reading| reading.count == count)
            .any(|reading| {
                let number = hug.milestone.number();
                self.rightful(reading, number, truth) == Some(id)
                    || self.next_newer(reading, number, truth) == Some(id)
            })
    }

    /// For a milestone that waited, or one after it: the first who can have it of those who came since the newest who
    /// was judged. If all of those left, the count alone does not say so.
    fn next_newer<'a>(
        &self,
        reading: &'a Reading,
        number: u64,
        truth: &'a Truth,
    ) -> Option<&'a str> {
        let waits = self.waits.filter(|waits| waits.number <= number)?;
        let each = reading.counted.iter().zip(&reading.arrivals).rev();
        let came = each.filter(|(_, arrival)| **arrival > waits.judged_to);
        let mut came = came.map(|(id, _)| id.as_str());
        came.find(|id| self.can_have_one(id, truth))
    }

    /// The one thing that nobody outside can see: a newcomer who is hidden, made up for by someone who
    /// left from further down than was remembered, or left there and came back.
    fn a_newcomer_is_hidden(hug: &Hug, truth: &Truth) -> bool {
        let Some(arrivals) = &hug.evidence.arrivals else {
            return false;
        };
        let (then, now) = (arrivals.since_count, hug.evidence.count_after);
        let reach = usize::try_from(now.saturating_sub(then)).unwrap() + 1;
        let reading = |count| {
            let newest_first = truth.readings.iter().rev();
            newest_first.filter(move |reading| reading.count == count)
        };
        reading(now).take(8).any(|now| {
            let newest = &now.counted[..reach.min(now.counted.len())];
            let hidden = newest.iter().any(|id| !truth.is_listed(id));
            let left = |id: &String| !now.counted.contains(id) || newest.contains(id);
            hidden && reading(then).any(|then| then.counted.iter().any(left))
        })
    }

    /// Whom the rule names: number `N` of `c` stands at position `c - N` among all who were counted,
    /// the newest first; if they cannot have it, the next newer one who can.
    fn rightful<'a>(&self, reading: &'a Reading, number: u64, truth: &'a Truth) -> Option<&'a str> {
        self.all_rightful(reading, number, truth).next()
    }

    /// Them, and everyone who could stand in for them.
    fn all_rightful<'a>(
        &self,
        reading: &'a Reading,
        number: u64,
        truth: &'a Truth,
    ) -> impl Iterator<Item = &'a str> {
        let place = reading.count.checked_sub(number);
        let place = place.map(|place| usize::try_from(place).unwrap());
        let upwards = place.and_then(|place| reading.counted.get(..=place));
        // Those who came while the check was under way are newer still.
        let later = truth.people.iter().map(|person| &person.id);
        let later = later.filter(move |id| upwards.is_some() && !reading.counted.contains(id));
        upwards
            .into_iter()
            .flatten()
            .rev()
            .chain(later)
            .map(String::as_str)
            .filter(move |id| self.can_have_one(id, truth))
    }

    fn can_have_one(&self, id: &str, truth: &Truth) -> bool {
        let genuine = truth
            .person(id)
            .is_some_and(|person| person.who != Who::Bot);
        let has_none = || {
            let mut given = self.given.values();
            given.all(|given| given.to.as_deref() != Some(id))
        };
        let may_be_asked = !self.passed.contains(id) && !truth.stopped_elsewhere.contains(id);
        genuine && may_be_asked && has_none() && truth.is_listed(id)
    }

    /// The plan was changed. What had its hug keeps it; of what waited, the new plan decides.
    pub fn replan(&mut self, plan: Plan) {
        let given = &self.given;
        self.due
            .retain(|number| given.contains_key(number) || plan.names(*number));
        self.open.extend(self.mark + 1..=self.highest);
    }

    /// How many followers it takes for every milestone that was crossed to be crossed now.
    pub fn highest(&self) -> u64 {
        self.highest
    }

    /// Nothing has failed for long: nothing may be missing, and nothing under way but what waits for the creator.
    /// Where the network does not tell who follows when, nobody can know of those who follow with an old date.
    pub fn look_when_quiet(
        &self,
        Seen { ledger, .. }: &Seen,
        truth: &Truth,
        tells_follows: bool,
    ) -> Result<(), String> {
        for hug in &ledger.hugs {
            self.look_when_quiet_at(hug, truth)?;
            songs::look_when_quiet(hug, truth)?;
        }
        let missing = self
            .due
            .iter()
            .find(|number| !self.given.contains_key(number));
        let reading = truth.readings.last();
        let (Some(number), Some(reading)) = (missing, reading) else {
            return Ok(());
        };
        let since = |id: &&str| {
            let waits = self.waits.filter(|waits| waits.number <= *number);
            let place = reading.counted.iter().position(|one| one == id);
            let arrival = place.map(|place| reading.arrivals[place]);
            waits.is_none_or(|waits| arrival.is_none_or(|arrival| arrival > waits.judged_to))
        };
        let known = |id: &&str| tells_follows || !truth.is_backdated(id);
        let mut rightful = self.all_rightful(reading, *number, truth).filter(since);
        match rightful.find(known) {
            Some(id) => Err(format!("{number} was crossed, and {id} has no hug for it")),
            None => Ok(()),
        }
    }

    fn look_when_quiet_at(&self, hug: &Hug, truth: &Truth) -> Result<(), String> {
        let number = hug.milestone.number();
        let letter = hug.letter_kind().word();
        let there = truth.letters.has((number, letter_number(hug)));
        let sent = hug.letter_state().sent_at.is_some();
        match hug.status {
            Status::Invited | Status::TopicChosen if hug.invitation.sent_at.is_some() => Ok(()),
            Status::Hugged if sent => Ok(()),
            Status::Held | Status::ToSend if sent || there => Err(format!(
                "{number} is {}, and its {letter} is out",
                hug.status
            )),
            Status::Held | Status::ToSend | Status::Cancelled | Status::Declined => Ok(()),
            // Nobody has followed since.
            Status::Reached if hug.is_passed_on() => {
                let mut listed = truth.listed().into_iter();
                let first = hug
                    .passed
                    .as_ref()
                    .map(|passed| passed.follower.id.as_str());
                let mut above = listed.by_ref().take_while(|id| Some(id.as_str()) != first);
                match above.find(|id| self.can_have_one(id, truth)) {
                    Some(id) if truth.is_listed(first.unwrap_or_default()) => {
                        Err(format!("{number} is passed on, and {id} does not get it"))
                    }
                    _ => Ok(()),
                }
            }
            _ => Err(format!("the hug for {number} is left {}", hug.status)),
        }
    }

    /// How many came since the newest who was judged for a milestone that waits; `None` where none waits, or that
    /// follower has left.
    pub fn came_since_judged(&self, now: &Reading) -> Option<usize> {
        let waits = self.waits.filter(|waits| waits.number <= now.count)?;
        let place = now
            .arrivals
            .iter()
            .position(|arrival| *arrival <= waits.judged_to)?;
        (now.arrivals[place] == waits.judged_to).then_some(place)
    }

    pub fn hugs(&self) -> u64 {
        self.given.len() as u64
    }
}

impl Plan {
    fn names(self, number: u64) -> bool {
        number >= self.first && (number - self.first).is_multiple_of(self.step)
    }
}
