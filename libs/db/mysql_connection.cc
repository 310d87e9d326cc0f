#include "libs/db/mysql_connection.h"

#include <cppconn/driver.h>
#include <cppconn/parameter_metadata.h>
#include <cppconn/resultset.h>
#include <fmt/format.h>
#include <mysql_connection.h>
#include <mysql_driver.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/time/clock.h"
#include "libs/base/status.h"

namespace section55::db::internal {
namespace {

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

// More statements than any service has; only SQL that is put together at run time could pass it.
constexpr size_t kMostStatements = 256;

// Set on every new connection. The mode makes the server refuse what does not fit instead of bending it, and read
// quotes, || and \ as SQLite does. On Galera (the comment is read by MariaDB only) a transaction sees what was committed
// on any node before it began.
constexpr const char* kSession[] = {
    "SET NAMES utf8mb4 COLLATE utf8mb4_bin",
    "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
    ("SET SESSION sql_mode = 'TRADITIONAL,ANSI_QUOTES,PIPES_AS_CONCAT,ONLY_FULL_GROUP_BY,NO_BACKSLASH_ESCAPES', "
     "time_zone = '+00:00', innodb_lock_wait_timeout = 3, lock_wait_timeout = 10 /*M!100100 , wsrep_sync_wait = 1 */"),
};

// As SQL text: the connector's setAutoCommit would swallow the error.
constexpr char kBeginsByItself[] = "SET SESSION autocommit = 0";

constexpr absl::Duration kLongestConnect = absl::Seconds(5);

// To these the time that a statement has is rounded up, so that it seldom changes.
constexpr absl::Duration kSteps[] = {absl::Milliseconds(100), absl::Milliseconds(250), absl::Milliseconds(500),
                                     absl::Seconds(1),        absl::Seconds(2),        absl::Seconds(4),
                                     absl::Seconds(8),        absl::Seconds(15),       absl::Seconds(30)};

int WholeSeconds(absl::Duration duration) {
  return static_cast<int>(absl::ToInt64Seconds(absl::Ceil(duration, absl::Seconds(1))));
}

sql::ConnectOptionsMap PropertiesOf(const MysqlAddress& address, const MysqlAddress::Host* host,
                                    const std::string& password, absl::Duration longest_silence, absl::Time until) {
  sql::ConnectOptionsMap properties;
  properties["hostName"] = host != nullptr ? sql::SQLString(fmt::format("tcp://{}:{}", host->name, host->port))
                                           : sql::SQLString("unix://" + address.socket);
  properties["userName"] = sql::SQLString(address.user);
  properties["password"] = sql::SQLString(password);
  properties["schema"] = sql::SQLString(address.name);
  properties["CLIENT_FOUND_ROWS"] = true;
  properties["OPT_CHARSET_NAME"] = sql::SQLString("utf8mb4");
  if (address.tls != MysqlAddress::Tls::kOff) {
    properties["sslEnforce"] = true;
    properties["sslVerify"] = address.tls == MysqlAddress::Tls::kVerify;
    for (const auto& [property, file] :
         {std::pair("sslCA", &address.ca), {"sslCert", &address.certificate}, {"sslKey", &address.key}}) {
      if (!file->empty()) {
        properties[property] = sql::SQLString(*file);
      }
    }
  }
  absl::Duration connect = std::min(kLongestConnect, longest_silence);
  if (until != absl::InfiniteFuture()) {
    connect = std::min(connect, std::max(until - absl::Now(), absl::Seconds(1)));
  }
  properties["OPT_CONNECT_TIMEOUT"] = WholeSeconds(connect);
  if (longest_silence != absl::InfiniteDuration()) {
    properties["OPT_READ_TIMEOUT"] = WholeSeconds(longest_silence);
    properties["OPT_WRITE_TIMEOUT"] = WholeSeconds(longest_silence);
  }
  return properties;
}

}  // namespace

Failure ClassifyMysql(int code) {
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
    case 1047:  // Galera: this node is not in the primary component
    case 1290:  // read-only server, after a failover
    case 1836:
      return Failure::kGone;
    case 1969:  // max_statement_time (MariaDB)
    case 3024:  // max_execution_time (MySQL)
      return Failure::kDeadline;
    case 2002:  // cannot connect
    case 2003:
    case 2005:  // unknown host
    case 2026:  // TLS
    case 1040:  // too many connections
    case 1203:
    case 1226:
    case 1021:  // disk full
    case 1114:  // table full
    case 1317:  // somebody ended the statement
      return Failure::kUnavailable;
  }
  return Failure::kInternal;
}

absl::StatusOr<std::unique_ptr<MysqlConnection>> MysqlConnection::Open(const MysqlAddress& address,
                                                                       const MysqlAddress::Host* host,
                                                                       const std::string& password, Use use,
                                                                       absl::Duration longest_silence,
                                                                       absl::Time until) {
  std::unique_ptr<MysqlConnection> connection(new MysqlConnection);
  std::string unfit;
  const auto error = Guarded([&] {
    sql::ConnectOptionsMap properties = PropertiesOf(address, host, password, longest_silence, until);
    connection->connection_.reset(DriverOfThisThread()->connect(properties));
    connection->control_.reset(connection->connection_->createStatement());
    unfit = connection->LookAtServer(address.tls != MysqlAddress::Tls::kOff);
    if (!unfit.empty()) {
      return;
    }
    for (const char* setting : kSession) {
      connection->control_->execute(setting);
    }
    if (use == Use::kWrite) {
      connection->control_->execute(kBeginsByItself);
    }
  });
  if (error || !unfit.empty()) {
    return ToStatus(Failure::kUnavailable, error ? error->text : unfit);
  }
  connection->longest_limit_ = longest_silence;
  return connection;
}

std::string MysqlConnection::LookAtServer(bool encrypted) {
  std::map<std::string, std::string> found;
  const auto look = [&](const char* sql) {
    const std::unique_ptr<sql::ResultSet> result(control_->executeQuery(sql));
    while (result->next()) {
      found[result->getString(1).asStdString()] = result->getString(2).asStdString();
    }
  };
  look(
      "SHOW GLOBAL VARIABLES WHERE Variable_name IN "
      "('read_only', 'super_read_only', 'wsrep_on', 'max_statement_time', 'max_execution_time')");
  if (found["read_only"] == "ON" || found["super_read_only"] == "ON") {
    return "it is read-only";
  }
  if (found["wsrep_on"] == "ON") {
    look("SHOW GLOBAL STATUS LIKE 'wsrep_ready'");
    if (found["wsrep_ready"] != "ON") {
      return "it is a node of a Galera cluster that is not ready";
    }
  }
  if (encrypted) {
    // Told to enforce it, the client library goes on without when the server has no TLS, unless it is to verify.
    look("SHOW SESSION STATUS LIKE 'Ssl_cipher'");
    if (found["Ssl_cipher"].empty()) {
      return "it does not encrypt, but the URL wants tls";
    }
  }
  if (found.contains("max_statement_time")) {
    set_limit_ = "SET SESSION max_statement_time = ";
  } else if (found.contains("max_execution_time")) {
    set_limit_ = "SET SESSION max_execution_time = ";
    limit_unit_ = 1000;
  }
  return {};
}

std::optional<DriverError> MysqlConnection::Run(std::string_view sql) {
  return Guarded([&] { control_->execute(Sql(sql)); });
}

std::optional<DriverError> MysqlConnection::SetDeadline(absl::Time until) {
  absl::Duration limit = longest_limit_;
  if (until != absl::InfiniteFuture()) {
    const auto step = std::lower_bound(std::begin(kSteps), std::end(kSteps), until - absl::Now());
    limit = std::min(limit, step == std::end(kSteps) ? absl::InfiniteDuration() : *step);
  }
  if (limit == limit_ || set_limit_.empty()) {
    return std::nullopt;
  }
  // 0 means that there is no limit.
  const double seconds = limit == absl::InfiniteDuration() ? 0 : absl::ToDoubleSeconds(limit);
  auto error = Run(fmt::format("{}{}", set_limit_, seconds * limit_unit_));
  if (!error) {
    limit_ = limit;
  }
  return error;
}

Prepared& MysqlConnection::Prepare(std::string_view sql) {
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

}  // namespace section55::db::internal
