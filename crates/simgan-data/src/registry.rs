use std::path::Path;
use std::sync::Arc;

use crate::folder::FolderLayout;
use crate::hdf5::Hdf5Layout;
use crate::mpiigaze::MpiiGazeLayout;
use crate::nyu::NyuLayout;
use crate::packed::PackedLayout;
use crate::unityeyes::UnityEyesLayout;
use crate::{DataError, Layout, Listing, Match, Source, SourceRequest, nearest};

#[cfg(test)]
mod tests;

/// The layouts that a program knows: it finds out what a user's SOURCE is, and opens it.
///
/// [`Registry::default`] holds this crate's layouts: `folder`, `mpiigaze`, `nyu`, `unityeyes`, `packed` and `hdf5`.
/// Simulators and layouts of other crates are added with [`Registry::with`].
///
/// # How a SOURCE is read
///
/// 1. A name that a layout claims (`builtin:eyes`) is that layout's.
/// 2. `LAYOUT:PATH` is that layout's, whatever lies at PATH.
/// 3. Any other path goes to the one layout that fits it specifically, or else to a general one, `folder`.
///
/// Where more than one reading holds – two layouts fit a folder, or a path is called like a simulator – opening fails
/// and names the readings. `simulator:unityeyes` then means the simulator and `./unityeyes` the folder.
///
/// # A layout of one's own
///
/// ```
/// use std::sync::Arc;
/// use simgan_data::{DataError, Image, Layout, Listing, Match, MemorySource, Pixels};
/// use simgan_data::{Registry, Sample, Source, SourceRequest};
///
/// /// Gray images, one a line: a file of comma-separated rows of bytes called `.eyes`.
/// struct Eyes;
///
/// impl Layout for Eyes {
///     fn name(&self) -> &str {
///         "eyes"
///     }
///
///     fn help(&self) -> String {
///         "a text file of gray images, one a line (.eyes)".to_owned()
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

/// A SOURCE whose layout is known.
pub struct Found<'a> {
    registry: &'a Registry,
    layout: &'a dyn Layout,
    /// A claimed name or a path, without a layout's name before it.
    spec: String,
    /// What a user writes to mean this and nothing else.
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
    }
}

impl Registry {
    /// Adds a layout; it replaces one of the same name.
    #[must_use]
    pub fn with(mut self, layout: impl Layout + 'static) -> Self {
        self.layouts.retain(|known| known.name() != layout.name());
        self.layouts.push(Arc::new(layout));
        self
    }

    /// Opens a source.
    ///
    /// # Errors
    /// As [`Registry::find`], and as the layout's own [`Layout::open`].
    pub fn open(&self, request: &SourceRequest) -> Result<Arc<dyn Source>, DataError> {
        self.find(&request.spec)?.open(request)
    }

    /// Whether a SOURCE is a name that a layout claims and no path; nothing is read to tell.
    #[must_use]
    pub fn is_name(&self, spec: &str) -> bool {
        let claims = |spec: &str| self.layouts.iter().any(|layout| layout.claims(spec));
        claims(spec) || self.split(spec).is_some_and(|(layout, name)| layout.claims(name))
    }

    /// Finds out which layout a SOURCE has.
    ///
    /// # Errors
    /// It is none; it can be read in more than one way.
    pub fn find(&self, spec: &str) -> Result<Found<'_>, DataError> {
        let mut readings = self.readings(spec);
        match readings.len() {
            1 => Ok(readings.remove(0)),
            0 => Err(self.unknown(spec)),
            _ => {
                let readings = readings.into_iter().map(|reading| reading.written).collect();
                Err(DataError::Ambiguous { spec: spec.to_owned(), readings })
            }
        }
    }

    /// The SOURCE with an absolute path, so that it means the same from every working directory. A name stays as it is;
    /// a path need not exist.
    ///
    /// # Errors
    /// The working directory is unknown; the path is not Unicode.
    pub fn absolute(&self, spec: &str) -> Result<String, DataError> {
        if self.is_name(spec) {
            return Ok(spec.to_owned());
        }
        let path = self.prefixed(spec).map_or_else(|| spec.to_owned(), |found| found.spec);
        let prefix = &spec[..spec.len() - path.len()];
        let path = std::path::absolute(&path).map_err(|error| DataError::io(Path::new(&path), error))?;
        let path = path.into_os_string().into_string().map_err(|path| DataError::UnknownSource {
            spec: path.display().to_string(),
            hint: "its path is not Unicode, which a configuration cannot hold; rename it".into(),
        })?;
        Ok(format!("{prefix}{path}"))
    }

    /// What a SOURCE can be, as a list to stand in a sentence.
    #[must_use]
    pub fn help(&self) -> String {
        let rows: Vec<String> = self.layouts.iter().map(|layout| layout.help()).collect();
        match rows.split_last() {
            Some((last, [])) => last.clone(),
            Some((last, others)) => format!("{}, or {last}", others.join(", ")),
            None => String::new(),
        }
    }

    /// The layouts' names, which may stand before a path.
    pub fn layouts(&self) -> impl Iterator<Item = &str> {
        self.layouts.iter().map(|layout| layout.name())
    }

    /// Every way in which a SOURCE can be read.
    fn readings(&self, spec: &str) -> Vec<Found<'_>> {
        let claiming = self.layouts.iter().filter(|layout| layout.claims(spec));
        let mut readings: Vec<_> = claiming.map(|layout| self.chosen(&**layout, spec)).collect();
        // A claimed name may look like LAYOUT:PATH, as `unityeyes:mpiigaze` does: the path is a rival only if it fits.
        let is_claimed = !readings.is_empty();
        let fits = |found: &Found<'_>| !is_claimed || found.layout.recognise(&found.at) == Match::Specific;
        let prefixed = self.prefixed(spec).filter(fits);
        readings.extend(prefixed.map(|found| if is_claimed { found.with_dot() } else { found }));
        let path = Path::new(spec);
        if path.exists() {
            match readings.is_empty() {
                true => return self.recognised(spec),
                false => readings.extend(self.recognised(spec).into_iter().next().map(Found::into_path)),
            }
        }
        readings
    }

    /// `LAYOUT:PATH` and `LAYOUT:NAME`, if there is such a layout, and such a path or name.
    fn prefixed(&self, spec: &str) -> Option<Found<'_>> {
        let (layout, rest) = self.split(spec)?;
        (layout.claims(rest) || Path::new(rest).exists()).then(|| self.chosen(layout, rest))
    }

    /// The layout that stands before a colon, and what stands behind it.
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

    /// The layouts that fit what lies at a path best.
    fn recognised(&self, spec: &str) -> Vec<Found<'_>> {
        let at = Listing::of(Path::new(spec));
        let mut fits: Vec<_> = self.layouts.iter().map(|layout| (layout.recognise(&at), layout)).collect();
        let best = fits.iter().map(|(fit, _)| *fit).max().unwrap_or(Match::No);
        fits.retain(|(fit, _)| *fit == best && best != Match::No);
        if let [(_, layout)] = fits[..] {
            return vec![Found { at, ..self.chosen(&**layout, spec) }];
        }
        fits.into_iter().map(|(_, layout)| self.chosen(&**layout, spec)).collect()
    }

    fn unknown(&self, spec: &str) -> DataError {
        let name = spec.split(',').next().unwrap_or_default();
        let names: Vec<String> = self.layouts.iter().flat_map(|layout| layout.names()).collect();
        let hint = match nearest(name, names.iter().map(String::as_str)) {
            Some(known) => format!("did you mean `{known}`? A source is {}", self.help()),
            None => format!("there is no such folder or simulator; a source is {}", self.help()),
        };
        DataError::UnknownSource { spec: spec.to_owned(), hint: hint.into() }
    }
}

impl<'a> Found<'a> {
    /// Itself, written so that what stands behind the layout's name can only be a path.
    fn with_dot(self) -> Self {
        Self { written: format!("{}:./{}", self.layout.name(), self.spec), ..self }
    }

    /// Itself, written so that it can only be a path.
    fn into_path(self) -> Self {
        Self { written: format!("./{}", self.spec), ..self }
    }

    /// Its layout.
    #[must_use]
    pub fn layout(&self) -> &'a dyn Layout {
        self.layout
    }

    /// Where it lies; `None` for a name that is no path, as a simulator's is.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        (!self.layout.claims(&self.spec)).then(|| self.at.path())
    }

    /// Opens it; what `request` calls it plays no part.
    ///
    /// # Errors
    /// As the layout's own [`Layout::open`].
    pub fn open(self, request: &SourceRequest) -> Result<Arc<dyn Source>, DataError> {
        let request = SourceRequest { spec: self.spec, ..request.clone() };
        self.layout.open(&request, self.at).map_err(|error| match error {
            DataError::UnknownSource { .. } => self.registry.unknown(&request.spec),
            error => error,
        })
    }
}
