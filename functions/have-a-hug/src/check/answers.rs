//! The answers to hugs that wait for one: asked for, judged, and recorded hug by hug.
//!
//! Each hug remembers which answers were judged, so that an answer that is read again changes nothing. How far the
//! network's list was read is recorded only with the rest of the check: after a crash the same answers are read again.

use std::time::Duration;

use jiff::Timestamp;
use promise::{
    answer::{Answer, Asking, Verdict},
    channel::Channel,
    hug::{Hug, Status},
    milestone::Milestone,
    news,
    record::{AccountRecord, AnswersRead, ReadFollowers},
    topic,
};

use super::{recipient::day, stuck::Unsettled};
use crate::{
    deps::{Connected, Deps},
    ledger::LedgerError,
    network::{Answered, Asked, AskedLetter, Failure, NetworkError},
};

/// What a check did about answers.
#[derive(Default)]
pub(super) struct Heard {
    /// How answers were last asked for, for the account's record.
    pub read: Option<AnswersRead>,
    /// How many posts the network bills for.
    pub billed: u64,
    /// The hugs that have changed.
    pub hugs: Vec<Hug>,
    /// Why no song can be found on YouTube until a person acts; `None` where one can.
    pub songs_error: Option<String>,
}

/// Whose answers a check asks for.
pub(super) struct Listening<'a> {
    pub deps: &'a Deps,
    pub connected: Connected<'a>,
    pub before: &'a AccountRecord,
    pub now: Timestamp,
    pub dry_run: bool,
}

impl Listening<'_> {
    /// Asks for the answers to the unsettled hugs that wait for one, and records what they change. A network that
    /// cannot be asked now changes nothing, and the rest of the check goes on.
    ///
    /// # Errors
    ///
    /// Where the ledger fails, or where someone writes one of the hugs at the same time.
    pub(super) async fn hear(&self, unsettled: &mut Unsettled) -> Result<Heard, LedgerError> {
        let waits = |hug: &&Hug| hug.asking(self.now) != Asking::Never;
        if !unsettled.hugs.iter().any(|hug| waits(&hug)) {
            return Ok(Heard::default());
        }
        let known = self.before.answers.clone().unwrap_or_default();
        let waiting: Vec<&Hug> = unsettled.hugs.iter().filter(waits).collect();
        let round = Round::of(&waiting, &known, self.now);
        if round.due.is_empty() {
            return Ok(Heard {
                read: Some(known),
                ..Heard::default()
            });
        }
        let answered = match self.ask(&waiting, &known, &round).await {
            Ok(answered) => answered,
            Err(error) => return Ok(self.not_heard(known, &error, &round)),
        };
        let of = waiting.iter().map(|hug| hug.milestone).collect();
        let mut heard = Heard {
            billed: answered.billed,
            ..Heard::default()
        };
        let mut all_were_heard = true;
        for hug in &mut unsettled.hugs {
            let unheard = unheard(hug, &answered.answers);
            if unheard.is_empty() {
                continue;
            }
            let words = &self.connected.account.doubtful_words;
            let judged: Vec<_> = unheard
                .into_iter()
                .map(|answer| {
                    let meaning = topic::read(&answer.text, words);
                    (answer, meaning)
                })
                .collect();
            let Some(next) = hug.heard(&judged, self.now) else {
                all_were_heard = false;
                continue;
            };
            let next = self.with_news(hug, next);
            self.write(&next).await?;
            heard.hugs.push(next.clone());
            *hug = next;
        }
        let up_to = answered.up_to.filter(|_| all_were_heard);
        heard.read = Some(AnswersRead {
            thorough_at: if round.thorough {
                Some(self.now)
            } else {
                known.thorough_at
            },
            up_to: up_to.or(known.up_to),
            of,
            turn: round.turn,
            error: None,
        });
        Ok(heard)
    }

    async fn ask(
        &self,
        waiting: &[&Hug],
        known: &AnswersRead,
        round: &Round,
    ) -> Result<Answered, NetworkError> {
        let Connected { account, network } = self.connected;
        let bound = account.rules().followers_a_day;
        let most = ReadFollowers::left(self.before.read, day(self.now), bound);
        if most == 0 {
            return Err(NetworkError {
                failure: Failure::TryAgain,
                account: account.name.clone(),
                attempted: "reading the answers",
                why: format!(
                    "{bound} followers and answers a day are read at most; it goes on at 00:00 UTC"
                ),
            });
        }
        let letters = waiting.iter().filter_map(|hug| {
            Some(AskedLetter {
                receipt: hug.invitation.receipt.as_ref()?,
                follower: &hug.follower.as_ref()?.id,
                is_new: !known.of.contains(&hug.milestone),
                is_due: round.due.contains(&hug.milestone),
            })
        });
        let asked = Asked {
            letters: letters.collect(),
            up_to: known.up_to.as_deref(),
            most,
            thorough: round.thorough,
        };
        let answers = network.answers(&self.before.id, &asked);
        let in_time = tokio::time::timeout(LONGEST, answers).await;
        in_time.unwrap_or_else(|_| {
            Err(NetworkError {
                failure: Failure::TryAgain,
                account: account.name.clone(),
                attempted: "reading the answers",
                why: format!("it took longer than {} seconds", LONGEST.as_secs()),
            })
        })
    }

    /// A rate limit or a network that is down ends by itself; anything else is told until it is mended.
    /// The next check goes on with other hugs, so that one slow thread does not keep all of them from being heard.
    fn not_heard(&self, known: AnswersRead, error: &NetworkError, round: &Round) -> Heard {
        tracing::warn!(account = %self.before.name, %error, "answers are asked for again at the next check");
        let stays = !error.failure.retry_can_help();
        Heard {
            read: Some(AnswersRead {
                error: stays.then(|| error.to_string()).or(known.error),
                turn: round.turn,
                ..known
            }),
            ..Heard::default()
        }
    }

    fn with_news(&self, before: &Hug, next: Hug) -> Hug {
        let site = self.connected.account.site();
        if next.status == Status::Declined {
            let told = news::declined(before, &site);
            return next.with_news(told);
        }
        let verdict = next.topic.as_ref().map(|topic| &topic.verdict);
        match verdict {
            _ if next.topic == before.topic => next,
            Some(Verdict::Doubtful) => {
                let told = news::topic_doubtful(&next, &site);
                next.with_news(told)
            }
            _ => {
                let mark = self
                    .deps
                    .settings
                    .mark_to_write(self.connected.account, next.milestone);
                let told = news::topic_chosen(&next, &site, mark.as_deref());
                next.with_news(told)
            }
        }
    }

    /// Tells the creator, once, of each hug whose follower has not answered for two weeks. Returns these hugs.
    ///
    /// # Errors
    ///
    /// See [`Listening::hear`].
    pub(super) async fn tell_of_silence(
        &self,
        unsettled: &mut Unsettled,
    ) -> Result<Vec<Hug>, LedgerError> {
        let account = self.connected.account;
        let mut told_of = Vec::new();
        for hug in &mut unsettled.hugs {
            let Some(silent) = hug.silent(self.now) else {
                continue;
            };
            let reminder = account.compose(Channel::Draft, hug);
            let told = news::silent(hug, &account.site(), &reminder);
            let silent = silent.with_news(told);
            self.write(&silent).await?;
            told_of.push(silent.clone());
            *hug = silent;
        }
        Ok(told_of)
    }

    async fn write(&self, next: &Hug) -> Result<(), LedgerError> {
        let ledger = &self.deps.ledger;
        match next.status {
            _ if self.dry_run => Ok(()),
            Status::Declined => ledger.record_stop(next, self.now).await,
            _ => ledger.replace_hug(next).await,
        }
    }
}

/// Most hugs for which one check asks beside those that every check asks for, so that it ends in time.
const MOST_HOURLY: usize = 20;

/// How long the network may take for all answers: the rest of the check needs its time, too.
const LONGEST: Duration = Duration::from_secs(10);

/// For which hugs one check asks.
struct Round {
    due: Vec<Milestone>,
    thorough: bool,
    /// See [`AnswersRead::turn`].
    turn: usize,
}

impl Round {
    fn of(waiting: &[&Hug], known: &AnswersRead, now: Timestamp) -> Self {
        let thorough = known.thorough_is_due(now);
        let (always, hourly): (Vec<&Hug>, Vec<&Hug>) = waiting
            .iter()
            .copied()
            .partition(|hug| hug.asking(now) == Asking::Always);
        let mut due: Vec<Milestone> = always.iter().map(|hug| hug.milestone).collect();
        let mut turn = known.turn;
        if thorough && !hourly.is_empty() {
            let begin = turn % hourly.len();
            let some = hourly.iter().cycle().skip(begin);
            let some = some.take(hourly.len().min(MOST_HOURLY));
            due.extend(some.map(|hug| hug.milestone));
            turn = begin + MOST_HOURLY;
        }
        Self {
            due,
            thorough,
            turn,
        }
    }
}

/// The answers that the hug has not heard yet, oldest first.
fn unheard(hug: &Hug, answers: &[Answer]) -> Vec<Answer> {
    let mut unheard: Vec<Answer> = answers
        .iter()
        .filter(|answer| hug.is_unheard(answer))
        .cloned()
        .collect();
    unheard.sort_by(|a, b| (a.at, &a.version).cmp(&(b.at, &b.version)));
    unheard.dedup_by(|a, b| a.version == b.version);
    unheard
}
