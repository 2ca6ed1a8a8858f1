//! Contacts, visitors, what names and secrets lead to them, and the pages they saw.

use deskbell_protocol::{
    AgentId, Contact, ContactId, PageView, Region, SiteId, Timestamp, Verified, Visitor, VisitorId,
};

use super::database::{self, Connection, Row, params};
use super::{queries, search};

queries! {
    FIND_CONTACT = "SELECT contact.id, name, email, phone, notes, contact.created_at, signed.external_id,
        signed.verified_at FROM contact LEFT JOIN visitor AS signed ON signed.contact = contact.id
        AND signed.external_id IS NOT NULL WHERE contact.id = ?1 LIMIT 1";
    ADD_CONTACT = "INSERT INTO contact (id, created_at) VALUES (?1, ?2)";
    EDIT_CONTACT = "UPDATE contact SET name = ?2, email = ?3, phone = ?4, notes = ?5 WHERE id = ?1";
    DROP_CONTACT = "DELETE FROM contact WHERE id = ?1";
    FIND = "SELECT id, contact, site, country, city, local, ip, browser, os, device, language, screen, referrer,
        visits, chats, visit_started_at, last_seen_at, spoken FROM visitor WHERE id = ?1";
    ADD = "INSERT INTO visitor (id, contact, site, country, city, local, ip, browser, os, device, language, screen,
        referrer, visits, chats, visit_started_at, last_page_at, last_seen_at, spoken)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";
    UPDATE = "UPDATE visitor SET country = ?4, city = ?5, local = ?6, ip = ?7, browser = ?8, os = ?9,
        device = ?10, language = ?11, screen = ?12, referrer = ?13, visits = ?14, chats = ?15, visit_started_at = ?16,
        last_page_at = ?17, last_seen_at = ?18, spoken = ?19 WHERE id = ?1 AND contact = ?2 AND site = ?3";
    LAST_PAGE_AT = "SELECT last_page_at FROM visitor WHERE id = ?1";
    SPOKEN_TO = "SELECT iif(spoken = '', language, spoken) FROM visitor WHERE id = ?1";
    SITE_OF = "SELECT site FROM visitor WHERE id = ?1";
    SITE_OF_CONTACT = "SELECT site FROM visitor WHERE contact = ?1 LIMIT 1";
    SEEN = "UPDATE visitor SET last_seen_at = ?2 WHERE id = ?1";
    COUNT_CHAT = "UPDATE visitor SET chats = chats + 1 WHERE id = ?1";
    DROP = "DELETE FROM visitor WHERE id = ?1";
    SILENT_SINCE = "SELECT id, contact FROM visitor WHERE chats = 0 AND last_seen_at > ?1
        AND EXISTS (SELECT 1 FROM sees WHERE sees.agent = ?3 AND sees.site = visitor.site) ORDER BY last_seen_at DESC LIMIT ?2";
    SET_PRESENCE = "INSERT INTO presence (hash, visitor, proved_until) VALUES (?1, ?2, ?3)
        ON CONFLICT (hash) DO UPDATE SET visitor = excluded.visitor, proved_until = excluded.proved_until";
    MOVE_PRESENCES = "UPDATE presence SET visitor = ?2 WHERE visitor = ?1";
    /// A token without a proof opens nothing of somebody whom a shop vouches for, nor of a site that asks for proofs.
    FIND_TOKEN = "SELECT token.visitor, token.proved_until FROM visitor_token AS token
        JOIN visitor ON visitor.id = token.visitor JOIN site ON site.id = visitor.site
        WHERE token.hash = ?1 AND (token.proved_until > ?2 OR (token.proved_until IS NULL AND site.signed_only = 0
        AND NOT EXISTS (SELECT 1 FROM visitor AS signed WHERE signed.contact = visitor.contact
        AND signed.external_id IS NOT NULL)))";
    /// Likewise a name without a proof. Where a site asks for proofs, it leads to those with whom nobody has talked, so
    /// that whoever only looks is one visitor on all pages.
    FIND_PRESENCE = "SELECT presence.visitor FROM presence
        JOIN visitor ON visitor.id = presence.visitor JOIN site ON site.id = visitor.site
        WHERE presence.hash = ?1 AND (presence.proved_until > ?2 OR (presence.proved_until IS NULL
        AND (site.signed_only = 0 OR NOT EXISTS (SELECT 1 FROM conversation WHERE conversation.contact = visitor.contact))
        AND NOT EXISTS (SELECT 1 FROM visitor AS signed WHERE signed.contact = visitor.contact
        AND signed.external_id IS NOT NULL)))";
    IS_TAKEN = "SELECT 1 FROM visitor JOIN visitor AS signed ON signed.contact = visitor.contact
        AND signed.external_id IS NOT NULL WHERE visitor.id = ?1
        UNION ALL SELECT 1 FROM visitor_token WHERE visitor = ?1 LIMIT 1";
    /// Whatever names a person besides one browser, but blocks, which follow whom they are about.
    IS_NAMED_BESIDES = "SELECT 1 FROM visitor WHERE contact = ?1 AND id <> ?2
        UNION ALL SELECT 1 FROM conversation WHERE contact = ?1
        UNION ALL SELECT 1 FROM item WHERE contact = ?1
        UNION ALL SELECT 1 FROM merged WHERE stays = ?1
        UNION ALL SELECT 1 FROM webhook_delivery WHERE contact = ?1 LIMIT 1";
    ADD_TOKEN = "INSERT INTO visitor_token (hash, visitor, created_at, proved_until, secret) VALUES (?1, ?2, ?3, ?4, ?5)";
    PAGES = "SELECT id, url, title, at FROM page_view WHERE visitor = ?1 ORDER BY id DESC LIMIT ?2";
    ADD_PAGE = "INSERT INTO page_view (id, visitor, url, title, at) VALUES (?1, ?2, ?3, ?4, ?5)";
    RETITLE_PAGE = "UPDATE page_view SET title = ?2 WHERE id = ?1";
    ADDRESSES = "SELECT id, ip FROM visitor WHERE id > ?1 ORDER BY id LIMIT ?2";
    SET_ADDRESS = "UPDATE visitor SET ip = ?2 WHERE id = ?1";
    PAGES_BEFORE = "SELECT id, visitor FROM page_view WHERE at < ?1 ORDER BY at LIMIT ?2";
    DROP_PAGE_WORDS = "DELETE FROM page_words WHERE rowid = ?1";
    DROP_PAGE = "DELETE FROM page_view WHERE id = ?1";
    MOVE_PAGES = "UPDATE page_view SET visitor = ?2 WHERE visitor = ?1";
}

/// Pages that travel with a visitor.
const PAGES_SHOWN: i64 = 10;

/// The stored addresses of the next visitors.
pub(crate) fn addresses(connection: &Connection, after: i64, most: i64) -> database::Result<Vec<(VisitorId, String)>> {
    connection.all(ADDRESSES, params![after, most], |row| Ok((VisitorId(row.get(0)?), row.get(1)?)))
}

pub(crate) fn set_address(connection: &Connection, visitor: VisitorId, address: &str) -> database::Result<()> {
    connection.change(SET_ADDRESS, params![visitor.0, address])?;
    Ok(())
}

/// Some of the pages that were looked at before a moment, with who did.
pub(crate) fn pages_before(
    connection: &Connection,
    moment: Timestamp,
    most: i64,
) -> database::Result<Vec<(i64, VisitorId)>> {
    connection.all(PAGES_BEFORE, params![moment, most], |row| Ok((row.get(0)?, VisitorId(row.get(1)?))))
}

/// Forgets that a page was looked at.
pub(crate) fn drop_page(connection: &Connection, page: i64) -> database::Result<()> {
    connection.change(DROP_PAGE_WORDS, params![page])?;
    connection.change(DROP_PAGE, params![page])?;
    Ok(())
}

pub(crate) fn find_contact(connection: &Connection, id: ContactId) -> database::Result<Option<Contact>> {
    connection.find(FIND_CONTACT, params![id.0], |row| {
        Ok(Contact {
            id: ContactId(row.get(0)?),
            name: row.get(1)?,
            email: row.get(2)?,
            phone: row.get(3)?,
            notes: row.get(4)?,
            created_at: row.get(5)?,
            verified: match row.get(6)? {
                Some(external_id) => Some(Verified { external_id, at: row.get(7)? }),
                None => None,
            },
        })
    })
}

/// The site on which a browser is.
pub(crate) fn site_of(connection: &Connection, id: VisitorId) -> database::Result<Option<SiteId>> {
    connection.find(SITE_OF, params![id.0], |row| row.get(0).map(SiteId))
}

/// The language in which the desk itself speaks to a visitor.
pub(crate) fn spoken_to(connection: &Connection, id: VisitorId) -> database::Result<Option<String>> {
    connection.find(SPOKEN_TO, params![id.0], |row| row.get(0))
}

/// The site on which a person writes.
pub(crate) fn site_of_contact(connection: &Connection, id: ContactId) -> database::Result<Option<SiteId>> {
    connection.find(SITE_OF_CONTACT, params![id.0], |row| row.get(0).map(SiteId))
}

pub(crate) fn add_contact(connection: &Connection, id: ContactId, now: Timestamp) -> database::Result<()> {
    connection.change(ADD_CONTACT, params![id.0, now])?;
    Ok(())
}

/// Replaces the four fields.
pub(crate) fn edit_contact(connection: &Connection, contact: &Contact) -> database::Result<()> {
    connection
        .change(EDIT_CONTACT, params![contact.id.0, contact.name, contact.email, contact.phone, contact.notes])?;
    search::put_contact(connection, contact.id.0, &contact.name)
}

pub(crate) fn drop_contact(connection: &Connection, id: ContactId) -> database::Result<()> {
    connection.change(DROP_CONTACT, params![id.0])?;
    search::drop_contact(connection, id.0)
}

fn visitor(row: &Row<'_>) -> database::Result<Visitor> {
    Ok(Visitor {
        id: VisitorId(row.get(0)?),
        contact: ContactId(row.get(1)?),
        site: SiteId(row.get(2)?),
        region: Region { country: row.get(3)?, city: row.get(4)?, local: row.get(5)? },
        ip: row.get(6)?,
        browser: row.get(7)?,
        os: row.get(8)?,
        device: row.get(9)?,
        language: row.get(10)?,
        spoken: row.get(17)?,
        screen: row.get(11)?,
        referrer: row.get(12)?,
        visits: row.get(13)?,
        chats: row.get(14)?,
        visit_started_at: row.get(15)?,
        last_seen_at: row.get(16)?,
        pages: Vec::new(),
    })
}

/// The visitor with their last pages.
pub(crate) fn find(connection: &Connection, id: VisitorId) -> database::Result<Option<Visitor>> {
    let Some(mut found) = connection.find(FIND, params![id.0], visitor)? else {
        return Ok(None);
    };
    found.pages = pages(connection, id)?.into_iter().map(|(_, page)| page).collect();
    Ok(Some(found))
}

fn write(connection: &Connection, sql: &str, visitor: &Visitor, last_page_at: Timestamp) -> database::Result<()> {
    connection.change(
        sql,
        params![
            visitor.id.0,
            visitor.contact.0,
            visitor.site.0,
            visitor.region.country,
            visitor.region.city,
            visitor.region.local,
            visitor.ip,
            visitor.browser,
            visitor.os,
            visitor.device,
            visitor.language,
            visitor.screen,
            visitor.referrer,
            visitor.visits,
            visitor.chats,
            visitor.visit_started_at,
            last_page_at,
            visitor.last_seen_at,
            visitor.spoken
        ],
    )?;
    Ok(())
}

/// Stores a new visitor; pages apart.
pub(crate) fn add(connection: &Connection, visitor: &Visitor, last_page_at: Timestamp) -> database::Result<()> {
    write(connection, ADD, visitor, last_page_at)
}

/// Stores a known visitor; pages apart.
pub(crate) fn update(connection: &Connection, visitor: &Visitor, last_page_at: Timestamp) -> database::Result<()> {
    write(connection, UPDATE, visitor, last_page_at)
}

/// When the visitor last opened a page; 0: never.
pub(crate) fn last_page_at(connection: &Connection, id: VisitorId) -> database::Result<Timestamp> {
    Ok(connection.find(LAST_PAGE_AT, params![id.0], |row| row.get(0))?.unwrap_or_default())
}

/// False when the visitor is gone.
pub(crate) fn seen(connection: &Connection, id: VisitorId, now: Timestamp) -> database::Result<bool> {
    Ok(connection.change(SEEN, params![id.0, now])? == 1)
}

pub(crate) fn count_chat(connection: &Connection, id: VisitorId) -> database::Result<()> {
    connection.change(COUNT_CHAT, params![id.0])?;
    Ok(())
}

pub(crate) fn drop(connection: &Connection, id: VisitorId) -> database::Result<()> {
    connection.change(DROP, params![id.0])?;
    Ok(())
}

/// Visitors who never chatted and whom an agent may see, latest first, with their contacts.
pub(crate) fn silent_since(
    connection: &Connection,
    agent: AgentId,
    since: Timestamp,
    limit: i64,
) -> database::Result<Vec<(VisitorId, ContactId)>> {
    connection
        .all(SILENT_SINCE, params![since, limit, agent.0], |row| Ok((VisitorId(row.get(0)?), ContactId(row.get(1)?))))
}

/// Whose name a browser has, unless that had to be proved and no longer is.
pub(crate) fn find_by_presence(
    connection: &Connection,
    hash: &[u8],
    now: Timestamp,
) -> database::Result<Option<VisitorId>> {
    connection.find(FIND_PRESENCE, params![hash, now], |row| row.get(0).map(VisitorId))
}

/// Lets a browser's name lead to a visitor: for good, or until a proof of them ends.
pub(crate) fn set_presence(
    connection: &Connection,
    hash: &[u8],
    visitor: VisitorId,
    proved_until: Option<Timestamp>,
) -> database::Result<()> {
    connection.change(SET_PRESENCE, params![hash, visitor.0, proved_until])?;
    Ok(())
}

/// All names of one visitor lead to another from now on.
pub(crate) fn move_presences(connection: &Connection, from: VisitorId, to: VisitorId) -> database::Result<()> {
    connection.change(MOVE_PRESENCES, params![from.0, to.0])?;
    Ok(())
}

/// Whose a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Bearer {
    pub(crate) visitor: VisitorId,
    /// Until when it opens what is theirs; `None`: for good.
    pub(crate) until: Option<Timestamp>,
}

/// Whose a token is, as long as it opens anything.
pub(crate) fn find_by_token(connection: &Connection, hash: &[u8], now: Timestamp) -> database::Result<Option<Bearer>> {
    connection
        .find(FIND_TOKEN, params![hash, now], |row| Ok(Bearer { visitor: VisitorId(row.get(0)?), until: row.get(1)? }))
}

/// Whether a visitor is somebody's: whoever comes without a proof or a token of theirs is somebody else.
pub(crate) fn is_taken(connection: &Connection, id: VisitorId) -> database::Result<bool> {
    connection.has(IS_TAKEN, params![id.0])
}

/// Whether anything but a browser names a person: another browser, something said or done, an entry that became one with
/// theirs, or what webhooks are told.
pub(crate) fn is_named_besides(connection: &Connection, id: ContactId, browser: VisitorId) -> database::Result<bool> {
    connection.has(IS_NAMED_BESIDES, params![id.0, browser.0])
}

/// Stores a token; with a proof, until when that holds and the shop's secret behind it.
pub(crate) fn add_token(
    connection: &Connection,
    hash: &[u8],
    id: VisitorId,
    now: Timestamp,
    proof: Option<(Timestamp, i64)>,
) -> database::Result<()> {
    let (until, secret) = proof.unzip();
    connection.change(ADD_TOKEN, params![hash, id.0, now, until, secret])?;
    Ok(())
}

/// The last pages with their ids, newest first.
pub(crate) fn pages(connection: &Connection, id: VisitorId) -> database::Result<Vec<(i64, PageView)>> {
    connection.all(PAGES, params![id.0, PAGES_SHOWN], |row| {
        Ok((row.get(0)?, PageView { url: row.get(1)?, title: row.get(2)?, at: row.get(3)? }))
    })
}

pub(crate) fn add_page(connection: &Connection, id: i64, visitor: VisitorId, page: &PageView) -> database::Result<()> {
    connection.change(ADD_PAGE, params![id, visitor.0, page.url, page.title, page.at])?;
    Ok(())
}

pub(crate) fn retitle_page(connection: &Connection, id: i64, title: &str) -> database::Result<()> {
    connection.change(RETITLE_PAGE, params![id, title])?;
    search::reword_page(connection, id)
}

pub(crate) fn move_pages(connection: &Connection, from: VisitorId, to: VisitorId) -> database::Result<()> {
    connection.change(MOVE_PAGES, params![from.0, to.0])?;
    Ok(())
}
