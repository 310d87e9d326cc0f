// Who of a force may see what belongs to a body: a service asks its own copy of the registry's facts.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/access/policy.h"
#include "libs/db/database.h"

namespace section55::rpc {

// Thread-safe.
class BodyDirectory : public access::TenantDirectory {
 public:
  // The store's query: the id of the force that the body with this id holds to account. NOT_FOUND.
  using Find = absl::StatusOr<std::string> (*)(db::Transaction& tx, std::string_view body);

  BodyDirectory(db::Database& database, Find find) : database_(database), find_(find) {}

  absl::StatusOr<std::string> ForceOf(std::string_view body) override;

 protected:
  db::Database& database() { return database_; }

 private:
  db::Database& database_;
  const Find find_;
};

}  // namespace section55::rpc
