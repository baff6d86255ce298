"""How fast are the datasets built, and where does the time go?

Builds each dataset with the real TFDS builder on all cores, and times the stages of one core's work apart:

  python benchmarks/build_datasets.py --num=3000
"""

import contextlib
import io
import os
import tempfile
import time
import zlib

import numpy as np
import tensorflow as tf
import tensorflow_datasets as tfds
from absl import app, flags

from hgn_tf import physics
from tfds_builders import trajectories, workers

_NUM = flags.DEFINE_integer("num", 3000, "Trajectories to build of each dataset.", lower_bound=1)
_RESOLUTION = flags.DEFINE_integer("resolution", 64, "Height and width of the frames.")
_SYSTEMS = flags.DEFINE_list("systems", list(physics.PAPER), "Datasets to build.")
_STAGE_EXAMPLES = 512


def stage_times(spec, count):
  """Milliseconds of one core per trajectory: simulation with its noise, drawing, compression."""
  start = time.process_time()
  frames = []
  for chunk in physics.example_chunks(spec, "train", range(count), chunk=16):
    frames.append(chunk["frames"])
    drawn = chunk["noisy_q"]
  made = time.process_time()
  for _ in frames:
    physics.render(spec.system, drawn, spec.resolution)
  redrawn = time.process_time()
  for frame in np.concatenate(frames):
    zlib.compress(frame, trajectories.ZLIB_LEVEL)
  compressed = time.process_time()
  draw = redrawn - made
  return [1e3 * seconds / count for seconds in (made - start - draw, draw, compressed - redrawn)]


def build(name, count, resolution):
  """Builds `count` trajectories: wall seconds, CPU seconds of the parent process (the records), bytes on disk."""
  with tempfile.TemporaryDirectory() as data_dir:
    config = type(tfds.builder_cls(name).BUILDER_CONFIGS[0])(
        name="benchmark", num_train=count, num_test=1, resolution=resolution)
    builder = tfds.builder(name, config=config, data_dir=data_dir)
    wall, cpu = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
      builder.download_and_prepare()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    size = sum(path.stat().st_size for path in (os.scandir(builder.data_dir)) if path.is_file())
  return wall, cpu, size


def main(_):
  tf.constant(0)  # TensorFlow's import is not what is measured.
  cores = workers.worker_count()
  print(f"{_NUM.value} trajectories each at {_RESOLUTION.value}x{_RESOLUTION.value}, {cores} worker processes.")
  print(f"| dataset | simulate | draw | compress | records | ms of one core | per second on {cores} cores | kB each |")
  print("| --- " * 8 + "|")
  for name in _SYSTEMS.value:
    spec = physics.default_spec(name, resolution=_RESOLUTION.value)
    stages = stage_times(spec, _STAGE_EXAMPLES)
    wall, cpu, size = build(name, _NUM.value, _RESOLUTION.value)
    stages.append(1e3 * cpu / _NUM.value)
    shares = " | ".join(f"{stage:.2f} ({stage / sum(stages):.0%})" for stage in stages)
    print(f"| {name} | {shares} | {sum(stages):.2f} | {_NUM.value / wall:.0f} | {1e-3 * size / _NUM.value:.1f} |")


if __name__ == "__main__":
  app.run(main)
