#include "libs/rpc/metrics.h"

#include <gmock/gmock.h>
#include <prometheus/text_serializer.h>

namespace section55::rpc {
namespace {

using ::testing::HasSubstr;

TEST(MetricsTest, CountsByMethodAndCode) {
  MethodMetrics metrics("a.B/C");
  metrics.Count(absl::StatusCode::kOk, absl::Milliseconds(3));
  metrics.Count(absl::StatusCode::kOk, absl::Milliseconds(3));
  metrics.Count(absl::StatusCode::kNotFound, absl::Milliseconds(3));
  const std::string text = prometheus::TextSerializer().Serialize(Metrics()->Collect());
  EXPECT_THAT(text, HasSubstr("section55_rpc_calls_total{code=\"OK\",method=\"a.B/C\"} 2"));
  EXPECT_THAT(text, HasSubstr("section55_rpc_calls_total{code=\"NOT_FOUND\",method=\"a.B/C\"} 1"));
  EXPECT_THAT(text, HasSubstr("section55_rpc_seconds_count{method=\"a.B/C\"} 3"));
  EXPECT_THAT(text, HasSubstr("section55_rpc_seconds_bucket{method=\"a.B/C\",le=\"0.0025\"} 0"));
  EXPECT_THAT(text, HasSubstr("section55_rpc_seconds_bucket{method=\"a.B/C\",le=\"0.005\"} 3"));
}

TEST(MetricsTest, InFlightGoesUpAndDown) {
  const auto in_flight = [] { return prometheus::TextSerializer().Serialize(Metrics()->Collect()); };
  {
    const InFlight one;
    EXPECT_THAT(in_flight(), HasSubstr("section55_rpc_calls_in_flight 1"));
  }
  EXPECT_THAT(in_flight(), HasSubstr("section55_rpc_calls_in_flight 0"));
}

TEST(MetricsTest, CountsRefusalsByReason) {
  CountRefusal("TEST_REASON");
  CountRefusal("TEST_REASON");
  EXPECT_THAT(prometheus::TextSerializer().Serialize(Metrics()->Collect()),
              HasSubstr("section55_rpc_refused_total{reason=\"TEST_REASON\"} 2"));
}

}  // namespace
}  // namespace section55::rpc
