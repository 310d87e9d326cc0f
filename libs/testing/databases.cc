#include "libs/testing/databases.h"

#include <fmt/format.h>

#include <cstdlib>

#include "absl/time/time.h"
#include "libs/testing/mariadb.h"

namespace section55::testing {
namespace {

void OrDie(const absl::Status& status) {
  if (!status.ok()) {
    fmt::print(stderr, "A test database cannot be made: {}\n", status.ToString());
    std::exit(EXIT_FAILURE);
  }
}

}  // namespace

TestDatabase::TestDatabase(db::Engine engine, const std::vector<db::Schema>& schemas, int connections) {
  options_.connections = connections;
  if (engine == db::Engine::kSqlite) {
    std::string name = std::filesystem::temp_directory_path() / "section55-sqlite-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) {
      OrDie(absl::UnavailableError(fmt::format("no folder {}", name)));
    }
    folder_ = name;
    options_.url = fmt::format("sqlite:{}/test.db", name);
    options_.create = true;
  } else {
    MariaDb& mariadb = MariaDb::Get();
    options_.url = mariadb.UrlOf(mariadb.NewDatabase());
  }
  Reopen();
  options_.create = false;
  if (!schemas.empty()) {
    OrDie(db::Migrate(*database_, schemas, absl::UnixEpoch(), /*dry_run=*/false).status());
  }
}

TestDatabase::~TestDatabase() {
  database_.reset();
  if (!folder_.empty()) {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
}

void TestDatabase::Reopen() {
  database_.reset();
  auto database = db::Open(options_);
  OrDie(database.status());
  database_ = *std::move(database);
}

std::string NameOf(const ::testing::TestParamInfo<db::Engine>& engine) {
  return engine.param == db::Engine::kSqlite ? "Sqlite" : "Mysql";
}

}  // namespace section55::testing
