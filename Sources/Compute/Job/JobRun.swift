// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import CWasmtime
import Ledger

/// One run of a module, in a store of its own that goes with it.
@safe final class JobRun {
    /// Why a run has no output.
    private struct Ending: Error {
        let status: JobStatus
        let detail: String

        init(_ status: JobStatus, _ detail: String) {
            self.status = status
            self.detail = detail
        }
    }

    private let functions: Wasmtime
    private let module: CompiledModule
    private let job: ComputeJob
    private let state: RunState
    private let store: OpaquePointer
    private let context: OpaquePointer

    /// Makes the store, with its limits; nil where the engine gives none.
    init?(engine: OpaquePointer, module: CompiledModule, job: ComputeJob, state: RunState) {
        functions = state.functions
        self.module = module
        self.job = job
        self.state = state
        // SAFETY: the engine lives, and the store is deleted with this object.
        guard let store = unsafe functions.storeNew(engine, nil, nil),
            let context = unsafe functions.storeContext(store)
        else { return nil }
        unsafe self.store = store
        unsafe self.context = context
        unsafe functions.storeLimiter(
            store, Int64(clamping: job.memoryBytes), Int64(EngineLimits.tableElementsMax), 1,
            Int64(EngineLimits.tablesMax), 1)
        unsafe functions.setDeadline(context, 1)
        // SAFETY: the state outlives the store.
        unsafe functions.storeDeadlineCallback(
            store,
            { _, env, ticks, kind in
                guard let env = unsafe env else { return nil }
                let state = unsafe Unmanaged<RunState>.fromOpaque(env).takeUnretainedValue()
                unsafe ticks?.pointee = 1
                unsafe kind?.pointee = 0
                return state.stopsNow() ? unsafe state.functions.errorNew("stopped") : nil
            }, Unmanaged.passUnretained(state).toOpaque(), nil)
    }

    deinit {
        // SAFETY: nothing of the store is used any more.
        unsafe functions.storeDelete(store)
    }

    /// Runs the module to its end, whatever that is.
    func outcome() -> JobOutcome {
        var status = JobStatus(.success)
        var detail: String?
        var output: [UInt8] = []
        do throws(Ending) { output = try run() } catch {
            status = error.status
            detail = error.detail
        }
        if state.hasMemoryFailed {
            status = JobStatus(.localError)
            detail = "the system gives no more memory, though the job may have it"
        }
        guard status.kind != .abstained else {
            return JobOutcome(status, log: state.log, detail: detail)
        }
        return JobOutcome(
            status, output: status.kind == .success ? output : [],
            fuel: status.kind == .fuelExhausted ? job.fuel : job.fuel - fuelLeft, log: state.log,
            detail: detail)
    }

    private var fuelLeft: UInt64 {
        var left: UInt64 = 0
        // SAFETY: the store lives. Fuel is metered, so there is no error.
        if let error = unsafe functions.getFuel(context, &left) {
            _ = unsafe functions.takeMessage(error)
        }
        return min(left, job.fuel)
    }

    private func run() throws(Ending) -> [UInt8] {
        // SAFETY: the store lives, here and below; what the engine gives back is taken at once.
        if let error = unsafe functions.setFuel(context, job.fuel) {
            throw unsafe ended(by: unsafe error)
        }
        var instance = try instantiate()
        let execute = unsafe try function("execute", &instance)
        var pointer = 0
        if module.interface == .version2 {
            let allocate = unsafe try function("allocate", &instance)
            let length = Int32(truncatingIfNeeded: job.input.count)
            let result = unsafe try call(allocate, [.i32(length)])
            pointer = Int(UInt32(bitPattern: unsafe result.of.i32))
        }
        let memory = unsafe try memory(&instance)
        unsafe try write(job.input, at: pointer, memory)
        let result = unsafe try call(
            execute,
            [
                .i32(Int32(truncatingIfNeeded: pointer)),
                .i32(Int32(truncatingIfNeeded: job.input.count)),
            ])
        let after = unsafe try self.memory(&instance)
        switch module.interface {
        case .version1:
            let start = Int(UInt32(bitPattern: unsafe result.of.i32))
            guard start < after.count else { return [] }
            let count = min(EngineLimits.outputBytesOfVersion1, after.count - start)
            return unsafe Array(UnsafeRawBufferPointer(rebasing: after[start..<(start + count)]))
        case .version2:
            let packed = UInt64(bitPattern: unsafe result.of.i64)
            let (start, count) = (Int(packed & 0xFFFF_FFFF), Int(packed >> 32))
            guard start + count <= after.count else {
                throw Ending(
                    JobStatus(.outputOutsideMemory),
                    "execute returned \(count) bytes at \(start), and the memory has"
                        + " \(after.count)")
            }
            guard count <= EngineLimits.outputBytesMax else {
                throw Ending(
                    JobStatus(.outputTooLarge),
                    "the output has \(count) bytes, above \(EngineLimits.outputBytesMax)")
            }
            return unsafe Array(UnsafeRawBufferPointer(rebasing: after[start..<(start + count)]))
        }
    }

    private func write(
        _ input: [UInt8], at pointer: Int, _ memory: UnsafeMutableRawBufferPointer
    ) throws(Ending) {
        guard pointer + input.count <= memory.count else {
            throw module.interface == .version1
                ? Ending(
                    JobStatus(.inputTooLarge),
                    "the input has \(input.count) bytes, and the memory \(memory.count)")
                : Ending(
                    JobStatus(.inputOutsideMemory),
                    "allocate returned \(pointer) for \(input.count) bytes, and the memory has"
                        + " \(memory.count)")
        }
        let place = unsafe UnsafeMutableRawBufferPointer(
            rebasing: memory[pointer..<(pointer + input.count)])
        unsafe place.copyBytes(from: input)
    }

    // MARK: The instance

    private func instantiate() throws(Ending) -> wasmtime_instance_t {
        var imports = unsafe module.logs.map { log in unsafe logFunction(log) }
        var instance = wasmtime_instance_t()
        var trap: OpaquePointer?
        // SAFETY: the arrays and variables live for the call.
        let error = unsafe functions.instanceNew(
            context, module.handle, &imports, imports.count, &instance, &trap)
        if let error = unsafe error { throw unsafe ended(by: unsafe error) }
        if let trap = unsafe trap { throw unsafe trapped(by: unsafe trap) }
        return instance
    }

    private func item(
        _ name: String, _ instance: inout wasmtime_instance_t
    ) throws(Ending) -> wasmtime_extern_t {
        var item = unsafe wasmtime_extern_t()
        // SAFETY: the variables and the name live for the call.
        guard unsafe functions.instanceExport(context, &instance, name, name.utf8.count, &item)
        else { throw Ending(JobStatus(.localError), "the engine does not find \(name)") }
        return unsafe item
    }

    private func function(
        _ name: String, _ instance: inout wasmtime_instance_t
    ) throws(Ending) -> wasmtime_func_t {
        // The outline has seen that it is a function.
        unsafe try item(name, &instance).of.func
    }

    /// The memory as it is now; a call may move or grow it.
    private func memory(
        _ instance: inout wasmtime_instance_t
    ) throws(Ending) -> UnsafeMutableRawBufferPointer {
        var memory = unsafe try item("memory", &instance).of.memory
        // SAFETY: the outline has seen that it is a memory; the variable lives for the calls.
        let size = unsafe functions.memorySize(context, &memory)
        return unsafe UnsafeMutableRawBufferPointer(
            start: functions.memoryData(context, &memory), count: size)
    }

    private func call(
        _ function: wasmtime_func_t, _ arguments: [wasmtime_val_t]
    ) throws(Ending) -> wasmtime_val_t {
        var function = unsafe function
        var result = wasmtime_val_t()
        var trap: OpaquePointer?
        // SAFETY: the outline has seen the function's type; everything lives for the call.
        let error = unsafe functions.call(
            context, &function, arguments, arguments.count, &result, 1, &trap)
        if let error = unsafe error { throw unsafe ended(by: unsafe error) }
        if let trap = unsafe trap { throw unsafe trapped(by: unsafe trap) }
        return result
    }

    // MARK: Endings

    private func ended(by error: OpaquePointer) -> Ending {
        let words = unsafe functions.takeMessage(error)
        return state.isStopped
            ? Ending(JobStatus(.timeGuard), "the clock stopped it")
            : Ending(JobStatus(.localError), words)
    }

    private func trapped(by trap: OpaquePointer) -> Ending {
        let (code, words) = unsafe functions.takeTrap(trap)
        switch code {
        case 0: return Ending(JobStatus(.stackEnd), "the native stack came to its end")
        case 10: return Ending(JobStatus(.timeGuard), "the clock stopped it")
        case 11: return Ending(JobStatus(.fuelExhausted), "all \(job.fuel) fuel is used")
        case let code?: return Ending(JobStatus(.trap, code: code), words)
        case nil:
            return state.isStopped
                ? Ending(JobStatus(.timeGuard), "the clock stopped it")
                : Ending(JobStatus(.localError), words)
        }
    }

    // MARK: The log

    private func logFunction(_ log: LogImport) -> wasmtime_extern_t {
        // SAFETY: types are taken over, or deleted here; the state outlives the store.
        var parameters = unsafe wasm_valtype_vec_t(size: 0, data: nil)
        var results = unsafe wasm_valtype_vec_t(size: 0, data: nil)
        let types = unsafe (0..<(log == .number ? 1 : 2)).map { _ in unsafe functions.valtypeNew(0)
        }
        unsafe functions.valtypesNew(&parameters, types.count, types)
        let type = unsafe functions.functypeNew(&parameters, &results)
        defer { unsafe functions.functypeDelete(type) }
        var item = unsafe wasmtime_extern_t()
        unsafe functions.funcNew(
            context, type,
            { env, caller, arguments, count, _, _ in
                guard let env = unsafe env, let arguments = unsafe arguments else { return nil }
                let state = unsafe Unmanaged<RunState>.fromOpaque(env).takeUnretainedValue()
                let first = unsafe arguments[0].of.i32
                if count == 1 {
                    state.log.add("\(first)")
                } else {
                    let (start, length) = (UInt32(bitPattern: first), unsafe arguments[1].of.i32)
                    unsafe state.log.add(
                        JobRun.text(
                            caller, Int(start), Int(UInt32(bitPattern: length)), state.functions))
                }
                return nil
            }, Unmanaged.passUnretained(state).toOpaque(), nil, &item.of.func)
        return unsafe item
    }

    /// What a module logs: as much of it as is kept, or a note where it lies outside memory.
    private static func text(
        _ caller: OpaquePointer?, _ start: Int, _ length: Int, _ functions: Wasmtime
    ) -> String {
        var item = unsafe wasmtime_extern_t()
        // SAFETY: the caller lives for the call, and `memory` is a memory, as the outline has seen.
        guard unsafe functions.callerExport(caller, "memory", 6, &item) else { return "" }
        let context = unsafe functions.callerContext(caller)
        let size = unsafe functions.memorySize(context, &item.of.memory)
        guard start + length <= size,
            let data = unsafe functions.memoryData(context, &item.of.memory)
        else { return "(\(length) bytes at \(start), outside the memory)" }
        let kept = min(length, EngineLimits.logLineBytesMax)
        return unsafe String(
            decoding: UnsafeBufferPointer(start: data + start, count: kept), as: UTF8.self)
    }
}

extension wasmtime_val_t {
    /// A number of 32 bits.
    fileprivate static func i32(_ value: Int32) -> wasmtime_val_t {
        var result = wasmtime_val_t()
        result.kind = 0
        unsafe result.of.i32 = value
        return result
    }
}
