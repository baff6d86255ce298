"""The HNN experiments' data."""

import hashlib

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf.physics import get_system
from hgn_tf.physics.phase_space_tasks import TASKS, get_task, make_task, make_trajectories

_SHAPES = {"mass_spring": (25, 25, 30, 2), "pendulum": (25, 25, 45, 2), "two_body": (800, 200, 50, 8),
           "three_body": (4000, 1000, 20, 12)}


class PhaseSpaceTasksTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(*_SHAPES.items())
  def test_counts_and_grids(self, name, shape):
    task = get_task(name)
    self.assertEqual((task.train, task.test, task.points, 2 * get_system(task.system).dimension), shape)

  @parameterized.parameters(("mass_spring", 3.0), ("pendulum", 3.0), ("two_body", 20.0), ("three_body", 5.0))
  def test_derivatives_are_those_of_the_clean_states(self, name, duration):
    data = make_trajectories(get_task(name), 0, "train", range(6))
    self.assertAllClose(data["t"][[0, -1]], [0.0, duration])
    q, p = np.split(data["clean_x"], 2, axis=-1)
    self.assertAllEqual(data["dx"], np.concatenate(get_system(name).vector_field(q, p), axis=-1))
    self.assertAllClose(data["energy"], np.broadcast_to(data["energy"][:, :1], data["energy"].shape), rtol=1e-8)

  def test_noise(self):
    for name, noise in (("mass_spring", 0.1), ("pendulum", 0.1), ("two_body", 0.0)):
      data = make_trajectories(get_task(name), 0, "train", range(100))
      self.assertAllClose(np.std(data["x"] - data["clean_x"]), noise, atol=5e-3)

  def test_two_bodies_start_in_the_box(self):
    data = make_trajectories(TASKS["two_body"], 0, "train", range(500))
    first = data["clean_x"][:, 0, :2]
    self.assertAllInRange(first, 0.5, 1.5)
    self.assertGreater(np.linalg.norm(first, axis=-1).max(), 1.6)

  def test_a_whole_task_is_reproducible_and_its_splits_differ(self):
    once, again, other = make_task("pendulum", 3), make_task("pendulum", 3), make_task("pendulum", 4)
    self.assertAllEqual(once["test"]["x"], again["test"]["x"])
    self.assertNotAllClose(once["test"]["x"], other["test"]["x"])
    self.assertNotAllClose(once["test"]["x"], once["train"]["x"])

  @parameterized.parameters(
      ("mass_spring", "f919732c124ab032"),
      ("pendulum", "91fac3918cf1ce98"),
      ("two_body", "1e6b2ce69c3ad8aa"),
      ("three_body", "7b4410ed655172dc"),
  )
  def test_golden(self, name, digest):
    data = make_trajectories(get_task(name), 0, "train", range(4))
    rounded = [(np.round(data[field] * 1e6) + 0.0).astype(np.int64).tobytes() for field in ("x", "dx", "energy")]
    self.assertEqual(hashlib.sha256(b"".join(rounded)).hexdigest()[:16], digest)

  def test_unknown_task_lists_the_known_ones(self):
    with self.assertRaisesRegex(ValueError, "'spring'; known: mass_spring, .*two_body"):
      make_task("spring")
