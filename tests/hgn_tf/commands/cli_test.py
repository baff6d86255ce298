"""What a plain mistake on the command line is answered with: one line that says what is wrong."""

import os
import pathlib
import subprocess
import sys

import keras
import pytest
import tensorflow as tf
import tiny
from absl.testing import parameterized

from hgn_tf import pretrained
from hgn_tf.commands import cli
from hgn_tf.evaluation.evaluate import evaluate
from hgn_tf.models import presets
from hgn_tf.training.loop import train
from hgn_tf.training.workdir import Workdir

_ROOT = pathlib.Path(__file__).parents[3]


class _Raises(keras.layers.Layer):

  def call(self, x):
    raise ValueError("x must be [batch], got 3.\nAnd more.")


@tf.function
def _raises(x):
  raise ValueError("x must be positive.")


@tf.function
def _asserts(x):
  tf.debugging.assert_less(x, 1.0, "x must be below 1")
  return x


def _fit():
  model = keras.Sequential([_Raises()])
  model.compile("sgd", "mse")
  model.fit(tf.ones((3, 2)), tf.ones((3, 2)), verbose=0)


def _generate():
  def elements():
    raise ValueError("file 3 is broken")
    yield
  return list(tf.data.Dataset.from_generator(elements, output_signature=tf.TensorSpec([])))


class OneLineTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(
      (lambda: _Raises()(tf.ones(3)), r"x must be \[batch\], got 3\."),
      (_fit, r"x must be \[batch\], got 3\."),
      (lambda: _raises(tf.ones(2)), r"x must be positive\."),
      (lambda: _asserts(tf.constant(2.0)), r"assertion failed: \[x must be below 1\].*"),
      (_generate, "ValueError: file 3 is broken"),
      (lambda: open("/nosuch/file"), r"\[Errno 2\] No such file or directory: '/nosuch/file'"),
      (lambda: int(""), "invalid literal.*"))
  def test_is_the_innermost_message(self, function, message):
    with self.assertRaises((ValueError, OSError, tf.errors.OpError)) as caught:
      function()
    self.assertRegex(cli.one_line(caught.exception), f"^{message}$")

  def test_an_error_without_a_message_is_its_name(self):
    self.assertEqual(cli.one_line(RuntimeError()), "RuntimeError")

  def test_a_missing_module_names_its_extra(self):
    self.assertIn("pip install 'hgn_tf[gym]'", cli.one_line(ModuleNotFoundError("no", name="gymnasium.envs")))


class TrainingTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(
      ("nhf", {}, "'nhf' does not learn from the frames of .* what trains it is NHF.fit, or python -m benchmarks.dens"),
      ("real_nvp", {}, "RealNVP.fit, or python -m benchmarks.density"),
      ("hnn_pendulum", {}, "HNN.fit, or hgn-reproduce hnn"),
      ("hgn", dict(num_frames=7, size=16),
       r"num_frames must be at most the 5 frames of the films in 'mass_spring/tiny/1.0.0', got 7"),
      ("hgn", dict(num_frames=5, size=24), "size must divide the stored frames' 32x32, got 24"))
  def test_what_cannot_be_trained_is_said_before_the_folder_is_claimed(self, preset, changes, message):
    workdir = Workdir(pathlib.Path(self.get_temp_dir(), "run"))
    with self.assertRaises(ValueError) as caught:
      train(presets.get(preset, batch_size=4, steps=2, **changes), tiny.DATASET, workdir, data_dir=tiny.data_dir())
    self.assertRegex(cli.one_line(caught.exception), message)
    self.assertFalse(workdir.path.exists())

  @parameterized.parameters(
      (lambda folder: presets.get("hng"), "Unknown preset 'hng'; known: "),
      (lambda folder: presets.get("hgn", kapa=1), "no field kapa"),
      (lambda folder: train(presets.get("hgn"), "mass_spring/other", Workdir(folder), data_dir=tiny.data_dir()),
       "'mass_spring/other' has not been built"))
  def test_what_is_not_there(self, function, message):
    folder = pathlib.Path(self.get_temp_dir(), "run")
    with self.assertRaises(ValueError) as caught:
      function(folder)
    self.assertRegex(cli.one_line(caught.exception), message)
    self.assertFalse(folder.exists())

  def test_what_cannot_be_evaluated(self):
    with self.assertRaisesRegex(ValueError, "must be an HGN or a PixelHNN, which know films, got NHF"):
      evaluate(pretrained.load_pretrained("nhf_two_moons"), tiny.DATASET, pathlib.Path(self.get_temp_dir(), "out"))


@pytest.mark.slow  # starts whole programs
class CommandTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(
      ("train", ["--workdir=/nosuch", "--preset=nhf"], {}, "'nhf' does not learn from the frames"),
      ("train", ["--workdir=/nosuch", '--set={"name": 3}'], {}, "name must be a string, got 3"),
      ("train", ["--workdir=/nosuch"], {"KERAS_BACKEND": "torch"},
       "hgn_tf needs Keras' TensorFlow backend, got 'torch'; set KERAS_BACKEND=tensorflow before"),
      ("sample", ["--pretrained=nhf_two_moons"], {}, "draws films from an HGN, got NHF; NHF.sample draws from it"))
  def test_a_mistake_is_one_line(self, module, flags, environment, message):
    done = subprocess.run([sys.executable, "-m", f"hgn_tf.{module}", *flags], cwd=_ROOT, capture_output=True, text=True,
                          timeout=300, env={**os.environ, **environment})
    self.assertEqual(done.returncode, 1, done.stderr)
    self.assertLen(done.stderr.strip().splitlines(), 1, done.stderr)
    self.assertRegex(done.stderr, f"error: .*{message}")

  def test_another_backend_has_the_physics_alone(self):
    done = subprocess.run([sys.executable, "-c", "import hgn_tf.physics, hgn_tf.models"], cwd=_ROOT, text=True,
                          capture_output=True, env={**os.environ, "KERAS_BACKEND": "torch"})
    self.assertRegex(done.stderr, "ImportError: hgn_tf needs Keras' TensorFlow backend, got 'torch'")
    self.assertNotIn("hgn_tf/physics", done.stderr)


if __name__ == "__main__":
  tf.test.main()
