// absl::Status <-> grpc::Status: the one place where errors take their form on the wire.
#include "libs/base/status.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/cord.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "libs/rpc/server.h"

namespace section55::rpc {
namespace {

// Clients refuse more than 8 KB of trailers, and then lose the whole answer. The message travels percent-encoded and
// the details in base64 (4 bytes for 3), so these two leave the trailers under 4 KB.
constexpr size_t kMaxEncodedMessage = 600;
constexpr size_t kMaxDetails = 2300;
// Of one text within the details.
constexpr size_t kMaxText = 300;
constexpr size_t kMaxField = 120;
constexpr std::string_view kCutMark = "...";

// The longest beginning of `text` that costs at most `limit`, without splitting a character, marked when it is not all
// of it.
template <typename CostOfByte>
std::string CutBy(std::string_view text, size_t limit, CostOfByte cost) {
  size_t total = 0;
  for (const char c : text) {
    total += cost(c);
  }
  if (total <= limit) {
    return std::string(text);
  }
  size_t used = kCutMark.size();
  size_t end = 0;
  while (end < text.size() && used + cost(text[end]) <= limit) {
    used += cost(text[end++]);
  }
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
    --end;
  }
  return std::string(text.substr(0, end)).append(kCutMark);
}

std::string Cut(std::string_view text, size_t limit) {
  return CutBy(text, limit, [](char) { return size_t{1}; });
}

std::string CutMessage(std::string_view text) {
  return CutBy(text, kMaxEncodedMessage, [](char c) -> size_t { return c >= 0x20 && c < 0x7f && c != '%' ? 1 : 3; });
}

google::rpc::ErrorInfo CutInfo(google::rpc::ErrorInfo info) {
  for (auto& [key, value] : *info.mutable_metadata()) {
    value = Cut(value, kMaxText);
  }
  // More facts than fit are facts that nobody promised.
  while (info.ByteSizeLong() > kMaxDetails / 2 && !info.metadata().empty()) {
    info.mutable_metadata()->erase(info.mutable_metadata()->begin());
  }
  return info;
}

// As many violations as fit into `room`, and how many were left out.
google::rpc::BadRequest CutViolations(const google::rpc::BadRequest& all, size_t room) {
  constexpr size_t kLastOne = 64;
  google::rpc::BadRequest kept;
  size_t size = kLastOne;
  for (const auto& violation : all.field_violations()) {
    google::rpc::BadRequest one;
    auto* cut = one.add_field_violations();
    cut->set_field(Cut(violation.field(), kMaxField));
    cut->set_description(Cut(violation.description(), kMaxText));
    size += one.ByteSizeLong();
    if (size > room) {
      break;
    }
    kept.MergeFrom(one);
  }
  if (const int left_out = all.field_violations_size() - kept.field_violations_size(); left_out > 0) {
    kept.add_field_violations()->set_description(fmt::format("and {} more", left_out));
  }
  return kept;
}

}  // namespace

grpc::Status ToGrpc(const absl::Status& status) {
  if (status.ok()) {
    return grpc::Status::OK;
  }
  google::rpc::Status details;
  details.set_code(static_cast<int>(status.code()));
  details.set_message(CutMessage(std::string_view(status.message().data(), status.message().size())));
  google::rpc::ErrorInfo info = base::ErrorInfoOf(status);
  if (info.reason().empty()) {
    // Every error that leaves a service has a reason; where nobody gave one, it is the code.
    info.set_reason(absl::StatusCodeToString(status.code()));
    info.set_domain(std::string(base::kErrorDomain));
  }
  details.add_details()->PackFrom(CutInfo(std::move(info)));
  if (const auto bad_request = base::BadRequestOf(status); !bad_request.field_violations().empty()) {
    constexpr size_t kWrapping = 80;
    const size_t used = details.ByteSizeLong() + kWrapping;
    details.add_details()->PackFrom(CutViolations(bad_request, kMaxDetails - std::min(used, kMaxDetails)));
  }
  const auto code = static_cast<grpc::StatusCode>(status.code());
  return grpc::Status(code, details.message(), details.SerializeAsString());
}

absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) {
    return absl::OkStatus();
  }
  absl::Status result(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
  google::rpc::Status details;
  if (details.ParseFromString(status.error_details())) {
    for (const auto& detail : details.details()) {
      result.SetPayload(detail.type_url(), absl::Cord(detail.value()));
    }
  }
  return result;
}

}  // namespace section55::rpc
