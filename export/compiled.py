"""The expensive parts of a rollout compiled by XLA: fixed shapes inside, whatever a request asks for outside.

XLA compiles again for every shape and returns empty tensors for arrays of dynamic size, so integration runs in blocks
of a fixed number of steps and decoding in chunks of a fixed number of frames; the excess is cut off outside.
"""

import tensorflow as tf

from hgn_tf.mechanics.phase_space import PhaseSpace
from hgn_tf.networks.chunks import in_chunks

FRAMES = 32  # of a chunk


def compiled_rollout(integrate, block):
  """`integrate` for any num_steps, compiled once per batch size.

  Args:
    integrate: state, num_steps and dt [N] to the path.
    block: steps that are compiled together.
  """
  function = lambda q, p, dt: tuple(integrate(PhaseSpace(q, p), block, dt))  # noqa: E731
  run = tf.function(function, jit_compile=True, autograph=False)

  def rollout(state, num_steps, dt):
    blocks = tf.maximum((num_steps + block - 1) // block, 1)
    history = PhaseSpace(*(_time_major_history(x, blocks) for x in state))

    def step(i, state, history):
      path = PhaseSpace(*run(*state, dt))
      history = PhaseSpace(*(array.write(i, _time_major(x[:, 1:])) for array, x in zip(history, path, strict=True)))
      return i + 1, PhaseSpace(path.q[:, -1], path.p[:, -1]), history

    _, _, history = tf.while_loop(
        lambda i, *_: i < blocks, step, (tf.constant(0), state, history), parallel_iterations=1)
    paths = (tf.concat([x[None], array.concat()], 0) for x, array in zip(state, history, strict=True))
    return PhaseSpace(*(_time_major(path[:num_steps + 1]) for path in paths))

  return rollout


def compiled_decode(model):
  """`model.decode` of [M, ...] positions, compiled once."""
  run = tf.function(model.decode, jit_compile=True, autograph=False)
  return lambda q: in_chunks(run, q, FRAMES, equal=True)


def _time_major_history(x, blocks):
  return tf.TensorArray(x.dtype, blocks, element_shape=[None, *x.shape], infer_shape=False)


def _time_major(x):
  """[N, T, ...] to [T, N, ...], and back."""
  return tf.transpose(x, [1, 0, *range(2, x.shape.rank)])
