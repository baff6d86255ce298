"""Makes trained HGNs that come with the package, hgn_tf/pretrained/PRESET_SYSTEM.*, from runs of `hgn-reproduce`.

  hgn-reproduce hgn --rows=hgn --datasets=mass_spring --steps=1300
  python -m benchmarks.hgn_pretrained --runs=mass_spring-hgn-1300-0
  hgn-reproduce law --datasets=two_body --steps=12000
  python -m benchmarks.hgn_pretrained --results=results/law --runs=two_body-hgn_compact-12000-0
"""

import pathlib

from absl import app, flags

from hgn_tf import pretrained
from hgn_tf.evaluation.evaluator import LONG
from hgn_tf.training import files
from hgn_tf.training.workdir import Workdir

_RUNS = flags.DEFINE_list("runs", None, "Names of runs, such as mass_spring-hgn-1300-0.", required=True)
_RESULTS = flags.DEFINE_string("results", "results/hgn", "Folder of the runs' JSON files.")
_WORKDIRS = flags.DEFINE_string("workdirs", "workdirs", "Folder of the runs.")
_OUT = flags.DEFINE_string("out", str(pathlib.Path(pretrained.__file__).parent), "Folder to write to.")

CARD = """# {name}

A Hamiltonian Generative Network that learned the energy of `{dataset}` from films: preset `{preset}`,
{parameters:,} parameters, seed {seed}.

| | train | test |
| --- | ---: | ---: |
| pixel MSE over 30 steps, x1e4 | {train[mse]:.2f} | {test[mse]:.2f} |
| mean training frame, x1e4 | {train[mean_image]:.2f} | {test[mean_image]:.2f} |
| noise floor, x1e4 | {train[noise_floor]:.2f} | {test[noise_floor]:.2f} |
| relative excess | {train[relative_excess]:.3f} | {test[relative_excess]:.3f} |
| drift of H over its spread | {train[energy_drift]:.4f} | {test[energy_drift]:.4f} |
| frames until wrong, of {num_frames} | {train[valid_prediction_time]:.1f} | {test[valid_prediction_time]:.1f} |
| the same, of {frames}: into the future | - | {horizon[forward]:.0f} |
| the same, into the past | - | {horizon[backward]:.0f} |
{law}| samples: distance to test films over that of data | - | {distance:.2f} |
| samples: motion over that of data | - | {motion:.2f} |
| sequences measured | {train[sequences]:,} | {test[sequences]:,} |

Wrong: an error against the clean truth above half of the mean image's.

Trained on the dataset `{dataset}` as `tfds build {dataset} --imports=tfds_builders` makes it: {steps:,} steps of
{batch_size} sequences, {minutes:.0f} minutes of processor time ({machine}). Made by
`hgn-reproduce {command} --rows={row} --datasets={dataset} --steps={steps} --seeds={seed}`; measured again by
`hgn-evaluate --pretrained={name} --limit={test[sequences]}`.

```python
model = hgn_tf.load_pretrained("{name}")
model.reconstruct(frames), model.sample(8, seed=0)
```

Limits: it knows films drawn as `hgn_tf.physics` draws them (colours, ball size, canvas, 32x32 after averaging), dt
{dt}, and initial states like those of the dataset. {beyond}
The scale of its energy is arbitrary. Its samples come from a prior that was fitted after training. The data is
synthetic and carries no licence.
"""
BEYOND = {  # class -> what it knows outside of its films
    "HGN": """It was trained on {num_frames} frames and goes wrong soon after
them and before them: its energy is close to that of the unit oscillator that training starts from, and the decoder
reads the film off the phase (docs/results.md).""",
    "CompactHGN": """It was trained on {num_frames} frames, and stays right for as long
after and before them as measured above (docs/law.md).""",
}


LAW = """| the limit, knowing the law, from {context} frames | - | {limit[forward]:.0f}, {limit[backward]:.0f} |
| R² of the true energy, of the true state | - | {law[energy_r2]:.4f}, {law[state_r2]:.4f} |
"""


def _law(found):
  """Lines of the card on the law, of a run of `hgn-reproduce law`."""
  limits = pathlib.Path(_RESULTS.value) / "limits.json"
  if not limits.exists():
    return ""
  context = found["config"]["context"]
  limit = files.read_json(limits)[f"{found['dataset'].split('/')[0]}-{context}"]
  return LAW.format(context=context, limit=limit, law=found["law"])


def make(run, out):
  """Writes the three files of one model."""
  found = files.read_json(pathlib.Path(_RESULTS.value) / f"{run}.json")
  model = Workdir(pathlib.Path(_WORKDIRS.value) / run).load_model()
  config, name = model.config, f"{model.config.name}_{found['dataset'].replace('/', '_')}"
  splits = {split: {key: value for key, value in found[split].items() if not isinstance(value, list)}
            for split in ("train", "test")}
  scaled = {split: {key: value * (1e4 if key in ("mse", "mean_image", "noise_floor") else 1)
                    for key, value in figures.items()} for split, figures in splits.items()}
  drawn = {key: found["samples"][key] / found["samples"][f"data_{key}"] for key in ("distance", "motion")}
  text = CARD.format(name=name, dataset=found["dataset"], preset=config.name, row=found["row"], steps=config.steps,
                     seed=config.seed, batch_size=config.batch_size, dt=config.dt, machine=found["machine"],
                     minutes=found["cpu_seconds"] / 60, parameters=pretrained.parameters(model),
                     num_frames=config.num_frames, frames=LONG + 1, horizon=found["horizon"], **scaled, **drawn,
                     law=_law(found), command="law" if "pairs" in found["config"] else "hgn",
                     beyond=BEYOND[type(model).__name__].format(**config.to_dict()))
  pretrained.save(name, model, text, {"dataset": found["dataset"], **splits, "samples": found["samples"],
                                     "horizon": found["horizon"]}, out)
  print(f"Wrote {out / name}.*: relative excess {splits['test']['relative_excess']:.3f}")


def main(argv):
  del argv
  for run in _RUNS.value:
    make(run, pathlib.Path(_OUT.value))


if __name__ == "__main__":
  app.run(main)
