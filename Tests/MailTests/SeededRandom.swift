/// The same numbers in each run (SplitMix64), so that a property test that fails, fails again.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Text of the characters given.
    mutating func text(_ alphabet: String, _ length: ClosedRange<Int>) -> String {
        let characters = Array(alphabet.unicodeScalars)
        var text = ""
        for _ in 0..<Int.random(in: length, using: &self) {
            text.unicodeScalars.append(characters[Int.random(in: 0..<characters.count, using: &self)])
        }
        return text
    }
}
