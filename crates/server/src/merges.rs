//! Two entries of one person become one.

use std::sync::Arc;

use deskbell_protocol::{Contact, ContactId, EntityKind, NOTES_MAX, Refusal};

use crate::administration::Administration;
use crate::authorize::{Action, Object};
use crate::commands::CONTACT_BYTES_MAX;
use crate::store::batch::Write;
use crate::store::{Failure, Outcome, blocks, merges, visitors};

/// What is known of both. A field of the one that stays wins; the other's, where it says something else, goes into the
/// notes, so that nothing is lost.
fn joined(stays: Contact, gone: &Contact) -> Result<Contact, Refusal> {
    if stays.verified.is_some() && gone.verified.is_some() {
        return Err(Refusal::invalid("contact", "is another person by the word of the shop, which vouches for both"));
    }
    let mut lost = Vec::new();
    let mut field = |mine: String, other: &str| {
        if mine.is_empty() {
            return other.to_owned();
        }
        if !other.is_empty() && mine != other {
            lost.push(other.to_owned());
        }
        mine
    };
    let name = field(stays.name, &gone.name);
    let email = field(stays.email, &gone.email);
    let phone = field(stays.phone, &gone.phone);
    let parts = [stays.notes, gone.notes.clone(), lost.join(" · ")];
    let notes = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n");
    if notes.chars().count() > NOTES_MAX || name.len() + phone.len() + notes.len() > CONTACT_BYTES_MAX {
        return Err(Refusal::invalid("contact", "has notes that are too long together; shorten them first"));
    }
    let created_at = stays.created_at.min(gone.created_at);
    let verified = stays.verified.or_else(|| gone.verified.clone());
    Ok(Contact { id: stays.id, name, email, phone, notes, created_at, verified })
}

fn person(write: &Write<'_>, id: ContactId) -> Outcome<Contact> {
    let id = merges::resolve(write.connection, id)?;
    visitors::find_contact(write.connection, id)?.ok_or_else(|| Failure::not_found("person"))
}

impl Administration {
    /// Makes two entries of one person one: browsers, conversations, items and blocks of `gone` move to `stays`, and whoever
    /// names `gone` from then on means `stays`. Done twice it is done once.
    ///
    /// # Errors
    /// `not_found` when there is no such person, or no right to one of them; `invalid` when they write on different sites,
    /// or when their notes are too long together.
    pub async fn merge(&self, stays: ContactId, gone: ContactId) -> Result<Contact, Refusal> {
        let (actor, hub) = (self.actor.clone(), Arc::clone(&self.core.hub));
        self.write(move |write| {
            let (stays, gone) = (person(write, stays)?, person(write, gone)?);
            let site = |id| visitors::site_of_contact(write.connection, id);
            let (site, other) = (site(stays.id)?, site(gone.id)?);
            for site in [site, other] {
                let site = site.ok_or_else(|| Failure::not_found("person"))?;
                actor.may_with(write.connection, Action::MergePeople, Object::Customer(site))?;
            }
            if stays.id == gone.id {
                return Ok(stays);
            }
            // Whoever sees one site alone must not learn what was said on another.
            if site != other {
                return Err(Refusal::invalid("contact", "writes on another site").into());
            }
            let known = joined(stays, &gone)?;
            // Whoever has not proved to be a person for whom the shop vouches is not let in as them any more.
            let unproved = known.verified.is_some();
            let moved = merges::merge(write.connection, gone.id, known.id, known.created_at)?;
            blocks::follow(write.connection, gone.id, known.id)?;
            visitors::edit_contact(write.connection, &known)?;
            visitors::drop_contact(write.connection, gone.id)?;
            // Before all that names them: an app may never have heard of the one that stays.
            write.touch(EntityKind::Contact, known.id.0)?;
            for visitor in &moved.visitors {
                write.touch(EntityKind::Visitor, visitor.0)?;
            }
            for conversation in &moved.conversations {
                write.touch_in(EntityKind::Conversation, conversation.0, *conversation)?;
            }
            for item in &moved.items {
                write.touch(EntityKind::Item, item.0)?;
            }
            write.gone(EntityKind::Contact, gone.id.0)?;
            let (browsers, conversations) = (moved.visitors.len(), moved.conversations.len());
            let detail = format!("gone={} browsers={browsers} conversations={conversations}", gone.id);
            actor.did(write, "merge", "contact", Some(known.id.0), detail)?;
            if unproved {
                let concerned = blocks::visitors(write.connection, known.id)?;
                write.then(move || hub.send_away(|visitor, _, _| concerned.contains(&visitor)));
            }
            Ok(known)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use deskbell_protocol::Verified;

    use super::*;

    fn vic(name: &str, email: &str, phone: &str, notes: &str, created_at: i64) -> Contact {
        let (name, email, phone, notes) = (name.to_owned(), email.to_owned(), phone.to_owned(), notes.to_owned());
        Contact { id: ContactId(1), name, email, phone, notes, created_at, verified: None }
    }

    #[test]
    fn nothing_that_is_known_of_two_entries_is_lost_when_they_become_one() {
        let one = vic("Vic", "", "1", "likes tea", 7);
        let other = vic("Victor", "vic@example.com", "1", "VIP", 3);
        assert_eq!(
            joined(one.clone(), &other).unwrap(),
            vic("Vic", "vic@example.com", "1", "likes tea\nVIP\nVictor", 3)
        );
        let empty = vic("", "", "", "", 9);
        assert_eq!(joined(empty.clone(), &other).unwrap(), vic("Victor", "vic@example.com", "1", "VIP", 3));
        assert_eq!(joined(other.clone(), &empty).unwrap(), other);
        let signed = |external_id: &str| {
            let verified = Verified { external_id: external_id.to_owned(), at: 1 };
            Contact { verified: Some(verified), ..vic("Vic", "", "", "", 1) }
        };
        assert_eq!(joined(one.clone(), &signed("7")).unwrap().verified.unwrap().external_id, "7");
        assert_eq!(joined(signed("7"), &signed("8")).unwrap_err().field.as_deref(), Some("contact"));
        let long = "x".repeat(NOTES_MAX);
        assert_eq!(joined(vic("", "", "", &long, 1), &other).unwrap_err().field.as_deref(), Some("contact"));
    }
}
