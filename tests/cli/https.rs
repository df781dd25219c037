//! The connection that real accounts and receivers use: https, with a certificate that only `SSL_CERT_FILE` vouches for.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::support::{TOKEN, Vwh, refused};

const LIST: &str = r#"[{"id":"a","url":"https://hooks.example.test/a"}]"#;

/// A server that answers every https request with [`LIST`].
struct Https {
    address: SocketAddr,
    /// In PEM form.
    certificate: String,
    connections: Arc<AtomicUsize>,
}

fn serve() -> Https {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = made.signing_key.serialize_der().try_into().unwrap();
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&connections);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            // A client that does not trust the certificate hangs up; that is its answer, not ours.
            let _ = answer(stream, &config);
        }
    });
    Https { address, certificate: made.cert.pem(), connections }
}

fn answer(stream: TcpStream, config: &Arc<ServerConfig>) -> std::io::Result<()> {
    let connection = ServerConnection::new(Arc::clone(config)).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        request.extend(byte);
    }
    let head = String::from_utf8_lossy(&request).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body)?;
    let length = LIST.len();
    write!(stream, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{LIST}")?;
    stream.conn.send_close_notify();
    stream.flush()
}

fn connected_to(server: &Https) -> Vwh {
    let base_url = format!("https://localhost:{}", server.address.port());
    Vwh::new().env("VWH_TOKEN", TOKEN).env("VWH_BASE_URL", base_url)
}

#[test]
fn a_certificate_of_ones_own_is_trusted_when_it_is_named() {
    let server = serve();
    let vwh = connected_to(&server);
    let file = vwh.write("root.pem", &server.certificate);
    let listed = vwh.args(["list", "--json"]).env("SSL_CERT_FILE", file.display().to_string()).run().exits(0);
    assert_eq!(listed.json()[0]["vwh"]["id"], "a");
}

#[test]
fn an_unknown_certificate_is_refused_with_its_cure() {
    let server = serve();
    let outcome = connected_to(&server).args(["list"]).run().exits(5).without_answer();
    let outcome = outcome.says("cannot connect to localhost").says("certificate").says("SSL_CERT_FILE");
    assert!(!outcome.stderr.contains(TOKEN), "{outcome}");
    assert_eq!(server.connections.load(Ordering::SeqCst), 1, "asking again would not make it trusted");
}

#[test]
fn a_certificate_file_that_is_not_there_is_a_configuration_error() {
    let run = connected_to(&serve()).args(["list"]).env("SSL_CERT_FILE", "/nowhere/root.pem");
    let _ = run.run().exits(2).without_answer().says("SSL_CERT_FILE");
}

#[test]
fn a_receiver_is_reached_with_a_certificate_of_ones_own_too() {
    let server = serve();
    let url = format!("https://localhost:{}/hook", server.address.port());
    let vwh = Vwh::new();
    let file = vwh.write("root.pem", &server.certificate).display().to_string();
    let arguments = ["trigger", &url, "--unsigned", "--state", "RINGING", "--once"];
    let _ = vwh.args(arguments).env("SSL_CERT_FILE", &file).run().exits(0);
    let outcome = vwh.args(arguments).run().exits(1);
    assert!(outcome.stdout.contains("would retry") && outcome.stdout.contains("certificate"), "{outcome}");
    let missing = vwh.args(arguments).env("SSL_CERT_FILE", "/nowhere/root.pem").run();
    let _ = missing.exits(2).without_answer().says("SSL_CERT_FILE");
    assert_eq!(server.connections.load(Ordering::SeqCst), 2);
    // Where it is not needed it is not looked at.
    let nobody = refused();
    let plain = ["trigger", &nobody.base_url(), "--unsigned", "--state", "RINGING", "--once"];
    let _ = vwh.args(plain).env("SSL_CERT_FILE", "/nowhere/root.pem").run().exits(1);
}
