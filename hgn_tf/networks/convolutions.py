"""Stacks of convolutions.

Every convolution is given as (filters, kernel, stride) with SAME padding, which equals the released VALID padding for
the 2x2 kernels of stride 2 on even grids.
"""

import keras

from hgn_tf.networks.precision import sequential


def conv_stack(convs, activation, kernel_initializer, input_shape, dtype=None, name=None):
  """Convolutions with `activation` between them and a linear last one, built for `input_shape` (no batch).

  Args:
    convs: tuple of (filters, kernel, stride).
    activation: between the convolutions.
    kernel_initializer: of the activated convolutions; the linear one takes Glorot's.
    input_shape: (height, width, channels).
    dtype: Keras dtype policy.
    name: of the model.
  """
  *hidden, last = convs
  layers = [conv(spec, activation, kernel_initializer, dtype) for spec in hidden]
  net = sequential([*layers, conv(last, None, "glorot_uniform", dtype)], dtype, name)
  net.build((None, *input_shape))
  return net


def conv(spec, activation, kernel_initializer, dtype=None):
  """The keras.layers.Conv2D of a (filters, kernel, stride)."""
  filters, kernel, stride = spec
  return keras.layers.Conv2D(
      filters, kernel, stride, "same", activation=activation, kernel_initializer=kernel_initializer, dtype=dtype)
