// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// What Recount uses of the C interface of wasmtime 50.0.1, as declarations of our own.
//
// The library is loaded at run time and has no headers beside it, so these are types of functions
// and not functions. Layouts are those of `wasmtime/_bindings.py` in the wheel; they change between
// versions, which is why a library is known by its SHA-256 before any of this is used.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// MARK: - Objects

typedef struct wasm_config_t wasm_config_t;
typedef struct wasm_engine_t wasm_engine_t;
typedef struct wasm_trap_t wasm_trap_t;
typedef struct wasm_valtype_t wasm_valtype_t;
typedef struct wasm_functype_t wasm_functype_t;
typedef struct wasm_memorytype_t wasm_memorytype_t;
typedef struct wasmtime_error_t wasmtime_error_t;
typedef struct wasmtime_module_t wasmtime_module_t;
typedef struct wasmtime_store_t wasmtime_store_t;
typedef struct wasmtime_context_t wasmtime_context_t;
typedef struct wasmtime_caller_t wasmtime_caller_t;

/// Bytes that one side gives to the other.
typedef struct {
    size_t size;
    uint8_t *data;
} wasm_byte_vec_t;

/// Types of values.
typedef struct {
    size_t size;
    wasm_valtype_t **data;
} wasm_valtype_vec_t;

// MARK: - Items of a store

typedef struct {
    uint64_t store_id;
    void *private1;
} wasmtime_func_t;

typedef struct {
    uint64_t store_id;
    uint64_t private1;
    uint64_t private2;
} wasmtime_memory_t;

typedef struct {
    uint64_t store_id;
    size_t private1;
} wasmtime_instance_t;

/// An item that a module exports or imports: 32 bytes. Kind 0 is a function, 3 a memory.
typedef struct {
    uint8_t kind;
    union {
        wasmtime_func_t func;
        wasmtime_memory_t memory;
        uint64_t room[3];
    } of;
} wasmtime_extern_t;

/// A value: 32 bytes. Kind 0 is an i32, 1 an i64.
typedef struct {
    uint8_t kind;
    union {
        int32_t i32;
        int64_t i64;
        uint64_t room[3];
    } of;
} wasmtime_val_t;

_Static_assert(sizeof(wasmtime_extern_t) == 32, "an extern has 32 bytes");
_Static_assert(sizeof(wasmtime_val_t) == 32, "a value has 32 bytes");

// MARK: - What we give to the engine

typedef void (*wasmtime_finalizer)(void *env);

typedef wasm_trap_t *(*wasmtime_func_callback)(
    void *env, wasmtime_caller_t *caller, const wasmtime_val_t *arguments, size_t argument_count,
    wasmtime_val_t *results, size_t result_count);

/// Says by how many ticks the deadline moves (kind 0: go on), or gives the error that ends a call.
typedef wasmtime_error_t *(*wasmtime_deadline_callback)(
    wasmtime_context_t *, void *env, uint64_t *ticks, uint8_t *kind);

/// A memory that we provide.
typedef struct {
    void *env;
    uint8_t *(*get_memory)(void *env, size_t *byte_size, size_t *byte_capacity);
    wasmtime_error_t *(*grow_memory)(void *env, size_t new_size);
    wasmtime_finalizer finalizer;
} wasmtime_linear_memory_t;

/// What makes memories.
typedef struct {
    void *env;
    wasmtime_error_t *(*new_memory)(
        void *env, const wasm_memorytype_t *type, size_t minimum, size_t maximum,
        size_t reserved_size, size_t guard_size, wasmtime_linear_memory_t *memory);
    wasmtime_finalizer finalizer;
} wasmtime_memory_creator_t;

// MARK: - Functions: configuration and engine

typedef wasm_config_t *(*wasm_config_new_f)(void);
typedef void (*wasmtime_config_flag_f)(wasm_config_t *, bool);
typedef void (*wasmtime_config_size_f)(wasm_config_t *, size_t);
typedef wasmtime_error_t *(*wasmtime_config_target_set_f)(wasm_config_t *, const char *);
typedef void (*wasmtime_config_host_memory_creator_set_f)(
    wasm_config_t *, wasmtime_memory_creator_t *);
typedef wasm_engine_t *(*wasm_engine_new_with_config_f)(wasm_config_t *);
typedef void (*wasmtime_engine_increment_epoch_f)(wasm_engine_t *);

// MARK: - Functions: errors and bytes

typedef wasmtime_error_t *(*wasmtime_error_new_f)(const char *);
typedef void (*wasmtime_error_message_f)(const wasmtime_error_t *, wasm_byte_vec_t *);
typedef void (*wasmtime_error_delete_f)(wasmtime_error_t *);
typedef void (*wasm_trap_message_f)(const wasm_trap_t *, wasm_byte_vec_t *);
typedef bool (*wasmtime_trap_code_f)(const wasm_trap_t *, uint8_t *);
typedef void (*wasm_trap_delete_f)(wasm_trap_t *);
typedef void (*wasm_byte_vec_delete_f)(wasm_byte_vec_t *);

// MARK: - Functions: modules

typedef wasmtime_error_t *(*wasmtime_module_validate_f)(wasm_engine_t *, const uint8_t *, size_t);
typedef wasmtime_error_t *(*wasmtime_module_new_f)(
    wasm_engine_t *, const uint8_t *, size_t, wasmtime_module_t **);
typedef wasmtime_error_t *(*wasmtime_module_serialize_f)(wasmtime_module_t *, wasm_byte_vec_t *);
typedef wasmtime_error_t *(*wasmtime_module_deserialize_f)(
    wasm_engine_t *, const uint8_t *, size_t, wasmtime_module_t **);
typedef void (*wasmtime_module_delete_f)(wasmtime_module_t *);

// MARK: - Functions: stores

typedef wasmtime_store_t *(*wasmtime_store_new_f)(wasm_engine_t *, void *, wasmtime_finalizer);
typedef wasmtime_context_t *(*wasmtime_store_context_f)(wasmtime_store_t *);
typedef void (*wasmtime_store_limiter_f)(
    wasmtime_store_t *, int64_t memory_bytes, int64_t table_elements, int64_t instances,
    int64_t tables, int64_t memories);
typedef void (*wasmtime_store_delete_f)(wasmtime_store_t *);
typedef wasmtime_error_t *(*wasmtime_context_set_fuel_f)(wasmtime_context_t *, uint64_t);
typedef wasmtime_error_t *(*wasmtime_context_get_fuel_f)(const wasmtime_context_t *, uint64_t *);
typedef void (*wasmtime_context_set_epoch_deadline_f)(wasmtime_context_t *, uint64_t ticks);
typedef void (*wasmtime_store_epoch_deadline_callback_f)(
    wasmtime_store_t *, wasmtime_deadline_callback, void *env, wasmtime_finalizer);

// MARK: - Functions: instances and calls

typedef wasm_valtype_t *(*wasm_valtype_new_f)(uint8_t kind);
typedef void (*wasm_valtype_vec_new_f)(
    wasm_valtype_vec_t *, size_t, wasm_valtype_t *const *);
typedef wasm_functype_t *(*wasm_functype_new_f)(
    wasm_valtype_vec_t *parameters, wasm_valtype_vec_t *results);
typedef void (*wasm_functype_delete_f)(wasm_functype_t *);
typedef void (*wasmtime_func_new_f)(
    wasmtime_context_t *, const wasm_functype_t *, wasmtime_func_callback, void *env,
    wasmtime_finalizer, wasmtime_func_t *);
typedef wasmtime_error_t *(*wasmtime_instance_new_f)(
    wasmtime_context_t *, const wasmtime_module_t *, const wasmtime_extern_t *, size_t,
    wasmtime_instance_t *, wasm_trap_t **);
typedef bool (*wasmtime_instance_export_get_f)(
    wasmtime_context_t *, const wasmtime_instance_t *, const char *, size_t, wasmtime_extern_t *);
typedef bool (*wasmtime_caller_export_get_f)(
    wasmtime_caller_t *, const char *, size_t, wasmtime_extern_t *);
typedef wasmtime_context_t *(*wasmtime_caller_context_f)(wasmtime_caller_t *);
typedef wasmtime_error_t *(*wasmtime_func_call_f)(
    wasmtime_context_t *, const wasmtime_func_t *, const wasmtime_val_t *, size_t,
    wasmtime_val_t *, size_t, wasm_trap_t **);
typedef uint8_t *(*wasmtime_memory_data_f)(const wasmtime_context_t *, const wasmtime_memory_t *);
typedef size_t (*wasmtime_memory_data_size_f)(
    const wasmtime_context_t *, const wasmtime_memory_t *);
