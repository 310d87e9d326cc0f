// The domain of inspection-registry: what is valid, what may follow what, who owes a response. Pure functions on the
// proto messages: no gRPC, no SQL, no clock.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "google/protobuf/field_mask.pb.h"
#include "libs/base/status.h"
#include "libs/base/transitions.h"
#include "section55/registry/v1/events.pb.h"
#include "section55/registry/v1/inspection.pb.h"
#include "section55/registry/v1/inspection_registry.pb.h"

namespace section55::registry::rules {

// A force and the body that holds it to account, if one is registered. A list of all of them is the map on which a
// report's scope and addressees are found.
struct ForceAndBody {
  v1::Force force;
  std::optional<v1::Body> body;
};

// Every way there is. What is not here is not allowed.
inline constexpr base::Transitions<v1::Inspection::State, 2> kTransitions = {{
    {v1::Inspection::DRAFT, v1::Inspection::DRAFT, "UpdateInspection"},
    {v1::Inspection::DRAFT, v1::Inspection::PUBLISHED, "PublishInspection"},
}};

// The revision of a report as it is first published; a draft has none.
inline constexpr int kFirstRevision = 1;

void ValidateCreateForce(const v1::CreateForceRequest& request, base::Violations& violations);

// Whether the force exists is asked in the transaction.
void ValidateCreateBody(const v1::CreateBodyRequest& request, base::Violations& violations);

// Every field that a caller may set, as an update mask names them.
const google::protobuf::FieldMask& SettableFields();

// What is wrong with the request around the report: its id, and that there is a report with a title.
void ValidateCreateInspection(const v1::CreateInspectionRequest& request, base::Violations& violations);

// What is wrong with the request around the report: a mask that is empty or names what cannot be set, a title that is
// to be cleared, two different etags.
void ValidateUpdateInspection(const v1::UpdateInspectionRequest& request, base::Violations& violations);

// Sets the fields of `to` that `mask` names to those of `from`, which may clear them; lists are replaced whole. What
// cannot be set is left alone.
void CopyFields(const v1::Inspection& from, const google::protobuf::FieldMask& mask, v1::Inspection& to);

// Everything that is wrong with what was given, each at its path "inspection. ...". What is missing is no mistake in a draft. Ids of
// findings are filled in already.
void ValidateInspection(const v1::Inspection& given, base::Violations& violations);

// Every force, body or region that the report names well and that is not registered. A region that no force carries is
// a slip of the pen through which nobody would answer.
void ValidateReferences(const v1::Inspection& given, const std::vector<ForceAndBody>& registered,
                        base::Violations& violations);

// The report as a whole, after a change: that it is not larger than a report may be, and that the event of its publication, with what
// each body registered must answer, can be told.
void ValidateSize(const v1::Inspection& inspection, const std::vector<ForceAndBody>& registered,
                  base::Violations& violations);

// Whether a draft can be published on `today`, the London day: NOT_READY, naming everything that is missing, or that
// its publication date lies in the future.
absl::Status CheckReady(const v1::Inspection& inspection, absl::CivilDay today);

// Who owes a response to a complete report, by the body's name, each once: the bodies of all territorial forces, or
// those of the forces listed. FAILED_PRECONDITION (NO_BODY): a force concerned has none, or no force is concerned.
absl::StatusOr<std::vector<v1::Obligation>> ObligationsOf(const v1::Inspection& inspection,
                                                          const std::vector<ForceAndBody>& registered);

// The event of a report that is now published. NOT_READY: it is too large for the feed, as more bodies were registered since it was saved.
absl::StatusOr<v1::InspectionPublished> MakePublished(const v1::Inspection& inspection,
                                                      const std::vector<v1::Obligation>& obligations);

// "2020-12-17", "2020-12" or empty: text that sorts as the dates do, what is less exact before what is more.
std::string PublicationDateText(const v1::Inspection& inspection);

}  // namespace section55::registry::rules
