"""Measures the paper's networks and the other estimators, in images per second, in PyTorch's and ONNX Runtime's fastest CPU modes.

`cargo xtask bench --python PYTHON` runs it, with one process per figure. It needs torch and, for forward passes, onnx and onnxruntime. It prints
one JSON object: PyTorch's version, the median images per second and the precision of each mode, and the process's peak memory in MB after the first mode.
"""

import argparse
import contextlib
import json
import logging
import pathlib
import resource
import statistics
import sys
import tempfile
import time

import torch
from torch import nn
from torch.nn import functional

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "tests/golden"))
from torch_simgan import GazeEstimator, Plain, StackedHourglass


class Residual(nn.Module):
    """Two convolutions with a skip connection."""

    def __init__(self, features):
        super().__init__()
        self.first = nn.Conv2d(features, features, 3, padding="same", padding_mode="zeros")
        self.second = nn.Conv2d(features, features, 3, padding="same", padding_mode="zeros")

    def forward(self, maps):
        inner = functional.relu(self.first(maps), inplace=True)
        return functional.relu(self.second(inner) + maps, inplace=True)


def refiner(channels):
    """Section 3.1: 64 features, four residual blocks."""
    layers = [nn.Conv2d(channels, 64, 3, padding=1), nn.ReLU()]
    layers += [Residual(64) for _ in range(4)]
    return nn.Sequential(*layers, nn.Conv2d(64, channels, 1), nn.Tanh())


def discriminator(channels):
    """Section 3.1: five convolutions and a max pool."""
    return nn.Sequential(
        nn.Conv2d(channels, 96, 3, stride=2, padding=1), nn.ReLU(),
        nn.Conv2d(96, 64, 3, stride=2, padding=1), nn.ReLU(),
        nn.MaxPool2d(3, stride=1, padding=1),
        nn.Conv2d(64, 32, 3, padding=1), nn.ReLU(),
        nn.Conv2d(32, 32, 1), nn.ReLU(),
        nn.Conv2d(32, 2, 1),
    )


def cross_entropy(logits, target):
    """Mean cross-entropy over patches."""
    wanted = torch.full((logits.shape[0], logits.shape[2], logits.shape[3]), target)
    return functional.cross_entropy(logits, wanted)


def peak_memory_mb():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 // 1_000_000


def repeat(run, count):
    """Times at least so many runs and, like `simgan bench`, at least one second; returns the seconds of each."""
    begun, seconds = time.perf_counter(), []
    while len(seconds) < count or time.perf_counter() - begun < 1.0:
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return seconds


class Bench:
    def __init__(self, options):
        self.options = options
        width, height = (int(pixels) for pixels in options.size.split("x"))
        draw = lambda: torch.rand(options.batch, options.channels, height, width) * 2 - 1
        self.synthetic, self.real = draw(), draw()

    def rate(self, run):
        """Returns the median images per second after a warm-up of at least two runs and one second."""
        repeat(run, 2)
        return round(self.options.batch / statistics.median(repeat(run, self.options.reps)), 2)

    def networks(self, layout, compiled):
        networks = [make(self.options.channels).to(memory_format=layout) for make in (refiner, discriminator)]
        return [torch.compile(network) if compiled else network for network in networks]

    def refine(self, layout, compiled, cast):
        network, _ = self.networks(layout, compiled)
        images = self.synthetic.to(memory_format=layout)

        def run():
            with torch.inference_mode(), cast():
                network(images)

        return run

    def refiner_step(self, layout, compiled, cast):
        network, critic = self.networks(layout, compiled)
        optimizer = torch.optim.SGD(network.parameters(), lr=1e-3)

        def run():
            with cast():
                refined = network(self.synthetic)
                loss = cross_entropy(critic(refined).float(), 0) + 0.01 * (refined - self.synthetic).abs().mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

        return run

    def discriminator_step(self, layout, compiled, cast):
        network, critic = self.networks(layout, compiled)
        optimizer = torch.optim.SGD(critic.parameters(), lr=1e-3)

        def run():
            with cast():
                with torch.no_grad():
                    refined = network(self.synthetic)
                loss = cross_entropy(critic(refined).float(), 1) + cross_entropy(critic(self.real).float(), 0)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

        return run

    def frozen(self):
        """The network of a forward pass and its images; `None` for a step, which only PyTorch itself can make."""
        return (refiner(self.options.channels), self.synthetic) if self.options.figure == "refine" else None

    def make(self, layout, compiled, cast):
        return getattr(self, self.options.figure)(layout, compiled, cast)

    def modes(self):
        """Yields each mode's name, its precision and a function that prepares its run."""
        casts = [("f32", contextlib.nullcontext)]
        # Elsewhere it is emulated, many times slower.
        if "bf16" in pathlib.Path("/proc/cpuinfo").read_text():
            casts.append(("bf16", lambda: torch.autocast("cpu", torch.bfloat16)))
        for precision, cast in casts:
            named = lambda name: name if precision == "f32" else f"{name}, {precision}"
            last, first = torch.channels_last, torch.contiguous_format
            yield named("channels_last"), precision, lambda cast=cast: self.make(last, False, cast)
            yield named("channels first"), precision, lambda cast=cast: self.make(first, False, cast)
            if self.options.compile:
                yield named("channels_last, torch.compile"), precision, lambda cast=cast: self.make(last, True, cast)
        if found := self.frozen():
            yield "jit.optimize_for_inference", "f32", lambda: traced(*found)
            yield "ONNX Runtime", "f32", lambda: onnx_session(*found, self.options.threads)
            yield "ONNX Runtime, int8", "int8", lambda: onnx_session(*found, self.options.threads, quantized=True)


def traced(network, images):
    frozen = torch.jit.freeze(torch.jit.trace(network.eval(), images))
    frozen = torch.jit.optimize_for_inference(frozen)

    def run():
        with torch.inference_mode():
            frozen(images)

    return run


def onnx_session(network, images, threads, quantized=False):
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = threads
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/network.onnx"
        torch.onnx.export(network.eval(), images, path, input_names=["images"], dynamo=False)
        if quantized:
            path = quantize(path, images)
        session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    feed = {"images": images.numpy()}
    return lambda: session.run(None, feed)


def quantize(path, images):
    """Static quantization to 8 bits; a few of the images calibrate it. Returns the new file."""
    from onnxruntime import quantization

    class Calibration(quantization.CalibrationDataReader):
        def __init__(self):
            self.left = [{"images": images.numpy()}]

        def get_next(self):
            return self.left.pop() if self.left else None

    quantized = path.replace(".onnx", "-int8.onnx")
    logging.disable(logging.WARNING)  # it advises to fuse batch normalizations before, one line for each
    quantization.quantize_static(path, quantized, Calibration())
    return quantized


def heat_map_distance(maps, target):
    """Mean squared error, summed over the stacks."""
    return sum(functional.mse_loss(maps[:, stack], target) for stack in range(maps.shape[1]))


GAZE_DIVISORS = {"gaze": 1, "half_gaze": 2, "quarter_gaze": 4}
GAZE_HIDDEN = {"gaze": 1000, "half_gaze": 256, "quarter_gaze": 128}


def estimator(name, batch):
    """Returns the network, images, labels and loss of an estimator, as tests/examples/estimator_speed.rs has them."""
    if name in GAZE_DIVISORS:
        features, hidden = [width // GAZE_DIVISORS[name] for width in [32, 32, 64, 80, 192]], GAZE_HIDDEN[name]
        return GazeEstimator(1, features, 50 * features[-1], [hidden]), (1, 35, 55), torch.rand(batch, 3), functional.mse_loss
    if name == "plain":
        network, classes = Plain(1, [32, 64], 3136, 128, 10, 0), torch.arange(batch) % 10
        return network, (1, 28, 28), classes, functional.cross_entropy
    side, features, depth = (256, 256, 4) if name == "hourglass" else (96, 64, 3)
    network, labels = StackedHourglass(1, 14, 2, features, depth), torch.rand(batch, 14, side // 4, side // 4)
    return network, (1, side, side), labels, heat_map_distance


class EstimatorBench(Bench):
    """Forward passes or training steps of an estimator."""

    def __init__(self, options):
        self.options = options
        self.name, _, self.kind = options.figure.rpartition("_")

    def make(self, layout, compiled, cast):
        network, shape, labels, loss_of = estimator(self.name, self.options.batch)
        network = network.to(memory_format=layout).train(self.kind == "step")
        images = (torch.rand(self.options.batch, *shape) * 2 - 1).to(memory_format=layout)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-4)
        run_network = torch.compile(network) if compiled else network

        def forward():
            with torch.inference_mode(), cast():
                run_network(images)

        def step():
            with cast():
                output = run_network(images)
            loss = loss_of(output.float(), labels)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()

        return forward if self.kind == "forward" else step

    def frozen(self):
        network, shape, _, _ = estimator(self.name, self.options.batch)
        return (network, torch.rand(self.options.batch, *shape) * 2 - 1) if self.kind == "forward" else None


ESTIMATORS = [f"{name}_{kind}" for name in ("hourglass", "small_hourglass", *GAZE_DIVISORS, "plain") for kind in ("forward", "step")]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--figure", required=True, choices=["refine", "refiner_step", "discriminator_step", *ESTIMATORS])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", default="55x35")
    parser.add_argument("--channels", type=int, default=1)
    parser.add_argument("--reps", type=int, default=3)
    parser.add_argument("--compile", action="store_true", help="torch.compile too: slow to start")
    options = parser.parse_args()
    torch.manual_seed(0)
    torch.set_num_threads(options.threads)
    bench = (EstimatorBench if options.figure in ESTIMATORS else Bench)(options)
    result = {"torch": torch.__version__, "modes": {}, "precisions": {}}
    for name, precision, make in bench.modes():
        try:
            result["modes"][name] = bench.rate(make())
            result["precisions"][name] = precision
        except Exception as error:  # A mode that this machine lacks is left out, and said so.
            print(f"{name}: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
        # The peak of the first mode only: later modes run on top of what it left in memory.
        result.setdefault("peak_memory_mb", peak_memory_mb())
    print(json.dumps(result))


if __name__ == "__main__":
    main()
