"""Multilayer perceptrons."""

import functools

import keras

from hgn_tf.networks.precision import sequential


def mlp(hidden, outputs, activation, kernel_initializer="glorot_uniform", dtype=None, name=None):
  """A multilayer perceptron with a linear output, as a keras.Sequential.

  Args:
    hidden: widths of the hidden layers.
    outputs: width of the output.
    activation: of the hidden layers.
    kernel_initializer: of every layer.
    dtype: Keras dtype policy.
    name: of the model.
  """
  dense = functools.partial(keras.layers.Dense, kernel_initializer=kernel_initializer, dtype=dtype)
  return sequential([*(dense(width, activation) for width in hidden), dense(outputs)], dtype, name)


def orthogonal_mlp(inputs, hidden, outputs, activation, weight_decay=0.0, dtype=None, name=None):
  """The net of the HNN repository: orthogonal kernels, torch's uniform biases, none on the last layer; built.

  Args:
    inputs: width of the input.
    hidden: widths of the hidden layers.
    outputs: width of the output.
    activation: of the hidden layers.
    weight_decay: w adds w/2 |weights|^2 to the loss.
    dtype: Keras dtype policy.
    name: of the model.
  """
  penalty = keras.regularizers.L2(weight_decay / 2) if weight_decay else None
  dense = functools.partial(keras.layers.Dense, kernel_initializer="orthogonal", kernel_regularizer=penalty,
                            dtype=dtype)
  net, width = sequential([], dtype, name), inputs
  for units in hidden:
    biases = keras.initializers.RandomUniform(-width ** -0.5, width ** -0.5)
    net.add(dense(units, activation, bias_initializer=biases, bias_regularizer=penalty))
    width = units
  net.add(dense(outputs, use_bias=False))
  net.build((None, inputs))
  return net
