"""Upsampling and a convolution in one."""

import keras
import tensorflow as tf

from hgn_tf.networks.convolutions import conv


class UpsampleConv(keras.layers.Layer):
  """Nearest-neighbour upsampling by 2, then a 3x3 SAME convolution, as one transposed 4x4 convolution of stride 2.

  The kernel rows that see the same input pixel are added first: 4/9 of the multiplications, no upsampled image to
  store. Forward and gradients, 64 filters to 32x32: 2.5 times faster than upsampling first, 1.7 times faster than four
  2x2 convolutions, one for each parity of the output (oneDNN).

  Args:
    filters: output channels.
    kernel_initializer: of the 3x3 kernel.
  """

  def __init__(self, filters, kernel_initializer="he_normal", **kwargs):
    super().__init__(**kwargs)
    self.filters, self.kernel_initializer = filters, kernel_initializer

  def build(self, input_shape):
    self.kernel = self.add_weight(shape=(3, 3, input_shape[-1], self.filters), initializer=self.kernel_initializer,
                                  name="kernel")
    self.bias = self.add_weight(shape=(self.filters,), initializer="zeros", name="bias")
    self.fixed_kernel = None

  def fix_kernel(self):
    """Computes the 4x4 kernel now instead of in every call, for a layer that is not trained any more.

    A film of 31 frames takes 0.96 of the time.
    """
    self.fixed_kernel = self._upsampling_kernel()

  def call(self, x):
    kernel = self._upsampling_kernel() if self.fixed_kernel is None else tf.cast(self.fixed_kernel, x.dtype)
    shape = [tf.shape(x)[0], 2 * x.shape[1], 2 * x.shape[2], self.filters]
    return tf.nn.bias_add(tf.nn.conv2d_transpose(x, kernel, shape, 2), tf.convert_to_tensor(self.bias))

  def _upsampling_kernel(self):
    kernel = tf.convert_to_tensor(self.kernel)
    taps = tf.constant(_UPSAMPLED_TAPS, kernel.dtype)
    return tf.einsum("ax,by,xyio->aboi", taps, taps, kernel)

  def get_config(self):
    return {**super().get_config(), "filters": self.filters, "kernel_initializer": self.kernel_initializer}


# x[i] reaches the output rows 2i-1 .. 2i+2, each through these rows of the 3x3 kernel.
_UPSAMPLED_TAPS = ((0.0, 0.0, 1.0), (0.0, 1.0, 1.0), (1.0, 1.0, 0.0), (1.0, 0.0, 0.0))


def upsample_block(filters, kernel_initializer, dtype):
  """Layers of one decoder block: nearest x2, then twice a 3x3 convolution and a leaky ReLU."""
  return [UpsampleConv(filters, kernel_initializer, dtype=dtype),
          keras.layers.LeakyReLU(0.2, dtype=dtype),
          conv((filters, 3, 1), None, kernel_initializer, dtype),
          keras.layers.LeakyReLU(0.2, dtype=dtype)]
