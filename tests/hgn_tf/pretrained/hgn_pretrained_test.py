"""The trained HGNs that come with the package reach what their cards say, on films drawn anew."""

import pathlib
import tempfile
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
import tiny
from absl.testing import parameterized

from hgn_tf import physics, pretrained
from hgn_tf.data import truth
from hgn_tf.evaluation import evaluator, metrics
from hgn_tf.models import HGN

NAMES = [name for name in pretrained.names() if name.startswith("hgn_")]
FILMS = 8


class HGNPretrainedTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(*NAMES)
  @pytest.mark.slow
  def test_reaches_its_card(self, name):
    facts, model = pretrained.card(name), pretrained.load_pretrained(name)
    card = facts["test"]
    films, world = truth.simulate(physics.default_spec(facts["dataset"]), "test", FILMS, model.config.size)
    mse = float(np.mean(metrics.frame_errors(model.reconstruct(films), films)))
    excess = metrics.relative_excess(mse, card["mean_image"], card["noise_floor"])
    self.assertLess(excess, max(0.1, 2.5 * card["relative_excess"]))  # few films: their spread is that of the mean
    path = model.rollout(model.infer(films), model.config.num_frames - 1)
    self.assertLess(metrics.energy_drift(model.energy(path)), 3 * card["energy_drift"])
    for direction, speed in (("forward", 1.0), ("backward", -1.0)):
      true = world.frames(model.config.size, num_steps=evaluator.LONG, speed=speed)
      errors = metrics.frame_errors(evaluator.unroll(model, films, evaluator.LONG, speed), true)
      right = np.mean(metrics.valid_prediction_time(errors, card["mean_image"] - card["noise_floor"]))
      self.assertGreater(right, 0.6 * facts["horizon"][direction])

  @parameterized.parameters(*NAMES)
  def test_is_small_enough_to_come_with_the_package(self, name):
    files = list(pathlib.Path(pretrained.__file__).parent.glob(f"{name}.*"))
    self.assertLen(files, 3)
    self.assertLess(sum(path.stat().st_size for path in files), 400e3 if "compact" in name else 3e6)


class SaveTest(tf.test.TestCase):

  def test_a_saved_model_comes_back_without_its_optimizer(self):
    model = HGN(tiny.config())
    model.compile()
    model.optimizer.build(model.trainable_variables)
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(pretrained, "_FOLDER", pathlib.Path(folder)):
      pretrained.save("mine", model, "# mine\n", {"dataset": "here"}, folder)
      self.assertEqual(pretrained.names(), ["mine"])
      self.assertEqual(pretrained.card("mine")["dataset"], "here")
      back = pretrained.load_pretrained("mine")
      size = pathlib.Path(folder, "mine.weights.h5").stat().st_size
    for ours, theirs in zip(model.get_weights(), back.get_weights(), strict=True):
      self.assertAllEqual(ours, theirs)
    self.assertLess(size, 8 * sum(w.size for w in model.get_weights()) + 100_000)


if __name__ == "__main__":
  tf.test.main()
