use std::time::Duration;

use have_a_hug::clock::Clock;
use serde_json::{Value, json};

use super::{AMBER_CHANNEL, Live, Privacy, SANDBOX_KEY, Station, Video, YouTube};
use crate::{
    fault::Fault,
    testing::{Outcome, Received, TestError, send},
};

const UPLOADS: &str = "UUAmberLaneSings00000000";
const ITEMS: &str =
    "playlistItems?part=snippet,contentDetails,status&playlistId=UUAmberLaneSings00000000";

struct Studio {
    youtube: YouTube,
    clock: Clock,
    http: reqwest::Client,
}

impl Studio {
    /// Amber's channel with that many videos, each a day newer than the one before.
    async fn with_videos(count: u32) -> Result<Self, TestError> {
        let clock = Clock::by_hand("2026-11-01T14:00:00Z".parse()?);
        let youtube = YouTube::start(clock.clone()).await?;
        for n in 1..=count {
            youtube.add_video(Video::by_amber(&id(n), &format!("Song {n}"), clock.now()));
            clock.advance(Duration::from_hours(24));
        }
        Ok(Self {
            youtube,
            clock,
            http: have_a_hug::http::client()?,
        })
    }

    fn request(&self, path: &str) -> reqwest::RequestBuilder {
        self.http.get(format!("{}{path}", self.youtube.url()))
    }

    /// Asks the Data API with the key in the header.
    async fn ask(&self, path: &str) -> Result<Received, TestError> {
        let request = self.request(&format!("/youtube/v3/{path}"));
        send(request.header("x-goog-api-key", SANDBOX_KEY)).await
    }

    async fn oembed(&self, url: &str) -> Result<Received, TestError> {
        let url = url.replace('?', "%3F").replace('&', "%26");
        send(self.request(&format!("/oembed?format=json&url={url}"))).await
    }
}

fn id(n: u32) -> String {
    format!("video-{n:05}")
}

fn reason(answer: &Received) -> (u16, &str) {
    let reason = answer.body.pointer("/error/errors/0/reason");
    (
        answer.status,
        reason.and_then(Value::as_str).unwrap_or_default(),
    )
}

fn listed(page: &Received) -> Vec<&str> {
    let items = page.body["items"].as_array();
    items
        .into_iter()
        .flatten()
        .filter_map(|it| it.pointer("/contentDetails/videoId")?.as_str())
        .collect()
}

#[tokio::test]
async fn the_uploads_of_a_channel_come_in_pages_newest_first() -> Outcome {
    let studio = Studio::with_videos(7).await?;
    let first = studio.ask(ITEMS).await?;
    assert_eq!(listed(&first).len(), 5);
    assert_eq!(listed(&first)[0], id(7));
    let item = &first.body["items"][0];
    assert_eq!(item["snippet"]["title"], "Song 7");
    assert_eq!(item["snippet"]["channelId"], AMBER_CHANNEL);
    assert_eq!(item["snippet"]["resourceId"]["videoId"], json!(id(7)));
    assert_eq!(item["status"]["privacyStatus"], "public");
    assert_eq!(
        first.body["pageInfo"],
        json!({"totalResults": 7, "resultsPerPage": 5})
    );
    let token = first.body["nextPageToken"].as_str().unwrap_or_default();
    let second = studio.ask(&format!("{ITEMS}&pageToken={token}")).await?;
    assert_eq!(listed(&second), [id(2), id(1)]);
    assert!(second.body.get("nextPageToken").is_none());
    let whole = studio.ask(&format!("{ITEMS}&maxResults=50")).await?;
    assert_eq!(listed(&whole).len(), 7);
    let snippets = studio
        .ask(&ITEMS.replace(",contentDetails,status", ""))
        .await?;
    assert!(snippets.body["items"][0].get("status").is_none());
    Ok(())
}

#[tokio::test]
async fn a_video_may_be_added_before_it_is_published() -> Outcome {
    let studio = Studio::with_videos(0).await?;
    let mut video = Video::by_amber(&id(1), "Later", studio.clock.now());
    video.privacy = Privacy::Private;
    studio.youtube.add_video(video.clone());
    studio.clock.advance(Duration::from_hours(5));
    video.published_at = studio.clock.now();
    video.privacy = Privacy::Public;
    studio.youtube.add_video(video);
    let list = studio.ask(ITEMS).await?;
    let item = &list.body["items"][0];
    assert_eq!(item["snippet"]["publishedAt"], "2026-11-01T14:00:00Z");
    assert_eq!(
        item["contentDetails"]["videoPublishedAt"],
        "2026-11-01T19:00:00Z"
    );
    Ok(())
}

#[tokio::test]
async fn only_public_videos_are_listed_and_unlisted_ones_found_by_their_id() -> Outcome {
    let studio = Studio::with_videos(3).await?;
    for (n, privacy) in [(2, Privacy::Unlisted), (3, Privacy::Private)] {
        let mut video = Video::by_amber(&id(n), "Hidden", studio.clock.now());
        video.privacy = privacy;
        studio.youtube.add_video(video);
    }
    assert_eq!(listed(&studio.ask(ITEMS).await?), [id(1)]);
    let all = format!(
        "videos?part=snippet,status&id={},{},{}",
        id(1),
        id(2),
        id(3)
    );
    let found = studio.ask(&all).await?;
    assert_eq!(found.each("/items", "id"), [id(1), id(2)]);
    assert_eq!(
        found.body["items"][1]["status"]["privacyStatus"],
        "unlisted"
    );
    assert_eq!(found.body["items"][1]["status"]["embeddable"], true);
    studio.youtube.remove_video(&id(1));
    let gone = studio
        .ask(&format!("videos?part=snippet&id={}", id(1)))
        .await?;
    assert_eq!((gone.status, &gone.body["items"]), (200, &json!([])));
    Ok(())
}

#[tokio::test]
async fn a_premiere_is_listed_like_any_upload_and_says_that_it_is_to_come() -> Outcome {
    let studio = Studio::with_videos(1).await?;
    let mut premiere = Video::by_amber(&id(2), "Soon", studio.clock.now());
    premiere.live = Live::Upcoming;
    studio.youtube.add_video(premiere);
    assert_eq!(listed(&studio.ask(ITEMS).await?), [id(2), id(1)]);
    for (n, live) in [(1, "none"), (2, "upcoming")] {
        let video = studio
            .ask(&format!("videos?part=snippet&id={}", id(n)))
            .await?;
        assert_eq!(
            video.body["items"][0]["snippet"]["liveBroadcastContent"],
            live
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_channel_tells_the_list_of_its_uploads() -> Outcome {
    let studio = Studio::with_videos(1).await?;
    studio.youtube.add_channel(Station {
        id: "UC0000000000000000000000".to_owned(),
        handle: "empty".to_owned(),
        title: "Empty".to_owned(),
    });
    for asked in [
        &format!("id={AMBER_CHANNEL}"),
        "forHandle=@AmberLane",
        "forHandle=amberlane",
    ] {
        let found = studio
            .ask(&format!("channels?part=contentDetails,snippet&{asked}"))
            .await?;
        let uploads = found
            .body
            .pointer("/items/0/contentDetails/relatedPlaylists/uploads");
        assert_eq!(uploads, Some(&json!(UPLOADS)), "{asked}");
        assert_eq!(found.body["items"][0]["snippet"]["customUrl"], "@amberlane");
    }
    let nobody = studio.ask("channels?part=id&forHandle=nobody").await?;
    assert_eq!(nobody.status, 200);
    assert!(nobody.body.get("items").is_none());
    for playlist in ["UU0000000000000000000000", "UUnobody"] {
        let missing = studio
            .ask(&format!("playlistItems?part=id&playlistId={playlist}"))
            .await?;
        assert_eq!(reason(&missing), (404, "playlistNotFound"));
    }
    Ok(())
}

#[tokio::test]
async fn a_key_is_needed_in_the_header_or_the_address() -> Outcome {
    let studio = Studio::with_videos(1).await?;
    let path = format!("/youtube/v3/{ITEMS}");
    assert_eq!(
        reason(&send(studio.request(&path)).await?),
        (403, "forbidden")
    );
    let with_key = format!("{path}&key={SANDBOX_KEY}");
    assert_eq!(send(studio.request(&with_key)).await?.status, 200);
    let guess = || studio.request(&path).header("X-goog-api-key", "guessed");
    let refused = send(guess()).await?;
    assert_eq!(reason(&refused), (400, "badRequest"));
    let details = refused.body.pointer("/error/details/0/reason");
    assert_eq!(details, Some(&json!("API_KEY_INVALID")));
    studio.youtube.set_older_key_errors(true);
    assert_eq!(reason(&send(guess()).await?), (400, "keyInvalid"));
    studio.youtube.set_switched_on(false);
    let refused = studio.ask(ITEMS).await?;
    assert_eq!(reason(&refused), (403, "accessNotConfigured"));
    assert_eq!(refused.body["error"]["status"], "PERMISSION_DENIED");
    assert_eq!(
        studio.youtube.units_used(),
        1,
        "a key that is none has no quota"
    );
    Ok(())
}

#[tokio::test]
async fn each_request_costs_a_unit_until_midnight_in_california() -> Outcome {
    let studio = Studio::with_videos(1).await?;
    studio.youtube.set_units_a_day(3);
    assert_eq!(studio.ask(ITEMS).await?.status, 200);
    assert_eq!(studio.ask("videos?part=snippet").await?.status, 400);
    assert_eq!(
        studio
            .ask("playlistItems?part=id&playlistId=UUx")
            .await?
            .status,
        404
    );
    assert_eq!(studio.youtube.units_used(), 3, "errors cost one too");
    let spent = studio.ask(ITEMS).await?;
    assert_eq!(reason(&spent), (403, "quotaExceeded"));
    assert_eq!(spent.body["error"]["errors"][0]["domain"], "youtube.quota");
    // It is 14:00 in UTC, and in winter midnight in California is at 8:00.
    studio
        .clock
        .advance(Duration::from_hours(18) - Duration::from_secs(1));
    assert_eq!(studio.ask(ITEMS).await?.status, 403);
    studio.clock.advance(Duration::from_secs(1));
    assert_eq!(studio.ask(ITEMS).await?.status, 200);
    assert_eq!(studio.youtube.units_used(), 1);
    Ok(())
}

#[tokio::test]
async fn what_is_asked_wrongly_is_refused() -> Outcome {
    let studio = Studio::with_videos(1).await?;
    for (path, expected) in [
        ("videos?id=video-00001", "required"),
        ("videos?part=songs&id=video-00001", "unknownPart"),
        ("videos?part=snippet", "missingRequiredParameter"),
        ("channels?part=snippet", "missingRequiredParameter"),
        ("playlistItems?part=snippet", "missingRequiredParameter"),
        (&format!("{ITEMS}&maxResults=51"), "invalidParameter"),
        (&format!("{ITEMS}&pageToken=x"), "invalidPageToken"),
    ] {
        let refused = studio.ask(path).await?;
        assert_eq!(reason(&refused), (400, expected), "{path}");
    }
    assert_eq!(studio.ask("search?part=snippet").await?.status, 404);
    Ok(())
}

#[tokio::test]
async fn oembed_tells_anyone_of_a_video_that_may_be_embedded() -> Outcome {
    let studio = Studio::with_videos(1).await?;
    let id = id(1);
    for url in [
        format!("https://youtu.be/{id}?si=x"),
        format!("https://www.youtube.com/watch?list=a&v={id}"),
        format!("https://m.youtube.com/shorts/{id}"),
    ] {
        let told = studio.oembed(&url).await?;
        assert_eq!(
            (told.status, &told.body["title"]),
            (200, &json!("Song 1")),
            "{url}"
        );
        assert_eq!(told.body["author_name"], "Amber Lane");
        assert_eq!(
            told.body["author_url"],
            "https://www.youtube.com/@amberlane"
        );
    }
    let url = format!("https://youtu.be/{id}");
    let mut video = Video::by_amber(&id, "Song 1", studio.clock.now());
    video.embeddable = false;
    studio.youtube.add_video(video.clone());
    let refused = studio.oembed(&url).await?;
    assert_eq!(
        (refused.status, &refused.body),
        (401, &json!("Unauthorized"))
    );
    (video.embeddable, video.privacy) = (true, Privacy::Unlisted);
    studio.youtube.add_video(video.clone());
    assert_eq!(studio.oembed(&url).await?.status, 200);
    video.privacy = Privacy::Private;
    studio.youtube.add_video(video);
    assert_eq!(studio.oembed(&url).await?.status, 403);
    for (url, status, words) in [
        ("https://youtu.be/nothingHere", 404, "Not Found"),
        ("https://youtu.be/short", 400, "Bad Request"),
        ("https://vimeo.example/1", 404, "Not Found"),
    ] {
        let refused = studio.oembed(url).await?;
        let status_and_words = (refused.status, refused.body.as_str());
        assert_eq!(status_and_words, (status, Some(words)), "{url}");
    }
    assert_eq!(studio.youtube.units_used(), 0);
    Ok(())
}

#[tokio::test]
async fn faults_and_requests_are_those_of_the_other_stand_ins() -> Outcome {
    let studio = Studio::with_videos(1).await?;
    let limit = Fault::RateLimited { for_seconds: 60 };
    for fault in [Fault::Status(503), limit, Fault::Hangup] {
        studio.youtube.fail_next("playlistItems", fault);
    }
    assert_eq!(reason(&studio.ask(ITEMS).await?), (503, "backendError"));
    assert_eq!(
        reason(&studio.ask(ITEMS).await?),
        (429, "rateLimitExceeded")
    );
    assert!(studio.ask(ITEMS).await.is_err());
    assert_eq!(studio.ask(ITEMS).await?.status, 200);
    let seen = studio.youtube.requests();
    let statuses: Vec<u16> = seen.iter().map(|it| it.status).collect();
    assert_eq!(statuses, [503, 429, 0, 200]);
    assert!(seen.iter().all(|it| !it.path.contains(SANDBOX_KEY)));
    assert_eq!(seen[3].authenticated_as.as_deref(), Some("app"));
    Ok(())
}

#[tokio::test]
async fn a_person_publishes_and_removes_a_video_by_hand() -> Outcome {
    let studio = Studio::with_videos(0).await?;
    let by_hand = async |query: &str| {
        let url = format!("{}/stand-in/video?{query}", studio.youtube.url());
        send(studio.http.post(url)).await
    };
    by_hand("id=dQw4w9WgXcQ&title=Rain+%23hug600&description=For+600").await?;
    let list = studio.ask(ITEMS).await?;
    assert_eq!(list.body["items"][0]["snippet"]["title"], "Rain #hug600");
    assert_eq!(by_hand("id=dQw4w9WgXcQ&remove=true").await?.status, 200);
    assert_eq!(studio.ask(ITEMS).await?.status, 404);
    assert_eq!(by_hand("title=x").await?.status, 400);
    assert_eq!(studio.youtube.requests().len(), 2);
    Ok(())
}
