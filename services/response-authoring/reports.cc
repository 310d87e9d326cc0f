#include "services/response-authoring/reports.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "section55/authoring/v1/events.pb.h"
#include "services/response-authoring/gaps.h"
#include "services/response-authoring/life.h"
#include "services/response-authoring/rules.h"
#include "services/response-authoring/successions.h"
#include "services/response-authoring/views.h"

namespace section55::authoring {
namespace {

using registry::v1::Inspection;
using registry::v1::Obligation;
using store::ReportForm;
using store::StoredResponse;

std::string LastPart(std::string_view name) { return std::string(name.substr(name.rfind('/') + 1)); }

// The etag is that of the registry's own resource.
Inspection WithoutEtag(const Inspection& inspection) {
  Inspection report = inspection;
  report.clear_etag();
  return report;
}

std::vector<std::string> FindingNames(const Inspection& report) {
  std::vector<std::string> names;
  for (const auto& finding : report.findings()) {
    names.push_back(
        base::MakeName("inspections/{inspection}/findings/{finding}", {LastPart(report.name()), finding.id()}));
  }
  return names;
}

absl::StatusOr<std::optional<StoredResponse>> Find(db::Transaction& tx, std::string_view body,
                                                   std::string_view inspection) {
  absl::StatusOr<StoredResponse> stored = store::LoadResponse(tx, body, inspection, ReportForm::kFacts);
  if (absl::IsNotFound(stored.status())) {
    return std::nullopt;
  }
  RETURN_IF_ERROR(stored.status());
  return *std::move(stored);
}

// The response with which `body` meets its duty: its own, or that of a body in whose place it has come, which may be published, or not be
// handed over yet. Nothing where there is none: it is to be opened.
absl::StatusOr<std::optional<StoredResponse>> FindOwed(db::Transaction& tx, const registry::v1::Body& body,
                                                       std::string_view inspection) {
  ASSIGN_OR_RETURN(std::optional<StoredResponse> own, Find(tx, LastPart(body.name()), inspection));
  if (own) {
    return own;
  }
  for (const std::string& predecessor : body.predecessors()) {
    ASSIGN_OR_RETURN(std::optional<StoredResponse> earlier, Find(tx, LastPart(predecessor), inspection));
    if (earlier && earlier->response.state() != v1::Response::TRANSFERRED) {
      return earlier;
    }
  }
  return std::nullopt;
}

absl::Status OpenOne(db::Transaction& tx, const Cause& cause, const Inspection& report, const Obligation& obligation,
                     const Changes& changes) {
  StoredResponse stored;
  stored.response = rules::Open(report, obligation, changes.Now());
  stored.revision = report.revision();
  const absl::Status opened = changes.Open(tx, cause, stored);
  if (absl::IsAlreadyExists(opened)) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(opened);
  // Its body may have been succeeded already: the news of the report came late.
  return AwaitSuccession(tx, stored.response.body().name(), changes.jobs());
}

v1::ReportCorrection CorrectionOf(const Inspection& report, const std::string& reason, absl::Time now) {
  v1::ReportCorrection correction;
  correction.set_revision(report.revision());
  correction.set_reason(reason);
  *correction.mutable_time() = base::ToTimestamp(now);
  return correction;
}

absl::Status CorrectOne(db::Transaction& tx, const Cause& cause, const v1::ReportCorrection& correction,
                        const Inspection& report, const std::vector<std::string>& findings,
                        const Obligation& obligation, StoredResponse& stored, const Changes& changes) {
  const v1::Response before = stored.response;
  const std::vector<std::string> to_answer(obligation.findings_to_answer().begin(),
                                           obligation.findings_to_answer().end());
  const rules::Outcome outcome = rules::Correct(correction, report, findings, to_answer, stored.response);
  switch (outcome) {
    case rules::Outcome::kNothing:
      return absl::OkStatus();
    case rules::Outcome::kWaits:
      return changes.Save(tx, cause, before, stored, {});
    case rules::Outcome::kReopened: {
      stored.revision = report.revision();
      v1::ResponseOpened opened;
      *opened.mutable_response() = views::Basic(stored.response);
      *opened.mutable_response()->mutable_report() = report;
      RETURN_IF_ERROR(changes.Save(tx, cause, before, stored, {&opened}));
      return AwaitSuccession(tx, stored.response.body().name(), changes.jobs());
    }
    default: {
      stored.revision = report.revision();
      v1::ResponseCorrected corrected;
      corrected.set_response(stored.response.name());
      *corrected.mutable_correction() = correction;
      corrected.set_returned(outcome == rules::Outcome::kReturned);
      return changes.Save(tx, cause, before, stored, {&corrected});
    }
  }
}

absl::Status CloseOne(db::Transaction& tx, const Cause& cause, const v1::ReportCorrection& correction,
                      const v1::Closure& closure, StoredResponse& stored, const Changes& changes) {
  const v1::Response before = stored.response;
  if (!rules::Close(correction, closure, stored.response)) {
    return before.state() == v1::Response::APPROVED ? changes.Save(tx, cause, before, stored, {}) : absl::OkStatus();
  }
  v1::ResponseClosed closed;
  closed.set_response(stored.response.name());
  *closed.mutable_closure() = closure;
  return changes.Save(tx, cause, before, stored, {&closed});
}

// The report with its findings, which its withdrawal does not repeat: for when the registry has forgotten it.
absl::Status KeepWithdrawn(db::Transaction& tx, const std::string& id, Inspection withdrawn) {
  const absl::StatusOr<Inspection> before = store::LoadReport(tx, id, withdrawn.revision() - 1);
  if (absl::IsNotFound(before.status())) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(before.status());
  *withdrawn.mutable_findings() = before->findings();
  return store::KeepReport(tx, withdrawn);
}

v1::Closure ClosureOf(v1::Closure::Kind kind, const std::string& reason, absl::Time now) {
  v1::Closure closure;
  closure.set_kind(kind);
  closure.set_reason(reason);
  *closure.mutable_time() = base::ToTimestamp(now);
  return closure;
}

}  // namespace

absl::Status OnInspectionPublished(db::Transaction& tx, const Cause& cause,
                                   const registry::v1::InspectionPublished& published, const Changes& changes) {
  Inspection report = WithoutEtag(published.inspection());
  RETURN_IF_ERROR(store::KeepReport(tx, report));
  report.clear_findings();  // only in what was kept
  for (const Obligation& obligation : published.obligations()) {
    RETURN_IF_ERROR(OpenOne(tx, cause, report, obligation, changes));
  }
  return absl::OkStatus();
}

absl::Status OnInspectionCorrected(db::Transaction& tx, const Cause& cause,
                                   const registry::v1::InspectionCorrected& corrected, const Changes& changes) {
  Inspection report = WithoutEtag(corrected.inspection());
  RETURN_IF_ERROR(store::KeepReport(tx, report));
  const std::vector<std::string> findings = FindingNames(report);
  report.clear_findings();
  v1::ReportCorrection correction = CorrectionOf(report, corrected.reason(), changes.Now());
  *correction.mutable_changes() = corrected.changes();
  const std::string id = LastPart(report.name());
  for (const Obligation& obligation : corrected.obligations()) {
    ASSIGN_OR_RETURN(std::optional<StoredResponse> stored, FindOwed(tx, obligation.body(), id));
    if (stored && rules::Knows(stored->response, report)) {
      continue;
    }
    RETURN_IF_ERROR(stored ? CorrectOne(tx, cause, correction, report, findings, obligation, *stored, changes)
                           : OpenOne(tx, cause, report, obligation, changes));
  }
  for (const registry::v1::NotOwed& not_owed : corrected.not_owed()) {
    ASSIGN_OR_RETURN(std::optional<StoredResponse> stored, Find(tx, LastPart(not_owed.body()), id));
    if (stored && !rules::Knows(stored->response, report)) {
      RETURN_IF_ERROR(CloseOne(tx, cause, correction,
                               ClosureOf(v1::Closure::NOT_OWED, not_owed.reason(), changes.Now()), *stored, changes));
    }
  }
  return absl::OkStatus();
}

absl::Status OnInspectionWithdrawn(db::Transaction& tx, const Cause& cause,
                                   const registry::v1::InspectionWithdrawn& withdrawn, const Changes& changes) {
  const std::string id = LastPart(withdrawn.inspection().name());
  RETURN_IF_ERROR(KeepWithdrawn(tx, id, WithoutEtag(withdrawn.inspection())));
  const v1::ReportCorrection correction = CorrectionOf(withdrawn.inspection(), withdrawn.reason(), changes.Now());
  const v1::Closure closure = ClosureOf(v1::Closure::REPORT_WITHDRAWN, withdrawn.reason(), changes.Now());
  ASSIGN_OR_RETURN(const std::vector<std::string> bodies, store::OpenOfReport(tx, id));
  for (const std::string& body : bodies) {
    ASSIGN_OR_RETURN(StoredResponse stored, store::LoadResponse(tx, body, id, ReportForm::kFacts));
    if (!rules::Knows(stored.response, withdrawn.inspection())) {
      RETURN_IF_ERROR(CloseOne(tx, cause, correction, closure, stored, changes));
    }
  }
  return absl::OkStatus();
}

absl::Status TakeUpWaiting(db::Transaction& tx, StoredResponse& stored,
                           std::vector<std::unique_ptr<google::protobuf::Message>>& events) {
  if (!stored.response.has_waiting_correction()) {
    return absl::OkStatus();
  }
  v1::ReportCorrection correction = stored.response.waiting_correction();
  const v1::Closure closure = correction.closure();
  const std::vector<std::string> to_answer(correction.findings_to_answer().begin(),
                                           correction.findings_to_answer().end());
  correction.clear_closure();
  correction.clear_findings_to_answer();
  if (closure.kind() != v1::Closure::KIND_UNSPECIFIED) {
    rules::Close(correction, closure, stored.response);
    auto closed = std::make_unique<v1::ResponseClosed>();
    closed->set_response(stored.response.name());
    *closed->mutable_closure() = closure;
    events.push_back(std::move(closed));
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(Inspection report,
                   store::LoadReport(tx, LastPart(stored.response.inspection()), correction.revision()));
  const std::vector<std::string> findings = FindingNames(report);
  report.clear_findings();
  const rules::Outcome outcome = rules::Correct(correction, report, findings, to_answer, stored.response);
  stored.revision = correction.revision();
  auto corrected = std::make_unique<v1::ResponseCorrected>();
  corrected->set_response(stored.response.name());
  *corrected->mutable_correction() = correction;
  corrected->set_returned(outcome == rules::Outcome::kReturned);
  events.push_back(std::move(corrected));
  return absl::OkStatus();
}

}  // namespace section55::authoring
