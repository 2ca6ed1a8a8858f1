//! The tray icon: its shape tells the state, its menu leads back to the app.

use std::sync::{Mutex, PoisonError};

use deskbell_api::Surroundings;
use deskbell_attention::{Connection, TrayState};
use deskbell_catalogue::Catalogue;
use tauri::image::Image;
use tauri::menu::{CheckMenuItem, Menu, MenuItem, PredefinedMenuItem};
use tauri::tray::{MouseButton, MouseButtonState, TrayIcon, TrayIconBuilder, TrayIconEvent};
use tauri::{AppHandle, Manager, Runtime};

use deskbell_api::App;

use crate::window;

const OPEN: &str = "open";
const NEXT: &str = "next";
const MUTE: &str = "mute";
const QUIT: &str = "quit";

/// The tray icon with the items whose words change. Items are made once and only reworded, because Linux
/// cannot replace a tray's menu.
pub(crate) struct Tray<R: Runtime> {
    icon: TrayIcon<R>,
    status: MenuItem<R>,
    open: MenuItem<R>,
    next: MenuItem<R>,
    mute: CheckMenuItem<R>,
    quit: MenuItem<R>,
    shown: Mutex<Option<TrayState>>,
}

impl<R: Runtime> Tray<R> {
    /// Puts the icon into the tray.
    ///
    /// # Errors
    /// When the system has no tray at all.
    pub(crate) fn place(app: &AppHandle<R>, words: &Catalogue) -> tauri::Result<Self> {
        let status = MenuItem::new(app, words.tray_status_offline(), false, None::<&str>)?;
        let open = MenuItem::with_id(app, OPEN, words.tray_open(), true, None::<&str>)?;
        let next = MenuItem::with_id(app, NEXT, words.tray_next_waiting(), false, None::<&str>)?;
        let mute = CheckMenuItem::with_id(app, MUTE, words.tray_mute(), true, false, None::<&str>)?;
        let quit = MenuItem::with_id(app, QUIT, words.tray_quit(), true, None::<&str>)?;
        let menu = Menu::with_items(
            app,
            &[
                &status,
                &open,
                &next,
                &PredefinedMenuItem::separator(app)?,
                &mute,
                &PredefinedMenuItem::separator(app)?,
                &quit,
            ],
        )?;
        let icon = TrayIconBuilder::with_id("deskbell")
            .icon(image(TrayState::Offline)?)
            .tooltip("Deskbell")
            .menu(&menu)
            .show_menu_on_left_click(cfg!(target_os = "macos"))
            .on_menu_event(|app, event| match event.id().as_ref() {
                OPEN => window::show(app),
                NEXT => {
                    window::show(app);
                    app.state::<App>().ask_for(None);
                }
                MUTE => mute_or_unmute(app),
                QUIT => crate::quit(app),
                _ => {}
            })
            .on_tray_icon_event(|tray, event| {
                if let TrayIconEvent::Click { button: MouseButton::Left, button_state: MouseButtonState::Up, .. } =
                    event
                {
                    window::show(tray.app_handle());
                }
            })
            .build(app)?;
        Ok(Self { icon, status, open, next, mute, quit, shown: Mutex::new(None) })
    }

    /// Shows the state.
    ///
    /// # Errors
    /// When the system refuses.
    pub(crate) fn show(&self, surroundings: &Surroundings, words: &Catalogue) -> tauri::Result<()> {
        let Surroundings { tray: state, counts, connection, sounds, .. } = surroundings;
        let status = match connection {
            Connection::Expired => words.tray_status_expired(),
            Connection::Offline => words.tray_status_offline(),
            Connection::Online | Connection::Partly if counts.waiting > 0 => words.tray_waiting(counts.waiting),
            Connection::Online | Connection::Partly if counts.unread > 0 => words.tray_unread(counts.unread),
            Connection::Partly => words.tray_status_partly(),
            Connection::Online => words.tray_status_online(),
        };
        self.icon.set_tooltip(Some(format!("Deskbell: {status}")))?;
        self.status.set_text(status)?;
        self.open.set_text(words.tray_open())?;
        self.next.set_text(words.tray_next_waiting())?;
        self.next.set_enabled(counts.waiting > 0)?;
        self.mute.set_text(words.tray_mute())?;
        self.mute.set_checked(!*sounds)?;
        self.quit.set_text(words.tray_quit())?;
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if *shown != Some(*state) {
            self.icon.set_icon(Some(image(*state)?))?;
            *shown = Some(*state);
        }
        Ok(())
    }
}

fn image(state: TrayState) -> tauri::Result<Image<'static>> {
    Image::from_bytes(match state {
        TrayState::Online => include_bytes!("../../icons/tray/online.png"),
        TrayState::Waiting => include_bytes!("../../icons/tray/waiting.png"),
        TrayState::Offline => include_bytes!("../../icons/tray/offline.png"),
    })
}

fn mute_or_unmute<R: Runtime>(app: &AppHandle<R>) {
    let core = app.state::<App>().inner().clone();
    // Runs to its end by itself: one small file is written.
    tauri::async_runtime::spawn(async move {
        let mut settings = core.settings();
        settings.sounds = !settings.sounds;
        if let Err(error) = core.save_settings(settings).await {
            tracing::error!(%error, "the sounds could not be switched");
        }
    });
}
