// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import CWasmtime

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The functions of the engine's library, loaded at run time.
///
/// The library is never unloaded: compiled code and signal handlers of it live as long as the
/// process. Pointers to functions do not change, and the functions may be called on any thread.
@safe struct Wasmtime: @unchecked Sendable {
    let configNew: wasm_config_new_f
    let configTarget: wasmtime_config_target_set_f
    let configMemoryCreator: wasmtime_config_host_memory_creator_set_f
    let engineNew: wasm_engine_new_with_config_f
    let incrementEpoch: wasmtime_engine_increment_epoch_f
    let errorNew: wasmtime_error_new_f
    let errorMessage: wasmtime_error_message_f
    let errorDelete: wasmtime_error_delete_f
    let trapMessage: wasm_trap_message_f
    let trapCode: wasmtime_trap_code_f
    let trapDelete: wasm_trap_delete_f
    let bytesDelete: wasm_byte_vec_delete_f
    let moduleValidate: wasmtime_module_validate_f
    let moduleNew: wasmtime_module_new_f
    let moduleSerialize: wasmtime_module_serialize_f
    let moduleDeserialize: wasmtime_module_deserialize_f
    let moduleDelete: wasmtime_module_delete_f
    let storeNew: wasmtime_store_new_f
    let storeContext: wasmtime_store_context_f
    let storeLimiter: wasmtime_store_limiter_f
    let storeDelete: wasmtime_store_delete_f
    let storeDeadlineCallback: wasmtime_store_epoch_deadline_callback_f
    let setFuel: wasmtime_context_set_fuel_f
    let getFuel: wasmtime_context_get_fuel_f
    let setDeadline: wasmtime_context_set_epoch_deadline_f
    let valtypeNew: wasm_valtype_new_f
    let valtypesNew: wasm_valtype_vec_new_f
    let functypeNew: wasm_functype_new_f
    let functypeDelete: wasm_functype_delete_f
    let funcNew: wasmtime_func_new_f
    let instanceNew: wasmtime_instance_new_f
    let instanceExport: wasmtime_instance_export_get_f
    let callerExport: wasmtime_caller_export_get_f
    let callerContext: wasmtime_caller_context_f
    let call: wasmtime_func_call_f
    let memoryData: wasmtime_memory_data_f
    let memorySize: wasmtime_memory_data_size_f

    /// Looks up the functions that set one thing of a configuration.
    let setting: Symbols

    /// Loads the library in a file.
    ///
    /// - Precondition: The file is a library whose layouts are those of `CWasmtime`.
    init(path: String) throws(ComputeError) {
        let symbols = try Symbols(path: path)
        setting = symbols
        unsafe configNew = try symbols.find("wasm_config_new")
        unsafe configTarget = try symbols.find("wasmtime_config_target_set")
        unsafe configMemoryCreator = try symbols.find("wasmtime_config_host_memory_creator_set")
        unsafe engineNew = try symbols.find("wasm_engine_new_with_config")
        unsafe incrementEpoch = try symbols.find("wasmtime_engine_increment_epoch")
        unsafe errorNew = try symbols.find("wasmtime_error_new")
        unsafe errorMessage = try symbols.find("wasmtime_error_message")
        unsafe errorDelete = try symbols.find("wasmtime_error_delete")
        unsafe trapMessage = try symbols.find("wasm_trap_message")
        unsafe trapCode = try symbols.find("wasmtime_trap_code")
        unsafe trapDelete = try symbols.find("wasm_trap_delete")
        unsafe bytesDelete = try symbols.find("wasm_byte_vec_delete")
        unsafe moduleValidate = try symbols.find("wasmtime_module_validate")
        unsafe moduleNew = try symbols.find("wasmtime_module_new")
        unsafe moduleSerialize = try symbols.find("wasmtime_module_serialize")
        unsafe moduleDeserialize = try symbols.find("wasmtime_module_deserialize")
        unsafe moduleDelete = try symbols.find("wasmtime_module_delete")
        unsafe storeNew = try symbols.find("wasmtime_store_new")
        unsafe storeContext = try symbols.find("wasmtime_store_context")
        unsafe storeLimiter = try symbols.find("wasmtime_store_limiter")
        unsafe storeDelete = try symbols.find("wasmtime_store_delete")
        unsafe storeDeadlineCallback = try symbols.find("wasmtime_store_epoch_deadline_callback")
        unsafe setFuel = try symbols.find("wasmtime_context_set_fuel")
        unsafe getFuel = try symbols.find("wasmtime_context_get_fuel")
        unsafe setDeadline = try symbols.find("wasmtime_context_set_epoch_deadline")
        unsafe valtypeNew = try symbols.find("wasm_valtype_new")
        unsafe valtypesNew = try symbols.find("wasm_valtype_vec_new")
        unsafe functypeNew = try symbols.find("wasm_functype_new")
        unsafe functypeDelete = try symbols.find("wasm_functype_delete")
        unsafe funcNew = try symbols.find("wasmtime_func_new")
        unsafe instanceNew = try symbols.find("wasmtime_instance_new")
        unsafe instanceExport = try symbols.find("wasmtime_instance_export_get")
        unsafe callerExport = try symbols.find("wasmtime_caller_export_get")
        unsafe callerContext = try symbols.find("wasmtime_caller_context")
        unsafe call = try symbols.find("wasmtime_func_call")
        unsafe memoryData = try symbols.find("wasmtime_memory_data")
        unsafe memorySize = try symbols.find("wasmtime_memory_data_size")
    }

    /// The functions of a library by their names.
    @safe struct Symbols: @unchecked Sendable {
        private let handle: UnsafeMutableRawPointer
        private let path: String

        init(path: String) throws(ComputeError) {
            // SAFETY: the path is a string of ours; the handle is kept for ever.
            guard let handle = unsafe dlopen(path, RTLD_NOW | RTLD_LOCAL) else {
                let words = unsafe dlerror().map { unsafe String(cString: $0) } ?? "unknown error"
                throw .unloadable(path: path, problem: words)
            }
            unsafe self.handle = handle
            self.path = path
        }

        /// Returns the function of a name, as one of type `Function`.
        ///
        /// - Precondition: `Function` is the type that `CWasmtime` declares for that name.
        func find<Function>(_ name: String) throws(ComputeError) -> Function {
            guard let address = unsafe dlsym(handle, name) else {
                throw .unloadable(path: path, problem: "it has no function \(name)")
            }
            // SAFETY: both are addresses of code, and the type is the declared one.
            return unsafe unsafeBitCast(address, to: Function.self)
        }
    }

    // MARK: Errors

    /// The words of an error, which is deleted.
    func takeMessage(_ error: OpaquePointer) -> String {
        // SAFETY: the error is ours until it is deleted here; the bytes are copied before.
        defer { unsafe errorDelete(error) }
        var bytes = unsafe wasm_byte_vec_t(size: 0, data: nil)
        unsafe errorMessage(error, &bytes)
        return unsafe takeText(&bytes)
    }

    /// The code and words of a trap, which is deleted; no code where the engine gave none.
    func takeTrap(_ trap: OpaquePointer) -> (code: UInt8?, message: String) {
        // SAFETY: the trap is ours until it is deleted here; the bytes are copied before.
        defer { unsafe trapDelete(trap) }
        var code: UInt8 = 0
        let hasCode = unsafe trapCode(trap, &code)
        var bytes = unsafe wasm_byte_vec_t(size: 0, data: nil)
        unsafe trapMessage(trap, &bytes)
        return (hasCode ? code : nil, unsafe takeText(&bytes))
    }

    private func takeText(_ bytes: inout wasm_byte_vec_t) -> String {
        // SAFETY: the engine gave as many bytes as it says, which are deleted after the copy.
        defer { unsafe bytesDelete(&bytes) }
        guard let data = unsafe bytes.data else { return "" }
        let buffer = unsafe UnsafeBufferPointer(start: data, count: min(bytes.size, 4096))
        return unsafe String(decoding: buffer, as: UTF8.self)
            .trimmingSuffix { $0 == "\0" || $0 == "\n" }
    }
}

extension String {
    /// The text without the characters at its end that are so.
    fileprivate func trimmingSuffix(_ isSo: (Character) -> Bool) -> String {
        var rest = self[...]
        while let last = rest.last, isSo(last) { rest = rest.dropLast() }
        return String(rest)
    }
}
