// What happens to a response from outside: its report is corrected or withdrawn, another body comes in the place of its own, a name is put
// right. Pure functions on the proto messages.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "section55/authoring/v1/response.pb.h"
#include "section55/registry/v1/events.pb.h"

namespace section55::authoring::rules {

// Whether it waits to be approved or is being written: not published, not closed, not approved, not exempt.
bool IsOpen(const v1::Response& response);

// Whether the response has come to know of this revision of its report, or of a later one. The registry tells of revisions again when it
// was restored from a backup.
bool Knows(const v1::Response& response, const registry::v1::Inspection& report);

// What became of a response.
enum class Outcome {
  kNothing,   // it stays as it is
  kUpdated,   // it goes on with the report as corrected
  kReturned,  // the same, and went back from IN_REVIEW to OPEN: what must be answered is not what it was
  kReopened,  // it was closed and is owed again
  kWaits      // it is approved: the correction is taken up should publication refuse it
};

// The report was corrected to `report` (without its findings), and `findings_to_answer` are this body's from now on. Answers to findings
// that are no longer in the report go; the history keeps them. What is exempt stays so, and knows the report as corrected should it be
// owed after all. A published or transferred response stays as it is.
Outcome Correct(const v1::ReportCorrection& correction, const registry::v1::Inspection& report,
                const std::vector<std::string>& findings, const std::vector<std::string>& findings_to_answer,
                v1::Response& response);

// It is not owed any more. False: it stays as it is, or, approved, waits for what publication says.
bool Close(const v1::ReportCorrection& correction, const v1::Closure& closure, v1::Response& response);

// Another body comes in the place of the response's own: closes `response`, which is open, and returns the one that goes on with it, with
// all that was written. `force` is the one that the successor holds to account; empty: as before.
absl::StatusOr<v1::Response> Transfer(const registry::v1::Body& successor, const registry::v1::Force& force,
                                      const std::string& reason, absl::Time now, v1::Response& response);

// The successor answers the report already: what it has not written itself is taken over from `transferred`. Nothing but the trace of
// it where it is not being written any more.
void Join(const v1::Response& transferred, v1::Response& response);

// The body or force is called otherwise now, or is another force. Nothing when the response is approved or over.
bool PutRight(const registry::v1::Body& body, v1::Response& response);
bool PutRight(const registry::v1::Force& force, v1::Response& response);

}  // namespace section55::authoring::rules
