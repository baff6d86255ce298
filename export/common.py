"""Functions and weights to a SavedModel in `<base>/<version>/` that TensorFlow Serving's C++ session loader runs.

An exporter (`rollout.servable`, `density.servable`) turns a model into a `Servable`; `serving.publish` writes it.
"""

import contextlib
import dataclasses
import pathlib
from collections.abc import Callable, Sequence

import tensorflow as tf

from export.status import Status
from hgn_tf.training import files, progress

METADATA = "assets.extra/metadata.json"


@dataclasses.dataclass(frozen=True)
class Signature:
  """One thing a server answers. Dimension 0 of every input and output is the batch.

  Attributes:
    function: tensors, in the order of `inputs`, to a dict of tensors.
    inputs: name -> TensorSpec of shape [None, ...] with every other dimension known.
    warmup: name -> the number that fills this input in warm-up requests; 0 where missing.
  """

  function: Callable
  inputs: dict
  warmup: dict = dataclasses.field(default_factory=dict)

  def trace(self):
    """The concrete function; its inputs carry the names of `inputs`, and their shapes are checked at run time."""
    specs = [tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in self.inputs.items()]
    return tf.function(self._checked, input_signature=specs, autograph=False).get_concrete_function()

  def _checked(self, *tensors):
    # The session loader feeds any shape, so each one is asserted in the graph.
    tensors = [tf.ensure_shape(x, spec.shape) for x, spec in zip(tensors, self.inputs.values(), strict=True)]
    with tf.control_dependencies([_same_rows(list(self.inputs), tensors)]):
      return self.function(*map(tf.identity, tensors))


def _same_rows(names, tensors):
  rows = tf.stack([tf.shape(x)[0] for x in tensors])
  message = f"{', '.join(names)} must have one size of dimension 0, at least 1, got"
  return tf.debugging.Assert(tf.reduce_all(rows == rows[0]) & (rows[0] > 0), [message, rows])


@dataclasses.dataclass(frozen=True)
class Servable:
  """What an exporter makes of a model.

  Attributes:
    signatures: name -> Signature; one object under two names is traced once.
    variables: every Keras or TensorFlow variable that the signatures read.
    metadata: plain JSON; goes with the shapes and the status codes to `METADATA` in the version's directory.
  """

  signatures: dict
  variables: Sequence
  metadata: dict


class _Weights(tf.Module):
  """Holds the raw TensorFlow variables and nothing else.

  A module that tracks Keras 3 layers, or TFP objects that hold them, saves copies of the variables that its functions
  do not read: TensorFlow Serving then fails at the first request with "Could not find variable".
  """

  def __init__(self, variables):
    super().__init__()
    self.weights = [v if isinstance(v, tf.Variable) else v.value for v in variables]


def save(servable, path, **metadata):
  """Writes the SavedModel and its metadata, with more of it as keywords, to the directory `path`."""
  different = {id(s): s for s in servable.signatures.values()}
  traced = {key: s.trace() for key, s in progress.track(different.items(), "Tracing", unit="signatures")}
  signatures = {name: traced[id(s)] for name, s in servable.signatures.items()}
  tf.saved_model.save(_Weights(servable.variables), str(path), signatures=signatures)
  described = {name: _describe(s, signatures[name]) for name, s in sorted(servable.signatures.items())}
  codes = {int(code): code.meaning for code in Status}
  metadata = {**servable.metadata, **metadata, "signatures": described, "status": codes}
  files.write_json(pathlib.Path(path) / METADATA, metadata)


def _describe(signature, concrete):
  outputs = sorted(concrete.structured_outputs.items())
  return {"inputs": {name: {**_tensor(x), "example": signature.warmup.get(name, 0)}
                     for name, x in signature.inputs.items()},
          "outputs": {name: _tensor(x) for name, x in outputs}}


def _tensor(x):
  return {"dtype": x.dtype.name, "shape": x.shape.as_list()}


@contextlib.contextmanager
def new_version(base, version=None):
  """Yields (a directory to write in, what it is named on success: `<base>/<version>`); on failure nothing is left.

  Args:
    base: directory of one model; made where missing.
    version: positive int; default one more than the highest there.

  Raises:
    ValueError: the version exists, or is not positive.
    FileExistsError: another export took the version meanwhile.
  """
  base = pathlib.Path(base)
  version = next_version(base) if version is None else version
  if version < 1:
    raise ValueError(f"version must be a positive integer, got {version}.")
  if (base / str(version)).exists():
    raise ValueError(f"version must be a new one, got {version}: {base / str(version)} exists.")
  with files.partial_folder(base) as partial:
    yield partial, base / str(version)
    partial.chmod(0o755)  # its 0700 would lock out a server that runs as another user
    partial.rename(base / str(version))


def versions(base):
  """The versions in `base`, ascending."""
  base = pathlib.Path(base)
  names = [child.name for child in base.iterdir() if child.is_dir()] if base.is_dir() else []
  return sorted(int(name) for name in names if name.isascii() and name.isdigit())


def newest(base):
  """The directory of the highest version in `base`."""
  return pathlib.Path(base) / str(versions(base)[-1])


def next_version(base):
  """One more than the highest version in `base`."""
  return max(versions(base), default=0) + 1


def read_metadata(path):
  """The metadata of the version at `path`."""
  return files.read_json(pathlib.Path(path) / METADATA)
