//! The roles of the vertices of UnityEyes' control mesh, and the sizes of its asset files.

/// The lids' margin: inner corner, upper lid, outer corner (item 8), lower lid.
pub(super) const MARGIN: [usize; 16] = [12, 13, 14, 15, 16, 17, 18, 132, 131, 130, 6, 2, 1, 7, 8, 0];

pub(super) const CARUNCLE: [usize; 7] = [28, 27, 25, 32, 31, 30, 33];

/// Closed loops round the eye, from the inside out: lid margin with caruncle, anterior margin, the lids'
/// peak, two at the crease, an outer one. Columns 3 to 9 are the upper lid, 8 to 10 the outer corner, 11 to
/// 17 the lower lid.
pub(super) const LOOPS: [[usize; N_COLUMNS]; 6] = [
    [33, 32, 25, 13, 14, 15, 16, 17, 18, 132, 131, 130, 6, 2, 1, 7, 8, 0, 28, 30],
    [35, 36, 26, 24, 23, 22, 21, 20, 19, 93, 112, 113, 5, 4, 3, 9, 10, 11, 29, 34],
    [83, 82, 77, 62, 61, 60, 37, 38, 39, 92, 139, 136, 40, 41, 42, 43, 44, 45, 46, 84],
    [86, 85, 78, 72, 71, 70, 47, 48, 49, 135, 141, 140, 53, 54, 55, 56, 57, 58, 59, 87],
    [80, 79, 76, 75, 74, 73, 50, 51, 52, 137, 138, 142, 63, 64, 65, 66, 67, 68, 69, 81],
    [101, 102, 103, 104, 105, 88, 89, 90, 91, 146, 145, 143, 94, 95, 96, 217, 97, 98, 99, 100],
];
pub(super) const N_COLUMNS: usize = 20;
/// The column of the outer corner.
pub(super) const OUTER_CORNER: usize = 10;
/// Vertex at the inner corner: the lids turn about the line from here to the outer corner.
pub(super) const HINGE: usize = 34;
/// Middle vertex of the upper lid's margin.
pub(super) const UPPER_PEAK: usize = 16;

/// The limbus on the eyeball's mesh: 32 vertices from the image's left over the top.
pub(super) const LIMBUS: [usize; 32] = limbus();

const fn limbus() -> [usize; 32] {
    let head = [3, 7, 11, 14, 18, 21, 25, 29, 33, 37, 41, 45];
    let mut all = [0; 32];
    let mut idx = 0;
    while idx < 32 {
        all[idx] = if idx < 12 {
            head[idx]
        } else if idx == 12 {
            49
        } else {
            52 + 4 * (idx - 13)
        };
        idx += 1;
    }
    all
}

pub(super) const N_CONTROL: usize = 229;
pub(super) const N_SKIN: usize = 872;
pub(super) const N_TRIANGLES: usize = 1656;
pub(super) const N_MODES: usize = 20;
/// Control vertices per skin vertex, which is their weighted mean.
pub(super) const N_WEIGHTS: usize = 9;
