#include "services/response-authoring/chief_officer.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "libs/base/checks.h"
#include "libs/base/limits.h"
#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/calendar/format.h"
#include "libs/document/check.h"
#include "services/response-authoring/gaps.h"

namespace section55::authoring::rules {
namespace {

using base::CheckName;
using base::Presence;
using base::Violations;
using document::CheckMarkdown;

// An id for a contribution that came without one, and was not given to another before.
std::string NextContributionId(v1::ChiefOfficerPart& part) {
  const auto taken = [&](const std::string& id) {
    return std::any_of(part.contributions().begin(), part.contributions().end(),
                       [&](const v1::Contribution& contribution) { return contribution.id() == id; });
  };
  std::string id;
  do {
    part.set_contribution_ids_made(part.contribution_ids_made() + 1);
    id = fmt::format("contribution-{}", part.contribution_ids_made());
  } while (taken(id));
  return id;
}

// The contributions of a request with their findings as names; violations for what cannot stand.
std::vector<v1::Contribution> CheckContributions(const v1::SubmitChiefOfficerCommentsRequest& request,
                                                 const v1::Response& response, Violations& violations) {
  if (request.contributions().empty()) {
    violations.Add("contributions", "is required; to say that there are no comments, use RecordNoComments");
  }
  std::vector<v1::Contribution> contributions;
  std::set<std::string> seen;
  for (int i = 0; i < request.contributions_size(); ++i) {
    v1::Contribution contribution = request.contributions(i);
    const std::string field = fmt::format("contributions[{}]", i);
    CheckContribution(field, response, contribution, violations);
    if (!contribution.id().empty() && !seen.insert(contribution.id()).second) {
      violations.Add(field + ".id", "stands twice in this request");
    }
    contributions.push_back(std::move(contribution));
  }
  return contributions;
}

}  // namespace

void CheckContribution(std::string_view field, const v1::Response& response, v1::Contribution& contribution,
                       base::Violations& violations) {
  const auto in = [&](std::string_view name) { return fmt::format("{}.{}", field, name); };
  if (!contribution.id().empty()) {
    base::CheckResourceId(in("id"), contribution.id(), violations);
  }
  CheckName(in("author"), contribution.author(), kMostWords, Presence::kRequired, violations);
  CheckName(in("rank"), contribution.rank(), kMostWords, Presence::kRequired, violations);
  CheckMarkdown(in("text"), contribution.text(), kMostMarkdown, Presence::kRequired, violations);
  if (!contribution.finding().empty()) {
    if (const auto finding = FindFinding(in("finding"), response, contribution.finding(), violations)) {
      contribution.set_finding(*finding);
    }
  }
}

absl::Status Invite(const v1::InviteChiefOfficerRequest& request, const Doer& doer, v1::Response& response) {
  Violations violations;
  const auto due = base::ToCivilDay(request.comments_due_date());
  if (!request.has_comments_due_date()) {
    violations.Add("comments_due_date", "is required: the day by which comments are asked for (section 55(4))");
  } else if (!due) {
    violations.Add("comments_due_date", "is not a full date");
  } else if (*due < doer.today) {
    violations.Add("comments_due_date", "lies in the past");
  }
  RETURN_IF_ERROR(violations.ToStatus());
  RETURN_IF_ERROR(RequireState(response, v1::Response::OPEN));
  v1::ChiefOfficerPart& part = *response.mutable_chief_officer();
  if (!part.has_invited_time()) {
    *part.mutable_invited_time() = base::ToTimestamp(doer.now);
  }
  if (base::ToCivilDay(part.comments_due_date()) != due) {
    part.clear_no_comments_time();
  }
  *part.mutable_comments_due_date() = request.comments_due_date();
  return absl::OkStatus();
}

absl::Status AddContributions(const v1::SubmitChiefOfficerCommentsRequest& request, const Doer& doer,
                              v1::Response& response) {
  Violations violations;
  std::vector<v1::Contribution> contributions = CheckContributions(request, response, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  RETURN_IF_ERROR(RequireState(response, v1::Response::OPEN));
  v1::ChiefOfficerPart& part = *response.mutable_chief_officer();
  for (v1::Contribution& contribution : contributions) {
    auto& all = *part.mutable_contributions();
    const auto earlier = std::find_if(all.begin(), all.end(), [&](const v1::Contribution& other) {
      return !contribution.id().empty() && other.id() == contribution.id();
    });
    if (contribution.id().empty()) {
      contribution.set_id(NextContributionId(part));
    }
    *contribution.mutable_update_time() = base::ToTimestamp(doer.now);
    *(earlier == all.end() ? all.Add() : &*earlier) = std::move(contribution);
  }
  part.clear_no_comments_time();
  *part.mutable_commented_time() = base::ToTimestamp(doer.now);
  if (const size_t bytes = ForceBytes(response); bytes > base::kLargestForcePart) {
    violations.Add("contributions", fmt::format("makes the chief officer's comments {} bytes long; at most {} are "
                                                "allowed in all",
                                                bytes, base::kLargestForcePart));
  }
  return violations.ToStatus();
}

absl::Status WithdrawContributions(const v1::WithdrawChiefOfficerCommentsRequest& request, v1::Response& response) {
  Violations violations;
  if (request.contribution_ids().empty()) {
    violations.Add("contribution_ids", "is required");
  }
  std::set<std::string_view> ids;
  for (int i = 0; i < request.contribution_ids_size(); ++i) {
    const std::string field = fmt::format("contribution_ids[{}]", i);
    base::CheckResourceId(field, request.contribution_ids(i), violations);
    if (!ids.insert(request.contribution_ids(i)).second) {
      violations.Add(field, "stands twice in this request");
    }
  }
  RETURN_IF_ERROR(violations.ToStatus());
  RETURN_IF_ERROR(RequireState(response, v1::Response::OPEN));
  v1::ChiefOfficerPart& part = *response.mutable_chief_officer();
  auto& all = *part.mutable_contributions();
  for (const std::string_view id : ids) {
    const auto withdrawn =
        std::find_if(all.begin(), all.end(), [&](const v1::Contribution& other) { return other.id() == id; });
    if (withdrawn == all.end()) {
      return base::NotFound(fmt::format("{}: contribution {}", response.name(), id));
    }
    all.erase(withdrawn);
  }
  if (all.empty()) {
    part.clear_commented_time();
  }
  return absl::OkStatus();
}

absl::Status RecordNoComments(const Doer& doer, v1::Response& response) {
  RETURN_IF_ERROR(RequireState(response, v1::Response::OPEN));
  v1::ChiefOfficerPart& part = *response.mutable_chief_officer();
  if (!part.has_invited_time()) {
    return base::Error(
        absl::StatusCode::kFailedPrecondition, "NOT_INVITED",
        "the chief officer was not invited to comment yet (section 55(4)): use InviteChiefOfficer first");
  }
  if (!part.contributions().empty()) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "HAS_COMMENTS", "the chief officer has commented");
  }
  const auto day = base::ToCivilDay(part.comments_due_date());
  if (!doer.for_force && day && doer.today <= *day) {
    return base::Error(absl::StatusCode::kFailedPrecondition, "COMMENTS_STILL_INVITED",
                       fmt::format("the chief officer has until {} to comment, and only they can say before then that "
                                   "there are no comments",
                                   calendar::FormatDate(*day)));
  }
  *part.mutable_no_comments_time() = base::ToTimestamp(doer.now);
  return absl::OkStatus();
}

bool RecordSilence(absl::Time now, absl::CivilDay today, v1::Response& response) {
  const auto day = AwaitsChiefOfficerUntil(response);
  if (!day || today <= *day) {
    return false;
  }
  *response.mutable_chief_officer()->mutable_no_comments_time() = base::ToTimestamp(now);
  return true;
}

}  // namespace section55::authoring::rules
