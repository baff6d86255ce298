"""The README of a serving directory: the exact commands, signatures, status codes, how to roll back."""

import json

import numpy as np

from export import common
from export.status import Status

_TEXT = """# Models for TensorFlow Serving

Written by `hgn-export`. {served}

| model | versions | kind | max_steps | precision | XLA |
| --- | --- | --- | --- | --- | --- |
{models}

## Start a server

In this directory. CPU:

```
docker run --rm -e TF_ENABLE_ONEDNN_OPTS=1 -p 127.0.0.1:8500:8500 -p 127.0.0.1:8501:8501 \\
  -v "$(pwd):{mount}:ro" tensorflow/serving:latest \\
  {flags}
```

GPU:

```
docker run --rm --gpus all -e TF_FORCE_GPU_ALLOW_GROWTH=true -p 127.0.0.1:8500:8500 -p 127.0.0.1:8501:8501 \\
  -v "$(pwd):{mount}:ro" tensorflow/serving:latest-gpu --per_process_gpu_memory_fraction=0.8 \\
  {flags}
```

oneDNN is off by default where a processor has no AVX-512; on, a rollout takes 0.7 of the time.
Both take gRPC on port 8500 and REST on 8501, on this machine only; leave out `127.0.0.1:` to let others in.{xla}
Without a container, for development: `hgn-serve --models=.`.

## Ask

```
curl http://127.0.0.1:8501/v1/models/{name}
curl http://127.0.0.1:8501/v1/models/{name}/metadata
curl http://127.0.0.1:8501/v1/models/{name}:predict -d '{request}'
curl http://127.0.0.1:8501/v1/models/{name}/labels/stable:predict -d '{request}'
curl http://127.0.0.1:8501{metrics}
```

```python
import grpc, numpy as np, tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
channel = grpc.insecure_channel("127.0.0.1:8500", [("grpc.max_receive_message_length", -1)])  # answers pass 4 MB
request = predict_pb2.PredictRequest()
request.model_spec.name, request.model_spec.signature_name = "{name}", "{signature}"
{inputs}
response = prediction_service_pb2_grpc.PredictionServiceStub(channel).Predict(request, timeout=60)
print({{key: tf.make_ndarray(value).shape for key, value in response.outputs.items()}})
```

## Signatures

Dimension 0 of every input and output is the batch; every row is answered as if it were alone. `serving_default` is what
a request without a signature name gets.
{signatures}
dt < 0 runs backward, another dt changes the speed. Rows of one request, and requests that the server merges, may differ
in num_steps: the answer has the longest row's T + 1 steps, a shorter row rests after its own last step, and `valid`
[N, T + 1] says which steps count. Clients cut the rest off.

## Status of a row

A bad row never fails its neighbours. It comes back with `valid` False, zeros, and a code in `status`:

| status | meaning |
| --- | --- |
{status}

Inputs of another shape or dtype than declared fail the whole request (INVALID_ARGUMENT, HTTP 400).
{limits}
## Versions and roll back

`{config}` serves two versions of a model. Requests get the newest; `/labels/stable` (gRPC: `version_label`) gets the
one labelled stable, which `hgn-export` never moves. To promote a version, point `stable` at it. To roll back, take the
bad version out of `versions` and point both labels at the good one. The server reads the file again every 10 seconds
(`--model_config_file_poll_wait_seconds`), loads before it unloads, and drops no request.
"""

_FLAGS = """--model_config_file={mount}/models.config --model_config_file_poll_wait_seconds=10 \\
  --allow_version_labels_for_unavailable_models --monitoring_config_file={mount}/monitoring.config \\
  --enable_batching --enable_per_model_batching_parameters --rest_api_timeout_in_ms=300000{xla}"""
_XLA_FLAGS = " \\\n  --xla_cpu_compilation_enabled --xla_gpu_compilation_enabled"


def readme(root, models, config, metrics):
  """The text of the README of the serving directory `root`.

  Args:
    root: the directory.
    models: name -> directory of the model.
    config: name of the model config file.
    metrics: path of the metrics.
  """
  known = {name: common.read_metadata(common.newest(base)) for name, base in models.items()}
  single = root in models.values()
  name, metadata = next(iter(known.items()))
  signature = "sample" if "sample" in metadata["signatures"] else "serving_default"
  xla = _XLA_FLAGS if any(x.get("xla") for x in known.values()) else ""
  mount = f"/models/{name}" if single else "/models"
  return _TEXT.format(
      served="One model." if single else f"{len(models)} models, one configuration.",
      models="\n".join(_model_row(key, models[key], x) for key, x in known.items()), mount=mount,
      flags=_FLAGS.format(mount=mount, xla=xla), name=name, signature=signature, config=config, metrics=metrics,
      xla=" The XLA flags are needed by the models that were exported with --xla." if xla else "",
      request=_request(signature, metadata), inputs=_grpc_inputs(signature, metadata), signatures=_signatures(known),
      status="\n".join(f"| {int(code)} {code.name} | {code.meaning} |" for code in Status), limits=_limits(known))


def _model_row(name, base, metadata):
  cells = [name, ", ".join(map(str, common.versions(base))), metadata["kind"], metadata.get("max_steps", "-"),
           metadata.get("precision", "float32"), "yes" if metadata.get("xla") else "no"]
  return "| " + " | ".join(map(str, cells)) + " |"


def _request(name, metadata):
  """A REST request of one row."""
  inputs = metadata["signatures"][name]["inputs"]
  row = {key: _example(info).tolist() for key, info in inputs.items()}
  return json.dumps({"signature_name": name, "instances": [row if len(row) > 1 else next(iter(row.values()))]})


def _grpc_inputs(name, metadata):
  """The lines of Python that fill the same request."""
  arrays = {key: f"np.array({[_example(info).tolist()]}, np.{info['dtype']})"
            for key, info in metadata["signatures"][name]["inputs"].items()}
  return "\n".join(f'request.inputs["{key}"].CopyFrom(tf.make_tensor_proto({array}))' for key, array in arrays.items())


def _example(info):
  return np.full(info["shape"][1:], info["example"], info["dtype"])


def _signatures(known):
  """A table for every set of models with the same signatures."""
  groups = {}
  for name, metadata in known.items():
    groups.setdefault(json.dumps(metadata["signatures"]), []).append(name)
  return "".join(_signature_table(names, json.loads(signatures)) for signatures, names in groups.items())


def _signature_table(names, signatures):
  cells = ((f"`{name}`", _tensors(s["inputs"]), _tensors(s["outputs"])) for name, s in signatures.items())
  rows = "\n".join(f"| {' | '.join(row)} |" for row in cells)
  return f"\n{', '.join(names)}:\n\n| signature | inputs | outputs |\n| --- | --- | --- |\n{rows}\n"


def _tensors(tensors):
  return "<br>".join(f"`{name}` {x['dtype']} [{', '.join(_dimensions(x['shape']))}]" for name, x in tensors.items())


def _dimensions(shape):
  return [str(size) if size else "N" if i == 0 else "T + 1" for i, size in enumerate(shape)]


def _limits(known):
  """What bounds a request."""
  rows = max(max(metadata["batch_sizes"]) for metadata in known.values())
  steps = max(metadata.get("max_steps", 0) for metadata in known.values())
  longest = f" num_steps of a row is at most {steps}: a full request then answers with hundreds of MB." if steps else ""
  return f"A request, and a merge of requests, holds at most {rows} rows.{longest}\n"
