//! What several accounts say together: one list, one number, one state.

use std::cmp::Ordering;
use std::collections::VecDeque;

use crate::types::{
    AccountCounts, AccountSync, ConversationRow, Counts, Folder, HitKind, SearchHit, SyncState, SyncView,
};

/// The first so many of all lists, each of which stands in this order already. What an account's own list leaves
/// undecided stays as it was there.
pub(crate) fn merge<T>(lists: Vec<Vec<T>>, order: impl Fn(&T, &T) -> Ordering, limit: usize) -> Vec<T> {
    let mut lists: Vec<VecDeque<T>> = lists.into_iter().map(VecDeque::from).collect();
    let mut merged = Vec::new();
    while merged.len() < limit {
        let heads = lists.iter().enumerate().filter_map(|(at, list)| list.front().map(|head| (at, head)));
        // The first of equals, so that accounts take their turns in one order.
        let Some((at, _)) = heads.min_by(|(_, one), (_, other)| order(one, other)) else { break };
        merged.extend(lists.get_mut(at).and_then(VecDeque::pop_front));
    }
    merged
}

/// The order of a folder.
pub(crate) fn by_folder(folder: Folder) -> impl Fn(&ConversationRow, &ConversationRow) -> Ordering {
    move |one, other| match folder {
        Folder::Waiting => one.waiting_since.cmp(&other.waiting_since),
        Folder::Open | Folder::Mine | Folder::Snoozed | Folder::Closed | Folder::Team => {
            other.active_at.cmp(&one.active_at)
        }
    }
}

/// The order of the search: people, then what was written, then pages; the newest first.
pub(crate) fn by_hit(one: &SearchHit, other: &SearchHit) -> Ordering {
    let group = |hit: &SearchHit| match hit.kind {
        HitKind::Person => 0,
        HitKind::Message | HitKind::Note | HitKind::File => 1,
        HitKind::Page => 2,
    };
    group(one).cmp(&group(other)).then(other.at.cmp(&one.at))
}

/// The numbers of all accounts together.
pub(crate) fn total(accounts: &[AccountCounts]) -> Counts {
    accounts.iter().fold(Counts::default(), |sum, AccountCounts { counts, .. }| Counts {
        open: sum.open + counts.open,
        waiting: sum.waiting + counts.waiting,
        mine: sum.mine + counts.mine,
        snoozed: sum.snoozed + counts.snoozed,
        closed: sum.closed + counts.closed,
        unread: sum.unread + counts.unread,
        team_unread: sum.team_unread + counts.team_unread,
        waiting_since: earlier(sum.waiting_since, counts.waiting_since),
    })
}

/// The state of a connection that is not there.
pub(crate) fn nobody() -> SyncView {
    SyncView {
        state: SyncState::SignedOut,
        synced_at: None,
        over_http: false,
        offline_since: None,
        unsent: 0,
        refused: 0,
        held: 0,
        last_event_at: None,
        lag: 0,
    }
}

/// The worst of all connections, and everything that is on its way or waits for the person.
pub(crate) fn worst(accounts: &[AccountSync]) -> SyncView {
    let open = accounts.iter().map(|account| &account.sync).filter(|sync| sync.state != SyncState::SignedOut);
    let together = |sum: SyncView, sync: &SyncView| SyncView {
        state: if badness(sync.state) > badness(sum.state) { sync.state } else { sum.state },
        // Whole up to here, all of them; one that never was leaves nothing to say.
        synced_at: sum.synced_at.zip(sync.synced_at).map(|(one, other)| one.min(other)),
        over_http: sum.over_http || sync.over_http,
        offline_since: earlier(sum.offline_since, sync.offline_since),
        unsent: sum.unsent + sync.unsent,
        refused: sum.refused + sync.refused,
        held: sum.held + sync.held,
        last_event_at: sum.last_event_at.zip(sync.last_event_at).map(|(one, other)| one.min(other)),
        lag: sum.lag + sync.lag,
    };
    let mut open = open.cloned();
    let Some(first) = open.next() else { return nobody() };
    open.fold(first, |sum, sync| together(sum, &sync))
}

fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    [one, other].into_iter().flatten().min()
}

fn badness(state: SyncState) -> u8 {
    match state {
        SyncState::Live => 0,
        SyncState::Syncing => 1,
        SyncState::Connecting => 2,
        SyncState::SignedOut => 3,
        SyncState::Offline => 4,
        SyncState::Version => 5,
        SyncState::Expired => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::AccountId;

    #[test]
    fn several_lists_are_one_and_no_longer_than_asked_for() {
        let lists = || vec![vec![9, 5, 1], vec![8, 7, 2], vec![], vec![6]];
        let newest_first = |one: &i32, other: &i32| other.cmp(one);
        assert_eq!(merge(lists(), newest_first, 10), [9, 8, 7, 6, 5, 2, 1]);
        assert_eq!(merge(lists(), newest_first, 3), [9, 8, 7]);
        assert_eq!(merge(Vec::<Vec<i32>>::new(), newest_first, 3), Vec::<i32>::new());
        let same = merge(vec![vec![(1, 'a'), (1, 'b')], vec![(1, 'c')]], |one, other| one.0.cmp(&other.0), 9);
        assert_eq!(same, [(1, 'a'), (1, 'b'), (1, 'c')], "equals stay in the order of their accounts");
    }

    fn sync(state: SyncState, since: Option<i64>, unsent: i64) -> AccountSync {
        let sync = SyncView { state, synced_at: Some(since.unwrap_or(90)), offline_since: since, unsent, ..nobody() };
        AccountSync { account: AccountId(1), sync }
    }

    #[test]
    fn the_worst_connection_speaks_for_all_and_what_is_unsent_adds_up() {
        use SyncState::{Connecting, Expired, Live, Offline, SignedOut};
        let of = |accounts: &[AccountSync]| worst(accounts);
        assert_eq!(of(&[]).state, SignedOut);
        assert_eq!(of(&[sync(Live, None, 1)]), sync(Live, None, 1).sync, "one account speaks for itself");
        let two = of(&[sync(Live, None, 1), sync(Offline, Some(50), 2)]);
        assert_eq!((two.state, two.offline_since, two.synced_at, two.unsent), (Offline, Some(50), Some(50), 3));
        assert_eq!(of(&[sync(Offline, Some(50), 0), sync(Expired, Some(70), 0)]).state, Expired);
        assert_eq!(of(&[sync(Connecting, None, 0), sync(Live, None, 0)]).state, Connecting);
        assert_eq!(
            of(&[sync(SignedOut, None, 0), sync(Live, None, 0)]).state,
            Live,
            "one that is not open says itself"
        );
    }
}
