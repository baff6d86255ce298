"""Evaluation on a noisy dataset: what counts as right."""

import numpy as np
import tensorflow as tf
import tiny

from hgn_tf import physics
from hgn_tf.data import truth
from hgn_tf.evaluation import evaluator, metrics
from hgn_tf.models import HGN

_SPEC = physics.default_spec("mass_spring", resolution=2 * tiny.SIZE)


class EvaluationTest(tf.test.TestCase):

  def test_valid_prediction_time_is_free_of_observation_noise(self):
    noisy, world = truth.simulate(_SPEC, "test", 20, tiny.SIZE)
    clean, mean_frame = world.clean(tiny.SIZE, noisy.shape[1]), noisy.mean(axis=(0, 1))
    floor = world.noise_floor(tiny.SIZE)

    def time(predicted, clean):
      rows = evaluator.frame_errors(predicted, noisy, mean_frame, clean)
      return evaluator.summarize(rows, floor)["valid_prediction_time"]

    self.assertEqual(time(clean, clean), noisy.shape[1])
    self.assertLess(time(clean, None), noisy.shape[1])  # single noisy frames are far from the best prediction
    self.assertLess(time(np.broadcast_to(mean_frame, noisy.shape), clean), 2)

  def test_clean_frames_are_those_that_the_simulation_draws(self):
    _, world = truth.simulate(_SPEC, "test", 3, tiny.SIZE)
    self.assertAllClose(world.clean(tiny.SIZE, 5), world.frames(tiny.SIZE, num_steps=4), atol=1e-6)
    self.assertAllEqual(world.part(1, 2).clean(tiny.SIZE, 5), world.clean(tiny.SIZE, 5)[1:2])

  def test_a_split_is_held_against_its_own_truth(self):
    model = HGN(tiny.config())
    measured = evaluator.Evaluator(tiny.DATASET, size=tiny.SIZE, num_frames=tiny.FRAMES, data_dir=tiny.data_dir(),
                                    limit=5, batch_size=2)
    frames = np.concatenate(list(measured.batches("test").as_numpy_iterator()))
    world = truth.load(tiny.DATASET, take=5, data_dir=tiny.data_dir())
    true = world.frames(tiny.SIZE)
    trivial = np.mean((true - measured.mean_frame) ** 2)
    expected = metrics.valid_prediction_time(metrics.frame_errors(model.reconstruct(frames), true), trivial)
    figures = measured.split(model, "test")
    self.assertEqual(figures["sequences"], 5)
    self.assertAllClose(figures["valid_prediction_time"], expected.mean())


if __name__ == "__main__":
  tf.test.main()
