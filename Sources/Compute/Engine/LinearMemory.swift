// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

import CWasmtime

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// The memory of an instance, reserved in full and committed as it grows.
///
/// The engine's own would do, but for one thing: where the system refuses to commit pages below the
/// job's limit, the module would see a growth that failed, and this validator would report a result
/// that others do not have. Here the run learns of it and becomes an abstention.
@safe final class LinearMemory {
    private let functions: Wasmtime
    private let base: UnsafeMutableRawPointer
    private let reserved: Int
    private let capacity: Int
    private var size: Int

    private init?(functions: Wasmtime, minimum: Int, capacity: Int, guardSize: Int) {
        let (reserved, overflow) = capacity.addingReportingOverflow(guardSize)
        guard !overflow, minimum <= capacity else { return nil }
        #if canImport(Darwin)
            let flags = MAP_PRIVATE | MAP_ANON
        #else
            let flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE
        #endif
        // SAFETY: a new mapping that nobody else knows of.
        let address = unsafe mmap(nil, reserved, PROT_NONE, flags, -1, 0)
        guard let base = unsafe address, unsafe base != MAP_FAILED else { return nil }
        self.functions = functions
        unsafe self.base = base
        self.reserved = reserved
        self.capacity = capacity
        size = 0
        guard grow(to: minimum) else { return nil }
    }

    deinit {
        // SAFETY: the mapping is ours, and the engine has finished with it.
        unsafe munmap(base, reserved)
    }

    private func grow(to newSize: Int) -> Bool {
        guard newSize <= capacity else { return false }
        // SAFETY: the range lies in the mapping.
        guard unsafe newSize == 0 || mprotect(base, newSize, PROT_READ | PROT_WRITE) == 0 else {
            return false
        }
        size = newSize
        return true
    }

    // MARK: For the engine

    /// Has a configuration make its memories here. `functions` lives as long as the process.
    static func install(in config: OpaquePointer, _ functions: Wasmtime) {
        final class Box {
            let functions: Wasmtime
            init(_ functions: Wasmtime) { self.functions = functions }
        }
        // SAFETY: the box is retained for the engine, which never ends; the callback gets it back.
        unsafe withUnsafe(functions, Box(functions), config)

        func withUnsafe(_ functions: Wasmtime, _ box: Box, _ config: OpaquePointer) {
            var creator = unsafe wasmtime_memory_creator_t(
                env: Unmanaged.passRetained(box).toOpaque(),
                new_memory: { env, _, minimum, _, reserved, guardSize, result in
                    guard let env = unsafe env, let result = unsafe result else { return nil }
                    let functions = unsafe Unmanaged<Box>.fromOpaque(env).takeUnretainedValue()
                        .functions
                    guard
                        let memory = LinearMemory(
                            functions: functions, minimum: minimum, capacity: reserved,
                            guardSize: guardSize)
                    else { return unsafe LinearMemory.failure(functions) }
                    unsafe result.pointee = memory.exported
                    return nil
                }, finalizer: nil)
            unsafe functions.configMemoryCreator(config, &creator)
        }
    }

    /// This memory as the engine takes it, retained until its finalizer is called.
    private var exported: wasmtime_linear_memory_t {
        // SAFETY: the engine gives back the pointer, and calls the finalizer once.
        unsafe wasmtime_linear_memory_t(
            env: Unmanaged.passRetained(self).toOpaque(),
            get_memory: { env, size, capacity in
                guard let env = unsafe env else { return nil }
                let memory = unsafe Unmanaged<LinearMemory>.fromOpaque(env).takeUnretainedValue()
                unsafe size?.pointee = memory.size
                unsafe capacity?.pointee = memory.capacity
                return unsafe memory.base.assumingMemoryBound(to: UInt8.self)
            },
            grow_memory: { env, newSize in
                guard let env = unsafe env else { return nil }
                let memory = unsafe Unmanaged<LinearMemory>.fromOpaque(env).takeUnretainedValue()
                return memory.grow(to: newSize)
                    ? nil : unsafe LinearMemory.failure(memory.functions)
            },
            finalizer: { env in
                guard let env = unsafe env else { return }
                unsafe Unmanaged<LinearMemory>.fromOpaque(env).release()
            })
    }

    /// Notes in the run of this thread that the system gave no memory; returns the engine's error.
    private static func failure(_ functions: Wasmtime) -> OpaquePointer? {
        RunState.current?.hasMemoryFailed = true
        return unsafe functions.errorNew("the system gives no memory")
    }
}
