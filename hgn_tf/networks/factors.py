"""Positive things that depend on where one is: factors of mass matrices, and friction."""

import math

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from hgn_tf.networks.convolutions import conv_stack
from hgn_tf.networks.mlp import mlp

_ONE = math.log(math.e - 1.0)  # softplus of it is 1
_START = 0.1  # of the last layer's usual weights


class CholeskyFactor(keras.layers.Layer):
  """L(x) of a net, near the identity at the start: [batch, ..., d] -> [batch, ..., d, d].

  Of vectors the net is an MLP. Of a grid it is a stack of 3x3 convolutions, and gives a matrix at each place.

  Args:
    hidden: widths of the hidden layers.
    activation: twice differentiable.
    gain: how many times as fast as other layers it learns, with Adam.
    most: none of the numbers that L is made of (see `triangular`) exceeds it in size; None: no bound. Without one a
      rollout that leaves what the MLP was trained on gains speed, goes further, and ends in NaN.
  """

  def __init__(self, hidden=(64,), activation="softplus", gain=1.0, most=None, **kwargs):
    super().__init__(**kwargs)
    self.hidden, self.activation, self.gain, self.most = tuple(hidden), activation, gain, most

  def build(self, input_shape):
    numbers = input_shape[-1] * (input_shape[-1] + 1) // 2
    if len(input_shape) == 4:
      convs = (*((width, 3, 1) for width in self.hidden), (numbers, 1, 1))
      self.net = conv_stack(convs, self.activation, "glorot_uniform", input_shape[1:], self.dtype_policy)
    else:
      self.net = mlp(self.hidden, numbers, self.activation, dtype=self.dtype_policy)
      self.net.build(input_shape)
    last = self.net.layers[-1].kernel
    last.assign(_START / self.gain * last)

  def call(self, x):
    numbers = tf.cast(self.gain * self.net(x), self.variable_dtype)
    return triangular(numbers if self.most is None else self.most * tf.tanh(numbers / self.most))

  def get_config(self):
    return {**super().get_config(), "hidden": self.hidden, "activation": self.activation, "gain": self.gain,
            "most": self.most}


class Friction(keras.layers.Layer):
  """Coefficients of friction, between 0 and `most`, of an MLP: [batch, d] -> [batch, d].

  A rollout back in time gains what friction takes: without a bound, where the MLP was never trained, it runs away.

  Args:
    hidden: widths of the hidden layers.
    activation: of them.
    start: what all of them are about at first.
    most: what none exceeds, over the unit of time.
    gain: how many times as fast as other layers it learns, with Adam.
  """

  def __init__(self, hidden=(), activation="softplus", start=0.02, most=1.0, gain=1.0, **kwargs):
    super().__init__(**kwargs)
    self.hidden, self.activation, self.gain = tuple(hidden), activation, gain
    self.start, self.most = start, most

  def build(self, input_shape):
    self.net = mlp(self.hidden, input_shape[-1], self.activation, dtype=self.dtype_policy)
    self.net.build(input_shape)
    last = self.net.layers[-1].kernel
    last.assign(_START / self.gain * last)

  def call(self, x):
    level = math.log(self.start / (self.most - self.start))
    return self.most * tf.nn.sigmoid(tf.cast(self.gain * self.net(x), self.variable_dtype) + level)

  def get_config(self):
    return {**super().get_config(), "hidden": self.hidden, "activation": self.activation, "start": self.start,
            "most": self.most, "gain": self.gain}


class InputMatrix(keras.layers.Layer):
  """G(x) of an MLP, about 0 at first: what each input does to each coordinate; [batch, d] -> [batch, d, inputs].

  Args:
    inputs: how many there are.
    hidden: widths of the hidden layers; empty: linear in x.
    activation: of them.
    gain: how many times as fast as other layers it learns, with Adam.
  """

  def __init__(self, inputs, hidden=(), activation="softplus", gain=1.0, **kwargs):
    super().__init__(**kwargs)
    self.inputs, self.hidden, self.activation, self.gain = inputs, tuple(hidden), activation, gain

  def build(self, input_shape):
    self.net = mlp(self.hidden, input_shape[-1] * self.inputs, self.activation, dtype=self.dtype_policy)
    self.net.build(input_shape)
    last = self.net.layers[-1].kernel
    last.assign(_START / self.gain * last)

  def call(self, x):
    flat = tf.cast(self.gain * self.net(x), self.variable_dtype)
    return tf.reshape(flat, [-1, x.shape[-1], self.inputs])

  def get_config(self):
    return {**super().get_config(), "inputs": self.inputs, "hidden": self.hidden, "activation": self.activation,
            "gain": self.gain}


def triangular(numbers):
  """The lower triangular matrix of d (d + 1) / 2 numbers; zeros give the identity. [..., n] -> [..., d, d]."""
  matrix = tfp.math.fill_triangular(numbers)
  return tf.linalg.set_diag(matrix, tf.nn.softplus(tf.linalg.diag_part(matrix) + _ONE))
