/// Changes, deletes, inserts or truncates some bytes; the result depends only on the seed.
pub(crate) fn damage(bytes: &[u8], seed: u64) -> Vec<u8> {
    // Splitmix64: random enough to choose where to hit.
    let mut state = seed;
    let mut draw = |below: usize| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        ((mixed ^ (mixed >> 27)) >> 7) as usize % below.max(1)
    };
    let mut bytes = bytes.to_vec();
    for _ in 0..=draw(4) {
        let at = draw(bytes.len());
        match draw(5) {
            0 => bytes[at] = [0, 1, 127, 128, 255][draw(5)],
            1 => bytes[at] ^= 1 << draw(8),
            2 => {
                bytes.drain(at..(at + 1 + draw(8)).min(bytes.len()));
            }
            3 => bytes.insert(at, draw(256) as u8),
            _ => bytes.truncate(at.max(bytes.len() / 2)),
        }
        if bytes.is_empty() {
            return bytes;
        }
    }
    bytes
}
