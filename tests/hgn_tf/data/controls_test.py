"""Datasets with controls: from the builder to batches, to the truth, to a training in a folder and its evaluation."""

import functools
import json
import pathlib
import tempfile

import numpy as np
import pytest
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf import data
from hgn_tf.data import truth
from hgn_tf.evaluation import evaluator
from hgn_tf.models import CompactHGNConfig
from hgn_tf.training.loop import train
from hgn_tf.training.workdir import Workdir
from tfds_builders import pendulum

FRAMES, SIZE = 6, 16
DATASET = "pendulum/driven"
CONFIG = CompactHGNConfig(
    name="driven", num_frames=FRAMES, size=SIZE, context=3, maps=2, encoder_hidden=(4,), units=2, decoder_hidden=(4,),
    potential_hidden=(4,), radii=0, pixels_per_frame=8, frames_per_step=2, nearest=1, batch_size=4, steps=3,
    prior_rank=1, prior_components=1, energy_kind="fixed_kinetic", damping=True, inputs=1)


def config(name="driven", control=0.5):
  return pendulum.PendulumConfig(name=name, num_train=12, num_test=6, num_steps=FRAMES - 1, resolution=SIZE,
                                 observation_noise=0.0, control=control, control_hold=2)


@functools.cache
def data_dir():
  folder = tempfile.mkdtemp()
  for one in (config(), config("plain", 0.0)):
    pendulum.Builder(config=one, data_dir=folder).download_and_prepare()
  return folder


class ControlsTest(parameterized.TestCase, tf.test.TestCase):

  def test_batches(self):
    options = dict(batch_size=4, size=SIZE, num_frames=4, data_dir=data_dir())
    batch = next(iter(data.train_batches(DATASET, **options, controls=True)))
    self.assertEqual((batch["frames"].shape, batch["controls"].shape), ((4, 4, SIZE, SIZE, 3), (4, 3, 1)))
    self.assertAllEqual(next(iter(data.train_batches(DATASET, **options))), batch["frames"])
    batch = next(iter(data.eval_batches(DATASET, **options, controls=True)))
    states = data.load_states(DATASET, data_dir=data_dir())
    self.assertAllClose(batch["controls"], states["controls"][:4, :3])

  def test_films_without_controls(self):
    with self.assertRaisesRegex(ValueError, "'pendulum/plain/1.0.0' has no feature `controls`; it has: .*frames"):
      data.eval_batches("pendulum/plain", batch_size=2, size=SIZE, data_dir=data_dir(), controls=True)

  def test_the_truth_is_driven(self):
    world = truth.load(DATASET, take=3, data_dir=data_dir()).part(1, 3)
    frames = next(iter(data.eval_batches(DATASET, batch_size=3, size=SIZE, data_dir=data_dir())))[1:]
    self.assertAllClose(world.frames(SIZE), frames, atol=0.01)
    self.assertEqual(world.frames(SIZE, num_steps=9).shape[1], 10)
    with self.assertRaisesRegex(ValueError, "speed must be 1 where films have controls, got -1"):
      world.frames(SIZE, speed=-1.0)

  @pytest.mark.slow
  def test_trains_in_a_folder_and_is_measured(self):
    model = train(CONFIG, DATASET, Workdir(f"{self.get_temp_dir()}/run"), data_dir=data_dir())
    model.input_matrix.net.layers[-1].bias.assign([2.0])
    figures = {}
    for dataset in (DATASET, "pendulum/plain"):
      measured = evaluator.Evaluator(dataset, size=SIZE, num_frames=FRAMES, data_dir=data_dir())
      if dataset == DATASET:
        figures = measured.split(model, "test")
      else:
        with self.assertRaisesRegex(ValueError, "no feature `controls`"):
          measured.split(model, "test")
    self.assertLess(figures["reversal_error"], 1e-3)
    batch = next(iter(data.eval_batches(DATASET, batch_size=6, size=SIZE, data_dir=data_dir(), controls=True)))
    error = np.mean((model.reconstruct(batch["frames"], controls=batch["controls"]) - batch["frames"]) ** 2)
    self.assertAllClose(figures["mse"], error, rtol=1e-4)

  @parameterized.parameters((dict(inputs=2), DATASET, "inputs must fit the controls of 'pendulum/driven', 1, got 2"),
                            ({}, "pendulum/plain", "no feature `controls`"))
  def test_refuses(self, changes, dataset, message):
    wrong = CompactHGNConfig.from_dict({**CONFIG.to_dict(), **changes})
    with self.assertRaisesRegex(ValueError, message):
      train(wrong, dataset, Workdir(f"{self.get_temp_dir()}/wrong"), data_dir=data_dir())

  def test_a_dataset_older_than_the_fields_is_taken_for_one_without(self):
    folder = tempfile.mkdtemp()
    builder = pendulum.Builder(config=config("old", 0.0), data_dir=folder)
    builder.download_and_prepare()
    metadata = pathlib.Path(builder.data_path) / "metadata.json"
    stored = json.loads(metadata.read_text())
    stored["config"] = {key: value for key, value in stored["config"].items() if not key.startswith("control")}
    metadata.write_text(json.dumps(stored))
    same = pendulum.PendulumConfig(name="old", num_train=12, num_test=6, num_steps=FRAMES - 1, resolution=SIZE,
                                   observation_noise=0.0)
    pendulum.Builder(config=same, data_dir=folder).download_and_prepare()
    with self.assertRaisesRegex(ValueError, "control is 0.0 there and 0.5 here"):
      pendulum.Builder(config=config("old"), data_dir=folder).download_and_prepare()


if __name__ == "__main__":
  tf.test.main()
