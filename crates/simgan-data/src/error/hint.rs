use crate::{DataError, Hint, ImageSpec};

impl DataError {
    /// Suggests a remedy; `None` where the message already says everything.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        // Errors whose advice depends on the program's options return early; the rest need one plain
        // sentence.
        let advice = match self {
            Self::Io { source, .. } => return Hint::of_io(source),
            Self::Mixed { first_spec, other_spec, .. } => return Some(mixed_hint(first_spec, other_spec)),
            Self::Image { .. } => return Some(or_skip(&["remove or replace it"])),
            Self::Partner { .. } => return Some(or_skip(&["put it back", "remove the other"])),
            Self::Damaged { .. } => return Some(or_skip(&["fetch it again", "remove it"])),
            Self::Packed { .. } => return Some(Hint::Pack),
            Self::NoHdf5 { .. } => {
                let advice = "make a folder of it with h5py, as data/README.md shows";
                return Some(Hint::any_of([Hint::BuildWith("hdf5"), advice.into()]));
            }
            Self::OtherJob { .. } => {
                return Some(Hint::any_of([Hint::advice("remove that folder"), Hint::OtherOutput]));
            }
            Self::InUse { .. } => {
                return Some(Hint::any_of([Hint::advice("wait until it is done"), Hint::OtherOutput]));
            }
            Self::UnknownSource { hint, .. } => return Some(hint.clone()),
            Self::Layout { hint, .. } => return hint.clone(),
            Self::Ambiguous { .. } => "write the one that you mean",
            Self::NothingToCrop { .. } => {
                "give UnityEyes' pairs N.jpg and N.json with \"look_vec\" and \"interior_margin_2d\", or do not crop"
            }
            Self::Matlab73 { .. } => "save it again with save(…, '-v7'), or write its images to a folder",
            Self::Stale { .. } => "leave this annotation out, or keep the images as they are",
            Self::MissingFolder { .. } => "check the path, or make the data first",
            Self::NotAFolder { .. } => "give the folder that holds the images",
            Self::NoImages { .. } => {
                "PNG, JPEG, TIFF, BMP, PNM, WebP and GIF files are read, in subfolders too; hidden files are not"
            }
            Self::Color { .. } => {
                return Some(or_skip(&["convert it to 8 or 16 bit gray or RGB, one image a file"]));
            }
            Self::NoneChosen { .. } => {
                "a glob without a slash is compared with names, one with a slash with paths below the folder"
            }
            Self::NotPlain { .. } => "move it away; it is neither followed nor overwritten",
            Self::Label { .. } => "fix or remove this label file",
            Self::Dataset { .. } => "check that it is the data set you mean, or fetch it again",
            Self::CropTooLarge { size, .. } => {
                return Some(Hint::setting("cut out smaller parts", "data.random_crop", size));
            }
            Self::NoFilm { .. } => "give folders of frames, or a simulator of eyes with film_frames = 16",
            Self::Changed { .. } => "resume with the data the run was started with",
            Self::NoneReadable { .. } => "check that this is the source you meant",
            Self::TooLarge { .. }
            | Self::Encode { .. }
            | Self::Size { .. }
            | Self::Range { .. }
            | Self::Glob { .. } => {
                return None;
            }
            Self::Empty { .. } | Self::Worker { .. } | Self::Unpackable { .. } => return None,
        };
        Some(advice.into())
    }
}

fn or_skip(advice: &[&'static str]) -> Hint {
    let advice = advice.iter().map(|text| Hint::advice(*text));
    Hint::any_of(advice.chain([Hint::SkipUnreadable]).collect::<Vec<_>>())
}

fn mixed_hint(first: &ImageSpec, other: &ImageSpec) -> Hint {
    if first.size() == other.size() {
        let convert = "convert them all to gray or all to RGB";
        return Hint::any_of([convert.into(), Hint::setting("read them all as gray", "data.channels", 1)]);
    }
    Hint::setting("bring them to one size", "data.size", first.size())
}
