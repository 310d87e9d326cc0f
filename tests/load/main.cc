// The benchmark: every figure beside its floor, measured in turn in the same run, over TLS and with authorisation on.
//
//   section55-bench [--rounds=5] [--seconds=2] [--json=FILE] [--only=reads]

#include <fmt/format.h>
#include <httplib.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/time/clock.h"
#include "libs/db/database.h"
#include "libs/rpc/tls.h"
#include "libs/testing/mariadb.h"
#include "libs/testing/suite.h"
#include "tests/e2e/main_job.h"
#include "tests/load/echo.h"
#include "tests/load/floors.h"
#include "tests/load/lists.h"
#include "tests/load/load.h"
#include "tests/load/report.h"
#include "tests/load/search.h"

ABSL_FLAG(int, rounds, 5, "Rounds of each comparison; medians are taken over them.");
ABSL_FLAG(double, seconds, 2, "Length of each measurement.");
ABSL_FLAG(std::string, only, "",
          "Of reads, sqlite, page, flood, report, mariadb, lists and search: measure this alone.");
ABSL_FLAG(int, rows, 100'000, "Of search: how many rows beside 10,000; filling a million takes minutes.");
ABSL_FLAG(std::string, engine, "", "Of search: sqlite or mariadb alone.");
ABSL_FLAG(std::string, json, "", "Also write the figures here, as JSON.");
ABSL_FLAG(std::string, echo_certificates, "", "Internal: be the echo server with these certificates.");
ABSL_FLAG(int, echo_bytes, 0, "Internal: the size of the echo server's answers.");

namespace section55::load {
namespace {

using testing::Service;
using testing::Suite;

constexpr int kConnections = 8;
constexpr char kGetResponse[] = "/section55.authoring.v1.ResponseAuthoring/GetResponse";
constexpr char kUpdateResponse[] = "/section55.authoring.v1.ResponseAuthoring/UpdateResponse";

void Progress(const std::string& line) { fmt::print(stderr, "{}\n", line); }

absl::Duration Length() { return absl::Seconds(absl::GetFlag(FLAGS_seconds)); }

std::vector<std::shared_ptr<grpc::Channel>> Connect(const std::string& address, int count) {
  // The service's own certificate folder makes a TLS channel; people's calls carry a token, which goes first.
  std::vector<std::shared_ptr<grpc::Channel>> channels;
  for (int i = 0; i < count; ++i) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    channels.push_back(grpc::CreateCustomChannel(
        address, rpc::PeerTls(testing::Pki::Get().certificates("response-authoring")), arguments));
  }
  return channels;
}

// The echo server, a process of its own like the service it is compared with.
class Echo {
 public:
  explicit Echo(size_t answer_bytes)
      : process_({.words = {"/proc/self/exe",
                            "--echo_certificates=" + testing::Pki::Get().certificates("response-authoring").string(),
                            fmt::format("--echo_bytes={}", answer_bytes)}},
                 folder_.path() / "port", folder_.path() / "errors") {
    std::string port;
    while (port.find('\n') == std::string::npos && !process_.Await(absl::Milliseconds(10))) {
      port = testing::ReadFile(folder_.path() / "port");
    }
    address_ = "127.0.0.1:" + port.substr(0, port.find('\n'));
  }
  const std::string& address() const { return address_; }

 private:
  testing::TemporaryFolder folder_;
  testing::Process process_;
  std::string address_;
};

// None may fail.
Outcome RunAll(const Target& target) {
  Outcome outcome = Run(target, Length());
  if (outcome.failures > 0) {
    fmt::print(stderr, "bench: {} calls of {} failed: {}\n", outcome.failures, target.method, outcome.first_failure);
    std::exit(1);
  }
  return outcome;
}

double Measure(const Target& target) { return RunAll(target).calls_per_second; }

// A suite with the national report registered twice, so that 64 callers have a response each.
class Offices {
 public:
  Offices(db::Engine engine, std::vector<std::string> flags)
      : suite_({.engine = engine, .flags = std::move(flags)}), job_(suite_), areas_(e2e::ReadAreas()) {
    std::erase_if(areas_, [](const e2e::Area& area) { return !area.territorial; });
    job_.Register(areas_);
    job_.RegisterRecipients();
    for (const char* report : {"safe-to-share", "safe-to-share-again"}) {
      job_.Publish(report, e2e::SafeToShare());
      job_.AwaitResponse(e2e::ResponseName(areas_.back(), report));
    }
    for (int i = 0; i < kConnections; ++i) {
      std::vector<std::string> roles;
      for (size_t area = i; area < areas_.size(); area += kConnections) {
        roles.push_back("author@bodies/" + areas_[area].body);
      }
      testing::Pki::Get().AddPerson(Author(i), roles);
    }
  }

  Suite& suite() { return suite_; }
  e2e::MainJob& job() { return job_; }
  const std::vector<e2e::Area>& areas() const { return areas_; }
  std::string address() const { return suite_.address(Service::kAuthoring); }

  static std::string Author(int connection) { return fmt::format("bench-author-{}", connection); }

  // The response of caller `caller`, whose connection's author may write it.
  std::string ResponseOf(int caller, int callers_per_connection) const {
    const int connection = caller / callers_per_connection;
    const int turn = caller % callers_per_connection;
    const int per_author = static_cast<int>((areas_.size() - connection + kConnections - 1) / kConnections);
    const auto& area = areas_[connection + kConnections * (turn % per_author)];
    return e2e::ResponseName(area, turn < per_author ? "safe-to-share" : "safe-to-share-again");
  }

 private:
  Suite suite_;
  e2e::MainJob job_;
  std::vector<e2e::Area> areas_;
};

Target UpdatesOf(const Offices& offices, int callers) {
  const int per_connection = callers / kConnections;
  return {.method = kUpdateResponse,
          .channels = Connect(offices.address(), kConnections),
          .in_flight_per_channel = per_connection,
          .request =
              [&offices, per_connection](int caller, int turn) {
                authoring::v1::UpdateResponseRequest request;
                request.mutable_response()->set_name(offices.ResponseOf(caller, per_connection));
                request.mutable_response()->set_comments(std::string(1000, turn == 0 ? 'c' : 'd'));
                request.mutable_update_mask()->add_paths("comments");
                return request.SerializeAsString();
              },
          .token = [per_connection](
                       int caller) { return testing::Pki::Get().Token(Offices::Author(caller / per_connection)); }};
}

Target EchoOf(const Echo& echo, int in_flight_per_channel, std::function<std::string(int, int)> request) {
  return {.method = kEchoMethod,
          .channels = Connect(echo.address(), kConnections),
          .in_flight_per_channel = in_flight_per_channel,
          .request = std::move(request),
          .token = nullptr};
}

void CompareReads(Offices& offices, std::vector<Comparison>& comparisons) {
  const auto& norfolk = offices.areas().front();
  const std::string name = e2e::ResponseName(norfolk, "safe-to-share");
  e2e::MakePeople(norfolk);
  const std::string author = norfolk.force + "-author";
  offices.job().Write(norfolk, offices.job().Get(author, name), "bench");
  const authoring::v1::Response response = offices.job().Get(author, name);
  const Echo echo(response.ByteSizeLong());
  const auto request = [&](int, int) {
    authoring::v1::GetResponseRequest get;
    get.set_name(name);
    return get.SerializeAsString();
  };
  Comparison comparison{
      "GetResponse, 8 connections x 16 in flight", "raw gRPC sync echo of the same bytes", {}, {}, 0.7};
  const Target subject{.method = kGetResponse,
                       .channels = Connect(offices.address(), kConnections),
                       .in_flight_per_channel = 16,
                       .request = request,
                       .token = [&](int) { return testing::Pki::Get().Token(author); }};
  const Target floor = EchoOf(echo, 16, request);
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    comparison.floor_per_second.push_back(Measure(floor));
    comparison.subject_per_second.push_back(Measure(subject));
    Progress(fmt::format("GetResponse round {}: {:.0f}/s, echo {:.0f}/s ({} bytes)", round + 1,
                         comparison.subject_per_second.back(), comparison.floor_per_second.back(),
                         response.ByteSizeLong()));
  }
  comparisons.push_back(std::move(comparison));
}

struct RawFloor {
  RawWrite write;
  std::string name;
  double target = 0;
};

// UpdateResponse beside raw writes of the same bytes, and beside the echo when `with_echo`.
void CompareWrites(Offices& offices, const std::string& engine, int callers, const db::Options& raw_options,
                   const std::vector<RawFloor>& floors, bool with_echo, std::vector<Comparison>& comparisons) {
  const Target subject = UpdatesOf(offices, callers);
  Run(subject, absl::Milliseconds(300));  // warm
  authoring::v1::Response sample = offices.job().Get(offices.Author(0), offices.ResponseOf(0, callers / kConnections));
  const size_t bytes = sample.ByteSizeLong();
  auto raw = db::Open(raw_options);
  if (!raw.ok()) {
    fmt::print(stderr, "bench: {}\n", raw.status().ToString());
    std::exit(1);
  }
  const std::string name = fmt::format("UpdateResponse, durable, {} callers, {}", callers, engine);
  const Echo echo(bytes);
  const Target echo_target = EchoOf(echo, callers / kConnections, subject.request);
  std::vector<Comparison> here;
  if (with_echo) {
    here.push_back({name, "raw gRPC sync echo of the same bytes", {}, {}, 0.4});
  }
  for (const RawFloor& floor : floors) {
    here.push_back({name, fmt::format("raw {} of the same bytes", floor.name), {}, {}, floor.target});
  }
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    const double updates = Measure(subject);
    std::string progress;
    for (size_t i = 0; i < here.size(); ++i) {
      const bool is_echo = with_echo && i == 0;
      here[i].floor_per_second.push_back(
          is_echo ? Measure(echo_target)
                  : RawWritesPerSecond(**raw, floors[i - (with_echo ? 1 : 0)].write, callers, bytes, Length()));
      here[i].subject_per_second.push_back(updates);
      progress += fmt::format(", {} {:.0f}/s", is_echo ? "echo" : "raw", here[i].floor_per_second.back());
    }
    Progress(fmt::format("{} round {}: {:.0f}/s{} ({} bytes)", name, round + 1, updates, progress, bytes));
  }
  comparisons.insert(comparisons.end(), here.begin(), here.end());
}

Figure ApprovalToPage(Offices& offices) {
  Figure figure{"approval to visible page", "ms", {}, 50};
  httplib::Client web("127.0.0.1", offices.suite().web_port());
  web.set_keep_alive(true);
  web.set_tcp_nodelay(true);
  for (size_t i = 0; i < 20; ++i) {
    const auto& area = offices.areas()[i];
    const std::string name = e2e::ResponseName(area, "safe-to-share");
    const std::string page = fmt::format("/responses/{}/safe-to-share", area.body);
    e2e::MakePeople(area);
    offices.job().Invite(area, name, e2e::Date(2021, 1, 14));
    offices.job().Comment(area, name);
    offices.job().Write(area, offices.job().Get(area.force + "-author", name), "bench");
    offices.job().Submit(area, name);
    web.Get(page);
    const absl::Time start = absl::Now();
    offices.job().Approve(area, name);
    // With a pause: whoever asks without one takes the core that the page is made on.
    for (auto result = web.Get(page); !result || result->status != 200; result = web.Get(page)) {
      absl::SleepFor(absl::Milliseconds(1));  // NOLINT: a reader of the web is told nothing
      if (absl::Now() - start > absl::Seconds(30)) {
        fmt::print(stderr, "bench: {} did not appear\n", page);
        std::exit(1);
      }
    }
    figure.values.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
  }
  Progress(fmt::format("approval to visible page: {:.1f} ms", Median(figure.values)));
  return figure;
}

// From the call of PublishInspection to the moment at which all responses to the report, and all deadlines, can be listed.
Figure ReportToResponses(Offices& offices, const std::string& engine) {
  constexpr int kRecommendations = 111;
  constexpr int kBodies = 43;
  Figure figure{fmt::format("report with {} recommendations to {} responses and deadlines, {}", kRecommendations,
                            kBodies, engine),
                "ms",
                {},
                2000};
  registry::v1::Inspection report = e2e::SafeToShare();
  report.clear_findings();
  for (int number = 1; number <= kRecommendations; ++number) {
    auto& finding = *report.add_findings();
    finding.set_kind(registry::v1::Finding::RECOMMENDATION);
    finding.set_number(std::to_string(number));
    finding.set_text(std::string(500, 'x'));
    finding.add_addressees()->set_kind(registry::v1::Addressee::ALL_CHIEF_CONSTABLES);
  }
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    const std::string id = fmt::format("large-{}", round);
    authoring::v1::ListResponsesRequest responses;
    responses.set_parent("bodies/-");
    responses.set_page_size(1000);
    responses.set_view(authoring::v1::RESPONSE_VIEW_BASIC);
    responses.set_filter(fmt::format("inspection = \"inspections/{}\"", id));
    deadlines::v1::ListDeadlinesRequest deadlines;
    deadlines.set_parent("bodies/-");
    deadlines.set_page_size(1000);
    deadlines.set_filter(responses.filter());
    registry::v1::CreateInspectionRequest create;
    create.set_inspection_id(id);
    *create.mutable_inspection() = report;
    offices.job().Do("registrar", &registry::v1::InspectionRegistry::Stub::CreateInspection, create);
    registry::v1::PublishInspectionRequest publish;
    publish.set_name("inspections/" + id);
    const absl::Time start = absl::Now();
    offices.job().Do("registrar", &registry::v1::InspectionRegistry::Stub::PublishInspection, publish);
    bool complete = false;
    while (!complete) {
      if (absl::Now() - start > absl::Seconds(60)) {
        fmt::print(stderr, "bench: the responses to {} did not open\n", id);
        std::exit(1);
      }
      complete = offices.job()
                         .Do("auditor", &authoring::v1::ResponseAuthoring::Stub::ListResponses, responses)
                         .responses_size() == kBodies &&
                 offices.job()
                         .Do("auditor", &deadlines::v1::DeadlineScheduler::Stub::ListDeadlines, deadlines)
                         .deadlines_size() == kBodies;
    }
    figure.values.push_back(absl::ToDoubleMilliseconds(absl::Now() - start));
  }
  Progress(fmt::format("{}: {:.0f} ms", figure.name, Median(figure.values)));
  return figure;
}

// Calls of eight bodies while a ninth's people call as fast as they are answered or refused; beside the same calls alone, and beside the same
// flood upon an echo next door, which takes of the machine what a flood takes and nothing of the service.
void CompareFlood(Offices& offices, std::vector<Comparison>& comparisons, std::vector<Figure>& figures) {
  constexpr int kFloodConnections = 4;
  constexpr int kFloodPeople = 20;
  constexpr int kCallsOfEach = 16;
  constexpr absl::Duration kLead = absl::Milliseconds(500);  // a flood begins before the measurement and ends after it
  constexpr int kCalm = 8;
  const auto& loud = offices.areas()[kCalm];
  const auto get = [](const e2e::Area& area) {
    authoring::v1::GetResponseRequest request;
    request.set_name(e2e::ResponseName(area, "safe-to-share"));
    return request.SerializeAsString();
  };
  const auto flooder = [](int person) { return fmt::format("bench-flood-{}", person); };
  for (int person = 0; person < kFloodPeople; ++person) {
    testing::Pki::Get().AddPerson(flooder(person), {"author@bodies/" + loud.body});
  }
  const auto author = [&](int calm) { return offices.areas()[calm].force + "-author"; };
  for (int calm = 0; calm < kCalm; ++calm) {
    e2e::MakePeople(offices.areas()[calm]);
  }
  const Target subject{.method = kGetResponse,
                       .channels = Connect(offices.address(), kCalm),
                       .in_flight_per_channel = 1,
                       .request = [&](int calm, int) { return get(offices.areas()[calm]); },
                       .token = [&](int calm) { return testing::Pki::Get().Token(author(calm)); }};
  const Target flood{.method = kGetResponse,
                     .channels = Connect(offices.address(), kFloodConnections),
                     .in_flight_per_channel = kFloodPeople * kCallsOfEach / kFloodConnections,
                     .request = [&](int, int) { return get(loud); },
                     .token = [&](int caller) { return testing::Pki::Get().Token(flooder(caller / kCallsOfEach)); }};
  const Echo echo(offices.job().Get(author(0), e2e::ResponseName(offices.areas()[0], "safe-to-share")).ByteSizeLong());
  Target elsewhere = EchoOf(echo, flood.in_flight_per_channel, flood.request);
  elsewhere.channels.resize(kFloodConnections);

  const std::string what = fmt::format("GetResponse of {} bodies, one each in flight, beside a ninth's {}", kCalm,
                                       kFloodPeople * kCallsOfEach);
  constexpr double kFourFifths = 0.8;
  Comparison beside_none{what, "without the other's", {}, {}, kFourFifths};
  Comparison beside_echo{what, "with as many upon a raw gRPC echo next door", {}, {}, kFourFifths};
  Figure refused{"its calls refused, in the flood", "%", {}, 0};
  Figure slowest{"its slowest in a hundred, in the flood", "ms", {}, 0};
  Figure slowest_alone{"its slowest in a hundred, alone", "ms", {}, 0};
  const auto during = [&](const Target& others, Outcome& of_others) {
    std::thread flooding([&] { of_others = Run(others, Length() + 2 * kLead); });
    Run(subject, kLead);
    Outcome measured = Run(subject, Length());
    flooding.join();
    return measured;
  };
  for (int round = 0; round < absl::GetFlag(FLAGS_rounds); ++round) {
    Outcome of_flood;
    Outcome of_echo;
    const Outcome alone = RunAll(subject);
    const Outcome in_flood = during(flood, of_flood);
    const Outcome beside = during(elsewhere, of_echo);
    for (Comparison* const each : {&beside_none, &beside_echo}) {
      each->subject_per_second.push_back(in_flood.calls_per_second);
    }
    beside_none.floor_per_second.push_back(alone.calls_per_second);
    beside_echo.floor_per_second.push_back(beside.calls_per_second);
    const double answered = in_flood.calls_per_second * absl::ToDoubleSeconds(Length());
    const auto failures = static_cast<double>(in_flood.failures);
    refused.values.push_back(100 * failures / std::max(1.0, failures + answered));
    slowest.values.push_back(in_flood.p99_millis);
    slowest_alone.values.push_back(alone.p99_millis);
    Progress(
        fmt::format("flood round {}: {:.0f}/s and {} refused (of the flood {:.0f}/s and {} refused), alone {:.0f}/s, "
                    "beside an echo's "
                    "flood {:.0f}/s{}",
                    round + 1, in_flood.calls_per_second, in_flood.failures, of_flood.calls_per_second,
                    of_flood.failures, alone.calls_per_second, beside.calls_per_second,
                    in_flood.failures > 0 ? ": " + in_flood.first_failure : std::string()));
  }
  comparisons.push_back(std::move(beside_none));
  comparisons.push_back(std::move(beside_echo));
  figures.push_back(std::move(refused));
  figures.push_back(std::move(slowest));
  figures.push_back(std::move(slowest_alone));
}

bool Wanted(std::string_view part) {
  const std::string only = absl::GetFlag(FLAGS_only);
  return only.empty() || only == part;
}

int Bench() {
  std::vector<Comparison> comparisons;
  std::vector<Figure> figures;
  if (Wanted("reads") || Wanted("sqlite") || Wanted("page") || Wanted("report")) {
    Progress("SQLite: starting the suite");
    Offices offices(db::Engine::kSqlite,
                    {"--calls_per_second_per_caller=0", "--calls_per_second_per_tenant=0", "--max_calls_per_caller=0"});
    if (Wanted("reads")) {
      CompareReads(offices, comparisons);
    }
    if (Wanted("sqlite")) {
      const testing::TemporaryFolder folder;
      CompareWrites(offices, "SQLite", 64,
                    {.url = "sqlite:" + (folder.path() / "raw.sqlite").string(), .password_file = "", .create = true},
                    {{RawWrite::kUpdate, "group commit"}}, /*with_echo=*/true, comparisons);
    }
    if (Wanted("page")) {
      figures.push_back(ApprovalToPage(offices));
    }
    if (Wanted("report")) {
      figures.push_back(ReportToResponses(offices, "SQLite"));
    }
  }
  if (Wanted("flood")) {
    Progress("SQLite: starting the suite with the limits of a deployment");
    // The suite of the tests is without them.
    Offices offices(db::Engine::kSqlite, {"--calls_per_second_per_caller=2000", "--calls_per_second_per_tenant=500"});
    CompareFlood(offices, comparisons, figures);
  }
  if (Wanted("mariadb") || Wanted("report")) {
    Progress("MariaDB: starting the suite");
    Offices offices(db::Engine::kMysql, {"--calls_per_second_per_caller=0", "--calls_per_second_per_tenant=0",
                                         "--max_calls_per_caller=0", "--database_connections=32"});
    auto& server = testing::MariaDb::Get();
    if (Wanted("mariadb")) {
      CompareWrites(
          offices, "MariaDB", 32, {.url = server.UrlOf(server.NewDatabase()), .password_file = "", .connections = 32},
          {{RawWrite::kInsert, "insert and commit", 0.4}, {RawWrite::kReadAndUpdate, "select, update and commit"}},
          /*with_echo=*/false, comparisons);
    }
    if (Wanted("report")) {
      figures.push_back(ReportToResponses(offices, "MariaDB"));
    }
  }
  if (Wanted("lists")) {
    Progress("lists: 1,000 and 100,000 responses and deadlines");
    const testing::TemporaryFolder folder;
    int files = 0;
    auto& server = testing::MariaDb::Get();
    // One thread: short rounds tell as much as long ones.
    const auto compare = [&](const std::string& engine, const std::function<db::Options()>& new_database) {
      auto lists = CompareLists(engine, new_database, absl::GetFlag(FLAGS_rounds), Length() / 10);
      comparisons.insert(comparisons.end(), lists.begin(), lists.end());
    };
    compare("SQLite", [&] {
      return db::Options{.url = fmt::format("sqlite:{}/{}.sqlite", folder.path().string(), ++files),
                         .password_file = "",
                         .create = true};
    });
    compare("MariaDB", [&] { return db::Options{.url = server.UrlOf(server.NewDatabase()), .password_file = ""}; });
  }
  if (Wanted("search")) {
    const int rows = absl::GetFlag(FLAGS_rows);
    Progress(fmt::format("search: 10,000 and {} findings", rows));
    const testing::TemporaryFolder folder;
    int files = 0;
    const auto compare = [&](const std::string& engine, const std::function<db::Options()>& new_database) {
      auto searches = CompareSearches(engine, new_database, rows, absl::GetFlag(FLAGS_rounds), Length() / 10);
      comparisons.insert(comparisons.end(), searches.begin(), searches.end());
    };
    if (absl::GetFlag(FLAGS_engine) != "mariadb") {
      compare("SQLite", [&] {
        return db::Options{.url = fmt::format("sqlite:{}/{}.sqlite", folder.path().string(), ++files),
                           .password_file = "",
                           .create = true};
      });
    }
    if (absl::GetFlag(FLAGS_engine) != "sqlite") {
      auto& server = testing::MariaDb::Get();
      compare("MariaDB", [&] { return db::Options{.url = server.UrlOf(server.NewDatabase()), .password_file = ""}; });
    }
  }
  fmt::print("{}", Markdown(comparisons, figures));
  if (const std::string file = absl::GetFlag(FLAGS_json); !file.empty()) {
    std::ofstream(file) << Json(comparisons, figures);
  }
  return 0;
}

}  // namespace
}  // namespace section55::load

int main(int argc, char** argv) {
  absl::ParseCommandLine(argc, argv);
  if (const std::string certificates = absl::GetFlag(FLAGS_echo_certificates); !certificates.empty()) {
    return section55::load::ServeEcho(certificates, static_cast<size_t>(absl::GetFlag(FLAGS_echo_bytes)));
  }
  return section55::load::Bench();
}
