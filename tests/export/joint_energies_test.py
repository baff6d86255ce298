"""Models whose energies do not separate, and their rows that do not converge, are served like any others."""

import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from export.rollout import functions, servable
from export.status import Status
from hgn_tf.models import CompactHGN, CompactHGNConfig

_FIELDS = dict(num_frames=4, size=8, channels=1, pairs=2, context=2, maps=2, encoder_hidden=(4,), units=2,
               decoder_hidden=(4,), potential_hidden=(4,), factor_hidden=(4,), pixels_per_frame=4, frames_per_step=2,
               nearest=1)


class JointEnergiesTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters("joint", "mass_matrix")
  def test_rows_are_answered_as_the_model_does_and_alone(self, kind):
    model = CompactHGN(CompactHGNConfig(energy_kind=kind, method="implicit_midpoint", **_FIELDS))
    frames = tf.random.stateless_uniform((3, 4, 8, 8, 1), (0, 1))
    answer = tf.function(functions(model, max_steps=5).rollout, autograph=False)(
        frames, tf.constant([0.1, 500.0, 0.1]), tf.constant([3, 3, 3]))
    self.assertAllEqual(answer["status"], [Status.OK, Status.DIVERGED, Status.OK])
    rows = [0, 2]
    self.assertAllClose(tf.gather(answer["frames"], rows), model.reconstruct(tf.gather(frames, rows), 3, dt=0.1),
                        atol=1e-5)
    self.assertAllClose(tf.gather(answer["energy"], rows), model.energy(model.rollout(
        model.infer(tf.gather(frames, rows)), 3, 0.1)), atol=1e-4)

  @parameterized.parameters("joint", "mass_matrix")
  def test_the_variables_of_the_energy_are_exported(self, kind):
    model = CompactHGN(CompactHGNConfig(energy_kind=kind, method="implicit_midpoint", **_FIELDS))
    found = [np.asarray(v) for v in servable(model, max_steps=5).variables]
    layers = [model.joint] if kind == "joint" else [model.potential, model.factor]
    for variable in (v for layer in layers for v in layer.variables):
      self.assertTrue(any(x.shape == variable.shape and np.array_equal(x, variable) for x in found), variable.path)


if __name__ == "__main__":
  tf.test.main()
