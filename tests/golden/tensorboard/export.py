"""Writes case.tfevents beside itself with TensorBoard's own protobuf classes and record writer.

usage: python export.py            writes the file
       python export.py read DIR   reads DIR as TensorBoard does and prints it as JSON, for the test of the live writer
needs: pip install tensorboard
"""
import json, pathlib, sys

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


def export(path):
    image = Summary.Image(height=2, width=3, colorspace=1, encoded_image_string=bytes(range(200)))
    events = [
        Event(wall_time=1.5, step=0, file_version="brain.Event:2"),
        Event(wall_time=2.25, step=81, session_log=SessionLog(status=SessionLog.START)),
        Event(wall_time=3.125, step=300, summary=Summary(value=[
            Summary.Value(tag="refiner/loss", simple_value=0.75), Summary.Value(tag="refiner/change", simple_value=-0.1)])),
        Event(wall_time=4.0, step=2**40, summary=Summary(value=[Summary.Value(tag="samples", image=image)])),
    ]
    with open(path, "wb") as file:
        writer = RecordWriter(file)
        for event in events:
            writer.write(event.SerializeToString())
        writer.flush()


def read(folder):
    events = EventAccumulator(folder, size_guidance={"scalars": 0, "images": 0}).Reload()
    scalars = {tag: [[e.step, round(e.value, 6)] for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    images = {tag: [[e.step, e.width, e.height, len(e.encoded_image_string)] for e in events.Images(tag)]
              for tag in events.Tags()["images"]}
    print(json.dumps({"scalars": scalars, "images": images}))


if sys.argv[1:2] == ["read"]:
    read(sys.argv[2])
else:
    export(pathlib.Path(__file__).with_name("case.tfevents"))
