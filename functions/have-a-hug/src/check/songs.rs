//! Songs that were posted: videos on the creator's channel with the mark of a hug that waits for its song.

use promise::{
    hug::{Hug, Status},
    milestone::Milestone,
    news,
    song::{Song, SongSource},
    song_mark::{Mark, marks},
    unknown::Unknown,
};

use super::{answers::Listening, stuck::Unsettled};
use crate::{
    ledger::LedgerError,
    settings::SongsSettings,
    youtube::{Upload, YouTubeError},
};

/// What a check did about songs.
#[derive(Default)]
pub(super) struct Found {
    /// The hugs that have changed.
    pub hugs: Vec<Hug>,
    /// Why the channel cannot be read until a person acts; `None` where it can.
    pub error: Option<String>,
}

impl Listening<'_> {
    /// Finds the songs of the unsettled hugs that wait for one, where the settings name a channel, and records them.
    /// A channel that cannot be read now changes nothing.
    ///
    /// # Errors
    ///
    /// Where the ledger fails, or where someone writes one of the hugs at the same time.
    pub(super) async fn find_songs(&self, unsettled: &mut Unsettled) -> Result<Found, LedgerError> {
        let mut found = Found::default();
        let Some(songs) = &self.connected.account.songs else {
            return Ok(found);
        };
        let waiting = unsettled.hugs.iter();
        let waiting = waiting.filter(|hug| hug.status == Status::TopicChosen);
        let waiting: Vec<Milestone> = waiting.map(|hug| hug.milestone).collect();
        let waits = |hug: &&mut Hug| waiting.contains(&hug.milestone);
        for hug in unsettled.hugs.iter_mut().filter(waits) {
            let next = match self.song_of(hug, &waiting, songs).await {
                Ok(next) => next,
                Err(error) => {
                    tracing::warn!(account = %self.before.name, %error, "no song is looked for now");
                    found.error = (!error.can_heal).then(|| error.to_string());
                    break;
                }
            };
            let Some(next) = next else { continue };
            if !self.dry_run {
                self.deps.ledger.replace_hug(&next).await?;
            }
            found.hugs.push(next.clone());
            *hug = next;
        }
        Ok(found)
    }

    /// The hug with its song, or with the videos of which the creator has to choose. `None` where nothing has changed.
    async fn song_of(
        &self,
        hug: &Hug,
        waiting: &[Milestone],
        songs: &SongsSettings,
    ) -> Result<Option<Hug>, YouTubeError> {
        let youtube = &self.deps.youtube;
        let uploads = youtube.uploads(&songs.channel, self.now).await?;
        let shares = self.deps.settings.shares_channel(self.connected.account);
        let topic_at = hug.topic.as_ref().map(|topic| topic.at);
        let network = self.connected.account.name.network;
        let mut sure = Vec::new();
        let mut unsure = Vec::new();
        for upload in uploads.iter() {
            // A video from before the topic is not its song.
            if upload.published_at < topic_at {
                continue;
            }
            let mark = |milestone| marks(&upload.title, &upload.description, network, milestone);
            let is_of_another = |one: &&Milestone| **one != hug.milestone && mark(**one).is_some();
            match mark(hug.milestone) {
                Some(_) if waiting.iter().any(|one| is_of_another(&one)) => unsure.push(upload),
                Some(Mark::Number) if shares => unsure.push(upload),
                Some(_) => sure.push(upload),
                None => {}
            }
        }
        let chosen: Option<&Upload> = match (sure.as_slice(), unsure.as_slice()) {
            ([one], _) => Some(one),
            ([], []) => return Ok(None),
            _ => None,
        };
        let Some(upload) = chosen else {
            let both = sure.iter().chain(&unsure);
            let videos = both.map(|upload| upload.video.clone()).collect();
            let next = hug.song_to_choose(videos, self.now);
            return Ok(next.map(|hug| {
                let told = news::song_to_choose(&hug);
                hug.with_news(told)
            }));
        };
        if !youtube.can_be_watched(&upload.video).await? {
            return Ok(None);
        }
        let song = Song {
            video: upload.video.clone(),
            title: Some(upload.title.clone()),
            by: SongSource::Channel,
            at: self.now,
            unknown: Unknown::new(),
        };
        Ok(hug.song_posted(song, self.now).ok())
    }
}
