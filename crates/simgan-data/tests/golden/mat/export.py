"""What SciPy reads from its own test files: python export.py FOLDER writes case.json beside itself.

FOLDER is SciPy's scipy/io/matlab/tests/data. Each file becomes a list of variables, null if SciPy reports damage, or
"skipped" if it is not of level 5. Numbers are in column-major order; fractions are stored as their bits, because not
all JSON readers round exactly.
"""

import io
import json
import pathlib
import re
import sys
import warnings

import numpy as np
import scipy.sparse
from scipy.io.matlab import MatlabFunction, MatlabObject, MatlabOpaque
from scipy.io.matlab._mio5 import MatFile5Reader

warnings.simplefilter("ignore")


def number(value):
    value = value.item()
    if isinstance(value, float) and not value.is_integer():
        return np.float64(value).tobytes()[::-1].hex()
    return value


def numbers(array):
    return [number(value) for value in np.asarray(array).flatten(order="F")]


def describe(value, stored):
    """`value` has MATLAB's classes but loses imaginary parts, `stored` has them but the types on disk."""
    if scipy.sparse.issparse(value):
        value = stored.tocsc()
        data = value.data if value.dtype.kind in "bc" else value.data.astype(float)
        data = data.reshape(1, -1)
        values = {"class": "sparse", "dims": list(value.shape), "rows": value.indices.tolist()}
        return values | {"columns": value.indptr.tolist(), "values": describe(data, data)}
    if isinstance(value, (MatlabFunction, MatlabOpaque)):
        return {"class": "opaque"}
    dims = list(value.shape)
    if value.dtype == object and value.size and all(element is None for element in value.flatten()):
        return {"class": "struct", "dims": dims, "fields": [], "values": []}
    values, originals = value.flatten(order="F"), stored.flatten(order="F")
    if value.dtype.names is not None or isinstance(value, MatlabObject):
        fields = list(value.dtype.names or [])
        elements = [describe(v[name], o[name]) for v, o in zip(values, originals) for name in fields]
        # SciPy renames repeated fields, "_1_name".
        fields = [re.sub(r"^_\d+_", "", name) for name in fields]
        return {"class": getattr(value, "classname", "struct"), "dims": dims, "fields": fields, "values": elements}
    if value.dtype == object:
        return {"class": "cell", "dims": dims, "values": [describe(v, o) for v, o in zip(values, originals)]}
    if value.dtype.kind == "U":
        return {"class": "char", "dims": dims, "values": "".join(c or " " for c in values)}
    if value.dtype == bool:
        return {"class": "logical", "dims": dims, "values": numbers(value)}
    name = value.dtype.newbyteorder("=").name
    name = {"float64": "double", "float32": "single", "complex128": "double", "complex64": "single"}.get(name, name)
    if stored.dtype.kind == "c":
        parts = {"values": numbers(stored.real), "imaginary": numbers(stored.imag)}
        return {"class": name, "dims": dims} | parts
    return {"class": name, "dims": dims, "values": numbers(value)}


def variables(data, **options):
    reader = MatFile5Reader(io.BytesIO(data), chars_as_strings=False, **options)
    reader.mat_stream.seek(0)
    reader.initialize_read()
    reader.read_file_header()
    while not reader.end_of_stream():
        header, position = reader.read_var_header()
        yield header.name.decode("latin1"), reader.read_var_array(header)
        reader.mat_stream.seek(position)


def read(path):
    data = path.read_bytes()
    if 0 in data[:4] or data[124:126] in (b"\x00\x02", b"\x02\x00"):
        return "skipped"
    try:
        pairs = zip(variables(data, mat_dtype=True), variables(data, mat_dtype=False))
        return [{"name": name, "value": describe(value, stored)} for (name, value), (_, stored) in pairs]
    except Exception as error:
        print(path.name, repr(error))
        return None


folder = pathlib.Path(sys.argv[1])
case = {path.name: read(path) for path in sorted(folder.glob("*.mat"))}
pathlib.Path(__file__).with_name("case.json").write_text(json.dumps(case, separators=(",", ":")) + "\n")
