"""Scalar energies: nets from a state, flat or on a grid, to one number."""

import math

import keras
import tensorflow as tf

from hgn_tf.networks.conv_matrices import affine_maps, affine_product
from hgn_tf.networks.convolutions import conv_stack
from hgn_tf.networks.mlp import mlp

_LEAST_SQUARE = 0.01  # of a length: its logarithm stays smooth


class MLPEnergy(keras.layers.Layer):
  """A scalar energy E(x) = MLP(x), [batch, d] -> [batch].

  Args:
    hidden: widths of the hidden layers.
    activation: twice differentiable (softplus, tanh): its second derivatives train the dynamics.
    kernel_initializer: of every layer.
    residual: add |x|^2 / 2, a unit oscillator, so that states move before anything is learned.
  """

  def __init__(self, hidden=(128, 128), activation="softplus", kernel_initializer="glorot_uniform", residual=False,
               **kwargs):
    super().__init__(**kwargs)
    self.hidden, self.activation, self.kernel_initializer = tuple(hidden), activation, kernel_initializer
    self.residual = residual
    self.net = mlp(hidden, 1, activation, kernel_initializer, self.dtype_policy)

  def build(self, input_shape):
    self.net.build(input_shape)

  def call(self, x):
    energy = tf.cast(self.net(x)[..., 0], self.variable_dtype)
    return energy + 0.5 * tf.reduce_sum(x ** 2, axis=-1) if self.residual else energy

  def get_config(self):
    return {**super().get_config(), "hidden": self.hidden, "activation": self.activation,
            "kernel_initializer": self.kernel_initializer, "residual": self.residual}


class ConvEnergy(keras.layers.Layer):
  """A scalar energy of a grid: E(x) = sum over space of a softplus conv net, [batch, h, w, c] -> [batch].

  Args:
    convs: tuple of (filters, kernel, stride); the last has one filter, or is followed by a 1x1 projection to one.
    residual: add |x|^2 / 2, a unit oscillator, so that states move before anything is learned.
  """

  def __init__(self, convs, residual=True, dtype="float32", **kwargs):
    super().__init__(dtype=dtype, **kwargs)
    self.convs, self.residual = tuple(map(tuple, convs)), residual

  def build(self, input_shape):
    self.net = conv_stack(self.convs, "softplus", "glorot_uniform", input_shape[1:], dtype=self.dtype_policy)

  def call(self, x):
    return self.total(x, self.net(x))

  def dense(self):
    """The same energy with each convolution as a matrix product on the flattened grid, if the matrices stay small.

    On a 4x4 grid the scan and its gradients take half the time of the convolutions on a CPU. The matrices are built
    here, once, outside the loop that evaluates the energy. An energy whose matrices are too large is returned as it
    is.

    Returns:
      Callable [batch, h, w, c] -> [batch].
    """
    maps = affine_maps(self.net.layers)
    if maps is None:
      return self

    def energy(x):
      h = x
      for matrix, bias in maps[:-1]:
        h = tf.nn.softplus(affine_product(h, matrix, bias))
      return self.total(x, affine_product(h, *maps[-1]))

    return energy

  def total(self, x, densities):
    """The energy of x [batch, ...] whose net gave `densities`, in any shape of batch-major order."""
    total = tf.reduce_sum(tf.reshape(densities, [tf.shape(x)[0], -1]), axis=1)
    return total + 0.5 * tf.reduce_sum(tf.square(x), axis=(1, 2, 3)) if self.residual else total

  def get_config(self):
    return {**super().get_config(), "convs": self.convs, "residual": self.residual}


class FlatGridEnergy(keras.layers.Layer):
  """A scalar energy of a grid that comes as a row of numbers: sum of 3x3 convolutions, [batch, h w c] -> [batch].

  Args:
    grid: (h, w, c).
    filters: of the hidden convolutions, softplus between them.
    kernel_initializer: of these.
  """

  def __init__(self, grid, filters, kernel_initializer="glorot_uniform", **kwargs):
    super().__init__(**kwargs)
    self.grid, self.filters, self.kernel_initializer = tuple(grid), tuple(filters), kernel_initializer

  def build(self, input_shape):
    del input_shape
    convs = [(width, 3, 1) for width in (*self.filters, 1)]
    self.net = conv_stack(convs, "softplus", self.kernel_initializer, self.grid, dtype=self.dtype_policy)

  def call(self, x):
    energies = self.net(tf.reshape(x, [-1, *self.grid]))
    return tf.cast(tf.reduce_sum(energies, axis=(1, 2, 3)), self.variable_dtype)

  def get_config(self):
    return {**super().get_config(), "grid": self.grid, "filters": self.filters,
            "kernel_initializer": self.kernel_initializer}


class QuadraticKinetic(keras.layers.Layer):
  """K(p) = |p|^2 / (2 m) with one learned mass, [batch, d] -> [batch].

  Args:
    mass: m at the start.
  """

  def __init__(self, mass=1.0, **kwargs):
    super().__init__(**kwargs)
    self.mass = mass

  def build(self, input_shape):
    del input_shape
    initializer = keras.initializers.Constant(math.log(self.mass))
    self.log_mass = self.add_weight(shape=(), initializer=initializer, name="log_mass")

  def call(self, p):
    return 0.5 * tf.reduce_sum(p ** 2, axis=-1) * tf.exp(-tf.convert_to_tensor(self.log_mass))

  def get_config(self):
    return {**super().get_config(), "mass": self.mass}


class OscillatorEnergy(keras.layers.Layer):
  """E(x) = |Lx|^2 / 2, coupled oscillators, plus power laws of distances and an MLP; [batch, d] -> [batch].

  The MLP sees x and ln |A_k x + b_k|, the logarithms of the lengths of learned projections to the plane: how far apart
  two things are is such a length in any linear coordinates, and no sum of ridges finds 1 / r at a close encounter. The
  power laws sum_k a_k (|A_k x + b_k|^2 + e_k)^(-s_k / 2), of projections of their own, learn strengths, softening and
  exponents: unlike an MLP they go on where no film has been. All of it learns `gain` times as fast as other layers do
  with Adam, since its weights are a `gain`-th of what it computes with: a force field is found late in training
  otherwise (docs/law.md).

  Args:
    hidden: widths of the MLP's hidden layers; empty: no MLP, as of a kinetic energy with learned masses.
    radii: projections that the MLP sees.
    gain: see above.
    activation: twice differentiable, of the MLP.
    powers: how many power laws.
  """

  def __init__(self, hidden=(), radii=0, gain=1.0, activation="softplus", powers=0, **kwargs):
    super().__init__(**kwargs)
    self.hidden, self.radii, self.gain, self.activation = tuple(hidden), radii, gain, activation
    self.powers = powers

  def build(self, input_shape):
    size = input_shape[-1]
    self.root = self.add_weight(shape=(size, size), name="root",
                                initializer=keras.initializers.Identity(1.0 / self.gain))
    if self.powers:
      self._add_powers(size)
    if not self.hidden:
      return
    if self.radii:
      self.projections = gained_dense(2 * self.radii, size, 1.5, self.gain, self.dtype_policy)
    widths = (size + self.radii, *self.hidden)
    self.layers = [gained_dense(units, inputs, 1.0, self.gain, self.dtype_policy)
                   for inputs, units in zip(widths, self.hidden, strict=False)]
    self.last = keras.layers.Dense(1, use_bias=False, dtype=self.dtype_policy,
                                   kernel_initializer=keras.initializers.RandomNormal(stddev=0.03 / self.gain))
    self.last.build((None, widths[-1]))

  def _add_powers(self, size):
    self.separations = gained_dense(2 * self.powers, size, 1.5, self.gain, self.dtype_policy)
    add = lambda name, value, spread=0.0: self.add_weight(  # noqa: E731
        shape=(self.powers,), name=name,
        initializer=keras.initializers.RandomNormal(value / self.gain, spread / self.gain))
    self.strengths, self.exponents = add("strengths", 0.0, 0.03), add("exponents", 1.0)
    self.log_softening = add("log_softening", math.log(0.1))

  def call(self, x):
    energy = 0.5 * tf.reduce_sum((self.gain * tf.matmul(x, tf.convert_to_tensor(self.root))) ** 2, axis=-1)
    if self.powers:
      energy += self._power_laws(x)
    return tf.cast(energy + self._mlp(x) if self.hidden else energy, self.variable_dtype)

  def _power_laws(self, x):
    strengths, exponents, log_softening = (
        self.gain * tf.convert_to_tensor(v) for v in (self.strengths, self.exponents, self.log_softening))
    squared = self._squares(self.separations, x) + tf.exp(log_softening)
    return tf.reduce_sum(strengths * tf.exp(-0.5 * exponents * tf.math.log(squared)), axis=-1)

  def _squares(self, projections, x):
    """|A_k x + b_k|^2, [batch, k]."""
    planes = self.gain * projections(x)
    return tf.reduce_sum(tf.reshape(planes, [-1, 2, planes.shape[-1] // 2]) ** 2, axis=1)

  def _mlp(self, x):
    h, activation = x, keras.activations.get(self.activation)
    if self.radii:
      h = tf.concat([x, 0.5 * tf.math.log(self._squares(self.projections, x) + _LEAST_SQUARE)], axis=-1)
    for layer in self.layers:
      h = activation(self.gain * layer(h))
    return self.gain * self.last(h)[..., 0]

  def get_config(self):
    return {**super().get_config(), "hidden": self.hidden, "radii": self.radii, "gain": self.gain,
            "activation": self.activation, "powers": self.powers}


def gained_dense(units, inputs, scale, gain, dtype=None):
  """A built keras.layers.Dense whose output, times the gain, has Glorot's weights times `scale`."""
  initializer = keras.initializers.VarianceScaling((scale / gain) ** 2, "fan_avg", "uniform")
  layer = keras.layers.Dense(units, kernel_initializer=initializer, dtype=dtype)
  layer.build((None, inputs))
  return layer
