//! Time to the first paint, for `cargo xtask bench`. Does nothing unless it was asked for.

use tauri::webview::PageLoadEvent;
use tauri::{Runtime, WebviewWindow, WebviewWindowBuilder};

/// Leads the page's title when it carries the measurement.
const MARK: &str = "first-paint ";

/// Waits for the browser's own first-contentful-paint entry and hands it over in the title.
const SCRIPT: &str = "new PerformanceObserver((list) => { const entry = list.getEntriesByName('first-contentful-paint')[0]; \
     if (entry) document.title = 'first-paint ' + Math.round(performance.timeOrigin + entry.startTime); }) \
     .observe({ type: 'paint', buffered: true });";

/// Prints `first-paint <milliseconds since the process began>` once.
pub(crate) fn watch<'a, R: Runtime, M: tauri::Manager<R>>(
    builder: WebviewWindowBuilder<'a, R, M>,
) -> WebviewWindowBuilder<'a, R, M> {
    builder
        .on_page_load(|window: WebviewWindow<R>, payload| {
            if payload.event() == PageLoadEvent::Finished
                && let Err(error) = window.eval(SCRIPT)
            {
                tracing::warn!(%error, "the paint cannot be measured");
            }
        })
        .on_document_title_changed(|_, title| {
            let painted = title.strip_prefix(MARK).and_then(|at| at.parse::<f64>().ok());
            if let (Some(painted), Some(began)) = (painted, process_began()) {
                #[allow(clippy::print_stdout, reason = "the measurement is read from standard output")]
                {
                    println!("{MARK}{}", (painted - began).max(0.0));
                }
            }
        })
}

/// When the system started this process, in milliseconds since the Unix epoch: field 22 of `/proc/self/stat`
/// counts clock ticks (100 a second) since the boot, which `/proc/stat` gives in seconds.
#[cfg(target_os = "linux")]
fn process_began() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let ticks: f64 = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
    let uptime: f64 = std::fs::read_to_string("/proc/uptime").ok()?.split_whitespace().next()?.parse().ok()?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?.as_secs_f64();
    Some((now - uptime + ticks / 100.0) * 1000.0)
}

#[cfg(not(target_os = "linux"))]
fn process_began() -> Option<f64> {
    None
}
