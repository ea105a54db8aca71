//! From the invitation to the hug: the answer, the topic, the song, and the commands for them: `hug topic`, `hug song`,
//! `hug pass` and `hug sent`.

use have_a_hug::clock::Clock;
use serde_json::Value;
use stand_ins::{
    Fault,
    youtube::{AMBER_CHANNEL, SANDBOX_KEY, Video, YouTube},
};
use tests::settings;

use crate::{
    command_line::{CommandLine, Ended, Watch, eventually},
    situations::to_send,
};

const VIDEO: &str = "https://youtu.be/dQw4w9WgXcQ";

/// A creator with a YouTube.
struct Singer {
    cli: CommandLine,
    youtube: YouTube,
}

impl Singer {
    /// Amber, whose 600th follower is invited by a post.
    async fn invited() -> Self {
        let youtube = YouTube::start(Clock::system()).await.unwrap();
        let cli = CommandLine::with_followers(599).await;
        let songs = format!("\n[songs]\nserver = \"{}\"\n", youtube.url());
        cli.write(&settings("x", "amber", cli.x.url(), &songs));
        cli.run(&["check"]).await.success();
        cli.fans(1_000, 1);
        cli.run(&["check"]).await.success();
        let video = Video::by_amber("dQw4w9WgXcQ", "Rain", Clock::system().now());
        youtube.add_video(video);
        Self { cli, youtube }
    }

    /// The same, with a topic.
    async fn with_topic() -> Self {
        let amber = Self::invited().await;
        amber
            .hears("fan1000", "@amber rain on a tin roof")
            .await
            .success();
        amber
    }

    /// Someone answers the announcement, and a check is made.
    async fn hears(&self, from: &str, text: &str) -> Ended {
        let post = &self.cli.x.posts()[0].id;
        self.cli.x.answer(from, text, post);
        self.cli.run(&["check"]).await
    }

    /// Writes into the settings on which channel the songs are.
    fn names_channel(&self) {
        let url = self.youtube.url();
        let songs = format!("\n[songs]\nyoutube = \"{AMBER_CHANNEL}\"\nserver = \"{url}\"\n");
        let settings = settings("x", "amber", self.cli.x.url(), &songs);
        self.cli.write(&settings);
    }

    async fn check_with_key(&self, key: &str, arguments: &[&str]) -> Ended {
        let mut check = self.cli.command(&["check"]);
        check.args(arguments).env("YOUTUBE_API_KEY", key);
        self.cli.run_command(check).await
    }

    async fn hug(&self) -> Value {
        self.cli.status().await["hugs"][0].clone()
    }

    async fn succeeds(&self, arguments: &[&str], says: &str) {
        let output = self.cli.run(arguments).await.success();
        assert!(output.contains(says), "{says}: {output}");
    }

    async fn refuses(&self, arguments: &[&str], says: &str) {
        let output = self.cli.run(arguments).await.refusal();
        assert!(output.contains(says), "{says}: {output}");
    }
}

#[tokio::test]
async fn number_600_answers_and_when_the_song_is_up_they_get_the_link_as_a_reply() {
    let amber = Singer::invited().await;
    let output = amber
        .hears("somebody", "@amber sing about me")
        .await
        .success();
    assert!(!output.contains("topic"), "not the follower: {output}");
    let output = amber
        .hears("fan1000", "@amber rain on a tin roof")
        .await
        .success();
    assert!(
        output.contains("600 has its topic: rain on a tin roof"),
        "{output}"
    );
    let output = amber.cli.run(&["status"]).await.success();
    let to_write = "Songs to write:\n\nx:amber 600, for Tomasz Mbeki, @fan1000: rain on a tin roof\n  when it is up: `hug song 600 --account x:amber URL`\n";
    assert!(output.starts_with(to_write), "{output}");
    let hug = amber.hug().await;
    assert_eq!(
        (&hug["status"], &hug["topic"]["text"]),
        (&"topic_chosen".into(), &"rain on a tin roof".into())
    );
    assert_eq!(
        (&hug["topic"]["verdict"], &hug["topic"]["by"]),
        (&"clean".into(), &"follower".into())
    );
    assert_eq!(hug["song"], Value::Null);

    let output = amber.cli.run(&["song", "600", VIDEO]).await.success();
    for words in [
        "the song for 600 is up: https://youtu.be/dQw4w9WgXcQ goes to Tomasz Mbeki, @fan1000",
        "600 hugged: reply https://x.com/amber/status/",
    ] {
        assert!(output.contains(words), "{words}: {output}");
    }
    let posts = amber.cli.x.posts();
    let reply = posts.last().unwrap();
    assert!(reply.reply_to.is_some() && reply.text.contains(VIDEO));
    let hug = amber.hug().await;
    let song = &hug["song"];
    for (field, expected) in [
        ("url", VIDEO),
        ("title", "Rain"),
        ("channel", "reply"),
        ("text", &reply.text),
        ("reference", &reply.id),
    ] {
        assert_eq!(song[field], expected, "{field}");
    }
    assert!(song["sent_at"].is_string());
    assert_eq!(hug["status"], "hugged");
    assert_eq!(hug["invitation"]["reference"], posts[0].id.as_str());
    amber.cli.run(&["check"]).await.success();
    amber
        .refuses(
            &["song", "600", VIDEO],
            "giving a song to the hug for 600 of x:amber failed: it is hugged already; the follower has the link to the song",
        )
        .await;
}

#[tokio::test]
async fn a_doubtful_topic_waits_at_every_check_until_the_creator_accepts_or_refuses_it() {
    let amber = Singer::invited().await;
    amber
        .hears("fan1000", "@amber damn good coffee")
        .await
        .refusal();
    let output = amber.cli.run(&["check"]).await.refusal();
    assert!(output.contains("1 hug waits for you"), "{output}");
    let output = amber.cli.run(&["status"]).await.success();
    for words in [
        "1 hug waits for you:",
        "you decide about the topic (",
        "damn good coffee",
        "`hug topic 600 --account x:amber --accept`",
        "`hug topic 600 --account x:amber --refuse`",
        "The answer is at https://x.com/",
    ] {
        assert!(output.contains(words), "{words}: {output}");
    }
    let hug = amber.hug().await;
    assert_eq!(
        (&hug["status"], &hug["topic"]["verdict"]),
        (&"invited".into(), &"doubtful".into())
    );
    amber
        .succeeds(
            &["topic", "600", "--refuse"],
            "the topic for 600 is refused; another answer of Tomasz Mbeki, @fan1000 counts",
        )
        .await;
    amber.cli.run(&["check"]).await.success();
    amber
        .refuses(
            &["topic", "600", "--refuse"],
            "it has no topic to decide about; `hug topic` with the words writes one down",
        )
        .await;
    amber
        .succeeds(
            &["topic", "600", "--accept"],
            "the hug for 600 has its topic: damn good coffee",
        )
        .await;
    assert_eq!(amber.hug().await["topic"]["verdict"], "accepted");
}

#[tokio::test]
async fn a_topic_in_the_creators_words_is_one_line_and_no_answer_replaces_it() {
    let amber = Singer::invited().await;
    amber
        .succeeds(
            &["topic", "600", " the sea\nat night "],
            "the hug for 600 has its topic: the sea",
        )
        .await;
    amber.hears("fan1000", "@amber snow").await.success();
    let topic = amber.hug().await["topic"].clone();
    assert!(!topic["text"].as_str().unwrap().contains('\n'));
    assert!(topic["text"].as_str().unwrap().starts_with("the sea"));
    assert_eq!(topic["by"], "creator");
    amber
        .refuses(
            &["pass", "600"],
            "its topic is chosen already; the follower has a topic; `hug topic 600 --account x:amber --refuse` refuses it",
        )
        .await;
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_before_anything_is_changed() {
    let amber = Singer::invited().await;
    for (arguments, why) in [
        (vec!["topic", "600"], "required"),
        (vec!["topic", "600", " "], "the topic is empty"),
        (vec!["topic", "600", "rain", "--accept"], "cannot be used"),
        (vec!["topic", "six", "rain"], "is not a number of followers"),
        (
            vec!["song", "600", "https://vimeo.com/1"],
            "does not lead to YouTube",
        ),
        (
            vec!["song", "600", "https://youtube.com/@amber"],
            "is a channel",
        ),
        (vec!["song", "600"], "URL"),
    ] {
        let ended = amber.cli.run(&arguments).await;
        assert_eq!(ended.0.status.code(), Some(2), "{arguments:?}");
        let said = ended.stderr();
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
    amber
        .refuses(
            &["topic", "700", "rain"],
            "there is no hug for 700; there are: x:amber 600",
        )
        .await;
    let wrong = ["song", "600", VIDEO, "--account", "x:bea"];
    amber.refuses(&wrong, "x:bea").await;
    assert_eq!(amber.hug().await["status"], "invited");
}

#[tokio::test]
async fn before_the_invitation_there_is_no_topic_and_no_song_and_the_answer_says_what_helps() {
    let cli = to_send().await;
    for command in [
        vec!["topic", "600", "rain"],
        vec!["topic", "600", "--accept"],
        vec!["pass", "600"],
    ] {
        let output = cli.run(&command).await.refusal();
        let why = "it is to_send: the follower is not invited yet; send the invitation first, then `hug sent 600 --account x:amber`";
        assert!(output.contains(why), "{output}");
    }
}

#[tokio::test]
async fn a_video_that_nobody_can_see_is_refused_and_one_that_may_not_be_embedded_is_a_song() {
    let amber = Singer::with_topic().await;
    amber
        .refuses(
            &["song", "600", "https://youtu.be/aaaaaaaaaa0"],
            "YouTube has no video at https://youtu.be/aaaaaaaaaa0 that others can see",
        )
        .await;
    assert_eq!(amber.hug().await["status"], "topic_chosen");
    let video = Video::by_amber("dQw4w9WgXcQ", "Rain", Clock::system().now());
    amber.youtube.add_video(Video {
        embeddable: false,
        ..video
    });
    amber.succeeds(&["song", "600", VIDEO], "600 hugged").await;
    assert_eq!(amber.hug().await["song"]["title"], Value::Null);
}

#[tokio::test]
async fn where_youtube_cannot_be_reached_the_link_is_sent_unchecked_and_that_is_said() {
    let amber = Singer::with_topic().await;
    let nowhere = "\n[songs]\nserver = \"http://127.0.0.1:1\"\n";
    amber
        .cli
        .write(&settings("x", "amber", amber.cli.x.url(), nowhere));
    let song = ["song", "600", VIDEO, "--title", "Rain, live"];
    let output = amber.cli.run(&song).await.success();
    let unchecked = "The link was not checked, because YouTube was not reached: ";
    assert!(output.contains(unchecked), "{output}");
    assert!(output.contains("600 hugged: reply"), "{output}");
    assert_eq!(amber.hug().await["song"]["title"], "Rain, live");
}

#[tokio::test]
async fn a_song_for_someone_who_never_answered_there_waits_for_the_creators_hand() {
    let amber = Singer::invited().await;
    amber.cli.run(&["topic", "600", "rain"]).await.success();
    let output = amber.cli.run(&["song", "600", VIDEO]).await.refusal();
    assert!(
        output.contains("600 to_send: it waits for your hand"),
        "{output}"
    );
    let output = amber.cli.run(&["status"]).await.success();
    for words in [
        "the words with the link to the song wait for you",
        "send it to @fan1000",
        VIDEO,
        "`hug sent 600 --account x:amber`",
    ] {
        assert!(output.contains(words), "{words}: {output}");
    }
    let hug = amber.hug().await;
    assert_eq!(hug["status"], "to_send");
    let post = &amber.cli.x.posts()[0];
    let invitation = format!("https://x.com/amber/status/{}", post.id);
    assert_eq!(hug["invitation"]["url"], invitation, "it is sent");
    assert!(hug["invitation"]["sent_at"].is_string());
    assert_eq!(
        (&hug["song"]["url"], &hug["song"]["sent_at"]),
        (&VIDEO.into(), &Value::Null)
    );
    // Another video takes its place until it is sent.
    let other = Video::by_amber("kXYiU_JCYtU", "Snow", Clock::system().now());
    amber.youtube.add_video(other);
    amber
        .cli
        .run(&["song", "600", "https://youtu.be/kXYiU_JCYtU"])
        .await
        .refusal();
    let reply = "https://x.com/amber/status/78";
    amber
        .succeeds(
            &["sent", "600", reply],
            "the hug for 600 is hugged: you sent it to Tomasz Mbeki, @fan1000",
        )
        .await;
    let song = amber.hug().await["song"].clone();
    assert_eq!(
        (&song["title"], &song["reference"], &song["letter_url"]),
        (&"Snow".into(), &"78".into(), &reply.into())
    );
    amber.cli.run(&["check"]).await.success();
}

#[tokio::test]
async fn a_hug_is_passed_on_to_the_next_follower_once() {
    let amber = Singer::invited().await;
    amber
        .succeeds(
            &["pass", "600"],
            "the hug for 600 is passed on: the next check chooses",
        )
        .await;
    let output = amber.cli.run(&["check"]).await.success();
    let why = "600 waits for the next follower: nobody who counts has followed since";
    assert!(output.contains(why), "{output}");
    let output = amber.cli.run(&["status"]).await.success();
    assert!(
        output.contains("it was passed on, and nobody who counts has followed since"),
        "{output}"
    );
    amber
        .refuses(
            &["sent", "600"],
            "it was passed on, and the next check chooses who gets it",
        )
        .await;
    amber.cli.fans(1_001, 1);
    let output = amber.cli.run(&["check"]).await.success();
    for words in [
        "600 goes on to Noor Schäfer, @fan1001",
        "600 invited: announce",
    ] {
        assert!(output.contains(words), "{words}: {output}");
    }
    let hug = amber.hug().await;
    assert_eq!(
        (&hug["follower"]["handle"], &hug["passed"]["handle"]),
        (&"fan1001".into(), &"fan1000".into())
    );
    amber
        .refuses(
            &["pass", "600"],
            "it was passed on once, and that is enough; `hug cancel` ends it",
        )
        .await;
}

#[tokio::test]
async fn a_key_that_youtube_refuses_stays_told_until_it_works_also_while_youtube_is_down() {
    let amber = Singer::with_topic().await;
    amber.names_channel();
    amber.check_with_key("wrong", &[]).await.refusal();
    amber.youtube.fail_next("playlistItems", Fault::Status(503));
    amber.check_with_key("wrong", &[]).await.refusal();
    let status = amber.cli.status().await;
    let error = status["accounts"][0]["answers_error"].as_str().unwrap();
    assert!(
        error.starts_with("reading the videos of your channel failed: 400"),
        "{error}"
    );
    let output = amber.cli.run(&["status"]).await.success();
    assert!(
        output.contains("answers or songs cannot be read"),
        "{output}"
    );
    let output = amber.cli.run(&["doctor"]).await.refusal();
    let wrong = |line: &str| line.starts_with("wrong") && line.contains("no song was found");
    assert!(output.lines().any(wrong), "{output}");
    amber.check_with_key(SANDBOX_KEY, &[]).await.success();
    let status = amber.cli.status().await;
    assert_eq!(status["accounts"][0]["answers_error"], Value::Null);
}

#[tokio::test]
async fn a_song_is_found_by_the_mark_that_the_status_names() {
    let amber = Singer::invited().await;
    amber.names_channel();
    let check = async |arguments: &[&str]| amber.check_with_key(SANDBOX_KEY, arguments).await;
    amber
        .cli
        .x
        .answer("fan1000", "@amber rain", &amber.cli.x.posts()[0].id);
    check(&[]).await.success();
    let output = amber.cli.run(&["status"]).await.success();
    let mark = "or write #hug600 into the title or the description of the video";
    assert!(output.contains(mark), "{output}");
    assert_eq!(amber.hug().await["mark"], "#hug600");
    let later = Clock::system().now() + jiff::SignedDuration::from_secs(1);
    let mut video = Video::by_amber("kXYiU_JCYtU", "Rain", later);
    video.description = "For you. #hug600".to_owned();
    amber.youtube.add_video(video.clone());
    let dry = check(&["--dry-run"]).await.success();
    let found = "600 has its song: https://youtu.be/kXYiU_JCYtU goes to Tomasz Mbeki, @fan1000";
    assert!(
        dry.contains(&format!("{found} (dry run: not recorded)")),
        "{dry}"
    );
    assert_eq!(amber.hug().await["status"], "topic_chosen");
    let output = check(&[]).await.success();
    for words in [found, "600 hugged: reply"] {
        assert!(output.contains(words), "{words}: {output}");
    }
}

#[tokio::test]
async fn answers_that_cannot_be_read_are_reported_at_every_check_and_by_status_and_doctor() {
    let amber = Singer::invited().await;
    for _ in 0..2 {
        amber.cli.x.fail_next("/mentions", Fault::Status(403));
        let output = amber.cli.run(&["check"]).await.refusal();
        for words in [
            "answers or songs cannot be read: ",
            "; answers or songs of 1 cannot be read",
        ] {
            assert!(output.contains(words), "{words}: {output}");
        }
    }
    let status = amber.cli.status().await;
    let error = status["accounts"][0]["answers_error"].as_str().unwrap();
    assert!(error.contains("403"), "{error}");
    let output = amber.cli.run(&["status"]).await.success();
    assert!(
        output.contains("\n  answers or songs cannot be read: "),
        "{output}"
    );
    let output = amber.cli.run(&["doctor"]).await.refusal();
    let wrong = |line: &str| line.starts_with("wrong") && line.contains("answers cannot be read");
    assert!(output.lines().any(wrong), "{output}");
    amber.cli.run(&["check"]).await.success();
    let status = amber.cli.status().await;
    assert_eq!(status["accounts"][0]["answers_error"], Value::Null);
}

#[tokio::test]
async fn beside_a_watch_topic_and_song_are_written_down_and_the_watch_brings_the_song() {
    let amber = Singer::with_topic().await;
    let watch = Watch::start(&amber.cli);
    eventually(|| watch.has_printed("followers")).await;
    amber
        .succeeds(
            &["topic", "600", "--accept"],
            "the hug for 600 has its topic",
        )
        .await;
    amber
        .succeeds(
            &["song", "600", VIDEO],
            "Not sent yet: another `hug` uses this ledger",
        )
        .await;
    eventually(|| watch.has_printed("600 hugged: reply")).await;
    drop(watch);
    assert_eq!(amber.hug().await["status"], "hugged");
}
