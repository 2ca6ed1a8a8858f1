//! What one message deserves. `C` is how the app names a conversation: two desks may give the same number.

use deskbell_protocol::{AgentId, Number};

use crate::text::{clean_body, clean_title};

/// Which kinds of alert the person wants on this computer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// Native notifications.
    pub toasts: bool,
    /// Sounds.
    pub sounds: bool,
    /// A flashing window.
    pub flash: bool,
    /// Toasts do not show what visitors wrote.
    pub hide_text: bool,
}

/// What the person is doing when a message arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation<C> {
    /// The conversation on screen in the active window. `None`: none, or the window is in the background.
    pub focused: Option<C>,
    /// What they chose.
    pub preferences: Preferences,
    /// Who they are.
    pub me: AgentId,
}

/// A message of a visitor, of a colleague among the team, or a note that mentions the person, that this computer has not
/// seen before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival<C> {
    /// Where it was written.
    pub conversation: C,
    /// Its number there.
    pub message_number: Number,
    /// The visitor began the conversation with it.
    pub first_of_conversation: bool,
    /// It reopened a closed conversation.
    pub reopened: bool,
    /// Who answers. `None`: nobody yet.
    pub assignee: Option<AgentId>,
    /// The visitor waits for a person. `false`: the desk talks to them by itself, or somebody has answered.
    pub waits: bool,
    /// The desk has given the conversation to the person at this computer and rings for it.
    pub given: bool,
    /// The person takes part in the conversation, or follows it, whoever answers.
    pub takes_part: bool,
    /// A colleague mentions the person in it.
    pub mentions_me: bool,
    /// A colleague wrote it, among the team.
    pub internal: bool,
    /// What the group is called in which a colleague wrote it, or whose chat it is where a note mentions the person. `None`:
    /// to the person alone, or a visitor did.
    pub group: Option<String>,
    /// The desk's name, when the person answers at more than one.
    pub desk: Option<String>,
    /// The colleague's name, the name as the visitor gave it, or the name the app uses for an unnamed one.
    pub name: String,
    /// The text; empty when only files were sent.
    pub text: String,
    /// The first file's name.
    pub file: Option<String>,
}

/// What a toast is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ToastKind {
    /// Somebody new waits and nobody has taken them.
    NewChat,
    /// More in a conversation that is known already.
    Message,
    /// A colleague mentions the person.
    Mention,
}

/// A button of a toast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Shows the conversation.
    Open,
    /// Assigns it to the person at this computer and shows it.
    AssignToMe,
}

impl Action {
    /// The name that goes to the notification service and comes back when the button is pressed.
    pub fn id(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::AssignToMe => "assign-to-me",
        }
    }

    /// Reads a name that came back. `None`: not one of ours.
    pub fn from_id(id: &str) -> Option<Self> {
        [Self::Open, Self::AssignToMe].into_iter().find(|action| action.id() == id)
    }
}

/// A native notification. Its texts are clean of control and direction characters and are capped, but are
/// not escaped: see [`crate::escape_markup`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toast<C> {
    /// The conversation that a click opens.
    pub conversation: C,
    /// Words the title.
    pub kind: ToastKind,
    /// Who wrote, one line of at most [`crate::TITLE_MAX`] characters. Empty when nothing readable is left of it.
    pub title_name: String,
    /// The group's title, or whose chat it is of a mention, cleaned like a title. `None`: it was in neither.
    pub group: Option<String>,
    /// The desk's name, cleaned like a title. `None`: there is only one desk.
    pub desk: Option<String>,
    /// What was written, one line of at most [`crate::BODY_MAX`] characters. `None`: the person wants it
    /// hidden, or only a file came.
    pub body: Option<String>,
    /// The file's name, cleaned like a title. `None`: no file, or the person wants it hidden.
    pub file: Option<String>,
    /// Buttons, the harmless one first, because some systems press the first by themselves.
    pub actions: Vec<Action>,
    /// It takes the place of an earlier toast of the same conversation instead of stacking up.
    pub replaces: bool,
}

/// A sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sound {
    /// A new chat: long, and repeated until somebody takes it.
    Ring,
    /// A message: short, once.
    Message,
}

/// How the window asks for attention.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flash {
    /// Not at all.
    #[default]
    None,
    /// Once.
    Informational,
    /// Until the window is looked at.
    Critical,
}

/// Why a message raises nothing but the badge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is read as it arrives.
    OnScreen,
    /// A colleague answers this visitor.
    AssignedToColleague,
    /// The visitor waits for nobody, and nobody has taken them.
    NobodyWaits,
    /// The person switched every kind of alert off.
    SwitchedOff,
}

/// What to do about one message. The badge follows the unread count and needs no alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert<C> {
    /// Where the message was written.
    pub conversation: C,
    /// Its number there.
    pub message_number: Number,
    /// It rings until read, taken, closed or abandoned, whatever the preferences say about sounds now.
    pub rings: bool,
    /// A notification.
    pub toast: Option<Toast<C>>,
    /// A sound.
    pub sound: Option<Sound>,
    /// The window.
    pub flash: Flash,
    /// Set exactly when there is neither toast nor sound nor flash.
    pub why_quiet: Option<Reason>,
}

impl<C: Copy> Alert<C> {
    fn quiet(arrival: &Arrival<C>, reason: Reason) -> Self {
        Self {
            conversation: arrival.conversation,
            message_number: arrival.message_number,
            rings: false,
            toast: None,
            sound: None,
            flash: Flash::None,
            why_quiet: Some(reason),
        }
    }
}

/// Says what a message deserves.
///
/// A visitor whom nobody answers yet and who has just come, or come back, rings, and so does one whom the desk has given
/// to me. A message in my own
/// conversation sounds and flashes. More from a visitor who waits in the queue sounds, and flashes once.
/// What I am looking at, what a colleague answers, and what the desk answers by itself in the queue, stays quiet, unless I
/// take part in it. What a colleague writes to me
/// sounds and flashes; in a group, once, unless it mentions me. Nothing among the team rings, nor does a mention.
pub fn decide<C: Copy + Eq>(situation: &Situation<C>, arrival: &Arrival<C>) -> Alert<C> {
    if arrival.assignee.is_some_and(|assignee| assignee != situation.me) && !arrival.takes_part && !arrival.mentions_me
    {
        return Alert::quiet(arrival, Reason::AssignedToColleague);
    }
    if situation.focused == Some(arrival.conversation) {
        return Alert::quiet(arrival, Reason::OnScreen);
    }
    let concerns_me = arrival.internal || arrival.takes_part || arrival.mentions_me;
    if !arrival.waits && arrival.assignee.is_none() && !concerns_me {
        return Alert::quiet(arrival, Reason::NobodyWaits);
    }

    let preferences = situation.preferences;
    let unassigned = arrival.assignee.is_none();
    let mine = arrival.assignee == Some(situation.me);
    let to_me = arrival.mentions_me || if arrival.internal { arrival.group.is_none() } else { mine };
    let rings = !arrival.internal
        && !arrival.mentions_me
        && (unassigned || arrival.given)
        && (arrival.first_of_conversation || arrival.reopened);
    let (kind, sound, flash) = match (rings, to_me) {
        (true, _) => (ToastKind::NewChat, Sound::Ring, Flash::Critical),
        (false, true) if arrival.mentions_me => (ToastKind::Mention, Sound::Message, Flash::Critical),
        (false, true) => (ToastKind::Message, Sound::Message, Flash::Critical),
        (false, false) => (ToastKind::Message, Sound::Message, Flash::Informational),
    };
    let toast = preferences.toasts.then(|| toast(arrival, kind, preferences.hide_text));
    let sound = preferences.sounds.then_some(sound);
    let flash = if preferences.flash { flash } else { Flash::None };
    let nothing = toast.is_none() && sound.is_none() && flash == Flash::None;
    Alert {
        conversation: arrival.conversation,
        message_number: arrival.message_number,
        rings,
        toast,
        sound,
        flash,
        why_quiet: nothing.then_some(Reason::SwitchedOff),
    }
}

fn toast<C: Copy>(arrival: &Arrival<C>, kind: ToastKind, hide_text: bool) -> Toast<C> {
    let shown = |text: String| (!hide_text && !text.is_empty()).then_some(text);
    Toast {
        conversation: arrival.conversation,
        kind,
        title_name: clean_title(&arrival.name),
        group: arrival.group.as_deref().map(clean_title).filter(|group| !group.is_empty()),
        desk: arrival.desk.as_deref().map(clean_title).filter(|desk| !desk.is_empty()),
        body: shown(clean_body(&arrival.text)),
        file: arrival.file.as_deref().map(clean_title).and_then(shown),
        actions: match arrival.assignee {
            None if !arrival.internal && !arrival.mentions_me => vec![Action::Open, Action::AssignToMe],
            _ => vec![Action::Open],
        },
        replaces: true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use deskbell_protocol::ConversationId;

    use super::*;

    const ANN: AgentId = AgentId(1);
    const BEN: AgentId = AgentId(2);
    const VICS: ConversationId = ConversationId(10);
    const WENS: ConversationId = ConversationId(20);
    const ALL: Preferences = Preferences { toasts: true, sounds: true, flash: true, hide_text: false };

    /// Ann works in another program.
    fn ann() -> Situation<ConversationId> {
        Situation { focused: None, preferences: ALL, me: ANN }
    }

    fn vic_begins() -> Arrival<ConversationId> {
        Arrival {
            conversation: VICS,
            message_number: 1,
            first_of_conversation: true,
            reopened: false,
            assignee: None,
            waits: true,
            given: false,
            takes_part: false,
            mentions_me: false,
            internal: false,
            group: None,
            desk: None,
            name: "Vic".into(),
            text: "Where is my order?".into(),
            file: None,
        }
    }

    fn vic_goes_on(assignee: Option<AgentId>) -> Arrival<ConversationId> {
        Arrival { message_number: 2, first_of_conversation: false, assignee, ..vic_begins() }
    }

    #[test]
    fn tv_01_dc_03_a_new_chat_that_nobody_took_rings_and_flashes_and_offers_itself() {
        let alert = decide(&ann(), &vic_begins());
        let toast = alert.toast.unwrap();
        assert_eq!(toast.kind, ToastKind::NewChat);
        assert_eq!((toast.title_name.as_str(), toast.body.as_deref()), ("Vic", Some("Where is my order?")));
        assert_eq!(toast.actions, [Action::Open, Action::AssignToMe], "the harmless button comes first");
        assert_eq!(toast.conversation, VICS, "a click leads there");
        assert_eq!((alert.sound, alert.flash, alert.rings), (Some(Sound::Ring), Flash::Critical, true));
        assert_eq!(alert.why_quiet, None);
    }

    #[test]
    fn tv_01_a_new_chat_rings_while_ann_reads_another_one() {
        let situation = Situation { focused: Some(WENS), ..ann() };
        assert_eq!(decide(&situation, &vic_begins()).sound, Some(Sound::Ring));
    }

    #[test]
    fn od_42_dc_03_a_message_in_my_own_chat_sounds_and_flashes_but_does_not_ring() {
        let alert = decide(&ann(), &vic_goes_on(Some(ANN)));
        let toast = alert.toast.unwrap();
        assert_eq!((toast.kind, toast.actions), (ToastKind::Message, vec![Action::Open]), "it is hers already");
        assert_eq!((alert.sound, alert.flash, alert.rings), (Some(Sound::Message), Flash::Critical, false));
    }

    #[test]
    fn od_42_more_from_a_visitor_in_the_queue_sounds_and_flashes_once() {
        let alert = decide(&ann(), &vic_goes_on(None));
        assert_eq!((alert.sound, alert.flash, alert.rings), (Some(Sound::Message), Flash::Informational, false));
        assert!(alert.toast.unwrap().actions.contains(&Action::AssignToMe));
    }

    #[test]
    fn tv_06_what_the_desk_answers_by_itself_is_quiet_unless_it_is_mine() {
        let to_the_desk = |arrival| decide(&ann(), &Arrival { waits: false, ..arrival });
        for arrival in [vic_begins(), vic_goes_on(None), Arrival { reopened: true, ..vic_goes_on(None) }] {
            let alert = to_the_desk(arrival);
            assert_eq!((alert.rings, alert.why_quiet), (false, Some(Reason::NobodyWaits)));
        }
        for arrival in [
            vic_goes_on(Some(ANN)),
            Arrival { takes_part: true, ..vic_goes_on(None) },
            Arrival { mentions_me: true, ..vic_goes_on(None) },
            Arrival { internal: true, ..vic_begins() },
        ] {
            assert_eq!(to_the_desk(arrival).sound, Some(Sound::Message));
        }
    }

    #[test]
    fn tv_03_a_chat_that_the_desk_gives_to_me_rings_like_a_new_one_and_is_mine_already() {
        let alert = decide(&ann(), &Arrival { assignee: Some(ANN), given: true, ..vic_begins() });
        assert_eq!((alert.sound, alert.flash, alert.rings), (Some(Sound::Ring), Flash::Critical, true));
        let toast = alert.toast.unwrap();
        assert_eq!((toast.kind, toast.actions), (ToastKind::NewChat, vec![Action::Open]));
        let bens = decide(&ann(), &Arrival { assignee: Some(BEN), given: true, ..vic_begins() });
        assert_eq!(bens.why_quiet, Some(Reason::AssignedToColleague));
    }

    #[test]
    fn od_14_a_visitor_who_comes_back_to_a_closed_chat_rings_like_a_new_one() {
        let back = Arrival { reopened: true, ..vic_goes_on(None) };
        assert!(decide(&ann(), &back).rings, "nobody answers them");
        let back_to_ann = Arrival { reopened: true, ..vic_goes_on(Some(ANN)) };
        let alert = decide(&ann(), &back_to_ann);
        assert_eq!((alert.rings, alert.sound), (false, Some(Sound::Message)), "Ann answers them");
    }

    #[test]
    fn od_51_what_ann_reads_and_what_ben_answers_raises_nothing() {
        let reading = Situation { focused: Some(VICS), ..ann() };
        for (situation, arrival, reason) in [
            (reading, vic_goes_on(Some(ANN)), Reason::OnScreen),
            (reading, vic_begins(), Reason::OnScreen),
            (ann(), vic_goes_on(Some(BEN)), Reason::AssignedToColleague),
            (reading, vic_goes_on(Some(BEN)), Reason::AssignedToColleague),
        ] {
            let alert = decide(&situation, &arrival);
            assert_eq!((alert.toast, alert.sound, alert.flash), (None, None, Flash::None));
            assert_eq!((alert.why_quiet, alert.rings), (Some(reason), false));
        }
    }

    #[test]
    fn od_42_what_ben_writes_to_ann_sounds_and_flashes_and_never_rings_and_in_a_group_flashes_once() {
        let to_ann = Arrival { internal: true, takes_part: true, name: "Ben".into(), ..vic_begins() };
        let alert = decide(&ann(), &to_ann);
        assert_eq!((alert.sound, alert.flash, alert.rings), (Some(Sound::Message), Flash::Critical, false));
        let toast = alert.toast.unwrap();
        assert_eq!((toast.kind, toast.title_name.as_str(), toast.group), (ToastKind::Message, "Ben", None));
        assert_eq!(toast.actions, [Action::Open], "nobody takes a colleague");
        let in_group = Arrival { group: Some("Returns\n".into()), ..to_ann.clone() };
        let alert = decide(&ann(), &in_group);
        assert_eq!((alert.sound, alert.flash, alert.rings), (Some(Sound::Message), Flash::Informational, false));
        assert_eq!(alert.toast.unwrap().group.as_deref(), Some("Returns"));
        let reading = Situation { focused: Some(VICS), ..ann() };
        assert_eq!(decide(&reading, &to_ann).why_quiet, Some(Reason::OnScreen));
    }

    #[test]
    fn od_17_a_chat_of_ben_in_which_ann_takes_part_is_not_quiet() {
        let alert = decide(&ann(), &Arrival { takes_part: true, ..vic_goes_on(Some(BEN)) });
        assert_eq!((alert.sound, alert.flash, alert.rings), (Some(Sound::Message), Flash::Informational, false));
    }

    #[test]
    fn od_27_a_mention_is_told_with_who_and_where_whoever_answers_and_never_rings() {
        let note = Arrival {
            mentions_me: true,
            first_of_conversation: true,
            group: Some("Vic".into()),
            name: "Ben".into(),
            text: "@Ann, look".into(),
            ..vic_goes_on(Some(BEN))
        };
        let unassigned = Arrival { assignee: None, ..note.clone() };
        let in_group =
            Arrival { internal: true, takes_part: true, group: Some("Returns".into()), ..unassigned.clone() };
        for (arrival, place) in [(&note, "Vic"), (&unassigned, "Vic"), (&in_group, "Returns")] {
            let alert = decide(&ann(), arrival);
            assert_eq!((alert.sound, alert.flash, alert.rings), (Some(Sound::Message), Flash::Critical, false));
            let toast = alert.toast.unwrap();
            assert_eq!((toast.kind, toast.title_name.as_str()), (ToastKind::Mention, "Ben"));
            assert_eq!((toast.group.as_deref(), toast.actions), (Some(place), vec![Action::Open]));
        }
        let reading = Situation { focused: Some(VICS), ..ann() };
        assert_eq!(decide(&reading, &note).why_quiet, Some(Reason::OnScreen));
        let off = Preferences { toasts: false, sounds: false, flash: false, hide_text: false };
        let alert = decide(&Situation { preferences: off, ..ann() }, &note);
        assert_eq!(alert.why_quiet, Some(Reason::SwitchedOff), "her settings hold for mentions as well");
        let hidden = Preferences { hide_text: true, ..ALL };
        assert_eq!(decide(&Situation { preferences: hidden, ..ann() }, &note).toast.unwrap().body, None);
    }

    #[test]
    fn od_42_each_kind_of_alert_can_be_switched_off_by_itself() {
        for bits in 0..8 {
            let preferences =
                Preferences { toasts: bits & 1 > 0, sounds: bits & 2 > 0, flash: bits & 4 > 0, hide_text: false };
            let alert = decide(&Situation { preferences, ..ann() }, &vic_begins());
            assert_eq!(alert.toast.is_some(), preferences.toasts);
            assert_eq!(alert.sound.is_some(), preferences.sounds);
            assert_eq!(alert.flash == Flash::Critical, preferences.flash);
            assert_eq!(alert.why_quiet, (bits == 0).then_some(Reason::SwitchedOff));
        }
    }

    #[test]
    fn dc_03_hidden_text_hides_the_words_and_the_file_but_not_the_name() {
        let preferences = Preferences { hide_text: true, ..ALL };
        let arrival = Arrival { file: Some("passport.png".into()), ..vic_begins() };
        let toast = decide(&Situation { preferences, ..ann() }, &arrival).toast.unwrap();
        assert_eq!((toast.title_name.as_str(), toast.body, toast.file), ("Vic", None, None));
    }

    #[test]
    fn dc_03_a_file_without_words_is_told_by_its_name() {
        let arrival = Arrival { text: " \n".into(), file: Some("invoice\u{202e}fdp.exe".into()), ..vic_begins() };
        let toast = decide(&ann(), &arrival).toast.unwrap();
        assert_eq!((toast.body, toast.file.as_deref()), (None, Some("invoicefdp.exe")), "the true ending shows");
    }

    #[test]
    fn a_button_comes_back_by_its_name() {
        for action in [Action::Open, Action::AssignToMe] {
            assert_eq!(Action::from_id(action.id()), Some(action));
        }
        assert_eq!(Action::from_id("format-disk"), None);
    }

    #[test]
    fn a_toast_names_the_desk_where_there_is_more_than_one() {
        let named = |desk: Option<&str>| {
            let arrival = Arrival { desk: desk.map(str::to_owned), ..vic_begins() };
            decide(&ann(), &arrival).toast.unwrap().desk
        };
        assert_eq!(named(None), None);
        assert_eq!(named(Some("Tea\u{202e} Shop\n")), Some("Tea Shop".to_owned()));
        assert_eq!(named(Some(" ")), None, "an empty name says nothing");
    }
}
