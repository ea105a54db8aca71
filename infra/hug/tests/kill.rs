//! A `hug watch` that is killed around a milestone: the next process keeps the promise, once.
//!
//! The watch is the real binary, killed as the system kills. The next process is this one: the same stack over the same
//! folder, with a clock that is moved by hand, so that nobody waits for the lease of a claim.

use std::time::Duration;

use futures::future::join_all;
use have_a_hug::{clock::Clock, settings::Settings};
use hug::stack::Stack;
use promise::hug::{LEASE, Status};
use serde_json::json;
use stand_ins::{Fault, secret};
use tests::settings;

use crate::command_line::{CommandLine, Watch, eventually};

/// When a watch is killed around the crossing of 600.
#[derive(Clone, Copy, Debug)]
enum Moment {
    BeforeTheCrossing,
    WhileTheCountIsRead,
    WhileTheFollowersAreRead,
    /// X has the post; the watch does not know it yet.
    WhileThePostIsAnswered,
    AfterTheInvitation,
    /// So long after the check that notices the crossing has asked for the count.
    AfterTheCount(Duration),
}

/// A creator's folder after a watch in it was killed.
async fn killed_at(moment: Moment) -> CommandLine {
    let cli = CommandLine::with_followers(599).await;
    let watch = Watch::start(&cli);
    eventually(|| watch.has_printed("counted from here on")).await;
    let slow = || Fault::Slow(Duration::from_secs(5));
    match moment {
        Moment::BeforeTheCrossing => {
            watch.kill();
            cli.fans(1_000, 1);
            return cli;
        }
        Moment::WhileTheCountIsRead => cli.x.fail_next("public_metrics", slow()),
        Moment::WhileTheFollowersAreRead => cli.x.fail_next("/followers", slow()),
        Moment::WhileThePostIsAnswered => cli.x.fail_next("POST /2/tweets", slow()),
        Moment::AfterTheInvitation | Moment::AfterTheCount(_) => {}
    }
    cli.x.clear_requests();
    cli.fans(1_000, 1);
    let asked = |path: &str| {
        let requests = cli.x.requests();
        requests.iter().any(|seen| seen.path.contains(path))
    };
    match moment {
        Moment::BeforeTheCrossing => {}
        Moment::WhileTheCountIsRead => eventually(|| asked("public_metrics")).await,
        Moment::WhileTheFollowersAreRead => eventually(|| asked("/followers")).await,
        Moment::WhileThePostIsAnswered => eventually(|| cli.x.posts().len() == 1).await,
        Moment::AfterTheInvitation => eventually(|| watch.has_printed("600 invited")).await,
        Moment::AfterTheCount(wait) => {
            eventually(|| asked("public_metrics")).await;
            tokio::time::sleep(wait).await;
        }
    }
    watch.kill();
    cli
}

/// Goes on in this process until the hug is invited, and compares the ledger with what X has.
async fn goes_on(moment: Moment) {
    let cli = killed_at(moment).await;
    let clock = Clock::by_hand(Clock::system().now());
    let settings = settings("x", "amber", cli.x.url(), "");
    let settings = Settings::parse(&settings, "hug.toml", &secret).unwrap();
    let state = cli.state();
    let stack = Stack::open_with(settings, &state, clock.clone());
    let mut stack = stack.await.unwrap();
    // Enough for a claim to end, for a look at X, and for a second try after it.
    for _ in 0..4 {
        stack.round(json!({})).await.unwrap();
        clock.advance(Duration::try_from(LEASE).unwrap());
    }
    let hugs = stack.deps.ledger.snapshot().await.unwrap().hugs;
    assert_eq!(hugs.len(), 1, "{moment:?}");
    let hug = &hugs[0];
    assert_eq!(hug.status, Status::Invited, "{moment:?}: {hug:?}");
    assert_eq!(hug.milestone.number(), 600, "{moment:?}");
    let follower = hug.follower.as_ref().unwrap();
    assert_eq!(follower.handle, "fan1000", "{moment:?}");
    let posts = cli.x.posts();
    assert_eq!(posts.len(), 1, "{moment:?}");
    let receipt = hug.invitation.receipt.as_ref().unwrap();
    assert_eq!(receipt.reference, posts[0].id, "{moment:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_killed_at_ten_moments_around_a_milestone_goes_on_to_one_hug_and_one_invitation() {
    let after = |millis| Moment::AfterTheCount(Duration::from_millis(millis));
    let moments = [
        Moment::BeforeTheCrossing,
        Moment::WhileTheCountIsRead,
        Moment::WhileTheFollowersAreRead,
        Moment::WhileThePostIsAnswered,
        Moment::AfterTheInvitation,
        after(0),
        after(5),
        after(10),
        after(20),
        after(40),
    ];
    join_all(moments.map(goes_on)).await;
}
