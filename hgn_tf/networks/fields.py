"""Vector fields that are learned as they are, with no energy behind them."""

import keras
import tensorflow as tf

from hgn_tf.networks.energies import gained_dense


class VectorField(keras.layers.Layer):
  """dx/dt = Lx + MLP(x), x = (q, p); [batch, 2d] -> [batch, 2d].

  L starts as that of a unit oscillator, (q, p) -> (p, -q), so that states move before anything is learned. All of it
  learns `gain` times as fast as other layers do, as of `OscillatorEnergy`.

  Args:
    hidden: widths of the MLP's hidden layers.
    activation: of them.
    gain: see above.
  """

  def __init__(self, hidden=(64, 64), activation="silu", gain=1.0, **kwargs):
    super().__init__(**kwargs)
    self.hidden, self.activation, self.gain = tuple(hidden), activation, gain

  def build(self, input_shape):
    size = input_shape[-1]
    one, zero = tf.eye(size // 2), tf.zeros([size // 2, size // 2])
    turn = tf.concat([tf.concat([zero, -one], 1), tf.concat([one, zero], 1)], 0)  # of rows (q, p)
    self.matrix = self.add_weight(shape=(size, size), name="matrix", initializer="zeros")
    self.matrix.assign(turn / self.gain)
    widths = (size, *self.hidden)
    self.layers = [gained_dense(units, inputs, 1.0, self.gain, self.dtype_policy)
                   for inputs, units in zip(widths, self.hidden, strict=False)]
    self.last = gained_dense(size, widths[-1], 0.1, self.gain, self.dtype_policy)

  def call(self, x):
    h, activation = x, keras.activations.get(self.activation)
    for layer in self.layers:
      h = activation(self.gain * layer(h))
    linear = tf.matmul(x, tf.cast(tf.convert_to_tensor(self.matrix), x.dtype))
    return self.gain * (linear + tf.cast(self.last(h), x.dtype))

  def get_config(self):
    return {**super().get_config(), "hidden": self.hidden, "activation": self.activation, "gain": self.gain}
