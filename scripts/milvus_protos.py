#!/usr/bin/env python3
"""Writes the part of the Milvus protocol that godwit uses as a FileDescriptorSet, for `protoc --descriptor_set_in`.

The descriptors come from the stubs of the pymilvus wheel, so no .proto file has to be fetched or kept. Only the calls
named in the RPC list stay, with every message that they reach; numbers and names are unchanged, so what goes over the
wire is the same as with the whole protocol.

usage: milvus_protos.py --rpcs FILE --out FILE.desc      prints the names of the files in the set, one a line
"""

import argparse
import importlib
import importlib.util
import os
import sys
import types

from google.protobuf import descriptor_pb2

SERVICE = "MilvusService"


def load_files():
    """name -> FileDescriptorProto, of milvus.proto and all that it imports."""
    # The tests' pymilvus has to fit the server and is too old to know sparse vectors or null; setup.sh puts newer stubs
    # beside it. A server leaves out what it doesn't know.
    sys.path.insert(0, os.path.join(sys.prefix, "milvus-protocol"))
    spec = importlib.util.find_spec("pymilvus")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("milvus_protos.py: this Python has no pymilvus; run scripts/setup.sh")
    # Only the stubs are wanted: the package's own __init__ would import pandas and more, which takes seconds.
    for name, folder in (("pymilvus", ""), ("pymilvus.grpc_gen", "grpc_gen")):
        package = types.ModuleType(name)
        package.__path__ = [os.path.join(spec.submodule_search_locations[0], folder)]
        sys.modules[name] = package
    files = {}

    def add(descriptor):
        if descriptor.name in files:
            return
        proto = descriptor_pb2.FileDescriptorProto()
        descriptor.CopyToProto(proto)
        files[descriptor.name] = proto
        for dependency in descriptor.dependencies:
            add(dependency)

    add(importlib.import_module("pymilvus.grpc_gen.milvus_pb2").DESCRIPTOR)
    vectors = next(m for m in files["schema.proto"].message_type if m.name == "VectorField")
    if "int8_vector" not in (field.name for field in vectors.field):
        sys.exit("milvus_protos.py: the stubs are older than pymilvus 2.6; run scripts/setup.sh")
    return files


def read_list(path):
    rpcs, extra = set(), set()
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            words = line.split("#")[0].split()
            if len(words) == 2 and words[0] == "type":
                extra.add(words[1])
            elif len(words) == 1:
                rpcs.add(words[0])
            elif words:
                sys.exit(f"{path}: can't read {line.strip()!r}")
    return rpcs, extra


def references(message):
    """Full names (without the leading dot) of the types that a message's fields have."""
    for field in list(message.field) + list(message.extension):
        if field.type_name:
            yield field.type_name.lstrip(".")
    for nested in message.nested_type:
        yield from references(nested)


def strip_options(message):
    """Drops custom options: they carry privileges for the server and would need descriptor.proto. map_entry stays."""
    is_map = message.options.map_entry
    message.ClearField("options")
    if is_map:
        message.options.map_entry = True
    for nested in message.nested_type:
        strip_options(nested)


def cut(files, rpcs, extra):
    tops = {}  # full name of a message or enum at file level -> (file, descriptor)
    for file in files.values():
        for item in list(file.message_type) + list(file.enum_type):
            tops[f"{file.package}.{item.name}"] = (file.name, item)

    def top_of(name):
        while name not in tops:
            if "." not in name:
                sys.exit(f"milvus_protos.py: unknown type {name}")
            name = name.rpartition(".")[0]
        return name

    service = next(s for f in files.values() for s in f.service if s.name == SERVICE)
    missing = rpcs - {m.name for m in service.method}
    if missing:
        sys.exit(f"milvus_protos.py: {SERVICE} has no {', '.join(sorted(missing))}")
    methods = [m for m in service.method if m.name in rpcs]

    todo = [n.lstrip(".") for m in methods for n in (m.input_type, m.output_type)] + sorted(extra)
    kept = set()
    while todo:
        name = top_of(todo.pop())
        if name in kept:
            continue
        kept.add(name)
        item = tops[name][1]
        if isinstance(item, descriptor_pb2.DescriptorProto):
            todo.extend(references(item))

    result = {}
    for file in files.values():
        new = descriptor_pb2.FileDescriptorProto(name=file.name, package=file.package, syntax=file.syntax)
        for message in file.message_type:
            if f"{file.package}.{message.name}" in kept:
                strip_options(message)
                new.message_type.append(message)
        new.enum_type.extend(e for e in file.enum_type if f"{file.package}.{e.name}" in kept)
        for s in file.service:
            if s.name == SERVICE:
                new.service.add(name=SERVICE).method.extend(methods)
                for method in new.service[0].method:
                    method.ClearField("options")
        if new.message_type or new.enum_type or new.service:
            result[file.name] = new
    for name, new in result.items():
        used = {tops[top_of(r)][0] for m in new.message_type for r in references(m)}
        used |= {tops[top_of(n.lstrip("."))][0]
                 for s in new.service for m in s.method for n in (m.input_type, m.output_type)}
        new.dependency.extend(d for d in files[name].dependency if d in used)
    # protoc wants a file after the files that it imports.
    ordered = descriptor_pb2.FileDescriptorSet()
    done = set()

    def emit(name):
        if name in done:
            return
        done.add(name)
        for dependency in result[name].dependency:
            emit(dependency)
        ordered.file.append(result[name])

    for name in sorted(result):
        emit(name)
    return ordered


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rpcs", required=True)
    parser.add_argument("--out", required=True)
    arguments = parser.parse_args()
    descriptors = cut(load_files(), *read_list(arguments.rpcs))
    data = descriptors.SerializeToString(deterministic=True)
    old = None
    if os.path.exists(arguments.out):
        with open(arguments.out, "rb") as file:
            old = file.read()
    if data != old:  # an unchanged file keeps its time, so that nothing is compiled again
        with open(arguments.out, "wb") as file:
            file.write(data)
    for file in descriptors.file:
        print(file.name)


if __name__ == "__main__":
    main()
