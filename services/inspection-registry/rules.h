// Reports: what is valid, alone and beside what else is registered. What follows from their publication stands in life.h. Pure functions on
// the proto messages: no gRPC, no SQL, no clock.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "google/protobuf/field_mask.pb.h"
#include "libs/base/status.h"
#include "section55/registry/v1/events.pb.h"
#include "section55/registry/v1/inspection.pb.h"
#include "section55/registry/v1/inspection_registry.pb.h"
#include "services/inspection-registry/register.h"

namespace section55::registry::rules {

// The revision of a report as it is first published; a draft has none.
inline constexpr int kFirstRevision = 1;

// Every field that a caller may set, as an update mask names them.
const google::protobuf::FieldMask& SettableFields();

// What is wrong with the request around the report: its id, and that there is a report with a title.
void ValidateCreateInspection(const v1::CreateInspectionRequest& request, base::Violations& violations);

// What is wrong with the request around the report: a mask that is empty or names what cannot be set, a title that is
// to be cleared, two different etags.
void ValidateUpdateInspection(const v1::UpdateInspectionRequest& request, base::Violations& violations);
// The same for a correction, whose mask may be empty.
void ValidateMask(const v1::CorrectInspectionRequest& request, base::Violations& violations);

// Sets the fields of `to` that `mask` names to those of `from`, which may clear them; lists are replaced whole. What
// cannot be set is left alone.
void CopyFields(const v1::Inspection& from, const google::protobuf::FieldMask& mask, v1::Inspection& to);

// Everything that is wrong with what was given, each at its path "inspection. ...". What is missing is no mistake in a draft. Ids of
// findings are filled in already. `name` is the report's own name, which it cannot be related to.
void ValidateInspection(const v1::Inspection& given, std::string_view name, base::Violations& violations);

// What a report can be related to: other reports by name, each without its texts.
using Reports = absl::flat_hash_map<std::string, v1::Inspection>;

// The ids of the reports that `given` names in its relations and those of its findings, each once, sorted.
std::vector<std::string> RelatedReports(const v1::Inspection& given);

// Every force, body, region, report or finding that the report names well and that is not registered. A region that no force carries is
// a slip of the pen through which nobody would answer. `related` holds what there is of RelatedReports.
void ValidateReferences(const v1::Inspection& given, const Register& registered, const Reports& related,
                        base::Violations& violations);

// The report as a whole, after a change: that it is not larger than a report may be, and that the event of its publication, with what
// each body registered must answer, can be told.
void ValidateSize(const v1::Inspection& inspection, const Register& registered, base::Violations& violations);

// Whether the scope holds the force.
bool IsConcerned(const v1::Scope& scope, const v1::Force& force);

// The day to which the publication date amounts where one is needed: itself, or the last of its month. Nothing without a date.
std::optional<absl::CivilDay> DayOf(const google::type::Date& publication_date);

// "2020-12-17", "2020-12" or empty: text that sorts as the dates do, what is less exact before what is more.
std::string PublicationDateText(const v1::Inspection& inspection);

}  // namespace section55::registry::rules
