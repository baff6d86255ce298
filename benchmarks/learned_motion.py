"""How far is the motion of the trained HGNs from that of the unit oscillator, |q|^2/2 + |p|^2/2, that they start from?

For each model that comes with the package, on test films: the distance between its rollout and the rotation of the same
first state, q cos t + p sin t, over the norm of the state. 0: the nets of K and V add nothing.

  python -m benchmarks.learned_motion
"""

import hgn_tf.mechanics.startup  # isort: skip # before TensorFlow: it switches oneDNN on

import numpy as np
from absl import app, flags

from hgn_tf import physics
from hgn_tf.data import truth
from hgn_tf.evaluation.report import markdown_table

_FILMS = flags.DEFINE_integer("films", 32, "Test films of each system.", lower_bound=1)
_STEPS = flags.DEFINE_list("steps", ["10", "20", "30", "50"], "Where to compare.")


def deviations(model, films, steps):
  """Mean over films of |x_n - rotation of x_0| / |x_n| for x = (q, p), at each of `steps`."""
  path = model.rollout(model.infer(films), max(steps))
  q, p = (np.reshape(x, (*x.shape[:2], -1)) for x in path)
  t = model.config.dt * np.arange(q.shape[1])[:, None]
  first_q, first_p = q[:, :1], p[:, :1]
  turned = np.concatenate([first_q * np.cos(t) + first_p * np.sin(t), first_p * np.cos(t) - first_q * np.sin(t)], -1)
  states = np.concatenate([q, p], -1)
  ratio = np.linalg.norm(states - turned, axis=-1) / np.linalg.norm(states, axis=-1)
  return ratio[:, steps].mean(axis=0)


def main(argv):
  del argv
  steps, rows = [int(step) for step in _STEPS.value], []
  for system in physics.PAPER:
    model = hgn_tf.load_pretrained(f"hgn_{system}")
    films, _ = truth.simulate(physics.default_spec(system), "test", _FILMS.value, model.config.size)
    rows.append([system, *(f"{value:.2f}" for value in deviations(model, films, steps))])
  print(markdown_table(["model", *(f"after {step} steps" for step in steps)], rows))


if __name__ == "__main__":
  app.run(main)
