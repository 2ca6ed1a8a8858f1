//! What the desk's owners decide while it is served. It stands in the database; everybody reads the copy in memory,
//! which is taken anew after every change.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use deskbell_protocol::http::{DeskSettings, DeskSettingsEdit, DeskTexts};
use deskbell_protocol::{EntityKind, FIELD_MAX, FILE_BYTES_MAX, Refusal};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::administration::Administration;
use crate::assignment;
use crate::authorize::Action;
use crate::desk::Core;
use crate::http::JSON_BYTES_MAX;
use crate::settings::form_of;
use crate::store::{Outcome, settings, visitors};
use crate::text;

/// The smallest limit of a file, in bytes.
const FILE_BYTES_MIN: i64 = 1024 * 1024;
/// The largest of a visitor's day, in bytes: 1 TB.
const DAY_BYTES_MAX: i64 = 1024 * 1024 * 1024 * 1024;
/// Longest time that pages are kept, in days; 0 stands for ever.
const PAGE_DAYS_MAX: u32 = 3_650;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Characters of a text.
const TEXT_MAX: usize = 500;
/// Largest body that tells of the settings, in bytes: what the desk says online and offline, in all its languages.
pub(crate) const BODY_BYTES_MAX: usize = JSON_BYTES_MAX + text::json_bytes(2 * TEXT_MAX * text::LANGUAGES_MAX);

/// Rows that one transaction brings into line; the desk answers between two of them.
const ROWS_AT_ONCE: i64 = 500;
/// Pages grow old by themselves.
const LOOK_AGAIN: Duration = Duration::from_secs(60 * 60);

/// The settings as they are now.
pub(crate) struct Live {
    now: RwLock<Arc<DeskSettings>>,
    changed: Notify,
}

impl Live {
    pub(crate) fn new(settings: DeskSettings) -> Self {
        Self { now: RwLock::new(Arc::new(settings)), changed: Notify::new() }
    }

    pub(crate) fn get(&self) -> Arc<DeskSettings> {
        Arc::clone(&self.now.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Follows a commit, on the writer's thread: what was written last is what everybody reads.
    fn set(&self, settings: DeskSettings) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
        self.changed.notify_one();
    }
}

/// Texts within their bounds, by languages as they are compared.
fn checked_texts(given: BTreeMap<String, DeskTexts>) -> Result<BTreeMap<String, DeskTexts>, Refusal> {
    let mut checked = text::tagged("texts", given)?;
    for texts in checked.values_mut() {
        texts.online = text::field("texts.online", &texts.online, TEXT_MAX)?;
        texts.offline = text::field("texts.offline", &texts.offline, TEXT_MAX)?;
    }
    checked.retain(|_, texts| !texts.is_empty());
    Ok(checked)
}

/// What the desk says of itself to somebody with a language: in just that one, or in the one without a region.
pub(crate) fn texts_for(settings: &DeskSettings, language: &str) -> DeskTexts {
    let tag = language.to_ascii_lowercase();
    let of = |tag: &str| settings.texts.get(tag).cloned().unwrap_or_default();
    let (just, plain) = (of(&tag), of(tag.split('-').next().unwrap_or_default()));
    let first = |just: String, plain: String| if just.is_empty() { plain } else { just };
    DeskTexts { online: first(just.online, plain.online), offline: first(just.offline, plain.offline) }
}

/// The settings after an edit.
fn edited(before: &DeskSettings, edit: DeskSettingsEdit) -> Result<DeskSettings, Refusal> {
    let between = |field: &str, value: i64, least: i64, most: i64| {
        let rule = || Refusal::invalid(field, &format!("is {least} to {most}"));
        if (least..=most).contains(&value) { Ok(value) } else { Err(rule()) }
    };
    let mut after = before.clone();
    let DeskSettingsEdit {
        desk,
        store_ip,
        file_bytes_max,
        visitor_upload_bytes_a_day,
        page_days,
        assignment,
        offline,
        texts,
    } = edit;
    if let Some(desk) = desk {
        after.desk = text::named("desk", &desk)?;
    }
    if let Some(form) = store_ip {
        after.store_ip = form;
    }
    if let Some(bytes) = file_bytes_max {
        let most = i64::try_from(FILE_BYTES_MAX).unwrap_or(i64::MAX);
        after.file_bytes_max = between("file_bytes_max", bytes, FILE_BYTES_MIN, most)?;
    }
    if let Some(bytes) = visitor_upload_bytes_a_day {
        after.visitor_upload_bytes_a_day = between("visitor_upload_bytes_a_day", bytes, 0, DAY_BYTES_MAX)?;
    }
    if let Some(days) = page_days {
        between("page_days", i64::from(days), 0, i64::from(PAGE_DAYS_MAX))?;
        after.page_days = days;
    }
    if let Some(assignment) = assignment {
        after.assignment = assignment::checked(assignment)?;
    }
    if let Some(offline) = offline {
        after.offline = offline;
    }
    if let Some(texts) = texts {
        after.texts = checked_texts(texts)?;
    }
    Ok(after)
}

/// What changed, for the log of changes.
fn changes(before: &DeskSettings, after: &DeskSettings) -> Outcome<String> {
    let (before, after) = (serde_json::to_value(before)?, serde_json::to_value(after)?);
    let fields = after.as_object().into_iter().flatten().filter(|(name, value)| before.get(name) != Some(value));
    let told = fields.map(|(name, value)| format!("{name}: {} -> {value}", before[name.as_str()]));
    Ok(text::cut(&told.collect::<Vec<_>>().join(", "), 4 * FIELD_MAX))
}

impl Administration {
    /// What the desk's owners have decided.
    pub fn settings(&self) -> DeskSettings {
        DeskSettings::clone(&self.core.live.get())
    }

    /// Decides otherwise. It holds from the next request on; rows that were kept before are brought into line soon after.
    ///
    /// # Errors
    /// `invalid`, with the field and its rule; nothing is changed then.
    pub async fn edit_settings(&self, edit: DeskSettingsEdit) -> Result<DeskSettings, Refusal> {
        self.decide(Action::ManageSettings, edit).await
    }

    /// Switches the whole desk online or offline. Apps and messengers are told at once.
    ///
    /// # Errors
    /// `not_found` without the right to it.
    pub async fn switch(&self, online: bool) -> Result<(), Refusal> {
        let edit = DeskSettingsEdit { offline: Some(!online), ..DeskSettingsEdit::default() };
        self.decide(Action::SwitchDesk, edit).await.map(drop)
    }

    async fn decide(&self, action: Action, edit: DeskSettingsEdit) -> Result<DeskSettings, Refusal> {
        let (actor, live, hub) = (self.actor.clone(), Arc::clone(&self.core.live), Arc::clone(&self.core.hub));
        self.write_and_tell(move |write| {
            actor.may(write.connection, action)?;
            let before = settings::find(write.connection)?;
            let after = edited(&before, edit)?;
            if after != before {
                settings::put(write.connection, &after)?;
                actor.did(write, "edit", "settings", None, changes(&before, &after)?)?;
            }
            let decided = after.clone();
            write.then(move || {
                live.set(decided);
                hub.assigning.notify_one();
            });
            Ok(after)
        })
        .await
    }
}

/// Brings rows that were kept before into line with the settings: at the start, after each change, and every hour.
pub(crate) async fn run(core: Arc<Core>, cancelled: CancellationToken) {
    loop {
        let done = tokio::select! {
            () = cancelled.cancelled() => return,
            done = align(&core) => done,
        };
        if let Err(failure) = done {
            tracing::warn!(?failure, "what was kept could not be brought into line; it is tried again within an hour");
        }
        tokio::select! {
            () = cancelled.cancelled() => return,
            () = core.live.changed.notified() => {}
            () = tokio::time::sleep(LOOK_AGAIN) => {}
        }
    }
}

async fn align(core: &Core) -> Outcome<()> {
    let DeskSettings { store_ip, page_days, .. } = *core.live.get();
    let mut after = Some(0);
    while let Some(last) = after {
        after = core
            .writer
            .submit(move |write| {
                let rows = visitors::addresses(write.connection, last, ROWS_AT_ONCE)?;
                for (id, kept) in &rows {
                    let fitting = form_of(store_ip, kept);
                    if fitting != *kept {
                        visitors::set_address(write.connection, *id, &fitting)?;
                        write.touch(EntityKind::Visitor, id.0)?;
                    }
                }
                Ok(rows.last().map(|(id, _)| id.0))
            })
            .await?;
    }
    if page_days == 0 {
        return Ok(());
    }
    let age = i64::from(page_days) * DAY_MS;
    while core
        .writer
        .submit(move |write| {
            let rows = visitors::pages_before(write.connection, write.now - age, ROWS_AT_ONCE)?;
            for (page, visitor) in &rows {
                visitors::drop_page(write.connection, *page)?;
                write.touch(EntityKind::Visitor, visitor.0)?;
            }
            Ok(!rows.is_empty())
        })
        .await?
    {}
    Ok(())
}

impl Core {
    /// The desk's name, shown to agents and visitors.
    pub(crate) fn name(&self) -> String {
        self.live.get().desk.clone()
    }
}
