/// Rests that are kept after they ended, with what caused them; and what each process waited for, spell by spell.
enum Migration4 {
    static let name = "4 rests and waits"

    /// All times are queue time.
    static let schema = """
        ALTER TABLE rest RENAME TO rest_of_first_schema;
        -- Of a route's rows the last one says whether it rests.
        CREATE TABLE rest (
            id INTEGER PRIMARY KEY,
            account TEXT NOT NULL, source TEXT NOT NULL, server TEXT NOT NULL,
            since INTEGER NOT NULL,
            -- When it ends, or was ended.
            until INTEGER NOT NULL,
            -- 0: by itself; 1: somebody lifted it; 2: a longer rest of the route took over.
            ending INTEGER NOT NULL DEFAULT 0,
            rule TEXT NOT NULL, reply TEXT NOT NULL,
            -- What it was the answer to; no attempt when a session could not even be opened.
            campaign INTEGER, attempt INTEGER,
            -- The last attempt there was: one that is sent later ends the row of rests.
            mark INTEGER NOT NULL DEFAULT 0,
            -- The n-th rest of the route without a message sent in between.
            streak INTEGER NOT NULL DEFAULT 1,
            -- Answers that asked for a rest while it lasted.
            hits INTEGER NOT NULL DEFAULT 1
        ) STRICT;
        CREATE INDEX rest_route ON rest (account, source, server, id);
        INSERT INTO rest (account, source, server, since, until, rule, reply)
            SELECT account, source, server, since, until, rule, reply FROM rest_of_first_schema;
        DROP TABLE rest_of_first_schema;

        -- The life of each process that sends, without gaps; and of each campaign, when its state keeps it from being sent.
        CREATE TABLE spell (
            id INTEGER PRIMARY KEY,
            campaign INTEGER NOT NULL,
            -- 0: the campaign's state, whoever runs.
            runner INTEGER NOT NULL,
            kind TEXT NOT NULL,
            -- The cap, the answer, whatever the kind leaves open.
            what TEXT NOT NULL,
            since INTEGER NOT NULL,
            -- NULL while it lasts.
            until INTEGER
        ) STRICT;
        CREATE INDEX spell_campaign ON spell (campaign, id);
        CREATE INDEX spell_open ON spell (runner, campaign) WHERE until IS NULL;
        -- Queue time of the last heartbeat: where the spell of a dead process ends.
        ALTER TABLE runner ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;

        -- What went before was not written down.
        INSERT INTO spell (campaign, runner, kind, what, since, until)
            SELECT c.id, 0, 'unrecorded', '', max(1, c.started - k.wall_us + k.queue_us), k.queue_us
            FROM campaign c, clock k WHERE c.started IS NOT NULL AND c.started < k.wall_us;
        INSERT INTO spell (campaign, runner, kind, what, since)
            SELECT c.id, 0, CASE c.state WHEN 2 THEN 'paused' WHEN 3 THEN 'finished' ELSE 'cancelled' END, c.reason,
                max(1, ifnull(c.finished, k.wall_us) - k.wall_us + k.queue_us)
            FROM campaign c, clock k WHERE c.started IS NOT NULL AND c.state IN (2, 3, 4);
        """
}
