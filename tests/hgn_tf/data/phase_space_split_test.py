import tensorflow as tf
from absl.testing import parameterized

import hgn_tf
from hgn_tf.mechanics.phase_space import PhaseSpace


class PhaseSpaceTest(parameterized.TestCase, tf.test.TestCase):

  def test_is_the_public_name(self):
    self.assertIs(hgn_tf.PhaseSpace, PhaseSpace)

  @parameterized.parameters(-1, 1, 2)
  def test_merge_inverts_split(self, axis):
    x = tf.random.stateless_normal((2, 4, 6), (0, 1))
    state = PhaseSpace.split(x, axis)
    self.assertEqual(state.q.shape, state.p.shape)
    self.assertAllEqual(state.merge(axis), x)

  def test_positions_come_first(self):
    state = PhaseSpace.split(tf.constant([[1.0, 2.0, 3.0, 4.0]]))
    self.assertAllEqual(state.q, [[1.0, 2.0]])
    self.assertAllEqual(state.p, [[3.0, 4.0]])

  def test_odd_axis(self):
    with self.assertRaisesRegex(ValueError, r"axis -1 of x must have even length, got shape \(2, 5\)"):
      PhaseSpace.split(tf.zeros((2, 5)))

  def test_unknown_axis(self):
    with self.assertRaisesRegex(ValueError, "must have even length"):
      tf.function(PhaseSpace.split).get_concrete_function(tf.TensorSpec((2, None)))
