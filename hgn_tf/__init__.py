"""Hamiltonian Generative Networks in TensorFlow and Keras.

Public names load on first use, so that `import hgn_tf` and `import hgn_tf.physics` cost nothing and need no TensorFlow.
"""

import importlib
import os

from hgn_tf.version import __version__

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow greets on stderr otherwise
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # off without AVX-512: steps take 1.35 times as long

_PUBLIC = {
    "INTEGRATORS": "hgn_tf.integrators",
    "PhaseSpace": "hgn_tf.phase_space",
    "integrate": "hgn_tf.integrators",
    "load_pretrained": "hgn_tf.pretrained",
}
_MODULES = ("bijectors", "callbacks", "data", "distributions", "hamiltonians", "metrics", "models", "physics",
            "presets", "pretrained")

__all__ = ["__version__", *_PUBLIC, *_MODULES]


def __getattr__(name):
  if name in _MODULES:
    return importlib.import_module(f"hgn_tf.{name}")
  if name in _PUBLIC:
    return getattr(importlib.import_module(_PUBLIC[name]), name)
  raise AttributeError(f"module 'hgn_tf' has no attribute {name!r}; public names: {', '.join(__all__)}")


def __dir__():
  return __all__
