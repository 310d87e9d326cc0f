#include "services/response-authoring/comments.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/checks.h"
#include "libs/base/filter.h"
#include "libs/base/ids.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/document/check.h"
#include "libs/events/origin.h"
#include "libs/rpc/change.h"
#include "libs/rpc/paging.h"
#include "section55/authoring/v1/events.pb.h"
#include "services/response-authoring/answers.h"
#include "services/response-authoring/checks.h"
#include "services/response-authoring/parts.h"
#include "services/response-authoring/rules.h"
#include "services/response-authoring/seen.h"
#include "services/response-authoring/store.h"
#include "services/response-authoring/store_comments.h"

namespace section55::authoring {
namespace {

using access::Scope;
using v1::Comment;

constexpr std::string_view kCommentName = "bodies/{body}/responses/{inspection}/comments/{comment}";
constexpr size_t kMostText = 5'000;

// Everything that is wrong with a comment that begins a thread or answers one.
void CheckComment(const v1::CommentOnResponseRequest& request, const v1::Response& response, bool by_force,
                  base::Violations& violations) {
  const Comment& comment = request.comment();
  document::CheckMarkdown("comment.text", comment.text(), kMostText, base::Presence::kRequired, violations);
  if (!comment.reply_to().empty()) {
    if (!comment.part().empty() || comment.audience() != Comment::AUDIENCE_UNSPECIFIED) {
      violations.Add("comment.reply_to",
                     "part and audience are those of the comment that is answered: leave them empty");
    }
    return;
  }
  base::CheckEnum("comment.audience", comment.audience(), Comment::Audience_IsValid, base::Presence::kRequired,
                  violations);
  if (comment.audience() == (by_force ? Comment::OFFICE : Comment::FORCE)) {
    violations.Add("comment.audience", fmt::format("must be {} or OFFICE_AND_FORCE", by_force ? "FORCE" : "OFFICE"));
  }
  const std::string_view part = comment.part();
  constexpr std::string_view kAnswers = "answers/", kContributions = "contributions/";
  if (part.starts_with(kAnswers)) {
    rules::FindFinding("comment.part", response, part.substr(kAnswers.size()), violations);
  } else if (part.starts_with(kContributions)) {
    if (rules::FindContribution(response, part.substr(kContributions.size())) == nullptr) {
      violations.Add("comment.part", "there is no such contribution");
    }
  } else if (!part.empty() && !parts::IsPart(part)) {
    violations.Add("comment.part", "is no part of a response");
  }
}

}  // namespace

bool Sees(Scope::View view, Comment::Audience audience) {
  switch (view) {
    case Scope::View::kBody:
      return audience != Comment::FORCE;
    case Scope::View::kForce:
      return audience != Comment::OFFICE;
    default:
      return false;
  }
}

absl::Status CommentOnResponse(const rpc::Call& call, db::Database& database, events::EventLog& log,
                               const v1::CommentOnResponseRequest& request, Comment& comment) {
  base::Violations malformed;
  const std::vector<std::string> ids = base::IdsIn("name", request.name(), base::kResponseName, malformed);
  RETURN_IF_ERROR(malformed.ToStatus());
  std::string tenant;
  int64_t id = 0;
  return rpc::Change(
      call, database, request, comment,
      [&](db::Transaction& tx) -> absl::Status {
        ASSIGN_OR_RETURN(const store::StoredResponse stored,
                         LoadSeen(call, tx, {ids[0], ids[1]}, store::ReportForm::kWithFindings));
        const Scope::View view = ViewOf(call, stored.response);
        RETURN_IF_ERROR(base::CheckEtag(request.name(), request.etag(), stored.response.etag()));
        const bool by_force = view == Scope::View::kForce;
        base::Violations violations;
        CheckComment(request, stored.response, by_force, violations);
        comment = request.comment();
        if (!comment.reply_to().empty()) {
          ASSIGN_OR_RETURN(const std::optional<Comment> answered,
                           store::FindComment(tx, ids[0], ids[1], comment.reply_to()));
          // One that the caller does not see is not there.
          if (!answered || !Sees(view, answered->audience())) {
            violations.Add("comment.reply_to", "there is no such comment on this response");
          } else if (!answered->reply_to().empty()) {
            violations.Add("comment.reply_to",
                           fmt::format("answers another comment itself: answer {}", answered->reply_to()));
          } else {
            comment.set_part(answered->part());
            comment.set_audience(answered->audience());
          }
        }
        RETURN_IF_ERROR(violations.ToStatus());
        id = base::NewOrderedId();
        comment.set_name(base::MakeName(kCommentName, {ids[0], ids[1], std::to_string(id)}));
        comment.set_author(call.caller.actor);
        comment.set_by_force(by_force);
        *comment.mutable_create_time() = base::ToTimestamp(call.now);
        tenant = stored.response.body().name();
        return absl::OkStatus();
      },
      [&](db::Transaction& tx) -> absl::Status {
        RETURN_IF_ERROR(store::AddComment(tx, ids[0], ids[1], id, comment));
        v1::ResponseCommented commented;
        commented.set_response(request.name());
        commented.set_comment(comment.name());
        commented.set_part(comment.part());
        commented.set_audience(comment.audience());
        return log.Append(tx, events::OriginOf(call, tenant, request.name()), commented);
      });
}

absl::Status ListComments(const rpc::Call& call, db::Database& database, const v1::ListCommentsRequest& request,
                          v1::ListCommentsResponse& page) {
  base::Violations violations;
  const std::vector<std::string> ids = base::IdsIn("parent", request.parent(), base::kResponseName, violations);
  constexpr int kDefault = 50, kMost = 100;
  const auto paging = rpc::ReadPaging<int64_t>(request, violations, kDefault, kMost);
  RETURN_IF_ERROR(violations.ToStatus());
  return database.Read(
      [&](db::Transaction& tx) -> absl::Status {
        page.Clear();
        ASSIGN_OR_RETURN(const store::StoredResponse stored,
                         LoadSeen(call, tx, {ids[0], ids[1]}, store::ReportForm::kFacts));
        const Scope::View view = ViewOf(call, stored.response);
        int64_t after = paging.after ? std::get<0>(*paging.after) : 0;
        while (true) {
          ASSIGN_OR_RETURN(const std::vector<Comment> rows,
                           store::CommentsAfter(tx, ids[0], ids[1], after, paging.limit()));
          for (const Comment& comment : rows) {
            const bool wanted = request.part().empty() || request.part() == comment.part();
            if (Sees(view, comment.audience()) && wanted) {
              if (page.comments_size() == paging.size) {
                rpc::SetNextPage(request, std::tuple(after), page);
                return absl::OkStatus();
              }
              *page.add_comments() = comment;
            }
            const std::string_view number = std::string_view(comment.name()).substr(comment.name().rfind('/') + 1);
            std::from_chars(number.data(), number.data() + number.size(), after);
          }
          if (rows.size() < static_cast<size_t>(paging.limit())) {
            return absl::OkStatus();
          }
        }
      },
      call.deadline);
}

}  // namespace section55::authoring
