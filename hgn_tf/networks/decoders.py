"""What makes a frame of positions."""

import keras
import tensorflow as tf

from hgn_tf.networks.convolutions import conv
from hgn_tf.networks.upsampling import upsample_block


class Decoder(keras.layers.Layer):
  """p(x | q): the authors' released decoder; positions to one frame in [0, 1], [batch, h, w, c] -> [batch, 8h, 8w, C].

  Learned constant channels are appended to q; three times nearest x2 and two 3x3 convolutions with leaky ReLU; one
  convolution to the image and a sigmoid.

  Args:
    filters: of the hidden convolutions.
    channels: of the image.
    constant_channels: learned channels beside q.
    kernel_initializer: of the leaky convolutions.
    activation: of the image; "linear" where frames have their mean taken off.
  """

  def __init__(self, filters=64, channels=3, constant_channels=2, kernel_initializer="he_normal",
               activation="sigmoid", **kwargs):
    super().__init__(**kwargs)
    self.filters, self.channels, self.constant_channels = filters, channels, constant_channels
    self.kernel_initializer, self.activation = kernel_initializer, activation

  def build(self, input_shape):
    _, height, width, depth = input_shape
    self.constant = self.add_weight(shape=(height, width, self.constant_channels), initializer="ones", name="constant")
    self.net = keras.Sequential(
        [layer for _ in range(3) for layer in upsample_block(self.filters, self.kernel_initializer, self.dtype_policy)]
        + [conv((self.channels, 3, 1), None, "glorot_uniform", self.dtype_policy)])
    self.net.build((None, height, width, depth + self.constant_channels))

  def call(self, q):
    constant = tf.convert_to_tensor(self.constant)
    constant = tf.broadcast_to(constant, tf.concat([tf.shape(q)[:1], tf.shape(constant)], 0))
    image = tf.cast(self.net(tf.concat([q, constant], axis=-1)), tf.float32)
    return keras.activations.get(self.activation)(image)

  def get_config(self):
    return {**super().get_config(), "filters": self.filters, "channels": self.channels,
            "constant_channels": self.constant_channels, "kernel_initializer": self.kernel_initializer,
            "activation": self.activation}


class ResidualDecoder(keras.layers.Layer):
  """p(x | q) of appendix A.1: three residual blocks, each closed by a sigmoid, then one convolution to the image.

  A block is y = up(x), sigmoid(y' + conv(leaky(conv(y)))), with y' = y where it has as many channels, else a 1x1
  projection of it.

  Args:
    filters: of the blocks' convolutions.
    channels: of the image.
    kernel_initializer: of the leaky convolutions.
  """

  def __init__(self, filters=64, channels=3, kernel_initializer="he_normal", **kwargs):
    super().__init__(**kwargs)
    self.filters, self.channels, self.kernel_initializer = filters, channels, kernel_initializer

  def build(self, input_shape):
    _, height, width, depth = input_shape
    inputs = x = keras.Input((height, width, depth), dtype=self.compute_dtype)
    for _ in range(3):
      x = self._block(x)
    outputs = conv((self.channels, 3, 1), None, "glorot_uniform", self.dtype_policy)(x)
    self.net = keras.Model(inputs, outputs)

  def _block(self, x):
    up = keras.layers.UpSampling2D(2, dtype=self.dtype_policy)(x)
    if up.shape[-1] != self.filters:
      up = conv((self.filters, 1, 1), None, "glorot_uniform", self.dtype_policy)(up)
    y = x
    for layer in upsample_block(self.filters, self.kernel_initializer, self.dtype_policy):
      y = layer(y)
    total = keras.layers.Add(dtype=self.dtype_policy)([up, y])
    return keras.layers.Activation("sigmoid", dtype=self.dtype_policy)(total)

  def call(self, q):
    return tf.sigmoid(tf.cast(self.net(q), tf.float32))

  def get_config(self):
    return {**super().get_config(), "filters": self.filters, "channels": self.channels,
            "kernel_initializer": self.kernel_initializer}
