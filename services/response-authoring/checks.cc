#include "services/response-authoring/checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "libs/base/limits.h"
#include "libs/base/proto_time.h"
#include "services/response-authoring/gaps.h"

namespace section55::authoring::rules {
namespace {

// What a field's tag and length take in a serialised message, at most.
constexpr size_t kFieldRoom = 6;

size_t FrameBytes(const v1::Response& response) {
  return response.ByteSizeLong() - response.report().ByteSizeLong() -
         std::min(OfficeBytes(response) + ForceBytes(response), response.ByteSizeLong());
}

}  // namespace

v1::Step StepBy(const Doer& doer, std::string_view reason) {
  v1::Step step;
  step.set_actor(doer.actor);
  *step.mutable_time() = base::ToTimestamp(doer.now);
  step.set_reason(std::string(reason));
  return step;
}

void NoteWriter(const Doer& doer, v1::Response& response) {
  auto& writers = *response.mutable_writers();
  const auto same = [&](const v1::Writer& writer) { return writer.person() == doer.actor; };
  if (const auto known = std::find_if(writers.begin(), writers.end(), same); known != writers.end()) {
    known->set_may_approve(known->may_approve() || doer.may_approve);
    return;
  }
  v1::Writer& writer = *writers.Add();
  writer.set_person(doer.actor);
  writer.set_may_approve(doer.may_approve);
}

absl::Status RequireState(const v1::Response& response, v1::Response::State state) {
  if (response.state() != state) {
    return base::WrongState(response.name(), v1::Response::State_Name(response.state()),
                            v1::Response::State_Name(state));
  }
  return absl::OkStatus();
}

std::optional<std::string> FindFinding(std::string_view field, const v1::Response& response, std::string_view reference,
                                       base::Violations& violations) {
  for (const auto& finding : response.report().findings()) {
    if (std::string name = FindingName(response, finding); name == reference || finding.id() == reference) {
      return name;
    }
  }
  violations.Add(field, fmt::format("{} has no finding \"{}\"", response.inspection(), reference));
  return std::nullopt;
}

size_t OfficeBytes(const v1::Response& response) {
  size_t bytes = response.signatory().ByteSizeLong() + kFieldRoom;
  for (const std::string* text :
       {&response.key_findings(), &response.comments(), &response.reply_to_chief_officer(), &response.monitoring()}) {
    bytes += text->size() + kFieldRoom;
  }
  for (const v1::Answer& answer : response.answers()) {
    bytes += answer.ByteSizeLong() + kFieldRoom;
  }
  return bytes;
}

size_t ForceBytes(const v1::Response& response) {
  size_t bytes = 0;
  for (const v1::Contribution& contribution : response.chief_officer().contributions()) {
    bytes += contribution.ByteSizeLong() + kFieldRoom;
  }
  return bytes;
}

absl::Status CheckOfficeSize(const std::set<std::string>& fields, const v1::Response& response) {
  if (const size_t bytes = OfficeBytes(response); bytes > base::kLargestBodyPart) {
    base::Violations violations;
    for (const std::string& field : fields) {
      violations.Add(
          field, fmt::format("makes what the office has written {} bytes long; at most {} are allowed in all", bytes,
                             base::kLargestBodyPart));
    }
    return violations.ToStatus();
  }
  return absl::OkStatus();
}

absl::Status CheckFrameSize(std::string_view field, const v1::Response& response) {
  base::Violations violations;
  if (FrameBytes(response) > base::kLargestResponseFrame) {
    violations.Add(field, "makes what is kept beside the texts too long: reasons, marks and the people who wrote");
  }
  return violations.ToStatus();
}

}  // namespace section55::authoring::rules
