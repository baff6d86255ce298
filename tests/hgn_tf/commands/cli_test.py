"""What a plain mistake on the command line is answered with: one line that says what is wrong."""

import os
import pathlib
import subprocess
import sys

import keras
import tensorflow as tf
import tiny
from absl.testing import parameterized

from hgn_tf.commands import cli

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


class MistakesTest(parameterized.TestCase, tf.test.TestCase):

  def refused(self, module, *arguments, **environment):
    """What the command says on stderr before it ends with exit code 1."""
    done = subprocess.run([sys.executable, "-m", f"hgn_tf.{module}", *arguments], cwd=_ROOT, capture_output=True,
                          text=True, timeout=300, env={**os.environ, **environment})
    self.assertEqual(done.returncode, 1, done.stderr)
    self.assertLen(done.stderr.strip().splitlines(), 1, done.stderr)
    return done.stderr

  @parameterized.parameters(
      ("train", "--preset=nhf", "'nhf' does not learn from the frames .* what trains it is NHF.fit, or python -m"),
      ("train", "--preset=real_nvp", "RealNVP.fit, or python -m benchmarks.density"),
      ("train", "--preset=hnn_pendulum", "HNN.fit, or hgn-reproduce hnn"),
      ("train", '--set={"batch_size": 0}', "batch_size must be at least 1, got 0"),
      ("train", '--set={"name": 3}', "name must be a string, got 3"),
      ("train", '--set={"num_frames": 7, "size": 16, "batch_size": 4}',
       r"must fit the films of 'mass_spring/tiny', \[5, 16, 16, 3\], got \[7, 16, 16, 3\]"),
      ("train", '--set={"num_frames": 5, "size": 24, "batch_size": 4}', "size must divide the stored .*32x32, got 24"))
  def test_of_training(self, module, flag, message):
    workdir = pathlib.Path(self.get_temp_dir(), "run")
    data = [f"--dataset={tiny.DATASET}", f"--data_dir={tiny.data_dir()}", f"--workdir={workdir}", "--steps=2"]
    self.assertRegex(self.refused(module, *data, flag), f"error: .*{message}")
    self.assertFalse(workdir.exists())

  @parameterized.parameters(
      ("evaluate", "must be an HGN or a PixelHNN, which know films, got NHF"),
      ("sample", "draws films from an HGN, got NHF; NHF.sample draws from it"))
  def test_of_models_without_films(self, module, message):
    self.assertRegex(self.refused(module, "--pretrained=nhf_two_moons"), f"error: .*{message}")

  def test_of_keras_backend(self):
    message = "hgn_tf needs Keras' TensorFlow backend, got 'torch'; set KERAS_BACKEND=tensorflow before"
    self.assertIn(message, self.refused("train", "--workdir=x", KERAS_BACKEND="torch"))
    self.assertIn(message, subprocess.run(
        [sys.executable, "-c", "import hgn_tf.models"], cwd=_ROOT, capture_output=True, text=True,
        env={**os.environ, "KERAS_BACKEND": "torch"}).stderr)
    subprocess.run([sys.executable, "-c", "import hgn_tf.physics"], cwd=_ROOT, check=True,  # NumPy's alone
                   env={**os.environ, "KERAS_BACKEND": "torch"})


if __name__ == "__main__":
  tf.test.main()
