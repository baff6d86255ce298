"""Seconds of an HGN training step, where they go, and how near that is to what the machine can do.

  python benchmarks/train_step.py --frames_per_step=31,8,4 --precision=float32

Prints Markdown tables. The rates of a matrix product and of the decoder's largest convolution are measured in the same
run; compare ratios, not seconds, between machines.
"""

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before TensorFlow: it switches oneDNN on

import dataclasses
import resource
import statistics
import time

import tensorflow as tf
from absl import flags

from hgn_tf.commands import cli
from hgn_tf.evaluation.report import markdown_table
from hgn_tf.models import HGN, presets

_PRESET = flags.DEFINE_string("preset", "hgn", "Name in hgn_tf.presets.")
_FRAMES = flags.DEFINE_list("frames_per_step", ["31", "8", "4"], "Frames decoded in a step.")
_PRECISION = flags.DEFINE_enum("precision", "float32", ["float32", "mixed_bfloat16"], "Of encoder and decoder.")
_RUNS = flags.DEFINE_integer("runs", 7, "Timed runs; the median is printed.", lower_bound=1)


def seconds(function):
  """Median seconds of a call, after two that are not counted."""
  times = []
  for _ in range(_RUNS.value + 2):
    start = time.perf_counter()
    tf.nest.map_structure(lambda x: x.numpy() if hasattr(x, "numpy") else x, function())
    times.append(time.perf_counter() - start)
  return statistics.median(times[2:])


def rates(dtype):
  """GFLOP/s of a matrix product, and of a 3x3 convolution 64 -> 64 of 128 images of 32x32 with its gradients."""
  a = tf.cast(tf.random.stateless_normal((2048, 2048), (0, 1)), dtype)
  x = tf.cast(tf.random.stateless_normal((128, 32, 32, 64), (0, 2)), dtype)
  kernel = tf.cast(tf.random.stateless_normal((3, 3, 64, 64), (0, 3)), dtype)

  @tf.function
  def convolution():
    with tf.GradientTape() as tape:
      tape.watch((x, kernel))
      y = tf.nn.conv2d(x, kernel, 1, "SAME")
    return [tf.reduce_sum(g) for g in tape.gradient(y, (x, kernel))]

  product = tf.function(lambda: tf.matmul(a, a)[0, 0])
  flops = 2 * 9 * 64 * 64 * 32 * 32 * 128
  return 2 * 2048 ** 3 / seconds(product) / 1e9, 3 * flops / seconds(convolution) / 1e9


def decoder_flops(model):
  """Multiply-adds x2 of one decoded frame, forward, as counted by TensorFlow's profiler."""
  q = tf.TensorSpec((1, model.config.grid, model.config.grid, model.decoder.net.input_shape[-1] - 2))
  graph = tf.function(model.decode).get_concrete_function(q).graph
  options = tf.compat.v1.profiler.ProfileOptionBuilder.float_operation()
  options["output"] = "none"
  return tf.compat.v1.profiler.profile(graph, options=options).total_float_ops


def parts(model, frames):
  """Name -> function that runs a part of the step with its gradients."""
  c = model.config
  z = tf.zeros((c.batch_size, c.grid, c.grid, c.latent_channels))
  q = tf.zeros((c.batch_size * (c.frames_per_step or c.num_frames), *model.initial_state(z).q.shape[1:]))
  gradients = [tf.zeros_like(v) for v in model.trainable_variables]
  energies = model.potential.trainable_variables + model.kinetic.trainable_variables

  def with_gradients(variables, function):
    with tf.GradientTape() as tape:
      total = function()
    return [tf.reduce_sum(g) for g in tape.gradient(total, variables) if g is not None]

  functions = {
      "encoder": lambda: with_gradients(model.encoder.trainable_variables,
                                        lambda: tf.reduce_sum(model.encoder(frames)[0])),
      "scan": lambda: with_gradients(energies, lambda: tf.reduce_sum(
          model.rollout(model.initial_state(z + 0.1), c.num_frames - 1).q)),
      "decoder": lambda: with_gradients(model.decoder.trainable_variables,
                                        lambda: tf.reduce_sum(model.decode(q + 0.1))),
      "optimiser": lambda: (model.optimizer.apply(gradients, model.trainable_variables), tf.constant(0))[1]}
  return {name: tf.function(function, autograph=False) for name, function in functions.items()}


def measure(frames_per_step, peak):
  """A row of the table for one number of decoded frames."""
  config = presets.get(_PRESET.value)
  frames_per_step = None if frames_per_step >= config.num_frames else frames_per_step
  model = HGN(dataclasses.replace(config, frames_per_step=frames_per_step, precision=_PRECISION.value))
  model.compile()
  model.optimizer.build(model.trainable_variables)
  frames = tf.random.stateless_uniform((config.batch_size, *config.frame_shape), (0, 4))
  step = tf.function(model.train_step, autograph=False)
  total = seconds(lambda: step(frames)["loss"])
  shares = {name: seconds(part) / total for name, part in parts(model, frames).items()}
  count = frames_per_step or config.num_frames
  rate = 3 * decoder_flops(model) * config.batch_size * count / total / 1e9
  memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** 20
  return [count, round(total, 3), *(f"{share:.0%}" for share in shares.values()), round(rate), f"{rate / peak:.0%}",
          round(memory, 1)]


def main(argv):
  del argv
  product, convolution = rates(tf.bfloat16 if _PRECISION.value == "mixed_bfloat16" else tf.float32)
  print(f"{_PRESET.value}, {_PRECISION.value}: matrix product {product:.0f} GFLOP/s, convolution with gradients "
        f"{convolution:.0f} GFLOP/s\n")
  header = ["frames decoded", "s/step", "encoder", "scan", "decoder", "optimiser", "decoder GFLOP/s",
            "of the convolution's rate", "peak GiB so far"]
  print(markdown_table(header, [measure(int(k), convolution) for k in sorted(map(int, _FRAMES.value))]))


if __name__ == "__main__":
  cli.run(main)
