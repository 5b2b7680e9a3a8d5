//! One image in memory becomes what a folder's refinement writes.

use super::*;

#[test]
fn an_image_alone_is_refined_as_one_of_a_folder() {
    let scene = Scene::new();
    let colours = Image::new(3, 5, 9, Pixels::U8((0..135).map(|value| (value * 37 % 251) as u8).collect()));
    scene.image("colours.png", colours, ImageFormat::Png);
    let deep = Image::new(1, 6, 4, Pixels::U16((0..24).map(|value| value * 2_500).collect()));
    scene.image("deep.tif", deep, ImageFormat::Tiff);
    scene.refine("out", &GOING).unwrap();
    let model = RefineModel::open(&scene.path("model"), &Device::Cpu).unwrap();
    for name in ["a.png", "b/d.bmp", "b/e/f.tif", "colours.png", "deep.tif"] {
        let path = scene.path("in").join(name);
        let refined = model.refine_image(ImageFile::open(&path).unwrap(), name).unwrap();
        let written = fs::read(scene.path("out").join(name)).unwrap();
        assert!(refined.file.encode(&path).unwrap() == written, "{name}");
        assert!(refined.change > 0.0 && written != fs::read(&path).unwrap(), "{name}: it changes something");
    }
}
