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

namespace section55::registry::rules {
namespace {

using google::protobuf::util::FieldMaskUtil;
using v1::Addressee;
using v1::Finding;
using v1::Inspection;

absl::Status NotReady(std::string_view name, std::string_view why,
                      const std::map<std::string, std::string>& metadata = {}) {
  return base::Error(absl::StatusCode::kFailedPrecondition, "NOT_READY",
                     fmt::format("{} cannot be published: {}", name, why), metadata);
}

bool StartsWith(std::string_view text, std::string_view lower_case_prefix) {
  return text.size() >= lower_case_prefix.size() &&
         std::equal(lower_case_prefix.begin(), lower_case_prefix.end(), text.begin(),
                    [](char prefix, char c) { return prefix == (c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c); });
}

// An absolute web address, as far as a record needs to know: the scheme, some host, and nothing that would end a link
// early.
bool IsWebAddress(std::string_view url) {
  for (const std::string_view scheme : {"https://", "http://"}) {
    if (StartsWith(url, scheme)) {
      const std::string_view host = url.substr(scheme.size(), url.find_first_of("/?#", scheme.size()) - scheme.size());
      return !host.empty() && host.front() != ':' && url.find_first_of(" \t\n\"<>\\^`{|}") == std::string_view::npos;
    }
  }
  return false;
}

// A report cannot be without a title, even as a draft. How long it is and what stands in it is looked at with the rest.
void RequireTitle(const Inspection& inspection, base::Violations& violations) {
  if (base::IsBlank(inspection.title())) {
    violations.Add("inspection.title", "is required");
  }
}

void ValidateScope(const v1::Scope& scope, base::Violations& violations) {
  if (scope.all_forces() == !scope.forces().empty()) {
    violations.Add("inspection.scope", "must either say all_forces or list forces");
  }
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < scope.forces_size(); ++i) {
    const std::string field = fmt::format("inspection.scope.forces[{}]", i);
    base::CheckResourceName(field, scope.forces(i), base::kForceName, violations);
    if (!seen.insert(scope.forces(i)).second) {
      violations.Add(field, fmt::format("{} is listed already", scope.forces(i)));
    }
  }
}

// What a report can be addressed to, by name.
struct Registered {
  explicit Registered(const std::vector<ForceAndBody>& all) {
    for (const ForceAndBody& one : all) {
      forces.insert(one.force.name());
      regions.insert(one.force.region());
      if (one.body) {
        bodies.insert(one.body->name());
      }
    }
  }
  absl::flat_hash_set<std::string> forces;
  absl::flat_hash_set<std::string> bodies;
  absl::flat_hash_set<std::string> regions;
};

// Section 55(5B) asks a body for an answer to a recommendation made to it or to its chief officer, alone or with
// others. Every body answers a conditional one, if only to say that the condition does not hold.
bool Concerns(const Addressee& addressee, const v1::Force& force, const v1::Body& body) {
  switch (addressee.kind()) {
    case Addressee::ALL_CHIEF_CONSTABLES:
    case Addressee::ALL_LOCAL_POLICING_BODIES:
    case Addressee::CHIEF_CONSTABLES_AND_LOCAL_POLICING_BODIES:
    case Addressee::CONDITIONAL:
      return true;
    case Addressee::FORCE:
      return addressee.name() == force.name();
    case Addressee::LOCAL_POLICING_BODY:
      return addressee.name() == body.name();
    case Addressee::REGION:
      return addressee.name() == force.region();
    default:
      return false;
  }
}

bool IsConcerned(const v1::Scope& scope, const v1::Force& force) {
  return (scope.all_forces() && force.territorial()) ||
         std::find(scope.forces().begin(), scope.forces().end(), force.name()) != scope.forces().end();
}

v1::Obligation MakeObligation(const Inspection& inspection, const v1::Force& force, const v1::Body& body) {
  v1::Obligation obligation;
  *obligation.mutable_body() = body;
  *obligation.mutable_force() = force;
  for (const Finding& finding : inspection.findings()) {
    const auto concerns = [&](const Addressee& addressee) { return Concerns(addressee, force, body); };
    if (finding.kind() == Finding::RECOMMENDATION &&
        std::any_of(finding.addressees().begin(), finding.addressees().end(), concerns)) {
      obligation.add_findings_to_answer(fmt::format("{}/findings/{}", inspection.name(), finding.id()));
    }
  }
  return obligation;
}

}  // namespace

void ValidateCreateForce(const v1::CreateForceRequest& request, base::Violations& violations) {
  base::CheckResourceId("force_id", request.force_id(), violations);
  if (!request.has_force()) {
    violations.Add("force", "is required");
    return;
  }
  const v1::Force& force = request.force();
  base::CheckName("force.display_name", force.display_name(), 200, base::Presence::kRequired, violations);
  base::CheckName("force.chief_officer_title", force.chief_officer_title(), 100, base::Presence::kRequired, violations);
  base::CheckName("force.region", force.region(), 100, base::Presence::kOptional, violations);
}

void ValidateCreateBody(const v1::CreateBodyRequest& request, base::Violations& violations) {
  base::CheckResourceId("body_id", request.body_id(), violations);
  if (!request.has_body()) {
    violations.Add("body", "is required");
    return;
  }
  const v1::Body& body = request.body();
  base::CheckName("body.display_name", body.display_name(), 200, base::Presence::kRequired, violations);
  base::CheckEnum("body.kind", body.kind(), v1::Body::Kind_IsValid, base::Presence::kRequired, violations);
  base::CheckResourceName("body.force", body.force(), base::kForceName, violations);
  base::CheckName("body.scrutiny_body", body.scrutiny_body(), 200, base::Presence::kOptional, violations);
}

const google::protobuf::FieldMask& SettableFields() {
  static const google::protobuf::FieldMask* const fields = [] {
    auto* mask = new google::protobuf::FieldMask;
    for (const char* path : {"title", "kinds", "publishers", "publication_date", "url", "basis", "scope", "findings"}) {
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
  const auto& paths = request.update_mask().paths();
  if (paths.empty()) {
    violations.Add("update_mask", "is required: the fields to set");
  }
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

void CopyFields(const Inspection& from, const google::protobuf::FieldMask& mask, Inspection& to) {
  google::protobuf::FieldMask settable;
  FieldMaskUtil::Intersect(mask, SettableFields(), &settable);
  FieldMaskUtil::MergeOptions options;
  options.set_replace_message_fields(true);
  options.set_replace_repeated_fields(true);
  FieldMaskUtil::MergeMessageTo(from, settable, options, &to);
}

void ValidateInspection(const Inspection& given, base::Violations& violations) {
  base::CheckName("inspection.title", given.title(), 500, base::Presence::kOptional, violations);
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
}

void ValidateReferences(const Inspection& given, const std::vector<ForceAndBody>& registered,
                        base::Violations& violations) {
  const Registered known(registered);
  // What is malformed or missing has been said already.
  const auto require = [&](bool exists, const std::string& field, std::string_view name, std::string_view pattern) {
    if (!exists && base::ParseName(name, pattern)) {
      violations.Add(field, fmt::format("{} is not registered", name));
    }
  };
  for (int i = 0; i < given.scope().forces_size(); ++i) {
    const std::string& name = given.scope().forces(i);
    require(known.forces.contains(name), fmt::format("inspection.scope.forces[{}]", i), name, base::kForceName);
  }
  for (int i = 0; i < given.findings_size(); ++i) {
    for (int j = 0; j < given.findings(i).addressees_size(); ++j) {
      const Addressee& addressee = given.findings(i).addressees(j);
      const std::string field = fmt::format("inspection.findings[{}].addressees[{}].name", i, j);
      if (addressee.kind() == Addressee::FORCE) {
        require(known.forces.contains(addressee.name()), field, addressee.name(), base::kForceName);
      } else if (addressee.kind() == Addressee::LOCAL_POLICING_BODY) {
        require(known.bodies.contains(addressee.name()), field, addressee.name(), base::kBodyName);
      } else if (addressee.kind() == Addressee::REGION && !addressee.name().empty() &&
                 !known.regions.contains(addressee.name())) {
        violations.Add(field, fmt::format("no force lies in the region \"{}\"", addressee.name()));
      }
    }
  }
}

void ValidateSize(const Inspection& inspection, const std::vector<ForceAndBody>& registered,
                  base::Violations& violations) {
  if (const size_t size = inspection.ByteSizeLong(); size > base::kLargestReport) {
    violations.Add("inspection",
                   fmt::format("is {} bytes long in all; at most {} are allowed: say less in the findings", size,
                               base::kLargestReport));
    return;
  }
  v1::InspectionPublished event;
  *event.mutable_inspection() = inspection;
  for (const auto& [force, body] : registered) {
    if (!inspection.has_scope() || IsConcerned(inspection.scope(), force)) {
      *event.add_obligations() = MakeObligation(inspection, force, body.value_or(v1::Body()));
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

absl::Status CheckReady(const Inspection& inspection, absl::CivilDay today) {
  std::string missing;
  const auto need = [&](bool present, std::string_view field) {
    if (!present) {
      missing += fmt::format("{}{}", missing.empty() ? "" : ", ", field);
    }
  };
  const std::optional<absl::CivilDay> published = base::ToCivilDay(inspection.publication_date());
  need(!inspection.title().empty(), "title");
  need(!inspection.kinds().empty(), "kinds");
  need(!inspection.publishers().empty(), "publishers");
  need(published.has_value(), "publication_date");
  need(inspection.basis() != Inspection::BASIS_UNSPECIFIED, "basis");
  need(inspection.has_scope(), "scope");
  if (!missing.empty()) {
    return NotReady(inspection.name(), fmt::format("it lacks {}{}", missing, published ? "" : " (in full)"),
                    {{"missing", missing}});
  }
  if (*published > today) {
    return NotReady(inspection.name(),
                    fmt::format("its publication date {} lies in the future", PublicationDateText(inspection)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<v1::Obligation>> ObligationsOf(const Inspection& inspection,
                                                          const std::vector<ForceAndBody>& registered) {
  std::vector<v1::Obligation> obligations;
  std::string without_body;
  for (const auto& [force, body] : registered) {
    if (!IsConcerned(inspection.scope(), force)) {
      continue;
    }
    if (body) {
      obligations.push_back(MakeObligation(inspection, force, *body));
    } else {
      without_body += fmt::format("{}{}", without_body.empty() ? "" : ", ", force.name());
    }
  }
  if (!without_body.empty() || obligations.empty()) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "NO_BODY",
                       without_body.empty()
                           ? fmt::format("no force that {} concerns has a body", inspection.name())
                           : fmt::format("{} concerns forces that have no body: {}", inspection.name(), without_body),
                       {{"forces", without_body}});
  }
  std::sort(obligations.begin(), obligations.end(),
            [](const auto& a, const auto& b) { return a.body().name() < b.body().name(); });
  return obligations;
}

absl::StatusOr<v1::InspectionPublished> MakePublished(const Inspection& inspection,
                                                      const std::vector<v1::Obligation>& obligations) {
  v1::InspectionPublished event;
  *event.mutable_inspection() = inspection;
  event.mutable_obligations()->Assign(obligations.begin(), obligations.end());
  if (event.ByteSizeLong() > base::kLargestEvent) {
    return NotReady(inspection.name(), "with what each body must answer it is too large; say less in the findings");
  }
  return event;
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
