// The engine SQLite: readers beside one writer, whose commits are shared by the callers that come together.
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "libs/base/status.h"
#include "libs/db/combiner.h"
#include "libs/db/internal.h"
#include "libs/db/pool.h"

namespace section55::db::internal {
namespace {

// The one place that knows SQLite's codes (extended result codes).
Failure Classify(int code) {
  switch (code) {
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_ROWID:
      return Failure::kDuplicate;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
    case SQLITE_CONSTRAINT_TRIGGER:  // ON DELETE RESTRICT
      return Failure::kReference;
  }
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Failure::kConflict;
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
      return Failure::kValue;
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_PROTOCOL:
    case SQLITE_NOMEM:
      return Failure::kUnavailable;
    case SQLITE_INTERRUPT:  // a reader, by its own progress handler
      return Failure::kDeadline;
  }
  return Failure::kInternal;
}

// More statements than any service has; only SQL that is put together at run time could pass it.
constexpr size_t kMostStatements = 256;

// A connection and its prepared statements. Used by one thread at a time.
class Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& path) {
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle,
                                     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
    std::unique_ptr<Connection> connection(new Connection(handle));
    if (code != SQLITE_OK) {
      return ToStatus(Failure::kUnavailable, handle != nullptr ? sqlite3_errmsg(handle) : sqlite3_errstr(code));
    }
    sqlite3_extended_result_codes(handle, 1);
    sqlite3_busy_timeout(handle, 5000);
    // synchronous=FULL: a commit is on the disk when it returns.
    // temp_store=MEMORY: a savepoint's undo log needs no file.
    // wal_autocheckpoint: in pages. What changes often is carried over into the file once for many changes; at 16 MiB a
    // reader still finds its pages by one table of hashes.
    if (sqlite3_exec(
            handle,
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
            "PRAGMA cache_size=-8192; PRAGMA wal_autocheckpoint=4000; PRAGMA journal_size_limit=67108864",
            nullptr, nullptr, nullptr) != SQLITE_OK) {
      return ToStatus(Failure::kUnavailable, sqlite3_errmsg(handle));
    }
    std::string mode;
    sqlite3_stmt* statement = connection->Prepare("PRAGMA journal_mode");
    if (statement != nullptr && sqlite3_step(statement) == SQLITE_ROW) {
      mode = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0));
    }
    sqlite3_reset(statement);
    if (mode != "wal") {
      return ToStatus(Failure::kUnavailable, "its file system has no shared memory; put the file on a local disk");
    }
    return connection;
  }

  ~Connection() {
    statements_.clear();
    sqlite3_close(handle_);
  }

  // From here on a statement ends when it is `until`. (Not for the writer: an interrupted change would undo those of all
  // that share its transaction.)
  void SetDeadline(absl::Time until) {
    if (until_ == absl::InfiniteFuture() && until != until_) {
      constexpr int kSteps = 10'000;  // well under a millisecond
      sqlite3_progress_handler(
          handle_, kSteps, [](void* self) { return IsOver(static_cast<Connection*>(self)->until_) ? 1 : 0; }, this);
    } else if (until == absl::InfiniteFuture() && until != until_) {
      sqlite3_progress_handler(handle_, 0, nullptr, nullptr);
    }
    until_ = until;
  }

  // The prepared statement for `sql`, or nullptr when it is no good: code() says why, SQLITE_OK if it is not exactly
  // one statement.
  sqlite3_stmt* Prepare(std::string_view sql) {
    if (const auto found = statements_.find(absl::string_view(sql.data(), sql.size())); found != statements_.end()) {
      return found->second.get();
    }
    sqlite3_stmt* statement = nullptr;
    const char* tail = nullptr;
    sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement, &tail);
    if (statement == nullptr) {
      return nullptr;
    }
    if (sql.find_first_not_of(" \n", tail - sql.data()) != sql.npos) {
      sqlite3_finalize(statement);
      return nullptr;
    }
    if (statements_.size() >= kMostStatements) {
      statements_.clear();
    }
    statements_.emplace(std::string(sql), statement);
    return statement;
  }

  // Runs a statement that has neither values nor rows.
  int Run(std::string_view sql) {
    sqlite3_stmt* statement = Prepare(sql);
    if (statement == nullptr) {
      return code();
    }
    sqlite3_step(statement);
    return sqlite3_reset(statement);
  }

  int RunScript(std::string_view sql) {
    return sqlite3_exec(handle_, std::string(sql).c_str(), nullptr, nullptr, nullptr);
  }

  // Whether a transaction is open. SQLite itself ends it after some errors (disk full, I/O, out of memory).
  bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
  int64_t changes() const { return sqlite3_changes64(handle_); }
  int code() const { return sqlite3_extended_errcode(handle_); }
  const char* error() const { return sqlite3_errmsg(handle_); }

  void EndTransaction() {
    if (in_transaction()) {
      Run("ROLLBACK");
    }
  }

 private:
  struct Finalise {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };

  explicit Connection(sqlite3* handle) : handle_(handle) {}

  sqlite3* const handle_;
  absl::Time until_ = absl::InfiniteFuture();
  absl::flat_hash_map<std::string, std::unique_ptr<sqlite3_stmt, Finalise>> statements_;
};

class SqliteRow final : public Row {
 public:
  explicit SqliteRow(sqlite3_stmt* statement) : statement_(statement) {}

  bool IsNull(int column) const override { return sqlite3_column_type(statement_, column) == SQLITE_NULL; }

  int64_t Int64(int column) const override {
    switch (sqlite3_column_type(statement_, column)) {
      case SQLITE_INTEGER:
        return sqlite3_column_int64(statement_, column);
      case SQLITE_NULL:
        return 0;
    }
    WrongColumnType(column, "a whole number");
  }

  std::string_view Text(int column) const override {
    switch (sqlite3_column_type(statement_, column)) {
      case SQLITE_TEXT:
      case SQLITE_BLOB: {
        // In this order: asking for the bytes first might convert them.
        const char* data = static_cast<const char*>(sqlite3_column_blob(statement_, column));
        return {data, static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
      }
      case SQLITE_NULL:
        return {};
    }
    WrongColumnType(column, "text or bytes");
  }

 private:
  sqlite3_stmt* const statement_;
};

class SqliteTransaction final : public BodyTransaction {
 public:
  SqliteTransaction(const Database* database, Connection* connection, Kind kind)
      : BodyTransaction(database, kind), connection_(*connection) {}

  absl::StatusOr<int64_t> Execute(std::string_view sql, absl::Span<const Value> values) override {
    RETURN_IF_ERROR(Ready(true));
    sqlite3_stmt* statement = nullptr;
    RETURN_IF_ERROR(Bind(sql, values, statement));
    if (sqlite3_stmt_readonly(statement) != 0) {
      return Fail(Failure::kInternal, "Execute is for INSERT, UPDATE and DELETE");
    }
    while (sqlite3_step(statement) == SQLITE_ROW) {
    }
    if (const int code = sqlite3_reset(statement); code != SQLITE_OK) {
      return Fail(Classify(code), connection_.error());
    }
    return connection_.changes();
  }

  absl::Status Query(std::string_view sql, absl::Span<const Value> values,
                     absl::FunctionRef<void(const Row&)> each) override {
    RETURN_IF_ERROR(Ready(false));
    sqlite3_stmt* statement = nullptr;
    RETURN_IF_ERROR(Bind(sql, values, statement));
    // Reset even when `each` throws: a statement left open would keep its transaction from ending.
    const std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_reset)> reset(statement, &sqlite3_reset);
    in_query_ = true;
    int code = SQLITE_OK;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
      each(SqliteRow(statement));
    }
    in_query_ = false;
    return code == SQLITE_DONE ? absl::OkStatus() : Fail(Classify(code), connection_.error());
  }

  // One writer: nobody else holds a row.
  absl::Status QueryAndLock(std::string_view sql, absl::Span<const Value> values,
                            absl::FunctionRef<void(const Row&)> each) override {
    RETURN_IF_ERROR(Ready(true));
    return Query(sql, values, each);
  }

  absl::Status ExecuteScript(std::string_view sql) override {
    RETURN_IF_ERROR(Ready(true));
    const int code = connection_.RunScript(sql);
    return code == SQLITE_OK ? absl::OkStatus() : ToStatus(Classify(code), connection_.error());
  }

 private:
  // Borrows the values until the statement is reset, which is before its caller returns.
  absl::Status Bind(std::string_view sql, absl::Span<const Value> values, sqlite3_stmt*& statement) {
    statement = connection_.Prepare(sql);
    if (statement == nullptr) {
      const int code = connection_.code();
      return Fail(Classify(code), code == SQLITE_OK ? "exactly one statement is wanted" : connection_.error());
    }
    if (static_cast<size_t>(sqlite3_bind_parameter_count(statement)) != values.size()) {
      return Fail(Failure::kInternal, fmt::format("{} values for the statement: {}", values.size(), sql));
    }
    int index = 0;
    for (const Value& value : values) {
      if (const int code = std::visit(Binder{statement, ++index}, value.get()); code != SQLITE_OK) {
        return Fail(Classify(code), connection_.error());
      }
    }
    return absl::OkStatus();
  }

  // An empty view may have no address, which SQLite would take for NULL.
  struct Binder {
    int operator()(std::nullptr_t) const { return sqlite3_bind_null(statement, index); }
    int operator()(int64_t number) const { return sqlite3_bind_int64(statement, index, number); }
    int operator()(std::string_view text) const {
      return sqlite3_bind_text64(statement, index, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC,
                                 SQLITE_UTF8);
    }
    int operator()(Bytes bytes) const {
      return sqlite3_bind_blob64(statement, index, bytes.data.empty() ? "" : bytes.data.data(), bytes.data.size(),
                                 SQLITE_STATIC);
    }
    sqlite3_stmt* statement;
    int index;
  };

  Connection& connection_;
};

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(std::unique_ptr<Connection> writer, const std::string& path, int readers)
      : writer_(std::move(writer)),
        readers_(readers, [path](absl::Time) { return Connection::Open(path); }),
        writers_([this](absl::Span<Member* const> batch) { Commit(batch); }) {}

  absl::Status Lookup(Body body, absl::Time until) override {
    RETURN_IF_ERROR(RefuseNested(this));
    ASSIGN_OR_RETURN(const auto connection, Reader(until));
    return SqliteTransaction(this, &*connection, SqliteTransaction::Kind::kLookup).Run(body);
  }

  absl::Status Read(Body body, absl::Time until) override {
    RETURN_IF_ERROR(RefuseNested(this));
    ASSIGN_OR_RETURN(auto connection, Reader(until));
    if (const int code = connection->Run("BEGIN"); code != SQLITE_OK) {
      return ToStatus(Classify(code), connection->error());
    }
    SqliteTransaction transaction(this, &*connection, SqliteTransaction::Kind::kRead);
    absl::Status status = transaction.Run(body);
    connection->SetDeadline(absl::InfiniteFuture());
    connection->Run("COMMIT");
    if (connection->in_transaction()) {
      connection.Drop();
    }
    return status;
  }

  absl::Status Write(Body body, absl::Time until) override { return RunMember(body.decide(), body.apply(), until); }

  absl::Status WriteSchema(SchemaBody body) override { return RunMember(std::nullopt, body, absl::InfiniteFuture()); }

  Engine engine() const override { return Engine::kSqlite; }

  std::vector<PoolUse> Pools() const override { return {readers_.Use("readers")}; }

 private:
  // One caller of Write. A status tells what came of its body only once the batch is committed.
  struct Member {
    SchemaBody body;
    absl::Time until;
    SqliteTransaction transaction;
    absl::Status status;
  };

  absl::StatusOr<Pool<Connection>::Lease> Reader(absl::Time until) {
    ASSIGN_OR_RETURN(auto connection, readers_.Acquire(until));
    connection->SetDeadline(until);
    return connection;
  }

  absl::Status RunMember(const std::optional<Body::Decide>& decide, SchemaBody body, absl::Time until) {
    RETURN_IF_ERROR(RefuseNested(this));
    Attempts attempts(until);
    Member member{body, until, SqliteTransaction(this, writer_.get(), SqliteTransaction::Kind::kWrite), {}};
    do {
      if (decide) {
        bool done = false, conflict = false;
        member.status = Decide(*decide, until, done, conflict);
        if (conflict) {
          continue;
        }
        if (!member.status.ok() || done) {
          break;
        }
      }
      writers_.Submit(member);
      if (!member.transaction.conflict()) {
        if (member.status.ok()) {
          member.transaction.RunAfterCommit();
        }
        break;
      }
    } while (attempts.Again());
    return std::move(member.status);
  }

  absl::Status Decide(const Body::Decide& decide, absl::Time until, bool& done, bool& conflict) {
    ASSIGN_OR_RETURN(const auto connection, Reader(until));
    SqliteTransaction transaction(this, &*connection, SqliteTransaction::Kind::kDecide);
    absl::Status status = transaction.Run([&](Transaction& tx) { return decide(tx, done); });
    conflict = transaction.conflict();
    return status;
  }

  // Runs every body in a savepoint of its own and commits them together. A member whose body fails is undone alone, yet
  // is answered with the others: what made it fail may be a row of theirs, which is not there if the commit fails.
  void Commit(absl::Span<Member* const> batch) {
    std::vector<Member*>& members = batch_;
    members.assign(batch.begin(), batch.end());
    while (!members.empty()) {
      // A process that holds the lock for longer than busy_timeout is no conflict that goes by soon.
      if (writer_->Run("BEGIN IMMEDIATE") != SQLITE_OK) {
        return FailAll(members, ToStatus(Failure::kUnavailable, writer_->error()), false);
      }
      const auto culprit = std::find_if(members.begin(), members.end(), [this](Member* member) {
        member->status = RunInSavepoint(*member);
        return !writer_->in_transaction();
      });
      if (culprit != members.end()) {
        // Its error made SQLite undo the whole transaction: it is answered, the others are run again without it.
        members.erase(culprit);
        continue;
      }
      if (const int code = writer_->Run("COMMIT"); code != SQLITE_OK) {
        const bool busy = Classify(code) == Failure::kConflict;
        const absl::Status status = ToStatus(busy ? Failure::kConflict : Failure::kUnavailable, writer_->error());
        writer_->EndTransaction();
        FailAll(members, status, busy);
      }
      return;
    }
  }

  absl::Status RunInSavepoint(Member& member) {
    member.transaction.Clear();
    if (IsOver(member.until)) {
      return ToStatus(Failure::kDeadline, "others were being written until then");
    }
    if (writer_->Run("SAVEPOINT member") != SQLITE_OK) {
      absl::Status status = ToStatus(Failure::kUnavailable, writer_->error());
      writer_->EndTransaction();
      return status;
    }
    absl::Status status = member.transaction.Run(member.body);
    if (!writer_->in_transaction()) {
      return status.ok() ? ToStatus(Failure::kInternal, "a body ended the transaction that it was run in") : status;
    }
    if ((!status.ok() && writer_->Run("ROLLBACK TO member") != SQLITE_OK) ||
        writer_->Run("RELEASE member") != SQLITE_OK) {
      status = ToStatus(Failure::kUnavailable, writer_->error());
      writer_->EndTransaction();
    }
    return status;
  }

  static void FailAll(absl::Span<Member* const> members, const absl::Status& status, bool conflict) {
    for (Member* member : members) {
      member->transaction.Clear();
      member->status = status;
      if (conflict) {
        member->transaction.set_conflict();
      }
    }
  }

  // The writer and the batch belong to whoever leads.
  const std::unique_ptr<Connection> writer_;
  std::vector<Member*> batch_;
  Pool<Connection> readers_;
  Combiner<Member> writers_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> OpenSqlite(const std::string& path, const Options& options) {
  // SQLite counts its memory under one lock for all threads; nobody asks for the count. Refused once SQLite is in use.
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });

  absl::StatusOr<std::unique_ptr<Connection>> writer = Connection::Open(path);
  if (!writer.ok()) {
    const auto folder = std::filesystem::path(path).parent_path();
    std::error_code ignored;
    const bool missing = !folder.empty() && !std::filesystem::is_directory(folder, ignored);
    return base::Error(
        absl::StatusCode::kUnavailable, "DATABASE_UNAVAILABLE",
        missing ? fmt::format("sqlite:{} cannot be opened: create its folder {}, which does not exist", path,
                              folder.string())
                : fmt::format(
                      "sqlite:{} cannot be opened: check that the file is an SQLite database on a local disk and that "
                      "this user may write to it and its folder ({})",
                      path, base::DetailOf(writer.status())));
  }
  return std::make_unique<SqliteDatabase>(*std::move(writer), path, options.connections);
}

}  // namespace section55::db::internal
