"""The energies that are served are those of the model."""

import itertools

import tensorflow as tf
from absl.testing import parameterized

from export.energies import ServedEnergy, served
from hgn_tf import networks
from hgn_tf.mechanics.hamiltonians import gradient

STACKS = {
    "patches": ((4, 4), 6, ((8, 3, 1), (10, 2, 2), (9, 2, 1), (7, 2, 2), (1, 2, 1))),
    "several_outputs": ((3, 4), 2, ((4, 3, 1), (2, 1, 1))),
    "one_convolution": ((2, 2), 3, ((1, 3, 1),)),
}


class ServedEnergyTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(*itertools.product(STACKS, (False, True), (1, 5)))
  def test_energy_and_gradient_are_the_layers(self, name, residual, rows):
    (height, width), channels, convs = STACKS[name]
    layer = networks.ConvEnergy(convs, residual, dtype="float64")
    layer.build((None, height, width, channels))
    for weight in layer.trainable_weights:
      weight.assign(tf.random.stateless_normal(weight.shape, (0, len(weight.shape)), dtype=tf.float64))
    x = tf.random.stateless_normal((rows, height, width, channels), (1, 2), dtype=tf.float64)
    energy = served(layer)
    self.assertIsInstance(energy, ServedEnergy)
    self.assertAllClose(energy(x), layer(x), rtol=1e-10)
    self.assertAllClose(gradient(energy, x), gradient(layer, x), rtol=1e-10, atol=1e-12)
    self.assertGreater(float(tf.norm(gradient(layer, x))), 0.01)

  def test_an_energy_of_large_matrices_is_served_as_it_is(self):
    layer = networks.ConvEnergy(((64, 3, 1), (64, 3, 1), (1, 1, 1)))
    layer.build((None, 4, 4, 64))
    self.assertIs(served(layer), layer)


if __name__ == "__main__":
  tf.test.main()
