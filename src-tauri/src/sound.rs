//! Sounds, made here and played by Rust: a page may be hidden, throttled or without codecs, and must still ring.

use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::Duration;

use deskbell_attention::Sound;
use rodio::source::{SineWave, Source as _};
use rodio::{DeviceSinkBuilder, Player};

/// Loudness of a tone, 1 is full.
const VOLUME: f32 = 0.35;
/// The ends of a tone are faded over this time, or they click.
const FADE: Duration = Duration::from_millis(12);

/// One tone: pitch in hertz, start and length in milliseconds.
type Tone = (f32, u64, u64);

/// Two strokes of a desk bell, twice: a chat that nobody has taken yet.
const RING: &[Tone] = &[(1318.5, 0, 220), (1760.0, 120, 420), (1318.5, 620, 220), (1760.0, 740, 520)];
/// One soft stroke: a message in a chat of mine.
const MESSAGE: &[Tone] = &[(1046.5, 0, 120), (1396.9, 90, 260)];

/// Plays sounds one after the other on a thread of its own, because opening a device may block.
pub(crate) struct Sounds {
    queue: SyncSender<Sound>,
}

impl Sounds {
    /// Starts the thread. It ends when this value is dropped.
    pub(crate) fn start() -> Self {
        let (queue, orders) = sync_channel(4);
        let thread = std::thread::Builder::new().name("sounds".into()).spawn(move || play_all(&orders));
        if let Err(error) = thread {
            tracing::error!(%error, "no sound: the thread could not be started");
        }
        Self { queue }
    }

    /// Asks for a sound. While four are waiting, a further one adds nothing and is left out. False: none will come.
    pub(crate) fn play(&self, sound: Sound) -> bool {
        let ended = matches!(self.queue.try_send(sound), Err(TrySendError::Disconnected(_)));
        if ended {
            tracing::error!("no sound: the thread has ended");
        }
        !ended
    }
}

fn play_all(orders: &Receiver<Sound>) {
    while let Ok(sound) = orders.recv() {
        // The device is opened anew for each sound: headsets come and go.
        let mut device = match DeviceSinkBuilder::open_default_sink() {
            Ok(device) => device,
            Err(error) => {
                tracing::warn!(%error, "no sound: no audio device");
                continue;
            }
        };
        device.log_on_drop(false);
        let tones = match sound {
            Sound::Ring => RING,
            Sound::Message => MESSAGE,
        };
        let players: Vec<Player> = tones
            .iter()
            .map(|&(pitch, start, length)| {
                let length = Duration::from_millis(length);
                let tone = SineWave::new(pitch).take_duration(length).fade_in(FADE).amplify(VOLUME);
                let player = Player::connect_new(device.mixer());
                player.append(tone.delay(Duration::from_millis(start)));
                player
            })
            .collect();
        for player in players {
            player.sleep_until_end();
        }
    }
}
