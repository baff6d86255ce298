"""Every test starts from the same seeds, and TensorFlow says only what matters."""

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before Keras

import keras
import pytest


@pytest.fixture(autouse=True)
def _seeds():
  keras.utils.set_random_seed(0)
