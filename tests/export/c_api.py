"""Runs a SavedModel through TensorFlow's C API, without importing TensorFlow: c_api.py MODEL NAMES REQUESTS ANSWERS.

NAMES is JSON: signature -> {"inputs": {name: tensor}, "outputs": {name: tensor}}; REQUESTS is an npz of arrays named
<signature>/<input>; ANSWERS of <signature>/<output>.
"""

import ctypes
import importlib.util
import json
import pathlib
import sys

import numpy as np

DTYPES = {1: np.float32, 3: np.int32, 4: np.uint8, 10: np.bool_}  # of TF_DataType


class Output(ctypes.Structure):
  """TF_Output."""

  _fields_ = [("operation", ctypes.c_void_p), ("index", ctypes.c_int)]


def load_library():
  """The C API of the installed wheel."""
  folder = pathlib.Path(importlib.util.find_spec("tensorflow").submodule_search_locations[0])
  framework = ctypes.CDLL(str(folder / "libtensorflow_framework.so.2"), ctypes.RTLD_GLOBAL)
  library = ctypes.CDLL(str(folder / "libtensorflow_cc.so.2"), ctypes.RTLD_GLOBAL)
  for owner, names in ((library, ("TF_NewGraph", "TF_NewSessionOptions", "TF_LoadSessionFromSavedModel",
                                  "TF_GraphOperationByName")),
                       (framework, ("TF_NewStatus", "TF_AllocateTensor", "TF_TensorData"))):
    for name in names:
      getattr(owner, name).restype = ctypes.c_void_p
  framework.TF_Message.restype = ctypes.c_char_p
  framework.TF_Dim.restype = ctypes.c_int64
  return library, framework


class Model:
  """A loaded SavedModel."""

  def __init__(self, path):
    self.library, self.framework = load_library()
    self.status, self.graph = (ctypes.c_void_p(f()) for f in (self.framework.TF_NewStatus, self.library.TF_NewGraph))
    options = ctypes.c_void_p(self.library.TF_NewSessionOptions())
    tags = (ctypes.c_char_p * 1)(b"serve")
    self.session = ctypes.c_void_p(self.library.TF_LoadSessionFromSavedModel(
        options, None, path.encode(), tags, 1, self.graph, None, self.status))
    self.check()

  def check(self):
    """Ends the process with the message of a failure."""
    if self.framework.TF_GetCode(self.status):
      sys.exit(self.framework.TF_Message(self.status).decode())

  def run(self, inputs, outputs):
    """Arrays of the tensors `outputs` for {tensor: array}."""
    fed, values = self.outputs(inputs), (ctypes.c_void_p * len(inputs))(*map(self.tensor, inputs.values()))
    fetched, answers = self.outputs(outputs), (ctypes.c_void_p * len(outputs))()
    self.library.TF_SessionRun(self.session, None, fed, values, len(inputs), fetched, answers, len(outputs), None, 0,
                               None, self.status)
    self.check()
    return [self.array(ctypes.c_void_p(x)) for x in answers]

  def outputs(self, names):
    """TF_Outputs of tensor names."""
    pairs = [name.split(":") for name in names]
    find = self.library.TF_GraphOperationByName
    return (Output * len(pairs))(*((find(self.graph, name.encode()), int(index)) for name, index in pairs))

  def tensor(self, array):
    """A TF_Tensor with the content of an array."""
    array = np.ascontiguousarray(array)
    number = next(number for number, dtype in DTYPES.items() if dtype == array.dtype)
    dims = (ctypes.c_int64 * array.ndim)(*array.shape)
    tensor = self.framework.TF_AllocateTensor(number, dims, array.ndim, ctypes.c_size_t(array.nbytes))
    data = self.framework.TF_TensorData(ctypes.c_void_p(tensor))
    ctypes.memmove(data, array.ctypes.data, array.nbytes)
    return tensor

  def array(self, tensor):
    """The array in a TF_Tensor."""
    api = self.framework
    shape = [api.TF_Dim(tensor, i) for i in range(api.TF_NumDims(tensor))]
    dtype = np.dtype(DTYPES[api.TF_TensorType(tensor)])
    content = ctypes.string_at(api.TF_TensorData(tensor), int(np.prod(shape)) * dtype.itemsize)
    return np.frombuffer(content, dtype).reshape(shape)


def main(path, names, requests, answers):
  model, found, arrays = Model(path), {}, np.load(requests)
  for signature, tensors in json.loads(names).items():
    inputs = {tensor: arrays[f"{signature}/{key}"] for key, tensor in tensors["inputs"].items()}
    outputs = model.run(inputs, tensors["outputs"].values())
    found.update({f"{signature}/{key}": x for key, x in zip(tensors["outputs"], outputs, strict=True)})
  np.savez(answers, **found)
  sys.exit("imported TensorFlow" if "tensorflow" in sys.modules else 0)


main(*sys.argv[1:])
