import numpy as np
import tensorflow as tf

from hgn_tf.evaluation import metrics
from hgn_tf.mechanics.phase_space import PhaseSpace


class MetricsTest(tf.test.TestCase):

  def test_frame_errors(self):
    target = np.zeros((2, 3, 4, 4, 3))
    prediction = target + np.arange(3)[:, None, None, None]
    self.assertAllClose(metrics.frame_errors(prediction, target), [[0, 1, 4]] * 2)

  def test_relative_excess_is_zero_at_the_floor_and_one_at_the_mean_image(self):
    self.assertAllClose([metrics.relative_excess(x, 20.0, 4.0) for x in (4.0, 12.0, 20.0)], [0.0, 0.5, 1.0])

  def test_energy_variance_and_drift(self):
    energy = np.array([[1.0, 3.0], [11.0, 13.0]])
    self.assertAllClose(metrics.energy_variance(energy), 1.0)
    self.assertAllClose(metrics.energy_drift(energy), 1.0 / 5.0)

  def test_drift_does_not_depend_on_the_scale_of_h(self):
    energy = np.random.default_rng(0).normal(size=(5, 7)) + 10 * np.arange(5)[:, None]
    self.assertAllClose(metrics.energy_drift(energy), metrics.energy_drift(3 * energy + 100))

  def test_valid_prediction_time(self):
    errors = np.array([[0, 0, 9, 0], [9, 0, 0, 0], [0, 0, 0, 0], [5.9, 6.1, 0, 0]])
    self.assertAllEqual(metrics.valid_prediction_time(errors, trivial=10.0, floor=2.0), [2, 0, 4, 1])

  def test_nearest_distance_is_zero_for_a_film_that_is_there(self):
    reference = np.random.default_rng(0).random((5, 3, 4, 4, 3))
    self.assertAllClose(metrics.nearest_distance(reference[[3, 1]], reference), 0.0, atol=1e-12)
    self.assertAllClose(metrics.nearest_distance(reference[:1] + 0.01, reference), 1e-4)

  def test_a_still_film_does_not_move(self):
    film = np.ones((1, 3, 4, 4, 3)) * np.array([0.0, 1.0, 3.0])[:, None, None, None]
    self.assertAllClose([metrics.motion(film[:, :1].repeat(3, axis=1)), metrics.motion(film)], [0.0, 2.5])

  def test_reversal_error(self):
    start = PhaseSpace(np.array([[3.0]]), np.array([[4.0]]))
    end = PhaseSpace(np.array([[3.0]]), np.array([[4.5]]))
    self.assertAllClose(metrics.reversal_error(start, end), [0.1])
