//! Whether the desk is online for the visitors of a site, and what it says of that: by the switch, the hours and whether
//! an agent is there. The hours stand in the database and are asked with the clock; nothing else remembers them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use deskbell_protocol::http::{DeskSettings, DeskTexts, HoursSetting};
use deskbell_protocol::{AskedForms, Ephemeral, FIELD_MAX, Refusal, SiteForms, SiteId, Timestamp};
use tokio::sync::{Mutex, Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::administration::{Administration, refuse};
use crate::authorize::Action;
use crate::desk::Core;
use crate::forms::asked;
use crate::hours::Schedule;
use crate::hub::Hub;
use crate::store::batch::Write;
use crate::store::{Connection, Failure, Outcome, forms, hours, sites};
use crate::visits::LANGUAGE_MAX;
use crate::{deadlines, live, text};

/// Whether hours have a desk open now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Doors {
    open: bool,
    /// When they open it, while they have it closed.
    back_at: Option<Timestamp>,
}

/// What is so now.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Known {
    settings: Arc<DeskSettings>,
    desk: Doors,
    /// Of the sites that have hours of their own.
    sites: HashMap<SiteId, Doors>,
    /// What the sites ask that ask something.
    forms: HashMap<SiteId, SiteForms>,
    /// The sites whose visitors are seen writing.
    peeked: HashSet<SiteId>,
}

impl Known {
    /// What is so at a time, and when that changes.
    fn at(connection: &Connection, settings: Arc<DeskSettings>, now: Timestamp) -> Outcome<(Self, Option<Timestamp>)> {
        let mut next: Option<Timestamp> = None;
        let mut doors = |given| -> Outcome<Doors> {
            let Some(given) = given else { return Ok(Doors { open: true, back_at: None }) };
            let schedule = match Schedule::read(&given) {
                Ok(schedule) => schedule,
                // Such as a time zone that this computer does not know: rather open than closed for ever.
                Err(refusal) => {
                    tracing::error!(rule = refusal.message, "opening hours cannot be read; they count as always open");
                    return Ok(Doors { open: true, back_at: None });
                }
            };
            let (open, change) = (schedule.is_open(now), schedule.next_change(now));
            next = next.into_iter().chain(change).min();
            Ok(Doors { open, back_at: change.filter(|_| !open) })
        };
        let desk = doors(hours::find(connection, None)?)?;
        let mut of_sites = HashMap::new();
        for (site, given) in hours::of_sites(connection)? {
            of_sites.insert(site, doors(Some(given))?);
        }
        let forms = forms::of_sites(connection)?.into_iter().collect();
        let peeked = sites::peeked(connection)?;
        Ok((Self { settings, desk, sites: of_sites, forms, peeked }, next))
    }

    /// Whether the desk is online for the visitors of a site, if anybody is there.
    fn is_online(&self, site: SiteId) -> bool {
        self.doors(site).open && !self.settings.offline
    }

    fn doors(&self, site: SiteId) -> Doors {
        self.sites.get(&site).copied().unwrap_or(self.desk)
    }

    /// Whether the desk is offline for everybody, whoever is there.
    fn is_shut(&self) -> bool {
        self.settings.offline || !std::iter::once(&self.desk).chain(self.sites.values()).any(|doors| doors.open)
    }
}

/// See the module.
pub(crate) struct Availability {
    known: watch::Sender<Arc<Known>>,
    /// One look at a time, so that an older one never comes last.
    looking: Mutex<()>,
    changed: Notify,
}

impl Availability {
    pub(crate) fn open(connection: &Connection, settings: Arc<DeskSettings>, hub: &Hub) -> Outcome<Self> {
        let (known, _) = Known::at(connection, settings, crate::clock())?;
        hub.switch(known.is_shut());
        Ok(Self { known: watch::Sender::new(Arc::new(known)), looking: Mutex::default(), changed: Notify::new() })
    }

    fn tell(&self, known: Known, hub: &Hub) {
        hub.switch(known.is_shut());
        self.known.send_if_modified(|before| {
            let differs = **before != known;
            *before = Arc::new(known);
            differs
        });
    }

    /// Whether a site's visitors are seen writing.
    pub(crate) fn peeks(&self, site: SiteId) -> bool {
        self.known.borrow().peeked.contains(&site)
    }

    /// Whether visitors of any site are seen writing.
    pub(crate) fn peeks_anywhere(&self) -> bool {
        !self.known.borrow().peeked.is_empty()
    }

    /// For whose visitors the desk is online now.
    pub(crate) fn online(&self, hub: &Hub) -> Online {
        Online { there: *hub.online().borrow(), known: Arc::clone(&self.known.borrow()) }
    }

    /// What a visitor of a site is told. `None` for the loader, which says nothing of it but whether the desk is online.
    pub(crate) fn told(&self, hub: &Hub, site: SiteId, language: Option<&str>) -> Told {
        let (there, known) = (hub.online(), self.known.subscribe());
        let language = language.map(|language| text::cut(language, LANGUAGE_MAX));
        let mut told = Told { site, language, there, known, now: Notice::default() };
        told.now = told.look();
        told
    }
}

/// For whose visitors the desk is online, at one moment.
pub(crate) struct Online {
    there: bool,
    known: Arc<Known>,
}

impl Online {
    pub(crate) fn at(&self, site: SiteId) -> bool {
        self.there && self.known.is_online(site)
    }
}

/// Asks the clock and the database, and tells everybody concerned of what is different. When it changes next.
pub(crate) async fn look(core: &Core) -> Outcome<Option<Timestamp>> {
    let availability = &core.availability;
    let _one_at_a_time = availability.looking.lock().await;
    let settings = core.live.get();
    let read = core.readers.read(move |connection| Known::at(connection, settings, crate::clock()));
    let (known, next) = read.await?;
    availability.tell(known, &core.hub);
    Ok(next)
}

/// Looks at every change until cancelled.
pub(crate) async fn run(core: Arc<Core>, cancelled: CancellationToken) {
    let failed = "the desk's hours could not be looked at";
    deadlines::keep(cancelled, &core.availability.changed, Duration::ZERO, failed, || look(&core)).await;
}

/// What a messenger says of the desk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) online: bool,
    pub(crate) back_at: Option<Timestamp>,
    pub(crate) texts: DeskTexts,
    pub(crate) forms: AskedForms,
    pub(crate) peek: bool,
}

impl Notice {
    /// The same as a frame. Visitors are not told who is there.
    pub(crate) fn frame(&self) -> Ephemeral {
        let Self { online, back_at, texts, forms, peek } = self.clone();
        Ephemeral::Agents { agents: Vec::new(), online, back_at, texts, forms, peek }
    }
}

/// What one visitor is told of the desk.
pub(crate) struct Told {
    site: SiteId,
    language: Option<String>,
    there: watch::Receiver<bool>,
    known: watch::Receiver<Arc<Known>>,
    now: Notice,
}

impl Told {
    fn look(&mut self) -> Notice {
        let there = *self.there.borrow_and_update();
        let known = self.known.borrow_and_update();
        let doors = known.doors(self.site);
        let online = there && known.is_online(self.site);
        let Some(language) = &self.language else { return Notice { online, ..Notice::default() } };
        // Whoever switched the desk off has not said until when.
        let back_at = doors.back_at.filter(|_| !known.settings.offline);
        let forms = known.forms.get(&self.site).map(|forms| asked(forms, language)).unwrap_or_default();
        let (texts, peek) = (live::texts_for(&known.settings, language), known.peeked.contains(&self.site));
        Notice { online, back_at, texts, forms, peek }
    }

    /// What was told last, or is to be told first.
    pub(crate) fn now(&self) -> &Notice {
        &self.now
    }

    /// Waits until something else is to be told.
    pub(crate) async fn changed(&mut self) -> Ephemeral {
        loop {
            // What tells of changes lives as long as the desk.
            tokio::select! {
                Ok(()) = self.there.changed() => {}
                Ok(()) = self.known.changed() => {}
                else => std::future::pending().await,
            }
            let now = self.look();
            if now != self.now {
                self.now = now;
                return self.now.frame();
            }
        }
    }
}

/// Which right the hours of a site, or of the desk, ask for.
fn right(site: Option<SiteId>) -> Action {
    if site.is_some() { Action::ManageSites } else { Action::ManageSettings }
}

impl Administration {
    /// The hours of a site, or of the desk.
    ///
    /// # Errors
    /// `not_found` when there is no such site.
    pub async fn hours(&self, site: Option<SiteId>) -> Result<HoursSetting, Refusal> {
        let actor = self.actor.clone();
        let read = self.core.readers.read(move |connection| {
            actor.may(connection, right(site))?;
            known_site(connection, site)?;
            Ok(HoursSetting { hours: hours::find(connection, site)? })
        });
        read.await.map_err(refuse)
    }

    /// Decides when the desk is open, or when it is for the visitors of a site. Messengers and apps are told at once.
    ///
    /// # Errors
    /// `invalid`, with the field and its rule, and `not_found` when there is no such site; nothing is changed then.
    pub async fn set_hours(&self, site: Option<SiteId>, wanted: HoursSetting) -> Result<HoursSetting, Refusal> {
        if let Some(hours) = &wanted.hours {
            Schedule::read(hours)?;
        }
        let (actor, put) = (self.actor.clone(), wanted.clone());
        let written = self.write_and_tell(move |write| {
            actor.may(write.connection, right(site))?;
            known_site(write.connection, site)?;
            if hours::find(write.connection, site)? != put.hours {
                hours::put(write.connection, site, put.hours.as_ref())?;
                let detail = text::cut(&serde_json::to_string(&put.hours)?, 4 * FIELD_MAX);
                actor.did(write, "edit", "hours", site.map(|site| site.0), detail)?;
            }
            Ok(())
        });
        written.await?;
        Ok(wanted)
    }

    /// Writes what may change whether the desk is online, or what it says of that. Everybody is told before whoever asks
    /// is answered, and soon after when whoever asks is gone by then.
    pub(crate) async fn write_and_tell<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Write<'_>) -> Outcome<T> + Send + 'static,
    ) -> Result<T, Refusal> {
        let availability = Arc::clone(&self.core.availability);
        let written = self.write(move |write| {
            let done = work(write)?;
            write.then(move || availability.changed.notify_one());
            Ok(done)
        });
        let done = written.await?;
        look(&self.core).await.map_err(refuse)?;
        Ok(done)
    }
}

fn known_site(connection: &Connection, site: Option<SiteId>) -> Outcome<()> {
    match site {
        Some(site) => sites::find(connection, site)?.map(drop).ok_or_else(|| Failure::not_found("site")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use deskbell_protocol::http::{OpeningHours, OpeningTime, Weekday};

    use super::*;
    use crate::store;

    #[tokio::test]
    async fn od_38_a_messenger_hears_of_the_minute_in_which_the_hours_open_the_desk_and_of_no_other() {
        let directory = tempfile::tempdir().unwrap();
        let connection = store::open(&directory.path().join("desk.db"), "Shop").unwrap();
        store::settings::begin(&connection, &crate::settings::Settings::default().first()).unwrap();
        let settings = Arc::new(store::settings::find(&connection).unwrap());
        let monday = OpeningTime { day: Weekday::Monday, from: "09:00".to_owned(), to: "09:01".to_owned() };
        let week = OpeningHours { time_zone: "Europe/Madrid".to_owned(), week: vec![monday], holidays: Vec::new() };
        hours::put(&connection, None, Some(&week)).unwrap();
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_millisecond();
        let opens = at("2026-11-23T08:00:00Z");
        let known = |now| Known::at(&connection, Arc::clone(&settings), now).unwrap();

        let (hub, site) = (Hub::new(), SiteId(9));
        let _ann = hub.seat_agent(deskbell_protocol::AgentId(1), 1);
        let availability = Availability::open(&connection, Arc::clone(&settings), &hub).unwrap();
        let (night, next) = known(opens - 1);
        assert_eq!(next, Some(opens));
        availability.tell(night, &hub);
        let mut told = availability.told(&hub, site, Some("en"));
        assert_eq!((told.now().online, told.now().back_at), (false, Some(opens)));
        // A look that finds nothing new says nothing, and neither does Ann's going away while the desk is closed.
        availability.tell(known(opens - 1).0, &hub);
        hub.switch(false);
        let (day, next) = known(opens);
        assert_eq!(next, Some(opens + 60_000));
        availability.tell(day, &hub);
        let open = Notice { online: true, ..Notice::default() };
        assert_eq!((told.changed().await, told.now()), (open.frame(), &open));
        let (closed, next) = known(opens + 60_000);
        availability.tell(closed, &hub);
        assert_eq!(next, Some(at("2026-11-30T08:00:00Z")));
        told.changed().await;
        assert_eq!((told.now().online, told.now().back_at), (false, next));
    }

    #[test]
    fn od_38_hours_that_cannot_be_read_any_more_close_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let connection = store::open(&directory.path().join("desk.db"), "Shop").unwrap();
        store::settings::begin(&connection, &crate::settings::Settings::default().first()).unwrap();
        let settings = Arc::new(store::settings::find(&connection).unwrap());
        let gone = OpeningHours { time_zone: "Europe/Gone".to_owned(), week: Vec::new(), holidays: Vec::new() };
        hours::put(&connection, None, Some(&gone)).unwrap();
        let (known, next) = Known::at(&connection, settings, 1).unwrap();
        assert_eq!((known.desk, next), (Doors { open: true, back_at: None }, None));
    }
}
