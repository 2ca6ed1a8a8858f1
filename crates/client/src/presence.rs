//! Who is on the sites, as a connection tells it: a list, in parts where it is long, and then what has changed.

use std::collections::HashMap;

use deskbell_protocol::{VisitorId, VisitorPresence};

type Visitors = HashMap<VisitorId, VisitorPresence>;

/// What is known.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    /// `None`: nobody knows.
    online: Option<Visitors>,
    /// A list that is on its way. Whoever stands in a part that is not here yet has not left.
    coming: Option<Visitors>,
}

impl Presence {
    /// Takes the first part of a list, another part of it, or what has changed. Whether that is to be told.
    pub(crate) fn take(&mut self, full: bool, online: Vec<VisitorPresence>, gone: Vec<VisitorId>) -> bool {
        if full {
            self.coming = Some(Visitors::new());
        }
        let is_part = self.coming.is_some();
        // What changed says nothing about all others.
        if let Some(known) = self.coming.as_mut().or(self.online.as_mut()) {
            for visitor in gone {
                known.remove(&visitor);
            }
            known.extend(online.into_iter().map(|presence| (presence.visitor, presence)));
        }
        !is_part
    }

    /// The list that was on its way is whole. Whether there was one.
    pub(crate) fn end_list(&mut self) -> bool {
        let Some(list) = self.coming.take() else { return false };
        self.online = Some(list);
        true
    }

    /// Everybody who is known to be there.
    pub(crate) fn online(&self) -> impl Iterator<Item = VisitorPresence> {
        self.online.iter().flat_map(HashMap::values).copied()
    }

    /// Whether a visitor is known to be on no site.
    pub(crate) fn has_left(&self, visitor: VisitorId) -> bool {
        self.online.as_ref().is_some_and(|online| !online.contains_key(&visitor))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VIC: VisitorId = VisitorId(1);
    const WEN: VisitorId = VisitorId(2);

    fn here(visitor: VisitorId) -> Vec<VisitorPresence> {
        vec![VisitorPresence { visitor, visible: true }]
    }

    #[test]
    fn tv_01_nobody_has_left_because_a_long_list_comes_in_parts() {
        let mut presence = Presence::default();
        for again in [false, true] {
            assert!(!presence.take(true, here(VIC), vec![]));
            assert!(!presence.has_left(WEN), "she stands in the next part; again: {again}");
            assert!(!presence.take(false, here(WEN), vec![]));
            assert!(presence.end_list(), "now it is known");
            assert_eq!(presence.online().count(), 2);
        }
        assert!(!presence.end_list(), "a colleague who comes ends no list");
        assert!(presence.take(false, vec![], vec![WEN]));
        assert!(presence.has_left(WEN) && !presence.has_left(VIC));
    }

    #[test]
    fn what_changes_before_there_is_a_list_says_nothing_about_others() {
        let mut presence = Presence::default();
        assert!(presence.take(false, here(VIC), vec![]));
        assert!(presence.online().next().is_none() && !presence.has_left(WEN));
    }
}
