BEGIN TRANSACTION;
CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
INSERT INTO grdb_migrations VALUES('1 queue');
INSERT INTO grdb_migrations VALUES('2 retention');
INSERT INTO grdb_migrations VALUES('3 decisions');
INSERT INTO grdb_migrations VALUES('4 rests and waits');
INSERT INTO grdb_migrations VALUES('5 recall');
CREATE TABLE meta (
    name TEXT PRIMARY KEY, value ANY NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES('generation',3);
INSERT INTO meta VALUES('identity','87c2392b-08f6-47d2-8b46-18f0a70787c3');
CREATE TABLE clock (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    boot TEXT NOT NULL, boot_us INTEGER NOT NULL, queue_us INTEGER NOT NULL, wall_us INTEGER NOT NULL
, counting INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO clock VALUES(1,'1bbb5126-1d30-4513-a2d3-329706c51756',23672832467,1796049402509262,1796049402509128,1);
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
INSERT INTO campaign VALUES(1,'camp',2,'until Monday','office',1796049386261612,1796049387198917,NULL,1,7,7,0,0,4,1,1,0,1,0);
INSERT INTO campaign VALUES(2,'spring6',1,'','office',1796049386580768,1796049388512808,NULL,8,13,6,4,0,2,0,0,0,0,0);
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
INSERT INTO content VALUES(1,'/home/you/camp','emailname','[]','{}','eb562b9c10b0c5a198e17399462f01324e666518ea113ad5ff4e548d2d69f3c6',X'7b226174746163686d656e74486173686573223a7b7d2c226174746163686d656e7473223a5b5d2c2266726f6d223a2253686f70203c73686f70406578616d706c652e636f6d3e222c2268656164657273223a7b7d2c22736f757263654e616d6573223a7b2274657874223a226d6573736167652e747874227d2c227375626a656374223a2248656c6c6f207b7b6e616d657d7d222c2274657874223a2248656c6c6f207b7b6e616d657d7d5c6e227d');
INSERT INTO content VALUES(2,'/home/you/spring6','emailname','[]','{}','eb562b9c10b0c5a198e17399462f01324e666518ea113ad5ff4e548d2d69f3c6',X'7b226174746163686d656e74486173686573223a7b7d2c226174746163686d656e7473223a5b5d2c2266726f6d223a2253686f70203c73686f70406578616d706c652e636f6d3e222c2268656164657273223a7b7d2c22736f757263654e616d6573223a7b2274657874223a226d6573736167652e747874227d2c227375626a656374223a2248656c6c6f207b7b6e616d657d7d222c2274657874223a2248656c6c6f207b7b6e616d657d7d5c6e227d');
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
INSERT INTO recipient VALUES(1,1,'a1@one.test',NULL,NULL,'a1@one.testA',2,3,1,0,5);
INSERT INTO recipient VALUES(2,1,'a2@one.test',NULL,NULL,'a2@one.testA',3,3,1,0,6);
INSERT INTO recipient VALUES(3,1,'doubt@one.test',NULL,NULL,'doubt@one.testD',4,6,1,0,7);
INSERT INTO recipient VALUES(4,1,'l@later.test',NULL,NULL,'l@later.testL',5,1,1,1796049446301745,3);
INSERT INTO recipient VALUES(5,1,'n@nouser.test',NULL,NULL,'n@nouser.testN',6,4,1,0,4);
INSERT INTO recipient VALUES(6,1,'a3@two.test',NULL,NULL,'a3@two.testA',7,3,1,0,1);
INSERT INTO recipient VALUES(7,1,'a4@two.test',NULL,NULL,'a4@two.testA',8,3,1,0,2);
INSERT INTO recipient VALUES(8,2,'b1@one.test',NULL,NULL,'b1@one.testA',2,3,1,0,8);
INSERT INTO recipient VALUES(9,2,'b2@two.test',NULL,NULL,'b2@two.testA',3,0,0,0,NULL);
INSERT INTO recipient VALUES(10,2,'b3@two.test',NULL,NULL,'b3@two.testA',4,0,0,0,NULL);
INSERT INTO recipient VALUES(11,2,'b4@three.test',NULL,NULL,'b4@three.testA',5,3,1,0,9);
INSERT INTO recipient VALUES(12,2,'b5@three.test',NULL,NULL,'b5@three.testA',6,0,0,0,NULL);
INSERT INTO recipient VALUES(13,2,'b6@three.test',NULL,NULL,'b6@three.testA',7,0,0,0,NULL);
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
, seen INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO runner VALUES(3,2,13586,'desk','1bbb5126-1d30-4513-a2d3-329706c51756','office','default','1,2',1796049400852832,1796049402509128,'{"cause":{"kind":"connection","what":"connecting to 127.0.0.1:45121: connection refused; check host and port, nothing listens there"},"waitingFor":"no connection: connecting to 127.0.0.1:45121: connection refused; check host and port, nothing listens there","until":{"microseconds":1796049404407282},"sessions":[{"server":"127.0.0.1:45121","number":1,"since":{"microseconds":1796049402407292},"state":"off","sent":0}]}',1796049402509262);
CREATE TABLE lease (
    id INTEGER PRIMARY KEY,
    runner INTEGER NOT NULL,
    campaign INTEGER NOT NULL,
    -- 1: all recipients of first...last that have due = 0; 0: the one recipient first, whatever its due.
    fresh INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL
) STRICT;
INSERT INTO lease VALUES(1,3,2,1,9,13);
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
INSERT INTO attempt VALUES(1,1,6,NULL,1,3,'office','default','127.0.0.1:45121','<hon9p3yj58.1.6@example.com>',1796049387257092,1796049387274348,1,250,'2.0.0','Ok, message 1',NULL,251,0);
INSERT INTO attempt VALUES(2,1,7,NULL,1,3,'office','default','127.0.0.1:45121','<hon9p3yj58.1.7@example.com>',1796049387274348,1796049387281683,1,250,'2.0.0','Ok, message 2',NULL,251,0);
INSERT INTO attempt VALUES(3,1,4,NULL,1,4,'office','default','127.0.0.1:45121','<hon9p3yj58.1.4@example.com>',1796049387281683,1796049387299250,2,451,'4.3.0','Try again later',NULL,252,0);
INSERT INTO attempt VALUES(4,1,5,NULL,1,5,'office','default','127.0.0.1:45121','<hon9p3yj58.1.5@example.com>',1796049387299250,1796049387306516,3,550,'5.1.1','No such user',NULL,253,0);
INSERT INTO attempt VALUES(5,1,1,NULL,1,6,'office','default','127.0.0.1:45121','<hon9p3yj58.1.1@example.com>',1796049387306516,1796049387314126,1,250,'2.0.0','Ok, message 3',NULL,251,0);
INSERT INTO attempt VALUES(6,1,2,NULL,1,6,'office','default','127.0.0.1:45121','<hon9p3yj58.1.2@example.com>',1796049387314126,1796049387319075,1,250,'2.0.0','Ok, message 4',NULL,251,0);
INSERT INTO attempt VALUES(7,1,3,NULL,1,6,'office','default','127.0.0.1:45121','<hon9p3yj58.1.3@example.com>',1796049387319075,1796049387325346,4,NULL,NULL,'the connection was lost after the final dot, before the answer: the server closed the connection (at dot)',NULL,254,0);
INSERT INTO attempt VALUES(8,2,8,NULL,2,6,'office','default','127.0.0.1:45121','<hon9p45deo.2.8@example.com>',1796049388801229,1796049388803673,1,250,'2.0.0','Ok, message 6',NULL,251,0);
INSERT INTO attempt VALUES(9,2,11,NULL,2,7,'office','default','127.0.0.1:45121','<hon9p45deo.2.11@example.com>',1796049388803673,1796049388805812,1,250,'2.0.0','Ok, message 7',NULL,254,0);
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
    next_at INTEGER NOT NULL DEFAULT 0, recall INTEGER, base INTEGER NOT NULL DEFAULT 0, uncounted INTEGER NOT NULL DEFAULT 0,
    UNIQUE (scope, key)
) STRICT;
INSERT INTO cap_key VALUES(1,0,'default',0,9,1796049388805946,1796049387257226,0,NULL,0,0);
INSERT INTO cap_key VALUES(2,1,'office',0,9,1796049388805946,1796049387257226,0,NULL,0,0);
INSERT INTO cap_key VALUES(3,2,'two.test',0,2,1796049387281817,1796049387257226,0,1,0,0);
INSERT INTO cap_key VALUES(4,2,'later.test',0,1,1796049387299384,1796049387281817,0,1,0,0);
INSERT INTO cap_key VALUES(5,2,'nouser.test',0,1,1796049387306649,1796049387299384,0,1,0,0);
INSERT INTO cap_key VALUES(6,2,'one.test',0,4,1796049388803807,1796049387306649,0,1,0,0);
INSERT INTO cap_key VALUES(7,2,'three.test',0,1,1796049388805946,1796049388803807,0,1,0,0);
CREATE TABLE IF NOT EXISTS "grant" (
    key INTEGER NOT NULL, seq INTEGER NOT NULL, at INTEGER NOT NULL, attempt INTEGER NOT NULL,
    PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;
INSERT INTO grant VALUES(1,1,1796049387274482,1);
INSERT INTO grant VALUES(1,2,1796049387281817,2);
INSERT INTO grant VALUES(1,3,1796049387299384,3);
INSERT INTO grant VALUES(1,4,1796049387306649,4);
INSERT INTO grant VALUES(1,5,1796049387314260,5);
INSERT INTO grant VALUES(1,6,1796049387319209,6);
INSERT INTO grant VALUES(1,7,1796049387325480,7);
INSERT INTO grant VALUES(1,8,1796049388803807,8);
INSERT INTO grant VALUES(1,9,1796049388805946,9);
INSERT INTO grant VALUES(2,1,1796049387274482,1);
INSERT INTO grant VALUES(2,2,1796049387281817,2);
INSERT INTO grant VALUES(2,3,1796049387299384,3);
INSERT INTO grant VALUES(2,4,1796049387306649,4);
INSERT INTO grant VALUES(2,5,1796049387314260,5);
INSERT INTO grant VALUES(2,6,1796049387319209,6);
INSERT INTO grant VALUES(2,7,1796049387325480,7);
INSERT INTO grant VALUES(2,8,1796049388803807,8);
INSERT INTO grant VALUES(2,9,1796049388805946,9);
INSERT INTO grant VALUES(3,1,1796049387274482,1);
INSERT INTO grant VALUES(3,2,1796049387281817,2);
INSERT INTO grant VALUES(4,1,1796049387299384,3);
INSERT INTO grant VALUES(5,1,1796049387306649,4);
INSERT INTO grant VALUES(6,1,1796049387314260,5);
INSERT INTO grant VALUES(6,2,1796049387319209,6);
INSERT INTO grant VALUES(6,3,1796049387325480,7);
INSERT INTO grant VALUES(6,4,1796049388803807,8);
INSERT INTO grant VALUES(7,1,1796049388805946,9);
CREATE TABLE suppression (
    key TEXT PRIMARY KEY, reason TEXT NOT NULL, since INTEGER NOT NULL, "by" TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO suppression VALUES('gone@one.test','by hand',1796049385764914,'user');
INSERT INTO suppression VALUES('n@nouser.test','550 5.1.1 No such user',1796049387306516,'reply');
CREATE TABLE event (
    id INTEGER PRIMARY KEY, campaign INTEGER, at INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL
) STRICT;
INSERT INTO event VALUES(1,1,1796049386261612,'created','The campaign was created.');
INSERT INTO event VALUES(2,2,1796049386580768,'created','The campaign was created.');
INSERT INTO event VALUES(3,1,1796049387960252,'pause','the list is wrongyou@desk');
INSERT INTO event VALUES(4,1,1796049388086158,'resume','By order.you@desk');
INSERT INTO event VALUES(5,2,1796049388886360,'pause','not before noonyou@desk');
INSERT INTO event VALUES(6,2,1796049388991980,'resume','By order.you@desk');
INSERT INTO event VALUES(7,1,1796049389107308,'pause','until Mondayyou@desk');
CREATE TABLE pulse (
    campaign INTEGER NOT NULL, minute INTEGER NOT NULL,
    sent INTEGER NOT NULL, deferred INTEGER NOT NULL, failed INTEGER NOT NULL, in_doubt INTEGER NOT NULL,
    PRIMARY KEY (campaign, minute)
) STRICT, WITHOUT ROWID;
INSERT INTO pulse VALUES(1,29934156,4,1,1,1);
INSERT INTO pulse VALUES(2,29934156,2,0,0,0);
CREATE TABLE retention (
    key INTEGER PRIMARY KEY,
    -- Up to here the grants are gone.
    pruned INTEGER NOT NULL DEFAULT 0,
    -- Up to here the texts of what was sent, and of what was not, have been dropped.
    sent INTEGER NOT NULL DEFAULT 0,
    bounces INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE decision (
    -- The attempt that ended in doubt; decided once, as its recipient has another last attempt or state then.
    attempt INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    -- 1: sent, 2: failed, 3: sent again.
    decision INTEGER NOT NULL,
    -- Empty: somebody's word.
    evidence TEXT NOT NULL
) STRICT;
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
INSERT INTO spell VALUES(1,1,1,'sending','',1796049387199050,1796049387830014);
INSERT INTO spell VALUES(2,1,0,'paused','the list is wrong (you@desk)',1796049387960385,1796049388086292);
INSERT INTO spell VALUES(3,2,2,'sending','',1796049388512941,1796049388808261);
INSERT INTO spell VALUES(4,2,0,'paused','not before noon (you@desk)',1796049388886493,1796049388992114);
INSERT INTO spell VALUES(5,1,0,'paused','until Monday (you@desk)',1796049389107442,NULL);
INSERT INTO spell VALUES(6,2,3,'sending','',1796049400852965,1796049401284264);
INSERT INTO spell VALUES(7,2,3,'connection','connecting to 127.0.0.1:45121: connection refused; check host and port, nothing listens there',1796049401284264,NULL);
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
INSERT INTO recall VALUES(1,0,0,'',0);
CREATE TABLE site (
    domain TEXT PRIMARY KEY, site TEXT NOT NULL, looked INTEGER NOT NULL, expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO sqlite_sequence VALUES('recall',1);
INSERT INTO sqlite_sequence VALUES('runner',3);
CREATE INDEX recipient_due ON recipient (campaign, due, id) WHERE state < 2;
CREATE INDEX recipient_rare ON recipient (campaign, state, id) WHERE state > 3;
CREATE INDEX lease_campaign ON lease (campaign, fresh, first, last);
CREATE INDEX lease_runner ON lease (runner);
CREATE INDEX attempt_campaign ON attempt (campaign);
CREATE INDEX attempt_open ON attempt (runner) WHERE outcome IS NULL;
CREATE INDEX event_campaign ON event (campaign);
CREATE INDEX rest_route ON rest (account, source, server, id);
CREATE INDEX spell_campaign ON spell (campaign, id);
CREATE INDEX spell_open ON spell (runner, campaign) WHERE until IS NULL;
CREATE INDEX cap_recall ON cap_key (recall) WHERE recall IS NOT NULL;
CREATE INDEX site_name ON site (site);
COMMIT;
