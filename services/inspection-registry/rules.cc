#include "services/inspection-registry/rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "google/protobuf/util/field_mask_util.h"
#include "libs/base/checks.h"
#include "libs/base/limits.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "services/inspection-registry/findings.h"
#include "services/inspection-registry/obligations.h"
#include "services/inspection-registry/web_address.h"

namespace section55::registry::rules {
namespace {

using google::protobuf::util::FieldMaskUtil;
using v1::Addressee;
using v1::Finding;
using v1::Inspection;

// A report cannot be without a title, even as a draft. How long it is and what stands in it is looked at with the rest.
void RequireTitle(const Inspection& inspection, base::Violations& violations) {
  if (base::IsBlank(inspection.title())) {
    violations.Add("inspection.title", "is required");
  }
}

template <typename Request>
void CheckMask(const Request& request, base::Violations& violations) {
  const auto& paths = request.update_mask().paths();
  const auto& settable = SettableFields().paths();
  for (int i = 0; i < paths.size(); ++i) {
    if (std::find(settable.begin(), settable.end(), paths[i]) == settable.end()) {
      violations.Add(fmt::format("update_mask.paths[{}]", i), fmt::format("\"{}\" cannot be set", paths[i]));
    } else if (paths[i] == "title") {
      RequireTitle(request.inspection(), violations);
    }
  }
  if (!request.etag().empty() && !request.inspection().etag().empty() &&
      request.etag() != request.inspection().etag()) {
    violations.Add("etag", "differs from inspection.etag");
  }
}

constexpr int kMostJudgements = 500;
constexpr int kMostRelations = 100;
// Of different reports, in the relations of a report and of its findings together: all of them are looked at.
constexpr size_t kMostRelatedReports = 50;

void ValidateForces(const google::protobuf::RepeatedPtrField<std::string>& forces, std::string_view list,
                    base::Violations& violations) {
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < forces.size(); ++i) {
    const std::string field = fmt::format("inspection.scope.{}[{}]", list, i);
    base::CheckResourceName(field, forces[i], base::kForceName, violations);
    if (!seen.insert(forces[i]).second) {
      violations.Add(field, fmt::format("{} is listed already", forces[i]));
    }
  }
}

void ValidateScope(const v1::Scope& scope, base::Violations& violations) {
  if ((scope.all_forces() ? 1 : 0) + (scope.forces().empty() ? 0 : 1) + (scope.regions().empty() ? 0 : 1) != 1) {
    violations.Add("inspection.scope", "must either say all_forces, or list forces, or list regions");
  }
  ValidateForces(scope.forces(), "forces", violations);
  ValidateForces(scope.visited_forces(), "visited_forces", violations);
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < scope.regions_size(); ++i) {
    const std::string field = fmt::format("inspection.scope.regions[{}]", i);
    base::CheckName(field, scope.regions(i), 100, base::Presence::kRequired, violations);
    if (!seen.insert(scope.regions(i)).second) {
      violations.Add(field, fmt::format("{} is listed already", scope.regions(i)));
    }
  }
}

void ValidateJudgements(const Inspection& given, base::Violations& violations) {
  if (given.judgements_size() > kMostJudgements) {
    violations.Add("inspection.judgements",
                   fmt::format("has {} judgements; at most {} are allowed", given.judgements_size(), kMostJudgements));
    return;
  }
  for (int i = 0; i < given.judgements_size(); ++i) {
    const v1::Judgement& judgement = given.judgements(i);
    const std::string path = fmt::format("inspection.judgements[{}]", i);
    base::CheckName(path + ".question", judgement.question(), 300, base::Presence::kRequired, violations);
    base::CheckEnum(path + ".grade", judgement.grade(), v1::Grade_IsValid, base::Presence::kOptional, violations);
    if (!judgement.force().empty()) {
      base::CheckResourceName(path + ".force", judgement.force(), base::kForceName, violations);
    }
  }
}

void ValidateRelations(const Inspection& given, std::string_view name, base::Violations& violations) {
  if (given.relations_size() > kMostRelations) {
    violations.Add("inspection.relations",
                   fmt::format("has {} relations; at most {} are allowed", given.relations_size(), kMostRelations));
    return;
  }
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < given.relations_size(); ++i) {
    const v1::Relation& relation = given.relations(i);
    const std::string path = fmt::format("inspection.relations[{}]", i);
    base::CheckEnum(path + ".kind", relation.kind(), v1::Relation::Kind_IsValid, base::Presence::kRequired, violations);
    base::CheckResourceName(path + ".inspection", relation.inspection(), base::kInspectionName, violations);
    if (relation.inspection() == name) {
      violations.Add(path + ".inspection", "is this report itself");
    }
    if (!seen.insert(fmt::format("{} {}", static_cast<int>(relation.kind()), relation.inspection())).second) {
      violations.Add(path, "is said already");
    }
  }
  for (int i = 0; i < given.findings_size(); ++i) {
    for (int j = 0; j < given.findings(i).relations_size(); ++j) {
      if (const auto ids = base::ParseName(given.findings(i).relations(j).finding(), kFindingName);
          ids && base::MakeName(base::kInspectionName, {ids->front()}) == name) {
        violations.Add(fmt::format("inspection.findings[{}].relations[{}].finding", i, j),
                       "stands in this report: what is repeated was raised in an earlier one");
      }
    }
  }
  if (const size_t reports = RelatedReports(given).size(); reports > kMostRelatedReports) {
    violations.Add("inspection.relations",
                   fmt::format("name {} reports, with those of the findings; at most {} are allowed", reports,
                               kMostRelatedReports));
  }
}

// What a report can be addressed to, by name.
struct Known {
  explicit Known(const Register& all) {
    for (const v1::Force& force : all.forces) {
      forces.insert(force.name());
      regions.insert(force.region());
    }
    for (const v1::Body& body : all.bodies) {
      bodies.insert(body.name());
    }
  }
  absl::flat_hash_set<std::string> forces;
  absl::flat_hash_set<std::string> bodies;
  absl::flat_hash_set<std::string> regions;
};

}  // namespace

const google::protobuf::FieldMask& SettableFields() {
  static const google::protobuf::FieldMask* const fields = [] {
    auto* mask = new google::protobuf::FieldMask;
    for (const char* path : {"title", "short_title", "language", "kinds", "publishers", "publication_date", "url",
                             "basis", "scope", "findings", "judgements", "relations"}) {
      mask->add_paths(path);
    }
    return mask;
  }();
  return *fields;
}

void ValidateCreateInspection(const v1::CreateInspectionRequest& request, base::Violations& violations) {
  base::CheckResourceId("inspection_id", request.inspection_id(), violations);
  if (request.has_inspection()) {
    RequireTitle(request.inspection(), violations);
  } else {
    violations.Add("inspection", "is required");
  }
}

void ValidateUpdateInspection(const v1::UpdateInspectionRequest& request, base::Violations& violations) {
  if (request.update_mask().paths().empty()) {
    violations.Add("update_mask", "is required: the fields to set");
  }
  CheckMask(request, violations);
}

void ValidateMask(const v1::CorrectInspectionRequest& request, base::Violations& violations) {
  CheckMask(request, violations);
}

void CopyFields(const Inspection& from, const google::protobuf::FieldMask& mask, Inspection& to) {
  google::protobuf::FieldMask settable;
  FieldMaskUtil::Intersect(mask, SettableFields(), &settable);
  FieldMaskUtil::MergeOptions options;
  options.set_replace_message_fields(true);
  options.set_replace_repeated_fields(true);
  FieldMaskUtil::MergeMessageTo(from, settable, options, &to);
  ClearOutputOnly(*to.mutable_findings());
}

void ValidateInspection(const Inspection& given, std::string_view name, base::Violations& violations) {
  base::CheckName("inspection.title", given.title(), 500, base::Presence::kOptional, violations);
  base::CheckName("inspection.short_title", given.short_title(), 60, base::Presence::kOptional, violations);
  base::CheckEnum("inspection.language", given.language(), v1::Language_IsValid, base::Presence::kOptional, violations);
  for (int i = 0; i < given.kinds_size(); ++i) {
    base::CheckEnum(fmt::format("inspection.kinds[{}]", i), given.kinds(i), Inspection::Kind_IsValid,
                    base::Presence::kRequired, violations);
  }
  for (int i = 0; i < given.publishers_size(); ++i) {
    base::CheckName(fmt::format("inspection.publishers[{}]", i), given.publishers(i), 200, base::Presence::kRequired,
                    violations);
  }
  if (given.has_publication_date() && !base::IsMonth(given.publication_date()) &&
      !base::ToCivilDay(given.publication_date())) {
    violations.Add("inspection.publication_date", "must be a day that exists, or a year and a month");
  }
  base::CheckName("inspection.url", given.url(), 2000, base::Presence::kOptional, violations);
  if (!given.url().empty() && !IsWebAddress(given.url())) {
    violations.Add("inspection.url", "must be an address that begins with https:// or http://");
  }
  base::CheckEnum("inspection.basis", given.basis(), Inspection::Basis_IsValid, base::Presence::kOptional, violations);
  if (given.has_scope()) {
    ValidateScope(given.scope(), violations);
  }
  ValidateFindings(given.findings(), "inspection.findings", violations);
  ValidateJudgements(given, violations);
  ValidateRelations(given, name, violations);
}

std::vector<std::string> RelatedReports(const Inspection& given) {
  std::vector<std::string> ids;
  for (const v1::Relation& relation : given.relations()) {
    if (auto id = base::ParseName(relation.inspection(), base::kInspectionName)) {
      ids.push_back(std::move(id->front()));
    }
  }
  for (const Finding& finding : given.findings()) {
    for (const v1::FindingRelation& relation : finding.relations()) {
      if (auto id = base::ParseName(relation.finding(), kFindingName)) {
        ids.push_back(std::move(id->front()));
      }
    }
  }
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  return ids;
}

void ValidateReferences(const Inspection& given, const Register& registered, const Reports& related,
                        base::Violations& violations) {
  const Known known(registered);
  // What is malformed or missing has been said already.
  const auto require = [&](bool exists, const std::string& field, std::string_view name, std::string_view pattern) {
    if (!exists && base::ParseName(name, pattern)) {
      violations.Add(field, fmt::format("{} is not registered", name));
    }
  };
  const auto require_forces = [&](const auto& forces, std::string_view list) {
    for (int i = 0; i < forces.size(); ++i) {
      require(known.forces.contains(forces[i]), fmt::format("inspection.scope.{}[{}]", list, i), forces[i],
              base::kForceName);
    }
  };
  const auto require_region = [&](const std::string& region, const std::string& field) {
    if (!region.empty() && !known.regions.contains(region)) {
      violations.Add(field, fmt::format("no force lies in the region \"{}\"", region));
    }
  };
  require_forces(given.scope().forces(), "forces");
  require_forces(given.scope().visited_forces(), "visited_forces");
  for (int i = 0; i < given.scope().regions_size(); ++i) {
    require_region(given.scope().regions(i), fmt::format("inspection.scope.regions[{}]", i));
  }
  for (int i = 0; i < given.judgements_size(); ++i) {
    const std::string& force = given.judgements(i).force();
    require(known.forces.contains(force), fmt::format("inspection.judgements[{}].force", i), force, base::kForceName);
  }
  for (int i = 0; i < given.relations_size(); ++i) {
    const std::string& name = given.relations(i).inspection();
    require(related.contains(name), fmt::format("inspection.relations[{}].inspection", i), name, base::kInspectionName);
  }
  for (int i = 0; i < given.findings_size(); ++i) {
    const Finding& finding = given.findings(i);
    for (int j = 0; j < finding.addressees_size(); ++j) {
      const Addressee& addressee = finding.addressees(j);
      const std::string field = fmt::format("inspection.findings[{}].addressees[{}].name", i, j);
      if (addressee.kind() == Addressee::FORCE) {
        require(known.forces.contains(addressee.name()), field, addressee.name(), base::kForceName);
      } else if (addressee.kind() == Addressee::LOCAL_POLICING_BODY) {
        require(known.bodies.contains(addressee.name()), field, addressee.name(), base::kBodyName);
      } else if (addressee.kind() == Addressee::REGION) {
        require_region(addressee.name(), field);
      }
    }
    for (int j = 0; j < finding.relations_size(); ++j) {
      const std::string& name = finding.relations(j).finding();
      const auto ids = base::ParseName(name, kFindingName);
      const auto report = ids ? related.find(base::MakeName(base::kInspectionName, {ids->front()})) : related.end();
      const bool exists =
          report != related.end() && std::any_of(report->second.findings().begin(), report->second.findings().end(),
                                                 [&](const Finding& other) { return other.id() == ids->back(); });
      require(exists, fmt::format("inspection.findings[{}].relations[{}].finding", i, j), name, kFindingName);
    }
  }
}

void ValidateSize(const Inspection& inspection, const Register& registered, base::Violations& violations) {
  if (const size_t size = inspection.ByteSizeLong(); size > base::kLargestReport) {
    violations.Add("inspection",
                   fmt::format("is {} bytes long in all; at most {} are allowed: say less in the findings", size,
                               base::kLargestReport));
    return;
  }
  v1::InspectionPublished event;
  *event.mutable_inspection() = inspection;
  for (const v1::Force& force : registered.forces) {
    if (!inspection.has_scope() || IsConcerned(inspection.scope(), force)) {
      *event.add_obligations() = MakeObligation(inspection, {&force}, force, v1::Body());
    }
  }
  if (event.ByteSizeLong() > base::kLargestEvent) {
    violations.Add(
        "inspection.findings",
        fmt::format("with what each of {} bodies must answer, the report would be too large to be published: "
                    "say less, or give shorter ids",
                    event.obligations_size()));
  }
}

bool IsConcerned(const v1::Scope& scope, const v1::Force& force) {
  const auto lists = [](const auto& list, const std::string& one) {
    return std::find(list.begin(), list.end(), one) != list.end();
  };
  return (force.territorial() && (scope.all_forces() || lists(scope.regions(), force.region()))) ||
         lists(scope.forces(), force.name());
}

std::optional<absl::CivilDay> DayOf(const google::type::Date& publication_date) {
  if (base::IsMonth(publication_date)) {
    return absl::CivilDay(absl::CivilMonth(publication_date.year(), publication_date.month()) + 1) - 1;
  }
  return base::ToCivilDay(publication_date);
}

std::string PublicationDateText(const Inspection& inspection) {
  const google::type::Date& date = inspection.publication_date();
  if (!inspection.has_publication_date()) {
    return "";
  }
  return date.day() == 0 ? fmt::format("{:04}-{:02}", date.year(), date.month())
                         : fmt::format("{:04}-{:02}-{:02}", date.year(), date.month(), date.day());
}

}  // namespace section55::registry::rules
