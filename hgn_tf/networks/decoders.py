"""What makes a frame of positions."""

import math

import keras
import tensorflow as tf

from hgn_tf.networks.convolutions import conv
from hgn_tf.networks.grids import pixel_grid
from hgn_tf.networks.mlp import mlp
from hgn_tf.networks.precision import sequential
from hgn_tf.networks.upsampling import upsample_block

_LEAST = 0.01  # distance of the colours of a ground from 0 and 1
_DARK = -0.7  # sigmoid of it is 1/3: about the ground that balls are drawn on


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
    self.net = sequential(
        [layer for _ in range(3) for layer in upsample_block(self.filters, self.kernel_initializer, self.dtype_policy)]
        + [conv((self.channels, 3, 1), None, "glorot_uniform", self.dtype_policy)], self.dtype_policy)
    self.net.build((None, height, width, depth + self.constant_channels))

  def call(self, q):
    constant = tf.convert_to_tensor(self.constant)
    constant = tf.broadcast_to(constant, tf.concat([tf.shape(q)[:1], tf.shape(constant)], 0))
    image = tf.cast(self.net(tf.concat([q, constant], axis=-1)), self.variable_dtype)
    return keras.activations.get(self.activation)(image)

  def get_config(self):
    return {**super().get_config(), "filters": self.filters, "channels": self.channels,
            "constant_channels": self.constant_channels, "kernel_initializer": self.kernel_initializer,
            "activation": self.activation}


class VectorDecoder(keras.layers.Layer):
  """p(x | q) of a vector q: a linear map to a grid, then `Decoder`; [batch, d] -> [batch, 8h, 8w, C].

  Args:
    grid: (h, w, channels) of the grid.
    filters, channels, kernel_initializer: of the `Decoder`.
  """

  def __init__(self, grid, filters=64, channels=3, kernel_initializer="he_normal", **kwargs):
    super().__init__(**kwargs)
    self.grid, self.filters, self.channels = tuple(grid), filters, channels
    self.kernel_initializer = kernel_initializer

  def build(self, input_shape):
    self.net = sequential([keras.layers.Dense(math.prod(self.grid), dtype=self.dtype_policy),
                           keras.layers.Reshape(self.grid, dtype=self.dtype_policy),
                           Decoder(self.filters, self.channels, kernel_initializer=self.kernel_initializer,
                                   dtype=self.dtype_policy)], self.dtype_policy)
    self.net.build(input_shape)

  def call(self, q):
    return tf.cast(self.net(q), self.variable_dtype)

  def get_config(self):
    return {**super().get_config(), "grid": self.grid, "filters": self.filters, "channels": self.channels,
            "kernel_initializer": self.kernel_initializer}


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
    self.net.dtype_policy = self.dtype_policy  # else it casts its input to float32

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
    return tf.sigmoid(tf.cast(self.net(q), self.variable_dtype))

  def get_config(self):
    return {**super().get_config(), "filters": self.filters, "channels": self.channels,
            "kernel_initializer": self.kernel_initializer}


class CoordinateDecoder(keras.layers.Layer):
  """p(x | q) pixel by pixel: the colour at a place (x, y) is a function of q and of the place; it draws at any size.

  `units` Gaussians exp(-|s_k ((x, y) - c_k(q))|^2 / 2) with centres c_k that move with q, by an MLP plus a linear map;
  then an MLP, shifted by the same MLP of q, to the colour. Without hidden layers, `shifts=()`, centres are affine in q
  and colours know q by the Gaussians alone: q is then positions in some linear coordinates.

  Args:
    channels: of the image.
    units: Gaussians.
    hidden: widths of the MLP to the colour.
    width: of the Gaussians at the start, in units of half an image.
    shifts: widths of the hidden layers of the MLP of q.
  """

  first_logit = _DARK

  def __init__(self, channels=3, units=32, hidden=(64,), width=0.25, shifts=(64,), **kwargs):
    super().__init__(**kwargs)
    self.channels, self.units, self.hidden, self.width = channels, units, tuple(hidden), width
    self.shift_hidden = tuple(shifts)

  def build(self, input_shape):
    size = input_shape[-1]
    spread = keras.random.uniform((2 * self.units,), -0.7, 0.7)
    self.shifts = None
    if self.shift_hidden:
      self.shifts = mlp(self.shift_hidden, 2 * self.units + self.hidden[0], "silu", dtype=self.dtype_policy)
      self.shifts.build((None, size))
      last, rest = self.shifts.layers[-1], tf.zeros(self.hidden[0], spread.dtype)
      last.bias.assign(tf.concat([spread, rest], 0))
      last.kernel.assign(last.kernel * tf.concat([0.1 * tf.ones_like(spread), rest + 1.0], 0))
    self.linear = keras.layers.Dense(2 * self.units, use_bias=self.shifts is None, dtype=self.dtype_policy)
    self.linear.build((None, size))
    if self.shifts is None:
      self.linear.bias.assign(spread)
    self.log_sharpness = self.add_weight(
        shape=(self.units,), name="log_sharpness",
        initializer=keras.initializers.RandomNormal(-math.log(self.width), 0.3))
    self.first = keras.layers.Dense(self.hidden[0], dtype=self.dtype_policy)
    self.first.build((None, None, self.units))
    self.rest = mlp(self.hidden[1:], self.channels, "silu", dtype=self.dtype_policy)
    self.rest.build((None, None, self.hidden[0]))
    self.rest.layers[-1].bias.assign(tf.fill([self.channels], self.first_logit))

  def call(self, q, places):
    """Colours in [0, 1] at places in [-1, 1]: q [n, d], places [n or 1, m, 2] -> [n, m, channels]."""
    return tf.sigmoid(self._logits(q, places))

  def _logits(self, q, places):
    centres, turned = self.linear(q)[:, None], 0.0
    if self.shifts is not None:
      moved, turned = tf.split(self.shifts(q)[:, None], [2 * self.units, self.hidden[0]], axis=-1)
      centres += moved
    x, y = tf.split(centres, 2, axis=-1)
    places, sharpness = tf.cast(places, x.dtype), tf.exp(tf.convert_to_tensor(self.log_sharpness))
    apart = ((places[..., :1] - x) * sharpness) ** 2 + ((places[..., 1:] - y) * sharpness) ** 2
    h = tf.nn.silu(self.first(tf.exp(-0.5 * apart)) + turned)
    return tf.cast(self.rest(h), self.variable_dtype)

  def image(self, q, size):
    """Images in [0, 1]: [n, d] -> [n, size, size, channels]."""
    colours = self(q, tf.constant(pixel_grid(size, size))[None])
    return tf.reshape(colours, [-1, size, size, self.channels])

  def get_config(self):
    return {**super().get_config(), "channels": self.channels, "units": self.units, "hidden": self.hidden,
            "width": self.width, "shifts": self.shift_hidden}


class DifferenceDecoder(CoordinateDecoder):
  """A `CoordinateDecoder` of what differs from a picture: sigmoid(logit(ground(x, y)) + f(q, x, y)).

  The ground behind what moves, however many colours it has, then takes none of the capacity of f. `ground` [size, size,
  channels] is a weight that is not trained, set by the model that trains it; other sizes interpolate it.

  Args:
    size: height and width of the ground.
    channels, kwargs: of the `CoordinateDecoder`.
  """

  first_logit = 0.0

  def __init__(self, size=32, channels=3, **kwargs):
    super().__init__(channels, **kwargs)
    self.size = size

  def build(self, input_shape):
    super().build(input_shape)
    self.ground = self.add_weight(shape=(self.size, self.size, self.channels), name="ground", trainable=False,
                                  autocast=False, initializer=keras.initializers.Constant(0.5))

  def call(self, q, places):
    return tf.sigmoid(self._logits(q, places) + _logit(_at(tf.convert_to_tensor(self.ground), places)))

  def image(self, q, size):
    ground = tf.image.resize(tf.convert_to_tensor(self.ground), [size, size])
    changes = self._logits(q, tf.constant(pixel_grid(size, size))[None])
    return tf.sigmoid(tf.reshape(changes, [-1, size, size, self.channels]) + _logit(ground))

  def get_config(self):
    return {**super().get_config(), "size": self.size}


class ImageDecoder(VectorDecoder):
  """A `VectorDecoder` where a `CoordinateDecoder` is expected.

  Args:
    size: of the image.
    filters, channels: of the `Decoder`.
  """

  def __init__(self, size=32, filters=64, channels=3, **kwargs):
    super().__init__((size // 8, size // 8, filters), filters, channels, **kwargs)
    self.size = size

  def call(self, q, places):
    """Colours in [0, 1] of the pixels nearest to places in [-1, 1]: q [n, d], places [n or 1, m, 2] -> [n, m, C]."""
    image = super().call(q)
    index = tf.broadcast_to(_nearest(places, self.size), [tf.shape(q)[0], tf.shape(places)[1]])
    return tf.gather(tf.reshape(image, [-1, self.size ** 2, self.channels]), index, batch_dims=1)

  def image(self, q, size):
    """Images in [0, 1]: [n, d] -> [n, size, size, channels]; other sizes than its own are interpolated."""
    image = super().call(q)
    return image if size == self.size else tf.image.resize(image, [size, size])

  def get_config(self):
    return {"size": self.size, **{key: value for key, value in super().get_config().items()
                                  if key not in ("grid", "kernel_initializer")}}


def _at(image, places):
  """Colours of the pixels of an image [S, S, C] that are nearest to places [n, m, 2]; [n, m, C]."""
  size, _, channels = image.shape
  return tf.gather(tf.reshape(image, [size ** 2, channels]), _nearest(places, size))


def _nearest(places, size):
  """Numbers, row by row, of the pixels that are nearest to places in [-1, 1]: [..., 2] -> [...]."""
  x, y = tf.unstack(tf.cast(tf.round((places + 1.0) * size / 2 - 0.5), tf.int32), axis=-1)
  return y * size + x


def _logit(colour):
  """Of colours that are kept from 0 and 1, which no finite number stands for."""
  colour = tf.clip_by_value(colour, _LEAST, 1.0 - _LEAST)
  return tf.math.log(colour) - tf.math.log1p(-colour)
