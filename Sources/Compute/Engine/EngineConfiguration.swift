// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import CWasmtime

/// The settings that make results equal everywhere. They are part of `ComputeEngine.version`.
enum EngineConfiguration {
    /// What is admitted beside WebAssembly 1.0, sign extension and saturating conversion.
    private static let admitted = ["bulk_memory", "multi_value", "reference_types", "simd"]

    /// What is not: it is nondeterministic, or nobody needs it.
    ///
    /// Threads and shared memory race; relaxed SIMD differs between processors; collected and
    /// several memories would escape the limit on memory.
    private static let refused = [
        "threads", "relaxed_simd", "gc", "function_references", "exceptions", "memory64",
        "multi_memory", "tail_call", "wide_arithmetic", "stack_switching", "custom_page_sizes",
        "component_model", "branch_hinting", "compact_imports",
    ]

    /// Makes a configuration; the engine takes it over.
    static func make(_ functions: Wasmtime) throws(ComputeError) -> OpaquePointer {
        guard let config = unsafe functions.configNew() else {
            throw .unusable(problem: "no configuration")
        }
        func flag(_ name: String, _ isOn: Bool) throws(ComputeError) {
            let set: wasmtime_config_flag_f = unsafe try functions.setting.find(
                "wasmtime_config_\(name)")
            // SAFETY: the configuration is ours, and the function is one that sets a flag.
            unsafe set(config, isOn)
        }
        func size(_ name: String, _ bytes: Int) throws(ComputeError) {
            let set: wasmtime_config_size_f = unsafe try functions.setting.find(
                "wasmtime_config_\(name)")
            // SAFETY: the configuration is ours, and the function is one that sets a size.
            unsafe set(config, bytes)
        }
        for name in refused { try flag("wasm_\(name)_set", false) }
        for name in admitted { try flag("wasm_\(name)_set", true) }
        // References to host objects would need a collected heap.
        try flag("gc_support_set", false)
        try flag("shared_memory_set", false)
        try flag("consume_fuel_set", true)
        try flag("epoch_interruption_set", true)
        try flag("cranelift_nan_canonicalization_set", true)
        try flag("parallel_compilation_set", false)
        // Copying on write is for memories of the engine's own.
        try flag("memory_init_cow_set", false)
        // A memory of 32 bits never moves, and every access is checked by the guard behind it.
        try flag("memory_may_move_set", false)
        try size("memory_reservation_set", 4 << 30)
        try size("memory_guard_size_set", 32 << 20)
        try size("max_wasm_stack_set", EngineLimits.stackBytes)
        // Naming a target keeps the engine from using what this processor has beyond the baseline.
        // SAFETY: the text lives for the call.
        if let error = unsafe functions.configTarget(config, EngineLibrary.target) {
            throw .unusable(problem: unsafe functions.takeMessage(error))
        }
        return unsafe config
    }
}
