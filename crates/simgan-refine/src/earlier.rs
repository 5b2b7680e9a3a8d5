//! What an earlier call left: which of its images still stand.

use rayon::prelude::*;

use super::images::{Current, CurrentLabel};
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
    /// their inputs nor their outputs have changed, and bringing labels that have up to date.
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
            Some(true) => {}
        }
        let Current { crc32c, label } = images.current(index)?;
        self.check_unchanged(index, entry, &crc32c)?;
        let had_label = entry.label_files > 0;
        let label_files = match label {
            CurrentLabel::Files => images.n_first_labels(index),
            // The label is made with its image; an image without it is made again.
            CurrentLabel::Same | CurrentLabel::Record(Some(_)) if had_label && !output.has_label(&path) => {
                return Ok(Fate::Damaged);
            }
            CurrentLabel::Same => entry.label_files,
            CurrentLabel::Record(record) => {
                if record.is_some() || had_label {
                    output.renew_record(&path, record.as_ref())?;
                }
                u64::from(record.is_some())
            }
        };
        let notes = self.copy_labels(output, index)?;
        Ok(Fate::Refined { entry, label_files, notes })
    }

    fn is_doubtful(&self, index: usize) -> bool {
        let images = &*self.input.images;
        let image = images.bytes(index).and_then(|bytes| images.decode(index, &bytes));
        image.is_ok_and(|image| image.is_doubtful)
    }

    fn check_unchanged(
        &self,
        index: usize,
        before: &Refined,
        crc32c: &Option<String>,
    ) -> Result<(), RefineError> {
        if before.input_crc32c == *crc32c {
            return Ok(());
        }
        let path = self.input.images.path(index);
        let path = self.input.images.root().map_or(path.clone(), |root| root.join(&path));
        Err(RefineError::ChangedImage { path, what: "the image has changed" })
    }
}
