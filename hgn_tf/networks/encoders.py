"""What makes a posterior over z of frames."""

import keras
import tensorflow as tf

from hgn_tf.networks.convolutions import conv_stack
from hgn_tf.networks.grids import pixel_grid
from hgn_tf.networks.mlp import mlp
from hgn_tf.networks.precision import sequential


class Encoder(keras.layers.Layer):
  """q(z | x_0..x_T): frames stacked on channels to the mean and log std of a Gaussian on a grid.

  Args:
    convs: tuple of (filters, kernel, stride); the last has twice the channels of z.
    log_std_offset: added to the log std; -4 starts the posterior narrow, 0 is the paper's. A weight that is not
      trained: training may raise it.
    kernel_initializer: of the ReLU convolutions.

  `centre` [height, width, channels] and `scale` [] are weights that are not trained: the net sees
  (frames - centre) * scale.
  """

  def __init__(self, convs, log_std_offset=-4.0, kernel_initializer="he_normal", **kwargs):
    super().__init__(autocast=False, **kwargs)  # frames are centred as they are, whatever the convolutions compute in
    self.convs, self.first_offset = tuple(map(tuple, convs)), log_std_offset
    self.kernel_initializer = kernel_initializer

  def build(self, input_shape):
    _, frames, height, width, channels = input_shape
    self.net = conv_stack(self.convs, "relu", self.kernel_initializer, (height, width, frames * channels),
                          dtype=self.dtype_policy)
    fixed = dict(trainable=False, autocast=False)
    self.log_std_offset = self.add_weight(name="log_std_offset", shape=(), **fixed,
                                          initializer=keras.initializers.Constant(self.first_offset))
    self.centre = self.add_weight(name="centre", shape=(height, width, channels), initializer="zeros", **fixed)
    self.scale = self.add_weight(name="scale", shape=(), initializer="ones", **fixed)

  def call(self, frames):
    _, time, height, width, channels = frames.shape
    frames = (frames - tf.convert_to_tensor(self.centre)) * tf.convert_to_tensor(self.scale)
    stacked = tf.reshape(tf.transpose(frames, [0, 2, 3, 1, 4]), [-1, height, width, time * channels])
    mean, log_std = tf.split(tf.cast(self.net(stacked), self.variable_dtype), 2, axis=-1)
    return mean, log_std + tf.convert_to_tensor(self.log_std_offset)

  def get_config(self):
    return {**super().get_config(), "convs": self.convs, "log_std_offset": self.first_offset,
            "kernel_initializer": self.kernel_initializer}


class WindowEncoder(keras.layers.Layer):
  """q(z | a window of frames): where things are in each frame, then an MLP of all of them to a Gaussian of few numbers.

  Each frame goes through two convolutions to `maps` maps on half of its size; the softmax of a map over space gives the
  expected coordinates of what it looks for (Finn et al. 2016), to a fraction of a pixel. The mean of z is an MLP of the
  window's coordinates plus a linear map of them, so that positions and differences of positions are found at once.

  Args:
    size: of z.
    maps: of each frame, and filters of the first convolution.
    hidden: widths of the MLP's hidden layers.
    log_std_offset: added to the log std; a weight that is not trained.

  `centre` [height, width, channels] and `scale` [] are weights that are not trained: the net sees
  (frames - centre) * scale.
  """

  def __init__(self, size, maps=16, hidden=(128, 128), log_std_offset=-4.0, **kwargs):
    super().__init__(autocast=False, **kwargs)
    self.size, self.maps, self.hidden, self.first_offset = size, maps, tuple(hidden), log_std_offset

  def build(self, input_shape):
    _, context, height, width, channels = input_shape
    self.convs = sequential([
        keras.layers.Conv2D(self.maps, 5, 2, "same", activation="relu", kernel_initializer="he_normal",
                            dtype=self.dtype_policy),
        keras.layers.Conv2D(self.maps, 3, 1, "same", kernel_initializer="he_normal", dtype=self.dtype_policy)],
        self.dtype_policy)
    self.convs.build((None, height, width, channels))
    features = 2 * self.maps * context
    self.net = mlp(self.hidden, 2 * self.size, "silu", dtype=self.variable_dtype)
    self.net.build((None, features))
    self.linear = keras.layers.Dense(self.size, use_bias=False, dtype=self.variable_dtype)
    self.linear.build((None, features))
    fixed = dict(trainable=False, autocast=False)
    self.log_std_offset = self.add_weight(name="log_std_offset", shape=(), **fixed,
                                          initializer=keras.initializers.Constant(self.first_offset))
    self.centre = self.add_weight(name="centre", shape=(height, width, channels), initializer="zeros", **fixed)
    self.scale = self.add_weight(name="scale", shape=(), initializer="ones", **fixed)

  def call(self, frames):
    _, context, height, width, channels = frames.shape
    frames = (frames - tf.convert_to_tensor(self.centre)) * tf.convert_to_tensor(self.scale)
    maps = tf.cast(self.convs(tf.reshape(frames, [-1, height, width, channels])), self.variable_dtype)
    seen = tf.reshape(spatial_softmax(maps), [-1, context * 2 * self.maps])
    mean, log_std = tf.split(self.net(seen), 2, axis=-1)
    return mean + self.linear(seen), log_std + tf.convert_to_tensor(self.log_std_offset)

  def get_config(self):
    return {**super().get_config(), "size": self.size, "maps": self.maps, "hidden": self.hidden,
            "log_std_offset": self.first_offset}


def spatial_softmax(maps):
  """Expected (x, y) of the softmax over space of each map, in [-1, 1]: [batch, h, w, c] -> [batch, c, 2]."""
  _, height, width, channels = maps.shape
  weights = tf.nn.softmax(tf.reshape(maps, [-1, height * width, channels]), axis=1)
  return tf.einsum("npc,pk->nck", weights, tf.constant(pixel_grid(height, width), weights.dtype))
