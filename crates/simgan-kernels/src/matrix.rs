//! Matrix products on strided views of slices.

use candle_core::WithDType;

/// A number the CPU kernels compute with: `f32`, or `f64` for gradient checks.
pub(crate) trait Real: WithDType + Default + std::ops::AddAssign {}
impl Real for f32 {}
impl Real for f64 {}

/// A matrix inside a slice: element `(row, column)` lies at `row * row_stride + column * column_stride`.
#[derive(Clone, Copy)]
pub(crate) struct Matrix<D> {
    data: D,
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<T, D: std::ops::Deref<Target = [T]>> Matrix<D> {
    /// A matrix whose rows are contiguous and `row_stride` elements apart.
    ///
    /// # Panics
    /// When the matrix does not lie inside the slice.
    pub(crate) fn new(data: D, rows: usize, columns: usize, row_stride: usize) -> Self {
        assert!(columns <= row_stride || rows <= 1, "rows of {columns} overlap at stride {row_stride}");
        if rows > 0 && columns > 0 {
            let end = (rows - 1) * row_stride + columns;
            assert!(end <= data.len(), "{rows} rows at stride {row_stride} leave a slice of {}", data.len());
        }
        Self { data, rows, columns, row_stride, column_stride: 1 }
    }

    /// The same elements, rows and columns exchanged.
    pub(crate) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// `out = lhs · rhs`, or `out += lhs · rhs` if `accumulate`, on this thread.
///
/// # Panics
/// When the shapes do not fit.
#[expect(clippy::needless_pass_by_value, reason = "a mutable view is lent for one product")]
pub(crate) fn multiply<T: Real>(
    out: Matrix<&mut [T]>,
    lhs: Matrix<&[T]>,
    rhs: Matrix<&[T]>,
    accumulate: bool,
) {
    assert_eq!((out.rows, out.columns, lhs.columns), (lhs.rows, rhs.columns, rhs.rows), "shapes do not fit");
    let one = T::from_f64(1.0);
    // SAFETY: `Matrix::new` checked that every element of each matrix lies inside its slice, and transposing
    // moves no element. `out` is borrowed mutably, so it overlaps neither operand; its rows do not overlap
    // each other. T is `f32` or `f64`, which gemm supports.
    unsafe {
        gemm::gemm(
            out.rows,
            out.columns,
            lhs.columns,
            out.data.as_mut_ptr(),
            out.column_stride as isize,
            out.row_stride as isize,
            accumulate,
            lhs.data.as_ptr(),
            lhs.column_stride as isize,
            lhs.row_stride as isize,
            rhs.data.as_ptr(),
            rhs.column_stride as isize,
            rhs.row_stride as isize,
            one,
            one,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
