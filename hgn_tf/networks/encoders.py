"""What makes a posterior over z of frames."""

import keras
import tensorflow as tf

from hgn_tf.networks.convolutions import conv_stack


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
    super().__init__(autocast=False, **kwargs)  # frames are centred in float32, whatever the convolutions compute in
    self.convs, self.first_offset = tuple(map(tuple, convs)), log_std_offset
    self.kernel_initializer = kernel_initializer

  def build(self, input_shape):
    _, frames, height, width, channels = input_shape
    self.net = conv_stack(self.convs, "relu", self.kernel_initializer, (height, width, frames * channels),
                          dtype=self.dtype_policy)
    fixed = dict(dtype="float32", trainable=False, autocast=False)
    self.log_std_offset = self.add_weight(name="log_std_offset", shape=(), **fixed,
                                          initializer=keras.initializers.Constant(self.first_offset))
    self.centre = self.add_weight(name="centre", shape=(height, width, channels), initializer="zeros", **fixed)
    self.scale = self.add_weight(name="scale", shape=(), initializer="ones", **fixed)

  def call(self, frames):
    _, time, height, width, channels = frames.shape
    frames = (frames - tf.convert_to_tensor(self.centre)) * tf.convert_to_tensor(self.scale)
    stacked = tf.reshape(tf.transpose(frames, [0, 2, 3, 1, 4]), [-1, height, width, time * channels])
    mean, log_std = tf.split(tf.cast(self.net(stacked), tf.float32), 2, axis=-1)
    return mean, log_std + tf.convert_to_tensor(self.log_std_offset)

  def get_config(self):
    return {**super().get_config(), "convs": self.convs, "log_std_offset": self.first_offset,
            "kernel_initializer": self.kernel_initializer}
