# Recount: an event-sourced ledger for a quorum of validators.
# SPDX-License-Identifier: Apache-2.0

# Runs a module of interface 2 with wasmtime from Python, in three ways by turns, and prints for
# each round the milliseconds of the processor that `execute` took: with fuel, without fuel, and as
# wasmtime comes. The input comes on standard input.
#
#     compute.py MODULE ROUNDS

import sys
import time

import wasmtime


def ours(fuel):
    """The settings of Recount as far as they bear on this, with or without the meter."""
    config = wasmtime.Config()
    for name in ("threads", "relaxed_simd", "gc", "function_references", "exceptions", "memory64",
                 "multi_memory", "tail_call", "wide_arithmetic", "stack_switching",
                 "custom_page_sizes", "component_model"):
        setattr(config, "wasm_" + name, False)
    config.gc_support = False
    config.consume_fuel = fuel
    config.epoch_interruption = True
    config.cranelift_nan_canonicalization = True
    config.parallel_compilation = False
    config.memory_may_move = False
    config.memory_reservation = 4 << 30
    config.memory_guard_size = 32 << 20
    config.max_wasm_stack = 2 << 20
    return config


def instance(config, fuel, module):
    engine = wasmtime.Engine(config)
    store = wasmtime.Store(engine)
    if fuel:
        store.set_fuel(1 << 40)
    if config is not plain:
        store.set_epoch_deadline(1 << 40)
    linker = wasmtime.Linker(engine)
    log = wasmtime.FuncType([wasmtime.ValType.i32(), wasmtime.ValType.i32()], [])
    linker.define_func("env", "log", log, lambda pointer, count: None)
    return store, linker.instantiate(store, wasmtime.Module(engine, module)).exports(store)


def milliseconds(store, exports):
    pointer = exports["allocate"](store, len(data))
    exports["memory"].write(store, data, pointer)
    start = time.process_time()
    result = exports["execute"](store, pointer, len(data)) & (1 << 64) - 1
    end = time.process_time()
    outputs.add(exports["memory"].read(store, result & 0xFFFFFFFF,
                                       (result & 0xFFFFFFFF) + (result >> 32)).decode())
    return (end - start) * 1000


module = open(sys.argv[1], "rb").read()
data = sys.stdin.buffer.read()
outputs = set()
plain = wasmtime.Config()
ways = [instance(ours(True), True, module), instance(ours(False), False, module),
        instance(plain, False, module)]
for _ in range(int(sys.argv[2])):
    print(*(milliseconds(*way) for way in ways))
assert len(outputs) == 1, outputs
