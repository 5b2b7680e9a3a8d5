//! An image of the visitor's, refined; and what is refused.

use std::fs;
use std::io::Write;
use std::net::TcpStream;

use candle_core::Device;
use simgan_data::{Image, ImageFile, ImageFormat, Pixels};
use simgan_refine::RefineModel;
use simgan_web::ServerOptions;

use crate::scene::Scene;
use crate::{Answer, Running, local};

fn png(width: usize, height: usize) -> Vec<u8> {
    let pixels = Pixels::U8((0..width * height).map(|pixel| (pixel * 31 % 256) as u8).collect());
    ImageFile::new(Image::new(1, height, width, pixels), ImageFormat::Png).encode("a.png".as_ref()).unwrap()
}

/// Sends the form with an image.
fn send(server: &Running, run: &str, step: &str, name: &str, image: &[u8]) -> Answer {
    let head = format!(
        "--limit\r\nContent-Disposition: form-data; name=\"step\"\r\n\r\n{step}\r\n--limit\r\nContent-Disposition: \
         form-data; name=\"image\"; filename=\"{name}\"\r\nContent-Type: image/png\r\n\r\n"
    );
    let body = [head.as_bytes(), image, b"\r\n--limit--\r\n"].concat();
    let origin = server.origin();
    let headers = [("Origin", origin.as_str()), ("Content-Type", "multipart/form-data; boundary=limit")];
    server.send("POST", &format!("/runs/{run}/try"), &headers, &body)
}

fn serve(scene: &Scene) -> Running {
    Running::start(ServerOptions { runs: vec![scene.folder.path().to_owned()], ..local() })
}

#[test]
fn an_image_is_refined_as_the_command_does() {
    let scene = Scene::new();
    let run = scene.train("demo");
    let server = serve(&scene);
    assert!(server.get("/runs/demo/try").text().contains("<option value=\"10\" selected>"));
    let image = png(13, 8);
    let sent = send(&server, "demo", "5", "<script>.png", &image);
    assert_eq!(sent.status, 303, "{}", sent.text());
    let link = sent.header("location").unwrap().to_owned();
    let page = server.get(link.split('#').next().unwrap()).text();
    assert!(page.contains("PNG, 13 × 8") && page.contains("Refined at step 5"), "{page}");
    assert!(!page.contains("<script>.png") && page.contains("&#60;script&#62;.png"), "{page}");
    let id = link.split("result=").nth(1).unwrap().split('#').next().unwrap();
    let file = server.get(&format!("/tried/{id}/file"));
    let model = RefineModel::open(&run.join("checkpoints/step-00000005"), &Device::Cpu).unwrap();
    let refined = model.refine_image(ImageFile::decode(&image, "a.png".as_ref()).unwrap(), "a.png").unwrap();
    assert_eq!(file.body, refined.file.encode("a.png".as_ref()).unwrap());
    let name = "attachment; filename*=UTF-8''%3Cscript%3E-step-5.png";
    assert_eq!(file.header("content-disposition"), Some(name));
    for picture in ["original", "refined", "difference"] {
        let picture = server.get(&format!("/tried/{id}/{picture}.png"));
        let spec = ImageFile::probe_bytes(&picture.body, "p.png".as_ref()).unwrap();
        assert_eq!((spec.width, spec.height), (13, 8));
    }
    assert_eq!(server.get(&format!("/tried/{}/file", "0".repeat(32))).status, 404);
}

#[test]
fn what_is_no_image_is_refused_in_words() {
    let scene = Scene::new();
    let run = scene.train("demo");
    let server = serve(&scene);
    let refused = |step: &str, image: &[u8], status: u16, words: &str| {
        let answer = send(&server, "demo", step, "a.png", image);
        assert_eq!(answer.status, status, "{}", answer.text());
        assert!(answer.text().contains(words), "{words}: {}", answer.text());
    };
    refused("5", b"<svg onload=x>", 422, "a.png");
    refused("5", &png(9, 7)[..40], 422, "a.png");
    refused("5", b"", 400, "No image was chosen");
    refused("7", &png(9, 7), 404, "step 7");
    refused("../5", &png(9, 7), 400, "no checkpoint");
    fs::write(run.join("checkpoints/step-00000005/refiner.safetensors"), "damaged").unwrap();
    refused("5", &png(9, 7), 500, "refiner.safetensors");
    let form = server.get("/runs/demo/try").text();
    assert!(!form.contains("value=\"5\"") && form.contains("value=\"10\""), "only intact ones: {form}");
}

#[test]
fn a_bomb_is_refused_before_it_is_decoded() {
    let scene = Scene::new();
    scene.train("demo");
    let server = serve(&scene);
    for (side, status) in [(5_000u32, 413), (60_000, 422)] {
        let mut bomb = png(9, 7);
        bomb[16..24].copy_from_slice(&[side.to_be_bytes(), side.to_be_bytes()].concat());
        let crc = crc32(&bomb[12..29]);
        bomb[29..33].copy_from_slice(&crc.to_be_bytes());
        let answer = send(&server, "demo", "5", "bomb.png", &bomb);
        assert_eq!(answer.status, status, "{}", answer.text());
        let text = answer.text();
        assert!(text.contains("bomb.png") && text.contains(&side.to_string()), "{text}");
    }
}

/// The checksum of PNG's chunks.
fn crc32(bytes: &[u8]) -> u32 {
    let bit = |crc: u32, _| if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), bit))
}

#[test]
fn an_endless_upload_is_refused_whatever_it_announces() {
    let scene = Scene::new();
    scene.train("demo");
    let server = serve(&scene);
    let kind = "Content-Type: multipart/form-data; boundary=limit";
    for length in ["Content-Length: 2147483648", "Transfer-Encoding: chunked"] {
        let mut stream = TcpStream::connect(server.address).unwrap();
        let origin = server.origin();
        let head = format!(
            "POST /runs/demo/try HTTP/1.1\r\nHost: {}\r\nOrigin: {origin}\r\n{kind}\r\n{length}\r\n\r\n",
            server.address
        );
        stream.write_all(head.as_bytes()).unwrap();
        let chunk = vec![b'x'; 1 << 20];
        let mut n_sent = 0;
        let first = b"--limit\r\nContent-Disposition: form-data; name=\"image\"; filename=\"a.png\"\r\n\r\n";
        let mut send = |bytes: &[u8]| match length.starts_with("Content") {
            true => stream.write_all(bytes),
            false => write!(stream, "{:x}\r\n", bytes.len())
                .and_then(|()| stream.write_all(bytes))
                .and_then(|()| stream.write_all(b"\r\n")),
        };
        send(first).unwrap();
        while n_sent < 200 && send(&chunk).is_ok() {
            n_sent += 1;
        }
        assert!(n_sent < 100, "{length}: the server took {n_sent} MB");
    }
    assert_eq!(server.get("/").status, 200);
}
