#include "services/response-authoring/revisions.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/limits.h"
#include "libs/base/proto_time.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/calendar/format.h"
#include "libs/rpc/paging.h"
#include "services/response-authoring/gaps.h"
#include "services/response-authoring/parts.h"
#include "services/response-authoring/rules.h"
#include "services/response-authoring/seen.h"
#include "services/response-authoring/store_history.h"
#include "services/response-authoring/words.h"

namespace section55::authoring {
namespace {

using store::HistoryRow;

constexpr std::string_view kRevisionName = "bodies/{body}/responses/{inspection}/revisions/{revision}";

// A message with differences stays below what clients take.
constexpr size_t kMostDifferences = base::kLargestMessage - base::kMebibyte / 2;
// The names of parts of one revision.
constexpr int kMostParts = 1000;

// What was saved is the body's own people's to see.
absl::StatusOr<store::StoredResponse> Load(const rpc::Call& call, db::Transaction& tx, const rules::ResponseId& id,
                                           store::ReportForm form) {
  ASSIGN_OR_RETURN(store::StoredResponse stored, store::LoadResponse(tx, id.body, id.inspection, form));
  if (ViewOf(call, stored.response) != access::Scope::View::kBody) {
    return base::NotFound(stored.response.name());
  }
  return stored;
}

// Hands over the rows from `head` backwards for as long as `each` wants more.
absl::Status Walk(db::Transaction& tx, int64_t head, absl::FunctionRef<bool(const HistoryRow&)> each) {
  while (head != 0) {
    ASSIGN_OR_RETURN(const std::vector<HistoryRow> rows, store::HistoryFrom(tx, head, store::kMostHistoryRows));
    for (const HistoryRow& row : rows) {
      if (!each(row)) {
        return absl::OkStatus();
      }
    }
    head = rows.empty() ? 0 : rows.back().previous;
  }
  return absl::OkStatus();
}

void Describe(const std::string& response, const HistoryRow& row, v1::Revision& revision) {
  revision.set_name(fmt::format("{}/revisions/{}", response, row.revision));
  revision.set_number(row.revision);
  revision.set_actor(row.actor);
  *revision.mutable_time() = base::ToTimestamp(row.time);
  revision.set_response_etag(base::EtagOf(row.version));
}

// Rows come with the last part of a revision first.
void AddPart(const std::string& part, v1::Revision& revision) {
  if (revision.parts_size() < kMostParts) {
    revision.add_parts(part);
  }
}

void PutPartsInOrder(v1::Revision& revision) {
  std::reverse(revision.mutable_parts()->begin(), revision.mutable_parts()->end());
}

// The row of each part as it was in a revision.
using PartRows = std::map<std::string, int64_t>;

std::vector<int64_t> IdsOf(const PartRows& rows) {
  std::vector<int64_t> ids;
  for (const auto& [part, id] : rows) {
    ids.push_back(id);
  }
  return ids;
}

// Puts answers into the order of the findings, and contributions into the order that they have now; what is there no more comes last.
void PutInOrder(const v1::Response& now, v1::Response& then) {
  const auto sort = [](auto& items, const std::map<std::string, int>& places, auto key_of) {
    const auto place_of = [&](const auto& item) {
      const auto place = places.find(key_of(item));
      return place == places.end() ? INT32_MAX : place->second;
    };
    std::sort(items.pointer_begin(), items.pointer_end(), [&](const auto* a, const auto* b) {
      return std::pair(place_of(*a), key_of(*a)) < std::pair(place_of(*b), key_of(*b));
    });
  };
  std::map<std::string, int> findings, contributions;
  for (const auto& finding : now.report().findings()) {
    findings.emplace(rules::FindingName(now, finding), static_cast<int>(findings.size()));
  }
  for (const v1::Contribution& contribution : now.chief_officer().contributions()) {
    contributions.emplace(contribution.id(), static_cast<int>(contributions.size()));
  }
  sort(*then.mutable_answers(), findings, [](const v1::Answer& answer) { return answer.finding(); });
  if (then.has_chief_officer()) {
    sort(*then.mutable_chief_officer()->mutable_contributions(), contributions,
         [](const v1::Contribution& contribution) { return contribution.id(); });
  }
}

// The text of a part that is mainly one.
std::string_view TextOf(const v1::Response& part) {
  for (const std::string* text :
       {&part.key_findings(), &part.comments(), &part.reply_to_chief_officer(), &part.monitoring()}) {
    if (!text->empty()) {
      return *text;
    }
  }
  if (!part.answers().empty()) {
    return part.answers(0).explanation();
  }
  if (!part.chief_officer().contributions().empty()) {
    return part.chief_officer().contributions(0).text();
  }
  return {};
}

v1::PartDifference Difference(const std::string& part, const v1::Response& before, const v1::Response& after) {
  v1::PartDifference difference;
  difference.set_part(part);
  if (before.ByteSizeLong() > 0) {
    *difference.mutable_before() = before;
  }
  if (after.ByteSizeLong() > 0) {
    *difference.mutable_after() = after;
  }
  if (const std::string_view one = TextOf(before), other = TextOf(after); !one.empty() || !other.empty()) {
    for (v1::Words& words : CompareWords(one, other)) {
      *difference.add_words() = std::move(words);
    }
  }
  return difference;
}

// Takes from a message's room what an item needs. False: it does not fit.
bool Fits(const google::protobuf::MessageLite& item, size_t& room) {
  const size_t bytes = item.ByteSizeLong() + 16;
  if (bytes > room) {
    return false;
  }
  room -= bytes;
  return true;
}

// The version that an etag was made from.
std::optional<int64_t> VersionOf(std::string_view etag) {
  int64_t version = 0;
  if (etag.size() < 2) {
    return std::nullopt;
  }
  const auto read = std::from_chars(etag.data() + 1, etag.data() + etag.size(), version);
  const bool sound = read.ec == std::errc() && read.ptr == etag.data() + etag.size() && base::EtagOf(version) == etag;
  return sound ? std::optional(version) : std::nullopt;
}

// The last row of each part that was saved after a version, at most `limit` rows back.
absl::StatusOr<std::vector<HistoryRow>> SavedSince(db::Transaction& tx, int64_t head, int64_t version, int limit) {
  std::map<std::string, HistoryRow> parts;
  std::vector<std::string> order;
  RETURN_IF_ERROR(Walk(tx, head, [&](const HistoryRow& row) {
    if (row.version <= version || limit-- == 0) {
      return false;
    }
    if (parts.emplace(row.part, row).second) {
      order.push_back(row.part);
    }
    return true;
  }));
  std::vector<HistoryRow> rows;
  for (const std::string& part : order) {
    rows.push_back(parts.at(part));
  }
  return rows;
}

}  // namespace

absl::Status ListRevisions(const rpc::Call& call, db::Database& database, const v1::ListRevisionsRequest& request,
                           v1::ListRevisionsResponse& page) {
  base::Violations violations;
  const std::vector<std::string> ids = base::IdsIn("parent", request.parent(), base::kResponseName, violations);
  constexpr int kDefault = 50, kMost = 200;
  // The row with which the page begins.
  const auto paging = rpc::ReadPaging<int64_t>(request, violations, kDefault, kMost);
  RETURN_IF_ERROR(violations.ToStatus());
  return database.Read(
      [&](db::Transaction& tx) -> absl::Status {
        page.Clear();
        ASSIGN_OR_RETURN(const store::StoredResponse stored,
                         Load(call, tx, {ids[0], ids[1]}, store::ReportForm::kFacts));
        // Of this response alone, whoever made the token.
        int64_t head = stored.history;
        if (paging.after) {
          head = std::get<0>(*paging.after);
          ASSIGN_OR_RETURN(const bool own, store::IsHistoryOf(tx, head, ids[0], ids[1]));
          if (!own) {
            violations.Add("page_token", "is not one that this list gave");
            return violations.ToStatus();
          }
        }
        RETURN_IF_ERROR(Walk(tx, head, [&](const HistoryRow& row) {
          if (page.revisions().empty() || page.revisions().rbegin()->number() != row.revision) {
            if (page.revisions_size() == paging.size) {
              rpc::SetNextPage(request, std::tuple(row.id), page);
              return false;
            }
            Describe(stored.response.name(), row, *page.add_revisions());
          }
          AddPart(row.part, *page.mutable_revisions()->rbegin());
          return true;
        }));
        for (v1::Revision& revision : *page.mutable_revisions()) {
          PutPartsInOrder(revision);
        }
        return absl::OkStatus();
      },
      call.deadline);
}

absl::Status GetRevision(const rpc::Call& call, db::Database& database, const v1::GetRevisionRequest& request,
                         v1::Revision& revision) {
  base::Violations violations;
  const std::vector<std::string> ids = base::IdsIn("name", request.name(), kRevisionName, violations);
  int64_t number = 0;
  std::from_chars(ids[2].data(), ids[2].data() + ids[2].size(), number);
  if (violations.empty() && std::to_string(number) != ids[2]) {
    violations.Add("name", "a revision has a number");
  }
  RETURN_IF_ERROR(violations.ToStatus());
  return database.Read(
      [&](db::Transaction& tx) -> absl::Status {
        revision.Clear();
        ASSIGN_OR_RETURN(const store::StoredResponse stored,
                         Load(call, tx, {ids[0], ids[1]}, store::ReportForm::kWithFindings));
        PartRows parts;
        RETURN_IF_ERROR(Walk(tx, stored.history, [&](const HistoryRow& row) {
          if (row.revision == number) {
            Describe(stored.response.name(), row, revision);
            AddPart(row.part, revision);
          }
          if (row.revision <= number) {
            parts.emplace(row.part, row.id);
          }
          return true;
        }));
        if (revision.number() == 0) {
          return base::NotFound(request.name());
        }
        PutPartsInOrder(revision);
        ASSIGN_OR_RETURN(const std::vector<v1::Response> contents, store::HistoryContents(tx, IdsOf(parts)));
        v1::Response& then = *revision.mutable_response();
        for (const v1::Response& part : contents) {
          then.MergeFrom(part);
        }
        then.set_name(stored.response.name());
        then.set_inspection(stored.response.inspection());
        PutInOrder(stored.response, then);
        return absl::OkStatus();
      },
      call.deadline);
}

absl::Status CompareRevisions(const rpc::Call& call, db::Database& database, const v1::CompareRevisionsRequest& request,
                              v1::CompareRevisionsResponse& response) {
  base::Violations violations;
  const std::vector<std::string> ids = base::IdsIn("name", request.name(), base::kResponseName, violations);
  for (const auto& [field, number] : {std::pair("from", request.from()), std::pair("to", request.to())}) {
    if (number < 1) {
      violations.Add(field, "is required: the number of a revision");
    }
  }
  RETURN_IF_ERROR(violations.ToStatus());
  return database.Read(
      [&](db::Transaction& tx) -> absl::Status {
        response.Clear();
        ASSIGN_OR_RETURN(const store::StoredResponse stored,
                         Load(call, tx, {ids[0], ids[1]}, store::ReportForm::kFacts));
        for (const int64_t number : {request.from(), request.to()}) {
          if (number > stored.revisions) {
            return base::NotFound(fmt::format("{}/revisions/{}", request.name(), number));
          }
        }
        PartRows from, to;
        RETURN_IF_ERROR(Walk(tx, stored.history, [&](const HistoryRow& row) {
          if (request.part().empty() || request.part() == row.part) {
            if (row.revision <= request.from()) {
              from.emplace(row.part, row.id);
            }
            if (row.revision <= request.to()) {
              to.emplace(row.part, row.id);
            }
          }
          return true;
        }));
        // What is in neither, or the same row in both, is no difference.
        PartRows either = from;
        either.insert(to.begin(), to.end());
        size_t room = kMostDifferences;
        for (const auto& [part, id] : either) {
          const auto before = from.find(part), after = to.find(part);
          if (before != from.end() && after != to.end() && before->second == after->second) {
            continue;
          }
          std::vector<int64_t> rows;
          for (const auto& [side, end] : {std::pair(before, from.end()), std::pair(after, to.end())}) {
            if (side != end) {
              rows.push_back(side->second);
            }
          }
          ASSIGN_OR_RETURN(const std::vector<v1::Response> contents, store::HistoryContents(tx, rows));
          const v1::Response none;
          v1::PartDifference difference = Difference(part, before != from.end() ? contents.front() : none,
                                                     after != to.end() ? contents.back() : none);
          if (difference.has_before() && difference.has_after() &&
              parts::Same(difference.before(), difference.after())) {
            continue;  // changed, and changed back
          }
          if (Fits(difference, room)) {
            *response.add_differences() = std::move(difference);
          } else {
            response.add_omitted_parts(part);
          }
        }
        return absl::OkStatus();
      },
      call.deadline);
}

absl::Status ExplainConflict(const rpc::Call& call, db::Database& database, const v1::ExplainConflictRequest& request,
                             v1::ExplainConflictResponse& response) {
  base::Violations violations;
  const std::vector<std::string> ids =
      base::IdsIn("response.name", request.response().name(), base::kResponseName, violations);
  const std::optional<int64_t> version = VersionOf(request.etag());
  if (!version) {
    violations.Add("etag", "must be the one with which the response was read");
  }
  RETURN_IF_ERROR(violations.ToStatus());
  return database.Read(
      [&](db::Transaction& tx) -> absl::Status {
        response.Clear();
        ASSIGN_OR_RETURN(const store::StoredResponse stored,
                         Load(call, tx, {ids[0], ids[1]}, store::ReportForm::kFacts));
        // What the caller wrote, part by part.
        v1::Response values = request.response();
        for (v1::Answer& answer : *values.mutable_answers()) {
          if (answer.finding().find('/') == std::string::npos) {
            answer.set_finding(fmt::format("{}/findings/{}", stored.response.inspection(), answer.finding()));
          }
        }
        std::map<std::string, v1::Response> yours;
        for (parts::Change& change : parts::Compare(v1::Response(), values)) {
          if (parts::IsOffices(change.part)) {
            yours.emplace(std::move(change.part), std::move(change.now));
          }
        }
        constexpr int kMostRows = 10'000;
        ASSIGN_OR_RETURN(const std::vector<HistoryRow> saved, SavedSince(tx, stored.history, *version, kMostRows));
        size_t room = kMostDifferences;
        for (const HistoryRow& row : saved) {
          const auto mine = yours.find(row.part);
          if (mine == yours.end()) {
            response.add_other_parts(row.part);
            continue;
          }
          ASSIGN_OR_RETURN(const std::vector<v1::Response> theirs, store::HistoryContents(tx, {row.id}));
          v1::Conflict conflict;
          Describe(stored.response.name(), row, *conflict.mutable_saved());
          conflict.mutable_saved()->add_parts(row.part);
          *conflict.mutable_difference() = Difference(row.part, theirs.front(), mine->second);
          if (Fits(conflict, room)) {
            *response.add_conflicts() = std::move(conflict);
          } else {
            response.add_omitted_parts(row.part);
          }
        }
        return absl::OkStatus();
      },
      call.deadline);
}

absl::Status WithWhoSaved(db::Transaction& tx, const store::StoredResponse& stored, std::string_view etag,
                          const absl::Status& mismatch) {
  const google::rpc::ErrorInfo info = base::ErrorInfoOf(mismatch);
  std::map<std::string, std::string> metadata(info.metadata().begin(), info.metadata().end());
  // As many as can be told in an error.
  constexpr int kMostRows = 100;
  constexpr size_t kMostNamed = 5;
  std::vector<HistoryRow> saved;
  const std::string answers = stored.response.name() + "/";
  if (const std::string& resource = metadata["resource"]; resource.starts_with(answers)) {
    // The etag of one answer.
    const std::string part = resource.substr(answers.size());
    RETURN_IF_ERROR(Walk(tx, stored.history, [&](const HistoryRow& row) {
      if (row.part == part) {
        saved.push_back(row);
      }
      return saved.empty();
    }));
  } else if (const std::optional<int64_t> version = VersionOf(etag)) {
    ASSIGN_OR_RETURN(saved, SavedSince(tx, stored.history, *version, kMostRows));
  }
  if (saved.empty()) {
    return mismatch;
  }
  std::string names;
  for (size_t i = 0; i < saved.size() && i < kMostNamed; ++i) {
    names += (i == 0 ? "" : ",") + saved[i].part;
  }
  metadata["saved_by"] = saved.front().actor;
  metadata["saved_at"] = absl::FormatTime(absl::RFC3339_sec, saved.front().time, absl::UTCTimeZone());
  metadata["saved_parts"] = names;
  return base::Error(
      mismatch.code(), info.reason(),
      fmt::format("{} saved {} on {}, after you had read it: read it again; ExplainConflict shows both "
                  "texts",
                  saved.front().actor, saved.front().part, calendar::FormatLondonInstant(saved.front().time)),
      metadata);
}

}  // namespace section55::authoring
