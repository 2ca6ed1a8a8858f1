//! What a browser says of itself, in words.

use woothee::parser::Parser;
use woothee::woothee::VALUE_UNKNOWN;

/// Longest header that is read.
const LONGEST: usize = 512;

/// A visitor's computer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct UserAgent {
    /// With the major version, e.g. `Firefox 146`; empty when unknown.
    pub(crate) browser: String,
    /// E.g. `Windows 10`; empty when unknown.
    pub(crate) os: String,
    /// `desktop`, `phone`, `tablet`, `crawler` or `unknown`.
    pub(crate) device: &'static str,
}

fn known(value: &str) -> Option<&str> {
    (value != VALUE_UNKNOWN && !value.is_empty()).then_some(value)
}

/// Reads the `User-Agent` header.
pub(crate) fn parse(header: &str) -> UserAgent {
    let header = header.get(..LONGEST.min(header.len())).unwrap_or_default();
    let Some(found) = Parser::new().parse(header) else {
        return UserAgent { device: "unknown", ..UserAgent::default() };
    };
    let major = known(found.version).and_then(|version| version.split('.').next()).unwrap_or_default();
    let browser = format!("{} {major}", known(found.name).unwrap_or_default());
    let version = known(&found.os_version).unwrap_or_default();
    let os = match found.os {
        "iPhone" => format!("iOS {version}"),
        "iPad" => format!("iPadOS {version}"),
        "Android" => format!("Android {version}"),
        // Browsers freeze the versions of these two, so a version would be a fiction.
        "Mac OSX" => "macOS".to_owned(),
        other => known(other).unwrap_or_default().to_owned(),
    };
    let device = match (found.category, found.os) {
        (_, "iPad") => "tablet",
        ("smartphone", "Android") if !header.contains("Mobile") => "tablet",
        ("smartphone" | "mobilephone", _) => "phone",
        ("pc", _) => "desktop",
        ("crawler", _) => "crawler",
        _ => "unknown",
    };
    UserAgent { browser: browser.trim().to_owned(), os: os.trim().to_owned(), device }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dk_25_common_browsers_are_named_with_system_and_device() {
        let cases = [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:146.0) Gecko/20100101 Firefox/146.0",
                ("Firefox 146", "Windows 10", "desktop"),
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0",
                ("Edge 143", "Windows 10", "desktop"),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15",
                ("Safari 19", "macOS", "desktop"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Mobile Safari/537.36",
                ("Chrome 143", "Android 15", "phone"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; SM-X910) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36",
                ("Chrome 143", "Android 14", "tablet"),
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/143.0.0.0 Safari/537.36",
                ("Chrome 143", "Linux", "desktop"),
            ),
            ("", ("", "", "unknown")),
        ];
        for (header, (browser, os, device)) in cases {
            let expected = UserAgent { browser: browser.to_owned(), os: os.to_owned(), device };
            assert_eq!(parse(header), expected, "{header}");
        }
    }
}
