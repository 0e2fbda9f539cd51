/// Claims of copied and restored queues, and what the caps make of them.
enum Migration9 {
    static let name = "9 claims"

    static let schema = """
        CREATE TABLE claim (
            id INTEGER PRIMARY KEY,
            -- Queue time, and wall time.
            at INTEGER NOT NULL,
            wall INTEGER NOT NULL,
            -- Wall time of the last sending that the claimed queue knew of; NULL: of none.
            known INTEGER,
            -- The last attempt before it.
            attempt INTEGER NOT NULL,
            -- 1: every cap counts as used up at that moment; 0: somebody said that nothing was sent elsewhere.
            fills INTEGER NOT NULL
        ) STRICT;
        -- Queue time at which every cap counts as used up, because of the last claim; 0: never.
        ALTER TABLE clock ADD COLUMN claimed INTEGER NOT NULL DEFAULT 0;
        """
}
