"""A compact HGN in TFLite, ONNX and StableHLO gives the model's numbers in their own runtimes, without TensorFlow."""

import importlib.util
import pathlib
import subprocess
import sys
import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized
from export_support import tiny_model

from export import lean
from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.models import CompactHGN, CompactHGNConfig

pytestmark = pytest.mark.slow  # the other formats are run in a process without TensorFlow

_ROWS = 2
_CONFIG = CompactHGNConfig(num_frames=5, size=16, context=4, pairs=2, maps=3, encoder_hidden=(8,), units=4,
                           decoder_hidden=(8,), potential_hidden=(8, 8), radii=4, frames_per_step=2)
_NEEDS = {"tflite": ("ai_edge_litert",), "onnx": ("tf2onnx", "onnxruntime"), "stablehlo": ("jax",)}
_SCRIPT = pathlib.Path(__file__).parents[2] / "examples" / "lean_runtime.py"


def missing(file_format):
  return [name for name in _NEEDS[file_format] if importlib.util.find_spec(name) is None]


def expected(model, inputs):
  """What the Keras model says."""
  posterior = model.encode(inputs["encode"]["frames"])
  start = model.initial_state(posterior.mean())
  step = inputs["step"]
  path = model.rollout(PhaseSpace(step["q"], step["p"]), 1, tf.constant(step["dt"]))
  return {"encode": {"mean": posterior.mean(), "stddev": posterior.stddev(), "q": start.q, "p": start.p},
          "step": {"next_q": path.q[:, 1], "next_p": path.p[:, 1]},
          "decode": {"frames": model.decode(inputs["decode"]["q"])}}


class LeanTest(parameterized.TestCase, tf.test.TestCase):

  @classmethod
  def setUpClass(cls):
    super().setUpClass()
    keras.utils.set_random_seed(0)
    cls.model, rng = CompactHGN(_CONFIG), np.random.default_rng(0)
    draw = lambda *shape: rng.standard_normal((_ROWS, *shape)).astype(np.float32)  # noqa: E731
    cls.inputs = {"encode": {"frames": rng.random((_ROWS, *_CONFIG.seen_shape), np.float32)},
                  "step": {"q": draw(2), "p": draw(2), "dt": np.float32([0.125, -0.2])}, "decode": {"q": draw(2)}}
    folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
    np.savez(folder / "requests.npz", **{f"{name}/{key}": x for name, arrays in cls.inputs.items()
                                         for key, x in arrays.items()})
    paths = [lean.publish(cls.model, folder / kind, kind, rows=_ROWS) for kind in lean.FORMATS if not missing(kind)]
    done = subprocess.run([sys.executable, str(_SCRIPT), "requests.npz", "answers.npz", *map(str, paths)], cwd=folder,
                          capture_output=True, text=True, timeout=300)
    if done.returncode:  # "imported ..." where a runtime needed TensorFlow
      raise AssertionError(done.stderr)
    cls.found, cls.folder = dict(np.load(folder / "answers.npz")), folder

  @parameterized.parameters(*lean.FORMATS)
  def test_gives_the_numbers_of_the_model(self, file_format):
    if missing(file_format):
      self.skipTest(f"{', '.join(missing(file_format))} missing: pip install 'hgn_tf[lean]'")
    for name, outputs in expected(self.model, self.inputs).items():
      for key, x in outputs.items():
        self.assertAllClose(self.found[f"{file_format}/{name}/{key}"], x, atol=1e-4, rtol=1e-4)
    self.assertLen([key for key in self.found if key.startswith(f"{file_format}/")], 7)
    self.assertEqual([path.name for path in (self.folder / file_format).iterdir()], ["1"])

  def test_what_cannot_be_converted_is_said(self):
    with self.assertRaisesRegex(ValueError, "model must be a CompactHGN, .*got HGN"):
      lean.publish(tiny_model(), self.folder / "grid", "onnx")
    with self.assertRaisesRegex(ValueError, "format must be one of tflite, onnx, stablehlo, got 'coreml'"):
      lean.publish(self.model, self.folder / "other", "coreml")
    with self.assertRaisesRegex(ValueError, "rows must be at least 1, got 0"):
      lean.functions(self.model, rows=0)
    self.assertFalse((self.folder / "grid").exists())
