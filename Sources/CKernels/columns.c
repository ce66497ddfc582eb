// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

#include "CKernels.h"

#include <string.h>

typedef uint8_t bytes16 __attribute__((vector_size(16)));

#define ROWS 16

static inline bytes16 lower(bytes16 a, bytes16 b) {
    return __builtin_shufflevector(
        a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

static inline bytes16 upper(bytes16 a, bytes16 b) {
    return __builtin_shufflevector(
        a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/// Makes the rows of a square its columns. Number a byte by row and column, four bits each: laying
/// row r beside row r + 8 byte by byte turns these eight bits by one, and four turns exchange them.
static inline void transpose(bytes16 square[ROWS]) {
    for (int turn = 0; turn < 4; turn++) {
        bytes16 turned[ROWS];
        for (int row = 0; row < ROWS / 2; row++) {
            turned[2 * row] = lower(square[row], square[row + ROWS / 2]);
            turned[2 * row + 1] = upper(square[row], square[row + ROWS / 2]);
        }
        memcpy(square, turned, sizeof turned);
    }
}

/// Where the square begins that comes after one at `first`, so that the last ends at `width`.
static inline size_t next(size_t first, size_t width) {
    return first + ROWS < width && first + 2 * ROWS > width ? width - ROWS : first + ROWS;
}

void recount_columns(
    const uint8_t *source, const size_t *rows, size_t count, size_t width, uint8_t *columns) {
    size_t row = 0;
    for (; width >= ROWS && row + ROWS <= count; row += ROWS) {
        for (size_t first = 0; first < width; first = next(first, width)) {
            bytes16 square[ROWS];
            for (int i = 0; i < ROWS; i++) {
                memcpy(&square[i], source + rows[row + i] + first, ROWS);
            }
            transpose(square);
            for (int i = 0; i < ROWS; i++) {
                memcpy(columns + (first + i) * count + row, &square[i], ROWS);
            }
        }
    }
    for (; row < count; row++) {
        for (size_t i = 0; i < width; i++) columns[i * count + row] = source[rows[row] + i];
    }
}

void recount_rows(
    const uint8_t *columns, size_t count, size_t width, uint8_t *target, const size_t *rows) {
    size_t row = 0;
    for (; width >= ROWS && row + ROWS <= count; row += ROWS) {
        for (size_t first = 0; first < width; first = next(first, width)) {
            bytes16 square[ROWS];
            for (int i = 0; i < ROWS; i++) {
                memcpy(&square[i], columns + (first + i) * count + row, ROWS);
            }
            transpose(square);
            for (int i = 0; i < ROWS; i++) {
                memcpy(target + rows[row + i] + first, &square[i], ROWS);
            }
        }
    }
    for (; row < count; row++) {
        for (size_t i = 0; i < width; i++) target[rows[row] + i] = columns[i * count + row];
    }
}
