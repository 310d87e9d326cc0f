// The findings of a report: their ids and what is wrong with them. Pure functions on the proto messages.
#pragma once

#include <string>
#include <string_view>

#include "google/protobuf/repeated_ptr_field.h"
#include "libs/base/status.h"
#include "section55/registry/v1/inspection.pb.h"

namespace section55::registry::rules {

using Findings = google::protobuf::RepeatedPtrField<v1::Finding>;

inline constexpr int kMostFindings = 500;

inline constexpr std::string_view kFindingName = "inspections/{inspection}/findings/{finding}";

// Gives every finding without an id the one made from its kind and number: "recommendation-5",
// "area-for-improvement-2a". What an id cannot hold in a number becomes a hyphen. Two that come out the same are for
// ValidateFindings to refuse: within a kind a report does not repeat a number, so it is a slip of the pen.
void FillFindingIds(Findings& findings);

// Takes off what only the service says of a finding: it is said when one is read, and not kept.
void ClearOutputOnly(Findings& findings);

// A finding as GetFinding and ListFindings show it: with its name, and what it says of its report.
v1::Finding ShownFinding(const v1::Inspection& inspection, const v1::Finding& finding);

// Everything that is wrong with the findings by themselves; their ids are filled in already. `field` is the path of the
// list: "inspection.findings".
void ValidateFindings(const Findings& findings, const std::string& field, base::Violations& violations);

}  // namespace section55::registry::rules
