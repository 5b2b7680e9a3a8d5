"""A small JPEG encoder that writes layouts which common encoders do not: any sampling factors, any division into scans."""

import struct

import numpy as np

ZIGZAG = sorted(range(64), key=lambda i: (i // 8 + i % 8, (i // 8 if (i // 8 + i % 8) % 2 else i % 8)))
QUANT = np.full((8, 8), 6) + np.add.outer(np.arange(8), np.arange(8)) // 2
DCT = np.array([[(0.5 if k else 0.5**1.5) * np.cos((2 * x + 1) * k * np.pi / 16) for x in range(8)] for k in range(8)])

# Every symbol has a code of 8 bits: no statistics, and no code of ones only.
SYMBOLS = [run << 4 | size for run in range(16) for size in range(0 if run in (0, 15) else 1, 11)]


def codes(symbols):
    return {symbol: (i, 8) for i, symbol in enumerate(symbols)}


DC, AC = codes(range(12)), codes(SYMBOLS)


class Bits:
    def __init__(self):
        self.bits = []

    def put(self, value, n):
        self.bits.extend((value >> i) & 1 for i in reversed(range(n)))

    def flush(self):
        self.bits.extend([1] * (-len(self.bits) % 8))
        data = np.packbits(np.array(self.bits, np.uint8)).tobytes()
        self.bits = []
        return data.replace(b"\xff", b"\xff\x00")


def segment(marker, data):
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def table(kind, code):
    lengths = [sum(n == length for _, n in code.values()) for length in range(1, 17)]
    return segment(0xC4, bytes([kind << 4]) + bytes(lengths) + bytes(code))


def coded(bits, block, previous):
    zz = block.flatten()[ZIGZAG]

    def number(value, size):
        bits.put(value if value >= 0 else value + (1 << size) - 1, size)

    difference = int(zz[0]) - previous
    size = abs(difference).bit_length()
    bits.put(*DC[size])
    number(difference, size)
    run = 0
    for value in map(int, zz[1:]):
        if value == 0:
            run += 1
            continue
        while run > 15:
            bits.put(*AC[0xF0])
            run -= 16
        size = abs(value).bit_length()
        bits.put(*AC[run << 4 | size])
        number(value, size)
        run = 0
    if run:
        bits.put(*AC[0])
    return int(zz[0])


def shrink(plane, h, v):
    """The plane with one value per `h` by `v` pixels, edges repeated."""
    height, width = plane.shape
    plane = np.pad(plane, ((0, -height % v), (0, -width % h)), "edge")
    return plane.reshape(plane.shape[0] // v, v, plane.shape[1] // h, h).mean((1, 3))


def encode(planes, factors, scans, restart=0, app=b"", sof=0xC0, end=True):
    """Encodes planes of full size. `factors` has (horizontal, vertical) of each, `scans` the components of each scan."""
    height, width = planes[0].shape
    h_max, v_max = max(h for h, _ in factors), max(v for _, v in factors)
    columns, rows = -(-width // (8 * h_max)), -(-height // (8 * v_max))
    blocks, sizes = [], []
    for plane, (h, v) in zip(planes, factors):
        small = shrink(plane.astype(float), h_max // h, v_max // v) if h_max % h == 0 and v_max % v == 0 else None
        if small is None:  # a fraction: nearest values
            ys = np.minimum((np.arange(-(-height * v // v_max)) * v_max) // v, height - 1)
            xs = np.minimum((np.arange(-(-width * h // h_max)) * h_max) // h, width - 1)
            small = plane.astype(float)[np.ix_(ys, xs)]
        sizes.append((-(-(height * v) // v_max), -(-(width * h) // h_max)))
        full = (rows * v * 8, columns * h * 8)
        small = np.pad(small, ((0, full[0] - small.shape[0]), (0, full[1] - small.shape[1])), "edge") - 128
        small = small.reshape(rows * v, 8, columns * h, 8).swapaxes(1, 2)
        blocks.append(np.rint(DCT @ small @ DCT.T / QUANT).astype(int))
    data = b"\xff\xd8" + app + segment(0xDB, b"\0" + bytes(int(QUANT.flatten()[i]) for i in ZIGZAG))
    frame = b"".join(bytes([i + 1, h << 4 | v, 0]) for i, (h, v) in enumerate(factors))
    data += segment(sof, struct.pack(">BHHB", 8, height, width, len(planes)) + frame)
    data += table(0, DC) + table(1, AC)
    if restart:
        data += segment(0xDD, struct.pack(">H", restart))
    for scan in scans:
        data += segment(0xDA, bytes([len(scan)]) + b"".join(bytes([c + 1, 0]) for c in scan) + b"\0\x3f\0")
        data += coded_scan(scan, factors, blocks, sizes, (rows, columns), restart)
    return data + (b"\xff\xd9" if end else b"")


def coded_scan(scan, factors, blocks, sizes, units, restart):
    if len(scan) == 1:
        (c,) = scan
        height, width = sizes[c]
        order = [[(c, y, x)] for y in range(-(-height // 8)) for x in range(-(-width // 8))]
    else:
        order = [
            [(c, y * factors[c][1] + dy, x * factors[c][0] + dx)
             for c in scan for dy in range(factors[c][1]) for dx in range(factors[c][0])]
            for y in range(units[0]) for x in range(units[1])
        ]
    bits, data, last = Bits(), b"", {}
    for i, unit in enumerate(order):
        if restart and i and i % restart == 0:
            data += bits.flush() + bytes([0xFF, 0xD0 + (i // restart - 1) % 8])
            last = {}
        for c, y, x in unit:
            last[c] = coded(bits, blocks[c][y, x], last.get(c, 0))
    return data + bits.flush()
