//! The answers to hugs that wait for one: asked for, judged, and recorded hug by hug.
//!
//! Each hug remembers which answers were judged, so that an answer that is read again changes nothing. How far the
//! network's list was read is recorded only with the rest of the check: after a crash the same answers are read again.

use std::time::Duration;

use jiff::Timestamp;
use promise::{
    answer::{Answer, Asking},
    channel::Channel,
    hug::{Hug, Status},
    listening::{Round, unheard},
    news,
    record::{AccountRecord, AnswersRead, ReadFollowers},
    topic::{self, Meaning},
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
        let answers = &answered.answers;
        let mut heard = Heard {
            billed: answered.billed,
            ..Heard::default()
        };
        let mut all_were_heard = true;
        for hug in &mut unsettled.hugs {
            self.hear_of_passed(hug, answers).await?;
            let unheard = unheard(hug, answers);
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
        let letters = waiting.iter().flat_map(|hug| {
            let own = hug.invitation.receipt.as_ref().zip(hug.follower.as_ref());
            let letters = own.into_iter().chain(hug.passed_letter(self.now));
            letters.map(|(receipt, follower)| AskedLetter {
                receipt,
                follower: &follower.id,
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
        let account = self.connected.account;
        let mark = self.deps.settings.mark_to_write(account, next.milestone);
        match news::heard(before, &next, &account.site(), mark.as_deref()) {
            Some(told) => next.with_news(told),
            None => next,
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

    /// Hears whether the follower from whom the hug was passed on says stop.
    async fn hear_of_passed(&self, hug: &mut Hug, answers: &[Answer]) -> Result<(), LedgerError> {
        let words = &self.connected.account.doubtful_words;
        let says_stop = answers.iter().find(|answer| {
            hug.is_of_passed(answer) && topic::read(&answer.text, words) == Meaning::Stop
        });
        let Some(stop) = says_stop else {
            return Ok(());
        };
        let next = hug.passed_said_stop(self.now);
        if !self.dry_run {
            let ledger = &self.deps.ledger;
            ledger.record_stop(&next, &stop.author, self.now).await?;
        }
        *hug = next;
        Ok(())
    }

    async fn write(&self, next: &Hug) -> Result<(), LedgerError> {
        let ledger = &self.deps.ledger;
        match (&next.status, &next.follower) {
            _ if self.dry_run => Ok(()),
            (Status::Declined, Some(follower)) => {
                ledger.record_stop(next, &follower.id, self.now).await
            }
            _ => ledger.replace_hug(next).await,
        }
    }
}

/// How long the network may take for all answers: the rest of the check needs its time, too.
const LONGEST: Duration = Duration::from_secs(10);
