//! Addresses on loopback where nobody answers. Nothing here speaks HTTP.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

/// An address that refuses every connection, for as long as this value lives.
pub(crate) struct Refused {
    address: SocketAddr,
    #[cfg(unix)]
    _reserved: std::os::fd::OwnedFd,
}

impl Refused {
    /// `http://127.0.0.1:PORT`.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A port that is bound but does not listen, so that no other process can get it meanwhile.
#[cfg(unix)]
pub(crate) fn refused() -> Refused {
    let (socket, address) = bound_socket();
    Refused { address, _reserved: socket }
}

/// A port that was free a moment ago.
#[cfg(not(unix))]
pub(crate) fn refused() -> Refused {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
    Refused { address: listener.local_addr().expect("a bound socket has an address") }
}

#[cfg(unix)]
fn bound_socket() -> (std::os::fd::OwnedFd, SocketAddr) {
    use rustix::net::{AddressFamily, SocketType, bind, socket};

    let socket = socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    bind(&socket, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("loopback has a free port");
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().expect("a bound socket has an address");
    (listener.into(), address)
}

/// An address whose connection attempts are never answered, for as long as this value lives.
#[cfg(target_os = "linux")]
pub(crate) struct BlackHole {
    address: SocketAddr,
    _listener: std::os::fd::OwnedFd,
    _waiting: std::net::TcpStream,
}

#[cfg(target_os = "linux")]
impl BlackHole {
    /// `http://127.0.0.1:PORT`.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where nobody answers.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// A listener whose queue is full: Linux drops further connection attempts instead of refusing them.
#[cfg(target_os = "linux")]
pub(crate) fn black_hole() -> BlackHole {
    let (listener, address) = bound_socket();
    // A backlog of 0 leaves room for exactly one connection that nobody accepts.
    rustix::net::listen(&listener, 0).expect("a bound socket can listen");
    let waiting = std::net::TcpStream::connect(address).expect("the queue has room for one");
    BlackHole { address, _listener: listener, _waiting: waiting }
}
