#include "services/inspection-registry/find.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "libs/base/filter.h"
#include "libs/base/limits.h"
#include "libs/base/resource_name.h"
#include "libs/base/status.h"
#include "libs/rpc/paging.h"
#include "services/inspection-registry/catalogue.h"
#include "services/inspection-registry/register.h"
#include "services/inspection-registry/store.h"

namespace section55::registry {
namespace {

using base::Condition;

constexpr size_t kLongestFilter = 2000;
// What is left of a message after the other things in it.
constexpr size_t kPageBytes = base::kLargestMessage - base::kEventRoom;
// How many items one page looks through where the index cannot tell the day on which they are due.
constexpr int kMostLookedAt = 2000;
constexpr int kBatch = 200;
constexpr std::string_view kAllReports = "inspections/-";

// What is asked for.
struct Wanted {
  search::Query query;
  bool nothing = false;                                          // a text was asked for in which there is no word
  std::optional<std::pair<absl::CivilDay, absl::CivilDay>> due;  // from, to
};

using Paging = rpc::Paging<int64_t, int64_t>;

absl::CivilDay DayOf(const std::string& text) {
  const auto number = [&](size_t from, size_t size) {
    int value = 0;
    std::from_chars(text.data() + from, text.data() + from + size, value);
    return value;
  };
  return absl::CivilDay(number(0, 4), number(5, 2), number(8, 2));
}

// Days from one to another, as conditions narrow them down.
struct Days {
  absl::CivilDay first{1, 1, 1};
  absl::CivilDay last{9999, 12, 31};

  void Narrow(const Condition& condition) {
    const absl::CivilDay day = DayOf(condition.text);
    if (condition.comparison & (base::kEqual | base::kGreaterOrEqual | base::kGreater)) {
      first = std::max(first, condition.comparison == base::kGreater ? day + 1 : day);
    }
    if (condition.comparison & (base::kEqual | base::kLessOrEqual | base::kLess)) {
      last = std::min(last, condition.comparison == base::kLess ? day - 1 : day);
    }
  }
};

// The years, or where they are many the decades, of what is due in that time, as far as there can be any.
std::vector<std::string> DueFacets(const Days& due) {
  constexpr int64_t kFirstYear = 1960, kLastYear = 2149, kMostYears = 12;
  const int64_t first = std::clamp<int64_t>(due.first.year(), kFirstYear, kLastYear);
  const int64_t last = std::clamp<int64_t>(due.last.year(), kFirstYear, kLastYear);
  std::vector<std::string> facets;
  if (last - first < kMostYears) {
    for (int64_t year = first; year <= last; ++year) {
      facets.push_back(store::EnumFacet("due", std::to_string(year)));
    }
  } else {
    for (int64_t decade = first / 10; decade <= last / 10; ++decade) {
      facets.push_back(store::EnumFacet("due", fmt::format("{}0s", decade)));
    }
  }
  return facets;
}

// Turns conditions into what the index is asked for.
Wanted WantedOf(const std::vector<Condition>& conditions, bool with_drafts) {
  Wanted wanted;
  Days published, due;
  bool by_date = false, by_due = false;
  for (const Condition& condition : conditions) {
    if (condition.field == "text") {
      wanted.query.terms = search::ParseTerms(condition.text);
      wanted.nothing = wanted.query.terms.empty();
    } else if (condition.field == "publication_date") {
      published.Narrow(condition);
      by_date = true;
    } else if (condition.field == "due") {
      due.Narrow(condition);
      by_due = true;
    } else if (condition.field == "force") {
      wanted.query.facets.push_back({store::EnumFacet("force", base::MakeName(base::kForceName, {condition.text}))});
    } else if (condition.number != 0) {
      wanted.query.facets.push_back({store::EnumFacet(condition.field, condition.text)});
    } else {
      wanted.query.facets.push_back({store::TextFacet(condition.field, condition.text)});
    }
  }
  if (by_due) {
    wanted.nothing = wanted.nothing || due.first > due.last;
    wanted.due.emplace(due.first, due.last);
    wanted.query.facets.push_back(DueFacets(due));
  }
  if (by_date) {
    wanted.nothing = wanted.nothing || published.first > published.last;
    const store::Places places = store::PlacesOf(published.first, published.last);
    wanted.query.lowest = places.lowest;
    wanted.query.highest = places.highest;
  }
  if (!with_drafts) {
    wanted.query.without.push_back(store::EnumFacet("state", v1::Inspection::State_Name(v1::Inspection::DRAFT)));
  }
  return wanted;
}

void CheckFilterSize(const std::string& filter, base::Violations& violations) {
  if (filter.size() > kLongestFilter) {
    violations.Add("filter", fmt::format("is {} bytes long; at most {} are allowed", filter.size(), kLongestFilter));
  }
}

void SetOrder(const std::string& order_by, search::Query& query, base::Violations& violations) {
  if (order_by == "publication_date") {
    query.order = search::Order::kOldest;
  } else if (order_by == "publication_date desc" || (order_by.empty() && query.terms.empty())) {
    query.order = search::Order::kNewest;
  } else if (order_by.empty() || order_by == "relevance") {
    query.order = search::Order::kBest;
    if (query.terms.empty()) {
      violations.Add("order_by", "relevance is an order of what a text is looked for in: ask for text in the filter");
    }
  } else {
    violations.Add("order_by", "must be publication_date desc, publication_date or relevance, or empty");
  }
}

enum class Look { kAdded, kPassedOver, kNoRoom };

// Goes through what is found, in order, until `look` has no room or `size` were added. The place after which the next page begins;
// nothing when all was looked at.
absl::StatusOr<std::optional<search::Place>> Fill(db::Transaction& tx, const search::TextIndex& index,
                                                  const Wanted& wanted, int size,
                                                  absl::FunctionRef<absl::StatusOr<Look>(int64_t place)> look) {
  search::Query query = wanted.query;
  int added = 0, looked_at = 0;
  while (!wanted.nothing) {
    query.limit = wanted.due ? kBatch : size - added + 1;
    ASSIGN_OR_RETURN(const std::vector<search::Place> found, index.Find(tx, query));
    for (const search::Place& place : found) {
      if (added == size || looked_at == kMostLookedAt) {
        return query.after;
      }
      ASSIGN_OR_RETURN(const Look seen, look(place.position));
      if (seen == Look::kNoRoom) {
        return query.after;
      }
      added += seen == Look::kAdded ? 1 : 0;
      ++looked_at;
      query.after = place;
    }
    if (static_cast<int>(found.size()) < query.limit) {
      break;
    }
  }
  return std::nullopt;
}

template <typename Request, typename Response>
void SetNext(const Request& request, const std::optional<search::Place>& after, Response& page) {
  if (after) {
    rpc::SetNextPage(request, Paging::Key(after->tier, after->position), page);
  }
}

// What is asked of forces or bodies.
struct Registered {
  std::vector<search::Term> terms;
  bool nothing = false;  // a text was asked for in which there is no word
  std::optional<absl::CivilDay> day;
  std::vector<Condition> others;
};

Registered RegisteredOf(std::vector<Condition> conditions) {
  Registered wanted;
  for (Condition& condition : conditions) {
    if (condition.field == "text") {
      wanted.terms = search::ParseTerms(condition.text);
      wanted.nothing = wanted.terms.empty();
    } else if (condition.field == "valid_on") {
      wanted.day = DayOf(condition.text);
    } else {
      wanted.others.push_back(std::move(condition));
    }
  }
  return wanted;
}

bool HasAll(const std::vector<search::Term>& terms, const std::string& text) {
  return std::all_of(terms.begin(), terms.end(),
                     [&](const search::Term& term) { return !search::PassagesOf(text, {term}).empty(); });
}

bool Is(const Registered& wanted, const v1::Force& force) {
  return (!wanted.day || rules::IsThere(force, *wanted.day)) &&
         HasAll(wanted.terms, force.display_name() + "\n" + force.region()) &&
         std::all_of(wanted.others.begin(), wanted.others.end(), [&](const Condition& condition) {
           return condition.field == "region" ? force.region() == condition.text
                                              : force.territorial() == (condition.number != 0);
         });
}

bool Is(const Registered& wanted, const v1::Body& body) {
  const auto holds = [&](const std::string& force) {
    return wanted.day ? rules::ForceHeld(body, *wanted.day) == force
                      : std::any_of(body.force_links().begin(), body.force_links().end(),
                                    [&](const v1::ForceLink& link) { return link.force() == force; });
  };
  return (!wanted.day || rules::IsThere(body, *wanted.day)) &&
         HasAll(wanted.terms, body.display_name() + "\n" + body.place_name()) &&
         std::all_of(wanted.others.begin(), wanted.others.end(), [&](const Condition& condition) {
           return condition.field == "kind" ? body.kind() == condition.number
                                            : holds(base::MakeName(base::kForceName, {condition.text}));
         });
}

// A page of forces or bodies. They are some dozens: they are read in the order of their names and looked at one by one.
template <typename Request, typename Item, typename Response>
absl::Status FindRegistered(const rpc::Call& call, db::Database& database, const Request& request,
                            std::initializer_list<base::FilterField> fields,
                            absl::StatusOr<std::vector<Item>> (*list)(db::Transaction&, const store::AfterId&, int),
                            google::protobuf::RepeatedPtrField<Item>& page, Response& response) {
  base::Violations violations;
  CheckFilterSize(request.filter(), violations);
  const Registered wanted = RegisteredOf(base::ParseFilter(request.filter(), fields, violations));
  if (!request.order_by().empty() && request.order_by() != "name" && request.order_by() != "name desc") {
    violations.Add("order_by", "must be name or name desc, or empty");
  }
  const auto paging = rpc::ReadPaging<std::string>(request, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  return database.Read(
      [&](db::Transaction& tx) -> absl::Status {
        response.Clear();
        store::AfterId after{paging.after ? std::get<0>(*paging.after) : "", request.order_by() == "name desc"};
        int looked_at = 0;
        for (bool more = !wanted.nothing; more;) {
          ASSIGN_OR_RETURN(std::vector<Item> items, list(tx, after, kBatch));
          more = items.size() == kBatch;
          for (Item& item : items) {
            if (page.size() == paging.size || looked_at == kMostLookedAt) {
              rpc::SetNextPage(request, std::make_tuple(after.id), response);
              return absl::OkStatus();
            }
            ++looked_at;
            after.id = item.name().substr(item.name().find('/') + 1);
            if (Is(wanted, item)) {
              *page.Add() = std::move(item);
            }
          }
        }
        return absl::OkStatus();
      },
      call.deadline);
}

// What a page of reports or of findings is asked for.
struct Asked {
  Wanted wanted;
  int size = 0;
};

template <typename Request>
Asked AskedOf(const Request& request, std::initializer_list<base::FilterField> fields, bool with_drafts,
              base::Violations& violations) {
  CheckFilterSize(request.filter(), violations);
  Asked asked{.wanted = WantedOf(base::ParseFilter(request.filter(), fields, violations), with_drafts)};
  SetOrder(request.order_by(), asked.wanted.query, violations);
  const auto paging = rpc::ReadPaging<int64_t, int64_t>(request, violations);
  asked.size = paging.size;
  if (paging.after) {
    asked.wanted.query.after = search::Place{std::get<0>(*paging.after), std::get<1>(*paging.after)};
  }
  return asked;
}

bool IsDue(const Wanted& wanted, const v1::Finding& finding) {
  const auto due = wanted.due ? store::DueDay(finding.due()) : std::nullopt;
  return !wanted.due || (due && *due >= wanted.due->first && *due <= wanted.due->second);
}

// Adds an item unless the page would grow too large for a message; the first is added always.
template <typename Item>
Look Add(Item item, size_t& bytes, google::protobuf::RepeatedPtrField<Item>& page) {
  bytes += item.ByteSizeLong();
  if (bytes > kPageBytes && !page.empty()) {
    return Look::kNoRoom;
  }
  *page.Add() = std::move(item);
  return Look::kAdded;
}

}  // namespace

absl::Status FindInspections(const rpc::Call& call, db::Database& database, const v1::ListInspectionsRequest& request,
                             bool with_drafts, v1::ListInspectionsResponse& page) {
  base::Violations violations;
  const Asked asked = AskedOf(
      request,
      {base::TextField("text", base::kHas), base::EnumField("kind", v1::Inspection::Kind_descriptor()),
       base::TextField("publisher"), base::DateField("publication_date"),
       base::EnumField("basis", v1::Inspection::Basis_descriptor()),
       base::EnumField("state", v1::Inspection::State_descriptor()), base::NameField("force", base::kForceName),
       base::TextField("region"), base::TextField("theme"), base::TextField("addressee"), base::DateField("due")},
      with_drafts, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  return database.Read(
      [&](db::Transaction& tx) -> absl::Status {
        page.Clear();
        size_t bytes = 0;
        ASSIGN_OR_RETURN(
            const auto next,
            Fill(tx, store::InspectionWords(), asked.wanted, asked.size, [&](int64_t place) -> absl::StatusOr<Look> {
              ASSIGN_OR_RETURN(auto found, store::InspectionAt(tx, place));
              const bool is_due =
                  found && (!asked.wanted.due ||
                            std::any_of(found->findings().begin(), found->findings().end(),
                                        [&](const v1::Finding& finding) { return IsDue(asked.wanted, finding); }));
              return is_due ? Add(*std::move(found), bytes, *page.mutable_inspections()) : Look::kPassedOver;
            }));
        SetNext(request, next, page);
        return absl::OkStatus();
      },
      call.deadline);
}

absl::Status FindFindings(const rpc::Call& call, db::Database& database, const v1::ListFindingsRequest& request,
                          bool with_drafts, v1::ListFindingsResponse& page) {
  base::Violations violations;
  const std::string id =
      request.parent() == kAllReports ? "" : base::IdIn("parent", request.parent(), base::kInspectionName, violations);
  const Asked asked = AskedOf(
      request,
      {base::TextField("text", base::kHas), base::EnumField("kind", v1::Finding::Kind_descriptor()),
       base::TextField("addressee"), base::TextField("theme"), base::DateField("due"), base::TextField("publisher"),
       base::EnumField("inspection_kind", v1::Inspection::Kind_descriptor()), base::DateField("publication_date"),
       base::EnumField("state", v1::Inspection::State_descriptor()), base::EnumField("grade", v1::Grade_descriptor())},
      with_drafts, violations);
  RETURN_IF_ERROR(violations.ToStatus());
  return database.Read(
      [&](db::Transaction& tx) -> absl::Status {
        page.Clear();
        Wanted here = asked.wanted;
        if (!id.empty()) {
          ASSIGN_OR_RETURN(const auto report, store::FindCatalogued(tx, id));
          if (!report || (report->state == v1::Inspection::DRAFT && !with_drafts)) {
            return base::NotFound(request.parent());
          }
          here.query.lowest = std::max(here.query.lowest, report->findings.lowest);
          here.query.highest = std::min(here.query.highest, report->findings.highest);
        }
        size_t bytes = 0;
        ASSIGN_OR_RETURN(const auto next,
                         Fill(tx, store::FindingWords(), here, asked.size, [&](int64_t place) -> absl::StatusOr<Look> {
                           ASSIGN_OR_RETURN(std::optional<v1::Finding> finding, store::FindingAt(tx, place));
                           return finding && IsDue(here, *finding)
                                      ? Add(*std::move(finding), bytes, *page.mutable_findings())
                                      : Look::kPassedOver;
                         }));
        SetNext(request, next, page);
        return absl::OkStatus();
      },
      call.deadline);
}

absl::Status FindForces(const rpc::Call& call, db::Database& database, const v1::ListForcesRequest& request,
                        v1::ListForcesResponse& page) {
  return FindRegistered(call, database, request,
                        {base::TextField("text", base::kHas), base::TextField("region"), base::BoolField("territorial"),
                         base::DateField("valid_on", base::kEqual)},
                        store::ListForces, *page.mutable_forces(), page);
}

absl::Status FindBodies(const rpc::Call& call, db::Database& database, const v1::ListBodiesRequest& request,
                        v1::ListBodiesResponse& page) {
  return FindRegistered(call, database, request,
                        {base::TextField("text", base::kHas), base::EnumField("kind", v1::Body::Kind_descriptor()),
                         base::NameField("force", base::kForceName), base::DateField("valid_on", base::kEqual)},
                        store::ListBodies, *page.mutable_bodies(), page);
}

}  // namespace section55::registry
