import GRDB

/// The schema, as a named list to which is only ever appended.
enum Migrations {
    static let first = "1 queue"

    static var migrator: DatabaseMigrator {
        var migrator = DatabaseMigrator()
        migrator.registerMigration(first) { db in
            try db.execute(sql: firstSchema)
        }
        // Unchecked: a check of all foreign keys would read the whole file.
        migrator.registerMigration(Migration2.name, foreignKeyChecks: .immediate) { db in
            try db.execute(sql: Migration2.schema)
        }
        migrator.registerMigration(Migration3.name, foreignKeyChecks: .immediate) { db in
            try db.execute(sql: Migration3.schema)
        }
        migrator.registerMigration(Migration4.name, foreignKeyChecks: .immediate) { db in
            try db.execute(sql: Migration4.schema)
        }
        migrator.registerMigration(Migration5.name, foreignKeyChecks: .immediate) { db in
            try db.execute(sql: Migration5.schema)
        }
        migrator.registerMigration(Migration6.name, foreignKeyChecks: .immediate) { db in
            try db.execute(sql: Migration6.schema)
        }
        migrator.registerMigration(Migration7.name, foreignKeyChecks: .immediate, migrate: Migration7.apply)
        migrator.registerMigration(Migration8.name, foreignKeyChecks: .immediate) { db in
            try db.execute(sql: Migration8.schema)
        }
        migrator.registerMigration(Migration9.name, foreignKeyChecks: .immediate) { db in
            try db.execute(sql: Migration9.schema)
        }
        return migrator
    }

    /// States and outcomes are small numbers, see `RecipientState.code`, `CampaignState.code`, `AttemptOutcome.code`.
    /// `due` and the times of ledger, lease and rest are queue time (see `QueueClock`), all others wall time;
    /// both in microseconds.
    private static let firstSchema = """
        CREATE TABLE meta (
            name TEXT PRIMARY KEY, value ANY NOT NULL
        ) STRICT, WITHOUT ROWID;

        -- One row: where queue time stood when both clocks were read last.
        CREATE TABLE clock (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            boot TEXT NOT NULL, boot_us INTEGER NOT NULL, queue_us INTEGER NOT NULL, wall_us INTEGER NOT NULL
        ) STRICT;

        -- Rewritten by almost every commit, hence lean: what is large or never changes is in content.
        CREATE TABLE campaign (
            id INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            state INTEGER NOT NULL DEFAULT 0,
            reason TEXT NOT NULL DEFAULT '',
            account TEXT NOT NULL,
            created INTEGER NOT NULL,
            started INTEGER,
            finished INTEGER,
            -- Its recipients' ids lie in first...last.
            first INTEGER NOT NULL DEFAULT 0,
            last INTEGER NOT NULL DEFAULT 0,
            total INTEGER NOT NULL DEFAULT 0,
            pending INTEGER NOT NULL DEFAULT 0,
            sending INTEGER NOT NULL DEFAULT 0,
            sent INTEGER NOT NULL DEFAULT 0,
            deferred INTEGER NOT NULL DEFAULT 0,
            failed INTEGER NOT NULL DEFAULT 0,
            suppressed INTEGER NOT NULL DEFAULT 0,
            in_doubt INTEGER NOT NULL DEFAULT 0,
            cancelled INTEGER NOT NULL DEFAULT 0
        ) STRICT;

        CREATE TABLE content (
            campaign INTEGER PRIMARY KEY REFERENCES campaign(id),
            folder TEXT NOT NULL,
            columns TEXT NOT NULL,
            limits TEXT NOT NULL,
            -- JSON, see Schedule.
            schedule TEXT NOT NULL,
            hash TEXT NOT NULL,
            bytes BLOB NOT NULL
        ) STRICT;

        CREATE TABLE attachment (
            hash TEXT PRIMARY KEY,
            bytes BLOB NOT NULL
        ) STRICT;

        CREATE TABLE recipient (
            id INTEGER PRIMARY KEY,
            campaign INTEGER NOT NULL REFERENCES campaign(id),
            key TEXT NOT NULL,
            -- NULL: the same as key.
            email TEXT,
            -- NULL: what follows the last @ of key.
            domain TEXT,
            fields TEXT NOT NULL,
            line INTEGER NOT NULL,
            state INTEGER NOT NULL,
            attempts INTEGER NOT NULL DEFAULT 0,
            -- 0 before the first attempt.
            due INTEGER NOT NULL DEFAULT 0,
            last_attempt INTEGER,
            UNIQUE (campaign, key)
        ) STRICT;
        CREATE INDEX recipient_due ON recipient (campaign, due, id) WHERE state < 2;
        -- The rare ends, for lists; sent ones are not in it, so the way of most messages does not pay for it.
        CREATE INDEX recipient_rare ON recipient (campaign, state, id) WHERE state > 3;

        CREATE TABLE runner (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            campaign INTEGER NOT NULL,
            pid INTEGER NOT NULL,
            host TEXT NOT NULL,
            boot TEXT NOT NULL,
            account TEXT NOT NULL,
            source TEXT NOT NULL,
            -- Ids of the cap keys from which each of its attempts has a grant, joined by commas.
            keys TEXT NOT NULL,
            started INTEGER NOT NULL,
            heartbeat INTEGER NOT NULL,
            status TEXT NOT NULL
        ) STRICT;

        CREATE TABLE lease (
            id INTEGER PRIMARY KEY,
            runner INTEGER NOT NULL,
            campaign INTEGER NOT NULL,
            -- 1: all recipients of first...last that have due = 0; 0: the one recipient first, whatever its due.
            fresh INTEGER NOT NULL,
            first INTEGER NOT NULL,
            last INTEGER NOT NULL
        ) STRICT;
        CREATE INDEX lease_campaign ON lease (campaign, fresh, first, last);
        CREATE INDEX lease_runner ON lease (runner);

        CREATE TABLE attempt (
            id INTEGER PRIMARY KEY,
            campaign INTEGER NOT NULL,
            recipient INTEGER NOT NULL,
            -- The recipient's attempt before this one.
            previous INTEGER,
            runner INTEGER NOT NULL,
            -- The domain's cap key, where one applies; the others are the runner's.
            cap INTEGER,
            account TEXT NOT NULL,
            source TEXT NOT NULL,
            server TEXT NOT NULL,
            message_id TEXT NOT NULL,
            started INTEGER NOT NULL,
            finished INTEGER,
            -- NULL while it is open.
            outcome INTEGER,
            code INTEGER,
            enhanced TEXT,
            reply TEXT,
            tls TEXT,
            bytes INTEGER NOT NULL DEFAULT 0
        ) STRICT;
        CREATE INDEX attempt_campaign ON attempt (campaign);
        CREATE INDEX attempt_open ON attempt (runner) WHERE outcome IS NULL;

        CREATE TABLE cap_key (
            id INTEGER PRIMARY KEY,
            scope INTEGER NOT NULL,
            key TEXT NOT NULL,
            -- Grants of attempts not settled yet.
            open INTEGER NOT NULL DEFAULT 0,
            -- The last grant's number and time.
            seq INTEGER NOT NULL DEFAULT 0,
            last_at INTEGER NOT NULL DEFAULT 0,
            -- When the first grant ever was given, open or settled: the warm-up's day counts from it. 0 before.
            first_at INTEGER NOT NULL DEFAULT 0,
            -- Under pace even: no grant before this.
            next_at INTEGER NOT NULL DEFAULT 0,
            UNIQUE (scope, key)
        ) STRICT;
        -- Settled grants: at never falls as seq grows.
        CREATE TABLE "grant" (
            key INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, attempt INTEGER NOT NULL,
            PRIMARY KEY (key, seq)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE suppression (
            key TEXT PRIMARY KEY, reason TEXT NOT NULL, since INTEGER NOT NULL, "by" TEXT NOT NULL
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE event (
            id INTEGER PRIMARY KEY, campaign INTEGER, at INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL
        ) STRICT;
        CREATE INDEX event_campaign ON event (campaign);

        CREATE TABLE pulse (
            campaign INTEGER NOT NULL, minute INTEGER NOT NULL,
            sent INTEGER NOT NULL, deferred INTEGER NOT NULL, failed INTEGER NOT NULL, in_doubt INTEGER NOT NULL,
            PRIMARY KEY (campaign, minute)
        ) STRICT, WITHOUT ROWID;

        CREATE TABLE rest (
            account TEXT NOT NULL, source TEXT NOT NULL, server TEXT NOT NULL,
            until INTEGER NOT NULL, since INTEGER NOT NULL, rule TEXT NOT NULL, reply TEXT NOT NULL,
            PRIMARY KEY (account, source, server)
        ) STRICT, WITHOUT ROWID;
        """
}
