//! Which of a channel's videos is the song of a hug.

use jiff::Timestamp;

use crate::{
    hug::Hug,
    milestone::Milestone,
    song_mark::{Mark, marks},
    video::VideoId,
};

/// A video that a channel has uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The video.
    pub video: VideoId,
    /// Its title, on one line.
    pub title: String,
    /// Its description.
    pub description: String,
    /// When it was published; `None` where YouTube does not say.
    pub published_at: Option<Timestamp>,
}

/// What a channel says about the song of one hug.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found<'a> {
    /// No video has its mark.
    Nothing,
    /// This video is the song.
    Song(&'a Upload),
    /// The creator has to say which of these videos is the song, or whether the only one is.
    Unclear(Vec<&'a Upload>),
}

/// Finds the song of `hug` among the uploads of its creator's channel.
///
/// Only a video that was published after the topic was named counts. It is clear for whom it is, unless its mark also
/// fits another hug: one of `waiting`, the milestones of this account that wait for a song; or, where other accounts
/// have their songs on the channel too (`shares_channel`), the same number of one of them.
pub fn find_song<'a>(
    uploads: &'a [Upload],
    hug: &Hug,
    waiting: &[Milestone],
    shares_channel: bool,
) -> Found<'a> {
    let topic_at = hug.topic.as_ref().map(|topic| topic.at);
    let (mut clear, mut unclear) = (Vec::new(), Vec::new());
    for upload in uploads {
        if upload.published_at < topic_at {
            continue;
        }
        let mark = |milestone| {
            let network = hug.account.network;
            marks(&upload.title, &upload.description, network, milestone)
        };
        let mut others = waiting.iter().filter(|one| **one != hug.milestone);
        let fits_another = others.any(|one| mark(*one).is_some());
        match mark(hug.milestone) {
            None => {}
            Some(Mark::Number) if shares_channel => unclear.push(upload),
            Some(_) if fits_another => unclear.push(upload),
            Some(_) => clear.push(upload),
        }
    }
    match clear.as_slice() {
        [one] => Found::Song(one),
        [] if unclear.is_empty() => Found::Nothing,
        _ => {
            clear.extend(unclear);
            Found::Unclear(clear)
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::hug::tests::invited;

    const T0: Timestamp = Timestamp::UNIX_EPOCH;

    fn upload(id: &str, title: &str) -> Upload {
        Upload {
            video: id.parse().unwrap(),
            title: title.to_owned(),
            description: String::new(),
            published_at: Some(T0 + SignedDuration::from_hours(1)),
        }
    }

    fn hug() -> Hug {
        invited().topic_by_hand("rain".to_owned(), T0).unwrap()
    }

    #[test]
    fn one_video_with_the_mark_is_the_song_and_two_are_the_creators_to_choose() {
        let other = upload("kXYiU_JCYtU", "600 followers!");
        let one = upload("dQw4w9WgXcQ", "Rain #hug600");
        let two = upload("9bZkp7q19f0", "for my 600th follower");
        let find = |uploads: &[Upload]| match find_song(uploads, &hug(), &[], false) {
            Found::Nothing => "nothing".to_owned(),
            Found::Song(upload) => upload.video.to_string(),
            Found::Unclear(uploads) => uploads.len().to_string(),
        };
        assert_eq!(find(std::slice::from_ref(&other)), "nothing");
        assert_eq!(find(&[other, one.clone()]), "dQw4w9WgXcQ");
        assert_eq!(find(&[one.clone(), two]), "2");
        let before = Upload {
            published_at: Some(T0 - SignedDuration::from_hours(1)),
            ..one.clone()
        };
        assert_eq!(find(&[before]), "nothing", "from before the topic");
        let unknown = Upload {
            published_at: None,
            ..one
        };
        assert_eq!(find(&[unknown]), "nothing");
    }

    #[test]
    fn a_number_alone_is_not_clear_where_accounts_share_a_channel_or_two_hugs_fit() {
        let number = [upload("dQw4w9WgXcQ", "Rain #hug600")];
        let exact = [upload("kXYiU_JCYtU", "Rain #hug600x")];
        let both = [upload("9bZkp7q19f0", "for #hug600 and #hug700")];
        let is_clear = |uploads: &[Upload], waiting: &[Milestone], shares| {
            matches!(find_song(uploads, &hug(), waiting, shares), Found::Song(_))
        };
        assert!(!is_clear(&number, &[], true) && is_clear(&exact, &[], true));
        let seven_hundred = Milestone::from_number(700).unwrap();
        assert!(is_clear(&both, &[], false));
        assert!(!is_clear(&both, &[hug().milestone, seven_hundred], false));
    }
}
