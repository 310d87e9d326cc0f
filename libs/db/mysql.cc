// The engine MySQL (and MariaDB) through MySQL Connector/C++.
//
// Transactions are controlled by SQL text only: the connector's commit(), rollback() and setAutoCommit() swallow
// errors, so that a lost transaction would be acknowledged.
#include <cppconn/driver.h>
#include <cppconn/exception.h>
#include <cppconn/parameter_metadata.h>
#include <cppconn/prepared_statement.h>
#include <cppconn/resultset.h>
#include <cppconn/resultset_metadata.h>
#include <cppconn/statement.h>
#include <fmt/format.h>
#include <mysql_connection.h>
#include <mysql_driver.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <streambuf>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "libs/base/status.h"
#include "libs/db/internal.h"
#include "libs/db/pool.h"

namespace section55::db::internal {
namespace {

// The one place that knows the codes of server and client library.
Failure Classify(int code) {
  switch (code) {
    case 1213:  // deadlock; on Galera also a failed certification
    case 1205:  // lock wait timeout
    case 1020:  // row changed since the snapshot (MariaDB, innodb_snapshot_isolation)
    case 1412:  // table changed by a migration since the snapshot
    case 1615:  // statement must be prepared again
    case 3101:  // Group Replication refused the transaction at commit
      return Failure::kConflict;
    case 1062:
    case 1586:
      return Failure::kDuplicate;
    case 1048:  // NULL where none may be
    case 1364:  // no value, no default
    case 1264:  // out of range
    case 1265:  // would be cut
    case 1406:  // too long
    case 1292:  // wrong for its type
    case 1366:
    case 1300:  // not UTF-8
    case 1153:  // larger than max_allowed_packet
    case 3819:  // CHECK (MySQL)
    case 4025:  // CHECK (MariaDB)
      return Failure::kValue;
    case 1451:
    case 1452:
    case 1216:
    case 1217:
      return Failure::kReference;
    case 2006:  // server has gone away
    case 2013:  // lost during the query
    case 2055:
    case 1927:  // killed
    case 1053:  // server is shutting down
    case 4031:  // closed by the server because it was idle
      return Failure::kGone;
    case 2002:  // cannot connect
    case 2003:
    case 2005:  // unknown host
    case 1040:  // too many connections
    case 1203:
    case 1226:
    case 1021:  // disk full
    case 1114:  // table full
    case 1047:  // Galera: this node is not in the primary component
    case 1290:  // read-only server, after a failover
    case 1836:
      return Failure::kUnavailable;
  }
  return Failure::kInternal;
}

struct DriverError {
  int code;
  Failure failure;
  std::string text;
};

// Runs `call`, which uses the driver; the error if it threw. The driver throws sql::SQLException, and std's own.
template <typename Call>
std::optional<DriverError> Guarded(Call&& call) {
  try {
    call();
    return std::nullopt;
  } catch (const sql::SQLException& exception) {
    return DriverError{exception.getErrorCode(), Classify(exception.getErrorCode()), exception.what()};
  } catch (const std::exception& exception) {
    return DriverError{0, Failure::kInternal, exception.what()};
  }
}

sql::SQLString Sql(std::string_view text) { return sql::SQLString(text.data(), text.size()); }

// The driver wants to know every thread that uses it.
sql::Driver* DriverOfThisThread() {
  // Its creation is not thread-safe.
  static sql::Driver* const driver = get_driver_instance();
  struct Thread {
    Thread() { driver->threadInit(); }
    ~Thread() { driver->threadEnd(); }
  };
  thread_local Thread thread;
  return driver;
}

// Reads a view, for PreparedStatement::setBlob.
class ViewStream : private std::streambuf, public std::istream {
 public:
  explicit ViewStream(std::string_view data) : std::istream(this) {
    char* begin = const_cast<char*>(data.data());
    setg(begin, begin, begin + data.size());
  }
};

// More statements than any service has; only SQL that is put together at run time could pass it.
constexpr size_t kMostStatements = 256;

// Set on every new connection; nothing changes them later. The mode makes the server refuse what does not fit instead
// of bending it, and read quotes, || and \ as SQLite does. On Galera (the comment is read by MariaDB only) a
// transaction sees what was committed on any node before it began.
constexpr const char* kSession[] = {
    "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    ("SET SESSION sql_mode = 'TRADITIONAL,ANSI_QUOTES,PIPES_AS_CONCAT,ONLY_FULL_GROUP_BY,NO_BACKSLASH_ESCAPES', "
     "time_zone = '+00:00', innodb_lock_wait_timeout = 3, lock_wait_timeout = 10 /*M!100100 , wsrep_sync_wait = 1 */"),
};

struct Prepared {
  std::unique_ptr<sql::PreparedStatement> statement;
  size_t parameters = 0;
};

// A connection and its prepared statements. Used by one thread at a time.
class Connection {
 public:
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const MysqlAddress& address, const std::string& password,
                                                          absl::Duration longest_silence) {
    std::unique_ptr<Connection> connection(new Connection);
    const auto error = Guarded([&] {
      sql::ConnectOptionsMap properties;
      properties["hostName"] = address.socket.empty()
                                   ? sql::SQLString(fmt::format("tcp://{}:{}", address.host, address.port))
                                   : sql::SQLString("unix://" + address.socket);
      properties["userName"] = sql::SQLString(address.user);
      properties["password"] = sql::SQLString(password);
      properties["schema"] = sql::SQLString(address.name);
      properties["CLIENT_FOUND_ROWS"] = true;
      properties["OPT_CHARSET_NAME"] = sql::SQLString("utf8mb4");
      int connect_seconds = 5;
      if (longest_silence != absl::InfiniteDuration()) {
        const int seconds = static_cast<int>(absl::ToInt64Seconds(longest_silence));
        connect_seconds = std::min(connect_seconds, seconds);
        properties["OPT_READ_TIMEOUT"] = seconds;
        properties["OPT_WRITE_TIMEOUT"] = seconds;
      }
      properties["OPT_CONNECT_TIMEOUT"] = connect_seconds;
      connection->connection_.reset(DriverOfThisThread()->connect(properties));
      connection->control_.reset(connection->connection_->createStatement());
      for (const char* setting : kSession) {
        connection->control_->execute(setting);
      }
    });
    if (error) {
      return ToStatus(Failure::kUnavailable, error->text);
    }
    return connection;
  }

  // Runs SQL text without values, such as COMMIT.
  std::optional<DriverError> Run(std::string_view sql) {
    return Guarded([&] { control_->execute(Sql(sql)); });
  }

  // Throws what the driver throws.
  Prepared& Prepare(std::string_view sql) {
    if (const auto found = statements_.find(absl::string_view(sql.data(), sql.size())); found != statements_.end()) {
      return found->second;
    }
    Prepared prepared;
    prepared.statement.reset(connection_->prepareStatement(Sql(sql)));
    prepared.parameters = prepared.statement->getParameterMetaData()->getParameterCount();
    if (statements_.size() >= kMostStatements) {
      statements_.clear();
    }
    return statements_.emplace(std::string(sql), std::move(prepared)).first->second;
  }

 private:
  Connection() = default;

  // Destroyed from the last to the first.
  std::unique_ptr<sql::Connection> connection_;
  std::unique_ptr<sql::Statement> control_;
  absl::flat_hash_map<std::string, Prepared> statements_;
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
  MysqlTransaction(const Database* database, Connection* connection, Kind kind)
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
      streams.push_back(std::make_unique<ViewStream>(bytes.data));
      statement.setBlob(index, streams.back().get());
    }
    sql::PreparedStatement& statement;
    unsigned index;
    std::vector<std::unique_ptr<ViewStream>>& streams;
  };

  Connection& connection_;
};

class MysqlDatabase final : public Database {
 public:
  MysqlDatabase(const MysqlAddress& address, const std::string& password, const Options& options)
      : connect_patiently_(
            [address, password] { return Connection::Open(address, password, absl::InfiniteDuration()); }),
        pool_(options.connections, [address, password, silence = options.longest_silence] {
          return Connection::Open(address, password, silence);
        }) {}

  absl::Status Lookup(Body body) override {
    RETURN_IF_ERROR(RefuseNested(this));
    for (bool again = true;; again = false) {
      ASSIGN_OR_RETURN(Lease connection, pool_.Acquire());
      MysqlTransaction transaction(this, &*connection, MysqlTransaction::Kind::kLookup);
      absl::Status status = transaction.Run(body);
      if (!transaction.gone()) {
        return status;
      }
      connection.Drop();
      if (!again) {
        return status;
      }
      pool_.DropIdle();
    }
  }

  absl::Status Read(Body body) override {
    RETURN_IF_ERROR(RefuseNested(this));
    ASSIGN_OR_RETURN(Lease connection, Begin("START TRANSACTION READ ONLY"));
    MysqlTransaction transaction(this, &*connection, MysqlTransaction::Kind::kRead);
    absl::Status status = transaction.Run(body);
    if (transaction.gone() || connection->Run("COMMIT")) {
      connection.Drop();
    }
    return status;
  }

  absl::Status Write(Body body) override {
    RETURN_IF_ERROR(RefuseNested(this));
    Attempts attempts;
    absl::Status status;
    int lost = 0;
    do {
      ASSIGN_OR_RETURN(Lease connection, Begin("START TRANSACTION"));
      MysqlTransaction transaction(this, &*connection, MysqlTransaction::Kind::kWrite);
      status = transaction.Run(body);
      if (status.ok()) {
        const std::optional<DriverError> error = connection->Run("COMMIT");
        if (!error) {
          // Before the callbacks, which others may wait for.
          { const Lease given_back = std::move(connection); }
          transaction.RunAfterCommit();
          return status;
        }
        if (error->failure != Failure::kConflict) {
          // Only a conflict says for certain that nothing was committed.
          connection.Drop();
          return CommitOutcomeUnknown(error->text);
        }
        status = ToStatus(Failure::kConflict, error->text);
        transaction.set_conflict();
      }
      // A connection that cannot roll back is closed, and the server rolls back.
      if (transaction.gone() || connection->Run("ROLLBACK")) {
        connection.Drop();
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
    ASSIGN_OR_RETURN(std::unique_ptr<Connection> connection, connect_patiently_());
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

 private:
  using Lease = Pool<Connection>::Lease;

  // A body under which the connection is lost this often is likely to be what kills it.
  static constexpr int kMostLosses = 3;

  // A connection with a transaction begun. One that died in the pool (the server was restarted, or closed it because it
  // was idle) is found out here, before the body has run, and replaced by a new one.
  absl::StatusOr<Lease> Begin(std::string_view start) {
    for (bool again = true;; again = false) {
      ASSIGN_OR_RETURN(Lease connection, pool_.Acquire());
      const std::optional<DriverError> error = connection->Run(start);
      if (!error) {
        return connection;
      }
      connection.Drop();
      if (error->failure != Failure::kGone || !again) {
        return ToStatus(error->failure, error->text);
      }
      pool_.DropIdle();
    }
  }

  const Pool<Connection>::Connect connect_patiently_;
  Pool<Connection> pool_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Database>> OpenMysql(const MysqlAddress& address, const std::string& password,
                                                    const Options& options) {
  auto database = std::make_unique<MysqlDatabase>(address, password, options);
  const absl::Status status = database->Read([](Transaction&) { return absl::OkStatus(); });
  if (!status.ok()) {
    return base::Error(
        absl::StatusCode::kUnavailable, "DATABASE_UNAVAILABLE",
        fmt::format("{} cannot be reached: check that the server runs, that the database and its user exist, "
                    "and that the password file is right ({})",
                    options.url, std::string(status.message())));
  }
  return database;
}

}  // namespace section55::db::internal
