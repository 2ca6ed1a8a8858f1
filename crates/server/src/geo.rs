//! Where an address lies, from a database on disk. The network is never asked.

use std::borrow::Cow;
use std::net::IpAddr;
use std::path::Path;
use std::sync::OnceLock;

use deskbell_protocol::Region;
use maxminddb::Reader;
use rust_embed::Embed;
use serde::Deserialize;

use crate::store::OpenError;

/// The country database that comes with the server (CC0-1.0, from public registries of addresses).
#[derive(Embed)]
#[folder = "../../node_modules/@ip-location-db/geo-whois-asn-country-mmdb/"]
#[include = "geo-whois-asn-country.mmdb"]
#[allow_missing = true]
struct Embedded;

const EMBEDDED: &str = "geo-whois-asn-country.mmdb";

#[derive(Deserialize)]
struct Code {
    iso_code: Option<String>,
}

#[derive(Deserialize)]
struct Names {
    en: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum City {
    Name(String),
    Named { names: Names },
}

/// The fields of both forms in use: MaxMind's nested one and the flat one of free databases.
#[derive(Deserialize)]
struct Found {
    country_code: Option<String>,
    country: Option<Code>,
    city: Option<City>,
}

/// Answers where an address lies.
pub(crate) struct Geo {
    own: Option<Reader<Vec<u8>>>,
    embedded: OnceLock<Option<Reader<Cow<'static, [u8]>>>>,
}

impl Geo {
    /// Reads the city-level database, when one is named. The embedded one is read at the first look-up.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, OpenError> {
        let own = match path {
            Some(path) => Some(Reader::open_readfile(path).map_err(|error| {
                let words = format!("geo_database {} cannot be used: {error}", path.display());
                OpenError::Io(std::io::Error::new(std::io::ErrorKind::InvalidInput, words))
            })?),
            None => None,
        };
        Ok(Self { own, embedded: OnceLock::new() })
    }

    fn embedded(&self) -> Option<&Reader<Cow<'static, [u8]>>> {
        self.embedded
            .get_or_init(|| {
                let Some(file) = Embedded::get(EMBEDDED) else {
                    tracing::warn!("this build has no country database; visitors' regions stay unknown");
                    return None;
                };
                Reader::from_source(file.data)
                    .inspect_err(|error| tracing::error!(%error, "the embedded country database is damaged"))
                    .ok()
            })
            .as_ref()
    }

    /// The region of an address.
    pub(crate) fn region(&self, address: IpAddr) -> Region {
        let address = address.to_canonical();
        if is_local(address) {
            return Region { local: true, ..Region::default() };
        }
        let found = match &self.own {
            Some(reader) => find(reader, address),
            None => self.embedded().and_then(|reader| find(reader, address)),
        };
        found.map_or_else(Region::default, |found| Region {
            country: found
                .country_code
                .or_else(|| found.country.and_then(|country| country.iso_code))
                .filter(|code| code.len() == 2)
                .map(|code| code.to_ascii_uppercase()),
            city: found.city.and_then(|city| match city {
                City::Name(name) => Some(name),
                City::Named { names } => names.en,
            }),
            local: false,
        })
    }
}

fn find<S: AsRef<[u8]>>(reader: &Reader<S>, address: IpAddr) -> Option<Found> {
    reader.lookup(address).and_then(|result| result.decode()).ok().flatten()
}

/// Loopback, private and link-local addresses, which no database knows.
fn is_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_loopback() || address.is_private() || address.is_link_local() || address.is_unspecified()
        }
        IpAddr::V6(address) => {
            address.is_loopback()
                || address.is_unspecified()
                || address.is_unique_local()
                || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn dk_08_private_addresses_are_local_and_never_looked_up() {
        let geo = Geo::open(None).unwrap();
        for address in ["127.0.0.1", "10.1.2.3", "192.168.0.9", "::1", "fd00::1", "fe80::1", "::ffff:127.0.0.1"] {
            let region = geo.region(address.parse().unwrap());
            assert_eq!(region, Region { local: true, ..Region::default() }, "{address}");
        }
        assert!(geo.embedded.get().is_none(), "the database was read for a local address");
    }

    #[test]
    fn dk_08_a_city_database_that_cannot_be_read_is_named() {
        let error = Geo::open(Some(Path::new("/nowhere/city.mmdb"))).err().unwrap().to_string();
        assert!(error.contains("/nowhere/city.mmdb"), "{error}");
    }
}
