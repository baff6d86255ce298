import itertools

import keras
import numpy as np
import tensorflow as tf
from absl.testing import parameterized

from hgn_tf import networks
from hgn_tf.models import HGNConfig


def normal(*shape, seed=0, dtype=tf.float32):
  return tf.random.stateless_normal(shape, (seed, 7), dtype=dtype)


def randomize(layer):
  """Weights that are nowhere zero, biases included."""
  for i, weight in enumerate(layer.weights):
    weight.assign(0.3 * normal(*weight.shape, seed=i, dtype=weight.dtype))
  return layer


def built(layer, *input_shape):
  layer.build((None, *input_shape))
  return randomize(layer)


class UpsampleConvTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(*itertools.product((1, 2, 5), (1, 4)))
  def test_equals_upsampling_then_convolving(self, size, channels):
    layer = built(networks.UpsampleConv(6), size, size + 1, channels)
    x = normal(3, size, size + 1, channels)

    def plain(x):
      up = tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)
      return tf.nn.conv2d(up, layer.kernel, 1, "SAME") + layer.bias

    results = []
    for f in (layer, plain):
      with tf.GradientTape() as tape:
        tape.watch(x)
        y = f(x)
        loss = tf.reduce_sum(tf.sin(y))
      results.append([y, *tape.gradient(loss, [x, layer.kernel.value, layer.bias.value])])
    for ours, theirs in zip(*results, strict=True):
      self.assertAllClose(ours, theirs, rtol=1e-4, atol=1e-4)

  def test_half_precision(self):
    layer = built(networks.UpsampleConv(6, dtype="mixed_bfloat16"), 4, 4, 3)
    y = layer(normal(2, 4, 4, 3))
    self.assertEqual((y.dtype, layer.kernel.dtype, y.shape), (tf.bfloat16, "float32", (2, 8, 8, 6)))


_STACKS = {
    "released": ((4, 4), 6, HGNConfig().energy),
    "small_filters": ((4, 4), 3, ((5, 3, 1), (4, 2, 2), (3, 2, 1), (4, 2, 2), (1, 2, 1))),
    "patches_first": ((4, 4), 3, ((5, 2, 2), (1, 1, 1))),
    "patches_twice": ((8, 4), 2, ((4, 3, 1), (5, 2, 2), (6, 2, 2), (1, 1, 1))),
    "does_not_fit": ((5, 3), 2, ((4, 3, 1), (5, 2, 2), (1, 3, 2))),
    "one": ((2, 2), 3, ((1, 3, 1),)),
}


class ConvEnergyTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(*itertools.product(_STACKS, (False, True)))
  def test_dense_equals_the_convolutions(self, name, residual):
    (height, width), channels, convs = _STACKS[name]
    energy = built(networks.ConvEnergy(convs, residual, dtype="float64"), height, width, channels)
    x = normal(5, height, width, channels, dtype=tf.float64)
    variables = [weight.value for weight in energy.trainable_weights]

    def results(make):
      with tf.GradientTape() as outer:
        f = make()
        with tf.GradientTape() as tape:
          tape.watch(x)
          y = f(x)
        force = tape.gradient(y, x)
        loss = tf.reduce_sum(force ** 2)
      return [y, force, *outer.gradient(loss, variables, unconnected_gradients="zero")]

    for dense, conv in zip(results(energy.dense), results(lambda: energy), strict=True):
      self.assertAllClose(dense, conv, rtol=1e-10, atol=1e-10)
    self.assertGreater(np.ptp(results(energy.dense)[0]), 0.01)

  def test_large_matrices_are_not_built(self):
    energy = built(networks.ConvEnergy(((64, 3, 1), (64, 3, 1), (1, 1, 1))), 4, 4, 64)
    self.assertIs(energy.dense(), energy)

  def test_residual_is_a_unit_oscillator(self):
    convs, x = ((4, 2, 2), (1, 1, 1)), normal(3, 4, 4, 2)
    plain, residual = (built(networks.ConvEnergy(convs, r), 4, 4, 2) for r in (False, True))
    self.assertAllClose(residual(x) - plain(x), tf.reduce_sum(x ** 2, (1, 2, 3)) / 2)

  def test_energy_has_second_derivatives(self):
    energy, x = built(networks.ConvEnergy(((4, 2, 2), (1, 1, 1)), False), 4, 4, 2), normal(1, 4, 4, 2)
    with tf.GradientTape() as outer:
      outer.watch(x)
      with tf.GradientTape() as tape:
        tape.watch(x)
        y = energy(x)
      force = tape.gradient(y, x)
    self.assertGreater(np.abs(outer.jacobian(force, x)).max(), 1e-4)


class FactorsTest(tf.test.TestCase):

  def test_bounds_hold_however_far_away(self):
    far = 1e6 * normal(50, 3)
    factor = built(networks.CholeskyFactor((8,), most=2.0), 3)(far)
    self.assertLessEqual(float(tf.reduce_max(tf.abs(factor))), 2.7)
    self.assertGreater(float(tf.reduce_min(tf.linalg.diag_part(factor))), 0.2)
    self.assertGreater(float(tf.reduce_max(tf.abs(built(networks.CholeskyFactor((8,)), 3)(far)))), 1e4)
    friction = built(networks.Friction((8,), most=0.5), 3)(far)
    self.assertAllInRange(friction, 0.0, 0.5)

  def test_masses_start_near_one(self):
    factor = networks.CholeskyFactor((8,), most=2.0)
    factor.build((None, 3))
    self.assertAllClose(factor(normal(50, 3)), tf.eye(3, batch_shape=[50]), atol=0.3)


class EncoderTest(tf.test.TestCase):

  def test_frames_are_stacked_on_channels_in_order(self):
    encoder = built(networks.Encoder(((4, 2, 2), (6, 4, 1))), 3, 8, 8, 2)
    frames = normal(2, 3, 8, 8, 2)
    mean, log_std = encoder(frames)
    self.assertEqual((mean.shape, log_std.shape), ((2, 4, 4, 3), (2, 4, 4, 3)))
    stacked = tf.concat(tf.unstack((frames - encoder.centre.value) * encoder.scale.value, axis=1), axis=-1)
    narrow = encoder.log_std_offset.value
    self.assertAllClose(tf.concat([mean, log_std - narrow], -1), encoder.net(stacked), rtol=1e-5, atol=1e-5)

  def test_posterior_starts_narrow(self):
    encoder = networks.Encoder(((4, 2, 2), (6, 4, 1)))
    encoder.build((None, 3, 8, 8, 2))
    self.assertEqual(float(encoder.log_std_offset), -4.0)

  def test_posterior_is_float32_whatever_the_convolutions_are(self):
    encoder = built(networks.Encoder(((4, 2, 2), (6, 4, 1)), dtype="mixed_bfloat16"), 3, 8, 8, 2)
    self.assertEqual([x.dtype for x in encoder(normal(2, 3, 8, 8, 2))], [tf.float32] * 2)


class DecoderTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(networks.Decoder, networks.ResidualDecoder)
  def test_images(self, make):
    for dtype in ("float32", "mixed_bfloat16"):
      decoder = built(make(8, 3, dtype=dtype), 2, 2, 5)
      images = decoder(normal(4, 2, 2, 5))
      self.assertEqual((images.dtype, images.shape), (tf.float32, (4, 16, 16, 3)))
      self.assertAllInRange(images, 0.0, 1.0)
      self.assertGreater(np.ptp(images), 1e-3)

  def test_constant_channels_start_at_one_and_learn(self):
    decoder = networks.Decoder(8, 3)
    decoder.build((None, 2, 2, 5))
    self.assertAllEqual(decoder.constant, tf.ones((2, 2, 2)))
    with tf.GradientTape() as tape:
      loss = tf.reduce_sum(decoder(normal(4, 2, 2, 5)))
    self.assertGreater(np.abs(tape.gradient(loss, decoder.constant.value)).max(), 0.0)

  def test_residual_block_by_hand(self):
    decoder = built(networks.ResidualDecoder(8, 3), 1, 1, 8)
    block = decoder.net.layers
    x = normal(2, 1, 1, 8)
    up = [layer for layer in block if isinstance(layer, networks.UpsampleConv)][0]
    convs = [layer for layer in block if isinstance(layer, keras.layers.Conv2D)]
    first = [layer for layer in convs if layer.kernel_size == (3, 3)][0]
    branch = tf.nn.leaky_relu(first(tf.nn.leaky_relu(up(x), 0.2)), 0.2)
    expected = tf.sigmoid(tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2) + branch)
    closing = [layer for layer in block if isinstance(layer, keras.layers.Activation)][0]
    self.assertAllClose(keras.Model(decoder.net.inputs, closing.output)(x), expected, rtol=1e-5, atol=1e-5)


_LAYERS = {
    "mlp_energy": (lambda: networks.MLPEnergy((8, 4), "tanh", "orthogonal"), (3,)),
    "conv_energy": (lambda: networks.ConvEnergy(((4, 2, 2), (1, 1, 1)), residual=False), (4, 4, 2)),
    "encoder": (lambda: networks.Encoder(((4, 2, 2), (6, 4, 1)), log_std_offset=-1.0), (3, 8, 8, 2)),
    "flat_grid_energy": (lambda: networks.FlatGridEnergy((2, 2, 2), (3,)), (8,)),
    "upsample_conv": (lambda: networks.UpsampleConv(6, "glorot_uniform"), (4, 4, 3)),
    "decoder": (lambda: networks.Decoder(8, 1, constant_channels=3, activation="linear"), (2, 2, 5)),
    "residual_decoder": (lambda: networks.ResidualDecoder(8, 1), (2, 2, 5)),
}


class ConfigTest(parameterized.TestCase, tf.test.TestCase):

  @parameterized.parameters(*_LAYERS)
  def test_layer_comes_back_from_its_config(self, name):
    make, shape = _LAYERS[name]
    layer = make()
    copy = type(layer).from_config(layer.get_config())
    for each in (layer, copy):
      each.build((None, *shape))
    copy.set_weights(randomize(layer).get_weights())
    for ours, theirs in zip(*(tf.nest.flatten(f(normal(2, *shape))) for f in (copy, layer)), strict=True):
      self.assertAllEqual(ours, theirs)
