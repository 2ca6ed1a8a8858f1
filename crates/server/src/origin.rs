//! Origins of pages: an exact comparison after normalising, and nothing else.

use url::Url;

/// The one spelling of a web origin, e.g. `https://shop.example`. `None` for everything that is not exactly an
/// origin: a path, a user name, another scheme, `null`.
pub(crate) fn normalise(origin: &str) -> Option<String> {
    let url = Url::parse(origin).ok()?;
    let bare = matches!(url.scheme(), "http" | "https")
        // In the messenger's policy an asterisk would stand for every host.
        && !url.host_str().unwrap_or_default().contains('*')
        && url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    bare.then(|| url.origin().ascii_serialization())
}

/// Whether a handshake's `Origin` is one of a site's. An empty list allows nobody.
pub(crate) fn allowed(origin: &str, site: &[String]) -> bool {
    normalise(origin).is_some_and(|origin| site.contains(&origin))
}

/// Whether a handshake's `Origin` is the server's own, as its `Host` header or the setting tells.
pub(crate) fn is_own(origin: Option<&str>, host: Option<&str>, public: Option<&str>) -> bool {
    let Some(origin) = origin.and_then(normalise) else { return false };
    match (public, host) {
        (Some(public), _) => normalise(public).is_some_and(|public| public == origin),
        // Behind a proxy that ends TLS the server does not know its own scheme.
        (None, Some(host)) => ["http", "https"]
            .iter()
            .any(|scheme| normalise(&format!("{scheme}://{host}")).is_some_and(|own| own == origin)),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn dk_03_only_the_exact_origin_of_a_site_is_allowed() {
        let site = [normalise("https://shop.example").unwrap(), normalise("http://localhost:8080").unwrap()];
        for good in
            ["https://shop.example", "https://SHOP.example", "https://shop.example:443", "http://localhost:8080"]
        {
            assert!(allowed(good, &site), "{good}");
        }
        for bad in [
            "https://shop.example.evil.com",
            "https://evil-shop.example",
            "https://evil.com/https://shop.example",
            "https://shop.example@evil.com",
            "http://shop.example",
            "https://shop.example:8443",
            "https://sub.shop.example",
            "http://localhost",
            "null",
            "",
            "file://",
            "https://shop.example/path",
            "https://*.example",
            "chrome-extension://abc",
        ] {
            assert!(!allowed(bad, &site), "{bad}");
        }
        assert!(!allowed("https://shop.example", &[]), "an empty list allows nobody");
    }

    #[test]
    fn dk_03_the_panel_speaks_from_the_servers_own_origin() {
        assert!(is_own(Some("http://127.0.0.1:4000"), Some("127.0.0.1:4000"), None));
        assert!(is_own(Some("https://chat.shop.example"), Some("chat.shop.example"), None));
        assert!(!is_own(Some("https://evil.example"), Some("chat.shop.example"), None));
        assert!(!is_own(None, Some("chat.shop.example"), None));
        assert!(!is_own(Some("null"), Some("chat.shop.example"), None));
        assert!(is_own(Some("https://chat.shop.example"), Some("10.0.0.7:80"), Some("https://chat.shop.example")));
        assert!(!is_own(Some("http://10.0.0.7"), Some("10.0.0.7:80"), Some("https://chat.shop.example")));
    }
}
