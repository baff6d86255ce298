"""Hamiltonian Generative Networks in TensorFlow and Keras.

Public names load on first use, so that `import hgn_tf` and `import hgn_tf.physics` cost nothing and need no TensorFlow.
"""

import importlib
import importlib.abc
import importlib.util
import os
import sys

from hgn_tf.version import __version__

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow greets on stderr otherwise
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # off without AVX-512: steps take 1.35 times as long

_OBJECTS = {
    "INTEGRATORS": "hgn_tf.mechanics.integrators",
    "PhaseSpace": "hgn_tf.mechanics.phase_space",
    "integrate": "hgn_tf.mechanics.integrate",
    "load_pretrained": "hgn_tf.pretrained",
}
_ROOMS = ("data", "models", "physics", "pretrained")
# Public modules whose files stand in rooms: `import hgn_tf.bijectors` is `import hgn_tf.flows.bijectors`.
_MODULES = {
    "bijectors": "hgn_tf.flows.bijectors",
    "callbacks": "hgn_tf.training.callbacks",
    "distributions": "hgn_tf.flows.distributions",
    "hamiltonians": "hgn_tf.mechanics.hamiltonians",
    "metrics": "hgn_tf.evaluation.metrics",
    "presets": "hgn_tf.models.presets",
}
_COMMANDS = {name: f"hgn_tf.commands.{name}" for name in ("check", "evaluate", "figures", "sample", "train")}
_COMMANDS.update((name, f"hgn_tf.commands.{name}.__main__") for name in ("explore", "reproduce"))

__all__ = ["__version__", *_OBJECTS, *sorted((*_ROOMS, *_MODULES))]


class _PublicNames(importlib.abc.MetaPathFinder, importlib.abc.Loader):
  """Imports `hgn_tf.NAME` from its room, and lets `python -m hgn_tf.NAME` run a command."""

  def find_spec(self, fullname, path=None, target=None):
    del path, target
    package, _, name = fullname.rpartition(".")
    if package != "hgn_tf" or name not in {**_MODULES, **_COMMANDS}:
      return None
    return importlib.util.spec_from_loader(fullname, self, origin=importlib.util.find_spec(_home(fullname)).origin)

  def exec_module(self, module):
    sys.modules[module.__name__] = importlib.import_module(_home(module.__name__))

  def get_code(self, fullname):
    """What `python -m` runs."""
    home = _home(fullname)
    return importlib.util.find_spec(home).loader.get_code(home)


def _home(fullname):
  return {**_MODULES, **_COMMANDS}[fullname.rpartition(".")[2]]


sys.meta_path.append(_PublicNames())


def __getattr__(name):
  if name in _ROOMS or name in _MODULES:
    return importlib.import_module(f"hgn_tf.{name}")
  if name in _OBJECTS:
    return getattr(importlib.import_module(_OBJECTS[name]), name)
  raise AttributeError(f"module 'hgn_tf' has no attribute {name!r}; public names: {', '.join(__all__)}")


def __dir__():
  return __all__
