// What the rooms of this service's transport have in common.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "libs/access/identity.h"
#include "libs/base/ids.h"
#include "libs/db/database.h"
#include "services/inspection-registry/rules.h"

namespace section55::registry {

// The etag that a resource bears when it has been saved over version `version`; 0 for a new one. It is part of the answer, which is
// complete before anything is written.
inline std::string NextEtag(int64_t version) { return base::EtagOf(version + 1); }

// Registrars, auditors and the services of the suite see drafts; to others a draft does not exist.
bool MaySeeDrafts(const access::Identity& caller);

// A published report, or a draft for those who may see it. NOT_FOUND, naming `resource`.
absl::StatusOr<v1::Inspection> LoadVisible(db::Transaction& tx, const access::Identity& caller, const std::string& id,
                                           const std::string& resource);

// What there is of the reports that `given` names in its relations.
absl::StatusOr<rules::Reports> LoadRelated(db::Transaction& tx, const v1::Inspection& given);

}  // namespace section55::registry
