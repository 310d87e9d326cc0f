#include "libs/base/status.h"

#include <fmt/format.h>

#include "absl/strings/cord.h"

namespace section55::base {
namespace {

constexpr char kErrorInfoUrl[] = "type.googleapis.com/google.rpc.ErrorInfo";
constexpr char kBadRequestUrl[] = "type.googleapis.com/google.rpc.BadRequest";

constexpr char kDetailUrl[] = "section55/detail";

template <typename Message>
Message PayloadOf(const absl::Status& status, const char* url) {
  Message message;
  if (auto payload = status.GetPayload(url)) {
    message.ParseFromString(std::string(*payload));
  }
  return message;
}

}  // namespace

absl::Status Error(absl::StatusCode code, std::string_view reason, std::string_view message,
                   const std::map<std::string, std::string>& metadata) {
  google::rpc::ErrorInfo info;
  info.set_reason(std::string(reason));
  info.set_domain(std::string(kErrorDomain));
  for (const auto& [key, value] : metadata) {
    (*info.mutable_metadata())[key] = value;
  }
  absl::Status status(code, std::string(message));
  status.SetPayload(kErrorInfoUrl, absl::Cord(info.SerializeAsString()));
  return status;
}

absl::Status NotFound(std::string_view resource_name) {
  return Error(absl::StatusCode::kNotFound, "NOT_FOUND", fmt::format("{} does not exist", resource_name),
               {{"resource", std::string(resource_name)}});
}

absl::Status AlreadyExists(std::string_view resource_name) {
  return Error(absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS", fmt::format("{} exists already", resource_name),
               {{"resource", std::string(resource_name)}});
}

absl::Status EtagMismatch(std::string_view resource_name, std::string_view current_etag) {
  return Error(absl::StatusCode::kAborted, "ETAG_MISMATCH",
               fmt::format("{} was changed by somebody else since you read it; read it again, then repeat your change",
                           resource_name),
               {{"resource", std::string(resource_name)}, {"current_etag", std::string(current_etag)}});
}

absl::Status CheckEtag(std::string_view resource_name, std::string_view given, std::string_view current) {
  return given.empty() || given == current ? absl::OkStatus() : EtagMismatch(resource_name, current);
}

absl::Status WrongState(std::string_view resource_name, std::string_view state, std::string_view needed) {
  return Error(absl::StatusCode::kFailedPrecondition, "WRONG_STATE",
               fmt::format("{} is {}; this needs {}", resource_name, state, needed),
               {{"resource", std::string(resource_name)}, {"state", std::string(state)}});
}

absl::Status WithDetail(absl::Status status, std::string_view detail) {
  if (!detail.empty()) {
    status.SetPayload(kDetailUrl, absl::Cord(std::string(detail)));
  }
  return status;
}

std::string DetailOf(const absl::Status& status) {
  const auto detail = status.GetPayload(kDetailUrl);
  return detail ? std::string(*detail) : std::string();
}

google::rpc::ErrorInfo ErrorInfoOf(const absl::Status& status) {
  return PayloadOf<google::rpc::ErrorInfo>(status, kErrorInfoUrl);
}

google::rpc::BadRequest BadRequestOf(const absl::Status& status) {
  return PayloadOf<google::rpc::BadRequest>(status, kBadRequestUrl);
}

void Violations::Add(std::string_view field, std::string_view description) {
  auto* violation = bad_request_.add_field_violations();
  violation->set_field(std::string(field));
  violation->set_description(std::string(description));
}

absl::Status Violations::ToStatus() const {
  if (empty()) {
    return absl::OkStatus();
  }
  std::string message;
  for (const auto& violation : bad_request_.field_violations()) {
    message += fmt::format("{}{}: {}", message.empty() ? "" : "; ", violation.field(), violation.description());
  }
  absl::Status status = Error(absl::StatusCode::kInvalidArgument, "INVALID_FIELD", message);
  status.SetPayload(kBadRequestUrl, absl::Cord(bad_request_.SerializeAsString()));
  return status;
}

}  // namespace section55::base
