//! Films: the refined frames in their order, beside those of the input.

use simgan_data::{Image, ImageFile, ValueRange};

use super::{RefineError, RefineInput, Refinement};

/// A frame before and after refinement, in [−1, 1].
pub struct FilmFrame {
    /// Whether it is the first of its film, or follows one that was not refined.
    pub is_first: bool,
    /// The frame of the input.
    pub rendered: Vec<f32>,
    /// The written frame.
    pub refined: Vec<f32>,
}

impl RefineInput {
    /// The films among the images, each as the indices of its frames in order, two at least. A film is a
    /// folder, or what a simulator says.
    #[must_use]
    pub fn films(&self) -> Vec<Vec<usize>> {
        let next = |index: usize| match self.images.frames(index) {
            Some([frame, next]) if frame == index && next < self.n_images() => Some(next),
            _ => None,
        };
        let mut follows = vec![false; self.n_images()];
        (0..self.n_images()).filter_map(next).for_each(|next| follows[next] = true);
        let firsts = (0..self.n_images()).filter(|index| !follows[*index]);
        let films = firsts.map(|first| std::iter::successors(Some(first), |index| next(*index)).collect());
        films.filter(|film: &Vec<usize>| film.len() > 1).collect()
    }
}

impl Refinement<'_> {
    /// Reads the frames of all films, after [`Refinement::run`], one film after another. Frames that were
    /// skipped or copied are left out.
    pub fn film_frames(&self) -> impl Iterator<Item = Result<FilmFrame, RefineError>> {
        self.input.films().into_iter().flat_map(move |film| {
            let mut is_first = true;
            film.into_iter().filter_map(move |index| match self.frame(index).transpose() {
                None => {
                    is_first = true;
                    None
                }
                Some(frame) => {
                    let first = std::mem::replace(&mut is_first, false);
                    Some(frame.map(|[rendered, refined]| FilmFrame { is_first: first, rendered, refined }))
                }
            })
        })
    }

    /// The frame as it was and as it is written; `None` if it could not be read or was not refined.
    fn frame(&self, index: usize) -> Result<Option<[Vec<f32>; 2]>, RefineError> {
        let images = &*self.input.images;
        let path = self.output.join(images.path(index));
        let decoded = images.bytes(index).and_then(|bytes| images.decode(index, &bytes));
        let Ok(input) = decoded else { return Ok(None) };
        if input.is_doubtful || !path.is_file() {
            return Ok(None);
        }
        let refined = ImageFile::open(&path)?;
        let unit = |image: &Image| unit(image, self.model.range);
        Ok(Some([unit(input.file.image()), unit(refined.image())]))
    }
}

fn unit(image: &Image, range: Option<ValueRange>) -> Vec<f32> {
    range.map_or_else(|| image.to_unit(), |range| image.in_range(range).to_unit())
}
