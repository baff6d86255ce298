import dataclasses

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf import physics
from hgn_tf.evaluation import limit


class FitTest(parameterized.TestCase, tf.test.TestCase):

  def test_a_spring_by_hand(self):
    """Positions of a spring are linear in its first state, q_t = q cos wt + p sin wt / (m w): a linear regression."""
    system = physics.default_spec("mass_spring").system
    rng = np.random.default_rng(0)
    dt, count = 0.125, 9
    frequency = np.sqrt(system.stiffness / system.mass)
    times = dt * np.arange(count)
    design = np.stack([np.cos(frequency * times), np.sin(frequency * times) / (system.mass * frequency)], axis=1)
    states = rng.standard_normal((3, 2))
    seen = states @ design.T + 0.1 * rng.standard_normal((3, count))
    by_hand = np.linalg.lstsq(design, seen.T, rcond=None)[0].T
    q, p = limit.fit_states(system, seen[..., None], dt, states[:, :1], states[:, 1:])
    self.assertAllClose(np.concatenate([q, p], axis=1), by_hand, atol=1e-6)

  def test_own_constants_of_each_film(self):
    base = physics.default_spec("pendulum").system
    system = dataclasses.replace(base, gravity=np.array([2.0, 4.0]))
    start = np.array([[1.0, 0.5], [0.5, -0.2]])
    seen, _ = physics.simulate(system, start[:, :1], start[:, 1:], 0.1, 12)
    q, p = limit.fit_states(system, seen, 0.1, start[:, :1] + 0.05, start[:, 1:] - 0.05)
    self.assertAllClose(np.concatenate([q, p], axis=1), start, atol=1e-6)


class LimitTest(parameterized.TestCase, tf.test.TestCase):

  def test_who_sees_exactly_is_right_for_ever(self):
    found = limit.physical_limit(physics.default_spec("two_body"), context=4, num_films=2, num_steps=30,
                                 centroid_error=0.0)
    self.assertAllEqual(found["forward"], [31, 31])
    self.assertAllEqual(found["backward"], [31, 31])

  def test_more_frames_help_against_noise(self):
    spec = physics.default_spec("pendulum")
    few, many = (limit.physical_limit(spec, context=context, num_films=8, num_steps=120)["forward"].mean()
                 for context in (4, 31))
    self.assertLess(few + 10, many)
