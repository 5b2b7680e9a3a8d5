use proptest::prelude::*;

use super::*;
use crate::image::CropWindow;
use crate::{Fit, Image, Orientation, Pixels, Size};

/// One step that an image can undergo.
#[derive(Clone, Debug)]
enum Move {
    Crop(CropWindow),
    Resize(Size, Fit),
    Orient(u8),
}

impl Move {
    fn transform(&self, from: Size) -> Transform {
        match *self {
            Self::Crop(CropWindow { left, top, size }) => {
                Transform::part(from, left as f64, top as f64, size)
            }
            Self::Resize(size, fit) => Transform::resize(from, size, fit),
            Self::Orient(tag) => Transform::orient(from, Orientation::from_exif(tag).unwrap()),
        }
    }

    fn image(&self, image: &Image) -> Image {
        match *self {
            Self::Crop(window) => image.cropped(window),
            Self::Resize(size, fit) => image.resized(size, fit),
            Self::Orient(tag) => image.oriented(Orientation::from_exif(tag).unwrap()),
        }
    }
}

/// Not square, so that swapping width and height does not go unnoticed.
const SIZE: Size = Size { width: 11, height: 7 };

fn moves() -> impl Strategy<Value = Move> {
    let crop = (0usize..5, 0usize..3, 6usize..7, 4usize..5).prop_map(|(left, top, width, height)| {
        Move::Crop(CropWindow { left, top, size: Size { width, height } })
    });
    let resize = (SIZE.width..40, SIZE.height..40, any::<bool>()).prop_map(|(width, height, cover)| {
        Move::Resize(Size { width, height }, if cover { Fit::Cover } else { Fit::Stretch })
    });
    prop_oneof![crop, resize, (1u8..=8).prop_map(Move::Orient)]
}

fn point() -> impl Strategy<Value = [f32; 2]> {
    [-20f32..60.0, -20f32..60.0]
}

fn vector() -> impl Strategy<Value = [f32; 3]> {
    [-3f32..3.0, -3f32..3.0, -3f32..3.0]
}

/// Any annotation of an image of [`SIZE`].
fn annotation() -> impl Strategy<Value = Annotation> {
    let bounding_box = (point(), point(), any::<u16>()).prop_map(|(a, b, class)| {
        let both = |pick: fn(f32, f32) -> f32| [pick(a[0], b[0]), pick(a[1], b[1])];
        BoundingBox { min: both(f32::min), max: both(f32::max), class }
    });
    prop_oneof![
        vector().prop_filter_map("a direction", |v| Some(Direction::from_vector(v)?.into())),
        prop::collection::vec(point(), 0..5).prop_map(Annotation::from),
        prop::collection::vec(bounding_box, 0..4).prop_map(|boxes| Boxes(boxes).into()),
        any::<u32>().prop_map(|class| Class(class).into()),
        vector().prop_map(|v| Vector::rotation(v).into()),
        prop::collection::vec(-9f32..9.0, 0..4).prop_map(|values| Vector::scalars(values).into()),
        prop::collection::vec(-9f32..9.0, 0..4).prop_map(|values| Vector::unknown(values).into()),
        prop::collection::vec(any::<u8>(), 77..78)
            .prop_map(|classes| Mask::new(SIZE, classes).unwrap().into()),
    ]
}

/// An image that is black except for one pixel.
fn dot(column: usize, row: usize) -> Image {
    let mut values = vec![0; SIZE.width * SIZE.height];
    values[row * SIZE.width + column] = 255;
    Image::new(1, SIZE.height, SIZE.width, Pixels::U8(values))
}

proptest! {
    #[test]
    fn what_follows_an_image_is_packed_and_written_whole(known in annotation(), step in moves()) {
        let moved = known.transformed(&step.transform(SIZE));
        let Ok(moved) = moved else {
            prop_assert_eq!(known.form().tag, "vector", "{:?}", moved);
            prop_assert!(matches!(step, Move::Orient(2..)));
            return Ok(());
        };
        let mut row = Vec::new();
        moved.pack(&mut row);
        prop_assert!(row.len().is_multiple_of(moved.form().item_bytes()));
        let form = Form::of_tag(moved.form().tag).unwrap();
        prop_assert_eq!((form.unpack)(&row), Some(moved.clone()));
        let text = moved.to_json().to_string();
        let again = Annotation::from_json(&serde_json::from_str(&text).unwrap()).unwrap().unwrap();
        prop_assert_eq!(again, moved);
    }

    #[test]
    fn points_boxes_and_masks_follow_the_pixels(column in 0usize..11, row in 0usize..7, step in moves()) {
        let (image, transform) = (dot(column, row), step.transform(SIZE));
        let moved = step.image(&image);
        let center = [column as f32 + 0.5, row as f32 + 0.5];
        let sides = [column as f32, row as f32, column as f32 + 1.0, row as f32 + 1.0];
        let sides = BoundingBox { min: [sides[0], sides[1]], max: [sides[2], sides[3]], class: 7 };
        let Pixels::U8(classes) = image.pixels().clone() else { unreachable!() };
        let follow = |known: Annotation| known.transformed(&transform).unwrap();

        let [x, y] = follow(vec![center].into()).as_points().unwrap()[0];
        let sides = follow(Boxes(vec![sides]).into()).as_boxes().unwrap()[0];
        let mask = follow(Mask::new(SIZE, classes).unwrap().into());
        let mask = mask.as_mask().unwrap();
        prop_assert_eq!((mask.size(), transform.to()), (moved.spec().size(), moved.spec().size()));
        let [back_x, back_y] = transform.source([x, y]);
        prop_assert!((back_x - center[0]).abs() < 1e-4 && (back_y - center[1]).abs() < 1e-4);
        prop_assert!(sides.min[0] < x && x < sides.max[0] && sides.min[1] < y && y < sides.max[1]);

        let size = moved.spec().size();
        // A dot near a crop's edge may be cut off in part.
        let is_seen = x > 0.5 && y > 0.5 && x < size.width as f32 - 0.5 && y < size.height as f32 - 0.5;
        if matches!(step, Move::Resize(..)) && !is_seen {
            return Ok(());
        }
        let Pixels::U8(values) = moved.pixels() else { unreachable!() };
        let Some(brightest) = values.iter().max().filter(|value| **value > 0) else {
            prop_assert!(x < 0.0 || y < 0.0 || x > size.width as f32 || y > size.height as f32);
            prop_assert!(mask.classes().iter().all(|class| *class == 0));
            return Ok(());
        };
        let bright: Vec<usize> = (0..values.len()).filter(|i| values[*i] == *brightest).collect();
        let near = |i: &usize| {
            let at = [(i % size.width) as f32 + 0.5, (i / size.width) as f32 + 0.5];
            (at[0] - x).abs() <= 1.0 && (at[1] - y).abs() <= 1.0
        };
        prop_assert!(bright.iter().any(near), "({x}, {y}) in {size}, bright at {bright:?}");
        let is_exact = !matches!(step, Move::Resize(..));
        if is_exact {
            prop_assert_eq!(mask.classes(), &values[..]);
            prop_assert_eq!(bright, vec![y as usize * size.width + x as usize]);
        } else {
            prop_assert_eq!(mask.classes()[y as usize * size.width + x as usize], 255);
        }
    }

    /// Mirroring twice, or four quarter turns, is the identity.
    #[test]
    fn directions_and_rotations_turn_with_the_image(v in vector()) {
        let turn = |known: Annotation, tag: u8| {
            known.transformed(&Transform::orient(SIZE, Orientation::from_exif(tag).unwrap())).unwrap()
        };
        for known in [Vector::rotation(v).into(), Direction::from_vector(v).unwrap().into()] {
            let known: Annotation = known;
            for (tag, times) in [(2, 2), (3, 2), (4, 2), (5, 2), (6, 4), (7, 2), (8, 4)] {
                let again = (0..times).fold(known.clone(), |known, _| turn(known, tag));
                prop_assert_eq!(&again, &known, "{}", tag);
            }
        }
    }
}

#[test]
fn a_quarter_turn_carries_right_to_down_and_a_mirror_swaps_a_rotations_sense() {
    let oriented = |known: Annotation, tag: u8| {
        known.transformed(&Transform::orient(SIZE, Orientation::from_exif(tag).unwrap())).unwrap()
    };
    let right = Direction::from_vector([1.0, 0.0, 0.0]).unwrap();
    // Tag 6 rotates an image clockwise: a vector to the right then points down.
    assert_eq!(oriented(right.into(), 6).as_direction().unwrap().vector(), [0.0, 1.0, 0.0]);
    assert_eq!(oriented(right.into(), 2).as_direction().unwrap().vector(), [-1.0, 0.0, 0.0]);
    let pose = oriented(Vector::rotation([0.1, 0.2, 0.3]).into(), 2);
    assert_eq!(pose.as_vector().unwrap().values(), [0.1, -0.2, -0.3]);
}

#[test]
fn what_would_be_stale_is_an_error() {
    let mirror = Transform::orient(SIZE, Orientation::MIRRORED);
    let stale = Annotation::from(Vector::unknown(vec![1.0])).transformed(&mirror).unwrap_err();
    assert!(stale.to_string().contains("what its numbers mean"), "{stale}");
    let small = Mask::new(Size { width: 2, height: 1 }, vec![1, 2]).unwrap();
    let stale = Annotation::from(small).transformed(&mirror).unwrap_err();
    assert!(stale.to_string().contains("2x1") && stale.to_string().contains("11x7"), "{stale}");
    let image = Image::new(1, 1, 2, Pixels::U8(vec![0, 1]));
    let sample = crate::Sample {
        annotations: Annotations::from([("odd".into(), Vector::unknown(vec![1.0]).into())]),
        ..crate::Sample::new("a.png", image)
    };
    let error = sample.oriented(Orientation::MIRRORED).unwrap_err().to_string();
    assert!(error.contains("a.png") && error.contains("\"odd\""), "{error}");
}

/// Tags name columns of packed files and fields of records, so each must be unique.
#[test]
fn every_form_has_a_name_of_its_own() {
    let tags: std::collections::BTreeSet<&str> = FORMS.iter().map(|form| form.tag).collect();
    assert_eq!(tags.len(), FORMS.len(), "{tags:?}");
    assert!(tags.iter().all(|tag| Form::of_tag(tag).unwrap().tag == *tag));
}
