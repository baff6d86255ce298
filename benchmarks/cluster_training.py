"""What does a second worker give, and what does the communication cost?

  python -m benchmarks.cluster_training --batch_sizes=16,32

Workers are processes of this machine, of one thread for the operations each. A step's seconds are by the clock, its
processor time is that of one worker. The sum of all gradients over the workers is timed apart.
"""

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before Keras

import json
import os
import socket
import statistics
import subprocess
import sys
import time

import keras
import numpy as np
import tensorflow as tf
from absl import flags

from hgn_tf.commands import cli
from hgn_tf.evaluation.report import markdown_table
from hgn_tf.models import HGN, presets
from hgn_tf.training import devices

_PRESET = flags.DEFINE_string("preset", "hgn", "Name in hgn_tf.presets.")
_WORKERS = flags.DEFINE_list("workers", ["1", "2"], "Numbers of workers.")
_BATCHES = flags.DEFINE_list("batch_sizes", ["16", "32"], "Films of a step, of all workers together.")
_STEPS = flags.DEFINE_integer("steps", 8, "Timed steps; the median counts.", lower_bound=1)
_MEASURE = flags.DEFINE_bool("measure", False, "Measure as a worker of TF_CONFIG, or alone, instead of starting them.")
_UNTIMED = 2  # first steps


class Clock(keras.callbacks.Callback):
  """Seconds and processor seconds of every step."""

  def on_train_begin(self, logs=None):
    self.steps = []

  def on_train_batch_begin(self, batch, logs=None):
    self._began = time.perf_counter(), time.process_time()

  def on_train_batch_end(self, batch, logs=None):
    self.steps.append((time.perf_counter() - self._began[0], time.process_time() - self._began[1]))


def measure(batch_size):
  """Median seconds and processor seconds of a step, seconds of the sum over workers, and its bytes."""
  spread = devices.strategy("multi_worker" if "TF_CONFIG" in os.environ else "one")
  with spread.scope():
    model = HGN(presets.get(_PRESET.value, batch_size=batch_size, prior_rank=0))
    model.compile()
  frames = np.random.default_rng(0).uniform(size=(batch_size, *model.config.frame_shape)).astype(np.float32)
  clock = Clock()
  model.fit(tf.data.Dataset.from_tensors(frames).repeat(), steps_per_epoch=_UNTIMED + _STEPS.value, callbacks=[clock],
            shuffle=False, verbose=0)
  wall, cpu = (statistics.median(times) for times in zip(*clock.steps[_UNTIMED:], strict=True))
  sizes = [int(np.prod(variable.shape)) for variable in model.trainable_variables]
  return {"wall": wall, "cpu": cpu, "bytes": 4 * sum(sizes), "sum": seconds_of_sum(spread, model.trainable_variables)}


def seconds_of_sum(spread, variables):
  """Median seconds in which tensors like the gradients are summed over the workers, as a step does."""
  @tf.function
  def summed():
    like = [tf.ones(variable.shape) for variable in variables]
    total = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, like)
    return sum(tf.reduce_sum(one) for one in total)

  times = []
  for _ in range(_UNTIMED + 20):
    start = time.perf_counter()
    spread.experimental_local_results(spread.run(summed))[0].numpy()
    times.append(time.perf_counter() - start)
  return statistics.median(times[_UNTIMED:])


def start(workers, batch_size):
  """What `measure` returns on the first of so many workers; 0: one process without a strategy."""
  sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(workers)]
  cluster = {"worker": [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]}
  for each in sockets:
    each.close()
  command = [sys.executable, "-m", "benchmarks.cluster_training", "--measure", f"--preset={_PRESET.value}",
             f"--batch_sizes={batch_size}", f"--steps={_STEPS.value}"]
  environment = {**os.environ, "TF_NUM_INTRAOP_THREADS": "1"}
  started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={
      **environment, "TF_CONFIG": json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})})
             for index in range(workers)] or [subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                                                               env=environment)]
  outputs = [process.communicate()[0] for process in started]
  return json.loads(outputs[0].splitlines()[-1])


def main(argv):
  del argv
  if _MEASURE.value:
    print(json.dumps(measure(int(_BATCHES.value[0]))))
    return
  lines = []
  for batch_size in map(int, _BATCHES.value):
    for workers in (0, *map(int, _WORKERS.value)):
      found = start(workers, batch_size)
      lines.append([workers or "no strategy", batch_size, f"{found['wall']:.3f}", f"{batch_size / found['wall']:.1f}",
                    f"{found['cpu']:.3f}", f"{1e3 * found['sum']:.1f}", f"{found['sum'] / found['wall']:.1%}",
                    f"{os.getloadavg()[0]:.1f}"])
      print(lines[-1], flush=True)
  print(f"\n{_PRESET.value}, {found['bytes'] / 1e6:.2f} MB of gradients, {len(os.sched_getaffinity(0))} cores.\n")
  print(markdown_table(["workers", "films a step", "s a step", "films/s", "processor s a step of one worker",
                        "sum over workers, ms", "of a step", "load"], lines))


if __name__ == "__main__":
  cli.run(main)
