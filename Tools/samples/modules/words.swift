// Recount: an event-sourced ledger for a quorum of validators.
// SPDX-License-Identifier: Apache-2.0

// Counts lines, words and bytes of the input, as `wc` does: three decimals with a space between.
// In embedded Swift; `allocate` is the one of the modules in C.

@_extern(c, "allocate")
func allocate(_ count: UInt32) -> UnsafeMutablePointer<UInt8>

/// Decimal digits, filled from the end.
struct Digits {
    let bytes: UnsafeMutablePointer<UInt8>
    var start: Int

    mutating func prepend(_ byte: UInt8) {
        start -= 1
        bytes[start] = byte
    }

    mutating func prepend(_ number: UInt32) {
        var rest = number
        repeat {
            prepend(UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
    }
}

@_expose(wasm, "execute")
@_cdecl("execute")
func execute(_ input: UInt32, _ count: UInt32) -> UInt64 {
    let bytes = UnsafePointer<UInt8>(bitPattern: UInt(input))
    var lines: UInt32 = 0
    var words: UInt32 = 0
    var isInWord = false
    for i in 0..<Int(count) {
        guard let byte = bytes?[i] else { break }
        let isSpace = byte == UInt8(ascii: " ") || (byte >= 9 && byte <= 13)
        if byte == UInt8(ascii: "\n") { lines &+= 1 }
        if !isSpace && !isInWord { words &+= 1 }
        isInWord = !isSpace
    }

    let size = 32  // three numbers of ten digits and two spaces
    var digits = Digits(bytes: allocate(UInt32(size)), start: size)
    digits.prepend(count)
    digits.prepend(UInt8(ascii: " "))
    digits.prepend(words)
    digits.prepend(UInt8(ascii: " "))
    digits.prepend(lines)
    let pointer = UInt64(UInt(bitPattern: digits.bytes + digits.start))
    return UInt64(size - digits.start) << 32 | pointer
}
