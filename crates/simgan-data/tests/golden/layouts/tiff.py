"""A small TIFF writer that writes every layout of pixels."""

import struct
import zlib

import imagecodecs
import numpy as np

PACK = {1: lambda b: b, 5: imagecodecs.lzw_encode, 8: lambda b: zlib.compress(b, 9), 32946: zlib.compress,
        32773: imagecodecs.packbits_encode}


def pack_row(values, bits, order):
    """A row of values, packed; `values` are integers or float32."""
    if bits >= 8:
        return values.astype(values.dtype.newbyteorder(order)).tobytes()
    wide = (values[:, None] >> np.arange(bits)[::-1]) & 1
    return np.packbits(wide.astype(np.uint8).flatten()).tobytes()


def predicted(rows, n, predictor, order):
    """Rows `(height, width * n)` of values, each as bytes after prediction."""
    out = []
    for row in rows:
        if predictor == 2:
            kind = {1: np.uint8, 2: np.uint16, 4: np.uint32}[row.dtype.itemsize]
            whole = row.view(kind).copy()
            whole[n:] = whole[n:] - row.view(kind)[:-n]
            out.append(whole.astype(whole.dtype.newbyteorder(order)).tobytes())
        elif predictor == 3:
            planes = np.frombuffer(row.astype(">f4").tobytes(), np.uint8).reshape(-1, 4).T.flatten().copy()
            planes[n:] = planes[n:] - planes[:-n].copy()
            out.append(planes.tobytes())
        else:
            out.append(None)
    return out


def encode(pages, order="<", big=False):
    """Encodes pages, each `(pixels (h, w, samples), options)`."""
    data = bytearray(b"II" if order == "<" else b"MM")
    data += struct.pack(order + ("HHHQ" if big else "HI"), *((43, 8, 0, 0) if big else (42, 0)))
    where = 8 if big else 4
    for pixels, options in pages:
        tags = page(data, pixels, order, **options)
        at = directory(data, tags, order, big)
        struct.pack_into(order + ("Q" if big else "I"), data, where, at)
        where = len(data) - (8 if big else 4)
    return bytes(data)


def page(data, pixels, order, bits=None, photometric=None, compression=1, predictor=1, planar=False, tile=None, rows=None,
         fill=1, extra=None, sample_format=None, subfile=None, palette=None, orientation=None, tags=(), no_lengths=False):
    height, width, n = pixels.shape
    bits = bits or pixels.dtype.itemsize * 8
    planes = [pixels[:, :, i : i + 1] for i in range(n)] if planar else [pixels]
    th, tw = tile or (rows or height, width)
    offsets, lengths = [], []
    for plane in planes:
        for top in range(0, height, th):
            for left in range(0, width, tw):
                part = plane[top : top + th, left : left + tw]
                if tile:
                    part = np.pad(part, ((0, th - part.shape[0]), (0, tw - part.shape[1]), (0, 0)), "edge")
                flat = part.reshape(part.shape[0], -1)
                done = predicted(flat, part.shape[2], predictor, order)
                stored = b"".join(p if p is not None else pack_row(r, bits, order) for p, r in zip(done, flat))
                row_bytes = len(stored) // part.shape[0]
                if compression == 32773:
                    stored = b"".join(PACK[compression](stored[i : i + row_bytes]) for i in range(0, len(stored), row_bytes))
                else:
                    stored = PACK.get(compression, lambda b: b)(stored)
                if fill == 2:
                    stored = np.packbits(np.unpackbits(np.frombuffer(stored, np.uint8), bitorder="little")).tobytes()
                data += b"\0" * (len(data) % 2)
                offsets.append(len(data))
                lengths.append(len(stored))
                data += stored
    float_ = pixels.dtype.kind == "f"
    if photometric is None:
        photometric = 1 if n < 3 else 2
    found = [(256, 4, [width]), (257, 4, [height]), (258, 3, [bits] * n), (259, 3, [compression]), (262, 3, [photometric]),
             (277, 3, [n]), (282, 5, [(300, 1)]), (305, 2, b"a small writer\0")]
    found += [(284, 3, [2])] if planar else []
    found += [(266, 3, [2])] if fill == 2 else []
    found += [(317, 3, [predictor])] if predictor != 1 else []
    found += [(338, 3, extra)] if extra else []
    found += [(339, 3, [sample_format or (3 if float_ else 1)] * n)] if float_ or sample_format else []
    found += [(254, 4, [subfile])] if subfile is not None else []
    found += [(320, 3, palette)] if palette is not None else []
    found += [(274, 3, [orientation])] if orientation else []
    if tile:
        found += [(322, 3, [tw]), (323, 3, [th]), (324, 4, offsets), (325, 4, lengths)]
    else:
        found += [(273, 4, offsets), (278, 4, [th])] + ([] if no_lengths else [(279, 4, lengths)])
    return sorted([*found, *tags], key=lambda tag: tag[0])


def directory(data, tags, order, big):
    width = 8 if big else 4
    table = struct.pack(order + ("Q" if big else "H"), len(tags))
    for tag, kind, values in tags:
        if kind in (2, 7):
            value, count = values, len(values)
        elif kind == 5:
            value, count = b"".join(struct.pack(order + "II", *v) for v in values), len(values)
        else:
            code = {1: "B", 3: "H", 4: "I"}[kind]
            value, count = struct.pack(order + code * len(values), *values), len(values)
        if len(value) > width:
            data += b"\0" * (len(data) % 2)
            at = len(data)
            data += value
            value = struct.pack(order + ("Q" if big else "I"), at)
        table += struct.pack(order + "HH" + ("Q" if big else "I"), tag, kind, count) + value.ljust(width, b"\0")
    data += b"\0" * (len(data) % 2)
    at = len(data)
    data += table + b"\0" * width
    return at
