#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::*;

/// Names as a test knows them; each lookup takes the next answer, and the last one again and again.
#[derive(Debug, Default)]
struct Names(Mutex<HashMap<String, Vec<Vec<IpAddr>>>>);

impl Names {
    fn with(names: &[(&str, &[&[&str]])]) -> Arc<Self> {
        let addresses = |list: &[&str]| list.iter().map(|address| address.parse().unwrap()).collect();
        let answers = |of: &[&[&str]]| of.iter().map(|list| addresses(list)).collect();
        let names = names.iter().map(|(name, of)| ((*name).to_owned(), answers(of))).collect();
        Arc::new(Self(Mutex::new(names)))
    }
}

impl Lookup for Names {
    fn lookup(&self, name: &str) -> LookupFuture {
        let mut names = self.0.lock().unwrap();
        let found = names.get_mut(name).map(|answers| match answers.len() {
            0 | 1 => answers.first().cloned().unwrap_or_default(),
            _ => answers.remove(0),
        });
        Box::pin(async move { found.ok_or_else(|| std::io::ErrorKind::NotFound.into()) })
    }
}

/// Something on this computer that must never be reached. How often it was.
async fn inner() -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, reached) = (listener.local_addr().unwrap().port(), Arc::<AtomicUsize>::default());
    let count = Arc::clone(&reached);
    TaskTracker::new().spawn(async move {
        while listener.accept().await.is_ok() {
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    (port, reached)
}

fn outbound(names: Arc<Names>, opened: &[IpNet]) -> Outbound {
    let names: Arc<dyn Lookup> = names;
    Outbound::new(&names, opened)
}

async fn post(outbound: &Outbound, target: &str) -> Result<Answer, String> {
    outbound.post(target, HeaderMap::new(), String::new()).await
}

/// Addresses that lead elsewhere than to the internet. `{port}` is that of something that listens on this computer.
const CLOSED: &[&str] = &[
    // This computer, in every spelling.
    "https://127.0.0.1:{port}/",
    "https://127.1:{port}/",
    "https://2130706433:{port}/",
    "https://0x7f000001:{port}/",
    "https://0x7f.0.0.1:{port}/",
    "https://0177.0.0.1:{port}/",
    "https://017700000001:{port}/",
    "https://127.0.0.1.:{port}/",
    "https://127.255.255.254:{port}/",
    "https://0.0.0.0:{port}/",
    "https://0:{port}/",
    "https://[::1]:{port}/",
    "https://[::]:{port}/",
    "https://[0:0:0:0:0:0:0:1]:{port}/",
    "https://localhost:{port}/",
    "https://localhost.:{port}/",
    "https://LOCALHOST:{port}/",
    "https://desk.localhost:{port}/",
    "https://１２７.０.０.１:{port}/",
    "https://①②⑦.0.0.1:{port}/",
    "https://127。0。0。1:{port}/",
    "https://ⓛocalhost:{port}/",
    "https://%31%32%37.0.0.1:{port}/",
    // Private networks, shared ones, link-local ones, and what clouds tell their machines.
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.1.1/",
    "https://100.64.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://0xa9fea9fe/",
    "https://[fe80::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fc00::1]/",
    "https://[fec0::1]/",
    // IPv4 inside of IPv6: mapped, compatible, 6to4, NAT64, Teredo.
    "https://[::ffff:127.0.0.1]:{port}/",
    "https://[::ffff:7f00:1]:{port}/",
    "https://[::127.0.0.1]:{port}/",
    "https://[2002:7f00:1::]:{port}/",
    "https://[64:ff9b::7f00:1]:{port}/",
    "https://[64:ff9b:1::7f00:1]:{port}/",
    "https://[2001:0:4136:e378:8000:63bf:80ff:fffe]/",
    // Groups, everybody, documentation, benchmarks.
    "https://224.0.0.1/",
    "https://[ff02::1]/",
    "https://255.255.255.255/",
    "https://240.0.0.1/",
    "https://192.0.2.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://[2001:db8::1]/",
    "https://198.18.0.1/",
    "https://192.0.0.8/",
    // Names of this network, and names on the internet that lead back here.
    "https://router/",
    "https://intranet./",
    "https://home.example:{port}/",
    "https://home.example.:{port}/",
    "https://mapped.example:{port}/",
    "https://both.example:{port}/",
    "https://cloud.example/",
    "https://nowhere.example/",
    "https://nobody.example/",
    // Other words for an address.
    "http://93.184.215.14/",
    "http://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/",
    "file:///etc/passwd",
    "ftp://93.184.215.14/",
    "data:text/plain,x",
    "https://user@127.0.0.1:{port}/",
    "https://good.example:443@127.0.0.1:{port}/",
    "https://good.example@home.example:{port}/",
    "https://good.example\\@127.0.0.1:{port}/",
    "https://127.0.0.1:{port}#@good.example/",
    "https://127.0.0.1:{port}?@good.example/",
    "https://[fe80::1%25lo]/",
    "https://[::1%25lo]:{port}/",
    "https://",
    "//127.0.0.1:{port}/",
    "https:127.0.0.1:{port}",
    "127.0.0.1:{port}",
    "",
];

fn names() -> Arc<Names> {
    Names::with(&[
        ("localhost", &[&["127.0.0.1", "::1"]]),
        ("home.example", &[&["127.0.0.1"]]),
        ("home.example.", &[&["127.0.0.1"]]),
        ("mapped.example", &[&["::ffff:127.0.0.1"]]),
        ("both.example", &[&["93.184.215.14", "127.0.0.1"]]),
        ("cloud.example", &[&["169.254.169.254"]]),
        ("nobody.example", &[&[]]),
        ("router", &[&["192.168.1.1"]]),
        ("intranet.", &[&["10.0.0.1"]]),
    ])
}

#[tokio::test]
async fn ssrf_01_nothing_but_the_internet_is_ever_asked() {
    let (port, reached) = inner().await;
    let outbound = outbound(names(), &[]);
    assert!(CLOSED.len() >= 45);
    for target in CLOSED {
        let target = target.replace("{port}", &port.to_string());
        let answer = post(&outbound, &target).await;
        assert!(answer.is_err(), "{target:?} was asked: {answer:?}");
        let words = answer.unwrap_err();
        assert!(!words.contains("refused") && !words.contains("os error"), "{target:?} tells of the network: {words}");
    }
    assert_eq!(reached.load(Ordering::SeqCst), 0, "something on this computer was reached");
    for target in ["https://example.com/", "https://93.184.215.14/hook?a=b", "https://[2606:2800:21f:cb07::1]:8443/"] {
        assert!(outbound.read(target).is_ok(), "{target}");
    }
}

#[tokio::test]
async fn ssrf_01_a_name_that_changes_its_mind_is_judged_by_the_address_that_is_connected_to() {
    let (port, reached) = inner().await;
    // Open when it is set up, home when it is asked.
    let names = Names::with(&[("rebind.example", &[&["93.184.215.14"], &["127.0.0.1"]])]);
    let outbound = outbound(names.clone(), &[]);
    let target = format!("https://rebind.example:{port}/");
    outbound.read(&target).unwrap();
    assert!(names.lookup("rebind.example").await.unwrap().into_iter().all(is_open));
    assert_eq!(post(&outbound, &target).await, Err(BadTarget::Closed.to_string()));
    assert_eq!(reached.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn ssrf_01_one_lookup_decides_and_no_second_one_is_made_for_the_connection() {
    let (port, reached) = inner().await;
    // The second answer would be another one; there is no second question.
    let names = Names::with(&[("once.example", &[&["127.0.0.1"], &["10.0.0.1"]])]);
    let outbound = outbound(names.clone(), &["127.0.0.0/8".parse().unwrap()]);
    post(&outbound, &format!("https://once.example:{port}/")).await.unwrap_err();
    assert_eq!(reached.load(Ordering::SeqCst), 1, "the address that was judged is the one that is called");
    assert_eq!(names.lookup("once.example").await.unwrap(), ["10.0.0.1".parse::<IpAddr>().unwrap()]);
}

#[tokio::test]
async fn ssrf_01_only_networks_that_the_owner_opened_are_asked_without_tls() {
    let opened = ["127.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
    let outbound = outbound(names(), &opened);
    for (target, good) in [
        ("http://127.0.0.1:1/", true),
        ("https://127.0.0.1:1/", true),
        ("https://[::ffff:127.0.0.1]:1/", true),
        ("http://[fd00::1]/", true),
        ("https://93.184.215.14/", true),
        ("http://93.184.215.14/", false),
        ("https://10.0.0.1/", false),
        ("https://[::1]/", false),
        ("http://169.254.169.254/", false),
    ] {
        assert_eq!(outbound.read(target).is_ok(), good, "{target}");
    }
    assert_eq!(post(&outbound, "http://cloud.example/").await, Err(BadTarget::Closed.to_string()));
}
