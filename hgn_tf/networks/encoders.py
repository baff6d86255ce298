"""What makes a posterior over z of frames."""

import keras
import tensorflow as tf

from hgn_tf.networks.convolutions import conv_stack
from hgn_tf.networks.grids import pixel_grid
from hgn_tf.networks.mlp import mlp
from hgn_tf.networks.precision import sequential


class FrameEncoder(keras.layers.Layer):
  """What encoders of frames share: weights that are not trained, set by the model that trains them.

  Args:
    log_std_offset: added to the log std of z; -4 starts the posterior narrow, 0 is the paper's. Training may raise it.

  `centre` [height, width, channels] and `scale` []: the nets see (frames - centre) * scale.
  """

  def __init__(self, log_std_offset=-4.0, **kwargs):
    super().__init__(autocast=False, **kwargs)  # frames are centred as they are, whatever the convolutions compute in
    self.first_offset = log_std_offset

  def add_fixed(self, frame_shape):
    """Adds the weights that are not trained, after those that are."""
    fixed = dict(trainable=False, autocast=False)
    self.log_std_offset = self.add_weight(name="log_std_offset", shape=(), **fixed,
                                          initializer=keras.initializers.Constant(self.first_offset))
    self.centre = self.add_weight(name="centre", shape=frame_shape, initializer="zeros", **fixed)
    self.scale = self.add_weight(name="scale", shape=(), initializer="ones", **fixed)

  def centred(self, frames):
    """(frames - centre) * scale."""
    return (frames - tf.convert_to_tensor(self.centre)) * tf.convert_to_tensor(self.scale)


class Encoder(FrameEncoder):
  """q(z | x_0..x_T): frames stacked on channels to the mean and log std of a Gaussian on a grid.

  Args:
    convs: tuple of (filters, kernel, stride); the last has twice the channels of z.
    log_std_offset: as of `FrameEncoder`.
    kernel_initializer: of the ReLU convolutions.
  """

  activation = "relu"

  def __init__(self, convs, log_std_offset=-4.0, kernel_initializer="he_normal", **kwargs):
    super().__init__(log_std_offset, **kwargs)
    self.convs, self.kernel_initializer = tuple(map(tuple, convs)), kernel_initializer

  def build(self, input_shape):
    self._build_convs(input_shape)
    self.add_fixed(input_shape[2:])

  def _build_convs(self, input_shape):
    _, frames, height, width, channels = input_shape
    self.net = conv_stack(self.convs, self.activation, self.kernel_initializer, (height, width, frames * channels),
                          dtype=self.dtype_policy)

  def call(self, frames):
    _, time, height, width, channels = frames.shape
    frames = self.centred(frames)
    stacked = tf.reshape(tf.transpose(frames, [0, 2, 3, 1, 4]), [-1, height, width, time * channels])
    mean, log_std = tf.split(tf.cast(self._head(self.net(stacked)), self.variable_dtype), 2, axis=-1)
    return mean, log_std + tf.convert_to_tensor(self.log_std_offset)

  def _head(self, maps):
    """Mean and log std, side by side on the last axis, of what the convolutions make."""
    return maps

  def get_config(self):
    return {**super().get_config(), "convs": self.convs, "log_std_offset": self.first_offset,
            "kernel_initializer": self.kernel_initializer}


class VectorEncoder(Encoder):
  """q(z | x_0..x_T): as `Encoder`, then leaky ReLU and a linear map of all of it to a Gaussian of few numbers.

  Args:
    size: of z.
    convs, log_std_offset, kernel_initializer: as of `Encoder`; leaky ReLU between the convolutions.
  """

  activation = "leaky_relu"

  def __init__(self, size, convs, log_std_offset=-4.0, kernel_initializer="he_normal", **kwargs):
    super().__init__(convs, log_std_offset, kernel_initializer, **kwargs)
    self.size = size

  def _build_convs(self, input_shape):
    super()._build_convs(input_shape)
    self.last = sequential([keras.layers.Activation(self.activation, dtype=self.dtype_policy),
                            keras.layers.Flatten(dtype=self.dtype_policy),
                            keras.layers.Dense(2 * self.size, dtype=self.dtype_policy)], self.dtype_policy)
    self.last.build(self.net.output_shape)

  def _head(self, maps):
    return self.last(maps)

  def get_config(self):
    return {**super().get_config(), "size": self.size}


class WindowEncoder(FrameEncoder):
  """q(z | a window of frames): where things are in each frame, then an MLP of all of them to a Gaussian of few numbers.

  Each frame goes through two convolutions to `maps` maps on half of its size; the softmax of a map over space gives the
  expected coordinates of what it looks for (Finn et al. 2016), to a fraction of a pixel. The mean of z is an MLP of the
  window's coordinates plus a linear map of them, so that positions and differences of positions are found at once.

  Args:
    size: of z.
    maps: of each frame, and filters of the first convolution.
    hidden: widths of the MLP's hidden layers.
    log_std_offset: as of `FrameEncoder`.
  """

  def __init__(self, size, maps=16, hidden=(128, 128), log_std_offset=-4.0, **kwargs):
    super().__init__(log_std_offset, **kwargs)
    self.size, self.maps, self.hidden = size, maps, tuple(hidden)

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
    self.add_fixed((height, width, channels))

  def call(self, frames):
    _, context, height, width, channels = frames.shape
    frames = self.centred(frames)
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
