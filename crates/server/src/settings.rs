//! What the owner of a server decides.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::Arc;

use deskbell_protocol::http::DeskSettings;
pub use deskbell_protocol::http::StoreIp;
use deskbell_protocol::{Assignment, FILE_BYTES_MAX, Role};
use ipnet::IpNet;
use serde::Deserialize;

use crate::outbound::{Lookup, SystemLookup};

/// The stored form of an address; empty for [`StoreIp::None`].
pub(crate) fn form(form: StoreIp, address: IpAddr) -> String {
    match (form, address) {
        (StoreIp::Whole, address) => address.to_string(),
        (StoreIp::Truncated, IpAddr::V4(address)) => {
            let [a, b, c, _] = address.octets();
            Ipv4Addr::new(a, b, c, 0).to_string()
        }
        (StoreIp::Truncated, IpAddr::V6(address)) => {
            let [a, b, c, ..] = address.segments();
            Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).to_string()
        }
        (StoreIp::None, _) => String::new(),
    }
}

/// The form of an address that was stored in another one.
pub(crate) fn form_of(wanted: StoreIp, stored: &str) -> String {
    stored.parse().map_or_else(|_| String::new(), |address| form(wanted, address))
}

/// An identity provider (OpenID Connect) at which agents sign in.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// What the app's button calls it, in 1 to 40 characters.
    pub name: String,
    /// Where its configuration is found, letter for letter as the provider spells it; https, unless it is on this
    /// computer.
    pub issuer: String,
    /// The desk's name at the provider.
    pub client_id: String,
    /// The desk's secret there. `None`: PKCE alone proves that it is the desk.
    pub client_secret: Option<String>,
    /// Domains of addresses that may sign in. Empty: any, of agents who are known.
    #[serde(default)]
    pub domains: Vec<String>,
    /// What people of these domains become who are no agents yet. `None`: they are turned away.
    pub new_agents: Option<NewAgents>,
}

/// What an identity provider's unknown people become. Never more than this: its word makes no admins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NewAgents {
    /// They answer visitors.
    Agent,
    /// They read, and write notes to the team.
    Light,
}

impl From<NewAgents> for Role {
    fn from(new: NewAgents) -> Self {
        match new {
            NewAgents::Agent => Self::Agent,
            NewAgents::Light => Self::Light,
        }
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A log of the settings must not have the secret.
        let Self { name, issuer, client_id, client_secret: _, domains, new_agents } = self;
        let mut shown = formatter.debug_struct("Provider");
        shown.field("name", name).field("issuer", issuer).field("client_id", client_id);
        shown.field("domains", domains).field("new_agents", new_agents).finish_non_exhaustive()
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
    /// The form in which visitors' addresses are stored. Used when the desk is new; what its owners decided wins later.
    pub store_ip: StoreIp,
    /// A city-level database in MaxMind's format. `None`: the country database that comes with the server.
    pub geo_database: Option<PathBuf>,
    /// The origin under which browsers reach the server, e.g. `https://chat.shop.example`, when a proxy changes
    /// the `Host` header. `None`: the `Host` header tells.
    pub public_origin: Option<String>,
    /// Where agents may sign in besides. Needs `public_origin`.
    pub provider: Option<Provider>,
    /// Networks besides the internet to which webhooks may lead, e.g. `10.1.0.0/16`; also without TLS.
    pub webhook_networks: Vec<IpNet>,
    /// Finds the addresses of names to which webhooks lead.
    pub lookup: Arc<dyn Lookup>,
    /// Whether the command line of this computer may change the desk while it is served.
    pub command_line: bool,
    /// Most sockets of visitors from one address, or from one household's network of IPv6; loopback is exempt, for it is
    /// usually a proxy or a test.
    pub visitor_sockets_per_address: usize,
    /// Most visitors from there in an hour whom the desk has never met. Likewise. Whoever comes back is not counted.
    pub new_visitors_per_address: u32,
    /// Bytes of files that one visitor may send within 24 hours. Likewise.
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
            provider: None,
            webhook_networks: Vec::new(),
            lookup: Arc::new(SystemLookup),
            command_line: false,
            visitor_sockets_per_address: 100,
            new_visitors_per_address: 600,
            visitor_upload_bytes_a_day: 100 * 1024 * 1024,
        }
    }
}

impl Settings {
    /// What a desk begins with whose owners have decided nothing yet.
    pub(crate) fn first(&self) -> DeskSettings {
        DeskSettings {
            desk: self.desk.clone(),
            store_ip: self.store_ip,
            file_bytes_max: i64::try_from(FILE_BYTES_MAX).unwrap_or(i64::MAX),
            visitor_upload_bytes_a_day: self.visitor_upload_bytes_a_day,
            page_days: 0,
            assignment: Assignment::default(),
            offline: false,
            texts: BTreeMap::new(),
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
        assert_eq!(form(StoreIp::Whole, v4), "203.0.113.77");
        assert_eq!(form(StoreIp::Truncated, v4), "203.0.113.0");
        assert_eq!(form(StoreIp::Truncated, v6), "2001:db8:1::");
        assert_eq!(form(StoreIp::None, v6), "");
        assert_eq!(form_of(StoreIp::Truncated, "203.0.113.77"), "203.0.113.0");
        assert_eq!(form_of(StoreIp::Whole, "203.0.113.0"), "203.0.113.0", "what is gone does not come back");
        assert_eq!(form_of(StoreIp::Truncated, ""), "");
        assert_eq!(Settings::default().store_ip, StoreIp::Truncated);
    }
}
