"""The pixel pendulum's runs: momenta at the frames, codes read as states."""

import types

import numpy as np
import tensorflow as tf

from hgn_tf.commands.reproduce import pixel_hnn_runs
from hgn_tf.commands.reproduce.pixel_hnn_runs import SYSTEM


def swing(n=8, steps=60, dt=0.05):
  """States [n, steps + 1, 2] of SYSTEM as gymnasium makes them: the kick first, and the drift with the new momentum."""
  q, p = np.random.default_rng(0).uniform(-0.5, 0.5, (2, n, 1))
  states = [np.concatenate([q, p], axis=-1)]
  for _ in range(steps):
    p = p + dt * SYSTEM.force(q)
    q = q + dt * SYSTEM.velocity(p)
    states.append(np.concatenate([q, p], axis=-1))
  return np.stack(states, axis=1)


class PixelHnnRunsTest(tf.test.TestCase):

  def test_centred_momenta_belong_to_the_frames(self):
    q, p = np.split(swing(), 2, axis=-1)
    half_a_step_early = SYSTEM.hamiltonian(q[:, :-1], p[:, :-1])
    at_the_frames = SYSTEM.hamiltonian(q[:, :-1], pixel_hnn_runs.centred(p))
    swings = [np.max(np.ptp(energy, axis=1) / energy.mean(axis=1)) for energy in (half_a_step_early, at_the_frames)]
    self.assertGreater(swings[0], 0.15)
    self.assertLess(swings[1], 0.012)

  def test_readout_finds_the_affine_map(self):
    rng = np.random.default_rng(1)
    frames = rng.normal(size=(5, 12, 2)).astype(np.float32)  # a code is the earlier frame here
    model = types.SimpleNamespace(encode=lambda pair: pair[:, 0])
    matrix, shift = rng.normal(size=(2, 2)), rng.normal(size=2)
    data = types.SimpleNamespace(frames=tf.constant(frames), states=frames[:, :-1] @ matrix + shift)
    read = pixel_hnn_runs.readout(model, data)
    self.assertAllClose(read(frames[:, -1]), frames[:, -1] @ matrix + shift, atol=1e-5)


if __name__ == "__main__":
  tf.test.main()
