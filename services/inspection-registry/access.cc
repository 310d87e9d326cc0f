#include "services/inspection-registry/access.h"

#include <utility>

#include "libs/base/status.h"
#include "services/inspection-registry/store.h"

namespace section55::registry {

bool MaySeeDrafts(const access::Identity& caller) {
  using common::v1::AccessRule;
  return caller.kind == access::Identity::Kind::kService || caller.Holds(AccessRule::REGISTRAR, "") ||
         caller.Holds(AccessRule::AUDITOR, "");
}

absl::StatusOr<v1::Inspection> LoadVisible(db::Transaction& tx, const access::Identity& caller, const std::string& id,
                                           const std::string& resource) {
  absl::StatusOr<store::StoredInspection> stored = store::LoadInspection(tx, id);
  if (absl::IsNotFound(stored.status()) ||
      (stored.ok() && stored->message.state() == v1::Inspection::DRAFT && !MaySeeDrafts(caller))) {
    return base::NotFound(resource);
  }
  RETURN_IF_ERROR(stored.status());
  return std::move(stored->message);
}

absl::StatusOr<rules::Reports> LoadRelated(db::Transaction& tx, const v1::Inspection& given) {
  rules::Reports reports;
  for (const std::string& id : rules::RelatedReports(given)) {
    absl::StatusOr<store::StoredInspection> stored = store::LoadInspection(tx, id);
    if (absl::IsNotFound(stored.status())) {
      continue;
    }
    RETURN_IF_ERROR(stored.status());
    for (v1::Finding& finding : *stored->message.mutable_findings()) {
      finding.clear_text();  // they are many, and long
      finding.clear_introduction();
    }
    std::string name = stored->message.name();
    reports.emplace(std::move(name), std::move(stored->message));
  }
  return reports;
}

}  // namespace section55::registry
