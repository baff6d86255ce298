"""The variables of the energies of a flow are found by whatever trains or stores it."""

import keras
import numpy as np
import tensorflow as tf
import tensorflow_probability as tfp
from absl.testing import parameterized

from hgn_tf.flows.bijectors import HamiltonianFlow, HamiltonianStep
from hgn_tf.mechanics.hamiltonians import Separable
from hgn_tf.networks import MLPEnergy

tfd = tfp.distributions


class Energies:
  """A separable Hamiltonian of somebody else's, which is no tf.Module."""

  def __init__(self, kinetic, potential):
    self.kinetic, self.potential = kinetic, potential


def energies(built):
  found = MLPEnergy((4,)), MLPEnergy((4,))
  for energy in found if built else ():
    energy.build((None, 2))
  return found


def density(hamiltonian):
  flow = HamiltonianFlow([HamiltonianStep(hamiltonian, tf.Variable(0.1))])
  return tfd.TransformedDistribution(tfd.Sample(tfd.Normal(0.0, 1.0), 4), flow)


class VariablesTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.product(kind=[Separable, Energies], built=[True, False])
  def test_tf_module_and_checkpoint_find_all(self, kind, built):
    kinetic, potential = energies(built)
    model = density(kind(kinetic, potential))
    model.log_prob(tf.zeros((2, 4)))
    self.assertLen(model.trainable_variables, 9)
    path = tf.train.Checkpoint(model=model).save(f"{self.get_temp_dir()}/checkpoint")
    before = [v.numpy() for v in model.variables]
    for variable in model.variables:
      variable.assign_add(tf.ones_like(variable))
    tf.train.Checkpoint(model=model).restore(path)
    for variable, value in zip(model.variables, before, strict=True):
      self.assertAllEqual(variable, value)

  def test_frozen_energies_are_not_trained(self):
    kinetic, potential = energies(True)
    kinetic.trainable = False
    self.assertLen(density(Separable(kinetic, potential)).trainable_variables, 5)

  def test_separable_is_found_alone(self):
    hamiltonian, module = Separable(*energies(True)), tf.Module()
    module.hamiltonian = hamiltonian
    model = keras.Model()
    model.hamiltonian = hamiltonian
    for holder in (hamiltonian, module, model):
      self.assertLen(holder.trainable_variables, 8)

  def test_a_loop_over_the_variables_trains_the_energies(self):
    model = density(Separable(*energies(True)))
    x = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32) * [0.5, 0.5, 1.0, 1.0]
    x, losses = tf.constant(x, tf.float32), []
    for _ in range(5):
      with tf.GradientTape() as tape:
        losses.append(-tf.reduce_mean(model.log_prob(x)))
      variables = model.trainable_variables
      gradients = tape.gradient(losses[-1], variables, unconnected_gradients=tf.UnconnectedGradients.ZERO)
      for variable, gradient in zip(variables, gradients, strict=True):
        variable.assign_sub(0.02 * gradient)
      moved = sum(float(tf.reduce_max(tf.abs(gradient))) > 0.0 for gradient in gradients)
    self.assertEqual(moved, 7)  # all but the constants of the two energies
    self.assertLess(float(losses[-1]), float(losses[0]))


if __name__ == "__main__":
  tf.test.main()
