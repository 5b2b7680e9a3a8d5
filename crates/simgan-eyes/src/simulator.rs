use serde_json::Value;
use simgan_data::{BitDepth, DataError, Gaze, Image, ImageSpec, Label, Pixels, Sample, Source};

use crate::config::{Domain, SimulatorConfig};
use crate::landmarks::{Landmarks, gaze_vector};
use crate::math::Color;
use crate::parameters::Parameters;
use crate::record::Described;
use crate::render::{Camera, Canvas, Scene, render};
use crate::{EyesError, procedural};

/// Opens a built-in simulator.
///
/// # Errors
/// A setting that cannot be rendered.
pub fn builtin(domain: Domain, config: SimulatorConfig) -> Result<Simulator, EyesError> {
    Simulator::new(domain, config)
}

/// A source of rendered eyes. Sample `index` is a pure function of (configuration, index): random access, the same on every
/// machine and from every thread.
#[derive(Clone, Debug)]
pub struct Simulator {
    domain: Domain,
    config: SimulatorConfig,
}

/// One image with all that is known about it.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// 8 bits, gray or RGB.
    pub image: Image,
    /// Where the eye looks, in camera coordinates.
    pub gaze: Gaze,
    /// Where its parts are.
    pub landmarks: Landmarks,
    /// What was drawn.
    pub parameters: Parameters,
}

impl Simulator {
    /// Checks the configuration.
    ///
    /// # Errors
    /// A setting that cannot be rendered.
    pub fn new(domain: Domain, config: SimulatorConfig) -> Result<Self, EyesError> {
        config.check()?;
        Ok(Self { domain, config })
    }

    /// Which domain it renders.
    #[must_use]
    pub fn domain(&self) -> Domain {
        self.domain
    }

    /// What it renders.
    #[must_use]
    pub fn config(&self) -> &SimulatorConfig {
        &self.config
    }

    /// What is drawn for an image.
    ///
    /// # Panics
    /// If `index` is not less than the number of samples.
    #[must_use]
    pub fn parameters(&self, index: usize) -> Parameters {
        assert!(index < self.config.samples, "sample {index} of {}", self.config.samples);
        Parameters::sample(self.domain, &self.config, index as u64)
    }

    /// Renders an image with its labels.
    ///
    /// # Panics
    /// If `index` is not less than the number of samples.
    #[must_use]
    pub fn render(&self, index: usize) -> Rendered {
        self.render_parameters(self.parameters(index))
    }

    /// Renders what was drawn before, for example read from a record's `simgan.parameters`.
    #[must_use]
    pub fn render_parameters(&self, parameters: Parameters) -> Rendered {
        let scene = procedural::scene(&parameters);
        let camera = self.camera(&scene, &parameters);
        let canvas = self.picture(&scene, &camera, &parameters);
        let eye = scene.eye.seen_from(&camera.rotation);
        let gaze = Gaze::from_vector(gaze_vector(&eye));
        Rendered {
            image: image_from_canvas(&canvas, self.config.channels),
            gaze: gaze.unwrap_or_else(|| Gaze::from_pitch_yaw(0.0, 0.0)),
            landmarks: Landmarks::new(&scene, &camera),
            parameters,
        }
    }

    /// The labels of an image in UnityEyes' JSON form, with our own under `simgan`; the image need not be rendered.
    ///
    /// # Panics
    /// If `index` is not less than the number of samples.
    #[must_use]
    pub fn record(&self, index: usize) -> Value {
        let parameters = self.parameters(index);
        let scene = procedural::scene(&parameters);
        let camera = self.camera(&scene, &parameters);
        let eye = scene.eye.seen_from(&camera.rotation);
        let gaze = Gaze::from_vector(gaze_vector(&eye)).unwrap_or_else(|| Gaze::from_pitch_yaw(0.0, 0.0));
        self.describe(index, &parameters, &Landmarks::new(&scene, &camera), gaze)
    }

    pub(crate) fn describe(
        &self,
        index: usize,
        parameters: &Parameters,
        landmarks: &Landmarks,
        gaze: Gaze,
    ) -> Value {
        let (domain, config) = (self.domain, &self.config);
        Described { domain, config, index, parameters, landmarks, gaze }.json()
    }

    /// Looks at the middle between the eye's corners, off by the drawn offset.
    fn camera<A>(&self, scene: &Scene<A>, parameters: &Parameters) -> Camera {
        const DISTANCE_MM: f32 = 600.0;
        let rotation = parameters.pose.head();
        let upper = &scene.margin.upper;
        let middle = rotation.apply(upper[0].lerp(upper[upper.len() - 1], 0.5));
        let [x, y] = parameters.pose.offset_mm;
        Camera {
            rotation,
            center: [middle.x + x, middle.y + y],
            px_per_mm: self.config.px_per_mm(),
            width: self.config.width,
            height: self.config.height,
            distance_mm: DISTANCE_MM,
        }
    }

    /// Display values in [0, 1].
    fn picture<A: crate::render::Appearance>(
        &self,
        scene: &Scene<A>,
        camera: &Camera,
        parameters: &Parameters,
    ) -> Canvas {
        let supersample = self.config.supersample;
        let Some(sensor) = &parameters.sensor else {
            let mut canvas = render(scene, &parameters.light, camera, supersample);
            canvas.pixels.iter_mut().for_each(|pixel| *pixel = displayed(*pixel));
            return canvas;
        };
        let (width, height) = sensor.size(camera.width, camera.height);
        let coarse = camera.scaled(width as f32 / camera.width as f32, width, height);
        let canvas = render(scene, &parameters.light, &coarse, supersample);
        sensor.expose(canvas, coarse.px_per_mm, camera.width, camera.height)
    }
}

impl Source for Simulator {
    fn len(&self) -> usize {
        self.config.samples
    }

    fn spec(&self) -> ImageSpec {
        ImageSpec {
            channels: self.config.channels,
            height: self.config.height,
            width: self.config.width,
            depth: BitDepth::Eight,
        }
    }

    fn sample(&self, index: usize) -> Result<Sample, DataError> {
        let Rendered { image, gaze, landmarks, parameters } = self.render(index);
        let record = self.describe(index, &parameters, &landmarks, gaze);
        let label = Label { gaze: Some(gaze), landmarks: Some(landmarks.labels()), record: Some(record) };
        Ok(Sample { name: index.to_string(), image, label })
    }
}

/// Gamma 2, which every machine computes alike, and half of a photograph's S-curve.
fn displayed(linear: Color) -> Color {
    let curve = |value: f32| {
        let level = value.max(0.0).sqrt().min(1.0);
        level * (0.5 + level * (1.5 - level))
    };
    crate::math::vec3(curve(linear.x), curve(linear.y), curve(linear.z))
}

fn image_from_canvas(canvas: &Canvas, channels: usize) -> Image {
    let byte = |value: f32| (value * 255.0).round() as u8;
    let pixels = &canvas.pixels;
    let values: Vec<u8> = if channels == 1 {
        pixels.iter().map(|pixel| byte(pixel.luma())).collect()
    } else {
        let planes: [fn(&Color) -> f32; 3] = [|p| p.x, |p| p.y, |p| p.z];
        planes.iter().flat_map(|plane| pixels.iter().map(move |pixel| byte(plane(pixel)))).collect()
    };
    Image::new(channels, canvas.height, canvas.width, Pixels::U8(values))
}
