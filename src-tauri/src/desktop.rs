//! What differs between the systems, behind one trait. The decisions are made in shared code; each system
//! only carries them out.

use tauri::{AppHandle, Runtime};

/// A desktop.
pub(crate) trait Desktop: Send + Sync + 'static {
    /// Whether a tray icon can be seen. Only then may closing the window hide it.
    fn shows_tray(&self) -> bool;

    /// Whether the notification service reads markup in a toast's body, so that text must be escaped.
    fn toasts_read_markup(&self) -> bool;

    /// Shows a number on the app's icon; `None` removes it.
    fn badge(&self, count: Option<i64>);
}

/// The desktop this app was built for.
pub(crate) fn this<R: Runtime>(app: &AppHandle<R>) -> Box<dyn Desktop> {
    #[cfg(target_os = "linux")]
    return Box::new(linux::Linux::connect(&app.config().identifier));
    #[cfg(target_os = "windows")]
    return Box::new(windows::Windows { app: app.clone() });
    #[cfg(target_os = "macos")]
    return Box::new(macos::Macos { app: app.clone() });
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashMap;
    use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
    use std::time::{Duration, Instant};

    use zbus::blocking::Connection;
    use zbus::blocking::fdo::DBusProxy;
    use zbus::zvariant::Value;

    use super::Desktop;

    /// Owned by whoever draws tray icons; GNOME has nobody by default.
    const TRAY_OWNER: &str = "org.kde.StatusNotifierWatcher";

    /// The first window waits for this: the bus sets no limit to a service that hangs.
    const PATIENCE: Duration = Duration::from_secs(2);
    /// Numbers that wait for a bus that does not take them. What finds no place is made up for by the next one.
    const BADGES: usize = 16;

    /// A Linux desktop, through its session bus. Without a bus there is neither tray nor badge.
    pub(super) struct Linux {
        shows_tray: bool,
        toasts_read_markup: bool,
        badges: SyncSender<Option<i64>>,
    }

    impl Linux {
        /// Asks the bus once, on the thread that hands it badges later.
        pub(super) fn connect(identifier: &str) -> Self {
            let (say_tray, tray) = channel();
            let (say_markup, markup) = channel();
            let (badges, orders) = sync_channel(BADGES);
            let desktop_file = format!("application://{identifier}.desktop");
            let speak = move || {
                let Ok(bus) = Connection::session().inspect_err(|error| tracing::warn!(%error, "no session bus"))
                else {
                    return;
                };
                // What comes too late is heard by nobody.
                say_tray.send(shows_tray(&bus)).ok();
                say_markup.send(toasts_read_markup(&bus)).ok();
                badge_all(&bus, &desktop_file, &orders);
            };
            if let Err(error) = std::thread::Builder::new().name("desktop".into()).spawn(speak) {
                tracing::error!(%error, "neither tray nor badge: the thread could not be started");
            }
            let end = Instant::now() + PATIENCE;
            let left = || end.saturating_duration_since(Instant::now());
            // Where nobody answers, a window that is closed must not vanish, and escaping is the safe side.
            let shows_tray = tray.recv_timeout(left()).unwrap_or(false);
            let toasts_read_markup = markup.recv_timeout(left()).unwrap_or(true);
            Self { shows_tray, toasts_read_markup, badges }
        }
    }

    fn shows_tray(bus: &Connection) -> bool {
        let Ok(name) = TRAY_OWNER.try_into() else { return false };
        DBusProxy::new(bus).and_then(|proxy| proxy.name_has_owner(name).map_err(Into::into)).unwrap_or(false)
    }

    fn toasts_read_markup(bus: &Connection) -> bool {
        let answer = bus.call_method(
            Some("org.freedesktop.Notifications"),
            "/org/freedesktop/Notifications",
            Some("org.freedesktop.Notifications"),
            "GetCapabilities",
            &(),
        );
        // A service that cannot be asked may read markup: escaping is the safe side.
        answer
            .and_then(|answer| answer.body().deserialize::<Vec<String>>())
            .map_or(true, |capabilities| capabilities.iter().any(|capability| capability == "body-markup"))
    }

    /// The signal that docks of the Unity kind listen to; Tauri's own way needs a library that is seldom there.
    fn badge_all(bus: &Connection, desktop_file: &str, orders: &Receiver<Option<i64>>) {
        while let Ok(count) = orders.recv() {
            let properties: HashMap<&str, Value<'_>> = HashMap::from([
                ("count", Value::from(count.unwrap_or(0))),
                ("count-visible", Value::from(count.is_some())),
            ]);
            let sent = bus.emit_signal(
                None::<&str>,
                "/app/deskbell/desktop",
                "com.canonical.Unity.LauncherEntry",
                "Update",
                &(desktop_file, properties),
            );
            if let Err(error) = sent {
                tracing::warn!(%error, "no badge");
            }
        }
    }

    impl Desktop for Linux {
        fn shows_tray(&self) -> bool {
            self.shows_tray
        }

        fn toasts_read_markup(&self) -> bool {
            self.toasts_read_markup
        }

        fn badge(&self, count: Option<i64>) {
            // Without a bus nobody takes it, and that was told.
            self.badges.try_send(count).ok();
        }
    }
}

#[cfg(target_os = "windows")]
mod windows {
    use tauri::Manager as _;
    use tauri::image::Image;

    use super::*;
    use crate::window::MAIN;

    /// Windows has no numbered badge for such apps; a dot over the taskbar icon says that something is unread.
    pub(super) struct Windows<R: Runtime> {
        pub(super) app: AppHandle<R>,
    }

    impl<R: Runtime> Desktop for Windows<R> {
        fn shows_tray(&self) -> bool {
            true
        }

        fn toasts_read_markup(&self) -> bool {
            false
        }

        fn badge(&self, count: Option<i64>) {
            let Some(window) = self.app.get_webview_window(MAIN) else { return };
            let icon = count.and_then(|_| Image::from_bytes(include_bytes!("../../icons/tray/waiting.png")).ok());
            if let Err(error) = window.set_overlay_icon(icon) {
                tracing::warn!(%error, "no badge");
            }
        }
    }
}

#[cfg(target_os = "macos")]
mod macos {
    use tauri::Manager as _;

    use super::*;
    use crate::window::MAIN;

    /// macOS counts in the Dock.
    pub(super) struct Macos<R: Runtime> {
        pub(super) app: AppHandle<R>,
    }

    impl<R: Runtime> Desktop for Macos<R> {
        fn shows_tray(&self) -> bool {
            true
        }

        fn toasts_read_markup(&self) -> bool {
            false
        }

        fn badge(&self, count: Option<i64>) {
            let Some(window) = self.app.get_webview_window(MAIN) else { return };
            if let Err(error) = window.set_badge_count(count) {
                tracing::warn!(%error, "no badge");
            }
        }
    }
}
