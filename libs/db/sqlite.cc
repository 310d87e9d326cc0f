// The engine SQLite: readers beside one writer, whose commits are shared by the callers that come together.
#include <fmt/format.h>
#include <sqlite3.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/db/combiner.h"
#include "libs/db/internal.h"
#include "libs/db/pool.h"
#include "libs/db/sqlite_connection.h"

namespace section55::db::internal {
namespace {

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
  // Sets `damaged` when a statement meets damage.
  SqliteTransaction(const Database* database, SqliteConnection* connection, Kind kind, std::atomic<bool>& damaged)
      : BodyTransaction(database, kind), connection_(*connection), damaged_(damaged) {}

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
      return FailWith(code);
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
    return code == SQLITE_DONE ? absl::OkStatus() : FailWith(code);
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
    return code == SQLITE_OK ? absl::OkStatus() : ToStatus(ClassifySqlite(code), connection_.error());
  }

 private:
  // Borrows the values until the statement is reset, which is before its caller returns.
  absl::Status Bind(std::string_view sql, absl::Span<const Value> values, sqlite3_stmt*& statement) {
    statement = connection_.Prepare(sql);
    if (statement == nullptr) {
      const int code = connection_.code();
      return code == SQLITE_OK ? Fail(Failure::kInternal, "exactly one statement is wanted") : FailWith(code);
    }
    if (static_cast<size_t>(sqlite3_bind_parameter_count(statement)) != values.size()) {
      return Fail(Failure::kInternal, fmt::format("{} values for the statement: {}", values.size(), sql));
    }
    int index = 0;
    for (const Value& value : values) {
      if (const int code = std::visit(Binder{statement, ++index}, value.get()); code != SQLITE_OK) {
        return FailWith(code);
      }
    }
    return absl::OkStatus();
  }

  absl::Status FailWith(int code) {
    if (IsDamage(code)) {
      damaged_ = true;
    }
    return Fail(ClassifySqlite(code), connection_.error());
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

  SqliteConnection& connection_;
  std::atomic<bool>& damaged_;
};

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(std::unique_ptr<SqliteConnection> writer, const std::string& path, const SqliteFiles& files,
                 int readers)
      : path_(path),
        files_(files),
        writer_(std::move(writer)),
        readers_(readers, [this](absl::Time) { return OpenReader(); }),
        writers_([this](absl::Span<Member* const> batch) { Commit(batch); }) {}

  absl::Status Ping(absl::Time until) override {
    if (!files_.AreThere()) {
      return ToStatus(Failure::kUnavailable, Taken());
    }
    return damaged_ ? Verify(until) : Database::Ping(until);
  }

  absl::Status Verify(absl::Time until) override {
    // One of its own, which has no page in memory yet.
    const absl::StatusOr<std::unique_ptr<SqliteConnection>> opened = OpenReader();
    if (!opened.ok()) {
      return damaged_ ? ToStatus(Failure::kUnavailable, Damaged(base::DetailOf(opened.status()))) : opened.status();
    }
    const std::unique_ptr<SqliteConnection>& connection = *opened;
    connection->SetDeadline(until);
    std::string found;
    const int code = connection->QuickCheck(found);
    if (ClassifySqlite(code) == Failure::kDeadline) {
      // What a statement has met stays true until it is known to be gone.
      return damaged_ ? ToStatus(Failure::kUnavailable, Damaged("")) : absl::OkStatus();
    }
    if (IsDamage(code) || (code == SQLITE_OK && found != "ok")) {
      damaged_ = true;
      return ToStatus(Failure::kUnavailable, Damaged(found));
    }
    if (code == SQLITE_OK && damaged_.exchange(false)) {
      // What was read while it was damaged must not be taken from memory.
      readers_.DropAll();
      forget_pages_ = true;
    }
    return code == SQLITE_OK ? absl::OkStatus() : ToStatus(ClassifySqlite(code), connection->error());
  }

  absl::Status Lookup(Body body, absl::Time until) override {
    RETURN_IF_ERROR(RefuseNested(this));
    ASSIGN_OR_RETURN(const auto connection, Reader(until));
    return SqliteTransaction(this, &*connection, SqliteTransaction::Kind::kLookup, damaged_).Run(body);
  }

  absl::Status Read(Body body, absl::Time until) override {
    RETURN_IF_ERROR(RefuseNested(this));
    ASSIGN_OR_RETURN(auto connection, Reader(until));
    if (const int code = connection->Run("BEGIN"); code != SQLITE_OK) {
      return ToStatus(ClassifySqlite(code), connection->error());
    }
    SqliteTransaction transaction(this, &*connection, SqliteTransaction::Kind::kRead, damaged_);
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

  // For the log: what has happened to the file and what to do.
  std::string Taken() const {
    return fmt::format(
        "the file {} or its log {}-wal was deleted or replaced under this service: put back what was there, or stop "
        "the "
        "service, restore a backup and start it again",
        path_, path_);
  }

  std::string Damaged(std::string_view found) const {
    return fmt::format("the file {} is damaged{}{}: stop the service, restore a backup and start it again", path_,
                       found.empty() ? "" : ": ", found);
  }

  // Never makes a file, nor reads another one than the writer writes.
  absl::StatusOr<std::unique_ptr<SqliteConnection>> OpenReader() const {
    if (!files_.AreThere()) {
      return ToStatus(Failure::kUnavailable, Taken());
    }
    auto connection = SqliteConnection::Open(path_, /*create=*/false);
    if (connection.ok() && !files_.AreThere()) {
      return ToStatus(Failure::kUnavailable, Taken());
    }
    return connection;
  }

  absl::StatusOr<Pool<SqliteConnection>::Lease> Reader(absl::Time until) {
    ASSIGN_OR_RETURN(auto connection, readers_.Acquire(until));
    connection->SetDeadline(until);
    return connection;
  }

  absl::Status RunMember(const std::optional<Body::Decide>& decide, SchemaBody body, absl::Time until) {
    RETURN_IF_ERROR(RefuseNested(this));
    Attempts attempts(until);
    Member member{body, until, SqliteTransaction(this, writer_.get(), SqliteTransaction::Kind::kWrite, damaged_), {}};
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
    SqliteTransaction transaction(this, &*connection, SqliteTransaction::Kind::kDecide, damaged_);
    absl::Status status = transaction.Run([&](Transaction& tx) { return decide(tx, done); });
    conflict = transaction.conflict();
    return status;
  }

  // Runs every body in a savepoint of its own and commits them together. A member whose body fails is undone alone, yet
  // is answered with the others: what made it fail may be a row of theirs, which is not there if the commit fails.
  void Commit(absl::Span<Member* const> batch) {
    std::vector<Member*>& members = batch_;
    members.assign(batch.begin(), batch.end());
    if (!files_.AreThere()) {
      return FailAll(members, ToStatus(Failure::kUnavailable, Taken()), false);
    }
    if (forget_pages_.exchange(false)) {
      writer_->Run("PRAGMA shrink_memory");
    }
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
        const bool busy = ClassifySqlite(code) == Failure::kConflict;
        const absl::Status status = ToStatus(busy ? Failure::kConflict : Failure::kUnavailable, writer_->error());
        writer_->EndTransaction();
        FailAll(members, status, busy);
      } else if (!files_.AreThere()) {
        // It was written into what nobody will find again, unless it is put back.
        FailAll(members, CommitOutcomeUnknown(Taken()), false);
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

  const std::string path_;
  const SqliteFiles files_;
  std::atomic<bool> damaged_ = false;
  std::atomic<bool> forget_pages_ = false;  // of the writer
  // The writer and the batch belong to whoever leads.
  const std::unique_ptr<SqliteConnection> writer_;
  std::vector<Member*> batch_;
  Pool<SqliteConnection> readers_;
  Combiner<Member> writers_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> OpenSqlite(const std::string& path, const Options& options) {
  // SQLite counts its memory under one lock for all threads; nobody asks for the count. Refused once SQLite is in use.
  static std::once_flag once;
  std::call_once(once, [] { sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); });

  SqliteFiles files(path);
  absl::StatusOr<std::unique_ptr<SqliteConnection>> writer = SqliteConnection::Open(path, options.create);
  if (!writer.ok()) {
    std::error_code ignored;
    const auto folder = std::filesystem::path(path).parent_path();
    if (!folder.empty() && !std::filesystem::is_directory(folder, ignored)) {
      return base::Error(
          absl::StatusCode::kUnavailable, "DATABASE_UNAVAILABLE",
          fmt::format("sqlite:{} cannot be opened: create its folder {}, which does not exist", path, folder.string()));
    }
    if (!options.create && !std::filesystem::exists(path, ignored)) {
      return base::Error(absl::StatusCode::kNotFound, "DATABASE_MISSING",
                         fmt::format("there is no database at sqlite:{}: restore a backup, or begin a new one with the "
                                     "command \"{} migrate --new\"",
                                     path, program_invocation_short_name));
    }
    return base::Error(
        absl::StatusCode::kUnavailable, "DATABASE_UNAVAILABLE",
        fmt::format("sqlite:{} cannot be opened: check that the file is an SQLite database on a local disk "
                    "and that this user may write to it and its folder ({})",
                    path, base::DetailOf(writer.status())));
  }
  if (!files.Remember()) {
    return base::Error(absl::StatusCode::kUnavailable, "DATABASE_UNAVAILABLE",
                       fmt::format("sqlite:{} was taken away while it was being opened", path));
  }
  return std::make_unique<SqliteDatabase>(*std::move(writer), path, files, options.connections);
}

}  // namespace section55::db::internal
