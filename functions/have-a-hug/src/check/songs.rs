//! Songs that were posted: videos on the creator's channel with the mark of a hug that waits for its song.

use promise::{
    hug::{Hug, Status},
    milestone::Milestone,
    news,
    song::{Song, SongSource},
    unknown::Unknown,
    upload::{Found, find_song},
};

use super::{answers::Listening, stuck::Unsettled};
use crate::{ledger::LedgerError, settings::SongsSettings, youtube::YouTubeError};

/// What a check did about songs.
#[derive(Default)]
pub(super) struct Songs {
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
    pub(super) async fn find_songs(&self, unsettled: &mut Unsettled) -> Result<Songs, LedgerError> {
        let mut found = Songs::default();
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
                    let stays = (!error.can_heal).then(|| error.to_string());
                    found.error = stays.or_else(|| self.before.songs_error.clone());
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
        let upload = match find_song(&uploads, hug, waiting, shares) {
            Found::Nothing => return Ok(None),
            Found::Unclear(uploads) => {
                let videos = uploads.iter().map(|upload| upload.video.clone());
                let next = hug.song_to_choose(videos.collect(), self.now);
                return Ok(next.map(|hug| {
                    let told = news::song_to_choose(&hug);
                    hug.with_news(told)
                }));
            }
            Found::Song(upload) => upload,
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
