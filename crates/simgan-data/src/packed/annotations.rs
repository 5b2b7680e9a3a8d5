use super::Content;
use super::columns::{ColumnName, end};
use super::format1::Format1;
use super::header::{Header, Tensor};
use crate::annotation::Form;
use crate::{Annotation, Annotations, DataError};

/// The annotations in a packed file, by format version.
pub(super) enum Labels {
    Columns(Vec<Column>),
    Format1(Format1),
}

/// One annotation, of every sample that has it.
pub(super) struct Column {
    name: String,
    form: &'static Form,
    values: Tensor,
    ends: Tensor,
}

impl Labels {
    pub(super) fn new(header: &Header, n: usize) -> Result<Self, String> {
        if header.version() == "1" {
            return Ok(Self::Format1(Format1::new(header, n)?));
        }
        let columns = header.columns()?.into_iter().map(|name| Column::new(header, name, n));
        Ok(Self::Columns(columns.collect::<Result<_, _>>()?))
    }

    /// Reads the annotations of a sample.
    pub(super) fn read(&self, content: &Content, index: usize) -> Result<Annotations, DataError> {
        match self {
            Self::Format1(labels) => labels.annotations(&|tensor| content.row(tensor, index)),
            Self::Columns(columns) => {
                let known = columns.iter().filter_map(|column| {
                    let annotation = column.read(content, index).transpose()?;
                    Some(annotation.map(|annotation| (column.name.clone().into(), annotation)))
                });
                known.collect()
            }
        }
    }
}

impl Column {
    fn new(header: &Header, name: ColumnName, n: usize) -> Result<Self, String> {
        let [values, ends] = name.keys();
        let ColumnName { name, kind } = name;
        let form = Form::of_tag(&kind).ok_or_else(|| {
            format!("its annotations \"{name}\" are of the kind \"{kind}\", which this version cannot read")
        })?;
        let ends =
            header.tensor(&ends, "I64", &[n])?.ok_or_else(|| format!("its tensor \"{ends}\" is missing"))?;
        let values = header.rows(&values, form.dtype.name(), form.item_bytes())?;
        Ok(Self { name, form, values, ends })
    }

    /// Reads the annotation of a sample; `None` if the sample lacks it.
    fn read(&self, content: &Content, index: usize) -> Result<Option<Annotation>, DataError> {
        let [(start, _), (end, is_known)] = content.ends(self.ends, index)?.map(end);
        if !is_known {
            return Ok(None);
        }
        let damaged =
            || content.damaged(format!("its annotation \"{}\" of image {index} is damaged", self.name));
        // Check before allocating: the ends come from the file and may be damaged.
        let is_inside = start <= end && end <= self.values.n_rows as u64;
        let n_items = if is_inside { (end - start) as usize } else { return Err(damaged()) };
        let mut row = vec![0; n_items * self.values.row_bytes];
        content.read(&mut row, self.values.start + start * self.values.row_bytes as u64)?;
        (self.form.unpack)(&row).map(Some).ok_or_else(damaged)
    }
}
