//! What the owner of a server decides.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;

use ipnet::IpNet;

/// In which form a visitor's address is stored and shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StoreIp {
    /// As it is. For a desk on the own computer, where there is nobody to protect.
    Whole,
    /// Without the host part: an IPv4 address to its /24, an IPv6 address to its /48.
    #[default]
    Truncated,
    /// Not at all. The region is still found out, offline, at the moment of the visit.
    None,
}

impl StoreIp {
    /// The stored form of an address; empty for [`StoreIp::None`].
    pub(crate) fn form(self, address: IpAddr) -> String {
        match (self, address) {
            (Self::Whole, address) => address.to_string(),
            (Self::Truncated, IpAddr::V4(address)) => {
                let [a, b, c, _] = address.octets();
                Ipv4Addr::new(a, b, c, 0).to_string()
            }
            (Self::Truncated, IpAddr::V6(address)) => {
                let [a, b, c, ..] = address.segments();
                Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).to_string()
            }
            (Self::None, _) => String::new(),
        }
    }
}

/// The settings of one desk server.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where everything is kept: the database, its log and the files. Made when missing.
    pub data: PathBuf,
    /// The desk's name, shown to agents and visitors. Used when the desk is new; a stored name wins later.
    pub desk: String,
    /// Networks of reverse proxies. `X-Forwarded-For` is believed from these peers alone.
    pub trusted_proxies: Vec<IpNet>,
    /// The form in which visitors' addresses are stored.
    pub store_ip: StoreIp,
    /// A city-level database in MaxMind's format. `None`: the country database that comes with the server.
    pub geo_database: Option<PathBuf>,
    /// The origin under which browsers reach the server, e.g. `https://chat.shop.example`, when a proxy changes
    /// the `Host` header. `None`: the `Host` header tells.
    pub public_origin: Option<String>,
    /// Whether the command line of this computer may change the desk while it is served.
    pub command_line: bool,
    /// Most sockets of visitors from one address; loopback is exempt, for it is usually a proxy or a test.
    pub visitor_sockets_per_address: usize,
    /// Bytes of files that one visitor may send within 24 hours. The file that reaches the limit is still taken.
    pub visitor_upload_bytes_a_day: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            data: PathBuf::from("deskbell-data"),
            desk: "Deskbell".to_owned(),
            trusted_proxies: Vec::new(),
            store_ip: StoreIp::default(),
            geo_database: None,
            public_origin: None,
            command_line: false,
            visitor_sockets_per_address: 100,
            visitor_upload_bytes_a_day: 100 * 1024 * 1024,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn dk_25_the_stored_address_has_the_form_the_owner_chose() {
        let v4: IpAddr = "203.0.113.77".parse().unwrap();
        let v6: IpAddr = "2001:db8:1:2:3:4:5:6".parse().unwrap();
        assert_eq!(StoreIp::Whole.form(v4), "203.0.113.77");
        assert_eq!(StoreIp::Truncated.form(v4), "203.0.113.0");
        assert_eq!(StoreIp::Truncated.form(v6), "2001:db8:1::");
        assert_eq!(StoreIp::None.form(v6), "");
        assert_eq!(Settings::default().store_ip, StoreIp::Truncated);
    }
}
