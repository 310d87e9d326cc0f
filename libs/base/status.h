// Errors of the suite: absl::Status with a reason that a program can act on.
//
// Every error that leaves a service carries google.rpc.ErrorInfo (reason, domain "section55"); bad input carries
// google.rpc.BadRequest as well, with every violation and not just the first. Both travel as payloads of absl::Status and are
// mapped to gRPC once, in libs/rpc. All functions are pure and thread-safe.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "google/rpc/error_details.pb.h"

namespace section55::base {

// The `domain` of every ErrorInfo.
inline constexpr std::string_view kErrorDomain = "section55";

// An error with a reason in UPPER_SNAKE_CASE (AIP-193), a message for a person and facts for a program.
absl::Status Error(absl::StatusCode code, std::string_view reason, std::string_view message,
                   const std::map<std::string, std::string>& metadata = {});

// The resource does not exist. To be used only after the caller was authorised for its tenant.
absl::Status NotFound(std::string_view resource_name);

// A resource of this name exists already.
absl::Status AlreadyExists(std::string_view resource_name);

// The resource's etag is no longer the one the caller read: somebody else saved in between. ABORTED, reason ETAG_MISMATCH.
absl::Status EtagMismatch(std::string_view resource_name, std::string_view current_etag);

// OK when `given` is empty (the caller does not mind) or is `current`; else EtagMismatch.
absl::Status CheckEtag(std::string_view resource_name, std::string_view given, std::string_view current);

// The resource is in a state in which the call is not allowed. FAILED_PRECONDITION, reason WRONG_STATE.
absl::Status WrongState(std::string_view resource_name, std::string_view state, std::string_view needed);

// `status` with words that are for the operator's log and must not reach a caller: a driver's own text, hosts, columns. They travel as
// a payload, which libs/rpc logs and never sends.
absl::Status WithDetail(absl::Status status, std::string_view detail);

// What WithDetail added; empty if nothing.
std::string DetailOf(const absl::Status& status);

// The ErrorInfo of a status made here; a default message when there is none.
google::rpc::ErrorInfo ErrorInfoOf(const absl::Status& status);

// The BadRequest of a status made by Violations, or empty. Keep it in a variable: a range-for would not keep it alive.
google::rpc::BadRequest BadRequestOf(const absl::Status& status);

// Collects everything that is wrong with a request, so that the caller is told all of it at once.
// Not thread-safe; lives within one call.
class Violations {
 public:
  // `field` is the path in the request as its sender wrote it: "inspection.findings[2].text".
  void Add(std::string_view field, std::string_view description);

  bool empty() const { return bad_request_.field_violations().empty(); }

  // OK when nothing was added, else INVALID_ARGUMENT (reason INVALID_FIELD) with every violation.
  absl::Status ToStatus() const;

 private:
  google::rpc::BadRequest bad_request_;
};

}  // namespace section55::base

// Leaves the enclosing function with the status of `expression` unless it is OK.
#define RETURN_IF_ERROR(expression)                           \
  do {                                                        \
    if (absl::Status status_ = (expression); !status_.ok()) { \
      return status_;                                         \
    }                                                         \
  } while (false)

#define SECTION55_CONCAT_(a, b) a##b
#define SECTION55_CONCAT(a, b) SECTION55_CONCAT_(a, b)

// Declares or assigns `target` from a StatusOr, or leaves the enclosing function with its status.
#define ASSIGN_OR_RETURN(target, expression)                        \
  auto SECTION55_CONCAT(result_, __LINE__) = (expression);          \
  if (!SECTION55_CONCAT(result_, __LINE__).ok()) {                  \
    return std::move(SECTION55_CONCAT(result_, __LINE__)).status(); \
  }                                                                 \
  target = *std::move(SECTION55_CONCAT(result_, __LINE__))
