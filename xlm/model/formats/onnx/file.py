"""Writes a model as an ONNX file.

    write_onnx(folder, model)  # model.onnx, and model.onnx_data with the weights of a large model

A file of protobuf ends at 2 GiB. The weights of larger models are in a second file, which
onnxruntime finds next to the first one.
"""

from collections.abc import Iterator
from pathlib import Path

from onnx import ModelProto, TensorProto, ValueInfoProto, helper
from torch import Tensor

from xlm.model.formats.conversion import PortableModel
from xlm.model.formats.onnx.graph import INPUTS, OUTPUT, build_graph
from xlm.model.formats.source_files import ONNX_FILE

WEIGHTS_FILE = "model.onnx_data"
"""The name that `optimum` and `transformers.js` use too."""
ONE_FILE_LIMIT_BYTES = 2**31 - 2**24
"""Of weights: protobuf's limit, less 16 MiB for the graph."""

_OPSET, _IR_VERSION = 20, 9
"""The first opset with Gelu, and the version of the file format that came with it (2023)."""
_ALIGNMENT_BYTES = 4096
"""A page, so that the runtime can map weights into memory."""


def write_onnx(folder: Path, model: PortableModel) -> None:
    """Write the files; the model's languages and labels are in the metadata of the graph."""
    graph = build_graph(model)
    used = {name: model.weights[name] for name in graph.weights}
    if sum(weight.nbytes for weight in used.values()) > ONE_FILE_LIMIT_BYTES:
        tensors = list(_write_weights(folder / WEIGHTS_FILE, used))
    else:
        tensors = [_embedded(name, weight) for name, weight in used.items()]
    proto = helper.make_model(
        helper.make_graph(
            graph.nodes,
            "xlm",
            [_value(name, TensorProto.INT64, "batch", "length") for name in INPUTS],
            [_output(model)],
            [*graph.constants, *tensors],
        ),
        producer_name="xlm-pipeline",
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    _describe(proto, model)
    (folder / ONNX_FILE).write_bytes(proto.SerializeToString(deterministic=True))


def _output(model: PortableModel) -> ValueInfoProto:
    description = model.description
    if model.is_classifier:
        return _value(OUTPUT, TensorProto.FLOAT, "batch", len(description.labels))
    return _value(OUTPUT, TensorProto.FLOAT, "batch", "length", description.vocabulary_size)


def _value(name: str, dtype: int, *shape: str | int) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, dtype, shape)


def _describe(proto: ModelProto, model: PortableModel) -> None:
    facts = {"languages": " ".join(model.description.languages)}
    if model.is_classifier:
        facts["labels"] = "\n".join(model.description.labels)
    helper.set_model_props(proto, facts)


def _embedded(name: str, weight: Tensor) -> TensorProto:
    tensor = _header(name, weight)
    tensor.raw_data = weight.numpy().tobytes()
    return tensor


def _write_weights(path: Path, weights: dict[str, Tensor]) -> Iterator[TensorProto]:
    """Write the weights one after another, and yield where each of them is."""
    with path.open("wb") as file:
        for name, weight in weights.items():
            file.write(bytes(-file.tell() % _ALIGNMENT_BYTES))
            tensor = _header(name, weight)
            tensor.data_location = TensorProto.EXTERNAL
            place = {"location": path.name, "offset": file.tell(), "length": weight.nbytes}
            for key, value in place.items():
                tensor.external_data.add(key=key, value=str(value))
            file.write(weight.numpy().data)
            yield tensor


def _header(name: str, weight: Tensor) -> TensorProto:
    return TensorProto(name=name, dims=weight.shape, data_type=TensorProto.FLOAT)
