// What Swift cannot call of SQLite: sqlite3_config is variadic. Declared here, since sqlite3.h is a part of GRDB's module.
#pragma once

extern int sqlite3_config(int option, ...);

static inline int CSQLite_keep_no_statistics(void) { return sqlite3_config(9 /* SQLITE_CONFIG_MEMSTATUS */, 0); }
