//! From the answer to the hug: topics, stop, the song, and its reply.

use std::time::Duration;

use have_a_hug::by_hand::{ByHandError, Step, by_hand};
use promise::{
    answer::Verdict,
    channel::Channel,
    hug::{Hug, HugKey, Status},
    milestone::Milestone,
    video::VideoId,
};
use stand_ins::{
    Fault,
    youtube::{Live, SANDBOX_KEY, Station, Video, YouTube},
};

use crate::world::{Bluesky, Mastodon, TestNetwork, World, X, named, settings_of};

const SONG: &str = "dQw4w9WgXcQ";

/// The creator does something to the hug for 600, and the hug is delivered if it is due.
pub async fn step<N: TestNetwork>(world: &mut World<N>, step: Step) -> Result<Hug, ByHandError> {
    let key = HugKey {
        id: world.account().await.key(),
        milestone: Milestone::from_number(600).unwrap(),
    };
    let deps = &world.stack.deps;
    let done = by_hand(&deps.ledger, &deps.settings, &key, &step, world.clock.now()).await;
    world.stack.deliver().await.unwrap();
    done
}

pub fn song(id: &str) -> Step {
    Step::Song {
        video: VideoId::from_id(id).unwrap(),
        title: Some("Rain".to_owned()),
    }
}

/// A world whose 600th follower is invited, that follower's handle, and the id of the invitation.
pub async fn invited<N: TestNetwork>(more: &str) -> (World<N>, String, String) {
    let mut world = World::<N>::with(599, more).await;
    let fan = world.fan();
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!((&hug.status, named(&hug)), (&Status::Invited, fan.as_str()));
    let invitation = hug.invitation.reference().unwrap().to_owned();
    (world, fan, invitation)
}

async fn to_its_end<N: TestNetwork>(more: &str) {
    let (mut world, fan, invitation) = invited::<N>(more).await;
    let stranger = world.fan();
    world
        .network
        .answer(&stranger, "@amber me! about cats", &invitation);
    world.check().await;
    assert_eq!(world.hug(600).await.topic, None, "it is not their hug");
    let answer = world
        .network
        .answer(&fan, "@amber about rain on a tin roof, please", &invitation);
    let check = world.check().await;
    assert_eq!(check.heard.len(), 1);
    let hug = world.hug(600).await;
    assert_eq!(hug.status, Status::TopicChosen);
    let topic = hug.topic.unwrap();
    assert_eq!(topic.text, "about rain on a tin roof, please");
    assert_eq!(topic.verdict, Verdict::Clean);
    world.check().await;
    let letters = world.posts().len() + world.network.messages().len();

    step(&mut world, song(SONG)).await.unwrap();
    let hug = world.hug(600).await;
    assert_eq!(hug.status, Status::Hugged, "{:?}", hug.reason);
    assert_eq!(hug.song.words.as_ref().unwrap().channel, Channel::Reply);
    let link = "https://youtu.be/dQw4w9WgXcQ";
    let sent = world.posts().len() + world.network.messages().len();
    assert_eq!(sent, letters + 1);
    let reply = hug.song.receipt.unwrap();
    let replies = world.posts();
    if let Some(post) = replies.iter().find(|post| post.id == reply.reference) {
        assert_eq!(post.reply_to.as_deref(), Some(answer.as_str()));
        assert!(post.text.contains(link), "{}", post.text);
    } else {
        let messages = world.network.messages();
        assert!(messages.last().unwrap().text.contains(link));
    }
    for _ in 0..5 {
        world.check().await;
        world.clock.advance(Duration::from_hours(5));
    }
    let later = world.posts().len() + world.network.messages().len();
    assert_eq!(later, sent, "nothing is sent a second time");
}

#[tokio::test]
async fn a_hug_goes_from_the_answer_to_the_song_on_x() {
    Box::pin(to_its_end::<X>("")).await;
}

#[tokio::test]
async fn a_hug_goes_from_the_answer_to_the_song_on_bluesky() {
    Box::pin(to_its_end::<Bluesky>("")).await;
}

#[tokio::test]
async fn a_hug_goes_from_the_answer_to_the_song_on_mastodon() {
    Box::pin(to_its_end::<Mastodon>("")).await;
}

#[tokio::test]
async fn a_hug_goes_from_a_public_answer_to_the_song_on_mastodon() {
    Box::pin(to_its_end::<Mastodon>("contact = [\"announce\"]\n")).await;
}

async fn stopped<N: TestNetwork>() {
    let (mut world, fan, invitation) = invited::<N>("").await;
    world
        .network
        .answer(&fan, "@amber Stop, please.", &invitation);
    let check = world.check().await;
    assert_eq!(check.heard[0].status, Status::Declined);
    let hug = world.hug(600).await;
    assert!(hug.news.is_some_and(|news| news.contains("said stop")));
    assert!(step(&mut world, song(SONG)).await.is_err());
    // They come back, and stand at the next milestone.
    world.network.unfollow(&fan);
    world.fans(99);
    let before = world.posts().len();
    world.check().await;
    assert!(
        !world
            .hugs()
            .await
            .iter()
            .any(|hug| hug.milestone.number() > 600 && named(hug) == fan)
    );
    assert!(world.posts().len() <= before + 1);
}

#[tokio::test]
async fn stop_ends_the_hug_at_once_on_each_network() {
    stopped::<X>().await;
    stopped::<Bluesky>().await;
    stopped::<Mastodon>().await;
}

#[tokio::test]
async fn whoever_said_stop_is_never_named_by_another_account_or_by_the_creator() {
    let (mut world, fan, invitation) = invited::<X>("").await;
    world.network.answer(&fan, "@amber stop", &invitation);
    world.check().await;
    let id = world.account().await.key();
    let stops = world.stack.deps.ledger.stops(&id).await.unwrap();
    assert_eq!(stops.len(), 1);
    // The creator cannot choose them for another number either.
    world.fans(100);
    world.check().await;
    let key = HugKey {
        milestone: Milestone::from_number(700).unwrap(),
        id,
    };
    let hug = world.hug(700).await;
    assert_ne!(named(&hug), fan);
    let deps = &world.stack.deps;
    let now = world.clock.now();
    let cancel = by_hand(&deps.ledger, &deps.settings, &key, &Step::Cancel, now).await;
    cancel.unwrap();
}

#[tokio::test]
async fn a_doubtful_topic_waits_for_the_creator_and_a_refused_answer_does_not_come_back() {
    let (mut world, fan, invitation) = invited::<Bluesky>("").await;
    world
        .network
        .answer(&fan, "a song about your fucking boss", &invitation);
    let check = world.check().await;
    assert_eq!(check.for_creator.len(), 1);
    let hug = world.hug(600).await;
    assert_eq!(hug.status, Status::Invited);
    assert!(hug.topic_is_doubtful());
    step(&mut world, Step::Refuse).await.unwrap();
    for _ in 0..3 {
        assert!(world.check().await.heard.is_empty());
    }
    world
        .network
        .answer(&fan, "sorry: a song about the sea", &invitation);
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(hug.status, Status::TopicChosen);
    assert_eq!(hug.topic.unwrap().text, "sorry: a song about the sea");
}

#[tokio::test]
async fn a_reply_that_x_does_not_allow_waits_for_the_creators_hand_and_is_never_a_post() {
    let (mut world, fan, invitation) = invited::<X>("").await;
    // X puts the mention before a plain reply; this stand-in says that it does not count.
    world.network.answer(&fan, "about the sea", &invitation);
    world.check().await;
    let posts = world.posts().len();
    step(&mut world, song(SONG)).await.unwrap();
    let hug = world.hug(600).await;
    assert_eq!(hug.status, Status::ToSend);
    assert_eq!(world.posts().len(), posts);
    let news = hug.news.clone().unwrap();
    assert!(
        news.contains("https://x.com/intent/tweet?in_reply_to=")
            && news.contains("hug sent 600 --account x:amber"),
        "{news}"
    );
    step(&mut world, Step::Sent { url: None }).await.unwrap();
    assert_eq!(world.hug(600).await.status, Status::Hugged);
}

async fn gone<N: TestNetwork>() -> (World<N>, Hug) {
    let (mut world, fan, invitation) = invited::<N>("").await;
    let answer = world
        .network
        .answer(&fan, "@amber about the sea", &invitation);
    world.check().await;
    world.network.delete_post(&answer);
    let posts = world.posts().len();
    step(&mut world, song(SONG)).await.unwrap();
    assert_eq!(world.posts().len(), posts, "no second public post");
    let hug = world.hug(600).await;
    (world, hug)
}

#[tokio::test]
async fn an_answer_that_is_gone_is_not_replied_to() {
    let (_, hug) = gone::<X>().await;
    assert_eq!(hug.status, Status::ToSend);
    let (_, hug) = gone::<Bluesky>().await;
    assert_eq!(hug.status, Status::ToSend);
    // There the creator's link opens a post, which must say for whom it is.
    let words = hug.song.words.unwrap().text;
    let address = format!("@{} ", hug.follower.unwrap().handle);
    assert!(words.starts_with(&address), "{words}");
    // There the invitation was private, and so is the song then.
    let (world, hug) = gone::<Mastodon>().await;
    assert_eq!(hug.status, Status::Hugged);
    assert_eq!(hug.song.words.unwrap().channel, Channel::Mention);
    assert_eq!(world.network.messages().len(), 2);
}

async fn lost<N: TestNetwork>(route: &str) {
    let (mut world, fan, invitation) = invited::<N>("").await;
    world
        .network
        .answer(&fan, "@amber about the sea", &invitation);
    world.check().await;
    let before = world.posts().len() + world.network.messages().len();
    world.network.fail_next(route, Fault::AnswerLost);
    step(&mut world, song(SONG)).await.unwrap();
    assert_eq!(world.hug(600).await.status, Status::SongPosted);
    world.clock.advance(Duration::from_mins(2));
    for _ in 0..3 {
        world.round().await;
    }
    assert_eq!(world.hug(600).await.status, Status::Hugged);
    let after = world.posts().len() + world.network.messages().len();
    assert_eq!(after, before + 1);
}

#[tokio::test]
async fn a_song_whose_answer_was_lost_is_looked_up_and_not_sent_again() {
    lost::<X>("POST /2/tweets").await;
    lost::<Bluesky>("putRecord").await;
    lost::<Mastodon>("POST /api/v1/statuses").await;
}

#[tokio::test]
async fn a_song_on_x_is_not_taken_for_the_song_of_another_hug() {
    let (mut world, fan, invitation) = invited::<X>("").await;
    let second = world.fans(100).pop().unwrap();
    world.check().await;
    let other = world.hug(700).await;
    assert_eq!(named(&other), second);
    let second_post = other.invitation.reference().unwrap().to_owned();
    world.network.answer(&fan, "@amber the sea", &invitation);
    world
        .network
        .answer(&second, "@amber the moon", &second_post);
    world.check().await;
    step(&mut world, song(SONG)).await.unwrap();
    let sent = world.posts().len();
    world
        .network
        .fail_next("POST /2/tweets", Fault::Status(503));
    let deps = &world.stack.deps;
    let (ledger, now) = (&deps.ledger, world.clock.now());
    let moon = song("kXYiU_JCYtU");
    by_hand(ledger, &deps.settings, &other.key(), &moon, now)
        .await
        .unwrap();
    world.stack.deliver().await.unwrap();
    world.clock.advance(Duration::from_mins(2));
    for _ in 0..3 {
        world.round().await;
    }
    assert_eq!(world.hug(700).await.status, Status::Hugged);
    let posts = world.posts();
    assert_eq!(posts.len(), sent + 1);
    assert!(
        posts[sent].text.contains("kXYiU_JCYtU"),
        "{}",
        posts[sent].text
    );
}

#[tokio::test]
async fn two_weeks_of_silence_are_told_and_the_hug_can_go_to_the_next_follower() {
    let (mut world, first, _) = invited::<Bluesky>("").await;
    world.bot();
    let next = world.fan();
    world.clock.advance(Duration::from_hours(14 * 24));
    world.check().await;
    let news = world.hug(600).await.news.unwrap();
    assert!(
        news.contains("two weeks") && news.contains("`hug pass 600"),
        "{news}"
    );
    step(&mut world, Step::Pass).await.unwrap();
    assert_eq!(world.hug(600).await.status, Status::Reached);
    assert!(step(&mut world, Step::Pass).await.is_err());
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(
        (&hug.status, named(&hug)),
        (&Status::Invited, next.as_str())
    );
    assert_eq!(hug.passed.unwrap().follower.handle, first);
    let posts = world.posts();
    assert_eq!(posts.len(), 2);
    assert!(
        posts[1].text.contains("my next follower after 600"),
        "{}",
        posts[1].text
    );
    world
        .network
        .answer(&first, "now I am here: the sea", &posts[0].id);
    world.network.answer(&next, "the moon", &posts[1].id);
    world.check().await;
    assert_eq!(world.hug(600).await.topic.unwrap().text, "the moon");
    let id = world.account().await.key();
    let stops = async |world: &World<Bluesky>| world.stack.deps.ledger.stops(&id).await.unwrap();
    assert!(stops(&world).await.is_empty());
    world.network.answer(&first, "stop", &posts[0].id);
    world.check().await;
    assert_eq!(
        stops(&world).await.len(),
        1,
        "the first follower is never written to again"
    );
    assert_eq!(
        world.hug(600).await.status,
        Status::TopicChosen,
        "the hug is for the next one"
    );
}

#[tokio::test]
async fn a_hug_that_is_passed_on_waits_until_somebody_has_followed_since() {
    let (mut world, _, _) = invited::<X>("").await;
    step(&mut world, Step::Pass).await.unwrap();
    world.check().await;
    let hug = world.hug(600).await;
    assert_eq!(hug.status, Status::Reached);
    assert!(hug.reason.unwrap().contains("has followed since"));
    let next = world.fan();
    world.check().await;
    assert_eq!(named(&world.hug(600).await), next);
}

fn with_songs<N: TestNetwork>(world: &World<N>, youtube: &YouTube) -> String {
    let channel = Station::amber().id;
    let songs = format!(
        "[songs]\nyoutube = \"{channel}\"\nserver = \"{}\"\n",
        youtube.url()
    );
    format!("{songs}{}", settings_of::<N>(world.network.url(), ""))
}

/// A world that waits for its song, with a channel on YouTube.
pub async fn waits_for_song() -> (World<Bluesky>, YouTube) {
    let (mut world, fan, invitation) = invited::<Bluesky>("").await;
    let youtube = YouTube::start(world.clock.clone()).await.unwrap();
    youtube.add_channel(Station::amber());
    let settings = with_songs(&world, &youtube);
    let secrets = |name: &str| match name {
        "YOUTUBE_API_KEY" => Some(SANDBOX_KEY.to_owned()),
        other => stand_ins::secret(other),
    };
    let settings = have_a_hug::settings::Settings::parse(&settings, "hug.toml", &secrets).unwrap();
    world.use_settings(settings, &have_a_hug::http::client().unwrap());
    world.network.answer(&fan, "about the sea", &invitation);
    world.check().await;
    (world, youtube)
}

#[tokio::test]
async fn a_video_with_the_mark_is_found_and_brought_without_the_creators_command() {
    let (mut world, youtube) = waits_for_song().await;
    let told = world.hug(600).await.news.unwrap();
    assert!(told.contains("#hug600"), "{told}");
    // A channel without videos has no list yet.
    assert_eq!(world.check().await.answers_error, None);
    let units = youtube.units_used();
    world.check().await;
    assert_eq!(youtube.units_used(), units + 1);
    let now = world.clock.now();
    youtube.add_video(Video::by_amber(
        "aaaaaaaaaaa",
        "600 followers! Thank you",
        now,
    ));
    let upcoming = Video {
        live: Live::Upcoming,
        ..Video::by_amber(SONG, "The sea #hug600", now)
    };
    youtube.add_video(upcoming.clone());
    world.check().await;
    assert_eq!(world.hug(600).await.status, Status::TopicChosen);
    youtube.add_video(Video {
        live: Live::No,
        ..upcoming
    });
    let check = world.check().await;
    assert_eq!(check.heard.len(), 1);
    let hug = world.hug(600).await;
    assert_eq!(hug.status, Status::Hugged);
    assert_eq!(
        hug.posted.unwrap().title.as_deref(),
        Some("The sea #hug600")
    );
    let units = youtube.units_used();
    world.check().await;
    assert_eq!(youtube.units_used(), units, "no hug waits for a song");
}

#[tokio::test]
async fn two_videos_with_the_mark_are_the_creators_to_choose() {
    let (mut world, youtube) = waits_for_song().await;
    let now = world.clock.now();
    for id in [SONG, "aaaaaaaaaaa"] {
        youtube.add_video(Video::by_amber(id, "For my 600th follower", now));
    }
    let check = world.check().await;
    assert_eq!(check.for_creator.len(), 1);
    assert_eq!(world.hug(600).await.candidates.len(), 2);
    world.check().await;
    assert!(world.check().await.heard.is_empty(), "it is told once");
    step(&mut world, song(SONG)).await.unwrap();
    assert_eq!(world.hug(600).await.status, Status::Hugged);
}

#[tokio::test]
async fn a_channel_that_cannot_be_read_stops_nothing_else() {
    let (mut world, youtube) = waits_for_song().await;
    youtube.set_units_a_day(0);
    world.fans(100);
    let check = world.check().await;
    assert_eq!(check.answers_error, None, "tomorrow it can be read again");
    assert_eq!(world.hug(700).await.status, Status::Invited);
    youtube.set_switched_on(false);
    let error = world.check().await.answers_error.unwrap();
    assert!(
        error.contains("YOUTUBE_API_KEY") && !error.contains(SANDBOX_KEY),
        "{error}"
    );
    step(&mut world, song(SONG)).await.unwrap();
    assert_eq!(world.hug(600).await.status, Status::Hugged);
}
