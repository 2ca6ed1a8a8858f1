//! Clocks. What is bound by the processor is told in its own time, which other programs do not lengthen.

use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// Processor time of this thread.
pub(crate) fn processor() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// What a piece of work took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Took {
    /// On the clock on the wall, in milliseconds.
    pub(crate) wall: f64,
    /// Of this thread's processor time, in milliseconds.
    pub(crate) processor: f64,
}

/// Does a piece of work, and says what it took.
pub(crate) fn timed<T>(work: impl FnOnce() -> T) -> (T, Took) {
    let (wall, began) = (Instant::now(), processor());
    let answer = work();
    let took =
        Took { processor: (processor() - began).as_secs_f64() * 1000.0, wall: wall.elapsed().as_secs_f64() * 1000.0 };
    (answer, took)
}
