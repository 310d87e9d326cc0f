// Copies of a whole database: made of one consistent state while the database is in use, and put in place of one that is not.
//
// SQLite: a database file of its own, made with SQLite's online backup. MySQL and MariaDB: the SQL that mariadb-dump writes of one
// transaction. Errors are one sentence that tells an operator what to do.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"

namespace section55::db {

// Copies the database to `file`, an empty file that the caller has made, and checks the copy. Nobody who uses the database waits for
// it; on MySQL migrations do.
absl::Status CopyDatabase(const Options& options, const std::string& file);

// Makes one file again of an SQLite copy that was opened as a database, and checks it.
absl::Status SealCopy(const std::string& file);

// The text of a copy that CopyDatabase made of a MySQL database, after the words `before`; empty when they do not stand in it. For what must
// be known of exactly the state that was copied.
std::string TextInCopy(const std::string& file, std::string_view before);

// FAILED_PRECONDITION unless a copy can be put in place of what `options` names: nobody uses it, and there is no database yet (MySQL: it
// is there and empty). With `replace`, on SQLite, there may be one.
absl::Status CheckReplaceable(const Options& options, bool replace);

// Makes `file`, a copy, ready to be changed before it is put in place: the database to open. On MySQL it is put in place by that.
absl::StatusOr<Options> PrepareCopy(const Options& options, const std::string& file);

// Puts a prepared copy in place; durable when it returns. What stood there on SQLite is kept beside it, under the name that is returned (empty:
// nothing did). Repeated after a crash it goes on.
absl::StatusOr<std::string> InstallCopy(const Options& options, const std::string& file, absl::Time now);

}  // namespace section55::db
