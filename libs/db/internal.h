// What sqlite.cc and mysql.cc share: what a failure means, the rules for a body, and how a conflict is tried again.
// Private to libs/db.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"

namespace section55::db::internal {

// What a driver's error code means to a caller. Each engine has one function that maps its codes to these.
enum class Failure {
  kConflict,     // another transaction was in the way; the body may be run again
  kDuplicate,    // a primary key or unique index refused the row
  kValue,        // a value is too long, out of range, missing, or refused by a CHECK
  kReference,    // a foreign key refused the change
  kGone,         // the connection is lost, or leads to a server that takes no changes any more; another one may do
  kDeadline,     // the caller's time was up
  kUnavailable,  // the database cannot be reached or cannot work now
  kInternal,     // anything else: a mistake of ours, as a rule
};

// `detail`, the driver's own text, goes to the log and not to the caller (base::WithDetail).
absl::Status ToStatus(Failure failure, std::string_view detail);

// Whether a caller's time is up.
bool IsOver(absl::Time until);

// The error of a connection lost between COMMIT and its answer.
absl::Status CommitOutcomeUnknown(std::string_view detail);

// INTERNAL when this thread is inside a body of `database` already: the inner call would wait for the outer one for
// ever (SQLite), or for a connection that the outer ones hold (MySQL).
absl::Status RefuseNested(const Database* database);

// Ends the program: a column was read as what it is not. Continuing would hand wrong data to a caller.
[[noreturn]] void WrongColumnType(int column, std::string_view wanted);

// The part of a transaction that is the same on both engines.
class BodyTransaction : public SchemaTransaction {
 public:
  // kDecide: any number of queries, each by itself.
  enum class Kind { kLookup, kDecide, kRead, kWrite };

  BodyTransaction(const Database* database, Kind kind) : database_(database), kind_(kind) {}

  Engine engine() const final { return database_->engine(); }
  absl::Status Conflict() final;
  void AfterCommit(std::function<void()> then) final;

  // Runs the body and returns its status, INTERNAL if it throws, or the error of a statement that it overlooked.
  absl::Status Run(absl::FunctionRef<absl::Status(SchemaTransaction&)> body);

  // Makes the transaction as new, for the next run.
  void Clear();

  void RunAfterCommit();

  // Whether the body asked for, or a statement ran into, a conflict: whatever the body returned, it is to be run again.
  bool conflict() const { return conflict_; }
  void set_conflict() { conflict_ = true; }

  // Whether the connection was lost under a statement.
  bool gone() const { return gone_; }

  // Whether a statement was run, so that there is something to commit or to undo.
  bool used() const { return used_; }

 protected:
  // To be called before every statement. Refuses a change outside a Write, a second statement in a Lookup, a call from
  // inside Query's callback, and anything after an error: the engine may have ended the transaction, and the statement
  // would be committed by itself.
  absl::Status Ready(bool changes);

  // Remembers why the transaction must be rolled back (not for a duplicate key), and returns the status for the body.
  absl::Status Fail(Failure failure, std::string_view detail);

  // Set while rows are handed over.
  bool in_query_ = false;

 private:
  const Database* const database_;
  const Kind kind_;
  bool used_ = false;
  bool conflict_ = false;
  bool gone_ = false;
  absl::Status failed_;
  std::vector<std::function<void()>> after_commit_;
};

// Counts the runs of one body and waits a short random while before the next, so that two that met do not meet again.
class Attempts {
 public:
  explicit Attempts(absl::Time until) : until_(until) {}

  // Whether the body may be run once more.
  bool Again();

 private:
  const absl::Time until_;
  int runs_ = 1;
  absl::Time end_ = absl::InfiniteFuture();
  absl::Duration longest_wait_ = absl::Microseconds(500);
};

// A parsed mysql URL.
struct MysqlAddress {
  struct Host {
    std::string name;
    int port = 3306;
  };
  // kRequired: encrypted, to whoever answers. kVerify: only to a server whose certificate is of `ca` and for the host's name.
  enum class Tls { kOff, kRequired, kVerify };

  std::string user, name;
  std::vector<Host> hosts;  // none with a socket
  std::string socket;
  Tls tls = Tls::kOff;
  std::string ca, certificate, key;  // files
};

// What is wrong with the URL, in a sentence for an operator.
absl::StatusOr<MysqlAddress> ParseMysqlUrl(std::string_view url);

// `url` with what stands between the user's name and the host, if anything, made unreadable.
std::string WithoutPassword(std::string_view url);

absl::Status UnusableUrl(std::string_view url, std::string_view why);

absl::StatusOr<std::unique_ptr<Database>> OpenSqlite(const std::string& path, const Options& options);
// Does not connect.
std::unique_ptr<Database> OpenMysql(const MysqlAddress& address, const std::string& password, const Options& options);

// The password in a file, without a trailing line end; empty for no file.
absl::StatusOr<std::string> ReadPassword(const std::string& file);

// Copies (see backup.h), engine by engine. SealSqlite makes of a file that was opened as a database one without a log beside it, and
// checks it.
absl::Status CopySqlite(const std::string& path, const std::string& file);
absl::Status SealSqlite(const std::string& file);
absl::Status CheckSqliteReplaceable(const std::string& path, bool replace);
absl::StatusOr<std::string> InstallSqlite(const std::string& path, const std::string& file, absl::Time now);
absl::Status DumpMysql(const MysqlAddress& address, const std::string& password, const std::string& file);
absl::Status LoadMysql(const MysqlAddress& address, const std::string& password, const std::string& file);

}  // namespace section55::db::internal
