#include "tests/load/lists.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

#include "absl/time/civil_time.h"
#include "absl/time/clock.h"
#include "authoring_schema.h"
#include "deadlines_schema.h"
#include "libs/base/proto_time.h"
#include "libs/base/status.h"
#include "libs/db/migrate.h"
#include "libs/rpc/paging.h"
#include "libs/rpc/server.h"
#include "services/deadline-scheduler/rules.h"
#include "services/deadline-scheduler/store.h"
#include "services/response-authoring/list.h"
#include "services/response-authoring/store.h"

namespace section55::load {
namespace {

using authoring::v1::Response;
using deadlines::v1::Deadline;

constexpr int kBodies = 50;  // each holds a force of its own to account
constexpr int kFewReports = 20;
constexpr int kManyReports = 2000;
// In the state that lists are filtered by, of each body's rows and however many there are of those.
constexpr int kRarePerBody = 2;
constexpr int kPage = 10;
constexpr int kPeople = 10;
constexpr int kReportsPerCommit = 20;

void Must(const absl::Status& status) {
  if (!status.ok()) {
    fmt::print(stderr, "bench: a list failed: {}\n", status.ToString());
    std::exit(1);
  }
}

std::string BodyId(int number) { return fmt::format("body-{:02}", number); }
std::string ForceId(int number) { return fmt::format("force-{:02}", number); }
std::string ReportId(int number) { return fmt::format("report-{:04}", number); }
bool IsRare(int report, int reports) { return report % (reports / kRarePerBody) == 1; }

registry::v1::Inspection Report(int number) {
  registry::v1::Inspection report;
  report.set_name("inspections/" + ReportId(number));
  report.set_title("A report");
  report.set_revision(1);
  report.set_basis(registry::v1::Inspection::STATUTE_S55);
  *report.mutable_publication_date() = base::ToProtoDate(absl::CivilDay(2018, 1, 1) + number);
  return report;
}

absl::Status AddResponse(db::Transaction& tx, int body, int report, int reports) {
  authoring::store::StoredResponse stored;
  stored.revision = 1;
  Response& response = stored.response;
  response.set_name(fmt::format("bodies/{}/responses/{}", BodyId(body), ReportId(report)));
  response.set_inspection("inspections/" + ReportId(report));
  response.mutable_body()->set_name("bodies/" + BodyId(body));
  response.mutable_force()->set_name("forces/" + ForceId(body));
  response.set_state(IsRare(report, reports) ? Response::IN_REVIEW : Response::PUBLISHED);
  response.set_comments(std::string(500, 'c'));
  return authoring::store::Write(tx, authoring::store::Prepare(Response(), "people/bench", absl::Now(), stored));
}

absl::Status AddDeadline(db::Transaction& tx, int body, int report, int reports) {
  ASSIGN_OR_RETURN(std::optional<Deadline> deadline,
                   deadlines::rules::Open(Report(report), {BodyId(body), ReportId(report)}, absl::Now()));
  deadlines::store::StoredDeadline stored;
  stored.message = std::move(deadline).value();
  stored.message.set_state(IsRare(report, reports) ? Deadline::PENDING : Deadline::MET);
  return deadlines::store::InsertDeadline(tx, stored);
}

// Report by report, as they come: what one body has lies far apart.
std::unique_ptr<db::Database> Fill(
    const db::Options& options, const db::Schema& schema, int reports,
    const std::function<absl::Status(db::Transaction&, int body)>& add_body,
    const std::function<absl::Status(db::Transaction&, int report)>& add_report,
    const std::function<absl::Status(db::Transaction&, int body, int report, int reports)>& add_row) {
  auto database = db::Open(options);
  Must(database.status());
  Must(db::Migrate(**database, {schema}, absl::Now(), /*dry_run=*/false).status());
  Must((*database)->Write([&](db::Transaction& tx) -> absl::Status {
    for (int body = 0; body < kBodies; ++body) {
      RETURN_IF_ERROR(add_body(tx, body));
    }
    return absl::OkStatus();
  }));
  for (int first = 0; first < reports; first += kReportsPerCommit) {
    Must((*database)->Write([&](db::Transaction& tx) -> absl::Status {
      for (int report = first; report < first + kReportsPerCommit; ++report) {
        RETURN_IF_ERROR(add_report(tx, report));
        for (int body = 0; body < kBodies; ++body) {
          RETURN_IF_ERROR(add_row(tx, body, report, reports));
        }
      }
      return absl::OkStatus();
    }));
  }
  return *std::move(database);
}

std::unique_ptr<db::Database> FillAuthoring(const db::Options& options, int reports) {
  return Fill(
      options, authoring::MigrationSchema(), reports,
      [](db::Transaction& tx, int body) { return authoring::store::SaveBody(tx, BodyId(body), ForceId(body)); },
      [](db::Transaction& tx, int report) { return authoring::store::KeepReport(tx, Report(report)); }, AddResponse);
}

std::unique_ptr<db::Database> FillDeadlines(const db::Options& options, int reports) {
  return Fill(
      options, deadlines::MigrationSchema(), reports,
      [](db::Transaction& tx, int body) { return deadlines::store::SaveBody(tx, BodyId(body), ForceId(body)); },
      [](db::Transaction&, int) { return absl::OkStatus(); }, AddDeadline);
}

// Whose list it is.
enum class Caller { kAuditor, kSeveralBodies, kForce };

// The bodies of one of kPeople people: every tenth.
std::vector<std::string> BodiesOf(int person) {
  std::vector<std::string> bodies;
  for (int body = person; body < kBodies; body += kPeople) {
    bodies.push_back(BodyId(body));
  }
  return bodies;
}

// How many rows the page has.
using ListPage = std::function<int(db::Database& database, int reports, int person)>;

// `from_middle`: not the first page but the one in the middle.
ListPage ResponsesOf(Caller caller, const std::string& filter, bool from_middle) {
  return [=](db::Database& database, int reports, int person) {
    access::Scope scope;
    scope.everything = caller == Caller::kAuditor;
    if (caller == Caller::kSeveralBodies) {
      for (const std::string& body : BodiesOf(person)) {
        scope.bodies.push_back("bodies/" + body);
      }
    } else if (caller == Caller::kForce) {
      scope.forces.push_back("forces/" + ForceId(person));
    }
    const access::Identity identity;
    const std::string text;
    const rpc::Call call{identity, scope, text, text, absl::Now(), absl::InfiniteFuture(), [] { return false; }};
    authoring::v1::ListResponsesRequest request;
    request.set_parent("bodies/-");
    request.set_page_size(kPage);
    request.set_view(authoring::v1::RESPONSE_VIEW_BASIC);
    request.set_filter(filter);
    if (from_middle) {
      request.set_page_token(rpc::MakePageToken(request, {BodyId(kBodies / 2 + person), ReportId(reports / 2)}));
    }
    authoring::v1::ListResponsesResponse page;
    Must(authoring::ListResponses(call, database, request, page));
    return page.responses_size();
  };
}

ListPage DeadlinesOf(Caller caller, std::optional<Deadline::State> state) {
  return [=](db::Database& database, int, int person) {
    std::vector<deadlines::store::StoredDeadline> page;
    Must(database.Read([&](db::Transaction& tx) -> absl::Status {
      deadlines::store::DeadlineQuery query;
      query.everything = caller == Caller::kAuditor;
      if (caller == Caller::kSeveralBodies) {
        query.bodies = BodiesOf(person);
      } else if (caller == Caller::kForce) {
        ASSIGN_OR_RETURN(query.bodies, deadlines::store::BodiesOf(tx, ForceId(person)));
      }
      query.state = state;
      query.limit = kPage + 1;
      ASSIGN_OR_RETURN(page, deadlines::store::ListDeadlines(tx, query));
      return absl::OkStatus();
    }));
    return static_cast<int>(page.size());
  };
}

double PagesPerSecond(db::Database& database, int reports, const ListPage& list, absl::Duration length) {
  int64_t pages = 0;
  const absl::Time start = absl::Now();
  while (absl::Now() - start < length) {
    list(database, reports, static_cast<int>(pages++ % kPeople));
  }
  return static_cast<double>(pages) / absl::ToDoubleSeconds(absl::Now() - start);
}

struct Case {
  std::string name;
  db::Database& few;
  db::Database& many;
  ListPage list;
};

}  // namespace

std::vector<Comparison> CompareLists(const std::string& engine, const std::function<db::Options()>& new_database,
                                     int rounds, absl::Duration length) {
  const auto few_responses = FillAuthoring(new_database(), kFewReports);
  const auto many_responses = FillAuthoring(new_database(), kManyReports);
  const auto few_deadlines = FillDeadlines(new_database(), kFewReports);
  const auto many_deadlines = FillDeadlines(new_database(), kManyReports);
  const std::string rare = "state = \"IN_REVIEW\"";
  const auto of_responses = [&](std::string name, Caller caller, const std::string& filter, bool from_middle = false) {
    return Case{fmt::format("ListResponses, {}", name), *few_responses, *many_responses,
                ResponsesOf(caller, filter, from_middle)};
  };
  const auto of_deadlines = [&](std::string name, Caller caller, std::optional<Deadline::State> state) {
    return Case{fmt::format("ListDeadlines, {}", name), *few_deadlines, *many_deadlines, DeadlinesOf(caller, state)};
  };
  const Case cases[] = {
      of_responses("an auditor's, filtered by state", Caller::kAuditor, rare),
      of_responses("an auditor's, from the middle", Caller::kAuditor, "", /*from_middle=*/true),
      of_responses("of five bodies", Caller::kSeveralBodies, ""),
      of_responses("of five bodies, filtered by state", Caller::kSeveralBodies, rare),
      of_responses("a force's", Caller::kForce, ""),
      of_deadlines("an auditor's, filtered by state", Caller::kAuditor, Deadline::PENDING),
      of_deadlines("of five bodies", Caller::kSeveralBodies, std::nullopt),
      of_deadlines("of five bodies, filtered by state", Caller::kSeveralBodies, Deadline::PENDING),
      of_deadlines("a force's", Caller::kForce, std::nullopt),
  };
  std::vector<Comparison> comparisons;
  for (const Case& each : cases) {
    // The same page, or the comparison says nothing.
    for (int person = 0; person < kPeople; ++person) {
      const int few = each.list(each.few, kFewReports, person), many = each.list(each.many, kManyReports, person);
      if (few != many || few < kPage) {
        fmt::print(stderr, "bench: {}: {} rows of few, {} of many\n", each.name, few, many);
        std::exit(1);
      }
    }
    // Dearer by a fifth at most.
    Comparison& comparison = comparisons.emplace_back(
        Comparison{fmt::format("{}, {}, 100,000 rows", each.name, engine), "1,000 rows", {}, {}, 1 / 1.2});
    for (int round = 0; round < rounds; ++round) {
      comparison.floor_per_second.push_back(PagesPerSecond(each.few, kFewReports, each.list, length));
      comparison.subject_per_second.push_back(PagesPerSecond(each.many, kManyReports, each.list, length));
    }
    fmt::print(stderr, "{}: {:.0f}/s, of 1,000 {:.0f}/s\n", comparison.name, Median(comparison.subject_per_second),
               Median(comparison.floor_per_second));
  }
  return comparisons;
}

}  // namespace section55::load
