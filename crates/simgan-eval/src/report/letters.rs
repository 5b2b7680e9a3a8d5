//! Words in pictures, in letters of 5×7 dots.

use simgan_data::Sheet;

/// Columns from one letter to the next, and rows from one line to the next, in dots.
const STEP: [usize; 2] = [6, 9];
/// Pixels along the side of a dot.
const DOT: usize = 2;

/// A letter's rows from the top, each five bits, the leftmost the highest.
type Glyph = [u8; 7];

const GLYPHS: [(char, Glyph); 48] = [
    ('0', [14, 17, 19, 21, 25, 17, 14]),
    ('1', [4, 12, 4, 4, 4, 4, 14]),
    ('2', [14, 17, 1, 6, 8, 16, 31]),
    ('3', [30, 1, 1, 14, 1, 1, 30]),
    ('4', [2, 6, 10, 18, 31, 2, 2]),
    ('5', [31, 16, 30, 1, 1, 17, 14]),
    ('6', [14, 16, 16, 30, 17, 17, 14]),
    ('7', [31, 1, 2, 4, 4, 8, 8]),
    ('8', [14, 17, 17, 14, 17, 17, 14]),
    ('9', [14, 17, 17, 15, 1, 1, 14]),
    ('A', [14, 17, 17, 31, 17, 17, 17]),
    ('B', [30, 17, 17, 30, 17, 17, 30]),
    ('C', [15, 16, 16, 16, 16, 16, 15]),
    ('D', [30, 17, 17, 17, 17, 17, 30]),
    ('E', [31, 16, 16, 30, 16, 16, 31]),
    ('F', [31, 16, 16, 30, 16, 16, 16]),
    ('G', [15, 16, 16, 19, 17, 17, 15]),
    ('H', [17, 17, 17, 31, 17, 17, 17]),
    ('I', [14, 4, 4, 4, 4, 4, 14]),
    ('J', [7, 1, 1, 1, 1, 17, 14]),
    ('K', [17, 18, 20, 24, 20, 18, 17]),
    ('L', [16, 16, 16, 16, 16, 16, 31]),
    ('M', [17, 27, 21, 21, 17, 17, 17]),
    ('N', [17, 25, 25, 21, 19, 19, 17]),
    ('O', [14, 17, 17, 17, 17, 17, 14]),
    ('P', [30, 17, 17, 30, 16, 16, 16]),
    ('Q', [14, 17, 17, 17, 21, 18, 13]),
    ('R', [30, 17, 17, 30, 20, 18, 17]),
    ('S', [15, 16, 16, 14, 1, 1, 30]),
    ('T', [31, 4, 4, 4, 4, 4, 4]),
    ('U', [17, 17, 17, 17, 17, 17, 14]),
    ('V', [17, 17, 17, 17, 10, 10, 4]),
    ('W', [17, 17, 17, 21, 21, 27, 17]),
    ('X', [17, 17, 10, 4, 10, 17, 17]),
    ('Y', [17, 17, 10, 4, 4, 4, 4]),
    ('Z', [31, 1, 2, 4, 8, 16, 31]),
    ('.', [0, 0, 0, 0, 0, 12, 12]),
    (',', [0, 0, 0, 0, 12, 4, 8]),
    ('-', [0, 0, 0, 31, 0, 0, 0]),
    ('+', [0, 4, 4, 31, 4, 4, 0]),
    ('_', [0, 0, 0, 0, 0, 0, 31]),
    ('/', [1, 1, 2, 4, 8, 16, 16]),
    ('%', [25, 25, 2, 4, 8, 19, 19]),
    ('°', [12, 18, 18, 12, 0, 0, 0]),
    (':', [0, 12, 12, 0, 12, 12, 0]),
    ('(', [2, 4, 8, 8, 8, 4, 2]),
    (')', [8, 4, 2, 2, 2, 4, 8]),
    (' ', [0, 0, 0, 0, 0, 0, 0]),
];

/// A letter that is not known.
const UNKNOWN: Glyph = [31, 17, 17, 17, 17, 17, 31];

/// Writes a line of words on a dark ground at the left of a sheet's image, the first line at its top. Small
/// letters look like capitals; what does not fit is cut off.
pub(super) fn write(sheet: &mut Sheet, [row, column]: [usize; 2], line: usize, words: &str, color: [f32; 3]) {
    /// Colour of the ground.
    const GROUND: [f32; 3] = [-1.0; 3];
    for (place, letter) in words.chars().enumerate() {
        let glyph = glyph(letter);
        for (y, x) in (0..STEP[1] * DOT).flat_map(|y| (0..STEP[0] * DOT).map(move |x| (y, x))) {
            // A dot of ground above and to the left of each letter.
            let [dot_y, dot_x] = [y / DOT, x / DOT].map(|dot| dot.wrapping_sub(1));
            let is_ink = glyph.get(dot_y).is_some_and(|bits| dot_x < 5 && bits >> (4 - dot_x) & 1 == 1);
            let at = [y + line * STEP[1] * DOT, x + place * STEP[0] * DOT];
            sheet.dot(row, column, at, if is_ink { &color } else { &GROUND });
        }
    }
}

/// Breaks words, which blanks separate, into lines that fit into a sheet's image.
pub(super) fn lines(sheet: &Sheet, words: &str) -> Vec<String> {
    let most = sheet.tile()[1] / (STEP[0] * DOT);
    let mut lines: Vec<String> = Vec::new();
    for word in words.split(' ') {
        match lines.last_mut().filter(|line| line.chars().count() + 1 + word.chars().count() <= most) {
            Some(line) => *line = format!("{line} {word}"),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

fn glyph(letter: char) -> Glyph {
    let letter = letter.to_ascii_uppercase();
    // U+2212 is the sign in front of negative numbers.
    let letter = if letter == '\u{2212}' { '-' } else { letter };
    GLYPHS.iter().find(|(known, _)| *known == letter).map_or(UNKNOWN, |(_, glyph)| *glyph)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_differ_and_fit_into_their_dots() {
        for (idx, (letter, glyph)) in GLYPHS.iter().enumerate() {
            assert!(glyph.iter().all(|bits| *bits < 32), "{letter}");
            assert!(GLYPHS[..idx].iter().all(|(_, other)| other != glyph), "{letter}");
        }
        assert_eq!(glyph('a'), glyph('A'));
        assert_eq!((glyph('1')[6], glyph('ß')), (0b01110, UNKNOWN));
    }
}
