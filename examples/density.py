"""Learns the density of two moons and draws it: examples/density.py [OUT.png]; about a minute on two cores."""

import hgn_tf.mechanics.startup  # isort: skip # noqa: F401, before Keras: it switches oneDNN on

import sys

import keras
import numpy as np
from matplotlib import pyplot

from hgn_tf.flows.distributions import target
from hgn_tf.models import NHF, NHFConfig


def main(path="density.png"):
  keras.utils.set_random_seed(0)
  moons = target("two_moons")
  points = moons.sample(50_000, seed=(0, 1)).numpy()

  model = NHF(NHFConfig(steps=1000))
  model.fit(points)

  held_out = moons.sample(5_000, seed=(0, 2))
  kl = np.mean(moons.log_prob(held_out) - model.log_prob(held_out))
  print(f"KL(two moons || NHF) <= {kl:.3f} nats")

  axis = np.linspace(-4, 4, 100)
  grid = np.stack(np.meshgrid(axis, axis), -1).reshape(-1, 2)
  density = np.exp(model.log_prob(grid)).reshape(100, 100)
  _, (left, right) = pyplot.subplots(1, 2, figsize=(8, 4))
  left.scatter(*model.sample(2_000, seed=0).numpy().T, s=2)
  left.set(title="samples", xlim=(-4, 4), ylim=(-4, 4))
  right.imshow(density, origin="lower", extent=(-4, 4, -4, 4))
  right.set_title("density")
  pyplot.savefig(path)


if __name__ == "__main__":
  main(*sys.argv[1:])
