"""Small Keras layers: encoder, latent transform, energy nets, decoders.

Every convolution is given as (filters, kernel, stride) with SAME padding, which equals the released VALID padding for
the 2x2 kernels of stride 2 on even grids.
"""

import keras
import tensorflow as tf

from hgn_tf.conv_matrices import affine_maps, affine_product


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
  layers = [_conv(spec, activation, kernel_initializer, dtype) for spec in hidden]
  net = keras.Sequential([*layers, _conv(last, None, "glorot_uniform", dtype)], name=name)
  net.build((None, *input_shape))
  return net


def _conv(spec, activation, kernel_initializer, dtype):
  filters, kernel, stride = spec
  return keras.layers.Conv2D(
      filters, kernel, stride, "same", activation=activation, kernel_initializer=kernel_initializer, dtype=dtype)


class MLPEnergy(keras.layers.Layer):
  """A scalar energy E(x) = MLP(x), [batch, d] -> [batch].

  Args:
    hidden: widths of the hidden layers.
    activation: twice differentiable (softplus, tanh): its second derivatives train the dynamics.
    kernel_initializer: of every layer.
  """

  def __init__(self, hidden=(128, 128), activation="softplus", kernel_initializer="glorot_uniform", **kwargs):
    super().__init__(**kwargs)
    self.hidden, self.activation, self.kernel_initializer = tuple(hidden), activation, kernel_initializer
    self.net = mlp(hidden, 1, activation, kernel_initializer)

  def build(self, input_shape):
    self.net.build(input_shape)

  def call(self, x):
    return self.net(x)[..., 0]

  def get_config(self):
    return {**super().get_config(), "hidden": self.hidden, "activation": self.activation,
            "kernel_initializer": self.kernel_initializer}


class ConvEnergy(keras.layers.Layer):
  """A scalar energy of a grid: E(x) = sum over space of a softplus conv net, [batch, h, w, c] -> [batch].

  Args:
    convs: tuple of (filters, kernel, stride); the last has one filter, or is followed by a 1x1 projection to one.
    residual: add |x|^2 / 2, a unit oscillator, so that states move before anything is learned.
  """

  def __init__(self, convs, residual=True, dtype="float32", **kwargs):
    super().__init__(dtype=dtype, **kwargs)
    self.convs, self.residual = tuple(map(tuple, convs)), residual

  def build(self, input_shape):
    self.net = conv_stack(self.convs, "softplus", "glorot_uniform", input_shape[1:], dtype=self.dtype_policy)

  def call(self, x):
    return self.total(x, self.net(x))

  def dense(self):
    """The same energy with each convolution as a matrix product on the flattened grid, if the matrices stay small.

    On a 4x4 grid the scan and its gradients take half the time of the convolutions on a CPU. The matrices are built
    here, once, outside the loop that evaluates the energy. An energy whose matrices are too large is returned as it
    is.

    Returns:
      Callable [batch, h, w, c] -> [batch].
    """
    maps = affine_maps(self.net.layers)
    if maps is None:
      return self

    def energy(x):
      h = x
      for matrix, bias in maps[:-1]:
        h = tf.nn.softplus(affine_product(h, matrix, bias))
      return self.total(x, affine_product(h, *maps[-1]))

    return energy

  def total(self, x, densities):
    """The energy of x [batch, ...] whose net gave `densities`, in any shape of batch-major order."""
    total = tf.reduce_sum(tf.reshape(densities, [tf.shape(x)[0], -1]), axis=1)
    return total + 0.5 * tf.reduce_sum(tf.square(x), axis=(1, 2, 3)) if self.residual else total

  def get_config(self):
    return {**super().get_config(), "convs": self.convs, "residual": self.residual}


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
        + [_conv((self.channels, 3, 1), None, "glorot_uniform", self.dtype_policy)])
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
    outputs = _conv((self.channels, 3, 1), None, "glorot_uniform", self.dtype_policy)(x)
    self.net = keras.Model(inputs, outputs)

  def _block(self, x):
    up = keras.layers.UpSampling2D(2, dtype=self.dtype_policy)(x)
    if up.shape[-1] != self.filters:
      up = _conv((self.filters, 1, 1), None, "glorot_uniform", self.dtype_policy)(up)
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


def upsample_block(filters, kernel_initializer, dtype):
  """Layers of one decoder block: nearest x2, then twice a 3x3 convolution and a leaky ReLU."""
  return [UpsampleConv(filters, kernel_initializer, dtype=dtype),
          keras.layers.LeakyReLU(0.2, dtype=dtype),
          _conv((filters, 3, 1), None, kernel_initializer, dtype),
          keras.layers.LeakyReLU(0.2, dtype=dtype)]
