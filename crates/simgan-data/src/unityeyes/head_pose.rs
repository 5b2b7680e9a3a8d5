//! The head's pose in UnityEyes' records.

/// What the six-point face model of MPIIGaze reads as the pitch of an upright head, in degrees: its mouth and
/// eyes do not lie in one upright plane.
pub const LEVEL_PITCH_DEG: f32 = 15.0;

type Matrix = [[f64; 3]; 3];

/// Converts UnityEyes' `head_pose`, the camera's Euler angles in degrees in a world that moves with the head,
/// to the head's rotation as MPIIGaze stores it: a rotation vector in radians, from its face model (x right,
/// y down, z into the head) to the camera (x right, y down, z away).
pub(crate) fn rotation_vector(euler_deg: [f32; 3]) -> [f32; 3] {
    let [x, y, z] = euler_deg.map(|angle| f64::from(angle).to_radians());
    // Unity turns about z, then x, then y.
    let turn = product(&about(1, y), &product(&about(0, x), &about(2, z)));
    // The camera's right, up and backward axes; Unity's x runs the other way.
    let axis = |column: usize| [-turn[0][column], turn[1][column], turn[2][column]];
    let head = [axis(0), axis(1), axis(2).map(|value| -value)];
    let flip = about(0, std::f64::consts::PI);
    let tilt = about(0, -f64::from(LEVEL_PITCH_DEG).to_radians());
    vector(&product(&product(&flip, &head), &product(&flip, &tilt)))
}

/// The rotation about an axis, 0 to 2 for x to z, by an angle in radians.
fn about(axis: usize, angle: f64) -> Matrix {
    let (s, c) = angle.sin_cos();
    let (next, last) = ((axis + 1) % 3, (axis + 2) % 3);
    let mut matrix = [[0.0; 3]; 3];
    matrix[axis][axis] = 1.0;
    (matrix[next][next], matrix[next][last]) = (c, -s);
    (matrix[last][next], matrix[last][last]) = (s, c);
    matrix
}

fn product(a: &Matrix, b: &Matrix) -> Matrix {
    a.map(|row| [0, 1, 2].map(|column| (0..3).map(|idx| row[idx] * b[idx][column]).sum()))
}

/// A rotation's axis times its angle in radians, less than half a turn.
fn vector(matrix: &Matrix) -> [f32; 3] {
    let [a, b, c] = matrix;
    let twice_sine = [c[1] - b[2], a[2] - c[0], b[0] - a[1]];
    let sine = 0.5 * twice_sine.iter().map(|value| value * value).sum::<f64>().sqrt();
    let angle = sine.atan2(0.5 * (a[0] + b[1] + c[2] - 1.0));
    // The angle over its sine is 1 for small angles.
    let factor = if sine > 1e-9 { angle / sine } else { 1.0 };
    twice_sine.map(|value| (0.5 * factor * value) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A camera straight in front of an upright head sees only the model's tilt; one that has moved to the
    /// side sees the head turned.
    #[test]
    fn the_camera_s_angles_become_the_head_s() {
        let tilt = LEVEL_PITCH_DEG.to_radians();
        let near = |found: [f32; 3], expected: [f32; 3]| {
            assert!(
                found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5),
                "{found:?}, not {expected:?}"
            );
        };
        near(rotation_vector([0.0, 180.0, 0.0]), [-tilt, 0.0, 0.0]);
        near(rotation_vector([LEVEL_PITCH_DEG, 180.0, 0.0])[..1].repeat(3).try_into().unwrap(), [0.0; 3]);
        let turned = rotation_vector([0.0, 210.0, 0.0]);
        assert!(turned[1].abs() > 0.4, "{turned:?}");
    }
}
