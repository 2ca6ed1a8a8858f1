//! What shows when no window does: the tray icon and the number on the app's icon.

/// Whether this computer hears of new messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Yes, at once.
    Online,
    /// Of those of some desks only.
    Partly,
    /// Not until the connection is back.
    Offline,
    /// Not until the person signs in again.
    Expired,
}

impl Connection {
    /// The connection to all desks together.
    pub fn of_all(desks: impl IntoIterator<Item = Self>) -> Self {
        let together = |all: Self, desk: Self| match (all, desk) {
            (same, other) if same == other => same,
            (Self::Online | Self::Partly, _) | (_, Self::Online | Self::Partly) => Self::Partly,
            // Signing in again is up to the person, and a connection is not.
            _ => Self::Expired,
        };
        desks.into_iter().reduce(together).unwrap_or(Self::Offline)
    }
}

/// Which icon the tray shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrayState {
    /// Connected everywhere, and nobody waits.
    Online,
    /// Connected, and somebody waits or wrote something unread.
    Waiting,
    /// Chats would be missed: not connected, or signed out, at any desk.
    Offline,
}

/// Chooses the tray icon.
///
/// `waiting` counts conversations whose visitor waits for an answer, `unread` those with messages I have not
/// read. Without a connection both are old news, so the icon warns of that first; with one at some desks only,
/// somebody who waits there comes first.
pub fn tray(waiting: i64, unread: i64, connection: Connection) -> TrayState {
    match connection {
        Connection::Offline | Connection::Expired => TrayState::Offline,
        Connection::Online | Connection::Partly if waiting > 0 || unread > 0 => TrayState::Waiting,
        Connection::Online => TrayState::Online,
        Connection::Partly => TrayState::Offline,
    }
}

/// The number on the app's icon: conversations with messages I have not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Badge {
    unread: i64,
}

impl Badge {
    /// A badge for so many unread conversations.
    pub fn new(unread: i64) -> Self {
        Self { unread: unread.max(0) }
    }

    /// The number. `None`: show no badge.
    pub fn count(self) -> Option<i64> {
        (self.unread > 0).then_some(self.unread)
    }

    /// The number where there is room for two characters only: `1` to `9`, then `9+`. `None`: show no badge.
    pub fn label(self) -> Option<String> {
        self.count().map(|count| if count > 9 { "9+".to_owned() } else { count.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn od_42_the_badge_counts_unread_chats_and_goes_away_at_none() {
        let label = |unread| Badge::new(unread).label();
        assert_eq!(
            [label(0), label(1), label(9), label(10)],
            [None, Some("1".into()), Some("9".into()), Some("9+".into())]
        );
        assert_eq!(Badge::new(12).count(), Some(12));
        assert_eq!(Badge::new(-1).count(), None);
    }

    #[test]
    fn dc_03_the_tray_tells_waiting_from_idle_and_admits_being_offline() {
        assert_eq!(tray(0, 0, Connection::Online), TrayState::Online);
        assert_eq!(tray(2, 0, Connection::Online), TrayState::Waiting);
        assert_eq!(tray(0, 1, Connection::Online), TrayState::Waiting);
        assert_eq!(tray(2, 1, Connection::Offline), TrayState::Offline, "old news must not look like calm");
        assert_eq!(tray(0, 0, Connection::Expired), TrayState::Offline);
        assert_eq!(tray(0, 0, Connection::Partly), TrayState::Offline, "one desk of two could not ring");
        assert_eq!(tray(1, 0, Connection::Partly), TrayState::Waiting);
    }

    #[test]
    fn the_connection_of_several_desks_is_whole_partial_or_none() {
        use Connection::{Expired, Offline, Online, Partly};
        let of = |desks: &[Connection]| Connection::of_all(desks.iter().copied());
        assert_eq!(of(&[]), Offline, "nobody is signed in");
        assert_eq!((of(&[Online]), of(&[Online, Online])), (Online, Online));
        assert_eq!((of(&[Online, Offline]), of(&[Expired, Online])), (Partly, Partly));
        assert_eq!((of(&[Offline, Offline]), of(&[Offline, Expired])), (Offline, Expired), "what the person can mend");
    }
}
