//! The native program around the app's commands.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use deskbell_api::types::ApiError;
use deskbell_api::{ConversationRef, Host, HostFuture, KeyStore, LocalDesk, Surroundings};
use deskbell_attention::{Action, Alert, Badge, Calmed, Flash, Sound, Toast, ToastKind, escape_markup};
use deskbell_catalogue::Catalogue;
use deskbell_keychain::SystemKeychain;
use deskbell_protocol::Timestamp;
use tauri::{AppHandle, Manager, Runtime, UserAttentionType};
use tauri_plugin_notification::{Action as Button, ActionType, NotificationExt};
use tauri_plugin_opener::OpenerExt;
use url::Url;

use crate::apart::Apart;
use crate::desktop::Desktop;
use crate::local_desk::LocalDeskRunner;
use crate::sound::Sounds;
use crate::tray::Tray;
use crate::window::MAIN;

/// How long the notification service may take until it counts as showing nothing.
const PATIENCE: Duration = Duration::from_secs(2);

/// Carries the conversation in a toast.
pub(crate) const CONVERSATION: &str = "conversation";

/// What needs the running app, set once it runs.
struct Running<R: Runtime> {
    app: AppHandle<R>,
    desktop: Box<dyn Desktop>,
    tray: Option<Tray<R>>,
    shown: Mutex<Option<Surroundings>>,
}

/// The native host.
pub(crate) struct NativeHost<R: Runtime> {
    running: OnceLock<Running<R>>,
    sounds: Sounds,
    toasts: Apart,
    local_desk: Arc<LocalDeskRunner>,
    /// Keys are kept in files, because this run was told so.
    key_file: bool,
}

impl<R: Runtime> NativeHost<R> {
    /// A host whose desk, if one is wanted, is run by `local_desk`, and which uses no keychain with `key_file`.
    pub(crate) fn new(local_desk: Arc<LocalDeskRunner>, key_file: bool) -> Self {
        Self { running: OnceLock::new(), sounds: Sounds::start(), toasts: Apart::start(PATIENCE), local_desk, key_file }
    }

    /// Takes the running app. Alerts raised before are lost, so this comes first.
    pub(crate) fn run_in(&self, app: AppHandle<R>, desktop: Box<dyn Desktop>, tray: Option<Tray<R>>) {
        if self.running.set(Running { app, desktop, tray, shown: Mutex::new(None) }).is_err() {
            tracing::error!("the host runs in an app already");
        }
    }
}

impl<R: Runtime> Running<R> {
    /// What puts a toast up, in the place of an earlier one. It tells whether the notification service took it.
    fn toast(&self, toast: Toast<ConversationRef>, words: &Catalogue) -> impl FnOnce() -> bool + Send + use<R> {
        let title = match toast.kind {
            ToastKind::NewChat => words.toast_new_chat(&toast.title_name),
            ToastKind::Mention => match &toast.group {
                Some(place) => words.toast_mention_in(&toast.title_name, place),
                None => words.toast_mention(&toast.title_name),
            },
            ToastKind::Message => match &toast.group {
                Some(group) => words.toast_in_group(group, &toast.title_name),
                None => words.toast_message(&toast.title_name),
            },
        };
        let title = match toast.desk {
            Some(desk) => words.toast_at_desk(&desk, &title),
            None => title,
        };
        let body = match (toast.body, toast.file) {
            (Some(body), _) => body,
            (None, Some(file)) => words.toast_file(&file),
            (None, None) => words.toast_hidden_text(),
        };
        let body = if self.desktop.toasts_read_markup() { escape_markup(&body) } else { body };
        // Buttons belong to a type that is registered first; the words may have changed since the last toast.
        let kind = toast.actions.iter().map(|action| action.id()).collect::<Vec<_>>().join("+");
        let buttons = toast
            .actions
            .iter()
            .map(|action| {
                let label = match action {
                    Action::Open => words.action_open(),
                    Action::AssignToMe => words.action_assign(),
                };
                Button::builder(action.id(), label).build()
            })
            .collect();
        let (app, conversation) = (self.app.clone(), toast.conversation);
        move || {
            let notifications = app.notification();
            let id = toast_id(conversation);
            if let Err(error) = notifications.remove_active(vec![id]) {
                tracing::debug!(%error, "the toast before stays");
            }
            let shown = notifications
                .register_action_types(vec![ActionType::builder(&kind).actions(buttons).build()])
                .and_then(|()| {
                    notifications
                        .builder()
                        .id(id)
                        .title(title)
                        .body(body)
                        .action_type_id(kind)
                        .extra(CONVERSATION, conversation.to_string())
                        .show()
                });
            if let Err(error) = &shown {
                tracing::error!(%error, "no toast");
            }
            shown.is_ok()
        }
    }

    /// Whether the window system took it.
    fn flash(&self, flash: Flash) -> bool {
        let Some(window) = self.app.get_webview_window(MAIN) else { return false };
        let kind = match flash {
            Flash::None => return false,
            Flash::Informational => UserAttentionType::Informational,
            Flash::Critical => UserAttentionType::Critical,
        };
        let flashes = window.request_user_attention(Some(kind));
        if let Err(error) = &flashes {
            tracing::error!(%error, "the window does not flash");
        }
        flashes.is_ok()
    }
}

/// A toast's number: its conversation's and its account's, folded into the 31 bits that notification services take.
fn toast_id(conversation: ConversationRef) -> i32 {
    let ConversationRef { account, id } = conversation;
    // Multiplied, the few accounts differ in all bits, and the same conversation of two desks has two toasts.
    let account = i64::from(account.0.wrapping_mul(0x9e37_79b1));
    i32::try_from((id.0 ^ (id.0 >> 31) ^ account) & i64::from(i32::MAX)).unwrap_or(0)
}

impl<R: Runtime> Host for NativeHost<R> {
    fn now(&self) -> Timestamp {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| Timestamp::try_from(since.as_millis()).unwrap_or(0))
    }

    fn device(&self) -> String {
        gethostname::gethostname().to_string_lossy().into_owned()
    }

    fn language_tag(&self) -> String {
        sys_locale::get_locale().unwrap_or_default()
    }

    fn alert(&self, alert: Alert<ConversationRef>, words: &Catalogue) -> bool {
        let Some(running) = self.running.get() else { return false };
        let heard = alert.sound.is_some_and(|sound| self.sounds.play(sound));
        let flashes = running.flash(alert.flash);
        let shown = alert.toast.is_some_and(|toast| self.toasts.ask(running.toast(toast, words)).unwrap_or(false));
        heard || flashes || shown
    }

    fn sound(&self, sound: Sound) {
        self.sounds.play(sound);
    }

    fn calm(&self, conversation: ConversationRef, calmed: Calmed) {
        let Some(running) = self.running.get() else { return };
        let app = running.app.clone();
        self.toasts.tell(move || {
            if let Err(error) = app.notification().remove_active(vec![toast_id(conversation)]) {
                tracing::debug!(%error, "the toast stays until it times out");
            }
        });
        if !calmed.others_want_attention
            && let Some(window) = running.app.get_webview_window(MAIN)
            && let Err(error) = window.request_user_attention(None)
        {
            tracing::debug!(%error, "the window goes on flashing until it is focused");
        }
    }

    fn surroundings(&self, surroundings: &Surroundings, words: &Catalogue) {
        let Some(running) = self.running.get() else { return };
        {
            let mut shown = running.shown.lock().unwrap_or_else(PoisonError::into_inner);
            if shown.as_ref() == Some(surroundings) {
                return;
            }
            *shown = Some(surroundings.clone());
        }
        running.desktop.badge(Badge::new(surroundings.counts.unread).count());
        if let Some(window) = running.app.get_webview_window(MAIN)
            && let Err(error) = window.set_title(&words.window_title(surroundings.counts.unread))
        {
            tracing::warn!(%error, "the window's title stays");
        }
        if let Some(tray) = &running.tray
            && let Err(error) = tray.show(surroundings, words)
        {
            tracing::warn!(%error, "the tray shows an older state");
        }
    }

    fn open_in_browser(&self, url: &Url) -> Result<(), ApiError> {
        let running = self.running.get().ok_or_else(|| ApiError::internal("not running yet"))?;
        running.app.opener().open_url(url.as_str(), None::<&str>).map_err(ApiError::internal)
    }

    fn downloads(&self) -> PathBuf {
        let system = self.running.get().and_then(|running| running.app.path().download_dir().ok());
        system.unwrap_or_else(|| self.local_desk.data().join("downloads"))
    }

    fn key_store(&self) -> Option<Arc<dyn KeyStore>> {
        if self.key_file { None } else { Some(Arc::new(SystemKeychain)) }
    }

    fn local_desk(&self) -> HostFuture<Result<LocalDesk, ApiError>> {
        let runner = Arc::clone(&self.local_desk);
        Box::pin(async move { runner.start().await })
    }
}
