#include "services/response-authoring/life.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "google/protobuf/util/message_differencer.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "services/response-authoring/rules.h"

namespace section55::authoring::rules {
namespace {

using google::protobuf::util::MessageDifferencer;
using v1::Response;

std::string FindingId(std::string_view name) { return std::string(name.substr(name.rfind('/') + 1)); }

// Whether somebody who answers, or approves answers, has something else before them now.
bool ConcernsAnswers(const v1::ReportCorrection& correction, const std::vector<std::string>& to_answer,
                     const Response& response) {
  if (!std::equal(to_answer.begin(), to_answer.end(), response.findings_to_answer().begin(),
                  response.findings_to_answer().end())) {
    return true;
  }
  constexpr std::string_view kFindings = "findings/";
  for (const registry::v1::Change& change : correction.changes()) {
    const std::string_view part = change.part();
    if (part.starts_with(kFindings) && std::any_of(to_answer.begin(), to_answer.end(), [&](const std::string& name) {
          return FindingId(name) == part.substr(kFindings.size());
        })) {
      return true;
    }
  }
  return false;
}

// Now, or once its exemption is revoked.
bool MayBeWritten(const Response& response) { return IsOpen(response) || response.state() == Response::EXEMPT; }

// What is lost when somebody else has to look at it anew.
void ClearSteps(Response& response) {
  response.clear_submission();
  response.clear_last_return();
  response.clear_approval();
  response.clear_bypass();
  response.clear_marks();
  response.clear_refusal();
  response.clear_publish_time();
}

// False when it is the same already.
template <typename Fact>
bool Replace(const Fact& fact, Fact& here) {
  Fact now = fact;
  now.clear_etag();
  if (MessageDifferencer::Equals(now, here)) {
    return false;
  }
  here = std::move(now);
  return true;
}

}  // namespace

bool IsOpen(const Response& response) {
  return response.state() == Response::OPEN || response.state() == Response::IN_REVIEW;
}

bool Knows(const Response& response, const registry::v1::Inspection& report) {
  if (response.has_waiting_correction() && response.waiting_correction().revision() >= report.revision()) {
    return true;
  }
  const auto place = [](const registry::v1::Inspection& one) {
    return std::make_pair(base::FromTimestamp(one.update_time()), one.revision());
  };
  return place(response.report()) >= place(report);
}

Outcome Correct(const v1::ReportCorrection& correction, const registry::v1::Inspection& report,
                const std::vector<std::string>& findings, const std::vector<std::string>& findings_to_answer,
                Response& response) {
  if (response.state() == Response::APPROVED) {
    *response.mutable_waiting_correction() = correction;
    response.mutable_waiting_correction()->mutable_findings_to_answer()->Assign(findings_to_answer.begin(),
                                                                                findings_to_answer.end());
    return Outcome::kWaits;
  }
  const Response::State before = response.state();
  if (!IsOpen(response) && before != Response::WITHDRAWN && before != Response::EXEMPT) {
    return Outcome::kNothing;
  }
  const bool concerns_answers = ConcernsAnswers(correction, findings_to_answer, response);
  *response.mutable_correction() = correction;
  response.clear_waiting_correction();
  *response.mutable_report() = report;
  response.mutable_findings_to_answer()->Assign(findings_to_answer.begin(), findings_to_answer.end());
  const std::set<std::string_view> there(findings.begin(), findings.end());
  auto& answers = *response.mutable_answers();
  answers.erase(std::remove_if(answers.begin(), answers.end(),
                               [&](const v1::Answer& answer) { return !there.contains(answer.finding()); }),
                answers.end());
  if (response.has_chief_officer()) {
    for (v1::Contribution& contribution : *response.mutable_chief_officer()->mutable_contributions()) {
      if (!there.contains(contribution.finding())) {
        contribution.clear_finding();  // what the officer said stays said, on the report as a whole
      }
    }
  }
  if (before == Response::WITHDRAWN) {
    response.clear_closure();
    response.clear_exemption();
    ClearSteps(response);
    base::Move(kTransitions, response, Response::OPEN).IgnoreError();
    return Outcome::kReopened;
  }
  if (before == Response::IN_REVIEW && concerns_answers) {
    response.clear_submission();
    v1::Step& returned = *response.mutable_last_return();
    returned.set_actor("services/inspection-registry");
    *returned.mutable_time() = correction.time();
    returned.set_reason(fmt::format("The report was corrected: {}", correction.reason()));
    base::Move(kTransitions, response, Response::OPEN).IgnoreError();
    return Outcome::kReturned;
  }
  return Outcome::kUpdated;
}

bool Close(const v1::ReportCorrection& correction, const v1::Closure& closure, Response& response) {
  if (response.state() == Response::APPROVED) {
    *response.mutable_waiting_correction() = correction;
    *response.mutable_waiting_correction()->mutable_closure() = closure;
    return false;
  }
  if (!base::Move(kTransitions, response, Response::WITHDRAWN).ok()) {
    return false;
  }
  *response.mutable_closure() = closure;
  response.clear_waiting_correction();
  return true;
}

absl::StatusOr<Response> Transfer(const registry::v1::Body& successor, const registry::v1::Force& force,
                                  const std::string& reason, absl::Time now, Response& response) {
  const auto ids = base::ParseName(response.name(), base::kResponseName);
  if (!ids || !IsOpen(response)) {
    return base::WrongState(response.name(), Response::State_Name(response.state()), "OPEN or IN_REVIEW");
  }
  Response next = response;
  next.set_name(fmt::format("{}/responses/{}", successor.name(), (*ids)[1]));
  *next.mutable_body() = successor;
  next.mutable_body()->clear_etag();
  if (!force.name().empty()) {
    *next.mutable_force() = force;
    next.mutable_force()->clear_etag();
  }
  next.add_transferred_from(response.name());
  ClearSteps(next);
  next.set_state(Response::OPEN);
  *next.mutable_create_time() = base::ToTimestamp(now);
  *next.mutable_update_time() = base::ToTimestamp(now);

  v1::Closure& closure = *response.mutable_closure();
  closure.set_kind(v1::Closure::BODY_SUCCEEDED);
  closure.set_reason(reason);
  *closure.mutable_time() = base::ToTimestamp(now);
  closure.set_transferred_to(next.name());
  RETURN_IF_ERROR(base::Move(kTransitions, response, Response::TRANSFERRED));
  return next;
}

void Join(const Response& transferred, Response& response) {
  response.add_transferred_from(transferred.name());
  if (response.state() != Response::OPEN) {
    return;
  }
  const auto take = [](const std::string& from, std::string* to) {
    if (to->empty()) {
      *to = from;
    }
  };
  take(transferred.key_findings(), response.mutable_key_findings());
  take(transferred.comments(), response.mutable_comments());
  take(transferred.reply_to_chief_officer(), response.mutable_reply_to_chief_officer());
  take(transferred.monitoring(), response.mutable_monitoring());
  if (!response.has_signatory() && transferred.has_signatory()) {
    *response.mutable_signatory() = transferred.signatory();
  }
  const auto add_missing = [](const auto& from, auto& to, auto key_of) {
    for (const auto& item : from) {
      if (std::none_of(to.begin(), to.end(), [&](const auto& other) { return key_of(other) == key_of(item); })) {
        *to.Add() = item;
      }
    }
  };
  const auto itself = [](const std::string& name) -> const std::string& { return name; };
  add_missing(transferred.findings_to_answer(), *response.mutable_findings_to_answer(), itself);
  // Two chief officers may both have a contribution-1: the joiner's get the name of their body before it, in what adopts them too.
  const auto ids = base::ParseName(transferred.name(), base::kResponseName);
  const auto id_here = [&](const std::string& id) {
    constexpr size_t kLongestId = 63;
    return fmt::format("{}-{}", ids ? (*ids)[0] : "earlier", id).substr(0, kLongestId);
  };
  v1::Response taken = transferred;
  for (v1::Answer& answer : *taken.mutable_answers()) {
    for (std::string& id : *answer.mutable_adopted_contributions()) {
      id = id_here(id);
    }
  }
  add_missing(taken.answers(), *response.mutable_answers(),
              [](const v1::Answer& answer) -> const std::string& { return answer.finding(); });
  add_missing(transferred.writers(), *response.mutable_writers(),
              [](const v1::Writer& writer) -> const std::string& { return writer.person(); });
  for (const v1::Contribution& contribution : transferred.chief_officer().contributions()) {
    v1::Contribution& added = *response.mutable_chief_officer()->add_contributions();
    added = contribution;
    added.set_id(id_here(contribution.id()));
  }
  if (!transferred.chief_officer().contributions().empty()) {
    response.mutable_chief_officer()->clear_no_comments_time();
    *response.mutable_chief_officer()->mutable_commented_time() = transferred.chief_officer().commented_time();
  }
}

bool PutRight(const registry::v1::Body& body, Response& response) {
  return MayBeWritten(response) && Replace(body, *response.mutable_body());
}

bool PutRight(const registry::v1::Force& force, Response& response) {
  return MayBeWritten(response) && Replace(force, *response.mutable_force());
}

}  // namespace section55::authoring::rules
