"""Latency and frames per second of reconstruct and sample.

  python benchmarks/rollout.py --batches=1,16,64 --steps=30,300,3000
"""

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before TensorFlow: it switches oneDNN on

import statistics
import time

import tensorflow as tf
from absl import flags

from hgn_tf.commands import cli
from hgn_tf.evaluation.report import markdown_table
from hgn_tf.models import HGN, presets

_PRESET = flags.DEFINE_string("preset", "hgn", "Name in hgn_tf.presets.")
_BATCHES = flags.DEFINE_list("batches", ["1", "16", "64"], "Sequences at a time.")
_STEPS = flags.DEFINE_list("steps", ["30", "300", "3000"], "Steps of a rollout.")
_RUNS = flags.DEFINE_integer("runs", 3, "Timed runs; the median is printed.", lower_bound=1)
_LIMIT = 64 * 301  # frames of an answer: 3,000 steps of 16 sequences would take 6 GiB for the frames alone


def seconds(function):
  """Median seconds of a call, after one that is not counted."""
  times = []
  for _ in range(_RUNS.value + 1):
    start = time.perf_counter()
    function().numpy()
    times.append(time.perf_counter() - start)
  return statistics.median(times[1:])


def main(argv):
  del argv
  model = HGN(presets.get(_PRESET.value))
  rows = []
  for batch in map(int, _BATCHES.value):
    frames = tf.random.stateless_uniform((batch, *model.config.frame_shape), (0, 1))
    for steps in map(int, _STEPS.value):
      if batch * (steps + 1) > _LIMIT:
        continue
      for name, function in (("reconstruct", lambda f=frames, n=steps: model.reconstruct(f, n)),
                             ("sample", lambda b=batch, n=steps: model.sample(b, n, seed=0))):
        taken = seconds(function)
        rows.append([name, batch, steps, round(1e3 * taken), round(batch * (steps + 1) / taken)])
  print(markdown_table(["call", "batch", "steps", "ms", "frames/s"], rows))


if __name__ == "__main__":
  cli.run(main)
