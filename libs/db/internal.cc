#include "libs/db/internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <utility>

#include "absl/time/clock.h"
#include "libs/base/status.h"

namespace section55::db::internal {
namespace {

constexpr int kMostRuns = 20;
constexpr absl::Duration kLongestRetry = absl::Seconds(5);
constexpr absl::Duration kLongestWait = absl::Milliseconds(100);

// The bodies that this thread is inside, innermost first.
struct Running {
  const Database* database;
  const Running* outer;
};
thread_local const Running* running = nullptr;

std::array<std::atomic<int64_t>, static_cast<size_t>(Failure::kInternal) + 1> counts{};  // by Failure
std::atomic<int64_t> outcomes_unknown = 0;

absl::Status Internal(std::string_view message) {
  return base::Error(absl::StatusCode::kInternal, "DATABASE_ERROR", message);
}

}  // namespace

absl::Status ToStatus(Failure failure, std::string_view detail) {
  ++counts[static_cast<size_t>(failure)];
  const auto error = [&](absl::StatusCode code, std::string_view reason, std::string_view message) {
    return base::WithDetail(base::Error(code, reason, message), detail);
  };
  switch (failure) {
    case Failure::kConflict:
      return error(absl::StatusCode::kAborted, "CONFLICT",
                   "others are changing the same data at this moment; repeat the call");
    case Failure::kDuplicate:
      return error(absl::StatusCode::kAlreadyExists, "ALREADY_EXISTS", "a row with this key exists already");
    case Failure::kValue:
      return error(absl::StatusCode::kInternal, "VALUE_REFUSED", "the database refused a value");
    case Failure::kReference:
      return error(absl::StatusCode::kFailedPrecondition, "REFERENCE_REFUSED",
                   "the change would leave a reference without what it refers to");
    case Failure::kGone:
    case Failure::kUnavailable:
      return error(absl::StatusCode::kUnavailable, "DATABASE_UNAVAILABLE",
                   "the database cannot be used at the moment; nothing was changed");
    case Failure::kDeadline:
      return error(absl::StatusCode::kDeadlineExceeded, "DEADLINE_EXCEEDED",
                   "the time given was up before the database was done; nothing was changed");
    case Failure::kInternal:
      break;
  }
  return error(absl::StatusCode::kInternal, "DATABASE_ERROR", "the database refused a statement");
}

bool IsOver(absl::Time until) { return until != absl::InfiniteFuture() && absl::Now() >= until; }

absl::Status CommitOutcomeUnknown(std::string_view detail) {
  ++outcomes_unknown;
  return base::WithDetail(
      base::Error(absl::StatusCode::kUnavailable, "COMMIT_OUTCOME_UNKNOWN",
                  "the connection to the database was lost while the change was being committed, so it may or may not "
                  "have been made; repeat the call with the same request_id"),
      detail);
}

absl::Status RefuseNested(const Database* database) {
  for (const Running* body = running; body != nullptr; body = body->outer) {
    if (body->database == database) {
      return Internal("Lookup, Read or Write was called inside a body of the same database");
    }
  }
  return absl::OkStatus();
}

void WrongColumnType(int column, std::string_view wanted) {
  fmt::print(stderr, "section55: column {} of a result is not {}\n", column, wanted);
  std::abort();
}

absl::Status BodyTransaction::Conflict() {
  conflict_ = true;
  return ToStatus(Failure::kConflict, "");
}

void BodyTransaction::AfterCommit(std::function<void()> then) { after_commit_.push_back(std::move(then)); }

absl::Status BodyTransaction::Run(absl::FunctionRef<absl::Status(SchemaTransaction&)> body) {
  const Running here{database_, running};
  running = &here;
  absl::Status status;
  try {
    status = body(*this);
  } catch (const std::exception& exception) {
    status = Internal(fmt::format("a transaction's body threw: {}", exception.what()));
  } catch (...) {
    status = Internal("a transaction's body threw something that is no std::exception");
  }
  running = here.outer;
  in_query_ = false;
  if (status.ok() && conflict_) {
    return ToStatus(Failure::kConflict, "");
  }
  return status.ok() ? failed_ : status;
}

void BodyTransaction::Clear() {
  used_ = false;
  conflict_ = false;
  gone_ = false;
  failed_ = absl::OkStatus();
  after_commit_.clear();
}

void BodyTransaction::RunAfterCommit() {
  for (const auto& then : after_commit_) {
    then();
  }
}

absl::Status BodyTransaction::Ready(bool changes) {
  if (changes && kind_ != Kind::kWrite) {
    return Internal("Execute was called outside Write");
  }
  if (kind_ == Kind::kLookup && used_) {
    return Internal("Query was called twice inside Lookup");
  }
  if (in_query_) {
    return Internal("the transaction was used inside Query's callback");
  }
  used_ = true;
  return failed_;
}

absl::Status BodyTransaction::Fail(Failure failure, std::string_view detail) {
  absl::Status status = ToStatus(failure, detail);
  if (failure != Failure::kDuplicate && failed_.ok()) {
    failed_ = status;
    conflict_ |= failure == Failure::kConflict;
    gone_ |= failure == Failure::kGone;
  }
  return status;
}

bool Attempts::Again() {
  const absl::Time now = absl::Now();
  if (runs_ == 1) {
    end_ = std::min(now + kLongestRetry, until_);
  }
  if (++runs_ > kMostRuns || now > end_) {
    return false;
  }
  thread_local std::minstd_rand random{std::random_device{}()};
  const absl::Duration wait = std::min(longest_wait_ * std::uniform_real_distribution<>(0, 1)(random), end_ - now);
  absl::SleepFor(wait);  // NOLINT: nothing tells when the other transaction will be done
  longest_wait_ = std::min(longest_wait_ * 2, kLongestWait);
  return true;
}

}  // namespace section55::db::internal

namespace section55::db {

std::vector<ErrorCount> CountErrors() {
  using internal::Failure;
  const auto of = [](Failure failure) { return internal::counts[static_cast<size_t>(failure)].load(); };
  // A duplicate key is an answer, no error.
  return {{"unavailable", of(Failure::kGone) + of(Failure::kUnavailable)},
          {"deadline", of(Failure::kDeadline)},
          {"conflict", of(Failure::kConflict)},
          {"outcome_unknown", internal::outcomes_unknown},
          {"refused", of(Failure::kValue) + of(Failure::kReference)},
          {"internal", of(Failure::kInternal)}};
}

}  // namespace section55::db
