//! The native shell: windows, tray, toasts, sounds, and the desk that can run inside the app.
//!
//! Nothing here decides anything about chats: `deskbell_api` does, and asks this shell through its host trait.

mod apart;
pub mod arguments;
pub mod commands;
mod desktop;
mod host;
mod local_desk;
mod measure;
mod media;
mod sound;
mod tray;
pub mod window;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use deskbell_api::types::Nothing;
use deskbell_api::{App, ConversationRef};
use deskbell_attention::Action;
use tauri::{AppHandle, Builder, Manager, RunEvent, Runtime};
use tauri_plugin_notification::{ActionPerformed, NotificationExt};

use crate::arguments::Arguments;
use crate::commands::Subscriptions;
use crate::host::NativeHost;
use crate::local_desk::LocalDeskRunner;
use crate::tray::Tray;
use crate::window::TrayShown;

/// The app's configuration, its page and its permissions, as built in.
pub fn context<R: Runtime>() -> tauri::Context<R> {
    tauri::generate_context!()
}

/// Adds the app and its commands to a builder: everything of the page's side, nothing native.
pub fn with_commands<R: Runtime>(builder: Builder<R>, app: App) -> Builder<R> {
    builder
        .manage(app)
        .manage(Subscriptions::default())
        .invoke_handler(commands::handler())
        .register_asynchronous_uri_scheme_protocol("media", media::answer)
}

/// Runs the app until the person quits.
pub fn run() -> ExitCode {
    prefer_cheap_rendering();
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "info".into()))
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::read();
    match start(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Why the app could not start.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("This system names no directory for the app's data. Set DESKBELL_DATA to one and start again.")]
    NoDirectory,
    #[error("The directory {0} cannot be written: {1}. Make it writable, or set DESKBELL_DATA to another one.")]
    Directory(PathBuf, std::io::Error),
    #[error("Deskbell is running already with the data in {0}.")]
    Running(PathBuf),
    #[error("The window system refused: {0}")]
    Tauri(#[from] tauri::Error),
}

fn start(arguments: Arguments) -> Result<(), StartError> {
    let own_data = arguments.data.is_some();
    let data = arguments
        .data
        .clone()
        .or_else(|| {
            directories::ProjectDirs::from("app", "deskbell", "Deskbell").map(|found| found.data_local_dir().to_owned())
        })
        .ok_or(StartError::NoDirectory)?;
    let mut builder = Builder::<tauri::Wry>::default();
    if !own_data {
        // First of all plugins: a second start only brings the first one's window to the front.
        builder = builder.plugin(tauri_plugin_single_instance::init(|app, _, _| window::show(app)));
    }
    let local_desk = Arc::new(LocalDeskRunner::new(data.clone(), arguments.allow_origins.clone()));
    let host = Arc::new(NativeHost::new(Arc::clone(&local_desk), arguments.key_file));
    let data_to_lock = data.clone();
    let app = App::new(data, Arc::<NativeHost<tauri::Wry>>::clone(&host));
    let core = app.clone();
    let setup = move |handle: &mut tauri::App| -> Result<(), Box<dyn std::error::Error>> {
        let handle = handle.handle().clone();
        window::open(&handle, &arguments)?;
        if arguments.empty_window {
            return Ok(());
        }
        let desktop = desktop::this(&handle);
        let tray = Tray::place(&handle, &core.catalogue())
            .map_err(|error| tracing::warn!(%error, "no tray: closing the window quits the app"))
            .ok();
        handle.state::<TrayShown>().0.store(tray.is_some() && desktop.shows_tray(), Ordering::Relaxed);
        let on_action = handle.clone();
        handle.notification().on_action(move |performed| act_on_toast(&on_action, performed))?;
        host.run_in(handle, desktop, tray);
        // Owned by the app: it ends when the account is open, or with the program.
        tauri::async_runtime::spawn(async move {
            // Somebody whose account does not open decides themselves whether to begin anew.
            if core.open().await
                && arguments.try_here
                && let Err(error) = core.try_here(Nothing {}).await
            {
                tracing::error!(%error, "the desk inside the app did not start");
            }
        });
        Ok(())
    };
    let running = with_commands(builder, app.clone())
        .manage(TrayShown::default())
        .manage(window::Hint(data_to_lock.join("tray-hint-shown")))
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_opener::init())
        .plugin(
            tauri_plugin_window_state::Builder::default()
                .with_state_flags(
                    tauri_plugin_window_state::StateFlags::SIZE
                        | tauri_plugin_window_state::StateFlags::POSITION
                        | tauri_plugin_window_state::StateFlags::MAXIMIZED,
                )
                .build(),
        )
        .setup(setup)
        .build(context())?;
    // A second start has ended by now, if the first one could be told. Whoever is still here needs the
    // directory for itself: two programs on one cache would ruin it.
    let lock = lock_directory(&data_to_lock)?;
    running.run(move |handle, event| match event {
        RunEvent::Exit => {
            handle.state::<Subscriptions>().stop();
            tauri::async_runtime::block_on(async {
                app.stop().await;
                local_desk.stop().await;
            });
        }
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => window::show(handle),
        _ => {}
    });
    drop(lock);
    Ok(())
}

/// Without a graphics device the web engine draws with the processor, and sharing buffers with a device that
/// is not there costs 75 MB and most of the drawing time. `docs/ARCHITECTURE.md` has the figures.
fn prefer_cheap_rendering() {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt as _;
        const SWITCH: &str = "WEBKIT_DISABLE_DMABUF_RENDERER";
        if std::env::var_os(SWITCH).is_some() || std::path::Path::new("/dev/dri/renderD128").exists() {
            return;
        }
        // The engine reads its environment when it is loaded, so the program replaces itself once.
        let Ok(program) = std::env::current_exe() else { return };
        let error = std::process::Command::new(program).args(std::env::args_os().skip(1)).env(SWITCH, "1").exec();
        tracing::warn!(%error, "drawing stays expensive");
    }
}

/// Keeps a second program off the data, for as long as the file is open.
fn lock_directory(data: &std::path::Path) -> Result<std::fs::File, StartError> {
    deskbell_api::make_private(data).map_err(|error| StartError::Directory(data.to_owned(), error))?;
    let file =
        std::fs::File::create(data.join("lock")).map_err(|error| StartError::Directory(data.to_owned(), error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StartError::Running(data.to_owned())),
        Err(std::fs::TryLockError::Error(error)) => Err(StartError::Directory(data.to_owned(), error)),
    }
}

/// A toast or one of its buttons was pressed.
fn act_on_toast<R: Runtime>(app: &AppHandle<R>, performed: &ActionPerformed) {
    let conversation = performed
        .notification()
        .and_then(|notification| notification.extra().get(host::CONVERSATION))
        .and_then(|named| named.as_str()?.parse::<ConversationRef>().ok());
    let Some(conversation) = conversation else { return };
    let core = app.state::<App>().inner().clone();
    window::show(app);
    core.ask_for(Some(conversation));
    if Action::from_id(performed.action_id()) == Some(Action::AssignToMe) {
        // Runs to its end by itself: the command is on disk when it returns.
        tauri::async_runtime::spawn(async move {
            if let Err(error) = core.take_waiting(conversation).await {
                tracing::error!(%error, "the conversation was not assigned");
            }
        });
    }
}

/// Ends the app.
pub(crate) fn quit<R: Runtime>(app: &AppHandle<R>) {
    app.exit(0);
}
