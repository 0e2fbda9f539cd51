/// What retention needs: how far it has come, and which rows it has been at.
enum Migration2 {
    static let name = "2 retention"

    static let schema = """
        -- 1: its text was dropped; 2: grants of it have left the ledger.
        ALTER TABLE attempt ADD COLUMN retired INTEGER NOT NULL DEFAULT 0;

        -- By cap key, numbers of its grants. Keys of sources also lead to the attempts, in the order of settling.
        CREATE TABLE retention (
            key INTEGER PRIMARY KEY,
            -- Up to here the grants are gone.
            pruned INTEGER NOT NULL DEFAULT 0,
            -- Up to here the texts of what was sent, and of what was not, have been dropped.
            sent INTEGER NOT NULL DEFAULT 0,
            bounces INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        """
}
