// The engine MySQL (and MariaDB) through MySQL Connector/C++.
//
// Transactions are controlled by SQL text only: the connector's commit(), rollback() and setAutoCommit() swallow
// errors, so that a lost transaction would be acknowledged.
#include <cppconn/parameter_metadata.h>
#include <cppconn/resultset.h>
#include <cppconn/resultset_metadata.h>
#include <fmt/format.h>

#include <atomic>
#include <memory>
#include <optional>
#include <streambuf>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/address.h"
#include "libs/base/status.h"
#include "libs/db/internal.h"
#include "libs/db/mysql_connection.h"
#include "libs/db/pool.h"

namespace section55::db::internal {
namespace {

// Bytes up to this size travel inside their statement; more in packets of their own, for which the driver makes no copy.
constexpr size_t kMostInline = 64 << 10;

// Reads a view, for PreparedStatement::setBlob.
class ViewStream : private std::streambuf, public std::istream {
 public:
  explicit ViewStream(std::string_view data) : std::istream(this) {
    char* begin = const_cast<char*>(data.data());
    setg(begin, begin, begin + data.size());
  }
};

class MysqlRow final : public Row {
 public:
  explicit MysqlRow(sql::ResultSet& result)
      : result_(result), columns_(result.getMetaData()), texts_(columns_->getColumnCount()) {}

  bool IsNull(int column) const override { return result_.isNull(column + 1); }

  int64_t Int64(int column) const override {
    switch (columns_->getColumnType(column + 1)) {
      case sql::DataType::TINYINT:
      case sql::DataType::SMALLINT:
      case sql::DataType::MEDIUMINT:
      case sql::DataType::INTEGER:
      case sql::DataType::BIGINT:
      case sql::DataType::DECIMAL:  // what SUM of whole numbers gives
      case sql::DataType::NUMERIC:
      case sql::DataType::SQLNULL:
        return result_.isNull(column + 1) ? 0 : result_.getInt64(column + 1);
    }
    WrongColumnType(column, "a whole number");
  }

  std::string_view Text(int column) const override {
    switch (columns_->getColumnType(column + 1)) {
      case sql::DataType::CHAR:
      case sql::DataType::VARCHAR:
      case sql::DataType::LONGVARCHAR:
      case sql::DataType::BINARY:
      case sql::DataType::VARBINARY:
      case sql::DataType::LONGVARBINARY:
      case sql::DataType::SQLNULL: {
        if (result_.isNull(column + 1)) {
          return {};
        }
        // The driver gives a copy; it is kept until the next row.
        sql::SQLString& text = texts_[column];
        text = result_.getString(column + 1);
        return {text.c_str(), text.length()};
      }
    }
    WrongColumnType(column, "text or bytes");
  }

 private:
  sql::ResultSet& result_;
  sql::ResultSetMetaData* const columns_;
  mutable std::vector<sql::SQLString> texts_;
};

class MysqlTransaction final : public BodyTransaction {
 public:
  MysqlTransaction(const Database* database, MysqlConnection* connection, Kind kind)
      : BodyTransaction(database, kind), connection_(*connection) {}

  absl::StatusOr<int64_t> Execute(std::string_view sql, absl::Span<const Value> values) override {
    RETURN_IF_ERROR(Ready(true));
    int64_t matched = 0;
    RETURN_IF_ERROR(
        WithStatement(sql, values, [&](sql::PreparedStatement& statement) { matched = statement.executeUpdate(); }));
    return matched;
  }

  absl::Status Query(std::string_view sql, absl::Span<const Value> values,
                     absl::FunctionRef<void(const Row&)> each) override {
    RETURN_IF_ERROR(Ready(false));
    return WithStatement(sql, values, [&](sql::PreparedStatement& statement) {
      const std::unique_ptr<sql::ResultSet> result(statement.executeQuery());
      const MysqlRow row(*result);
      in_query_ = true;
      while (result->next()) {
        each(row);
      }
      in_query_ = false;
    });
  }

  absl::Status QueryAndLock(std::string_view sql, absl::Span<const Value> values,
                            absl::FunctionRef<void(const Row&)> each) override {
    RETURN_IF_ERROR(Ready(true));
    return Query(fmt::format("{} FOR UPDATE SKIP LOCKED", sql), values, each);
  }

  absl::Status ExecuteScript(std::string_view sql) override {
    RETURN_IF_ERROR(Ready(true));
    constexpr int kEmptyQuery = 1065;  // nothing but comments
    const auto error = connection_.Run(sql);
    return !error || error->code == kEmptyQuery ? absl::OkStatus() : ToStatus(error->failure, error->text);
  }

 private:
  template <typename Use>
  absl::Status WithStatement(std::string_view sql, absl::Span<const Value> values, Use&& use) {
    size_t parameters = values.size();
    const auto error = Guarded([&] {
      Prepared& prepared = connection_.Prepare(sql);
      parameters = prepared.parameters;
      if (parameters != values.size()) {
        return;
      }
      // A stream must live until the statement has run.
      std::vector<std::unique_ptr<ViewStream>> streams;
      unsigned index = 0;
      for (const Value& value : values) {
        std::visit(Binder{*prepared.statement, ++index, streams}, value.get());
      }
      use(*prepared.statement);
    });
    if (error) {
      return Fail(error->failure, error->text);
    }
    if (parameters != values.size()) {
      return Fail(Failure::kInternal, fmt::format("{} values for the statement: {}", values.size(), sql));
    }
    return absl::OkStatus();
  }

  struct Binder {
    void operator()(std::nullptr_t) const { statement.setNull(index, sql::DataType::VARCHAR); }
    void operator()(int64_t number) const { statement.setInt64(index, number); }
    void operator()(std::string_view text) const { statement.setString(index, Sql(text)); }
    void operator()(Bytes bytes) const {
      if (bytes.data.size() <= kMostInline) {
        statement.setString(index, Sql(bytes.data));
        return;
      }
      streams.push_back(std::make_unique<ViewStream>(bytes.data));
      statement.setBlob(index, streams.back().get());
    }
    sql::PreparedStatement& statement;
    unsigned index;
    std::vector<std::unique_ptr<ViewStream>>& streams;
  };

  MysqlConnection& connection_;
};

class MysqlDatabase final : public Database {
 public:
  MysqlDatabase(const MysqlAddress& address, const std::string& password, const Options& options)
      : url_(options.url),
        address_(address),
        password_(password),
        silence_(options.longest_silence),
        readers_(options.connections,
                 [this](absl::Time until) { return Connect(MysqlConnection::Use::kRead, silence_, until); }),
        writers_(options.connections,
                 [this](absl::Time until) { return Connect(MysqlConnection::Use::kWrite, silence_, until); }) {}

  absl::Status Lookup(Body body, absl::Time until) override {
    RETURN_IF_ERROR(RefuseNested(this));
    bool conflict = false;
    return RunByItself(MysqlTransaction::Kind::kLookup, body, until, conflict);
  }

  absl::Status Read(Body body, absl::Time until) override {
    RETURN_IF_ERROR(RefuseNested(this));
    ASSIGN_OR_RETURN(Lease connection, BeginReading(until));
    MysqlTransaction transaction(this, &*connection, MysqlTransaction::Kind::kRead);
    absl::Status status = transaction.Run(body);
    if (transaction.gone() || connection->Run("COMMIT")) {
      connection.Drop();
    }
    return status;
  }

  absl::Status Write(Body body, absl::Time until) override {
    RETURN_IF_ERROR(RefuseNested(this));
    Attempts attempts(until);
    absl::Status status;
    int lost = 0;
    do {
      if (body.decide()) {
        bool done = false, conflict = false;
        status = RunByItself(
            MysqlTransaction::Kind::kDecide, [&](Transaction& tx) { return (*body.decide())(tx, done); }, until,
            conflict);
        if (conflict) {
          continue;
        }
        if (!status.ok() || done) {
          return status;
        }
      }
      ASSIGN_OR_RETURN(Lease connection, Acquire(writers_, until));
      MysqlTransaction transaction(this, &*connection, MysqlTransaction::Kind::kWrite);
      status = transaction.Run(body.apply());
      // The first statement has begun the transaction: without one there is nothing to end.
      const std::optional<DriverError> error =
          status.ok() && transaction.used() ? connection->Run("COMMIT") : std::nullopt;
      if (status.ok() && !error) {
        // Before the callbacks, which others may wait for.
        { const Lease given_back = std::move(connection); }
        transaction.RunAfterCommit();
        return status;
      }
      if (error && error->failure != Failure::kConflict) {
        // Only a conflict says for certain that nothing was committed.
        connection.Drop();
        LeaveServer();
        return CommitOutcomeUnknown(error->text);
      }
      if (error) {
        status = ToStatus(Failure::kConflict, error->text);
        transaction.set_conflict();
      }
      // A connection that cannot roll back is closed, and the server rolls back.
      if (transaction.gone() || (transaction.used() && connection->Run("ROLLBACK"))) {
        connection.Drop();
      }
      if (transaction.gone()) {
        LeaveServer();
      }
      if (transaction.gone() ? ++lost == kMostLosses : !transaction.conflict()) {
        return status;
      }
    } while (attempts.Again());
    return status;
  }

  absl::Status WriteSchema(SchemaBody body) override {
    RETURN_IF_ERROR(RefuseNested(this));
    // A connection of its own, closed at the end, which releases the lock whatever happened. The name of the lock is
    // one per database and no longer than the 64 characters allowed.
    ASSIGN_OR_RETURN(const std::unique_ptr<MysqlConnection> connection,
                     Connect(MysqlConnection::Use::kRead, absl::InfiniteDuration(), absl::InfiniteFuture()));
    MysqlTransaction transaction(this, connection.get(), MysqlTransaction::Kind::kWrite);
    int64_t locked = 0;
    RETURN_IF_ERROR(transaction.Query("SELECT GET_LOCK(CONCAT('section55-migrate-', MD5(DATABASE())), 60)", {},
                                      [&](const Row& row) { locked = row.Int64(0); }));
    if (locked != 1) {
      return ToStatus(Failure::kUnavailable, "another process has been migrating it for more than a minute");
    }
    return transaction.Run(body);
  }

  Engine engine() const override { return Engine::kMysql; }

  std::optional<absl::Time> MachineTime(absl::Time until) override {
    const size_t host = good_host_;
    if (host >= address_.hosts.size() || base::IsLoopbackHost(address_.hosts[host].name)) {
      return std::nullopt;
    }
    std::optional<absl::Time> time;
    Lookup(
        [&](Transaction& tx) {
          return tx.Query("SELECT TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(6))", {},
                          [&](const Row& row) { time = absl::FromUnixMicros(row.Int64(0)); });
        },
        until)
        .IgnoreError();
    return time;
  }

  std::vector<PoolUse> Pools() const override { return {readers_.Use("readers"), writers_.Use("writers")}; }

 private:
  using Lease = Pool<MysqlConnection>::Lease;

  // A body under which the connection is lost this often is likely to be what kills it.
  static constexpr int kMostLosses = 3;

  // Tries one host after the other, from the one that was good last.
  absl::StatusOr<std::unique_ptr<MysqlConnection>> Connect(MysqlConnection::Use use, absl::Duration silence,
                                                           absl::Time until) {
    std::string wrong;
    const size_t first = good_host_, hosts = address_.hosts.size();
    for (size_t i = 0; i == 0 || (i < hosts && !IsOver(until)); ++i) {
      const size_t index = hosts == 0 ? 0 : (first + i) % hosts;
      const MysqlAddress::Host* const host = hosts == 0 ? nullptr : &address_.hosts[index];
      auto connection = MysqlConnection::Open(address_, host, password_, use, silence, until);
      if (connection.ok()) {
        good_host_ = index;
        return connection;
      }
      wrong += fmt::format("{}{}: {}", wrong.empty() ? "" : "; ",
                           host == nullptr ? address_.socket : fmt::format("{}:{}", host->name, host->port),
                           base::DetailOf(connection.status()));
    }
    return ToStatus(Failure::kUnavailable,
                    fmt::format("{} cannot be reached: check that the server runs and takes changes, that the database "
                                "and its user exist, and that the password file is right ({})",
                                url_, wrong));
  }

  // When a connection is found dead, so are the others as a rule; and when its server takes no more changes, nobody must
  // read there what is written elsewhere.
  void LeaveServer() {
    readers_.DropAll();
    writers_.DropAll();
  }

  absl::StatusOr<Lease> Acquire(Pool<MysqlConnection>& pool, absl::Time until) {
    for (bool again = true;; again = false) {
      ASSIGN_OR_RETURN(Lease connection, pool.Acquire(until));
      const std::optional<DriverError> error = connection->SetDeadline(until);
      if (!error) {
        return connection;
      }
      RETURN_IF_ERROR(Replace(connection, *error, again));
    }
  }

  // Outside a transaction, where every query sees a snapshot of its own and the body may run again when its connection
  // was lost.
  absl::Status RunByItself(MysqlTransaction::Kind kind, Body body, absl::Time until, bool& conflict) {
    for (bool again = true;; again = false) {
      ASSIGN_OR_RETURN(Lease connection, Acquire(readers_, until));
      MysqlTransaction transaction(this, &*connection, kind);
      absl::Status status = transaction.Run(body);
      conflict = transaction.conflict();
      if (!transaction.gone()) {
        return status;
      }
      connection.Drop();
      LeaveServer();
      if (!again) {
        return status;
      }
    }
  }

  // A connection with a transaction begun. One that died in the pool (the server was restarted, or closed it because it
  // was idle) is found out here, before the body has run, and replaced by a new one.
  absl::StatusOr<Lease> BeginReading(absl::Time until) {
    for (bool again = true;; again = false) {
      ASSIGN_OR_RETURN(Lease connection, Acquire(readers_, until));
      const std::optional<DriverError> error = connection->Run("START TRANSACTION READ ONLY");
      if (!error) {
        return connection;
      }
      RETURN_IF_ERROR(Replace(connection, *error, again));
    }
  }

  // Closes a connection that cannot be used; OK when another one should be tried.
  absl::Status Replace(Lease& connection, const DriverError& error, bool again) {
    connection.Drop();
    if (error.failure != Failure::kGone || !again) {
      return ToStatus(error.failure, error.text);
    }
    LeaveServer();
    return absl::OkStatus();
  }

  const std::string url_;
  const MysqlAddress address_;
  const std::string password_;
  const absl::Duration silence_;
  std::atomic<size_t> good_host_ = 0;
  Pool<MysqlConnection> readers_;
  Pool<MysqlConnection> writers_;
};

}  // namespace

std::unique_ptr<Database> OpenMysql(const MysqlAddress& address, const std::string& password, const Options& options) {
  return std::make_unique<MysqlDatabase>(address, password, options);
}

}  // namespace section55::db::internal
