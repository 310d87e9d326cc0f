// One database, two engines: SQLite (embedded default) and MySQL or MariaDB through MySQL Connector/C++.
//
//   absl::Status status = database.Write([&](db::Transaction& tx) -> absl::Status {
//     ASSIGN_OR_RETURN(int64_t changed, tx.Execute("UPDATE responses SET version = ? WHERE body = ? AND version = ?",
//                                                  {version + 1, body, version}));
//     if (changed == 0) return tx.Conflict();
//     return absl::OkStatus();
//   });
//
// SQL is portable DML with `?` for every value, written once for both engines; only DDL comes in pairs (migrate.h).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

namespace section55::db {

// A run of bytes that is not text: may hold NUL. Borrowed, like every text of a Value.
struct Bytes {
  std::string_view data;
};

// A value for a `?`. Borrows text and bytes: it lives no longer than the call it is passed to.
class Value {
 public:
  Value(std::nullptr_t) : value_(nullptr) {}                          // NOLINT: values are written in place
  Value(int64_t number) : value_(number) {}                           // NOLINT
  Value(int number) : value_(int64_t{number}) {}                      // NOLINT
  Value(bool flag) : value_(int64_t{flag ? 1 : 0}) {}                 // NOLINT
  Value(std::string_view text) : value_(text) {}                      // NOLINT
  Value(const std::string& text) : value_(std::string_view(text)) {}  // NOLINT
  Value(const char* text) : value_(std::string_view(text)) {}         // NOLINT
  Value(Bytes bytes) : value_(bytes) {}                               // NOLINT

  const std::variant<std::nullptr_t, int64_t, std::string_view, Bytes>& get() const { return value_; }

 private:
  std::variant<std::nullptr_t, int64_t, std::string_view, Bytes> value_;
};

// One row of a result, valid only inside the callback that receives it. Columns count from 0, in the order of the
// SELECT. Reading a column as another type than it has is a programming error and aborts.
class Row {
 public:
  virtual ~Row() = default;
  virtual bool IsNull(int column) const = 0;
  // 0 for NULL.
  virtual int64_t Int64(int column) const = 0;
  // Text or bytes; empty for NULL. Valid as long as the row is.
  virtual std::string_view Text(int column) const = 0;
};

// What a body of Lookup, Read or Write works with. Not thread-safe: used by that body only.
class Transaction {
 public:
  virtual ~Transaction() = default;

  // Runs an INSERT, UPDATE or DELETE and returns how many rows it matched (on both engines: matched, not changed, so
  // that a compare-and-set by row count is sound). ALREADY_EXISTS: a primary key or unique index refused the row; the
  // transaction can go on. Any other error leaves the transaction to be rolled back: return it. (One that is overlooked
  // is returned by every later statement and by Write itself.) The same on both engines: INVALID_ARGUMENT
  // (VALUE_REFUSED) for a value too long, out of range, missing or refused by a CHECK; FAILED_PRECONDITION
  // (REFERENCE_REFUSED) for a foreign key. `values`: written in braces, or a vector where their number is known only at
  // run time. Only in a Write.
  virtual absl::StatusOr<int64_t> Execute(std::string_view sql, absl::Span<const Value> values = {}) = 0;

  // Runs a SELECT and hands over each row in turn. `each` must not call back into the transaction.
  virtual absl::Status Query(std::string_view sql, absl::Span<const Value> values,
                             absl::FunctionRef<void(const Row&)> each) = 0;

  // Says that another transaction won a compare-and-set: Write rolls back and runs the body again on fresh data.
  // To be returned from the body.
  virtual absl::Status Conflict() = 0;

  // `then` runs once, after this transaction is durable, on the thread that called Write; never if it is rolled back.
  // For notifications only: it must not fail and not take long. Means nothing in a Read.
  virtual void AfterCommit(std::function<void()> then) = 0;
};

using Body = absl::FunctionRef<absl::Status(Transaction&)>;

// For migrate.cc only: a transaction that may change the schema.
class SchemaTransaction : public Transaction {
 public:
  // Runs DDL as it stands: on SQLite any number of statements, on MySQL one, which commits by itself. A script of
  // nothing but comments is OK. After an error the body decides whether to go on.
  virtual absl::Status ExecuteScript(std::string_view sql) = 0;
};

using SchemaBody = absl::FunctionRef<absl::Status(SchemaTransaction&)>;

enum class Engine { kSqlite, kMysql };

// Thread-safe.
class Database {
 public:
  virtual ~Database() = default;

  // Runs `body` once, on one consistent snapshot; it sees everything whose Write has returned. Its status is returned
  // as it is. UNAVAILABLE, reason DATABASE_UNAVAILABLE: the database cannot be reached, or no connection came free.
  virtual absl::Status Read(Body body) = 0;

  // Read for a body with a single Query, which is a snapshot of its own: it is spared the beginning and the end of a
  // transaction. A second Query fails with INTERNAL. On MySQL the body may run twice, when its connection was lost.
  virtual absl::Status Lookup(Body body) = 0;

  // Runs `body` in a transaction and returns OK only when it is durable. The body's own error rolls it back and is
  // returned as it is. A conflict (Conflict(), deadlock, lock wait, failed certification) runs the body again, here and
  // nowhere else, up to a bounded number of times, then ABORTED (reason CONFLICT). So a body may run several times: it
  // touches nothing but its transaction and variables it sets afresh. On SQLite another caller's thread may run it, as
  // callers that come together share one commit: it must not wait for anything that a caller of Write may hold, nor
  // rely on thread-local state. INTERNAL: the body threw, or it called Lookup, Read or Write of this same database.
  // UNAVAILABLE, reason DATABASE_UNAVAILABLE: the database cannot be reached; nothing was changed.
  // UNAVAILABLE, reason COMMIT_OUTCOME_UNKNOWN: the connection was lost while committing; repeat with the same
  // request_id.
  virtual absl::Status Write(Body body) = 0;

  // For migrate.cc only. Runs `body` while no other process does the same on this database. SQLite: a Write, all or
  // nothing. MySQL, where every DDL statement commits by itself: each statement is durable on its own, and the body
  // runs once.
  virtual absl::Status WriteSchema(SchemaBody body) = 0;

  virtual Engine engine() const = 0;
};

struct Options {
  // "sqlite:PATH" (created if missing; its folder must exist), or
  // "mysql://USER@HOST[:PORT]/NAME" or "mysql://USER@/NAME?socket=PATH"; the password is read from `password_file`.
  std::string url;
  // The file holding the password of a mysql URL, without a trailing line end. Empty: no password.
  std::string password_file;
  // Connections held for reading (SQLite), or in all (MySQL). At least 1.
  int connections = 8;
  // MySQL: how long the server may be silent while a statement runs before the connection is given up as lost; whole
  // seconds. A migration waits for as long as it takes.
  absl::Duration longest_silence = absl::Seconds(30);
};

// Opens the database. The error is one sentence that tells an operator what to do: INVALID_ARGUMENT for an unusable
// URL, UNAVAILABLE when the database cannot be reached or opened.
absl::StatusOr<std::unique_ptr<Database>> Open(const Options& options);

}  // namespace section55::db
