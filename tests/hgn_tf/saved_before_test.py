"""Files that version 0.1 saved before the rooms were built load, and give the same numbers."""

import pathlib
import shutil

import keras
import numpy as np
import tensorflow as tf

from hgn_tf.models.density import new_seed
from hgn_tf.models.nhf import NUM_SAMPLES, average_weight
from hgn_tf.training.workdir import Workdir

_FOLDER = pathlib.Path(__file__).with_name("saved_before")


class SavedBeforeTest(tf.test.TestCase):

  def setUp(self):
    super().setUp()
    self.expected = np.load(_FOLDER / "expected.npz")

  def load(self, name):
    return keras.saving.load_model(_FOLDER / f"{name}.keras", safe_mode=True)

  def test_hgn(self):
    self.assertAllClose(self.load("hgn").reconstruct(self.expected["frames"]), self.expected["hgn"], atol=1e-5)

  def test_an_older_hgn_goes_on_from_the_step_of_its_optimizer(self):
    model = self.load("hgn")
    model.fit(self.expected["frames"], batch_size=len(self.expected["frames"]), epochs=1, verbose=0)
    self.assertEqual(int(model.train_steps), int(model.optimizer.iterations))
    path = f"{self.get_temp_dir()}/again.keras"
    model.save(path)
    self.assertEqual(int(keras.saving.load_model(path).train_steps), int(model.train_steps))

  def test_nhf(self):
    points, model = self.expected["points"], self.load("nhf")
    noise = tf.random.stateless_normal([len(points), NUM_SAMPLES, points.shape[1]], new_seed(1))
    weights = model.log_weights(points, noise)  # momenta were independent then
    self.assertAllClose(average_weight(weights), self.expected["nhf"], atol=1e-5)

  def test_hnn(self):
    self.assertAllClose(self.load("hnn").energy(self.expected["x"]), self.expected["hnn"], atol=1e-5)

  def test_workdir(self):
    folder = pathlib.Path(self.get_temp_dir()) / "run"
    shutil.copytree(_FOLDER / "workdir", folder)
    model = Workdir(folder).load_model()
    self.assertEqual(int(model.optimizer.iterations), 4)
    self.assertEqual(int(model.train_steps), 4)
    self.assertAllClose(model.reconstruct(self.expected["run_frames"]), self.expected["run"], atol=1e-5)
