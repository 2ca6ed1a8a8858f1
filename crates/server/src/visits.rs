//! Visitors come, look at pages, and turn out to be the same person: what the writer does about it.

use std::net::IpAddr;
use std::time::Instant;

use deskbell_protocol::{
    ContactId, EntityKind, PageSeen, PageView, Region, Site, Timestamp, Visitor, VisitorHello, VisitorId, VisitorPart,
};
use url::Url;

use crate::accounts;
use crate::limits::Newcomers;
use crate::signatures::{self, Signed};
use crate::store::batch::Write;
use crate::store::{Failure, Outcome, blocks, conversations, signatures as bindings, visitors};
use crate::text;
use crate::tokens::Hash;
use crate::user_agent::UserAgent;

/// A visit ends after this time without a page, in milliseconds.
const VISIT_MS: i64 = 30 * 60 * 1000;

/// Longest address and title of a page that are kept, in characters; ten pages must fit into one frame.
const URL_MAX: usize = 1000;
const TITLE_MAX: usize = 200;
/// Longest tag of a language, and size of a screen, in characters.
pub(crate) const LANGUAGE_MAX: usize = 35;
const SCREEN_MAX: usize = 20;

/// What is known of a visitor's computer.
#[derive(Clone, Debug)]
pub(crate) struct Details {
    /// Where they are, of which `ip` is what is kept.
    pub(crate) from: IpAddr,
    pub(crate) region: Region,
    pub(crate) ip: String,
    pub(crate) user_agent: UserAgent,
    pub(crate) language: String,
    /// From the messenger alone.
    pub(crate) spoken: Option<String>,
    pub(crate) screen: String,
}

impl Details {
    pub(crate) fn new(from: IpAddr, region: Region, ip: String, user_agent: UserAgent, hello: &VisitorHello) -> Self {
        let spoken = hello.spoken.as_ref().filter(|_| hello.part == VisitorPart::Panel);
        Self {
            from,
            region,
            ip,
            user_agent,
            language: text::cut(&hello.language, LANGUAGE_MAX),
            spoken: spoken.map(|spoken| text::cut(spoken, LANGUAGE_MAX)),
            screen: text::cut(&hello.screen, SCREEN_MAX),
        }
    }

    fn fill(&self, visitor: &mut Visitor) {
        visitor.region.clone_from(&self.region);
        visitor.ip.clone_from(&self.ip);
        visitor.browser.clone_from(&self.user_agent.browser);
        visitor.os.clone_from(&self.user_agent.os);
        self.user_agent.device.clone_into(&mut visitor.device);
        visitor.language.clone_from(&self.language);
        if let Some(spoken) = &self.spoken {
            visitor.spoken.clone_from(spoken);
        }
        visitor.screen.clone_from(&self.screen);
    }
}

/// A page as it is stored: `http` or `https`, origin and path only. `None`: not such an address.
pub(crate) fn page_view(page: &PageSeen, at: Timestamp) -> Option<PageView> {
    Some(PageView { url: address(&page.url)?, title: text::cut(&page.title, TITLE_MAX), at })
}

fn address(url: &str) -> Option<String> {
    let mut url = Url::parse(url.get(..url.len().min(4 * URL_MAX))?).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    // Neither can fail for an address with a host.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    let mut url = url.to_string();
    // An address is ASCII once parsed, so this cuts between characters.
    url.truncate(URL_MAX);
    Some(url)
}

fn new_visitor(write: &mut Write<'_>, site: &Site, details: &Details, newcomers: &Newcomers) -> Outcome<Visitor> {
    newcomers
        .take(details.from, Instant::now())
        .map_err(|left| accounts::wait("Too many new visitors; come back later.", left))?;
    let contact = ContactId(write.new_id());
    visitors::add_contact(write.connection, contact, write.now)?;
    let mut visitor = Visitor {
        id: VisitorId(write.new_id()),
        contact,
        site: site.id,
        region: Region::default(),
        ip: String::new(),
        browser: String::new(),
        os: String::new(),
        device: String::new(),
        language: String::new(),
        spoken: String::new(),
        screen: String::new(),
        referrer: String::new(),
        visits: 1,
        chats: 0,
        visit_started_at: write.now,
        last_seen_at: write.now,
        pages: Vec::new(),
    };
    details.fill(&mut visitor);
    visitors::add(write.connection, &visitor, 0)?;
    // Only with a visitor does a contact have a site, whose members may see it.
    write.touch(EntityKind::Contact, contact.0)?;
    write.touch(EntityKind::Visitor, visitor.id.0)?;
    Ok(visitor)
}

fn of_site(write: &Write<'_>, found: Option<VisitorId>, site: &Site) -> Outcome<Option<Visitor>> {
    Ok(match found {
        Some(id) => visitors::find(write.connection, id)?.filter(|visitor| visitor.site == site.id),
        None => None,
    })
}

/// The loader has opened its socket on a page.
pub(crate) fn page_opened(
    write: &mut Write<'_>,
    site: &Site,
    presence: &Hash,
    details: &Details,
    page: Option<&PageSeen>,
    newcomers: &Newcomers,
) -> Outcome<VisitorId> {
    let found = visitors::find_by_presence(write.connection, presence, write.now)?;
    let visitor = match of_site(write, found, site)? {
        Some(visitor) => visitor,
        None => {
            let visitor = new_visitor(write, site, details, newcomers)?;
            visitors::set_presence(write.connection, presence, visitor.id, None)?;
            visitor
        }
    };
    look_at(write, visitor, Some(details), page)
}

/// The page on screen has changed without a new socket.
pub(crate) fn page_changed(write: &mut Write<'_>, id: VisitorId, page: &PageSeen) -> Outcome<()> {
    if let Some(visitor) = visitors::find(write.connection, id)? {
        look_at(write, visitor, None, Some(page))?;
    }
    Ok(())
}

fn look_at(
    write: &mut Write<'_>,
    mut visitor: Visitor,
    details: Option<&Details>,
    page: Option<&PageSeen>,
) -> Outcome<VisitorId> {
    let id = visitor.id;
    if let Some(details) = details {
        details.fill(&mut visitor);
    }
    visitor.last_seen_at = write.now;
    let mut last_page_at = visitors::last_page_at(write.connection, id)?;
    let view = page.and_then(|page| page_view(page, write.now));
    if let (Some(page), Some(view)) = (page, view) {
        let first = last_page_at == 0;
        let anew = !first && write.now.saturating_sub(last_page_at) > VISIT_MS;
        if anew {
            visitor.visits += 1;
            visitor.visit_started_at = write.now;
            // Whoever took a snapshot while the visitor was away has not heard of the person.
            write.touch(EntityKind::Contact, visitor.contact.0)?;
        }
        if first || anew {
            visitor.referrer = address(&page.referrer).unwrap_or_default();
        }
        match visitors::pages(write.connection, id)?.first() {
            // The socket was opened again on the same page: no new view.
            Some((row, last)) if last.url == view.url && !anew => {
                if last.title != view.title {
                    visitors::retitle_page(write.connection, *row, &view.title)?;
                }
            }
            _ => {
                let row = write.new_id();
                visitors::add_page(write.connection, row, id, &view)?;
            }
        }
        last_page_at = write.now;
    }
    visitors::update(write.connection, &visitor, last_page_at)?;
    write.touch(EntityKind::Visitor, id.0)?;
    Ok(id)
}

/// What a messenger brings: hashes of the secret that it has and of one made for it, that of the name of its page, and
/// who the shop says it is.
#[derive(Clone, Copy)]
pub(crate) struct Brought<'b> {
    pub(crate) token: Option<&'b Hash>,
    pub(crate) fresh: &'b Hash,
    pub(crate) presence: Option<&'b Hash>,
    pub(crate) signed: Option<&'b Signed>,
}

/// The panel's visitor.
pub(crate) struct Arrived {
    pub(crate) visitor: VisitorId,
    /// Their secret, hashed.
    pub(crate) token: Hash,
    /// It was stored just now and must be handed over.
    pub(crate) token_is_new: bool,
    /// The visitor to whom the pages of this browser belonged until now.
    pub(crate) moved_from: Option<VisitorId>,
    /// Until when it is proved who they are; `None`: nobody vouches for them.
    pub(crate) until: Option<Timestamp>,
    /// All browsers of whom they are, when they are the shop's person from now on: whoever is connected there has not
    /// proved that.
    pub(crate) unproved: Vec<VisitorId>,
}

/// The panel has opened its socket.
///
/// A page knows the presence name and the page is hostile, so the name alone never leads to a visitor who has a
/// token: it would hand their conversation to whoever asks.
pub(crate) fn panel_opened(
    write: &mut Write<'_>,
    site: &Site,
    brought: Brought<'_>,
    details: &Details,
    newcomers: &Newcomers,
) -> Outcome<Arrived> {
    let Brought { token, fresh, presence, signed } = brought;
    let bearer = match token {
        Some(token) => visitors::find_by_token(write.connection, token, write.now)?,
        None => None,
    };
    let by_token = of_site(write, bearer.map(|bearer| bearer.visitor), site)?;
    let proved = bearer.and_then(|bearer| bearer.until);
    let by_presence = match presence {
        Some(presence) => visitors::find_by_presence(write.connection, presence, write.now)?,
        None => None,
    };
    let by_presence = of_site(write, by_presence, site)?;
    let free = match &by_presence {
        Some(visitor) => !visitors::is_taken(write.connection, visitor.id)?,
        None => false,
    };

    let mut unproved = Vec::new();
    let (mut visitor, token_is_new, until) = if let Some(signed) = signed {
        let known = bindings::find(write.connection, site.id, &signed.external_id)?;
        let (visitor, before) = if let Some((id, words)) = known {
            (visitors::find(write.connection, id)?.ok_or_else(|| Failure::not_found("visitor"))?, words)
        } else {
            let unknown = by_token.clone().filter(|_| proved.is_none());
            let unknown = unknown.filter(|visitor| may_become(write, visitor).unwrap_or(false));
            let visitor = match unknown.or_else(|| by_presence.clone().filter(|_| free)) {
                Some(visitor) => visitor,
                None => new_visitor(write, site, details, newcomers)?,
            };
            bindings::bind(write.connection, visitor.id, &signed.external_id, write.now)?;
            write.touch(EntityKind::Contact, visitor.contact.0)?;
            unproved = blocks::visitors(write.connection, visitor.contact)?;
            (visitor, bindings::Words::default())
        };
        signatures::learn(write, visitor.contact, visitor.id, &before, &signed.words)?;
        let same = proved.is_some() && by_token.is_some_and(|by_token| by_token.id == visitor.id);
        if let Some(token) = token.filter(|_| same) {
            bindings::prove(write.connection, token, signed.until, signed.secret)?;
        }
        (visitor, !same, Some(signed.until))
    } else {
        let token_is_new = by_token.is_none();
        let visitor = match by_token {
            Some(visitor) => visitor,
            None => match by_presence.clone().filter(|_| free) {
                Some(visitor) => visitor,
                None => new_visitor(write, site, details, newcomers)?,
            },
        };
        (visitor, token_is_new, proved)
    };
    let moved_from = by_presence.filter(|other| other.id != visitor.id);
    if let Some(other) = &moved_from {
        // Nothing becomes of this where the other one is somebody's.
        visitor = join(write, other, visitor)?;
    }
    if let Some(presence) = presence {
        visitors::set_presence(write.connection, presence, visitor.id, until)?;
    }
    if let Some(until) = until {
        bindings::prove_presences(write.connection, visitor.id, until)?;
    }
    if token_is_new {
        let proof = signed.map(|signed| (signed.until, signed.secret));
        visitors::add_token(write.connection, fresh, visitor.id, write.now, proof)?;
    }
    details.fill(&mut visitor);
    visitor.last_seen_at = write.now;
    let last_page_at = visitors::last_page_at(write.connection, visitor.id)?;
    visitors::update(write.connection, &visitor, last_page_at)?;
    write.touch(EntityKind::Visitor, visitor.id.0)?;
    let moved_from = moved_from.map(|other| other.id);
    let token = token.filter(|_| !token_is_new).unwrap_or(fresh);
    Ok(Arrived { visitor: visitor.id, token: *token, token_is_new, moved_from, until, unproved })
}

/// Whether somebody unknown becomes the person whom the shop says is in their browser now. What they wrote becomes that
/// person's then, on all browsers, and agents take it for theirs: so only what was written just now, in the same visit.
/// Before that it may have been somebody else.
fn may_become(write: &Write<'_>, unknown: &Visitor) -> Outcome<bool> {
    let talk = conversations::latest_of_visitor(write.connection, unknown.id)?;
    Ok(talk.is_none_or(|talk| write.now.saturating_sub(talk.active_at) <= VISIT_MS))
}

/// Two rows turned out to be one browser. The one without a conversation and a token goes, if it is nobody's or the
/// same person's; its pages come over. What `into` is now.
fn join(write: &mut Write<'_>, empty: &Visitor, mut into: Visitor) -> Outcome<Visitor> {
    let talks = conversations::latest_of_visitor(write.connection, empty.id)?.is_some();
    if talks || visitors::is_taken(write.connection, empty.id)? {
        return Ok(into);
    }
    let same = empty.contact == into.contact;
    if !same && is_somebody(write, empty)? {
        return Ok(into);
    }
    let last_page_at = visitors::last_page_at(write.connection, into.id)?;
    let moved_page_at = visitors::last_page_at(write.connection, empty.id)?;
    visitors::move_pages(write.connection, empty.id, into.id)?;
    visitors::move_presences(write.connection, empty.id, into.id)?;
    if last_page_at != 0 && empty.visit_started_at.saturating_sub(last_page_at) > VISIT_MS {
        into.visits += 1;
        into.visit_started_at = empty.visit_started_at;
        into.referrer.clone_from(&empty.referrer);
    }
    visitors::update(write.connection, &into, last_page_at.max(moved_page_at))?;
    visitors::drop(write.connection, empty.id)?;
    write.gone(EntityKind::Visitor, empty.id.0)?;
    if !same {
        // Whoever was blocked by one of the two is blocked by both.
        blocks::follow(write.connection, empty.contact, into.contact)?;
        visitors::drop_contact(write.connection, empty.contact)?;
        write.gone(EntityKind::Contact, empty.contact.0)?;
    }
    Ok(into)
}

/// Whether anything is known of a visitor's person, or named with them.
fn is_somebody(write: &Write<'_>, visitor: &Visitor) -> Outcome<bool> {
    let contact = visitors::find_contact(write.connection, visitor.contact)?;
    let known = contact.is_none_or(|contact| {
        !(contact.name.is_empty() && contact.email.is_empty() && contact.phone.is_empty() && contact.notes.is_empty())
    });
    Ok(known || visitors::is_named_besides(write.connection, visitor.contact, visitor.id)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(url: &str) -> PageSeen {
        PageSeen { url: url.to_owned(), title: "Tea\npots".to_owned(), referrer: String::new(), visible: true }
    }

    #[test]
    fn dk_09_a_stored_page_is_origin_and_path_alone() {
        let stored = page_view(&page("https://vic:secret@shop.example/tea?token=1#top"), 7);
        let expected = PageView { url: "https://shop.example/tea".to_owned(), title: "Tea pots".to_owned(), at: 7 };
        assert_eq!(stored, Some(expected));
        for bad in ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "", "tea"] {
            assert_eq!(page_view(&page(bad), 7), None, "{bad}");
        }
    }
}
