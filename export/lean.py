"""A compact HGN as three small functions for runtimes other than TensorFlow: encode, step, decode.

`tflite`, `onnx` and `stablehlo` convert them, one format a file. A step is one of the integrator, without a loop; what
needs many calls it many times. Each function is straight-line code of a known batch size.
"""

import dataclasses
import importlib
from collections.abc import Callable

import tensorflow as tf

from export.common import new_version
from hgn_tf.mechanics.integrators import INTEGRATORS
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import CompactHGN
from hgn_tf.training import files

FORMATS = {"tflite": ".tflite", "onnx": ".onnx", "stablehlo": ".jax"}  # module of `export` -> ending of its files


@dataclasses.dataclass(frozen=True)
class Lean:
  """A function of tensors, in the order of `inputs`, to a dict of tensors.

  Attributes:
    function: what is converted.
    inputs: name -> TensorSpec of known shape.
  """

  function: Callable
  inputs: dict

  def specs(self):
    """The TensorSpecs with their names."""
    return [tf.TensorSpec(spec.shape, spec.dtype, name) for name, spec in self.inputs.items()]

  def traced(self, **options):
    """The tf.function."""
    return tf.function(self.function, input_signature=self.specs(), autograph=False, **options)


def functions(model, rows=1):
  """Name -> `Lean` of a CompactHGN.

    encode: frames [rows, context, H, W, C] in [0, 1] -> mean and stddev of z [rows, 2d]; q and p [rows, d], the state
      at the first frame.
    step: q, p [rows, d] and dt [rows] -> next_q, next_p, after one step of the integrator.
    decode: q [rows, d] -> frames [rows, H, W, C].

  Raises:
    ValueError: another model, or rows below 1.
  """
  if not isinstance(model, CompactHGN) or not model.has_energy:
    raise ValueError(f"model must be a CompactHGN, whose state is a few numbers, got {type(model).__name__}; "
                     "hgn-export --format=saved_model takes any.")
  if rows < 1:
    raise ValueError(f"rows must be at least 1, got {rows}.")
  c = model.config
  q = tf.TensorSpec([rows, *c.state_shape])
  frames = tf.TensorSpec([rows, *c.seen_shape])

  def encode(frames):
    posterior = model.encode(frames)
    start = _steps(model, PhaseSpace.split(posterior.mean()), -c.dt, c.middle)
    return {"mean": posterior.mean(), "stddev": posterior.stddev(), "q": start.q, "p": start.p}

  def step(q, p, dt):
    state = _steps(model, PhaseSpace(q, p), dt[:, None], 1)
    return {"next_q": state.q, "next_p": state.p}  # ONNX allows no output of an input's name

  def decode(q):
    return {"frames": model.decode(q)}

  return {"encode": Lean(encode, {"frames": frames}),
          "step": Lean(step, {"q": q, "p": q, "dt": tf.TensorSpec([rows])}),
          "decode": Lean(decode, {"q": q})}


def _steps(model, state, dt, count):
  """The state after `count` steps, written out one after the other."""
  method = INTEGRATORS[model.config.method]
  carry = method.start(model.hamiltonian, state)
  for _ in range(count):
    state, carry = method.step(model.hamiltonian, state, carry, dt)
  return state


def publish(model, base, file_format, *, rows=1, version=None):
  """Writes the three functions and metadata.json to `<base>/<version>/`; returns that directory.

  Args:
    model: CompactHGN.
    base: directory.
    file_format: key of `FORMATS`.
    rows: batch size.
    version: positive int; default the next free one.

  Raises:
    ValueError: unknown format, or as `functions`.
    ModuleNotFoundError: what converts is not installed.
  """
  if file_format not in FORMATS:
    raise ValueError(f"format must be one of {', '.join(FORMATS)}, got {file_format!r}.")
  convert = importlib.import_module(f"export.{file_format}").convert
  c, parts = model.config, functions(model, rows)
  with new_version(base, version) as (partial, path):
    for name, part in parts.items():
      print(f"Converting {name} ...", flush=True)
      files.write_bytes(partial / f"{name}{FORMATS[file_format]}", convert(part))
    shapes = {name: {key: list(spec.shape) for key, spec in part.inputs.items()} for name, part in parts.items()}
    files.write_json(partial / "metadata.json", {"model": c.name, "format": file_format, "dt": c.dt, "inputs": shapes})
  return path
