use std::path::Path;
use std::sync::Arc;

use crate::folder::FolderLayout;
use crate::hdf5::{BlenderProcLayout, Hdf5Layout};
use crate::idx::IdxLayout;
use crate::mpiigaze::MpiiGazeLayout;
use crate::nyu::NyuLayout;
use crate::packed::PackedLayout;
use crate::pattern::Pattern;
use crate::unityeyes::UnityEyesLayout;
use crate::{DataError, Folder, FolderOptions, Layout, Listing, Match, Source, SourceRequest, nearest};

#[cfg(test)]
mod tests;

/// The layouts that a program knows. The registry recognises the layout of a user's SOURCE and opens it.
///
/// [`Registry::default`] holds this crate's layouts: `folder`, `mpiigaze`, `nyu`, `unityeyes`, `packed`,
/// `hdf5`, `blenderproc` and `idx`. [`Registry::with`] adds simulators and layouts of other crates.
///
/// # How a SOURCE is read
///
/// 1. A name that a layout claims (`builtin:eyes`) belongs to that layout.
/// 2. `LAYOUT:PATH` selects that layout, whatever the files at PATH look like.
/// 3. Any other path goes to the one layout that fits it specifically, or else to the general one, `folder`.
///    An image file, or a pattern such as `photographs/*.jpg`, is a folder of these images alone.
///
/// If a SOURCE has more than one meaning – two layouts fit a folder, or a path has the same name as a
/// simulator – opening fails with an error that lists them. `simulator:unityeyes` then means the simulator
/// and `./unityeyes` the folder.
///
/// # Adding a layout
///
/// ```
/// use std::sync::Arc;
/// use simgan_data::{DataError, Image, Layout, Listing, Match, MemorySource, Pixels};
/// use simgan_data::{Registry, Sample, Source, SourceRequest};
///
/// /// A text file (`.eyes`) of gray images, one per line: comma-separated bytes.
/// struct Eyes;
///
/// impl Layout for Eyes {
///     fn name(&self) -> &str {
///         "eyes"
///     }
///
///     fn help(&self) -> String {
///         "a text file of gray images, one per line (.eyes)".to_owned()
///     }
///
///     fn recognise(&self, at: &Listing) -> Match {
///         if at.is_file_with(&["eyes"]) { Match::Specific } else { Match::No }
///     }
///
///     fn open(&self, _: &SourceRequest, at: Listing) -> Result<Arc<dyn Source>, DataError> {
///         let failed = |error: &dyn ToString| DataError::Dataset { path: at.path().into(), reason: error.to_string() };
///         let text = std::fs::read_to_string(at.path()).map_err(|error| failed(&error))?;
///         let sample = |(line, text): (usize, &str)| {
///             let values: Vec<u8> = text.split(',').map(str::parse).collect::<Result<_, _>>()?;
///             let image = Image::new(1, 1, values.len(), Pixels::U8(values));
///             Ok(Sample::new(line.to_string(), image))
///         };
///         let samples: Result<_, std::num::ParseIntError> = text.lines().enumerate().map(sample).collect();
///         Ok(Arc::new(MemorySource::new(samples.map_err(|error| failed(&error))?)?))
///     }
/// }
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("a.eyes");
/// # std::fs::write(&path, "1,2,3\n4,5,6\n")?;
/// let registry = Registry::default().with(Eyes);
/// let source = registry.open(&SourceRequest::new(path.display().to_string()))?;
/// assert_eq!((source.len(), source.spec().width), (2, 3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    layouts: Vec<Arc<dyn Layout>>,
}

/// A SOURCE whose layout has been found, ready to open.
pub struct Found<'a> {
    registry: &'a Registry,
    layout: &'a dyn Layout,
    /// A claimed name or a path, without a `LAYOUT:` prefix.
    spec: String,
    /// An unambiguous spelling of this SOURCE.
    written: String,
    at: Listing,
}

impl Default for Registry {
    fn default() -> Self {
        Self { layouts: Vec::new() }
            .with(FolderLayout)
            .with(MpiiGazeLayout)
            .with(NyuLayout)
            .with(UnityEyesLayout)
            .with(PackedLayout)
            .with(Hdf5Layout)
            .with(BlenderProcLayout)
            .with(IdxLayout)
    }
}

impl Registry {
    /// Adds a layout, replacing any layout of the same name.
    #[must_use]
    pub fn with(mut self, layout: impl Layout + 'static) -> Self {
        self.layouts.retain(|known| known.name() != layout.name());
        self.layouts.push(Arc::new(layout));
        self
    }

    /// Opens a source.
    ///
    /// # Errors
    /// Those of [`Registry::find`] and of the layout's [`Layout::open`].
    pub fn open(&self, request: &SourceRequest) -> Result<Arc<dyn Source>, DataError> {
        self.find(&request.spec)?.open(request)
    }

    /// Whether a SOURCE is a name that a layout claims rather than a path; anything that begins with
    /// `builtin:` counts, misspelt or not. Reads no files.
    #[must_use]
    pub fn is_name(&self, spec: &str) -> bool {
        if spec.starts_with("builtin:") {
            return true;
        }
        let claims = |spec: &str| self.layouts.iter().any(|layout| layout.claims(spec));
        claims(spec) || self.split(spec).is_some_and(|(layout, name)| layout.claims(name))
    }

    /// Finds the layout of a SOURCE.
    ///
    /// # Errors
    /// [`DataError::UnknownSource`] if no layout fits; [`DataError::Ambiguous`] if several do.
    pub fn find(&self, spec: &str) -> Result<Found<'_>, DataError> {
        let mut readings = self.readings(spec);
        match readings.len() {
            1 if readings[0].at.is_choice() && readings[0].at.images().is_empty() => {
                let hint =
                    "no image fits this pattern; * stands for any part of a name, ** for any folders".into();
                Err(DataError::UnknownSource { spec: spec.to_owned(), hint })
            }
            1 => Ok(readings.remove(0)),
            0 => Err(self.unknown(spec)),
            _ => {
                let readings = readings.into_iter().map(|reading| reading.written).collect();
                Err(DataError::Ambiguous { spec: spec.to_owned(), readings })
            }
        }
    }

    /// Makes the path in a SOURCE absolute, so that it means the same from every working directory. A claimed
    /// name is returned unchanged; a path need not exist.
    ///
    /// # Errors
    /// The working directory is unknown, or the path is not Unicode.
    pub fn absolute(&self, spec: &str) -> Result<String, DataError> {
        if self.is_name(spec) {
            return Ok(spec.to_owned());
        }
        // Not `prefixed`: the path need not exist. If only the whole exists, the colon is part of its name.
        let rest = self.split(spec).map(|(_, rest)| rest).filter(|rest| !rest.is_empty());
        let is_path = |rest: &&str| is_there(rest) || !is_there(spec);
        let path = rest.filter(is_path).unwrap_or(spec);
        // The part before the path, if any, is the `LAYOUT:` prefix; keep it.
        let prefix = &spec[..spec.len() - path.len()];
        let path = std::path::absolute(path).map_err(|error| DataError::io(Path::new(path), error))?;
        let path = path.into_os_string().into_string().map_err(|path| DataError::UnknownSource {
            spec: path.display().to_string(),
            hint: "its path is not Unicode, which a configuration file cannot hold; rename it".into(),
        })?;
        Ok(format!("{prefix}{path}"))
    }

    /// Lists what a SOURCE can be, as part of a sentence.
    #[must_use]
    pub fn help(&self) -> String {
        let rows: Vec<String> = self.layouts.iter().map(|layout| layout.help()).collect();
        match rows.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{}, or {last}", others.join(", ")),
            None => String::new(),
        }
    }

    /// The names that layouts claim, such as simulators'.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.layouts.iter().flat_map(|layout| layout.names()).collect()
    }

    /// The layouts' names, any of which can stand before a path as `LAYOUT:`.
    pub fn layouts(&self) -> impl Iterator<Item = &str> {
        self.layouts.iter().map(|layout| layout.name())
    }

    /// Collects every meaning that a SOURCE can have.
    fn readings(&self, spec: &str) -> Vec<Found<'_>> {
        let claiming = self.layouts.iter().filter(|layout| layout.claims(spec));
        let mut readings: Vec<_> = claiming.map(|layout| self.chosen(&**layout, spec)).collect();
        // A claimed name may itself look like LAYOUT:PATH, as `unityeyes:mpiigaze` does; the path is then a
        // rival only if the layout fits it.
        let is_claimed = !readings.is_empty();
        let fits = |found: &Found<'_>| !is_claimed || found.layout.recognise(&found.at) == Match::Specific;
        let prefixed = self.prefixed(spec).filter(fits);
        readings.extend(prefixed.map(|found| if is_claimed { found.with_dot() } else { found }));
        if is_there(spec) {
            match readings.is_empty() {
                true => return self.recognised(spec),
                false => readings.extend(self.recognised(spec).into_iter().next().map(Found::into_path)),
            }
        }
        readings
    }

    /// Reads `LAYOUT:PATH` or `LAYOUT:NAME`; `None` unless the layout is known and the path or name exists.
    fn prefixed(&self, spec: &str) -> Option<Found<'_>> {
        let (layout, rest) = self.split(spec)?;
        (layout.claims(rest) || is_there(rest)).then(|| self.chosen(layout, rest))
    }

    /// Splits a SOURCE at its first colon into a known layout and the rest.
    fn split<'a>(&self, spec: &'a str) -> Option<(&dyn Layout, &'a str)> {
        let (name, rest) = spec.split_once(':')?;
        let layout = self.layouts.iter().find(|layout| layout.name() == name)?;
        Some((&**layout, rest))
    }

    fn chosen<'a>(&'a self, layout: &'a dyn Layout, spec: &str) -> Found<'a> {
        let (spec, written) = (spec.to_owned(), format!("{}:{spec}", layout.name()));
        let at = Listing::of(Path::new(&spec));
        Found { registry: self, layout, spec, written, at }
    }

    /// Returns the layouts that share the best fit for a path.
    fn recognised(&self, spec: &str) -> Vec<Found<'_>> {
        let at = Listing::of(Path::new(spec));
        // The other layouts read a data set as a whole, whatever part of it is meant.
        let able = self.layouts.iter().filter(|layout| !at.is_choice() || layout.is_image_folder());
        let mut fits: Vec<_> = able.map(|layout| (layout.recognise(&at), layout)).collect();
        let best = fits.iter().map(|(fit, _)| *fit).max().unwrap_or(Match::No);
        fits.retain(|(fit, _)| *fit == best && best != Match::No);
        // A single winner keeps the listing, so that opening does not walk the folder again.
        if let [(_, layout)] = fits[..] {
            return vec![Found { at, ..self.chosen(&**layout, spec) }];
        }
        fits.into_iter().map(|(_, layout)| self.chosen(&**layout, spec)).collect()
    }

    fn unknown(&self, spec: &str) -> DataError {
        // A simulator's name may be followed by comma-separated settings.
        let name = spec.split(',').next().unwrap_or_default();
        let names = self.names();
        // No simulator's name has a slash.
        let is_path = name.contains(['/', '\\']);
        let known = nearest(name, names.iter().map(String::as_str)).filter(|_| !is_path);
        let hint = match known {
            Some(known) => format!("did you mean `{known}`?"),
            None => {
                let or_simulator = if names.is_empty() {
                    String::new()
                } else {
                    format!(", or one of {}", names.join(", "))
                };
                format!(
                    "there is no such folder or simulator; a source is a folder of images, an image, a pattern such as 'a/*.png', a packed file{or_simulator}"
                )
            }
        };
        DataError::UnknownSource { spec: spec.to_owned(), hint: hint.into() }
    }
}

/// Whether a path, or at least the folder of a pattern, exists.
fn is_there(path: &str) -> bool {
    let path = Path::new(path);
    path.exists() || Pattern::of(path).is_some()
}

impl<'a> Found<'a> {
    /// Spelled so that the part after `LAYOUT:` can only be a path.
    fn with_dot(self) -> Self {
        Self { written: format!("{}:./{}", self.layout.name(), self.spec), ..self }
    }

    /// Spelled so that the whole can only be a path.
    fn into_path(self) -> Self {
        Self { written: format!("./{}", self.spec), ..self }
    }

    /// The layout found.
    #[must_use]
    pub fn layout(&self) -> &'a dyn Layout {
        self.layout
    }

    /// The path; `None` for a name such as a simulator's.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        (!self.layout.claims(&self.spec)).then(|| self.at.path())
    }

    /// Opens the source as a plain folder of images, reusing the walk that recognised it.
    ///
    /// # Errors
    /// Those of [`Folder::open`].
    pub fn open_folder(self, options: &FolderOptions) -> Result<Folder, DataError> {
        Folder::of_listing(self.at, options)
    }

    /// Opens the source; `request.spec` is ignored.
    ///
    /// # Errors
    /// Those of the layout's [`Layout::open`].
    pub fn open(self, request: &SourceRequest) -> Result<Arc<dyn Source>, DataError> {
        let request = SourceRequest { spec: self.spec, ..request.clone() };
        if request.needs_crop() && !self.layout.is_image_folder() {
            let what = self.layout.name();
            tracing::warn!(
                "{}: the layout `{what}` has no records to crop by; its images stay whole",
                request.spec
            );
        }
        self.layout.open(&request, self.at).map_err(|error| match error {
            // The layout knows only its own names; suggest one from all layouts.
            DataError::UnknownSource { .. } => self.registry.unknown(&request.spec),
            error => error,
        })
    }
}
