"""Every test starts from the same seeds, and TensorFlow says only what matters."""

import os

os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")  # compiled once, run a few times

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, E402, before Keras

import gc

import keras
import pytest
import tensorflow as tf

tf.config.threading.set_intra_op_parallelism_threads(1)  # a process of pytest-xdist a core


def pytest_collection_finish():
  """The garbage collector leaves TensorFlow's modules alone, and comes less often."""
  gc.freeze()
  gc.set_threshold(50_000, 20, 10)


@pytest.fixture(autouse=True)
def _seeds():
  keras.utils.set_random_seed(0)
