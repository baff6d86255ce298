"""A compact HGN in every format: size, latency of one row in its own runtime, difference to the Keras model.

  python -m benchmarks.lean --pretrained=hgn_compact_mass_spring

The runtimes run in a process without TensorFlow, one after the other; SavedModel's rows are TensorFlow's C++ session.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np  # noqa: E402

from examples.lean_runtime import seconds  # noqa: E402
from export import lean, rollout, serving  # noqa: E402
from export.server.loader import SessionModel  # noqa: E402
from hgn_tf import pretrained  # noqa: E402
from hgn_tf.evaluation.report import markdown_table  # noqa: E402

_RUNTIME = pathlib.Path(__file__).parents[1] / "examples" / "lean_runtime.py"
_PART = {"encode": "encode", "step": "evolve", "decode": "decode"}  # function -> signature of the SavedModel


def arguments():
  """The command line."""
  parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
  parser.add_argument("--pretrained", default="hgn_compact_mass_spring", help="name of a compact HGN")
  parser.add_argument("--seconds", type=float, default=3.0, help="of calls a figure")
  return parser.parse_args()


def requests(model):
  """Function -> inputs of one row."""
  c, rng = model.config, np.random.default_rng(0)
  state = lambda: rng.standard_normal((1, c.pairs)).astype(np.float32)  # noqa: E731
  return {"encode": {"frames": rng.random((1, *c.seen_shape), np.float32)},
          "step": {"q": state(), "p": state(), "dt": np.float32([c.dt])}, "decode": {"q": state()}}


def session_rows(path, inputs, frame_shape, duration):
  """Rows of the table of the SavedModel, and its outputs by function."""
  session, rows, outputs = SessionModel(path), [], {}
  size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file() and "assets" not in file.parts[-2])
  for name, signature in _PART.items():
    asked = dict(inputs[name])
    if name == "encode":  # the signature takes whole films; the encoder sees their beginning
      film = np.zeros((1, *frame_shape), np.float32)
      film[:, :asked["frames"].shape[1]] = asked["frames"]
      asked = {"frames": film}
    if name == "step":
      asked["num_steps"] = np.int32([1])
    run = lambda x, signature=signature: session.run(signature, x)  # noqa: E731
    outputs[name] = run(asked)
    rows.append(["SavedModel", name, size / 1e3 if name == "encode" else "(all)", 1e3 * seconds(run, asked, duration),
                 "(compared with)"])
  outputs["step"] = {f"next_{key}": outputs["step"][key][:, 1] for key in "qp"}
  return rows, outputs


def main():
  args = arguments()
  model = pretrained.load_pretrained(args.pretrained)
  inputs = requests(model)
  with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    np.savez(folder / "requests.npz", **{f"{name}/{key}": x for name, arrays in inputs.items()
                                         for key, x in arrays.items()})
    paths = {kind: lean.publish(model, folder / kind, kind) for kind in lean.FORMATS}
    subprocess.run([sys.executable, str(_RUNTIME), folder / "requests.npz", folder / "answers.npz", *paths.values()],
                   check=True, env={**os.environ, "SECONDS": str(args.seconds)})
    found = dict(np.load(folder / "answers.npz"))
    saved = serving.publish(rollout.servable(model), folder / "saved_model", batch_sizes=(1,))
    rows, expected = session_rows(saved, inputs, model.config.frame_shape, args.seconds)
    for kind, path in paths.items():
      for name, ending in ((name, lean.FORMATS[kind]) for name in _PART):
        keys = [key.split("/")[2] for key in found if key.startswith(f"{kind}/{name}/") and not key.endswith("seconds")]
        apart = max(np.abs(found[f"{kind}/{name}/{key}"] - expected[name][key]).max() for key in keys)
        rows.append([kind, name, (path / f"{name}{ending}").stat().st_size / 1e3,
                     1e3 * float(found[f"{kind}/{name}/seconds"]), f"{apart:.1e}"])
  print(f"{args.pretrained}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.0f}\n")
  print(markdown_table(["format", "function", "kB", "ms", "largest difference"], rows))


if __name__ == "__main__":
  main()
