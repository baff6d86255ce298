"""hgn-export: a trained model as a SavedModel for TensorFlow Serving, in OUT/<next version>/; or for other runtimes.

Examples:
  hgn-export --workdir=/tmp/run --out=/tmp/models/hgn
  hgn-export --pretrained=hgn_mass_spring --out=/tmp/models/hgn_mass_spring --precision=bfloat16
  hgn-export --pretrained=all --out=/tmp/models
  hgn-export --pretrained=hgn_compact_pendulum --out=/tmp/lean --format=onnx
"""

import pathlib

from absl import flags, logging

from hgn_tf.commands import cli

_WORKDIR = flags.DEFINE_string("workdir", None, "Folder of a training run whose newest checkpoint is exported.")
_PRETRAINED = flags.DEFINE_string("pretrained", None, "Name of a trained model that comes with hgn_tf, or 'all'.")
_OUT = flags.DEFINE_string("out", None, "Directory of the model, named as it will be served; with 'all' its parent.")
_VERSION = flags.DEFINE_integer("version", None, "Version to write (default: the next free one).", lower_bound=1)
_PRECISION = flags.DEFINE_enum("precision", "float32", ["float32", "bfloat16"], "Of encoder and decoder.")
_MAX_STEPS = flags.DEFINE_integer("max_steps", 1000, "Longest rollout that a request may ask for.", lower_bound=1)
_BATCH_SIZES = flags.DEFINE_list("batch_sizes", ["1", "2", "4", "8", "16"], "Rows that merged requests are padded to.")
_REFINE = flags.DEFINE_integer("refine", 0, "Of a compact HGN: iterations of inference from all frames.", lower_bound=0)
_FORMAT = flags.DEFINE_enum("format", "saved_model", ["saved_model", "tflite", "onnx", "stablehlo"],
                            "Of a compact HGN also: encode, step and decode for the runtime of that name.")
_ROWS = flags.DEFINE_integer("format_rows", 1, "Batch size of the other formats.", lower_bound=1)
_XLA = flags.DEFINE_bool("xla", False, "Compile with XLA; the server then needs XLA switched on.")


def main(argv):
  del argv
  logging.set_verbosity(logging.WARNING)  # TensorFlow logs every renamed input
  from export import configs, serving  # slow: TensorFlow
  from hgn_tf.training import progress
  _check_flags()
  out = pathlib.Path(_OUT.value)
  _check_out(out)
  if _FORMAT.value != "saved_model":
    _export_lean(out)
    return
  sizes = _integers("batch_sizes", _BATCH_SIZES.value)
  with progress.stages("Exporting", _names(out)) as begin:
    for base, model in _models(out):
      begin(base.name)
      path = serving.publish(_servable(model), base, version=_VERSION.value, batch_sizes=sizes)
      progress.say(f"Wrote {path}")
  root = out.parent if (out.parent / configs.MODELS).exists() else out
  configs.write_configs(root)
  print(f"Next: hgn-serve --models={root}, or see {root / 'README.md'}")


def _export_lean(out):
  """Writes the functions of a compact HGN in another format than SavedModel."""
  from export import lean  # slow: TensorFlow
  ((base, model),) = _models(out)
  print(f"Wrote {lean.publish(model, base, _FORMAT.value, rows=_ROWS.value, version=_VERSION.value)}")


def _check_flags():
  if not _OUT.value:
    raise ValueError("--out is required: the directory of the model, named as it will be served.")
  if bool(_WORKDIR.value) == bool(_PRETRAINED.value):
    raise ValueError("give one of --workdir and --pretrained.")
  if _PRETRAINED.value == "all" and _FORMAT.value != "saved_model":
    raise ValueError(f"--pretrained must name one compact HGN with --format={_FORMAT.value}, got 'all'.")


def _check_out(out):
  """Raises a ValueError where the server would lose models that are there, or would not find the new one."""
  from export import common  # slow: TensorFlow
  if common.versions(out.absolute().parent):
    raise ValueError(f"--out must be the directory of a model, got {out} inside of the model {out.absolute().parent}.")
  if _PRETRAINED.value == "all":
    if common.versions(out):
      raise ValueError(f"--out must be the directory of several models with --pretrained=all, got {out}, that of one.")
    return
  others = sorted(child.name for child in out.iterdir() if common.versions(child)) if out.is_dir() else []
  if others:
    raise ValueError(f"--out must be the directory of the model, {out / _model_name()}, got {out}, which holds other "
                     f"models: {', '.join(others)}.")


def _model_name():
  """What the model that is exported is called."""
  from hgn_tf.training.workdir import Workdir  # slow: TensorFlow
  return _PRETRAINED.value or Workdir(_WORKDIR.value).config.name


def _integers(name, values):
  try:
    return [int(value) for value in values]
  except ValueError:
    raise ValueError(f"--{name} must be integers with commas between, got {','.join(values)!r}.") from None


def _names(out):
  """The names that the models are served under."""
  from hgn_tf import pretrained  # slow: TensorFlow
  return pretrained.names() if _PRETRAINED.value == "all" else [out.name]


def _models(out):
  """Pairs of a model's directory and the model."""
  if _WORKDIR.value:
    from hgn_tf.training.workdir import Workdir  # slow: TensorFlow
    return [(out, Workdir(_WORKDIR.value).load_model())]
  from hgn_tf import pretrained  # slow: TensorFlow
  if _PRETRAINED.value != "all":
    return [(out, pretrained.load_pretrained(_PRETRAINED.value))]
  models = ((name, pretrained.load_pretrained(name)) for name in pretrained.names())
  return ((out / name, model) for name, model in models if _exporter(model))


def _exporter(model):
  """The function that makes a Servable of `model`, None where there is none."""
  from hgn_tf.models import HGN  # slow: TensorFlow
  if isinstance(model, HGN) and model.has_energy:
    from export import rollout
    return lambda: rollout.servable(model, max_steps=_MAX_STEPS.value, precision=_PRECISION.value, xla=_XLA.value,
                                    refine=_REFINE.value)
  from export import density
  from hgn_tf.models import NHF, RealNVP
  return (lambda: density.servable(model)) if isinstance(model, (NHF, RealNVP)) else None


def _servable(model):
  exporter = _exporter(model)
  if exporter is None:
    raise ValueError(f"hgn-export knows HGN, NHF and RealNVP, got {type(model).__name__}.")
  return exporter()


def run():
  """Console script."""
  cli.run(main)


if __name__ == "__main__":
  run()
