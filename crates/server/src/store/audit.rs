//! Who changed what of the desk itself.

use deskbell_protocol::http::AuditEntry;
use deskbell_protocol::{AgentId, Timestamp};

use super::database::{self, Connection, params};
use super::queries;

queries! {
    ADD = "INSERT INTO audit (id, at, actor, actor_name, address, action, kind, object, detail)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    PAGE = "SELECT id, at, actor, actor_name, address, action, kind, object, detail FROM audit
        WHERE id < ?1 ORDER BY id DESC LIMIT ?2";
}

pub(crate) fn add(connection: &Connection, entry: &AuditEntry) -> database::Result<()> {
    let AuditEntry { id, at, actor, actor_name, address, action, kind, object, detail } = entry;
    connection
        .change(ADD, params![id, at, actor.map(|agent| agent.0), actor_name, address, action, kind, object, detail])?;
    Ok(())
}

/// The newest entries below `before`.
pub(crate) fn page(connection: &Connection, before: i64, limit: u32) -> database::Result<Vec<AuditEntry>> {
    connection.all(PAGE, params![before, limit], |row| {
        Ok(AuditEntry {
            id: row.get(0)?,
            at: row.get::<Timestamp>(1)?,
            actor: row.get::<Option<i64>>(2)?.map(AgentId),
            actor_name: row.get(3)?,
            address: row.get(4)?,
            action: row.get(5)?,
            kind: row.get(6)?,
            object: row.get(7)?,
            detail: row.get(8)?,
        })
    })
}
