"""Every test starts from the same seeds, and TensorFlow says only what matters."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")

import keras
import pytest


@pytest.fixture(autouse=True)
def _seeds():
  keras.utils.set_random_seed(0)
