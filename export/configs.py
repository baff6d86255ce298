"""What stands beside the models: models.config, monitoring.config and a README with the exact commands."""

import pathlib

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from export import common
from export.readme import readme
from hgn_tf.training import files

MODELS, MONITORING, README = "models.config", "monitoring.config", "README.md"
METRICS_PATH = "/monitoring/prometheus/metrics"
_MONITORING_TEXT = f'prometheus_config {{\n  enable: true\n  path: "{METRICS_PATH}"\n}}\n'


def models_in(root):
  """name -> directory of the models in `root`: `root` itself where it holds versions, else its children that do.

  Raises:
    ValueError: no model there.
  """
  root = pathlib.Path(root).absolute()
  if common.versions(root):
    return {root.name: root}
  children = sorted(child for child in root.iterdir() if child.is_dir()) if root.is_dir() else []
  models = {child.name: child for child in children if common.versions(child)}
  if not models:
    raise ValueError(f"{root} must be a directory of a model (with versions 1, 2, ...) or of several; it is neither.")
  return models


def write_configs(root):
  """Writes `MODELS`, `MONITORING` and README.md to `root` for the models that are there.

  Every model is served in two versions: the one labelled "stable", which stays where it is until an operator moves it,
  and the newest, labelled "canary", which requests without version or label get.
  """
  root = pathlib.Path(root).absolute()
  models = models_in(root)
  stable = {name: version for name, version in _labels(root / MODELS, "stable").items()
            if name in models and version in common.versions(models[name])}
  config = model_server_config_pb2.ModelServerConfig()
  for name, base in models.items():
    newest = common.versions(base)[-1]
    first = stable.get(name, newest)
    entry = config.model_config_list.config.add(name=name, base_path=f"/models/{name}", model_platform="tensorflow")
    entry.model_version_policy.specific.versions.extend(sorted({first, newest}))
    entry.version_labels["stable"], entry.version_labels["canary"] = first, newest
  files.write_bytes(root / MODELS, text_format.MessageToString(config).encode())
  files.write_bytes(root / MONITORING, _MONITORING_TEXT.encode())
  files.write_bytes(root / README, readme(root, models, MODELS, METRICS_PATH).encode())


def read_models(path):
  """The ModelServerConfig in the file `path`.

  Raises:
    ValueError: not a ModelServerConfig.
  """
  try:
    return text_format.Parse(pathlib.Path(path).read_text(), model_server_config_pb2.ModelServerConfig())
  except text_format.ParseError as error:
    raise ValueError(f"{path} must be the text of a ModelServerConfig: {error}") from None


def _labels(path, label):
  """model name -> version with `label` in the models.config at `path`; nothing where there is no such file."""
  entries = read_models(path).model_config_list.config if path.exists() else ()
  return {entry.name: entry.version_labels[label] for entry in entries if label in entry.version_labels}
