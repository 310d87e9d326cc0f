// The domain of publication: when something counts as published, and to whom copies of it are owed. Pure functions.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "libs/base/status.h"
#include "section55/authoring/v1/response.pb.h"
#include "section55/publication/v1/publication.pb.h"

namespace section55::publication::rules {

// The last lawful day to publish a response to this report: nothing where section 55(5A) sets none, because the
// response is not owed under section 55 or the report is older than the rule.
std::optional<absl::CivilDay> LastLawfulDay(const registry::v1::Inspection& report);

// What the record of an approved response says before its instant is known: of an edition that nobody has published yet. `earlier` is
// the record of the edition that is public, if there is one: when that body answered the report in the first place, and how late, is
// settled by its first edition. INVALID_ARGUMENT: the response has not the form in which response-authoring sends it.
absl::StatusOr<v1::PublicationRecord> Describe(const authoring::v1::Response& approved,
                                               const std::optional<v1::PublicationRecord>& earlier);

// What others remember of a publication whose record was lost: the instants of the first edition and of this one.
struct Remembered {
  std::optional<absl::Time> first = {};
  std::optional<absl::Time> edition = {};

  explicit operator bool() const { return first || edition; }
};

// The same, published at `now`: an instant at which everybody could read it already; or when it was published according to what is
// remembered, as nothing is ever dated anew. But for its content hash.
absl::StatusOr<v1::PublicationRecord> Publish(const authoring::v1::Response& approved,
                                              const std::optional<v1::PublicationRecord>& earlier, absl::Time now,
                                              const Remembered& remembered = {});

// The copies owed of what was published, by recipient kind: to the inspectors and the Secretary of State (section
// 55(6)), to the chief officer, to the scrutiny body if there is one, and to every other recipient. `recipients` are
// those valid on the day of publication, of this body or of every body; a body's own goes before one for every body, a
// later one before an earlier one. A copy is owed whether or not anybody has said where it goes.
std::vector<v1::Copy> CopiesOwed(const authoring::v1::Response& approved, const v1::PublicationRecord& record,
                                 const std::vector<v1::Recipient>& recipients);

// The last part of the name of a copy owed to that kind of recipient: "inspectorate". Empty for OTHER, whose copies
// bear the recipient's id.
std::string_view CopyId(v1::Copy::RecipientKind kind);

// Everything that is wrong with a recipient to be created.
void CheckRecipient(const v1::CreateRecipientRequest& request, base::Violations& violations);

}  // namespace section55::publication::rules
