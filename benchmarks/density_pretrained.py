"""Trains the NHFs that come with the package, hgn_tf/pretrained/nhf_TARGET.*, and writes their cards.

  python -m benchmarks.density_pretrained --targets=gaussians4,two_moons,pinwheel
"""

import pathlib
import time

import keras
import numpy as np
from absl import app, flags

from benchmarks.density_rows import NUM_SAMPLES, points, train
from hgn_tf import pretrained
from hgn_tf.models import NHF, presets

_TARGETS = flags.DEFINE_list("targets", ["gaussians4", "two_moons", "pinwheel"], "Names of targets.")
_HELD_OUT = flags.DEFINE_integer("held_out", 10_000, "Points that the KL in the card is measured on.")
_OUT = flags.DEFINE_string("out", str(pathlib.Path(pretrained.__file__).parent), "Folder to write to.")

CARD = """# {name}

A Neural Hamiltonian Flow that learned the density `hgn_tf.distributions.target("{target}")`: preset `nhf`, {steps}
leapfrog steps with a quadratic kinetic energy of learned mass, {parameters:,} parameters.

| KL(target \\|\\| model), nats | held-out points | momenta per point | trained on | optimiser steps | time |
| ---: | ---: | ---: | ---: | ---: | ---: |
| {kl:.4f} | {held_out:,} | {num_samples} | {trained:,} points | {optimiser_steps:,} | {seconds:.0f} s, one CPU thread |

The KL is an upper bound, by importance sampling. Made by `python -m benchmarks.density_pretrained --targets={target}`.

```python
model = hgn_tf.load_pretrained("{name}")
model.sample(1000), model.log_prob(points)
```

Meant for trying the library and for figure 9. The data is synthetic and carries no licence.
"""


def make(target, out):
  """Trains one model and writes its three files."""
  config = presets.get("nhf")
  keras.utils.set_random_seed(config.seed)
  x, _, held_out, log_density = points(target, config.seed)
  model, start = NHF(config), time.perf_counter()
  train(model, x, None)
  seconds = time.perf_counter() - start
  held_out, log_density = held_out[:_HELD_OUT.value], log_density[:_HELD_OUT.value]
  kl = float(np.mean(log_density - model.log_prob(held_out, num_samples=NUM_SAMPLES, seed=0), dtype=np.float64))
  name = f"nhf_{target}"
  facts = {"kl": kl, "num_samples": NUM_SAMPLES, "held_out": len(held_out), "trained": len(x),
           "seconds": round(seconds)}
  text = CARD.format(name=name, target=target, steps=config.num_steps, optimiser_steps=config.steps,
                     parameters=pretrained.parameters(model), **facts)
  pretrained.save(name, model, text, {"dataset": target, **facts}, out)
  print(f"Wrote {out / name}.*: {kl:.4f} nats", flush=True)


def main(argv):
  del argv
  for target in _TARGETS.value:
    make(target, pathlib.Path(_OUT.value))


if __name__ == "__main__":
  app.run(main)
