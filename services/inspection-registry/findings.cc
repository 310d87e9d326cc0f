#include "services/inspection-registry/findings.h"

#include <fmt/format.h>

#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "libs/base/checks.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/document/check.h"

namespace section55::registry::rules {
namespace {

using v1::Addressee;
using v1::Due;
using v1::Finding;

// The first finding that has an id, by that id.
using FindingsById = absl::flat_hash_map<std::string, const Finding*>;

std::string_view SlugOf(Finding::Kind kind) {
  switch (kind) {
    case Finding::CAUSE_OF_CONCERN:
      return "cause-of-concern";
    case Finding::RECOMMENDATION:
      return "recommendation";
    case Finding::AREA_FOR_IMPROVEMENT:
      return "area-for-improvement";
    case Finding::PRACTICE:
      return "practice";
    default:
      return "";
  }
}

// Adds a number as printed, "2a" or "3(b)", in the characters of an id, after a hyphen.
void AppendNumber(std::string& id, std::string_view number) {
  bool gap = true;
  for (char c : number) {
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
    const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (fits) {
      id += gap ? "-" : "";
      id += c;
    }
    gap = !fits;
  }
}

void ValidateAddressee(const Addressee& addressee, const std::string& field, base::Violations& violations) {
  base::CheckEnum(field + ".kind", addressee.kind(), Addressee::Kind_IsValid, base::Presence::kRequired, violations);
  const std::string name_field = field + ".name";
  switch (addressee.kind()) {
    case Addressee::KIND_UNSPECIFIED:
      break;
    case Addressee::FORCE:
      base::CheckResourceName(name_field, addressee.name(), base::kForceName, violations);
      break;
    case Addressee::LOCAL_POLICING_BODY:
      base::CheckResourceName(name_field, addressee.name(), base::kBodyName, violations);
      break;
    case Addressee::REGION:
    case Addressee::CONDITIONAL:
    case Addressee::OTHER:
      base::CheckName(name_field, addressee.name(), 500, base::Presence::kRequired, violations);
      break;
    default:
      if (!addressee.name().empty()) {
        violations.Add(name_field, "must be empty: the kind says it all");
      }
  }
}

void ValidateDue(const Due& due, const std::string& field, base::Violations& violations) {
  base::CheckEnum(field + ".precision", due.precision(), Due::Precision_IsValid, base::Presence::kRequired, violations);
  const std::string date_field = field + ".date";
  switch (due.precision()) {
    case Due::DAY:
      if (!base::ToCivilDay(due.date())) {
        violations.Add(date_field, "must be a day that exists: year, month and day");
      }
      break;
    case Due::MONTH:
      if (!base::IsMonth(due.date())) {
        violations.Add(date_field, "must be a year and a month without a day");
      }
      break;
    case Due::IMMEDIATE:
    case Due::RELATIVE:
      if (due.has_date()) {
        violations.Add(date_field, "must not be set unless the report prints a day or a month");
      }
      break;
    default:
      break;
  }
  base::CheckName(field + ".words", due.words(), 200,
                  due.precision() == Due::RELATIVE ? base::Presence::kRequired : base::Presence::kOptional, violations);
  base::CheckName(field + ".set_by", due.set_by(), 200, base::Presence::kOptional, violations);
  if (!due.set_by().empty() && !due.words().empty()) {
    violations.Add(field + ".set_by",
                   "is for a date that the report does not print: then there are no words as printed");
  }
}

void ValidateThemes(const Finding& finding, const std::string& path, base::Violations& violations) {
  constexpr int kMostThemes = 20;
  if (finding.themes_size() > kMostThemes) {
    violations.Add(path + ".themes",
                   fmt::format("has {} themes; at most {} are allowed", finding.themes_size(), kMostThemes));
    return;
  }
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < finding.themes_size(); ++i) {
    const std::string field = fmt::format("{}.themes[{}]", path, i);
    base::CheckName(field, finding.themes(i), 100, base::Presence::kRequired, violations);
    if (!seen.insert(finding.themes(i)).second) {
      violations.Add(field, fmt::format("\"{}\" is listed already", finding.themes(i)));
    }
  }
}

void ValidateRelations(const Finding& finding, const std::string& path, base::Violations& violations) {
  constexpr int kMostRelations = 20;
  if (finding.relations_size() > kMostRelations) {
    violations.Add(path + ".relations",
                   fmt::format("has {} relations; at most {} are allowed", finding.relations_size(), kMostRelations));
    return;
  }
  absl::flat_hash_set<std::string> seen;
  for (int i = 0; i < finding.relations_size(); ++i) {
    const v1::FindingRelation& relation = finding.relations(i);
    const std::string field = fmt::format("{}.relations[{}]", path, i);
    base::CheckEnum(field + ".kind", relation.kind(), v1::FindingRelation::Kind_IsValid, base::Presence::kRequired,
                    violations);
    base::CheckResourceName(field + ".finding", relation.finding(), kFindingName, violations);
    if (!seen.insert(relation.finding()).second) {
      violations.Add(field + ".finding", "is named already");
    }
  }
}

// Whether the way up from `finding` comes back to it.
bool IsOwnAncestor(const Finding& finding, const FindingsById& by_id) {
  const Finding* ancestor = &finding;
  for (size_t steps = 0; steps < by_id.size(); ++steps) {
    const auto parent = by_id.find(ancestor->parent());
    if (parent == by_id.end()) {
      return false;
    }
    ancestor = parent->second;
    if (ancestor == &finding) {
      return true;
    }
  }
  return false;
}

void ValidateParent(const Finding& finding, const FindingsById& by_id, const std::string& field,
                    base::Violations& violations) {
  if (finding.parent().empty()) {
    return;
  }
  if (!by_id.contains(finding.parent())) {
    violations.Add(field, fmt::format("no finding of this report has the id \"{}\"", finding.parent()));
  } else if (IsOwnAncestor(finding, by_id)) {
    violations.Add(field, "a finding cannot stand under itself, nor do so through others");
  }
}

}  // namespace

void ClearOutputOnly(Findings& findings) {
  for (Finding& finding : findings) {
    finding.clear_name();
    finding.clear_inspection_title();
    finding.clear_publication_date();
    finding.clear_inspection_state();
  }
}

Finding ShownFinding(const v1::Inspection& inspection, const Finding& finding) {
  Finding shown = finding;
  shown.set_name(fmt::format("{}/findings/{}", inspection.name(), finding.id()));
  shown.set_inspection_title(inspection.short_title().empty() ? inspection.title() : inspection.short_title());
  if (inspection.has_publication_date()) {
    *shown.mutable_publication_date() = inspection.publication_date();
  }
  shown.set_inspection_state(inspection.state());
  return shown;
}

void FillFindingIds(Findings& findings) {
  for (Finding& finding : findings) {
    const std::string_view slug = SlugOf(finding.kind());
    if (!finding.id().empty() || slug.empty()) {
      continue;
    }
    std::string id(slug);
    AppendNumber(id, finding.number());
    finding.set_id(std::move(id));
  }
}

void ValidateFindings(const Findings& findings, const std::string& field, base::Violations& violations) {
  if (findings.size() > kMostFindings) {
    // Nothing is said about each of them: the answer would be as long as the list.
    violations.Add(field, fmt::format("has {} findings; at most {} are allowed", findings.size(), kMostFindings));
    return;
  }
  FindingsById by_id;
  for (int i = 0; i < findings.size(); ++i) {
    const Finding& finding = findings[i];
    const std::string path = fmt::format("{}[{}]", field, i);
    base::CheckEnum(path + ".kind", finding.kind(), Finding::Kind_IsValid, base::Presence::kRequired, violations);
    // Without an id no kind was given, and that has been said.
    if (!finding.id().empty()) {
      base::CheckResourceId(path + ".id", finding.id(), violations);
      if (!by_id.emplace(finding.id(), &finding).second) {
        violations.Add(path + ".id", fmt::format("\"{}\" is the id of an earlier finding; give one of them another id",
                                                 finding.id()));
      }
    }
    base::CheckName(path + ".number", finding.number(), 20, base::Presence::kOptional, violations);
    document::CheckMarkdown(path + ".text", finding.text(), 20'000, base::Presence::kRequired, violations);
    base::CheckName(path + ".summary", finding.summary(), 80, base::Presence::kOptional, violations);
    document::CheckMarkdown(path + ".introduction", finding.introduction(), 20'000, base::Presence::kOptional,
                            violations);
    ValidateThemes(finding, path, violations);
    base::CheckEnum(path + ".language", finding.language(), v1::Language_IsValid, base::Presence::kOptional,
                    violations);
    base::CheckEnum(path + ".grade", finding.grade(), v1::Grade_IsValid, base::Presence::kOptional, violations);
    if (finding.accelerated() && finding.kind() != Finding::CAUSE_OF_CONCERN) {
      violations.Add(path + ".accelerated", "is said of causes of concern only");
    }
    ValidateRelations(finding, path, violations);
    if (finding.kind() == Finding::RECOMMENDATION && finding.addressees().empty()) {
      violations.Add(path + ".addressees", "a recommendation needs at least one");
    }
    for (int j = 0; j < finding.addressees_size(); ++j) {
      ValidateAddressee(finding.addressees(j), fmt::format("{}.addressees[{}]", path, j), violations);
    }
    if (finding.has_due()) {
      ValidateDue(finding.due(), path + ".due", violations);
    }
  }
  for (int i = 0; i < findings.size(); ++i) {
    ValidateParent(findings[i], by_id, fmt::format("{}[{}].parent", field, i), violations);
  }
}

}  // namespace section55::registry::rules
