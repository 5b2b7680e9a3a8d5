use simgan_data::simulation::Stream;
use simgan_data::{BitDepth, DataError, Image, ImageSpec, Pixels, Sample, Size, Source, Want, names};

use crate::HandsError;
use crate::camera::Camera;
use crate::config::{Domain, HandsConfig};
use crate::joints::{Joint, LABELLED, N_NYU, joints};
use crate::math::{Vec3, vec3};
use crate::person::Person;
use crate::pose::Pose;
use crate::record::Described;
use crate::render::{Depths, depths_at, render};
use crate::sensor::Sensor;
use crate::skeleton::Skeleton;
use crate::solid::Solid;

/// A source of rendered hands with random access. Sample `index` is a pure function of (configuration,
/// index), identical on every machine and thread.
///
/// An image holds depths in whole millimetres with 16 bits, 0 where nothing was measured: outside of the
/// space around the palm ([`HandsConfig::crop_mm`]), and where the sensor of [`Domain::Kinect`] fails.
#[derive(Clone, Debug)]
pub struct HandSimulator {
    domain: Domain,
    config: HandsConfig,
}

/// Everything drawn for one image, and where it puts the hand.
pub(crate) struct Scene {
    pub(crate) person: Person,
    pub(crate) pose: Pose,
    /// NYU's joints in camera coordinates.
    pub(crate) joints: [Option<Joint>; N_NYU],
    pub(crate) camera: Camera,
    /// The middle of the crop in camera coordinates, in mm.
    pub(crate) middle: Vec3,
    solid: Solid,
}

impl HandSimulator {
    /// Opens a simulator.
    ///
    /// # Errors
    /// A setting cannot be rendered.
    pub fn new(domain: Domain, config: HandsConfig) -> Result<Self, HandsError> {
        config.check()?;
        Ok(Self { domain, config })
    }

    /// The simulator's domain.
    #[must_use]
    pub fn domain(&self) -> Domain {
        self.domain
    }

    /// The simulator's settings.
    #[must_use]
    pub fn config(&self) -> &HandsConfig {
        &self.config
    }

    /// The scene of an image's draw number `attempt`.
    fn scene(&self, index: usize, attempt: u64) -> Scene {
        assert!(index < self.config.samples, "sample {index} of {}", self.config.samples);
        let purpose = match self.domain {
            Domain::Hands => "hands/pose",
            Domain::Kinect => "kinect/pose",
        };
        let mut rng = Stream::new(self.config.seed, purpose, index as u64 + (attempt << ATTEMPT_SHIFT));
        let person = Person::draw(self.config.seed, self.domain, rng.below(self.config.people));
        let pose = Pose::draw(&self.config, self.domain, &person, &mut rng);
        let mut offset = || rng.uniform(-self.config.offset_mm, self.config.offset_mm);
        let middle = pose.palm + vec3(offset(), offset(), offset());
        let skeleton = Skeleton::new(&person, &pose.digits, pose.wrist);
        let by = pose.palm - pose.rotation.apply(skeleton.palm);
        let solid = Solid::new(&person, &skeleton).moved(&pose.rotation, by);
        let joints = joints(&skeleton)
            .map(|joint| joint.map(|joint| Joint { place: pose.rotation.apply(joint.place) + by, ..joint }));
        let camera = Camera::crop(&self.config, middle);
        Scene { person, pose, joints, camera, middle, solid }
    }

    /// Nothing further from the crop's middle than half the crop is shown.
    fn cut(&self, depth: f32, middle: Vec3) -> u16 {
        let is_near = (depth - middle.z).abs() <= 0.5 * self.config.crop_mm;
        // By way of 32 bits, into which processors convert several depths at once.
        let shown = if is_near { depth + 0.5 } else { 0.0 };
        shown as i32 as u16
    }

    fn image(&self, scene: &Scene, depths: &Depths) -> Image {
        let values = depths.values.iter().map(|depth| self.cut(*depth, scene.middle)).collect();
        Image::new(1, self.config.size.height, self.config.size.width, Pixels::U16(values))
    }

    /// The first draw that shows a hand: in some, a forearm that points at the camera hides it and is cut off.
    fn shown(&self, index: usize) -> (Scene, Image) {
        let draw = |attempt| {
            let scene = self.scene(index, attempt);
            let depths = match self.domain {
                Domain::Hands => render(&scene.solid, &scene.camera),
                Domain::Kinect => self.measured(index, &scene),
            };
            let image = self.image(&scene, &depths);
            (scene, image)
        };
        (0..LAST_ATTEMPT).map(draw).find(|(_, image)| is_shown(image)).unwrap_or_else(|| draw(LAST_ATTEMPT))
    }

    /// What the sensor measures, at its own resolution, taken from there by the nearest pixel.
    fn measured(&self, index: usize, scene: &Scene) -> Depths {
        let camera = scene.camera.covering(Sensor::PITCH, Sensor::CELL);
        let rng = Stream::new(self.config.seed, "kinect/sensor", index as u64);
        let mut sensor = Sensor::new(rng, scene.middle.z);
        let own = sensor.measure(&render(&scene.solid, &camera), &camera);
        own.resampled(&camera, &scene.camera)
    }
}

/// Number of the draw that is taken whatever it shows.
const LAST_ATTEMPT: u64 = 7;
/// Draws of one image are this many bits apart in their stream's number.
const ATTEMPT_SHIFT: u32 = 48;
/// Least share of an image that a hand covers.
const LEAST_SHOWN: f32 = 0.03;

/// Whether enough of an image is a hand.
fn is_shown(image: &Image) -> bool {
    let Pixels::U16(values) = image.pixels() else { return true };
    let n_shown = values.iter().filter(|value| **value > 0).count();
    n_shown as f32 >= LEAST_SHOWN * values.len() as f32
}

impl Scene {
    /// For each joint, whether it is in the image and nothing lies between the camera and the flesh around
    /// it.
    pub(crate) fn visible(&self) -> [bool; N_NYU] {
        /// What a joint may lie deeper than its radius: flesh is not round everywhere.
        const SLACK_MM: f32 = 4.0;
        let known: Vec<&Joint> = self.joints.iter().flatten().collect();
        let points: Vec<_> = known.iter().map(|joint| self.camera.project(joint.place)).collect();
        let mut depths = depths_at(&self.solid, &self.camera, &points).into_iter();
        self.joints.map(|joint| {
            let Some(Joint { place, radius }) = joint else { return false };
            let depth = depths.next().flatten();
            depth.is_some_and(|depth| depth.is_finite() && place.z - depth <= radius + SLACK_MM)
        })
    }

    /// The labelled points, in pixels.
    pub(crate) fn points(&self) -> Vec<[f32; 2]> {
        let places = LABELLED.iter().filter_map(|idx| self.joints[*idx]);
        places.map(|joint| self.camera.project(joint.place)).collect()
    }
}

impl Source for HandSimulator {
    fn len(&self) -> usize {
        self.config.samples
    }

    fn spec(&self) -> ImageSpec {
        let Size { width, height } = self.config.size;
        ImageSpec { channels: 1, height, width, depth: BitDepth::Sixteen }
    }

    /// Renders a sample. Its points `joints` are those of [`JOINT_NAMES`](crate::JOINT_NAMES), occluded ones
    /// too; its record says which are visible.
    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError> {
        let (scene, image) = self.shown(index);
        let mut sample = Sample::new(self.name(index)?, image);
        if want == Want::Labels {
            sample.annotations.insert(names::JOINTS.into(), scene.points().into());
            sample.record = Some(Described { simulator: self, index, scene: &scene }.json());
        }
        Ok(sample)
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        assert!(index < self.config.samples, "sample {index} of {}", self.config.samples);
        Ok(index.to_string())
    }
}

#[cfg(test)]
mod tests;
