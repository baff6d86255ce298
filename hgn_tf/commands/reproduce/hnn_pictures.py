"""The pictures of docs/hnn.md, from the arrays that the runs of the first seed left beside their JSON files."""

import numpy as np

from hgn_tf.evaluation.plots import hnn as plots


def draw(results, titles, folder):
  """Draws every picture whose arrays are there.

  Args:
    results: folder of the runs, pathlib.Path.
    titles: task -> its title.
    folder: where to write, pathlib.Path.

  Returns:
    file -> caption.
  """
  folder.mkdir(parents=True, exist_ok=True)
  tasks = {task: found for task in titles if (found := _load(results, task))}
  pictures = {}
  for task, found in tasks.items():
    one = next(iter(found.values()))
    path = folder / f"{task}.png"
    if task == "pixel_pendulum":
      if "hnn" in found:
        pictures[path] = f"{titles[task]}: the learned energy, a rollout that gains energy halfway, and its frames."
        _draw_latent(path, found["hnn"])
    elif "grid" in one:
      pictures[path] = f"{titles[task]}: the field and one rollout, from blue to red; training data as dots."
      _draw_fields(path, found)
    else:
      pictures[path] = f"{titles[task]}: a test trajectory over the horizon."
      _draw_orbits(path, found)
  panels = {titles[task]: _energies(found) for task, found in tasks.items() if task != "pixel_pendulum"}
  if panels:
    pictures[folder / "energy.png"] = "The true energy along a rollout of ten horizons; the grey line marks the first."
    plots.energies(folder / "energy.png", panels)
  return pictures


def _load(results, task):
  """model -> arrays, of the models whose arrays are there."""
  paths = {model: results / f"{task}-{model}-0.npz" for model in plots.LABELS}
  return {model: dict(np.load(path)) for model, path in paths.items() if path.exists()}


def _draw_fields(path, found):
  one = next(iter(found.values()))
  panels = {"truth": (one["true_field"], one["true_states"]),
            **{model: (arrays["field"], arrays["states"]) for model, arrays in found.items()}}
  plots.fields(path, one["grid"], panels, pairs=one["pairs_x"])


def _draw_orbits(path, found):
  one = next(iter(found.values()))
  states = {"truth": one["true_states"], **{model: arrays["states"] for model, arrays in found.items()}}
  plots.orbits(path, {label: x[:, :x.shape[1] // 2].reshape(len(x), -1, 2) for label, x in states.items()})


def _energies(found):
  one = next(iter(found.values()))
  curves = {"truth": (one["energy_time"], one["true_energy"]),
            **{model: (arrays["energy_time"], arrays["energy"]) for model, arrays in found.items()}}
  return curves, one["time"][-1]


def _draw_latent(path, arrays):
  plots.latent(path, (arrays["q_axis"], arrays["p_axis"]), arrays["energy_grid"], arrays["codes"], arrays["trajectory"],
               arrays["frames"], kick=int(arrays["kick"]))
