"""Does PixelHNN learn dynamics from pixels? The paper's check: a pendulum without noise, swinging at most 30 degrees.

Prints the excess of 30-step rollouts on test clips relative to the mean image's, below 0.3 where it does.

  python -m benchmarks.pixel_hnn
  python -m benchmarks.pixel_hnn --preset=pixel_hnn_conv --size=16
"""

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before TensorFlow: it switches oneDNN on

import time

import keras
import numpy as np
import tensorflow as tf
from absl import app, flags

from hgn_tf import physics
from hgn_tf.models import PixelHNN, optimizers, presets

_PRESET = flags.DEFINE_string("preset", "pixel_hnn", "pixel_hnn or pixel_hnn_conv.")
_STEPS = flags.DEFINE_integer("steps", 3000, "Optimiser steps, under a cosine decay.", lower_bound=1)
_SIZE = flags.DEFINE_integer("size", 32, "Height and width of the frames.")
_SEED = flags.DEFINE_integer("seed", 0, "Of weights and windows.")
_METHOD = flags.DEFINE_string("method", "solve_ivp", "Of the rollouts.")
_TRAIN, _TEST, _STEPS_OF_ROLLOUT = 500, 100, 30


def clips(split, count):
  """Frames in [0, 1] of the restricted pendulum, [count, 31, size, size, 3]."""
  system = physics.Pendulum(max_angle=(0.0, np.pi / 6))
  spec = physics.default_spec("pendulum", system=system, observation_noise=0.0, resolution=_SIZE.value)
  return tf.constant(np.float32(physics.make_examples(spec, split, range(count))["frames"] / 255.0))


def train(config, frames):
  """A PixelHNN; each batch holds windows of three frames."""
  keras.utils.set_random_seed(config.seed)
  model = PixelHNN(config)
  model.compile(optimizer=optimizers.adam(config), steps_per_execution=min(50, config.steps))
  length = config.num_frames
  windows = tf.concat([frames[:, i:i + length] for i in range(frames.shape[1] - length + 1)], axis=0)

  def draw(step):
    seed = tf.stack([config.seed, tf.cast(step, tf.int32)])
    return tf.gather(windows, tf.random.stateless_uniform([config.batch_size], seed, 0, len(windows), tf.int32))

  model.fit(tf.data.Dataset.counter().map(draw).prefetch(2), steps_per_epoch=config.steps, shuffle=False, verbose=0)
  return model


def main(argv):
  del argv
  config = presets.get(_PRESET.value, size=_SIZE.value, num_frames=3, steps=_STEPS.value, seed=_SEED.value,
                       learning_rate_decay="cosine")
  frames, test = clips("train", _TRAIN), clips("test", _TEST)
  began = time.process_time()
  model = train(config, frames)
  seconds = time.process_time() - began
  predicted = model.reconstruct(test, _STEPS_OF_ROLLOUT, method=_METHOD.value)
  trivial = float(tf.reduce_mean((test - tf.reduce_mean(frames, axis=(0, 1))) ** 2))
  per_frame = tf.reduce_mean((predicted - test) ** 2, axis=(0, 2, 3, 4)) / trivial
  print(f"{_PRESET.value}, {_SIZE.value} pixels, {config.steps} steps, seed {config.seed}: "
        f"relative excess {float(tf.reduce_mean(per_frame)):.3f} (first frame {float(per_frame[0]):.3f}, "
        f"last {float(per_frame[-1]):.3f}), {seconds:.0f} s of processor time")


if __name__ == "__main__":
  app.run(main)
