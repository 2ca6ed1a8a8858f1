//! The page may call the app's own commands and nothing else; any other window may call nothing.

use std::path::Path;
use std::sync::Arc;

use deskbell_api::types::ApiError;
use deskbell_api::{App, COMMAND_NAMES, ConversationRef, Host, HostFuture, KeyStore, LocalDesk, Surroundings};
use deskbell_attention::{Alert, Calmed, Sound};
use deskbell_catalogue::Catalogue;
use deskbell_protocol::Timestamp;
use serde_json::{Value, json};
use tauri::ipc::{CallbackFn, InvokeBody};
use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder};
use tauri::webview::InvokeRequest;
use tauri::{WebviewWindow, WebviewWindowBuilder};
use url::Url;

/// A host that does nothing and fails the test when a browser is opened.
struct SilentHost;

impl Host for SilentHost {
    fn now(&self) -> Timestamp {
        0
    }
    fn device(&self) -> String {
        "test".into()
    }
    fn language_tag(&self) -> String {
        "en".into()
    }
    fn alert(&self, _: Alert<ConversationRef>, _: &Catalogue) -> bool {
        false
    }
    fn sound(&self, _: Sound) {}
    fn calm(&self, _: ConversationRef, _: Calmed) {}
    fn surroundings(&self, _: &Surroundings, _: &Catalogue) {}
    fn open_in_browser(&self, url: &Url) -> Result<(), ApiError> {
        panic!("nothing may be opened, but {url} was")
    }
    fn downloads(&self) -> std::path::PathBuf {
        std::env::temp_dir()
    }
    fn key_store(&self) -> Option<Arc<dyn KeyStore>> {
        None
    }
    fn local_desk(&self) -> HostFuture<Result<LocalDesk, ApiError>> {
        Box::pin(async { Err(ApiError::internal("no desk in this test")) })
    }
}

struct Shell {
    _app: tauri::App<MockRuntime>,
    window: WebviewWindow<MockRuntime>,
    _data: tempfile::TempDir,
}

fn shell(label: &str) -> Shell {
    let data = tempfile::tempdir().unwrap();
    let core = App::new(data.path().to_owned(), Arc::new(SilentHost));
    let app = deskbell_lib::with_commands(mock_builder(), core)
        .plugin(tauri_plugin_notification::init())
        .plugin(tauri_plugin_opener::init())
        .build(deskbell_lib::context())
        .unwrap();
    let window = WebviewWindowBuilder::new(&app, label, Default::default()).build().unwrap();
    Shell { _app: app, window, _data: data }
}

fn call(window: &WebviewWindow<MockRuntime>, command: &str, body: Value) -> Result<Value, Value> {
    let request = InvokeRequest {
        cmd: command.into(),
        callback: CallbackFn(0),
        error: CallbackFn(1),
        url: if cfg!(windows) { "http://tauri.localhost" } else { "tauri://localhost" }.parse().unwrap(),
        body: InvokeBody::Json(body),
        headers: Default::default(),
        invoke_key: INVOKE_KEY.into(),
    };
    get_ipc_response(window, request).map(|answer| answer.deserialize().unwrap())
}

fn is_denied(answer: &Result<Value, Value>) -> bool {
    matches!(answer, Err(Value::String(text)) if text.contains("not allowed"))
}

#[test]
fn dc_01_the_main_window_starts() {
    let shell = shell("main");
    let answer = call(&shell.window, "start", json!({ "request": {} })).unwrap();
    assert_eq!(answer["account"], Value::Null, "nobody is signed in on a fresh computer");
    assert_eq!(answer["sync"]["state"], "signed_out");
}

#[test]
fn every_command_is_allowed_in_the_main_window() {
    let shell = shell("main");
    for name in COMMAND_NAMES {
        let answer = call(&shell.window, name, json!({ "request": null }));
        assert!(!is_denied(&answer), "{name} must be allowed: {answer:?}");
    }
}

#[test]
fn no_command_is_allowed_in_any_other_window() {
    let shell = shell("other");
    for name in COMMAND_NAMES.iter().chain(&["subscribe"]) {
        let answer = call(&shell.window, name, json!({ "request": {} }));
        assert!(is_denied(&answer), "{name} must be denied: {answer:?}");
    }
}

#[test]
fn ipc_01_a_hostile_script_in_the_page_gets_nothing_of_the_system() {
    let shell = shell("main");
    for native in [
        "plugin:opener|open_url",
        "plugin:opener|open_path",
        "plugin:opener|reveal_item_in_dir",
        "plugin:notification|notify",
        "plugin:notification|is_permission_granted",
        "plugin:notification|request_permission",
        "plugin:window|create",
        "plugin:window|close",
        "plugin:window|destroy",
        "plugin:window|hide",
        "plugin:window|set_title",
        "plugin:window|set_always_on_top",
        "plugin:window|start_dragging",
        "plugin:window|get_all_windows",
        "plugin:webview|create_webview_window",
        "plugin:webview|create_webview",
        "plugin:webview|internal_toggle_devtools",
        "plugin:webview|set_webview_zoom",
        "plugin:webview|print",
        "plugin:webview|clear_all_browsing_data",
        "plugin:app|version",
        "plugin:app|name",
        "plugin:app|app_hide",
        "plugin:path|resolve_directory",
        "plugin:path|join",
        "plugin:event|listen",
        "plugin:event|emit",
        "plugin:event|emit_to",
        "plugin:event|unlisten",
        "plugin:menu|new",
        "plugin:menu|popup",
        "plugin:tray|new",
        "plugin:tray|set_icon",
        "plugin:image|from_path",
        "plugin:resources|close",
        "plugin:fs|read_text_file",
        "plugin:fs|write_file",
        "plugin:shell|execute",
        "plugin:shell|open",
        "plugin:http|fetch",
        "plugin:process|exit",
        "plugin:process|restart",
        "plugin:dialog|open",
        "plugin:clipboard-manager|read_text",
        "plugin:window-state|save_window_state",
        "plugin:single-instance|x",
        "plugin:updater|check",
        "plugin:sql|execute",
        "plugin:os|hostname",
        "plugin:deep-link|register",
        "plugin:autostart|enable",
        "plugin:global-shortcut|register",
        "plugin:store|load",
        "plugin:stronghold|initialize",
        "plugin:websocket|connect",
        "plugin:upload|upload",
        "plugin:log|log",
        "plugin:positioner|move_window",
        "plugin:barcode-scanner|scan",
        "plugin:biometric|authenticate",
    ] {
        let answer = call(&shell.window, native, json!({}));
        assert!(answer.is_err(), "{native} must not work: {answer:?}");
    }
}

#[test]
fn lnk_01_no_request_of_the_page_opens_an_address_of_its_choice() {
    let shell = shell("main");
    // The page can name a message's link only by numbers; words in their place are refused.
    for body in [
        json!({ "request": { "conversation": 1, "number": 1, "index": "https://evil.example" } }),
        json!({ "request": { "url": "https://evil.example" } }),
        json!({ "request": { "conversation": 1, "number": 1, "index": 0 } }),
    ] {
        assert!(call(&shell.window, "open_link", body).is_err(), "nothing is opened");
    }
}

#[test]
fn the_build_script_declares_exactly_the_commands_there_are() {
    let declared: &[&str] = include!("../../src-tauri/commands.in");
    let mut real = COMMAND_NAMES.to_vec();
    real.push("subscribe");
    assert_eq!(declared, real, "src-tauri/commands.in follows crates/api/src/list.rs");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let capability: Value =
        serde_json::from_slice(&std::fs::read(root.join("capabilities/main.json")).unwrap()).unwrap();
    let allowed: Vec<&str> =
        capability["permissions"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let expected: Vec<String> = real.iter().map(|name| format!("allow-{}", name.replace('_', "-"))).collect();
    assert_eq!(allowed, expected, "the capability grants the app's commands and nothing of the system");
    assert_eq!(capability["windows"], json!(["main"]));
    assert_eq!(std::fs::read_dir(root.join("capabilities")).unwrap().count(), 1, "there is one kind of window");
}
