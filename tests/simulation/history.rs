//! What can happen to an account, and how a random history is made from a seed.

use std::fmt;

use promise::{account::NetworkName, channel::Channel};
use proptest::{collection::vec, option, prelude::*};

/// Everything that happens to one account.
#[derive(Clone, Debug)]
pub struct History {
    pub network: NetworkName,
    /// Whether the account is notified of who follows it, and when.
    pub tells_follows: bool,
    pub contact: Vec<Channel>,
    pub plan: Plan,
    /// How many hugs may go out in 24 hours without the creator's approval.
    pub most_a_day: usize,
    /// Who follows before the first check.
    pub at_first: Vec<Who>,
    /// How many followers a page of the list holds.
    pub page: usize,
    /// Seconds until the network shows what was sent to it.
    pub shown_after: i64,
    pub steps: Vec<Step>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub first: u64,
    pub step: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Fan,
    Bot,
    /// A fan who takes no messages.
    Closed,
}

/// People are picked by a number, modulo those whom it can happen to.
#[derive(Clone, Debug)]
pub enum Step {
    Arrive(Vec<Who>),
    /// So many of one kind at once: bought followers, or a song that many hear of.
    Wave(Who, usize),
    Leave(usize),
    Return(usize),
    /// Deactivated, taken down or suspended: out of the list, still counted.
    Hide(usize),
    /// The same for whoever came last.
    HideNewest,
    Show(usize),
    /// Out of the list; the count notices as its network does.
    Delete(usize),
    /// Follows with a date that puts them so many places below the top of the list.
    Backdate(usize),
    Replan(Plan),
    /// The network accepts no letters for so many seconds.
    Obstruct(Obstacle, i64),
    /// Somebody writes under one of the last invitations.
    Answer(Author, Says, usize),
    /// One of the last answers says something else now.
    Edit(usize, Says),
    DeleteAnswer(usize),
    /// A follower says stop to another account of this ledger.
    StopElsewhere(usize),
    /// Seconds.
    Pass(i64),
    /// Functions, and the creator, at work side by side; whose turn it is at each call.
    Run(Vec<Job>, Vec<usize>),
}

/// Who writes under an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Author {
    /// The person whom it is for.
    Named,
    /// Anyone.
    Another,
}

/// What an answer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Says {
    /// A topic.
    Clean,
    /// A topic about which the creator has to decide.
    Dirty,
    /// A topic in a post that the network has marked.
    Marked,
    Stop,
    /// A mention and no words.
    Nothing,
}

#[derive(Clone, Debug)]
pub struct Job {
    pub what: What,
    /// By how many seconds its clock is wrong.
    pub skew: i64,
    /// Which of its calls fail, by their number, and how.
    pub faults: Vec<(usize, Fault)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    Check,
    /// The stream's next records.
    Deliver,
    /// Records that were there before, in any order and as often as it pleases.
    Repeat(Vec<usize>),
    /// The creator does that to a hug.
    ByHand(Deed, Which),
    /// The creator erases a follower from the records.
    Forget(usize),
}

/// What the creator does to a hug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    Approve,
    /// For someone whom she picks.
    ApproveFor(usize),
    Cancel,
    Retry,
    /// She says that she has sent it.
    Sent,
    /// The same, and where it is.
    SentAt,
    /// She writes a topic down.
    Topic,
    Accept,
    Refuse,
    /// The song is up: one of several videos.
    Song(u8),
    /// To the next newer follower.
    Pass,
}

/// Which hug the creator means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// One that she can do that to, as often as there is one; else any, or a number that has none.
    Picked(usize),
    Number(u64),
}

/// Why the network accepts no letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The account is locked, or its cap is reached; it does not say until when.
    Blocked,
    /// The same, and it says until when.
    BlockedUntil,
    /// It refuses every letter for a reason that is about the letter.
    Refusal,
}

/// What goes wrong with one call, to the ledger or to the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The process dies before it took effect.
    DieBefore,
    /// The process dies after it took effect.
    DieAfter,
    /// It took effect, and the answer is lost.
    AnswerLost,
    /// It never gets there.
    Fail,
    /// DynamoDB throttles; the network's rate limit is used up.
    Busy,
    /// DynamoDB cancels for a conflict; the network refuses.
    Refuse,
    /// It takes that many seconds.
    Slow(i64),
    /// Someone follows just before.
    Follow(Who),
}

/// The kinds of churn that make the network's count and its list disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Churn {
    /// Everything that can happen.
    All,
    /// Follows, unfollows and follows again, no more.
    Plain,
}

pub fn history() -> BoxedStrategy<History> {
    prop_oneof![20 => usual(), 20 => answered(), 1 => leap()].boxed()
}

fn usual() -> BoxedStrategy<History> {
    prop_oneof![3 => Just(Churn::All), 2 => Just(Churn::Plain)]
        .prop_flat_map(|churn| {
            (
                network(),
                contact(),
                (plan(), most_a_day()),
                vec(who(), 0..12),
                1_usize..6,
                0_i64..30,
                (
                    option::weighted(0.2, first_checks()),
                    vec(step(churn), 1..32),
                ),
            )
        })
        .prop_map(
            |(network, contact, plan, at_first, page, shown_after, (first, steps))| {
                let steps: Vec<Step> = first.into_iter().chain(steps).collect();
                // No list of the depth that is read has more than 150 pages.
                let is_deep = steps.iter().any(|step| matches!(step, Step::Wave(..)));
                let page = if is_deep { 10 * page } else { page };
                made(network, contact, plan, at_first, page, shown_after, steps)
            },
        )
        .boxed()
}

/// First a few are invited as if nothing could fail; then it is about their answers, their songs and the weeks.
fn answered() -> BoxedStrategy<History> {
    (
        network(),
        contact_by_post(),
        (1_u64..4, 1_u64..6, most_a_day()),
        vec(who(), 0..6),
        (1_usize..6, 0_i64..30),
        vec(who(), 3..8),
        vec(late_step(), 1..28),
    )
        .prop_map(
            |(
                network,
                contact,
                (more, step, most_a_day),
                at_first,
                (page, shown_after),
                come,
                late,
            )| {
                let first = at_first.len() as u64 + more;
                let plan = (Plan { first, step }, most_a_day);
                let alone = |what| Step::Run(vec![Job::plain(what)], vec![]);
                let begin = [
                    alone(What::Check),
                    Step::Arrive(come),
                    alone(What::Check),
                    alone(What::Deliver),
                    alone(What::Deliver),
                ];
                let steps = begin.into_iter().chain(late).collect();
                made(network, contact, plan, at_first, page, shown_after, steps)
            },
        )
        .boxed()
}

/// What happens around answers and songs.
fn late_step() -> BoxedStrategy<Step> {
    let jobs = vec(late_job(), 1..3);
    prop_oneof![
        20 => (jobs, vec(0_usize..4, 0..24)).prop_map(|(jobs, turns)| Step::Run(jobs, turns)),
        16 => said_step(),
        3 => vec(who(), 1..3).prop_map(Step::Arrive),
        1 => (0_usize..1_000).prop_map(Step::Leave),
        4 => (1_i64..8_000).prop_map(Step::Pass),
        2 => (8_000_i64..200_000).prop_map(Step::Pass),
        2 => (200_000_i64..2_000_000).prop_map(Step::Pass),
        1 => (2_000_000_i64..10_000_000).prop_map(Step::Pass),
        1 => (obstacle(), 30_i64..40_000).prop_map(|(why, seconds)| Step::Obstruct(why, seconds)),
    ]
    .boxed()
}

/// What people say.
fn said_step() -> BoxedStrategy<Step> {
    let anyone = || 0_usize..1_000;
    let author = prop_oneof![4 => Just(Author::Named), 1 => Just(Author::Another)];
    prop_oneof![
        16 => (author, says(), anyone()).prop_map(|(author, says, pick)| Step::Answer(author, says, pick)),
        3 => (anyone(), says()).prop_map(|(pick, says)| Step::Edit(pick, says)),
        2 => anyone().prop_map(Step::DeleteAnswer),
        1 => anyone().prop_map(Step::StopElsewhere),
    ]
    .boxed()
}

fn says() -> BoxedStrategy<Says> {
    prop_oneof![
        8 => Just(Says::Clean),
        3 => Just(Says::Dirty),
        1 => Just(Says::Marked),
        2 => Just(Says::Stop),
        1 => Just(Says::Nothing),
    ]
    .boxed()
}

/// A wave that is big enough to be a leap of the count, over a dozen milestones or more.
fn leap() -> BoxedStrategy<History> {
    let plan = (5_u64..30, 20_u64..100).prop_map(|(first, step)| Plan { first, step });
    let wave = (wave_of(), 1_010_usize..1_300).prop_map(|(who, n)| Step::Wave(who, n));
    (
        network(),
        contact(),
        (plan, most_a_day()),
        vec(who(), 0..30),
        (40_usize..100, 0_i64..30),
        vec(step(Churn::Plain), 1..10),
        (wave, vec(step(Churn::Plain), 1..15)),
    )
        .prop_map(
            |(network, contact, plan, at_first, (page, shown_after), before, (wave, after))| {
                let steps = before.into_iter().chain([wave]).chain(after);
                // With small steps it would be a thousand milestones.
                let steps = steps.filter(|step| !matches!(step, Step::Replan(_)));
                let steps = steps.collect();
                made(network, contact, plan, at_first, page, shown_after, steps)
            },
        )
        .boxed()
}

fn made(
    (network, tells_follows): (NetworkName, bool),
    contact: Vec<Channel>,
    (plan, most_a_day): (Plan, usize),
    at_first: Vec<Who>,
    page: usize,
    shown_after: i64,
    steps: Vec<Step>,
) -> History {
    History {
        network,
        tells_follows,
        contact: possible_on(network, contact),
        plan,
        most_a_day,
        at_first,
        page,
        shown_after,
        steps,
    }
}

fn network() -> BoxedStrategy<(NetworkName, bool)> {
    prop_oneof![
        4 => Just((NetworkName::X, false)),
        2 => Just((NetworkName::Bluesky, false)),
        2 => Just((NetworkName::Bluesky, true)),
        1 => Just((NetworkName::Mastodon, false)),
        1 => Just((NetworkName::Mastodon, true)),
    ]
    .boxed()
}

/// Where it is high, the brake is not what the history is about.
fn most_a_day() -> BoxedStrategy<usize> {
    prop_oneof![3 => Just(100_usize), 2 => Just(3_usize)].boxed()
}

/// The two very first checks at once, and someone follows meanwhile.
fn first_checks() -> BoxedStrategy<Step> {
    let check = |faults| Job {
        what: What::Check,
        skew: 0,
        faults,
    };
    (1_usize..4, vec(0_usize..2, 0..12))
        .prop_map(move |(call, turns)| {
            let follow = vec![(call, Fault::Follow(Who::Fan))];
            Step::Run(vec![check(follow), check(vec![])], turns)
        })
        .boxed()
}

fn contact() -> BoxedStrategy<Vec<Channel>> {
    use Channel::{Announce, Draft, Mention, Message};
    prop_oneof![
        3 => Just(vec![Announce]),
        1 => Just(vec![Announce, Draft]),
        1 => Just(vec![Mention]),
        2 => Just(vec![Message, Announce]),
        1 => Just(vec![Message]),
        1 => Just(vec![Draft]),
    ]
    .boxed()
}

/// Most answers are posts under a post.
fn contact_by_post() -> BoxedStrategy<Vec<Channel>> {
    use Channel::{Announce, Mention};
    prop_oneof![
        4 => Just(vec![Announce]),
        2 => Just(vec![Mention]),
        2 => contact(),
    ]
    .boxed()
}

/// Mastodon's private messages are mentions.
fn possible_on(network: NetworkName, contact: Vec<Channel>) -> Vec<Channel> {
    let possible = |channel| match (network, channel) {
        (NetworkName::Mastodon, Channel::Message) => Channel::Mention,
        _ => channel,
    };
    contact.into_iter().map(possible).collect()
}

fn plan() -> BoxedStrategy<Plan> {
    (1_u64..14, 1_u64..6)
        .prop_map(|(first, step)| Plan { first, step })
        .boxed()
}

fn who() -> BoxedStrategy<Who> {
    prop_oneof![8 => Just(Who::Fan), 2 => Just(Who::Bot), 1 => Just(Who::Closed)].boxed()
}

/// Bots that are recognised, or people, as far as anyone can see.
fn wave_of() -> BoxedStrategy<Who> {
    prop_oneof![Just(Who::Bot), Just(Who::Fan)].boxed()
}

fn step(churn: Churn) -> BoxedStrategy<Step> {
    let anyone = || 0_usize..1_000;
    let plain = prop_oneof![
        24 => vec(job(), 1..3).prop_flat_map(|jobs| (Just(jobs), vec(0_usize..4, 0..24)))
            .prop_map(|(jobs, turns)| Step::Run(jobs, turns)),
        10 => vec(who(), 1..5).prop_map(Step::Arrive),
        1 => vec(who(), 5..30).prop_map(Step::Arrive),
        1 => (wave_of(), 20_usize..100).prop_map(|(who, n)| Step::Wave(who, n)),
        4 => anyone().prop_map(Step::Leave),
        3 => anyone().prop_map(Step::Return),
        6 => (1_i64..400).prop_map(Step::Pass),
        2 => (400_i64..90_000).prop_map(Step::Pass),
        1 => (90_000_i64..400_000).prop_map(Step::Pass),
        2 => (obstacle(), 30_i64..40_000).prop_map(|(why, seconds)| Step::Obstruct(why, seconds)),
        1 => plan().prop_map(Step::Replan),
        5 => said_step(),
    ];
    if churn == Churn::Plain {
        return plain.boxed();
    }
    prop_oneof![
        6 => plain,
        1 => prop_oneof![
            anyone().prop_map(Step::Hide),
            anyone().prop_map(Step::Show),
            anyone().prop_map(Step::Delete),
            (0_usize..6).prop_map(Step::Backdate),
        ],
    ]
    .boxed()
}

fn obstacle() -> BoxedStrategy<Obstacle> {
    prop_oneof![
        2 => Just(Obstacle::Blocked),
        1 => Just(Obstacle::BlockedUntil),
        1 => Just(Obstacle::Refusal),
    ]
    .boxed()
}

fn by_hand() -> BoxedStrategy<What> {
    let deed = prop_oneof![
        4 => Just(Deed::Approve),
        2 => (0_usize..1_000).prop_map(Deed::ApproveFor),
        1 => Just(Deed::Cancel),
        3 => Just(Deed::Retry),
        2 => Just(Deed::Sent),
    ];
    done_to_any(deed.boxed())
}

/// What she does about topics and songs.
fn late_by_hand() -> BoxedStrategy<What> {
    let deed = prop_oneof![
        2 => Just(Deed::Accept),
        2 => Just(Deed::Refuse),
        1 => Just(Deed::Topic),
        6 => (0_u8..2).prop_map(Deed::Song),
        2 => Just(Deed::Pass),
        2 => Just(Deed::Sent),
        2 => Just(Deed::SentAt),
        1 => Just(Deed::Retry),
        1 => Just(Deed::Cancel),
    ];
    done_to_any(deed.boxed())
}

fn done_to_any(deed: BoxedStrategy<Deed>) -> BoxedStrategy<What> {
    (deed, 0_usize..1_000)
        .prop_map(|(deed, pick)| What::ByHand(deed, Which::Picked(pick)))
        .boxed()
}

fn job() -> BoxedStrategy<Job> {
    let what = prop_oneof![
        10 => Just(What::Check),
        8 => Just(What::Deliver),
        3 => by_hand(),
        2 => late_by_hand(),
        1 => (0_usize..1_000).prop_map(What::Forget),
        2 => vec(0_usize..20, 1..4).prop_map(What::Repeat),
    ];
    with_faults(what.boxed(), 3)
}

fn late_job() -> BoxedStrategy<Job> {
    let what = prop_oneof![
        20 => Just(What::Check),
        14 => Just(What::Deliver),
        14 => late_by_hand(),
        2 => by_hand(),
        1 => (0_usize..1_000).prop_map(What::Forget),
        2 => vec(0_usize..20, 1..4).prop_map(What::Repeat),
    ];
    with_faults(what.boxed(), 1)
}

/// `share` jobs with faults come on two without.
fn with_faults(what: BoxedStrategy<What>, share: u32) -> BoxedStrategy<Job> {
    let call = prop_oneof![6 => 0_usize..14, 1 => 14_usize..50];
    let faults = prop_oneof![2 => Just(vec![]), share => vec((call, fault()), 1..4)];
    (what, option::weighted(0.2, -10_i64..=10), faults)
        .prop_map(|(what, skew, faults)| Job {
            what,
            skew: skew.unwrap_or(0),
            faults,
        })
        .boxed()
}

fn fault() -> BoxedStrategy<Fault> {
    prop_oneof![
        3 => Just(Fault::DieBefore),
        3 => Just(Fault::DieAfter),
        3 => Just(Fault::AnswerLost),
        1 => Just(Fault::Fail),
        1 => Just(Fault::Busy),
        1 => Just(Fault::Refuse),
        1 => (1_i64..10).prop_map(Fault::Slow),
        1 => who().prop_map(Fault::Follow),
    ]
    .boxed()
}

impl Job {
    /// One in which nothing fails.
    pub fn plain(what: What) -> Self {
        Self {
            what,
            skew: 0,
            faults: Vec::new(),
        }
    }
}

impl History {
    /// Whether nothing happens that hides people from the list or misplaces them in it.
    pub fn is_plain(&self) -> bool {
        let plain = |step: &Step| {
            !matches!(
                step,
                Step::Hide(_)
                    | Step::HideNewest
                    | Step::Show(_)
                    | Step::Delete(_)
                    | Step::Backdate(_)
            )
        };
        let unhurried = |step: &Step| match step {
            Step::Run(jobs, _) => jobs
                .iter()
                .flat_map(|job| &job.faults)
                .all(|(_, fault)| !matches!(fault, Fault::Follow(_))),
            _ => true,
        };
        self.steps.iter().all(|step| plain(step) && unhurried(step))
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, then every {}", self.first, self.step)
    }
}
