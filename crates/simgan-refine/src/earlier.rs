//! What an earlier call left: which of its images still stand.

use rayon::prelude::*;

use super::manifest::{Done, Earlier, Refined};
use super::output::Output;
use super::{Notes, RefineError, RefineSummary, Refinement, doubtful};

/// What is known of an image when a job starts or continues.
enum Fate<'a> {
    /// It is finished.
    Refined { entry: &'a Refined, label_files: u64, notes: Notes },
    /// It looks like a mask and is copied.
    Kept { notes: Notes },
    /// It was never refined, or its output is gone.
    Pending,
    /// Its output is not what was written.
    Damaged,
}

impl Refinement<'_> {
    /// Returns the images still to refine and adds the finished ones to `summary`, checking that neither
    /// their inputs nor their outputs have changed, and copying labels that have.
    pub(super) fn pending(
        &self,
        output: &Output,
        done: &Done,
        summary: &mut RefineSummary,
    ) -> Result<Vec<usize>, RefineError> {
        let earlier = |index: usize| self.earlier(output, index, done.get(&self.input.images.name(index)));
        let fates: Result<Vec<Fate>, _> = (0..self.input.n_images()).into_par_iter().map(earlier).collect();
        let mut pending = Vec::new();
        for (index, fate) in fates?.into_iter().enumerate() {
            match fate {
                Fate::Refined { entry, label_files, notes } => {
                    summary.add(entry, label_files);
                    summary.add_notes(&notes);
                }
                Fate::Kept { notes } => {
                    summary.add_notes(&notes);
                    summary.doubt(self.input.images.name(index));
                    summary.label_files += self.input.images.n_first_labels(index);
                }
                Fate::Pending => pending.push(index),
                Fate::Damaged => {
                    let image = self.input.images.name(index);
                    tracing::warn!(
                        "{image}: its refined image was damaged or changed, so it is refined again"
                    );
                    summary.mended += 1;
                    pending.push(index);
                }
            }
        }
        summary.already = summary.refined;
        Ok(pending)
    }

    fn earlier<'a>(
        &self,
        output: &Output,
        index: usize,
        earlier: Option<&'a Earlier>,
    ) -> Result<Fate<'a>, RefineError> {
        let images = &*self.input.images;
        let path = images.path(index);
        let entry = match earlier {
            None => return Ok(Fate::Pending),
            // The image may have been replaced since, so that it looks like a mask no longer.
            Some(Earlier::Kept) if !self.is_doubtful(index) => return Ok(Fate::Pending),
            Some(Earlier::Kept) => {
                let notes = self.copy_labels(output, index)?;
                return output.copy_kept(images, &doubtful(path)).map(|()| Fate::Kept { notes });
            }
            Some(Earlier::Refined(entry)) => entry,
        };
        match output.is_whole(&path, entry)? {
            None => return Ok(Fate::Pending),
            Some(false) => return Ok(Fate::Damaged),
            Some(true) => self.check_unchanged(index, entry)?,
        }
        let own = images.n_first_labels(index);
        // A data set's label is made with its image; an image without it is made again.
        if entry.label_files > own && images.root().is_none() && !output.has_label(&path) {
            return Ok(Fate::Damaged);
        }
        let notes = self.copy_labels(output, index)?;
        let label_files = if images.root().is_some() { own } else { entry.label_files };
        Ok(Fate::Refined { entry, label_files, notes })
    }

    fn is_doubtful(&self, index: usize) -> bool {
        let images = &*self.input.images;
        let image = images.bytes(index).and_then(|bytes| images.decode(index, &bytes));
        image.is_ok_and(|image| image.is_doubtful)
    }

    fn check_unchanged(&self, index: usize, before: &Refined) -> Result<(), RefineError> {
        if before.input_crc32c == self.input.images.crc32c(index)? {
            return Ok(());
        }
        let path = self.input.images.path(index);
        let path = self.input.images.root().map_or(path.clone(), |root| root.join(&path));
        Err(RefineError::ChangedImage { path, what: "the image has changed" })
    }
}
