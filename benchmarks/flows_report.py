"""Writes docs/flows.md from what benchmarks/sampling.py and benchmarks/simulation_based_inference.py measured.

  python -m benchmarks.flows_report
"""

import pathlib

import numpy as np
from absl import app, flags

from hgn_tf.evaluation.report import markdown_table
from hgn_tf.training import files

_ROWS = flags.DEFINE_string("rows", "results/flows", "Folder of the results.")
_OUT = flags.DEFINE_string("out", "docs/flows.md", "File to write.")
TRUTH = {"banana": 10.0, "funnel": 3.0, "logistic": None}  # standard deviation of the first coordinate


def posterior(folder):
  """The table of the two moons' posterior; "" where it was not measured."""
  path = folder / "two_moons_posterior.json"
  if not path.exists():
    return ""
  run = files.read_json(path)
  lines = [[f"({', '.join(f'{x:.2f}' for x in observation)})", f"{score:.3f}"]
           for observation, score in zip(run["observations"], run["c2st"], strict=True)]
  text = POSTERIOR.format(mean=np.mean(run["c2st"]), seconds=run["train_seconds"], **run)
  return text + "\n" + markdown_table(["observation", "C2ST"], lines)


def sampling(folder):
  """The table of effective samples; "" where there is none."""
  lines = []
  for name in (name for name in TRUTH if (folder / f"sampling-{name}.json").exists()):
    run = files.read_json(folder / f"sampling-{name}.json")
    for method, row in run["rows"].items():
      lines.append([f"{name}, {run['size']}", method, f"{row['effective']:,.0f}", f"{row['seconds']:.2f}",
                    f"{row['per_second']:,.0f}", "-" if method == "hmc" else f"{run['fit_seconds']:.0f}",
                    f"{row['deviation']:.2f}", "-" if TRUTH[name] is None else f"{TRUTH[name]:.2f}"])
  header = ["target, dimensions", "sampler", "effective samples", "seconds", "a second", "seconds of fit_to",
            "deviation of the first coordinate", "truth"]
  return SAMPLING + "\n" + markdown_table(header, lines) if lines else ""


TEXT = """# Flows: contexts, states, and targets known up to a constant

What a Neural Hamiltonian Flow does besides fitting points. How well it fits them is on [another page](density.md); the
mathematics is in [theory](theory.md#neural-hamiltonian-flows). `python -m benchmarks.flows_report` wrote this page from
`results/flows`.

## How good is the bound?

The density of a position is an integral over momenta, and `log_prob` is a lower bound of it. Ask for the gap, what four
times the momenta would gain, to see whether there are enough:

```python
value, gap = model.log_prob(points, return_gap=True)
model.log_prob(points, num_samples=1024)  # where the gap is too wide
```

## Densities of states

Where both positions and momenta are observed, nothing has to be integrated out: the density is exact, of one pass.

```python
model = NHF(NHFConfig(event_size=2, joint=True))
model.fit(states)             # [n, 4], positions first
model.log_prob(states), model.sample(1000)
```

## Tables and images

```python
model = NHF(NHFConfig(event_size=30, standardisation="copula"))            # or "marginal"; RealNVPConfig likewise
model = NHF(NHFConfig(event_size=64, standardisation="copula", grid=(8, 8, 1), hidden=(16, 16)))
```

Measured numbers have levels, tails and walls that a flow takes long to find. Before the flow, "marginal" makes each of
them normal by a spline through its quantiles, "copula" takes out their correlations as well; both are bijectors, their
log-determinants part of the density ([what it gives](density.md#digits)). `grid` makes V a sum of convolutions.

## Conditional densities

```python
model = NHF(presets.get("nhf_mixture", context_size=2))
model.fit((parameters, observations))
model.log_prob(parameters, observations)     # a context for each point, or one for all
model.sample(1000, observations[0])          # [1000, d]
model.sample(1000, observations[:5])         # [1000, 5, d]
```

The potentials and the encoder see the context beside the positions. `hgn-export` makes signatures with a `context`, and
of a `joint` model signatures of states.
"""
POSTERIOR = """
### The posterior of two moons

Simulation-based inference: parameters are drawn from a prior, a simulator makes observations of them, and the flow
learns the posterior from the pairs. `python -m benchmarks.simulation_based_inference` ({simulations:,} simulations,
{steps:,} steps, {seconds:.0f} s of one thread, seed {seed}) has scikit-learn's MLP tell {samples} samples of the
NHF from as many of the exact posterior; 0.5 is the best (C2ST), 0.55 the goal. The mean is {mean:.3f}. The log density
of parameters for observations that were held out is {log_prob:.2f} nats, that of the exact posterior
{best_log_prob:.2f}. The frequency of the potentials was chosen by that density, from 2, 4, 8 and 16 after 10,000 steps.
""".replace("{samples}", "5,000")
KNOWN = """
## Targets known up to a constant

`fit_to` needs no data, only a function that gives log densities:

```python
model = NHF(NHFConfig(event_size=2))
losses = model.fit_to(log_density)                            # reverse KL over phase space, annealed
points, log_weights = model.importance_sample(log_density, 10_000)

kernel = tfp.mcmc.TransformedTransitionKernel(                # HMC in coordinates that the flow makes round
    tfp.mcmc.HamiltonianMonteCarlo(model.phase_log_prob(log_density), step_size=0.1, num_leapfrog_steps=10),
    model.phase_bijector())
```

The momenta come with the encoder's density, so that positions of phase space are distributed as the target is, whatever
was learned: HMC is exact, and importance weights are too. Training stops with the step where a target diverges.
"""
SAMPLING = """
`python -m benchmarks.sampling`, 20 chains of 1,000 draws after 500, or 20,000 importance samples, CPU seconds of one
thread. Read the last columns first: the reverse KL seeks modes, and where it has missed a tail, importance weights look
better than they are; chains do not have that fault, but a long neck defeats both kinds of them.
"""
LAST = """
In the flow's coordinates a draw of the funnel is worth eight times as much and one of the regression twice as much, but
it costs more than that: these densities are cheaper than the flow, and plain HMC gives more a second on all three. What
we would do: plain HMC where a gradient is cheap; the flow's coordinates where one evaluation of the density costs more
than the flow itself; importance weights in a few dimensions only, beside chains that agree with them.

## Composing

`HamiltonianStep` and `HamiltonianFlow` are bijectors like any other of TensorFlow Probability: in a `tfb.Chain` with
scales, shifts and permutations, in a `TransformedDistribution` or a joint distribution, under `tf.function`, XLA and
`vectorized_map`, in float32 and float64. A `dt` of shape [...] is a batch shape.

```python
flow = HamiltonianFlow([HamiltonianStep(energy, tf.constant([0.1, 0.2, 0.3]))])   # three bijectors in one
density = tfd.TransformedDistribution(base, tfb.Chain([tfb.Shift(shift), tfb.Scale(scale), flow]))
```
"""


def main(argv):
  del argv
  folder = pathlib.Path(_ROWS.value)
  text = "".join([TEXT, posterior(folder), KNOWN, sampling(folder), LAST])
  files.write_bytes(_OUT.value, text.encode())
  print(f"Wrote {_OUT.value}")


if __name__ == "__main__":
  app.run(main)
