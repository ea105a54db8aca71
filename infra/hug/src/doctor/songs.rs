//! YouTube, where the settings name a channel for the songs.

use have_a_hug::settings::Settings;
use jiff::Timestamp;

use super::finding::Finding;

/// Reads the list of each channel once, which is one unit of the 10,000 that a key has a day. Nothing is asked without a
/// key: the findings about the settings report that it is missing.
pub(super) async fn look_at_songs(
    settings: &Settings,
    http: &reqwest::Client,
    now: Timestamp,
) -> Vec<Finding> {
    let active = settings
        .accounts
        .iter()
        .filter(|account| account.is_active());
    let mut channels: Vec<&str> = active
        .filter_map(|account| account.songs.as_ref())
        .map(|songs| songs.channel.as_str())
        .collect();
    channels.sort_unstable();
    channels.dedup();
    if settings.youtube.key.is_none() {
        return Vec::new();
    }
    let youtube = settings.youtube.connect(http);
    let mut findings = Vec::new();
    for channel in channels {
        let subject = format!("YouTube, {channel}");
        findings.push(match youtube.uploads(channel, now).await {
            Ok(uploads) if uploads.is_empty() => {
                let found = "the key works, and the channel has no video that others can see";
                let help = "see whether it is your channel, unless you have published none yet";
                Finding::unsure(subject, found, help)
            }
            Ok(uploads) => {
                let newest = uploads.first().map_or("", |upload| upload.title.as_str());
                Finding::ok(
                    subject,
                    format!("the key works; the newest video is \"{newest}\""),
                )
            }
            Err(error) => {
                let found = format!("{} failed: {}", error.attempted, error.why);
                if error.can_heal {
                    let help =
                        "look again later; the quota of a key is new at midnight in California";
                    Finding::unsure(subject, found, help)
                } else {
                    let help = "see YOUTUBE_API_KEY and [songs] in hug.toml";
                    Finding::wrong(subject, found, help)
                }
            }
        });
    }
    findings
}
