/// What was decided about an attempt in doubt, and what said so.
enum Migration3 {
    static let name = "3 decisions"

    static let schema = """
        CREATE TABLE decision (
            -- The attempt that ended in doubt; decided once, as its recipient has another last attempt or state then.
            attempt INTEGER PRIMARY KEY,
            at INTEGER NOT NULL,
            -- 1: sent, 2: failed, 3: sent again.
            decision INTEGER NOT NULL,
            -- Empty: somebody's word.
            evidence TEXT NOT NULL
        ) STRICT;
        """
}
