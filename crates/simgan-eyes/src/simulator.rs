use std::sync::Arc;

use serde_json::Value;
use simgan_data::{BitDepth, DataError, Direction, Image, ImageSpec, Sample, Source, Want};

use crate::config::{Aim, Domain, Finishing, SimulatorConfig};
use crate::landmarks::{Landmarks, gaze_vector};
use crate::math::{Color, Vec3, vec3};
use crate::parameters::{Parameters, Subject};
use crate::record::Described;
use crate::render::{Appearance, Camera, Canvas, Scene, Visibility, render};
use crate::sensor::equalize;
use crate::unityeyes::{self, Assets};
use crate::{EyesError, procedural, sequence};

/// Opens a built-in simulator.
///
/// # Errors
/// Fails if a setting cannot be rendered.
pub fn builtin(domain: Domain, config: SimulatorConfig) -> Result<Simulator, EyesError> {
    config.check()?;
    Ok(Simulator { provider: Provider::Builtin(domain), config })
}

/// Opens UnityEyes without Unity: its geometry and textures, drawn by this crate's renderer.
///
/// # Errors
/// Fails if a setting cannot be rendered.
pub fn unityeyes(assets: Arc<Assets>, config: SimulatorConfig) -> Result<Simulator, EyesError> {
    config.check()?;
    Ok(Simulator { provider: Provider::Unityeyes(assets), config })
}

/// A source of rendered eyes with random access. Sample `index` is a pure function of (configuration, index),
/// identical on every machine and thread.
#[derive(Clone)]
pub struct Simulator {
    pub(crate) provider: Provider,
    config: SimulatorConfig,
}

/// The provider of geometry and textures.
#[derive(Clone)]
pub(crate) enum Provider {
    Builtin(Domain),
    Unityeyes(Arc<Assets>),
}

/// One image with everything known about it.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The image: 8 bits, gray or RGB.
    pub image: Image,
    /// Direction of the gaze in camera coordinates.
    pub gaze: Direction,
    /// Positions of the eye's parts.
    pub landmarks: Landmarks,
    /// Visible parts of iris and pupil.
    pub visibility: Visibility,
    /// Every value drawn for the image.
    pub parameters: Parameters,
}

/// The labels of an image, known without rendering it.
#[derive(Clone, Debug, PartialEq)]
pub struct Labelled {
    /// Direction of the gaze in camera coordinates.
    pub gaze: Direction,
    /// Positions of the eye's parts.
    pub landmarks: Landmarks,
    /// Visible parts of iris and pupil.
    pub visibility: Visibility,
}

impl Simulator {
    /// The simulator's settings.
    #[must_use]
    pub fn config(&self) -> &SimulatorConfig {
        &self.config
    }

    /// The simulator's name without a preset: `builtin:eyes`, `builtin:camera` or `unityeyes`.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.provider {
            Provider::Builtin(domain) => domain.to_string(),
            Provider::Unityeyes(_) => "unityeyes".to_owned(),
        }
    }

    /// Draws the parameters of an image.
    ///
    /// # Panics
    /// Panics if `index` is not less than the number of samples.
    #[must_use]
    pub fn parameters(&self, index: usize) -> Parameters {
        assert!(index < self.config.samples, "sample {index} of {}", self.config.samples);
        let drawn = |index| match &self.provider {
            Provider::Builtin(domain) => Parameters::procedural(*domain, &self.config, index),
            Provider::Unityeyes(assets) => Parameters::unityeyes(assets, &self.config, index),
        };
        // A film shows one person: every frame starts from the parameters of one index.
        if let Some(rate) = self.config.frame_rate() {
            return sequence::frame(drawn, &self.config, rate, index);
        }
        drawn(index as u64)
    }

    /// Renders an image with its labels.
    ///
    /// # Panics
    /// Panics if `index` is not less than the number of samples.
    #[must_use]
    pub fn render(&self, index: usize) -> Rendered {
        self.rendered(self.parameters(index))
    }

    /// Renders an image from given parameters, for example those of a record ([`Recorded`](crate::Recorded)).
    ///
    /// # Errors
    /// Fails if the parameters belong to another kind of simulator, refer to assets that do not exist, or are
    /// out of range.
    pub fn render_parameters(&self, parameters: Parameters) -> Result<Rendered, EyesError> {
        parameters.check()?;
        match (&self.provider, &parameters.subject) {
            (Provider::Builtin(_), Subject::Procedural(_)) => Ok(self.rendered(parameters)),
            (Provider::Unityeyes(assets), Subject::Unityeyes(subject)) => {
                subject.check(assets)?;
                Ok(self.rendered(parameters))
            }
            _ => Err(EyesError::Setting {
                setting: "subject",
                value: "one of another simulator".to_owned(),
                reason: "parameters are rendered by the kind of simulator that drew them",
            }),
        }
    }

    /// Computes the labels of an image without rendering it, in a tenth of the time.
    ///
    /// # Panics
    /// Panics if `index` is not less than the number of samples.
    #[must_use]
    pub fn label(&self, index: usize) -> Labelled {
        self.built(&self.parameters(index))
    }

    /// Computes the labels of an image as UnityEyes' JSON, with this crate's own under `simgan`, without
    /// rendering it.
    ///
    /// # Panics
    /// Panics if `index` is not less than the number of samples.
    #[must_use]
    pub fn record(&self, index: usize) -> Value {
        let parameters = self.parameters(index);
        let label = self.built(&parameters);
        self.describe(index, &parameters, &label)
    }

    fn rendered(&self, parameters: Parameters) -> Rendered {
        let (Labelled { gaze, landmarks, visibility }, image) = self.built(&parameters);
        Rendered { image, gaze, landmarks, visibility, parameters }
    }

    fn describe(&self, index: usize, parameters: &Parameters, label: &Labelled) -> Value {
        let Labelled { gaze, landmarks, visibility } = label;
        let (simulator, config) = (&self.name(), &self.config);
        Described { simulator, config, index, parameters, landmarks, visibility, gaze: *gaze }.json()
    }

    /// Builds the scene of parameters that belong to this simulator, and derives `T` from it.
    fn built<T: OfScene>(&self, parameters: &Parameters) -> T {
        let (gaze, detail) = (parameters.pose.gaze_in_head(), parameters.detail);
        match (&self.provider, &parameters.subject) {
            (Provider::Builtin(_), Subject::Procedural(subject)) => {
                T::of_scene(&Staged::new(self, parameters, procedural::scene(subject, gaze, detail)))
            }
            (Provider::Unityeyes(assets), Subject::Unityeyes(subject)) => {
                let scene = unityeyes::scene(assets, subject, gaze, detail, self.config.looks_per_mm());
                T::of_scene(&Staged::new(self, parameters, scene))
            }
            _ => unreachable!("parameters of another simulator are refused before"),
        }
    }

    /// Points the camera at the configured aim, shifted by the drawn offset.
    pub(crate) fn camera<A>(&self, scene: &Scene<A>, parameters: &Parameters) -> Camera {
        const DISTANCE_MM: f32 = 600.0;
        const EYE_WIDTHS: f32 = 1.5;
        let rotation = parameters.pose.head();
        let [inner, outer] = scene.corners.map(|corner| rotation.apply(corner));
        let middle = match self.config.aim {
            // The margin's inner end, not the corner, where the caruncle ends.
            Aim::Corners => rotation.apply(scene.margin.upper[0]).lerp(outer, 0.5),
            Aim::Eyeball => Vec3::default(),
            Aim::Margin | Aim::EyeWidth => rotation.apply(scene.margin.middle()),
        };
        let width_mm = match self.config.aim {
            Aim::EyeWidth => EYE_WIDTHS * (outer.x - inner.x).hypot(outer.y - inner.y).max(5.0),
            _ => self.config.crop_mm,
        };
        let [x, y] = parameters.pose.offset_mm;
        Camera {
            rotation,
            center: [middle.x + x, middle.y + y],
            px_per_mm: self.config.width as f32 / width_mm,
            width: self.config.width,
            height: self.config.height,
            distance_mm: DISTANCE_MM,
        }
    }

    /// Renders a scene to display values in [0, 1].
    fn picture<A: Appearance>(&self, scene: &Scene<A>, camera: &Camera, parameters: &Parameters) -> Canvas {
        let supersample = self.config.samples_per_side();
        let Some(sensor) = &parameters.sensor else {
            let mut canvas = render(scene, &parameters.light, camera, supersample);
            self.develop(&mut canvas);
            return canvas;
        };
        // Rendered at the sensor's resolution: blur, noise and compression act on its pixels.
        let (width, height) = sensor.size(camera.width, camera.height);
        let coarse = camera.scaled(width as f32 / camera.width as f32, width, height);
        let mut canvas = render(scene, &parameters.light, &coarse, supersample);
        // The sensor expects linear light. UnityEyes' display values become that by squaring, as the sensor's
        // gamma is 2.
        if let Provider::Unityeyes(_) = self.provider {
            canvas.pixels.iter_mut().for_each(|pixel| *pixel = pixel.times(*pixel));
        }
        sensor.expose(canvas, coarse.px_per_mm, camera.width, camera.height)
    }

    /// Converts the renderer's colours to display values. UnityEyes shades with display values as if they
    /// were linear, so its colours are only clipped.
    fn develop(&self, canvas: &mut Canvas) {
        let displayed = match self.provider {
            Provider::Builtin(_) => photographed,
            Provider::Unityeyes(_) => clipped,
        };
        canvas.pixels.iter_mut().for_each(|pixel| *pixel = displayed(*pixel));
        if self.config.finishing == Finishing::Equalized {
            equalize(canvas);
            canvas.pixels.iter_mut().for_each(|pixel| *pixel = clipped(*pixel));
        }
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

    /// Renders a sample; without labels it takes four fifths of the time.
    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError> {
        // `Source::name` names the sample; the inherent `name` is the simulator's.
        let (name, parameters) = (Source::name(self, index)?, self.parameters(index));
        if want == Want::Image {
            return Ok(Sample::new(name, self.built(&parameters)));
        }
        let (known, image): (Labelled, Image) = self.built(&parameters);
        let annotations = known.annotations(&parameters);
        let record = Some(self.describe(index, &parameters, &known));
        Ok(Sample { annotations, record, ..Sample::new(name, image) })
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        assert!(index < self.config.samples, "sample {index} of {}", self.config.samples);
        Ok(sequence::name(&self.config, index))
    }

    fn frames(&self, index: usize) -> Option<[usize; 2]> {
        sequence::frames(&self.config, index)
    }
}

/// A scene with its camera.
struct Staged<'a, A> {
    simulator: &'a Simulator,
    parameters: &'a Parameters,
    scene: Scene<A>,
    camera: Camera,
}

impl<'a, A> Staged<'a, A> {
    fn new(simulator: &'a Simulator, parameters: &'a Parameters, scene: Scene<A>) -> Self {
        let camera = simulator.camera(&scene, parameters);
        Self { simulator, parameters, scene, camera }
    }
}

/// A product of a scene: labels, an image or both. A scene's type depends on its provider's textures, so a
/// closure could not take every scene.
trait OfScene {
    fn of_scene<A: Appearance>(staged: &Staged<'_, A>) -> Self;
}

impl OfScene for Labelled {
    fn of_scene<A: Appearance>(Staged { scene, camera, .. }: &Staged<'_, A>) -> Self {
        let gaze = Direction::from_vector(gaze_vector(&scene.eye.seen_from(&camera.rotation)));
        let gaze = gaze.unwrap_or_else(|| unreachable!("a rotated unit vector has a direction"));
        let landmarks = Landmarks::new(scene, camera);
        let visibility = Visibility::new(scene, camera, [&landmarks.iris, &landmarks.pupil]);
        Self { gaze, landmarks, visibility }
    }
}

impl OfScene for Image {
    fn of_scene<A: Appearance>(Staged { simulator, parameters, scene, camera }: &Staged<'_, A>) -> Self {
        simulator.picture(scene, camera, parameters).to_image(simulator.config.channels)
    }
}

impl<T: OfScene, U: OfScene> OfScene for (T, U) {
    fn of_scene<A: Appearance>(staged: &Staged<'_, A>) -> Self {
        (T::of_scene(staged), U::of_scene(staged))
    }
}

/// Applies gamma 2, whose square root is exactly rounded and so identical on every machine, and half of a
/// photograph's S-curve.
fn photographed(linear: Color) -> Color {
    let curve = |value: f32| {
        let level = value.max(0.0).sqrt().min(1.0);
        level * (0.5 + level * (1.5 - level))
    };
    vec3(curve(linear.x), curve(linear.y), curve(linear.z))
}

fn clipped(display: Color) -> Color {
    let clip = |value: f32| value.clamp(0.0, 1.0);
    vec3(clip(display.x), clip(display.y), clip(display.z))
}
