//! What the desk's owners decide while it is served.

use deskbell_protocol::http::{DeskSettings, StoreIp};

use super::assignments::{rule_code, rule_from};
use super::database::{self, Connection, params};
use super::queries;

queries! {
    FIND = "SELECT desk.name, store_ip, file_bytes_max, visitor_upload_bytes_a_day, page_days,
            assign_rule, assign_capacity, assign_back_s, offline, texts
        FROM settings JOIN desk ON desk.id = settings.id WHERE settings.id = 1";
    BEGIN = "INSERT INTO settings (id, store_ip, file_bytes_max, visitor_upload_bytes_a_day, page_days)
        VALUES (1, ?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";
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
pub(crate) fn begin(connection: &Connection, first: &DeskSettings) -> database::Result<()> {
    let DeskSettings { desk: _, store_ip, file_bytes_max, visitor_upload_bytes_a_day, page_days, .. } = first;
    connection.change(BEGIN, params![code(*store_ip), file_bytes_max, visitor_upload_bytes_a_day, page_days])?;
    Ok(())
}

pub(crate) fn find(connection: &Connection) -> database::Result<DeskSettings> {
    connection.one(FIND, params![], |row| {
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
            texts: serde_json::from_str(&row.get::<String>(9)?).unwrap_or_default(),
        })
    })
}

pub(crate) fn put(connection: &Connection, settings: &DeskSettings) -> database::Result<()> {
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
    connection.change(
        PUT,
        params![
            code(*store_ip),
            file_bytes_max,
            visitor_upload_bytes_a_day,
            page_days,
            rule_code(assignment.rule),
            assignment.capacity,
            assignment.back_after_s,
            offline,
            serde_json::to_string(texts).unwrap_or_default()
        ],
    )?;
    connection.change(RENAME, params![desk])?;
    Ok(())
}
