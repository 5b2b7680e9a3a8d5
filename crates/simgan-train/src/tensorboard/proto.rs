//! Encodes the few messages needed of TensorBoard's `event.proto` and `summary.proto` in protobuf's wire
//! format.

use super::PngImage;

/// The content of an event: one field of the `Event` message.
pub(super) trait Payload {
    fn write(&self, event: &mut Message);
}

/// Encodes `Event { wall_time = 1, step = 2, payload }`.
pub(super) fn event(wall_time_secs: f64, step: u64, payload: &impl Payload) -> Vec<u8> {
    let mut event = Message::default();
    event.double(1, wall_time_secs);
    event.varint_field(2, step);
    payload.write(&mut event);
    event.bytes
}

/// The format version that every file starts with.
pub(super) struct FileVersion;

impl Payload for FileVersion {
    fn write(&self, event: &mut Message) {
        event.length_delimited(3, b"brain.Event:2");
    }
}

/// `SessionLog { status = START }`: makes readers drop earlier events of this step and later ones.
pub(super) struct SessionStart;

impl Payload for SessionStart {
    fn write(&self, event: &mut Message) {
        event.message(7, |log| log.varint_field(1, 1));
    }
}

/// `Summary { value { tag = 1, simple_value = 2 }… }`.
pub(super) struct Scalars<'a>(pub(super) &'a [(&'a str, f32)]);

impl Payload for Scalars<'_> {
    fn write(&self, event: &mut Message) {
        event.message(5, |summary| {
            for (tag, scalar) in self.0 {
                summary.message(1, |value| {
                    value.length_delimited(1, tag.as_bytes());
                    value.float(2, *scalar);
                });
            }
        });
    }
}

/// `Summary { value { tag = 1, image = 4 { height, width, colorspace, encoded_image_string } } }`.
pub(super) struct TaggedImage<'a> {
    pub(super) tag: &'a str,
    pub(super) image: PngImage<'a>,
}

impl Payload for TaggedImage<'_> {
    fn write(&self, event: &mut Message) {
        let PngImage { height, width, channels, bytes } = self.image;
        event.message(5, |summary| {
            summary.message(1, |value| {
                value.length_delimited(1, self.tag.as_bytes());
                value.message(4, |image| {
                    image.varint_field(1, height as u64);
                    image.varint_field(2, width as u64);
                    image.varint_field(3, channels as u64);
                    image.length_delimited(4, bytes);
                });
            });
        });
    }
}

/// The encoded fields of one message. Each field starts with `number << 3 | wire type`.
#[derive(Default)]
pub(super) struct Message {
    bytes: Vec<u8>,
}

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }

    fn key(&mut self, field: u64, wire_type: u64) {
        self.varint(field << 3 | wire_type);
    }

    /// Omits a zero, protobuf's default, as TensorBoard's own writer does.
    fn varint_field(&mut self, field: u64, value: u64) {
        if value != 0 {
            self.key(field, 0);
            self.varint(value);
        }
    }

    fn double(&mut self, field: u64, value: f64) {
        self.key(field, 1);
        self.bytes.extend(value.to_le_bytes());
    }

    fn float(&mut self, field: u64, value: f32) {
        self.key(field, 5);
        self.bytes.extend(value.to_le_bytes());
    }

    fn length_delimited(&mut self, field: u64, content: &[u8]) {
        self.key(field, 2);
        self.varint(content.len() as u64);
        self.bytes.extend(content);
    }

    fn message(&mut self, field: u64, write: impl FnOnce(&mut Self)) {
        let mut message = Self::default();
        write(&mut message);
        self.length_delimited(field, &message.bytes);
    }
}
