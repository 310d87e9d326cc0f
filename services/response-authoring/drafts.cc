#include "services/response-authoring/drafts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "libs/base/ids.h"
#include "libs/base/limits.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/rpc/change.h"
#include "libs/rpc/paging.h"
#include "services/response-authoring/checks.h"
#include "services/response-authoring/chief_officer.h"
#include "services/response-authoring/rules.h"
#include "services/response-authoring/seen.h"
#include "services/response-authoring/store.h"

namespace section55::authoring {
namespace {

using store::Draft;

// More than a force has officers who write at once.
constexpr int kMostDrafts = 500;

// What all drafts hold together is what can be submitted.
absl::Status CheckSize(const std::vector<Draft>& all, const v1::DraftContribution& draft) {
  size_t bytes = draft.ByteSizeLong();
  for (const Draft& other : all) {
    bytes += other.message.name() == draft.name() ? 0 : other.message.ByteSizeLong();
  }
  base::Violations violations;
  if (bytes > base::kLargestForcePart) {
    violations.Add("draft.contribution.text",
                   fmt::format("makes the force's drafts {} bytes long together; at most {} are allowed", bytes,
                               base::kLargestForcePart));
  } else if (draft.name().empty() && all.size() >= kMostDrafts) {
    violations.Add("draft", fmt::format("would be one more than the {} drafts that a response can have", kMostDrafts));
  }
  return violations.ToStatus();
}

}  // namespace

absl::Status SaveDraftContribution(const rpc::Call& call, db::Database& database,
                                   const v1::SaveDraftContributionRequest& request, v1::DraftContribution& draft) {
  ASSIGN_OR_RETURN(const rules::ResponseId id, rules::ParseResponseName(request.name()));
  Draft row;
  bool is_new = false;
  return rpc::Change(
      call, database, request, draft,
      [&](db::Transaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(const store::StoredResponse stored, LoadSeen(call, tx, id, store::ReportForm::kWithFindings));
        base::Violations violations;
        row.message = request.draft();
        rules::CheckContribution("draft.contribution", stored.response, *row.message.mutable_contribution(),
                                 violations);
        RETURN_IF_ERROR(violations.ToStatus());
        RETURN_IF_ERROR(rules::RequireState(stored.response, v1::Response::OPEN));
        ASSIGN_OR_RETURN(const std::vector<Draft> all, store::DraftsOf(tx, id.body, id.inspection, 0, kMostDrafts));
        RETURN_IF_ERROR(CheckSize(all, row.message));
        is_new = row.message.name().empty();
        if (is_new) {
          row.version = 0;
          row.message.set_name(
              base::MakeName(store::kDraftName, {id.body, id.inspection, std::to_string(base::NewOrderedId())}));
        } else {
          const auto earlier = std::find_if(
              all.begin(), all.end(), [&](const Draft& other) { return other.message.name() == row.message.name(); });
          if (earlier == all.end()) {
            return base::NotFound(row.message.name());
          }
          RETURN_IF_ERROR(base::CheckEtag(row.message.name(),
                                          request.etag().empty() ? row.message.etag() : request.etag(),
                                          earlier->message.etag()));
          row.version = earlier->version;
        }
        row.message.set_writer(call.caller.actor);
        *row.message.mutable_update_time() = base::ToTimestamp(call.now);
        draft = row.message;
        draft.set_etag(base::EtagOf(row.version + 1));
        return absl::OkStatus();
      },
      [&](db::Transaction& tx) -> absl::Status {
        Draft written = row;
        return is_new ? store::AddDraft(tx, written) : store::UpdateDraft(tx, written);
      });
}

absl::Status DeleteDraftContribution(const rpc::Call& call, db::Database& database,
                                     const v1::DeleteDraftContributionRequest& request,
                                     v1::DeleteDraftContributionResponse& response) {
  base::Violations violations;
  const std::vector<std::string> ids = base::IdsIn("name", request.name(), store::kDraftName, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  Draft row;
  return rpc::Change(
      call, database, request, response,
      [&](db::Transaction& tx) -> absl::Status {
        RETURN_IF_ERROR(LoadSeen(call, tx, {ids[0], ids[1]}, store::ReportForm::kFacts).status());
        ASSIGN_OR_RETURN(std::optional<Draft> found, store::FindDraft(tx, request.name()));
        if (!found) {
          return base::NotFound(request.name());
        }
        RETURN_IF_ERROR(base::CheckEtag(request.name(), request.etag(), found->message.etag()));
        row = *std::move(found);
        return absl::OkStatus();
      },
      [&](db::Transaction& tx) { return store::DeleteDraft(tx, row); });
}

absl::Status ListDraftContributions(const rpc::Call& call, db::Database& database,
                                    const v1::ListDraftContributionsRequest& request,
                                    v1::ListDraftContributionsResponse& page) {
  base::Violations violations;
  const std::vector<std::string> ids = base::IdsIn("parent", request.parent(), base::kResponseName, violations);
  constexpr int kDefault = 50, kMost = 100;
  const auto paging = rpc::ReadPaging<int64_t>(request, violations, kDefault, kMost);
  RETURN_IF_ERROR(violations.ToStatus());
  return database.Read(
      [&](db::Transaction& tx) -> absl::Status {
        page.Clear();
        RETURN_IF_ERROR(LoadSeen(call, tx, {ids[0], ids[1]}, store::ReportForm::kFacts).status());
        ASSIGN_OR_RETURN(
            const std::vector<Draft> rows,
            store::DraftsOf(tx, ids[0], ids[1], paging.after ? std::get<0>(*paging.after) : 0, paging.limit()));
        for (const Draft& row : rows) {
          if (page.drafts_size() == paging.size) {
            rpc::SetNextPage(request, std::tuple(store::DraftId(*page.drafts().rbegin())), page);
            break;
          }
          *page.add_drafts() = row.message;
        }
        return absl::OkStatus();
      },
      call.deadline);
}

absl::Status GetDraftProgress(const rpc::Call& call, db::Database& database, const v1::GetDraftProgressRequest& request,
                              v1::DraftProgress& progress) {
  ASSIGN_OR_RETURN(const rules::ResponseId id, rules::ParseResponseName(request.name()));
  return database.Read(
      [&](db::Transaction& tx) -> absl::Status {
        progress.Clear();
        ASSIGN_OR_RETURN(const store::StoredResponse stored, LoadSeen(call, tx, id, store::ReportForm::kFacts));
        ASSIGN_OR_RETURN(const std::vector<Draft> any, store::DraftsOf(tx, id.body, id.inspection, 0, 1));
        progress.set_being_written(!any.empty() && stored.response.state() == v1::Response::OPEN);
        return absl::OkStatus();
      },
      call.deadline);
}

absl::StatusOr<std::vector<Draft>> DraftsToSend(db::Transaction& tx, const v1::SendDraftContributionsRequest& request) {
  ASSIGN_OR_RETURN(const rules::ResponseId id, rules::ParseResponseName(request.name()));
  ASSIGN_OR_RETURN(std::vector<Draft> all, store::DraftsOf(tx, id.body, id.inspection, 0, kMostDrafts));
  if (request.drafts().empty()) {
    if (all.empty()) {
      return base::Error(absl::StatusCode::kFailedPrecondition, "NO_DRAFTS",
                         "nothing is drafted; to say that there are no comments, use RecordNoComments");
    }
    return all;
  }
  base::Violations violations;
  std::vector<Draft> meant;
  for (int i = 0; i < request.drafts_size(); ++i) {
    const auto named = [&](const Draft& draft) { return draft.message.name() == request.drafts(i); };
    const std::string field = fmt::format("drafts[{}]", i);
    if (const auto found = std::find_if(all.begin(), all.end(), named); found == all.end()) {
      violations.Add(field, "there is no such draft");
    } else if (std::any_of(meant.begin(), meant.end(), named)) {
      violations.Add(field, "stands twice in this request");
    } else {
      meant.push_back(*found);
    }
  }
  RETURN_IF_ERROR(violations.ToStatus());
  return meant;
}

}  // namespace section55::authoring
