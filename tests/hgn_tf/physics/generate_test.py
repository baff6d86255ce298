"""Numbered examples: what they hold, and what they depend on."""

import dataclasses
import hashlib
import subprocess
import sys

import numpy as np
import scipy.stats
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf import physics
from hgn_tf.physics.render import BACKGROUND

# Examples 0 to 3 of the test splits: frames, then states rounded to 1e-6.
_GOLDEN = {
    "mass_spring": "c7677950bc963b14",
    "pendulum": "f458c573ea8e25b9",
    "two_body": "e0a68b85ed8ac2cd",
    "three_body": "01bd3bee78b56b41",
    "double_pendulum": "911c94a45eefca07",
    "charged_particle": "52c716356994a1c1",
    "henon_heiles": "5aa2ba4bc485bf25",
    "matching_pennies": "7102c14231c2c394",
    "rock_paper_scissors": "83ea3a4e232b44b5",
    "lennard_jones": "6011cee4cba29658",
}


def _digest(examples):
  sha = hashlib.sha256(examples["frames"].tobytes())
  for name in ("q", "p", "noisy_q", "noisy_p", "energy"):
    sha.update((np.round(examples[name] * 1e6) + 0.0).astype(np.int64).tobytes())
  return sha.hexdigest()[:16]


class GenerateTest(tf.test.TestCase, parameterized.TestCase):

  @parameterized.parameters(*physics.SYSTEMS)
  def test_shapes_and_types(self, name):
    spec = physics.default_spec(name)
    d = spec.system.dimension
    examples = physics.make_examples(spec, "train", range(3))
    self.assertEqual((examples["frames"].shape, examples["frames"].dtype), ((3, 31, 64, 64, 3), np.uint8))
    for field in ("q", "p", "noisy_q", "noisy_p"):
      self.assertEqual((examples[field].shape, examples[field].dtype), ((3, 31, d), np.float64))
    self.assertEqual(examples["energy"].shape, (3, 31))
    self.assertAllEqual(examples["dt"], [spec.dt] * 3)
    self.assertSetEqual(set(examples["constants"]), set(spec.system.constants))
    self.assertEqual(examples["colors"].shape, (3, spec.system.bodies, 3))

  @parameterized.parameters(*physics.SYSTEMS)
  def test_golden(self, name):
    self.assertEqual(_digest(physics.make_examples(physics.default_spec(name), "test", range(4))), _GOLDEN[name])

  @parameterized.parameters(*physics.SYSTEMS)
  def test_an_example_does_not_know_its_neighbours(self, name):
    spec = physics.default_spec(name)
    block = physics.make_examples(spec, "train", range(8))
    for indices in ([5], [7, 2], range(3, 6)):
      for field, values in physics.make_examples(spec, "train", indices).items():
        if field != "constants":
          self.assertAllEqual(values, block[field][list(indices)])

  def test_chunks_are_the_same_examples(self):
    spec = physics.default_spec("pendulum", system=physics.Pendulum(mass=(0.3, 0.6)), colors="random")
    whole = physics.make_examples(spec, "train", range(10))
    chunks = list(physics.example_chunks(spec, "train", range(10), chunk=4))
    self.assertLen(chunks, 3)
    self.assertAllEqual(np.concatenate([chunk["frames"] for chunk in chunks]), whole["frames"])
    self.assertAllEqual(np.concatenate([chunk["constants"]["mass"] for chunk in chunks]), whole["constants"]["mass"])

  @parameterized.parameters(*(name for name in physics.SYSTEMS if name != "lennard_jones"))  # slow
  def test_seeds_and_splits_share_nothing(self, name):
    draws = [physics.make_examples(physics.default_spec(name, seed=seed, num_steps=1), split, range(200))["q"][:, 0]
             for seed in (0, 1) for split in ("train", "test")]
    draws = np.concatenate(draws)
    self.assertLen(np.unique(draws, axis=0), 800)

  @parameterized.parameters("mass_spring", "pendulum")
  def test_observation_noise_has_its_standard_deviation(self, name):
    examples = physics.make_examples(physics.default_spec(name), "train", range(300))
    for clean, noisy in (("q", "noisy_q"), ("p", "noisy_p")):
      noise = (examples[noisy] - examples[clean]).ravel()
      self.assertAllClose(noise.std(), 0.1, rtol=0.03)
      self.assertGreater(scipy.stats.kstest(noise, scipy.stats.norm(0.0, 0.1).cdf).pvalue, 1e-3)

  @parameterized.parameters("two_body", "three_body")
  def test_n_body_frames_are_not_jittered(self, name):
    examples = physics.make_examples(physics.default_spec(name), "train", range(3))
    self.assertAllEqual(examples["q"], examples["noisy_q"])

  @parameterized.parameters(*physics.PAPER)
  def test_every_clean_ball_is_on_the_canvas_and_radii_stay_uniform(self, name):
    spec = physics.default_spec(name)
    examples = physics.make_examples(spec, "train", range(1000))
    self.assertTrue(np.all(spec.system.inside(examples["q"])))
    if spec.system.bodies == 1:
      radius = np.hypot(examples["q"], examples["p"])[:, 0, 0]
    else:
      radius = np.linalg.norm(spec.system.positions(examples["q"][:, 0])[:, 0], axis=-1)
    low, high = spec.system.radius
    self.assertGreater(scipy.stats.kstest(radius, scipy.stats.uniform(low, high - low).cdf).pvalue, 1e-3)

  def test_noise_is_drawn_into_the_frames(self):
    spec = physics.default_spec("mass_spring")
    examples = physics.make_examples(spec, "train", range(2))
    self.assertAllEqual(examples["frames"], physics.render(spec.system, examples["noisy_q"], 64))

  def test_random_colors_differ_between_trajectories_only(self):
    spec = physics.Spec(system=physics.MassSpring(), colors="random")
    examples = physics.make_examples(spec, "train", range(6))
    frames = examples["frames"]
    self.assertAllEqual(frames, physics.render(spec.system, examples["noisy_q"], 64, examples["colors"]))
    away = np.abs(frames.reshape(6, 31, -1, 3).astype(np.int64) - BACKGROUND).max(axis=2)  # the ball's own colour
    self.assertLen(np.unique(np.round(away[:, 0] / 4), axis=0), 6)
    self.assertAllClose(away, np.broadcast_to(away[:, :1], away.shape), atol=8)

  @parameterized.parameters(*physics.SYSTEMS)
  def test_friction_ranges_and_random_colors(self, name):
    system = physics.get_system(name)
    varied = {constant: (0.8 * value, 1.2 * value) for constant, value in system.constants.items() if value}
    system = dataclasses.replace(system, friction=(0.1, 0.3), **varied)
    spec = physics.default_spec(name, system=system, colors="random")
    examples = physics.make_examples(spec, "train", range(6))
    for constant, (low, high) in {**varied, "friction": (0.1, 0.3)}.items():
      self.assertAllInRange(examples["constants"][constant], low, high)
      self.assertLen(set(examples["constants"][constant]), 6)
    self.assertLen(np.unique(examples["colors"].reshape(6, -1), axis=0), 6)
    if name != "rock_paper_scissors":  # where the momenta that friction takes are not those that make the energy
      self.assertAllLess(examples["energy"][:, -1] - examples["energy"][:, 0], 0.0)

  def test_a_canvas_that_is_too_small_is_an_error(self):
    spec = physics.Spec(system=physics.MassSpring(radius=(2.0, 2.5)))
    with self.assertRaisesRegex(ValueError, "canvas=1.5 is too small"):
      physics.make_examples(spec, "train", range(2))

  @parameterized.parameters(
      ({"num_steps": 0}, "num_steps must be an integer of at least 1, got 0"),
      ({"dt": 0.0}, "dt must be positive"),
      ({"resolution": 60}, "resolution must be a positive multiple of 8, got 60"),
      ({"resolution": 64.0}, "resolution must be a positive multiple of 8, got 64.0"),
      ({"observation_noise": -0.1}, "observation_noise must be at least 0"),
      ({"seed": -1}, "seed must be an integer in"),
      ({"colors": "red"}, "colors must be None"),
      ({"colors": [[0, 0, 300]]}, "colors must be None"),
  )
  def test_bad_values_are_named(self, changes, message):
    with self.assertRaisesRegex(ValueError, message):
      physics.default_spec("mass_spring", **changes)

  def test_physics_needs_no_tensorflow(self):
    program = "import sys, hgn_tf.physics; sys.exit('tensorflow' in sys.modules or 'keras' in sys.modules)"
    self.assertEqual(subprocess.run([sys.executable, "-c", program], check=False).returncode, 0)
