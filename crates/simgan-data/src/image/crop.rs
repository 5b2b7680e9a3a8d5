use super::Size;

/// A rectangle of whole pixels within an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CropWindow {
    pub(crate) left: usize,
    pub(crate) top: usize,
    pub(crate) size: Size,
}
