// One connection to a MySQL or MariaDB server. Private to libs/db.
#pragma once

#include <cppconn/connection.h>
#include <cppconn/exception.h>
#include <cppconn/prepared_statement.h>
#include <cppconn/statement.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/internal.h"

namespace section55::db::internal {

// The one place that knows the codes of server and client library.
Failure ClassifyMysql(int code);

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
    return DriverError{exception.getErrorCode(), ClassifyMysql(exception.getErrorCode()), exception.what()};
  } catch (const std::exception& exception) {
    return DriverError{0, Failure::kInternal, exception.what()};
  }
}

inline sql::SQLString Sql(std::string_view text) { return sql::SQLString(text.data(), text.size()); }

struct Prepared {
  std::unique_ptr<sql::PreparedStatement> statement;
  size_t parameters = 0;
};

// A connection and its prepared statements. Used by one thread at a time.
class MysqlConnection {
 public:
  enum class Use {
    kRead,   // a statement outside a transaction is one by itself
    kWrite,  // the first statement begins a transaction; COMMIT or ROLLBACK ends it
  };

  // To a server that is there and takes changes. UNAVAILABLE when it is not one, with what is wrong as the detail.
  // `longest_silence`: for how long a statement may run, and the server say nothing; infinite for any time.
  static absl::StatusOr<std::unique_ptr<MysqlConnection>> Open(const MysqlAddress& address,
                                                               const MysqlAddress::Host* host,
                                                               const std::string& password, Use use,
                                                               absl::Duration longest_silence, absl::Time until);

  // Runs SQL text without values, such as COMMIT.
  std::optional<DriverError> Run(std::string_view sql);

  // From here on the server ends a statement that runs for longer than there is time until then, rounded up to one of
  // a few steps: it must be told, which is a round trip, only when the step is another than before.
  std::optional<DriverError> SetDeadline(absl::Time until);

  // Throws what the driver throws.
  Prepared& Prepare(std::string_view sql);

 private:
  MysqlConnection() = default;

  // Reads what the server is; why it cannot be used, or nothing. Throws what the driver throws.
  std::string LookAtServer(bool encrypted);

  // Destroyed from the last to the first.
  std::unique_ptr<sql::Connection> connection_;
  std::unique_ptr<sql::Statement> control_;
  absl::flat_hash_map<std::string, Prepared> statements_;

  // "SET SESSION max_statement_time = ", what to multiply seconds by, and the step last set.
  std::string_view set_limit_;
  int limit_unit_ = 1;
  absl::Duration longest_limit_ = absl::InfiniteDuration();
  absl::Duration limit_ = absl::InfiniteDuration();
};

}  // namespace section55::db::internal
