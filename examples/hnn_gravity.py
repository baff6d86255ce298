"""Learns the law of gravity from three bodies in motion, prints it beside Newton's, and moves four bodies with it.

  python examples/hnn_gravity.py
"""

import numpy as np

from hgn_tf.models import HNN, HNNConfig
from hgn_tf.physics import NBody, simulate
from hgn_tf.physics.phase_space_tasks import make_task


def main():
  train = make_task("three_body")["train"]
  x, dx = (train[key].reshape(-1, 12) for key in ("x", "dx"))  # 80,000 states (q, p), their derivatives
  model = HNN(HNNConfig(model="bodies", hidden=(64, 64), steps=4000, learning_rate_decay="cosine"))
  model.compile()
  model.fit(x, dx, batch_size=600, epochs=30)

  distances = np.array([0.1, 0.2, 0.5, 1.0, 2.0, 3.0])
  pairs = np.zeros((6, 8))  # two bodies at rest, one of them in the middle: the learned energy is their potential
  pairs[:, 0] = distances
  learned = model.energy(pairs) - model.energy(pairs[3:4]) - 1.0  # an energy is known up to a constant
  print("distance   learned    Newton")
  for distance, energy in zip(distances, learned, strict=True):
    print(f"{distance:8.1f} {energy:9.4f} {-1.0 / distance:9.4f}")

  four = NBody(bodies=4, radius=(1.0, 1.0), orbit_noise=0.2)
  q, p = four.place(np.random.default_rng(0), np.ones(1), np.zeros(1))
  truth, _ = simulate(four, q, p, dt=0.01, num_steps=500)
  states = model.rollout(np.concatenate([q, p], axis=1), num_steps=500, dt=0.01, method="leapfrog")
  print(f"four bodies, never seen before: at most {np.abs(states.q - truth).max():.4f} from the truth up to t = 5")


if __name__ == "__main__":
  main()
