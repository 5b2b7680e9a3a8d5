//! Films, each of one person: fixations linked by saccades and pursuits, blinks and a swaying head. Every frame is
//! a pure function of (configuration, frame).

use crate::config::SimulatorConfig;
use crate::math::{direction, pitch_yaw};
use crate::math::{lerp, sin_cos, smoothstep};
use crate::parameters::{Parameters, Pose, Subject};
use crate::random::Stream;

/// Seconds per fixation.
const FIXATION_SECS: f32 = 0.4;
/// Seconds per blink.
const BLINK_SECS: f32 = 4.0;

/// One film: where its movements come from.
struct Film<'a> {
    config: &'a SimulatorConfig,
    seed: u64,
}

impl<'a> Film<'a> {
    /// The first film has the configuration's seed, every other one its own.
    fn new(config: &'a SimulatorConfig, number: usize) -> Self {
        let own = || {
            let mut rng = Stream::new(config.seed, "sequence/film", number as u64);
            u64::from(rng.bits()) << 32 | u64::from(rng.bits())
        };
        Self { config, seed: if number == 0 { config.seed } else { own() } }
    }
}

/// The name of a sample: its index, or `FILM/FRAME` in films that end, so that written films are folders.
pub(crate) fn name(config: &SimulatorConfig, index: usize) -> String {
    let [film, frame] = config.film_of(index);
    if config.film_frames == 0 { index.to_string() } else { format!("{film}/{frame}") }
}

/// Returns a frame and its next one, as [`simgan_data::Source::frames`] does.
pub(crate) fn frames(config: &SimulatorConfig, index: usize) -> Option<[usize; 2]> {
    config.frame_rate()?;
    let film = |index: usize| config.film_of(index)[0];
    let is_pair = |first: usize| first + 1 < config.samples && film(first) == film(first + 1);
    let first = [Some(index), index.checked_sub(1)].into_iter().flatten().find(|first| is_pair(*first))?;
    Some([first, first + 1])
}

/// Returns the parameters of a frame at `rate` frames per second: those of an independent image, which `drawn`
/// gives for the film's number, with gaze, head, lids and grain replaced.
pub(crate) fn frame(
    drawn: impl Fn(u64) -> Parameters,
    config: &SimulatorConfig,
    rate: f32,
    index: usize,
) -> Parameters {
    let [number, index] = config.film_of(index);
    let (mut first, film) = (drawn(number as u64), &Film::new(config, number));
    let secs = (index as f64 / f64::from(rate)) as f32;
    sway(&mut first.pose, film, secs);
    let (pitch, yaw) = gaze_in_head(film, secs);
    let (pitch, yaw) = pitch_yaw(first.pose.head().apply(direction(pitch, yaw)));
    (first.pose.gaze_pitch_deg, first.pose.gaze_yaw_deg) = (pitch.to_degrees(), yaw.to_degrees());
    let closed = closed(film, secs);
    match &mut first.subject {
        Subject::Procedural(subject) => subject.lids.closed = closed,
        Subject::Unityeyes(subject) => subject.lids_closed = closed,
    }
    if let Some(sensor) = &mut first.sensor {
        sensor.seed = Stream::new(film.seed, "sequence/grain", index as u64).bits();
    }
    first
}

/// Turns the head slowly by a few degrees.
fn sway(pose: &mut Pose, film: &Film<'_>, secs: f32) {
    let mut rng = Stream::new(film.seed, "sequence/sway", 0);
    let mut wave = |amplitude_deg: f32| {
        let (turns_per_sec, start) = (rng.uniform(0.05, 0.2), rng.unit());
        amplitude_deg * sin_cos(std::f32::consts::TAU * (secs * turns_per_sec + start)).0
    };
    pose.head_pitch_deg += wave(1.5) + wave(0.7);
    pose.head_yaw_deg += wave(2.5) + wave(1.0);
    pose.head_roll_deg += wave(1.0);
}

/// One fixation: its target in the head's frame in radians, and the movement that leads to it.
struct Fixation {
    pitch: f32,
    yaw: f32,
    start_secs: f32,
    is_pursuit: bool,
}

impl Fixation {
    fn sample(film: &Film<'_>, number: u64) -> Self {
        let mut rng = Stream::new(film.seed, "sequence/gaze", number);
        let (pitch, yaw) = pitch_yaw(Pose::sample(film.config, &mut rng).gaze_in_head());
        // A movement ends before its interval does, so that a frame depends on two fixations only.
        let start_secs = number as f32 * FIXATION_SECS + rng.uniform(0.0, 0.1);
        Self { pitch, yaw, start_secs, is_pursuit: rng.chance(0.2) }
    }
}

/// Returns the gaze's pitch and yaw in the head, in radians. A saccade takes 21 ms plus 2.2 ms per degree, a
/// pursuit most of the time until the next fixation.
fn gaze_in_head(film: &Film<'_>, secs: f32) -> (f32, f32) {
    let number = (secs / FIXATION_SECS) as u64;
    let (from, to) = (Fixation::sample(film, number.saturating_sub(1)), Fixation::sample(film, number));
    let amplitude_deg = (to.pitch - from.pitch).hypot(to.yaw - from.yaw).to_degrees();
    let duration_secs =
        if to.is_pursuit { 0.7 * FIXATION_SECS } else { (0.021 + 0.0022 * amplitude_deg).min(0.2) };
    let t = ((secs - to.start_secs) / duration_secs).clamp(0.0, 1.0);
    // The minimum-jerk trajectory.
    let t = t * t * t * (10.0 - t * (15.0 - 6.0 * t));
    (lerp(from.pitch, to.pitch, t), lerp(from.yaw, to.yaw, t))
}

/// Returns how far a blink has closed the lids, 0 to 1: they close in about 0.1 s and open in about 0.2 s.
fn closed(film: &Film<'_>, secs: f32) -> f32 {
    let number = (secs / BLINK_SECS) as u64;
    let mut rng = Stream::new(film.seed, "sequence/blink", number);
    // A blink, of at most 0.43 s, starts and ends within its interval.
    let start = number as f32 * BLINK_SECS + rng.uniform(0.2, BLINK_SECS - 0.6);
    let (closing, shut, opening) =
        (rng.uniform(0.08, 0.12), rng.uniform(0.03, 0.06), rng.uniform(0.15, 0.25));
    let since = secs - start;
    smoothstep(0.0, closing, since) * smoothstep(closing + shut + opening, closing + shut, since)
}

#[cfg(test)]
mod tests {
    use simgan_data::{Source, Want};

    use crate::{Simulator, SimulatorConfig, SimulatorName};

    fn film(frames_per_sec: f32) -> Simulator {
        let name: SimulatorName = "builtin:eyes".parse().unwrap();
        name.open(SimulatorConfig { frames_per_sec, seed: 8, ..name.config() }).unwrap()
    }

    /// The eye moves no faster than real ones do, and it blinks.
    #[test]
    fn a_film_is_smooth_and_blinks() {
        const PER_SEC: f32 = 250.0;
        let film = film(PER_SEC);
        let labels: Vec<_> = (0..8 * 250).map(|index| film.label(index)).collect();
        let steps = labels.windows(2).map(|pair| {
            let [a, b] = [pair[0].gaze, pair[1].gaze];
            (a.pitch() - b.pitch()).hypot(a.yaw() - b.yaw()).to_degrees()
        });
        let (fastest, moved) = steps.fold((0.0_f32, 0.0), |(most, sum), step| (most.max(step), sum + step));
        assert!(fastest * PER_SEC < 900.0, "{} degrees a second", fastest * PER_SEC);
        assert!(fastest * PER_SEC > 100.0 && moved > 60.0, "{fastest} {moved}");
        let n_shut = labels.iter().filter(|label| label.visibility.pupil < 0.05).count();
        assert!(n_shut > 10 && n_shut < labels.len() / 5, "{n_shut} of {} frames", labels.len());
    }

    /// Each film is of another person; the first is the one that goes on where films do not end.
    #[test]
    fn films_follow_one_another() {
        let name: SimulatorName = "builtin:eyes".parse().unwrap();
        let config = SimulatorConfig { film_frames: 5, seed: 8, samples: 13, ..name.config() };
        let films = name.open(config).unwrap();
        let image = |film: &Simulator, index| film.sample(index, Want::Image).unwrap();
        let names: Vec<_> = [0, 4, 5, 12].iter().map(|index| image(&films, *index).name).collect();
        assert_eq!(names, ["0/0", "0/4", "1/0", "2/2"]);
        assert_eq!(image(&films, 4).image, image(&film(30.0), 4).image);
        let records: Vec<_> = (0..13).map(|index| films.record(index)["simgan"].clone()).collect();
        let light = |index: usize| &records[index]["parameters"]["light"];
        assert!(light(0) == light(4) && light(5) == light(9) && light(4) != light(5));
        assert_eq!(records[12]["film"], serde_json::json!({ "number": 2, "frame": 2 }));
        // Movements differ, not only persons.
        let turned = |index: usize| {
            let yaw = |index: usize| records[index]["parameters"]["pose"]["head_yaw_deg"].as_f64().unwrap();
            yaw(index + 4) - yaw(index)
        };
        assert!((turned(0) - turned(5)).abs() > 1e-3, "{} {}", turned(0), turned(5));
        let frames: Vec<_> = [0, 4, 5, 11, 12].iter().map(|index| films.frames(*index)).collect();
        assert_eq!(frames, [[0, 1], [3, 4], [5, 6], [11, 12], [11, 12]].map(Some));
        assert_eq!(film(0.0).frames(3), None);
        assert!(name.open(SimulatorConfig { film_frames: 1, ..name.config() }).is_err());
    }

    #[test]
    fn frames_come_in_any_order_and_show_one_person() {
        let film = film(30.0);
        let later = film.sample(41, Want::Labels).unwrap();
        assert_eq!(film.sample(3, Want::Labels).unwrap().name, "3");
        assert_eq!(film.sample(41, Want::Labels).unwrap(), later);
        let [first, last] = [0, 41].map(|index| film.record(index)["simgan"]["parameters"].clone());
        assert_eq!(first["light"], last["light"]);
        assert_eq!(first["subject"]["procedural"]["identity"], last["subject"]["procedural"]["identity"]);
        assert_ne!(first["pose"], last["pose"]);
    }
}
