//! What shows when no window does: the tray icon and the number on the app's icon.

/// Whether this computer hears of new messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Yes, at once.
    Online,
    /// Not until the connection is back.
    Offline,
    /// Not until the person signs in again.
    Expired,
}

/// Which icon the tray shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrayState {
    /// Connected, and nobody waits.
    Online,
    /// Connected, and somebody waits or wrote something unread.
    Waiting,
    /// Chats would be missed: not connected, or signed out.
    Offline,
}

/// Chooses the tray icon.
///
/// `waiting` counts conversations whose visitor waits for an answer, `unread` those with messages I have not
/// read. Without a connection both are old news, so the icon warns of that first.
pub fn tray(waiting: i64, unread: i64, connection: Connection) -> TrayState {
    match connection {
        Connection::Offline | Connection::Expired => TrayState::Offline,
        Connection::Online if waiting > 0 || unread > 0 => TrayState::Waiting,
        Connection::Online => TrayState::Online,
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
    }
}
