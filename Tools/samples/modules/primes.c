// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Counts the primes below a number. Number and count are decimal; a line feed may end the number.
// Traps on anything else. It divides by every odd number up to the root, which is all it is for:
// to compute for as long as one likes, in no memory to speak of.

#include "interface.h"

static u32 number_in(const byte *digits, u32 count) {
    if (count > 0 && digits[count - 1] == '\n') count--;
    if (count == 0 || count > 10) __builtin_trap();
    u64 number = 0;
    for (u32 i = 0; i < count; i++) {
        if (digits[i] < '0' || digits[i] > '9') __builtin_trap();
        number = number * 10 + (digits[i] - '0');
    }
    if (number > 0xffffffff) __builtin_trap();
    return (u32)number;
}

static _Bool is_prime(u32 odd) {
    for (u32 divisor = 3; divisor <= odd / divisor; divisor += 2) {
        if (odd % divisor == 0) return 0;
    }
    return 1;
}

u64 EXPORT(execute)(const byte *input, u32 count) {
    u32 end = number_in(input, count);
    host_log(input, count);
    u32 primes = end > 2;
    for (u32 odd = 3; odd < end && odd >= 3; odd += 2) primes += is_prime(odd);

    byte *output = allocate(10);
    u32 start = 10;
    do {
        output[--start] = '0' + primes % 10;
        primes /= 10;
    } while (primes > 0);
    return output_at(output + start, 10 - start);
}
