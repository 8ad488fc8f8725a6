//! TLS as others see it, and a certificate that is not the one of before.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::patience::{self, PATIENCE};
use crate::programs;
use crate::run::{Home, Said};

/// A `deeds serve` that speaks TLS, killed when dropped.
struct Server {
    child: Child,
    url: String,
    fingerprint: String,
}

impl Server {
    fn start(home: &Home, arguments: &[&str]) -> Self {
        let mut command = home.command(&[&["serve"], arguments].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let url = lines.next().unwrap().strip_prefix("serving ").unwrap().to_owned();
        let fingerprint = lines.next().unwrap().strip_prefix("certificate ").unwrap().to_owned();
        Self { child, url, fingerprint }
    }

    fn address(&self) -> &str {
        self.url.trim_start_matches("https://")
    }

    fn stop(mut self) {
        patience::signal(&self.child, Signal::TERM);
        assert_eq!(patience::ended(&mut self.child).code(), Some(0));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(drop).unwrap_or_default();
    }
}

fn shell(script: &str) -> Said {
    Said::of(Command::new("sh").args(["-c", script]))
}

/// The fingerprint of the certificate that is shown there, as openssl tells it.
fn shown(address: &str) -> String {
    let said = shell(&format!(
        "openssl s_client -connect {address} </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256"
    ));
    let digits = said.out.trim().rsplit('=').next().unwrap().replace(':', "").to_lowercase();
    format!("sha256:{digits}")
}

fn token(home: &Home) -> String {
    home.data().join("tokens/default.dana").display().to_string()
}

#[test]
fn a_certificate_of_its_own_is_what_openssl_and_curl_see() {
    if !programs::is_there("openssl") || !programs::is_there("curl") {
        return;
    }
    let home = Home::new();
    let server = Server::start(&home, &["--listen", "0.0.0.0:0", "--tls-self-signed"]);
    let address = server.address().to_owned();
    assert_eq!(shown(&address), server.fingerprint);
    let certificate = home.data().join("tls.crt").display().to_string();
    let port = address.rsplit(':').next().unwrap();
    let said =
        shell(&format!("curl -sS --max-time 10 --cacert {certificate} https://localhost:{port}/healthz"));
    assert_eq!(said.out, "ok\n", "{}", said.err);
    assert_ne!(shell(&format!("curl -sS --max-time 10 http://{address}/healthz")).status, 0, "no plaintext");
    for version in ["-tls1_2", "-tls1_3"] {
        let said = shell(&format!("openssl s_client {version} -connect {address} </dev/null"));
        assert_eq!(said.status, 0, "{version}: {}", said.err);
    }
    assert_ne!(shell(&format!("openssl s_client -tls1_1 -connect {address} </dev/null")).status, 0);
    let mode =
        |path: &Path| std::os::unix::fs::PermissionsExt::mode(&fs::metadata(path).unwrap().permissions());
    assert_eq!(mode(&home.data().join("tls.key")) & 0o777, 0o600);
    // On the machine itself the socket is the way, whatever is spoken elsewhere.
    assert!(home.ok(&["inbox", "list"]).contains("nothing waits"));

    let plain = Home::new().run(&["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(plain.status, 2, "{}", plain.err);
    assert!(plain.err.contains("--tls-self-signed"), "{}", plain.err);
}

#[test]
fn a_certificate_is_remembered_and_another_one_refused() {
    let (home, other) = (Home::new(), Home::new());
    let server = Server::start(&home, &["--listen", "127.0.0.1:0", "--tls-self-signed"]);
    let (url, first, address) = (server.url.clone(), server.fingerprint.clone(), server.address().to_owned());
    let token = token(&home);
    let asked = ["--connect", &url, "--token-file", &token];
    let list = |more: &[&str]| other.run(&[&asked[..], more, &["inbox", "list"]].concat());
    let said = list(&[]);
    assert_eq!(said.status, 2, "nobody vouches for it, and nobody was asked: {}", said.err);
    assert!(said.err.contains(&first) && said.err.contains("--tls-fingerprint"), "{}", said.err);
    let wrong = format!("sha256:{}", "ab".repeat(32));
    let said = list(&["--tls-fingerprint", &wrong]);
    assert!(said.status == 2 && said.err.contains(&first) && said.err.contains(&wrong), "{said:?}");
    assert_eq!(list(&["--tls-fingerprint", &first]).status, 0);
    assert_eq!(list(&[]).status, 0, "it is remembered");

    // Another server in its place, or the same with another key.
    server.stop();
    fs::remove_file(home.data().join("tls.crt")).unwrap();
    let server = Server::start(&home, &["--listen", &address, "--tls-self-signed"]);
    let second = server.fingerprint.clone();
    assert_ne!(second, first);
    let said = list(&[]);
    assert_eq!(said.status, 2, "{}", said.err);
    assert!(said.err.contains(&first) && said.err.contains(&second), "both are shown: {}", said.err);
    assert!(said.err.contains("nothing was sent"), "{}", said.err);
    assert_eq!(list(&["--tls-fingerprint", &second]).status, 0);
    assert_eq!(list(&[]).status, 0, "the new one is remembered");
}

#[test]
fn a_certificate_is_read_again_when_its_files_change() {
    if !programs::is_there("openssl") {
        return;
    }
    let home = Home::new();
    let make = |name: &str| {
        let at = home.dir.path().display().to_string();
        let said = shell(&format!(
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost -keyout {at}/{name}.key -out {at}/{name}.crt 2>&1"
        ));
        assert_eq!(said.status, 0, "{}", said.out);
    };
    make("one");
    let file = |name: &str| home.dir.path().join(name).display().to_string();
    let (certificate, key) = (file("one.crt"), file("one.key"));
    let server =
        Server::start(&home, &["--listen", "127.0.0.1:0", "--tls-cert", &certificate, "--tls-key", &key]);
    assert_eq!(shown(server.address()), server.fingerprint);
    make("two");
    // The certificate comes first: until its key is there too, the old pair stays.
    fs::rename(file("two.crt"), &certificate).unwrap();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(shown(server.address()), server.fingerprint);
    fs::rename(file("two.key"), &key).unwrap();
    let give_up = Instant::now() + PATIENCE;
    while shown(server.address()) == server.fingerprint {
        assert!(Instant::now() < give_up, "it is not read again");
        std::thread::sleep(Duration::from_millis(200));
    }
    let said = home.run(&["serve", "--tls-cert", &certificate]);
    assert!(said.status == 2 && said.err.contains("--tls-key"), "{said:?}");
}
