//! Where one client stands in the log, and what it is sent next.
//!
//! No socket, no clock and no task: a session asks what follows from what happened, and sends it. Whatever reads the
//! database takes the connection as a parameter, so that a session can do it on a reader's thread.

use std::collections::HashSet;
use std::sync::Arc;

use deskbell_protocol::planted::{Bug, is_planted};
use deskbell_protocol::{
    Ack, AgentId, Cursor, Delta, Reset, ResetReason, Seq, ServerFrame, SiteId, SnapshotAt, SnapshotEnd, SnapshotNext,
    SyncMode, Timestamp,
};

use crate::authorize::Principal;
use crate::hub::Audience;
use crate::snapshot::Snapshot;
use crate::store::log::{self, Committed, Logged};
use crate::store::{Connection, Outcome, rights};
use crate::sync;

/// Frames of one commit beyond which the log is read instead.
const LIVE_FRAMES: usize = 3;

/// See the module.
pub(crate) struct Feed {
    principal: Principal,
    /// Where the client stands: the end of the last delta sent.
    cursor: Seq,
    /// Everything up to here has been looked at; what was not for this client needs no delta of its own.
    covered: Seq,
    /// The log has to be read, because something was missed.
    behind: bool,
    snapshot: Option<Snapshot>,
    /// The sites whose customers the agent sees, as of the last look at the database.
    sites: HashSet<SiteId>,
    /// They are others than before.
    new_rights: bool,
    /// Whether the agent answers visitors, as of the same look.
    answers: bool,
}

impl Feed {
    /// For a client that has not said yet where it stands.
    pub(crate) fn new(principal: Principal) -> Self {
        Self {
            principal,
            cursor: Seq(0),
            covered: Seq(0),
            behind: false,
            snapshot: None,
            sites: HashSet::new(),
            new_rights: false,
            answers: false,
        }
    }

    /// Begins where the client stands, or with a snapshot. The second value says why its cursor is of no use.
    pub(crate) fn begin(
        &mut self,
        desk: &log::Desk,
        cursor: Option<Cursor>,
        now: Timestamp,
    ) -> (SyncMode, Option<ResetReason>) {
        let reset = cursor.as_ref().and_then(|cursor| log::judge(desk, cursor));
        match cursor.filter(|_| reset.is_none()) {
            Some(cursor) => {
                (self.cursor, self.covered) = (cursor.seq, cursor.seq);
                self.behind = cursor.seq < desk.head;
                (SyncMode::Delta, reset)
            }
            None => {
                (self.cursor, self.covered) = (desk.head, desk.head);
                self.snapshot = Some(Snapshot::new(self.principal, desk.head, now));
                (SyncMode::Snapshot, reset)
            }
        }
    }

    /// Whether the agent sees the customers of a site.
    pub(crate) fn sees(&self, site: SiteId) -> bool {
        self.sites.contains(&site)
    }

    /// Whether something that is not stored is for the client. A visitor's reaches them alone.
    pub(crate) fn is_among(&self, audience: &Audience) -> bool {
        let is_me = |agent: AgentId| self.principal == Principal::Agent(agent);
        match audience {
            Audience::All => true,
            Audience::Site(site) => self.sees(*site),
            Audience::Conversation { site, participants, except } => {
                !except.is_some_and(is_me) && (self.sees(*site) || participants.iter().copied().any(is_me))
            }
            Audience::Answering { holder, site } => self.answers && holder.map_or_else(|| self.sees(*site), is_me),
        }
    }

    /// Whether the sites are others than when this was last asked.
    pub(crate) fn has_new_rights(&mut self) -> bool {
        std::mem::take(&mut self.new_rights)
    }

    fn look_at_rights(&mut self, connection: &Connection) -> Outcome<()> {
        if let Principal::Agent(agent) = self.principal {
            let sites = rights::sites_of(connection, agent)?;
            self.new_rights |= sites != self.sites;
            self.sites = sites;
            self.answers = rights::answers(connection, agent)?;
        }
        Ok(())
    }

    /// What follows the welcome at once.
    pub(crate) fn open(&mut self, connection: &Connection, reset: Option<ResetReason>) -> Outcome<Vec<ServerFrame>> {
        self.look_at_rights(connection)?;
        let mut frames: Vec<ServerFrame> =
            reset.map(|reason| ServerFrame::Reset(Reset { reason })).into_iter().collect();
        frames.extend(self.snapshot_page(connection)?);
        Ok(frames)
    }

    /// The snapshot's next page, and its end with the last one. Nothing without a snapshot on its way.
    pub(crate) fn snapshot_page(&mut self, connection: &Connection) -> Outcome<Vec<ServerFrame>> {
        let Some(snapshot) = &mut self.snapshot else { return Ok(Vec::new()) };
        let page = snapshot.next_page(connection)?;
        if page.next.is_some() {
            return Ok(vec![ServerFrame::Snap(page)]);
        }
        let mut base = page.base;
        if is_planted(Bug::SnapshotFromItsEnd) {
            base = log::desk(connection)?.head;
            (self.cursor, self.covered) = (base, base);
        }
        let end = SnapshotEnd { generation: page.generation.clone(), base };
        self.snapshot = None;
        self.behind = true;
        Ok(vec![ServerFrame::Snap(page), ServerFrame::SnapEnd(end)])
    }

    /// Goes on where an earlier answer has ended: with a page of a snapshot, or after a cursor. False: that place is
    /// of no use, and the client has to greet anew.
    pub(crate) fn resume(
        &mut self,
        desk: &log::Desk,
        cursor: Option<&Cursor>,
        at: Option<&SnapshotAt>,
        now: Timestamp,
    ) -> bool {
        if let Some(SnapshotAt { epoch, generation, base, token }) = at {
            let before = Cursor { epoch: epoch.clone(), seq: *base };
            let resumed = Snapshot::resume(self.principal, generation.clone(), *base, token, now);
            let Some(snapshot) = resumed.filter(|_| log::judge(desk, &before).is_none()) else { return false };
            (self.cursor, self.covered) = (*base, *base);
            self.snapshot = Some(snapshot);
            return true;
        }
        let Some(cursor) = cursor.filter(|cursor| log::judge(desk, cursor).is_none()) else { return false };
        (self.cursor, self.covered) = (cursor.seq, cursor.seq);
        self.behind = cursor.seq < desk.head;
        true
    }

    /// Whether a snapshot is on its way, so that nothing is read of the log.
    pub(crate) fn is_in_a_snapshot(&self) -> bool {
        self.snapshot.is_some()
    }

    /// Whether the client asks for the page that is next.
    pub(crate) fn expects(&self, next: &SnapshotNext) -> bool {
        self.snapshot.as_ref().is_some_and(|snapshot| snapshot.expects(&next.generation, &next.token))
    }

    /// Whether the log has to be read now.
    pub(crate) fn is_behind(&self) -> bool {
        self.behind && self.snapshot.is_none()
    }

    /// Something was missed, or is known to have changed.
    pub(crate) fn fall_behind(&mut self) {
        self.behind = true;
    }

    /// Something changed up to this place, which the client may have been told of already.
    pub(crate) fn changed(&mut self, to: Seq) {
        self.behind |= to > self.covered;
    }

    /// What commits mean for an agent, in one delta if it can be. Without room for it the log is read later, instead
    /// of filling the queue.
    pub(crate) fn committed<'a>(
        &mut self,
        commits: impl ExactSizeIterator<Item = &'a Committed>,
        room: bool,
    ) -> Vec<ServerFrame> {
        let Principal::Agent(agent) = self.principal else { return Vec::new() };
        let mut to = self.covered;
        let several = commits.len() > 1;
        let mut changes: Vec<&Logged> = Vec::new();
        for committed in commits {
            if self.snapshot.is_some() || self.behind {
                return Vec::new();
            }
            if committed.to <= to {
                continue;
            }
            // What the agent may see is looked up before anything is sent that comes after.
            let rights = committed.changes.iter().any(|logged| logged.concerns_rights_of(agent));
            if committed.from != to || !room || rights {
                self.behind = true;
                return Vec::new();
            }
            changes.extend(committed.changes.iter().map(Arc::as_ref));
            to = committed.to;
        }
        if several {
            log::keep_newest(&mut changes);
        }
        let deltas = sync::live_deltas(&changes, agent, &self.sites, self.cursor, to);
        if deltas.len() > LIVE_FRAMES {
            (self.covered, self.behind) = (self.cursor, true);
            return Vec::new();
        }
        self.covered = to;
        deltas.into_iter().map(|delta| self.delta(delta)).collect()
    }

    /// What follows an ack: the client waits until its cursor has passed the place that the ack names. When nothing
    /// visible led there, as with a command that had nothing to do, an empty delta does.
    pub(crate) fn acknowledged(&mut self, ack: &Ack) -> Option<ServerFrame> {
        if ack.seq <= self.cursor {
            return None;
        }
        if ack.seq <= self.covered {
            return self.move_cursor();
        }
        // Agents hear of the commit; a visitor's session reads the log when something of theirs changed.
        self.behind |= matches!(self.principal, Principal::Visitor(_));
        None
    }

    /// Moves the client's cursor over what was not for it.
    pub(crate) fn move_cursor(&mut self) -> Option<ServerFrame> {
        let over = self.snapshot.is_none() && !self.behind && self.covered > self.cursor;
        over.then(|| self.delta(Delta { from: self.cursor, to: self.covered, changes: Vec::new(), more: false }))
    }

    /// Reads what comes next in the log. When the agent may see more than before, a snapshot begins.
    pub(crate) fn catch_up(&mut self, connection: &Connection, now: Timestamp) -> Outcome<Vec<ServerFrame>> {
        self.look_at_rights(connection)?;
        let Some(delta) = sync::delta(connection, &self.principal, self.cursor)? else {
            let head = log::desk(connection)?.head;
            (self.cursor, self.covered, self.behind) = (head, head, false);
            self.snapshot = Some(Snapshot::new(self.principal, head, now));
            return self.open(connection, Some(ResetReason::Rights));
        };
        self.behind = delta.more;
        Ok(if delta.to > delta.from { vec![self.delta(delta)] } else { Vec::new() })
    }

    /// The place that a heartbeat names. A client takes a cursor behind it for a fault.
    pub(crate) fn head(&self) -> Seq {
        if self.snapshot.is_some() { self.cursor } else { self.covered.max(self.cursor) }
    }

    fn delta(&mut self, delta: Delta) -> ServerFrame {
        self.cursor = delta.to;
        self.covered = self.covered.max(delta.to);
        ServerFrame::Delta(delta)
    }
}
