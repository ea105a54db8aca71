//! What must hold of the song: it is sent once, with the link that the creator gave last, and only to its person, as a
//! reply to what they wrote or where nobody else reads it.

use promise::{
    account::NetworkName,
    channel::Channel,
    hug::{Hug, Status},
    letter::LetterKind,
    song::Song,
};

use super::{letters::AskedToSend, observer::Change, said::Commands, truth::Truth};

/// A video takes its place only by the creator's command, and only while no letter with another is out.
pub fn look_at(Change { before, after }: &Change, said: &Commands) -> Result<(), String> {
    let number = after.milestone.number();
    let was = before.as_ref().and_then(|before| before.posted.as_ref());
    if was == after.posted.as_ref() {
        return Ok(());
    }
    let given = after.posted.as_ref().map(Song::url);
    let is_given = given.is_some_and(|link| said.has_given(number, &link));
    let from = before.as_ref().map(|before| &before.status);
    let in_time = matches!(
        from,
        Some(Status::Invited | Status::TopicChosen | Status::SongPosted | Status::ToSend)
    );
    if !is_given || !in_time || after.status != Status::SongPosted {
        return Err(format!(
            "{number} has another song, and the creator did not say so"
        ));
    }
    Ok(())
}

/// Looks at a song that the network was asked to send for that hug.
pub fn look_at_letter(letter: &AskedToSend, hug: &Hug, truth: &Truth) -> Result<(), String> {
    let number = letter.milestone;
    let link = hug.posted.as_ref().map(Song::url);
    if !link.is_some_and(|link| letter.text.contains(&link)) {
        return Err(format!("the song for {number} does not have the last link"));
    }
    let is_theirs = letter.reply_to.as_ref().is_some_and(|id| {
        let mut posts = truth.posts.all.iter();
        posts.any(|post| {
            let has_id = post.texts.iter().any(|text| text.id == *id);
            has_id
                && Some(&post.author) == letter.to.as_ref()
                && hug.invitation.reference() == Some(post.to.as_str())
        })
    });
    let is_private = match letter.channel {
        Channel::Reply => is_theirs,
        Channel::Message => true,
        Channel::Mention => truth.network == NetworkName::Mastodon,
        Channel::Announce | Channel::Draft => false,
    };
    if !is_private {
        return Err(format!(
            "the song for {number} goes out as {} to {:?}",
            letter.channel, letter.reply_to
        ));
    }
    Ok(())
}

/// Whether no channel but the creator's own hand is left for the song of that hug.
pub fn is_by_hand(hug: &Hug, network: NetworkName) -> bool {
    let invited_by = hug.invitation.words.as_ref().map(|words| words.channel);
    let is_private = match invited_by {
        Some(Channel::Message) => true,
        Some(Channel::Mention) => network == NetworkName::Mastodon,
        _ => false,
    };
    !is_private && hug.answers.reply_to.is_none()
}

/// What a hug says that has its song.
pub fn look_when_quiet(hug: &Hug, truth: &Truth) -> Result<(), String> {
    let number = hug.milestone.number();
    let songs = truth.letters.kept.iter();
    let songs = songs
        .filter(|kept| kept.kind == LetterKind::Song && kept.milestone == number)
        .count();
    if songs > 1 {
        return Err(format!("the network has {songs} songs for {number}"));
    }
    let by_program = hug
        .song
        .words
        .as_ref()
        .is_some_and(|words| words.channel != Channel::Draft);
    let link = hug.posted.as_ref().map(Song::url);
    let there = truth.letters.song(number);
    let has_link = there.is_some_and(|kept| link.is_some_and(|link| kept.text.contains(&link)));
    if hug.status == Status::Hugged && by_program && !has_link {
        return Err(format!(
            "{number} is hugged, and the network does not have its song"
        ));
    }
    Ok(())
}
