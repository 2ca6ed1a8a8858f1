//! How long to wait before the next try: full jitter, so that a thousand clients do not come back as one.

use crate::{Millis, STABLE_MS};

const FIRST_MS: Millis = 500;
const LONGEST_MS: Millis = 30_000;
const SHORTEST_MS: Millis = 100;

/// Counts failed tries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure: `random(0, min(30 s, 0.5 s × 2^failures))`, at least 0.1 s.
    pub fn next(&mut self, random: u64) -> Millis {
        let ceiling = FIRST_MS.saturating_mul(1 << self.failures.min(10)).min(LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        (random % (ceiling + 1)).max(SHORTEST_MS)
    }

    /// A connection ended after living for so long.
    pub fn lived(&mut self, time: Millis) {
        if time >= STABLE_MS {
            self.failures = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_thirty_seconds_and_never_fall_under_a_tenth() {
        let mut backoff = Backoff::default();
        let longest: Vec<Millis> = (0..8).map(|_| backoff.next(u64::MAX)).collect();
        assert!(longest.iter().all(|&wait| (SHORTEST_MS..=LONGEST_MS).contains(&wait)));
        let mut again = Backoff::default();
        assert_eq!(again.next(0), SHORTEST_MS);
        for _ in 0..40 {
            assert!(again.next(123_456_789) <= LONGEST_MS);
        }
    }

    #[test]
    fn a_connection_that_lived_a_minute_starts_anew() {
        let mut backoff = Backoff { failures: 9 };
        backoff.lived(STABLE_MS - 1);
        assert_eq!(backoff.failures, 9);
        backoff.lived(STABLE_MS);
        assert!(backoff.next(u64::MAX) <= FIRST_MS);
    }
}
