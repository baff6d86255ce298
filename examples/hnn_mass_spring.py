"""Learns the energy of a mass on a spring from noisy states and their derivatives, and checks that it is conserved.

  python examples/hnn_mass_spring.py
"""

import numpy as np

from hgn_tf.models import HNN, BaselineMLP
from hgn_tf.physics import MassSpring
from hgn_tf.physics.phase_space_tasks import make_task


def main():
  train = make_task("mass_spring")["train"]
  x, dx = (train[key].reshape(-1, 2) for key in ("x", "dx"))  # 750 noisy states (q, p), their derivatives
  system, start = MassSpring(), np.array([[0.8, 0.0]])
  for model in (BaselineMLP(), HNN()):
    model.compile()
    model.fit(x, dx, batch_size=75, epochs=100, verbose=0)
    states = model.rollout(start, num_steps=1000, dt=0.1)  # about 32 periods
    energy = system.hamiltonian(*map(np.asarray, states))[0]
    print(f"{model.name:>8}: true energy {energy[0]:.3f} at the start, {energy[-1]:.3f} after t = 100, "
          f"at most {np.abs(energy - energy[0]).max():.3f} off")


if __name__ == "__main__":
  main()
