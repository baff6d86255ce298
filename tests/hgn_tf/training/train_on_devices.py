"""Trains the tiny HGN on one device, two, or as one of several workers, and saves the weights as this process has them.

python train_on_devices.py STRATEGY WORKDIR DATA_DIR WEIGHTS
"""

import sys

import keras
import numpy as np
import tensorflow as tf
import tiny

from hgn_tf.models import optimizers
from hgn_tf.training import devices
from hgn_tf.training.loop import train
from hgn_tf.training.workdir import Workdir


def two_cpus():
  cpu, = tf.config.list_physical_devices("CPU")
  tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
  return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


def main(strategy, workdir, data_dir, weights):
  devices.STRATEGIES["mirrored"] = two_cpus  # the real one, on what every machine has
  # Adam would make a full step of a rounding error wherever a gradient is zero.
  optimizers.adam = lambda config: keras.optimizers.SGD(0.01)
  # A pixel that never changes is 0 when centred, where the derivative of ReLU hangs on rounding: no ReLU sees frames.
  config = tiny.config(steps=16, clip_norm=0.5, multiplier=10.0, kl_warmup=(0, 2), encoder=[[8, 8, 8]])
  model = train(config, tiny.DATASET, Workdir(workdir), data_dir=data_dir, save_every=4, devices=strategy)
  np.savez(weights, *[variable.numpy() for variable in model.weights])
  if strategy == "mirrored":
    refuses_different_steps()


def refuses_different_steps():
  spread = two_cpus()
  devices.check_same_step(spread, 4)
  try:
    devices.check_same_step(spread, spread.experimental_distribute_values_from_function(
        lambda context: tf.constant(4 * context.replica_id_in_sync_group)))
  except RuntimeError as error:
    assert "restored different checkpoints: step 0 here, 2 on average" in str(error), error
  else:
    raise AssertionError("two steps were taken for one")


if __name__ == "__main__":
  main(*sys.argv[1:])
