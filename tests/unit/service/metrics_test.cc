#include "libs/service/metrics.h"

#include <gmock/gmock.h>
#include <httplib.h>

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
  Gauges gauges_{[this] { return followers_; }, [this] { return jobs_; }};
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
