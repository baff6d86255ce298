"""Multilayer perceptrons."""

import functools

import keras


def mlp(hidden, outputs, activation, kernel_initializer="glorot_uniform", name=None):
  """A multilayer perceptron with a linear output, as a keras.Sequential.

  Args:
    hidden: widths of the hidden layers.
    outputs: width of the output.
    activation: of the hidden layers.
    kernel_initializer: of every layer.
    name: of the model.
  """
  layers = [keras.layers.Dense(width, activation, kernel_initializer=kernel_initializer) for width in hidden]
  return keras.Sequential([*layers, keras.layers.Dense(outputs, kernel_initializer=kernel_initializer)], name=name)


def orthogonal_mlp(inputs, hidden, outputs, activation, weight_decay=0.0, name=None):
  """The net of the HNN repository: orthogonal kernels, torch's uniform biases, none on the last layer; built.

  Args:
    inputs: width of the input.
    hidden: widths of the hidden layers.
    outputs: width of the output.
    activation: of the hidden layers.
    weight_decay: w adds w/2 |weights|^2 to the loss.
    name: of the model.
  """
  penalty = keras.regularizers.L2(weight_decay / 2) if weight_decay else None
  dense = functools.partial(keras.layers.Dense, kernel_initializer="orthogonal", kernel_regularizer=penalty)
  net, width = keras.Sequential(name=name), inputs
  for units in hidden:
    biases = keras.initializers.RandomUniform(-width ** -0.5, width ** -0.5)
    net.add(dense(units, activation, bias_initializer=biases, bias_regularizer=penalty))
    width = units
  net.add(dense(outputs, use_bias=False))
  net.build((None, inputs))
  return net
