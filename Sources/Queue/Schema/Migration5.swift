/// What the ledgers of domains and campaigns know of the time before they were counted, and which domains are one
/// destination.
enum Migration5 {
    static let name = "5 recall"

    static let schema = """
        -- attempt.retired & 4: its domain was counted, and no limit by domain held for it.

        -- A walk back over the ledgers of the sources, which fills those of domains and campaigns.
        CREATE TABLE recall (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            -- See `RecallKind`.
            kind INTEGER NOT NULL,
            -- Queue time from which on the ledgers it fills are complete; 0 when they were from the beginning.
            known INTEGER NOT NULL,
            -- By cap key of a source, the number of the grant it comes to next: `1:900,7:20`.
            cursor TEXT NOT NULL,
            -- The last attempt begun before the keys were counted.
            uncounted INTEGER NOT NULL
        ) STRICT;

        -- Of a domain or a campaign: what fills its ledger behind its own grants. NULL: it is not counted (any more).
        ALTER TABLE cap_key ADD COLUMN recall INTEGER;
        -- Its first grant's number less one: 0, or less where grants were recalled.
        ALTER TABLE cap_key ADD COLUMN base INTEGER NOT NULL DEFAULT 0;
        -- Attempts up to this one were begun before it was counted, hence held to nothing by it.
        ALTER TABLE cap_key ADD COLUMN uncounted INTEGER NOT NULL DEFAULT 0;
        CREATE INDEX cap_recall ON cap_key (recall) WHERE recall IS NOT NULL;

        -- Grows when something is counted that was not: so that every runner notices.
        ALTER TABLE clock ADD COLUMN counting INTEGER NOT NULL DEFAULT 0;

        -- Domains that were looked up, and the name under which their MX hosts are counted; times are queue time.
        CREATE TABLE site (
            domain TEXT PRIMARY KEY, site TEXT NOT NULL, looked INTEGER NOT NULL, expires INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX site_name ON site (site);
        """
}
