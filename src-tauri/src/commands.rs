//! The page's commands: one thin wrapper for each entry of the list in `deskbell_api`.

use std::sync::{Mutex, PoisonError};

use deskbell_api::App;
use deskbell_api::types::*;
use deskbell_api::with_commands;
use tauri::ipc::{Channel, Invoke};
use tauri::{Runtime, State};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The page's subscription. A page that was loaded again replaces the one before.
#[derive(Default)]
pub struct Subscriptions {
    current: Mutex<CancellationToken>,
    tasks: TaskTracker,
}

impl Subscriptions {
    /// Ends the subscription.
    pub fn stop(&self) {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }
}

macro_rules! wrappers {
    ($($(#[$doc:meta])* $name:ident($request:ty) -> $response:ty;)*) => {
        $(
            $(#[$doc])*
            #[tauri::command]
            pub(crate) async fn $name(app: State<'_, App>, request: $request) -> Result<$response, ApiError> {
                app.$name(request).await
            }
        )*

        /// Answers the page.
        pub fn handler<R: Runtime>() -> impl Fn(Invoke<R>) -> bool + Send + Sync + 'static {
            tauri::generate_handler![$($name,)* subscribe]
        }
    };
}
with_commands!(wrappers);

/// Sends events to the page until it goes away.
#[tauri::command]
pub(crate) async fn subscribe(
    app: State<'_, App>,
    subscriptions: State<'_, Subscriptions>,
    channel: Channel<AppEvent>,
) -> Result<Nothing, ApiError> {
    let stop = CancellationToken::new();
    std::mem::replace(&mut *subscriptions.current.lock().unwrap_or_else(PoisonError::into_inner), stop.clone())
        .cancel();
    let subscription = app.subscribe();
    // The forwarder is owned by the tracker and ends with the next subscription, the app, or the page.
    subscriptions.tasks.spawn(async move {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                events = subscription.next() => for event in events {
                    if channel.send(event).is_err() {
                        return;
                    }
                }
            }
        }
    });
    Ok(Nothing {})
}
