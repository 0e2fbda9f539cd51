BEGIN TRANSACTION;
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO grdb_migrations VALUES('1 queue');
INSERT INTO grdb_migrations VALUES('2 retention');
CREATE TABLE meta (
    name TEXT PRIMARY KEY, value ANY NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES('generation',2);
INSERT INTO meta VALUES('identity','bb8724fd-1fe4-403a-aaea-95d044a44e72');
CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    boot TEXT NOT NULL, boot_us INTEGER NOT NULL, queue_us INTEGER NOT NULL, wall_us INTEGER NOT NULL
) STRICT;
INSERT INTO clock VALUES(1,'1bbb5126-1d30-4513-a2d3-329706c51756',1758426996,1796027488106187,1796027488103658);
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
INSERT INTO campaign VALUES(1,'camp',1,'','office',1796027485306704,1796027485412908,NULL,1,9,9,2,0,4,1,1,0,1,0);
INSERT INTO campaign VALUES(2,'spring2',1,'','office',1796027487889818,1796027488021773,NULL,10,15,6,5,0,1,0,0,0,0,0);
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
INSERT INTO content VALUES(1,'/home/you/camp','emailname','[{"perMicroseconds":3600000000,"scope":"campaign","count":7}]','{}','eb562b9c10b0c5a198e17399462f01324e666518ea113ad5ff4e548d2d69f3c6',X'7b226174746163686d656e74486173686573223a7b7d2c226174746163686d656e7473223a5b5d2c2266726f6d223a2253686f70203c73686f70406578616d706c652e636f6d3e222c2268656164657273223a7b7d2c22736f757263654e616d6573223a7b2274657874223a226d6573736167652e747874227d2c227375626a656374223a2248656c6c6f207b7b6e616d657d7d222c2274657874223a2248656c6c6f207b7b6e616d657d7d5c6e227d');
INSERT INTO content VALUES(2,'/home/you/spring2','emailname','[{"perMicroseconds":3600000000,"scope":"campaign","count":7}]','{}','eb562b9c10b0c5a198e17399462f01324e666518ea113ad5ff4e548d2d69f3c6',X'7b226174746163686d656e74486173686573223a7b7d2c226174746163686d656e7473223a5b5d2c2266726f6d223a2253686f70203c73686f70406578616d706c652e636f6d3e222c2268656164657273223a7b7d2c22736f757263654e616d6573223a7b2274657874223a226d6573736167652e747874227d2c227375626a656374223a2248656c6c6f207b7b6e616d657d7d222c2274657874223a2248656c6c6f207b7b6e616d657d7d5c6e227d');
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
INSERT INTO recipient VALUES(1,1,'a1@one.test',NULL,NULL,'a1@one.testA',2,3,1,0,1);
INSERT INTO recipient VALUES(2,1,'a2@one.test',NULL,NULL,'a2@one.testA',3,3,1,0,2);
INSERT INTO recipient VALUES(3,1,'doubt@one.test',NULL,NULL,'doubt@one.testD',4,6,1,0,3);
INSERT INTO recipient VALUES(4,1,'l@later.test',NULL,NULL,'l@later.testL',5,1,1,1796027543728999,4);
INSERT INTO recipient VALUES(5,1,'n@nouser.test',NULL,NULL,'n@nouser.testN',6,4,1,0,5);
INSERT INTO recipient VALUES(6,1,'a3@two.test',NULL,NULL,'a3@two.testA',7,3,1,0,6);
INSERT INTO recipient VALUES(7,1,'a4@two.test',NULL,NULL,'a4@two.testA',8,3,1,0,7);
INSERT INTO recipient VALUES(8,1,'a5@two.test',NULL,NULL,'a5@two.testA',9,0,0,0,NULL);
INSERT INTO recipient VALUES(9,1,'a6@two.test',NULL,NULL,'a6@two.testA',10,0,0,0,NULL);
INSERT INTO recipient VALUES(10,2,'b1@one.test',NULL,NULL,'b1@one.testA',2,3,1,0,8);
INSERT INTO recipient VALUES(11,2,'b2@one.test',NULL,NULL,'b2@one.testA',3,0,0,1796031085978199,NULL);
INSERT INTO recipient VALUES(12,2,'b3@one.test',NULL,NULL,'b3@one.testA',4,0,0,1796031085978200,NULL);
INSERT INTO recipient VALUES(13,2,'b4@one.test',NULL,NULL,'b4@one.testA',5,0,0,1796031085978199,NULL);
INSERT INTO recipient VALUES(14,2,'b5@one.test',NULL,NULL,'b5@one.testA',6,0,0,1796031085978199,NULL);
INSERT INTO recipient VALUES(15,2,'b6@one.test',NULL,NULL,'b6@one.testA',7,0,0,1796031085978200,NULL);
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
, retired INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO attempt VALUES(1,1,1,NULL,1,4,'office','default','127.0.0.1:46129','<homzmwp26o.1.1@example.com>',1796027485955146,1796027485975670,1,250,'2.0.0','Ok, message 1',NULL,251,0);
INSERT INTO attempt VALUES(2,1,2,NULL,1,4,'office','default','127.0.0.1:46129','<homzmwp26o.1.2@example.com>',1796027485975670,1796027485979172,1,250,'2.0.0','Ok, message 2',NULL,251,0);
INSERT INTO attempt VALUES(3,1,3,NULL,1,4,'office','default','127.0.0.1:46129','<homzmwp26o.1.3@example.com>',1796027485979172,1796027485981536,4,NULL,NULL,'the connection was lost after the final dot, before the answer: the server closed the connection (at dot)',NULL,254,0);
INSERT INTO attempt VALUES(4,1,4,NULL,1,5,'office','default','127.0.0.1:46129','<homzmwp26o.1.4@example.com>',1796027486489608,1796027486546152,2,451,'4.3.0','Try again later',NULL,252,0);
INSERT INTO attempt VALUES(5,1,5,NULL,1,6,'office','default','127.0.0.1:46129','<homzmwp26o.1.5@example.com>',1796027486546152,1796027486608840,3,550,'5.1.1','No such user',NULL,253,0);
INSERT INTO attempt VALUES(6,1,6,NULL,1,7,'office','default','127.0.0.1:46129','<homzmwp26o.1.6@example.com>',1796027486608840,1796027486612482,1,250,'2.0.0','Ok, message 4',NULL,251,0);
INSERT INTO attempt VALUES(7,1,7,NULL,1,7,'office','default','127.0.0.1:46129','<homzmwp26o.1.7@example.com>',1796027486612482,1796027486626757,1,250,'2.0.0','Ok, message 5',NULL,251,0);
INSERT INTO attempt VALUES(8,2,10,NULL,2,4,'office','default','127.0.0.1:46129','<homzmy8fbu.2.10@example.com>',1796027488075188,1796027488086445,1,250,'2.0.0','Ok, message 6',NULL,252,0);
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
INSERT INTO cap_key VALUES(1,0,'default',0,8,1796027488088975,1796027485957676,0);
INSERT INTO cap_key VALUES(2,1,'office',0,8,1796027488088975,1796027485957676,0);
INSERT INTO cap_key VALUES(3,3,'1',0,7,1796027486629286,1796027485957676,0);
INSERT INTO cap_key VALUES(4,2,'one.test',0,4,1796027488088975,1796027485957676,0);
INSERT INTO cap_key VALUES(5,2,'later.test',0,1,1796027486548682,1796027486492138,0);
INSERT INTO cap_key VALUES(6,2,'nouser.test',0,1,1796027486611370,1796027486548682,0);
INSERT INTO cap_key VALUES(7,2,'two.test',0,2,1796027486629286,1796027486611370,0);
INSERT INTO cap_key VALUES(8,3,'2',0,1,1796027488088975,1796027488077718,0);
CREATE TABLE IF NOT EXISTS "grant" (
    key INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, attempt INTEGER NOT NULL,
    PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO grant VALUES(1,1,1796027485978200,1);
INSERT INTO grant VALUES(1,2,1796027485981702,2);
INSERT INTO grant VALUES(1,3,1796027485984066,3);
INSERT INTO grant VALUES(1,4,1796027486548682,4);
INSERT INTO grant VALUES(1,5,1796027486611370,5);
INSERT INTO grant VALUES(1,6,1796027486615012,6);
INSERT INTO grant VALUES(1,7,1796027486629286,7);
INSERT INTO grant VALUES(1,8,1796027488088975,8);
INSERT INTO grant VALUES(2,1,1796027485978200,1);
INSERT INTO grant VALUES(2,2,1796027485981702,2);
INSERT INTO grant VALUES(2,3,1796027485984066,3);
INSERT INTO grant VALUES(2,4,1796027486548682,4);
INSERT INTO grant VALUES(2,5,1796027486611370,5);
INSERT INTO grant VALUES(2,6,1796027486615012,6);
INSERT INTO grant VALUES(2,7,1796027486629286,7);
INSERT INTO grant VALUES(2,8,1796027488088975,8);
INSERT INTO grant VALUES(3,1,1796027485978200,1);
INSERT INTO grant VALUES(3,2,1796027485981702,2);
INSERT INTO grant VALUES(3,3,1796027485984066,3);
INSERT INTO grant VALUES(3,4,1796027486548682,4);
INSERT INTO grant VALUES(3,5,1796027486611370,5);
INSERT INTO grant VALUES(3,6,1796027486615012,6);
INSERT INTO grant VALUES(3,7,1796027486629286,7);
INSERT INTO grant VALUES(4,1,1796027485978200,1);
INSERT INTO grant VALUES(4,2,1796027485981702,2);
INSERT INTO grant VALUES(4,3,1796027485984066,3);
INSERT INTO grant VALUES(4,4,1796027488088975,8);
INSERT INTO grant VALUES(5,1,1796027486548682,4);
INSERT INTO grant VALUES(6,1,1796027486611370,5);
INSERT INTO grant VALUES(7,1,1796027486615012,6);
INSERT INTO grant VALUES(7,2,1796027486629286,7);
INSERT INTO grant VALUES(8,1,1796027488088975,8);
CREATE TABLE suppression (
    key TEXT PRIMARY KEY, reason TEXT NOT NULL, since INTEGER NOT NULL, "by" TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO suppression VALUES('gone@one.test','by hand',1796027484422221,'user');
INSERT INTO suppression VALUES('n@nouser.test','550 5.1.1 No such user',1796027486608840,'reply');
CREATE TABLE event (
    id INTEGER PRIMARY KEY, campaign INTEGER, at INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL
) STRICT;
INSERT INTO event VALUES(1,1,1796027485306704,'created','The campaign was created.');
INSERT INTO event VALUES(2,2,1796027487889818,'created','The campaign was created.');
CREATE TABLE pulse (
    campaign INTEGER NOT NULL, minute INTEGER NOT NULL,
    sent INTEGER NOT NULL, deferred INTEGER NOT NULL, failed INTEGER NOT NULL, in_doubt INTEGER NOT NULL,
    PRIMARY KEY (campaign, minute)
) STRICT, WITHOUT ROWID;
INSERT INTO pulse VALUES(1,29933791,4,1,1,1);
INSERT INTO pulse VALUES(2,29933791,1,0,0,0);
CREATE TABLE rest (
    account TEXT NOT NULL, source TEXT NOT NULL, server TEXT NOT NULL,
    until INTEGER NOT NULL, since INTEGER NOT NULL, rule TEXT NOT NULL, reply TEXT NOT NULL,
    PRIMARY KEY (account, source, server)
) STRICT, WITHOUT ROWID;
CREATE TABLE retention (
    key INTEGER PRIMARY KEY,
    -- Up to here the grants are gone.
    pruned INTEGER NOT NULL DEFAULT 0,
    -- Up to here the texts of what was sent, and of what was not, have been dropped.
    sent INTEGER NOT NULL DEFAULT 0,
    bounces INTEGER NOT NULL DEFAULT 0
) STRICT;
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('runner',2);
CREATE INDEX recipient_due ON recipient (campaign, due, id) WHERE state < 2;
CREATE INDEX recipient_rare ON recipient (campaign, state, id) WHERE state > 3;
CREATE INDEX lease_campaign ON lease (campaign, fresh, first, last);
CREATE INDEX lease_runner ON lease (runner);
CREATE INDEX attempt_campaign ON attempt (campaign);
CREATE INDEX attempt_open ON attempt (runner) WHERE outcome IS NULL;
CREATE INDEX event_campaign ON event (campaign);
COMMIT;
