import numpy as np
import tensorflow as tf
import tiny
from absl.testing import parameterized

from hgn_tf import data
from hgn_tf.models import BootstrappedHGN, BootstrappedHGNConfig, make, presets

CONTEXT, REACH = 3, 6
FIELDS = {**tiny.FIELDS, "transform": [], "context": CONTEXT, "reach": REACH, "reach_rise": [4, 8],
          "frames_beyond": 2 * REACH}


def model(**changes):
  return BootstrappedHGN(BootstrappedHGNConfig.from_dict({**FIELDS, **changes}))


def films(n=4, seed=1):
  return tf.random.stateless_uniform((n, tiny.FRAMES, tiny.SIZE, tiny.SIZE, 3), (0, seed))


class EncoderTest(tf.test.TestCase):

  def test_sees_the_first_frames_of_a_film_alone(self):
    hgn, x = model(), films()
    mean = hgn.encode(x).mean()
    cut = tf.concat([x[:, :CONTEXT], 1.0 - x[:, CONTEXT:]], axis=1)
    self.assertAllEqual(hgn.encode(cut).mean(), mean)
    other = tf.concat([1.0 - x[:, :1], x[:, 1:]], axis=1)
    self.assertNotAllClose(hgn.encode(other).mean(), mean)
    self.assertEqual(hgn.reconstruct(x, 40).shape, (4, 41, tiny.SIZE, tiny.SIZE, 3))


class ReachTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters((0, 0), (3, 0), (4, 2), (6, 4), (8, 6), (100, 6))
  def test_rises_on_schedule(self, step, frames):
    self.assertEqual(int(model().reach_at(tf.constant(step))), frames)

  def test_nothing_beyond_the_film(self):
    hgn = model(reach=0)
    self.assertEqual(int(hgn.reach_at(tf.constant(100))), 0)
    self.assertTrue(np.isfinite(hgn.objective(films(), tf.constant(100))[2]))

  def test_teachers_are_the_outermost_windows(self):
    hgn, x = model(), films()
    first, last = (hgn.initial_state(hgn.encoder(window)[0]) for window in (x[:, :CONTEXT], x[:, -CONTEXT:]))
    step = tf.constant(100)

    def error(before, after):
      return float(hgn.error_beyond(before, after, x, tf.constant([0, 1])))

    right = (hgn.rollout(first, REACH, -hgn.config.dt).q[:, :0:-1],
             hgn.rollout(last, CONTEXT - 1 + REACH).q[:, CONTEXT:])
    self.assertEqual(right[1].shape[1], int(hgn.reach_at(step)))
    self.assertLess(error(*right), 1e-10)
    wrong = (tf.reverse(right[0], [1]), right[1]), (right[0], tf.roll(right[1], 1, axis=1)), right[::-1]
    self.assertGreater(min(error(*pair) for pair in wrong), 1e-7)

  def test_teachers_are_not_taught(self):
    hgn, x = model(), films()
    still = tf.zeros((4, REACH, 2, 2, 2))
    with tf.GradientTape() as tape:
      error = hgn.error_beyond(still, still, x, tf.constant([0, 1]))
    encoder = hgn.encoder.trainable_weights[0].value
    slopes = tape.gradient(error, [encoder, hgn.decoder.trainable_weights[0].value])
    self.assertIsNone(slopes[0])
    self.assertIsNotNone(slopes[1])


class TrainingTest(tf.test.TestCase):

  def test_fit_learns(self):
    frames = data.train_batches(tiny.DATASET, batch_size=4, size=tiny.SIZE, data_dir=tiny.data_dir())
    hgn = model()
    hgn.compile()
    history = hgn.fit(frames, steps_per_epoch=10, epochs=4, verbose=0).history
    self.assertTrue(np.isfinite(history["loss"]).all())
    self.assertLess(history["mse"][-1], 0.8 * history["mse"][0])

  def test_randomness_is_a_function_of_the_step(self):
    hgn, x = model(), films()
    losses = [float(hgn.objective(x, tf.constant(step))[2]) for step in (9, 9, 10)]
    self.assertEqual(losses[0], losses[1])
    self.assertNotEqual(losses[0], losses[2])

  def test_comes_back_from_its_config(self):
    hgn = model()
    copy = make(BootstrappedHGNConfig.from_dict(hgn.config.to_dict()))
    copy.set_weights(hgn.get_weights())
    self.assertIsInstance(copy, BootstrappedHGN)
    self.assertAllEqual(copy(films()), hgn(films()))


class BadInputTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(
      (dict(context=0), "context must be in .1, 30., got 0"),
      (dict(context=31), "context must be in .1, 30., got 31"),
      (dict(reach=-1), "reach must be at least 0, got -1"),
      (dict(frames_beyond=0), "frames_beyond must be at least 1, got 0"))
  def test_fields(self, fields, message):
    with self.assertRaisesRegex(ValueError, message):
      presets.get("hgn_bootstrapped", **fields)


if __name__ == "__main__":
  tf.test.main()
