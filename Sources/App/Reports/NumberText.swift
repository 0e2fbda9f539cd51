/// Numbers for people and for machines, without a formatter: those cost megabytes and milliseconds at start.
enum NumberText {
    /// A decimal with a point, rounded; zeros at the end go, down to `atLeast` digits.
    static func decimal(_ value: Double, atLeast: Int = 0, atMost: Int) -> String {
        var scale = 1.0
        for _ in 0..<atMost { scale *= 10 }
        let scaled = (value.magnitude * scale).rounded()
        guard scaled < 9e15 else { return value < 0 ? "-9e15" : "9e15" }
        let whole = Int64(scaled)
        let unit = Int64(scale)
        var fraction = String(whole % unit)
        fraction = String(repeating: "0", count: max(0, atMost - fraction.count)) + fraction
        if atMost == 0 { fraction = "" }
        while fraction.count > atLeast, fraction.hasSuffix("0") { fraction.removeLast() }
        let sign = value < 0 && whole != 0 ? "-" : ""
        return sign + String(whole / unit) + (fraction.isEmpty ? "" : "." + fraction)
    }

    /// `12 480`, with a thin mark every three digits from five digits on.
    static func count(_ value: Int) -> String {
        let digits = String(value.magnitude)
        guard digits.count > 4 else { return String(value) }
        var result = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { result += " " }
            result.append(digit)
        }
        return (value < 0 ? "-" : "") + result
    }

    /// A rate: `7.4/s`, `118/min`, `3/h`.
    static func rate(perSecond rate: Double) -> String {
        if rate >= 100 { return count(Int(rate.rounded())) + "/s" }
        if rate >= 1 { return decimal(rate, atMost: 1) + "/s" }
        if rate * 60 >= 1 { return decimal(rate * 60, atMost: 0) + "/min" }
        return decimal(rate * 3600, atMost: 0) + "/h"
    }

    /// Bytes: `512 B`, `11 KB`, `3.2 MB` (of 1,000).
    static func bytes(_ count: Int) -> String {
        if count < 1000 { return "\(count) B" }
        if count < 1_000_000 { return decimal(Double(count) / 1000, atMost: count < 10_000 ? 1 : 0) + " KB" }
        return decimal(Double(count) / 1_000_000, atMost: 1) + " MB"
    }
}
