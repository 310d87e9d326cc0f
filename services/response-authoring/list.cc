#include "services/response-authoring/list.h"

#include <algorithm>
#include <initializer_list>
#include <string>
#include <tuple>
#include <vector>

#include "libs/base/checks.h"
#include "libs/base/filter.h"
#include "libs/base/limits.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/rpc/paging.h"
#include "libs/rpc/parent.h"
#include "services/response-authoring/seen.h"
#include "services/response-authoring/store.h"
#include "services/response-authoring/views.h"

namespace section55::authoring {
namespace {

constexpr int kDefaultPage = 50;
constexpr int kLargestPage = 200;
// A page fits into a message whatever its responses hold.
constexpr size_t kMostPageBytes = base::kLargestMessage - base::kMebibyte / 2;
static_assert(base::kLargestResponse <= kMostPageBytes, "every response can be listed");

// Body, inspection.
using Paging = rpc::Paging<std::string, std::string>;

// What is asked for, checked.
struct Query {
  store::Range range;  // the filter, and after which key
  rpc::Parent parent;
  Paging paging;
};

template <typename Request>
absl::StatusOr<Query> ReadQuery(const Request& request, std::initializer_list<base::FilterField> fields,
                                const access::Scope& scope, base::Violations& violations) {
  Query query;
  query.parent = rpc::ReadParent(request.parent(), scope, violations);
  for (const base::Condition& condition : base::ParseFilter(request.filter(), fields, violations)) {
    if (condition.field == "state") {
      query.range.state = static_cast<v1::Response::State>(condition.number);
    } else {
      query.range.inspection = condition.text;
    }
  }
  query.paging = rpc::ReadPaging<std::string, std::string>(request, violations, kDefaultPage, kLargestPage);
  RETURN_IF_ERROR(violations.ToStatus());
  if (query.paging.after) {
    std::tie(query.range.after_body, query.range.after_inspection) = *query.paging.after;
  }
  return query;
}

// The bodies whose responses are looked through, in order and from where the page begins; a single empty one for everybody's at once.
absl::StatusOr<std::vector<std::string>> BodiesToWalk(db::Transaction& tx, const Query& query) {
  if (query.parent.everything) {
    return std::vector<std::string>{""};
  }
  rpc::Parent parent = query.parent;
  RETURN_IF_ERROR(rpc::ResolveForces(parent, [&](const std::string& force) { return store::BodiesOf(tx, force); }));
  const auto first = std::lower_bound(parent.bodies.begin(), parent.bodies.end(), query.range.after_body);
  return std::vector<std::string>(first, parent.bodies.end());
}

// Fills one page, range by range. `Request` and `Response` are those of a list method.
template <typename Request, typename Response>
class Page {
 public:
  // `show` adds a response to the page, unless it is not for this caller.
  using Show = absl::FunctionRef<absl::Status(const store::ResponseBytes&, Response& page)>;

  Page(const Request& request, v1::ResponseView view, int page_size, Response& page, Show show)
      : request_(request), view_(view), page_size_(page_size), page_(page), show_(show) {}

  // Adds what fits of a range. False: the page is full, and there is more.
  absl::StatusOr<bool> Add(db::Transaction& tx, store::Range range) {
    while (true) {
      const int room = page_size_ - page_.responses_size();
      // One more tells whether there is a next page.
      ASSIGN_OR_RETURN(const std::vector<size_t> sizes, store::SizesIn(tx, range, view_, room + 1));
      const int fitting = CountFitting(sizes, room);
      if (fitting > 0) {
        RETURN_IF_ERROR(Read(tx, fitting, range));
      }
      if (static_cast<size_t>(fitting) == sizes.size()) {
        return true;
      }
      if (fitting < room) {
        return false;
      }
      // Full, unless some of them were not for this caller.
      if (page_.responses_size() == page_size_) {
        return false;
      }
    }
  }

  // The next page begins after the last response looked at.
  void SetNext() { rpc::SetNextPage(request_, Paging::Key(last_body_, last_inspection_), page_); }

 private:
  // How many of these go into this page. The first of all always does.
  int CountFitting(const std::vector<size_t>& sizes, int room) {
    int fitting = 0;
    while (fitting < room && static_cast<size_t>(fitting) < sizes.size()) {
      const size_t size = sizes[fitting];
      if (bytes_ > 0 && bytes_ + size > kMostPageBytes) {
        break;
      }
      bytes_ += size;
      ++fitting;
    }
    return fitting;
  }

  // Reads that many and moves the range behind them.
  absl::Status Read(db::Transaction& tx, int count, store::Range& range) {
    RETURN_IF_ERROR(store::ReadRange(tx, range, view_, count, [&](const store::ResponseBytes& bytes) -> absl::Status {
      last_body_ = bytes.body;
      last_inspection_ = bytes.inspection;
      return show_(bytes, page_);
    }));
    range.after_body = last_body_;
    range.after_inspection = last_inspection_;
    return absl::OkStatus();
  }

  const Request& request_;
  const v1::ResponseView view_;
  const int page_size_;
  Response& page_;
  const Show show_;
  size_t bytes_ = 0;
  std::string last_body_, last_inspection_;
};

// Fills a page from the ranges of a query.
template <typename Request, typename Response>
absl::Status Fill(const rpc::Call& call, db::Database& database, const Query& query, const Request& request,
                  v1::ResponseView view, Response& page, typename Page<Request, Response>::Show show) {
  return database.Read(
      [&](db::Transaction& tx) -> absl::Status {
        page.Clear();
        ASSIGN_OR_RETURN(const std::vector<std::string> bodies, BodiesToWalk(tx, query));
        Page<Request, Response> filling(request, view, query.paging.size, page, show);
        for (const std::string& body : bodies) {
          store::Range range = query.range;
          range.body = body;
          ASSIGN_OR_RETURN(const bool more_room, filling.Add(tx, std::move(range)));
          if (!more_room) {
            filling.SetNext();
            break;
          }
        }
        return absl::OkStatus();
      },
      call.deadline);
}

}  // namespace

absl::Status ListResponses(const rpc::Call& call, db::Database& database, const v1::ListResponsesRequest& request,
                           v1::ListResponsesResponse& page) {
  base::Violations violations;
  base::CheckEnum("view", request.view(), v1::ResponseView_IsValid, base::Presence::kOptional, violations);
  ASSIGN_OR_RETURN(const Query query, ReadQuery(request,
                                                {base::EnumField("state", v1::Response::State_descriptor()),
                                                 base::NameField("inspection", base::kInspectionName)},
                                                call.scope, violations));
  return Fill(call, database, query, request, request.view(), page,
              [&](const store::ResponseBytes& bytes, v1::ListResponsesResponse& filled) -> absl::Status {
                const access::Scope::View view = ViewOf(call, bytes);
                return view == access::Scope::View::kNone ? absl::OkStatus()
                                                          : Show(view, bytes, filled.add_responses());
              });
}

absl::Status ListExemptions(const rpc::Call& call, db::Database& database, const v1::ListExemptionsRequest& request,
                            v1::ListExemptionsResponse& page) {
  base::Violations violations;
  ASSIGN_OR_RETURN(Query query,
                   ReadQuery(request, {base::NameField("inspection", base::kInspectionName)}, call.scope, violations));
  query.range.state = v1::Response::EXEMPT;
  return Fill(call, database, query, request, v1::RESPONSE_VIEW_BASIC, page,
              [&](const store::ResponseBytes& bytes, v1::ListExemptionsResponse& filled) -> absl::Status {
                v1::Response whole;
                RETURN_IF_ERROR(store::Parse(bytes, whole));
                *filled.add_responses() = views::ForEverybody(whole);
                return absl::OkStatus();
              });
}

}  // namespace section55::authoring
