#include "libs/service/metrics.h"

#include <gmock/gmock.h>
#include <httplib.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "absl/time/clock.h"
#include "libs/rpc/metrics.h"
#include "libs/testing/matchers.h"
#include "prometheus/text_serializer.h"

namespace section55::service {
namespace {

using section55::testing::IsOk;
using section55::testing::MessageIs;
using ::testing::HasSubstr;
using ::testing::Not;

admin::v1::FollowerStatus Follower(const std::string& source, int64_t position, int64_t head, int64_t parked) {
  admin::v1::FollowerStatus status;
  status.set_source(source);
  status.set_position(position);
  status.set_source_head_position(head);
  status.set_parked_events(parked);
  status.set_connected(true);
  return status;
}

class GaugesTest : public ::testing::Test {
 protected:
  std::string Text() const { return prometheus::TextSerializer().Serialize(gauges_.Collect()); }

  std::vector<admin::v1::FollowerStatus> followers_;
  absl::StatusOr<jobs::Queue::Counts> jobs_ = jobs::Queue::Counts{.waiting = 7, .parked = 2};
  Gauges gauges_{{.followers = [this] { return followers_; }, .jobs = [this] { return jobs_; }}};
};

TEST_F(GaugesTest, SayHowFollowersAndJobsStand) {
  followers_ = {Follower("inspection-registry", 10, 17, 0), Follower("publication", 5, 5, 3)};
  EXPECT_THAT(Text(), HasSubstr("section55_follower_lag_events{source=\"inspection-registry\"} 7\n"));
  EXPECT_THAT(Text(), HasSubstr("section55_follower_lag_events{source=\"publication\"} 0\n"));
  EXPECT_THAT(Text(), HasSubstr("section55_parked_events{source=\"publication\"} 3\n"));
  EXPECT_THAT(Text(), HasSubstr("section55_follower_connected{source=\"publication\"} 1\n"));
  EXPECT_THAT(Text(), HasSubstr("section55_follower_waits_for_newer_program{source=\"publication\"} 0\n"));
  EXPECT_THAT(Text(), HasSubstr("section55_jobs_waiting 7\n"));
  EXPECT_THAT(Text(), HasSubstr("section55_jobs_parked 2\n"));
}

TEST_F(GaugesTest, SayThatAFollowerWaitsForANewerProgram) {
  followers_ = {Follower("publication", 5, 9, 0)};
  followers_[0].set_waits_for_newer_program(true);
  EXPECT_THAT(Text(), HasSubstr("section55_follower_waits_for_newer_program{source=\"publication\"} 1\n"));
}

TEST_F(GaugesTest, SayNothingThatIsNotKnown) {
  followers_ = {Follower("publication", 5, 0, 0)};
  followers_[0].set_connected(false);
  jobs_ = absl::UnavailableError("away");
  EXPECT_THAT(Text(), Not(HasSubstr("section55_follower_lag_events{")));
  EXPECT_THAT(Text(), Not(HasSubstr("section55_jobs_waiting")));
  EXPECT_THAT(Text(), HasSubstr("section55_follower_connected{source=\"publication\"} 0\n"));
}

TEST_F(GaugesTest, SayHowTheProcessStands) {
  base::GuardedClock clock;
  Gauges gauges({.unnumbered_events = [] { return 3; },
                 .pools =
                     [] {
                       return std::vector<db::Database::PoolUse>{{"readers", 2, 8, 1}};
                     },
                 .certificate_expires = [] { return absl::Now() + absl::Hours(36); },
                 .clock = &clock});
  gauges.Add({.name = "section55_of_its_own", .help = "", .value = [] { return 5.0; }});
  gauges.Add({.name = "section55_not_known", .help = "", .value = [] { return absl::UnavailableError("away"); }});
  const std::string text = prometheus::TextSerializer().Serialize(gauges.Collect());
  for (const char* line :
       {"section55_outbox_events 3\n", "section55_database_connections_in_use{pool=\"readers\"} 2\n",
        "section55_database_connections_most{pool=\"readers\"} 8\n",
        "section55_database_connections_waited_for{pool=\"readers\"} 1\n", "section55_certificate_days_left 1.",
        "section55_clock_in_doubt 0\n", "section55_log_lines_lost_total 0\n", "section55_audit_failing 0\n",
        "section55_audit_entries_lost_total 0\n", "section55_database_errors_total{kind=\"unavailable\"} ",
        "section55_of_its_own 5\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, Not(HasSubstr("section55_not_known")));
}

TEST_F(GaugesTest, SayForHowLongAFollowerIsBehind) {
  followers_ = {Follower("publication", 5, 9, 0), Follower("inspection-registry", 5, 9, 0)};
  followers_[0].mutable_behind_for()->set_seconds(90);
  EXPECT_THAT(Text(), HasSubstr("section55_follower_lag_seconds{source=\"publication\"} 90\n"));
  EXPECT_THAT(Text(), Not(HasSubstr("section55_follower_lag_seconds{source=\"inspection-registry\"}")))
      << "another replica follows it";
}

TEST_F(GaugesTest, AreOfferedOverASocketToItsOwnerAndGroup) {
  std::string folder = std::filesystem::temp_directory_path() / "section55-metrics-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string path = folder + "/metrics.sock";
  for (int start = 0; start < 2; ++start) {  // the second time over what the first has left
    auto server = OfferMetrics("unix:" + path, gauges_);
    ASSERT_THAT(server, IsOk());
    ASSERT_THAT((*server)->Start(), IsOk());
    struct stat facts = {};
    ASSERT_EQ(stat(path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777, 0660u);
    httplib::Client client(path);
    client.set_address_family(AF_UNIX);
    const auto answer = client.Get("/metrics");
    ASSERT_TRUE(answer);
    EXPECT_THAT(answer->body, HasSubstr("section55_jobs_waiting 7"));
    EXPECT_THAT(OfferMetrics("unix:" + path, gauges_).status(), MessageIs(HasSubstr("Address already in use")));
  }
  EXPECT_THAT(OfferMetrics("unix:relative", gauges_).status(), MessageIs(HasSubstr("write unix:/PATH")));
  std::filesystem::remove_all(folder);
}

TEST_F(GaugesTest, AreOfferedWithTheRestOnLoopbackOnly) {
  rpc::CountRefusal("A_TEST");
  auto server = OfferMetrics("127.0.0.1:0", gauges_);
  ASSERT_THAT(server, IsOk());
  ASSERT_THAT((*server)->Start(), IsOk());
  httplib::Client client("127.0.0.1", (*server)->port());
  const auto answer = client.Get("/metrics");
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 200);
  EXPECT_THAT(answer->get_header_value("Content-Type"), HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(answer->body, HasSubstr("section55_rpc_refused_total{reason=\"A_TEST\"} 1"));
  EXPECT_THAT(answer->body, HasSubstr("section55_jobs_waiting 7"));
  EXPECT_EQ(client.Get("/")->status, 404);
  EXPECT_THAT(OfferMetrics("0.0.0.0:0", gauges_).status(), MessageIs(HasSubstr("not a loopback address")));
  EXPECT_THAT(OfferMetrics("127.0.0.1", gauges_).status(), MessageIs(HasSubstr("HOST:PORT")));
  EXPECT_THAT(OfferMetrics("127.0.0.1:" + std::to_string((*server)->port()), gauges_).status(),
              MessageIs(HasSubstr("cannot listen on")));
}

}  // namespace
}  // namespace section55::service
