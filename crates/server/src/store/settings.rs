//! What the desk's owners decide while it is served.

use deskbell_protocol::http::{DeskSettings, StoreIp};
use rusqlite::{Connection, params};

use super::assignments::{rule_code, rule_from};
use super::queries;

queries! {
    FIND = "SELECT desk.name, store_ip, file_bytes_max, visitor_upload_bytes_a_day, page_days,
            assign_rule, assign_capacity, assign_back_s, offline, texts
        FROM settings JOIN desk ON desk.id = settings.id WHERE settings.id = 1";
    BEGIN = "INSERT OR IGNORE INTO settings (id, store_ip, file_bytes_max, visitor_upload_bytes_a_day, page_days)
        VALUES (1, ?1, ?2, ?3, ?4)";
    PUT = "UPDATE settings SET store_ip = ?1, file_bytes_max = ?2, visitor_upload_bytes_a_day = ?3, page_days = ?4,
            assign_rule = ?5, assign_capacity = ?6, assign_back_s = ?7, offline = ?8, texts = ?9
        WHERE id = 1";
    RENAME = "UPDATE desk SET name = ?1 WHERE id = 1";
}

fn code(form: StoreIp) -> i64 {
    match form {
        StoreIp::Whole => 0,
        StoreIp::Truncated => 1,
        StoreIp::None => 2,
    }
}

/// Makes the row when there is none; the name stays as it is.
pub(crate) fn begin(connection: &Connection, first: &DeskSettings) -> rusqlite::Result<()> {
    let DeskSettings { desk: _, store_ip, file_bytes_max, visitor_upload_bytes_a_day, page_days, .. } = first;
    let values = params![code(*store_ip), file_bytes_max, visitor_upload_bytes_a_day, page_days];
    connection.execute(BEGIN, values)?;
    Ok(())
}

pub(crate) fn find(connection: &Connection) -> rusqlite::Result<DeskSettings> {
    connection.prepare_cached(FIND)?.query_row([], |row| {
        let store_ip = match row.get(1)? {
            0 => StoreIp::Whole,
            1 => StoreIp::Truncated,
            // Of what an unknown version decided, nothing is the safest.
            _ => StoreIp::None,
        };
        Ok(DeskSettings {
            desk: row.get(0)?,
            store_ip,
            file_bytes_max: row.get(2)?,
            visitor_upload_bytes_a_day: row.get(3)?,
            page_days: row.get(4)?,
            assignment: rule_from(row, 5)?,
            offline: row.get(8)?,
            texts: serde_json::from_str(&row.get::<_, String>(9)?).unwrap_or_default(),
        })
    })
}

pub(crate) fn put(connection: &Connection, settings: &DeskSettings) -> rusqlite::Result<()> {
    let DeskSettings {
        desk,
        store_ip,
        file_bytes_max,
        visitor_upload_bytes_a_day,
        page_days,
        assignment,
        offline,
        texts,
    } = settings;
    let values = params![
        code(*store_ip),
        file_bytes_max,
        visitor_upload_bytes_a_day,
        page_days,
        rule_code(assignment.rule),
        assignment.capacity,
        assignment.back_after_s,
        offline,
        serde_json::to_string(texts).unwrap_or_default()
    ];
    connection.prepare_cached(PUT)?.execute(values)?;
    connection.prepare_cached(RENAME)?.execute([desk])?;
    Ok(())
}
