//! The app's one window.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use deskbell_api::App;
use tauri::webview::NewWindowResponse;
use tauri::{AppHandle, Manager, Runtime, WebviewUrl, WebviewWindow, WebviewWindowBuilder, WindowEvent};

use tauri_plugin_notification::NotificationExt as _;

use crate::arguments::Arguments;
use crate::measure;

/// The window's label; its capability names it.
pub const MAIN: &str = "main";

/// Whether closing the window leaves the app in a tray that people can see.
#[derive(Default)]
pub struct TrayShown(pub AtomicBool);

/// A file that says that the person was told where the window went.
pub struct Hint(pub PathBuf);

/// Opens the window.
///
/// # Errors
/// When the system cannot open one.
pub fn open<R: Runtime>(app: &AppHandle<R>, arguments: &Arguments) -> tauri::Result<WebviewWindow<R>> {
    let page = if arguments.empty_window { "empty.html" } else { "index.html" };
    let builder = WebviewWindowBuilder::new(app, MAIN, WebviewUrl::App(page.into()))
        .title("Deskbell")
        .inner_size(1280.0, 800.0)
        .min_inner_size(900.0, 600.0)
        .visible(!arguments.hidden)
        // Files are dropped on the page, which knows for which chat they are.
        .disable_drag_drop_handler()
        // The page is the app's own and stays so; nothing a visitor wrote can lead it elsewhere.
        .on_navigation(|url| {
            matches!(url.scheme(), "tauri") || (url.scheme() == "http" && url.host_str() == Some("tauri.localhost"))
        })
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_download(|_, _| false);
    let builder = if arguments.measure { measure::watch(builder) } else { builder };
    let window = builder.build()?;
    let handle = app.clone();
    window.on_window_event(move |event| {
        if let WindowEvent::CloseRequested { api, .. } = event
            && handle.state::<TrayShown>().0.load(Ordering::Relaxed)
        {
            api.prevent_close();
            hide(&handle);
        }
    });
    Ok(window)
}

/// Brings the window to the front.
pub fn show<R: Runtime>(app: &AppHandle<R>) {
    let Some(window) = app.get_webview_window(MAIN) else { return };
    for step in [window.show(), window.unminimize(), window.set_focus()] {
        if let Err(error) = step {
            tracing::warn!(%error, "the window could not be brought to the front");
        }
    }
}

fn hide<R: Runtime>(app: &AppHandle<R>) {
    if let Some(window) = app.get_webview_window(MAIN)
        && let Err(error) = window.hide()
    {
        tracing::warn!(%error, "the window could not be hidden");
    }
    let hint = &app.state::<Hint>().0;
    if hint.exists() {
        return;
    }
    let words = app.state::<App>().catalogue();
    let told = app.notification().builder().title(words.still_running_title()).body(words.still_running_body()).show();
    if let Err(error) = told {
        tracing::warn!(%error, "the person was not told that the app goes on");
    }
    if let Err(error) = std::fs::write(hint, "") {
        tracing::warn!(%error, "the hint will be shown again");
    }
}
