"""Autoencoders of pairs of frames, to a code and back (Greydanus et al. 2019; paper A.3)."""

import functools
import math

import keras

from hgn_tf.networks.convolutions import conv_stack
from hgn_tf.networks.decoders import Decoder
from hgn_tf.networks.precision import sequential


@keras.saving.register_keras_serializable(package="hgn_tf")
class ResidualMLP(keras.layers.Layer):
  """h = relu(Wx), twice h = h + relu(Wh), then a linear layer: one half of HNN's autoencoder.

  Args:
    hidden: width of the three hidden layers.
    outputs: width of the result.
  """

  def __init__(self, hidden, outputs, **kwargs):
    super().__init__(**kwargs)
    self.hidden, self.outputs = hidden, outputs
    dense = functools.partial(keras.layers.Dense, kernel_initializer="orthogonal", dtype=self.dtype_policy)
    self.layers = [dense(hidden, "relu") for _ in range(3)]
    self.last = dense(outputs)

  def build(self, input_shape):
    for layer, width in zip((*self.layers, self.last), (input_shape[-1], *[self.hidden] * 3), strict=True):
      layer.build((None, width))

  def call(self, x):
    h = self.layers[0](x)
    for layer in self.layers[1:]:
      h = h + layer(h)
    return self.last(h)

  def get_config(self):
    return {**super().get_config(), "hidden": self.hidden, "outputs": self.outputs}


def mlp_autoencoder(shape, hidden, embedding, dtype=None):
  """HNN's encoder and decoder of images, built: (shape -> [embedding], [embedding] -> shape).

  Args:
    shape: (height, width, channels).
    hidden: width of the hidden layers.
    embedding: width of the code.
    dtype: Keras dtype policy.
  """
  encoder = [keras.layers.Flatten(dtype=dtype), ResidualMLP(hidden, embedding, dtype=dtype)]
  decoder = [ResidualMLP(hidden, math.prod(shape), dtype=dtype), keras.layers.Reshape(shape, dtype=dtype)]
  return _built(encoder, shape, dtype, "encoder"), _built(decoder, (embedding,), dtype, "decoder")


def conv_autoencoder(shape, convs, decoder_filters, embedding, dtype=None, conv_dtype=None):
  """HGN's encoder and decoder with one linear layer each, built; of images whose size is a multiple of 8.

  Args:
    shape: (height, width, channels).
    convs: of the encoder, (filters, kernel, stride) each; they take the size to an eighth.
    decoder_filters: width of the decoder.
    embedding: width of the code.
    dtype: Keras dtype policy of the linear layers; conv_dtype: of the convolutions.
  """
  height, width, outputs = shape
  channels = convs[-1][0] // 4  # of HGN's q
  encoder = [conv_stack(convs, "relu", "he_normal", shape, conv_dtype), keras.layers.Flatten(dtype=dtype),
             keras.layers.Dense(embedding, dtype=dtype)]
  grid = (height // 8, width // 8, channels)
  decoder = [keras.layers.Dense(math.prod(grid), dtype=dtype), keras.layers.Reshape(grid, dtype=dtype),
             Decoder(decoder_filters, outputs, activation="linear", dtype=conv_dtype)]
  return _built(encoder, shape, dtype, "encoder"), _built(decoder, (embedding,), dtype, "decoder")


def _built(layers, shape, dtype, name):
  net = sequential(layers, dtype, name)
  net.build((None, *shape))
  return net
