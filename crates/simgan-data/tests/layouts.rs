//! Every layout of pixels: what libjpeg, libtiff and Pillow read, or a refusal that names the layout.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use safetensors::{Dtype, SafeTensors};
use simgan_data::{ImageFile, Pixels};

/// Values of an image, channel by channel, alpha last.
fn values(file: &ImageFile) -> Vec<f32> {
    let all = |pixels: &Pixels| match pixels {
        Pixels::U8(values) => values.iter().map(|value| f32::from(*value)).collect::<Vec<_>>(),
        Pixels::U16(values) => values.iter().map(|value| f32::from(*value)).collect(),
        Pixels::F32(values) => values.clone(),
    };
    let mut values = all(file.image().pixels());
    values.extend(file.alpha().iter().flat_map(|alpha| all(alpha)));
    values
}

/// Values of a tensor `[height, width, channels]`, channel by channel.
fn expected(tensor: &safetensors::tensor::TensorView<'_>) -> Vec<f32> {
    let data = tensor.data();
    let stored: Vec<f32> = match tensor.dtype() {
        Dtype::U8 => data.iter().map(|value| f32::from(*value)).collect(),
        Dtype::U16 => data.as_chunks().0.iter().map(|value| f32::from(u16::from_le_bytes(*value))).collect(),
        _ => data.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect(),
    };
    let n = tensor.shape()[2];
    (0..n).flat_map(|c| stored.iter().skip(c).step_by(n).copied()).collect()
}

/// The greatest difference that a value may have, in an image of this size at this place. A decoder of JPEG
/// may round its transform otherwise than libjpeg, which makes 1 level, and up to 3 after conversion to RGB.
/// At the right and lower edge, zune-jpeg interpolates subsampled chroma with what is stored beyond the
/// image; the standard leaves interpolation open. WebP's is open, too.
fn tolerance(name: &str, [height, width]: [usize; 2], [y, x]: [usize; 2]) -> f32 {
    let is_edge = y + 1 == height || x + 1 == width;
    match name {
        _ if name.starts_with("jpeg_pillow") && !name.contains("444") && is_edge => 24.0,
        _ if name.starts_with("jpeg") || name.ends_with("lossy") => 3.0,
        _ => 0.0,
    }
}

/// Why a file is not right; `None` if it is.
fn fault(name: &str, tensors: &SafeTensors<'_>) -> Option<String> {
    let bytes = tensors.tensor(&format!("{name}.file")).unwrap().data();
    let read = ImageFile::decode(bytes, Path::new(name));
    if let Ok(reason) = tensors.tensor(&format!("{name}.refused")) {
        let reason = std::str::from_utf8(reason.data()).unwrap();
        return match read {
            Ok(_) => Some("it was read".to_owned()),
            Err(error) if error.to_string().contains(reason) && error.hint().is_some() => None,
            Err(error) => Some(error.to_string()),
        };
    }
    let file = match read {
        Ok(file) => file,
        Err(error) => return Some(error.to_string()),
    };
    let probed = ImageFile::probe_bytes(bytes, Path::new(name)).unwrap();
    if probed != file.image().spec() {
        return Some(format!("its header says {probed:?}"));
    }
    let (values, expected) = (values(&file), expected(&tensors.tensor(&format!("{name}.pixels")).unwrap()));
    if values.len() != expected.len() {
        return Some(format!("{} values instead of {}", values.len(), expected.len()));
    }
    let size = [probed.height, probed.width];
    let differs = |(i, (a, b)): (usize, (&f32, &f32))| {
        let place = [i / size[1] % size[0], i % size[1]];
        let is_near = (a - b).abs() <= tolerance(name, size, place);
        a.to_bits() != b.to_bits() && !is_near
    };
    let n_differ = values.iter().zip(&expected).enumerate().filter(|pair| differs(*pair)).count();
    (n_differ > 0).then(|| format!("{n_differ} of {} values differ", values.len()))
}

#[test]
fn every_layout_is_read_right_or_refused_by_name() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/layouts/case.safetensors");
    let case = std::fs::read(path).unwrap();
    let tensors = SafeTensors::deserialize(&case).unwrap();
    let names = tensors.names();
    let mut names: Vec<&str> = names.into_iter().filter_map(|name| name.strip_suffix(".file")).collect();
    names.sort_unstable();
    assert!(names.len() >= 500);
    let faults: Vec<String> =
        names.iter().filter_map(|name| Some(format!("{name}: {}", fault(name, &tensors)?))).collect();
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn what_is_read_is_written_again_with_its_values() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/layouts/case.safetensors");
    let case = std::fs::read(path).unwrap();
    let tensors = SafeTensors::deserialize(&case).unwrap();
    for name in tensors.names().into_iter().filter(|name| name.ends_with(".file")) {
        let Ok(file) = ImageFile::decode(tensors.tensor(name).unwrap().data(), Path::new(name)) else {
            continue;
        };
        let again = file.encode(Path::new(name)).unwrap();
        let again = ImageFile::decode(&again, Path::new(name)).unwrap();
        assert_eq!(again.image().spec(), file.image().spec(), "{name}");
        assert_eq!((again.format(), again.orientation()), (file.format(), file.orientation()), "{name}");
        if !name.starts_with("jpeg") {
            assert_eq!((again.image(), again.alpha()), (file.image(), file.alpha()), "{name}");
        }
    }
}
