//! Visitors who may not write: by the person, or by where they are. Nothing here is ever asked of an agent, so that
//! nobody can lock the desk's own people out.

use std::net::IpAddr;
use std::sync::Arc;

use deskbell_protocol::http::{Block, Blocked, Blocks, NewBlock};
use deskbell_protocol::{FIELD_MAX, Refusal};
use ipnet::IpNet;

use crate::administration::{Administration, refuse};
use crate::authorize::Action;
use crate::store::{Failure, blocks, merges, visitors};
use crate::text;

/// Most blocks of one page.
const PAGE: u32 = 100;
/// Smallest prefixes: whoever blocks more has mistyped it.
const PREFIX_MIN: (u8, u8) = (8, 16);

/// An address or a range of them, in its plainest form.
fn network(given: &str) -> Result<IpNet, Refusal> {
    let rule = "is an address such as 203.0.113.7, or a range such as 203.0.113.0/24 or 2001:db8::/32";
    let given = given.trim();
    let read = given.parse::<IpNet>().ok().or_else(|| given.parse::<IpAddr>().ok().map(IpNet::from));
    let network = read.ok_or_else(|| Refusal::invalid("blocked.network", rule))?.trunc();
    // Visitors are known by the plain form of their addresses.
    let network = match network.network().to_canonical() {
        IpAddr::V4(v4) if network.prefix_len() >= 96 && network.network().is_ipv6() => {
            IpNet::new(IpAddr::V4(v4), network.prefix_len() - 96).unwrap_or(network)
        }
        _ => network,
    };
    let least = if network.network().is_ipv4() { PREFIX_MIN.0 } else { PREFIX_MIN.1 };
    if network.prefix_len() < least {
        return Err(Refusal::invalid("blocked.network", &format!("is no larger than a /{least}")));
    }
    Ok(network)
}

/// What was blocked, for the log of changes.
fn told(block: &Block) -> String {
    let whom = match &block.blocked {
        Blocked::Contact { contact } => format!("contact={contact}"),
        Blocked::Network { network } => format!("network={network}"),
    };
    let until = block.expires_at.map_or_else(|| "never".to_owned(), |time| time.to_string());
    text::cut(&format!("{whom} expires_at={until} reason={}", block.reason), 4 * FIELD_MAX)
}

impl Administration {
    /// Who is blocked now, newest first: those below `before`, at most a hundred.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn blocks(&self, before: Option<i64>) -> Result<Blocks, Refusal> {
        let read = self
            .core
            .readers
            .read(move |connection| Ok(blocks::page(connection, before.unwrap_or(i64::MAX), crate::clock(), PAGE)?));
        Ok(Blocks { blocks: read.await.map_err(refuse)? })
    }

    /// Blocks a person or a range of addresses. Whoever is connected and concerned is sent away at once.
    ///
    /// # Errors
    /// `invalid`, with the field; `not_found` when there is no such person.
    pub async fn block(&self, new: NewBlock) -> Result<Block, Refusal> {
        let reason = text::long_field("reason", &new.reason, FIELD_MAX)?;
        let range = match &new.blocked {
            Blocked::Contact { .. } => None,
            Blocked::Network { network: given } => Some(network(given)?),
        };
        let (actor, hub) = (self.actor.clone(), Arc::clone(&self.core.hub));
        self.write(move |write| {
            actor.may(write.connection, Action::ManageBlocks)?;
            if new.expires_at.is_some_and(|time| time <= write.now) {
                return Err(Refusal::invalid("expires_at", "must be in the future").into());
            }
            let (blocked, concerned) = match (new.blocked, range) {
                (Blocked::Contact { contact }, _) => {
                    let contact = merges::resolve(write.connection, contact)?;
                    visitors::find_contact(write.connection, contact)?.ok_or_else(|| Failure::not_found("person"))?;
                    (Blocked::Contact { contact }, blocks::visitors(write.connection, contact)?)
                }
                (other, None) => (other, Vec::new()),
                (_, Some(range)) => (Blocked::Network { network: range.to_string() }, Vec::new()),
            };
            let (id, created_by) = (write.new_id(), actor.id());
            let (created_at, expires_at) = (write.now, new.expires_at);
            let block = Block { id, blocked, reason, created_by, created_at, expires_at };
            blocks::add(write.connection, &block, range)?;
            actor.did(write, "add", "block", Some(id), told(&block))?;
            write.then(move || {
                hub.send_away(|visitor, _, address| {
                    concerned.contains(&visitor) || range.is_some_and(|range| range.contains(&address.to_canonical()))
                });
            });
            Ok(block)
        })
        .await
    }

    /// Lets somebody write again.
    ///
    /// # Errors
    /// `not_found` when there is no such block.
    pub async fn unblock(&self, id: i64) -> Result<(), Refusal> {
        let actor = self.actor.clone();
        self.write(move |write| {
            actor.may(write.connection, Action::ManageBlocks)?;
            let block = blocks::find(write.connection, id)?.ok_or_else(|| Failure::not_found("block"))?;
            blocks::drop(write.connection, id)?;
            actor.did(write, "delete", "block", Some(id), told(&block))
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_range_is_read_in_any_form_and_kept_in_its_plainest() {
        for (given, kept) in [
            (" 203.0.113.7 ", "203.0.113.7/32"),
            ("203.0.113.7/24", "203.0.113.0/24"),
            ("2001:DB8::7", "2001:db8::7/128"),
            ("2001:db8:1::/32", "2001:db8::/32"),
            ("::ffff:203.0.113.7", "203.0.113.7/32"),
            ("10.0.0.0/8", "10.0.0.0/8"),
        ] {
            assert_eq!(network(given).unwrap().to_string(), kept, "{given}");
        }
        for wrong in
            ["", "shop.example", "203.0.113.256", "203.0.113.0/33", "0.0.0.0/0", "10.0.0.0/7", "2001::/15", "::/0"]
        {
            assert_eq!(network(wrong).unwrap_err().field.as_deref(), Some("blocked.network"), "{wrong}");
        }
    }
}
