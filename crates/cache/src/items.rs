//! Projects, tickets and tasks, as the desk has them: what a person's conversations are about.

use std::cmp::Reverse;

use deskbell_protocol::{ContactId, Item, ItemState};

use crate::Cache;
use crate::error::CacheError;
use crate::queries::queries;

queries! {
    OF_PERSON = "SELECT data FROM entity INDEXED BY item_of_contact
            WHERE kind = 'item' AND json_extract(data, '$.contact') = ?1
        UNION ALL SELECT entity.data FROM conversation CROSS JOIN item_conversation
            ON item_conversation.conversation = conversation.id
            CROSS JOIN entity ON entity.kind = 'item' AND entity.id = item_conversation.item
            WHERE conversation.contact = ?1";
}

impl Cache {
    /// The items that are about a person or one of their conversations: first those that are to be done, newest first.
    ///
    /// # Errors
    /// [`CacheError`].
    pub fn items_of(&self, contact: ContactId, limit: u32) -> Result<Vec<Item>, CacheError> {
        let mut items: Vec<Item> = self.cache().read(|connection| {
            let mut statement = connection.prepare_cached(OF_PERSON)?;
            let rows: Vec<String> = statement.query_map([contact.0], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(rows.iter().map(|row| serde_json::from_str(row)).collect::<Result<_, _>>()?)
        })?;
        items.sort_unstable_by_key(|item| (item.state == ItemState::Closed, Reverse(item.number)));
        items.dedup_by_key(|item| item.id);
        items.truncate(limit as usize);
        Ok(items)
    }
}
