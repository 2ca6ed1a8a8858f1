//! Rate caps: token buckets, and the back-off after wrong passwords. Both are bounded in memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::settings::{StoreIp, form};

/// Whom an address counts as: itself, or the network of the sixth version that one household has. `None`: this computer,
/// which is usually a proxy or a test, and counts as nobody.
pub(crate) fn household(address: IpAddr) -> Option<IpAddr> {
    match address.to_canonical() {
        address if address.is_loopback() => None,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Some(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into())
        }
        address @ IpAddr::V4(_) => Some(address),
    }
}

/// A bucket that holds `burst` and gains one every `refill`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    level: f64,
    burst: f64,
    refill: Duration,
    at: Instant,
}

impl Bucket {
    pub(crate) fn new(burst: u32, refill: Duration, now: Instant) -> Self {
        Self { level: f64::from(burst), burst: f64::from(burst), refill, at: now }
    }

    fn fill(&mut self, now: Instant) {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() / self.refill.as_secs_f64();
        self.level = (self.level + gained).min(self.burst);
        self.at = now;
    }

    /// Takes one, or says how long to wait.
    pub(crate) fn take(&mut self, now: Instant) -> Result<(), Duration> {
        self.fill(now);
        if self.level >= 1.0 {
            self.level -= 1.0;
            Ok(())
        } else {
            Err(self.refill.mul_f64(1.0 - self.level))
        }
    }

    fn is_full(&mut self, now: Instant) -> bool {
        self.fill(now);
        self.level >= self.burst
    }
}

/// Most buckets that are remembered.
const REMEMBERED: usize = 20_000;

/// One bucket for each key.
pub(crate) struct Buckets<K> {
    burst: u32,
    refill: Duration,
    buckets: Mutex<HashMap<K, Bucket>>,
}

impl<K: Eq + Hash> Buckets<K> {
    pub(crate) fn new(burst: u32, refill: Duration) -> Self {
        Self { burst, refill, buckets: Mutex::default() }
    }

    /// Takes one from the key's bucket, or says how long to wait.
    pub(crate) fn take(&self, key: K, now: Instant) -> Result<(), Duration> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= REMEMBERED && !buckets.contains_key(&key) {
            buckets.retain(|_, bucket| !bucket.is_full(now));
            if buckets.len() >= REMEMBERED {
                return Err(self.refill);
            }
        }
        buckets.entry(key).or_insert_with(|| Bucket::new(self.burst, self.refill, now)).take(now)
    }
}

/// Visitors whom the desk meets for the first time, by the household they come from.
pub(crate) struct Newcomers(Buckets<IpAddr>);

impl Newcomers {
    pub(crate) fn new(an_hour: u32) -> Self {
        Self(Buckets::new(an_hour, Duration::from_secs(3600) / an_hour.max(1)))
    }

    /// Counts one, or says how long to wait.
    pub(crate) fn take(&self, from: IpAddr, now: Instant) -> Result<(), Duration> {
        household(from).map_or(Ok(()), |household| self.0.take(household, now))
    }
}

/// Wrong passwords of one account before it has to wait.
const FREE_FAILURES: u32 = 5;
/// The first wait; each further failure doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(15);
/// The longest wait, after which the count also starts anew.
const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);
/// Sign-ins from one network in an hour, right and wrong ones; a device signs in once and then refreshes its tokens.
const SIGN_INS_PER_NETWORK: u32 = 100;

#[derive(Clone, Copy)]
struct Failures {
    count: u32,
    last: Instant,
    /// The one before the last.
    before: Instant,
}

impl Failures {
    fn wait(&self) -> Duration {
        match self.count.checked_sub(FREE_FAILURES) {
            None => Duration::ZERO,
            Some(beyond) => FIRST_WAIT.saturating_mul(1 << beyond.min(10)).min(LONGEST_WAIT),
        }
    }
}

/// Wrong passwords, by account and by network.
pub(crate) struct SignInGuard {
    accounts: Mutex<HashMap<String, Failures>>,
    networks: Buckets<String>,
}

impl SignInGuard {
    pub(crate) fn new() -> Self {
        Self {
            accounts: Mutex::default(),
            networks: Buckets::new(SIGN_INS_PER_NETWORK, Duration::from_secs(3600) / SIGN_INS_PER_NETWORK),
        }
    }

    /// How long a network has to wait before a try at something that names no account.
    pub(crate) fn begin_unnamed(&self, address: IpAddr, now: Instant) -> Result<(), Duration> {
        if address.is_loopback() {
            return Ok(());
        }
        self.networks.take(form(StoreIp::Truncated, address.to_canonical()), now)
    }

    /// How long the account has to wait, if at all. Counts the try as failed until [`Self::succeeded`] is called,
    /// so that many tries at once do not slip through.
    pub(crate) fn begin(&self, account: &str, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failures) = accounts.get(account) {
            let left = failures.wait().saturating_sub(now.saturating_duration_since(failures.last));
            if !left.is_zero() {
                return Err(left);
            }
        }
        self.begin_unnamed(address, now)?;
        if accounts.len() >= REMEMBERED {
            accounts.retain(|_, failures| now.saturating_duration_since(failures.last) < LONGEST_WAIT);
            if accounts.len() >= REMEMBERED {
                return Err(FIRST_WAIT);
            }
        }
        let failures = accounts.entry(account.to_owned()).or_insert(Failures { count: 0, last: now, before: now });
        if now.saturating_duration_since(failures.last) >= LONGEST_WAIT {
            failures.count = 0;
        }
        *failures = Failures { count: failures.count.saturating_add(1), last: now, before: failures.last };
        Ok(())
    }

    /// Takes back what [`Self::begin`] has counted: the try was not wrong, it only left something out.
    pub(crate) fn uncount(&self, account: &str) {
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failures) = accounts.get_mut(account) {
            // Whoever was asked for a code types it at once, and need not wait for having been asked.
            failures.count = failures.count.saturating_sub(1);
            failures.last = failures.before;
        }
    }

    /// Forgets the account's failures.
    pub(crate) fn succeeded(&self, account: &str) {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner).remove(account);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn dk_01_five_wrong_passwords_then_waits_that_double_up_to_fifteen_minutes() {
        let guard = SignInGuard::new();
        let address = "127.0.0.1".parse().unwrap();
        let mut now = Instant::now();
        for _ in 0..5 {
            guard.begin("ann@shop.example", address, now).unwrap();
        }
        let mut waits = Vec::new();
        for _ in 0..7 {
            let wait = guard.begin("ann@shop.example", address, now).unwrap_err();
            waits.push(wait.as_secs());
            now += wait;
            if wait < LONGEST_WAIT {
                guard.begin("ann@shop.example", address, now).unwrap();
            }
        }
        assert_eq!(waits, [15, 30, 60, 120, 240, 480, 900]);
        guard.begin("ben@shop.example", address, now).unwrap();
    }

    #[test]
    fn dk_01_of_ten_thousand_guesses_in_a_quarter_of_an_hour_ten_are_looked_at() {
        let guard = SignInGuard::new();
        let (address, start) = ("127.0.0.1".parse().unwrap(), Instant::now());
        let every = LONGEST_WAIT / 10_000;
        let looked_at = |account: &str| {
            (0..10_000).filter(|guess| guard.begin(account, address, start + every * *guess).is_ok()).count()
        };
        assert_eq!(looked_at("ann@shop.example"), 10);
        // Whoever sits behind a password and guesses codes gains nothing by asking for the code in between.
        let guesses = (0..10_000).filter(|guess| {
            let now = start + every * *guess;
            if guard.begin("ben@shop.example", address, now).is_ok() {
                guard.uncount("ben@shop.example");
            }
            guard.begin("ben@shop.example", address, now).is_ok()
        });
        assert_eq!(guesses.count(), 10);
    }

    #[test]
    fn dk_01_the_right_password_clears_the_count() {
        let guard = SignInGuard::new();
        let now = Instant::now();
        for _ in 0..20 {
            guard.begin("ann@shop.example", "127.0.0.1".parse().unwrap(), now).unwrap();
            guard.succeeded("ann@shop.example");
        }
    }

    #[test]
    fn dk_01_a_network_that_guesses_at_many_accounts_has_to_wait() {
        let guard = SignInGuard::new();
        let now = Instant::now();
        for account in 0..100 {
            guard.begin(&format!("{account}@shop.example"), "203.0.113.9".parse().unwrap(), now).unwrap();
        }
        guard.begin("more@shop.example", "203.0.113.77".parse().unwrap(), now).unwrap_err();
        guard.begin("more@shop.example", "198.51.100.1".parse().unwrap(), now).unwrap();
    }

    #[test]
    fn dc_01_a_household_of_any_address_is_one_and_this_computer_is_nobody() {
        let newcomers = Newcomers::new(2);
        let now = Instant::now();
        let comes = |from: &str| newcomers.take(from.parse().unwrap(), now).is_ok();
        assert!(comes("2001:db8:1:2::1") && comes("2001:db8:1:2:ffff::2"));
        assert!(!comes("2001:db8:1:2::3"), "the third of one network");
        assert!(comes("2001:db8:1:3::1") && comes("203.0.113.7") && comes("::ffff:203.0.113.7"));
        assert!(!comes("203.0.113.7"), "the same address in another form");
        for here in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
            assert!((0..9).all(|_| comes(here)), "{here}");
        }
        assert!(newcomers.take("203.0.113.7".parse().unwrap(), now + Duration::from_secs(1800)).is_ok());
    }

    #[test]
    fn dc_01_a_bucket_lets_a_burst_through_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(8, Duration::from_secs(3), start);
        for _ in 0..8 {
            bucket.take(start).unwrap();
        }
        let wait = bucket.take(start).unwrap_err();
        assert!(wait <= Duration::from_secs(3));
        bucket.take(start + wait + Duration::from_millis(1)).unwrap();
        bucket.take(start + wait + Duration::from_millis(2)).unwrap_err();
    }
}
