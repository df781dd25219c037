//! Which addresses are public: VoIPBIN's sender posts to no host that has any other (vb §5). It looks names up, and posts
//! nothing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::lookup_host;
use url::{Host, Url};

/// Networks of version 4 that are not public, and how many bits they share.
const BLOCKED_4: [(Ipv4Addr, u32); 13] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Reserved, and the broadcast address at its end.
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// The same of version 6.
const BLOCKED_6: [(Ipv6Addr, u32); 5] = [
    (Ipv6Addr::UNSPECIFIED, 128),
    (Ipv6Addr::LOCALHOST, 128),
    (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7),
    (Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0), 10),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
];

/// Why a host is not posted to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// One of its addresses is not public.
    Private,
    /// Its name stands for no address.
    Unknown(String),
}

/// The addresses of the host of `url`, if every one of them is public.
pub(super) async fn addresses(url: &Url) -> Result<Vec<SocketAddr>, Refused> {
    let port = url.port_or_known_default().unwrap_or_default();
    let addresses: Vec<SocketAddr> = match url.host() {
        Some(Host::Ipv4(address)) => vec![(address, port).into()],
        Some(Host::Ipv6(address)) => vec![(address, port).into()],
        Some(Host::Domain(name)) => {
            lookup_host((name, port)).await.map_err(|error| Refused::Unknown(error.to_string()))?.collect()
        }
        None => Vec::new(),
    };
    if addresses.is_empty() {
        return Err(Refused::Unknown("no such host".to_owned()));
    }
    if addresses.iter().all(|address| is_public(address.ip())) {
        Ok(addresses)
    } else {
        Err(Refused::Private)
    }
}

fn is_public(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let shares = |(network, bits): &(Ipv4Addr, u32)| {
                (u32::from(address) ^ u32::from(*network)).leading_zeros() >= *bits
            };
            !BLOCKED_4.iter().any(shares)
        }
        IpAddr::V6(address) => {
            let shares = |(network, bits): &(Ipv6Addr, u32)| {
                (u128::from(address) ^ u128::from(*network)).leading_zeros() >= *bits
            };
            !BLOCKED_6.iter().any(shares)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_blocked_is_what_the_service_blocks() {
        for blocked in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fc00::1",
            "fdff::1",
            "fe80::1",
            "febf::1",
            "2001:db8::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
        ] {
            assert!(!is_public(blocked.parse().unwrap()), "{blocked}");
        }
        for public in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.1",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2001:db9::1",
            "fec0::1",
            "::ffff:1.1.1.1",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[tokio::test]
    async fn a_name_is_as_public_as_each_of_its_addresses() {
        let of = async |url: &str| addresses(&url.parse().unwrap()).await;
        assert_eq!(of("http://localhost:80/").await, Err(Refused::Private));
        assert_eq!(of("http://[::1]/").await, Err(Refused::Private));
        assert_eq!(of("https://1.1.1.1/").await, Ok(vec!["1.1.1.1:443".parse().unwrap()]));
    }
}
