//! A desktop's notification service and tray for journeys without a desktop: it shows nothing, tells on standard
//! output what it was asked to show, and does on request what a person would do with it.
//!
//! Output, one JSON object a line, by `event`: `ready`, `toast`, `closed`, `tray`, `menu`, `badge`, `failed`.
//! Input, one JSON object a line, by `do`: `press` (`id`, `action`), `menu`, `choose` (`label`).
//! It ends with its input.

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("notification-recorder: there is a D-Bus desktop on Linux alone");
    std::process::ExitCode::FAILURE
}

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    match linux::run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("notification-recorder: {error}");
            std::process::ExitCode::FAILURE
        }
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::collections::HashMap;
    use std::io::BufRead as _;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::{SystemTime, UNIX_EPOCH};

    use futures_util::StreamExt as _;
    use serde::Deserialize;
    use serde_json::{Value as Json, json};
    use tokio::sync::{Mutex, mpsc};
    use zbus::message::Header;
    use zbus::object_server::SignalEmitter;
    use zbus::zvariant::{OwnedValue, Value};
    use zbus::{Connection, MatchRule, MessageStream, connection, interface};

    const NOTIFICATIONS: &str = "/org/freedesktop/Notifications";
    const WATCHER: &str = "/StatusNotifierWatcher";

    /// Why a toast closed, by the notification specification: the person dismissed it.
    const DISMISSED: u32 = 2;
    /// The program asked for it.
    const BY_CALL: u32 = 3;

    /// What this program is asked to do.
    #[derive(Deserialize)]
    #[serde(tag = "do", rename_all = "snake_case")]
    enum Request {
        /// Presses a toast (`default`) or one of its buttons; the toast closes.
        Press { id: u32, action: String },
        /// Tells what the tray's menu holds.
        Menu,
        /// Chooses an entry of the tray's menu.
        Choose { label: String },
    }

    /// Where the app's tray icon can be asked.
    #[derive(Clone)]
    struct TrayItem {
        service: String,
        path: String,
    }

    type Tray = Arc<Mutex<Option<TrayItem>>>;

    /// An entry of a menu as `com.canonical.dbusmenu` sends it: id, properties, children.
    type Layout = (i32, HashMap<String, OwnedValue>, Vec<OwnedValue>);

    fn tell(line: &Json) {
        println!("{line}");
    }

    fn now_ms() -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0))
    }

    struct Notifications {
        last: AtomicU32,
    }

    #[interface(name = "org.freedesktop.Notifications")]
    impl Notifications {
        #[allow(clippy::too_many_arguments, reason = "the specification's own parameters")]
        fn notify(
            &self,
            app_name: &str,
            replaces: u32,
            icon: &str,
            summary: &str,
            body: &str,
            actions: Vec<String>,
            hints: HashMap<String, OwnedValue>,
            expire_ms: i32,
        ) -> u32 {
            let id = if replaces > 0 { replaces } else { self.last.fetch_add(1, Ordering::Relaxed) + 1 };
            let buttons: Vec<Json> =
                actions.chunks_exact(2).map(|pair| json!({ "id": pair[0], "label": pair[1] })).collect();
            let hints: HashMap<String, String> =
                hints.iter().map(|(name, value)| (name.clone(), format!("{:?}", Value::from(value.clone())))).collect();
            tell(&json!({
                "event": "toast", "at": now_ms(), "id": id, "replaces": replaces, "app": app_name, "icon": icon,
                "summary": summary, "body": body, "actions": buttons, "hints": hints, "expire_ms": expire_ms,
            }));
            id
        }

        async fn close_notification(
            &self,
            id: u32,
            #[zbus(signal_emitter)] emitter: SignalEmitter<'_>,
        ) -> zbus::fdo::Result<()> {
            tell(&json!({ "event": "closed", "at": now_ms(), "id": id }));
            Ok(Self::notification_closed(&emitter, id, BY_CALL).await?)
        }

        fn get_capabilities(&self) -> Vec<&'static str> {
            vec!["actions", "body", "body-markup", "persistence"]
        }

        fn get_server_information(&self) -> (&'static str, &'static str, &'static str, &'static str) {
            ("notification-recorder", "deskbell", env!("CARGO_PKG_VERSION"), "1.2")
        }

        #[zbus(signal)]
        async fn action_invoked(emitter: &SignalEmitter<'_>, id: u32, action: &str) -> zbus::Result<()>;

        #[zbus(signal)]
        async fn notification_closed(emitter: &SignalEmitter<'_>, id: u32, reason: u32) -> zbus::Result<()>;
    }

    struct Watcher {
        tray: Tray,
    }

    #[interface(name = "org.kde.StatusNotifierWatcher")]
    impl Watcher {
        async fn register_status_notifier_item(&self, item: &str, #[zbus(header)] header: Header<'_>) {
            let sender = header.sender().map(ToString::to_string).unwrap_or_default();
            let item = if item.starts_with('/') {
                TrayItem { service: sender, path: item.to_owned() }
            } else {
                TrayItem { service: item.to_owned(), path: "/StatusNotifierItem".to_owned() }
            };
            tell(&json!({ "event": "tray", "at": now_ms(), "service": item.service, "path": item.path }));
            *self.tray.lock().await = Some(item);
        }

        fn register_status_notifier_host(&self, _host: &str) {}

        #[zbus(property)]
        fn registered_status_notifier_items(&self) -> Vec<String> {
            Vec::new()
        }

        #[zbus(property)]
        fn is_status_notifier_host_registered(&self) -> bool {
            true
        }

        #[zbus(property)]
        fn protocol_version(&self) -> i32 {
            0
        }
    }

    /// Runs until the input ends.
    pub(super) fn run() -> Result<(), Box<dyn std::error::Error>> {
        let (sender, requests) = mpsc::channel(16);
        // Ends with the input, or when nobody listens any more.
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines().map_while(Result::ok) {
                if sender.blocking_send(line).is_err() {
                    break;
                }
            }
        });
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(serve(requests))
    }

    async fn serve(mut requests: mpsc::Receiver<String>) -> Result<(), Box<dyn std::error::Error>> {
        let tray = Tray::default();
        let bus = connection::Builder::session()?
            .serve_at(NOTIFICATIONS, Notifications { last: AtomicU32::new(0) })?
            .serve_at(WATCHER, Watcher { tray: Arc::clone(&tray) })?
            .name("org.freedesktop.Notifications")?
            .name("org.kde.StatusNotifierWatcher")?
            .build()
            .await?;
        let badge = MatchRule::builder()
            .msg_type(zbus::message::Type::Signal)
            .interface("com.canonical.Unity.LauncherEntry")?
            .member("Update")?
            .build();
        let mut badges = MessageStream::for_match_rule(badge, &bus, None).await?;
        tell(&json!({ "event": "ready" }));
        loop {
            tokio::select! {
                line = requests.recv() => {
                    let Some(line) = line else { return Ok(()) };
                    if let Err(error) = act(&bus, &tray, &line).await {
                        tell(&json!({ "event": "failed", "request": line, "error": error.to_string() }));
                    }
                }
                Some(signal) = badges.next() => tell_badge(&signal?)?,
            }
        }
    }

    fn tell_badge(signal: &zbus::Message) -> zbus::Result<()> {
        let body = signal.body();
        let (_, properties): (String, HashMap<String, Value<'_>>) = body.deserialize()?;
        let count = properties.get("count").and_then(|value| value.downcast_ref::<i64>().ok());
        let visible = properties.get("count-visible").and_then(|value| value.downcast_ref::<bool>().ok());
        tell(&json!({ "event": "badge", "at": now_ms(), "count": count, "visible": visible }));
        Ok(())
    }

    async fn act(bus: &Connection, tray: &Tray, line: &str) -> Result<(), Box<dyn std::error::Error>> {
        match serde_json::from_str(line)? {
            Request::Press { id, action } => {
                let emitter = SignalEmitter::new(bus, NOTIFICATIONS)?;
                Notifications::action_invoked(&emitter, id, &action).await?;
                Notifications::notification_closed(&emitter, id, DISMISSED).await?;
            }
            Request::Menu => {
                let entries = menu(bus, tray).await?;
                let entries: Vec<Json> = entries
                    .iter()
                    .map(|entry| json!({ "label": entry.label, "enabled": entry.enabled, "checked": entry.checked }))
                    .collect();
                tell(&json!({ "event": "menu", "entries": entries }));
            }
            Request::Choose { label } => {
                let entries = menu(bus, tray).await?;
                let entry = entries.iter().find(|entry| entry.label == label).ok_or("no such entry")?;
                let (item, menu) = menu_path(bus, tray).await?;
                let event = (entry.id, "clicked", Value::from(0i32), 0u32);
                bus.call_method(
                    Some(item.service.as_str()),
                    menu.as_str(),
                    Some("com.canonical.dbusmenu"),
                    "Event",
                    &event,
                )
                .await?;
            }
        }
        Ok(())
    }

    struct Entry {
        id: i32,
        label: String,
        enabled: bool,
        checked: bool,
    }

    /// Asks the tray icon where its menu is.
    async fn menu_path(bus: &Connection, tray: &Tray) -> Result<(TrayItem, String), Box<dyn std::error::Error>> {
        let item = tray.lock().await.clone().ok_or("there is no tray icon")?;
        let proxy =
            zbus::Proxy::new(bus, item.service.clone(), item.path.clone(), "org.kde.StatusNotifierItem").await?;
        let path: zbus::zvariant::OwnedObjectPath = proxy.get_property("Menu").await?;
        Ok((item, path.to_string()))
    }

    async fn menu(bus: &Connection, tray: &Tray) -> Result<Vec<Entry>, Box<dyn std::error::Error>> {
        let (item, path) = menu_path(bus, tray).await?;
        let answer = bus
            .call_method(
                Some(item.service.as_str()),
                path.as_str(),
                Some("com.canonical.dbusmenu"),
                "GetLayout",
                &(0i32, -1i32, Vec::<String>::new()),
            )
            .await?;
        let (_, (_, _, children)): (u32, Layout) = answer.body().deserialize()?;
        let mut entries = Vec::new();
        for child in children {
            let (id, properties, _) = Layout::try_from(child)?;
            let text = |name: &str| properties.get(name).and_then(|value| value.downcast_ref::<String>().ok());
            let flag = |name: &str| properties.get(name).and_then(|value| value.downcast_ref::<bool>().ok());
            let toggled = properties.get("toggle-state").and_then(|value| value.downcast_ref::<i32>().ok());
            // An underscore marks the key that chooses the entry; two stand for one.
            let label = text("label").unwrap_or_default().replace("__", "\u{0}").replace('_', "").replace('\u{0}', "_");
            entries.push(Entry { id, label, enabled: flag("enabled").unwrap_or(true), checked: toggled == Some(1) });
        }
        Ok(entries)
    }
}
