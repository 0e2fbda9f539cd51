import Clock

/// How wall time and queue time went together, as the settles tell it: each was written with both.
///
/// The two run alike until somebody sets the wall clock; each stretch between two settings is a piece.
struct ProofClock {
    struct Piece {
        /// Queue times of the first and the last settle seen in it.
        var first: Int64
        var last: Int64
        /// Queue time less wall time. The clocks are read one after the other, so readings differ by what came between.
        var low: Int64
        var high: Int64
    }

    private(set) var pieces: [Piece] = []
    private var stray: (at: Int64, offset: Int64)?
    /// Readings nearer than this belong to one piece.
    private static let tolerance: Int64 = 20_000
    /// One further off than this needs no second one to be believed: no process is held up so long between two readings.
    private static let certain: Int64 = 1_000_000

    /// - Precondition: `at` never falls.
    mutating func see(_ at: Int64, wall: Int64) {
        let offset = at - wall
        guard let last = pieces.indices.last else {
            pieces.append(Piece(first: at, last: at, low: offset, high: offset))
            return
        }
        if offset >= pieces[last].high - Self.tolerance, offset <= pieces[last].low + Self.tolerance {
            pieces[last].last = at
            pieces[last].low = min(pieces[last].low, offset)
            pieces[last].high = max(pieces[last].high, offset)
            stray = nil
            return
        }
        let far = max(offset - pieces[last].high, pieces[last].low - offset)
        if far < Self.certain {
            guard let before = stray, abs(before.offset - offset) <= Self.tolerance else {
                stray = (at, offset)
                return
            }
            pieces.append(
                Piece(
                    first: before.at, last: at, low: min(before.offset, offset), high: max(before.offset, offset)))
        } else {
            pieces.append(Piece(first: at, last: at, low: offset, high: offset))
        }
        stray = nil
    }

    /// Takes in what the settles of another key say: the same story, seen at other moments.
    mutating func merge(_ other: ProofClock) {
        let all = (pieces + other.pieces).sorted { $0.first < $1.first }
        var merged: [Piece] = []
        for piece in all {
            if let last = merged.indices.last, piece.high >= merged[last].high - Self.tolerance,
                piece.low <= merged[last].low + Self.tolerance
            {
                merged[last].last = max(merged[last].last, piece.last)
                merged[last].low = min(merged[last].low, piece.low)
                merged[last].high = max(merged[last].high, piece.high)
            } else {
                merged.append(piece)
            }
        }
        pieces = merged
    }

    var resolution: Int64 { pieces.map { $0.high - $0.low }.max() ?? 0 }

    func wall(_ queue: Int64) -> Timestamp? {
        let piece = pieces.last { $0.first <= queue } ?? pieces.first
        return piece.map { Timestamp(microseconds: queue - $0.high) }
    }

    /// When an attempt was begun, in queue time.
    enum Reading: Equatable {
        case sure(Int64)
        /// The wall clock was set between begin and settle: some moment in this range.
        case between(Int64, Int64)
    }

    /// - Parameters:
    ///   - started: its begin in wall time.
    ///   - floor: the latest begin known of an attempt before it, than which it cannot be earlier.
    ///   - settled: its settle in queue time.
    func begin(wall started: Int64, floor: Int64, settled: Int64) -> Reading {
        guard let own = pieces.lastIndex(where: { $0.first <= settled }) ?? pieces.indices.first else {
            return .between(min(floor, settled), settled)
        }
        let time = started + pieces[own].high
        // Between the first settle of a piece and any later one of it the two clocks ran alike; before the first piece
        // there was nothing to run otherwise.
        if time <= settled + Self.tolerance, own == 0 || time >= pieces[own].first {
            return .sure(min(max(time, floor), settled))
        }
        var earliest = Int64.max
        for index in pieces[...own].indices.reversed() {
            let start = index == 0 ? Int64.min / 2 : pieces[index - 1].last
            let end = index == own ? settled : pieces[index + 1].first
            guard end >= floor else { break }
            let time = started + pieces[index].high
            if time >= start - Self.tolerance, time <= end + Self.tolerance { earliest = min(earliest, time) }
        }
        // Where no reading fits, the clock was set more often than anything was settled.
        if earliest == Int64.max { earliest = floor }
        return .between(min(max(earliest, floor), settled), settled)
    }
}
