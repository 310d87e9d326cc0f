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
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

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

enum class Engine { kSqlite, kMysql };

// What a body of Lookup, Read or Write works with. Not thread-safe: used by that body only.
class Transaction {
 public:
  virtual ~Transaction() = default;

  // For what the two engines do not share, as full-text search (libs/search).
  virtual Engine engine() const = 0;

  // Runs an INSERT, UPDATE or DELETE and returns how many rows it matched (on both engines: matched, not changed, so
  // that a compare-and-set by row count is sound). ALREADY_EXISTS: a primary key or unique index refused the row; the
  // transaction can go on. Any other error leaves the transaction to be rolled back: return it. (One that is overlooked
  // is returned by every later statement and by Write itself.) The same on both engines: INTERNAL (VALUE_REFUSED) for a
  // value too long, out of range, missing or refused by a CHECK, which a service should have refused before;
  // FAILED_PRECONDITION (REFERENCE_REFUSED) for a foreign key. `values`: written in braces, or a vector where their
  // number is known only at run time. Only in a Write.
  virtual absl::StatusOr<int64_t> Execute(std::string_view sql, absl::Span<const Value> values = {}) = 0;

  // Runs a SELECT and hands over each row in turn. `each` must not call back into the transaction.
  virtual absl::Status Query(std::string_view sql, absl::Span<const Value> values,
                             absl::FunctionRef<void(const Row&)> each) = 0;

  // Query for rows that this transaction is about to change: nobody else gets them until it ends. Rows that another
  // transaction holds are passed over, not waited for. `sql` ends where "FOR UPDATE" could follow. Only in a Write.
  virtual absl::Status QueryAndLock(std::string_view sql, absl::Span<const Value> values,
                                    absl::FunctionRef<void(const Row&)> each) = 0;

  // Says that another transaction won a compare-and-set: Write rolls back and runs the body again on fresh data (Change:
  // decides again). To be returned from the body.
  virtual absl::Status Conflict() = 0;

  // `then` runs once, after this transaction is durable, on the thread that called Write; never if it is rolled back.
  // For notifications only: it must not fail and not take long. Means nothing in a Read.
  virtual void AfterCommit(std::function<void()> then) = 0;
};

// What a transaction runs: a function, or the two of Change. Borrows them, as absl::FunctionRef does: it lives no longer
// than the call it is passed to.
class Body {
 public:
  using Decide = absl::FunctionRef<absl::Status(Transaction&, bool& done)>;
  using Apply = absl::FunctionRef<absl::Status(Transaction&)>;

  template <typename Run>
  requires(!std::is_same_v<std::remove_cvref_t<Run>, Body> &&
           std::is_invocable_r_v<absl::Status, const std::remove_cvref_t<Run>&, Transaction&>) Body(const Run& run)
      : apply_(run) {}  // NOLINT: bodies are written in place
  Body(Decide decide, Apply apply) : decide_(decide), apply_(apply) {}

  // Runs all of it in this one transaction, which is right for every body; the engines run `decide` outside it.
  absl::Status operator()(Transaction& tx) const {
    if (decide_) {
      bool done = false;
      if (absl::Status status = (*decide_)(tx, done); !status.ok() || done) {
        return status;
      }
    }
    return apply_(tx);
  }

  const std::optional<Decide>& decide() const { return decide_; }
  const Apply& apply() const { return apply_; }

 private:
  std::optional<Decide> decide_;
  Apply apply_;
};

// For migrate.cc only: a transaction that may change the schema.
class SchemaTransaction : public Transaction {
 public:
  // Runs DDL as it stands: on SQLite any number of statements, on MySQL one, which commits by itself. A script of
  // nothing but comments is OK. After an error the body decides whether to go on.
  virtual absl::Status ExecuteScript(std::string_view sql) = 0;
};

using SchemaBody = absl::FunctionRef<absl::Status(SchemaTransaction&)>;

// Thread-safe.
class Database {
 public:
  virtual ~Database() = default;

  // `until` in all of these is the caller's deadline. Waiting for a connection ends by then, and so does a statement:
  // exactly on SQLite's readers; on MySQL, whose server is told, within twice the time that was left (a server that does
  // not answer at all is given up after Options::longest_silence). DEADLINE_EXCEEDED: nothing was changed.

  // Runs `body` once, on one consistent snapshot; it sees everything whose Write has returned. Its status is returned
  // as it is. UNAVAILABLE, reason DATABASE_UNAVAILABLE: the database cannot be reached, or no connection came free.
  virtual absl::Status Read(Body body, absl::Time until = absl::InfiniteFuture()) = 0;

  // Read for a body with a single Query, which is a snapshot of its own: it is spared the beginning and the end of a
  // transaction. A second Query fails with INTERNAL. On MySQL the body may run twice, when its connection was lost.
  virtual absl::Status Lookup(Body body, absl::Time until = absl::InfiniteFuture()) = 0;

  // Runs `body` in a transaction and returns OK only when it is durable. The body's own error rolls it back and is
  // returned as it is. A conflict (Conflict(), deadlock, lock wait, failed certification) runs the body again, here and
  // nowhere else, up to a bounded number of times, then ABORTED (reason CONFLICT). So a body may run several times: it
  // touches nothing but its transaction and variables it sets afresh. On SQLite another caller's thread may run it, as
  // callers that come together share one commit: it must not wait for anything that a caller of Write may hold, nor
  // rely on thread-local state; a caller waits for the others' commit even past its deadline, but a body whose turn comes
  // after it is not run. INTERNAL: the body threw, or it called Lookup, Read or Write of this same database.
  // UNAVAILABLE, reason DATABASE_UNAVAILABLE: the database cannot be reached; nothing was changed. On SQLite also, that its
  // file was deleted or replaced: nothing is written any more until it is back.
  // UNAVAILABLE, reason COMMIT_OUTCOME_UNKNOWN: the connection was lost while committing (SQLite: the file was taken away);
  // repeat with the same request_id.
  virtual absl::Status Write(Body body, absl::Time until = absl::InfiniteFuture()) = 0;

  // A change that is decided before it is written, so that readers, rules and other writers go on beside it. `decide`
  // reads (each query a snapshot of its own, so what belongs together is read by one, or compared when it is written; no
  // changes, no AfterCommit) and works everything out, on the caller's thread. `apply` then runs as in Write and only
  // writes: it compares what it was decided on by version (as ProtoTable::Update does) and conflicts when somebody was
  // faster, which runs both again, within the bounds of Write. An error of `decide` is returned as it is, and nothing is
  // written; so is OK with `done` set, for what needs no change. To whoever overrides Write, it is a Write.
  absl::Status Change(Body::Decide decide, Body::Apply apply, absl::Time until = absl::InfiniteFuture()) {
    return Write(Body(decide, apply), until);
  }

  // OK when the database answers: reads one row at most. For health checks. SQLite: also, that its file is still the one
  // that was opened.
  virtual absl::Status Ping(absl::Time until);

  // Ping, and on SQLite a reading of the file's structure for as long as there is time: UNAVAILABLE (DATABASE_UNAVAILABLE) when it
  // is damaged, OK when the time was too short to find out. A statement that meets damage tells as well: from then on Ping does this,
  // until the damage is gone. MySQL looks after its files by itself.
  virtual absl::Status Verify(absl::Time until) { return Ping(until); }

  // For migrate.cc only. Runs `body` while no other process does the same on this database. SQLite: a Write, all or
  // nothing. MySQL, where every DDL statement commits by itself: each statement is durable on its own, and the body
  // runs once.
  virtual absl::Status WriteSchema(SchemaBody body) = 0;

  virtual Engine engine() const = 0;

  // What the clock of the database's machine says, when that is another machine than this one and answers; nothing otherwise.
  virtual std::optional<absl::Time> MachineTime(absl::Time until) { return std::nullopt; }

  // How the connections are used at this moment.
  struct PoolUse {
    std::string_view pool;  // "readers", "writers"
    int in_use = 0;
    int most = 0;
    int waiting = 0;  // callers who wait for one
  };
  virtual std::vector<PoolUse> Pools() const { return {}; }
};

// What went wrong in this process since it started, whatever was made of it. Thread-safe.
struct ErrorCount {
  std::string_view kind;  // "unavailable", "deadline", "conflict", "outcome_unknown", "refused", "internal"
  int64_t count = 0;
};
std::vector<ErrorCount> CountErrors();

struct Options {
  // "sqlite:PATH", or
  // "mysql://USER@HOST[:PORT][,HOST[:PORT]].../NAME[?OPTION=VALUE[&OPTION=VALUE]...]" (see README.md); the
  // password is read from `password_file`.
  std::string url;
  // The file holding the password of a mysql URL, without a trailing line end. Empty: no password.
  std::string password_file;
  // Connections held for reading and, on MySQL, as many again for writing. At least 1.
  int connections = 8;
  // MySQL: how long the server may be silent while a statement runs before the connection is given up as lost; whole
  // seconds. A migration waits for as long as it takes.
  absl::Duration longest_silence = absl::Seconds(30);
  // SQLite: makes the file when there is none; its folder must exist. Only for who means to begin a new database (owner.h).
  bool create = false;
};

// Opens the database. The error is one sentence that tells an operator what to do: INVALID_ARGUMENT for an unusable
// URL, NOT_FOUND (DATABASE_MISSING) when there is no such SQLite file, UNAVAILABLE when it cannot be opened or written. A
// MySQL server need not be there yet: it is connected to when it is first needed, and calls are UNAVAILABLE until it is there.
absl::StatusOr<std::unique_ptr<Database>> Open(const Options& options);

}  // namespace section55::db
