"""Imports TensorFlow: in silence, and only where Keras runs on it. All rooms but `physics` import this first."""

import contextlib
import importlib
import os
import sys


def check_backend():
  """Makes TensorFlow Keras' backend where nothing is chosen yet.

  Raises:
    ImportError: Keras runs on another backend, or KERAS_BACKEND asks for one.
  """
  keras = sys.modules.get("keras")
  backend = keras.backend.backend() if keras else os.environ.setdefault("KERAS_BACKEND", "tensorflow")
  if backend != "tensorflow":
    raise ImportError(f"hgn_tf needs Keras' TensorFlow backend, got {backend!r}; set KERAS_BACKEND=tensorflow before "
                      "Keras is imported.")


@contextlib.contextmanager
def silence():
  """Closes stderr for a while, also to C++, whose start-up notices precede any log level that could hide them."""
  try:
    stderr = os.dup(2)
  except OSError:  # it is closed already
    yield
    return
  with open(os.devnull, "w") as nowhere:
    os.dup2(nowhere.fileno(), 2)
  try:
    yield
  finally:
    os.dup2(stderr, 2)
    os.close(stderr)


check_backend()
if "tensorflow" not in sys.modules:
  if sys.stderr:
    sys.stderr.flush()
  with silence():
    importlib.import_module("tensorflow")
